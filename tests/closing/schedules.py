"""Random schedules of everything that people do with records, against a model that shares no code with the package.

The model knows which payload of each record counts and what documents billed, in whole cents: a million input tokens
cost 1.00, so a record of n millions is n dollars, and no rounding hides anything.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.builders import OCTOBER, MovableClock, at, price, prices, record, till
from tests.invoicing.bench import new_sqlite
from tokentill.errors import NotFound, Refused
from tokentill.usage.record import UsageRecord

MILLION = 1_000_000
USERS = ("alice", "bob", "carol")
NAMES = tuple(f"r{number}" for number in range(8))
RUNNING, OVER = at("20"), at("2026-11-02T09:00Z")
DOLLAR = prices(price(rates={"input": "1", "output": "1"}))


@dataclass(frozen=True)
class Payload:
    """What a record says."""

    user: str
    millions: int

    def record(self, name: str) -> UsageRecord:
        """The record itself."""
        return record(name, user=self.user, when="10", input=self.millions * MILLION)


payloads = st.builds(Payload, st.sampled_from(USERS), st.integers(1, 9))
lines = st.lists(st.tuples(st.sampled_from(NAMES), payloads), min_size=1, max_size=4)


class Schedule(RuleBasedStateMachine):
    """One till and one model of it."""

    staged: Bundle[int] = Bundle("staged")

    @initialize()
    def begin(self) -> None:
        """An empty till, in the middle of October."""
        self.stack = ExitStack()
        self.clock = MovableClock(RUNNING)
        self.till = till(self.stack.enter_context(new_sqlite()), DOLLAR, clock=self.clock)
        self.counts: dict[str, list[Payload]] = {}
        self.rejected: set[tuple[str, Payload]] = set()
        self.open: dict[tuple[str, Payload], None] = {}
        self.gone: set[str] = set()
        self.of_staged: dict[int, list[tuple[str, Payload]]] = {}
        self.issued: dict[str, int] = {}

    def teardown(self) -> None:
        """What is stored agrees with itself, and every document is computed again."""
        if hasattr(self, "till"):
            verification = self.till.verify()
            assert verification.is_sound, verification.content()
            self.stack.close()

    # What people do

    @rule(taken=lines)
    def ingest(self, taken: list[tuple[str, Payload]]) -> None:
        """Take records in."""
        self.till.ingest([payload.record(name) for name, payload in taken])
        self._take(taken)

    @rule(target=staged, taken=lines)
    def stage(self, taken: list[tuple[str, Payload]]) -> Any:
        """Look at records first."""
        name = f"file {len(self.of_staged)}"
        lines = [payload.record(name) for name, payload in taken]
        number = self.till.ingest(lines, name=name, stage="looked at").number
        assert number is not None
        self.of_staged[number] = taken
        return number

    @rule(number=staged)
    def preview_with(self, number: int) -> None:
        """A preview with what is staged is what accepting it would give."""
        if number in self.of_staged:
            before = (dict(self.counts), dict(self.open))
            self.counts = {name: list(listed) for name, listed in self.counts.items()}
            self._take(self.of_staged[number])
            assert self._previewed(with_staged=number) == self._expected()
            self.counts, self.open = before

    @rule(number=staged)
    def accept(self, number: int) -> None:
        """Take in what was looked at; again changes nothing."""
        if number in self.of_staged:
            self.till.accept_import(number)
            self._take(self.of_staged.pop(number))

    @rule(number=staged)
    def drop(self, number: int) -> None:
        """Leave it be."""
        if number in self.of_staged:
            self.till.drop_import(number, reason="a test")
            del self.of_staged[number]

    @precondition(lambda self: self.open)
    @rule(data=st.data(), is_accepted=st.booleans())
    def decide(self, data: st.DataObject, *, is_accepted: bool) -> None:
        """Accept or reject a revision."""
        name, payload = data.draw(st.sampled_from(list(self.open)))
        decide = self.till.accept_revision if is_accepted else self.till.reject_revision
        digest = payload.record(name).digest.hex()
        try:
            decide("arouter", name, digest=digest, reason="a test")
        except Refused:  # it would be billed twice: its new customer has no document yet
            assert is_accepted
            assert payload.user not in self.issued
            return
        del self.open[name, payload]
        if is_accepted:
            self.counts[name].append(payload)
            self.gone.discard(name)
        else:
            self.rejected.add((name, payload))

    @rule(name=st.sampled_from(NAMES))
    def retract_record(self, name: str) -> None:
        """Take one record back."""
        try:
            retracted = self.till.retract(record=("arouter", name), reason="a test")
        except NotFound:
            assert name not in self.counts
            return
        assert retracted.records == (name not in self.gone)
        self.gone.add(name)

    @rule(user=st.sampled_from(USERS))
    def retract_user(self, user: str) -> None:
        """Take a user's records back."""
        meant = {name for name, listed in self.counts.items() if listed[-1].user == user} - self.gone
        try:
            retracted = self.till.retract(filter=f"user={user}", reason="a test")
        except NotFound:
            assert not meant
            return
        assert retracted.records == len(meant)
        assert sum(part.requests for part in retracted.parts) == len(meant)
        self.gone |= meant

    @rule()
    def close(self) -> None:
        """Close October for whoever has usage and no document of it."""
        self.clock.instant = OVER
        self.till.close(OCTOBER)
        for user, millions in self._billed().items():
            if user not in self.issued:
                self.issued[user] = millions

    # What must hold

    @invariant()
    def a_preview_is_what_counts(self) -> None:
        """Whoever has no document yet would be billed for what counts."""
        if hasattr(self, "till"):
            assert self._previewed() == self._expected()

    @invariant()
    def documents_stay(self) -> None:
        """A document is what it was issued as."""
        if hasattr(self, "till"):
            found = {one.customer: one.content["total"] for one in self.till.invoices()}
            assert found == {user: f"{millions}.00" for user, millions in self.issued.items()}

    @invariant()
    def nothing_is_lost(self) -> None:
        """Every record is counted once, or was taken back."""
        if hasattr(self, "till"):
            assert self.till.usage(OCTOBER).total.requests == len(self.counts.keys() - self.gone)

    def _take(self, taken: list[tuple[str, Payload]]) -> None:
        for name, payload in taken:
            if name not in self.counts:
                self.counts[name] = [payload]
            elif payload not in self.counts[name] and (name, payload) not in self.rejected:
                self.open[name, payload] = None

    def _billed(self) -> Counter[str]:
        """What counts of each user, in dollars; users of whom something counts."""
        billed: Counter[str] = Counter()
        for name, listed in self.counts.items():
            if name not in self.gone:
                billed[listed[-1].user] += listed[-1].millions
        return billed

    def _expected(self) -> dict[str, str]:
        return {user: f"{millions}.00" for user, millions in self._billed().items() if user not in self.issued}

    def _previewed(self, **more: Any) -> dict[str, str]:
        preview = self.till.preview(OCTOBER, **more)
        return {
            one.invoice.customer: one.invoice.content()["total"]
            for one in preview.customers
            if one.issued_number is None and one.invoice.requests
        }
