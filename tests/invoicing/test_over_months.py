"""What is agreed over more than one month, through the documents of those months, with voids and interim invoices."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import MovableClock, contract, grants, record, till
from tests.independent import over_months as second
from tests.invoicing.bench import new_sqlite
from tokentill.canonical import Content
from tokentill.closing.close import CloseOptions, Interim, close_period
from tokentill.invoicing.periods import Month
from tokentill.store.ledger import ledger_entries

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
