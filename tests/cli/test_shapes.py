"""The JSON shapes that programs outside rely on, word for word."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from tests.cli.running import JUNE, Cli, usage

HASH = re.compile(r"sha256:[0-9a-f]{64}").fullmatch
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z").fullmatch

INVOICE_KEYS = {
    *("number", "status", "customer", "period", "period_start", "period_end", "currency", "lines"),
    *("subtotal", "tax", "total", "cost", "requests_without_cost", "daily", "unpriced", "missing"),
    *("pins", "content_hash", "form", "kind", "corrects", "items", "due", "waived"),
}
PREVIEW_KEYS = INVOICE_KEYS | {
    *("review", "requires_approval", "blocked_by", "issued_number"),
    *("late_requests", "is_due", "margin", "requests", "not_billed"),
}
ISSUED_KEYS = INVOICE_KEYS | {"issued_at"}
LINE_KEYS = {
    *("kind", "description", "model", "mode", "rule", "rule_contract", "rule_hash", "price_entry"),
    *("requests", "quantities", "list_amount", "exact_amount", "amount", "parts"),
}


def only(content: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: content[key] for key in keys}


def check_invoice(invoice: dict[str, Any], keys: set[str]) -> None:
    """What holds for every printed invoice, issued or not."""
    assert set(invoice) == keys
    assert INSTANT(invoice["period_start"])
    assert INSTANT(invoice["period_end"])
    assert invoice["status"] in {"preview", "issued", "void"}
    assert HASH(invoice["content_hash"])
    assert set(invoice["pins"]) == {"s", "a", "b", "l", "m", "f", "time_zones"}
    assert type(invoice["pins"]["s"]) is int
    assert HASH(invoice["pins"]["a"])
    assert HASH(invoice["pins"]["b"])
    for line in invoice["lines"]:
        assert set(line) == LINE_KEYS
        assert line["kind"] == "usage"
        assert type(line["requests"]) is int
        assert all(type(quantity) is int for quantity in line["quantities"].values())
        assert all(type(line[key]) is str for key in ("exact_amount", "amount", "list_amount"))
    assert sum(Decimal(line["amount"]) for line in invoice["lines"]) == Decimal(invoice["subtotal"])
    assert Decimal(invoice["subtotal"]) + Decimal(invoice["tax"]) == Decimal(invoice["total"])


def test_ingest_counts_every_line_once(cli: Cli) -> None:
    good = [usage("r-1"), usage("r-2", "bob")]
    rows = [*good, good[0], {**good[1], "user": "carol"}]
    bad = '{"source": "own", "record_id": "r-3"}\nno json\n'
    cli.write("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows) + bad)
    cli.write("b.jsonl", json.dumps(usage("r-9")) + "\n")

    found = cli("ingest", "a.jsonl", "b.jsonl", "--json").json

    totals = {"control_totals", "control_totals_revised", "control_totals_known"}
    counted = {"read", "accepted", "duplicates", "revisions", "quarantined"}
    assert set(found) == {*counted, *totals, "files", "refused"}
    assert {found[name] for name in totals} == {0}
    assert only(found, "read", "accepted", "duplicates", "revisions", "quarantined") == {
        "read": 7,
        "accepted": 3,
        "duplicates": 1,
        "revisions": 1,
        "quarantined": 2,
    }
    for counts in (found, *found["files"]):
        parts = counts["accepted"] + counts["duplicates"] + counts["revisions"] + counts["quarantined"]
        assert counts["read"] == parts
    assert found["refused"] == []
    first, second = found["files"]
    assert only(first, "file", "format", "read", "quarantined") == {
        "file": "a.jsonl",
        "format": "canonical",
        "read": 6,
        "quarantined": 2,
    }
    assert [(bad["line"], bad["record_id"]) for bad in first["problems"]] == [(5, "r-3"), (6, None)]
    assert all(bad["reason"] for bad in first["problems"])
    assert only(second, "file", "read", "accepted") == {"file": "b.jsonl", "read": 1, "accepted": 1}


def test_ingest_names_a_file_that_is_none_and_takes_the_others(cli: Cli) -> None:
    cli.write("pdf.jsonl", b"%PDF-1.7\n\0\0")
    cli.write_usage(usage("r-1"))

    found = cli("ingest", "pdf.jsonl", "usage.jsonl", "--json", status=1).json

    assert [refused["file"] for refused in found["refused"]] == ["pdf.jsonl"]
    assert (found["read"], found["accepted"]) == (1, 1)


def test_a_preview_wraps_invoices_and_says_what_belongs_to_nobody(month: Cli) -> None:
    preview = month("preview", JUNE, "--json").json

    beside = {"failed", "late", "kept_boundaries", "quarantined", "revisions", "open_months", "margins", "findings"}
    beside |= {"pricing", "obstacles", "with_import", "with_staged", "not_billed", "users_seen_once"}
    assert set(preview) == {"period", "invoices", "unattributed", "blocked_by", *beside}
    assert preview["period"] == JUNE
    assert [invoice["customer"] for invoice in preview["invoices"]] == ["alice", "dune"]
    assert only(preview["unattributed"], "requests", "list_amount") == {"requests": 1, "list_amount": "0.003"}
    assert preview["blocked_by"] == []
    for invoice in preview["invoices"]:
        check_invoice(invoice, PREVIEW_KEYS)
        assert invoice["number"] is None
        assert invoice["status"] == "preview"


def test_an_invoice_is_printed_so(month: Cli) -> None:
    alice, dune = month("preview", JUNE, "--json").json["invoices"]

    assert only(alice, "period", "period_start", "period_end", "currency") == {
        "period": JUNE,
        "period_start": "2025-06-01T00:00:00Z",
        "period_end": "2025-07-01T00:00:00Z",
        "currency": "USD",
    }
    assert only(alice, "subtotal", "tax", "total", "cost") == {
        "subtotal": "9.00",
        "tax": "0.00",
        "total": "9.00",
        "cost": "8.5",
    }
    assert only(dune, "period_start", "period_end", "cost") == {
        "period_start": "2025-05-31T22:00:00Z",
        "period_end": "2025-06-30T22:00:00Z",
        "cost": None,
    }
    keys = ("kind", "description", "model", "mode", "rule", "requests", "quantities", "list_amount", "exact_amount")
    (line,) = dune["lines"]
    assert only(line, *keys, "amount") == {
        "kind": "usage",
        "description": "acme/large",
        "model": "acme/large",
        "mode": "standard",
        "rule": "partner",
        "requests": 1,
        "quantities": {"input": 333_333, "cache_read": 100},
        "list_amount": "1.000029",
        "exact_amount": "1.2000348",
        "amount": "1.20",
    }


def test_free_usage_makes_a_line_at_zero_and_no_rule_is_null(month: Cli) -> None:
    gift, large = month("preview", JUNE, "--json").json["invoices"][0]["lines"]

    assert only(gift, "model", "rule", "requests", "list_amount", "exact_amount", "amount") == {
        "model": "acme/gift",
        "rule": None,
        "requests": 1,
        "list_amount": "0",
        "exact_amount": "0",
        "amount": "0.00",
    }
    assert large["rule"] is None
    assert large["amount"] == "9.00"


def test_a_preview_of_one_customer_has_the_same_shape_and_the_same_invoice(month: Cli) -> None:
    of_all = month("preview", JUNE, "--json").json
    of_one = month("preview", JUNE, "--customer", "dune", "--json").json

    assert set(of_one) == set(of_all)
    assert of_one["invoices"] == of_all["invoices"][1:]


def test_a_preview_and_the_invoice_issued_from_it_have_one_hash(month: Cli) -> None:
    previewed = {found["customer"]: found for found in month("preview", JUNE, "--json").json["invoices"]}

    month("close", JUNE)
    issued = month("invoices", "list", "--json").json

    assert set(issued) == {"invoices"}
    assert [found["number"] for found in issued["invoices"]] == ["INV-000001", "INV-000002"]
    for invoice in issued["invoices"]:
        check_invoice(invoice, ISSUED_KEYS)
        assert invoice["status"] == "issued"
        before = previewed[invoice["customer"]]
        how_it_came = {"number", "status", "issued_at"}
        same = INVOICE_KEYS - how_it_came
        assert only(invoice, *same) == only(before, *same)


def test_invoices_show_prints_what_the_list_has(month: Cli) -> None:
    month("close", JUNE)
    listed = month("invoices", "list", "--json").json["invoices"]

    assert month("invoices", "show", "INV-000002", "--json").json == listed[1]
    assert month("invoices", "list", "--customer", "dune", "--json").json["invoices"] == listed[1:]
    assert month("invoices", "list", "--period", "2025-07", "--json").json == {"invoices": []}


def test_close_says_who_was_issued_who_had_one_and_who_was_refused(month: Cli) -> None:
    month("ingest", month.write_usage(usage("x-1", "eve", model="acme/new"), path="more.jsonl"))

    first = month("close", JUNE, "--json", status=1).json
    again = month("close", JUNE, "--json", status=1).json

    outcome = {"issued", "already_issued", "refused", "not_due", "blocked_by", "resumed", "totals", "pricing"}
    assert set(first) == {"period", "obstacles", "chain_head", *outcome}
    assert first["totals"] == {"USD": "10.20"}
    assert only(first, "period", "issued", "already_issued", "not_due", "blocked_by", "resumed") == {
        "period": JUNE,
        "issued": ["INV-000001", "INV-000002"],
        "already_issued": 0,
        "not_due": [],
        "blocked_by": [],
        "resumed": False,
    }
    (refused,) = first["refused"]
    assert set(refused) == {"customer", "reason"}
    assert refused["customer"] == "eve"
    assert "'acme/new' is in no price table" in refused["reason"]
    assert only(again, "issued", "already_issued") == {"issued": [], "already_issued": 2}


def test_close_names_what_blocks_everybody_and_who_is_not_due(cli: Cli) -> None:
    cli.write_pricing(tolerance="0")
    cli("ingest", cli.write_usage(usage("a-1"), usage("n-1", None)))
    blocked = cli("close", JUNE, "--json", status=1).json
    assert blocked["issued"] == []
    (reason,) = blocked["blocked_by"]
    assert reason.startswith("1 request belongs to nobody")

    cli.write_pricing("other", tolerance="100")
    cli.write("tokentill.toml", "[ingest]\nahead_days = 36500\n")
    cli("ingest", cli.write_usage(usage("f-1", when="2099-11-05T00:00:00Z")))
    running = cli("close", "2099-11", "--pricing", "other", "--json").json
    assert only(running, "issued", "refused", "not_due") == {"issued": [], "refused": [], "not_due": ["alice"]}


def test_explain_goes_down_to_records_whose_amounts_add_up(month: Cli) -> None:
    month("close", JUNE)

    found = month("explain", "INV-000001", "--json").json

    assert found["invoice"] == "INV-000001"
    assert [line["position"] for line in found["lines"]] == [1, 2]
    large = found["lines"][1]
    assert set(large) == {
        "position",
        "line",
        "price_entry",
        "price_source",
        "rule",
        "records",
        "manual",
        "adjustment",
        "rounded_by",
    }
    assert large["price_source"] == "a price list"
    assert large["rule"] is None
    assert [record["record_id"] for record in large["records"]] == ["a-1", "a-2"]
    assert sum(Decimal(record["exact_amount"]) for record in large["records"]) == Decimal(large["line"]["exact_amount"])
    assert month("explain", "INV-000001", "2", "--json").json["lines"] == [large]


def test_verify_lists_each_invoice_with_its_fault_or_none(month: Cli) -> None:
    month("close", JUNE)

    found = month("verify", "--json").json

    assert (found["verified"], found["faults"]) == (2, [])
    for invoice in found["invoices"]:
        assert set(invoice) == {"number", "customer", "period", "content_hash", "fault"}
        assert invoice["fault"] is None


def test_a_review_is_printed_with_the_hash_it_is_of(month: Cli) -> None:
    content_hash = month("preview", JUNE, "--json").json["invoices"][0]["content_hash"]

    found = month("review", "approve", JUNE, "alice", "--by", "anna", "--note", "fine", "--json").json

    assert set(found) == {
        *("customer", "period", "review", "content_hash", "by", "note"),
        *("at", "pins", "policy", "policy_hash"),
    }
    assert only(found, "customer", "period", "review", "content_hash", "by", "note") == {
        "customer": "alice",
        "period": JUNE,
        "review": "approved",
        "content_hash": content_hash,
        "by": "anna",
        "note": "fine",
    }
    assert month("preview", JUNE, "--json").json["invoices"][0]["review"] == "approved"


def test_prices_and_contracts_are_printed_so(month: Cli) -> None:
    price = month("prices", "show", "large", "--at", "2025-06-15T00:00:00Z", "--json").json
    assert only(price, "asked", "model", "at") == {
        "asked": "large",
        "model": "acme/large",
        "at": "2025-06-15T00:00:00Z",
    }
    assert price["entry"]["rates"] == {"input": "3", "cache_read": "0.3", "output": "15"}
    assert HASH(price["entry"]["hash"])
    assert [entry["in_force"] for entry in price["entries"]] == [True]

    contract = month("contracts", "show", "dune", "--at", "2025-06-15T00:00:00Z", "--json").json
    assert only(contract, "customer", "currency", "time_zone", "anchor_day") == {
        "customer": "dune",
        "currency": "USD",
        "time_zone": "Europe/Berlin",
        "anchor_day": 1,
    }
    assert [link["kind"] for link in contract["chain"]] == ["customer", "default"]
    assert month("contracts", "show", "--json").json == {"customers": ["dune"]}

    checked = month("prices", "check", "--json").json
    assert checked == {"folder": checked["folder"], "errors": [], "warnings": [], "models": 83, "own_models": 2} | {
        "recordings": 4,
        "contracts": 2,
    }


def test_customers_and_bindings_are_printed_so(cli: Cli) -> None:
    cli("db", "upgrade")
    described = {"customer": "dune", "name": "Dune Ltd", "stripe_customer": "cus_1"}
    linked = cli.with_database()("customers", "set", "dune", "--name", "Dune Ltd", "--stripe", "cus_1", "--json").json
    assert linked == {**described, "looked_up": False}
    added = cli("customers", "bind", "u-1", "dune", "--from", "2025-06-01T00:00:00+02:00", "--json").json["added"]
    assert only(added[0], "user", "customer", "valid_from", "source") == {
        "user": "u-1",
        "customer": "dune",
        "valid_from": "2025-05-31T22:00:00Z",
        "source": None,
    }

    agreed = {"plan": None, "currency": "USD", "has_contract": False, "has_usage": False, "bound_users": 1}
    assert cli("customers", "list", "--json").json == {
        "customers": [{**described, **agreed}],
        "bindings": added,
        "keys": [],
    }


def test_the_database_is_printed_so(month: Cli) -> None:
    month("close", JUNE)
    checked = month("db", "check", "--json").json
    checks = checked.pop("checks")
    assert checked == {"database": "sqlite:///tokentill.db", "tables": "current", "faults": []}
    assert all(set(check) == {"check", "invariant", "looked_at", "of", "faults", "figures"} for check in checks)
    looked_at = {check["check"]: (check["looked_at"], check["of"]) for check in checks}
    assert looked_at["lines_are_what_the_content_says"] == (2, "documents")
    assert looked_at["usage_rows_are_what_their_digests_say"] == (5, "usage records")
    assert {check["faults"] for check in checks} == {0}
    assert month("db", "upgrade", "--json").json == {
        "database": "sqlite:///tokentill.db",
        "was": "current",
        "is": "current",
    }
