"""Imports of a world, one after another, of which each is disturbed by a fault and given again: what it must come to.

The files are taken in once with nothing disturbed. A database is then put back to how it was before one of them, which
is all that has to run: what it leaves must be what it left then.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from tests.closing.commands import PRIVACY, Job, opened
from tests.closing.import_worlds import Given, Request, Row, World, cut, in_small_parts, told, world
from tests.closing.killing import REFUSED, Ended, KillServer
from tests.closing.places import Place
from tokentill.clock import to_micros
from tokentill.sources.layouts import digest_of
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.staging import record_of
from tokentill.store.usage_rows import versions_of
from tokentill.store.usage_sums import KEY, SUMMED
from tokentill.till import Till
from tokentill.usage.privacy import DEFAULT_PRIVACY
from tokentill.usage.quantities import TOKEN_LEAVES
from tokentill.usage.record import UsageRecord

Named = dict[str, list[dict[str, Any]]]
"""Every row by its table, where another row is named by what it says and not by its number."""

STAGE = "looked at"


@dataclass(frozen=True)
class Step:
    """One command of an undisturbed run, and the file that it is about."""

    command: str
    given: Given


def steps_of(made: World, chance: Random) -> list[Step]:
    """All rows of a world in some imports, of which one is staged before it is accepted, and some bring what is known."""
    files = cut(chance, made.rows, parts_max=2, label="file")
    chance.shuffle(files)
    again = chance.choice(files)
    files.append(Given("again", tuple(chance.sample(again.rows, len(again.rows))), again.kind))
    files.append(Given("newer totals", tuple(made.revised_totals), "totals"))
    staged = chance.choice([number for number, one in enumerate(files[:-2]) if one.is_told])
    steps = [Step("stage a file" if number == staged else "take", one) for number, one in enumerate(files)]
    return [*steps, Step("accept", files[staged])]


@dataclass(frozen=True)
class After:
    """How things are after a step that nothing disturbed, and how many edges it has."""

    edges: int
    rows: Named


@dataclass
class Imports:
    """The imports of a world as they go when nothing disturbs them, in a place where each can be attacked."""

    server: KillServer
    place: Place
    folder: Path
    seed: int
    requests: int = 25
    after: list[After] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = world(self.seed, self.requests)
        self.steps = steps_of(self.world, Random(f"steps {self.seed}"))
        for step in self.steps:
            step.given.write(self.folder)
        self.database = Database.open(self.place.url)
        self.till, _ = opened(self.database)
        self.defect = ""
        self._sound: set[bytes] = set()
        self.place.keep("0")
        for number in range(len(self.steps)):
            self.server.rehearse(self.job(number))
        self.place.put_back("0")
        for number in range(len(self.steps)):
            edges = self.server.count(self.job(number, edges="statements"))
            self.after.append(After(edges, self.rows()))
            self.place.keep(str(number + 1))
        self.must_count("nothing was disturbed", [step.given for step in self.steps if step.command != "stage a file"])

    @cached_property
    def edges(self) -> Sequence[tuple[str, int]]:
        """Every edge: the number of the step, and that of the edge in it."""
        return [(str(n), edge) for n, after in enumerate(self.after) for edge in range(1, after.edges + 1)]

    @cached_property
    def calls(self) -> Sequence[int]:
        """How many calls each step makes."""
        found = []
        for number in range(len(self.steps)):
            with self.attack(number):
                found.append(self.server.count(self.job(number, edges="calls")))
        return found

    def job(self, number: int, **more: Any) -> Job:
        """One step."""
        step = self.steps[number]
        given: dict[str, Any] = {"file": str(self.folder / step.given.name), "format": step.given.format, "defect": self.defect}
        given |= {"reporter": step.given.reporter, "stage": STAGE, "is_hashing": self.world.is_hashing}
        return Job(self.place.url, (step.command,), **given, **more)

    @contextmanager
    def attack(self, number: int) -> Iterator[None]:
        """Everything as it is before a step."""
        self.place.put_back(str(number))
        yield
        self.database.close()

    def rows(self) -> Named:
        """Every row of every table."""
        rows = named_rows(self.database)
        self.database.close()
        return rows

    def finish(self, number: int, where: str) -> bool:
        """Give a step again, undisturbed, and hold what is there then against what there was without a fault.

        Nothing else is done to recover. Gives whether every row is the same, batches included.
        """
        self.server.finish(self.job(number))
        rows, expected = self.rows(), self.after[number].rows
        if rows != expected:
            held, wanted = content_of(rows), content_of(expected)
            for name, listed in wanted.items():
                assert held[name] == listed, (where, name, difference(held[name], listed))
        self.must_be_sound(rows, where)
        return rows == expected

    def finish_all(self, number: int, where: str) -> None:
        """Give all steps that follow, too, which end as they would have."""
        for following in range(number + 1, len(self.steps)):
            self.server.finish(self.job(following))
        held, wanted = content_of(self.rows()), content_of(self.after[-1].rows)
        for name, listed in wanted.items():
            assert held[name] == listed, (where, name, difference(held[name], listed))

    def any_edge(self, chance: Random) -> tuple[int, int]:
        """A step, and an edge of it."""
        step, edge = chance.choice(self.edges)
        return int(step), edge

    def must_be_sound(self, rows: Named, where: str) -> None:
        """`db check` and `verify` find nothing. The same rows are asked about once."""
        if (digest := sha256(repr(rows).encode()).digest()) not in self._sound:
            must_be_sound(self.till, where)
            self.database.close()
            self._sound.add(digest)

    def must_count(self, where: str, files: Sequence[Given]) -> None:
        """What counts is the union of all that was told."""
        must_be_union(self.database, self.world, files, where)
        self.must_be_sound(self.rows(), where)


def must_be_sound(one: Till, where: str) -> None:
    """`db check` and `verify` find nothing."""
    checked, verification = one.database.check(), one.verify()
    assert not checked.faults, (where, checked.faults)
    assert verification.is_sound, (where, verification.content())


def difference(held: list[Any], expected: list[Any]) -> str:
    """The first rows that one has and the other has not."""
    more, less = Counter(map(repr, held)), Counter(map(repr, expected))
    return f"too many: {list((more - less).elements())[:3]}, missing: {list((less - more).elements())[:3]}"


def named_rows(database: Database) -> Named:
    """Every row, in an order that does not depend on numbers that databases choose."""
    with database.read() as connection:
        rows = {
            table.name: [row._asdict() for row in connection.execute(select(table))]
            for table in tables.metadata.sorted_tables
        }
    sources = {row["id"]: row["name"] for row in rows["source"]}
    series = {row["id"]: bytes(row["digest"]).hex() for row in rows["series"]}
    usage = {row["id"]: (sources[row["source_id"]], row["record_id"], row["version"]) for row in rows["usage"]}
    names = {"source_id": sources, "series_id": series, "usage_id": usage}
    for name, listed in rows.items():
        for row in listed:
            for column, known in names.items():
                if column in row:
                    row[column] = known.get(row[column], ("nobody", row[column]))
            if name in ("source", "series", "usage"):
                del row["id"]
            if name == "audit":  # its hashes go by the numbers of imports
                row["content"], row["hash"], row["previous_hash"] = "", "", ""
        listed.sort(key=repr)
    return rows


def content_of(rows: Named) -> dict[str, list[Any]]:
    """What must be the same however an import came to be cut into batches: every row without its batch's number, sums
    by what they are sums of, and the counts of each import.
    """
    label = {row["seq"]: row["label"] for row in rows["batch"]}
    import_of = {row["seq"]: row["part_of"] or row["seq"] for row in rows["batch"]}
    content: dict[str, list[Any]] = {}
    for name, listed in rows.items():
        if name in ("batch", "counter", "usage_sum", "usage_sum_unit"):
            continue
        kept = [
            {column: label[value] if column == "seq" and value in label else value for column, value in row.items()}
            if name in ("staged_record", "staged_event")
            else {column: value for column, value in row.items() if column != "seq"}
            for row in listed
        ]
        content[name] = sorted(kept, key=repr)
    content |= {"sums": sorted(sums_of(rows).items()), "units": sorted(units_of(rows).items())}
    imports: dict[int, Counter[str]] = {}
    for row in rows["batch"]:
        counts = imports.setdefault(import_of[row["seq"]], Counter())
        counts.update({name: row[name] for name in ("accepted", "revisions", "quarantined")})
    for row in rows["control_total"]:
        imports[import_of[row["seq"]]]["totals"] += 1
    named = {row["seq"]: (row["label"], row["reporter"]) for row in rows["batch"]}
    content["imports"] = sorted((repr(named[number]), sorted(counts.items())) for number, counts in imports.items())
    return content


def sums_of(rows: Named) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """What the kept sums add up to, but for what is 0."""
    added: dict[tuple[Any, ...], list[int]] = {}
    for row in rows["usage_sum"]:
        sums = added.setdefault(tuple(row[name] for name in KEY), [0] * len(SUMMED))
        for place, name in enumerate(SUMMED):
            sums[place] += row[name]
    return {key: tuple(sums) for key, sums in added.items() if any(sums)}


def units_of(rows: Named) -> dict[tuple[Any, ...], int]:
    """The same of quantities without a column."""
    added = Counter[tuple[Any, ...]]()
    for row in rows["usage_sum_unit"]:
        added[(*(row[name] for name in KEY), row["name"])] += row["quantity"]
    return {key: quantity for key, quantity in added.items() if quantity}


def must_be_union(
    database: Database, made: World, files: Sequence[Given], where: str, *, in_order: bool = True
) -> None:
    """What is there is the union of files that hold a world: of each request the report counts that is to, once; all
    that was told is kept once; sums are those of what counts.

    Args:
        in_order: whether the files came one after another, so that of payloads that contradict the first one counts.
    """
    rows, found = list(told(files)), named_rows(database)
    with database.read() as connection:
        identities = connection.execute(select(tables.usage.c.source_id, tables.usage.c.record_id).distinct()).all()
        names: dict[int, str] = dict(connection.execute(select(tables.source.c.id, tables.source.c.name)).all())
        stored = {
            (names[source], record_id, one.version): one
            for (source, record_id), versions in versions_of(connection, [tuple(one) for one in identities]).items()
            for _, one in versions
        }
    gone = {row["usage_id"] for row in found["withdrawal"]}
    requests = {row["usage_id"]: row["request"] for row in found["usage_request"]}
    counting = Counter((key[0], requests.get(key, key[1])) for key in stored if key not in gone)
    assert set(counting.values()) <= {1}, (where, "doubled", [one for one, count in counting.items() if count > 1])
    assert set(counting) == set(made.counts), (where, "lost", set(made.counts) ^ set(counting))
    first, counted = first_told(made, rows) if in_order else {}, list[UsageRecord]()
    for key, stored_one in stored.items():
        if key not in gone:
            request = (key[0], requests.get(key, key[1]))
            expected = [first[request]] if request in first else made.counts[request]
            counted += (one for one in expected if one.digest == stored_one.digest)
            assert counted[-1:] and counted[-1].digest == stored_one.digest, (where, stored_one.content(), expected)
    kept = {(source, record_id, one.digest) for (source, record_id, _), one in stored.items()}
    kept |= {(row["source_id"], row["record_id"], bytes(row["digest"])) for row in found["revision"]}
    beside = [record_of(json.loads(row["content"])) for row in found["witness"]]
    kept |= {(one.source, one.record_id, one.digest) for one in beside}
    wanted = {row.told for row in rows if row.told is not None}
    assert kept == wanted, (where, "told", wanted ^ kept)
    assert len(found["revision"]) == len(made.contested), where
    must_be_sums(found, counted, where)
    bad = {(one.name, line, row.text) for one in files for line, row in enumerate(one.rows, 1) if row.is_bad}
    lines = {(row["label"] if made.is_hashing else bytes(row["digest"]), row["line"]) for row in found["quarantine"]}
    given = {(name if made.is_hashing else digest_of(text), line) for name, line, text in bad}
    assert lines == given, (where, "quarantine", lines ^ given, found["quarantine"], bad)
    totals = {(row["cell"], row["digest"]) for row in found["control_total"]}
    assert len(totals) == len({row.text for row in rows if row.kind == "totals"}), (where, totals)


def take_in(one: Till, given: Given, made: World) -> None:
    """Take a file in; its counts add up to what it holds."""
    one.privacy = PRIVACY if made.is_hashing else DEFAULT_PRIVACY
    how = {"name": given.name, "format": given.format, "reporter": given.reporter}
    counts = one.ingest_file(io.BytesIO(given.content), **how).counts  # type: ignore[arg-type]
    assert counts.read == sum(bool(row.text.strip()) for row in given.rows), (given.name, counts)


def first_told(made: World, rows: Sequence[Row]) -> Mapping[Request, UsageRecord]:
    """Of each request that reports contradict one another about, the one that came first."""
    first: dict[Request, UsageRecord] = {}
    for row in rows:
        if row.record is not None and (request := (row.record.source, row.record.request)) in made.contested:
            first.setdefault(request, row.record)
    return first


def must_be_sums(found: Named, records: Sequence[UsageRecord], where: str) -> None:
    """The kept sums are those of these records, by source, day and quantity."""
    source = {bytes(row["digest"]).hex(): row["source"] for row in found["series"]}
    summed, expected = Counter[tuple[str, int, str]](), Counter[tuple[str, int, str]]()
    for (day, series, *_), sums in sums_of(found).items():
        for name, value in zip(SUMMED, sums, strict=True):
            if name == "requests" or name in TOKEN_LEAVES:
                summed[source[series], day, name] += value
    for (day, series, *_, name), quantity in units_of(found).items():
        summed[source[series], day, name] += quantity
    for one in records:
        day = to_micros(one.occurred_at) // 86_400_000_000
        expected[one.source, day, "requests"] += 1
        for name, count in one.quantities.items():
            expected[one.source, day, name] += count
    assert +summed == +expected, (where, "sums", (summed - expected) + (expected - summed))


def shuffled(one: Till, seed: int, chance: Random, patch: pytest.MonkeyPatch) -> None:
    """The rows of a world in any order, cut into files anyhow, and some of them twice: the union, and nothing of it
    changes when all of it is given again, in another order.
    """
    made = world(seed)
    rows = chance.sample(made.rows, len(made.rows))
    files = cut(chance, rows, parts_max=4, label="shuffled")
    chance.shuffle(files)
    with patch.context() as small:
        in_small_parts(small.setattr, batch=chance.randint(1, 12), others=chance.randint(1, 5))
        for given in files:
            take_in(one, given, made)
        where = f"seed {seed}"
        must_be_union(one.store, made, files, where)
        must_be_sound(one, where)
        before = named_rows(one.store)
        for given in chance.sample(files, len(files)):
            take_in(one, given, made)
        assert named_rows(one.store) == before, where


def give_at_once(server: KillServer, url: str, database: Database, folder: Path, seed: int, chance: Random) -> None:
    """Files of a world that overlap, or one file by itself, given at once by two or three processes; one of them may be
    killed. Nobody ends with anything but a clear word, and all given again come to the union.
    """
    made = world(seed)
    kind = chance.choice(("export", "export", "capture", None))
    rows = made.of(kind) if kind else [*made.of("export"), *made.of("capture")]
    parts = [chance.sample(rows, max(1, len(rows) * 2 // 3)) for _ in range(chance.choice((2, 3)))]
    if chance.random() < 0.3:
        parts = [parts[0]] * len(parts)
    files = [
        one
        for number, part in enumerate(parts)
        for one in cut(chance, part, parts_max=1, label="at once" if parts[0] is parts[1] else f"at once {number}")
    ]
    jobs = [_job(url, one.write(folder), one, made) for one in files[: max(3, len(parts))]]
    kill_at = chance.randint(2, 150) if chance.random() < 0.5 else 0
    ended = server.run_at_once([replace(job, edges="statements", kill_at=kill_at if job is jobs[0] else 0) for job in jobs])
    where = f"seed {seed}: {kill_at=} {[one.name for one in files]}"
    for number, one in enumerate(ended):
        assert one.status == 0 or must_be_refused(one) or (number == 0 and one.was_killed), (where, ended)
    files += cut(chance, made.rows, parts_max=2, label="rest")
    for given in files:
        server.finish(_job(url, given.write(folder), given, made))
    must_be_union(database, made, files, where, in_order=False)
    must_be_sound(opened(database)[0], where)


def _job(url: str, path: Path, given: Given, made: World) -> Job:
    how = {"format": given.format, "reporter": given.reporter, "is_hashing": made.is_hashing}
    return Job(url, ("take",), file=str(path), **how)  # type: ignore[arg-type]


def must_be_refused(ended: Ended) -> bool:
    """Whether a job was refused; it then says that nothing is half done, or that there is no database to be had."""
    if ended.status != REFUSED:
        assert ended.status == 0 or ended.was_killed, ended
        return False
    is_clear = "nothing was half done. Run the command again" in ended.message
    assert is_clear or "cannot open the database" in ended.message, ended
    return True
