"""Events are cut from bytes as the HTML standard says, however the bytes are split, and no more than one is held."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tokentill.capture.server_sent_events import EventParser

BYTES_MAX = 40

LINES = st.one_of(
    st.binary(max_size=50),
    st.builds(lambda value: b"data:" + value, st.binary(max_size=60)),
    st.sampled_from([b"", b"", b"data", b"data: ", b"data:  two", b": note", b"event: x", b"data: [DONE]"]),
)
STREAMS = st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=12).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


def events_of(*chunks: bytes, bytes_max: int = BYTES_MAX) -> tuple[list[bytes], int]:
    parser = EventParser(bytes_max)
    events = [event for chunk in chunks for event in parser.add(chunk)]
    return [*events, *parser.end()], parser.left_out


def by_the_standard(stream: bytes, bytes_max: int = BYTES_MAX) -> tuple[list[bytes], int]:
    """The same, over the whole stream at once."""
    stream = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events: list[bytes] = []
    data: list[bytes] = []
    size = left_out = 0
    for number, line in enumerate([*stream.split(b"\n"), b""]):
        size += len(line)
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line
        name, _, value = line.partition(b":")
        if line:
            data += [value.removeprefix(b" ")] if name == b"data" else []
            continue
        left_out += size > bytes_max
        events += [b"\n".join(data)] if data and size <= bytes_max else []
        data, size = [], 0
    return events, left_out


@given(STREAMS, st.lists(st.integers(0, 400), max_size=8))
def test_any_split_of_the_bytes_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    ends = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    chunks = [stream[start:end] for start, end in pairwise(ends)]

    assert events_of(*chunks) == by_the_standard(stream)


@given(STREAMS)
def test_byte_by_byte_gives_the_same_events(stream: bytes) -> None:
    assert events_of(*[stream[at : at + 1] for at in range(len(stream))]) == by_the_standard(stream)


def test_an_event_that_is_too_long_is_left_out_and_the_next_one_is_not() -> None:
    long = b"data: " + b"x" * 1000 + b"\r\n\r\n"

    assert events_of(long, b"data: short\n\n") == ([b"short"], 1)
    assert events_of(*[long[at : at + 7] for at in range(0, len(long), 7)], b"data: short\n\n") == ([b"short"], 1)


def test_no_more_is_held_than_the_longest_event() -> None:
    parser = EventParser(1000)
    for _ in range(1000):
        assert list(parser.add(b"x" * 1000)) == []
        assert len(parser._line) <= 1001
