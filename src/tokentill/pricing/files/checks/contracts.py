"""Whether contracts, attribution rules and exchange rates make sense, alone and together."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from tokentill.errors import Finding
from tokentill.pricing.files.checks.price_rates import KNOWN_COUNTERS, looks_like_tokens
from tokentill.pricing.files.checks.zones import zone_mistake
from tokentill.pricing.files.lines import KeyPath
from tokentill.pricing.files.mistakes import near_miss
from tokentill.pricing.files.recordings import Recording, Recordings
from tokentill.pricing.rules import glob_fits
from tokentill.usage.attribution import PLACEHOLDER
from tokentill.usage.record import SUMS, TOKEN_LEAVES


def one_default_contract(recordings: Recordings) -> Iterator[Finding]:
    """Contracts of kind default share one id, and where there are contracts there is a default one (warning)."""
    defaults = [recording for recording in recordings.agreements if recording.content["kind"] == "default"]
    for recording in defaults[1:]:
        if recording.content["id"] != defaults[0].content["id"]:
            message = f'a second default contract "{recording.content["id"]}" beside "{defaults[0].content["id"]}"'
            hint = f'a new version of it keeps its id; another offer is a kind = "plan" (see {defaults[0].file.shown})'
            yield recording.file.finding(("id",), message, hint)
    if recordings.agreements and not defaults:
        message = "there is no default contract; customers without one get USD, UTC and the first of the month"
        hint = 'add one with kind = "default"'
        yield recordings.agreements[0].file.finding((), message, hint, is_warning=True)


def no_contract_is_stated_twice(recordings: Recordings) -> Iterator[Finding]:
    """One contract has one version for each pair of `valid_from` and `recorded_at`."""
    seen: dict[tuple[str, ...], Recording] = {}
    for recording in recordings.agreements:
        key = tuple(recording.content[name] for name in ("kind", "id", "valid_from", "recorded_at"))
        first = seen.setdefault(key, recording)
        if first is not recording:
            message = f'{key[0]} "{key[1]}" has the same valid_from and recorded_at in {first.file.shown}'
            yield recording.file.finding(("id",), message, "a correction is a new file with a later recorded_at")


def a_validity_is_not_empty(recordings: Recordings) -> Iterator[Finding]:
    """`valid_to` lies after `valid_from`."""
    for recording in recordings.agreements:
        valid_to = recording.content.get("valid_to")
        if valid_to is not None and valid_to.rstrip("Z") <= recording.content["valid_from"].rstrip("Z"):
            yield recording.file.finding(("valid_to",), "valid_to is not after valid_from", "valid_to is exclusive")


def plans_exist(recordings: Recordings) -> Iterator[Finding]:
    """The plan of a customer is some contract of kind plan; plans and defaults have none."""
    plans = {item.content["id"] for item in recordings.agreements if item.content["kind"] == "plan"}
    for recording in recordings.agreements:
        plan = recording.content.get("plan")
        if plan is None:
            continue
        if recording.content["kind"] != "customer":
            message = f'a contract of kind "{recording.content["kind"]}" is on no plan'
            yield recording.file.finding(("plan",), message, "remove the key; only a customer is on a plan")
        elif plan not in plans:
            hint = near_miss(plan, sorted(plans)) or f'add a contract with kind = "plan" and id = "{plan}"'
            yield recording.file.finding(("plan",), f'the plan "{plan}" does not exist', hint)


def zones_exist(recordings: Recordings) -> Iterator[Finding]:
    """The time zone of a contract is known."""
    for recording in recordings.agreements:
        mistake = zone_mistake(recording.content.get("time_zone", "UTC"))
        if mistake:
            yield recording.file.finding(("time_zone",), *mistake)


def rules_name_known_quantities(recordings: Recordings) -> Iterator[Finding]:
    """Rates, markups and add-ons are of leaves, sums and counters that some price table or source knows."""
    fees = {name for item in recordings.prices for price in item.content["price"] for name in price.get("fees", ())}
    counters = sorted(fees | set(KNOWN_COUNTERS))
    for recording in recordings.agreements:
        for index, rule in enumerate(recording.content.get("rule", ())):
            for key in ("rates", "markup_percent", "add_on"):
                known = [*TOKEN_LEAVES, *counters]
                known += [] if key == "rates" else SUMS
                known += ["default"] if key == "markup_percent" else []
                for name in rule.get(key, ()):
                    if name in known:
                        continue
                    is_error = name in SUMS or name == "default" or looks_like_tokens(name)
                    message = f'{key} "{name}" is not a known quantity'
                    hint = near_miss(name, known) or "no price table has a fee of that name"
                    path: KeyPath = ("rule", index, key, name)
                    yield recording.file.finding(path, message, hint, is_warning=not is_error)


def a_rule_has_what_its_basis_needs(recordings: Recordings) -> Iterator[Finding]:
    """Own rates go with basis = "own", and with nothing else."""
    for recording in recordings.agreements:
        for index, rule in enumerate(recording.content.get("rule", ())):
            path: KeyPath = ("rule", index)
            is_own = rule.get("basis") == "own"
            if is_own and "rates" not in rule:
                message = 'basis = "own" without rates'
                yield recording.file.finding((*path, "basis"), message, "add rates = { input = ..., output = ... }")
            for key in ("rates", "per"):
                if key in rule and not is_own:
                    message = f'"{key}" has no effect without basis = "own"'
                    yield recording.file.finding((*path, key), message, 'add basis = "own", or remove it')


def rules_can_be_reached(recordings: Recordings) -> Iterator[Finding]:
    """No rule stands after one that fits every record; the first that fits wins. Warning."""
    for recording in recordings.agreements:
        rules = recording.content.get("rule", ())
        for index, rule in enumerate(rules[:-1]):
            if not rule.get("match"):
                message = f"rule {index + 2} is never reached: rule {index + 1} fits every record"
                hint = "put the rule without a match last"
                yield recording.file.finding(("rule", index + 1), message, hint, is_warning=True)
                break


def matches_name_known_models(recordings: Recordings) -> Iterator[Finding]:
    """A pattern of model ids fits at least one model of the price tables. Warning."""
    models = {price["model"] for item in recordings.prices for price in item.content["price"] if "model" in price}
    if not models:
        return
    for recording in recordings.agreements:
        for index, rule in enumerate(recording.content.get("rule", ())):
            for pattern in rule.get("match", {}).get("model", ()):
                if not any(glob_fits(pattern, model) for model in models):
                    near = difflib.get_close_matches(pattern, sorted(models), 1, 0.6)
                    hint = f'did you mean "{near[0]}"?' if near else "a pattern fits the whole canonical model id"
                    message = f'no model fits "{pattern}"'
                    path: KeyPath = ("rule", index, "match", "model")
                    yield recording.file.finding(path, message, hint, is_warning=True)


def currencies_can_be_converted(recordings: Recordings) -> Iterator[Finding]:
    """A contract in another currency than the price tables' has exchange rates to use. Warning."""
    listed = {recording.content["currency"]: recording for recording in recordings.prices}
    pairs = {(rate["from"], rate["to"]) for item in recordings.fx for rate in item.content["rate"]}
    for recording in recordings.agreements:
        wanted = recording.content.get("currency")
        for currency in sorted(listed):
            if wanted is not None and wanted != currency and (currency, wanted) not in pairs:
                message = f"the contract is in {wanted}, and no exchange rate from {currency} is listed"
                hint = f'add one to fx/: from = "{currency}", to = "{wanted}"'
                yield recording.file.finding(("currency",), message, hint, is_warning=True)


def no_attribution_is_stated_twice(recordings: Recordings) -> Iterator[Finding]:
    """One set of rules is in force at a time."""
    seen: dict[tuple[str, str], Recording] = {}
    for recording in recordings.attribution:
        key = (recording.content["valid_from"], recording.content["recorded_at"])
        first = seen.setdefault(key, recording)
        if first is not recording:
            message = f"the same valid_from and recorded_at as {first.file.shown}"
            yield recording.file.finding(
                ("valid_from",), message, "the newest recording replaces the whole set of rules"
            )


def templates_lead_to_a_customer(recordings: Recordings) -> Iterator[Finding]:
    """A rule matches something, and takes `{id}` from exactly one template if its customer needs it."""
    for recording in recordings.attribution:
        for index, rule in enumerate(recording.content.get("rule", ())):
            path: KeyPath = ("rule", index)
            if not rule["match"]:
                message = "a rule that matches nothing in particular"
                yield recording.file.finding((*path, "match"), message, "name user, api_key or source")
            places = sum(template.count(PLACEHOLDER) for template in rule["match"].values())
            if places > 1:
                message = f"{PLACEHOLDER} stands {places} times in the templates of one rule"
                yield recording.file.finding((*path, "match"), message, "one place only can give the id")
            if PLACEHOLDER in rule["customer"] and not places:
                message = f"the customer needs {PLACEHOLDER}, and no template has it"
                yield recording.file.finding((*path, "customer"), message, 'write it like user = "customer_{id}"')


def no_rate_of_a_day_is_stated_twice(recordings: Recordings) -> Iterator[Finding]:
    """At one time of recording a pair of currencies has one rate a day, and it is between two currencies."""
    seen: dict[tuple[str, ...], str] = {}
    for recording in recordings.fx:
        for index, rate in enumerate(recording.content["rate"]):
            path: KeyPath = ("rate", index)
            if rate["from"] == rate["to"]:
                yield recording.file.finding(path, f"an exchange rate from {rate['from']} to itself", "remove it")
            key = (rate["from"], rate["to"], rate["date"], recording.content["recorded_at"])
            where = recording.file.finding(path, "").where
            first = seen.setdefault(key, where)
            if first != where:
                message = f"the rate from {key[0]} to {key[1]} on {key[2]} is given at {first} too"
                yield recording.file.finding(path, message, "a correction is a new file with a later recorded_at")
