"""What is said of a customer's requests to a model: which rule bills them, why, and what each quantity then costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Self

from tokentill.canonical import Content, fields_of, form_of
from tokentill.contracts.rule_trace import Considered, chosen_rule
from tokentill.contracts.rules import Rule
from tokentill.contracts.unit_prices import BilledUnitPrice, tiers_of, unit_prices
from tokentill.documents.contract_words import contract_label, match_text, outcome_text, rule_text
from tokentill.prices.book import NoPrice
from tokentill.prices.fx import FxBook, NoRate
from tokentill.prices.rate_cards import ONE, RateCard
from tokentill.usage.aggregates import GATEWAY_CURRENCY


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
