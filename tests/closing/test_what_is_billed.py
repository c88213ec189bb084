"""What is billed of requests that failed, were cancelled, came from a gateway's cache or used the caller's own key.

As docs/sources.md says it: what was used counts, and not how it ended.
"""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import OCTOBER, contract, record, till
from tokentill.canonical import Content
from tokentill.store.database import Database
from tokentill.till import Till

pytestmark = pytest.mark.postgresql_one_in(8)

PER_REQUEST = {"name": "per request", "add_on": {"request": {"price": "0.01"}}}
USED = Decimal("0.0045")
"""What 1,000 input and 100 output tokens are at the list price."""


def billed(one: Till) -> Decimal:
    """The exact amount of alice's only invoice, which a close would issue."""
    (previewed,) = one.preview(OCTOBER).customers
    assert previewed.blocked_by is None
    return sum((line.exact_amount for line in previewed.invoice.lines if line.exact_amount is not None), Decimal(0))


def reason(one: Till) -> str:
    """Why alice cannot be billed."""
    (previewed,) = one.preview(OCTOBER).customers
    return str(previewed.blocked_by)


def litellm(**more: Any) -> Content:
    """A row of LiteLLM's spend logs."""
    row = {"request_id": "row", "end_user": "alice", "model": "acme/large", "startTime": "2026-10-05T10:00:00Z"}
    counts = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100, "spend": 0.004}
    return {**row, **counts, "status": "success", **more}


def openrouter(**more: Any) -> Content:
    """A generation of OpenRouter."""
    row = {"id": "gen", "external_user": "alice", "model": "acme/large", "created_at": "2026-10-05T10:00:00Z"}
    return {**row, "native_tokens_prompt": 1000, "native_tokens_completion": 100, "usage": 0.004, **more}


def ingest(one: Till, row: Content, name: str) -> None:
    ingested = one.ingest_file(io.BytesIO(json.dumps(row).encode()), name="activity.jsonl", format=name)
    assert ingested.counts.accepted == 1, ingested.bad


@pytest.mark.parametrize("status", ["ok", "error", "cancelled", "unknown"])
def test_a_request_is_billed_for_what_it_used_however_it_ended(database: Database, status: str) -> None:
    one = till(database)
    one.ingest([record("1", status=status)])
    assert billed(one) == USED


@pytest.mark.parametrize(
    ("row", "name"),
    [(litellm(status="failure"), "litellm"), (openrouter(cancelled=True), "openrouter")],
    ids=["failed at LiteLLM", "cancelled at OpenRouter"],
)
def test_the_tokens_of_a_row_that_did_not_end_well_are_billed(database: Database, row: Content, name: str) -> None:
    one = till(database)
    ingest(one, row, name)
    assert billed(one) == USED


def test_a_failure_that_came_to_nothing_is_not_billed_unless_a_rule_of_failures_says_so(database: Database) -> None:
    failure = litellm(status="failure", prompt_tokens=0, completion_tokens=0, total_tokens=0, spend=0)
    one = till(database)
    ingest(one, failure, "litellm")
    assert billed(one) == 0
    assert billed(till(database, contract(rules=[PER_REQUEST]))) == 0
    failures = {"name": "failures", "match": {"status": ["error"]}, "add_on": PER_REQUEST["add_on"]}
    assert billed(till(database, contract(rules=[failures]))) == Decimal("0.01")


def test_a_failure_without_any_counts_is_missing_usage(database: Database) -> None:
    one = till(database)
    row = {key: value for key, value in openrouter(cancelled=True).items() if not key.startswith("native")}
    ingest(one, row, "openrouter")
    assert "missing usage" in reason(one)


CACHED = [
    (litellm(cache_hit="True", spend=0), "litellm"),
    (openrouter(response_cache_source_id="gen-0", usage=0), "openrouter"),
]


@pytest.mark.parametrize(("row", "name"), CACHED, ids=["litellm", "openrouter"])
def test_an_answer_from_the_gateways_cache_is_billed_as_any_unless_a_rule_says_otherwise(
    database: Database, row: Content, name: str
) -> None:
    one = till(database)
    ingest(one, row, name)
    assert billed(one) == USED

    free = {"name": "replays", "match": {"tag": ["response-cache"]}, "basis": "free"}
    assert billed(till(database, contract(rules=[free]))) == 0
    at_cost = {"name": "at cost", "basis": "cost"}
    assert "it is 0 for 1 of 1 requests that used something" in reason(till(database, contract(rules=[at_cost])))


def test_a_request_with_the_callers_own_key_is_billed_as_any_unless_a_rule_takes_a_fee(database: Database) -> None:
    one = till(database)
    ingest(one, openrouter(is_byok=True, usage=0.0002, upstream_inference_cost=0.004), "openrouter")
    assert billed(one) == USED

    fee = {"name": "own keys", "byok_fee_percent": "5", "markup_percent": {"default": "20"}}
    assert billed(till(database, contract(rules=[{**fee, **PER_REQUEST}]))) == Decimal("0.00021")
    one.ingest([record("2", is_byok=True)])
    assert "takes a fee of the provider's cost, and none was reported" in reason(till(database, contract(rules=[fee])))
