"""What is agreed over more than one month, through the documents of those months, with voids and interim invoices."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import MovableClock, contract, grants, openings, record, till
from tests.invoicing import over_months as second
from tests.invoicing.bench import new_sqlite
from tests.shares import IN_CAMPAIGNS
from tokentill.canonical import Content
from tokentill.clock import instant_text
from tokentill.closing.close import close_period
from tokentill.closing.close_options import CloseOptions, Interim
from tokentill.contracts.book import ContractBook
from tokentill.invoicing.periods import Month, local_midnight, period_of
from tokentill.invoicing.totals import base_fees, is_recurring
from tokentill.money import round_to_minor
from tokentill.store.issued.ledger import ledger_entries

FEWER = settings(max_examples=settings().max_examples // 5 if IN_CAMPAIGNS else 3)
"""Each example closes four months and more."""

MONTHS = ("2026-07", "2026-08", "2026-09", "2026-10")


class Shop:
    """A till whose months are closed one after the other. A request of so many cents costs exactly that."""

    def __init__(self, database: Any, *contents: Content) -> None:
        self.clock = MovableClock()
        self.database = database
        self.till = till(database, *contents, clock=self.clock)

    def use(self, month: str, day: int, cents: int) -> None:
        """One request of alice's, at noon, taken in an hour later."""
        self.clock.instant = datetime.fromisoformat(f"{month}-{day:02d}T13:00:00+00:00")
        if cents:
            # At 1 USD for a million of them a cent is 10,000 tokens.
            when = f"{month}-{day:02d}T12:00:00+00:00"
            quantities = {"input": cents * 10_000}
            self.till.ingest([record(f"{month}-{day}", model="acme/cent", when=when, **quantities)])

    def close(self, month: str) -> None:
        """Close a month, on the 3rd of the next."""
        following = Month.parse(month).plus(1)
        self.clock.instant = max(self.clock.instant, datetime(following.year, following.month, 3, tzinfo=UTC))
        self.till.close(month)

    def bill_early(self, month: str) -> None:
        """An interim invoice of what has accrued."""
        close_period(
            self.database, Month.parse(month), self.till.folder, CloseOptions(Interim(("alice",))), clock=self.clock
        )

    def void(self, month: str) -> None:
        """Void the document of a month."""
        for issued in self.till.invoices(period=month):
            if issued.kind == "period" and issued.status == "issued":
                self.till.void(issued.number, reason="a test")

    def live(self) -> list[Any]:
        """Every document that is not void."""
        return [issued for issued in self.till.invoices() if issued.status == "issued"]

    def totals(self) -> list[int]:
        """What the documents of each month come to."""
        of_month: Counter[str] = Counter()
        for issued in self.live():
            of_month[issued.period] += issued.total_minor
        return [of_month[month] for month in MONTHS]

    def settled(self) -> int:
        """What is due by all documents together, with what they carry on."""
        with self.database.read() as connection:
            entries = ledger_entries(connection, customer="alice")
        carried = sum(entry.amount_minor for entry in entries if entry.kind == "balance")
        return sum(issued.due_minor for issued in self.live()) + carried

    def drawn(self) -> dict[str, int]:
        """What was drawn in each month from all grants together, and what the ledger says of each grant."""
        with self.database.read() as connection:
            entries = ledger_entries(connection, customer="alice")
        drawn = dict.fromkeys(MONTHS, 0)
        for entry in entries:
            if entry.kind == "credit":
                drawn[entry.period] += entry.amount_minor
        return drawn


CENT = {"model": "acme/cent", "valid_from": "2026-01-01T00:00:00Z", "per": 1_000_000, "rates": {"input": "1"}}
PRICES = {
    "format": 1,
    "kind": "prices",
    "recorded_at": "2026-01-01T00:00:00Z",
    "currency": "USD",
    "source": "a test",
    "price": [CENT],
}


@FEWER
@given(
    used=st.lists(st.integers(0, 900), min_size=4, max_size=4),
    committed=st.integers(1, 2500),
    factor=st.sampled_from(["1", "1.25", "2", "0.5"]),
    term=st.tuples(st.integers(0, 3), st.integers(0, 3)).map(sorted),
    early=st.sets(st.integers(0, 3)),
    voided=st.lists(st.integers(0, 3), max_size=3),
)
def test_a_commitment_bills_what_lies_above_it_and_what_is_left_at_its_end(
    used: list[int], committed: int, factor: str, term: list[int], early: set[int], voided: list[int]
) -> None:
    first, last = term
    commitment: Content = {"amount": f"{committed / 100:.2f}", "overage_factor": factor}
    commitment |= {"starts": f"{MONTHS[first]}-01", "months": last - first + 1}
    with new_sqlite() as database:
        shop = Shop(database, PRICES, contract("customer", "alice", invoice={"commitment": commitment}))
        for number, (month, cents) in enumerate(zip(MONTHS, used, strict=True)):
            shop.use(month, 5, cents // 3)
            if number in early:
                shop.bill_early(month)
            shop.use(month, 20, cents - cents // 3)
            shop.close(month)
        expected = second.documents_of_a_commitment(used, committed, Fraction(factor), first, last)
        assert shop.totals() == expected
        for number in voided:
            shop.void(MONTHS[number])
            shop.close(MONTHS[number])
            assert sum(shop.totals()) == pytest.approx(sum(expected), abs=0 if factor != "1.25" else len(voided))
        assert shop.till.verify().is_sound


@FEWER
@given(
    used=st.lists(st.integers(0, 900), min_size=4, max_size=4), more=st.integers(1, 900), committed=st.integers(1, 2500)
)
def test_a_voided_month_that_is_made_again_with_more_usage_corrects_overage_and_true_up(
    used: list[int], more: int, committed: int
) -> None:
    commitment = {"amount": f"{committed / 100:.2f}", "overage_factor": "2", "starts": "2026-07-01", "months": 4}
    with new_sqlite() as database:
        shop = Shop(database, PRICES, contract("customer", "alice", invoice={"commitment": commitment}))
        for month, cents in zip(MONTHS, used, strict=True):
            shop.use(month, 5, cents)
            shop.close(month)
        shop.void("2026-08")
        shop.till.ingest([record("late", model="acme/cent", when="2026-08-09T12:00:00+00:00", input=more * 10_000)])
        shop.close("2026-08")
        used[1] += more
        assert sum(shop.totals()) == sum(second.documents_of_a_commitment(used, committed, Fraction(2), 0, 3))
        assert shop.till.verify().is_sound


@FEWER
@given(
    used=st.lists(st.integers(0, 500), min_size=4, max_size=4),
    stated=st.lists(st.tuples(st.integers(0, 3), st.integers(-900, 900).filter(bool)), max_size=3),
    again=st.none() | st.integers(1, 900),
    voided=st.lists(st.integers(0, 3), max_size=3),
)
def test_an_opening_balance_is_brought_forward_once(
    used: list[int], stated: list[tuple[int, int]], again: int | None, voided: list[int]
) -> None:
    """Whatever is voided and made again; where it is stated anew, the difference follows."""
    listed = [
        {"id": f"o{number}", "amount": f"{cents / 100:.2f}", "date": f"{MONTHS[month]}-15"}
        for number, (month, cents) in enumerate(stated)
    ]
    with new_sqlite() as database:
        shop = Shop(database, PRICES, *([openings(*listed)] if listed else []))
        for number, month in enumerate(MONTHS):
            shop.use(month, 5, used[number])
            shop.close(month)
        for number in voided:
            shop.void(MONTHS[number])
            shop.close(MONTHS[number])
        shop.use("2026-11", 5, 1000)
        shop.close("2026-11")
        assert shop.settled() == sum(used) + 1000 + sum(cents for _, cents in stated)
        if again is not None and listed:
            changed = openings({**listed[0], "amount": f"{again / 100:.2f}"}) | {"recorded_at": "2026-12-01T00:00:00Z"}
            shop.till = till(database, PRICES, openings(*listed), changed, clock=shop.clock)
            shop.use("2026-12", 5, 1000)
            shop.close("2026-12")
            assert shop.settled() == sum(used) + 2000 + again + sum(cents for _, cents in stated[1:])
        assert shop.till.verify().is_sound


@FEWER
@given(
    used=st.lists(st.integers(0, 900), min_size=8, max_size=8),
    begins=st.tuples(st.integers(0, 3), st.integers(1, 28), st.integers(0, 23)),
    is_default=st.booleans(),
    minimum=st.none() | st.integers(1, 500),
)
def test_nothing_is_billed_of_before_bill_from_and_every_record_is_on_one_document(
    used: list[int], begins: tuple[int, int, int], is_default: bool, minimum: int | None
) -> None:
    first, day, hour = begins
    bill_from = datetime.fromisoformat(f"{MONTHS[first]}-{day:02d}T{hour:02d}:30:00+00:00")
    terms = {} if minimum is None else {"invoice": {"minimum": {"amount": f"{minimum / 100:.2f}"}}}
    stated = {"bill_from": instant_text(bill_from)}
    agreed = [contract(**(stated if is_default else {})), contract("customer", "alice", **terms)]
    agreed[1] |= {} if is_default else stated
    with new_sqlite() as database:
        shop = Shop(database, PRICES, *agreed)
        expected, records = [], 0
        for number, month in enumerate(MONTHS):
            billed = 0
            for use, cents in zip((5, 20), used[2 * number :], strict=False):
                shop.use(month, use, cents)
                records += bool(cents)
                at_noon = datetime.fromisoformat(f"{month}-{use:02d}T12:00:00+00:00")
                billed += cents if at_noon >= bill_from else 0
            shop.close(month)
            expected.append(billed if number < first else max(billed, minimum or 0))
        assert shop.totals() == expected
        contents = [issued.content for issued in shop.live()]
        counted = sum(
            one["requests"] for content in contents for one in (*content["lines"], *content.get("waived", ()))
        )
        assert counted == records
        assert shop.till.verify().is_sound


@FEWER
@given(
    starts=st.dates(date(2024, 2, 1), date(2026, 12, 31)) | st.just(date(2024, 2, 29)),
    cuts=st.lists(st.dates(date(2025, 12, 1), date(2027, 3, 1)), min_size=1, max_size=4, unique=True).map(sorted),
    amount=st.integers(1, 100_000),
    zone=st.sampled_from(["UTC", "America/New_York", "Pacific/Auckland"]),
    anchor_day=st.sampled_from([1, 15, 31]),
)
def test_a_fee_by_the_year_is_charged_where_its_first_agreed_day_lies(
    starts: date, cuts: list[date], amount: int, zone: str, anchor_day: int
) -> None:
    """It is agreed from the first cut to the second, from the third to the fourth, by versions of a contract."""
    fee = {"amount": f"{amount / 100:.2f}", "every": "year", "starts": starts.isoformat()}
    header = {"time_zone": zone, "anchor_day": anchor_day}
    versions = [contract("customer", "alice", valid_from="2020-01-01T00:00:00Z", **header)]
    for number, day in enumerate(cuts):
        at = local_midnight(day, ZoneInfo(zone)) + timedelta(hours=number)
        terms = {} if number % 2 else {"invoice": {"base_fee": fee}}
        versions.append(contract("customer", "alice", valid_from=instant_text(at), **header, **terms))
    book = ContractBook([contract(), *versions])
    every_day = [date(2024, 1, 1) + timedelta(days=number) for number in range(2000)]
    agreed = {day: sum(cut <= day for cut in cuts) % 2 == 1 for day in every_day}
    charged: Counter[date] = Counter()
    for number in range(30):
        period = period_of(Month(2025, 10).plus(number), lambda at: book.terms("alice", at))
        expected = second.charged_of_a_yearly_fee(amount, starts, agreed, (period.first_day, period.last_day))
        found = {charge.year_from: charge for charge in base_fees("alice", period, book, "USD")}
        assert {first: round_to_minor(charge.amount, "USD") for first, charge in found.items()} == expected
        assert is_recurring("alice", period, book) == bool(expected)
        charged.update(found.keys())
    assert set(charged.values()) <= {1}, "each year is charged once"


@FEWER
@given(
    used=st.lists(st.integers(0, 900), min_size=4, max_size=4),
    granted=st.integers(1, 700),
    over=st.none() | st.tuples(st.integers(1, 900), st.integers(1, 3)),
    early=st.sets(st.integers(0, 3)),
    voided=st.sets(st.integers(0, 3)),
)
def test_a_grant_by_the_month_pays_what_lots_of_cents_pay(
    used: list[int], granted: int, over: tuple[int, int] | None, early: set[int], voided: set[int]
) -> None:
    grant: Content = {"id": "g", "amount": f"{granted / 100:.2f}", "every": "month"}
    grant["valid_from"] = "2026-07-01T00:00:00Z"
    if over is not None:
        grant["rollover"] = {"max": f"{over[0] / 100:.2f}", "months": over[1]}
    with new_sqlite() as database:
        shop = Shop(database, PRICES, contract("customer", "alice"), grants(grant))
        for number, (month, cents) in enumerate(zip(MONTHS, used, strict=True)):
            shop.use(month, 5, cents // 3)
            if number in early:
                shop.bill_early(month)
            shop.use(month, 20, cents - cents // 3)
            shop.close(month)
        expected = second.paid_by_a_monthly_grant(used, granted, *(over or (0, 0)))
        assert list(shop.drawn().values()) == expected
        for number in sorted(voided):
            shop.void(MONTHS[number])
            shop.close(MONTHS[number])
            assert list(shop.drawn().values()) == expected
        assert sum(issued.due_minor for issued in shop.live()) == sum(used) - sum(expected)
        account = shop.till.credits("alice")
        assert all(0 <= part.drawn_minor + part.over_minor <= part.amount_minor for part in account.grants)
        assert shop.till.verify().is_sound
