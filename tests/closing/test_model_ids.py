"""Ids that mean another model from an instant on: what is previewed, issued, explained and verified is one answer."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.builders import OCTOBER, contract, price, prices, record, till
from tokentill.canonical import Content
from tokentill.store.database import Database

pytestmark = pytest.mark.postgresql_one_in(8)

MODELS = prices(price("acme/large", rates={"input": "3"}), price("acme/small", rates={"input": "1"}))
MIDDLE = "2026-10-15T00:00:00Z"
NAMES: Content = {
    "format": 1,
    "kind": "prices",
    "recorded_at": "2026-09-01T00:00:00Z",
    "alias": [
        {"id": "best", "model": "acme/large"},
        {"id": "best", "model": "acme/small", "valid_from": MIDDLE},
        {"id": "new", "model": "acme/small", "valid_from": MIDDLE},
    ],
    "route": [
        {"prefix": "eu/", "models": ["acme/*"], "same_price": True},
        {"prefix": "dear/", "models": ["acme/*"], "same_price": False},
    ],
}
RULES = [
    {"name": "small", "match": {"model": ["acme/small"]}, "markup_percent": "100"},
    {"name": "other", "markup_percent": "0"},
]
DAYS = ("14 23:59", "15 00:00", "15 00:01")
IDS = ("best", "eu/best", "best:nitro")


def test_a_month_in_which_an_id_changes_its_model_is_cut_there(database: Database) -> None:
    one = till(database, MODELS, NAMES, contract(rules=RULES))
    one.ingest(
        [record(f"{id_} {day}", user="ann", model=id_, when=day, input=1_000_000) for id_ in IDS for day in DAYS]
    )

    previewed = one.preview(OCTOBER)
    one.close(OCTOBER)

    (issued,) = one.invoices()
    lines = {line["model"]: line for line in issued.content["lines"] if line["kind"] == "usage"}
    assert {model: (line["requests"], line["exact_amount"]) for model, line in lines.items()} == {
        "acme/large": (3, "9"),
        "acme/small": (6, "12"),
    }
    assert len(previewed.customers) == 1
    explained = one.explain(issued.number)
    for line in explained:
        assert sum(found.exact_amount for found in line.records) == Decimal(line.line["exact_amount"])
    by_model = {line.line["model"]: {found.record.record_id[-8:] for found in line.records} for line in explained}
    assert by_model == {"acme/large": {DAYS[0]}, "acme/small": {*DAYS[1:]}}
    assert one.verify().faults == ()


def test_before_an_alias_holds_and_on_a_route_of_other_prices_usage_is_unpriced_and_says_why(
    database: Database,
) -> None:
    one = till(database, MODELS, NAMES, contract())
    one.ingest(
        [
            record("early", user="ann", model="new", when="14 23:59", input=1),
            record("late", user="ben", model="new", when="15 00:00", input=1),
            record("dear", user="cem", model="dear/acme/small", input=1),
        ]
    )

    closed = one.close(OCTOBER)

    assert [issued.customer for issued in one.invoices()] == ["ben"]
    why = {found.customer: found.reason for found in closed.refused}
    assert f"the alias 'new' holds from {MIDDLE} on" in why["ann"]
    assert "on the route 'dear/', which has prices of its own" in why["cem"]
