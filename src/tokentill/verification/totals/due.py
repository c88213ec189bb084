"""From the sum of the lines to what is due: coupons, minimum, cap, taxes, balances, prepaid credits, what is carried.

In whole minor units; each step that divides is rounded by the one rule, halves away from zero. Trusts the ledger for
what earlier documents left: every document that is verified is held to its rows of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from tokentill.verification.amounts import NOTHING, minor, minor_text, minor_unit, rounded, text_of
from tokentill.verification.rating.memory import Charge
from tokentill.verification.terms.books import Books
from tokentill.verification.terms.keys import CannotVerify, Table, known
from tokentill.verification.terms.periods import Period


@dataclass(slots=True)
class Account:
    """What earlier documents left for one of a customer's period: what each coupon took off in other periods, by id and
    period, what each grant paid in them, balances by customer and currency, what interim invoices of the period billed,
    and what of opening balances came in, by customer, id and currency. `terms` is what other periods have of
    commitments, by kind and by the day on which each starts. `coupons_used` are the only ones that take something off
    where a period is worked out as it was invoiced."""

    coupons: Mapping[tuple[str, str], int] = field(default_factory=dict)
    credits: Mapping[str, int] = field(default_factory=dict)
    balances: Sequence[tuple[str, str, int]] = ()
    interims: Sequence[tuple[int, Counter[str], Counter[str]]] = ()
    openings: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    terms: dict[tuple[str, str], int] = field(default_factory=dict)
    coupons_used: Collection[str] | None = None

    def draw(self, drawn: Counter[tuple[str, str, str]]) -> None:
        """Count what corrections that are issued together have of commitments, credits and coupons, by kind, name and
        period."""
        paid, off, terms = Counter(self.credits), Counter(self.coupons), Counter(self.terms)
        for (kind, name, period), amount in drawn.items():
            if kind == "credit":
                paid[name] += amount
            elif kind == "coupon":
                off[name, period] += amount
            else:
                terms[kind, name] += amount
        self.credits, self.coupons, self.terms = paid, off, terms

    def has_left(self, coupon: Table) -> bool:
        """Whether a coupon may take something off."""
        if self.coupons_used is not None:
            return coupon["id"] in self.coupons_used
        periods = {period for (id_, period), amount in self.coupons.items() if id_ == coupon["id"] and amount}
        return "periods" not in coupon or len(periods) < coupon["periods"]


@dataclass(frozen=True, slots=True)
class Owed:
    """What the lines of a document come to, rounded, and exactly: in each part of the period, and at its end."""

    subtotal: int
    by_part: Sequence[Fraction]
    at_end: Fraction
    parts: Sequence[datetime]
    is_empty: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a document draws from a commitment: `said` is what its items say of it, `true_up` what is billed at the end,
    by the document that `ends` the term, and `overage` the charge for what lies above."""

    name: str
    said: Table
    true_up: int
    ends: bool
    overage: Charge | None


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What a correction adds to a document, in its currency: before taxes, and by name what its taxes are and its
    grants pay. `corrects` names the period and its document."""

    corrects: Table
    net: int
    taxes: Mapping[str, int]
    credits: Mapping[str, int]

    @property
    def due(self) -> int:
        """What is to be paid of it."""
        return self.net + sum(self.taxes.values()) - sum(self.credits.values())

    def steps(self, kind: str, currency: str) -> list[Table]:
        """Its taxes, or what its grants pay, as a document states them."""
        names = self.taxes if kind == "tax" else self.credits
        of = minor_text(self.net, currency) if kind == "tax" else None
        sign = 1 if kind == "tax" else -1
        return [
            {
                "kind": kind,
                "name": name,
                "amount": minor_text(sign * names[name], currency),
                "of": of,
                "corrects": self.corrects,
            }
            for name in sorted(names, key=str.encode)
        ]


@dataclass(frozen=True, slots=True)
class Due:
    """The steps as a document states them, and the figures after them."""

    items: list[Table]
    net: int
    tax: int
    due: int

    @property
    def figures(self) -> dict[str, int]:
        """What a document states beside its items."""
        return {"tax": self.tax, "total": self.net + self.tax, "due": self.due}


def recurring(stated: Table, name: str, *, is_prorated: bool) -> tuple[Fraction, str, bool]:
    known(stated, "an amount for a period")
    return Fraction(stated["amount"]), stated.get("name", name), stated.get("prorate", is_prorated)


def due(
    owed: Owed,
    books: Books,
    customer: str,
    period: Period,
    currency: str,
    account: Account,
    *,
    is_period: bool,
    adjusted: Sequence[Adjusted] = (),
    adjusted_then: int = 0,
    openings: Sequence[Table] = (),
    drawn: Sequence[Drawn] = (),
) -> Due:
    """What becomes of a subtotal. Coupons, minimum and balances are those of the period's own invoice alone.

    Args:
        adjusted: the corrections that the document bills; they come after coupons, minimum and cap.
        openings: the opening balances that may come in with the document.
        adjusted_then: where a period is computed again, what was due of corrections on its document.
    """
    items: list[Table] = []

    def add(kind: str, name: str, amount_minor: int, **more: str | None) -> int:
        stated = {key: value for key, value in more.items() if value is not None}
        items.append({"kind": kind, "name": name, "amount": text(amount_minor), **stated})
        return amount_minor

    def text(amount_minor: int) -> str:
        return minor_text(amount_minor, currency)

    at = period.last_instant
    left = owed.subtotal
    for coupon in (books.term(customer, at, "coupon") or []) if is_period else []:
        left += _coupon(known(coupon, "a coupon"), left, currency, account, add)
    discounted, true_up = left, 0
    for kind in ("minimum", "cap") if is_period else ("cap",):
        limit = _limit(kind, books, customer, period, currency)
        if limit is not None and ((left < limit[1]) if kind == "minimum" else (left > limit[1])):
            left += add(kind, limit[0], limit[1] - left, of=text(limit[1]))
            true_up = left - discounted if kind == "minimum" else true_up
    for one in drawn:
        add("commitment", one.name, 0, **one.said)
        if one.true_up or one.ends:
            left += add("true_up", one.name, one.true_up, **one.said)
            true_up += one.true_up
    whole, net = left, left
    for number, (billed, _, _) in enumerate(account.interims, start=1):
        net += add("invoiced", f"interim invoice {number}", -billed)
    whole_tax, tax = _taxes(books.term(customer, at, "tax") or [], whole, account, text, add)
    items += (step for one in adjusted for step in one.steps("tax", currency))
    net, tax = net + sum(one.net for one in adjusted), tax + sum(sum(one.taxes.values()) for one in adjusted)
    brought = _balances(books, customer, currency, period, account, openings, add) if is_period else 0
    pieces = _pieces(whole + whole_tax, owed, discounted, true_up)
    pieces[-1] += max(0, brought + sum(one.due for one in adjusted) + adjusted_then)
    paid = _credits(
        books.grants(customer, (period.starts_at, period.ends_at)), pieces, owed.parts, currency, account, text, add
    )
    items += (step for one in adjusted for step in one.steps("credit", currency))
    to_pay = net + tax + brought - paid - sum(sum(one.credits.values()) for one in adjusted)
    smallest = books.term(customer, at, "smallest_amount")
    is_limited = any(one["kind"] in ("minimum", "cap") for one in items) or any(one.true_up for one in drawn)
    is_last = owed.is_empty and not account.interims and not is_limited
    is_small = smallest is not None and 0 < to_pay < minor(Fraction(smallest), currency)
    if is_period and not is_last and (to_pay < 0 or is_small):
        to_pay += add("carried", "carried forward", -to_pay)
    return Due(items, net, tax, to_pay)


def _limit(kind: str, books: Books, customer: str, period: Period, currency: str) -> tuple[str, int] | None:
    """What a minimum or a cap is called and comes to: all of it, or for the days on which it was agreed."""
    at = period.last_instant
    term = books.term(customer, at, kind)
    if term is None:
        return None
    named = {"minimum": "minimum commitment", "cap": "cap"}
    amount, called, is_prorated = recurring(term, named[kind], is_prorated=False)
    days = period.ends_of_days(books.frame(customer, at)[1])
    if kind == "minimum" and not books.is_billed(customer, at):
        return None
    ends = [end for end in days if books.is_billed(customer, end)]
    agreed = sum(books.term(customer, end, kind) is not None for end in ends) if is_prorated else len(days)
    return called, minor(amount * agreed / len(days), currency)


def _coupon(coupon: Table, left: int, currency: str, account: Account, add: Any) -> int:
    if left <= 0 or not account.has_left(coupon):
        return 0
    percent = coupon.get("percent")
    off = minor(Fraction(coupon.get("amount", 0)), currency)
    if percent is not None:
        off = rounded(Fraction(left) * Fraction(percent) / 100)
    if not off:
        return 0
    stated = None if percent is None else text_of(Fraction(percent))
    taken: int = add("coupon", coupon["id"], -min(off, left), percent=stated, of=minor_text(left, currency))
    return taken


def _taxes(taxes: Sequence[Table], whole: int, account: Account, text: Any, add: Any) -> tuple[int, int]:
    """The taxes of the whole period, and what of them interim invoices have not taxed."""
    taxed: Counter[str] = Counter()
    for _, by_name, _ in account.interims:
        taxed.update(by_name)
    whole_tax = tax = 0
    for one in taxes:
        percent, before = Fraction(known(one, "a tax")["percent"]), taxed.pop(one["name"], 0)
        share = rounded(Fraction(whole) * percent / 100)
        whole_tax += share
        more = {"percent": text_of(percent), "of": text(whole), "invoiced": text(before) if before else None}
        tax += add("tax", one["name"], share - before, **more)
    for name, before in sorted(taxed.items()):
        if before:
            tax += add("tax", name, -before, invoiced=text(before))
    return whole_tax, tax


def _balances(
    books: Books,
    customer: str,
    currency: str,
    period: Period,
    account: Account,
    openings: Sequence[Table],
    add: Any,
) -> int:
    """What was carried forward before, and what of opening balances did not come in yet, in the currency of the
    invoice.
    """
    brought = 0
    balances: list[tuple[str, str, int, str, Table]] = [(*one, "brought forward", {}) for one in account.balances]
    for one in openings:
        of_currency = one["currency"]
        came = account.openings.get((one["customer"], one["id"], of_currency), 0)
        if left := minor(Fraction(one["amount"]), of_currency) - came:
            said = {"opening": one["id"], "day": one["date"], "reason": one["reason"]}
            balances.append((one["customer"], of_currency, left, "opening balance", said))
    for owner, of_currency, amount, name, said in balances:
        if (owner, of_currency) == (customer, currency):
            brought += add("balance", name, amount, **said)
            continue
        rate = books.fx(of_currency, currency, period.last_day)
        if rate is None:
            raise CannotVerify(f"no exchange rate from {of_currency} to {currency} is listed for a balance")
        converted = minor(Fraction(amount, minor_unit(of_currency)) * rate, currency)
        origin = {"customer": owner, "original": minor_text(amount, of_currency), "original_currency": of_currency}
        brought += add("balance", name, converted, **origin, rate=text_of(rate), **said)
    return brought


def _pieces(due_minor: int, owed: Owed, discounted: int, true_up: int) -> list[int]:
    """What is due, cut into parts of the period in proportion to what they came to; fees and true-up lie at the end."""
    amounts = [max(amount, NOTHING) for amount in owed.by_part]
    weights = [amount * discounted for amount in amounts]
    weights[-1] += owed.at_end * discounted + (sum(amounts) + owed.at_end) * true_up
    whole = sum(weights)
    if whole <= 0:
        return [0] * (len(weights) - 1) + [due_minor]
    reached, before, pieces = NOTHING, 0, []
    for weight in weights:
        reached += weight
        pieces.append(rounded(due_minor * reached / whole) - before)
        before += pieces[-1]
    return pieces


def _credits(
    grants: Sequence[Table],
    pieces: Sequence[int],
    parts: Sequence[datetime],
    currency: str,
    account: Account,
    text: Any,
    add: Any,
) -> int:
    """What prepaid credits pay of the whole period, less what interim invoices drew. Each pays for what was used while
    it was in effect."""
    before: Counter[str] = Counter()
    for _, _, drawn in account.interims:
        before.update(drawn)
    granted = [grant for grant in grants if grant["currency"] == currency]
    left = {grant["id"]: minor(_worth(grant), currency) - account.credits.get(grant["id"], 0) for grant in granted}
    paid = dict.fromkeys(left, 0)
    for starts_at, piece in zip(parts, pieces, strict=True):
        drawn_now = Counter({id_: account.credits.get(id_, 0) + paid.get(id_, 0) for id_ in {*account.credits, *paid}})
        for one in {(grant["recurs"].grant["id"]): grant["recurs"] for grant in granted if "recurs" in grant}.values():
            whole, over_max = minor(_worth(one.grant), currency), minor(Fraction(one.over["max"]), currency)
            if one.starts(0) <= starts_at:
                of_parts = one.left(starts_at, whole, over_max, drawn_now)
                left |= {id_: minor_left + paid[id_] for id_, minor_left in of_parts.items() if id_ in paid}
        for grant in granted:
            if grant["valid_from"] <= starts_at and ("expires_at" not in grant or starts_at < grant["expires_at"]):
                pays = max(0, min(left[grant["id"]] - paid[grant["id"]], piece))
                paid[grant["id"]] += pays
                piece -= pays
    taken = 0
    for id_ in (*paid, *sorted(before.keys() - paid.keys())):
        had = left.get(id_, -account.credits.get(id_, 0)) - before[id_]
        if pays := paid.get(id_, 0) - before[id_]:
            taken -= add("credit", id_, -pays, of=text(had))
    return taken


def _worth(grant: Table) -> Fraction:
    if "credits" in grant:
        return Fraction(grant["credits"]) * Fraction(grant["worth"])
    return Fraction(grant["amount"])
