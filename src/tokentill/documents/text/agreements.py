"""All that is agreed with a customer as text for a terminal."""

from __future__ import annotations

from tokentill.clock import instant_text
from tokentill.documents.contract_words import contract_label, grant_rows, match_text, own_contract_lines, rule_text
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.text.screen import Screen
from tokentill.documents.views.agreement import Agreement, ContractedCustomers


def show_contracted(screen: Screen, customers: ContractedCustomers) -> None:
    """Everybody who has a contract, one a line."""
    screen.say("\n".join(shown_id(id_) for id_ in customers.ids) or "no contracts")


def show_agreement(screen: Screen, agreement: Agreement) -> None:
    """Contracts with their rules, then what is agreed for invoices, then prepaid credits."""
    customer, terms = agreement.customer, agreement.book.terms(agreement.customer, agreement.at)
    screen.say(f"{shown_id(customer)}: {terms.currency}, {terms.zone}, from day {terms.anchor_day} of each month")
    for line in own_contract_lines(agreement.book, customer, agreement.at):
        screen.say(line)
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
