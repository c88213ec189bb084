"""A declared policy approves what is ordinary and says so; the rest waits for a person. What is out of all bounds is
parked, whatever else holds.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import AFTER_OCTOBER, OCTOBER, MovableClock, contract, price, prices, record, till
from tests.closing.test_close import reasons, stop_after
from tests.documents.preview_builders import invoice, preview, previewed
from tokentill.canonical import Content, content_hash
from tokentill.closing.reviews.approval_policy import PolicyApprovals
from tokentill.contracts.review_bounds import ReviewBounds
from tokentill.contracts.review_policy import NO_POLICY, ReviewPolicy
from tokentill.invoicing.review_policy import parked, why_it_waits
from tokentill.store.audit import audit_entries
from tokentill.store.database import Database
from tokentill.store.recordings import recordings_of
from tokentill.till import Till

pytestmark = pytest.mark.postgresql_one_in(8)

SEPTEMBER = "2026-09"


def bounds(**stated: str) -> ReviewBounds:
    return ReviewBounds(**{name: Decimal(value) for name, value in stated.items()}, stated_by="tokentill.toml")


WITHIN = ReviewPolicy(approve_within=bounds(total="500", change_percent="20", change="5"))


def shop_of(database: Database, *contracts: Content, policy: ReviewPolicy = WITHIN) -> Till:
    """Everybody used something from the first of September on; September is closed, October is not."""
    shop = till(database, *contracts, clock=MovableClock(AFTER_OCTOBER))
    shop.policy = policy
    used = {"alice": (1_000_000, 1_100_000), "bob": (1_000_000, 9_000_000), "cem": (1_000_000, 1_000_000)}
    for user, (before, after) in used.items():
        shop.ingest([record(f"{user}-9", user=user, when="2026-09-02T12:00Z", input=before)])
        shop.ingest([record(f"{user}-10", user=user, when="2", input=after)])
    shop.ingest([record("new", user="new", input=100_000)])
    shop.close(SEPTEMBER)
    return shop


def waiting(made: PolicyApprovals) -> dict[str, str]:
    return {one.customer: "; ".join(one.reasons) for one in made.waiting}


def test_what_is_ordinary_is_approved_and_the_rest_waits_with_each_reason(database: Database) -> None:
    shop = shop_of(database)
    made = shop.approve_within(OCTOBER, by="nightly")
    assert [review.customer for review in made.approved] == ["alice", "cem"]
    why = waiting(made)
    assert "above 20 %" in why["bob"]
    assert "is above 5" in why["bob"]
    assert why["new"] == "there is no last period to hold it against"
    assert shop.approve_within(OCTOBER).already == ("alice", "cem")
    closed = shop.close(OCTOBER, require_approval=True)
    assert closed.issued == ("INV-000004", "INV-000005")
    assert set(reasons(closed)) == {"bob", "new"}


def test_each_approval_names_the_policy_with_its_hash_and_who_ran_it(database: Database) -> None:
    shop = shop_of(database)
    review = shop.approve_within(OCTOBER, by="nightly").approved[0]
    assert (review.policy, review.by) == ("tokentill.toml", "nightly")
    stored = shop.shown_review(OCTOBER, "alice").content()
    assert (stored["policy"], stored["policy_hash"]) == (review.policy, review.policy_hash)
    with shop.store.read() as connection:
        assert review.policy_hash is not None
        (policy,) = recordings_of(connection, [review.policy_hash])
        last = next(entry for entry in audit_entries(connection) if entry.action == "review.approved")
    assert policy["approve_within"] == {"total": "500", "change_percent": "20", "change": "5"}
    assert content_hash(policy) == review.policy_hash
    assert review.policy_hash in last.content


def test_what_stands_out_is_not_approved_within_any_bounds(database: Database) -> None:
    wide = ReviewPolicy(approve_within=bounds(total="1000000", change_percent="100000"))
    two = prices(price(), price("acme/new", rates={"input": "1", "output": "2"}))
    shop = shop_of(database, two, policy=wide)
    shop.ingest([record("other", user="alice", model="acme/new"), record("none", user="cem", usage_state="missing")])
    shop.add_line(OCTOBER, "bob", amount="1", description="fee", reason="agreed")
    why = waiting(shop.approve_within(OCTOBER))
    assert why["alice"] == "a model that the last period did not have: acme/new"
    assert why["bob"] == "a line was added to it by hand"
    assert "it cannot be billed yet: missing usage" in why["cem"]
    shop.ingest([record("late", user="alice", when="2026-09-20T12:00Z")])
    assert "came after their period was issued" in waiting(shop.approve_within(OCTOBER))["alice"]


def test_without_a_declared_policy_nobody_is_approved(database: Database) -> None:
    shop = shop_of(database, policy=NO_POLICY)
    made = shop.approve_within(OCTOBER)
    assert made.approved == ()
    assert "neither tokentill.toml nor its contract states approve_within" in waiting(made)["alice"]


def test_a_contract_has_bounds_of_its_own_and_may_always_want_a_person(database: Database) -> None:
    own = contract("customer", "bob", review={"approve_within": {"change_percent": "1000"}})
    never = contract("customer", "alice", review={"by_policy": False})
    shop = shop_of(database, own, never)
    made = shop.approve_within(OCTOBER)
    assert [(one.customer, one.policy) for one in made.approved] == [("bob", "customer bob"), ("cem", "tokentill.toml")]
    assert waiting(made)["alice"] == "its contract wants a person to look (by_policy = false)"


def test_a_held_customer_waits_and_a_running_period_too(database: Database) -> None:
    shop = shop_of(database)
    shop.review(OCTOBER, "alice", "held", by="rita", note="asks")
    shop.grace = timedelta(days=30)
    assert waiting(shop.approve_within(OCTOBER))["cem"] == "its period or its grace time still runs"
    shop.grace = timedelta(0)
    assert waiting(shop.approve_within(OCTOBER))["alice"] == "held by rita: asks"
    assert shop.database.check().is_sound


PARKING = replace(WITHIN, park_beyond=bounds(total="20", change_percent="500"))


def test_what_is_out_of_all_bounds_is_parked_until_a_person_approves_that_very_content(database: Database) -> None:
    shop = shop_of(database, policy=replace(PARKING, approve_within=bounds(total="100000", change_percent="100000")))
    assert "parked: " in waiting(shop.approve_within(OCTOBER))["bob"]
    refused = shop.close(OCTOBER)
    assert set(reasons(refused)) == {"bob"}
    assert refused.obstacles[0].kind == "parked"
    assert "is above 500 %" in reasons(refused)["bob"] or "is above 20" in reasons(refused)["bob"]
    shop.review(OCTOBER, "bob", "approved", by="rita")
    shop.ingest([record("more", user="bob", input=5)])
    assert set(reasons(shop.close(OCTOBER))) == {"bob"}
    shop.review(OCTOBER, "bob", "approved", by="rita")
    assert len(shop.close(OCTOBER).issued) == 1
    assert shop.verify().is_sound


def test_an_approval_by_a_policy_of_before_does_not_take_an_invoice_out_of_the_park(database: Database) -> None:
    wide = ReviewPolicy(approve_within=bounds(total="100000", change_percent="100000"))
    shop = shop_of(database, policy=wide)
    assert "bob" in [review.customer for review in shop.approve_within(OCTOBER).approved]
    shop.policy = PARKING
    assert reasons(shop.close(OCTOBER, require_approval=True))["bob"].startswith("parked: ")


def test_a_close_that_was_cut_off_keeps_to_the_bounds_that_it_began_with(database: Database) -> None:
    shop = shop_of(database, policy=PARKING)
    with pytest.raises(KeyboardInterrupt):
        shop.close(OCTOBER, progress=stop_after(1))
    shop.policy = NO_POLICY
    assert set(reasons(shop.close(OCTOBER))) == {"bob"}
    assert len(shop.close(OCTOBER).issued) == 1


def test_an_interim_invoice_is_parked_too(database: Database) -> None:
    shop = shop_of(database, policy=PARKING)
    assert reasons(shop.close(OCTOBER, interim=["bob", "cem"])).keys() == {"bob"}


def test_with_four_eyes_who_closes_has_not_approved(database: Database) -> None:
    shop = shop_of(database, policy=ReviewPolicy(four_eyes=True))
    shop.review(OCTOBER, "alice", "approved", by="rita")
    shop.review(OCTOBER, "cem", "approved", by="carl")
    closed = shop.close(OCTOBER, by="rita")
    assert {one.customer: one.obstacles[0].kind for one in closed.refused} == {
        "alice": "four_eyes",
        "bob": "unapproved",
        "new": "unapproved",
    }
    assert len(closed.issued) == 1
    assert len(shop.close(OCTOBER, by="carl").issued) == 1
    with shop.store.read() as connection:
        actors = [entry.actor for entry in audit_entries(connection) if entry.action == "invoice.issued"]
    assert actors[-2:] == ["rita", "carl"]


INVOICE = invoice("alice")
PREVIEW = preview([])


@given(
    st.integers(0, 10**7),
    st.integers(100, 10**7),
    st.decimals("0.01", "2000", places=2),
    st.decimals("0.01", "100000", places=2),
)
def test_a_change_of_exactly_the_bound_is_within_and_a_cent_more_is_not(
    total: int, before: int, percent: Decimal, change: Decimal
) -> None:
    of_total = replace(INVOICE, totals=replace(INVOICE.totals, net_minor=total, tax_minor=0))
    one = previewed(of_total, previous_total_minor=before, previous_currency="USD")
    policy = ReviewPolicy(ReviewBounds(change_percent=percent, change=change, stated_by="x"))
    is_within = abs(total - before) * 100 <= percent * before and Decimal(abs(total - before)) / 100 <= change
    assert (why_it_waits(one, PREVIEW, policy) == []) is is_within
    beyond = ReviewPolicy(park_beyond=ReviewBounds(total=change, change_percent=percent, stated_by="x"))
    is_parked = abs(total - before) * 100 > percent * before or Decimal(total) / 100 > change
    assert (parked(one, beyond) is not None) is is_parked
