"""Imports of a world, one after another, of which each is disturbed by a fault and given again: what it must come to.

The files are taken in once with nothing disturbed. A database is then put back to how it was before one of them, which
is all that has to run: what it leaves must be what it left then.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.closing.commands import PRIVACY, Job, opened
from tests.closing.import_laws import Named, content_of, difference, must_be_sound, must_be_union, named_rows
from tests.closing.import_worlds import Given, World, cut, in_small_parts, world
from tests.closing.killing import REFUSED, Ended, KillServer
from tests.closing.places import Place
from tokentill.store.database import Database
from tokentill.till import Till
from tokentill.usage.privacy import DEFAULT_PRIVACY

STAGE = "looked at"


@dataclass(frozen=True)
class Step:
    """One command of an undisturbed run, and the file that it is about."""

    command: str
    given: Given


def steps_of(made: World, chance: Random) -> list[Step]:
    """All rows of a world in some imports. One is staged before it is accepted, and some bring what is known."""
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
        given: dict[str, Any] = {
            "file": str(self.folder / step.given.name),
            "format": step.given.format,
            "defect": self.defect,
        }
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


def take_in(one: Till, given: Given, made: World) -> None:
    """Take a file in; its counts add up to what it holds."""
    one.privacy = PRIVACY if made.is_hashing else DEFAULT_PRIVACY
    how = {"name": given.name, "format": given.format, "reporter": given.reporter}
    counts = one.ingest_file(io.BytesIO(given.content), **how).counts  # type: ignore[arg-type]
    assert counts.read == sum(bool(row.text.strip()) for row in given.rows), (given.name, counts)


def shuffled(one: Till, seed: int, chance: Random, patch: pytest.MonkeyPatch) -> None:
    """The rows of a world in any order, cut into files anyhow, and some of them twice: the union, and nothing of it
    changes when all of it is given again, in another order.
    """
    made = world(seed)
    rows = chance.sample(made.rows, len(made.rows))
    files = cut(chance, rows, parts_max=4, label="shuffled")
    chance.shuffle(files)
    with patch.context() as small:
        sizes = {"batch": chance.randint(1, 12), "others": chance.randint(1, 5)}
        in_small_parts(small.setattr, **sizes, records_a_sum=chance.choice((0, 1.25)))
        for given in files:
            take_in(one, given, made)
        where = f"seed {seed}"
        must_be_union(one.store, made, files, where)
        must_be_sound(one, where)
        before = named_rows(one.store)
        for given in chance.sample(files, len(files)):
            take_in(one, given, made)
        assert named_rows(one.store) == before, where


def give_at_once(
    server: KillServer, database: Database, folder: Path, seed: int, chance: Random, *, defect: str = ""
) -> None:
    """Files of a world that overlap, or one file by itself, given at once by two or three processes; one of them may be
    killed. Nobody ends with anything but a clear word, and all given again come to the union.
    """
    database.close()
    url = str(database.sqlite_path or database.engine.url.render_as_string(hide_password=False))
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
    jobs = [replace(job, edges="statements", defect=defect) for job in jobs]
    ended = server.run_at_once([replace(jobs[0], kill_at=kill_at), *jobs[1:]])
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
