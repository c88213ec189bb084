"""What corrects a closed period, held against the period itself.

The law: over all live documents of a customer's period, what they bill is what the period comes to at the pins of the
newest of them: computed from the recordings of its own document, with later ones that ask for closed periods, all later
bindings, records and withdrawals. Every tax, grant, coupon and line is held against it by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import partial
from typing import Any

from tokentill.canonical import canonical_bytes
from tokentill.clock import instant_text
from tokentill.verification.amounts import minor, minor_text, minor_unit, text_of
from tokentill.verification.billing import Billing
from tokentill.verification.closed import CORRECTS_SINCE, ClosedMonth
from tokentill.verification.comparing import differences, with_all_keys
from tokentill.verification.figures import Figures
from tokentill.verification.months import rectangle
from tokentill.verification.rating.tally import Counting, Tally
from tokentill.verification.rows.documents import Correction, Header, Rows, Taken
from tokentill.verification.terms.books import Books
from tokentill.verification.terms.keys import CannotVerify, Table
from tokentill.verification.totals.due import Adjusted

CAUSES = ("late", "revision", "retraction", "attribution", "price", "contract")


@dataclass(frozen=True, slots=True)
class Stated:
    """What a document says of one period that it corrects: lines, and taxes and credits by name, in its currency."""

    lines: Sequence[Table]
    adjusted: Adjusted
    rate: Fraction | None


class Corrections:
    """The corrections of all documents of a database."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._months: dict[tuple[Any, ...], ClosedMonth] = {}
        self._contents: dict[int, Table] = {}

    def on(
        self, header: Header, stored: Table, books: Books, currency: str, last_day: date
    ) -> tuple[list[Adjusted], list[Table], list[str]]:
        """What the document of a period bills of others: the amounts, the lines as they must stand on it, and what is
        wrong with them.
        """
        adjusted: list[Adjusted] = []
        lines: list[Table] = []
        faults: list[str] = []
        corrections = self._rows.corrected_by.get(header.id, [])
        known = {self._number(correction) for correction in corrections}
        unknown = sorted({one["number"] for one in _corrected_in(stored)} - known)
        faults += [f"it says that it corrects {number}, and nothing is kept of that" for number in unknown]
        for correction in corrections:
            stated = self._stated(header, stored, correction)
            adjusted.append(stated.adjusted)
            lines += stated.lines
            expected = Fraction(1)
            if correction.currency != currency:
                rate = books.fx(correction.currency, currency, last_day)
                if rate is None:
                    raise CannotVerify(f"no exchange rate from {correction.currency} to {currency} is listed")
                expected = rate
            # Where nothing is billed no rate is said.
            if stated.lines and (
                (stated.rate or 1) != expected or (stated.rate is None) != (correction.currency == currency)
            ):
                faults.append(
                    f"the rate of the correction of {correction.period} is {stated.rate or 1}, and that of its day is"
                    f" {text_of(expected)}"
                )
            faults += self._faults_of(header, correction, stated)
        if header.kind == "period" and header.pins["f"] >= CORRECTS_SINCE:
            faults += self._left_out(header)
        return adjusted, lines, faults

    def faults_of_note(self, header: Header, stored: Table) -> Iterator[str]:
        """What is wrong with a credit note."""
        corrections = self._rows.corrected_by.get(header.id, [])
        if [(one.customer, one.period) for one in corrections] != [(header.customer, header.period)]:
            raise CannotVerify("it is a credit note, and what is kept of it does not correct its own period alone")
        (correction,) = corrections
        stated = self._stated(header, stored, correction)
        yield from self._faults_of(header, correction, stated)
        own, currency = stated.adjusted, correction.currency
        period = self._month(header, header.period).at.calendar.period(header.customer)
        items = [*own.steps("tax", currency), *own.steps("credit", currency)]
        if own.due:
            items.append({"kind": "carried", "name": "carried forward", "amount": minor_text(-own.due, currency)})
        tax = sum(own.taxes.values())
        content = {
            "form": 2,
            "kind": "credit-note",
            "customer": header.customer,
            "corrects": own.corrects,
            "period": header.period,
            "period_start": instant_text(period.starts_at),
            "period_end": instant_text(period.ends_at),
            "currency": currency,
            "lines": list(stated.lines),
            "items": items,
            "subtotal": minor_text(own.net, currency),
            "tax": minor_text(tax, currency),
            "total": minor_text(own.net + tax, currency),
            "due": minor_text(0, currency),
            "requests_without_cost": 0,
            **{name: [] for name in ("daily", "unpriced", "missing", "waived")},
        }
        yield from differences(content, with_all_keys(stored))

    def _number(self, correction: Correction) -> str:
        document = self._rows.headers.get(correction.corrects_id)
        return "" if document is None else document.number

    def _month(self, header: Header, period: str) -> ClosedMonth:
        key = (period, canonical_bytes(header.pins), header.position)
        if key not in self._months:
            if len(self._months) >= 16:
                self._months.clear()
            self._months[key] = ClosedMonth(self._rows, period, header.pins, header.position)
        return self._months[key]

    def _content(self, header: Header) -> Table:
        if header.id not in self._contents:
            if len(self._contents) >= 1_000:
                self._contents.clear()
            self._contents[header.id] = self._rows.content(header)
        return self._contents[header.id]

    def _stated(self, header: Header, stored: Table, correction: Correction) -> Stated:
        number = self._number(correction)
        lines = [one for one in with_all_keys(stored)["lines"] if _is_of(one, number)]
        items = [one for one in stored["items"] if _is_of(one, number)]
        scale = Figures(header.currency)
        taxes, credits_ = (
            {one["name"]: sign * scale.minor(one["amount"]) for one in items if one["kind"] == kind}
            for kind, sign in (("tax", 1), ("credit", -1))
        )
        rates = {one["corrects"].get("rate") for one in lines}
        rate = next((Fraction(rate) for rate in rates if rate is not None), None)
        net = sum(scale.minor(one["amount"]) for one in lines)
        adjusted = Adjusted({"period": correction.period, "number": number}, net, taxes, credits_)
        return Stated(lines, adjusted, rate)

    def _faults_of(self, header: Header, correction: Correction, stated: Stated) -> Iterator[str]:
        """Everything that is wrong with one correction."""
        month = self._month(header, correction.period)
        document = month.document(correction.customer)
        if (document.id, document.currency) != (correction.corrects_id, correction.currency):
            yield f"it corrects {self._number(correction)}, and the live document of that period is {document.number}"
        if header.kind == "period" and header.period <= correction.period:
            yield f"it corrects {correction.period}, which does not lie before its own period"
        covered = self._rows.covered(header, correction)
        before, whole, faults = self._compared(header, month, document, covered)
        billed = self._billed(before, [correction], {header.id: stated})
        faults += _told(correction.period, billed, whole)
        faults += self._converted(header, correction, stated, before, whole)
        faults += _faults_of_lines(header, correction, stated)
        yield from faults or self._by_cause(header, month, document, stated, before, whole)

    def _compared(
        self,
        header: Header,
        month: ClosedMonth,
        document: Header,
        covered: Mapping[int, Sequence[Taken]],
        *,
        is_corrected: bool = True,
    ) -> tuple[Figures, Figures, list[str]]:
        """What was billed of a period before a document, what it comes to at its pins, and which records are covered
        wrongly. Where it is not corrected, coupons take off what they took."""
        customer, pins = document.customer, document.pins
        earlier = [
            one
            for one in self._rows.corrections.get((customer, document.period), ())
            if one.document.id in month.at.live and one.corrects_id == document.id
        ]
        before = self._billed(Figures.of_own(self._content(document)), earlier, {})
        billing = self._billing(month, document, header.pins)
        read = month.at.read(
            customer,
            billing,
            Counting.at(header.pins["s"]),
            {id_: [rectangle(one, in_chain=False) for one in listed] for id_, listed in covered.items()},
            lambda id_: month.rectangles(customer, id_),
            month.series_of(customer),
            version=pins["f"],
        )
        whole = self._figures(header, month, document, billing, read.tally, None if is_corrected else _used(before))
        if whole.currency != document.currency:
            raise CannotVerify(f"{document.period} is in {whole.currency} by now, and was in {document.currency}")
        return before, whole, [f"of {document.period}, {fault}" for fault in read.faults]

    def _billing(self, month: ClosedMonth, document: Header, later: Table) -> Billing:
        manual = self._rows.written.manual_lines(document.period, document.pins.get("m", 0))
        return Billing(self._rows.written.books(document.pins, later), month.at.calendar, manual)

    def _figures(
        self,
        header: Header,
        month: ClosedMonth,
        document: Header,
        billing: Billing,
        tally: Tally,
        coupons_used: Collection[str] | None = None,
    ) -> Figures:
        customer, currency = document.customer, document.currency
        account = month.at.account(customer, currency, document.position)
        account.draw(self._rows.drawn_by_corrections(header, customer, currency, before=document.period))
        later = self._later_together(header, document)
        account.coupons = {key: off for key, off in account.coupons.items() if key[1] not in later}
        account.coupons_used = coupons_used
        then = _adjusted_on(self._content(document))
        return Figures.of_own(billing.content(document.customer, "period", tally, account, adjusted_then=then))

    def _later_together(self, header: Header, document: Header) -> set[str]:
        """The later periods of a customer that a document corrects as well: they get of coupons what this one leaves.
        Where a contract wants credit notes, each stands for itself."""
        periods = {
            one.period for one in self._rows.corrected_by.get(header.id, ()) if one.customer == document.customer
        }
        alone = {one for one in periods if self._wants_notes(header, document.customer, one)}
        return set() if document.period in alone else {one for one in periods - alone if one > document.period}

    def _wants_notes(self, header: Header, customer: str, period: str) -> bool:
        month = self._month(header, period).at
        at = month.calendar.period(customer).last_instant
        return bool(month.books.term(customer, at, "adjustments") == "credit-note")

    def _by_cause(
        self,
        header: Header,
        month: ClosedMonth,
        document: Header,
        stated: Stated,
        before: Figures,
        whole: Figures,
    ) -> Iterator[str]:
        """What each cause changes, by itself: the period with one change of fact after the other. What coupons have
        left by now counts from the first change on."""
        causes = {line["cause"] for line in stated.lines}
        first = next((cause for cause in CAUSES if cause in causes), None)
        stages = self._stages(header, month, document, _used(before), first, whole)
        _, last = next(stages)
        for cause, stage in stages:
            if stage is last and cause not in causes:
                continue
            so_far = replace(deepcopy(stage), net=last.net, lines=deepcopy(last.lines))
            for line in (one for one in stated.lines if one["cause"] == cause):
                so_far.net += 0 if stated.rate is not None else so_far.minor(line["amount"])
                so_far.add_adjustment(document.customer, line, stated.rate)
            if stated.rate is not None:
                so_far.net = stage.net
            for what, stands, comes_to in so_far.differences(stage):
                said = f"{what} of {document.period} with cause {cause!r}"
                yield f"{said} is {stands}, and the records come to {comes_to}"
            last = stage

    def _stages(
        self,
        header: Header,
        month: ClosedMonth,
        document: Header,
        used: Collection[str],
        first: str | None,
        whole: Figures,
    ) -> Iterator[tuple[str, Figures]]:
        """The period as it was looked at last, and after each change of fact. What changed nothing is not worked out
        again, and neither is what it comes to in the end."""
        looked, now, customer = month.looked_at(document), header.pins, document.customer
        seq, seq_max = looked["s"], now["s"]
        then: dict[str, int] = {"revision": seq, "retraction": seq}
        before = Counting(seq, seq, {})
        facts: list[tuple[str, Counting, bool]] = [
            ("", before, False),
            ("late", Counting(seq, seq_max, then, self._rows.records.later_versions), False),
            ("revision", Counting(seq, seq_max, {"retraction": seq}), False),
            ("retraction", Counting.at(seq_max), False),
            ("attribution", Counting.at(seq_max), True),
        ]
        terms = [(cause, facts[-1][1], True) for cause in ("price", "contract")]
        pins = {"a": looked["a"], "b": looked["b"]}
        coupons_used: Collection[str] | None = used
        may_change = month.may_change(document) | {"", *([] if first is None else [first])}
        final = next((cause for cause in reversed(CAUSES) if cause in may_change), "")
        stage = whole
        for cause, counting, is_now in (*facts, *terms):
            coupons_used = None if cause == first else coupons_used
            pins = {**pins, **{key: now[key] for key, of in (("a", "price"), ("b", "contract")) if of == cause}}
            if cause not in may_change or (cause == final and coupons_used is None):
                stage = whole if cause == final else stage
                yield cause, stage
                continue
            billing = self._billing(month, document, pins)
            taken = month.rectangles if is_now else partial(month.rectangles_then, seq=seq)
            chained = month.series_of(customer) | month.series_then(customer)
            read = month.at.read(
                customer, billing, counting, {}, partial(taken, customer), chained, version=document.pins["f"]
            )
            stage = self._figures(header, month, document, billing, read.tally, coupons_used)
            yield cause, stage

    def _billed(self, before: Figures, corrections: Iterable[Correction], stated: Mapping[int, Stated]) -> Figures:
        """What was billed before with what corrections add to it."""
        billed = deepcopy(before)
        for one in corrections:
            said = stated.get(one.document.id) or self._stated(one.document, self._content(one.document), one)
            billed.net += one.net_minor
            if said.rate is None:
                billed.taxes.update(said.adjusted.taxes)
            else:
                billed.unnamed += one.tax_minor
            account = self._rows.of_correction(one)
            billed.credits.update(account["credit"])
            billed.coupons.update(account["coupon"])
            for line in said.lines:
                billed.add_adjustment(one.customer, line, said.rate)
        return billed

    def _converted(
        self, header: Header, correction: Correction, stated: Stated, before: Figures, whole: Figures
    ) -> Iterator[str]:
        """What the document says, against what is kept of the correction in the currency of the corrected document."""
        rate, own, of = stated.rate or Fraction(1), stated.adjusted, f"of the correction of {correction.period}"
        currencies = (correction.currency, header.currency)
        taxes = own.taxes
        if stated.rate is not None and not before.unnamed:
            names = sorted(whole.taxes.keys() | before.taxes.keys())
            more = {name: whole.taxes[name] - before.taxes[name] for name in names}
            taxes = {name: _in(amount, rate, *currencies) for name, amount in more.items() if amount}
            if sum(more.values()) != correction.tax_minor:
                yield f"tax_minor {of} is {correction.tax_minor}, and comes to {sum(more.values())}"
        elif stated.rate is None and sum(taxes.values()) != correction.tax_minor:
            yield f"tax_minor {of} is {correction.tax_minor}, and its taxes come to {sum(taxes.values())}"
        account = self._rows.of_correction(correction)["credit"]
        paid = {name: _in(amount, rate, *currencies) for name, amount in account.items()}
        net = _in(correction.net_minor, rate, *currencies)
        for what, stands, comes_to in (
            ("the sum of the lines", own.net, net),
            *((f"tax {name!r}", own.taxes.get(name, 0), taxes.get(name, 0)) for name in {*taxes, *own.taxes}),
            *((f"credit {name!r}", own.credits.get(name, 0), paid.get(name, 0)) for name in {*paid, *own.credits}),
        ):
            if stands != comes_to:
                shown = (minor_text(amount, header.currency) for amount in (stands, comes_to))
                yield "{} {} is {}, and comes to {}".format(what, of, *shown)

    def _left_out(self, header: Header) -> Iterator[str]:
        """What should have been corrected and was not: of closed periods that nobody looked at again after."""
        live = self._rows.live(None)
        if header.id not in live:
            return
        for document in self._periods_of(header.customer):
            if document.id not in live or document.period >= header.period or document.id >= header.id:
                continue
            looking = [
                one for one in self._periods_of(header.customer) if one.id in live and one.period > document.period
            ]
            looking += [one.document for one in self._rows.corrections.get((document.customer, document.period), ())]
            if any(one.id in live and _place(one) > _place(header) for one in looking):
                continue
            if any(one.id in live and _place(one) == _place(header) for one in looking if one is not header):
                continue
            if any(
                (one.customer, one.period) == (document.customer, document.period)
                for one in self._rows.corrected_by.get(header.id, ())
            ):
                continue
            yield from self._unlooked(header, document)

    def _unlooked(self, header: Header, document: Header) -> Iterator[str]:
        month = self._month(header, document.period)
        if document.id not in month.at.live or not self._rows.has_changed(
            month.looked_at(document), header.pins, month.at.starts_at, month.at.ends_at
        ):
            return
        chain = (document.customer, document.period)
        covered = {
            id_: [one for one in listed if (one.customer, one.period, one.kind) == (*chain, "period")]
            for id_, listed in month.at.taken.items()
        }
        covered = {id_: listed for id_, listed in covered.items() if listed}
        before, whole, faults = self._compared(header, month, document, covered, is_corrected=False)
        if self._has_grants_as_before(header, month, document):
            # What a correction of an earlier period gives back of a grant waits for what is billed from then on.
            whole = replace(whole, credits=before.credits)
        yield from (f"it does not correct {document.number}: {fault}" for fault in faults)
        yield from _told(document.period, before, whole)

    def _has_grants_as_before(self, header: Header, month: ClosedMonth, document: Header) -> bool:
        period = month.at.calendar.period(document.customer)
        then, now = (
            self._rows.written.books(document.pins, pins).grants(document.customer, (period.starts_at, period.ends_at))
            for pins in (month.looked_at(document), header.pins)
        )
        return then == now

    def _periods_of(self, customer: str) -> list[Header]:
        return self._rows.periods_by_customer.get(customer, [])


def _used(billed: Figures) -> frozenset[str]:
    """The coupons that took something off of what was billed."""
    return frozenset(name for name, amount in billed.coupons.items() if amount)


def _place(header: Header) -> tuple[int, int]:
    return header.position, header.pins["s"]


def _is_of(row: Table, number: str) -> bool:
    corrects = row.get("corrects")
    return corrects is not None and corrects["number"] == number


def _corrected_in(stored: Table) -> list[Table]:
    rows = (*stored["lines"], *stored.get("items", ()))
    return [row["corrects"] for row in rows if row.get("corrects") is not None]


def _adjusted_on(content: Table) -> int:
    """What is due of the corrections on a document."""
    scale = Figures(content["currency"])
    lines = (one for one in content["lines"] if one["kind"] == "adjustment")
    items = (one for one in content.get("items", ()) if one.get("corrects") is not None)
    return sum(scale.minor(one["amount"]) for one in (*lines, *items))


def _in(amount_minor: int, rate: Fraction, currency: str, to: str) -> int:
    """An amount in minor units of one currency in those of another."""
    return minor(Fraction(amount_minor, minor_unit(currency)) * rate, to)


def _told(period: str, billed: Figures, whole: Figures) -> Iterator[str]:
    for what, stands, comes_to in billed.differences(whole):
        yield f"{what} of {period} on all its documents is {stands}, and the records come to {comes_to}"


def _faults_of_lines(header: Header, correction: Correction, stated: Stated) -> Iterator[str]:
    """What is wrong with single lines, whatever they add up to."""
    corrects: Table = dict(stated.adjusted.corrects)
    if stated.rate is not None:
        corrects |= {"currency": correction.currency, "rate": text_of(stated.rate)}
    for number, line in enumerate(stated.lines, start=1):
        place = f"line {number} of the correction of {correction.period} ({line['description']})"
        off = abs(Fraction(line["amount"]) - Fraction(line["exact_amount"])) * minor_unit(header.currency)
        if off > 1:
            yield f"{place}, amount is {line['amount']}, and exactly {line['exact_amount']}"
        if line["kind"] != "adjustment" or line["cause"] not in CAUSES or line["parts"]:
            yield f"{place}, cause is {line['cause']!r}, which is none of an adjustment"
        if line["corrects"] != corrects:
            yield f"{place}, corrects is {line['corrects']}, and should be {corrects}"
