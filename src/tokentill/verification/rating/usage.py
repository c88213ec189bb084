"""The usage of one document: record by record, whether it should stand on it and does, and what it comes to.

Sums of whole numbers stand for records as long as nothing is decided for each of them; otherwise they are billed one
by one in order of time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from operator import add
from typing import Any

from tokentill.clock import from_micros, to_micros
from tokentill.verification.rating.memory import Memory
from tokentill.verification.rating.prices import LEAVES, REPORTED_IN, Price, is_open
from tokentill.verification.rating.rules import Kind
from tokentill.verification.rating.sums import Sums
from tokentill.verification.rating.tally import Counting, Place, Plan, Tally
from tokentill.verification.terms import default_set
from tokentill.verification.terms.books import Books
from tokentill.verification.terms.keys import CannotVerify, Table

DAY = 86_400_000_000
EPOCH = date(1970, 1, 1)
_OUTPUTS = slice(-4, None)


class UsageReader:
    """Goes through the records of one document.

    Args:
        withdrawn: why, and from which sequence number on, records are not billed.
        counting: which withdrawals count, at the sequence numbers that the document was computed at.
        version: that of the calculation. Up to 2, zeros of requests that cost something are taken for what they say.
        lines_by: what the lines of the document are split by.
    """

    def __init__(
        self,
        books: Books,
        plans: Mapping[int, Plan],
        withdrawn: Mapping[int, Sequence[tuple[str, int]]],
        currency: str,
        counting: Counting,
        *,
        version: int,
        lines_by: Sequence[str] = (),
    ) -> None:
        self._books = books
        self._lines_by = lines_by
        self._plans = plans
        self._withdrawn = withdrawn
        self._currency = currency
        self._counting = counting
        self._bills_unmeasured = version < 3
        self._has_default_set = version >= default_set.SINCE
        self._rules: dict[tuple[int, int, str, bool, bool], Table | None] = {}
        self._kinds: dict[tuple[Any, ...], Kind] = {}
        self._bills_from: dict[str, int | None] = {}

    def _bill_from(self, member: str) -> int | None:
        """The instant before which nothing of a member is billed."""
        if member not in self._bills_from:
            at = self._books.bill_from(member)
            self._bills_from[member] = None if at is None else to_micros(at)
        return self._bills_from[member]

    def read(self, usage: Callable[[], Iterator[Any]], *, in_order: bool) -> Tally:
        """What the records come to. `usage` gives them all, each time it is called."""
        if not in_order:
            tally, sums = Tally(), dict[Place, Any]()
            for place, numbers, units in self._placed(usage(), tally):
                held = sums.get(place)
                if held is None:
                    sums[place] = [[1, *numbers], dict(units)]
                else:
                    held[0] = list(map(add, held[0], (1, *numbers)))
                    for name, count in units.items():
                        held[1][name] = held[1].get(name, 0) + count
            for place, (numbers, units) in sums.items():
                self._add(tally, place, _sums_of(numbers, units))
            return tally
        first = self._in_order(usage(), {})
        has_volume = any(
            (kind.rule or {}).get("tiers", {}).get("kind") == "volume"
            for kinds in first.kinds.values()
            for kind in kinds.values()
        )
        if not has_volume:
            return first
        totals = {(m, key): memory.position for m, listed in first.memories.items() for key, memory in listed.items()}
        self._kinds.clear()
        return self._in_order(usage(), totals)

    def _in_order(self, rows: Iterator[Any], totals: Mapping[tuple[str, tuple[str, str]], Fraction]) -> Tally:
        tally = Tally()
        for place, numbers, units in self._placed(rows, tally):
            self._add(tally, place, _sums_of([1, *numbers], units), totals)
        return tally

    def _placed(self, rows: Iterator[Any], tally: Tally) -> Iterator[tuple[Place, Any, Mapping[str, int]]]:
        """The records that stand on the document, each with its place."""
        books, plans, withdrawn, counting = self._books, self._plans, self._withdrawn, self._counting
        for row in rows:
            id_, series_id, at, seq, record_id, listed, input_total, has_cost, *_ = row
            plan = plans[series_id]
            index = bisect_right(plan.starts, at) - 1
            if index < 0:
                continue
            stretch, is_waived, is_accepted = plan.stretches[index], False, False
            if id_ in withdrawn:
                causes = counting.causes(seq, withdrawn[id_])
                is_waived, is_accepted = "waiver" in causes, "acceptance" in causes
                if causes - {"waiver", "acceptance"}:
                    continue
            member = stretch.member(seq)
            if counting.later and counting.leaves_out(id_, seq):
                continue
            if member is None:
                if any(one.after < seq <= one.upto for one in stretch.covered):
                    tally.strangers.append(record_id)
                continue
            if not stretch.is_covered(seq, member):
                tally.left_out.append(record_id)
            units = _units(listed) if listed else {}
            if (begins := self._bill_from(member)) is not None and at < begins:
                of_kind = (member, plan.series["model"], plan.series["mode"])
                tally.early.setdefault(of_kind, Sums()).add(_sums_of([1, has_cost, False, *row[8:]], units))
                tally.members.add(member)
                continue
            is_nothing = not input_total and not any(row[_OUTPUTS]) and not any(units.values())
            is_free = has_cost and not (row[8] or row[9] or row[10])
            _, thresholds, windows = plan.offer(books, index)
            window = None
            if windows:
                instant = from_micros(at)
                window = next((n for n, one in enumerate(windows) if is_open(one["when"], instant)), None)
            band = bisect_left(thresholds, input_total) if thresholds else 0
            is_unmeasured = bool(is_nothing and has_cost and not is_free)
            has_units = any(count for name, count in units.items() if name != "request")
            has_result = bool(row[8] or row[9] or row[10] or has_units or any(row[_OUTPUTS]))
            facts = (is_waived, is_unmeasured, is_accepted, bool(is_free), has_result)
            place = Place(series_id, index, member, at // DAY, band, window, *facts)
            yield place, (has_cost, is_free and not is_nothing, *row[8:]), units

    def _add(
        self,
        tally: Tally,
        place: Place,
        sums: Sums,
        totals: Mapping[tuple[str, tuple[str, str]], Fraction] | None = None,
    ) -> None:
        series_id, index, member, day, *_ = place
        plan = self._plans[series_id]
        series = plan.series
        tally.members.add(member)
        if place.is_waived:
            why = 0 if series["usage_state"] == "missing" else 1 if place.is_unmeasured else 2
            tally.waived.setdefault((series["model"], series["mode"], why), Sums()).add(sums)
            return
        kind = self._kind(tally, place)
        if place.is_unmeasured or series["usage_state"] == "missing":
            self._see_that_it_can_be_billed(kind, series, member)
        is_held = self._has_default_set and series["usage_state"] == "estimated" and not place.is_accepted
        if is_held and "usage_state" not in default_set.asked_by(kind.rule):
            raise CannotVerify(f"records of {member!r} on {series['model']!r} are estimates that nobody accepted")
        part = bisect_right(plan.parts, plan.starts[index]) - 1
        time = (day, max(part, 0))
        if kind.is_linear:
            kind.add(time, sums)
            return
        rule = kind.rule or {}
        key = (rule["contract"], rule["name"])
        memories = tally.memories.setdefault(member, {})
        if key not in memories:
            memories[key] = Memory((totals or {}).get((member, key), Fraction(0)))
        for piece, of_piece in memories[key].take(
            kind, sums, time[1], lambda number: self._in_tier(tally, member, kind, number)
        ):
            piece.add(time, of_piece)

    def _see_that_it_can_be_billed(self, kind: Kind, series: Table, member: str) -> None:
        """Records that report nothing, though they cost something, are billed only where that is of no matter."""
        rule, price = kind.rule or {}, kind.price
        by_request = [rule.get("rates", {}), rule.get("package", {})]
        by_request += [tier.get("rates", {}) for tier in rule.get("tiers", {}).get("tier", ())]
        says = rule.get("basis") in ("cost", "free") or any("request" in priced for priced in by_request)
        if series["usage_state"] == "missing":
            is_fine = says and "usage_state" in default_set.asked_by(kind.rule)
        else:
            is_fine = self._bills_unmeasured or kind.is_byok or says or self._needs_no_quantity(rule, price)
        if not is_fine:
            raise CannotVerify(f"records of {member!r} on {series['model']!r} report no usage, and nobody waived them")

    @staticmethod
    def _needs_no_quantity(rule: Table, price: Price | str) -> bool:
        """Whether the price of a request does not depend on what was used."""
        if isinstance(price, str):
            return False
        return "request" in price.offer.fees if rule.get("basis") == "own" else not price.needs_quantities

    def _rule(self, place: Place, model: str) -> Table | None:
        series_id, index, member, zero_cost, has_result = (*place[:3], place.zero_cost, place.has_result)
        key = (series_id, index, member, zero_cost, has_result)
        if key not in self._rules:
            series = self._plans[series_id].series
            traits: Table = {
                name: () if series[name] is None else (series[name],)
                for name in ("provider", "mode", "api_key", "user", "source", "status", "usage_state")
            }
            traits |= {"zero_cost": zero_cost} | {name: bool(series[name]) for name in ("is_byok", "is_replayed")}
            traits |= {"model": (model,), "tag": tuple(series["tags"])}
            rule = self._books.rule(member, traits, from_micros(self._plans[series_id].starts[index]))
            if self._has_default_set:
                rule = default_set.rule_under_default_set(rule, series, has_result=has_result)
            self._rules[key] = rule
        return self._rules[key]

    def _kind(self, tally: Tally, place: Place) -> Kind:
        """The kind that a record belongs to, by what decides about it."""
        series_id, index, member, day, band, window, *_ = place
        of_day = day if self._depends_on_day(series_id, index) else 0
        key = (series_id, index, member, of_day, band, window, place.zero_cost, place.has_result)
        if key not in self._kinds:
            self._kinds[key] = self._looked_up(tally, place)
        return self._kinds[key]

    def _depends_on_day(self, series_id: int, index: int) -> bool:
        offer = self._plans[series_id].offer(self._books, index)[0]
        currency = REPORTED_IN if isinstance(offer, str) else offer.entry["currency"]
        return not currency == REPORTED_IN == self._currency

    def _looked_up(self, tally: Tally, place: Place) -> Kind:
        series_id, index, _, day, band, window, *_ = place
        plan, books = self._plans[series_id], self._books
        series, starts_at = plan.series, from_micros(plan.starts[index])
        offer, thresholds, _ = plan.offer(books, index)
        meaning = books.meaning(series["model"], starts_at)
        model = series["model"] if meaning is None else meaning[0]
        rule = self._rule(place, model)
        on = EPOCH + timedelta(days=day)
        price, fx = (
            (offer, books.fx(REPORTED_IN, self._currency, on))
            if isinstance(offer, str)
            else (
                offer.price(window, thresholds[band - 1] + 1 if band else 0, series["geo"]),
                books.fx(offer.entry["currency"], self._currency, on),
            )
        )
        if fx is None and not isinstance(price, str):
            price = f"no exchange rate from {price.currency} to {self._currency} is listed for {on.isoformat()}"
        is_byok = bool(series["is_byok"]) and "byok_fee_percent" in (rule or {})
        cost_fx = books.fx(REPORTED_IN, self._currency, on)
        kind = Kind(model, series["mode"], price, rule, fx or Fraction(1), cost_fx, is_byok, None, self._split(series))
        return self._shared(tally, place.member, kind)

    def _split(self, series: Table) -> tuple[tuple[str, str | None], ...]:
        """The values of a series by which its lines are split: of a tag what follows its name in the first such one."""
        found: list[tuple[str, str | None]] = []
        for name in self._lines_by:
            tag = name.removeprefix("tag:")
            heads = (f"{tag}:", f"{tag}=")
            values = [one[len(tag) + 1 :] for one in sorted(series["tags"], key=str.encode) if one.startswith(heads)]
            found.append((name, next(iter(values), None) if name.startswith("tag:") else series[name]))
        return tuple(found)

    @staticmethod
    def _shared(tally: Tally, member: str, kind: Kind) -> Kind:
        """The one kind that is alike."""
        price, rule = kind.price, kind.rule or {}
        by_price: tuple[Any, ...] = (price,)
        if not isinstance(price, str):
            by_price = (price.offer.entry["hash"], price.tier, price.window, price.multiplier)
        number = None if kind.tier is None else rule["tiers"]["tier"].index(kind.tier)
        key = (
            kind.model,
            kind.mode,
            rule.get("hash"),
            *by_price,
            kind.fx,
            kind.cost_fx,
            kind.is_byok,
            number,
            kind.split,
        )
        return tally.kinds.setdefault(member, {}).setdefault(key, kind)

    def _in_tier(self, tally: Tally, member: str, kind: Kind, number: int) -> Kind:
        tier = (kind.rule or {})["tiers"]["tier"][number - 1]
        own = (kind.model, kind.mode, kind.price, kind.rule, kind.fx, kind.cost_fx, kind.is_byok)
        return self._shared(tally, member, Kind(*own, tier, kind.split))


def _units(listed: str) -> dict[str, int]:
    return {name: int(count) for name, _, count in (one.partition(":") for one in listed.split(","))}


def _sums_of(numbers: Sequence[Any], units: Mapping[str, int]) -> Sums:
    requests, with_cost, at_no_cost, e8, e16, e24, *counts = map(int, numbers)
    named = {name: count for name, count in zip(LEAVES, counts, strict=True) if count} | dict(units)
    return Sums(requests, with_cost, at_no_cost, (e8 * 10**8 + e16) * 10**8 + e24, named)
