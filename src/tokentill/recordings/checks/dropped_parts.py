"""A new version takes the place of the one before it as a whole: what it lacks of that one, it says that it drops.

That goes for the entries of a model and for the versions of a contract. Nothing is said of released files: nobody may
edit them, and what they lack was looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from tokentill.clock import parse_instant
from tokentill.contracts.book import Contract
from tokentill.contracts.diff import lost_terms
from tokentill.errors import Finding
from tokentill.prices.book import is_live, withdrawals
from tokentill.prices.diff import lost_parts
from tokentill.prices.entries import PriceEntry
from tokentill.recordings.mistakes import near_miss
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.reading import Located
from tokentill.recordings.recording import Recordings
from tokentill.versions import Version, covers, known_by, precedence


class Dropping(Version, Protocol):
    """A version that may leave something out."""

    @property
    def drops(self) -> tuple[str, ...]: ...


SomeDropping = TypeVar("SomeDropping", bound=Dropping)


def an_entry_keeps_or_drops(recordings: Recordings) -> Iterator[Finding]:
    """An entry has every part of the one whose place it takes, or names it in `drops`; it drops nothing else.

    It is a warning where an own entry takes the place of one that lies beneath: their lists need not be alike.
    """
    by_model: dict[str, list[Located[PriceEntry]]] = {}
    for entry in recordings.entries:
        by_model.setdefault(entry.value.model, []).append(entry)
    withdrawals_by = _withdrawals_known_at(recordings)
    for model, entries in by_model.items():
        for later in () if recordings.is_unread("models", model) else entries:
            withdrawn = withdrawals_by[later.value.recorded_at]
            earlier = _taken_place_of(later, [entry for entry in entries if is_live(entry.value, withdrawn)])
            lacking = [] if earlier is None else lost_parts(earlier.value, later.value)
            if earlier is not None and (missing := _not_dropped(lacking, later)):
                message = f"it takes the place of the entry at {earlier.where}, and lacks {missing} of it"
                hint = f"write it down again, as such usage has another price or none without; or {_dropping(lacking)}"
                yield later.finding((), message, hint, is_warning=recordings.is_beneath(earlier))
            yield from _dropped_in_vain(later, lacking, "the entry")


def a_contract_keeps_or_drops(recordings: Recordings) -> Iterator[Finding]:
    """A version of a contract states every term of the one whose place it takes, or names it in `drops`; it drops
    nothing else. A warning, since what is gone may be stated by the plan or the default contract now.
    """
    by_contract: dict[tuple[str, str], list[Located[Contract]]] = {}
    for version in recordings.agreements:
        by_contract.setdefault((version.value.kind, version.value.id), []).append(version)
    for (_, id_), versions in by_contract.items():
        for later in () if recordings.is_unread("contracts", id_) else versions:
            earlier = _taken_place_of(later, versions)
            lacking = [] if earlier is None else lost_terms(earlier.value, later.value)
            if earlier is not None and (missing := _not_dropped(lacking, later)):
                message = f"it takes the place of {earlier.file.shown}, and lacks {missing} of it"
                hint = f"write it down again, as nothing of the version before goes on; or {_dropping(lacking)}"
                yield later.finding(("id",), message, hint, is_warning=True)
            yield from _dropped_in_vain(later, lacking, "the version")


def _not_dropped(lacking: Iterable[str], later: Located[SomeDropping]) -> str:
    """What is lacking and not said to be dropped, in words; nothing when all is."""
    return _listed(part for part in lacking if part not in later.value.drops)


def _dropping(lacking: Iterable[str]) -> str:
    return f"say drops = [{_listed(lacking)}]"


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(f'"{part}"' for part in parts)


def _dropped_in_vain(later: Located[SomeDropping], lacking: Sequence[str], what: str) -> Iterator[Finding]:
    missing = [part for part in lacking if part not in later.value.drops]
    path: KeyPath = ("drops",)
    for index, part in enumerate(later.value.drops):
        if part not in lacking:
            message = f'it drops "{part}", and {what} before it has none, or this one has it, too'
            yield later.finding((*path, index), message, near_miss(part, missing) or "remove it from drops")


def _withdrawals_known_at(recordings: Recordings) -> Mapping[datetime, Mapping[str, datetime]]:
    """By each time of recording, what was withdrawn by then."""
    contents = [recording.content for recording in (*recordings.prices, *recordings.beneath)]
    times = {parse_instant(content["recorded_at"]) for content in contents}
    return {at: withdrawals(known_by(contents, at)) for at in times}


def _taken_place_of(
    later: Located[SomeDropping], versions: Iterable[Located[SomeDropping]]
) -> Located[SomeDropping] | None:
    """The version that would hold from this one's first instant on without it, as known when it was recorded; where
    none would, the last one before.
    """
    starts_at, recorded_at = later.value.valid_from, later.value.recorded_at
    before = [
        other
        for other in versions
        if other.value.recorded_at <= recorded_at and precedence(other.value) < precedence(later.value)
    ]
    holding = [other for other in before if covers(other.value, starts_at)]
    return max(holding or before, key=lambda other: precedence(other.value), default=None)


CHECKS = (an_entry_keeps_or_drops, a_contract_keeps_or_drops)
