"""Whether the rules of contracts can be reached, and name what records and price tables have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise

from tokentill.contracts.book import Contract
from tokentill.contracts.features.tiers import SPEND
from tokentill.contracts.rules import Rule
from tokentill.errors import Finding
from tokentill.prices.model_ids import near_model
from tokentill.recordings.mistakes import KNOWN_COUNTERS, KNOWN_MODES, looks_like_tokens, near_miss, near_mode
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.reading import Located
from tokentill.recordings.recording import Recordings
from tokentill.recordings.schemas.rules import DEFAULT
from tokentill.usage.globs import glob_fits
from tokentill.usage.quantities import BUILT_IN_FALLBACK, SUMS, TOKEN_LEAVES, leaves_of, sum_over
from tokentill.versions import precedence

_ALWAYS_THERE = ("model", "mode", "source")
"""Match keys that every record has a value for."""


def rules_name_known_quantities(recordings: Recordings) -> Iterator[Finding]:
    """Whatever a rule names is a leaf, a sum, or a counter that some price table or source knows."""
    fees = {name for entry in recordings.entries for name in entry.value.fees}
    known = [*TOKEN_LEAVES, *SUMS, *sorted(fees | set(KNOWN_COUNTERS))]
    more = {"markup_percent": [DEFAULT], "tiers over": [SPEND]}
    for rule in recordings.rules:
        for label, path, name in _names(rule.value):
            words = [*known, *more.get(label, ())]
            is_error = name in (DEFAULT, SPEND) or looks_like_tokens(name)
            if name not in words and (is_error or not recordings.is_unread("models", name)):
                message = f'{label} "{name}" is not a known quantity'
                hint = near_miss(name, words) or "no price table has a fee of that name"
                yield rule.finding(path, message, hint, is_warning=not is_error)


def _names(rule: Rule) -> Iterator[tuple[str, KeyPath, str]]:
    """Every name of a quantity in a rule: in which table, at which key."""
    for key in ("rates", "markup_percent", "add_on", "package"):
        yield from ((key, (key, name), name) for name in getattr(rule, key))
    for name in () if rule.allowance is None else rule.allowance.units:
        yield "allowance", ("allowance", "units", name), name
    if rule.tiers is None:
        return
    yield from (("tiers over", ("tiers", "over"), name) for name in rule.tiers.over)
    for index, tier in enumerate(rule.tiers.tiers):
        for key in ("rates", "markup_percent"):
            yield from ((key, ("tiers", "tier", index, key, name), name) for name in getattr(tier, key) or ())


def rules_can_be_reached(recordings: Recordings) -> Iterator[Finding]:
    """No rule stands after one that fits every record that it fits; the first that fits wins. Warning."""
    for contract in recordings.agreements:
        asked = [_asked(rule) for rule in contract.value.rules]
        for index, later in enumerate(asked):
            hiding = next((n for n in range(index) if _hides(asked[n], later)), None)
            if hiding is None:
                continue
            fits = "that it fits" if asked[hiding] else ""
            message = f"rule {index + 1} is never reached: rule {hiding + 1} fits every record {fits}"
            hint = "put the narrower rule first" if fits else "put the rule without a match last"
            yield contract.finding(("rule", index), message.rstrip(), hint, is_warning=True)


def _asked(rule: Rule) -> Mapping[str, Sequence[str]]:
    """What a rule asks of a record, without what every record has."""
    return {key: patterns for key, patterns in rule.match.items() if not (key in _ALWAYS_THERE and "*" in patterns)}


def _hides(first: Mapping[str, Sequence[str]], later: Mapping[str, Sequence[str]]) -> bool:
    """Whether every record that fits the later match fits the first one."""
    return all(
        key in later and all(any(_covers(wide, narrow) for wide in patterns) for narrow in later[key])
        for key, patterns in first.items()
    )


def _covers(wide: str, narrow: str) -> bool:
    """Whether one glob surely fits whatever another one fits."""
    return wide == narrow or (glob_fits(wide, narrow) and not ("?" in wide and "*" in narrow))


def names_tell_rules_apart(recordings: Recordings) -> Iterator[Finding]:
    """Two rules of one contract that count through a period have different names: they are known by them."""
    for contract in recordings.agreements:
        seen: dict[str, int] = {}
        rules = contract.value.rules
        for index, rule in enumerate(rules):
            first = seen.setdefault(rule.name, index)
            if first != index and (rules[first].counts_on or rule.counts_on):
                message = f'rules {first + 1} and {index + 1} are both called "{rule.name}"'
                hint = "name them differently; what a rule has counted in a period is kept under its name"
                yield contract.finding(("rule", index, "name"), message, hint)


def matches_name_known_models(recordings: Recordings) -> Iterator[Finding]:
    """A pattern of model ids fits at least one model of the price tables. Warning."""
    models = {entry.value.model for entry in recordings.entries}
    if not models or recordings.is_unread("models"):
        return
    for rule in recordings.rules:
        for pattern in rule.value.match.get("model", ()):
            if not any(glob_fits(pattern, model) for model in models):
                near = near_model(pattern, models)
                hint = f'did you mean "{near}"?' if near else "a pattern fits the whole canonical model id"
                yield rule.finding(("match", "model"), f'no model fits "{pattern}"', hint, is_warning=True)


def matches_name_known_modes(recordings: Recordings) -> Iterator[Finding]:
    """A pattern of modes fits one that catalogs know or that some price table has. Warning."""
    modes = {*KNOWN_MODES, *(mode for entry in recordings.entries for mode in entry.value.modes)}
    if recordings.is_unread("models"):
        return
    for rule in recordings.rules:
        for pattern in rule.value.match.get("mode", ()):
            near = near_mode(pattern)
            if (near or recordings.entries) and not any(glob_fits(pattern, mode) for mode in modes):
                hint = f'did you mean "{near}"?' if near else f"known modes are {', '.join(sorted(modes))}"
                message = f'no mode fits "{pattern}"'
                yield rule.finding(("match", "mode"), message, hint, is_warning=True)


def tier_rates_are_of_what_is_counted(recordings: Recordings) -> Iterator[Finding]:
    """The rates of a tier are those of the units that the tiers run over, of all of them, and of nothing else.

    Where a sum is counted, a leaf that no model of the rule has needs none; one that some model has is warned of.
    """
    for rule in recordings.rules:
        tiers = rule.value.tiers
        if tiers is None or all(tier.rates is None for tier in tiers.tiers):
            continue
        used = leaves_of_models(rule.value, recordings)
        for index, tier in enumerate(tiers.tiers):
            path: KeyPath = ("tiers", "tier", index, "rates")
            for name in tier.rates or ():
                if not set(leaves_of((name,))) & set(tiers.measured):
                    message = f'tier {index + 1} has a rate for "{name}", which the tiers do not run over'
                    yield rule.finding((*path, name), message, "name it in over, or give its rate outside of the tiers")
            for name in () if tier.rates is None else tiers.over:
                missing = [leaf for leaf in leaves_of((name,)) if not has_own_rate(leaf, tier.rates or ())]
                if name in SUMS:
                    missing = [leaf for leaf in missing if leaf in used]
                if missing:
                    message = f'tier {index + 1} has no rate for "{missing[0]}", which the tiers run over'
                    hint = f"add {missing[0]} = ...; such usage will be unpriced"
                    yield rule.finding(path, message, hint, is_warning=name in SUMS)


def leaves_of_models(rule: Rule, recordings: Recordings) -> Mapping[str, str]:
    """The leaves that price tables have a rate for, of the models that a rule fits, each with one such model.

    Of a rule for all models, only those count that the folder itself has a price for.
    """
    patterns = rule.match.get("model", ("*",))
    entries = recordings.entries if "model" in rule.match else recordings.own_entries
    names: dict[str, str] = {}
    for entry in entries:
        if any(glob_fits(pattern, entry.value.model) for pattern in patterns):
            for leaf in entry.value.standard.rates:
                names.setdefault(leaf, entry.value.model)
    return names


def has_own_rate(leaf: str, rates: Iterable[str]) -> bool:
    """Whether own rates have one for a leaf: its own, that of a sum, or that of its fallback."""
    return bool({leaf, sum_over(leaf), BUILT_IN_FALLBACK.get(leaf)} & set(rates))


def versions_go_on_counting_alike(recordings: Recordings) -> Iterator[Finding]:
    """A rule that goes on in a later version of its contract counts what it counted before. Warning."""

    def contract_id(contract: Located[Contract]) -> tuple[str, str]:
        return contract.value.kind, contract.value.id

    listed = sorted(recordings.agreements, key=lambda contract: (contract_id(contract), precedence(contract.value)))
    for _, versions in groupby(listed, contract_id):
        for earlier, later in pairwise(versions):
            before = {rule.name: rule.tiers.over for rule in earlier.value.rules if rule.tiers is not None}
            for index, rule in enumerate(later.value.rules):
                over = None if rule.tiers is None else rule.tiers.over
                if over is not None and before.get(rule.name, over) != over:
                    counted, counts = (" and ".join(names) for names in (before[rule.name], over))
                    message = f'rule "{rule.name}" counts {counts}, and in {earlier.file.shown} it counts {counted}'
                    hint = "within a period it goes on from there; give it another name, so that it begins anew"
                    yield later.finding(("rule", index, "tiers", "over"), message, hint, is_warning=True)


CHECKS = (
    rules_name_known_quantities,
    rules_can_be_reached,
    names_tell_rules_apart,
    matches_name_known_models,
    matches_name_known_modes,
    tier_rates_are_of_what_is_counted,
    versions_go_on_counting_alike,
)
