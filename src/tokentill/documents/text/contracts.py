"""Contracts as text for a terminal: what is agreed with a customer, what differs, and which rule bills a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokentill.clock import instant_text
from tokentill.contracts.unit_prices import COST, BilledUnitPrice
from tokentill.documents.contract_words import (
    TERM_NAMES,
    contract_label,
    grant_rows,
    match_text,
    outcome_text,
    own_contract_lines,
    rule_text,
)
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import count, exact
from tokentill.documents.views.contracts import (
    Agreement,
    ContractChanges,
    ContractedCustomers,
    ExplainedContract,
    PricedRequest,
    grant_in_words,
    side_text,
)

if TYPE_CHECKING:
    from tokentill.contracts.book import Contract
    from tokentill.contracts.diff import AgreementKey, ContractDifference, TermChange
    from tokentill.contracts.rule_trace import Considered
    from tokentill.documents.text.screen import Screen


def show_contracted(screen: Screen, customers: ContractedCustomers) -> None:
    """Everybody who has a contract, one a line."""
    screen.say("\n".join(shown_id(id_) for id_ in customers.ids) or "no contracts")


def show_agreement(screen: Screen, agreement: Agreement) -> None:
    """Contracts with their rules, then what is agreed for invoices, then prepaid credits."""
    customer, terms = agreement.customer, agreement.book.terms(agreement.customer, agreement.at)
    screen.say(f"{shown_id(customer)}: {terms.currency}, {terms.zone}, from day {terms.anchor_day} of each month")
    for line in own_contract_lines(agreement.book, customer, agreement.at):
        screen.say(line)
    if (begins := agreement.book.bill_from(customer)) is not None:
        screen.say(f"billed from {instant_text(begins)} on; what was used before is counted and billed at nothing")
    for contract in agreement.chain:
        until = "" if contract.valid_to is None else f" to {instant_text(contract.valid_to)}"
        validity = f"valid from {instant_text(contract.valid_from)}{until}"
        recorded = f"recorded {instant_text(contract.recorded_at)}"
        screen.say(f"{contract_label(contract)}, {validity}, {recorded} ({agreement.paths[contract.hash]})")
        for number, rule in enumerate(contract.rules, start=1):
            screen.say(f"  {number}. {shown_text(rule.name)}: {rule_text(rule)} (where {match_text(rule)})")
        if not contract.rules:
            screen.say("  no rules")
    screen.say("the first rule that fits a record bills it; where none fits, the list price is billed as it is")
    agreed = [(term.name, term.text, contract_label(term.contract)) for term in agreement.terms]
    if agreed:
        screen.say("")
        screen.table(("invoice", "agreed", "by"), agreed)
    if agreement.grants:
        screen.say("")
        columns = ("prepaid credit", "amount", "priority", "from", "until")
        screen.table(columns, grant_rows(agreement.grants), right=("amount", "priority"))


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


def show_explained_contract(screen: Screen, explained: ExplainedContract) -> None:
    """Every rule with its answer, what the one that won does, and what each quantity then costs."""
    as_model = "" if explained.model == explained.asked else f" (priced as {shown_id(explained.model)})"
    of = f"{shown_id(explained.customer)}, {shown_id(explained.asked)}{as_model}, {shown_text(explained.mode)}"
    screen.say(f"{of}, at {instant_text(explained.at)}")
    for line in explained.notes:
        screen.say(line)
    if explained.considered:
        screen.say("")
        screen.table(("contract", "rule", "where", "", "why"), [_considered_row(one) for one in explained.considered])
    rule = explained.rule
    won = "no rule fits" if rule is None else f"{shown_text(rule.name)} ({shown_text(rule.contract)})"
    screen.say(f"\n{won}: {explained.does}")
    _show_priced(screen, explained.priced)


def _show_priced(screen: Screen, priced: PricedRequest) -> None:
    """As a table, with what else decides a price."""
    if priced.rows:
        heads = [label or "billed" for label in priced.tier_labels]
        columns = ("quantity", "per", "listed", *heads, "")
        screen.say(f"\nprices in {priced.currency}")
        screen.table(columns, [_row(row) for row in priced.rows], right=("per", "listed", *heads))
    if priced.card is not None:
        for name, label in (("tier", priced.card.choice.tier), ("window", priced.card.choice.window)):
            if label is not None:
                screen.say(f"the list price is that of the {name} {label}")
        if priced.card.entry.currency != priced.currency:
            screen.say(f"1 {priced.card.entry.currency} is {exact(priced.fx)} {priced.currency} on that day")
    if priced.reason is not None:
        screen.say(f"no list price: {shown_text(priced.reason)}")
    if priced.reason is not None or any(amount is None for row in priced.rows for amount in row.billed):
        screen.say("unpriced usage is listed, and keeps a period from being closed")


def _row(row: BilledUnitPrice) -> tuple[str, ...]:
    return (
        "the reported cost" if row.name == COST else row.name,
        count(row.per),
        "" if row.listed is None else exact(row.listed),
        *("unpriced" if amount is None else exact(amount) for amount in row.billed),
        "for each begun package" if row.is_package else "",
    )


def _considered_row(considered: Considered) -> tuple[str, ...]:
    rule = f"{considered.number}. {shown_text(considered.rule.name)}"
    answer = {"fits": "wins", "does not fit": "no", "not asked": ""}[considered.outcome]
    return (contract_label(considered.contract), rule, match_text(considered.rule), answer, outcome_text(considered))
