"""What is said of contracts that differ: at two instants, as known at two times, or in two folders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tokentill.canonical import Content, fields_of
from tokentill.clock import instant_text
from tokentill.contracts.diff import ContractDifference, GrantDifference, TermChange
from tokentill.contracts.invoice_terms import Grant
from tokentill.contracts.rules import Rule
from tokentill.documents.contract_words import TERM_NAMES, grant_text, match_text, rule_text, term_text
from tokentill.documents.escaping import shown_id, shown_text

NOT_STATED = "not stated"


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
        return "none" if change.key == "rule" else NOT_STATED
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
