"""Whether own rates, those of a rule and those of its tiers, are of what they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tokentill.contracts.rules import glob_fits
from tokentill.errors import Finding
from tokentill.prices.entries import BUILT_IN_FALLBACK
from tokentill.recordings.checks.placed_rules import PlacedRule, rules
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.recording import Recordings
from tokentill.usage.quantities import SUMS, TOKEN_LEAVES, leaves_of, sum_over


def own_rates_lack_nothing_of_the_list(recordings: Recordings) -> Iterator[Finding]:
    """Own rates are of every leaf that a model of the rule has a list price for, or a fallback is. Warning."""
    for rule in rules(recordings):
        if rule.basis != "own" or "rates" not in rule.content:
            continue
        used = _leaves_of_models(rule, recordings)
        others = _priced_elsewhere(rule)
        missing = [leaf for leaf in TOKEN_LEAVES if leaf in used and leaf not in others]
        missing = [leaf for leaf in missing if not _has_rate(leaf, rule.content["rates"])]
        if missing:
            named = " and ".join(f'"{leaf}"' for leaf in missing)
            message = f"the own rates have none for {named}, which {used[missing[0]]} has"
            hint = f"add {missing[0]} = ..., or a rate of a sum; such usage will be unpriced"
            yield rule.finding(("rates",), message, hint, is_warning=True)


def _priced_elsewhere(rule: PlacedRule) -> set[str]:
    """Leaves that own rates are not asked for: those in packages, and those that every tier has a rate for."""
    packaged = set(leaves_of(rule.content.get("package", ())))
    tiers = rule.tiers.get("tier", ())
    if not tiers or not all("rates" in tier for tier in tiers):
        return packaged
    return packaged | set(leaves_of(rule.tiers["over"]))


def tier_rates_are_of_what_is_counted(recordings: Recordings) -> Iterator[Finding]:
    """The rates of a tier are those of the units that the tiers run over, of all of them, and of nothing else.

    Where a sum is counted, a leaf that no model of the rule has needs none; one that some model has is warned of.
    """
    for rule in rules(recordings):
        if rule.is_over_spend or not rule.has_tier_rates:
            continue
        over = rule.tiers["over"]
        counted = leaves_of(over)
        used = _leaves_of_models(rule, recordings)
        for index, tier in enumerate(rule.tiers["tier"]):
            rates = tier.get("rates")
            if rates is None:
                continue
            path: KeyPath = ("tiers", "tier", index, "rates")
            for name in rates:
                if not set(leaves_of((name,))) & set(counted):
                    message = f'tier {index + 1} has a rate for "{name}", which the tiers do not run over'
                    yield rule.finding((*path, name), message, "name it in over, or give its rate outside of the tiers")
            for name in over:
                missing = [leaf for leaf in leaves_of((name,)) if not _has_rate(leaf, rates)]
                if name in SUMS:
                    missing = [leaf for leaf in missing if leaf in used]
                if missing:
                    message = f'tier {index + 1} has no rate for "{missing[0]}", which the tiers run over'
                    hint = f"add {missing[0]} = ...; such usage will be unpriced"
                    yield rule.finding(path, message, hint, is_warning=name in SUMS)


def _leaves_of_models(rule: PlacedRule, recordings: Recordings) -> Mapping[str, str]:
    """The leaves that price tables have a rate for, of the models that a rule fits, each with one such model."""
    patterns: Iterable[str] = rule.content.get("match", {}).get("model", ("*",))
    found: dict[str, str] = {}
    for recording in recordings.prices:
        for price in recording.content["price"]:
            model = price.get("model")
            if model is not None and any(glob_fits(pattern, model) for pattern in patterns):
                for leaf in price.get("rates", ()):
                    found.setdefault(leaf, model)
    return found


def _has_rate(leaf: str, rates: Mapping[str, str]) -> bool:
    named = (leaf, sum_over(leaf), BUILT_IN_FALLBACK.get(leaf))
    return any(name is not None and name in rates for name in named)
