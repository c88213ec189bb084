"""What is listed: models with their prices, customers, contracts, and what reviewers said of a period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tokentill.canonical import Content, ContentOfFields, fields_of, form_of
from tokentill.invoicing.periods import Month
from tokentill.invoicing.preview import Previewed
from tokentill.money import amount_text
from tokentill.prices.entries import PriceEntry
from tokentill.store.customers import Customer
from tokentill.usage.attribution import Binding
from tokentill.usage.keys import KeyBinding


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """The list price of a model that is in force: its standard mode, for `entry.per` of each quantity.

    `aliases` counts the other ids that lead to it; `is_own` says that the folder states it, and not what is shipped.
    """

    entry: PriceEntry
    is_own: bool
    aliases: int

    def content(self) -> Content:
        """Canonical content."""
        entry = self.entry
        return {
            **fields_of(entry, "model", "currency", "per"),
            "rates": {name: amount_text(rate) for name, rate in entry.standard.rates.items()},
            **fields_of(entry, "is_free", "valid_from", "valid_to"),
            **fields_of(self, "is_own", "aliases"),
        }


@dataclass(frozen=True, slots=True)
class PriceList:
    """Every model that has a price in force at an instant, by its id."""

    at: datetime
    prices: tuple[ListedPrice, ...]

    def content(self) -> Content:
        """What `prices list --json` prints."""
        return fields_of(self, "at", "prices")


@dataclass(frozen=True, slots=True)
class ListedCustomer:
    """A customer that has a contract, usage or a description, with what is agreed now and how many users are bound.

    `plan`, `currency` and `has_contract` are None where contracts could not be read.
    """

    described: Customer
    plan: str | None
    currency: str | None
    has_contract: bool | None
    has_usage: bool | None
    bound_users: int

    def content(self) -> Content:
        """Canonical content."""
        return {
            "customer": self.described.id,
            **fields_of(self.described, "name", "stripe_customer"),
            **fields_of(self, "plan", "currency", "has_contract", "has_usage", "bound_users"),
        }


@dataclass(frozen=True, slots=True)
class CustomerList:
    """All customers by id, and all bindings of users, and of API keys and teams (`keys`); `not_read` says why contracts
    could not be read, where they could not.
    """

    customers: tuple[ListedCustomer, ...]
    bindings: tuple[Binding, ...]
    not_read: str | None = None
    keys: tuple[KeyBinding, ...] = ()

    def content(self) -> Content:
        """What `customers list --json` prints."""
        stated = {} if self.not_read is None else {"not_read": self.not_read}
        bound = {"bindings": form_of(self.bindings), "keys": form_of(self.keys)}
        return {**fields_of(self, "customers"), **bound, **stated}


@dataclass(frozen=True, slots=True)
class ListedContract(ContentOfFields):
    """One recorded version of a contract, with the terms that hold under it and the file that states it."""

    kind: str
    id: str
    plan: str | None
    currency: str
    time_zone: str
    valid_from: datetime
    valid_to: datetime | None
    in_force: bool
    file: str


@dataclass(frozen=True, slots=True)
class ContractList(ContentOfFields):
    """Every version of every contract: the default, plans, customers."""

    at: datetime
    contracts: tuple[ListedContract, ...]


@dataclass(frozen=True, slots=True)
class ReviewList:
    """What reviewers said last of each customer's preview of a period, and what that is worth now."""

    month: Month
    customers: Sequence[Previewed]

    def content(self) -> Content:
        """What `review list --json` prints."""
        return {"period": str(self.month), "reviews": [_review_content(one) for one in self.customers]}


@dataclass(frozen=True, slots=True)
class ReviewShown:
    """What was said last of one customer's preview, what that is worth now, and what moved since."""

    month: Month
    previewed: Previewed

    def content(self) -> Content:
        """What `review show --json` prints."""
        one = self.previewed
        return {
            "period": str(self.month),
            **_review_content(one),
            "policy": None if one.review is None else one.review.policy,
            "policy_hash": None if one.review is None else one.review.policy_hash,
            "pins": None if one.review is None else one.review.pins,
            "moved": form_of(one.moved),
        }


def _review_content(previewed: Previewed) -> Content:
    review = previewed.review
    said: Content = {"review": None, "by": None, "at": None, "note": None, "content_hash": None}
    if review is not None:
        said = {"review": review.kind, **fields_of(review, "by", "at", "note", "content_hash")}
    return {
        "customer": previewed.invoice.customer,
        "state": previewed.review_state,
        **said,
        "preview_hash": previewed.invoice.content_hash,
        "issued_number": previewed.issued_number,
    }
