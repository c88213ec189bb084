"""What stands out on a preview: costs that nothing bills, costs above the list price, margins and their coverage."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.builders import OCTOBER, contract, price, prices, record
from tests.builders import till as till_of
from tokentill.canonical import Content
from tokentill.invoicing.findings import PreviewFinding
from tokentill.invoicing.limits import ReviewLimits
from tokentill.invoicing.preview import Preview
from tokentill.store.database import Database
from tokentill.till import Till

pytestmark = pytest.mark.postgresql_one_in(8)

MILLION = 1_000_000
"""A million input tokens are 3 USD at the list price."""


def found(till: Till) -> list[tuple[str, str]]:
    return [(finding.kind, finding.text) for finding in till.preview(OCTOBER).findings]


def preview_of(database: Database, *records: Any, of: tuple[Content, ...] = ()) -> Preview:
    till = till_of(database, *of)
    till.ingest(records)
    return till.preview(OCTOBER)


def only(preview: Preview) -> PreviewFinding:
    (finding,) = preview.findings
    return finding


def test_ordinary_usage_has_no_finding(database: Database) -> None:
    assert preview_of(database, record("a", input=MILLION, cost="2.50"), record("b", input=MILLION)).findings == ()


def test_a_part_of_the_cost_that_nothing_bills_is_named(database: Database) -> None:
    tags = {"tags": ("cost_web_search=0.5",)}
    preview = preview_of(
        database, *(record(f"r{n}", input=MILLION, cost="3", **tags) for n in range(2)), record("other", user="bob")
    )
    finding = only(preview)
    assert (finding.kind, finding.customer) == ("cost-component-unbilled", "alice")
    assert finding.text == ("2 requests report a cost component web_search, 1 USD, that no price entry or rule bills")
    assert finding.content()["figures"] == {"component": "web_search", "requests": 2, "cost": "1"}


def test_it_is_said_that_a_fee_is_not_charged_for_want_of_a_number(database: Database) -> None:
    entry = price(fees={"web_search": {"price": "10", "per": 1000}})
    one = record("r", input=MILLION, cost="3", tags=("cost_web_search=0.5",))
    assert only(preview_of(database, one, of=(prices(entry),))).text.endswith(
        "; the fee for web_search is not charged, since no number is reported"
    )


@pytest.mark.parametrize("rule", [{"basis": "cost"}, {"min_margin_percent": "0"}])
def test_who_is_billed_by_the_cost_has_no_part_of_it_named(database: Database, rule: Content) -> None:
    one = record("r", input=1, cost="9", tags=("cost_web_search=0.5",))
    assert preview_of(database, one, of=(contract(rules=[rule]),)).findings == ()


def test_a_cost_far_above_the_list_amount_is_named_by_customer_and_model(database: Database) -> None:
    records = [record(f"r{n}", input=10_000, cost="0.60", when=str(n + 1)) for n in range(2)]
    kinds = found_after(database, *records)
    assert kinds == [
        ("billed-below-cost", "0.06 USD is billed for usage that cost 1.2 USD"),
        ("cost-above-list", "2 requests to acme/large cost 1.2 USD and come to 0.06 USD at list prices"),
    ]


def found_after(database: Database, *records: Any, limits: ReviewLimits | None = None) -> list[tuple[str, str]]:
    till = till_of(database)
    if limits is not None:
        till.limits = limits
    till.ingest(records)
    return found(till)


@pytest.mark.parametrize(
    ("cost", "limits", "is_named"),
    [
        ("9", ReviewLimits(), False),
        ("9.000001", ReviewLimits(), True),
        ("3.5", ReviewLimits(cost_factor=Decimal(1)), False),
        ("4", ReviewLimits(cost_factor=Decimal(1)), True),
        ("9.5", ReviewLimits(cost_amount=Decimal(7)), False),
    ],
)
def test_the_limits_are_a_factor_and_an_amount(
    database: Database, cost: str, limits: ReviewLimits, is_named: bool
) -> None:
    kinds = found_after(database, record("r", input=MILLION, cost=cost), limits=limits)
    assert ("cost-above-list" in [kind for kind, _ in kinds]) is is_named


def test_a_free_model_that_costs_something_is_named_and_not_missing(database: Database) -> None:
    preview = preview_of(
        database,
        record("r", input=0, cost="0.05"),
        record("s", input=5, cost="0.05"),
        of=(prices(price(rates={}, free=True)),),
    )
    assert [finding.kind for finding in preview.findings] == ["billed-below-cost", "cost-of-free-model"]
    assert preview.findings[1].text == "2 requests to acme/large cost 0.1 USD, and the model is listed as free"
    assert preview.customers[0].blocked_by is None


def test_what_rounding_takes_is_not_billed_below_cost(database: Database) -> None:
    assert preview_of(database, record("r", input=1000, cost="0.0026")).findings == ()
    assert only(preview_of(database, record("s", input=1000, cost="0.02"))).kind == "billed-below-cost"


# Margin with its coverage


def test_margin_goes_as_far_as_costs_were_reported(database: Database) -> None:
    records = [record(f"r{n}", input=MILLION, cost="2") for n in range(999)]
    preview = preview_of(database, *records, record("last", input=MILLION))
    (margin,) = preview.margins
    assert (margin.billed, margin.cost, margin.margin) == (3000, 1998, 1002)
    assert margin.coverage_percent == Decimal("99.9")
    assert preview.content()["margins"][0]["coverage_percent"] == "99.9"
    assert preview.content()["invoices"][0]["margin"]["requests_with_cost"] == 999


def test_coverage_is_a_hundred_only_where_every_request_has_a_cost(database: Database) -> None:
    records = [record(f"r{n}", cost="0.001") for n in range(2_999)]
    (margin,) = preview_of(database, *records, record("last")).margins
    assert (margin.coverage_percent, margin.is_whole) == (Decimal("99.9"), False)


def test_who_reports_no_cost_counts_in_the_coverage_and_not_in_the_margin(database: Database) -> None:
    preview = preview_of(database, record("r", input=MILLION, cost="2"), record("s", user="bob", input=MILLION))
    (margin,) = preview.margins
    assert (margin.billed, margin.cost, margin.coverage_percent) == (3, 2, 50)
    assert [invoice["margin"] is None for invoice in preview.content()["invoices"]] == [False, True]


def test_a_margin_in_another_currency_is_over_the_converted_cost(database: Database) -> None:
    rates = {
        "format": 1,
        "kind": "fx",
        "recorded_at": "2026-09-01T00:00:00Z",
        "source": "a test",
        "rate": [{"from": "USD", "to": "EUR", "date": "2026-01-01", "rate": "0.5"}],
    }
    preview = preview_of(database, record("r", input=MILLION, cost="2"), of=(contract(currency="EUR"), rates))
    (margin,) = preview.margins
    assert (margin.currency, margin.billed, margin.cost) == ("EUR", Decimal("1.5"), 1)


def test_no_percent_is_said_of_a_base_that_is_tiny_or_partial(database: Database) -> None:
    till = till_of(database)
    september = {"whole": (MILLION, "2026-09-02 12:00:00+00:00"), "tiny": (100, "2026-09-02 12:00:00+00:00")}
    september["late"] = (MILLION, "2026-09-20 12:00:00+00:00")
    till.ingest(record(user, user=user, input=count, when=when) for user, (count, when) in september.items())
    till.ingest(record(f"{user}-now", user=user, input=10 * MILLION) for user in september)
    for _ in range(2):  # once computed, once as issued
        measures = {one.invoice.customer: one.has_measure for one in till.preview(OCTOBER).customers}
        assert measures == {"whole": True, "tiny": False, "late": False}
        till.close("2026-09")
