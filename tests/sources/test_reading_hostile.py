"""Hostile input costs bounded work, gives a message with file and line, and never stops the good records beside it."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib
from hashlib import sha256

import pytest

from tests.sources.lines import arouter, canonical, lines, packed, read, reading, text
from tokentill.errors import Refused
from tokentill.sources.reading import Limits, Quarantined, read_records

A, B = lines(arouter("a")), lines(arouter("b"))


def between(raw: bytes, **options: object) -> Quarantined:
    """What is quarantined when `raw` stands on line 2, between two records that are good."""
    good, bad = read(A + raw + b"\n" + B, **options)
    assert [record.record_id for record in good] == ["a", "b"]
    [found] = bad
    assert (found.name, found.line) == ("usage.file", 2)
    return found


def changed(old: str, new: str) -> bytes:
    row = text(arouter("x"))
    assert old in row
    return row.replace(old, new, 1).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"not json", "not valid JSON: no value at character 1"),
        (b"{", "not valid JSON"),
        (b"null", "not a JSON object but null"),
        (b"12", "not a JSON object but a whole number"),
        (b"[]", "not a JSON object but a list"),
        (b"{}{}", "more after the value"),
        (A.strip() + A.strip(), "more after the value"),
        (b"\xff\xfe\xfd", "byte 1 of it is not valid UTF-8"),
        (changed("user_1", "a\ud800b"), "is not valid UTF-8"),
        (changed("user_1", "a\\ud800b"), "user holds a lone surrogate"),
        (changed("user_1", "a\\u0000b"), "user holds the control character U+0000"),
        (changed("user_1", "a\0b"), "not valid JSON: Invalid control character"),
        (changed('"x"', '"x\\u0000"'), "record_id holds the control character U+0000"),
        (changed("user_1", "u" * 513), "user is 513 bytes long; 512 are accepted"),
        (changed("2026", "9999"), "outside the years 1971 to 2199"),
        (changed("2026", "0001"), "outside the years 1971 to 2199"),
        (changed("2026-10-05T09:30:00Z", "9999-12-31T23:59:59-23:59"), "outside the years 1971 to 2199"),
        (changed(": 100" if ": 100" in text(arouter()) else ":100", ":1" + "0" * 30), "at most 1000000000000"),
        (changed(":100", ":1" + "0" * 40), "a number of 41 characters; at most 40 are accepted"),
        (changed(":100", ":1" + "0" * 400_000), "a number of 400001 characters; at most 40 are accepted"),
        (changed(":100", ":1e3000000"), "prompt is a number with a point"),
        (changed(":100", ":1e99999999999999999999"), "is out of range"),
        (changed(":100", ":1.5"), "prompt is a number with a point (1.5), not a whole number"),
        (changed(":100", ":-5"), "prompt is negative (-5)"),
        (changed(":100", ":NaN"), "NaN is not a number that JSON has"),
        (changed(":100", ":-Infinity"), "-Infinity is not a number that JSON has"),
        (changed(":100", ":true"), "prompt is true, not a whole number"),
        (changed(":100", ':1,"prompt_tokens":2'), "the key 'prompt_tokens' occurs twice"),
        (changed(":100", ':1,"prompt\\u005ftokens":2'), "the key 'prompt_tokens' occurs twice"),
        (changed(":100", ':1,"cost":1e400'), "cost: "),
        (changed(":100", ':1,"cost":1e-400'), "cost: "),
        (changed(":100", ':1,"cost":NaN'), "NaN is not a number"),
        (changed(":100", ':1,"deep":' + "[" * 40 + "]" * 40), "nested deeper than 32 levels"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested deeper than 32 levels"),
        (b"[" * 200_000, "nested deeper than 32 levels"),
    ],
)
def test_a_bad_line_between_good_ones_is_quarantined(raw: bytes, reason: str) -> None:
    found = between(raw)
    assert reason in found.reason
    assert found.digest == sha256(raw).digest()[:16]
    assert found.raw.isprintable()
    assert len(found.raw) <= 200


@pytest.mark.parametrize(
    "time",
    [
        "2026-10-05",
        "2026-10-05T09:30:00",
        "2026-10-05T09:30Z",
        "2026-W41-1T09:30:00Z",
        "2026-10-05T24:00:00Z",
        "2026-10-05T23:59:60Z",
        "2026-10-05T09:30:00,5Z",
        "2026-10-05T09:30:00.Z",
        "2026-10-05 09:30:00Z",
        "20261005T093000Z",
        "2026-10-05T09:30:00+0200",
        "2026-10-05T09:30:00+24:00",
        "2026-02-30T09:30:00Z",
        "2026-13-01T09:30:00Z",
        "２０２６-10-05T09:30:00Z",
        "2026-10-05T09:30:00Z\\n",
        "+2026-10-05T09:30:00Z",
    ],
)
def test_a_time_that_is_not_rfc_3339_is_quarantined(time: str) -> None:
    assert "the time of the request '" in between(changed("2026-10-05T09:30:00Z", time)).reason


@pytest.mark.parametrize(
    ("time", "micros"),
    [
        ("2026-10-05T11:30:00+02:00", 0),
        ("2026-10-05T09:30:00.5Z", 500_000),
        ("2026-10-05T09:30:00.123456789Z", 123_456),
        ("2026-10-05t09:30:00z", 0),
        ("2026-10-04T23:30:00-10:00", 0),
    ],
)
def test_every_way_to_write_an_instant_of_rfc_3339_is_understood(time: str, micros: int) -> None:
    [record], _ = read(changed("2026-10-05T09:30:00Z", time))
    assert record.occurred_at.isoformat().startswith("2026-10-05T09:30:00")
    assert record.occurred_at.microsecond == micros


def test_an_id_is_told_where_it_can_be() -> None:
    assert between(changed(":100", ":-5")).record_id == "x"
    assert between(b"not json").record_id is None
    assert between(changed('"x"', '"x\\u0000"')).record_id is None
    assert between(changed('"x"', "[1]")).record_id is None


def test_a_line_that_is_too_long_is_passed_over_without_being_held() -> None:
    raw = b'{"id":"' + b"x" * 50_000_000 + b'"}'
    stream = io.BytesIO(A + raw + b"\n" + B)
    tracemalloc.start()
    items = list(read_records(stream, name="usage.file"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16_000_000
    [found] = [item for item in items if isinstance(item, Quarantined)]
    assert len(items) == 3
    assert (found.line, found.digest) == (2, sha256(raw).digest()[:16])
    assert found.reason == f"the line is longer than 1048576 bytes ({len(raw)})"


def test_the_longest_line_that_is_read_is_as_stated() -> None:
    limits = Limits(line_bytes_max=500)
    fitting = changed("user_1", "u" * 6) + b" " * (500 - len(changed("user_1", "u" * 6)))
    assert not read(A + fitting + b"\n", limits=limits)[1]
    assert between(fitting + b" ", limits=limits).reason == "the line is longer than 500 bytes (501)"


@pytest.mark.parametrize("size", [100, 4096, 10_000_000])
def test_an_element_that_is_too_long_is_passed_over(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokentill.sources.compression.READ_BYTES", size)
    monkeypatch.setattr("tokentill.sources.opening.HEAD_BYTES", 300)
    limits = Limits(line_bytes_max=1000)
    raw = b'{"id":"' + b'x\\"]}' * 9_000 + b'"}'
    content = b"[" + A.strip() + b"," + raw + b"," + B.strip() + b"]"
    good, [bad] = read(content, limits=limits)
    assert [record.record_id for record in good] == ["a", "b"]
    assert (bad.line, bad.digest) == (2, sha256(raw).digest()[:16])
    assert bad.reason == f"the element is longer than 1000 bytes ({len(raw)})"


def test_a_list_that_opens_and_never_ends_is_not_held() -> None:
    content = b"[" + A.strip() + b',{"a":"' + b"\\\\" * 10_000_000
    tracemalloc.start()
    items = list(reading(content))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16_000_000
    assert isinstance(items[-1], Quarantined)
    assert "the file ends inside this element" in items[-1].reason
    assert len(items) == 2


def bomb(size: int, line: bytes = b" " * 999_999 + b"\n") -> bytes:
    """A record and blank lines, of which there are few unless said otherwise, since each takes its time."""
    packer = zlib.compressobj(9, wbits=31)
    block = line * (1_000_000 // len(line))
    return packer.compress(A) + b"".join(packer.compress(block) for _ in range(size // len(block))) + packer.flush()


def test_a_bomb_is_refused_by_how_much_it_grows() -> None:
    with pytest.raises(Refused, match=r"usage\.file decompresses to more than 200 times its size"):
        read(bomb(80_000_000))


def test_what_grows_much_but_stays_small_is_no_bomb() -> None:
    good, bad = read(bomb(50_000_000))
    assert (len(good), bad) == (1, [])


def test_a_bomb_is_refused_by_its_size() -> None:
    with pytest.raises(Refused, match=r"usage\.file decompresses to more than 1000000 bytes; split it"):
        read(bomb(2_000_000, b"\n"), limits=Limits(inflated_bytes_max=1_000_000))


def test_a_truncated_gzip_gives_what_was_good_and_says_so_once() -> None:
    rows = [lines(arouter(f"gen-{number}", user=sha256(b"%d" % number).hexdigest())) for number in range(300)]
    whole = gzip.compress(b"".join(rows), mtime=0)
    everything = [f"gen-{number}" for number in range(300)]
    for cut in (3, 12, len(whole) // 3, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        good, [bad] = read(whole[:cut])
        assert [record.record_id for record in good] == everything[: len(good)]
        assert "the gzip data ends too early" in bad.reason
        assert bad.line == len(good) + 1
    assert len(read(whole[: len(whole) // 2])[0]) > 100


def test_a_damaged_gzip_gives_what_was_good_before_the_damage() -> None:
    rows = [lines(arouter(f"gen-{number}", user=sha256(b"%d" % number).hexdigest())) for number in range(3000)]
    whole = bytearray(gzip.compress(b"".join(rows), mtime=0))
    whole[len(whole) // 2 : len(whole) // 2 + 40] = b"\xff" * 40
    good, bad = read(bytes(whole))
    assert len(good) > 1000
    assert "the gzip data is damaged here" in bad[-1].reason
    wrong_sum = bytearray(packed([A, B]))
    wrong_sum[-6] ^= 1
    good, [bad_sum] = read(bytes(wrong_sum))
    assert [record.record_id for record in good] == ["a", "b"]
    assert "the gzip data is damaged here" in bad_sum.reason


def test_what_follows_gzip_and_is_none_is_told() -> None:
    good, [bad] = read(packed([A]) + b"garbage")
    assert len(good) == 1
    assert "something follows the gzip data" in bad.reason


def test_a_last_line_that_was_cut_off_is_told() -> None:
    good, [bad] = read(A + B[:40])
    assert len(good) == 1
    assert bad.line == 2
    assert bad.reason.endswith("the file ends here without a line end, so it may be cut off")


@pytest.mark.parametrize("cut", range(1, len(A) + len(B)))
def test_cut_anywhere_a_file_gives_only_whole_records(cut: int) -> None:
    try:
        good, bad = read((A + B)[:cut])
    except Refused:
        assert cut < len(A) - 1
        return
    assert [record.record_id for record in good] == (["a", "b"] if cut >= len(A + B) - 1 else ["a"])
    assert len(bad) == (0 if cut in (len(A) - 1, len(A), len(A + B) - 1) else 1)


def test_a_truncated_table_does_not_give_a_shortened_row() -> None:
    table = b"source,record_id,occurred_at,model,input\n" + b"own,r,2026-10-05T09:30:00Z,m,12345\n" * 3
    packer = zlib.compressobj(wbits=31)
    cut_off = packer.compress(table[:-4]) + packer.flush(zlib.Z_SYNC_FLUSH)
    good, [bad] = read(cut_off)
    assert [record.quantities["input"] for record in good] == [12345, 12345]
    assert "ends too early" in bad.reason


def test_what_is_shown_of_a_bad_line_is_safe_and_short() -> None:
    found = between(b"\x1b[31m\xff\r\xe2\x80\xae" + "é山".encode() + b"z" * 1000)
    assert found.raw.startswith("\\x1b[31m\\xff\\r\\u202eé山zzz")
    assert len(found.raw) == 200


def test_a_hostile_key_is_shown_escaped() -> None:
    reason = read(lines(canonical(**{"a\x1b[2J\nb": 1})))[1][0].reason
    assert reason.isprintable()


def test_a_stream_that_fails_is_refused_by_name() -> None:
    class Failing(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(Refused, match=r"usage\.file cannot be read: Input/output error"):
        read_records(Failing(), name="usage.file")  # type: ignore[arg-type]
