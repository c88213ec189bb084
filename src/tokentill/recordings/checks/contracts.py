"""Whether contracts make sense together: plans, parents, limits and currencies, in one file and along the chain.

And whether prepaid credit can pay for something.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal

from tokentill.clock import instant_text
from tokentill.contracts.book import Contract
from tokentill.contracts.commitments import Commitment, CommittedTerm
from tokentill.contracts.invoice_terms import InvoiceTerms, Recurring
from tokentill.contracts.rules import Rule
from tokentill.errors import Finding
from tokentill.recordings.mistakes import near_miss
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.reading import Located
from tokentill.recordings.recording import Recordings
from tokentill.versions import covers

_PARENT: KeyPath = ("invoice", "parent")


def one_default_contract(recordings: Recordings) -> Iterator[Finding]:
    """Contracts of kind default share one id, and where there are contracts there is a default one (warning)."""
    defaults = [contract for contract in recordings.agreements if contract.value.kind == "default"]
    for contract in defaults[1:]:
        if contract.value.id != defaults[0].value.id:
            message = f'a second default contract "{contract.value.id}" beside "{defaults[0].value.id}"'
            hint = f'a new version of it keeps its id; another offer is a kind = "plan" (see {defaults[0].file.shown})'
            yield contract.finding(("id",), message, hint)
    if recordings.agreements and not defaults and not recordings.is_unread("contracts", "default"):
        message = "there is no default contract; customers without one get USD, UTC and the first of the month"
        yield recordings.agreements[0].finding((), message, 'add one with kind = "default"', is_warning=True)


def plans_exist(recordings: Recordings) -> Iterator[Finding]:
    """The plan of a customer is some contract of kind plan."""
    plans = {contract.value.id for contract in recordings.agreements if contract.value.kind == "plan"}
    for contract in recordings.agreements:
        plan = contract.value.plan
        if plan is not None and plan not in plans and not recordings.is_unread("contracts", plan):
            hint = near_miss(plan, sorted(plans)) or f'add a contract with kind = "plan" and id = "{plan}"'
            yield contract.finding(("plan",), f'the plan "{plan}" does not exist', hint)


def a_parent_pays_its_own_invoice(recordings: Recordings) -> Iterator[Finding]:
    """A parent has a contract as long as its child names it, and has no parent itself."""
    customers = recordings.book.customers
    for contract in recordings.agreements:
        parent = contract.value.parent
        if parent is None or recordings.is_unread("contracts", parent):
            continue
        if parent in customers:
            yield from _parent_over_time(contract, parent, recordings)
        else:
            hint = near_miss(parent, customers) or f'add a contract with kind = "customer" and id = "{parent}"'
            yield contract.finding(_PARENT, f'the parent "{parent}" has no contract', hint)


def _parent_over_time(contract: Located[Contract], parent: str, recordings: Recordings) -> Iterator[Finding]:
    child = contract.value.id
    for at in _changes(contract.value, recordings):
        of_parent = recordings.book.at("customer", parent, at)
        if of_parent is None:
            message = f'the parent "{parent}" has no contract in force at {instant_text(at)}'
            hint = f'let a contract of "{parent}" hold then; without one its invoice has the default terms'
            yield contract.finding(_PARENT, message, hint, is_warning=True)
            return
        if of_parent.parent is not None:
            message = f'"{child}" and "{parent}" are each other\'s parents'
            hint = "one of the two pays; remove the key from its contract"
            if of_parent.parent != child:
                message = f'the parent "{parent}" stands on the invoice of "{of_parent.parent}" itself'
                hint = f'name "{of_parent.parent}" as the parent here, too; there is one level only'
            yield contract.finding(_PARENT, message, hint)
            return


def _changes(contract: Contract, recordings: Recordings) -> list[datetime]:
    """The instants at which a customer's contract is in force and something that speaks for it begins or ends."""
    book = recordings.book
    edges = book.edges_for(contract.id) | (set() if contract.parent is None else book.own_edges(contract.parent))
    return sorted(at for at in edges if covers(contract, at) and book.at("customer", contract.id, at) == contract)


def a_child_has_the_period_of_its_parent(recordings: Recordings) -> Iterator[Finding]:
    """A child states no currency and no period that are not its parent's: both stand on one invoice."""
    if recordings.is_unread("contracts"):
        return
    for contract in recordings.agreements:
        parent = contract.value.parent
        if parent is None:
            continue
        chain = list(recordings.book.chain(parent, contract.value.valid_from))
        for key, otherwise in (("currency", "USD"), ("time_zone", "UTC"), ("anchor_day", 1)):
            stated = getattr(contract.value, key)
            of_parent = next((getattr(above, key) for above in chain if getattr(above, key)), otherwise)
            if stated is not None and stated != of_parent:
                message = f'"{key}" has no effect: it is {of_parent}, as for the parent "{parent}"'
                yield contract.finding((key,), message, "remove it; both stand on one invoice")


def limits_leave_something_to_bill(recordings: Recordings) -> Iterator[Finding]:
    """A minimum is not above the cap, wherever in the chain each is stated."""
    for contract in recordings.agreements:
        for chain in _chains_of(contract.value, recordings):
            yield from _limits_of(contract, chain, recordings)


def _chains_of(contract: Contract, recordings: Recordings) -> Iterator[list[Contract]]:
    """The contracts in whose order the terms of a contract are looked up, at each instant at which they change."""
    if contract.kind == "default" or recordings.is_unread("contracts"):
        yield [contract]
    elif contract.kind == "plan":
        yield [contract, *recordings.book.chain(None, contract.valid_from)]
    else:
        for at in _changes(contract, recordings):
            yield list(recordings.book.chain(contract.id, at))


def _limits_of(contract: Located[Contract], chain: Sequence[Contract], recordings: Recordings) -> Iterator[Finding]:
    """What is wrong with limits of which at least one is stated by the first contract of a chain."""
    of_cap = _first(chain, "cap")
    for key in ("minimum", "interim_at"):
        of_limit = _first(chain, key)
        if of_cap is None or of_limit is None or contract.value not in (of_cap, of_limit):
            continue
        limit, cap = _amount(of_limit.invoice, key), _amount(of_cap.invoice, "cap")
        if not limit > cap > 0:
            continue
        is_here = of_limit == contract.value
        other = of_cap if is_here else of_limit
        path = ("invoice", key if is_here else "cap")
        where = "" if other == contract.value else f" (in {recordings.shown_places[other.hash]})"
        if key == "minimum":
            message = f"the minimum of {limit} is above the cap of {cap}{where}"
            yield contract.finding(path, message, "lower the minimum, or raise the cap")
        else:
            message = f"interim_at = {limit} is never reached: the cap is {cap}{where}"
            yield contract.finding(path, message, "write less than the cap, or remove it", is_warning=True)


def _first(chain: Sequence[Contract], key: str) -> Contract | None:
    return next((contract for contract in chain if getattr(contract.invoice, key) is not None), None)


def _amount(terms: InvoiceTerms, key: str) -> Decimal:
    stated = getattr(terms, key)
    return Decimal(stated.amount if isinstance(stated, (Recurring, Commitment)) else stated or 0)


def a_contract_lasts_as_long_as_its_commitment(recordings: Recordings) -> Iterator[Finding]:
    """A contract does not end before the term of its commitment, which is trued up at the end of it. Warning."""
    if recordings.is_unread("contracts"):
        return
    for contract in recordings.agreements:
        commitment, ends_at = contract.value.invoice.commitment, contract.value.valid_to
        if commitment is None or ends_at is None:
            continue
        term = CommittedTerm.in_zone(
            commitment, recordings.book.terms_of(contract.value, contract.value.valid_from).zone
        )
        if contract.value.valid_from < ends_at < term.ends_at:
            message = f"the contract ends before the commitment does on {commitment.ends}"
            hint = (
                "nothing is billed then for what is not used; let both end on one day, or state a version that follows"
            )
            yield contract.finding(("valid_to",), message, hint, is_warning=True)


def amounts_are_in_the_currency_that_is_billed(recordings: Recordings) -> Iterator[Finding]:
    """No amount that a plan or the default states in its currency bills a customer in another one.

    Amounts of a contract have no currency of their own; they are of the one that the customer is billed in.
    """
    if recordings.is_unread("contracts"):
        return
    for customer in recordings.agreements:
        if customer.value.kind != "customer":
            continue
        id_ = customer.value.id
        for at in _changes(customer.value, recordings):
            billed = recordings.book.terms(id_, at).currency
            stated: set[str] = set()
            for contract in recordings.book.chain(id_, at):
                own = contract.currency or billed
                what = None if own == billed else _amounts_that_reach(contract, stated)
                if what is not None and contract != customer.value:
                    place = recordings.shown_places[contract.hash]
                    message = f'"{id_}" is billed in {billed}, and {what} of {place} is in {own}'
                    hint = f"state it in this contract in {billed}, or put it on a plan in {billed}"
                    key = "plan" if customer.value.currency is None else "currency"
                    yield customer.finding((key,), message, hint)
                terms = contract.invoice
                stated |= {field.name for field in fields(terms) if getattr(terms, field.name) is not None}
                if any(not rule.match for rule in contract.rules):
                    stated.add("rules")


def _amounts_that_reach(contract: Contract, stated: set[str]) -> str | None:
    """An amount of a contract that is not stated before it in the chain, in words."""
    for rule in () if "rules" in stated else contract.rules:
        if _has_amounts(rule):
            return f'an amount of rule "{rule.name}"'
    for key in ("base_fee", "minimum", "cap", "smallest_amount", "interim_at", "commitment"):
        if key not in stated and _amount(contract.invoice, key):
            return f'"{key}"'
    coupons = () if "coupons" in stated else contract.invoice.coupons or ()
    return "a coupon" if any(coupon.amount is not None for coupon in coupons) else None


def _has_amounts(rule: Rule) -> bool:
    if rule.rates or rule.add_on or rule.package or rule.credits or (rule.allowance and rule.allowance.amount):
        return True
    tiers = rule.tiers
    return tiers is not None and (tiers.is_over_spend or any(tier.rates or tier.flat for tier in tiers.tiers))


def currencies_can_be_converted(recordings: Recordings) -> Iterator[Finding]:
    """A contract in another currency than the price tables' has exchange rates to use. Warning."""
    listed = sorted({entry.value.currency for entry in recordings.entries})
    pairs = {rate.value.pair for rate in recordings.fx_rates}
    for contract in recordings.agreements:
        wanted = contract.value.currency
        for currency in listed if wanted is not None and not recordings.is_unread("fx", wanted) else ():
            if wanted != currency and (currency, wanted) not in pairs:
                message = f"the contract is in {wanted}, and no exchange rate from {currency} is listed"
                hint = f'add one to fx/: from = "{currency}", to = "{wanted}"'
                yield contract.finding(("currency",), message, hint, is_warning=True)


def a_grant_can_pay(recordings: Recordings) -> Iterator[Finding]:
    """A grant is in the currency of an invoice that its customer gets. Warning."""
    if recordings.is_unread("contracts"):
        return
    for grant in recordings.grants:
        customer, at = grant.value.customer, grant.value.valid_from
        payer, billed = recordings.book.payer(customer, at), recordings.book.terms(customer, at).currency
        if payer != customer:
            message = f'the invoice of "{customer}" is that of its parent "{payer}", so its credit pays nothing'
            yield grant.finding(("customer",), message, f'grant it to "{payer}"', is_warning=True)
        elif billed != grant.value.currency:
            message = f'the credit is in {grant.value.currency}, and "{customer}" is billed in {billed}'
            yield grant.finding(("currency",), message, "it pays invoices in its own currency only", is_warning=True)


CHECKS = (
    one_default_contract,
    plans_exist,
    a_parent_pays_its_own_invoice,
    a_child_has_the_period_of_its_parent,
    limits_leave_something_to_bill,
    a_contract_lasts_as_long_as_its_commitment,
    amounts_are_in_the_currency_that_is_billed,
    currencies_can_be_converted,
    a_grant_can_pay,
)
