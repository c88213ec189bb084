"""Parquet: the same records as lines of JSON, whatever the types of the columns, and a clear word otherwise."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.sources.lines import canonical, lines, litellm, openrouter, read
from tokentill.errors import Refused
from tokentill.sources.compression import Limits
from tokentill.sources.reading import Quarantined, read_records

INSTANT = datetime(2026, 10, 5, 9, 30, 0, 123456, tzinfo=UTC)


def parquet(columns: dict[str, Any], **how: Any) -> bytes:
    """A file of these columns."""
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **how)
    return sink.getvalue()


def flat(count: int = 1, **more: Any) -> dict[str, Any]:
    """Canonical records with their quantities as columns."""
    columns = {
        "source": ["own"] * count,
        "record_id": [f"r{n}" for n in range(count)],
        "occurred_at": pa.array([INSTANT] * count, pa.timestamp("us", tz="UTC")),
        "model": pa.array(["m"] * count).dictionary_encode(),
        "input": pa.array([7] * count, pa.int64()),
    }
    return {**columns, **more}


def test_exact_values_stay_exact() -> None:
    columns = flat(
        input=pa.array([10**12 - 1], pa.int64()),
        output=pa.array([2**31], pa.uint32()),
        cost=pa.array([Decimal("0.012345678901234567890123")], pa.decimal128(38, 24)),
        occurred_at=pa.array([INSTANT], pa.timestamp("ns", tz="Asia/Kolkata")),
        is_byok=[True],
        tags=["b;a"],
        user=[None],
    )
    good, bad = read(parquet(columns))
    assert not bad
    [record] = good
    assert dict(record.quantities) == {"input": 10**12 - 1, "output": 2**31}
    assert record.cost == Decimal("0.012345678901234567890123")
    assert (record.occurred_at, record.is_byok, record.tags, record.user) == (INSTANT, True, ("a", "b"), None)


@pytest.mark.parametrize("kind", ["struct", "map"])
def test_quantities_may_be_nested(kind: str) -> None:
    columns = flat()
    del columns["input"]
    if kind == "map":
        columns["quantities"] = pa.array([[("input", 7), ("output", 3)]], pa.map_(pa.string(), pa.int64()))
    else:
        columns["quantities"] = [{"input": 7, "output": 3, "reasoning": None}]
    [record] = read(parquet(columns))[0]
    assert dict(record.quantities) == {"input": 7, "output": 3}


def test_records_are_those_of_the_same_lines_of_json() -> None:
    rows = [
        canonical(f"r{n}", user=f"u{n}", cost=f"0.{n + 1}", quantities={"input": n, "output": 2}) for n in range(3000)
    ]
    from_json, _ = read(lines(*rows))
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), content, row_group_size=700)
    content.seek(0)
    opened = read_records(content, name="usage.parquet")
    assert (opened.layout, opened.format) == ("parquet", "canonical")
    assert [one.digest for one in opened if not isinstance(one, Quarantined)] == [one.digest for one in from_json]
    assert opened.bytes_read == len(content.getvalue())


@pytest.mark.parametrize("row", [openrouter(total_cost="0.5"), litellm(spend="0.001", metadata="{}")])
def test_exports_of_gateways_are_read_as_well(row: dict[str, Any]) -> None:
    [expected] = read(lines(row))[0]
    typed = {name: [Decimal(value)] if name in ("spend", "total_cost") else [value] for name, value in row.items()}
    [record] = read(parquet(typed))[0]
    assert record.digest == expected.digest


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"cost": [0.1]}, "cost is the binary floating number 0.1; write it as a decimal or as text"),
        ({"cost": [float("nan")]}, "cost is the binary floating number nan"),
        ({"input": [1e300]}, "input is the binary floating number 1e+300"),
        ({"input": [-1]}, "input"),
        ({"occurred_at": pa.array([INSTANT.replace(tzinfo=None)], pa.timestamp("us"))}, "is not an RFC 3339 instant"),
        ({"user": [b"\xff"]}, "user is binary, which is not read"),
        ({"input": ["7.5"]}, "input '7.5' is not a whole number in plain digits"),
        ({"record_id": ["x" * 2**21]}, "the row is longer than"),
    ],
)
def test_what_is_not_exact_or_not_known_is_quarantined_and_stops_nothing(changed: dict[str, Any], reason: str) -> None:
    good, bad = read(parquet(flat(**changed)))
    assert not good
    [line] = bad
    assert reason in line.reason
    assert line.line == 1


def test_whole_floating_counts_are_counts() -> None:
    [record] = read(parquet(flat(input=pa.array([7.0], pa.float64()))))[0]
    assert dict(record.quantities) == {"input": 7}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (flat(modle=[1]), "the column 'modle' is neither a field nor a quantity; did you mean"),
        ({"a": [1], "b": [2]}, "no known source has these fields: 'a', 'b'"),
    ],
)
def test_columns_of_no_known_kind_are_refused(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message) as refusal:
        read(parquet(columns))
    assert "usage.file" in str(refusal.value)


def test_a_file_that_was_cut_off_or_changed_anywhere_does_no_harm() -> None:
    content = parquet(flat(40), compression="none", write_page_checksum=True)
    assert len({one.digest for one in read(content)[0]}) == 40
    for end in range(4, len(content), 97):
        with pytest.raises(Refused, match="is Parquet, and damaged or cut off"):
            read(content[:end])
    for place in range(4, len(content), 61):
        changed = content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]
        try:
            good, _ = read(changed)
        except Refused:
            continue
        assert len(good) <= 40


def test_a_bomb_is_refused_before_it_is_read() -> None:
    content = parquet(flat(1000, user=["x" * 1000] * 1000), use_dictionary=False, compression="zstd")
    with pytest.raises(Refused, match="more than is read"):
        read_records(io.BytesIO(content), name="bomb", limits=Limits(inflated_bytes_max=100_000))
    with pytest.raises(Refused, match="more than is read"):
        read_records(io.BytesIO(content), name="bomb", limits=Limits(ratio_from_bytes=1000, ratio_max=2))


class OneWay(io.RawIOBase):
    """A stream that cannot go back, as a pipe."""

    def __init__(self, content: bytes) -> None:
        self._inner = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(size)


def test_a_pipe_is_read_and_the_name_does_not_matter(tmp_path: Path) -> None:
    content = parquet(flat(3))
    assert len(list(read_records(OneWay(content), name="pipe"))) == 3  # type: ignore[arg-type]
    (tmp_path / "usage.csv").write_bytes(content)
    assert len(list(read_records(tmp_path / "usage.csv"))) == 3


def test_without_the_package_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    content = parquet(flat())
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Refused, match=r"pip install 'tokentill\[parquet\]'"):
        read(content)
