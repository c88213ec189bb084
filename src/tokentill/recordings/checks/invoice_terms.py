"""Whether what is agreed for a whole invoice makes sense, in one contract and along the chain of contracts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from tokentill.canonical import Content
from tokentill.contracts.features.tiers import SPEND
from tokentill.errors import Finding
from tokentill.recordings.checks.placed_rules import InTime, rules_of, terms_of
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.recording import Recording, Recordings


def a_coupon_takes_something_off(recordings: Recordings) -> Iterator[Finding]:
    """A coupon is a percentage or an amount, more than nothing, and its id is its own."""
    for recording in recordings.agreements:
        seen: dict[str, int] = {}
        for index, coupon in enumerate(terms_of(recording).get("coupon", ())):
            path: KeyPath = ("invoice", "coupon", index)
            at = recording.file.finding
            if "percent" in coupon and "amount" in coupon:
                message = f'the coupon "{coupon["id"]}" is a percentage and an amount'
                yield at((*path, "amount"), message, "keep one of the two; two coupons may stand side by side")
            elif "percent" not in coupon and "amount" not in coupon:
                yield at(path, f'the coupon "{coupon["id"]}" takes nothing off', "add percent = ... or amount = ...")
            if coupon.get("percent") == "0":
                message = f'the coupon "{coupon["id"]}" takes 0 percent off'
                yield at((*path, "percent"), message, "write more than zero, or remove it; coupon = [] says none")
            first = seen.setdefault(coupon["id"], index)
            if first != index:
                message = f'the coupon "{coupon["id"]}" is stated twice'
                yield at((*path, "id"), message, "the periods in which a coupon was used are counted by its id")


def taxes_have_names_of_their_own(recordings: Recordings) -> Iterator[Finding]:
    """Two taxes of one contract are told apart by their names."""
    for recording in recordings.agreements:
        seen: set[str] = set()
        for index, tax in enumerate(terms_of(recording).get("tax", ())):
            if tax["name"] in seen:
                message = f'the tax "{tax["name"]}" is stated twice'
                path: KeyPath = ("invoice", "tax", index, "name")
                yield recording.file.finding(path, message, "name each tax once; several stand side by side")
            seen.add(tax["name"])


def limits_leave_something_to_bill(recordings: Recordings) -> Iterator[Finding]:
    """A minimum is not above the cap, wherever in the chain each is stated; a cap is above zero."""
    for recording in recordings.agreements:
        cap = terms_of(recording).get("cap")
        if cap is not None and not Decimal(cap["amount"]):
            message = "with a cap of 0 nothing is ever billed"
            hint = 'basis = "free" says that usage costs nothing'
            yield recording.file.finding(("invoice", "cap"), message, hint, is_warning=True)
    in_time = InTime(recordings)
    for recording in recordings.agreements:
        for chain in _chains_of(recording, in_time):
            yield from _limits_of(recording, chain)


def _chains_of(recording: Recording, in_time: InTime) -> Iterator[list[Recording]]:
    """The contracts in whose order the terms of a contract are looked up, at each instant at which they change."""
    if recording.content["kind"] != "customer":
        at = datetime.fromisoformat(recording.content["valid_from"])
        default = in_time.at("default", "", at)
        yield [recording] if default is None or recording.content["kind"] == "default" else [recording, default]
        return
    for at in in_time.changes(recording):
        yield in_time.chain(recording.content["id"], at)


def _limits_of(recording: Recording, chain: list[Recording]) -> Iterator[Finding]:
    """What is wrong with limits of which at least one is stated by the first contract of a chain."""
    stated = {key: _first(chain, key) for key in ("minimum", "cap", "interim_at")}
    cap = stated["cap"]
    if cap is None:
        return
    for key in ("minimum", "interim_at"):
        found = stated[key]
        if found is None or recording not in (found[0], cap[0]):
            continue
        limit, of_cap = _amount(found[1]), _amount(cap[1])
        if not limit > of_cap > 0:
            continue
        path = ("invoice", key if found[0] is recording else "cap")
        other = cap[0] if found[0] is recording else found[0]
        where = "" if other is recording else f" (in {other.file.shown})"
        if key == "minimum":
            message = f"the minimum of {limit} is above the cap of {of_cap}{where}"
            yield recording.file.finding(path, message, "lower the minimum, or raise the cap")
        else:
            message = f"interim_at = {limit} is never reached: the cap is {of_cap}{where}"
            yield recording.file.finding(path, message, "write less than the cap, or remove it", is_warning=True)


def _first(chain: list[Recording], key: str) -> tuple[Recording, object] | None:
    return next(((item, terms_of(item)[key]) for item in chain if key in terms_of(item)), None)


def _amount(stated: object) -> Decimal:
    return Decimal(stated["amount"] if isinstance(stated, dict) else str(stated))


def amounts_are_in_the_currency_that_is_billed(recordings: Recordings) -> Iterator[Finding]:
    """No amount that a plan or the default states in its currency bills a customer in another one.

    Amounts of a contract have no currency of their own; they are of the one that the customer is billed in.
    """
    in_time = InTime(recordings)
    for recording in recordings.agreements:
        if recording.content["kind"] != "customer":
            continue
        id_ = recording.content["id"]
        others = [str(terms_of(recording)["parent"])] if "parent" in terms_of(recording) else []
        for at in in_time.changes(recording, *others):
            billed = in_time.currency(id_, at)
            stated: set[str] = set()
            for contract in in_time.chain(id_, at):
                own = contract.content.get("currency", billed)
                what = None if own == billed else _amounts_that_reach(contract, stated)
                if what is not None and contract is not recording:
                    message = f'"{id_}" is billed in {billed}, and {what} of {contract.file.shown} is in {own}'
                    hint = f"state it in this contract in {billed}, or put it on a plan in {billed}"
                    key = "currency" if "currency" in recording.content else "plan"
                    yield recording.file.finding((key,), message, hint)
                stated |= set(terms_of(contract))
                if any(not rule.content.get("match") for rule in rules_of(contract)):
                    stated.add("rule")


def _amounts_that_reach(contract: Recording, stated: set[str]) -> str | None:
    """An amount of a contract that is not stated before it in the chain, in words."""
    if "rule" not in stated:
        for rule in rules_of(contract):
            if _has_amounts(rule.content):
                return f'an amount of rule "{rule.name}"'
    terms = terms_of(contract)
    for key in ("base_fee", "minimum", "cap", "smallest_amount", "interim_at"):
        if key in terms and key not in stated and _amount(terms[key]):
            return f'"{key}"'
    if "coupon" not in stated and any("amount" in coupon for coupon in terms.get("coupon", ())):
        return "a coupon"
    return None


def _has_amounts(rule: Content) -> bool:
    tiers = rule.get("tiers", {})
    return (
        any(key in rule for key in ("rates", "add_on", "package", "credits"))
        or "amount" in rule.get("allowance", {})
        or tiers.get("over") == [SPEND]
        or any(key in tier for tier in tiers.get("tier", ()) for key in ("rates", "flat"))
    )
