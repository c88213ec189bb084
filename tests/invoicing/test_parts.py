"""The documents of a period are one document in parts, and prepaid credit pays in order of time.

Periods are generated: usage under rules of every kind, taxes, coupons, limits, grants that begin and end anywhere, and
interim invoices after any records have come. What the whole comes to is worked out a second time, cent by cent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import contract, grants, price, prices, record
from tests.invoicing.bench import second_folder, second_request
from tests.invoicing.generated import price_tables, rules, usage_records
from tests.invoicing.generated_terms import cents, granted, invoice_terms
from tests.invoicing.pure_invoices import OCTOBER, Summed, aggregates_of, books_of
from tests.verification import totals as second
from tests.verification.accumulators import work_out
from tokentill.canonical import Content
from tokentill.clock import instant_text
from tokentill.invoicing.carried import NOTHING_CARRIED, Carried, Invoiced, OpenBalance
from tokentill.invoicing.coverage import Documents, Periods
from tokentill.invoicing.invoice import Invoice, compute_invoice
from tokentill.invoicing.rating_groups import RatingContext
from tokentill.invoicing.totals import InvoiceKind
from tokentill.store.issued.ledger import rows_of
from tokentill.usage.aggregates import UsageAggregate
from tokentill.usage.record import UsageRecord

DAYS = 31


@dataclass(frozen=True)
class Case:
    """A period of alice's."""

    contents: tuple[Content, ...]
    records: tuple[UsageRecord, ...]
    terms: Content
    granted: tuple[Content, ...]

    def invoice(
        self,
        records: Sequence[UsageRecord],
        *,
        carried: Carried = NOTHING_CARRIED,
        kind: InvoiceKind = "period",
        by_record: bool = False,
    ) -> Invoice:
        """The document that is computed when so many records have come."""
        books = books_of(self.contents)
        periods = Periods(OCTOBER, books, Documents())
        period = periods.of("alice")
        aggregates = [aggregate for aggregate in aggregates_of(records, books, periods) if period.holds(aggregate.at)]
        summed = Summed(aggregates, books)
        chosen = aggregates if by_record else summed.aggregates
        while True:
            wanted: list[UsageAggregate] = []
            invoice = compute_invoice(
                "alice", period, "USD", chosen, RatingContext(books), carried=carried, kind=kind, wanted=wanted
            )
            if not wanted:
                return invoice
            chosen = summed.in_place(chosen, wanted)


@st.composite
def cases(draw: Any) -> Case:
    """A period under anything that may be agreed."""
    terms = draw(invoice_terms())
    if draw(st.booleans()):
        terms["base_fee"] = {"amount": draw(cents)}
    listed = draw(granted())
    of_alice = contract("customer", "alice", rules=draw(rules()), invoice=terms)
    contents = (*draw(price_tables()), of_alice, *([grants(*listed)] if listed else []))
    dear = [
        replace(one, user="alice", quantities={name: 20 * count for name, count in one.quantities.items()})
        for one in draw(usage_records(count_max=12))
    ]
    return Case(contents, tuple(dear), terms, tuple(listed))


def left_by(documents: Sequence[Invoice], carried: Carried = NOTHING_CARRIED) -> Carried:
    """What interim invoices leave, as the ledger would tell."""
    invoiced = []
    for document in documents:
        rows = rows_of(document)
        assert {(row.customer, row.currency) for row in rows} == {("alice", "USD")}
        kinds = {kind: {row.name: row.amount_minor for row in rows if row.kind == kind} for kind in ("tax", "credit")}
        (net,) = [row.amount_minor for row in rows if row.kind == "invoiced"]
        invoiced.append(Invoiced("USD", net, kinds["tax"], kinds["credit"]))
    return replace(carried, invoiced=tuple(invoiced))


def sums(documents: Sequence[Invoice], kind: str) -> dict[str, int]:
    """What the items of a kind come to by name, in several documents."""
    found: Counter[str] = Counter()
    for document in documents:
        for item in document.totals.items:
            if item.kind == kind:
                found[item.name] += item.amount_minor
    return {name: amount for name, amount in found.items() if amount}


@given(
    case=cases(),
    cuts=st.lists(st.integers(0, 12), max_size=4),
    balance=st.integers(-300, 300),
    drawn_elsewhere=st.integers(0, 300),
    data=st.data(),
)
def test_the_documents_of_a_period_add_up_to_one_document(
    case: Case, cuts: list[int], balance: int, drawn_elsewhere: int, data: Any
) -> None:
    carried = Carried(
        credits={("g0", "USD"): drawn_elsewhere},
        balances=(OpenBalance("alice", "USD", balance),) if balance else (),
    )
    one = case.invoice(case.records, carried=carried)
    arrived = data.draw(st.permutations(case.records))
    interims: list[Invoice] = []
    for cut in sorted(cuts):
        interims.append(case.invoice(arrived[:cut], carried=left_by(interims, carried), kind="interim"))
    parts = [*interims, case.invoice(case.records, carried=left_by(interims, carried))]
    assert sum(part.net_minor for part in parts) == one.net_minor
    assert sum(part.tax_minor for part in parts) == one.tax_minor
    for kind in ("coupon", "minimum", "tax", "balance", "credit"):
        assert sums(parts, kind) == sums([one], kind)
    due = sum(part.due_minor for part in parts) - sum(sums(parts, "carried").values())
    assert due == one.due_minor - sum(sums([one], "carried").values())
    for grant in case.granted:
        drawn = [-sums(parts[:count], "credit").get(grant["id"], 0) for count in range(len(parts) + 1)]
        elsewhere = drawn_elsewhere if grant["id"] == "g0" else 0
        assert min(drawn) >= 0
        assert max(drawn) <= max(0, second.minor_of(grant["amount"]) - elsewhere)


@given(case=cases())
def test_every_document_is_what_its_amounts_come_to_cent_by_cent(case: Case) -> None:
    document = case.invoice(case.records)
    assert document.content() == case.invoice(case.records, by_record=True).content()
    period = document.period
    inside = [second_request(one) for one in case.records if period.holds(one.occurred_at)]
    worked = work_out(inside, "alice", "USD", second_folder([one for one in case.contents if one["kind"] != "grant"]))
    expected = second.compute_totals(
        [(at, amount * 100) for at, amount in worked.in_time],
        (period.starts_at, period.ends_at),
        case.terms,
        list(case.granted),
        second.Account(),
        days=DAYS,
        minimum_days=DAYS,
        cap_days=DAYS,
        fees=Fraction(case.terms.get("base_fee", {}).get("amount", 0)) * 100,
        is_empty=not inside and "base_fee" not in case.terms,
    )
    assert (document.net_minor, document.total_minor, document.due_minor) == (
        expected.net,
        expected.total,
        expected.due,
    )
    assert sums([document], "credit") == {name: -drawn for name, drawn in expected.drawn.items() if drawn}
    for grant in case.granted:
        begins = datetime.fromisoformat(grant["valid_from"])
        ends = datetime.fromisoformat(grant.get("expires_at", "9999-01-01T00:00:00Z"))
        is_of_use = any(amount and begins <= at < ends for at, amount in worked.in_time)
        if not is_of_use and not begins <= period.last_instant < ends:
            assert grant["id"] not in sums([document], "credit"), "nothing was used while it was in effect"


def used(number: int, when: str, dollars: int) -> UsageRecord:
    """A request of so many dollars."""
    return record(f"r{number}", when=when, input=1_000_000 * dollars)


def simple(invoice: Content, *listed: Content, rule: Content | None = None, **more: Any) -> Case:
    """A period in which a million input tokens cost 1 USD."""
    own = contract("customer", "alice", invoice=invoice, rules=[] if rule is None else [rule], **more)
    contents = (prices(price(rates={"input": "1", "output": "1"})), own, *([grants(*listed)] if listed else []))
    return Case(contents, (), invoice, listed)


def test_a_grant_that_expired_pays_nothing_more_on_the_invoice_after_an_interim_one() -> None:
    case = simple({}, {"id": "g", "amount": "100", "expires_at": "2026-10-15T00:00:00Z"})
    early, late = used(1, "5", 30), used(2, "20", 51)
    interim = case.invoice([early], kind="interim")
    assert (sums([interim], "credit"), interim.due_minor) == ({"g": -3000}, 0)
    rest = case.invoice([early, late], carried=left_by([interim]))
    assert (sums([rest], "credit"), rest.due_minor) == ({}, 5100)


def test_a_grant_that_is_not_in_effect_yet_pays_for_nothing_before() -> None:
    case = simple({}, {"id": "g", "amount": "100", "valid_from": "2026-10-25T00:00:00Z"})
    assert case.invoice([used(1, "5", 30)], kind="interim").due_minor == 3000
    assert case.invoice([used(1, "5", 30), used(2, "26", 7)]).due_minor == 3000


def test_a_grant_pays_until_its_very_instant_whatever_the_day() -> None:
    listed = {"id": "g", "amount": "100", "expires_at": "2026-10-15T00:00:00+02:00"}
    case = simple({}, listed, time_zone="Europe/Berlin")
    assert case.invoice([used(1, "14 21:59", 30), used(2, "14 22:00", 5)]).due_minor == 500


def test_a_grant_pays_the_tax_of_what_was_used_in_its_time() -> None:
    taxed = {"tax": [{"name": "VAT", "percent": "19"}]}
    case = simple(taxed, {"id": "g", "amount": "100", "expires_at": "2026-10-30T00:00:00Z"})
    assert case.invoice([used(1, "14", 30)]).due_minor == 0
    halved = simple(
        {"coupon": [{"id": "c", "percent": "50"}]}, {"id": "g", "amount": "100", "expires_at": "2026-10-15T00:00:00Z"}
    )
    assert halved.invoice([used(1, "14", 30), used(2, "20", 30)]).due_minor == 1500


def test_a_fee_and_the_rest_to_a_minimum_lie_at_the_end_of_the_period() -> None:
    early = {"id": "early", "amount": "500", "expires_at": "2026-10-15T00:00:00Z"}
    late = {"id": "late", "amount": "12", "valid_from": "2026-10-31T00:00:00Z", "priority": -1}
    case = simple({"base_fee": {"amount": "10"}, "minimum": {"amount": "100"}}, early, late)
    found = case.invoice([used(1, "14", 30)])
    assert sums([found], "credit") == {"early": -3000, "late": -1200}
    assert case.invoice([]).totals.items[1].amount_minor == -1200


def test_packages_lie_where_they_were_begun() -> None:
    rule = {"name": "packed", "package": {"input": {"price": "4", "size": 10_000_000}}}
    case = simple({}, {"id": "g", "amount": "100", "expires_at": "2026-10-15T00:00:00Z"}, rule=rule)
    found = case.invoice([used(1, "3", 10), used(2, "14", 1), used(3, "20", 10)])
    assert (found.subtotal_minor, sums([found], "credit")) == (1200, {"g": -800})


def test_the_edges_of_grants_leave_the_days_of_a_document_as_they_are() -> None:
    records = [used(1, "14 06:00", 3), used(2, "14 18:00", 4), used(3, "20", 5)]
    plain = simple({}).invoice(records).content()
    cut = simple({}, {"id": "g", "amount": "1", "expires_at": "2026-10-14T12:00:00Z"}).invoice(records).content()
    assert {**cut, "items": None, "due": None} == {**plain, "items": None, "due": None}
    assert [day["exact_amount"] for day in cut["daily"]] == ["7", "5"]


def test_very_long_exact_amounts_are_cut_without_a_fault() -> None:
    tiny = "0." + "0" * 20 + "1234567"
    rule = {"name": "own", "basis": "own", "rates": {"input": tiny}, "markup_percent": "0.000000000000000001"}
    listed = {"id": "g", "amount": "1", "expires_at": "2026-10-14T12:00:00Z"}
    taxed = {"tax": [{"name": "VAT", "percent": "19.123456789"}], "minimum": {"amount": "99999999999.99"}}
    case = simple(taxed, listed, rule=rule)
    first = instant_text(datetime.fromisoformat("2026-10-03T00:00:00+00:00"))
    found = case.invoice([record("r", when=first, input=10**12), used(2, "20", 5)])
    assert found.net_minor == 99_999_999_999_99
    assert found.subtotal_minor == 0
    assert Decimal(found.lines[0].exact_amount) > 0


def test_nothing_but_a_balance_is_the_last_word() -> None:
    owed = Carried(balances=(OpenBalance("alice", "USD", 300),))
    favour = Carried(balances=(OpenBalance("alice", "USD", -300),))
    small = simple({"smallest_amount": "5"})
    assert small.invoice([], carried=owed).due_minor == 300
    assert small.invoice([], carried=favour).due_minor == -300
    assert small.invoice([used(1, "3", 1)], carried=owed).due_minor == 0
    assert small.invoice([used(1, "3", 1)], carried=favour).due_minor == 0
    with_fee = simple({"smallest_amount": "5", "base_fee": {"amount": "1"}})
    assert with_fee.invoice([], carried=owed).due_minor == 0
    with_minimum = simple({"smallest_amount": "5", "minimum": {"amount": "1"}})
    assert with_minimum.invoice([], carried=owed).due_minor == 0


def test_a_document_that_cannot_take_over_what_is_carried_says_why_and_is_not_issued() -> None:
    in_yen = Carried(balances=(OpenBalance("alice", "JPY", 300),))
    blocked = simple({}).invoice([used(1, "3", 1)], carried=in_yen).blocked_by
    assert blocked is not None
    assert "the balance of 300 JPY cannot be brought forward: no exchange rate from JPY to USD is listed" in blocked
    assert simple({}).invoice([used(1, "3", 1)], carried=in_yen, kind="interim").blocked_by is None


def test_a_document_takes_off_only_what_was_billed_in_its_own_currency() -> None:
    """What an interim invoice in another currency covers stands on that one alone."""
    in_euros = Carried(invoiced=(Invoiced("EUR", 300),))
    alone = simple({}).invoice([used(1, "3", 1)])
    assert simple({}).invoice([used(1, "3", 1)], carried=in_euros).content() == alone.content()
