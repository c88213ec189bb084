"""Whether what a rule counts through a period makes sense: tiers, allowances, packages, credits, and together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from tokentill.contracts.features.tiers import SPEND
from tokentill.errors import Finding
from tokentill.money import amount_text, divides_exactly
from tokentill.recordings.checks.placed_rules import PlacedRule, rules, rules_of
from tokentill.recordings.checks.rules import DEFAULT
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.recording import Recording, Recordings
from tokentill.usage.quantities import SUMS, leaves_of


def tiers_leave_no_gap(recordings: Recordings) -> Iterator[Finding]:
    """`up_to` stands in every tier but the last, rises, and is a whole number where units are counted."""
    for rule in rules(recordings):
        tiers = rule.tiers.get("tier", ())
        for number, tier in enumerate(tiers, start=1):
            path: KeyPath = ("tiers", "tier", number - 1)
            is_last = number == len(tiers)
            if is_last and "up_to" in tier:
                message = f"the last tier ends at {tier['up_to']}, and nothing says what holds above"
                yield rule.finding((*path, "up_to"), message, "leave up_to out of the last tier, or add one without it")
            elif not is_last and "up_to" not in tier:
                message = f"tier {number} has no up_to, and another tier follows it"
                yield rule.finding(path, message, "add up_to = ..., the last unit that lies in it")
            if "." in tier.get("up_to", "") and not rule.is_over_spend:
                message = f"up_to is {tier['up_to']}, and units are whole"
                yield rule.finding((*path, "up_to"), message, "write a whole number, or count over spend")
        bounds = [(number, Decimal(tier["up_to"])) for number, tier in enumerate(tiers, start=1) if "up_to" in tier]
        for (before, below), (number, up_to) in pairwise(bounds):
            if up_to <= below:
                message = f"up_to does not rise: tier {number} ends at or below tier {before}"
                yield rule.finding(("tiers", "tier", number - 1, "up_to"), message, "order the tiers by up_to")


def tiers_over_spend_are_marked_up_alike(recordings: Recordings) -> Iterator[Finding]:
    """Spend is one amount: it is counted alone, and its tiers have one percentage each, and no rates."""
    for rule in rules(recordings):
        over = rule.tiers.get("over", ())
        if SPEND in over and len(over) > 1:
            others = " and ".join(f'"{name}"' for name in over if name != SPEND)
            message = f'"{SPEND}" is an amount, and {others} are units; tiers run over one of the two'
            yield rule.finding(("tiers", "over"), message, f'write over = "{SPEND}", or leave it out')
        if not rule.is_over_spend:
            continue
        if rule.basis == "free":
            message = f'tiers over "{SPEND}" with basis = "free" count nothing'
            yield rule.finding(("tiers", "over"), message, "choose another basis, or count units")
        tables: list[tuple[KeyPath, object]] = [(("markup_percent",), rule.content.get("markup_percent"))]
        for index, tier in enumerate(rule.tiers["tier"]):
            path: KeyPath = ("tiers", "tier", index)
            tables.append(((*path, "markup_percent"), tier.get("markup_percent")))
            if "rates" in tier:
                message = f'a tier over "{SPEND}" cannot have rates: an amount is not priced by the unit'
                yield rule.finding((*path, "rates"), message, "write markup_percent = ..., or count units")
        for path, markup in tables:
            if isinstance(markup, dict) and set(markup) != {DEFAULT}:
                message = f'with tiers over "{SPEND}" a markup by quantity has no effect'
                yield rule.finding(path, message, "write one percentage: markup_percent = ...")


def a_flat_amount_at_zero_is_stated(recordings: Recordings) -> Iterator[Finding]:
    """`flat_at_zero` charges the flat amount of the first tier, so there is one."""
    for rule in rules(recordings):
        tiers = rule.tiers.get("tier", ({},))
        if rule.tiers.get("flat_at_zero") and not Decimal(tiers[0].get("flat", 0)):
            message = "flat_at_zero has no effect: the first tier has no flat amount"
            yield rule.finding(("tiers", "flat_at_zero"), message, "add flat = ... to the first tier, or remove it")


def an_allowance_includes_something(recordings: Recordings) -> Iterator[Finding]:
    """An allowance is of units, of an amount, or of both."""
    for rule in rules(recordings):
        if "allowance" in rule.content and not rule.content["allowance"]:
            message = "the allowance includes nothing"
            yield rule.finding(("allowance",), message, "write units = { output = ... }, or amount = ...")


def no_quantity_is_counted_twice(recordings: Recordings) -> Iterator[Finding]:
    """Inside an allowance, the tiers or the packages every leaf is named once, by itself or in a sum."""
    for rule in rules(recordings):
        content = rule.content
        named: list[tuple[str, KeyPath, Iterable[str]]] = [
            ("the allowance", ("allowance", "units"), content.get("allowance", {}).get("units", ())),
            ("the tiers", ("tiers", "over"), content.get("tiers", {}).get("over", ())),
            ("the packages", ("package",), content.get("package", ())),
        ]
        for what, path, names in named:
            seen: dict[str, str] = {}
            for name in names:
                twin = next((seen[leaf] for leaf in leaves_of((name,)) if leaf in seen), None)
                if twin is not None:
                    leaf, whole = sorted((twin, name), key=lambda found: found in SUMS)
                    message = f'"{leaf}" is counted twice in {what}: "{whole}" holds it'
                    yield rule.finding((*path, name), message, "keep one of the two")
                seen |= dict.fromkeys(leaves_of((name,)), name)


def a_packaged_quantity_is_charged_in_packages_alone(recordings: Recordings) -> Iterator[Finding]:
    """What is charged in packages has no other price: no rate, markup or add-on, and no tiers run over it."""
    for rule in rules(recordings):
        packaged = set(leaves_of(rule.content.get("package", ())))
        places: list[tuple[str, KeyPath, str]] = [
            (key, (key, name), name)
            for key in ("rates", "markup_percent", "add_on")
            for name in rule.content.get(key, ())
        ]
        places += [("tiers", ("tiers", "over"), name) for name in rule.tiers.get("over", ())]
        for key, path, name in places:
            leaves = set(leaves_of((name,)))
            if leaves <= packaged or (key == "tiers" and leaves & packaged):
                message = f'"{name}" is charged in packages, and stands in "{key}" too'
                yield rule.finding(path, message, "keep one of the two")


def credits_can_be_counted(recordings: Recordings) -> Iterator[Finding]:
    """Without rounding, amounts are a finite number of credits; with it, `at_least` has something to act on."""
    for rule in rules(recordings):
        unit = rule.content.get("credits")
        if unit is None or unit["round_up"] == "request":
            continue
        worth, _ = Decimal(unit["worth"]).as_integer_ratio()
        if not divides_exactly(worth):
            message = f"amounts do not divide exactly by a worth of {amount_text(Decimal(unit['worth']))}"
            hint = 'choose a worth such as 0.002, 0.0025 or 0.01, or round_up = "request"'
            yield rule.finding(("credits", "worth"), message, hint)
        if unit.get("at_least"):
            message = 'at_least has no effect with round_up = "never"'
            yield rule.finding(("credits", "at_least"), message, 'write round_up = "request", or remove it')


def what_is_combined_has_a_meaning(recordings: Recordings) -> Iterator[Finding]:
    """Combinations that are not defined are refused.

    With units included, one request has no price of its own, so nothing can be rounded up to; the reported cost is
    one amount for a request, so no part of it belongs to some of its units.
    """
    for rule in rules(recordings):
        is_rounded = rule.content.get("credits", {}).get("round_up") == "request"
        has_floor = "min_margin_percent" in rule.content
        if rule.counts_units and (is_rounded or has_floor):
            what = "min_margin_percent" if has_floor else "credits by the request"
            message = f"an allowance of units together with {what} is not defined"
            yield rule.finding(("allowance", "units"), message, "write the allowance as an amount of money")
        if rule.basis == "cost":
            parts: tuple[tuple[str, KeyPath, bool], ...] = (
                ("an allowance of units", ("allowance", "units"), rule.counts_units),
                ("rates of a tier", _first_tier_rates(rule), rule.has_tier_rates),
                ("a package", ("package",), "package" in rule.content),
            )
            for what, path, is_there in parts:
                if is_there:
                    message = f'{what} together with basis = "cost" is not defined: a cost is not split by units'
                    yield rule.finding(path, message, "choose another basis, or count spend")


def versions_go_on_counting_alike(recordings: Recordings) -> Iterator[Finding]:
    """A rule that goes on in a later version of its contract counts what it counted before. Warning."""
    versions: dict[tuple[str, str], list[Recording]] = {}
    for recording in recordings.agreements:
        versions.setdefault((recording.content["kind"], recording.content["id"]), []).append(recording)
    for found in versions.values():
        found.sort(key=lambda recording: [_instant(recording, key) for key in ("valid_from", "recorded_at")])
        for earlier, later in pairwise(found):
            before = {rule.name: rule.tiers["over"] for rule in rules_of(earlier) if rule.tiers}
            for rule in rules_of(later):
                over = rule.tiers.get("over")
                if over is not None and before.get(rule.name, over) != over:
                    counted, counts = (" and ".join(names) for names in (before[rule.name], over))
                    message = f'rule "{rule.name}" counts {counts}, and in {earlier.file.shown} it counts {counted}'
                    hint = "within a period it goes on from there; give it another name, so that it begins anew"
                    yield rule.finding(("tiers", "over"), message, hint, is_warning=True)


def _instant(recording: Recording, key: str) -> datetime:
    return datetime.fromisoformat(recording.content[key])


def _first_tier_rates(rule: PlacedRule) -> KeyPath:
    tiers = rule.tiers.get("tier", ())
    index = next((index for index, tier in enumerate(tiers) if "rates" in tier), 0)
    return ("tiers", "tier", index, "rates")
