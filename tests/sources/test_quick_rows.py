"""Rows of gateways are read quickly and strictly, and both ways say the same: the same records, the same reasons."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import pytest

from tests.sources.lines import arouter, litellm, openrouter
from tests.sources.test_quick_lines import HOSTILE, read_both_ways
from tests.sources.test_quick_lines import _with_other_bytes as with_other_bytes
from tokentill.errors import InvalidRecord
from tokentill.sources import shapes
from tokentill.sources.gateways import inclusive, mapping, quick_rows, quick_values
from tokentill.sources.gateways.quick_values import ALL_OF_TIME
from tokentill.sources.opening import FORMATS
from tokentill.usage.columns import SeriesNumbers

AT_ONCE = 2_500
Members = list[tuple[str, Any]]
"""An object as it is written: its keys as JSON, and values that are JSON or members again."""

COSTS = ("0", "0.5", "0.50", "3", "4.35e-05", "1e-07", "1E-3", "2.5e-9", '"0.25"', '"0.250"', "null", "-0.1")
UNKNOWN = ('"unknown"', '"us\\u0065r"', '"model"', '"id"', '"generation_id"', '"usage"', '"metadata"', '""')


def some(chance: random.Random, *values: Any) -> Any:
    """The first of some values, most of the time."""
    return values[0] if chance.random() < 0.8 else chance.choice(values)


def tokens(chance: random.Random) -> tuple[int, int, int, int]:
    """Prompt and completion, and how much of each was cached or reasoned."""
    prompt, completion = some(chance, 977, 0, 1, 10**12), some(chance, 41, 0, 7)
    return prompt, completion, chance.randint(0, min(prompt, 90)), chance.randint(0, min(completion, 9))


def litellm_row(chance: random.Random, number: int) -> dict[str, Any]:
    prompt, completion, cached, reasoning = tokens(chance)
    totals = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    inside = {"cached_tokens": cached, "cache_creation_tokens": some(chance, 0, 2, None)}
    usage = {**totals, "cache_read_input_tokens": cached, "prompt_tokens_details": inside}
    usage |= {"completion_tokens_details": some(chance, {"reasoning_tokens": reasoning}, None, {})}
    usage |= some(chance, {}, {"cache_creation": {"ephemeral_5m_input_tokens": some(chance, 0, 1)}})
    usage |= some(chance, {}, {"server_tool_use": {"web_search_requests": some(chance, 2, 0)}}, {"seconds": 3})
    day, naive = f"2026-10-{1 + number % 28:02}", f"T12:00:00.{chance.randrange(1000):03}"
    row = litellm(f"chatcmpl-{chance.randrange(10**6)}", **totals)
    row |= {
        "startTime": day + some(chance, naive.replace("T", " ") + "+00:00", naive, naive + "Z", naive + "+05:30"),
        "end_user": some(chance, f"u{chance.randrange(9)}", "", None, "caf\u00e9"),
        "model": some(chance, "m/1", "m/2", ""),
        "custom_llm_provider": some(chance, "p", None, ""),
        "call_type": some(chance, "acompletion", "aimage_generation", "rerank", None),
        "request_tags": some(chance, ["b", "a"], [], None, "", ["response-cache"], ["team=x"]),
        "cache_hit": some(chance, "False", "True", True, False, None),
        "team_id": some(chance, "team", None, ""),
        "status": some(chance, "success", "failure", None),
        "metadata": {"usage_object": some(chance, usage, None), "user_api_key_alias": some(chance, "alias", None)},
        "spend": "COST",
    }
    return row


def openrouter_row(chance: random.Random, number: int) -> dict[str, Any]:
    prompt, completion, cached, reasoning = tokens(chance)
    row = openrouter(f"gen-{chance.randrange(10**6)}", native_tokens_prompt=prompt, native_tokens_completion=completion)
    row |= {
        "created_at": f"2026-10-{1 + number % 28:02}T12:00:00.{chance.randrange(1000):03}"
        + some(chance, "Z", "+00:00", ""),
        "external_user": some(chance, f"u{chance.randrange(9)}", "", None, "caf\u00e9"),
        "model": some(chance, "m/1", "m/2", None),
        "variant": some(chance, "standard", "free", None, ""),
        "provider_name": some(chance, "p", None),
        "service_tier": some(chance, None, "flex", "default", "Batch"),
        "data_region": some(chance, "global", "eu"),
        "finish_reason": some(chance, "stop", "error", None),
        "cancelled": some(chance, False, True, None, 1),
        "is_byok": some(chance, False, True, None),
        "response_cache_source_id": some(chance, None, "gen-0", "", "0", 0),
        "upstream_inference_cost": some(chance, 5, None, 0),
        "native_tokens_cached": cached,
        "native_tokens_reasoning": reasoning,
        "latency": some(chance, 1250, None, -1),
        "total_cost": "COST",
    }
    row |= some(chance, {}, {"usage": "COST"}, {"usage": {"cost": 1, "total_tokens": prompt + completion}})
    row |= some(chance, {}, {"cost_web_search": some(chance, 0, 1)}, {"provider_responses": [{"status": 200}]})
    return row


def arouter_row(chance: random.Random, number: int) -> dict[str, Any]:
    prompt, completion, cached, reasoning = tokens(chance)
    usage = {
        "total_tokens": prompt + completion,
        "prompt_tokens_details": some(chance, {"cached_tokens": cached}, None),
    }
    usage |= {"completion_tokens_details": {"reasoning_tokens": reasoning}, "cost": "COST"}
    row = arouter(f"gen-{chance.randrange(10**6)}", prompt=prompt, completion=completion, usage=usage)
    row |= {
        "created_at": f"2026-10-{1 + number % 28:02}T12:00:00.{chance.randrange(1000):03}Z",
        "user": some(chance, f"u{chance.randrange(9)}", "", None),
        "status": some(chance, "ok", "failed", 5),
        "is_byok": some(chance, False, True, None),
        "byok_usage_inference": some(chance, 0, None, 1),
    }
    return row


ROWS: dict[str, Callable[[random.Random, int], dict[str, Any]]] = {
    "litellm": litellm_row,
    "openrouter": openrouter_row,
    "arouter": arouter_row,
}


def members(chance: random.Random, row: dict[str, Any]) -> Members:
    """An object as it is written."""
    written: Members = []
    for name, value in row.items():
        text = some(chance, *COSTS[1:2], *COSTS) if value == "COST" else value
        inner = members(chance, value) if isinstance(value, dict) else text
        written.append(
            (json.dumps(name), inner if isinstance(value, dict) or value == "COST" else _text(chance, value))
        )
    return written


def _text(chance: random.Random, value: Any) -> str:
    return json.dumps(value, ensure_ascii=chance.random() < 0.5, default=str)


def changed(chance: random.Random, written: Members) -> None:
    """Change an object in one place, in it or in one of the objects inside."""
    inside = [value for _, value in written if isinstance(value, list)]
    if inside and chance.random() < 0.5:
        changed(chance, chance.choice(inside))
        return
    place, kind = chance.randrange(len(written) or 1), chance.randrange(6) if written else 5
    if kind < 3:
        written[place] = (written[place][0], chance.choice(HOSTILE))
    elif kind == 3:
        written.append(written[place])
    elif kind == 4:
        del written[place]
    else:
        written.insert(place, (chance.choice(UNKNOWN), chance.choice(HOSTILE)))


def lines(format_: str, seed: int, count: int) -> Iterator[bytes]:
    """Lines, of which nine in ten are changed in a small way or in several."""
    chance = random.Random(seed)
    for number in range(count):
        written = members(chance, ROWS[format_](chance, number))
        changes = chance.choice((0, 1, 1, 1, 1, 1, 1, 1, 2, 4)) if number > 100 else 0
        for _ in range(changes):
            changed(chance, written)
        if chance.random() < 0.2:
            chance.shuffle(written)
        raw = joined(written, *chance.choice(((":", ","), (": ", ", "), (" :\t", " , ")))).encode(
            "utf-8", "surrogatepass"
        )
        for _ in range(changes if chance.random() < 0.4 else 0):
            raw = with_other_bytes(chance, raw)
        yield raw.replace(b"\n", b" ")


def joined(value: str | Members, colon: str, comma: str) -> str:
    if isinstance(value, str):
        return value
    return "{" + comma.join(f"{name}{colon}{joined(one, colon, comma)}" for name, one in value) + "}"


@lru_cache(8)
def file_of(format_: str, seed: int) -> list[bytes]:
    """A file of lines, which several defects are looked for in."""
    return list(lines(format_, seed, AT_ONCE))


def held_equal(format_: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Hold both ways equal over a file. Gives how many lines are read quickly, and how many are no records."""
    given = file_of(format_, seed)
    records = read_both_ways(given, (None, "s")[seed % 2], monkeypatch, format_)
    known = FORMATS[format_]
    assert known.plain is not None
    reader = quick_rows.RowsReader(known.plain, known.read, None, SeriesNumbers(), lambda _: False)
    columns, _ = reader.columns_of(given, ALL_OF_TIME)
    return len(columns), len(given) - records


@pytest.mark.parametrize(
    "parts", [pytest.param(2, id="every day"), pytest.param(400, id="a million", marks=pytest.mark.campaign)]
)
@pytest.mark.parametrize("format_", ROWS)
def test_a_quick_reading_says_what_the_strict_one_says(
    format_: str, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = [held_equal(format_, seed, monkeypatch) for seed in range(parts)]
    assert min(map(sum, zip(*counts, strict=True))) > 0.08 * parts * AT_ONCE  # neither way is idle


def _quotes_not_counted(patch: pytest.MonkeyPatch) -> None:
    """What says a thing twice is taken, and the last one counts."""

    def columns(shape: shapes.Shape, objects: Any, _: Any) -> shapes.PathColumns:
        held = shapes.PathColumns()
        shape._top.read(objects, held, range(len(objects)))
        return held

    patch.setattr(shapes.Shape, "columns", columns)


def _totals_not_compared(patch: pytest.MonkeyPatch) -> None:
    """A total that is not the sum of its parts is taken."""
    known = inclusive.leaves_of_columns
    patch.setattr(
        quick_rows,
        "leaves_of_columns",
        lambda columns, odd: known({role: column for role, column in columns.items() if role != "total"}, odd),
    )


def _parts_may_be_larger(patch: pytest.MonkeyPatch) -> None:
    """Counts below zero are no fault."""
    known = inclusive.leaves_of_columns
    patch.setattr(quick_rows, "leaves_of_columns", lambda columns, _: known(columns, set()))


def _first_path_missing(patch: pytest.MonkeyPatch) -> None:
    """Where the preferred path holds nothing, the others are not asked."""

    def picked(fields: mapping.FieldMap, by_path: Any, _: set[int]) -> Any:
        return {
            role: next(by_path[path] for path in paths if path in by_path)
            for role, paths in fields.paths.items()
            if not by_path.keys().isdisjoint(paths)
        }

    patch.setattr(mapping.FieldMap, "pick_columns", picked)


def _any_id(patch: pytest.MonkeyPatch) -> None:
    """Ids of users are taken whatever they are."""
    patch.setattr(quick_rows, "are_plain", lambda *_: True)


def _any_cost(patch: pytest.MonkeyPatch) -> None:
    """A part of the cost that nobody counts is overlooked."""
    known = quick_values.costs_of
    patch.setattr(quick_rows, "costs_of", lambda written, _: known(written, set()))


def _one_is_true(patch: pytest.MonkeyPatch) -> None:
    """A trait that was read of one row is that of every row whose traits are equal, as 1 is to true."""
    patch.setattr(quick_rows, "TRAITS", quick_rows.TRAITS | {"whole"})


@pytest.mark.parametrize(
    ("format_", "defect"),
    [
        ("litellm", _quotes_not_counted),
        ("openrouter", _quotes_not_counted),
        ("litellm", _totals_not_compared),
        ("openrouter", _parts_may_be_larger),
        ("litellm", _first_path_missing),
        ("arouter", _any_id),
        ("openrouter", _any_cost),
        ("openrouter", _one_is_true),
    ],
)
def test_a_defect_that_is_planted_in_the_quick_way_is_found(
    format_: str, defect: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    defect(monkeypatch)
    with pytest.raises((AssertionError, InvalidRecord)):
        [held_equal(format_, seed, monkeypatch) for seed in range(8)]
