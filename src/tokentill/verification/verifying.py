"""The content of a document, worked out from raw rows and compared with what is stored, figure by figure.

Trusts the rows of `usage`, `series`, `withdrawal`, `binding` and `recording` (each is checked against digests or
hashes by `store.consistency`), the log of documents and the ledger; nothing of a document itself but its pins. Shares
no code with what computed it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection

from tokentill.canonical import canonical_bytes
from tokentill.clock import from_micros, instant_text, to_micros
from tokentill.verification.books import Books
from tokentill.verification.comparing import differences, with_all_keys
from tokentill.verification.due import Owed, base_fees, due, minor, minor_text, shares
from tokentill.verification.keys import CannotVerify, Table
from tokentill.verification.lines import by_time, charge_line, daily, lines, waived
from tokentill.verification.memory import Charge, Memory
from tokentill.verification.periods import Calendar, Period, Rectangle, month_of, stretches
from tokentill.verification.prices import NOTHING, text_of
from tokentill.verification.rating import Kind
from tokentill.verification.rows import Header, Rows, Taken, account_of
from tokentill.verification.usage import Plan, Tally, UsageReader

DIFFERENCES_MAX = 5
"""So many differences of one document are named."""
KINDS = ("period", "interim")


def verify_documents(connection: Connection, numbers: Collection[str]) -> Iterator[tuple[str, str | None]]:
    """Work documents out again: the number of each, and what is wrong with it (None: nothing)."""
    rows = Rows(connection)
    runs: dict[tuple[str, bytes, int], list[Header]] = {}
    for header in rows.headers.values():
        if header.number in numbers:
            runs.setdefault((header.period, canonical_bytes(header.pins), header.position), []).append(header)
    for listed in runs.values():
        try:
            run = Run(rows, listed[0])
        except (ValueError, LookupError, ArithmeticError, TypeError) as error:
            yield from ((header.number, _why(error)) for header in listed)
            continue
        for header in listed:
            try:
                faults = list(run.faults(header))
            except (
                ValueError,
                LookupError,
                ArithmeticError,
                TypeError,
            ) as error:  # rows changed by hand may be anything
                faults = [_why(error)]
            yield header.number, _told(faults)


def _told(faults: Sequence[str]) -> str | None:
    """Some of the faults, the first of each line and figure, and how many more there are."""
    firsts: dict[str, str] = {}
    for fault in faults:
        firsts.setdefault(fault.partition(" is ")[0].partition(",")[0], fault)
    shown = list(firsts.values())[:DIFFERENCES_MAX]
    left = len(faults) - len(shown)
    more = [f"and {left:,} more {'difference' if left == 1 else 'differences'}"] if left else []
    return "; ".join([*shown, *more]) or None


def _why(error: Exception) -> str:
    is_said = isinstance(error, CannotVerify)
    return f"it cannot be worked out again: {error if is_said else f'{type(error).__name__}: {error}'}"


class Run:
    """One month at one set of pins: whose records are whose, for all documents that were computed at them."""

    def __init__(self, rows: Rows, first: Header) -> None:
        self._rows = rows
        self._pins = first.pins
        self.books: Books = rows.books(first.pins)
        self._month = month_of(first.period)
        self._live = rows.live(first.position)
        self.calendar = Calendar(self.books, self._month, rows.issued(self._live, self._month))
        self._starts_at, self._ends_at = map(to_micros, self.calendar.bounds())
        self._taken = rows.taken(self._live, self._starts_at, self._ends_at)
        self._accounts = rows.accounts(self._live, first.period)
        self._series = rows.series(self._starts_at, self._ends_at)
        self._owners: dict[int, list[tuple[int, str | None]]] = {}
        self._of_payer: dict[str, set[int]] = {}
        self._find_owners()

    def _find_owners(self) -> None:
        """Whose the records of each series are, from which instant on, and on whose invoices they may stand."""
        known: dict[tuple[Any, ...], list[tuple[int, str | None]]] = {}
        for id_, series in self._series.items():
            key = (series["source"], series["user"], series["api_key"])
            if key not in known:
                known[key] = list(self._owned(*key))
            self._owners[id_] = known[key]
            for _, owner in known[key]:
                if owner is not None:
                    self._of_payer.setdefault(self.calendar.payer(owner), set()).add(id_)

    def _owned(self, source: str, user: str | None, api_key: str | None) -> Iterator[tuple[int, str | None]]:
        edges = {to_micros(edge) for edge in self.books.owner_edges(user)}
        starts = sorted({self._starts_at, *(edge for edge in edges if self._starts_at < edge < self._ends_at)})
        for starts_at, ends_at in zip(starts, [*starts[1:], self._ends_at], strict=True):
            owner = self.books.owner(source, user, api_key, from_micros(starts_at))
            period = self.calendar.period(owner)
            first, end = max(starts_at, to_micros(period.starts_at)), min(ends_at, to_micros(period.ends_at))
            yield starts_at, owner if first == starts_at and first < end else None
            if starts_at < first < end:
                yield first, owner
            if first < end < ends_at:
                yield end, None

    def faults(self, header: Header) -> Iterator[str]:
        """What is wrong with one document, in words."""
        stored = self._rows.content(header)
        _see_that_it_corrects_nothing(header, stored)
        customer, period = header.customer, self.calendar.period(header.customer)
        currency = self.books.frame(customer, period.last_instant)[0]
        covered = self._rows.covered(header)
        chosen = sorted({*self._of_payer.get(customer, ()), *covered})
        if strange := [id_ for id_ in chosen if id_ not in self._series]:
            yield f"it covers records of series {strange[0]}, and there are none in its period"
            chosen = [id_ for id_ in chosen if id_ in self._series]
        parts = self._parts(customer, period)
        plans = {id_: self._plan(header, currency, id_, covered.get(id_, ()), parts) for id_ in chosen}
        for id_, plan in plans.items():
            for stretch in plan.stretches:
                if stray := stretch.stray(header.pins["s"]):
                    yield f"it covers records of series {id_} {_between(stray)}, which are not its customer's"
        reader = UsageReader(
            self.books, plans, self._rows.withdrawn, currency, header.pins["s"], bills_unmeasured=header.pins["f"] < 3
        )
        in_order = self._has_memory({owner for id_ in chosen for _, owner in self._owners[id_] if owner is not None})

        def usage() -> Iterator[Any]:
            return self._rows.usage(chosen, self._starts_at, self._ends_at, header.pins["s"], in_order=in_order)

        tally = reader.read(usage, in_order=in_order) if chosen else Tally()
        for said, whose, records in (
            ("does not cover", "is its customer's", tally.left_out),
            ("covers", "is not its customer's", tally.strangers),
        ):
            if records:
                count = f"{len(records):,} such record{'' if len(records) == 1 else 's'}"
                yield f"it {said} record {records[0]!r}, which {whose} ({count})"
        content = self._content(header, period, currency, tally, parts)
        yield from differences(content, with_all_keys(stored))
        if (ended := self._ended(header, tally)) != self._rows.ended(header):
            yield f"it ends the periods of {sorted(self._rows.ended(header))}, and should end those of {sorted(ended)}"

    def _ended(self, header: Header, tally: Tally) -> dict[str, tuple[int, int]]:
        """The periods that a document ends."""
        if header.kind != "period":
            return {}
        members = {
            one for one in (*self.books.customers, *tally.members) if self.calendar.payer(one) == header.customer
        }
        periods = {one: self.calendar.period(one) for one in {header.customer, *members}}
        bounds = {one: (to_micros(period.starts_at), to_micros(period.ends_at)) for one, period in periods.items()}
        return {one: (starts_at, ends_at) for one, (starts_at, ends_at) in bounds.items() if starts_at < ends_at}

    def _parts(self, customer: str, period: Period) -> list[int]:
        """Where the parts of a period begin: with it, and wherever a grant comes into effect or expires."""
        edges = {one[key] for one in self.books.grants(customer) for key in ("valid_from", "expires_at") if key in one}
        inside = sorted(edge for edge in edges if period.starts_at < edge < period.ends_at)
        return [to_micros(at) for at in (period.starts_at, *inside)]

    def _plan(self, header: Header, currency: str, id_: int, covered: Sequence[Taken], parts: Sequence[int]) -> Plan:
        series, starts, ends = self._series[id_], from_micros(self._starts_at), from_micros(self._ends_at)
        owners = [
            (at, owner if owner is not None and self.calendar.payer(owner) == header.customer else None)
            for at, owner in self._owners[id_]
        ]
        members = {owner for _, owner in owners if owner is not None} | {one.member for one in covered}
        edges = self.books.price_edges(series["model"], starts, ends) | self.books.contract_edges(members)
        cuts = {to_micros(edge) for edge in edges if starts < edge < ends} | set(parts)
        taken = [_rectangle(one, header, currency) for one in self._taken.get(id_, ())]
        return Plan(
            series, stretches(cuts, owners, taken, [_rectangle(one, header, currency) for one in covered]), parts
        )

    def _has_memory(self, members: Collection[str]) -> bool:
        """Whether a rule of anybody may decide about each record."""
        for (kind, id_), versions in self.books.contracts.items():
            if kind != "customer" or id_ in members:
                for rule in (rule for version in versions for rule in version["rule"]):
                    if not Kind("", "", "", rule, Fraction(1), None, is_byok=False).is_linear:
                        return True
        return False

    def _content(self, header: Header, period: Period, currency: str, tally: Tally, parts: Sequence[int]) -> Table:
        """What the document must say."""
        customer, is_period = header.customer, header.kind == "period"
        own = (customer, *sorted({*tally.members, *self._with_fees(header)} - {customer}, key=str.encode))
        kinds = [(member, kind) for member in own for kind in tally.kinds.get(member, {}).values()]
        kinds = [(member, kind) for member, kind in kinds if kind.total.requests or kind.total.counts or kind.by_time]
        for _, kind in kinds:
            kind.check()
        usage = [line for member in own for line in lines(None if member == customer else member, kinds, member)]
        charges = [
            (None if member == customer else member, charge)
            for member in own
            for charge in self._charges(member, tally.memories.get(member, {}), currency, is_period=is_period)
        ]
        exact = [*(amount for _, amount in usage), *(charge.amount for _, charge in charges)]
        subtotal, times = minor(sum(exact, NOTHING), currency), by_time(kinds)
        is_empty = not (kinds or charges or tally.waived)
        owed = _owed(subtotal, times, [charge for _, charge in charges], parts, is_empty=is_empty)
        others = [one for one in self._accounts if one != customer and self.calendar.payer(one) == customer]
        account = account_of(self._accounts, customer, currency, sorted(others, key=str.encode))
        totals = due(owed, self.books, customer, period, currency, account, is_period=is_period)
        listed = [line for line, _ in usage] + [charge_line(member, charge) for member, charge in charges]
        for line, share in zip(listed, shares(exact, subtotal, currency), strict=True):
            line["amount"] = minor_text(share, currency)
        return {
            "kind": header.kind,
            "customer": customer,
            "period": header.period,
            "period_start": instant_text(period.starts_at),
            "period_end": instant_text(period.ends_at),
            "currency": currency,
            "lines": listed,
            "subtotal": minor_text(subtotal, currency),
            "items": totals.items,
            **{key: minor_text(amount, currency) for key, amount in totals.figures.items()},
            **_costs([kind for _, kind in kinds]),
            "daily": daily(times),
            "unpriced": [],
            "missing": [],
            "waived": waived(tally),
        }

    def _with_fees(self, header: Header) -> list[str]:
        """Members that may owe something without any usage."""
        if header.kind != "period":
            return []
        return [
            one
            for one in self.books.customers
            if self.calendar.payer(one) == header.customer and self._is_recurring(one)
        ]

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
        for rule in self.books.rules(member, period.last_instant) if is_period else ():
            if _flat_at_zero(rule):
                memories.setdefault((rule["contract"], rule["name"]), Memory()).enter_unused(rule)
        for _, memory in sorted(memories.items(), key=lambda item: item[0]):
            yield from memory.charges()
        if is_period:
            yield from base_fees(self.books, member, period, currency)


def _owed(
    subtotal: int,
    times: dict[tuple[int, int], tuple[int, Fraction]],
    charges: Sequence[Charge],
    parts: Sequence[int],
    *,
    is_empty: bool,
) -> Owed:
    """When what the lines come to was used, begun or entered; the rest lies at the end of the period."""
    by_part = [NOTHING] * len(parts)
    begun = [one for charge in charges for one in charge.begun.items()]
    for part, amount in (*((part, amount) for (_, part), (_, amount) in times.items()), *begun):
        by_part[part] += amount
    at_end = sum((charge.amount for charge in charges), NOTHING) - sum((amount for _, amount in begun), NOTHING)
    return Owed(subtotal, by_part, at_end, [from_micros(part) for part in parts], is_empty)


def _costs(kinds: Sequence[Kind]) -> Table:
    """What the gateway reports that it charged, and how many requests it says nothing of."""
    with_cost = sum(kind.total.with_cost for kind in kinds)
    cost = sum((kind.total.cost for kind in kinds), NOTHING)
    requests = sum(kind.total.requests for kind in kinds)
    return {"cost": text_of(cost) if with_cost else None, "requests_without_cost": requests - with_cost}


def _see_that_it_corrects_nothing(header: Header, stored: Table) -> None:
    """Refuse adjustments and credit notes, which are not verified yet.

    What they must be: over all live documents of a customer's period, the sum is what the period comes to at the pins
    of the newest of them.

    Raises:
        CannotVerify: for a document that corrects another one.
    """
    rows = (*stored["lines"], *stored.get("items", ()))
    if header.kind not in KINDS or stored.get("corrects") or any(row.get("corrects") for row in rows):
        raise CannotVerify("it corrects another document, which this verification does not know")


def _flat_at_zero(rule: Table) -> bool:
    tiers = rule.get("tiers", {})
    return bool(tiers.get("flat_at_zero")) and Fraction(tiers["tier"][0].get("flat", 0)) != 0


def _rectangle(one: Taken, header: Header, currency: str) -> Rectangle:
    document = one.document
    same = (document.customer, document.period, document.currency) == (header.customer, header.period, currency)
    return Rectangle(one.starts_at, one.ends_at, one.after, one.upto, one.member, document.number, in_chain=same)


def _between(one: Rectangle) -> str:
    return f"from {instant_text(from_micros(one.starts_at))} to {instant_text(from_micros(one.ends_at))}"
