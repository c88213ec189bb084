"""Reading costs what its input is long: no shape of it makes any layout go over the same bytes again and again."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from itertools import product
from time import process_time
from typing import BinaryIO

import pytest

from tests.shares import daily
from tests.sources.lines import canonical, lines, litellm, read, text
from tokentill.errors import Refused
from tokentill.sources.reading import read_records

SIZE = 4 * 1024
GROWTH = 8
COST_GROWTH_MAX = 20
"""Eight times the input costs eight times as much, or 64 times where a scan is quadratic."""

GOOD = text(canonical()).encode()
HEADER, ROW = b"source,record_id,occurred_at,model,input", b"own,r,2026-10-05T09:30:00Z,m,7"
NESTED_TOO_DEEPLY = b'{"deep":"' + b"[" * 33 + b'",'

SHAPES: dict[str, Callable[[int], bytes]] = {
    "escaped quotes without end": lambda size: b'{"a":"' + b'\\"' * (size // 2),
    "escaped quotes without end after many brackets": lambda size: NESTED_TOO_DEEPLY + b'"' + b'\\"' * (size // 2),
    "escaped quotes and a last backslash": lambda size: NESTED_TOO_DEEPLY + b'"' + b'\\"' * (size // 2) + b"\\",
    "escaped quotes outside of a string": lambda size: NESTED_TOO_DEEPLY + b'\\"' * (size // 2),
    "backslashes": lambda size: NESTED_TOO_DEEPLY + b'"' + b"\\" * (size | 1),
    "quotes": lambda size: b'{"a":' + b'"' * (size | 1),
    "strings that are never closed": lambda size: NESTED_TOO_DEEPLY + b'"a\\"b' * (size // 5),
    "a string that is never closed": lambda size: NESTED_TOO_DEEPLY + b'"' + b"[" * size,
    "closed strings": lambda size: b'{"a":[' + b'"a",' * (size // 4),
    "objects": lambda size: b'{"a":' * (size // 5),
    "lists": lambda size: b'{"a":' + b"[" * size,
    "closing brackets": lambda size: b'{"a":' + b"]}" * (size // 2),
    "commas": lambda size: b"{" + b"," * size,
    "commas in a list": lambda size: b'{"a":[' + b"," * size + b"]}",
    "names of lists": lambda size: b"{" + b'"data" ' * (size // 7),
    "blanks after the name of a list": lambda size: b'{"data"' + b" " * size + b":" + b" " * size + b"[" + b" " * size,
    "digits": lambda size: b'{"a":' + b"1" * size,
    "different keys, and one twice": lambda size: (
        b"{" + b",".join(b'"%d":1' % number for number in range(size // 8)) + b',"%d":1}' % (size // 8 - 1)
    ),
    "different names of columns": lambda size: b",".join(b"c%d" % number for number in range(size // 6)),
    "quotes on lines of their own": lambda size: b'"\n' * (size // 2),
    "quotes that open on each line": lambda size: b'a,"b\n' * (size // 5),
    "a quote to each twenty lines": lambda size: (b'"' + b"\n,,,," * 20) * (size // 100),
}
LAYOUTS: dict[str, Callable[[bytes], bytes]] = {
    "the first line": lambda shape: shape + b"\n" + GOOD + b"\n",
    "a line": lambda shape: GOOD + b"\n" + shape + b"\n" + GOOD + b"\n",
    "an element": lambda shape: b"[" + GOOD + b"," + shape,
    "all elements": lambda shape: b"[" + shape,
    "an element of a list inside an object": lambda shape: b'{"total":1,"data":[' + GOOD + b"," + shape,
    "the object around a list": lambda shape: b'{"about":' + shape,
    "the object around a list, after it": lambda shape: b'{"data":[' + GOOD + b'],"about":' + shape,
    "values one after another": lambda shape: json.dumps(canonical(), indent=2).encode() + b"\n" + shape,
    "a row": lambda shape: HEADER + b"\n" + ROW + b"\n" + shape + b"\n" + ROW + b"\n",
    "the header": lambda shape: HEADER + b"," + shape + b"\n" + ROW + b"\n",
}


def seconds(opened: Callable[[], BinaryIO]) -> float:
    """Processor time of reading, the least of some tries, since others use the machine too."""
    least = float("inf")
    for _ in range(3):
        stream = opened()
        before = process_time()
        try:
            for _item in read_records(stream, name="usage.file"):
                pass
        except Refused:
            pass
        least = min(least, process_time() - before)
    return least


EVERYDAY = 74
"""One in three, so that every shape is tried every day, and every layout."""


@pytest.mark.parametrize(("shape", "layout"), daily(product(SHAPES, LAYOUTS), EVERYDAY))
def test_eight_times_the_input_costs_no_more_than_twenty_times_as_much(shape: str, layout: str) -> None:
    small, large = (LAYOUTS[layout](SHAPES[shape](size)) for size in (SIZE, SIZE * GROWTH))
    assert seconds(lambda: io.BytesIO(large)) < COST_GROWTH_MAX * seconds(lambda: io.BytesIO(small))


def test_an_export_that_is_cut_off_inside_a_long_prompt_takes_no_time_worth_mentioning() -> None:
    prompt = 'she said "yes" and "no"; ' * 18_000
    whole = lines(litellm("first"), litellm("second", metadata={"a": [{}] * 40}, messages=prompt))
    cut_off = whole[:-60_000]
    assert len(cut_off) > 440_000
    before = process_time()
    [record], [bad] = read(cut_off)
    assert process_time() - before < 1
    assert record.record_id == "first"
    assert "the file ends here without a line end, so it may be cut off" in bad.reason


class InDrops(io.BytesIO):
    """A stream that gives one byte at a time, and so as many chunks as there are bytes."""

    def read(self, _size: int | None = -1) -> bytes:
        """The next byte."""
        return super().read(1)


def in_drops(size: int) -> InDrops:
    return InDrops(b"[" + GOOD + b',{"a":"' + b"x" * size)


def test_chunks_of_a_byte_are_not_added_to_a_long_record_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokentill.sources.opening.HEAD_BYTES", 1000)
    small, large = 60_000, 60_000 * GROWTH
    assert seconds(lambda: in_drops(large)) < COST_GROWTH_MAX * seconds(lambda: in_drops(small))
