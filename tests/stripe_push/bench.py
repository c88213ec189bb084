"""A closed October with a stand-in of Stripe beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from types import TracebackType
from typing import TypeVar

import stripe
from sqlalchemy import select

from tests.builders import OCTOBER, MovableClock, record, till
from tests.kept import fill
from tokentill.canonical import Content
from tokentill.errors import Refused
from tokentill.invoicing.periods import Month
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.stripe_push.gateway import StripeGateway
from tokentill.stripe_push.pushing import Pushed, push_period
from tokentill.stripe_push.reconciling import Reconciled, reconcile_period
from tokentill.testing.stripe import API_KEY, Behaviour, LoggedRequest, PlannedFault, StripeStandIn
from tokentill.till import Till
from tokentill.usage.record import UsageRecord

GatewayKind = TypeVar("GatewayKind", bound=StripeGateway)

MONTH = Month.parse(OCTOBER)
EVENTS = "/v1/billing/meter_events"
METER = "tokentill_usd"

USAGE = (
    record("a1", user="alice", when="3", input=1_000_000),
    record("a2", user="alice", when="9", input=500_000),
    record("a3", user="alice", when="31 23:59", input=1_111),
    record("b1", user="bob", when="20", input=2_000_000),
)
WANTED = {
    "alice": {date(2026, 10, 3): 300, date(2026, 10, 9): 150},
    "bob": {date(2026, 10, 20): 600},
}
"""What Stripe is to hold, in cents: 3 dollars a million tokens. The 0.3 cents of the 31st are rounded away."""


def closed_october(
    database: Database, *contents: Content, usage: Sequence[UsageRecord] = USAGE, clock: MovableClock | None = None
) -> Till:
    """A till whose October is issued."""
    shop = till(database, *contents, clock=clock or MovableClock())

    def close_october(_: Database) -> None:
        shop.ingest(usage)
        assert not shop.close(OCTOBER).is_refused

    fill(database, repr((contents, usage, shop.clock.now())), close_october)
    return shop


def forget_pushes(database: Database) -> None:
    """Empty the outbox, as if nothing had ever been pushed."""
    with database.write() as connection:
        connection.execute(tables.push.delete())
        connection.execute(tables.stripe_account.delete())


@dataclass
class Bench:
    """A till, a stand-in of Stripe with the same clock, and the customers that are linked."""

    shop: Till
    clock: MovableClock = field(default_factory=MovableClock)
    faults: Sequence[PlannedFault] = ()
    behaviour: Behaviour | None = None
    linked: Sequence[str] = ("alice", "bob")
    links: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Bench:
        # A fault counts requests from the first of the push on; making the customers comes before.
        ahead = len(self.linked)
        shifted = [
            replace(fault, at=fault.at + ahead)
            if fault.path is None and fault.kind not in ("timeout_late", "late_duplicate")
            else fault
            for fault in self.faults
        ]
        self.stand_in = StripeStandIn(self.clock, faults=shifted, behaviour=self.behaviour, hold_ms=5).__enter__()
        self.client = self.stand_in.client()
        self.waits: list[float] = []
        self.gateway = self.connect()
        for customer in self.linked:
            self.link(customer)
        self.ahead = ahead
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stand_in.close()

    def connect(
        self, kind: type[GatewayKind] = StripeGateway, client: stripe.StripeClient | None = None
    ) -> GatewayKind:
        """A gateway that does not wait between tries, and keeps in `waits` how long it would have."""
        return kind(client or self.client, API_KEY, sleep=self.waits.append)

    def link(self, customer: str) -> None:
        """Make a Stripe customer, and link it."""
        self.links[customer] = self.client.v1.customers.create({"name": customer}).id
        self.shop.set_customer(customer, stripe_customer=self.links[customer])

    def push(self) -> Pushed:
        """Push once."""
        return push_period(self.shop.store, MONTH, self.gateway, clock=self.clock)

    def reconcile(self) -> Reconciled:
        """Compare once."""
        return reconcile_period(self.shop.store, MONTH, self.gateway, clock=self.clock)

    def push_until_complete(self, times_max: int = 3) -> int:
        """Push again and again, as somebody would whom it tells to. Returns how often."""
        for number in range(1, times_max + 1):
            try:
                if self.push().is_complete:
                    return number
            except Refused as refusal:
                assert "Stripe did not answer" in str(refusal)  # noqa: PT017 (any other refusal is a failure)
        raise AssertionError(f"the push is not complete after {times_max} times")

    def reconcile_until_equal(self, times_max: int = 3) -> int:
        """Compare, and push what is unequal. Returns how often it was compared."""
        for number in range(1, times_max + 1):
            try:
                if self.reconcile().is_equal:
                    return number
                self.push()
            except Refused as refusal:
                assert "Stripe did not answer" in str(refusal)  # noqa: PT017
        raise AssertionError(f"Stripe is not equal after {times_max} times")

    def held(self) -> Mapping[str, dict[date, int]]:
        """What Stripe would bill for each day of each linked customer."""
        return {
            customer: {day: value for day, value in self.stand_in.day_values(link, METER).items() if value}
            for customer, link in self.links.items()
        }

    def totals(self) -> dict[str, int]:
        """What is due by all documents of the month, for each linked customer."""
        found = dict.fromkeys(self.links, 0)
        for invoice in self.shop.invoices(period=OCTOBER):
            if invoice.status == "issued" and invoice.customer in self.links:
                found[invoice.customer] += invoice.due_minor
        return found

    def is_to_the_cent(self) -> bool:
        """Whether the sum that Stripe would bill is what is due, for everybody."""
        return {customer: sum(days.values()) for customer, days in self.held().items()} == self.totals()

    @property
    def requests(self) -> list[LoggedRequest]:
        """What Stripe was asked, from the first push on."""
        return [found for found in self.stand_in.requests if found.path != "/v1/customers"]

    @property
    def events(self) -> list[LoggedRequest]:
        """The days that Stripe was told of."""
        return [found for found in self.stand_in.requests if found.path == EVENTS]


def outbox(database: Database) -> list[tuple[str, str, int, int, str]]:
    """Every row of the outbox: customer, day, version, value and state."""
    push = tables.push.c
    query = select(push.customer, push.day, push.version, push.value_minor, push.state)
    with database.read() as connection:
        return sorted(tuple(row) for row in connection.execute(query))
