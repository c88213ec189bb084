"""Taking a source of usage records into the store, batch by batch.

Every batch is one transaction, so a killed import, run again, ends in the same state: what was taken is a duplicate
then. Bad lines go to quarantine beside the good ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from tokentill.canonical import Content, fields_of
from tokentill.clock import Clock
from tokentill.errors import InvalidRecord
from tokentill.sources.gateways.canonical_form import CANONICAL
from tokentill.sources.kept_lines import KeptLine
from tokentill.sources.reading import Quarantined, Reading, RecordCheck, excerpt
from tokentill.store.database import Database
from tokentill.store.usage_rows import Bad, Counts, store_batch
from tokentill.usage.bounds import DEFAULT_BOUNDS, Bounds
from tokentill.usage.ids import looks_personal
from tokentill.usage.record import UsageRecord

BATCH_RECORDS_MAX = 10_000
SHOWN_MAX = 100
"""Bad lines and flagged users that a result names; all of them are counted, and stored in the database."""

IngestProgress = Callable[[Counts], None]


@dataclass(slots=True)
class Ingested:
    """What became of one source. `bad` and `personal` name the first of each."""

    name: str
    format: str | None = None
    counts: Counts = field(default_factory=Counts)
    bad: list[Bad] = field(default_factory=list)
    personal: dict[str, str] = field(default_factory=dict)
    personal_count: int = 0

    @property
    def is_all_quarantined(self) -> bool:
        """Whether something was read, and nothing of it is a usage record."""
        return 0 < self.counts.read == self.counts.quarantined

    def content(self) -> Content:
        """What `ingest --json` prints for each file."""
        return {
            "file": self.name,
            "format": self.format,
            **counts_content(self.counts),
            "problems": [fields_of(bad, "line", "reason", "record_id") for bad in self.bad],
            "personal_data": [
                {"user": user, "looks_like": looks_like} for user, looks_like in sorted(self.personal.items())
            ],
        }


def counts_content(counts: Counts) -> Content:
    """Counts as they are printed; the parts add up to `read`."""
    return fields_of(counts, "read", "accepted", "duplicates", "revisions", "quarantined")


def ingest(
    database: Database,
    items: Reading | Iterable[UsageRecord | Quarantined],
    *,
    name: str,
    clock: Clock,
    bounds: Bounds = DEFAULT_BOUNDS,
    progress: IngestProgress | None = None,
) -> Ingested:
    """Store records and quarantine bad lines, in batches of at most `BATCH_RECORDS_MAX`.

    A record of an instant that is out of `bounds` is a bad line, too.
    """
    name = name.encode("utf-8", "backslashreplace").decode()  # the name of a file need not be text
    ingested = Ingested(name)
    users: set[str | None] = set()
    records: list[UsageRecord] = []
    bad: list[Bad] = []

    def store() -> None:
        with database.write() as connection:
            counts = store_batch(connection, records, bad, label=name, at=clock.now())
        ingested.counts = ingested.counts.plus(counts)
        records.clear()
        bad.clear()
        if progress is not None:
            progress(ingested.counts)

    def check(record: UsageRecord) -> None:
        bounds.check(record.occurred_at, clock.now())

    for item in items.items(check) if isinstance(items, Reading) else _checked(items, name, check):
        if isinstance(item, Quarantined):
            at = item.occurred_at if _is_within(bounds, item.occurred_at, clock) else None
            bad_line = Bad(name, item.line, item.reason, item.record_id, item.raw, item.digest, at, item.kept)
            bad.append(bad_line)
            if len(ingested.bad) < SHOWN_MAX:
                ingested.bad.append(bad_line)
        else:
            records.append(item)
            if item.user not in users:
                users.add(item.user)
                _flag(ingested, item.user)
        if len(records) + len(bad) >= BATCH_RECORDS_MAX:
            store()
    if records or bad:
        store()
    return ingested


def _is_within(bounds: Bounds, at: datetime | None, clock: Clock) -> bool:
    """Whether a bad line says when it was. An instant that is out of bounds is a mistake, and says nothing."""
    try:
        if at is not None:
            bounds.check(at, clock.now())
    except InvalidRecord:
        return False
    return True


def _checked(
    items: Iterable[UsageRecord | Quarantined], name: str, check: RecordCheck
) -> Iterator[UsageRecord | Quarantined]:
    """What is given one by one, counted from 1, with a bad line for every record that the check refuses."""
    for number, item in enumerate(items, 1):
        if isinstance(item, UsageRecord):
            try:
                check(item)
            except InvalidRecord as error:
                raw = item.content_bytes()
                kept = KeptLine.of(raw, format_=CANONICAL.name)
                yield Quarantined(
                    name, number, str(error), item.record_id, excerpt(raw), item.digest, item.occurred_at, kept
                )
                continue
        yield item


def _flag(ingested: Ingested, user: str | None) -> None:
    looks_like = None if user is None else looks_personal(user)
    if user is None or looks_like is None:
        return
    ingested.personal_count += 1
    if len(ingested.personal) < SHOWN_MAX:
        ingested.personal[user] = looks_like
