"""Every source, every layout, every damage of the corpus: never a traceback, never a value that was silently put right,
and the good records beside it stay. The long form of each is a campaign.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.sources import hostile
from tests.sources.hostile import ANYWHERE, FIXTURES, FORMAT_OF, LINES, NEVER, ROWS, good_line, outcome
from tests.sources.lines import canonical, lines, read
from tests.zstd import zstd_packed
from tokentill.errors import Refused
from tokentill.sources.reading import Limits, Quarantined, Reading, read_records

SEED = int(os.environ.get("TOKENTILL_CAMPAIGN_SEED", "2026"))
TABLE = b"source,record_id,occurred_at,model,input\n"
SHORT = pytest.param(1, id="short")
LONG = pytest.param(25, id="long", marks=pytest.mark.campaign)


def digests(records: list[Any]) -> list[bytes]:
    return [record.digest for record in records]


def checked(bad: list[Quarantined]) -> None:
    for item in bad:
        assert item.line >= 1
        assert item.reason.isprintable()
        assert item.raw.isprintable()


@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("share", [SHORT, LONG])
def test_cut_anywhere_a_file_gives_whole_records_of_it_and_says_what_is_missing(name: str, share: int) -> None:
    """A file of JSON that is cut inside of its only record may be refused as a whole."""
    content, format_ = FIXTURES[name], FORMAT_OF[name]
    whole = digests(read(content, format=format_)[0])
    for packing, packed in hostile.packings(content).items():
        step = 1 if share > 1 else 11 if packing == "plain" else 41
        for cut in range(Random(SEED).randrange(step), len(packed), step):
            good, bad, is_refused = outcome(packed[:cut], read, format=format_)
            checked(bad)
            assert hostile.is_part_in_order(digests(good), whole), (packing, cut)
            is_whole = packing == "plain" and not content[cut:].strip(b"\r\n]} ")
            assert is_refused or bad or len(good) == len(whole) or cut == 0 or _ends_a_record(packed, cut), cut
            assert not is_whole or len(good) == len(whole) or bad or is_refused


def _ends_a_record(content: bytes, cut: int) -> bool:
    """Whether a file of lines is cut where a line ends: then nothing tells that there was more."""
    return content[cut - 1 : cut] == b"\n" or content[cut : cut + 1] in (b"\n", b"\r")


@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("share", [SHORT, LONG])
def test_a_byte_that_is_another_one_costs_no_other_line(name: str, share: int) -> None:
    random = Random(f"{SEED} {name}")
    if name.endswith(".csv"):
        header, *rows = FIXTURES[name].splitlines()
        before = header + b"\n"
    else:
        rows, before = [hostile.text(row).encode() for of, row in ROWS if of == name], b""
    format_ = FORMAT_OF[name]
    alone = {row: digests(read(before + row + b"\n", format=format_)[0]) for row in rows}
    for _ in range(60 * share):
        row = random.choice(rows)
        damaged, _at = hostile.flipped(row, random)
        if format_ == "cloudevents" or damaged.count(b"\n") or (before and damaged.count(b'"') != row.count(b'"')):
            continue  # events of one request lie on many lines; one line became two; a quote is another test's
        neighbours = [random.choice(rows), random.choice(rows)]
        content = before + b"\n".join([neighbours[0], damaged, neighbours[1], b""])
        good, bad, is_refused = outcome(content, read, format=format_)
        checked(bad)
        assert not is_refused
        wanted = [digest for row in neighbours for digest in alone[row]]
        rest = digests(good)
        for digest in wanted:
            assert digest in rest, damaged
            rest.remove(digest)
        assert rest or bad or not alone[row], damaged


@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("share", [SHORT, LONG])
def test_a_packed_file_with_another_byte_gives_its_records_or_says_that_it_is_damaged(name: str, share: int) -> None:
    """Whoever packs adds a checksum, so that nothing there changes unseen."""
    random, format_ = Random(f"{SEED} {name}"), FORMAT_OF[name]
    whole = digests(read(FIXTURES[name], format=format_)[0])
    for packing, packed in hostile.packings(FIXTURES[name]).items():
        for _ in range(0 if packing == "plain" else 40 * share):
            damaged, at = hostile.flipped(packed, random)
            good, bad, is_refused = outcome(damaged, read, format=format_)
            checked(bad)
            assert is_refused or bad or digests(good) == whole, (packing, at)


def hostile_rows(share: int) -> Iterator[tuple[str, bytes, bool]]:
    """Rows of every source with a hostile value in a place, and whether no record may come of it."""
    for values, is_never in ((NEVER, True), (ANYWHERE, False)):
        for what, raw in values.items():
            random = Random(f"{SEED} {what}")
            for name, row in ROWS:
                listed = hostile.places(row)
                for place in listed if share > 1 else random.sample(listed, min(2, len(listed))):
                    yield name, hostile.with_value(row, place, raw), is_never


@pytest.mark.parametrize("share", [SHORT, LONG])
def test_a_hostile_value_in_any_place_costs_its_own_record_only(share: int) -> None:
    """In every format, between two records of that format."""
    neighbours: dict[str, tuple[bytes, list[bytes]]] = {}
    for name, row in ROWS:
        line = hostile.text(row).encode()
        neighbours.setdefault(name, (line, digests(read(line + b"\n", format=FORMAT_OF[name])[0])))
    for name, line, is_never in hostile_rows(share):
        beside, digests_beside = neighbours[name]
        good, bad, is_refused = outcome(b"\n".join([beside, line, beside, b""]), read, format=FORMAT_OF[name])
        checked(bad)
        assert not is_refused
        if FORMAT_OF[name] != "cloudevents":
            assert digests(good)[: len(digests_beside)] == digests_beside
            assert digests(good)[len(good) - len(digests_beside) :] == digests_beside
        if is_never:
            assert bad, line[:200]
            assert 0 <= len(good) <= 2 * len(digests_beside)


@pytest.mark.parametrize("what", LINES)
@pytest.mark.parametrize("name", [name for name in FIXTURES if not name.endswith(".csv")])
def test_a_hostile_line_costs_no_record_beside_it(name: str, what: str) -> None:
    first, *_ = [hostile.text(row).encode() for of, row in ROWS if of == name]
    alone, bad_alone = read(first + b"\n", format=FORMAT_OF[name])
    good, bad = read(b"\n".join([first, LINES[what], first, b""]), format=FORMAT_OF[name])
    checked(bad)
    assert len(good) == (2 * len(alone) if FORMAT_OF[name] != "cloudevents" else len(alone))
    assert len(bad) == 1 + 2 * len(bad_alone) or FORMAT_OF[name] == "cloudevents"


@pytest.mark.parametrize("value", ["a\u202eb", "a\u2066b", "a\u200bb", "a\u0301b", "Ａ"])
def test_ids_are_kept_as_they_are_or_refused_and_never_put_right(value: str) -> None:
    good, bad = read(lines(canonical(user=value)))
    assert [record.user for record in good] == [value]
    assert not bad


@pytest.mark.parametrize("rows", [5, 60])
def test_a_quote_that_is_never_closed_costs_one_row(rows: int) -> None:
    row = b"own,r%d,2026-10-05T09:30:00Z,m,7\n"
    content = TABLE + b"".join(row % n for n in range(rows)) + b'own,"open,2026-10-05T09:30:00Z,m,7\n'
    content += b"".join(row % n for n in range(rows, 2 * rows))
    good, [bad] = read(content)
    assert [record.record_id for record in good] == [f"r{n}" for n in range(2 * rows)]
    assert bad.line == rows + 2


def zeros(kind: str) -> bytes:
    content = good_line(1) + b"\n" + bytes(100_000_000)
    return gzip.compress(content, mtime=0) if kind == "gzip" else zstd_packed(content)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_100_mb_of_zeros_are_refused_by_how_much_they_grow(kind: str) -> None:
    with pytest.raises(Refused, match=r"usage\.file decompresses to more than 200 times its size"):
        read(zeros(kind))


def test_zeros_inside_of_a_packed_file_that_stay_small_are_one_bad_line() -> None:
    packer = zlib.compressobj(9, wbits=31)
    content = b"\n".join([good_line(1), bytes(20_000_000), good_line(2), b""])
    good, [bad] = read(packer.compress(content) + packer.flush())
    assert [record.record_id for record in good] == ["beside-1", "beside-2"]
    assert "longer than" in bad.reason


def test_a_packed_file_in_a_packed_file_is_no_record() -> None:
    inner = hostile.packings(good_line(1) + b"\n")["gzip"]
    good, bad, is_refused = outcome(hostile.packings(inner)["gzip"], read)
    assert not good
    assert bad or is_refused


def grown(path: Path, more: bytes) -> tuple[list[str], list[str], Reading]:
    """What is read of a file to which somebody appends meanwhile: ids, reasons, and the reading."""
    reading = read_records(path)
    items = iter(reading)
    read_first = next(items)
    with path.open("ab") as file:
        file.write(more)
    listed = [read_first, *items]
    bad = [item for item in listed if isinstance(item, Quarantined)]
    checked(bad)
    return [item.record_id for item in listed if not isinstance(item, Quarantined)], [b.reason for b in bad], reading


@pytest.mark.parametrize("cut", range(1, len(good_line(3)), 9))
def test_a_file_that_grows_while_it_is_read_gives_whole_records_and_is_named(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "growing.jsonl"
    path.write_bytes(good_line(1) + b"\n" + good_line(2) + b"\n")
    ids, reasons, reading = grown(path, good_line(3)[:cut])
    assert ids == ["beside-1", "beside-2"]
    assert all("cut off" in reason for reason in reasons)
    assert reading.incomplete is not None
    assert "changed while it was read" in reading.incomplete.why


def test_a_table_that_grows_inside_of_a_number_gives_no_shortened_number(tmp_path: Path) -> None:
    path = tmp_path / "growing.csv"
    path.write_bytes(TABLE + b"own,r1,2026-10-05T09:30:00Z,m,7\n")
    reading = read_records(path)
    with path.open("ab") as file:
        file.write(b"own,r2,2026-10-05T09:30:00Z,m,12345")  # and the rest, 678, comes later
    listed = list(reading)
    assert reading.incomplete is not None
    assert [type(item) for item in listed[1:]] in ([], [Quarantined])


def test_a_file_that_stays_as_it_is_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "still.jsonl"
    path.write_bytes(good_line(1) + b"\n")
    reading = read_records(path)
    assert len(list(reading)) == 1
    assert reading.incomplete is None


def test_no_limit_lets_a_long_element_through() -> None:
    good, bad = read(good_line(1) + b" " * 5000 + b"\n" + good_line(2) + b"\n", limits=Limits(line_bytes_max=3000))
    assert [record.record_id for record in good] == ["beside-2"]
    assert len(bad) == 1
