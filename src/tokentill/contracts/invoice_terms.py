"""What is agreed for a whole invoice: fees, limits, coupons, taxes, who pays, and prepaid credit grants.

Pure values. Amounts are in the contract's currency, in major units. What they do to an invoice, and in which order,
is in `invoicing.totals`. `is_unusual` says of a number that it is meant although it looks like a mistake.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Self

from tokentill.canonical import Content
from tokentill.clock import parse_instant
from tokentill.contracts.commitments import Commitment
from tokentill.contracts.review_bounds import ReviewBounds
from tokentill.money import EXACT


@dataclass(frozen=True, slots=True)
class Recurring:
    """An amount for a period. With `is_prorated` it counts for the days on which it was agreed alone.

    With `starts` it is for a year instead, from each anniversary of that local day on.
    """

    amount: Decimal
    name: str
    is_prorated: bool
    is_unusual: bool = field(default=False, compare=False)
    starts: date | None = None


@dataclass(frozen=True, slots=True)
class Coupon:
    """A discount on the subtotal: a percentage or an amount, for so many periods (None: for all)."""

    id: str
    percent: Decimal | None
    amount: Decimal | None
    periods: int | None
    is_unusual: bool = field(default=False, compare=False)

    @classmethod
    def from_content(cls, content: Content) -> Self:
        """From canonical content."""
        percent, amount = _decimal(content, "percent"), _decimal(content, "amount")
        return cls(content["id"], percent, amount, content.get("periods"), content.get("unusual", False))


@dataclass(frozen=True, slots=True)
class Tax:
    """A named tax, in percent of what is taxable. Several stand side by side, none is taxed by another."""

    name: str
    percent: Decimal
    is_unusual: bool = field(default=False, compare=False)

    @classmethod
    def from_content(cls, content: Content) -> Self:
        """From canonical content."""
        return cls(content["name"], Decimal(content["percent"]), content.get("unusual", False))


@dataclass(frozen=True, slots=True)
class InvoiceTerms:
    """The `[invoice]` and `[review]` tables of a contract; None where they do not say. An empty tuple says that there
    are none.
    """

    base_fee: Recurring | None = None
    minimum: Recurring | None = None
    cap: Recurring | None = None
    coupons: tuple[Coupon, ...] | None = None
    taxes: tuple[Tax, ...] | None = None
    smallest_amount: Decimal | None = None
    interim_at: Decimal | None = None
    requires_approval: bool | None = None
    adjustments: Literal["next-invoice", "credit-note"] | None = None
    approve_within: ReviewBounds | None = None
    park_beyond: ReviewBounds | None = None
    by_policy: bool | None = None
    commitment: Commitment | None = None
    lines_by: tuple[str, ...] | None = None

    @classmethod
    def from_content(cls, content: Content, review: Content | None = None, *, stated_by: str = "") -> Self:
        """From the canonical content of an `[invoice]` and a `[review]` table; `stated_by` is whose they are."""
        taxes, asked = content.get("tax"), review or {}
        return cls(
            base_fee=_recurring(content, "base_fee", name="base fee", is_prorated=True),
            minimum=_recurring(content, "minimum", name="minimum commitment", is_prorated=False),
            cap=_recurring(content, "cap", name="cap", is_prorated=False),
            coupons=tuple(map(Coupon.from_content, content["coupon"])) if "coupon" in content else None,
            taxes=None if taxes is None else tuple(map(Tax.from_content, taxes)),
            smallest_amount=_decimal(content, "smallest_amount"),
            interim_at=_decimal(content, "interim_at"),
            requires_approval=asked.get("require_approval"),
            adjustments=content.get("adjustments"),
            approve_within=ReviewBounds.from_content(asked.get("approve_within"), stated_by),
            park_beyond=ReviewBounds.from_content(asked.get("park_beyond"), stated_by),
            by_policy=asked.get("by_policy"),
            commitment=Commitment.from_content(content["commitment"]) if "commitment" in content else None,
            lines_by=tuple(content["lines_by"]) if "lines_by" in content else None,
        )

    @classmethod
    def first_of(cls, chain: Iterable[InvoiceTerms]) -> InvoiceTerms:
        """Each term from the first that states it."""
        # The last that is looked at here is the first that states it.
        terms = ((field.name, getattr(stated, field.name)) for stated in reversed([*chain]) for field in fields(cls))
        return InvoiceTerms(**{name: term for name, term in terms if term is not None})

    @property
    def is_recurring(self) -> bool:
        """Whether there is something to bill without any usage."""
        return self.base_fee is not None or self.minimum is not None or self.commitment is not None


NO_TERMS = InvoiceTerms()
Every = Literal["month", "year"]


@dataclass(frozen=True, slots=True)
class Rollover:
    """What is left of an occurrence of a recurring grant goes over into so many months, up to so much in all."""

    amount_max: Decimal
    months: int


@dataclass(frozen=True, slots=True)
class Grant:
    """Prepaid credit of a customer: it pays invoices, including their tax, until it is burnt down or expires.

    With `every` it is granted anew each month or year until it expires (see `contracts.recurring`). `paid` is what was
    paid for it, each time; None is all of it.
    """

    customer: str
    id: str
    amount: Decimal
    currency: str
    priority: int
    valid_from: datetime
    expires_at: datetime | None
    recorded_at: datetime
    unit: str | None = None
    is_new_customer: bool = field(default=False, compare=False)
    every: Every | None = None
    rollover: Rollover | None = None
    paid: Decimal | None = field(default=None, compare=False)

    @classmethod
    def from_content(cls, content: Content, *, recorded_at: datetime) -> Self:
        """From the canonical content of a `[[grant]]` table: an amount, or credits of a stated worth."""
        if "credits" in content:
            amount = EXACT.multiply(Decimal(content["credits"]), Decimal(content["worth"]))
        else:
            amount = Decimal(content["amount"])
        over = content.get("rollover")
        return cls(
            **{name: content[name] for name in ("customer", "id", "currency")},
            amount=amount,
            priority=content.get("priority", 0),
            valid_from=parse_instant(content["valid_from"]),
            expires_at=parse_instant(content.get("expires_at")),
            recorded_at=recorded_at,
            unit=content.get("name"),
            is_new_customer=content.get("new_customer", False),
            every=content.get("every"),
            rollover=None if over is None else Rollover(Decimal(over["max"]), over["months"]),
            paid=_decimal(content, "paid"),
        )

    @property
    def order(self) -> tuple[int, bool, datetime, datetime, str]:
        """Which grant burns first: the lowest priority number, then the earliest expiry, then the oldest."""
        return (self.priority, self.expires_at is None, self.expires_at or self.valid_from, self.valid_from, self.id)


def _recurring(content: Content, key: str, *, name: str, is_prorated: bool) -> Recurring | None:
    """An amount for a period; `name` and `is_prorated` hold where it does not state them."""
    stated = content.get(key)
    if stated is None:
        return None
    return Recurring(
        Decimal(stated["amount"]),
        stated.get("name", name),
        stated.get("prorate", is_prorated),
        stated.get("unusual", False),
        date.fromisoformat(stated["starts"]) if "starts" in stated else None,
    )


def _decimal(content: Content, key: str) -> Decimal | None:
    value = content.get(key)
    return None if value is None else Decimal(value)
