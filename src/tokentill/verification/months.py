"""A month at one set of pins: whose records are whose, and what documents cover of it. Shared by all documents that
were computed at these pins.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokentill.clock import from_micros, instant_text, to_micros
from tokentill.verification.billing import Billing
from tokentill.verification.rating.tally import Counting, Plan, Tally
from tokentill.verification.rating.usage import UsageReader
from tokentill.verification.rows.documents import Ledgers, Rows, Taken, account_of
from tokentill.verification.terms.books import Books, team_named
from tokentill.verification.terms.periods import Calendar, Rectangle, month_of, stretches
from tokentill.verification.totals.due import Account


@dataclass(frozen=True, slots=True)
class Read:
    """What the records of a document come to, and what it covers and should not, or the other way round."""

    tally: Tally
    faults: Sequence[str]


class MonthAt:
    """A month at a position of the log of documents.

    Args:
        books: whose the records are that no document has.
        position: of the log of documents.
    """

    def __init__(self, rows: Rows, period: str, books: Books, position: int) -> None:
        self._rows = rows
        self.period, self.books, self.position = period, books, position
        self.live = rows.live(position)
        self.calendar = Calendar(books, month_of(period), rows.issued(self.live, month_of(period)))
        self.starts_at, self.ends_at = map(to_micros, self.calendar.bounds())
        self.taken = rows.taken(self.live, self.starts_at, self.ends_at)
        self.series = rows.records.series((self.starts_at, self.ends_at))
        self.owners: dict[int, list[tuple[int, str | None]]] = {}
        self.of_payer: dict[str, set[int]] = {}
        self.chains: dict[tuple[str, str, str], set[int]] = {}
        for id_, listed in self.taken.items():
            for one in listed:
                self.chains.setdefault((one.customer, one.period, one.currency), set()).add(id_)
        self._accounts: dict[int, Ledgers] = {}
        self._find_owners()

    def _find_owners(self) -> None:
        """Whose the records of each series are, from which instant on, and on whose invoices they may stand."""
        known: dict[tuple[Any, ...], list[tuple[int, str | None]]] = {}
        for id_, series in self.series.items():
            key = (series["source"], series["user"], series["api_key"], team_named(series["tags"]))
            if key not in known:
                known[key] = list(self._owned(*key))
            self.owners[id_] = known[key]
            for _, owner in known[key]:
                if owner is not None:
                    self.of_payer.setdefault(self.calendar.payer(owner), set()).add(id_)

    def _owned(
        self, source: str, user: str | None, api_key: str | None, team: str | None
    ) -> Iterator[tuple[int, str | None]]:
        edges = {to_micros(edge) for edge in self.books.owner_edges(user)}
        starts = sorted({self.starts_at, *(edge for edge in edges if self.starts_at < edge < self.ends_at)})
        for starts_at, ends_at in zip(starts, [*starts[1:], self.ends_at], strict=True):
            owner = self.books.owner(source, user, api_key, team, from_micros(starts_at))
            period = self.calendar.period(owner)
            first, end = max(starts_at, to_micros(period.starts_at)), min(ends_at, to_micros(period.ends_at))
            yield starts_at, owner if first == starts_at and first < end else None
            if starts_at < first < end:
                yield first, owner
            if first < end < ends_at:
                yield end, None

    def _accounts_at(self, position: int) -> Ledgers:
        if position not in self._accounts:
            self._accounts[position] = self._rows.accounts(self._rows.live(position), self.period)
        return self._accounts[position]

    def account(
        self, customer: str, currency: str, position: int | None = None, notes: Collection[int] = ()
    ) -> Account:
        """What earlier documents left to a customer's document of the month: what of coupons and credits is used up at
        the position of the month, and balances and interim invoices at another one.

        Args:
            notes: credit notes that were issued together with the document, which brings their balance forward.
        """
        own, then = self._accounts_at(self.position), self._accounts_at(self.position if position is None else position)
        if notes:
            then = self._rows.accounts(self.live.union(notes), self.period)
        others = sorted(
            (one for one in then if one != customer and self.calendar.payer(one) == customer), key=str.encode
        )
        now, before = account_of(own, customer, currency, ()), account_of(then, customer, currency, others)
        openings = {
            (owner, name, of_currency): amount
            for owner, ledger in then.items()
            for (name, of_currency), amount in ledger.openings.items()
        }
        return Account(now.coupons, now.credits, before.balances, before.interims, openings, dict(now.terms))

    def read(
        self,
        customer: str,
        billing: Billing,
        counting: Counting,
        covered: Mapping[int, Sequence[Rectangle]],
        taken: Callable[[int], Sequence[Rectangle]],
        chained: Collection[int],
        *,
        version: int,
    ) -> Read:
        """The records of a customer's document.

        Args:
            counting: up to which sequence numbers the records and withdrawals are looked at.
            covered: what the document says it covers, by series.
            version: that of the calculation.
            taken: what documents cover of a series already, and which of them it goes on from.
            chained: the series of which it goes on from something.
        """
        faults: list[str] = []
        period = self.calendar.period(customer)
        currency, parts = billing.books.frame(customer, period.last_instant)[0], billing.parts(customer, period)
        chosen = sorted({*self.of_payer.get(customer, ()), *chained, *covered})
        if strange := [id_ for id_ in chosen if id_ not in self.series]:
            faults.append(f"it covers records of series {strange[0]}, and there are none in its period")
            chosen = [id_ for id_ in chosen if id_ in self.series]
        on_documents = {id_: taken(id_) for id_ in chosen}
        plans = {
            id_: self._plan(customer, billing, id_, covered.get(id_, ()), on_documents[id_], parts) for id_ in chosen
        }
        # Whose the covered records are is seen record by record: where none lies, it says nothing what is covered.
        faults += [
            f"it covers records of series {id_} {_between(one)}, up to number {one.upto}, and was computed at"
            f" {counting.seq_max}"
            for id_ in chosen
            for one in covered.get(id_, ())
            if one.upto > counting.seq_max
        ]
        members = {owner for id_ in chosen for _, owner in self.owners[id_] if owner is not None}
        members |= {one.member for listed in (*covered.values(), *on_documents.values()) for one in listed}
        in_order = billing.has_memory(members)

        def usage() -> Iterator[Any]:
            return self._rows.records.usage(chosen, self.starts_at, self.ends_at, counting.seq_max, in_order=in_order)

        reader = UsageReader(
            billing.books,
            plans,
            self._rows.records.withdrawn,
            currency,
            counting,
            version=version,
            lines_by=billing.books.term(customer, period.last_instant, "lines_by") or (),
        )
        tally = reader.read(usage, in_order=in_order) if chosen else Tally()
        return Read(tally, [*faults, *_misplaced(tally)])

    def _plan(
        self,
        customer: str,
        billing: Billing,
        id_: int,
        covered: Sequence[Rectangle],
        taken: Sequence[Rectangle],
        parts: Sequence[int],
    ) -> Plan:
        series, starts, ends = self.series[id_], from_micros(self.starts_at), from_micros(self.ends_at)
        owners = [
            (at, owner if owner is not None and self.calendar.payer(owner) == customer else None)
            for at, owner in self.owners[id_]
        ]
        members = {owner for _, owner in owners if owner is not None}
        members |= {one.member for one in (*covered, *taken)}
        edges = billing.books.price_edges(series["model"], starts, ends) | billing.books.contract_edges(members)
        cuts = {to_micros(edge) for edge in edges if starts < edge < ends} | set(parts)
        return Plan(series, stretches(cuts, owners, taken, covered), parts)


def rectangle(one: Taken, *, in_chain: bool) -> Rectangle:
    """What a document covers, as the document that is verified goes on from it or not."""
    return Rectangle(one.starts_at, one.ends_at, one.after, one.upto, one.member, one.document.number, in_chain)


def _misplaced(tally: Tally) -> Iterator[str]:
    for said, whose, records in (
        ("does not cover", "is its customer's", tally.left_out),
        ("covers", "is not its customer's", tally.strangers),
    ):
        if records:
            count = f"{len(records):,} such record{'' if len(records) == 1 else 's'}"
            yield f"it {said} record {records[0]!r}, which {whose} ({count})"


def _between(one: Rectangle) -> str:
    return f"from {instant_text(from_micros(one.starts_at))} to {instant_text(from_micros(one.ends_at))}"
