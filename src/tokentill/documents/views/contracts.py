"""What is said of contracts: what is agreed with a customer, what differs, and which rule bills a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Self

from tokentill.canonical import Content, fields_of, form_of
from tokentill.clock import instant_text
from tokentill.contracts.book import Contract, ContractBook
from tokentill.contracts.diff import ContractDifference, GrantDifference, TermChange
from tokentill.contracts.invoice_terms import Grant, InvoiceTerms
from tokentill.contracts.rule_trace import Considered, chosen_rule
from tokentill.contracts.rules import Rule
from tokentill.contracts.unit_prices import BilledUnitPrice, tiers_of, unit_prices
from tokentill.documents.contract_words import (
    TERM_NAMES,
    contract_label,
    grant_text,
    match_text,
    outcome_text,
    rule_text,
    term_text,
    terms_rows,
)
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.prices.book import NoPrice
from tokentill.prices.fx import FxBook, NoRate
from tokentill.prices.rate_cards import ONE, RateCard
from tokentill.usage.aggregates import GATEWAY_CURRENCY


@dataclass(frozen=True, slots=True)
class ContractedCustomers:
    """Everybody who has a contract."""

    ids: tuple[str, ...]

    def content(self) -> Content:
        """What `contracts show --json` prints without a customer."""
        return {"customers": list(self.ids)}


@dataclass(frozen=True, slots=True)
class AgreedTerm:
    """One thing that is agreed for an invoice: its key, what people call it, in words, and by which contract."""

    contract: Contract
    key: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """What is agreed with a customer at an instant. `paths` leads from a contract's hash to its file."""

    customer: str
    at: datetime
    book: ContractBook = field(repr=False)
    paths: Mapping[str, str] = field(repr=False)

    @property
    def payer(self) -> str:
        """On whose invoice the customer's usage stands."""
        return self.book.payer(self.customer, self.at)

    @property
    def chain(self) -> tuple[Contract, ...]:
        """The contracts that speak for the customer, in the order in which their rules are asked."""
        return tuple(self.book.chain(self.customer, self.at))

    @property
    def grants(self) -> tuple[Grant, ...]:
        """The prepaid credits of whoever pays, in the order in which they burn."""
        return tuple(self.book.grants(self.payer))

    @property
    def terms(self) -> tuple[AgreedTerm, ...]:
        """What is agreed for the invoice that the customer's usage stands on.

        The base fee is the customer's own; all else is that of the customer who pays.
        """
        currency = self.book.terms(self.customer, self.at).currency
        listed: list[AgreedTerm] = []
        for key in TERM_NAMES:
            chain = self.book.chain(self.customer if key == "base_fee" else self.payer, self.at)
            contract = next((contract for contract in chain if getattr(contract.invoice, key) is not None), None)
            if contract is not None:
                alone = InvoiceTerms(**{key: getattr(contract.invoice, key)})
                listed += [AgreedTerm(contract, *row) for row in terms_rows(alone, currency)]
        return tuple(listed)

    def content(self) -> Content:
        """What `contracts show --json` prints."""
        terms = self.book.terms(self.customer, self.at)
        return {
            **fields_of(self, "customer", "at"),
            "has_contract": self.book.at("customer", self.customer, self.at) is not None,
            "pays": self.payer,
            "currency": terms.currency,
            "time_zone": str(terms.zone),
            "anchor_day": terms.anchor_day,
            "bill_from": form_of(self.book.bill_from(self.customer)),
            "chain": [self._contract_content(contract) for contract in self.chain],
            "invoice": [
                {"term": term.key, "agreed": term.text, "from": contract_label(term.contract)} for term in self.terms
            ],
            "grants": [
                {
                    **fields_of(grant, "id", "amount", "currency"),
                    "is": grant_text(grant),
                    **fields_of(grant, "priority", "valid_from", "expires_at"),
                }
                for grant in self.grants
            ],
        }

    def _contract_content(self, contract: Contract) -> Content:
        return {
            **fields_of(contract, "kind", "id", "plan", "valid_from", "valid_to", "recorded_at"),
            "path": self.paths[contract.hash],
            "hash": contract.hash,
            "rules": [
                {"name": rule.name, "does": rule_text(rule), "where": match_text(rule), "hash": rule.hash}
                for rule in contract.rules
            ],
        }


@dataclass(frozen=True, slots=True)
class ComparedContracts:
    """One side of a comparison: what was given, the instant that was looked at, and how many contracts are in force."""

    given: str
    at: datetime
    contracts: int

    def content(self) -> Content:
        """For JSON."""
        return fields_of(self, "given", "at", "contracts")


@dataclass(frozen=True, slots=True)
class ContractChanges:
    """What differs between the contracts and the prepaid credits of two sides."""

    before: ComparedContracts
    after: ComparedContracts
    contracts: tuple[ContractDifference, ...]
    grants: tuple[GrantDifference, ...]

    def content(self) -> Content:
        """What `contracts diff --json` prints."""
        return {
            **fields_of(self, "before", "after"),
            "contracts": [_difference_content(one) for one in self.contracts],
            "grants": [_grant_content(one) for one in self.grants],
        }


def side_text(change: TermChange, value: object) -> str:
    """One side of a change, in words."""
    if value is None:
        return "none" if change.key == "rule" else "not stated"
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, Rule):
        return f"{rule_text(value)} (where {match_text(value)})"
    if change.key == "order" and isinstance(value, tuple):
        return ", ".join(shown_text(name) for name in value)
    if isinstance(value, tuple):
        return "; ".join(term_text(change.key, term, "") for term in value) or "none"
    if change.key in TERM_NAMES:
        return term_text(change.key, value, "")
    return shown_id(str(value))


def grant_in_words(grant: Grant | None) -> str:
    """A grant with its times, in words."""
    if grant is None:
        return "none"
    until = "" if grant.expires_at is None else f", until {instant_text(grant.expires_at)}"
    priority = f", priority {grant.priority}" if grant.priority else ""
    return f"{grant_text(grant)} from {instant_text(grant.valid_from)}{until}{priority}"


def _difference_content(one: ContractDifference) -> Content:
    return {
        "kind": one.key[0],
        "id": one.key[1],
        "before": None if one.before is None else one.before.hash,
        "after": None if one.after is None else one.after.hash,
        "changes": [
            {
                "what": change.key,
                "name": change.name,
                "before": None if change.before is None else side_text(change, change.before),
                "after": None if change.after is None else side_text(change, change.after),
            }
            for change in one.changes
        ],
    }


def _grant_content(one: GrantDifference) -> Content:
    return {
        "customer": one.customer,
        "id": one.id,
        "before": None if one.before is None else grant_in_words(one.before),
        "after": None if one.after is None else grant_in_words(one.after),
    }


@dataclass(frozen=True, slots=True)
class PricedRequest:
    """What the rule that won makes of each quantity; `reason` says why there is no price, or why one is missing."""

    rule: Rule | None
    card: RateCard | None
    currency: str
    fx: Decimal
    rows: Sequence[BilledUnitPrice]
    reason: str | None

    @classmethod
    def under(cls, rule: Rule | None, card: RateCard | NoPrice, currency: str, book: FxBook, day: date) -> Self:
        """The prices under a rule, in the currency of the contract."""
        of_table = GATEWAY_CURRENCY if isinstance(card, NoPrice) else card.entry.currency
        fx, cost_fx = (book.rate(of, currency, day) for of in (of_table, GATEWAY_CURRENCY))
        missing = card if isinstance(card, NoPrice) else fx if isinstance(fx, NoRate) else None
        known = None if missing is not None or isinstance(card, NoPrice) else card
        rate = ONE if isinstance(fx, NoRate) else fx
        rows = unit_prices(rule, known, rate, None if isinstance(cost_fx, NoRate) else cost_fx)
        needs_no_list_price = rule is not None and rule.basis != "list" and bool(rows)
        reason = None if missing is None or needs_no_list_price else missing.reason
        return cls(rule, known, currency, rate, rows, reason)

    def content(self) -> Content:
        """For JSON."""
        card = self.card
        return {
            **fields_of(self, "currency", "fx"),
            "price_entry": None if card is None else card.entry.hash,
            "tier": None if card is None else card.choice.tier,
            "window": None if card is None else card.choice.window,
            "prices": [
                {
                    "quantity": row.name,
                    **fields_of(row, "per", "listed"),
                    "billed": [
                        {"tier": label, "amount": form_of(amount)}
                        for label, amount in zip(self.tier_labels, row.billed, strict=True)
                    ],
                    "is_package": row.is_package,
                }
                for row in self.rows
            ],
            "unpriced": self.reason,
        }

    @property
    def tier_labels(self) -> list[str | None]:
        """The tiers of the rule that each row has a price for; None where there is but one price."""
        return [None if tier is None else tier.label for tier in tiers_of(self.rule)]


@dataclass(frozen=True, slots=True)
class ExplainedContract:
    """Every rule in the order in which it is asked, and what the first that fits makes of the prices.

    `notes` say what to know before: that the customer has no contract, or that another one pays.
    """

    customer: str
    asked: str
    model: str
    mode: str
    at: datetime
    considered: tuple[Considered, ...]
    priced: PricedRequest
    notes: tuple[str, ...]

    @property
    def rule(self) -> Rule | None:
        """The rule that won; None where none fits."""
        chosen = chosen_rule(self.considered)
        return None if chosen is None else chosen.rule

    @property
    def does(self) -> str:
        """What becomes of such requests, in words."""
        return "the list price is billed as it is" if self.rule is None else rule_text(self.rule)

    @property
    def is_unpriced(self) -> bool:
        """Whether a price is missing."""
        return self.priced.reason is not None

    def content(self) -> Content:
        """What `contracts explain --json` prints."""
        return {
            **fields_of(self, "customer", "asked", "model", "mode", "at"),
            "considered": [_considered_content(considered) for considered in self.considered],
            "rule": None if self.rule is None else fields_of(self.rule, "name", "contract", "hash"),
            "does": self.does,
            **self.priced.content(),
        }


def _considered_content(considered: Considered) -> Content:
    return {
        "contract": contract_label(considered.contract),
        "number": considered.number,
        "name": considered.rule.name,
        "where": match_text(considered.rule),
        "does": rule_text(considered.rule),
        "outcome": considered.outcome,
        "why": outcome_text(considered),
    }
