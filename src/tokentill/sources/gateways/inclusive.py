"""From inclusive totals to disjoint leaves.

For sources in which cache reads, cache writes, audio, images and video are counted inside the prompt, and reasoning,
audio and images inside the completion (OpenAI's convention, which most gateways follow). Whatever does not add up is
refused with both numbers; nothing is clamped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import add, sub
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways.fields import count
from tokentill.sources.gateways.quick_values import check_counts
from tokentill.usage.columns import Units
from tokentill.usage.quantities import QUANTITY_MAX
from tokentill.usage.record import UsageState

PROMPT_PARTS = {
    "cached": "cache_read",
    "cache_write": "cache_write",
    "cache_write_5m": "cache_write_5m",
    "cache_write_1h": "cache_write_1h",
    "audio_input": "input_audio",
    "image_input": "input_image",
    "video_input": "input_video",
    "cached_audio": "input_audio_cache_read",
    "cached_image": "input_image_cache_read",
}
COMPLETION_PARTS = {"reasoning_output": "reasoning", "audio_output": "output_audio", "image_output": "output_image"}
COUNTERS = ("web_search", "web_fetch")
TOTALS = ("prompt", "completion", "total")
COUNTED = frozenset((*TOTALS, *PROMPT_PARTS, *COMPLETION_PARTS, *COUNTERS))
"""Every role that this module reads; `cache_write` is the whole, of which the two with a lifetime are parts."""


def leaves_of(values: Mapping[str, Any]) -> tuple[dict[str, int], UsageState]:
    """Disjoint quantities from roles, and whether there was any usage at all.

    Raises:
        InvalidRecord: when something is not a count, a part is larger than its whole, or the total is not the sum.
    """
    totals: dict[str, int] = {}
    parts: dict[str, int] = {}
    for role, value in values.items():
        if role in COUNTED:
            if type(value) is not int or value < 0:
                count(role, value)
            if role in TOTALS:
                totals[role] = value
            elif value:
                parts[role] = value
    if not totals:
        for role, value in parts.items():
            raise InvalidRecord(f"{role} is {value}, but there are neither prompt nor completion tokens")
        return {}, "missing"
    prompt, completion = _totals(totals.get("prompt"), totals.get("completion"), totals.get("total"))
    if not parts:
        return {"input": prompt, "output": completion}, "reported"
    quantities = {name: parts[name] for name in COUNTERS if name in parts}
    if "cache_write_5m" in parts or "cache_write_1h" in parts:
        parts["cache_write"] = _unknown_lifetime(parts, values.get("cache_write"))
    quantities["input"] = _split(parts, "prompt", prompt, PROMPT_PARTS, quantities)
    quantities["output"] = _split(parts, "completion", completion, COMPLETION_PARTS, quantities)
    return quantities, "reported"


def leaves_of_columns(
    columns: Mapping[str, Sequence[int | None]], odd: set[int]
) -> tuple[dict[str, list[int]], list[Units]]:
    """As `leaves_of`, of columns by role: those of leaves, and the counters of each record.

    Odd are all that it refuses, what lacks one of both totals, and what comes to no tokens at all.
    """
    prompt, completion = (_counted(columns[role], odd) for role in ("prompt", "completion"))
    for role in ("prompt", "completion"):
        if None in columns[role]:
            odd.update(n for n, number in enumerate(columns[role]) if number is None)
    sums, total = list(map(add, prompt, completion)), columns.get("total")
    if not all(sums):
        odd.update(n for n, number in enumerate(sums) if not number)
    if total is not None and sums != total:
        odd.update(n for n, number in enumerate(total) if number is not None and number != sums[n])
    parts = {role: _counted(columns[role], odd) for role in (*PROMPT_PARTS, *COMPLETION_PARTS) if role in columns}
    parts = {role: column for role, column in parts.items() if any(column)}
    if "cache_write_5m" in parts or "cache_write_1h" in parts:
        parts["cache_write"] = _unknown_lifetimes(parts, columns.get("cache_write"), len(sums))
    leaves = {}
    for leaf, whole, named in (("input", prompt, PROMPT_PARTS), ("output", completion, COMPLETION_PARTS)):
        for role in named.keys() & parts.keys():
            leaves[named[role]] = parts[role]
            whole = list(map(sub, whole, parts[role]))
        leaves[leaf] = whole
    for column in leaves.values():
        check_counts(column, odd)
    counters = {role: _counted(columns[role], odd) for role in sorted(COUNTERS) if role in columns}
    return leaves, _units({role: column for role, column in counters.items() if any(column)}, len(sums), odd)


def _counted(column: Sequence[Any], odd: set[int]) -> list[int]:
    """Counts, 0 where there is none; those below zero are odd."""
    counts = [number or 0 for number in column] if None in column else list(column)
    if min(counts) < 0:
        odd.update(n for n, number in enumerate(counts) if number < 0)
    return counts


def _unknown_lifetimes(parts: Mapping[str, Sequence[int]], whole: Sequence[int | None] | None, size: int) -> list[int]:
    """Cache writes of a lifetime that nobody says; below zero where there are fewer than those that are known."""
    nothing = [0] * size
    timed = map(add, parts.get("cache_write_5m", nothing), parts.get("cache_write_1h", nothing))
    if whole is None:
        return nothing
    return [
        (0 if number is None else number - known) if known else number or 0
        for number, known in zip(whole, timed, strict=True)
    ]


def _units(counters: Mapping[str, Sequence[int]], size: int, odd: set[int]) -> list[Units]:
    if not counters:
        return [()] * size
    units: list[Units] = [
        tuple((name, number) for name, number in zip(counters, numbers, strict=True) if number)
        for numbers in zip(*counters.values(), strict=True)
    ]
    odd.update(n for n, one in enumerate(units) if any(number > QUANTITY_MAX for _, number in one))
    return units


def _totals(prompt: int | None, completion: int | None, total: int | None) -> tuple[int, int]:
    if prompt is not None and completion is not None:
        if total is not None and prompt + completion != total:
            raise InvalidRecord(
                f"prompt ({prompt}) + completion ({completion}) is {prompt + completion}, and the total says {total}"
            )
        return prompt, completion
    reported_name, reported = ("prompt", prompt) if prompt is not None else ("completion", completion)
    if reported is None or total is None:
        missing = "prompt and completion" if reported is None else "completion" if prompt is not None else "prompt"
        reported_text = f"total ({total})" if reported is None else f"{reported_name} ({reported})"
        raise InvalidRecord(f"{reported_text} is given and {missing} is missing")
    if reported > total:
        raise InvalidRecord(f"{reported_name} ({reported}) is more than the total ({total})")
    return (reported, total - reported) if prompt is not None else (total - reported, reported)


def _unknown_lifetime(parts: Mapping[str, int], whole: int | None) -> int:
    timed = parts.get("cache_write_5m", 0) + parts.get("cache_write_1h", 0)
    if whole is None:
        return 0
    if timed > whole:
        raise InvalidRecord(f"cache writes of 5 minutes and 1 hour ({timed}) are more than all cache writes ({whole})")
    return whole - timed


def _split(
    parts: Mapping[str, int], whole: str, total: int, leaves: Mapping[str, str], quantities: dict[str, int]
) -> int:
    """Put the parts of the whole into `quantities` and return what is left of it."""
    left = total
    for role, value in parts.items():
        leaf = leaves.get(role)
        if leaf is not None:
            quantities[leaf] = value
            left -= value
    if left < 0:
        named_parts = [f"{role} ({parts[role]})" for role in leaves if parts.get(role)]
        raise InvalidRecord(
            f"{' + '.join(named_parts)} {'is' if len(named_parts) == 1 else 'are'} more than {whole} ({total})"
        )
    return left
