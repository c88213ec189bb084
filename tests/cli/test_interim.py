"""Interim invoices and prepaid credits as an operator meets them, in a month that runs on every machine."""

from __future__ import annotations

import re

import pytest

from tests.cli.running import JUNE, Cli, usage

RUNNING = "2099-11"
ALICE = """\
format = 1
kind = "customer"
id = "alice"
recorded_at = 2025-01-02T00:00:00Z
valid_from = 2025-01-01T00:00:00Z

[invoice]
interim_at = 4.5
smallest_amount = 2
"""
GRANTS = """\
format = 1
kind = "grant"
recorded_at = 2025-01-02T00:00:00Z

[[grant]]
customer = "alice"
id = "welcome"
amount = 3
currency = "USD"
priority = -1
valid_from = 2025-01-01T00:00:00Z
expires_at = 2025-06-11T00:00:00Z

[[grant]]
customer = "alice"
id = "prepaid"
credits = 3000
worth = 0.002
name = "spark"
currency = "USD"
valid_from = 2025-01-01T00:00:00Z

[[grant]]
customer = "alice"
id = "later"
amount = 10
currency = "USD"
valid_from = 2098-01-01T00:00:00Z
"""
CHILD = """\
format = 1
kind = "customer"
id = "kid"
recorded_at = 2025-01-02T00:00:00Z
valid_from = 2025-01-01T00:00:00Z

[invoice]
parent = "alice"
"""


@pytest.fixture
def running(cli: Cli) -> Cli:
    """A running month: alice has reached her threshold of 4.50, dune has none, and kid's usage is alice's to pay."""
    cli.write_pricing()
    cli.write("tokentill.toml", "[ingest]\nahead_days = 36500\n")
    cli.write("pricing/contracts/alice.toml", ALICE)
    cli.write("pricing/contracts/kid.toml", CHILD)
    rows = [
        usage("a-1", when=f"{RUNNING}-02T12:00:00Z", quantities={"input": 1_000_000}),
        usage("k-1", "kid", when=f"{RUNNING}-03T12:00:00Z", quantities={"input": 500_000}),
        usage("d-1", "dune", when=f"{RUNNING}-02T12:00:00Z"),
    ]
    cli("ingest", cli.write_usage(*rows))
    return cli


def test_a_preview_names_who_reached_the_threshold(running: Cli) -> None:
    said = running("preview", RUNNING)
    assert re.search(r"^alice +2 .* not due yet, interim invoice$", said.out, re.MULTILINE)
    assert re.search(r"^dune +1 .* not due yet$", said.out, re.MULTILINE)
    assert (
        "1 customer has reached the threshold of an interim invoice: alice;"
        f" `tokentill close {RUNNING} --interim` bills what has accrued\n"
    ) in said.out
    reached = {
        found["customer"]: found.get("reaches_interim")
        for found in running("preview", RUNNING, "--json").json["invoices"]
    }
    assert reached == {"alice": True, "dune": None}


def test_an_interim_invoice_bills_what_accrued_and_the_preview_then_bills_the_rest(running: Cli) -> None:
    closed = running("close", RUNNING, "--interim").out
    assert closed.startswith(f"{RUNNING}: 1 interim invoice issued, INV-000001: 4.50 USD\n")
    assert running("close", RUNNING, "--interim").out.startswith(f"{RUNNING}: no interim invoice to issue\n")
    shown = running("invoices", "show", "INV-000001").out
    assert shown.startswith(f"INV-000001  alice  {RUNNING} interim invoice 1  issued\n")
    assert "used by kid, under its own contract: 1.50 USD" in shown
    assert "subtotal 4.50, tax 0.00, total 4.50 USD" in shown

    after = running("preview", RUNNING)
    assert "threshold" not in after.out
    running("ingest", running.write_usage(usage("a-2", when=f"{RUNNING}-04T12:00:00Z"), path="more.jsonl"))
    of_alice = running("preview", RUNNING, "--customer", "alice").out
    deducted = (
        r"^Interim invoice 1, INV-000001 of \d{4}-\d\d-\d\d +invoiced before, without its tax +\N{MINUS SIGN}4\.50$"
    )
    assert re.search(deducted, of_alice, re.MULTILINE)
    assert re.search(r"^Total USD +4\.50$", of_alice, re.MULTILINE)
    document = running("preview", RUNNING, "--json").json["invoices"][0]
    assert [found["number"] for found in document["interim_invoices"]] == ["INV-000001"]
    assert (document["subtotal"], document["total"]) == ("9.00", "4.50")
    assert running("verify").out.startswith("1 of 1 invoice is what its records come to")


def test_customers_are_billed_early_on_request(running: Cli) -> None:
    closed = running("close", RUNNING, "--interim", "dune", "nobody", "kid")
    assert closed.out.startswith(f"{RUNNING}: 1 interim invoice issued, INV-000001: 5.40 USD\n")
    assert "nothing to bill early: nobody, kid" in closed.err
    again = running("close", RUNNING, "dune", "--interim", "--json").json
    assert (again["issued"], again["nothing_to_bill"]) == ([], ["dune"])
    (listed,) = running("invoices", "list", "--json").json["invoices"]
    assert (listed["customer"], listed["kind"], listed["part"]) == ("dune", "interim", 1)


def test_calls_that_contradict_themselves_are_refused(running: Cli) -> None:
    assert "with --interim" in running("close", RUNNING, "dune", status=2).err
    assert "leave the approval out" in running("close", RUNNING, "--interim", "--require-approval", status=2).err
    assert running("invoices", "list", "--json").json == {"invoices": []}


def test_a_customer_billed_early_can_still_be_held_and_approved(running: Cli) -> None:
    running("close", RUNNING, "--interim")
    held = running("review", "hold", RUNNING, "alice", "--reason", "ask first").out
    assert held.startswith(f"alice is held for {RUNNING}")
    running("review", "release", RUNNING, "alice")
    running("review", "approve", RUNNING, "alice")


def test_what_blocks_a_customer_blocks_its_interim_invoice(running: Cli) -> None:
    row = usage("a-9", when=f"{RUNNING}-04T12:00:00Z", model="acme/new")
    running("ingest", running.write_usage(row, path="more.jsonl"))
    refused = running("close", RUNNING, "--interim", status=1)
    assert "alice refused: unpriced usage" in refused.err
    assert f"run `tokentill close {RUNNING} --interim` again" in refused.err


def test_the_account_shows_what_was_granted_drawn_expired_and_carried_on(cli: Cli) -> None:
    cli.write_pricing()
    cli.write("pricing/contracts/alice.toml", ALICE)
    cli.write("pricing/contracts/grants.toml", GRANTS)
    # June: 2.70, all from what expires on the 11th. July: 7.50, of which the sparks pay 6.00, and 1.50 is carried on
    rows = [
        usage("a-1", when="2025-06-10T12:00:00Z", quantities={"input": 900_000}),
        usage("a-2", when="2025-07-10T12:00:00Z", quantities={"input": 2_500_000}),
    ]
    cli("ingest", cli.write_usage(*rows))
    cli("close", JUNE)
    cli("close", "2025-07")

    found = cli("customers", "credits", "alice", "--json").json
    kept = ("grant", "state", "unit", "priority", "amount", "drawn", "expired", "left")
    assert [tuple(grant[key] for key in kept) for grant in found["grants"]] == [
        ("welcome", "expired", None, -1, "3.00", "2.70", "0.30", "0.00"),
        ("prepaid", "used up", "spark", 0, "6.00", "6.00", "0.00", "0.00"),
        ("later", "coming", None, 0, "10.00", "0.00", "0.00", "10.00"),
    ]
    assert [draw["invoice"] for grant in found["grants"] for draw in grant["draws"]] == ["INV-000001", "INV-000002"]
    (balance,) = found["balances"]
    assert (balance["currency"], balance["amount"]) == ("USD", "1.50")
    assert [(move["what"], move["invoice"], move["amount"]) for move in balance["movements"]] == [
        ("carried forward", "INV-000002", "1.50")
    ]

    text = cli("customers", "credits", "alice").out
    assert re.search(
        r"^welcome +expired +3\.00 +2\.70 +0\.30 +0\.00  USD +-1  2025-01-01T00:00:00Z", text, re.MULTILINE
    )
    assert re.search(r"^prepaid \(spark\)  used up +6\.00 +6\.00 +0\.00 +0\.00  USD +0 .* no end$", text, re.MULTILINE)
    assert re.search(r"^prepaid +INV-000002  2025-07 .* 6\.00  USD$", text, re.MULTILINE)
    assert "what expired still pays for usage before then" in text
    assert "carried on to the next invoice: 1.50 USD to be paid" in text

    # August brings it forward: 3.00 and 1.50, with nothing left to pay them
    cli("ingest", cli.write_usage(usage("a-3", when="2025-08-01T00:00:00Z", quantities={"input": 1_000_000})))
    cli("close", "2025-08")
    assert re.search(r"^Due USD +4\.50$", cli("invoices", "show", "INV-000003").out, re.MULTILINE)
    after = cli("customers", "credits", "alice").out
    assert "carried on to the next invoice: nothing in USD" in after
    assert re.search(r"^brought forward  INV-000003  2025-08 .* \N{MINUS SIGN}1\.50  USD$", after, re.MULTILINE)


def test_a_child_is_told_whose_credits_pay(running: Cli) -> None:
    running.write("pricing/contracts/grants.toml", GRANTS.replace('"alice"', '"kid"'))
    assert (
        "its usage stands on the invoices of alice, whose credits pay for it"
        in running("customers", "credits", "kid").err
    )


def test_who_was_never_granted_anything_is_told_so(running: Cli) -> None:
    assert "nothing was granted to 'dune'" in running("customers", "credits", "dune", status=1).err
