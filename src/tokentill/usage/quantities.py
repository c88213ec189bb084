"""What is counted: disjoint leaves of tokens, counters, and the sums of leaves. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from tokentill.errors import InvalidRecord
from tokentill.usage.type_words import type_text

Direction = Literal["input", "output"]
Modality = Literal["text", "audio", "image", "video"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A kind of tokens that a record counts; nothing is counted in two of them.

    Args:
        cached_from: the leaf whose tokens these are, read from a cache.
        fallback: whose rate holds where a price has none for this one and says nothing else.
    """

    name: str
    direction: Direction
    modality: Modality = "text"
    cached_from: str | None = None
    fallback: str | None = None


LEAVES = (
    Leaf("input", "input"),
    Leaf("cache_read", "input", cached_from="input", fallback="input"),
    Leaf("cache_write_5m", "input"),
    Leaf("cache_write_1h", "input"),
    Leaf("cache_write", "input"),
    Leaf("input_audio", "input", "audio"),
    Leaf("input_audio_cache_read", "input", "audio", cached_from="input_audio"),
    Leaf("input_image", "input", "image"),
    Leaf("input_image_cache_read", "input", "image", cached_from="input_image"),
    Leaf("input_video", "input", "video"),
    Leaf("output", "output"),
    Leaf("reasoning", "output", fallback="output"),
    Leaf("output_audio", "output", "audio"),
    Leaf("output_image", "output", "image"),
)
"""Every leaf, once. Whatever follows from a leaf is worked out from its row here (and each is a column in `store`)."""

INPUT_LEAVES = tuple(leaf.name for leaf in LEAVES if leaf.direction == "input")
"""Leaves that make up `input_total`, which decides context tiers."""

OUTPUT_LEAVES = tuple(leaf.name for leaf in LEAVES if leaf.direction == "output")
TOKEN_LEAVES = INPUT_LEAVES + OUTPUT_LEAVES
SUMS = {"input_total": INPUT_LEAVES, "output_total": OUTPUT_LEAVES}
BUILT_IN_FALLBACK = MappingProxyType({leaf.name: leaf.fallback for leaf in LEAVES if leaf.fallback is not None})
"""Whose rate holds for a leaf where the price table says nothing else."""

REQUEST = "request"
"""The counter that every record counts once, written or not: one record is one request."""

QUANTITY_MAX = 10**12
_QUANTITY_NAME = re.compile(r"\A[a-z][a-z0-9_]{0,63}\Z", re.ASCII)
_LEAVES = frozenset(TOKEN_LEAVES)


def sum_of(quantities: Mapping[str, int], name: str) -> int:
    """The quantity called `name`, where `input_total` and `output_total` name the sums of their leaves."""
    leaves = SUMS.get(name)
    return quantities.get(name, 0) if leaves is None else sum(quantities.get(leaf, 0) for leaf in leaves)


def leaves_of(names: Iterable[str]) -> tuple[str, ...]:
    """Leaves and counters that names stand for, each once; a sum stands for its leaves in their order."""
    return tuple(dict.fromkeys(leaf for name in names for leaf in SUMS.get(name, (name,))))


def sum_over(name: str) -> str | None:
    """The sum that a leaf is part of, None for a counter."""
    return "output_total" if name in OUTPUT_LEAVES else "input_total" if name in _LEAVES else None


def check_quantities(quantities: Mapping[str, int]) -> None:
    """Refuse quantities that are not non-negative integers with proper names.

    Raises:
        InvalidRecord: with the quantity and the reason.
    """
    for name, count in quantities.items():
        if not isinstance(name, str) or not _QUANTITY_NAME.match(name) or name in SUMS:
            raise InvalidRecord(f"{str(name)[:64]!r} is not the name of a quantity")
        if isinstance(count, bool) or not isinstance(count, int):
            raise InvalidRecord(f"{name} is {type_text(count)}, not a whole number")
        if count < 0:
            raise InvalidRecord(f"{name} is negative ({count_text(count)})")


def count_text(count: int) -> str:
    """A count for a message: its digits, or how large it is when there are too many of them."""
    return str(count) if abs(count) < 10**40 else f"a whole number of {count.bit_length()} bits"


def kept_quantities(quantities: Mapping[str, int]) -> dict[str, int]:
    """The quantities that a record of one request keeps: checked, without zeros and `request`, sorted by name.

    Raises:
        InvalidRecord: with the quantity and the reason.
    """
    if not isinstance(quantities, Mapping):
        raise InvalidRecord(f"quantities is {type_text(quantities)}, not a table of whole numbers")
    kept = {name: n for name, n in quantities.items() if type(n) is int and 0 < n <= QUANTITY_MAX and name in _LEAVES}
    if len(kept) < len(quantities):
        check_quantities(quantities)
        if quantities.get(REQUEST, 1) != 1:
            raise InvalidRecord("a record is one request, and this one counts another number of them")
        for name, count in quantities.items():
            if count > QUANTITY_MAX:
                shown = count_text(count)
                raise InvalidRecord(f"{name} is {shown}; at most {QUANTITY_MAX} are accepted for one request")
        kept = {name: int(count) for name, count in quantities.items() if count and name != REQUEST}
    return {name: kept[name] for name in sorted(kept)}


def brings_output(quantities: Mapping[str, int]) -> bool:
    """Whether a request came to something: tokens of output, or units that are no tokens, beside the request itself."""
    return any(count and name != REQUEST and name not in INPUT_LEAVES for name, count in quantities.items())
