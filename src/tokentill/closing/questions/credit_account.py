"""What a customer has paid in advance and what became of it, and what its invoices carried on to later ones.

The grants are those that the contracts state now; what was drawn and carried is what issued invoices say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from tokentill.canonical import Content, ContentOfFields, fields_of, form_of
from tokentill.clock import MICROSECOND
from tokentill.contracts.book import ContractBook
from tokentill.contracts.invoice_terms import Grant
from tokentill.contracts.opening_balances import OpeningBalance
from tokentill.contracts.recurring import PartKey
from tokentill.money import from_minor, minor_text, round_to_minor
from tokentill.store.issued.ledger import LedgerEntry, ledger_entries

MovementKind = Literal["drawn", "carried forward", "brought forward"]
GrantState = Literal["coming", "open", "used up", "went over", "expired", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Movement:
    """What one invoice drew from a grant, or added to the balance that is carried on, in minor units."""

    what: MovementKind
    number: str
    period: str
    issued_at: datetime
    currency: str
    amount_minor: int

    @classmethod
    def of(cls, entry: LedgerEntry) -> Movement:
        """From a row of the ledger."""
        of_balance: MovementKind = "carried forward" if entry.name == "carried forward" else "brought forward"
        what = "drawn" if entry.kind == "credit" else of_balance
        return cls(what, entry.number, entry.period, entry.issued_at, entry.currency, entry.amount_minor)

    def content(self) -> Content:
        """Canonical content."""
        return {
            "what": self.what,
            "invoice": self.number,
            **fields_of(self, "period", "issued_at"),
            "amount": minor_text(self.amount_minor, self.currency),
        }


@dataclass(frozen=True, slots=True)
class GrantAccount:
    """A grant, or a part of one that recurs, with everything that was drawn from it.

    `grant` is None where invoices drew from one that is no longer stated. `over_minor` is what went over of it into the
    next month, where it is a part of its own.
    """

    id: str
    currency: str
    grant: Grant | None
    state: GrantState
    draws: tuple[Movement, ...]
    over_minor: int = 0

    @property
    def amount_minor(self) -> int:
        """What was granted, or went over."""
        return 0 if self.grant is None else round_to_minor(self.grant.amount, self.currency)

    @property
    def drawn_minor(self) -> int:
        """What invoices have drawn."""
        return sum(draw.amount_minor for draw in self.draws)

    @property
    def rest_minor(self) -> int:
        """What was not drawn and did not go over, never below zero: a grant may have been lowered after it was drawn
        from."""
        return max(0, self.amount_minor - self.drawn_minor - self.over_minor)

    @property
    def left_minor(self) -> int:
        """What pays for usage from now on."""
        return self.rest_minor if self.state in ("coming", "open") else 0

    @property
    def expired_minor(self) -> int:
        """What was left when it expired. It still pays for usage before then, in periods that are not invoiced yet."""
        return self.rest_minor if self.state in ("expired", "went over") else 0

    def content(self) -> Content:
        """Canonical content."""
        stated = ("unit", "priority", "valid_from", "expires_at")
        amounts = {"amount": self.amount_minor, "drawn": self.drawn_minor}
        amounts |= {"went_over": self.over_minor, "expired": self.expired_minor, "left": self.left_minor}
        return {
            "grant": self.id,
            **fields_of(self, "currency", "state"),
            **(dict.fromkeys(stated) if self.grant is None else fields_of(self.grant, *stated)),
            **{name: minor_text(minor, self.currency) for name, minor in amounts.items()},
            "draws": form_of(self.draws),
        }


@dataclass(frozen=True, slots=True)
class Balance:
    """What invoices in one currency carried on: what is still to come is positive where the customer owes it."""

    currency: str
    movements: tuple[Movement, ...]

    @property
    def amount_minor(self) -> int:
        """What the next invoice will bring forward; negative in the customer's favour."""
        return sum(movement.amount_minor for movement in self.movements)

    def content(self) -> Content:
        """Canonical content."""
        amount = minor_text(self.amount_minor, self.currency)
        return {"currency": self.currency, "amount": amount, "movements": form_of(self.movements)}


@dataclass(frozen=True, slots=True)
class OpeningAccount:
    """An opening balance with the invoices that brought it forward; positive is owed by the customer."""

    opening: OpeningBalance
    movements: tuple[Movement, ...]

    @property
    def amount_minor(self) -> int:
        """What is stated."""
        return round_to_minor(self.opening.amount, self.opening.currency)

    @property
    def left_minor(self) -> int:
        """What the next invoice will bring forward."""
        return self.amount_minor - sum(movement.amount_minor for movement in self.movements)

    def content(self) -> Content:
        """Canonical content."""
        amounts = {"amount": self.amount_minor, "left": self.left_minor}
        return {
            **fields_of(self.opening, "id", "currency", "day", "reason"),
            **{name: minor_text(minor, self.opening.currency) for name, minor in amounts.items()},
            "movements": form_of(self.movements),
        }


@dataclass(frozen=True, slots=True)
class CreditAccount(ContentOfFields):
    """Everything of one customer, as `customers credits --json` prints it.

    `payer` is who pays for its usage now: itself, or the parent whose credits pay.
    """

    customer: str
    payer: str
    at: datetime
    grants: tuple[GrantAccount, ...]
    balances: tuple[Balance, ...]
    openings: tuple[OpeningAccount, ...] = ()


def credit_account(connection: Connection, customer: str, contracts: ContractBook, at: datetime) -> CreditAccount:
    """The account of a customer as it stands at an instant: grants in the order in which they burn, then balances."""
    entries = ledger_entries(connection, customer=customer)
    drawn: dict[tuple[str, str], list[Movement]] = {}
    for entry in entries:
        if entry.kind == "credit":
            drawn.setdefault((entry.name, entry.currency), []).append(Movement.of(entry))
    grants = [
        GrantAccount(grant.id, grant.currency, grant, _state(grant, draws, at, over), tuple(draws), over)
        for grant, over in _granted(contracts, customer, drawn, at)
        for draws in [drawn.pop((grant.id, grant.currency), [])]
    ]
    grants += [GrantAccount(id_, currency, None, "withdrawn", tuple(drawn[id_, currency])) for id_, currency in drawn]
    openings = [
        OpeningAccount(opening, tuple(Movement.of(entry) for entry in entries if _is_of(opening, entry)))
        for opening in contracts.opening_balances
        if opening.customer == customer
    ]
    payer = contracts.payer(customer, at)
    return CreditAccount(customer, payer, at, tuple(grants), _balances(entries), tuple(openings))


def _is_of(opening: OpeningBalance, entry: LedgerEntry) -> bool:
    return (entry.kind, entry.name, entry.currency) == ("opening", opening.id, opening.currency)


def _granted(
    contracts: ContractBook, customer: str, drawn: Mapping[tuple[str, str], Sequence[Movement]], at: datetime
) -> list[tuple[Grant, int]]:
    """Every grant, and in the place of one that recurs its parts up to an instant, with what went over of each."""
    minor = {id_: sum(draw.amount_minor for draw in draws) for (id_, _), draws in drawn.items()}
    listed: list[tuple[Grant, int]] = []
    for grant in contracts.grants(customer):
        if grant.every is None or at < grant.valid_from:
            listed.append((grant, 0))
            continue
        recurrence = contracts.recurrence(grant)
        last = at if grant.expires_at is None else min(at, grant.expires_at - MICROSECOND)
        had = recurrence.had_by(recurrence.month_at(last), minor)
        for key, amount_minor in had.items():
            part = replace(recurrence.part(key), amount=from_minor(amount_minor, grant.currency))
            over = had.get(PartKey(key.occurrence, key.months_over + 1), 0)
            if amount_minor or minor.get(part.id):
                listed.append((part, over))
    return sorted(listed, key=lambda found: found[0].order)


def _state(grant: Grant, draws: Sequence[Movement], at: datetime, over_minor: int) -> GrantState:
    if over_minor:
        return "went over"
    if sum(draw.amount_minor for draw in draws) >= round_to_minor(grant.amount, grant.currency):
        return "used up"
    if grant.expires_at is not None and grant.expires_at <= at:
        return "expired"
    return "coming" if at < grant.valid_from else "open"


def _balances(entries: Iterable[LedgerEntry]) -> tuple[Balance, ...]:
    by_currency: dict[str, list[Movement]] = {}
    for entry in entries:
        if entry.kind == "balance":
            by_currency.setdefault(entry.currency, []).append(Movement.of(entry))
    return tuple(Balance(currency, tuple(by_currency[currency])) for currency in sorted(by_currency))
