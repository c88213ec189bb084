"""How a rule is chosen, rule by rule: which were asked, why each did not fit, and which one won.

Pure. The choice itself is `ContractBook.rule_for`'s; this takes it apart for a person, and a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tokentill.contracts.book import Contract, ContractBook
from tokentill.contracts.rules import Rule, Traits, trait_values
from tokentill.usage.globs import glob_fits
from tokentill.versions import known_by as known_by

Outcome = Literal["fits", "does not fit", "not asked"]


@dataclass(frozen=True, slots=True)
class MatchAsked:
    """What one match key of a rule asks for, and the values that a record has there."""

    key: str
    patterns: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether some value fits some pattern."""
        return any(glob_fits(pattern, value) for pattern in self.patterns for value in self.values)


@dataclass(frozen=True, slots=True)
class Considered:
    """One rule of the chain: the first that `fits` wins, and those after it are `not asked`."""

    contract: Contract
    number: int
    rule: Rule
    outcome: Outcome
    asked: tuple[MatchAsked, ...]


def consider_rules(book: ContractBook, customer: str | None, traits: Traits, at: datetime) -> list[Considered]:
    """Every rule of a customer's contracts at an instant, in the order in which they are asked."""
    considered: list[Considered] = []
    has_won = False
    for contract in book.chain(customer, at):
        for number, rule in enumerate(contract.rules, start=1):
            # An empty value was not given.
            given = {key: tuple(filter(None, trait_values(traits, key))) for key in rule.match}
            conditions = tuple(MatchAsked(key, patterns, given[key]) for key, patterns in rule.match.items())
            outcome: Outcome = "fits" if rule.fits(traits) else "does not fit"
            considered.append(Considered(contract, number, rule, "not asked" if has_won else outcome, conditions))
            has_won = has_won or outcome == "fits"
    return considered


def chosen_rule(considered: Iterable[Considered]) -> Considered | None:
    """The rule that won, None where none fits: the list price is billed as it is."""
    return next((rule for rule in considered if rule.outcome == "fits"), None)
