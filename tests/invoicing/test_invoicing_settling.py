"""From the sum of lines to what is due, through as many documents as a customer gets."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import MovableClock, contract, grants, record, till
from tests.independent import settlement as second
from tests.invoicing.invoicing_tools import new_sqlite
from tests.invoicing.pure_invoices import OCTOBER
from tokentill.canonical import Content
from tokentill.clock import instant_text
from tokentill.contracts.book import ContractBook
from tokentill.contracts.invoice_terms import InvoiceTerms
from tokentill.invoicing.close import Interim, close_period
from tokentill.invoicing.periods import Month, Period, period_of
from tokentill.invoicing.settling import Agreed, Carried, Settlement, base_fees, is_recurring, settle
from tokentill.money import from_minor
from tokentill.store.ledger import ledger_entries

PERIOD: Period = period_of(OCTOBER, lambda at: ContractBook([]).terms(None, at))
DAYS = 31
cents = st.integers(1, 4_000).map(lambda value: format(Decimal(value).scaleb(-2), "f"))
percents = st.sampled_from(["0.5", "5", "7.25", "19", "33.3", "100"])


@st.composite
def invoice_terms(draw: Any) -> Content:
    """What may be agreed for a whole invoice."""
    terms: Content = {}
    coupons: list[Content] = []
    for number in range(draw(st.integers(0, 3))):
        coupon: Content = {"id": f"c{number}"}
        coupon |= {"percent": draw(percents)} if draw(st.booleans()) else {"amount": draw(cents)}
        if draw(st.booleans()):
            coupon["periods"] = draw(st.integers(1, 2))
        coupons.append(coupon)
    if coupons:
        terms["coupon"] = coupons
    for key in ("minimum", "cap"):
        if draw(st.booleans()):
            terms[key] = {"amount": draw(cents), "prorate": draw(st.booleans())}
    if draw(st.booleans()):
        terms["tax"] = [{"name": f"tax {n}", "percent": draw(percents)} for n in range(draw(st.integers(1, 2)))]
    if draw(st.booleans()):
        terms["smallest_amount"] = draw(cents)
    return terms


@st.composite
def granted(draw: Any) -> list[Content]:
    """Up to three prepaid credits of alice."""
    found: list[Content] = []
    for number in range(draw(st.integers(0, 3))):
        grant: Content = {"id": f"g{number}", "amount": draw(cents), "priority": draw(st.integers(0, 1))}
        grant["valid_from"] = draw(st.sampled_from(["2026-01-01T00:00:00Z", "2026-10-31T23:59:59Z"]))
        until = st.sampled_from([None, "2026-08-15T00:00:00Z", "2026-10-16T12:00:00Z", "2026-11-01T00:00:00Z"])
        if (expires := draw(until)) is not None:
            grant["expires_at"] = expires
        found.append(grant)
    return found


def _agreed(terms: Content, listed: list[Content], minimum_days: int = DAYS, cap_days: int = DAYS) -> Agreed:
    book = ContractBook([grants(*listed)] if listed else [])
    return Agreed(InvoiceTerms.from_content(terms), book.grants("alice"), minimum_days, cap_days)


def _settle(subtotal: int, agreed: Agreed, carried: Carried, daily: list[tuple[date, Decimal]]) -> Settlement:
    return settle(subtotal, "USD", PERIOD, agreed, carried, kind="period", daily=daily)


@given(
    subtotal=st.integers(0, 6_000),
    terms=invoice_terms(),
    listed=granted(),
    balance=st.integers(-500, 500),
    invoiced=st.lists(st.integers(1, 900), max_size=2),
    days=st.tuples(st.integers(0, DAYS), st.integers(1, DAYS)),
    early=st.integers(0, 6_000),
)
def test_every_step_is_what_a_second_way_comes_to(
    subtotal: int,
    terms: Content,
    listed: list[Content],
    balance: int,
    invoiced: list[int],
    days: tuple[int, int],
    early: int,
) -> None:
    daily = [
        (date(2026, 10, 15), Decimal(min(early, subtotal)).scaleb(-2)),
        (date(2026, 10, 16), Decimal(subtotal - min(early, subtotal)).scaleb(-2)),
    ]
    account = second.Account(balance=balance, interim={"2026-10": list(invoiced)})
    expected = second.settle(
        subtotal,
        "2026-10",
        terms,
        listed,
        account,
        days=DAYS,
        minimum_days=days[0],
        cap_days=days[1],
        by_day={day: Fraction(amount) for day, amount in daily},
    )
    carried = Carried(balance_minor=balance, invoiced=tuple(invoiced))
    settled = _settle(subtotal, _agreed(terms, listed, *days), carried, daily)
    assert (settled.net_minor, settled.tax_minor, settled.due_minor) == (expected.net, expected.tax, expected.due)
    assert settled.total_minor == expected.net + expected.tax
    assert subtotal + sum(item.amount_minor for item in settled.items) == settled.due_minor, "every step is an item"
    burnt = {item.name: -item.amount_minor for item in settled.items if item.kind == "credit"}
    assert burnt == {name: paid for name, paid in account.paid_by.items() if paid}
    assert sum(item.amount_minor for item in settled.items if item.kind == "carried") == -account.balance
    assert settled.due_minor >= 0


@given(
    terms=invoice_terms(), listed=granted(), used=st.lists(st.integers(0, 30), min_size=4, max_size=4), data=st.data()
)
def test_documents_carry_on_what_the_ones_before_left(
    terms: Content, listed: list[Content], used: list[int], data: Any
) -> None:
    """Four months, of which one may have an interim invoice; each request costs 1.17 USD."""
    account = second.Account()
    interim_in = data.draw(st.sampled_from([None, 7, 8, 9, 10]))
    contents = [contract("customer", "alice", invoice=terms), *([grants(*listed)] if listed else [])]
    with new_sqlite() as database:
        clock = MovableClock()
        one = till(database, *contents, clock=clock)
        for month, requests in zip((7, 8, 9, 10), used, strict=True):
            name = f"2026-{month:02d}"
            early = [_request(month, 10, number) for number in range(requests)]
            late = [_request(month, 20, number) for number in range(requests)]
            one.ingest(early)
            documents = [(2 * requests * 117, False)]
            if month == interim_in and requests:
                clock.instant = datetime(2026, month, 15, tzinfo=UTC)
                close_period(database, Month.parse(name), one.folder, clock=clock, interim=Interim(("alice",)))
                documents.insert(0, (requests * 117, True))
            clock.instant = datetime(2026, month, 28, tzinfo=UTC).replace(month=month + 1)
            one.ingest(late)
            one.close(name)
            issued = one.invoices(period=name)
            by_day = {date(2026, month, day): Fraction(117 * requests, 100) for day in (10, 20)}
            expected = []
            for subtotal, is_interim in documents:
                days = 31 if month != 9 else 30
                settled = second.settle(
                    subtotal,
                    name,
                    terms,
                    listed,
                    account,
                    days=days,
                    minimum_days=days,
                    cap_days=days,
                    is_interim=is_interim,
                    by_day={day: amount for day, amount in by_day.items() if not is_interim or day.day == 10},
                )
                if settled.net > 0 or not is_interim:
                    expected.append((settled.net + settled.tax, settled.due))
            if not requests and "minimum" not in terms:
                expected = []
            assert [(found.total_minor, found.due_minor) for found in issued] == expected
        with database.read() as connection:
            ledger = ledger_entries(connection, customer="alice")
        assert sum(entry.amount_minor for entry in ledger if entry.kind == "balance") == account.balance
        for grant in listed:
            burnt = sum(entry.amount_minor for entry in ledger if (entry.kind, entry.name) == ("credit", grant["id"]))
            assert burnt == account.paid_by.get(grant["id"], 0) <= second.minor_of(grant["amount"])
        assert one.verify().is_sound


@st.composite
def fees_by_version(draw: Any) -> list[Content]:
    """Versions of alice's contract and a default one, with recurring fees that differ."""
    zone = draw(st.sampled_from(["UTC", "America/New_York", "Pacific/Auckland"]))
    found = [contract(time_zone=zone, **draw(_maybe_with_fee()))]
    for number in range(draw(st.integers(0, 3))):
        begins = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(hours=draw(st.integers(-48, 31 * 24)))
        version = contract("customer", "alice", **draw(_maybe_with_fee()))
        version |= {"valid_from": instant_text(begins), "recorded_at": f"2026-09-0{number + 1}T00:00:00Z"}
        if draw(st.booleans()):
            version["valid_to"] = instant_text(begins + timedelta(hours=draw(st.integers(1, 400))))
        found.append(version)
    return found


@st.composite
def _maybe_with_fee(draw: Any) -> Content:
    if not draw(st.booleans()):
        return {}
    fee: Content = {"amount": draw(cents), "name": draw(st.sampled_from(["seat", "platform"]))}
    if draw(st.booleans()):
        fee["prorate"] = draw(st.booleans())
    return {"invoice": {"base_fee": fee}}


@given(contents=fees_by_version())
def test_recurring_fees_count_the_days_on_which_each_was_agreed(contents: list[Content]) -> None:
    book = ContractBook(contents)
    period = period_of(OCTOBER, lambda at: book.terms("alice", at))
    expected = second.fees_of_days(contents, period.first_day, period.last_day)
    charges = base_fees("alice", period, book, "USD")
    found: dict[tuple[Any, ...], int] = {}
    for charge in charges:
        key = (charge.name, Fraction(charge.rate), charge.quantity, charge.of_days)
        found[key] = found.get(key, 0) + second.minor_of(charge.amount)
    assert found == expected
    assert all(charge.amount == from_minor(second.minor_of(charge.amount), "USD") for charge in charges)
    owes_a_fee = bool(charges) and any(version["kind"] == "customer" for version in contents)
    assert is_recurring("alice", period, book) <= owes_a_fee


def _request(month: int, day: int, number: int) -> Any:
    """78,000 output tokens at 15 for a million: 1.17."""
    when = f"2026-{month:02d}-{day}T12:00:00+00:00"
    return record(f"{month}-{day}-{number}", when=when, input=0, output=78_000)
