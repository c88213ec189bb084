"""What of a long sweep is tried every day: a share that is spread out; campaigns try the whole."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

IN_CAMPAIGNS = os.environ.get("TOKENTILL_HYPOTHESIS") == "campaign"
"""Whether `make campaigns` runs the tests."""


def stride(everyday: int) -> int:
    """The step of a sweep that campaigns make one by one."""
    return 1 if IN_CAMPAIGNS else everyday


def examples(number: int) -> int:
    """How many random examples a law is tried with, of so many that campaigns try."""
    return number if IN_CAMPAIGNS else max(20, number // 10)


def spread(values: Sequence[T], share: int) -> list[T]:
    """So many of some values, from the first to the last, in their order."""
    last = len(values) - 1
    return [values[round(step * last / max(share - 1, 1))] for step in range(min(share, len(values)))]


def daily(values: Iterable[Any], share: int) -> list[Any]:
    """Values for `parametrize`, of which so many are tried every day, and the others by campaigns alone."""
    listed = list(values)
    places = set(spread(range(len(listed)), share))
    return [value if place in places else in_campaigns(value) for place, value in enumerate(listed)]


def in_campaigns(value: Any) -> Any:
    """A value for `parametrize`, or several as a tuple, that campaigns alone try."""
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.campaign)


def leave_postgresql_to_campaigns(items: Iterable[pytest.Item]) -> None:
    """Of a module's tests on both databases, run one in so many on PostgreSQL every day: `postgresql_one_in(number)`.

    For modules whose code is the same on both. What the databases do by themselves is tested in `tests/store`, where
    every test runs on both.
    """
    counts: dict[str, count[int]] = {}
    for item in items:
        marker = item.get_closest_marker("postgresql_one_in")
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if marker is None or parameters.get("database") != "postgresql":
            continue
        counted = counts.setdefault(item.nodeid.partition("::")[0], count())
        if next(counted) % marker.args[0]:
            item.add_marker(pytest.mark.campaign)
