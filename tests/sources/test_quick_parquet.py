"""Rows of Parquet are read by column and one by one, and both ways say the same: the same records, the same reasons."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tests.sources.test_quick_lines import read_content_both_ways
from tests.sources.test_reading_parquet import parquet
from tokentill.sources.gateways import canonical_table
from tokentill.sources.gateways.canonical_table import CanonicalReader
from tokentill.sources.layouts.parquet_rows import ParquetRows

ROWS = 5_000
START = datetime(2026, 10, 1, 12, tzinfo=UTC)
TEXTS = (
    "",
    " ",
    "a\nb",
    "caf\u00e9",
    "x" * 129,
    "x" * 513,
    "\x07",
    "\x7f",
    "\u200b",
    "ok",
    "batch",
    "missing",
    '"',
    ";",
)
WHOLE = (0, -1, 10**12, 10**12 + 1, 2**63 - 1, None)
INSTANTS = (
    None,
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2199, 12, 31, 23, 59, tzinfo=UTC),
    datetime(2261, 1, 1, tzinfo=UTC),
)
COSTS = ("0", "0.50", "1.000000000000", "0.000000000001", "100", "999999.5", "1000000.5", "-0.1")


class Table:
    """A table of records, of which nine in ten rows are changed in one column or in two."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        choices = [self._chance.choice((0, 1, 1, 1, 1, 1, 1, 1, 1, 2)) for _ in range(ROWS)]
        self._changed = [self._chance.sample(range(12), changes) for changes in choices]

    def _column(self, place: int, plain: Callable[[int], Any], hostile: tuple[Any, ...]) -> list[Any]:
        return [
            self._chance.choice(hostile) if place in changed else plain(row)
            for row, changed in enumerate(self._changed)
        ]

    def content(self) -> bytes:
        """The file."""
        chance = self._chance
        text = chance.choice((pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())))
        whole, unit = chance.choice((pa.int64(), pa.uint64(), pa.int32())), chance.choice(("us", "ms", "ns", "s"))
        counts = tuple(
            n for n in WHOLE if n is None or ((whole != pa.int32() or n < 2**31) and (whole != pa.uint64() or n >= 0))
        )
        counts += (2**64 - 1,) if whole == pa.uint64() else ()
        texts = (None, *TEXTS)
        traits = {
            "source": (lambda _: "s", texts, text),
            "user": (lambda _: f"u{chance.randrange(9)}", texts, text),
            "model": (lambda _: chance.choice(("m/1", "m/2")), texts, text),
            "mode": (lambda _: None, (*texts, "Batch"), text),
            "status": (lambda _: "ok", (*texts, "error"), text),
            "tags": (lambda _: chance.choice((None, "b;a")), (*texts, "a;;b", "response-cache", "t;" * 3_000), text),
            "is_byok": (lambda _: False, (True, None), pa.bool_()),
            "record_id": (lambda row: f"r{row}", texts, pa.string()),
            "input": (lambda _: 7, counts, whole),
            chance.choice(("web_search", "request", "output")): (lambda _: chance.choice((1, None)), counts, whole),
            "occurred_at": (lambda row: START + timedelta(hours=row % 700), INSTANTS, pa.timestamp(unit, tz="UTC")),
            "cost": (lambda row: f"0.{row + 1}", (None, *COSTS, "x", ""), pa.string()),
        }
        if chance.random() < 0.5:
            decimals = (None, *map(Decimal, COSTS))
            traits["cost"] = (lambda row: Decimal(row) / 2**9, decimals, pa.decimal128(38, 12))
        optional = [name for name in ("source", "mode", "status", "tags", "is_byok", "cost") if chance.random() < 0.3]
        columns = {}
        for place, (name, (plain, hostile, type_)) in enumerate(traits.items()):
            values = self._column(place, plain, hostile)
            if name not in optional or name == "source":
                columns[name] = pa.array(values, type_)
        return parquet(columns, row_group_size=2_000)


def taken(content: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Hold both ways equal. Gives how many rows are read by column, and how many are no records."""
    counted = [0]
    known = CanonicalReader.columns_of

    def columns_of(reader: CanonicalReader, lines: Any, within: tuple[int, int]) -> Any:
        columns, odd = known(reader, lines, within)
        assert isinstance(lines, ParquetRows)
        counted[0] += len(columns)
        return columns, odd

    with monkeypatch.context() as watched:
        watched.setattr(CanonicalReader, "columns_of", columns_of)
        records = read_content_both_ways(content, None, monkeypatch)
    return counted[0], ROWS - records


@pytest.mark.parametrize(
    "parts", [pytest.param(2, id="every day"), pytest.param(200, id="a million", marks=pytest.mark.campaign)]
)
def test_a_reading_by_column_says_what_the_strict_one_says(parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = [taken(Table(seed).content(), monkeypatch) for seed in range(parts)]
    assert min(map(sum, zip(*counts, strict=True))) > 0.1 * parts * ROWS  # neither way is idle


@pytest.mark.parametrize("name", ["micros_within", "odd_ids", "check_counts", "costs_of"])
def test_a_check_that_is_left_out_is_missed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = getattr(canonical_table, name)

    def blind(values: Any, *others: Any) -> Any:
        return () if name == "odd_ids" else known(values, *others[:-1], set())

    monkeypatch.setattr(canonical_table, name, blind)
    with pytest.raises(AssertionError):
        [taken(Table(seed).content(), monkeypatch) for seed in range(8)]
