"""Whether attribution rules make sense, alone and together."""

from __future__ import annotations

from collections.abc import Iterator

from tokentill.errors import Finding
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.recording import Recording, Recordings
from tokentill.usage.attribution import PLACEHOLDER


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
