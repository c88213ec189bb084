"""Taking a source of usage records into the store, batch by batch.

Every batch is one transaction, so a killed import, run again, ends in the same state: what was taken is a duplicate
then. Bad lines go to quarantine beside the good ones.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event
from typing import Any

from sqlalchemy import Connection

from tokentill.canonical import Content, fields_of, form_of
from tokentill.clock import Clock
from tokentill.closing.collector import collector_held_off
from tokentill.errors import InvalidRecord
from tokentill.invoicing.periods import Month
from tokentill.sources.blocks import Block, Quarantined, gathered
from tokentill.sources.cut_short import CutShort
from tokentill.sources.gateways.canonical_form import CANONICAL
from tokentill.sources.kept_lines import KeptLine
from tokentill.sources.line_readers import SourcesLookedAt
from tokentill.sources.reading import LeftAlone, Reading, RecordCheck, excerpt
from tokentill.sources.redaction import redacted
from tokentill.sources.source_settings import NO_SOURCES, SourceSettings
from tokentill.store.database import Transactions, current_value, hold_counter
from tokentill.store.intake.batches import Bad, Counts, store_batch
from tokentill.store.intake.control_totals import store_totals
from tokentill.store.intake.import_findings import closed_segments, ids_of_other_sources, usage_in_segments
from tokentill.store.intake.imports import import_going_on
from tokentill.store.usage.usage_inserts import KnownSeries
from tokentill.usage.bounds import DEFAULT_BOUNDS, Bounds
from tokentill.usage.columns import SeriesNumbers, UsageColumns
from tokentill.usage.control_totals import TYPED_IN, ControlTotal, Reported
from tokentill.usage.ids import looks_personal
from tokentill.usage.privacy import DEFAULT_PRIVACY, Privacy
from tokentill.usage.record import UsageRecord
from tokentill.usage.reporters import DEFAULT_REPORTING, Reporting

BATCH_RECORDS_MAX = 200_000
BATCH_RECORDS_FIRST = 20_000
BATCHES_GROW = 4
"""The first batch is smaller: nothing is stored before it is there. While one is stored, so many times as many records
can be read, up to as many as a batch may have.
"""

OTHERS_MAX = 10_000
"""A batch ends with so many bad lines and control totals, which are kept whole."""

OBJECTS_MAX = 50_000
"""How many records are taken together where each is an object."""

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
            **fields_of(self.counts, "replaced", "witnesses"),
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
    return {
        **fields_of(counts, "read", "accepted", "duplicates", "revisions", "quarantined"),
        "control_totals": counts.totals,
        "control_totals_revised": counts.totals_revised,
        "control_totals_known": counts.totals_known,
    }


def ingest(
    database: Transactions,
    items: Reading | Iterable[Reported | Quarantined],
    *,
    name: str,
    clock: Clock,
    bounds: Bounds = DEFAULT_BOUNDS,
    privacy: Privacy = DEFAULT_PRIVACY,
    progress: IngestProgress | None = None,
    number: int | None = None,
    sources: Mapping[str, SourceSettings] = NO_SOURCES,
    reporting: Reporting = DEFAULT_REPORTING,
) -> Ingested:
    """Store records and control totals and quarantine bad lines, in batches of at most `BATCH_RECORDS_MAX`.

    What is of an instant that is out of `bounds` is a bad line, too.

    Args:
        privacy: what becomes of user ids.
        number: of the import, where it has one already.
        sources: what is declared of the sources of records, by name.
        reporting: who tells of the records.

    Raises:
        InvalidCall: when a source does not have the reporter.
    """
    name = name.encode("utf-8", "backslashreplace").decode()  # the name of a file need not be text
    ingested = Ingested(name, number=number)
    with database.on_one_connection() as transactions, collector_held_off(), ThreadPoolExecutor(1) as thread:
        beside = thread if isinstance(items, Reading) else None  # what else brings items may be in a transaction itself
        batches = _Batches(transactions, clock, ingested, privacy, reporting, progress, beside)
        for block in _blocks(items, name, clock, bounds, sources, privacy):
            batches.add(block)
        batches.finish()
    if isinstance(items, Reading):
        ingested.incomplete = items.incomplete
    return ingested


class _Batches:
    """Gathers blocks to batches, and stores them: each in a thread beside this one, if there is one, while the next is
    gathered.
    """

    def __init__(
        self,
        transactions: Transactions,
        clock: Clock,
        ingested: Ingested,
        privacy: Privacy,
        reporting: Reporting,
        progress: IngestProgress | None,
        beside: ThreadPoolExecutor | None,
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._ingested = ingested
        self._privacy = privacy
        self._reporting = reporting
        self._progress = progress
        self._beside = beside
        self._storing: Future[None] | None = None
        self._users: set[str | None] = set()
        self._size = min(BATCH_RECORDS_FIRST, BATCH_RECORDS_MAX)
        self._begin(SeriesNumbers())

    def _begin(self, names: SeriesNumbers) -> None:
        self._known = KnownSeries(names)
        self._held = Block(UsageColumns(names))

    def add(self, block: Block) -> None:
        """Put a block behind what is held, and store as much as makes a batch."""
        if self._storing is not None and self._storing.done():
            self._stored()
        if block.columns.names is not self._known.names:
            self._store()
            self._begin(block.columns.names)
        while len(self._held) + len(block) >= self._size:
            part, block = block.cut(self._size - len(self._held))
            self._held.extend(part)
            self._store()
        self._held.extend(block)
        if len(self._held.others) >= OTHERS_MAX:
            self._store()

    def finish(self) -> None:
        """Store what is held, and wait until all is stored."""
        self._store()
        self._stored()

    def _store(self) -> None:
        """Store what is held, as one batch, when the one before it is stored."""
        held = self._held
        if not len(held):
            return
        self._held = Block(UsageColumns(self._known.names))
        self._size = min(self._size * BATCHES_GROW, BATCH_RECORDS_MAX)
        bad = [_bad(self._ingested.name, item) for item in held.bad]
        self._ingested.bad += bad[: SHOWN_MAX - len(self._ingested.bad)]
        self._flag_users(held.columns)
        for source, own in held.columns.in_order().items():
            self._ingested.ids[source] += sum(own.are_first())
        self._stored()
        may_go_on = Event()
        if self._beside is None:
            self._put_in(held, bad, self._known, may_go_on)
            self._tell()
            return
        self._storing = self._beside.submit(self._put_in, held, bad, self._known, may_go_on)
        self._storing.add_done_callback(lambda _: may_go_on.set())
        may_go_on.wait()

    def _stored(self) -> None:
        """Wait until the batch before is stored."""
        if self._storing is not None:
            self._storing.result()
            self._storing = None
            self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._ingested.counts)

    def _put_in(self, held: Block, bad: list[Bad], known: KnownSeries, may_go_on: Event) -> None:
        """Store a batch. `may_go_on` is set when another thread is not in the way: SQLite runs in this process, and
        would wait for it at each row that goes in.
        """
        columns, totals, ingested = held.columns, held.totals, self._ingested
        with self._transactions.write() as connection:
            if connection.dialect.name != "sqlite":
                may_go_on.set()
            hold_counter(connection, "batch")
            seq_before = current_value(connection, "batch")
            if ingested.number is None:
                records = map(columns.identity, range(len(columns)))
                ingested.number = import_going_on(connection, ingested.name, records, totals, bad)
            said: dict[str, Any] = {"label": ingested.name, "at": self._clock.now(), "part_of": ingested.number}
            how: dict[str, Any] = {"reporting": self._reporting, "known": known, "rows_are_in": may_go_on.set}
            counts = store_batch(connection, columns, bad, **how, **said)
            seq = current_value(connection, "batch")
            counts = counts.plus(store_totals(connection, totals, seq=seq if seq > seq_before else None, **said))
            seq = current_value(connection, "batch")
        if seq > seq_before and ingested.number is None:
            ingested.number = seq
        ingested.counts = ingested.counts.plus(counts)
        with self._transactions.read() as connection:
            _look_at(connection, ingested, columns, seq_before, seq)
        gc.collect(0)

    def _flag_users(self, columns: UsageColumns) -> None:
        """Look at the users that are met first."""
        for number in dict.fromkeys(columns.series):
            source, user, *_ = self._known.names.keys[number]
            if user not in self._users and self._privacy.policy_of(source) == "warn":
                self._users.add(user)
                _flag(self._ingested, user)


def _bad(name: str, item: Quarantined) -> Bad:
    return Bad(name, item.line, item.reason, item.record_id, item.raw, item.digest, item.occurred_at, item.kept)


def _look_at(connection: Connection, ingested: Ingested, columns: UsageColumns, seq_before: int, seq: int) -> None:
    """Count what is odd about a batch. Of the closed periods only what is new: what was there was looked at before."""
    for source, own in columns.in_order().items():
        for other, count in ids_of_other_sources(connection, source, own.record_ids).items():
            ingested.ids_elsewhere[source, other] += count
    if seq > seq_before:
        ingested.in_closed += usage_in_segments(connection, closed_segments(connection), seq_before, seq)


def _blocks(
    items: Reading | Iterable[Reported | Quarantined],
    name: str,
    clock: Clock,
    bounds: Bounds,
    sources: Mapping[str, SourceSettings],
    privacy: Privacy,
) -> Iterator[Block]:
    """`checked_lines` in blocks."""
    if not isinstance(items, Reading):
        yield from gathered(checked_lines(items, name, clock, bounds, sources, privacy))
        return
    kept = _Kept(name, clock, bounds, sources, privacy)
    for block in items.blocks(kept.reported, LeftAlone(kept.within, kept.looked_at)):
        block.others = [kept.other(one, items.source) for one in block.others]
        yield block


def checked_lines(
    items: Reading | Iterable[Reported | Quarantined],
    name: str,
    clock: Clock,
    bounds: Bounds,
    sources: Mapping[str, SourceSettings] = NO_SOURCES,
    privacy: Privacy = DEFAULT_PRIVACY,
) -> Iterator[Reported | Quarantined]:
    """What is given, as it is kept: with a bad line for all that is of an instant out of bounds, that its source's
    privacy policy does not take, and for a total that contradicts one before it; each record with what is declared of
    its source, and with its user as that policy has it.
    """
    kept = _Kept(name, clock, bounds, sources, privacy)
    read = items.items(kept.reported) if isinstance(items, Reading) else _checked(items, name, kept.reported)
    for item in read:
        yield item if isinstance(item, UsageRecord) else kept.other(item, _source_of(items))


def _source_of(items: object) -> str | None:
    """The source of every line, where it is known."""
    return items.source if isinstance(items, Reading) else None


class _Kept:
    """What becomes of what one input holds. `looked_at` are the sources whose records may be changed, or refused for
    more than their instant.
    """

    def __init__(
        self, name: str, clock: Clock, bounds: Bounds, sources: Mapping[str, SourceSettings], privacy: Privacy
    ) -> None:
        self._name, self._clock, self._bounds, self._sources, self._privacy = name, clock, bounds, sources, privacy
        self._figures: dict[bytes, bytes] = {}
        changed = {source for source, declared in sources.items() if declared.changes_records}
        named = {source: source in changed or privacy.protects(source) for source in (*privacy.of_source, *sources)}
        self.looked_at = SourcesLookedAt(named, others=privacy.protects_others)

    def within(self) -> tuple[int, int]:
        """The first and the last instant of what is taken, in microseconds since 1970."""
        return self._bounds.in_micros(self._clock.now())

    def reported(self, item: Reported) -> Reported:
        """A record or control total as it is kept.

        Raises:
            InvalidRecord: when it is not to be taken.
        """
        self._bounds.check(item.occurred_at, self._clock.now())
        if not isinstance(item, UsageRecord):
            if self._figures.setdefault(item.cell, item.digest) != item.digest:
                raise InvalidRecord("an earlier line states other figures for the same total")
            return item
        if not self.looked_at(item.source):
            return item
        self._privacy.check(item)
        declared = self._sources.get(item.source)
        return self._privacy.applied(item if declared is None else declared.of_record(item))

    def other(self, item: Quarantined | ControlTotal, source: str | None) -> Quarantined | ControlTotal:
        """A bad line as it is kept. One of an instant out of bounds is a mistake, and says nothing of when it was."""
        if not isinstance(item, Quarantined):
            return item
        if not _is_within(self._bounds, item.occurred_at, self._clock):
            item = replace(item, occurred_at=None)
        return redacted(item) if self._privacy.protects(source) else item


def _is_within(bounds: Bounds, at: datetime | None, clock: Clock) -> bool:
    """Whether a bad line says when it was. An instant that is out of bounds is a mistake, and says nothing."""
    try:
        if at is not None:
            bounds.check(at, clock.now())
    except InvalidRecord:
        return False
    return True


def _checked(
    items: Iterable[Reported | Quarantined], name: str, check: RecordCheck
) -> Iterator[Reported | Quarantined]:
    """What is given one by one, counted from 1, with a bad line for every record that the check refuses."""
    for number, item in enumerate(items, 1):
        if isinstance(item, Quarantined):
            yield item
            continue
        try:
            yield check(item)
        except InvalidRecord as error:
            raw = item.content_bytes()
            is_record = isinstance(item, UsageRecord)
            line = KeptLine.of(raw, format_=CANONICAL.name if is_record else TYPED_IN)
            id_ = item.record_id if isinstance(item, UsageRecord) else None
            yield Quarantined(name, number, str(error), id_, excerpt(raw), item.digest, item.occurred_at, line)


def _flag(ingested: Ingested, user: str | None) -> None:
    looks_like = None if user is None else looks_personal(user)
    if user is None or looks_like is None:
        return
    ingested.personal_count += 1
    if len(ingested.personal) < SHOWN_MAX:
        ingested.personal[user] = looks_like
