"""`push` and `reconcile` against the stand-in, reached by its address as Stripe would be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.cli.running import JUNE, Cli, usage
from tokentill.clock import Clock, FixedClock
from tokentill.testing.stripe import PlannedFault, StripeStandIn

EQUAL = [
    "2 of 2 invoices with an amount equal in Stripe, to the cent",
    "currency    due  in Stripe  difference",
    "USD       10.20      10.20        0.00",
]
JULY = datetime(2025, 7, 2, 9, tzinfo=UTC)
"""Just after the month, while Stripe still takes events of all its days."""


@pytest.fixture
def stand_in(month: Cli) -> Iterator[StripeStandIn]:
    """Stripe with a customer for dune, and the month closed."""
    month.patch.setattr(Clock, "now", lambda _: JULY)
    with StripeStandIn(clock=FixedClock(JULY)) as running:
        month.patch.setenv("TOKENTILL_STRIPE_API_BASE", running.base_url)
        month.patch.setenv("TOKENTILL_STRIPE_KEY", running.api_key)
        month("close", JUNE)
        made = running.client().v1.customers.create({"name": "Dune"})
        month("customers", "set", "dune", "--stripe", made.id)
        yield running


def test_a_push_names_who_is_not_linked_and_may_be_repeated(month: Cli, stand_in: StripeStandIn) -> None:
    first = month("push", JUNE, status=1)
    assert first.out.splitlines() == [
        "Stripe account acct_standin (test mode): 1 day sent, 0 there already",
        "currency    due  in Stripe  missing",
        "USD       10.20       1.20     9.00",
    ]
    assert first.err.splitlines() == [
        "not linked to Stripe: alice; run `tokentill customers set --stripe cus_... alice`",
        "then run `tokentill push 2025-06` again",
    ]

    again = month("push", JUNE, "--json", status=1).json
    lists = {"unlinked", "refused", "not_taken", "rejected", "unknown"}
    assert set(again) == {"period", "complete", "account", "mode", "sums", "sent", "unchanged", *lists}
    assert (again["sent"], again["unchanged"], again["unlinked"], again["complete"]) == (0, 1, ["alice"], False)
    assert again["sums"] == [{"currency": "USD", "due": "10.20", "in_stripe": "1.20"}]


def test_a_link_to_nobody_is_refused_with_a_key_and_named_by_a_push(month: Cli, stand_in: StripeStandIn) -> None:
    refused = month("customers", "set", "alice", "--stripe", "cus_mistyped", status=1)
    assert refused.err.startswith("Stripe has no customer cus_mistyped (account acct_standin, test mode), so nothing")
    month.write("c.csv", "customer,stripe_customer\nalice,cus_mistyped\n")
    assert month("customers", "import", "c.csv", status=1).err.startswith("c.csv:2: Stripe has no customer cus_mist")
    alice = month("customers", "list", "--json").json["customers"][0]
    assert (alice["customer"], alice["stripe_customer"]) == ("alice", None)

    with month.patch.context() as without_key:
        without_key.delenv("TOKENTILL_STRIPE_KEY")
        linked = month("customers", "set", "alice", "--stripe", "cus_mistyped")
        assert linked.out == "alice: name none, Stripe customer cus_mistyped\n"
        assert linked.err.startswith("no Stripe key is set, so it was not looked up in Stripe")
        assert month("customers", "import", "c.csv", "--json").json["looked_up"] is False
        assert month("customers", "set", "alice", "--name", "Alice", "--json").json["looked_up"] is None

    pushed = month("push", JUNE, status=1)
    assert "1 day sent, 0 there already" in pushed.out
    assert pushed.err.splitlines() == [
        "refused: alice: Stripe has no customer cus_mistyped; run `tokentill customers set --stripe cus_... alice`",
        "then run `tokentill push 2025-06` again",
    ]
    compared = month("reconcile", JUNE, status=1)
    assert compared.err == pushed.err
    assert compared.out.splitlines()[-1].endswith("alice: 9.00 USD due, Stripe holds 0.00 USD")

    made = stand_in.client().v1.customers.create({"name": "Alice"}).id
    assert month("customers", "set", "alice", "--stripe", made, "--json").json["looked_up"] is True
    assert "next: `tokentill reconcile 2025-06` compares this with what Stripe holds" in month("push", JUNE).out
    assert month("reconcile", JUNE).err == (
        "Stripe has no customer cus_mistyped any more, and bills it nothing; alice was linked to it\n"
    )


def test_days_that_are_too_old_are_said_in_one_sentence(month: Cli, stand_in: StripeStandIn) -> None:
    made = stand_in.client().v1.customers.create({"name": "Alice"}).id
    month("customers", "set", "alice", "--stripe", made)
    month.patch.setattr(Clock, "now", lambda _: datetime(2025, 7, 15, 13, tzinfo=UTC))

    pushed = month("push", JUNE, status=1)
    assert "1 day sent" in pushed.out
    assert pushed.err == (
        "Stripe takes no event older than 35 days: bill 5.70 USD by hand for 2025-06-10 of 2 customers"
        ' ("Days that Stripe does not take" in docs/connect-stripe.md);'
        " `tokentill push 2025-06 --json` lists them under not_taken\n"
    )
    listed = month("push", JUNE, "--json", status=1).json["not_taken"]
    assert [(day["customer"], day["day"], day["wanted_minor"], day["reason"]) for day in listed] == [
        ("alice", "2025-06-10", 450, "too_old"),
        ("dune", "2025-06-10", 120, "too_old"),
    ]
    compared = month("reconcile", JUNE, status=1)
    assert compared.err == pushed.err.replace("tokentill push", "tokentill reconcile")
    assert month("reconcile", JUNE, "--json", status=1).json["not_taken"] == listed


def test_a_day_to_come_is_said_with_the_instant_from_which_it_is_taken(month: Cli) -> None:
    morning = datetime(2025, 6, 20, 9, tzinfo=UTC)
    month.patch.setattr(Clock, "now", lambda _: morning)
    month("ingest", month.write_usage(usage("a-4", when="2025-06-20T08:00:00Z"), path="more.jsonl"))
    month("close", JUNE, "--interim", "alice")
    with StripeStandIn(clock=FixedClock(morning)) as running:
        month.patch.setenv("TOKENTILL_STRIPE_API_BASE", running.base_url)
        month.patch.setenv("TOKENTILL_STRIPE_KEY", running.api_key)
        month("customers", "set", "alice", "--stripe", running.client().v1.customers.create({"name": "A"}).id)
        assert month("push", JUNE, status=1).err == (
            "Stripe takes no event ahead of time: run `tokentill push 2025-06` after 2025-06-20 12:00 UTC to"
            " bill 4.50 USD for 2025-06-20 of 1 customer\n"
        )


def test_what_was_not_answered_is_listed_with_what_to_do(month: Cli, stand_in: StripeStandIn) -> None:
    month.patch.setattr("tokentill.stripe_push.attempts.WAITS_SECONDS", (0,) * 5)
    faults = [PlannedFault(number, "reset_before", path="/v1/billing/meter_events") for number in range(1, 100)]
    with StripeStandIn(clock=FixedClock(JULY), faults=faults) as broken:
        month.patch.setenv("TOKENTILL_STRIPE_API_BASE", broken.base_url)
        for name in ("dune", "alice"):
            made = broken.client().v1.customers.create({"name": name}).id
            month("customers", "set", name, "--stripe", made)
        said = month("push", JUNE, status=1)
    assert "0 days sent, 0 there already" in said.out
    first, *_, last = said.err.splitlines()
    assert first == "no answer for alice on 2025-06-10: the connection failed (RemoteProtocolError)"
    assert last == "run `tokentill push 2025-06` again: what Stripe has already is not counted twice"


def test_a_void_month_comes_to_nothing(month: Cli, stand_in: StripeStandIn) -> None:
    month("push", JUNE, status=1)
    for invoice in month("invoices", "list", "--json").json["invoices"]:
        month("invoices", "void", invoice["number"], "--reason", "a mistake")
    assert "1 day sent" in month("push", JUNE).out
    compared = month("reconcile", JUNE)
    assert compared.out.splitlines()[0] == "1 of 1 invoice with an amount equal in Stripe, to the cent"


def test_what_was_pushed_is_equal_to_the_cent(month: Cli, stand_in: StripeStandIn) -> None:
    made = stand_in.client().v1.customers.create({"name": "Alice"})
    month("customers", "set", "alice", "--stripe", made.id)
    before = month("reconcile", JUNE, status=1)
    assert "0 of 2 invoices with an amount equal in Stripe" in before.out
    assert before.err == "run `tokentill push 2025-06` again, then `tokentill reconcile 2025-06`\n"

    month("push", JUNE)

    assert month("reconcile", JUNE).out.splitlines() == EQUAL
    found = month("reconcile", JUNE, "--json").json
    lists = {"unlinked", "refused", "not_taken", "rejected", "unknown"}
    assert set(found) == {"period", "equal", "sums", "invoices", *lists}
    assert found["equal"] is True
    alice, _ = found["invoices"]
    assert (alice["due"], alice["due_minor"], alice["held_minor"]) == ("9.00", 900, "900")


def test_a_comparison_names_what_a_former_stripe_customer_still_holds(month: Cli, stand_in: StripeStandIn) -> None:
    alice, former, dune = (stand_in.client().v1.customers.create({"name": name}).id for name in ("A", "D", "E"))
    month("customers", "set", "alice", "--stripe", alice)
    month("customers", "set", "dune", "--stripe", former)
    month("push", JUNE)
    month("customers", "set", "dune", "--stripe", dune)

    found = month("reconcile", JUNE, status=1)
    assert "1 of 2 invoices with an amount equal in Stripe" in found.out
    assert f"  {former}, linked before, still holds 1.20 USD\n    2025-06-10: 0.00 due, 1.20 held\n" in found.out
    assert "run `tokentill push 2025-06` again" in found.err

    assert "2 days sent, 2 there already" in month("push", JUNE).out
    assert month("reconcile", JUNE).out.splitlines() == EQUAL


def test_a_period_that_was_not_closed_is_refused(month: Cli, stand_in: StripeStandIn) -> None:
    for command in ("push", "reconcile"):
        assert "run `tokentill close 2025-05` first" in month(command, "2025-05", status=1).err


def test_the_key_is_never_printed(month: Cli, stand_in: StripeStandIn) -> None:
    month.patch.setenv("TOKENTILL_STRIPE_KEY", "rk_test_" + "wrong" * 6)

    said = month("push", JUNE, "--json", status=1)

    assert "wrongwrong" not in said.out + said.err
