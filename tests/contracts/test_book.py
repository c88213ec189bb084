"""Which contract speaks for a customer at an instant, which of its rules bills a record, and who pays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import contract, grants
from tokentill.canonical import Content, content_hash
from tokentill.contracts.book import Contract, ContractBook, Terms
from tokentill.contracts.invoice_terms import NO_TERMS, InvoiceTerms, Recurring
from tokentill.contracts.rules import Rule
from tokentill.usage.record import Usage
from tokentill.zones import zone

MAY = datetime(2026, 5, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
TRAITS = Usage("acme/large", MAY, {}, user="alice", source="arouter")


def text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def markup(percent: str, **more: Any) -> Content:
    return {"name": f"plus {percent}", "markup_percent": percent, **more}


def in_force(book: ContractBook, at: datetime, customer: str | None = "alice") -> list[str]:
    return [rule.name for rule in book.rules(customer, at)]


# --- one version ---


def test_a_contract_that_says_little() -> None:
    content = {
        "kind": "customer",
        "id": "alice",
        "recorded_at": "2026-01-02T00:00:00Z",
        "valid_from": "2026-01-01T00:00:00+01:00",
    }
    assert Contract.from_content(content) == Contract(
        kind="customer",
        id="alice",
        plan=None,
        recorded_at=datetime(2026, 1, 2, tzinfo=UTC),
        valid_from=datetime(2025, 12, 31, 23, tzinfo=UTC),
        valid_to=None,
        currency=None,
        time_zone=None,
        anchor_day=None,
        parent=None,
        invoice=NO_TERMS,
        rules=(),
        hash=content_hash(content),
    )


def test_a_contract_is_read_with_everything_that_it_can_say() -> None:
    content = contract(
        "customer",
        "alice",
        rules=[{"markup_percent": "5"}, {"name": "rest"}],
        plan="pro",
        valid_to="2027-01-01T00:00:00Z",
        currency="EUR",
        time_zone="Europe/Berlin",
        anchor_day=15,
        invoice={"parent": "corp", "base_fee": {"amount": "20"}},
    )
    assert Contract.from_content(content) == Contract(
        kind="customer",
        id="alice",
        plan="pro",
        recorded_at=datetime(2026, 9, 1, tzinfo=UTC),
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        valid_to=datetime(2027, 1, 1, tzinfo=UTC),
        currency="EUR",
        time_zone="Europe/Berlin",
        anchor_day=15,
        parent="corp",
        invoice=InvoiceTerms(base_fee=Recurring(Decimal(20), "base fee", is_prorated=True)),
        rules=(
            Rule.from_content({"markup_percent": "5"}, contract="customer alice", number=1),
            Rule.from_content({"name": "rest"}, contract="customer alice", number=2),
        ),
        hash=content_hash(content),
    )


@pytest.mark.parametrize(
    ("kind", "id_", "label"),
    [("default", "default", "default"), ("plan", "pro", "plan pro"), ("customer", "a", "customer a")],
)
def test_a_rule_knows_whose_it_is(kind: str, id_: str, label: str) -> None:
    (rule,) = Contract.from_content(contract(kind, id_, rules=[{}])).rules
    assert (rule.contract, rule.name) == (label, "rule 1")


# --- the version in force ---


def test_a_version_holds_from_its_beginning_to_before_its_end() -> None:
    book = ContractBook([contract("customer", "alice", valid_from=text(MAY), valid_to=text(JUNE))])
    (version,) = book.versions("customer", "alice")
    assert book.at("customer", "alice", MAY - MOMENT) is None
    assert book.at("customer", "alice", MAY) is version
    assert book.at("customer", "alice", JUNE - MOMENT) is version
    assert book.at("customer", "alice", JUNE) is None


def test_of_several_versions_the_latest_to_begin_holds_then_the_latest_recorded() -> None:
    def version(percent: str, valid_from: datetime, recorded_at: str) -> Content:
        return contract(rules=[markup(percent)], valid_from=text(valid_from), recorded_at=recorded_at)

    listed = [
        version("1", MAY, "2026-04-03T00:00:00Z"),
        version("2", JUNE, "2026-04-01T00:00:00Z"),
        version("3", JUNE, "2026-04-02T00:00:00Z"),
    ]
    for contents in (listed, listed[::-1], [listed[2], listed[0], listed[1]]):
        book = ContractBook(contents)
        assert in_force(book, MAY) == in_force(book, JUNE - MOMENT) == ["plus 1"]
        assert in_force(book, JUNE) == ["plus 3"]


def test_kinds_and_ids_are_kept_apart() -> None:
    book = ContractBook([contract("plan", "x"), contract("customer", "x"), contract("default", "anything")])
    assert {found.kind for kind in ("plan", "customer") for found in book.versions(kind, "x")} == {"plan", "customer"}
    assert book.versions("customer", "y") == ()
    assert book.at("plan", "y", MAY) is None
    for id_ in ("", "default", "x"):
        (default,) = book.versions("default", id_)
        assert default.kind == "default"


def test_customers_are_listed_in_bytewise_order() -> None:
    found = [contract("customer", id_) for id_ in ("b", "\U0001f600", "Z", "é", "\uffff", "a")]
    book = ContractBook([*found, contract("plan", "p"), contract()])
    assert book.customers == ("Z", "a", "b", "é", "\uffff", "\U0001f600")


def test_a_book_knows_what_it_was_made_of_whatever_the_order() -> None:
    contents = [contract(), contract("plan", "p"), grants({"id": "g", "amount": "1"})]
    beside = {"format": 1, "kind": "attribution", "default": "each-user"}
    expected = tuple(sorted(content_hash(content) for content in contents))
    assert (
        ContractBook([beside, *contents]).recordings == ContractBook([*contents[::-1], beside]).recordings == expected
    )


def test_every_beginning_and_end_is_an_edge() -> None:
    book = ContractBook(
        [
            contract(valid_from=text(MAY)),
            contract("customer", "a", valid_from=text(JUNE), valid_to="2026-07-01T00:00:00Z"),
            contract("customer", "a", valid_from="2026-08-01T00:00:00Z"),
        ]
    )
    starts = {month: datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7, 8)}
    assert book.shared_edges() == book.edges_for("b") == book.edges_for(None) == {starts[5]}
    assert book.own_edges("a") == {starts[6], starts[7], starts[8]}
    assert book.edges_for("a") == set(starts.values())
    assert ContractBook([]).edges_for("a") == set()


# --- the chain ---


def chained(**own: Any) -> ContractBook:
    return ContractBook(
        [
            contract(rules=[markup("3"), markup("4")]),
            contract("plan", "pro", rules=[markup("2")]),
            contract("customer", "alice", rules=[markup("1", match={"mode": ["batch"]})], **own),
        ]
    )


def test_a_customers_own_rules_come_first_then_its_plans_then_the_defaults() -> None:
    assert in_force(chained(plan="pro"), MAY) == ["plus 1", "plus 2", "plus 3", "plus 4"]
    assert in_force(chained(), MAY) == ["plus 1", "plus 3", "plus 4"]
    assert in_force(chained(plan="gone"), MAY) == ["plus 1", "plus 3", "plus 4"]
    assert in_force(chained(plan="pro"), MAY, "bob") == ["plus 3", "plus 4"]
    assert in_force(chained(plan="pro"), MAY, None) == ["plus 3", "plus 4"]
    assert in_force(ContractBook([]), MAY) == []


def test_the_plan_that_the_version_in_force_names_speaks_as_it_was_then() -> None:
    book = ContractBook(
        [
            contract("customer", "alice", plan="a"),
            contract("customer", "alice", plan="b", valid_from=text(JUNE)),
            contract("plan", "a", rules=[markup("1")]),
            contract("plan", "b", rules=[markup("2")]),
            contract("plan", "b", rules=[markup("3")], valid_from=text(JUNE + timedelta(days=9))),
        ]
    )
    assert in_force(book, JUNE - MOMENT) == ["plus 1"]
    assert in_force(book, JUNE) == ["plus 2"]
    assert in_force(book, JUNE + timedelta(days=9)) == ["plus 3"]


def test_the_first_rule_that_fits_bills_a_record() -> None:
    def name(book: ContractBook, traits: Usage) -> str | None:
        rule = book.rule_for("alice", traits, MAY)
        return None if rule is None else rule.name

    batch = replace(TRAITS, mode="batch")
    assert name(chained(plan="pro"), batch) == "plus 1"
    assert name(chained(plan="pro"), TRAITS) == "plus 2"
    assert name(chained(), TRAITS) == "plus 3"
    assert name(ContractBook([contract("customer", "alice", rules=[{"match": {"mode": ["batch"]}}])]), TRAITS) is None
    assert name(ContractBook([]), TRAITS) is None


# --- terms ---


def test_terms_are_plain_where_no_contract_says_otherwise() -> None:
    assert ContractBook([]).terms("alice", MAY) == Terms("USD", zone("UTC"), 1)
    assert ContractBook([contract("customer", "alice")]).terms(None, MAY) == Terms("USD", zone("UTC"), 1)


def test_each_term_is_that_of_the_first_contract_that_states_it() -> None:
    book = ContractBook(
        [
            contract(currency="JPY", time_zone="Asia/Tokyo", anchor_day=3),
            contract("plan", "pro", time_zone="Europe/Berlin", anchor_day=2),
            contract("customer", "alice", plan="pro", anchor_day=31),
        ]
    )
    assert book.terms("alice", MAY) == Terms("JPY", zone("Europe/Berlin"), 31)
    assert book.terms("bob", MAY) == book.terms(None, MAY) == Terms("JPY", zone("Asia/Tokyo"), 3)


def test_a_childs_usage_is_paid_by_its_parent_under_the_parents_terms() -> None:
    book = ContractBook(
        [
            contract("customer", "child", currency="EUR", invoice={"parent": "corp"}, valid_from=text(MAY)),
            contract("customer", "child", currency="EUR", valid_from=text(JUNE)),
            contract("customer", "corp", currency="KWD", time_zone="Asia/Kuwait", anchor_day=9),
        ]
    )
    assert book.payer("child", MAY - MOMENT) == "child"
    assert book.payer("child", MAY) == "corp"
    assert book.payer("child", JUNE) == "child"
    assert book.payer("corp", MAY) == "corp"
    assert book.payer("stranger", MAY) == "stranger"
    assert book.terms("child", MAY) == Terms("KWD", zone("Asia/Kuwait"), 9)
    assert book.terms("child", JUNE).currency == "EUR"


def test_terms_of_invoices_go_along_the_chain_too() -> None:
    book = ContractBook(
        [
            contract(invoice={"cap": {"amount": "9"}, "smallest_amount": "1"}),
            contract("plan", "pro", invoice={"smallest_amount": "2"}),
            contract("customer", "alice", plan="pro", invoice={"tax": []}),
        ]
    )
    found = book.invoice_terms("alice", MAY)
    assert (found.smallest_amount, found.taxes) == (2, ())
    assert found.cap is not None
    assert found.cap.amount == 9
    assert book.invoice_terms("bob", MAY).smallest_amount == 1
    assert book.invoice_terms("alice", datetime(2025, 1, 1, tzinfo=UTC)) == NO_TERMS


TIERS: Content = {"kind": "volume", "over": ["input"], "tier": [{"flat": "2"}]}


@pytest.mark.parametrize(
    ("more", "has"),
    [
        ({}, False),
        ({"invoice": {"tax": [{"name": "VAT", "percent": "19"}], "coupon": []}}, False),
        ({"invoice": {"base_fee": {"amount": "1"}}}, True),
        ({"invoice": {"minimum": {"amount": "1"}}}, True),
        ({"invoice": {"cap": {"amount": "1"}}}, True),
        ({"rules": [{}, {"tiers": TIERS}]}, False),
        ({"rules": [{}, {"tiers": {**TIERS, "flat_at_zero": True}}]}, True),
    ],
)
def test_days_count_where_something_recurs_or_is_limited(more: Any, has: bool) -> None:
    book = ContractBook([contract(), contract("plan", "a", **more), contract("plan", "b")])
    assert book.has_recurring_terms is has


# --- prepaid credits ---


def test_the_grants_of_a_customer_come_in_the_order_in_which_they_burn() -> None:
    book = ContractBook(
        [
            grants({"id": "late", "amount": "1", "priority": 2}, {"id": "bobs", "amount": "1", "customer": "bob"}),
            grants({"id": "early", "amount": "1", "priority": 1}),
        ]
    )
    assert [grant.id for grant in book.grants("alice")] == ["early", "late"]
    assert [grant.id for grant in book.grants("bob")] == ["bobs"]
    assert book.grants("eve") == ()


def test_of_a_grant_that_was_stated_again_what_was_recorded_last_holds() -> None:
    def stated(amount: str, recorded_at: str) -> Content:
        return grants({"id": "g", "amount": amount}) | {"recorded_at": recorded_at}

    first, second = stated("1", "2026-04-01T00:00:00Z"), stated("2", "2026-04-02T00:00:00Z")
    for contents in ([first, second], [second, first]):
        (grant,) = ContractBook(contents).grants("alice")
        assert (grant.amount, grant.recorded_at) == (2, datetime(2026, 4, 2, tzinfo=UTC))
    at_once = stated("3", "2026-04-02T00:00:00Z")
    (grant,) = ContractBook([second, at_once]).grants("alice")
    assert grant.amount == 3, "of two recorded at one instant the one that was read last"


def test_grants_of_one_id_belong_to_their_customers() -> None:
    book = ContractBook([grants({"id": "g", "amount": "1"}, {"id": "g", "amount": "2", "customer": "bob"})])
    assert [grant.amount for customer in ("alice", "bob") for grant in book.grants(customer)] == [1, 2]
