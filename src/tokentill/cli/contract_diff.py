"""`tokentill contracts diff`: what differs between contracts at two times, or in two folders."""

from __future__ import annotations

from collections.abc import Sequence

from tokentill.canonical import Content
from tokentill.cli.calling import Invocation
from tokentill.cli.contract_text import TERM_NAMES, grant_text, match_text, rule_text, term_text
from tokentill.cli.sides import After, AsOf, At, Before, Side, sides_of
from tokentill.clock import instant_text
from tokentill.contracts.book import Contract
from tokentill.contracts.diff import (
    AgreementKey,
    ContractDifference,
    GrantDifference,
    TermChange,
    compare_contracts,
    compare_grants,
    contracts_at,
    grants_at,
)
from tokentill.contracts.invoice_terms import Grant
from tokentill.contracts.rule_trace import known_by
from tokentill.contracts.rules import Rule
from tokentill.documents.escaping import shown_id, shown_text

NOT_STATED = "not stated"


def diff_contracts(
    call: Invocation,
    before: Before,
    after: After,
    at: At = None,
    as_of: AsOf = False,
) -> None:
    """Compare the contracts of two times, or of two folders.

    In force at two instants, or as known at two times. Lists contracts and credits that are on one side alone, and
    every term and rule that differs. Status 0, whether or not any does.
    """
    sides = sides_of(call, before, after, at=at, as_of=as_of)
    known = [known_by(side.folder.contracts, side.as_of) for side in sides]
    contracts = [contracts_at(contents, side.at) for contents, side in zip(known, sides, strict=True)]
    grants = [grants_at(contents, side.at) for contents, side in zip(known, sides, strict=True)]
    found, credits_found = compare_contracts(*contracts), compare_grants(*grants)
    content = {
        **{
            name: {"given": side.given, "at": instant_text(side.at), "contracts": len(in_force)}
            for name, side, in_force in zip(("before", "after"), sides, contracts, strict=True)
        },
        "contracts": [_difference_content(one) for one in found],
        "grants": [_grant_content(one) for one in credits_found],
    }
    call.finish(content, lambda: _show(call, sides, found, credits_found))


def _show(
    call: Invocation,
    sides: tuple[Side, Side],
    found: Sequence[ContractDifference],
    credits_found: Sequence[GrantDifference],
) -> None:
    for one in found:
        if one.before is None:
            call.say(f"{_label(one.key)}: new, valid from {_since(one.after)}")
        elif one.after is None:
            call.say(f"{_label(one.key)}: no longer in force; it was valid from {_since(one.before)}")
        else:
            call.say(f"{_label(one.key)}: valid from {_since(one.after)}, before from {_since(one.before)}")
        for change in one.changes:
            before, after = _text(change, change.before), _text(change, change.after)
            if change.key == "rule":
                call.say(f"  {_name(change)}\n    before: {before}\n    after:  {after}")
            else:
                call.say(f"  {_name(change)}: {before} -> {after}")
    for grant in credits_found:
        holder = f"prepaid credit {shown_id(grant.id)} of {shown_id(grant.customer)}"
        call.say(f"{holder}: {_grant_text(grant.before)} -> {_grant_text(grant.after)}")
    if not found and not credits_found:
        call.say(f"no contract differs between {shown_text(sides[0].given)} and {shown_text(sides[1].given)}")
        return
    counted = {"new": 0, "changed": 0, "no longer in force": 0}
    for one in found:
        counted["new" if one.before is None else "no longer in force" if one.after is None else "changed"] += 1
    call.say(", ".join(f"{number} {what}" for what, number in counted.items()))


def _label(key: AgreementKey) -> str:
    return "default" if key[0] == "default" else f"{key[0]} {shown_id(key[1])}"


def _since(contract: Contract | None) -> str:
    return "" if contract is None else instant_text(contract.valid_from)


def _name(change: TermChange) -> str:
    if change.key == "rule":
        return f"rule {shown_text(change.name)}"
    return "order of rules" if change.key == "order" else TERM_NAMES.get(change.key, change.key)


def _text(change: TermChange, value: object) -> str:
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


def _grant_text(grant: Grant | None) -> str:
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
                "before": None if change.before is None else _text(change, change.before),
                "after": None if change.after is None else _text(change, change.after),
            }
            for change in one.changes
        ],
    }


def _grant_content(one: GrantDifference) -> Content:
    return {
        "customer": one.customer,
        "id": one.id,
        "before": None if one.before is None else _grant_text(one.before),
        "after": None if one.after is None else _grant_text(one.after),
    }
