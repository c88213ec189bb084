"""`tokentill contracts ...`: check, and show what is agreed with a customer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from tokentill.canonical import Content
from tokentill.cli.calling import AtOption, Invocation, command, group, instant_argument
from tokentill.cli.contract_diff import diff_contracts
from tokentill.cli.contract_explain import explain_contract
from tokentill.cli.contract_text import (
    TERM_NAMES,
    contract_label,
    grant_rows,
    grant_text,
    match_text,
    own_contract_lines,
    rule_text,
    terms_rows,
)
from tokentill.cli.folder_check import show_check
from tokentill.clock import SYSTEM_CLOCK, instant_text
from tokentill.contracts.book import Contract, ContractBook
from tokentill.contracts.invoice_terms import Grant, InvoiceTerms
from tokentill.contracts.rule_trace import known_by
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.money import amount_text
from tokentill.recordings.load import Folder, load_folder

AsOfOption = Annotated[
    str | None, typer.Option("--as-of", metavar="INSTANT", help="As it was known then; everything unless given.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    contracts = group(app, "contracts", "Check, look at, explain and compare contracts.")
    command(contracts, "check")(_check_contracts)
    command(contracts, "show")(_show_contract)
    command(contracts, "explain")(explain_contract)
    command(contracts, "diff")(diff_contracts)


def _check_contracts(
    call: Invocation,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings, too.")] = False,
) -> None:
    """Check contracts, with the price tables that they refer to."""
    show_check(call, strict=strict, what="contracts")


def _show_contract(
    call: Invocation,
    customer: Annotated[
        str | None, typer.Argument(metavar="CUSTOMER", help="A customer's id; a list of all contracts unless given.")
    ] = None,
    at: AtOption = None,
    as_of: AsOfOption = None,
) -> None:
    """List contracts, or show all that is agreed with a customer.

    The contracts that speak for it at an instant, in the order in which their rules are asked, then what is agreed
    for its invoices, and its prepaid credits.
    """
    folder = load_folder(call.settings.pricing)
    book = ContractBook(known_by(folder.contracts, None if as_of is None else instant_argument(as_of)))
    instant = SYSTEM_CLOCK.now() if at is None else instant_argument(at)
    if customer is None:
        found = list(book.customers)
        call.finish({"customers": found}, lambda: call.say("\n".join(shown_id(id_) for id_ in found) or "no contracts"))
        return
    content = _agreement_content(book, folder, customer, instant)
    call.finish(content, lambda: _show_agreement(call, book, folder, customer, instant))


def _agreement_content(book: ContractBook, folder: Folder, customer: str, at: datetime) -> Content:
    terms = book.terms(customer, at)
    return {
        "customer": customer,
        "at": instant_text(at),
        "has_contract": book.at("customer", customer, at) is not None,
        "pays": book.payer(customer, at),
        "currency": terms.currency,
        "time_zone": str(terms.zone),
        "anchor_day": terms.anchor_day,
        "chain": [_contract_content(contract, folder) for contract in book.chain(customer, at)],
        "invoice": [
            {"term": key, "agreed": text, "from": contract_label(contract)}
            for contract, key, _, text in _terms(book, customer, at)
        ],
        "grants": [_grant_content(grant) for grant in book.grants(book.payer(customer, at))],
    }


def _show_agreement(call: Invocation, book: ContractBook, folder: Folder, customer: str, at: datetime) -> None:
    terms = book.terms(customer, at)
    call.say(f"{shown_id(customer)}: {terms.currency}, {terms.zone}, from day {terms.anchor_day} of each month")
    for line in own_contract_lines(book, customer, at):
        call.say(line)
    for contract in book.chain(customer, at):
        until = "" if contract.valid_to is None else f" to {instant_text(contract.valid_to)}"
        validity = f"valid from {instant_text(contract.valid_from)}{until}"
        recorded = f"recorded {instant_text(contract.recorded_at)}"
        call.say(f"{contract_label(contract)}, {validity}, {recorded} ({folder.paths[contract.hash]})")
        for number, rule in enumerate(contract.rules, start=1):
            call.say(f"  {number}. {shown_text(rule.name)}: {rule_text(rule)} (where {match_text(rule)})")
        if not contract.rules:
            call.say("  no rules")
    call.say("the first rule that fits a record bills it; where none fits, the list price is billed as it is")
    agreed = [(name, text, contract_label(contract)) for contract, _, name, text in _terms(book, customer, at)]
    if agreed:
        call.say("")
        call.table(("invoice", "agreed", "by"), agreed)
    grants = book.grants(book.payer(customer, at))
    if grants:
        call.say("")
        columns = ("prepaid credit", "amount", "priority", "from", "until")
        call.table(columns, grant_rows(grants), right=("amount", "priority"))


def _terms(book: ContractBook, customer: str, at: datetime) -> list[tuple[Contract, str, str, str]]:
    """What is agreed for the invoice that a customer's usage stands on, and by which contract.

    The base fee is the customer's own; all else is that of the customer who pays.
    """
    currency, payer = book.terms(customer, at).currency, book.payer(customer, at)
    found = []
    for key in TERM_NAMES:
        chain = book.chain(customer if key == "base_fee" else payer, at)
        contract = next((contract for contract in chain if getattr(contract.invoice, key) is not None), None)
        if contract is not None:
            alone = InvoiceTerms(**{key: getattr(contract.invoice, key)})
            found += [(contract, *row) for row in terms_rows(alone, currency)]
    return found


def _contract_content(contract: Contract, folder: Folder) -> Content:
    return {
        "kind": contract.kind,
        "id": contract.id,
        "plan": contract.plan,
        "valid_from": instant_text(contract.valid_from),
        "valid_to": None if contract.valid_to is None else instant_text(contract.valid_to),
        "recorded_at": instant_text(contract.recorded_at),
        "path": folder.paths[contract.hash],
        "hash": contract.hash,
        "rules": [
            {"name": rule.name, "does": rule_text(rule), "where": match_text(rule), "hash": rule.hash}
            for rule in contract.rules
        ],
    }


def _grant_content(grant: Grant) -> Content:
    return {
        "id": grant.id,
        "amount": amount_text(grant.amount),
        "currency": grant.currency,
        "is": grant_text(grant),
        "priority": grant.priority,
        "valid_from": instant_text(grant.valid_from),
        "expires_at": None if grant.expires_at is None else instant_text(grant.expires_at),
    }
