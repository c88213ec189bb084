"""Declared names: which field of a source plays which role, as data.

A gateway that does not publish its schema is read tolerantly: each role has several paths, the first that holds a
value counts, and what has no role is ignored. What was there and what it was taken for can be shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.usage.type_words import type_text


@dataclass(slots=True)
class _Node:
    """A name on some level: its role, its rank among that role's paths, and what may be inside it."""

    role: str | None = None
    rank: int = 0
    children: dict[str, _Node] | None = None


class FieldMap:
    """Roles and their paths (`usage.prompt_tokens`), the preferred one first.

    Args:
        paths: role to paths.
        agreeing: roles whose paths must hold the same value wherever more than one is there.
    """

    def __init__(self, paths: Mapping[str, tuple[str, ...]], agreeing: Collection[str] = ()) -> None:
        self._tree: dict[str, _Node] = {}
        self._agreeing = frozenset(agreeing)
        self.paths = paths
        for role, choices in paths.items():
            for rank, path in enumerate(choices):
                *parents, name = path.split(".")
                level = self._tree
                for parent in parents:
                    above = level.setdefault(parent, _Node())
                    if above.children is None:
                        above.children = {}
                    level = above.children
                node = level.setdefault(name, _Node())
                if node.role is not None:
                    raise ValueError(f"{path} is declared for {node.role} and for {role}")
                node.role, node.rank = role, rank

    def pick(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Role to value, without those that are missing or null.

        Raises:
            InvalidRecord: when something that should hold fields is not an object, or agreeing paths differ.
        """
        values: dict[str, Any] = {}
        self._collect(row, self._tree, values, {})
        return values

    def pick_with(self, row: Mapping[str, Any], *required: str) -> dict[str, Any]:
        """As `pick`, of a row that has to have these roles.

        Raises:
            InvalidRecord: also when one of them is missing.
        """
        values = self.pick(row)
        for role in required:
            if role not in values:
                raise InvalidRecord(f"{self.paths[role][0]} is missing")
        return values

    def pick_columns(self, by_path: Mapping[str, Sequence[Any]], odd: set[int]) -> dict[str, Sequence[Any]]:
        """As `pick`, of columns that hold what is under each path: role to values, None where one is missing.

        Places where agreeing paths differ are odd.
        """
        picked: dict[str, Sequence[Any]] = {}
        for role, choices in self.paths.items():
            columns = [by_path[path] for path in choices if path in by_path]
            if not columns:
                continue
            values, *others = columns
            for other in others:
                if role in self._agreeing and other != values:
                    pairs = enumerate(zip(values, other, strict=True))
                    odd.update(n for n, (one, two) in pairs if one is not None and two is not None and one != two)
                if None in values:
                    values = [two if one is None else one for one, two in zip(values, other, strict=True)]
            picked[role] = values
        return picked

    def seen(self, row: Mapping[str, Any]) -> dict[str, str | None]:
        """Every path of a row, and the role that it plays, None where it is ignored: what a probe shows."""
        return dict(_walk(row, self._tree, ""))

    def _collect(
        self, row: Mapping[str, Any], level: dict[str, _Node], values: dict[str, Any], ranks: dict[str, int]
    ) -> None:
        for name, value in row.items():
            if value is None or name not in level:
                continue
            node = level[name]
            role = node.role
            if node.children is not None:
                if type(value) is dict:
                    self._collect(value, node.children, values, ranks)
                    continue
                if role is None:
                    raise InvalidRecord(f"{name} is {type_text(value)}, not an object")
            if role is None:
                continue
            if role in values:
                if role in self._agreeing and values[role] != value:
                    raise InvalidRecord(
                        f"{role} is given twice, with different values: {_shown(values[role])}, {_shown(value)}"
                    )
                if ranks.get(role, 0) <= node.rank:
                    continue
            values[role] = value
            if node.rank or role in ranks:
                ranks[role] = node.rank


def under(parents: tuple[str, ...], name: str) -> tuple[str, ...]:
    """The paths of a name inside each of these parents."""
    return tuple(f"{parent}.{name}" for parent in parents)


def _shown(value: object) -> str:
    return str(value)[:40] if isinstance(value, int) else type_text(value)


def _walk(row: Mapping[str, Any], level: Mapping[str, _Node], prefix: str) -> Iterator[tuple[str, str | None]]:
    for name, value in row.items():
        node = level.get(name)
        if type(value) is dict and (node is None or node.role is None or node.children is not None):
            yield from _walk(value, (node.children if node is not None else None) or {}, f"{prefix}{name}.")
        else:
            yield prefix + name, None if node is None else node.role
