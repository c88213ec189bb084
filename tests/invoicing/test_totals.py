"""From the sum of lines to what is due, through as many documents as a customer gets."""

from __future__ import annotations

from bisect import bisect_right
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import MovableClock, contract, grants, record, till
from tests.invoicing.bench import new_sqlite
from tests.invoicing.generated_terms import cents, granted, invoice_terms
from tests.invoicing.pure_invoices import OCTOBER
from tests.shares import IN_CAMPAIGNS
from tests.verification import totals as second
from tokentill.canonical import Content
from tokentill.clock import instant_text
from tokentill.closing.close import close_period
from tokentill.closing.close_options import CloseOptions, Interim
from tokentill.contracts.book import ContractBook
from tokentill.contracts.invoice_terms import InvoiceTerms
from tokentill.invoicing.burn_down import Accrued, segments_of
from tokentill.invoicing.carried import Carried, Invoiced
from tokentill.invoicing.periods import Month, Period, period_of
from tokentill.invoicing.totals import Agreed, Item, Totals, base_fees, compute_totals, is_recurring
from tokentill.money import from_minor, round_to_minor
from tokentill.store.issued.ledger import ledger_entries

PERIOD: Period = period_of(OCTOBER, lambda at: ContractBook([]).terms(None, at))
DAYS = 31
OCTOBER_BEGINS, OCTOBER_ENDS = PERIOD.starts_at, PERIOD.ends_at
instants = st.integers(0, DAYS * 24 * 60 - 1).map(lambda minutes: OCTOBER_BEGINS + timedelta(minutes=minutes))
amounts = st.integers(0, 30_000).map(lambda thousandths: Decimal(thousandths).scaleb(-3))


@st.composite
def billed_before(draw: Any) -> Invoiced:
    """An interim invoice of October."""
    taxes = draw(st.dictionaries(st.sampled_from(["tax 0", "tax 1", "tax of old"]), st.integers(1, 90)))
    drawn = draw(st.dictionaries(st.sampled_from(["g0", "g1", "withdrawn"]), st.integers(1, 500)))
    return Invoiced("USD", draw(st.integers(1, 900)), taxes, drawn)


@given(
    used=st.lists(st.tuples(instants, amounts), max_size=6),
    fees=amounts,
    terms=invoice_terms(),
    listed=granted(),
    balance=st.integers(-500, 500),
    invoiced=st.lists(billed_before(), max_size=2),
    drawn_elsewhere=st.integers(0, 500),
    days=st.tuples(st.integers(0, DAYS), st.integers(1, DAYS)),
    is_interim=st.booleans(),
)
def test_every_step_is_what_a_second_way_comes_to(
    used: list[tuple[datetime, Decimal]],
    fees: Decimal,
    terms: Content,
    listed: list[Content],
    balance: int,
    invoiced: list[Invoiced],
    drawn_elsewhere: int,
    days: tuple[int, int],
    is_interim: bool,
) -> None:
    fees = Decimal(0) if is_interim else fees
    earlier = [second.Settled(one.net_minor, dict(one.taxes), dict(one.credits), 0) for one in invoiced]
    elsewhere = second.Settled(0, {}, {"g0": drawn_elsewhere}, 0)
    account = second.Account({"2026-10": earlier, "2026-09": [elsewhere]}, balance=balance)
    expected = second.compute_totals(
        [(at, Fraction(amount) * 100) for at, amount in used],
        (OCTOBER_BEGINS, OCTOBER_ENDS),
        terms,
        listed,
        account,
        days=DAYS,
        minimum_days=days[0],
        cap_days=days[1],
        fees=Fraction(fees) * 100,
        is_interim=is_interim,
    )
    book = ContractBook([grants(*listed)] if listed else [])
    agreed = Agreed(InvoiceTerms.from_content(terms), book.grants("alice"), *days)
    segments = segments_of(PERIOD, agreed.grants)
    by_segment = [Decimal(0)] * len(segments)
    for at, amount in used:
        by_segment[bisect_right(segments, at) - 1] += amount
    subtotal = round_to_minor(sum((amount for _, amount in used), fees), "USD")
    totals = compute_totals(
        Accrued(subtotal, tuple(by_segment), fees),
        "USD",
        PERIOD,
        agreed,
        Carried(credits={("g0", "USD"): drawn_elsewhere, ("g0", "EUR"): 9999}, invoiced=tuple(invoiced)),
        kind="interim" if is_interim else "period",
        balances=[Item("balance", "brought forward", balance)] if balance else [],
    )
    assert (totals.net_minor, totals.total_minor, totals.due_minor) == (expected.net, expected.total, expected.due)
    assert subtotal + sum(item.amount_minor for item in totals.items) == totals.due_minor, "every step is an item"
    assert by_name(totals, "tax") == {name: -taxed for name, taxed in expected.taxes.items() if taxed}
    assert by_name(totals, "credit") == {name: drawn for name, drawn in expected.drawn.items() if drawn}
    assert sum(by_name(totals, "carried").values()) == expected.carried
    assert totals.due_minor >= 0 or is_interim


def by_name(totals: Totals, kind: str) -> dict[str, int]:
    """What the items of a kind take away, but for those of nothing."""
    return {item.name: -item.amount_minor for item in totals.items if item.kind == kind and item.amount_minor}


@settings(max_examples=settings().max_examples // 3 if IN_CAMPAIGNS else 5)
@given(
    terms=invoice_terms(), listed=granted(), used=st.lists(st.integers(0, 30), min_size=4, max_size=4), data=st.data()
)
def test_documents_carry_on_what_the_ones_before_left(
    terms: Content, listed: list[Content], used: list[int], data: Any
) -> None:
    """Four months, each with up to two interim invoices; each request costs 1.17 USD."""
    account = second.Account()
    contents = [contract("customer", "alice", invoice=terms), *([grants(*listed)] if listed else [])]
    with new_sqlite() as database:
        clock = MovableClock()
        one = till(database, *contents, clock=clock)
        for month, requests in zip((7, 8, 9, 10), used, strict=True):
            name, days = f"2026-{month:02d}", 30 if month == 9 else 31
            bounds = datetime(2026, month, 1, tzinfo=UTC), datetime(2026, month + 1, 1, tzinfo=UTC)
            begun: list[second.Slice] = []
            expected = []
            for day in (10, 20, 30):
                if day < 30:
                    clock.instant = datetime(2026, month, day + 5, tzinfo=UTC)
                    one.ingest([_request(month, day, number) for number in range(requests)])
                    begun.append((datetime(2026, month, day, 12, tzinfo=UTC), Fraction(117 * requests)))
                    if not requests or not data.draw(st.booleans()):
                        continue
                    trial = deepcopy(account)
                    close_period(
                        database, Month.parse(name), one.folder, CloseOptions(Interim(("alice",))), clock=clock
                    )
                else:
                    trial = account
                    clock.instant = datetime(2026, month + 1, 28, tzinfo=UTC)
                    if not requests and "minimum" not in terms:
                        continue
                    one.close(name)
                totals = second.compute_totals(
                    begun,
                    bounds,
                    terms,
                    listed,
                    trial,
                    days=days,
                    minimum_days=days,
                    cap_days=days,
                    is_interim=day < 30,
                )
                if totals.net > 0 or day == 30:
                    account = trial
                    expected.append((totals.total, totals.due))
            assert [(found.total_minor, found.due_minor) for found in one.invoices(period=name)] == expected
        with database.read() as connection:
            ledger = ledger_entries(connection, customer="alice")
        assert sum(entry.amount_minor for entry in ledger if entry.kind == "balance") == account.balance
        for grant in listed:
            burnt = sum(entry.amount_minor for entry in ledger if (entry.kind, entry.name) == ("credit", grant["id"]))
            assert burnt == account.drawn(grant["id"]) <= second.minor_of(grant["amount"])
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
