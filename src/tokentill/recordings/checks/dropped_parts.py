"""An entry replaces the one before it as a whole: what it lacks of that one, it says that it drops.

Nothing is said of released files: nobody may edit them, and what they lack was looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from tokentill.clock import parse_instant
from tokentill.errors import Finding
from tokentill.prices.book import is_live, withdrawals
from tokentill.prices.diff import lost_parts
from tokentill.prices.entries import PriceEntry
from tokentill.recordings.mistakes import near_miss
from tokentill.recordings.reading import Located
from tokentill.recordings.recording import Recordings
from tokentill.versions import known_by, precedence


def an_entry_keeps_or_drops(recordings: Recordings) -> Iterator[Finding]:
    """An entry has every part of the one whose place it takes, or names it in `drops`; it drops nothing else."""
    by_model: dict[str, list[Located[PriceEntry]]] = {}
    for entry in recordings.entries:
        by_model.setdefault(entry.value.model, []).append(entry)
    withdrawals_by = _withdrawals_known_at(recordings)
    for model, entries in by_model.items():
        for later in () if recordings.is_unread("models", model) else entries:
            earlier = _taken_place_of(later.value, entries, withdrawals_by[later.value.recorded_at])
            is_shipped = earlier is not None and recordings.is_beneath(earlier)
            yield from _kept_or_dropped(earlier, later, is_warning=is_shipped)


def _kept_or_dropped(
    earlier: Located[PriceEntry] | None, later: Located[PriceEntry], *, is_warning: bool
) -> Iterator[Finding]:
    """It is a warning where an own entry takes the place of one that lies beneath: their lists need not be alike."""
    lacking = [] if earlier is None else lost_parts(earlier.value, later.value)
    missing = [part for part in lacking if part not in later.value.drops]
    if earlier is not None and missing:
        named = ", ".join(f'"{part}"' for part in missing)
        every = ", ".join(f'"{part}"' for part in lacking)
        message = f"it takes the place of the entry at {earlier.where}, and lacks {named} of it"
        hint = f"write it down again, as such usage has another price or none without; or say drops = [{every}]"
        yield later.finding((), message, hint, is_warning=is_warning)
    for index, part in enumerate(later.value.drops):
        if part not in lacking:
            message = f'it drops "{part}", and the entry before it has none, or this one has it, too'
            yield later.finding(("drops", index), message, near_miss(part, missing) or "remove it from drops")


def _withdrawals_known_at(recordings: Recordings) -> Mapping[datetime, Mapping[str, datetime]]:
    """By each time of recording, what was withdrawn by then."""
    contents = [recording.content for recording in (*recordings.prices, *recordings.beneath)]
    times = {parse_instant(content["recorded_at"]) for content in contents}
    return {at: withdrawals(known_by(contents, at)) for at in times}


def _taken_place_of(
    entry: PriceEntry, entries: Iterable[Located[PriceEntry]], withdrawn: Mapping[str, datetime]
) -> Located[PriceEntry] | None:
    """The entry that would hold from this one's first instant on without it, as known when it was recorded."""
    before = [
        other
        for other in entries
        if other.value.recorded_at <= entry.recorded_at
        and precedence(other.value) < precedence(entry)
        and is_live(other.value, withdrawn)
    ]
    return max(before, key=lambda other: precedence(other.value), default=None)


CHECKS = (an_entry_keeps_or_drops,)
