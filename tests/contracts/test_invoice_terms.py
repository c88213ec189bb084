"""What a contract agrees to for a whole invoice, and what prepaid credits say, as read from canonical content."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from tokentill.canonical import Content
from tokentill.contracts.invoice_terms import NO_TERMS, Coupon, Grant, InvoiceTerms, Recurring, Tax

RECORDED = datetime(2026, 9, 1, tzinfo=UTC)


def grant(**content: Any) -> Grant:
    plain = {"customer": "alice", "id": "g", "currency": "USD", "valid_from": "2026-01-01T00:00:00Z", "amount": "5"}
    return Grant.from_content({**plain, **content}, recorded_at=RECORDED)


def test_an_invoice_table_that_says_nothing_agrees_to_nothing() -> None:
    empty = InvoiceTerms.from_content({})
    assert empty == NO_TERMS == InvoiceTerms(None, None, None, None, None, None, None)
    assert not empty.is_recurring


def test_an_invoice_table_is_read_with_everything_that_it_can_say() -> None:
    content: Content = {
        "base_fee": {"amount": "20", "name": "seat", "prorate": False},
        "minimum": {"amount": "100", "name": "commitment", "prorate": True},
        "cap": {"amount": "500", "name": "ceiling", "prorate": True},
        "coupon": [{"id": "a", "percent": "10", "periods": 3}, {"id": "b", "amount": "5"}],
        "tax": [{"name": "VAT", "percent": "19"}, {"name": "city", "percent": "0.5"}],
        "smallest_amount": "1",
        "interim_at": "250",
    }
    assert InvoiceTerms.from_content(content) == InvoiceTerms(
        base_fee=Recurring(Decimal(20), "seat", is_prorated=False),
        minimum=Recurring(Decimal(100), "commitment", is_prorated=True),
        cap=Recurring(Decimal(500), "ceiling", is_prorated=True),
        coupons=(Coupon("a", Decimal(10), None, 3), Coupon("b", None, Decimal(5), None)),
        taxes=(Tax("VAT", Decimal(19)), Tax("city", Decimal("0.5"))),
        smallest_amount=Decimal(1),
        interim_at=Decimal(250),
    )


def test_a_base_fee_is_prorated_unless_said_otherwise_and_limits_are_not() -> None:
    terms = InvoiceTerms.from_content({key: {"amount": "1"} for key in ("base_fee", "minimum", "cap")})
    assert terms.base_fee == Recurring(Decimal(1), "base fee", is_prorated=True)
    assert terms.minimum == Recurring(Decimal(1), "minimum commitment", is_prorated=False)
    assert terms.cap == Recurring(Decimal(1), "cap", is_prorated=False)


@pytest.mark.parametrize(("key", "is_recurring"), [("base_fee", True), ("minimum", True), ("cap", False)])
def test_a_fee_and_a_minimum_are_owed_without_usage_and_a_cap_is_not(key: str, is_recurring: bool) -> None:
    assert InvoiceTerms.from_content({key: {"amount": "1"}}).is_recurring is is_recurring


def test_zero_is_said_and_nothing_is_not() -> None:
    terms = InvoiceTerms.from_content({"smallest_amount": "0", "interim_at": "0", "coupon": [], "tax": []})
    assert (terms.smallest_amount, terms.interim_at, terms.coupons, terms.taxes) == (0, 0, (), ())


def test_each_term_is_that_of_the_first_who_states_it() -> None:
    own = InvoiceTerms(taxes=(), smallest_amount=Decimal(0))
    plan = InvoiceTerms(taxes=(Tax("VAT", Decimal(19)),), cap=Recurring(Decimal(9), "cap", is_prorated=False))
    default = InvoiceTerms(smallest_amount=Decimal(1), coupons=(Coupon("a", Decimal(10), None, 3),))
    assert InvoiceTerms.first_of(iter([own, plan, default])) == InvoiceTerms(
        taxes=(), smallest_amount=Decimal(0), cap=plan.cap, coupons=default.coupons
    )
    assert InvoiceTerms.first_of([]) == NO_TERMS


def test_a_grant_of_an_amount_is_read_with_its_plain_meaning() -> None:
    assert grant() == Grant(
        customer="alice",
        id="g",
        amount=Decimal(5),
        currency="USD",
        priority=0,
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        expires_at=None,
        recorded_at=RECORDED,
        unit=None,
    )


def test_a_grant_of_credits_is_worth_what_they_are_worth() -> None:
    content = {
        "customer": "bob",
        "id": "h",
        "currency": "EUR",
        "credits": 1500,
        "worth": "0.002",
        "name": "AI credit",
        "priority": 4,
        "valid_from": "2026-02-01T00:00:00+01:00",
        "expires_at": "2027-01-01T00:00:00Z",
    }
    assert Grant.from_content(content, recorded_at=RECORDED) == Grant(
        customer="bob",
        id="h",
        amount=Decimal(3),
        currency="EUR",
        priority=4,
        valid_from=datetime(2026, 1, 31, 23, tzinfo=UTC),
        expires_at=datetime(2027, 1, 1, tzinfo=UTC),
        recorded_at=RECORDED,
        unit="AI credit",
    )


def test_grants_burn_by_priority_then_expiry_then_age_then_id() -> None:
    in_order = [
        grant(id="z", priority=-1),
        grant(id="y", expires_at="2026-06-01T00:00:00Z", valid_from="2026-02-01T00:00:00Z"),
        grant(id="x", expires_at="2026-07-01T00:00:00Z", valid_from="2026-01-15T00:00:00Z"),
        grant(id="w", expires_at="2026-07-01T00:00:00Z", valid_from="2026-01-16T00:00:00Z"),
        grant(id="v", valid_from="2025-01-01T00:00:00Z"),
        grant(id="s"),
        grant(id="t"),
        grant(id="a", priority=1, expires_at="2026-02-01T00:00:00Z"),
    ]
    for three in permutations(in_order, 3):
        found = sorted(three, key=lambda one: one.order)
        assert found == [one for one in in_order if one in three]
