"""Whether contracts make sense as wholes: which there are, since when, on which plan, in which currency."""

from __future__ import annotations

from collections.abc import Iterator

from tokentill.clock import parse_instant
from tokentill.errors import Finding
from tokentill.recordings.checks.zones import zone_mistake
from tokentill.recordings.mistakes import near_miss
from tokentill.recordings.recording import Recording, Recordings


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
        starts, ends = (recording.content.get(key) for key in ("valid_from", "valid_to"))
        if starts and ends and parse_instant(ends) <= parse_instant(starts):
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
