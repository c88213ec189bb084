"""Canonical lines are read quickly and strictly, and both ways say the same: the same records, the same reasons."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentill.errors import InvalidRecord
from tokentill.sources import reading
from tokentill.sources.gateways import canonical_form
from tokentill.sources.gateways.canonical_quick import QuickReader
from tokentill.sources.gateways.quick_values import ALL_OF_TIME
from tokentill.sources.reading import Quarantined, read_records
from tokentill.sources.strict_json import parse_object
from tokentill.usage.columns import SeriesNumbers
from tokentill.usage.control_totals import Reported
from tokentill.usage.record import UsageRecord, cost_text

AT_ONCE = 5_000
HOSTILE = (
    *("null", "true", "false", "0", "1", "-0", "-1", "1.0", "1e2", "1E400", "01", "0.10", "100", "1e-7", "NaN"),
    *('""', '" "', '"0"', '"0.5"', '"0.50"', '"x"', '"a\\u0041"', '"\\ud800"', '"\\u0000"', '"caf\u00e9"', '"\x7f"'),
    *("[]", "{}", "[[]]", '["a"]', '["b","a","b"]', '[""]', "[1]", '{"input":1}', '{"input":1,"input":2}'),
    *('{"input":true}', '{"input":"1"}', '{"Input":0}', '{"input_total":1}', '{"request":1}', '{"request":2}'),
    *('{"web_search":2,"output":0}', '{"input":1000000000000}', '{"input":1000000000001}', '{"input":-1}'),
    *("1000000", "1000000.1", "0.0", "0.000000000000000000000001", "0.0000000000000000000000001", "1" * 41),
    *("9" * 7 + "." + "9" * 24, '"' + "x" * 513 + '"', "[" * 40 + "]" * 40, "-", ".5", "1.", '"missing"', '"error"'),
    *('"2026-10-01T00:00:00Z"', '"2026-10-01t00:00:00z"', '"2026-10-01T00:00:00.1234567+05:30"', '"2026-10-01"'),
    *('"1969-01-01T00:00:00Z"', '"0001-01-01T00:00:00+23:59"', '"2026-02-30T00:00:00Z"', '"2026-10-01T24:00:00Z"'),
)
"""Values that any field may be given."""
BYTES = b'"{}[]:,\\ \t\r.-+eE0123456789ntruefalsx/\x00\x1f\x7f\xc3\xa9\xff'


def lines(seed: int, count: int) -> Iterator[bytes]:
    """Lines, of which three in ten are as most are, and the others are changed in a small way or in several."""
    chance = random.Random(seed)
    for number in range(count):
        pairs = _pairs(chance, number)
        changes = chance.choice((0, 0, 0, 1, 1, 1, 1, 1, 2, 4))
        for _ in range(changes):
            _change(chance, pairs)
        colon, comma = chance.choice(((":", ","), (": ", ", "), (" :\t", " , ")))
        raw = ("{" + comma.join(f"{name}{colon}{value}" for name, value in pairs) + "}").encode(
            "utf-8", "surrogatepass"
        )
        for _ in range(changes if chance.random() < 0.4 else 0):
            raw = _with_other_bytes(chance, raw)
        yield raw.replace(b"\n", b" ")


def _pairs(chance: random.Random, number: int) -> list[tuple[str, str]]:
    counts = {name: chance.choice((0, 1, 977)) for name in ("input", "cache_read", "output", "reasoning")}
    record = {
        "source": "s",
        "record_id": f"r{chance.randrange(10**6)}",
        "occurred_at": f"2026-10-{1 + number % 28:02}T12:00:00.{chance.randrange(1000):03}Z",
        "model": "m/1",
        "quantities": counts,
    }
    optional = {
        "user": chance.choice(("u1", "", None)),
        "api_key": "k",
        "provider": "p",
        "mode": chance.choice(("batch", "", None, "Batch")),
        "geo": "eu",
        "tags": chance.choice(([], ["b", "a"], ["a", "a"], ["response-cache"], None)),
        "status": chance.choice(("ok", "error", "fine")),
        "usage_state": chance.choice(("reported", "estimated", "missing", None)),
        "cost": chance.choice(("0.5", "0.50", 0, 5, None)),
        "is_byok": chance.choice((True, False, None)),
        "is_replayed": chance.choice((True, False, None)),
        "request_key": chance.choice(("call", "", record["record_id"], None)),
    }
    record |= {name: value for name, value in optional.items() if chance.random() < 0.4}
    pairs = [(json.dumps(name), json.dumps(value)) for name, value in record.items()]
    if chance.random() < 0.3:
        pairs.append(('"cost"', f"{chance.randrange(3)}.{chance.randrange(10**9):09}"))
    if chance.random() < 0.3:
        chance.shuffle(pairs)
    return pairs


def _change(chance: random.Random, pairs: list[tuple[str, str]]) -> None:
    place = chance.randrange(len(pairs) or 1)
    kind = chance.randrange(6) if pairs else 5
    if kind < 3:
        pairs[place] = (pairs[place][0], chance.choice(HOSTILE))
    elif kind == 3:
        pairs.append(pairs[place])
    elif kind == 4:
        del pairs[place]
    else:
        pairs.insert(
            place, (chance.choice(('"unknown"', '"us\\u0065r"', '"cost"', '"user"', '""')), chance.choice(HOSTILE))
        )


def _with_other_bytes(chance: random.Random, raw: bytes) -> bytes:
    start = chance.randrange(len(raw) + 1)
    new = bytes(chance.choices(BYTES, k=chance.randrange(3)))
    return raw[:start] + new + raw[start + chance.randrange(4) :]


def said(items: list[UsageRecord | Quarantined]) -> list[object]:
    """All that is told apart: also how a cost was written, and a digest that does not belong to its record."""
    return [
        item if isinstance(item, Quarantined) else (item, item.digest, str(item.cost), item.tags, item.is_byok)
        for item in items
    ]


def read_both_ways(
    given: list[bytes], source: str | None, monkeypatch: pytest.MonkeyPatch, format_: str = "canonical"
) -> int:
    """Hold both ways equal over a file of lines. Gives the number of its records."""
    return read_content_both_ways(b"\n".join(given) + b"\n", source, monkeypatch, format_)


def read_content_both_ways(
    content: bytes, source: str | None, monkeypatch: pytest.MonkeyPatch, format_: str = "canonical"
) -> int:
    """Hold both ways equal over a whole file. Gives the number of its records."""
    read = {}
    for is_quick in (True, False):
        with monkeypatch.context() as changed:
            if not is_quick:
                changed.setattr(reading.Reading, "_is_quick", False)
            opened = read_records(io.BytesIO(content), name="file", source=source, format=format_)
            if not is_quick:
                opened._parse = parse_object
            read[is_quick] = said(list(opened.items(_refuse_some)))
    assert read[True] == read[False]
    return sum(not isinstance(item, Quarantined) for item in read[True])


def read_quickly(line: bytes, source: str | None) -> UsageRecord | None:
    """The record of one line, if it is not odd."""
    columns, _ = QuickReader(source, SeriesNumbers(), lambda _: False).columns_of([line], ALL_OF_TIME)
    return next(columns.records(), None)


def _refuse_some(record: Reported) -> Reported:
    if record.occurred_at.day == 7:
        raise InvalidRecord("not on this day")
    return record


@pytest.mark.parametrize(
    "parts", [pytest.param(2, id="every day"), pytest.param(200, id="a million", marks=pytest.mark.campaign)]
)
def test_a_quick_reading_says_what_the_strict_one_says(parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = records = 0
    for seed in range(parts):
        given = list(lines(seed, AT_ONCE))
        source = (None, "s")[seed % 2]
        records += read_both_ways(given, source, monkeypatch)
        taken += len(given) - len(
            QuickReader(source, SeriesNumbers(), lambda _: False).columns_of(given, ALL_OF_TIME)[1]
        )
    assert min(taken, parts * AT_ONCE - records) > 0.15 * parts * AT_ONCE  # neither way is idle


JSON_TEXTS = st.sampled_from(HOSTILE) | st.text(max_size=8).map(json.dumps) | st.integers().map(str)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(canonical_form.FIELDS).map(json.dumps) | st.text(max_size=4).map(json.dumps), JSON_TEXTS
        )
    )
)
def test_whatever_a_line_holds_the_quick_way_gives_the_strict_record_or_none(pairs: list[tuple[str, str]]) -> None:
    plain = {
        '"source"': '"s"',
        '"record_id"': '"r"',
        '"occurred_at"': '"2026-10-01T00:00:00Z"',
        '"model"': '"m"',
        '"quantities"': '{"input":3}',
    }
    members = [(name, value) for name, value in plain.items() if name not in dict(pairs)] + pairs
    raw = ("{" + ",".join(f"{name}:{value}" for name, value in members) + "}").encode("utf-8", "surrogatepass")
    record = read_quickly(raw, None)
    if record is not None:
        strict = canonical_form.read(parse_object(raw), None)
        assert said([record]) == said([strict])


def test_a_quick_record_is_like_any_other() -> None:
    line = b'{"source":"s","record_id":"r","occurred_at":"2026-10-01T00:00:00Z","model":"m","quantities":{"input":3}}'
    record = read_quickly(line, None)
    assert record is not None
    assert record.cost is None or cost_text(record.cost)
    assert record == UsageRecord(
        source="s", record_id="r", occurred_at=record.occurred_at, model="m", quantities={"input": 3}
    )
    with pytest.raises(AttributeError):
        record.model = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    "line",
    [
        b'{"source":"s","record_id":"r","occurred_at":"2026-10-01T00:00:00Z","model":"m","quantities":{"input":3},"model":"m"}',
        b'{"source":"s","record_id":"r","occurred_at":"2026-10-01T00:00:00Z","model":"m","quantities":{"input":3,"input":3}}',
        b'{"source":"s","source":null,"record_id":"r","occurred_at":"2026-10-01T00:00:00Z","model":"m","quantities":{}}',
    ],
)
def test_a_doubled_key_is_never_taken_quickly(line: bytes) -> None:
    assert read_quickly(line, "s") is None
