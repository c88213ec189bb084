"""`push` and `reconcile` against the stand-in, reached by its address as Stripe would be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.cli.running import JUNE, Cli
from tokentill.clock import Clock, FixedClock
from tokentill.testing.stripe import StripeStandIn

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
    assert "1 day sent, 0 there already" in first.out
    assert "not linked to Stripe: alice; run `tokentill customers set alice --stripe cus_...`" in first.err

    again = month("push", JUNE, "--json", status=1).json
    assert set(again) == {"period", "account", "sent", "unchanged", "unlinked", "rejected", "unknown"}
    assert (again["sent"], again["unchanged"], again["unlinked"]) == (0, 1, ["alice"])


def test_what_was_pushed_is_equal_to_the_cent(month: Cli, stand_in: StripeStandIn) -> None:
    made = stand_in.client().v1.customers.create({"name": "Alice"})
    month("customers", "set", "alice", "--stripe", made.id)
    before = month("reconcile", JUNE, status=1)
    assert "0 of 2 invoices with an amount equal in Stripe" in before.out
    assert "run `tokentill push 2025-06` again" in before.err

    month("push", JUNE)

    assert month("reconcile", JUNE).out == "2 of 2 invoices with an amount equal in Stripe, to the cent\n"
    found = month("reconcile", JUNE, "--json").json
    assert set(found) == {"period", "equal", "invoices", "unlinked"}
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
    assert f"  {former}, linked before, still holds 120\n  2025-06-10: wanted 0, held 120\n" in found.out
    assert "run `tokentill push 2025-06` again" in found.err

    assert "2 days sent, 2 there already" in month("push", JUNE).out
    assert month("reconcile", JUNE).out == "2 of 2 invoices with an amount equal in Stripe, to the cent\n"

    month("customers", "set", "dune", "--stripe", "cus_mistyped")
    assert (
        "Stripe has no customer cus_mistyped (any more); dune is or was linked to it"
        in month("reconcile", JUNE, status=1).err
    )


def test_a_period_that_was_not_closed_is_refused(month: Cli, stand_in: StripeStandIn) -> None:
    for command in ("push", "reconcile"):
        assert "run `tokentill close 2025-05` first" in month(command, "2025-05", status=1).err


def test_the_key_is_never_printed(month: Cli, stand_in: StripeStandIn) -> None:
    month.patch.setenv("TOKENTILL_STRIPE_KEY", "rk_test_" + "wrong" * 6)

    said = month("push", JUNE, "--json", status=1)

    assert "wrongwrong" not in said.out + said.err
