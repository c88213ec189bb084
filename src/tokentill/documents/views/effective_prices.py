"""The effective rate card of a customer: what every model costs it at an instant, by which rule and price, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tokentill.canonical import Content, fields_of
from tokentill.contracts.rule_trace import Considered, chosen_rule
from tokentill.documents.contract_words import contract_label, match_text, outcome_text, rule_text
from tokentill.documents.views.contracts import ExplainedContract

NO_RULE = "no rule fits, so the list price is billed as it is"
OF_A_CARD = {"model", "mode"}
"""Traits that the requests of a card have; a rule that asks for others may win in the place of one on it."""


@dataclass(frozen=True, slots=True)
class EffectiveCard:
    """What each model costs a customer, by mode and by context length where that decides.

    `priced` are in the bytewise order of models, then by mode and tier. `notes` say what to know before.
    """

    customer: str
    at: datetime
    currency: str
    priced: tuple[ExplainedContract, ...]
    notes: tuple[str, ...]

    @property
    def beyond(self) -> tuple[Considered, ...]:
        """Rules that ask for more than a model and a mode, in the order in which they are asked."""
        considered = self.priced[0].considered if self.priced else ()
        return tuple(one for one in considered if not one.rule.match.keys() <= OF_A_CARD)

    def content(self) -> Content:
        """What `contracts card --json` prints."""
        return {
            **fields_of(self, "customer", "at", "currency"),
            "models": [self._row(one) for one in self.priced],
            "depending_rules": [
                {"contract": contract_label(one.contract), "name": one.rule.name, "where": match_text(one.rule)}
                for one in self.beyond
            ],
            "notes": list(self.notes),
        }

    def _row(self, one: ExplainedContract) -> Content:
        return {
            **fields_of(one, "model", "mode"),
            "rule": None if one.rule is None else fields_of(one.rule, "name", "contract", "hash"),
            "does": one.does,
            "why": why_text(one),
            **one.priced.content(),
        }


def why_text(one: ExplainedContract) -> str:
    """Why the rule that bills a model does."""
    chosen = chosen_rule(one.considered)
    return NO_RULE if chosen is None else outcome_text(chosen)


def rules_in_use(card: EffectiveCard) -> Iterator[tuple[Considered | None, int]]:
    """Each rule that some model of a card is billed by (None: by none), with how many of its rows."""
    counts: dict[tuple[str, str] | None, int] = {}
    chosen: dict[tuple[str, str] | None, Considered | None] = {}
    for one in card.priced:
        won = chosen_rule(one.considered)
        key = None if won is None else (won.contract.hash, won.rule.hash)
        chosen.setdefault(key, won)
        counts[key] = counts.get(key, 0) + 1
    yield from ((chosen[key], count) for key, count in counts.items())


def does_text(considered: Considered | None) -> str:
    """What a rule does, in words."""
    return "the list price is billed as it is" if considered is None else rule_text(considered.rule)
