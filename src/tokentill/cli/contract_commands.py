"""`tokentill contracts ...`."""

from __future__ import annotations

from typing import Annotated

import typer

from tokentill.canonical import Content
from tokentill.cli.calling import AtOption, Call, command, group, instant_argument
from tokentill.cli.folder_check import show_check
from tokentill.clock import SYSTEM_CLOCK, instant_text
from tokentill.documents.ids import shown_id, shown_text
from tokentill.money import amount_text
from tokentill.pricing.contracts import Contract, ContractBook
from tokentill.pricing.loading import load_folder
from tokentill.pricing.rules import Rule


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    contracts = group(app, "contracts", "Check and look at contracts.")
    command(contracts, "check")(_check_contracts)
    command(contracts, "show")(_show_contract)


def _check_contracts(
    call: Call,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings, too.")] = False,
) -> None:
    """Check contracts, with the price tables that they refer to."""
    show_check(call, strict=strict, what="contracts")


def _show_contract(
    call: Call,
    customer: Annotated[
        str | None, typer.Argument(metavar="CUSTOMER", help="A customer's id; a list of all contracts unless given.")
    ] = None,
    at: AtOption = None,
) -> None:
    """List contracts, or show those that speak for a customer.

    A customer's contracts at an instant, in the order in which their rules are asked.
    """
    book = ContractBook(load_folder(call.settings.pricing).contracts)
    instant = SYSTEM_CLOCK.now() if at is None else instant_argument(at)
    if customer is None:
        found = list(book.customers)
        call.finish({"customers": found}, lambda: call.say("\n".join(shown_id(id_) for id_ in found) or "no contracts"))
        return
    terms = book.terms(customer, instant)
    chain = list(book.chain(customer, instant))
    content = {
        "customer": customer,
        "at": instant_text(instant),
        "currency": terms.currency,
        "time_zone": str(terms.zone),
        "anchor_day": terms.anchor_day,
        "chain": [_contract_content(contract) for contract in chain],
    }

    def show() -> None:
        call.say(f"{shown_id(customer)}: {terms.currency}, {terms.zone}, from day {terms.anchor_day} of each month")
        for contract in chain:
            call.say(f"{contract.kind} {shown_id(contract.id)}, valid from {instant_text(contract.valid_from)}")
            for number, rule in enumerate(contract.rules, start=1):
                call.say(f"  {number}. {shown_text(rule.name)}: {_rule_text(rule)}")
        call.say("the first rule that fits a record bills it; where none fits, the list price is billed as it is")

    call.finish(content, show)


def _contract_content(contract: Contract) -> Content:
    return {
        "kind": contract.kind,
        "id": contract.id,
        "plan": contract.plan,
        "valid_from": instant_text(contract.valid_from),
        "recorded_at": instant_text(contract.recorded_at),
        "hash": contract.hash,
        "rules": [{"name": rule.name, "does": _rule_text(rule), "hash": rule.hash} for rule in contract.rules],
    }


def _rule_text(rule: Rule) -> str:
    parts = [f"{rule.basis} price" if rule.basis == "list" else f"basis {rule.basis}"]
    if rule.rates:
        rates = ", ".join(f"{name} {amount_text(rate)}" for name, rate in rule.rates.items())
        parts.append(f"{rates} per {rule.per:,}")
    parts += [
        f"{amount_text(percent)} %" + ("" if name == "default" else f" on {name}")
        for name, percent in rule.markup_percent.items()
    ]
    parts += [f"{amount_text(fee.price)} per {fee.per:,} {name}" for name, fee in rule.add_on.items()]
    where = "; ".join(f"{key} {' or '.join(patterns)}" for key, patterns in rule.match.items())
    return ", ".join(parts) + f" (where {where or 'anything'})"
