"""Worlds of activity: by a seed, rows of several sources as they are written to files, and what must count of them.

A world says by itself which report of each request counts: the generator knows it, and asks no code of the product.
Payloads contradict one another only where `contested` names the record: of these the first to come counts.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

from tests.builders import record
from tests.closing.commands import HASHED, PRIVACY, PRIVACY_KEY, PRIVACY_SECRET
from tests.sources.lines import litellm, text
from tests.zstd import zstd_packed
from tokentill.closing.records import ingest as ingesting
from tokentill.closing.records import staging
from tokentill.sources import compression, opening
from tokentill.sources.gateways.litellm import read as read_litellm
from tokentill.store.usage import usage_sums
from tokentill.usage.record import UsageRecord
from tokentill.usage.reporters import EXPORT

Kind = Literal["export", "capture", "litellm", "totals"]
KINDS: tuple[Kind, ...] = ("export", "capture", "litellm", "totals")
SOURCES = ("own", "other")
CALLS = "calls"
TOTALS_HEADER = b"source,day,model,key,user,requests,tokens,cost"
BLANKS = (b"", b" \t", b"  ")
SIZES = {"batch": 10, "others": 4, "bytes": 1_500}
"""Batches, and the parts in which files are read, are so small here that a file has many of them."""

Request = tuple[str, str]
_PRIVACY = PRIVACY.keyed({PRIVACY_KEY.key_env: PRIVACY_SECRET})


@dataclass(frozen=True)
class Row:
    """A row of a file, with the record that is kept of it; None where it is none."""

    kind: Kind
    text: bytes
    record: UsageRecord | None = None

    @property
    def is_bad(self) -> bool:
        """Whether it is quarantined."""
        return self.kind == "export" and self.record is None and bool(self.text.strip())

    @property
    def told(self) -> tuple[str, str, bytes] | None:
        """What it tells."""
        one = self.record
        return None if one is None else (one.source, one.record_id, one.digest)


@dataclass
class World:
    """Rows, and which reports may count of each request. With `is_hashing` one source's users are kept as hashes."""

    is_hashing: bool
    rows: list[Row] = field(default_factory=list)
    counts: dict[Request, list[UsageRecord]] = field(default_factory=dict)
    revised_totals: list[Row] = field(default_factory=list)

    @property
    def contested(self) -> set[Request]:
        """The requests of which the first payload counts that comes."""
        return {request for request, records in self.counts.items() if len(records) > 1}

    def of(self, *kinds: Kind) -> list[Row]:
        """The rows of some kinds."""
        return [row for row in self.rows if row.kind in kinds]


def world(seed: int, requests: int = 30) -> World:
    """A world of about so many requests."""
    chance, made = Random(f"imports {seed}"), World(is_hashing=seed % 3 == 1)
    for number in range(requests):
        chance.choice((_plain, _plain, _plain, _reported_in_steps, _seen_twice, _of_litellm))(chance, made, number)
    for number in range(max(3, requests // 8)):
        made.rows.append(Row("export", chance.choice(BLANKS)))
        made.rows.append(Row("export", _bad(chance, number)))
    for day in range(1, 4):
        figures = (f"{chance.randrange(50)},{chance.randrange(10**6)},{chance.randrange(9)}.5" for _ in range(2))
        first, second = (Row("totals", f"own,2026-10-0{day},,k{day % 2},,{said}".encode()) for said in figures)
        made.rows.append(first)
        if first != second:
            made.revised_totals.append(second)
    again = chance.sample(made.rows, len(made.rows) // 6)
    made.rows += [_written_anew(chance, row) for row in again]
    chance.shuffle(made.rows)
    return made


def _plain(chance: Random, made: World, number: int) -> None:
    """A request with one report, or with two that contradict one another."""
    one = _record(chance, f"r{chance.randrange(40)}", _source(chance, made), number)  # sources have ids in common
    if (one.source, one.request) in made.counts:
        return
    payloads = [one]
    if chance.random() < 0.2:
        payloads.append(_changed(chance, one))
    _add(made, "export", payloads)
    _may_count(made, payloads)


def _source(chance: Random, made: World) -> str:
    return chance.choice((*SOURCES, HASHED) if made.is_hashing else SOURCES)


def _reported_in_steps(chance: Random, made: World, number: int) -> None:
    """A request that was told of while it ran, and when it was over: under ids of their own, or under its own id."""
    key = f"k{number}"
    steps = [
        _record(
            chance, f"{key}-0", CALLS, number, request_key=key, usage_state="estimated", when=f"2 {number % 24}:00"
        ),
        _record(chance, f"{key}-1", CALLS, number, request_key=key, when=f"2 {number % 24}:10"),
        _record(chance, key, CALLS, number, when=f"2 {number % 24}:20"),
    ]
    told = chance.sample(steps, chance.randint(1, 3))
    seen = [_record(chance, f"{key}-c", CALLS, number, request_key=key)] if chance.random() < 0.5 else []
    _add(made, "export", told)
    _add(made, "capture", seen)
    made.counts[CALLS, key] = [max(told, key=steps.index)]


def _seen_twice(chance: Random, made: World, number: int) -> None:
    """A request that the source's export tells of, and who captured it; or one of them only."""
    id_ = f"c{number}"
    told = _record(chance, id_, "own", number)
    seen = _record(chance, id_, "own", number)
    who = chance.choice((("export", "capture"), ("export", "capture"), ("capture",)))
    if "export" in who:
        _add(made, "export", [told])
    _add(made, "capture", [seen])
    made.counts["own", id_] = [told if "export" in who else seen]


def _of_litellm(chance: Random, made: World, number: int) -> None:
    id_, tokens = f"r{number}", chance.randrange(1, 5_000)
    row = litellm(
        id_,
        prompt_tokens=tokens,
        total_tokens=tokens + 20,
        end_user=f"u{chance.randrange(4)}",
        cache_hit=chance.choice(("True", "False")),
        startTime=f"2026-10-{1 + number % 28:02} 09:30:00+00:00",
    )
    written = text(row)
    one = read_litellm(row, None)
    made.rows.append(Row("litellm", written.encode(), one))
    made.counts[one.source, one.request] = [one]


def _record(chance: Random, id_: str, source: str, number: int, **more: Any) -> UsageRecord:
    """A record, plain or wide."""
    counts = {"input": 1 + chance.randrange(900_000), "output": chance.randrange(3) * 77}
    if chance.random() < 0.4:
        counts |= {"cache_read": chance.randrange(300), "web_search": chance.randrange(3)}
        more |= {
            "tags": tuple(chance.sample(("a", "b", "c"), 2)),
            "api_key": f"key-{chance.randrange(3)}",
            "mode": "batch",
            "provider": "p",
            "geo": "eu",
            "cost": f"{chance.randrange(3)}.{chance.randrange(10**9):09}1",
        }
    user = chance.choice(("u1", "u2", "zoë@example.com", None))
    when = more.pop("when", f"{1 + number % 28} {number % 24}:{chance.randrange(60):02}")
    hour, _, minute = when.partition(" ")[2].partition(":")
    when = f"{when.partition(' ')[0]} {int(hour):02}:{minute}"
    return record(id_, source=source, user=user, model=f"m/{chance.randrange(3)}", when=when, **more, **counts)


def _changed(chance: Random, one: UsageRecord) -> UsageRecord:
    """The record with another payload: in one small thing, whatever it is."""
    content = {**one.content(), "occurred_at": one.occurred_at, "cost": one.cost, "quantities": dict(one.quantities)}
    other = record("other", cost="0.77")
    kind = chance.randrange(4)
    if kind == 0:
        content["cost"] = other.cost
    elif kind == 1:
        content["quantities"]["input"] += 1
    elif kind == 2:
        content["quantities"]["web_search"] = 9
    else:
        content["model"] = "m/9"
    return UsageRecord(**content)


def _add(made: World, kind: Kind, records: Iterable[UsageRecord]) -> None:
    made.rows += [Row(kind, one.content_bytes(), _kept(one)) for one in records]


def _may_count(made: World, records: Sequence[UsageRecord]) -> None:
    made.counts[records[0].source, records[0].request] = [_kept(one) for one in records]


def _kept(one: UsageRecord) -> UsageRecord:
    """The record as the privacy policy of its source has it."""
    return _PRIVACY.applied(one)


def _written_anew(chance: Random, row: Row) -> Row:
    """The row as another program would have written it."""
    if row.kind != "export" or row.record is None:
        return row
    pairs = list(json.loads(row.text).items())
    chance.shuffle(pairs)
    colon, comma = chance.choice(((":", ","), (": ", ", "), (" :\t", " , ")))
    return Row(row.kind, json.dumps(dict(pairs), separators=(comma, colon)).encode(), row.record)


def _bad(chance: Random, number: int) -> bytes:
    """A line that is no record, and no other one is the same."""
    line = {"source": "own", "record_id": f"bad{number}", "occurred_at": "2026-10-05T09:30:00Z", "model": "m"}
    return chance.choice(
        (
            b'{"source": "own", "record_id": "%d' % number,
            text({**line, "quantities": {"input": -1}}).encode(),
            text({**line, "quantities": {"input": 1}, "unknown": number}).encode(),
            text({**line, "quantities": {"input": 1}, "occurred_at": "1999-01-01T00:00:00Z"}).encode(),
            b"not JSON at all %d" % number,
        )
    )


@dataclass(frozen=True)
class Given:
    """A file, and how it is given."""

    name: str
    rows: tuple[Row, ...]
    kind: Kind
    packed: Literal["", "gzip", "zstd"] = ""

    @property
    def is_told(self) -> bool:
        """Whether there is anything in it."""
        return any(row.text.strip() for row in self.rows)

    @property
    def reporter(self) -> str:
        """Who tells of its records."""
        return "capture" if self.kind == "capture" else EXPORT

    @property
    def format(self) -> str | None:
        """What it is read as; it is found out where nothing else could be."""
        return "canonical" if self.kind in ("export", "capture") else None

    @property
    def content(self) -> bytes:
        """Its bytes."""
        lines = [row.text for row in self.rows]
        if self.kind == "litellm" and not self.packed:
            return b"[" + b",\n".join(lines) + b"]"
        whole = b"\n".join([TOTALS_HEADER, *lines] if self.kind == "totals" else lines) + b"\n"
        if self.packed == "gzip":
            return gzip.compress(whole, mtime=0)
        return zstd_packed(whole) if self.packed == "zstd" else whole

    def write(self, folder: Path) -> Path:
        """Write it."""
        path = folder / self.name
        path.write_bytes(self.content)
        return path


def cut(chance: Random, rows: Sequence[Row], *, parts_max: int, label: str) -> list[Given]:
    """The rows of each kind in files: all of them, and parts of them twice."""
    files = []
    for kind in KINDS:
        left, number = [row for row in rows if row.kind == kind], 0
        while left:
            size = max(1, chance.randint(len(left) // parts_max, len(left)))
            part, left = left[:size], left[size:]
            if chance.random() < 0.4:
                part = [*part, *chance.sample(part, len(part) // 3)]
            files.append(Given(f"{label} {kind} {number}", tuple(part), kind, chance.choice(("", "gzip", "zstd"))))
            number += 1
    return files


def told(files: Iterable[Given]) -> Iterator[Row]:
    """The rows of files, in the order in which they come."""
    for one in files:
        yield from one.rows


def in_small_parts(
    patch: Any, *, batch: int = SIZES["batch"], others: int = SIZES["others"], records_a_sum: float = 0
) -> None:
    """Let batches be so small, and what is read at once, and all batches with so many records to a sum have sums;
    `patch(where, name, value)` sets a value.
    """
    patch(usage_sums, "RECORDS_A_SUM_MIN", records_a_sum)
    patch(ingesting, "BATCH_RECORDS_MAX", batch)
    patch(ingesting, "OTHERS_MAX", others)
    patch(staging, "OBJECTS_MAX", batch)
    patch(compression, "READ_BYTES", SIZES["bytes"])
    patch(compression, "INFLATED_BYTES", SIZES["bytes"])
    patch(opening, "HEAD_BYTES", SIZES["bytes"])
