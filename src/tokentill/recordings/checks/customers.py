"""Whether the customers that files name are those that are meant: near misses, and templates that look like globs.

All warn, and whoever means a name says so beside it. Released files were looked at.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping

from tokentill.contracts.invoice_terms import Grant
from tokentill.contracts.opening_balances import OpeningBalance
from tokentill.errors import Finding
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.reading import Located
from tokentill.recordings.recording import Recordings
from tokentill.usage.attribution import EACH_USER, PLACEHOLDER, AttributionRule, AttributionRules, template_pattern
from tokentill.versions import in_force

_DIGITS = re.compile(r"[0-9]+")
_SIGN = re.compile(r"[*?]|\{[^{}]*\}")
"""What stands for something in other languages of patterns."""

_NEW_CUSTOMER = "if it is meant, say new_customer = true"


def templates_know_only_the_id(recordings: Recordings) -> Iterator[Finding]:
    """No template has a `*`, `?` or placeholder that means nothing in it."""
    for rule in _rules(recordings):
        if rule.value.is_literal:
            continue
        stated: list[tuple[KeyPath, str]] = [(("match", key), text) for key, text in rule.value.templates.items()]
        has_id = any(PLACEHOLDER in text for _, text in stated)
        for path, text in (*stated, (("customer",), rule.value.customer)):
            sign = next((sign for sign in _SIGN.findall(text) if sign != PLACEHOLDER), None)
            if sign is not None:
                message = f"a template knows only {PLACEHOLDER}; `{sign}` is taken literally"
                meant = f'write {path[-1]} = "{text.replace(sign, PLACEHOLDER, 1)}"'
                is_second = has_id and path[0] == "match"
                hint = "one place of a rule can be open: write out the rest" if is_second else meant
                yield rule.finding(path, message, f"{hint}; if it is meant, say literal = true", is_warning=True)


def customers_are_those_that_are_known(recordings: Recordings) -> Iterator[Finding]:
    """Grants, opening balances and attribution rules name a customer that something else names: no id is nearly that of
    another.

    Any user may be a customer where attribution says so; ids that differ in their numbers are two customers.
    """
    contracted = frozenset(recordings.book.customers)
    with_contract = _by_numbers(contracted)
    rules = [rule for rule in _rules(recordings) if PLACEHOLDER not in rule.value.customer]
    for rule in rules:
        if not rule.value.is_new_customer and rule.value.customer not in contracted:
            yield from _near_misses(rule, rule.value.customer, with_contract, recordings)
    named = contracted | {rule.value.customer for rule in rules}
    with_name = _by_numbers(named)
    held: list[Located[Grant] | Located[OpeningBalance]] = [*recordings.grants, *recordings.opening_balances]
    for grant in held:
        customer = grant.value.customer
        if grant.value.is_new_customer or customer in named:
            continue
        near = [*_near_misses(grant, customer, with_name, recordings)]
        yield from near or _named_by_nothing(grant, recordings)


def _near_misses(
    located: Located[Grant] | Located[OpeningBalance] | Located[AttributionRule],
    customer: str,
    known: Mapping[tuple[str, ...], Mapping[str, str]],
    recordings: Recordings,
) -> Iterator[Finding]:
    """That an unknown customer is called nearly like one that is known."""
    alike = {} if recordings.is_unread("contracts", customer) else known.get(_numbers(customer), {})
    for near in difflib.get_close_matches(customer.casefold().strip(), sorted(alike), 1, 0.8):
        message = f'no contract is of a customer "{customer}"'
        hint = f'did you mean "{alike[near]}"? {_NEW_CUSTOMER.capitalize()}'
        yield located.finding(("customer",), message, hint, is_warning=True)


def _named_by_nothing(grant: Located[Grant] | Located[OpeningBalance], recordings: Recordings) -> Iterator[Finding]:
    """That no contract and no attribution rule leads to the customer of a grant, while it is in effect."""
    customer, starts_at = grant.value.customer, grant.value.valid_from
    if recordings.is_unread("contracts", customer) or recordings.is_unread("attribution"):
        return
    holding = in_force((located.value for located in recordings.attribution_rules), starts_at)
    later = (located.value for located in recordings.attribution_rules if located.value.valid_from > starts_at)
    sets = [*(() if holding is None else (holding,)), *later]
    if not sets or any(rules.default == EACH_USER or _leads_to(rules, customer) for rules in sets):
        return
    message = f'nothing else names a customer "{customer}": no contract, and no attribution rule'
    hint = f"check the id, or add a contract or a rule; {_NEW_CUSTOMER}"
    yield grant.finding(("customer",), message, hint, is_warning=True)


def _leads_to(rules: AttributionRules, customer: str) -> bool:
    return any(template_pattern(rule.customer).fullmatch(customer) for rule in rules.rules)


def _rules(recordings: Recordings) -> list[Located[AttributionRule]]:
    """Every attribution rule."""
    return [
        Located(rule, located.file, ("rule", index))
        for located in recordings.attribution_rules
        for index, rule in enumerate(located.value.rules)
    ]


def _by_numbers(ids: Iterable[str]) -> Mapping[tuple[str, ...], Mapping[str, str]]:
    """Ids by the numbers in them, then by how they are compared."""
    known: dict[tuple[str, ...], dict[str, str]] = {}
    for id_ in sorted(ids):
        known.setdefault(_numbers(id_), {})[id_.casefold().strip()] = id_
    return known


def _numbers(id_: str) -> tuple[str, ...]:
    return tuple(_DIGITS.findall(id_))


CHECKS = (templates_know_only_the_id, customers_are_those_that_are_known)
