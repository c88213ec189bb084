"""Taking a source of usage records into the store, batch by batch.

Every batch is one transaction, so a killed import, run again, ends in the same state: what was taken is a duplicate
then. Bad lines go to quarantine beside the good ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tokentill.canonical import Content
from tokentill.clock import Clock
from tokentill.store.database import Database
from tokentill.store.usage_rows import Bad, Counts, store_batch
from tokentill.usage.ids import looks_personal
from tokentill.usage.reading import Quarantined
from tokentill.usage.record import UsageRecord

BATCH_RECORDS_MAX = 10_000
SHOWN_MAX = 100
"""Bad lines and flagged users that a result names; all of them are counted, and stored in the database."""

Progress = Callable[[Counts], None]


@dataclass(slots=True)
class Ingested:
    """What became of one source. `bad` and `personal` name the first of each."""

    name: str
    format: str | None = None
    counts: Counts = field(default_factory=Counts)
    bad: list[Bad] = field(default_factory=list)
    personal: dict[str, str] = field(default_factory=dict)
    personal_count: int = 0

    def content(self) -> Content:
        """What `ingest --json` prints for each file."""
        return {
            "file": self.name,
            "format": self.format,
            **counts_content(self.counts),
            "problems": [{"line": bad.line, "reason": bad.reason, "record_id": bad.record_id} for bad in self.bad],
            "personal_data": [{"user": user, "looks_like": what} for user, what in sorted(self.personal.items())],
        }


def counts_content(counts: Counts) -> Content:
    """Counts as they are printed; the parts add up to `read`."""
    return {
        "read": counts.read,
        "accepted": counts.accepted,
        "duplicates": counts.duplicates,
        "revisions": counts.revisions,
        "quarantined": counts.quarantined,
    }


def ingest(
    database: Database,
    items: Iterable[UsageRecord | Quarantined],
    *,
    name: str,
    clock: Clock,
    progress: Progress | None = None,
) -> Ingested:
    """Store records and quarantine bad lines, in batches of at most `BATCH_RECORDS_MAX`."""
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

    for item in items:
        if isinstance(item, Quarantined):
            # An instant that has not come yet is a mistake; a line that names one belongs to no period for sure.
            told = None if item.occurred_at is None or item.occurred_at > clock.now() else item.occurred_at
            found = Bad(name, item.line, item.reason, item.record_id, item.raw, item.digest, told)
            bad.append(found)
            if len(ingested.bad) < SHOWN_MAX:
                ingested.bad.append(found)
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


def _flag(ingested: Ingested, user: str | None) -> None:
    looks_like = None if user is None else looks_personal(user)
    if user is None or looks_like is None:
        return
    ingested.personal_count += 1
    if len(ingested.personal) < SHOWN_MAX:
        ingested.personal[user] = looks_like
