"""Lets a world happen: its events in order of time, then the end, when everything is closed that is due.

What is found out meanwhile is kept in a `History`, which the law of `conservation` is held against: every document
with the records that `explain` gives for it at the end (of a void one: right before), and what was known when.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import event as database_event
from sqlalchemy import select

from tests.builders import MovableClock, folder
from tests.closing.worlds import Bound, Closed, Event, Failure, Reviewed, Used, Voided, World, Wrote
from tokentill.canonical import Content
from tokentill.closing.closed import Closed as CloseResult
from tokentill.errors import NotFound, Refused
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.issued.invoices import IssuedInvoice
from tokentill.till import Till
from tokentill.usage.record import UsageRecord

PASSES_MAX = 8
"""How often all months are closed at the end; a customer with a late anchor and a held one need a few."""


class Broken(AssertionError):
    """A law does not hold. `law` names it, so that a smaller story can be held to the same one."""

    def __init__(self, law: str, what: str, records: Sequence[str] = ()) -> None:
        super().__init__(f"{law}: {what}")
        self.law = law
        self.records = tuple(records)


class Stopped(BaseException):
    """What ends a close in the middle, as a kill would."""


@dataclass(frozen=True, slots=True)
class RecordOnLine:
    """One record of a document: whose it is there, and its exact amount."""

    record_id: str
    member: str
    rule: str | None
    amount: Fraction


Chain = tuple[str, str, str]
"""A customer's period in one currency: what its documents and corrections have in common."""
ExplainedLine = tuple[Content, tuple[RecordOnLine, ...]]
"""A line as it is stored, and its records."""


@dataclass(frozen=True, slots=True)
class Document:
    """An issued document. `pinned_at` is when its run looked at what was known. `covers` is which records it says it
    covers, and as whose usage: of its own period, and of each that it corrects.
    """

    number: str
    customer: str
    month: str
    kind: str
    currency: str
    is_live: bool
    pinned_at: datetime
    content: Content
    lines: tuple[ExplainedLine, ...]
    covers: Mapping[Chain, Mapping[str, str]] = field(default_factory=dict)

    @property
    def chain(self) -> Chain:
        """What a document and its later ones have in common."""
        return self.customer, self.month, self.currency

    @property
    def starts_at(self) -> datetime:
        """Where the payer's period begins."""
        return datetime.fromisoformat(self.content["period_start"])

    @property
    def ends_at(self) -> datetime:
        """Where the payer's period ends."""
        return datetime.fromisoformat(self.content["period_end"])

    @property
    def records(self) -> dict[str, RecordOnLine]:
        """The records of its own lines by id."""
        return {found.record_id: found for _, records in self.lines for found in records}

    def told(self) -> str:
        listed = ", ".join(
            f"{found.record_id} ({found.member})" if found.member != self.customer else found.record_id
            for found in sorted(self.records.values(), key=lambda found: found.record_id)
        )
        state = "" if self.is_live else ", void"
        return (
            f"{self.number} {self.customer} {self.month} {self.kind}{state}"
            f" [{self.starts_at:%m-%d %H:%M} .. {self.ends_at:%m-%d %H:%M}) {self.content['total']} {self.currency}"
            f" pinned {self.pinned_at:%m-%d %H:%M}: {listed or 'no records'}"
        )


@dataclass(slots=True)
class History:
    """What happened in a world, and what was there at its end."""

    world: World
    arrived: dict[str, Used] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    late: dict[str, tuple[str, str]] = field(default_factory=dict)
    late_counted: dict[tuple[str, str], int] = field(default_factory=dict)
    fired: Counter[str] = field(default_factory=Counter)
    accounts: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)

    @property
    def has_corrections(self) -> bool:
        """Whether some document corrects a period."""
        return any(
            one.kind == "credit-note" or any(line["kind"] == "adjustment" for line, _ in one.lines)
            for one in self.documents.values()
        )

    @property
    def live(self) -> list[Document]:
        """The documents that are not void, in the order of their numbers."""
        return [document for document in self.documents.values() if document.is_live]

    def written(self, at: datetime) -> list[Content]:
        """The recordings that were there at an instant."""
        return [event.content for event in self.world.events if isinstance(event, Wrote) and event.at <= at]

    def bound(self, at: datetime) -> list[Bound]:
        """The bindings that were there at an instant, in the order in which they were made."""
        return [event for event in self.world.events if isinstance(event, Bound) and event.at <= at]


class WorldRun:
    """One world on one database."""

    def __init__(self, world: World, database: Database) -> None:
        self.history = History(world)
        self._world, self._database = world, database
        self._clock = MovableClock(world.events[0].at if world.events else world.ends_at)
        self._waiting: list[UsageRecord] = []
        self._held: set[tuple[str, str]] = set()
        self._was_closed = False
        self._before_void: dict[str, tuple[ExplainedLine, ...]] = {}
        self._contents: list[Content] = []
        self._till = self.new_till()
        if database.is_sqlite:
            database_event.listen(database.engine, "connect", _do_not_wait_for_the_disk)

    def live_through(self) -> History:
        """Let everything happen, then close everything.

        Raises:
            Broken: when something is wrong on the way.
        """
        for event in self._world.events:
            if not isinstance(event, Used):
                self._take_in()
            self._clock.instant = event.at
            self._happen(event)
        self._take_in()
        self._end()
        return self.history

    def look(self) -> None:
        """Look at the documents that there are."""
        for found in self._till.invoices():
            self.history.documents[found.number] = self._document(found)

    def _happen(self, event: Event) -> None:
        match event:
            case Used():
                self._waiting.append(event.record)
                self.history.arrived[event.record.record_id] = event
                self._count("record")
            case Wrote():
                self._contents.append(event.content)
                self._till = self.new_till()
                for why in event.why:
                    self._count(why)
                    if self._was_closed and why.endswith(("moves", "changes", "change")):
                        self._count(f"{why} after a close")
            case Bound():
                bound = self._till.bind([(event.user, event.customer, event.valid_from, None)])
                self._count("binding", len(bound))
                if event.valid_from < event.at:
                    self._count("backdated binding", len(bound))
            case Closed():
                self._close(event)
            case Reviewed():
                self._review(event)
            case Voided():
                self._void(event)

    def _take_in(self) -> None:
        """Records that came one after another are one batch, taken in when the last of them arrived."""
        if self._waiting:
            counts = self._till.ingest(self._waiting).counts
            assert counts.accepted == len(self._waiting), counts
            self._waiting.clear()

    def _close(self, event: Closed) -> None:
        before = len(self._numbers())
        kind = "close" if event.interim is False else "interim by name" if event.interim is not True else "threshold"
        try:
            with _failing(self._database, event.fails) as progress:
                self._till.close(event.month, interim=event.interim, progress=progress)
        except Stopped:
            assert event.fails is not None
            self._count(f"failure after {event.fails.after}")
        self._was_closed = bool(self._numbers())
        self._count(kind, len(self._numbers()) > before)

    def _numbers(self) -> list[str]:
        return [found.number for found in self._till.invoices()]

    def _document(self, found: IssuedInvoice) -> Document:
        lines = self._before_void.get(found.number) or tuple(self._explained(found))
        return Document(
            number=found.number,
            customer=found.customer,
            month=found.period,
            kind=found.kind,
            currency=found.currency,
            is_live=found.status == "issued",
            pinned_at=found.issued_at,
            content=found.content,
            lines=lines,
            covers=self._covered(found),
        )

    def _covered(self, found: IssuedInvoice) -> dict[Chain, dict[str, str]]:
        """What a document covers, from the rows themselves."""
        covered, corrected, usage = tables.coverage.c, tables.correction.c, tables.usage.c
        with self._database.read() as connection:
            query = select(corrected.customer, corrected.period, corrected.currency)
            chains = {
                (customer, period): (customer, period, currency)
                for customer, period, currency in connection.execute(query.where(corrected.invoice_id == found.id))
            }
            if found.kind != "credit-note":
                chains["", ""] = (found.customer, found.period, found.currency)
            covers: dict[Chain, dict[str, str]] = {chain: {} for chain in chains.values()}
            rows = select(covered.corrected, covered.period, covered.member, usage.record_id)
            rows = rows.join_from(tables.coverage, tables.usage, tables.usage_in(tables.coverage))
            for customer, period, member, id_ in connection.execute(rows.where(covered.invoice_id == found.id)):
                chain = chains[customer, period]
                covers[chain][id_] = member or chain[0]
        return covers

    def _explained(self, found: IssuedInvoice) -> Iterator[ExplainedLine]:
        for explained in self._till.explain(found.number):
            if explained.line["kind"] == "adjustment":
                yield explained.line, ()
                continue
            member = explained.line.get("customer", found.customer)
            yield (
                explained.line,
                tuple(
                    RecordOnLine(one.record.record_id, member, explained.line["rule"], Fraction(one.exact_amount))
                    for one in explained.records
                ),
            )

    def _review(self, event: Reviewed) -> None:
        try:
            self._till.review(event.month, event.customer, event.kind, note="a look", by="rita")
        except (NotFound, Refused):
            return
        self._count(event.kind)
        change = self._held.add if event.kind == "held" else self._held.discard
        change((event.month, event.customer))

    def _void(self, event: Voided) -> None:
        found = self._till.invoices(period=event.month, customer=event.customer)
        live = [one for one in found if one.status == "issued"]
        if not live:
            return
        chosen = live[0 if event.is_oldest else -1]
        lines = tuple(self._explained(chosen))
        try:
            self._till.void(chosen.number, reason="a mistake")
        except Refused:
            self._count("void refused")
            return
        self._before_void[chosen.number] = lines
        self._count("void")

    def _end(self) -> None:
        """Time moves on, nobody is held, everything is closed; then closing again must do nothing."""
        self._clock.instant = self._world.ends_at
        for month, customer in sorted(self._held):
            self._review(Reviewed(self._world.ends_at, month, customer, "released"))
        for _ in range(PASSES_MAX):
            results = [self._till.close(month) for month in self._world.months]
            if not any(result.issued or result.resumed for result in results):
                break  # what a run that was cut off had pinned may not be all that there is by now
        else:
            raise Broken("closing ends", f"closing all months issued something {PASSES_MAX} times in a row")
        self._note(results)

    def _note(self, results: Sequence[CloseResult]) -> None:
        history = self.history
        for result in results:
            for refused in result.refused:
                self._find_fault("nobody is refused", f"{refused.customer} in {result.month}: {refused.reason}")
            for blocked in result.blocked_by:
                self._find_fault("nothing blocks a close", f"{result.month}: {blocked}")
            for customer in result.not_due:
                self._find_fault("everybody is due", f"{customer} in {result.month}")
        history.late = {one.record_id: (one.customer, one.period) for one in self._till.late().records}
        self._count("late record", len(history.late))
        history.late_counted = {(one.customer, str(one.month)): one.requests for one in results[-1].late}
        self.look()
        for document in history.documents.values():
            self._count_items(document)
        for customer in dict.fromkeys(document.customer for document in history.documents.values()):
            try:
                history.accounts[customer] = self._till.credits(customer)
            except NotFound:
                continue
        verification = self._till.verify()
        if not verification.is_sound:
            self._find_fault("verify finds nothing", str(verification.content()))
        elif history.has_corrections:
            for fault in self._till.database.check().faults:
                self._find_fault("db check finds nothing", str(fault))

    def _find_fault(self, law: str, what: str) -> None:
        self.history.faults.setdefault(law, []).append(what)

    def _count(self, what: str, times: int = 1) -> None:
        if times:
            self.history.fired[what] += times

    def _count_items(self, document: Document) -> None:
        for item in document.content.get("items", ()):
            self._count(item["kind"])
        self._count(f"{document.kind} document")
        self._count("base fee", sum(line["kind"] == "base_fee" for line, _ in document.lines))
        self._count("of a child", any(found.member != document.customer for found in document.records.values()))
        self._count("in another currency", document.currency != "USD")

    def new_till(self) -> Till:
        return Till(self._database, folder(*self._contents), clock=self._clock, grace=timedelta(0))


def _do_not_wait_for_the_disk(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


@contextmanager
def _failing(database: Database, failure: Failure | None) -> Iterator[Any]:
    """A place where a close ends in the middle; yields its progress function, if it needs one."""
    if failure is None:
        yield None
        return
    seen = 0

    def step(*_arguments: object) -> None:
        nonlocal seen
        seen += 1
        if seen == failure.count:
            raise Stopped

    if failure.after == "invoices":
        yield step
        return
    database_event.listen(database.engine, "before_cursor_execute", step)
    try:
        yield None
    finally:
        database_event.remove(database.engine, "before_cursor_execute", step)
