"""Taking a source of usage records into the store, batch by batch.

Every batch is one transaction, so a killed import, run again, ends in the same state: what was taken is a duplicate
then. Bad lines go to quarantine beside the good ones.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from tokentill.canonical import Content, fields_of, form_of
from tokentill.clock import Clock
from tokentill.errors import InvalidRecord
from tokentill.invoicing.periods import Month
from tokentill.sources.blocks import Block, Quarantined, gathered
from tokentill.sources.cut_short import CutShort
from tokentill.sources.gateways.canonical_form import CANONICAL
from tokentill.sources.kept_lines import KeptLine
from tokentill.sources.reading import Reading, RecordCheck, excerpt
from tokentill.store.batches import Bad, Counts, store_batch
from tokentill.store.database import Transactions, current_value, hold_counter
from tokentill.store.import_findings import closed_segments, ids_of_other_sources, usage_in_segments
from tokentill.store.imports import import_going_on
from tokentill.store.usage_inserts import KnownSeries
from tokentill.usage.bounds import DEFAULT_BOUNDS, Bounds
from tokentill.usage.columns import SeriesNumbers, UsageColumns
from tokentill.usage.ids import looks_personal
from tokentill.usage.record import UsageRecord

BATCH_RECORDS_MAX = 200_000
BAD_LINES_MAX = 10_000
"""A batch ends with so many bad lines, which are kept whole."""

SHOWN_MAX = 100
"""Bad lines and flagged users that a result names; all of them are counted, and stored in the database."""

IngestProgress = Callable[[Counts], None]


@dataclass(slots=True)
class Ingested:
    """What became of one source. `bad` and `personal` name the first of each.

    `number` is that of the import, None when nothing came of it; a source that begins as one of its name did before is
    that import, run again. `incomplete` says that the input is not all there is. `ids` counts the ids of each source,
    and `ids_elsewhere`, by source and other source, those that the other one has, too. `in_closed` counts new records
    that lie in a period that was closed. `is_staged` says that nothing was taken in: all this is what would be.
    """

    name: str
    format: str | None = None
    number: int | None = None
    counts: Counts = field(default_factory=Counts)
    bad: list[Bad] = field(default_factory=list)
    personal: dict[str, str] = field(default_factory=dict)
    personal_count: int = 0
    incomplete: CutShort | None = None
    ids: Counter[str] = field(default_factory=Counter)
    ids_elsewhere: Counter[tuple[str, str]] = field(default_factory=Counter)
    in_closed: Counter[Month] = field(default_factory=Counter)
    is_staged: bool = False

    @property
    def is_all_quarantined(self) -> bool:
        """Whether something was read, and nothing of it is a usage record."""
        return 0 < self.counts.read == self.counts.quarantined

    def content(self) -> Content:
        """What `ingest --json` prints for each file."""
        return {
            "file": self.name,
            "format": self.format,
            "import": self.number,
            "staged": self.is_staged,
            **counts_content(self.counts),
            "problems": [fields_of(bad, "line", "reason", "record_id") for bad in self.bad],
            "personal_data": [
                {"user": user, "looks_like": looks_like} for user, looks_like in sorted(self.personal.items())
            ],
            "incomplete": form_of(self.incomplete),
            "ids_of_other_sources": [
                {"source": source, "other_source": other, "records": records, "of": self.ids[source]}
                for (source, other), records in sorted(self.ids_elsewhere.items())
            ],
            "in_closed_periods": [
                {"period": str(month), "records": records} for month, records in sorted(self.in_closed.items())
            ],
        }


def counts_content(counts: Counts) -> Content:
    """Counts as they are printed; the parts add up to `read`."""
    return fields_of(counts, "read", "accepted", "duplicates", "revisions", "quarantined")


def ingest(
    database: Transactions,
    items: Reading | Iterable[UsageRecord | Quarantined],
    *,
    name: str,
    clock: Clock,
    bounds: Bounds = DEFAULT_BOUNDS,
    progress: IngestProgress | None = None,
    number: int | None = None,
) -> Ingested:
    """Store records and quarantine bad lines, in batches of at most `BATCH_RECORDS_MAX`.

    A record of an instant that is out of `bounds` is a bad line, too.

    Args:
        number: of the import, where it has one already.
    """
    name = name.encode("utf-8", "backslashreplace").decode()  # the name of a file need not be text
    ingested = Ingested(name, number=number)
    with database.on_one_connection() as transactions, _collector_held_off():
        batches = _Batches(transactions, clock, ingested, progress)
        for block in checked_blocks(items, name, clock, bounds):
            batches.add(block)
        batches.store()
    if isinstance(items, Reading):
        ingested.incomplete = items.incomplete
    return ingested


class _Batches:
    """Gathers blocks to batches, and stores them."""

    def __init__(
        self, transactions: Transactions, clock: Clock, ingested: Ingested, progress: IngestProgress | None
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._ingested = ingested
        self._progress = progress
        self._is_numbered = ingested.number is not None
        self._users: set[str | None] = set()
        self._begin(SeriesNumbers())

    def _begin(self, names: SeriesNumbers) -> None:
        self._known = KnownSeries(names)
        self._held = Block(UsageColumns(names))

    def add(self, block: Block) -> None:
        """Put a block behind what is held, and store as much as makes a batch."""
        if block.columns.names is not self._known.names:
            self.store()
            self._begin(block.columns.names)
        while len(self._held) + len(block) >= BATCH_RECORDS_MAX:
            part, block = block.cut(BATCH_RECORDS_MAX - len(self._held))
            self._held.extend(part)
            self.store()
        self._held.extend(block)
        if len(self._held.bad) >= BAD_LINES_MAX:
            self.store()

    def store(self) -> None:
        """Store what is held, as one batch."""
        if not len(self._held):
            return
        columns, ingested = self._held.columns, self._ingested
        bad = [_bad(ingested.name, item) for item in self._held.bad]
        ingested.bad += bad[: SHOWN_MAX - len(ingested.bad)]
        self._flag_users()
        with self._transactions.write() as connection:
            hold_counter(connection, "batch")
            seq_before = current_value(connection, "batch")
            if not self._is_numbered and not ingested.counts.read:
                first = columns.identity(0) if columns else None
                ingested.number = import_going_on(connection, ingested.name, first, next(iter(bad), None))
            counts = store_batch(
                connection,
                columns,
                bad,
                label=ingested.name,
                at=self._clock.now(),
                part_of=ingested.number,
                known=self._known,
            )
            seq = current_value(connection, "batch")
        if seq > seq_before and ingested.number is None:
            ingested.number = seq
        ingested.counts = ingested.counts.plus(counts)
        with self._transactions.read() as connection:
            _look_at(connection, ingested, columns, seq_before, seq)
        self._held = Block(UsageColumns(self._known.names))
        gc.collect(0)
        if self._progress is not None:
            self._progress(ingested.counts)

    def _flag_users(self) -> None:
        """Look at the users that are met first."""
        for number in dict.fromkeys(self._held.columns.series):
            user = self._known.names.keys[number][1]
            if user not in self._users:
                self._users.add(user)
                _flag(self._ingested, user)


def _bad(name: str, item: Quarantined) -> Bad:
    return Bad(name, item.line, item.reason, item.record_id, item.raw, item.digest, item.occurred_at, item.kept)


@contextmanager
def _collector_held_off() -> Iterator[None]:
    """Without the cyclic garbage collector, which would go over a batch of records again and again while it grows, and
    find nothing. What asked for it last turns it on again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _look_at(connection: Connection, ingested: Ingested, columns: UsageColumns, seq_before: int, seq: int) -> None:
    """Count what is odd about a batch. Of the closed periods only what is new: what was there was looked at before."""
    for source, of_source in columns.ids_by_source().items():
        ingested.ids[source] += len(of_source)
        for other, count in ids_of_other_sources(connection, source, of_source).items():
            ingested.ids_elsewhere[source, other] += count
    if seq > seq_before:
        ingested.in_closed += usage_in_segments(connection, closed_segments(connection), seq_before, seq)


def checked_blocks(
    items: Reading | Iterable[UsageRecord | Quarantined], name: str, clock: Clock, bounds: Bounds
) -> Iterator[Block]:
    """`checked_lines` in blocks."""

    def check(record: UsageRecord) -> None:
        bounds.check(record.occurred_at, clock.now())

    if not isinstance(items, Reading):
        yield from gathered(checked_lines(items, name, clock, bounds))
        return
    for block in items.blocks(check, lambda: bounds.in_micros(clock.now())):
        block.bad = [_dated(item, bounds, clock) for item in block.bad]
        yield block


def checked_lines(
    items: Reading | Iterable[UsageRecord | Quarantined], name: str, clock: Clock, bounds: Bounds
) -> Iterator[UsageRecord | Quarantined]:
    """What is given, with a bad line for every record of an instant that is out of bounds."""

    def check(record: UsageRecord) -> None:
        bounds.check(record.occurred_at, clock.now())

    for item in items.items(check) if isinstance(items, Reading) else _checked(items, name, check):
        yield _dated(item, bounds, clock) if isinstance(item, Quarantined) else item


def _dated(item: Quarantined, bounds: Bounds, clock: Clock) -> Quarantined:
    """A bad line as it is kept. An instant that is out of bounds is a mistake, and says nothing."""
    try:
        if item.occurred_at is not None:
            bounds.check(item.occurred_at, clock.now())
    except InvalidRecord:
        return replace(item, occurred_at=None)
    return item


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
