"""Whose an API key is: a key belongs to a customer, or to a team, and a team to a customer, each since an instant.

Pure. What a record says of its team stands in a tag, `team=ID`. The table of keys comes before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tokentill.canonical import Content, fields_of
from tokentill.clock import instant_text
from tokentill.usage.ids import team_of
from tokentill.usage.shell_words import shell_word


@dataclass(frozen=True, slots=True)
class KeyBinding:
    """An explicit statement that an API key belongs to a customer or to a team, or a team to a customer, from an
    instant on: two of the three are stated. Append-only, in order of `seq`.
    """

    seq: int
    api_key: str | None
    team: str | None
    customer: str | None
    valid_from: datetime
    source: str | None = None

    def content(self) -> Content:
        """Canonical content, without the place in this database."""
        return fields_of(self, "api_key", "team", "customer", "valid_from", "source")


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """The customer that a key or a team leads to, or None where it is bound and its team is not; and why."""

    customer: str | None
    because: str


class KeyTable:
    """All bindings of keys and teams that are known. Immutable."""

    def __init__(self, bindings: Iterable[KeyBinding] = ()) -> None:
        self._by_key: dict[str, list[KeyBinding]] = {}
        self._by_team: dict[str, list[KeyBinding]] = {}
        for binding in bindings:
            if binding.api_key is not None:
                self._by_key.setdefault(binding.api_key, []).append(binding)
            elif binding.team is not None:
                self._by_team.setdefault(binding.team, []).append(binding)

    def __bool__(self) -> bool:
        """Whether anything is bound."""
        return bool(self._by_key or self._by_team)

    def owner(self, source: str, api_key: str | None, tags: Sequence[str], at: datetime) -> KeyOwner | None:
        """Whose a record is by its key, or else by the team that it names; None where neither is bound."""
        bound = _in_force(self._by_key.get(api_key or "", ()), source, at)
        if bound is not None and bound.team is None:
            return KeyOwner(bound.customer, f"its api key is bound to it since {instant_text(bound.valid_from)}")
        team = team_of(tags) if bound is None else bound.team
        if team is None:
            return None
        if bound is None:
            what = f"it names the team {shell_word(team)}"
        else:
            what = f"its api key is of the team {shell_word(team)} since {instant_text(bound.valid_from)}"
        of_team = _in_force(self._by_team.get(team, ()), source, at)
        if of_team is not None:
            return KeyOwner(of_team.customer, f"{what}, which is bound to it since {instant_text(of_team.valid_from)}")
        return None if bound is None else KeyOwner(None, f"{what}, which is bound to nobody")

    def bindings_of(self, api_key: str | None, tags: Sequence[str]) -> list[KeyBinding]:
        """Every binding that may decide about records with a key and some tags, at any time."""
        listed = list(self._by_key.get(api_key or "", ()))
        teams = {binding.team for binding in listed} | {team_of(tags)}
        return [*listed, *(one for team in teams if team is not None for one in self._by_team.get(team, ()))]


def _in_force(bindings: Iterable[KeyBinding], source: str, at: datetime) -> KeyBinding | None:
    fitting = (one for one in bindings if one.valid_from <= at and one.source in (None, source))
    return max(fitting, key=lambda one: (one.valid_from, one.seq), default=None)
