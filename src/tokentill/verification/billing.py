"""What a customer's period must say on its document, by the records that stand on it.

The content is worked out from books, calendar and usage alone; nothing of it is taken from a document.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tokentill.clock import from_micros, instant_text, to_micros
from tokentill.verification.amounts import NOTHING, minor, minor_text, shares, text_of
from tokentill.verification.rating.memory import Charge, Memory
from tokentill.verification.rating.rules import Kind
from tokentill.verification.rating.tally import Tally
from tokentill.verification.terms.books import Books
from tokentill.verification.terms.keys import CannotVerify, Table
from tokentill.verification.terms.periods import Calendar, Period
from tokentill.verification.totals.commitments import draw_down
from tokentill.verification.totals.due import Account, Adjusted, Drawn, Owed, due
from tokentill.verification.totals.fees import base_fees
from tokentill.verification.totals.lines import by_time, charge_line, daily, early, lines, manual_charge, waived


@dataclass(slots=True)
class Billed:
    """What is billed of a period before anything is taken off it: kinds of usage with their lines and exact amounts,
    charges, requests and amounts by day and part of the period, where its parts begin, and what is drawn from
    commitments."""

    members: Sequence[str]
    kinds: Sequence[Kind]
    usage: Sequence[tuple[Table, Fraction]]
    charges: list[tuple[str | None, Charge]]
    times: dict[tuple[int, int], tuple[int, Fraction]]
    parts: Sequence[int]
    drawn: Sequence[Drawn] = ()

    @property
    def exact(self) -> list[Fraction]:
        """The exact amount of each line."""
        return [*(amount for _, amount in self.usage), *(charge.amount for _, charge in self.charges)]

    def lines(self, subtotal: int, currency: str) -> list[Table]:
        """The lines with their shares of the subtotal."""
        listed = [line for line, _ in self.usage] + [charge_line(member, charge) for member, charge in self.charges]
        for line, share in zip(listed, shares(self.exact, subtotal, currency), strict=True):
            line["amount"] = minor_text(share, currency)
        return listed

    def owed(self, subtotal: int, *, is_empty: bool) -> Owed:
        """When what the lines come to was used, begun or entered; the rest lies at the end of the period."""
        by_part = [NOTHING] * len(self.parts)
        begun = [one for _, charge in self.charges for one in charge.begun.items()]
        for part, amount in (*((part, amount) for (_, part), (_, amount) in self.times.items()), *begun):
            by_part[part] += amount
        of_charges = sum((charge.amount for _, charge in self.charges), NOTHING)
        at_end = of_charges - sum((amount for _, amount in begun), NOTHING)
        return Owed(subtotal, by_part, at_end, [from_micros(part) for part in self.parts], is_empty)


@dataclass(frozen=True, slots=True)
class Billing:
    """One period under one set of books. `manual` are the lines that people added, by customer."""

    books: Books
    calendar: Calendar
    manual: Mapping[str, Sequence[Any]]

    def parts(self, customer: str, period: Period) -> list[int]:
        """Where the parts of a period begin: with it, and wherever a grant comes into effect or expires."""
        within = (period.starts_at, period.ends_at)
        listed = self.books.grants(customer, within)
        edges = {one[key] for one in listed for key in ("valid_from", "expires_at") if key in one}
        edges |= {one[key] for one in self.books.commitments(customer, within) for key in ("from", "to")}
        inside = sorted(edge for edge in edges if period.starts_at < edge < period.ends_at)
        return [to_micros(at) for at in (period.starts_at, *inside)]

    def has_memory(self, members: Collection[str]) -> bool:
        """Whether a rule of anybody may decide about each record."""
        for (kind, id_), versions in self.books.contracts.items():
            if kind != "customer" or id_ in members:
                for rule in (rule for version in versions for rule in version["rule"]):
                    if not Kind("", "", "", rule, Fraction(1), None, is_byok=False).is_linear:
                        return True
        return False

    def content(
        self,
        customer: str,
        kind: str,
        tally: Tally,
        account: Account,
        adjusted: Sequence[Adjusted] = (),
        adjusted_then: int = 0,
    ) -> Table:
        """What the document must say, without the lines of what it corrects.

        Args:
            adjusted, adjusted_then: see `due`.
        """
        is_period, period = kind == "period", self.calendar.period(customer)
        currency = self.books.frame(customer, period.last_instant)[0]
        billed = self._billed(customer, currency, tally, account, is_period=is_period)
        subtotal = minor(sum(billed.exact, NOTHING), currency)
        is_empty = not (billed.kinds or billed.charges or tally.waived or tally.early or adjusted)
        totals = due(
            billed.owed(subtotal, is_empty=is_empty),
            self.books,
            customer,
            period,
            currency,
            account,
            is_period=is_period,
            adjusted=adjusted,
            adjusted_then=adjusted_then,
            drawn=billed.drawn,
            openings=self._openings(customer, period),
        )
        return {
            "kind": kind,
            "customer": customer,
            "period_start": instant_text(period.starts_at),
            "period_end": instant_text(period.ends_at),
            "currency": currency,
            "lines": billed.lines(subtotal, currency),
            "subtotal": minor_text(subtotal + sum(one.net for one in adjusted), currency),
            "items": totals.items,
            **{key: minor_text(amount, currency) for key, amount in totals.figures.items()},
            **_costs(billed.kinds),
            "daily": daily(billed.times),
            "unpriced": [],
            "missing": [],
            "waived": [*waived(tally), *early(tally, billed.members, self.books)],
        }

    def _billed(self, customer: str, currency: str, tally: Tally, account: Account, *, is_period: bool) -> Billed:
        """What is billed before anything is taken off it: usage and charges of the customer, then of its children."""
        period = self.calendar.period(customer)
        more = {*tally.members, *(self._with_charges(customer) if is_period else ())} - {customer}
        members = (customer, *sorted(more, key=str.encode))
        kinds = [(member, kind) for member in members for kind in tally.kinds.get(member, {}).values()]
        kinds = [(member, kind) for member, kind in kinds if kind.total.requests or kind.total.counts or kind.by_time]
        for _, of_member in kinds:
            of_member.check()
        child_of = {member: None if member == customer else member for member in members}
        usage = [line for member in members for line in lines(child_of[member], kinds, member)]
        charges = [
            (child_of[member], charge)
            for member in members
            for charge in self._charges(member, tally.memories.get(member, {}), currency, is_period=is_period)
        ]
        own = [kind for _, kind in kinds]
        billed = Billed(members, own, usage, charges, by_time(kinds), self.parts(customer, period))
        if self.books.is_billed(customer, period.last_instant):
            within = (period.starts_at, period.ends_at)
            terms, owed = self.books.commitments(customer, within), billed.owed(0, is_empty=False)
            billed.drawn = draw_down(terms, owed, within, currency, account, is_period=is_period)
        charges += [(None, one.overage) for one in billed.drawn if one.overage is not None]
        return billed

    def _openings(self, customer: str, period: Period) -> list[Table]:
        """The opening balances that may come in with a document."""
        until = period.last_day.isoformat()
        return [
            one for one in self.books.openings if self._pays_for(customer, one["customer"]) and one["date"] <= until
        ]

    def _with_charges(self, customer: str) -> list[str]:
        """Members that may owe something without any usage."""
        recurring = [one for one in self.books.customers if self._pays_for(customer, one) and self._is_recurring(one)]
        return [*recurring, *(one for one in self.manual if self._pays_for(customer, one))]

    def _pays_for(self, customer: str, member: str) -> bool:
        return self.calendar.payer(member) == customer

    def _is_recurring(self, customer: str) -> bool:
        period = self.calendar.period(customer)
        if period.starts_at >= period.ends_at:
            return False
        at, days = period.last_instant, period.ends_of_days(self.books.frame(customer, period.last_instant)[1])
        has_own = self.books.contract("customer", customer, at) is not None
        is_owed = any(_flat_at_zero(rule) for rule in self.books.rules(customer, at))
        is_owed = is_owed or self.books.term(customer, at, "minimum") is not None
        of_days = (day for day in days if self.books.contract("customer", customer, day) is not None)
        return (has_own and is_owed) or any(self.books.term(customer, day, "base_fee") is not None for day in of_days)

    def _charges(
        self, member: str, memories: dict[tuple[str, str], Memory], currency: str, *, is_period: bool
    ) -> Iterator[Charge]:
        """What a member is charged beside usage."""
        period = self.calendar.period(member)
        is_billed = is_period and self.books.is_billed(member, period.last_instant)
        for rule in self.books.rules(member, period.last_instant) if is_billed else ():
            if _flat_at_zero(rule):
                memories.setdefault((rule["contract"], rule["name"]), Memory()).enter_unused(rule)
        for _, memory in sorted(memories.items(), key=lambda item: item[0]):
            yield from memory.charges()
        if is_period:
            yield from base_fees(self.books, member, period, currency)
            for row in self.manual.get(member, ()):
                if row.currency != currency:
                    raise CannotVerify(f"manual line {row.number} is in {row.currency}, and the document in {currency}")
                yield manual_charge(row)


def _costs(kinds: Sequence[Kind]) -> Table:
    """What the gateway reports that it charged, and how many requests it says nothing of."""
    with_cost = sum(kind.total.with_cost for kind in kinds)
    cost = sum((kind.total.cost for kind in kinds), NOTHING)
    requests = sum(kind.total.requests for kind in kinds)
    return {"cost": text_of(cost) if with_cost else None, "requests_without_cost": requests - with_cost}


def _flat_at_zero(rule: Table) -> bool:
    tiers = rule.get("tiers", {})
    return bool(tiers.get("flat_at_zero")) and Fraction(tiers["tier"][0].get("flat", 0)) != 0
