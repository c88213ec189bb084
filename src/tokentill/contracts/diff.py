"""What differs between the contracts that are in force at two instants, or in two sets of recordings.

Pure. Contracts are compared by what they state, term by term and rule by rule; a new file that states the same does not
differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from tokentill.canonical import Content
from tokentill.contracts.book import Contract, ContractBook, ContractKind
from tokentill.contracts.invoice_terms import Grant, InvoiceTerms
from tokentill.contracts.rules import Rule

AgreementKey = tuple[ContractKind, str]
_HEADER = ("plan", "currency", "time_zone", "anchor_day", "parent")
_KEYS_IN_FILES = {"coupons": "coupon", "taxes": "tax", "requires_approval": "require_approval"}
_KINDS: tuple[ContractKind, ...] = ("default", "plan", "customer")


@dataclass(frozen=True, slots=True)
class TermChange:
    """One thing that two versions of a contract state differently; None where one of them does not state it.

    `key` is `plan`, `currency`, ..., a term of `InvoiceTerms`, `rule`, or `order` of rules (their names).
    """

    key: str
    name: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class ContractDifference:
    """One contract on both sides; None where it is not in force."""

    key: AgreementKey
    before: Contract | None
    after: Contract | None
    changes: tuple[TermChange, ...]


@dataclass(frozen=True, slots=True)
class GrantDifference:
    """One prepaid credit grant on both sides; None where it is not in effect."""

    customer: str
    id: str
    before: Grant | None
    after: Grant | None


def contracts_at(contents: Iterable[Content], at: datetime) -> dict[AgreementKey, Contract]:
    """Every contract in force at an instant: the default, then plans, then customers, each in the order of ids."""
    listed = list(contents)
    book = ContractBook(listed)
    keys = {
        (content["kind"], "" if content["kind"] == "default" else content["id"])
        for content in listed
        if "id" in content
    }
    ordered = sorted(keys, key=lambda key: (_KINDS.index(key[0]), key[1].encode()))
    in_force = {key: book.at(*key, at) for key in ordered}
    return {key: contract for key, contract in in_force.items() if contract is not None}


def grants_at(contents: Iterable[Content], at: datetime) -> dict[tuple[str, str], Grant]:
    """Every grant in effect at an instant, by customer and id."""
    listed = [content for content in contents if content["kind"] == "grant"]
    book = ContractBook(listed)
    holders = sorted({grant["customer"] for content in listed for grant in content["grant"]}, key=str.encode)
    return {
        (holder, grant.id): grant
        for holder in holders
        for grant in book.grants(holder)
        if grant.valid_from <= at and (grant.expires_at is None or at < grant.expires_at)
    }


def compare_contracts(
    before: Mapping[AgreementKey, Contract], after: Mapping[AgreementKey, Contract]
) -> list[ContractDifference]:
    """What differs between two sets of contracts in force. Contracts that state the same are not listed."""
    differences = []
    for key in sorted({*before, *after}, key=lambda key: (_KINDS.index(key[0]), key[1].encode())):
        old, new = before.get(key), after.get(key)
        changes = tuple(_changes(old, new)) if old is not None and new is not None else ()
        if changes or old is None or new is None:
            differences.append(ContractDifference(key, old, new, changes))
    return differences


def compare_grants(
    before: Mapping[tuple[str, str], Grant], after: Mapping[tuple[str, str], Grant]
) -> list[GrantDifference]:
    """What differs between two sets of grants in effect, whenever each was recorded."""
    keys = sorted({*before, *after}, key=lambda key: (key[0].encode(), key[1].encode()))
    pairs = ((key, before.get(key), after.get(key)) for key in keys)
    return [GrantDifference(*key, old, new) for key, old, new in pairs if _stated(old) != _stated(new)]


def _stated(grant: Grant | None) -> tuple[object, ...] | None:
    if grant is None:
        return None
    return tuple(getattr(grant, field.name) for field in fields(grant) if field.compare and field.name != "recorded_at")


def lost_terms(earlier: Contract, later: Contract) -> list[str]:
    """The terms of a version of a contract that the one in its place lacks, by their keys in a file; `rule` for all
    rules of one that has none left.
    """
    kept = set(_terms(later))
    return [term for term in _terms(earlier) if term not in kept]


def _terms(contract: Contract) -> Iterator[str]:
    yield from (key for key in _HEADER if getattr(contract, key) is not None)
    for field in fields(InvoiceTerms):
        if getattr(contract.invoice, field.name) is not None:
            yield _KEYS_IN_FILES.get(field.name, field.name)
    if contract.rules:
        yield "rule"


def _changes(old: Contract, new: Contract) -> Iterable[TermChange]:
    for key in (*_HEADER, "bill_from"):
        if getattr(old, key) != getattr(new, key):
            yield TermChange(key, key, getattr(old, key), getattr(new, key))
    for field in fields(InvoiceTerms):
        was, is_now = getattr(old.invoice, field.name), getattr(new.invoice, field.name)
        if was != is_now:
            yield TermChange(field.name, field.name, was, is_now)
    old_rules, new_rules = _by_name(old.rules), _by_name(new.rules)
    for name in dict.fromkeys((*old_rules, *new_rules)):
        was_rule, is_rule = old_rules.get(name), new_rules.get(name)
        if (was_rule and was_rule.hash) != (is_rule and is_rule.hash):
            yield TermChange("rule", name, was_rule, is_rule)
    kept = [name for name in old_rules if name in new_rules], [name for name in new_rules if name in old_rules]
    if kept[0] != kept[1]:
        yield TermChange("order", "order", tuple(kept[0]), tuple(kept[1]))


def _by_name(rules: Iterable[Rule]) -> dict[str, Rule]:
    """Rules by their names; a name that comes again is distinguished by its number."""
    by_name: dict[str, Rule] = {}
    for number, rule in enumerate(rules, start=1):
        by_name[rule.name if rule.name not in by_name else f"{rule.name} ({number})"] = rule
    return by_name
