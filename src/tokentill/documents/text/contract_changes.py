"""Contracts that differ as text for a terminal."""

from __future__ import annotations

from tokentill.clock import instant_text
from tokentill.contracts.book import Contract
from tokentill.contracts.diff import AgreementKey, ContractDifference, TermChange
from tokentill.documents.contract_words import TERM_NAMES
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.text.screen import Screen
from tokentill.documents.views.contract_changes import ContractChanges, grant_in_words, side_text


def show_contract_changes(screen: Screen, changes: ContractChanges) -> None:
    """Each contract with the terms and rules that differ, each credit that does, and how many of a kind there are."""
    for one in changes.contracts:
        _show_difference(screen, one)
    for grant in changes.grants:
        holder = f"prepaid credit {shown_id(grant.id)} of {shown_id(grant.customer)}"
        screen.say(f"{holder}: {grant_in_words(grant.before)} -> {grant_in_words(grant.after)}")
    if not changes.contracts and not changes.grants:
        sides = f"{shown_text(changes.before.given)} and {shown_text(changes.after.given)}"
        screen.say(f"no contract differs between {sides}")
        return
    counted = {"new": 0, "changed": 0, "no longer in force": 0}
    for one in changes.contracts:
        counted["new" if one.before is None else "no longer in force" if one.after is None else "changed"] += 1
    screen.say(", ".join(f"{number} {what}" for what, number in counted.items()))


def _show_difference(screen: Screen, one: ContractDifference) -> None:
    if one.before is None:
        screen.say(f"{_label(one.key)}: new, valid from {_since(one.after)}")
    elif one.after is None:
        screen.say(f"{_label(one.key)}: no longer in force; it was valid from {_since(one.before)}")
    else:
        screen.say(f"{_label(one.key)}: valid from {_since(one.after)}, before from {_since(one.before)}")
    for change in one.changes:
        before, after = side_text(change, change.before), side_text(change, change.after)
        if change.key == "rule":
            screen.say(f"  {_name(change)}\n    before: {before}\n    after:  {after}")
        else:
            screen.say(f"  {_name(change)}: {before} -> {after}")


def _label(key: AgreementKey) -> str:
    return "default" if key[0] == "default" else f"{key[0]} {shown_id(key[1])}"


def _since(contract: Contract | None) -> str:
    return "" if contract is None else instant_text(contract.valid_from)


def _name(change: TermChange) -> str:
    if change.key == "rule":
        return f"rule {shown_text(change.name)}"
    return "order of rules" if change.key == "order" else TERM_NAMES.get(change.key, change.key)
