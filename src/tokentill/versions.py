"""In force at t, as known at k: the one selection in time.

Everything that is agreed or listed is never changed, only stated anew, and each statement has two times: from when (to
when) it is valid, and when it was recorded. Among the versions recorded by k that cover t, the one with the greatest
`valid_from` is in force, then the one with the greatest `recorded_at`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar


class Version(Protocol):
    """One statement: valid from an instant (inclusive), up to another one (exclusive) or without end, and learned at a
    third.
    """

    @property
    def valid_from(self) -> datetime: ...
    @property
    def valid_to(self) -> datetime | None: ...
    @property
    def recorded_at(self) -> datetime: ...


SomeVersion = TypeVar("SomeVersion", bound=Version)
SomeRecording = TypeVar("SomeRecording", bound=Mapping[str, Any])


def in_force(versions: Iterable[SomeVersion], at: datetime) -> SomeVersion | None:
    """The version that holds at an instant, among those that are known (see `known_by`); the first of two alike."""
    return max((version for version in versions if covers(version, at)), key=precedence, default=None)


def covers(version: Version, at: datetime) -> bool:
    """Whether a version is valid at an instant."""
    return version.valid_from <= at and (version.valid_to is None or at < version.valid_to)


def precedence(version: Version) -> tuple[datetime, datetime]:
    """What orders versions: of those that are valid at once, the last one holds."""
    return version.valid_from, version.recorded_at


def edges_of(versions: Iterable[Version]) -> set[datetime]:
    """Every instant at which another version may come into force, or none."""
    return {edge for version in versions for edge in (version.valid_from, version.valid_to) if edge is not None}


def known_by(recordings: Iterable[SomeRecording], as_of: datetime | None) -> tuple[SomeRecording, ...]:
    """The recordings that were known at an instant; all of them for None."""
    return tuple(
        recording
        for recording in recordings
        if as_of is None or datetime.fromisoformat(recording["recorded_at"]) <= as_of
    )
