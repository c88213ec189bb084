"""Whether sets of attribution rules make sense together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tokentill.errors import Finding
from tokentill.recordings.located import Located
from tokentill.recordings.recording import Recordings
from tokentill.usage.attribution import AttributionRules
from tokentill.versions import precedence


def no_attribution_is_stated_twice(recordings: Recordings) -> Iterator[Finding]:
    """One set of rules is in force at a time."""
    seen: dict[tuple[datetime, datetime], Located[AttributionRules]] = {}
    for rules in recordings.attribution_rules:
        first = seen.setdefault(precedence(rules.value), rules)
        if first is not rules:
            message = f"the same valid_from and recorded_at as {first.file.shown}"
            yield rules.finding(("valid_from",), message, "the newest recording replaces the whole set of rules")


CHECKS = (no_attribution_is_stated_twice,)
