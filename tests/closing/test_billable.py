"""What is billed of cache hits, own keys and failed requests: a month walks through with one invoice as its answer.

The invoice is text that an accountant can read; both databases come to it, and a second calculation to the same.
"""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.builders import OCTOBER, MovableClock, at, contract, record, till
from tokentill.canonical import Content
from tokentill.errors import Refused
from tokentill.store.database import Database
from tokentill.till import Till

GOLDEN = Path(__file__).parent / "data" / "not_billed.txt"
COUNTS = {"prompt_tokens": 1_000_000, "completion_tokens": 100_000, "total_tokens": 1_100_000}
NOTHING = dict.fromkeys(COUNTS, 0)

pytestmark = pytest.mark.postgresql_one_in(2)

AGREED = contract(
    rules=[
        {"name": "health checks", "match": {"api_key": ["probe"]}, "basis": "free"},
        {"name": "answers from the cache", "match": {"is_replayed": True}, "basis": "free"},
        {"name": "own keys", "match": {"is_byok": True}, "byok_fee_percent": "5"},
        {"name": "resale", "markup_percent": {"default": "20"}},
    ]
)


def litellm(request_id: str, **more: object) -> Content:
    row = {"request_id": request_id, "end_user": "alice", "model": "acme/large", "startTime": "2026-10-05T10:00:00Z"}
    return {**row, **COUNTS, "spend": 4.5, "status": "success", **more}


ROWS = [
    litellm("served"),
    litellm("replayed", cache_hit="True", spend=0),
    litellm("probed", api_key="probe"),
    litellm("failed", status="failure", spend=0, **{**NOTHING, "prompt_tokens": 1_000_000, "total_tokens": 1_000_000}),
    litellm("failed at once", status="failure", spend=0, **NOTHING),
    litellm("failed late", status="failure"),
]


def month(database: Database, agreed: Content = AGREED) -> Till:
    shop = till(database, agreed, clock=MovableClock())
    rows = "\n".join(map(json.dumps, ROWS)).encode()
    ingested = shop.ingest_file(io.BytesIO(rows), name="spend.jsonl", format="litellm")
    assert ingested.counts.accepted == len(ROWS), ingested.bad
    shop.ingest([record("own key", is_byok=True, cost="2", input=1_000_000, output=0)])
    return shop


def as_text(content: Content) -> str:
    """The lines of an invoice, a row each, and its totals."""
    names = ("description", "rule", "rule_contract", "requests", "list_amount", "exact_amount", "amount")
    rows = [names, *([str(line[name]) for name in names] for line in content["lines"])]
    widths = [max(len(row[place]) for row in rows) for place in range(len(names))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*table, f"total {content['total']} {content['currency']}", ""])


def decisions(shop: Till) -> list[tuple[str, str | None, int, Decimal | None]]:
    return [(one.decision, one.contract, one.requests, one.list_amount) for one in shop.preview(OCTOBER).not_billed]


def test_cache_hits_own_keys_and_failures_stand_on_the_invoice_as_the_rules_say(database: Database) -> None:
    shop = month(database)
    assert decisions(shop) == [
        ("answers from the cache", "default", 1, Decimal("4.5")),
        ("health checks", "default", 1, Decimal("4.5")),
        ("error without output and cost", "default set", 2, Decimal(3)),
    ]
    assert not shop.close(OCTOBER).refused
    (issued,) = shop.invoices()
    assert as_text(issued.content) == GOLDEN.read_text("utf-8")
    assert shop.verify(replay=True).is_sound
    assert shop.database.check().is_sound
    reported = shop.close_report(OCTOBER).not_billed
    assert [(one.decision, one.requests, one.list_amount) for one in reported] == [
        (name, requests, amount) for name, _, requests, amount in decisions(shop)
    ]


def test_every_request_lies_under_one_rule_and_none_is_gone(database: Database) -> None:
    shop = month(database)
    (previewed,) = shop.preview(OCTOBER).customers
    assert previewed.invoice.requests == len(ROWS) + 1


@pytest.mark.parametrize(
    ("match", "fitting"),
    [
        ({"zero_cost": True}, 3),
        ({"zero_cost": False}, 4),
        ({"status": ["error", "unknown"]}, 3),
        ({"usage_state": ["estimated"]}, 0),
        ({"is_byok": False}, 6),
        ({"is_replayed": True, "zero_cost": True}, 1),
    ],
)
def test_a_rule_fits_by_what_became_of_a_request(database: Database, match: Content, fitting: int) -> None:
    rules = [{"name": "those", "match": {**match, "status": match.get("status", ["ok", "error"])}, "basis": "free"}]
    shop = month(database, contract(rules=rules))
    lines = shop.preview(OCTOBER).customers[0].invoice.lines
    assert sum(line.requests for line in lines if line.rule == "those") == fitting
    assert not shop.close(OCTOBER).refused
    assert shop.verify(replay=True).is_sound


def test_an_estimate_is_held_until_somebody_accepts_it_or_waives_it(database: Database) -> None:
    shop = till(database, clock=MovableClock())
    shop.ingest([record(name, usage_state="estimated", input=1_000_000) for name in ("guessed", "unlikely")])
    assert {one.kind for one in shop.preview(OCTOBER).obstacles} == {"estimated"}
    assert [one.reason for one in shop.missing(OCTOBER).records] == ["its quantities are an estimate"] * 2
    assert shop.close(OCTOBER).is_refused
    accepted = shop.accept_estimate("arouter", "guessed", reason="as the provider says", by="rita")
    assert (accepted.by, accepted.at) == ("rita", shop.clock.now())
    assert shop.accept_estimate("arouter", "guessed", reason="again", by="otto") == accepted
    with pytest.raises(Refused, match="was accepted by rita: as the provider says"):
        shop.waive("arouter", "guessed", reason="no")
    shop.waive("arouter", "unlikely", reason="nobody knows", by="rita")
    with pytest.raises(Refused, match="was waived by rita"):
        shop.accept_estimate("arouter", "unlikely", reason="no")
    assert not shop.close(OCTOBER).refused
    (issued,) = shop.invoices()
    assert [line["requests"] for line in issued.content["lines"]] == [1]
    (waived,) = issued.content["waived"]
    assert (waived["requests"], waived["quantities"]["input"]) == (1, 1_000_000)
    assert [(one[2], one[3]) for one in decisions(shop)] == [(1, Decimal(3))]
    assert shop.verify(replay=True).is_sound
    assert shop.database.check().is_sound


def test_a_rule_that_names_estimates_decides_about_them(database: Database) -> None:
    rules = [{"name": "estimates", "match": {"usage_state": ["estimated"]}}]
    shop = till(database, contract(rules=rules), clock=MovableClock())
    shop.ingest([record("guessed", usage_state="estimated")])
    assert not shop.close(OCTOBER).refused
    assert shop.invoices()[0].content["lines"][0]["rule"] == "estimates"
    assert shop.verify(replay=True).is_sound


def test_only_an_estimate_can_be_accepted(database: Database) -> None:
    shop = till(database, clock=MovableClock(at("20")))
    shop.ingest([record("measured")])
    with pytest.raises(Refused, match="is no estimate of what was used"):
        shop.accept_estimate("arouter", "measured", reason="why not")


def test_missing_usage_is_let_go_by_a_rule_that_names_it_alone(database: Database) -> None:
    failures = {"name": "failures", "match": {"status": ["error"]}, "basis": "free"}
    missing = record("lost", usage_state="missing", status="error")
    shop = till(database, contract(rules=[failures]), clock=MovableClock())
    shop.ingest([missing])
    assert shop.close(OCTOBER).is_refused
    named = {**failures, "match": {"status": ["error"], "usage_state": ["missing", "reported"]}}
    shop = till(database, contract(rules=[named]), clock=MovableClock())
    assert not shop.close(OCTOBER).refused
    assert shop.verify(replay=True).is_sound
