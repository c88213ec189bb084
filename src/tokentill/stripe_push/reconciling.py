"""Comparing what Stripe holds, from its own summaries, with what is due by the invoices: to the cent, day by day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from tokentill.canonical import Content, ContentOfFields, fields_of, form_of, stated_fields_of
from tokentill.clock import Clock
from tokentill.errors import NoAnswer
from tokentill.invoicing.periods import Month
from tokentill.money import ZERO, minor_text
from tokentill.store.database import Database
from tokentill.store.issued.push_rows import hold_outbox, pin_account, set_state, want_days
from tokentill.stripe_push.days import out_of_time
from tokentill.stripe_push.gateway import StripeGateway
from tokentill.stripe_push.links import gone_among
from tokentill.stripe_push.owed import tellable
from tokentill.stripe_push.untold import CurrencySum, RefusedLink, UntakenDay, Untold, sums_by_currency
from tokentill.stripe_push.wanted import Wanted, wanted_now

Holdings = Mapping[str, Mapping[date, Decimal] | None]
"""What each Stripe customer holds; None for one that Stripe does not have."""


@dataclass(frozen=True, slots=True)
class DayDifference(ContentOfFields):
    """A day that Stripe holds another amount for, in minor units."""

    day: date
    wanted_minor: int
    held_minor: Decimal


@dataclass(frozen=True, slots=True)
class FormerHolding:
    """What a Stripe customer still holds that a customer was linked to before. It is to hold nothing."""

    stripe_customer: str
    differences: tuple[DayDifference, ...]

    @property
    def held_minor(self) -> Decimal:
        """All of it."""
        return sum((difference.held_minor for difference in self.differences), Decimal(0))

    def content(self) -> Content:
        """Canonical content."""
        return fields_of(self, "stripe_customer", "held_minor", "differences")


@dataclass(frozen=True, slots=True)
class ReconciledInvoice:
    """What a customer owes by its invoices of a period, beside what Stripe holds for it. `numbers` are oldest first;
    `former` has Stripe customers that still hold something, and `gone` those that Stripe does not have any more.
    """

    numbers: tuple[str, ...]
    customer: str
    currency: str
    due_minor: int
    held_minor: Decimal
    differences: tuple[DayDifference, ...]
    former: tuple[FormerHolding, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def is_equal(self) -> bool:
        """Whether every day and the sum are equal, and no former Stripe customer holds anything."""
        return not self.differences and not self.former and self.held_minor == self.due_minor

    @property
    def sum(self) -> CurrencySum:
        """What is due and held."""
        return CurrencySum(self.currency, self.due_minor, self.held_minor)

    def content(self) -> Content:
        """Canonical content."""
        return {
            **fields_of(self, "numbers", "customer", "currency"),
            "due": minor_text(self.due_minor, self.currency),
            **fields_of(self, "due_minor", "held_minor"),
            "equal": self.is_equal,
            "differences": form_of(self.differences),
            **stated_fields_of(self, "former", "gone"),
        }


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A period's invoices beside what Stripe holds.

    Args:
        sums: what is due by all documents, and what Stripe holds; one a currency.
        unlinked: who owes something and is linked to no Stripe customer.
        refused: whose Stripe customer does not exist or was deleted.
        not_taken: unequal days for which Stripe takes no event, any more or yet: a push cannot put them right.
        rejected: what no meter can hold.
        unknown: who was not compared, because Stripe did not answer.
        can_be_pushed: whether a push may put something right that is unequal.
    """

    month: Month
    invoices: tuple[ReconciledInvoice, ...]
    sums: tuple[CurrencySum, ...]
    unlinked: tuple[str, ...]
    refused: tuple[RefusedLink, ...]
    not_taken: tuple[UntakenDay, ...]
    rejected: tuple[Untold, ...]
    unknown: tuple[Untold, ...]
    can_be_pushed: bool

    @property
    def is_equal(self) -> bool:
        """Whether Stripe holds exactly what was invoiced, for everybody."""
        return not self.unlinked and not self.unknown and all(invoice.is_equal for invoice in self.invoices)

    def content(self) -> Content:
        """What `reconcile --json` prints."""
        return {
            "period": str(self.month),
            "equal": self.is_equal,
            **fields_of(self, "sums", "invoices", "unlinked", "refused", "not_taken", "rejected", "unknown"),
        }


def reconcile_period(database: Database, month: Month, gateway: StripeGateway, *, clock: Clock) -> Reconciled:
    """Compare a period. A day that is unequal is written down to be pushed again; pushing a state twice harms nobody.

    Raises:
        Refused: when nothing was issued, or the key is of another account than before.
        NoAnswer: when Stripe does not say whose key it is, or which meters there are.
    """
    to_tell = tellable(database, month)
    account = gateway.account()
    with database.write() as connection:
        pin_account(connection, account.id, is_live=account.is_live)
    meters = {currency: gateway.meter(currency) for currency in to_tell.currencies}
    now = clock.now()
    unlinked = dict.fromkeys(owed.customer for owed in to_tell.unlinked)
    compared: list[_Compared] = []
    unknown: list[Untold] = []
    sums = to_tell.sums_untold
    for owed in to_tell.owed:
        with database.read() as connection:
            wanted = wanted_now(connection, owed)
        if wanted.is_unlinked:
            unlinked[owed.customer] = None
        try:
            gone = gone_among(gateway, wanted.stripe_customers)
            holdings = _holdings(gateway, meters[owed.currency], wanted, gone)
        except NoAnswer as error:
            unknown.append(Untold(owed.customer, None, str(error)))
            sums.append(CurrencySum(owed.currency, owed.due_minor, ZERO))
        else:
            compared.append(_compared(_write_down(database, wanted, holdings), wanted, gone, now))
    return Reconciled(
        month,
        tuple(one.invoice for one in compared),
        sums_by_currency([*sums, *(one.invoice.sum for one in compared)]),
        tuple(unlinked),
        tuple(link for one in compared for link in one.refused),
        tuple(day for one in compared for day in one.not_taken),
        tuple(untold for one in compared for untold in one.rejected),
        tuple(unknown),
        any(one.can_be_pushed for one in compared),
    )


@dataclass(frozen=True, slots=True)
class _Compared:
    invoice: ReconciledInvoice
    refused: tuple[RefusedLink, ...]
    not_taken: tuple[UntakenDay, ...]
    rejected: tuple[Untold, ...]
    can_be_pushed: bool


def _compared(invoice: ReconciledInvoice, wanted: Wanted, gone: Mapping[str, str], now: datetime) -> _Compared:
    """What a push can put right of what is unequal, and what it cannot."""
    linked = wanted.stripe_customer
    is_refused = linked is not None and linked in gone and invoice.due_minor != 0
    refused = (RefusedLink(invoice.customer, linked, gone[linked]),) if linked is not None and is_refused else ()
    unequal = [] if linked is None or is_refused else [(linked, day) for day in invoice.differences]
    unequal += [(former.stripe_customer, day) for former in invoice.former for day in former.differences]
    not_taken = [
        UntakenDay(
            invoice.customer,
            at,
            invoice.currency,
            difference.day,
            difference.wanted_minor,
            difference.held_minor,
            reason,
        )
        for at, difference in unequal
        if (reason := out_of_time(difference.day, now)) is not None
    ]
    rejected = tuple(Untold(invoice.customer, day, reason) for day, reason in wanted.faults)
    return _Compared(invoice, refused, tuple(not_taken), rejected, len(not_taken) < len(unequal))


def _holdings(gateway: StripeGateway, meter_id: str, wanted: Wanted, gone: Mapping[str, str]) -> Holdings:
    holdings: dict[str, Mapping[date, Decimal] | None] = {}
    for at in wanted.stripe_customers:
        days = wanted.days_at(at)
        if at in gone:
            holdings[at] = None
        else:
            holdings[at] = gateway.held(meter_id=meter_id, stripe_customer=at, days=days) if days else {}
    return holdings


def _write_down(database: Database, before: Wanted, holdings: Holdings) -> ReconciledInvoice:
    """Compare what Stripe holds with the documents of this transaction, and write down what is unequal.

    Args:
        before: what was wanted before Stripe was asked. A row that is younger is not confirmed by the answer.
    """
    with database.write() as connection:
        hold_outbox(connection)
        wanted = wanted_now(connection, before.owed)
        differences = {at: _differences(wanted, at, holdings.get(at) or {}) for at in wanted.stripe_customers}
        unequal = {
            (at, difference.day): difference.wanted_minor for at in differences for difference in differences[at]
        }
        for place, value in wanted.values.items():
            row, earlier = wanted.newest.get(place), before.newest.get(place)
            if place in unequal or row is None or earlier is None or row.state == "confirmed":
                continue
            if (row.version, row.value_minor) == (earlier.version, value):
                set_state(connection, row, "confirmed")
        ours = {(at, day) for at in differences for day in wanted.days_at(at)}
        told_places = {place for place, row in wanted.newest.items() if not row.is_to_send}
        want_days(
            connection,
            wanted.rows({place: value for place, value in unequal.items() if place in ours}),
            wanted.newest,
            again=told_places,
        )
    owed, linked = wanted.owed, wanted.stripe_customer or ""
    return ReconciledInvoice(
        owed.numbers,
        owed.customer,
        owed.currency,
        owed.due_minor,
        sum((holdings.get(linked) or {}).values(), Decimal(0)),
        tuple(differences.get(linked, ())),
        former=tuple(FormerHolding(at, tuple(differences[at])) for at in wanted.former if differences[at]),
        gone=tuple(at for at, held in holdings.items() if held is None),
    )


def _differences(wanted: Wanted, stripe_customer: str, held: Mapping[date, Decimal]) -> list[DayDifference]:
    amounts = wanted.amounts if stripe_customer == wanted.stripe_customer else {}
    return [
        DayDifference(day, amounts.get(day, 0), held.get(day, Decimal(0)))
        for day in sorted({*amounts, *held})
        if held.get(day, Decimal(0)) != amounts.get(day, 0)
    ]
