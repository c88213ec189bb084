"""`verify` is an independent computation: an invoice that wrong code made and stored with all its hashes is found.

Each case makes one mistake in the code of the close, and leaves it there while the invoices are verified. What is
stored agrees with itself, and the same code computes the same bytes again; the second computation does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from tests.builders import OCTOBER, MovableClock, at, attribution, contract, grants, price, prices, record, till
from tests.invoicing.bench import drop_guards
from tests.shares import daily
from tokentill.clock import to_micros
from tokentill.closing.questions.verify import verify_invoices
from tokentill.invoicing import accumulators, coverage, invoice, lines, periods, rating_groups, totals
from tokentill.prices import rate_cards
from tokentill.store import tables
from tokentill.store.checks.consistency import check_agreement
from tokentill.store.database import Database
from tokentill.store.issued.invoices import issued_invoices
from tokentill.till import Till
from tokentill.verification.comparing import differences, with_all_keys
from tokentill.verification.verifying import verify_documents

FX = {
    "format": 1,
    "kind": "fx",
    "recorded_at": "2026-09-01T00:00:00Z",
    "rate": [
        {"from": "USD", "to": "EUR", "date": "2026-09-01", "rate": "0.9"},
        {"from": "USD", "to": "EUR", "date": "2026-10-16", "rate": "0.8"},
    ],
}
TIERS = {"kind": "graduated", "over": ["input"], "tier": [{"up_to": "2500", "flat": "1"}, {"markup_percent": "50"}]}


def world(database: Database) -> Till:
    """A month in which every part of the calculation decides something."""
    rules = [
        {"name": "large", "match": {"model": ["acme/large"]}, "markup_percent": "20"},
        {"name": "all", "markup_percent": "10", "add_on": {"request": {"price": "0.001"}}},
    ]
    coupon = {"id": "welcome", "percent": "10", "periods": 1}
    agreed = contract(rules=rules, invoice={"tax": [{"name": "VAT", "percent": "19"}], "coupon": [coupon]})
    own = [
        contract("customer", "bob", rules=[{"name": "tiers", "tiers": TIERS}, {"name": "rest"}]),
        contract("customer", "cem", currency="EUR", time_zone="Asia/Tokyo", invoice={"minimum": {"amount": "50"}}),
        contract("customer", "dora", invoice={"parent": "alice"}),
        contract("customer", "eve", rules=[{"name": "allowance", "allowance": {"units": {"input": 1500}}}]),
        contract("customer", "finn", invoice={"base_fee": {"amount": "31"}}, valid_from="2026-10-11T00:00:00Z"),
        contract("customer", "gil", rules=[{"name": "packages", "package": {"web_search": {"price": "2", "size": 3}}}]),
    ]
    large = price(
        fees={"web_search": {"price": "10", "per": 1000}},
        tier=[{"when": {"input_tokens_gt": 200_000}, "rates": {"input": "6", "output": "30"}}],
        window=[{"when": {"between": ["01:00", "05:00"]}, "rates": {"input": "1", "cache_read": "0.1", "output": "5"}}],
    )
    changed = price("acme/small", rates={"input": "0.9", "output": "2"}, valid_from="2026-10-20T00:00:00Z")
    listed = prices(large, price("acme/small"), changed)
    clock = MovableClock(at("20"))
    granted = grants({"id": "trial", "amount": "0.02", "expires_at": "2026-10-16T00:00:00Z"})
    shop = till(database, listed, FX, agreed, *own, granted, attribution(), clock=clock)
    users = ("alice", "bob", "cem", "dora", "eve", "finn", "gil", "hugo")
    for number, user in enumerate(users):
        shop.ingest(
            [
                record(f"{user}-1", user=user, when=f"{number + 2}", input=1_777, output=133, cost="0.01"),
                record(f"{user}-2", user=user, when="15 02:30", input=1_111, reasoning=77, web_search=4),
                record(f"{user}-3", user=user, when="17", model="acme/small", input=300_001, output=1, cost="0.03"),
            ]
        )
    shop.close(OCTOBER, interim=["alice"])
    clock.instant = at("2026-11-03T00:00Z")
    shop.ingest(
        [
            record(f"{user}-{number}", user=user, when=when, model=model, input=250_003, output=3)
            for user in users
            for number, (when, model) in enumerate((("22 23:59", "acme/large"), ("23", "acme/small")), start=4)
        ]
    )
    shop.close(OCTOBER)
    return shop


def dearer(unit_price: Callable[..., Any]) -> Callable[..., Any]:
    def mistaken(*args: Any) -> Any:
        found = unit_price(*args)
        return found if found is None else found._replace(rate=found.rate + Decimal("0.01"))

    return mistaken


def second_rule(rule_for: Callable[..., Any]) -> Callable[..., Any]:
    def mistaken(self: Any, customer: Any, traits: Any, instant: Any) -> Any:
        fitting = [rule for rule in self.rules(customer, instant) if rule.fits(traits)]
        return fitting[min(1, len(fitting) - 1)] if fitting else None

    return mistaken


def down(round_to_minor: Callable[..., Any]) -> Callable[..., Any]:
    def mistaken(exact: Decimal, currency: str, *, divisor: int = 1) -> int:
        rounded: int = round_to_minor(exact - Decimal("0.0049999"), currency, divisor=divisor)
        return rounded

    return mistaken


def one_more(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: function(*args, **kwargs) + 1


def swapped(allocate_shares: Callable[..., Any]) -> Callable[..., Any]:
    def mistaken(exacts: Any, total: int, currency: str) -> list[int]:
        shares = allocate_shares(exacts, total, currency)
        return [shares[0] + 1, *shares[1:-1], shares[-1] - 1] if len(shares) > 1 else shares

    return mistaken


def without_one(segments: Callable[..., Any]) -> Callable[..., Any]:
    def mistaken(self: Any, series: Any) -> Any:
        found = segments(self, series)
        return [] if (series.user, series.model) == ("hugo", "acme/small") else found

    return mistaken


def of_another(why: Callable[..., Any]) -> Callable[..., Any]:
    def mistaken(self: Any, series: Any, instant: Any) -> Any:
        customer, because = why(self, series, instant)
        return ("alice" if (customer, series.model) == ("hugo", "acme/small") else customer), because

    return mistaken


def an_hour_later(local_midnight: Callable[..., Any]) -> Callable[..., Any]:
    def mistaken(day: Any, zone: Any) -> Any:
        found = local_midnight(day, zone)
        return found if zone.key == "UTC" else found.replace(minute=30)

    return mistaken


def nothing_paid(burn: Callable[..., Any]) -> Callable[..., Any]:
    def mistaken(*args: Any) -> Any:
        right = burn(*args)
        return right._replace(paid={id_: max(0, paid - 1) for id_, paid in right.paid.items()})

    return mistaken


def first_day_of_all(rate: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, of, to, day: rate(self, of, to, day.replace(day=1))


def one_request_more(daily_of: Callable[..., Any]) -> Callable[..., Any]:
    return lambda by_time: tuple(replace(day, requests=day.requests + 1) for day in daily_of(by_time))


def no_more_included(consume: Callable[..., Any]) -> Callable[..., Any]:
    def mistaken(basis: Any, quantities: Any, *others: Any) -> Any:
        allowance = basis.rule.allowance
        if allowance is not None:
            units = {name: limit + 100 for name, limit in allowance.units.items()}
            basis = replace(basis, rule=replace(basis.rule, allowance=replace(allowance, units=units)))
        return consume(basis, quantities, *others)

    return mistaken


def dearer_packages(charge: Callable[..., Any]) -> Callable[..., Any]:
    return lambda rule, name, packages, units: charge(rule, name, packages + 1, units)


def without_a_step(part: Callable[..., Any]) -> Callable[..., Any]:
    return lambda billed: replace(part(billed), steps=part(billed).steps[1:])


MISTAKES: dict[str, tuple[Any, str, Callable[..., Any], str]] = {
    "a wrong price": (rate_cards, "unit_price", dearer, "exact_amount"),
    "a wrong rule": (rating_groups.ContractBook, "rule_for", second_rule, "rule is "),
    "a wrong rounding of the subtotal": (invoice, "round_to_minor", down, "subtotal"),
    "a cent on another line": (invoice, "allocate_shares", swapped, "amount"),
    "a wrong tax": (totals, "share_minor", one_more, "VAT"),
    "a record left out": (coverage.Ownership, "segments", without_one, "hugo-3"),
    "a record of somebody else": (coverage.Ownership, "why", of_another, "hugo-3"),
    "a period in a wrong time zone": (periods, "local_midnight", an_hour_later, "period_end"),
    "a grant that pays too little": (totals, "burn", nothing_paid, "trial"),
    "an exchange rate of another day": (
        rating_groups.FxBook,
        "rate",
        first_day_of_all,
        "exact_amount",
    ),
    "a wrong count of a day": (invoice, "daily_of", one_request_more, "daily"),
    "too much included": (accumulators, "consume", no_more_included, "exact_amount"),
    "one package too many": (accumulators, "_package_charge", dearer_packages, "packages of 3"),
    "a fee of one day more": (totals, "_prorated", one_more, "base fee"),
    "a part of a line without a step": (lines, "_part", without_a_step, "steps"),
}


@pytest.mark.parametrize("mistake", daily(MISTAKES, 4))
def test_an_invoice_that_wrong_code_made_and_stored_is_found(
    mistake: str, sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name, wrong, told = MISTAKES[mistake]
    monkeypatch.setattr(module, name, wrong(getattr(module, name)))
    world(sqlite_database)
    with sqlite_database.read() as connection:
        contradicted = {one.check for one in check_agreement(connection, whole=True) if one.faults}
        numbers = {issued.number for issued in issued_invoices(connection)}
        faults = [fault for _, fault in verify_documents(connection, numbers) if fault is not None]
    assert contradicted <= {"lines_are_within_a_minor_unit", "amounts_add_up"}
    assert faults, "nobody noticed"
    assert any(word in fault for fault in faults for word in told.split("|")), faults


def test_a_month_that_right_code_made_is_sound(database: Database) -> None:
    shop = world(database)
    assert len(shop.invoices()) == 8
    with database.read() as connection:
        found = verify_invoices(connection, issued_invoices(connection), whole=True, replay=True)
    assert [(one.number, one.fault) for one in found.invoices if one.fault] == []
    assert found.faults == ()


def test_a_document_under_a_term_that_is_not_understood_is_never_passed(sqlite_database: Database) -> None:
    agreed = contract(invoice={"rebate": {"percent": "5"}})
    shop = till(sqlite_database, prices(price()), agreed)
    shop.ingest([record("a")])
    shop.close(OCTOBER)
    (found,) = shop.verify().invoices
    assert "the invoice terms states 'rebate', which this verification does not know" in str(found.fault)


def test_a_document_that_covers_more_than_its_records_is_found(sqlite_database: Database) -> None:
    """What comes later in that time would be billed by nobody."""
    shop = till(sqlite_database, prices(price()), contract())
    shop.ingest([record("a")])
    shop.close(OCTOBER)
    drop_guards(sqlite_database)
    with sqlite_database.write() as connection:
        connection.execute(update(tables.coverage).values(seq_upto=tables.coverage.c.seq_upto + 1))
        ((_, fault),) = verify_documents(connection, {"INV-000001"})
    assert "it covers records of series 1" in str(fault)


def test_a_document_says_less_of_a_record_that_it_does_not_cover(sqlite_database: Database) -> None:
    shop = till(sqlite_database, prices(price()), contract())
    shop.ingest([record("a"), record("b", when="16")])
    shop.close(OCTOBER)
    drop_guards(sqlite_database)
    with sqlite_database.write() as connection:
        connection.execute(update(tables.coverage).values(ends_at=to_micros(at("16 00:00"))))
        ((_, fault),) = verify_documents(connection, {"INV-000001"})
    assert fault == "it does not cover record 'b', which is its customer's (1 such record)"


def leaves_of(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the figures of a content stand."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves_of(inner, (*place, key))
    else:
        yield place


def changed(content: Any, place: tuple[Any, ...]) -> Any:
    """A content in which one figure is another one."""
    copy = deepcopy(content)
    holder = copy
    for key in place[:-1]:
        holder = holder[key]
    value = holder[place[-1]]
    holder[place[-1]] = f"{value}1" if isinstance(value, str) else 7 if value is None else value + 1
    return copy


def test_any_one_figure_of_a_content_that_is_another_one_is_a_difference(sqlite_database: Database) -> None:
    tried = 0
    for issued in world(sqlite_database).invoices():
        right = with_all_keys(issued.content)
        assert list(differences(right, with_all_keys(issued.content))) == []
        for place in leaves_of(issued.content):
            tried += 1
            assert list(differences(right, with_all_keys(changed(issued.content, place)))), place
    assert tried > 1000
