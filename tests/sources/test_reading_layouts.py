"""What an input is, is found by its content; the same record is the same whatever it was wrapped in."""

from __future__ import annotations

import gzip
import io
import json
from hashlib import sha256
from pathlib import Path

import pytest

from tests.sources.lines import DATA, arouter, canonical, lines, litellm, openrouter, packed, read, reading, text
from tokentill.errors import InvalidCall, Refused
from tokentill.sources.compression import READ_BYTES
from tokentill.sources.reading import Limits, Quarantined, read_records
from tokentill.usage.record import UsageRecord

ROW = canonical("r1", user="u1", tags=["a"], cost="0.1", quantities={"input": 7, "output": 2})
TABLE = b"occurred_at,record_id,model,user,tags,cost,output,input,source\n2026-10-05T09:30:00Z,r1,m,u1,a,0.1,2,7,own\n"
OBJECT = text(ROW).encode()
SAME = {
    "jsonl": OBJECT + b"\n",
    "jsonl without a line end": OBJECT,
    "jsonl with other line ends": b"\r\n\n" + OBJECT + b"\r\n\r\n",
    "jsonl with a mark": b"\xef\xbb\xbf" + OBJECT + b"\n",
    "a list": b" [ " + OBJECT + b" ]\n",
    "records": b'{"total": 1, "records": [' + OBJECT + b'], "next": null}',
    "data": b'{"data":[' + OBJECT + b"]}",
    "items": b'{"items":\n[\n' + OBJECT + b"\n]\n}\n",
    "an object over several lines": json.dumps(ROW, indent=2).encode(),
    "a table": TABLE,
    "a table with other line ends": TABLE.replace(b"\n", b"\r\n"),
    "a table with a mark": b"\xef\xbb\xbf" + TABLE,
    "a quoted table": b'"source",record_id,occurred_at,model,input,output,user,tags,cost\n'
    b'own,"r1",2026-10-05T09:30:00Z,"m",7,"2",u1,a,"0.10"',
}


def files() -> list[Path]:
    return sorted(path for path in DATA.iterdir() if path.suffix in (".json", ".jsonl", ".csv"))


@pytest.mark.parametrize("shape", SAME)
@pytest.mark.parametrize("is_packed", [False, True])
def test_the_same_record_has_the_same_digest_in_every_layout(shape: str, is_packed: bool) -> None:
    content = gzip.compress(SAME[shape]) if is_packed else SAME[shape]
    opened = reading(content)
    [record] = list(opened)
    assert isinstance(record, UsageRecord)
    assert record.digest.hex() == "51f07fe6d0bbdd5d9f7bac1c7829e349"
    assert opened.format == "canonical"
    assert opened.compression == ("gzip" if is_packed else "none")
    assert opened.layout == ("csv" if "table" in shape else "jsonl" if shape.startswith("jsonl") else "json")


@pytest.mark.parametrize(
    ("row", "name"),
    [(arouter(), "arouter"), (openrouter(), "openrouter"), (litellm(), "litellm"), (canonical(), "canonical")],
)
def test_a_source_is_recognised_by_its_fields(row: object, name: str) -> None:
    assert reading(lines(row)).format == name
    assert reading(b"[" + text(row).encode() + b"]").format == name
    assert reading(b'{"data":' + text(row).encode() + b"}").format == name
    assert reading(b"what?\n" + lines(row)).format == name
    assert reading(b'{"a":1}\n' + lines(row)).format == name


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_bytes_may_arrive_in_any_pieces(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(read_records(path))
    assert whole
    for size in (1, 2, 3, 7, 64):
        monkeypatch.setattr("tokentill.sources.compression.READ_BYTES", size)
        monkeypatch.setattr("tokentill.sources.opening.HEAD_BYTES", 1100)
        opened = read_records(path)
        assert [item for item in opened if not isinstance(item, Quarantined)] == whole, size


def test_several_gzip_members_are_one_input() -> None:
    good, bad = read(
        packed([lines(arouter("a")), b"", lines(arouter("b")), lines(arouter("c"))[:-1]]) + b"\0" * 700_000
    )
    assert [record.record_id for record in good] == ["a", "b", "c"]
    assert not bad


def test_objects_one_after_another_over_several_lines_are_read() -> None:
    content = "\n".join(json.dumps(arouter(name), indent=1) for name in "abc").encode()
    good, bad = read(content)
    assert [record.record_id for record in good] == ["a", "b", "c"]
    assert not bad


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b" \t", gzip.compress(b"", mtime=0), b"[]", b'{"data": []}', b"\xef\xbb\xbf"]
)
def test_an_empty_input_has_no_records(content: bytes) -> None:
    opened = reading(content)
    assert (list(opened), opened.format) == ([], None)


def test_a_header_alone_has_no_records() -> None:
    header = TABLE.split(b"\n")[0]
    assert list(reading(header + b"\n")) == []
    [cut_off] = list(reading(header))
    assert isinstance(cut_off, Quarantined)
    assert cut_off.reason.startswith("the header ends without a line end, so it may be cut off")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello world\n", "usage.file: nothing in it is a JSON object or a CSV header; name its format"),
        (b"a,b,c\n1,2,3\n", "usage.file: taken for CSV: no known source has these fields: 'a', 'b', 'c'"),
        (b'{"a":1,"b":2}\n', "usage.file: no known source has these fields: 'a', 'b'"),
        (b"[1,2]", "nothing in it is a JSON object"),
        (b"\0\1\2\3" * 9, "it is not text"),
        (b"PAR1....", "is Parquet, and damaged or cut off"),
        (gzip.compress(b"PAR1....", mtime=0), "it is Parquet inside of gzip; decompress it first"),
        ('{"id": 1}'.encode("utf-16"), "is UTF-16"),
        (b'[{"date":"2026-10-01","requests":5,"spend":1.5,"model":"m"}]', "these are daily totals"),
        (b"record_id,occurred_at,model,model\n", "the header has the column 'model' twice"),
        (gzip.compress(gzip.compress(lines(arouter()), mtime=0), mtime=0), "it is not text"),
    ],
)
def test_an_input_of_no_known_kind_is_refused_with_what_to_do(content: bytes, message: str) -> None:
    with pytest.raises(Refused) as refusal:
        reading(content)
    assert message in str(refusal.value)
    assert "usage.file" in str(refusal.value)


def test_a_named_format_is_not_second_guessed() -> None:
    good, bad = read(lines(litellm()), format="arouter")
    assert not good
    assert len(bad) == 1
    with pytest.raises(Refused, match="its header is not one of the format litellm"):
        reading(TABLE, format="litellm")
    with pytest.raises(
        InvalidCall, match=r"'excel' is not a format; there are .*canonical, .*litellm, .*openrouter, arouter"
    ):
        reading(b"", format="excel")


def test_records_are_found_behind_a_head_that_cannot_be_read() -> None:
    good, bad = read(b"\n".join([b"{" + b"x" * 1000] * 400) + b"\n" + lines(arouter()))
    assert (len(good), len(bad)) == (1, 400)
    with pytest.raises(Refused, match="no known source has these fields: 'a'"):
        read(b"\n".join([b"{" + b"x" * 1000] * 400) + b'\n{"a":1}\n')


def test_a_file_is_named_measured_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "october.txt"
    path.write_bytes(lines(arouter(), "nonsense"))
    opened = read_records(path)
    assert (opened.name, opened.bytes_total) == (str(path), path.stat().st_size)
    [_, bad] = list(opened)
    assert isinstance(bad, Quarantined)
    assert str(bad) == f"{path}:2: not a JSON object but a text"
    assert opened.bytes_read == path.stat().st_size
    assert opened._stream.closed


def test_an_input_is_read_once() -> None:
    opened = reading(lines(arouter()))
    list(opened)
    with pytest.raises(InvalidCall, match="was read already"):
        iter(opened)


def test_a_stream_stays_open_and_has_no_size() -> None:
    stream = io.BytesIO(lines(arouter()))
    opened = read_records(stream)
    assert (len(list(opened)), opened.bytes_total, stream.closed) == (1, None, False)


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines(arouter(), b"?"))))
    [_, bad] = list(read_records("-"))
    assert isinstance(bad, Quarantined)
    assert bad.name == "standard input"


@pytest.mark.parametrize("path", ["no/such/file", "/", "a\0b"])
def test_a_file_that_cannot_be_opened_is_a_wrong_call(path: str) -> None:
    with pytest.raises(InvalidCall, match="cannot be"):
        read_records(path)


def test_text_streams_are_a_wrong_call() -> None:
    with pytest.raises(InvalidCall, match="open it in binary mode"):
        read_records(io.StringIO("{}"))  # type: ignore[arg-type]


def test_quoted_cells_may_hold_commas_quotes_and_line_ends() -> None:
    header = b"generation_id,created_at,model_permaslug,tokens_prompt,tokens_completion,app_name\n"
    row = b'gen-%d,2026-10-05T09:30:00Z,m,1,2,"a ""b"", c\r\nsecond line\n"\n'
    good, bad = read(header + row % 1 + row % 2 + b"gen-3,2026-10-05T09:30:00Z,m,1,2,\n")
    assert [record.record_id for record in good] == ["gen-1", "gen-2", "gen-3"]
    assert not bad


def test_a_quote_that_nobody_closed_costs_one_row() -> None:
    header = b"generation_id,created_at,model_permaslug,tokens_prompt,tokens_completion,app_name\n"
    row = b"gen-%d,2026-10-05T09:30:00Z,m,1,2,x\n"
    broken = b'gen-0,2026-10-05T09:30:00Z,m,1,2,"x\n'
    good, bad = read(header + b"".join([row % 1, broken, *(row % n for n in range(2, 60)), broken, row % 60]))
    assert [record.record_id for record in good] == [f"gen-{n}" for n in range(1, 61)]
    assert [(item.line, item.reason) for item in bad] == [
        (3, "not valid CSV: unexpected end of data"),
        (62, "not valid CSV: unexpected end of data"),
    ]


def test_stray_quotes_close_to_each_other_cost_one_row_each() -> None:
    header = b"generation_id,created_at,model_permaslug,tokens_prompt,tokens_completion,app_name\n"
    row = b"gen-%d,2026-10-05T09:30:00Z,m,1,2,%s\n"
    apps = [b"x", b'"x', b"x", b"x", b'"x', b'"a\nb"', b"x", b'"x', b"x"]
    good, bad = read(header + b"".join(row % (number, app) for number, app in enumerate(apps)))
    assert [record.record_id for record in good] == ["gen-0", "gen-2", "gen-3", "gen-5", "gen-6", "gen-8"]
    assert [item.line for item in bad] == [3, 6, 10]


def test_a_quoted_cell_does_not_go_on_in_a_line_that_is_too_long() -> None:
    header = b"generation_id,created_at,model_permaslug,tokens_prompt,tokens_completion,app_name\n"
    rows = b'gen-1,2026-10-05T09:30:00Z,m,1,2,"x\n' + b"y" * 1023 + b'"' + b"z" * 3000
    good, bad = read(header + rows + b"\ngen-2,2026-10-05T09:30:00Z,m,1,2,x\n", limits=Limits(line_bytes_max=2000))
    assert [record.record_id for record in good] == ["gen-2"]
    assert [item.line for item in bad] == [2, 3]


@pytest.mark.parametrize(("cells", "number"), [(b"a,b", 2), (b"a,b,c,d,e,f,g,h,i,j,k", 11)])
def test_a_row_with_other_cells_than_the_header_is_quarantined(cells: bytes, number: int) -> None:
    [record], [bad] = read(TABLE + cells + b"\n")
    assert record.record_id == "r1"
    assert (bad.line, bad.reason) == (3, f"the row has {number} cells and the header has 9")
    assert bad.digest == sha256(cells).digest()[:16]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[%s,%s", "the list does not end"),
        (b"[%s,%s,", "the list does not end"),
        (b'[%s,%s,{"id":', "the file ends inside this element"),
        (b"[%s %s]", "no comma before element 2"),
        (b"[%s,,%s]", "a comma too many after element 1"),
        (b"[%s,%s,]", "a comma too many after element 2"),
        (b"[%s,%s] more", "something follows the list"),
        (b'{"data":[%s,%s]', "the object around the list: not valid JSON"),
        (b'{"data":[%s,%s],"data":[]}', "the object around the list: the key 'data' occurs twice"),
        (b'{"data":[%s,%s],"items":[{"id":1}]}', "there is something under 'items' too"),
        (b"[%s,null,%s]", "not a JSON object but null"),
        (b'[%s,"a]b\\"]",%s]', "not a JSON object but a text"),
        (b"[%s,[1,[2]],%s]", "not a JSON object but a list"),
        (b'[%s,{"id":tru},%s]', "not valid JSON"),
        (b'[%s,{"a":1,"a":2},%s]', "the key 'a' occurs twice"),
        (b'[%s,{"a":"\xff"},%s]', "byte 7 of it is not valid UTF-8"),
    ],
)
@pytest.mark.parametrize("size", [1, 5, READ_BYTES])
def test_good_elements_beside_bad_ones_are_kept(
    content: bytes, reason: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokentill.sources.compression.READ_BYTES", size)
    monkeypatch.setattr("tokentill.sources.opening.HEAD_BYTES", 40)
    good, [bad] = read(content % (text(arouter("a")).encode(), text(arouter("b")).encode()))
    assert [record.record_id for record in good] == ["a", "b"]
    assert reason in bad.reason
    assert bad.line in (2, 3)
