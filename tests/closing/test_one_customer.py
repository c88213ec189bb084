"""A preview of one customer looks only at records that may be its own, and shows what a preview of all shows of it."""

from __future__ import annotations

import pytest

from tests.builders import OCTOBER, at, attribution, contract, price, prices, record, till
from tokentill.canonical import Content
from tokentill.errors import NotFound
from tokentill.store.database import Database
from tokentill.till import Till

pytestmark = pytest.mark.postgresql_one_in(4)

CUSTOMERS = ("parent", "child", "grown", "bound", "alone", "a'b\u00e9", "late")
CONTRACTS = (
    contract("customer", "child", invoice={"parent": "parent"}),
    contract("customer", "grown", invoice={"parent": "parent"}),
    contract("customer", "grown", valid_from="2026-10-01T00:00:00Z", recorded_at="2026-09-02T00:00:00Z"),
    contract("customer", "late", valid_from="2026-10-20T00:00:00Z", time_zone="Asia/Tokyo"),
)
RULES: dict[str, list[Content]] = {
    "none": [],
    "without rules": [attribution()],
    "a template": [attribution({"match": {"user": "org_{id}"}, "customer": "{id}"})],
}


def month(database: Database, rules: list[Content]) -> Till:
    """Users of every kind: their own, their parent's, bound to another for a part of the month, under two models."""
    shop = till(database, prices(price(), price("acme/small")), contract(), *CONTRACTS, *rules)
    users = (*CUSTOMERS, "moved", "moved later", "org_alone")
    shop.ingest(
        record(f"{user} {day} {model}", user=user, when=day, model=model, input=1_000_000 + 1000 * number)
        for number, user in enumerate(users)
        for day, model in (("2", "acme/large"), ("15", "acme/small"), ("25", "acme/large"))
    )
    shop.bind([("moved", "bound", at("2025-01-01T00:00Z"), None), ("moved later", "bound", at("10"), None)])
    return shop


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("is_issued", [False, True], ids=["open", "issued"])
def test_one_customer_is_shown_what_a_preview_of_all_shows(database: Database, rules: str, *, is_issued: bool) -> None:
    shop = month(database, RULES[rules])
    if is_issued:
        assert not shop.close(OCTOBER).is_refused
        shop.ingest([record("afterwards", user="child"), record("and one more", user="new")])
    among = {one.invoice.customer: one for one in shop.preview(OCTOBER).customers}
    assert {"parent", "bound", "alone"} <= among.keys()
    for customer in (*CUSTOMERS, "moved", "moved later", "nobody at all"):
        if customer not in among:
            with pytest.raises(NotFound):
                shop.preview(OCTOBER, customer=customer)
            continue
        (one,) = shop.preview(OCTOBER, customer=customer).customers
        assert one.invoice.content() == among[customer].invoice.content()


@pytest.mark.parametrize("user", [None, ""])
def test_usage_of_nobody_is_named_beside_one_customer_too(database: Database, user: str | None) -> None:
    shop = month(database, [])
    shop.ingest([record("whose", user=user)])
    whole, one = shop.preview(OCTOBER), shop.preview(OCTOBER, customer="alone")
    assert one.unattributed.requests == whole.unattributed.requests == 1
    assert one.blocked_by == whole.blocked_by != ()


def test_who_stood_on_an_issued_invoice_without_usage_still_does(database: Database) -> None:
    fee = {"base_fee": {"amount": "10"}}
    before = (contract("customer", "parent", invoice=fee), contract("customer", "child", invoice={"parent": "parent"}))
    shop = till(database, prices(price()), contract(), *before)
    assert len(shop.close(OCTOBER).issued) == 1
    later = till(database, prices(price()), contract(), before[0], contract("customer", "child"))
    later.ingest([record("afterwards", user="child")])
    (among,) = later.preview(OCTOBER).customers
    (one,) = later.preview(OCTOBER, customer="parent").customers
    assert one.invoice.content() == among.invoice.content()
    assert one.late_requests == among.late_requests == 1
