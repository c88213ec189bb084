"""Whether each rule of a contract says something that can be done, and can be reached."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

from tokentill.canonical import Content
from tokentill.contracts.features.tiers import SPEND
from tokentill.contracts.rules import glob_fits
from tokentill.errors import Finding
from tokentill.recordings.checks.placed_rules import PlacedRule, rules, rules_of
from tokentill.recordings.checks.price_rates import KNOWN_COUNTERS, looks_like_tokens
from tokentill.recordings.mistakes import near_miss
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.recording import Recordings
from tokentill.usage.quantities import SUMS, TOKEN_LEAVES

DEFAULT = "default"
_ALWAYS_THERE = ("model", "mode", "source")
"""Match keys that every record has a value for."""


def rules_name_known_quantities(recordings: Recordings) -> Iterator[Finding]:
    """Whatever a rule names is a leaf, a sum, or a counter that some price table or source knows."""
    fees = {name for item in recordings.prices for price in item.content["price"] for name in price.get("fees", ())}
    known = [*TOKEN_LEAVES, *SUMS, *sorted(fees | set(KNOWN_COUNTERS))]
    for rule in rules(recordings):
        for label, path, name in _names(rule.content):
            words = [*known, DEFAULT] if label == "markup_percent" else known
            words = [*known, SPEND] if label == "tiers over" else words
            if name not in words:
                is_error = name in (DEFAULT, SPEND) or looks_like_tokens(name)
                message = f'{label} "{name}" is not a known quantity'
                hint = near_miss(name, words) or "no price table has a fee of that name"
                yield rule.finding(path, message, hint, is_warning=not is_error)


def _names(rule: Content) -> Iterator[tuple[str, KeyPath, str]]:
    """Every name of a quantity in a rule: in which table, at which key."""
    for key in ("rates", "markup_percent", "add_on", "package"):
        yield from ((key, (key, name), name) for name in rule.get(key, ()))
    for name in rule.get("allowance", {}).get("units", ()):
        yield "allowance", ("allowance", "units", name), name
    tiers = rule.get("tiers", {})
    yield from (("tiers over", ("tiers", "over"), name) for name in tiers.get("over", ()))
    for index, tier in enumerate(tiers.get("tier", ())):
        for key in ("rates", "markup_percent"):
            yield from ((key, ("tiers", "tier", index, key, name), name) for name in tier.get(key, ()))


def a_rule_has_what_its_basis_needs(recordings: Recordings) -> Iterator[Finding]:
    """Own rates go with basis = "own", and with nothing else; what is marked up is there."""
    for rule in rules(recordings):
        is_own = rule.basis == "own"
        if is_own and "rates" not in rule.content:
            yield rule.finding(("basis",), 'basis = "own" without rates', "add rates = { input = ..., output = ... }")
        if "rates" in rule.content and not is_own:
            hint = 'add basis = "own", or remove it'
            yield rule.finding(("rates",), '"rates" has no effect without basis = "own"', hint)
        if "per" in rule.content and not is_own and not rule.has_tier_rates:
            hint = 'add basis = "own", or remove it'
            yield rule.finding(("per",), '"per" has no effect without basis = "own"', hint)
        yield from _markup_without_effect(rule)


def _markup_without_effect(rule: PlacedRule) -> Iterator[Finding]:
    """A markup of nothing, or of quantities where the basis is one amount for all of them."""
    stated: list[tuple[KeyPath, Content]] = [((), rule.content)]
    stated += [(("tiers", "tier", index), tier) for index, tier in enumerate(rule.tiers.get("tier", ()))]
    for path, table in stated:
        markup = table.get("markup_percent", {})
        named = next((name for name in markup if name != DEFAULT), None)
        if rule.basis == "cost" and named is not None:
            message = f'a markup on "{named}" has no effect with basis = "cost", which is one amount for a request'
            yield rule.finding((*path, "markup_percent"), message, "write one percentage: markup_percent = ...")
        elif rule.basis == "free" and markup and not rule.has_tier_rates:
            message = '"markup_percent" has no effect with basis = "free": there is nothing to mark up'
            yield rule.finding((*path, "markup_percent"), message, "remove it, or choose another basis")


def rules_can_be_reached(recordings: Recordings) -> Iterator[Finding]:
    """No rule stands after one that fits every record that it fits; the first that fits wins. Warning."""
    for recording in recordings.agreements:
        listed = list(rules_of(recording))
        for later in listed:
            hiding = next((rule for rule in listed[: later.index] if _hides(_match(rule), _match(later))), None)
            if hiding is None:
                continue
            fits = "that it fits" if _match(hiding) else ""
            message = f"rule {later.index + 1} is never reached: rule {hiding.index + 1} fits every record {fits}"
            hint = "put the narrower rule first" if fits else "put the rule without a match last"
            yield later.finding((), message.rstrip(), hint, is_warning=True)


def _match(rule: PlacedRule) -> Mapping[str, Sequence[str]]:
    """What a rule asks of a record, without what every record has."""
    match: Mapping[str, Sequence[str]] = rule.content.get("match", {})
    return {key: patterns for key, patterns in match.items() if not (key in _ALWAYS_THERE and "*" in patterns)}


def _hides(first: Mapping[str, Sequence[str]], later: Mapping[str, Sequence[str]]) -> bool:
    """Whether every record that fits the later match fits the first one."""
    return all(
        key in later and all(any(_covers(wide, narrow) for wide in patterns) for narrow in later[key])
        for key, patterns in first.items()
    )


def _covers(wide: str, narrow: str) -> bool:
    """Whether one glob surely fits whatever another one fits."""
    return wide == narrow or (glob_fits(wide, narrow) and not ("?" in wide and "*" in narrow))


def matches_name_known_models(recordings: Recordings) -> Iterator[Finding]:
    """A pattern of model ids fits at least one model of the price tables. Warning."""
    models = {price["model"] for item in recordings.prices for price in item.content["price"] if "model" in price}
    if not models:
        return
    for rule in rules(recordings):
        for pattern in rule.content.get("match", {}).get("model", ()):
            if not any(glob_fits(pattern, model) for model in models):
                near = difflib.get_close_matches(pattern, sorted(models), 1, 0.6)
                hint = f'did you mean "{near[0]}"?' if near else "a pattern fits the whole canonical model id"
                yield rule.finding(("match", "model"), f'no model fits "{pattern}"', hint, is_warning=True)


def names_tell_rules_apart(recordings: Recordings) -> Iterator[Finding]:
    """Two rules of one contract that count through a period have different names: they are known by them."""
    for recording in recordings.agreements:
        seen: dict[str, PlacedRule] = {}
        for rule in rules_of(recording):
            first = seen.setdefault(rule.name, rule)
            if first is not rule and (first.counts or rule.counts):
                message = f'rules {first.index + 1} and {rule.index + 1} are both called "{rule.name}"'
                hint = "name them differently; what a rule has counted in a period is kept under its name"
                yield rule.finding(("name",), message, hint)
