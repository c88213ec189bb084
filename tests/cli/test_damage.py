"""A damaged database gives a message and status 1 whatever is asked of it, and never a traceback."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing

import pytest

from tests.cli.running import JUNE, Cli, usage
from tests.shares import in_campaigns

COMMANDS: Sequence[Sequence[str]] = (
    ("preview", JUNE),
    ("preview", "2025-07"),
    ("close", "2025-07"),
    ("verify",),
    ("db", "check"),
    ("db", "upgrade"),
    ("invoices", "list"),
    ("invoices", "show", "INV-000001"),
    ("explain", "INV-000001"),
    ("customers", "list"),
    ("customers", "credits", "dune"),
    ("customers", "set", "dune", "--name", "Dune"),
    ("review", "hold", "2025-07", "alice", "--reason", "why"),
    ("ingest", "more.jsonl"),
)
PAGE = 8192
Damage = Callable[[bytearray], None]


def flipped(seed: int, count: int, first: int = PAGE) -> Damage:
    """Bytes at random places are others."""

    def damage(content: bytearray) -> None:
        chance = random.Random(seed)
        for _ in range(count):
            content[chance.randrange(first, len(content))] = chance.randrange(256)

    return damage


def pages_lost(seed: int) -> Damage:
    """Some pages are zeros, as after a disk that lost them."""

    def damage(content: bytearray) -> None:
        chance = random.Random(seed)
        for _ in range(3):
            page = chance.randrange(1, len(content) // PAGE) * PAGE
            content[page : page + PAGE] = bytes(PAGE)

    return damage


def cut_off(content: bytearray) -> None:
    del content[len(content) // 2 :]


def replaced(old: bytes, new: bytes) -> Damage:
    """Every occurrence of a text is another of the same length."""

    def damage(content: bytearray) -> None:
        assert old in content
        assert len(old) == len(new)
        content[:] = content.replace(old, new)

    return damage


DAMAGES: dict[str, Damage] = {
    **{f"40 bytes, {seed}": flipped(seed, 40) for seed in range(4)},
    **{f"1000 bytes, {seed}": flipped(seed, 1000, first=0) for seed in range(2)},
    **{f"lost pages, {seed}": pages_lost(seed) for seed in range(2)},
    "half of it": cut_off,
    "the first bytes": replaced(b"SQLite format 3", b"SQLite format 4"),
    "the schema, no text any more": replaced(b'CREATE TABLE "usage" (', b'CREATE \xff\xfeBLE "usage" ('),
    "pins, no text any more": replaced(b'"f":', b'"\xff":'),
    "pins, no JSON any more": replaced(b'"f":', b'"f"::'[:4]),
    "pins, JSON of something else": replaced(b'"f":', b'"g":'),
    "contents of invoices": replaced(b'"period_start":', b'"period_start";'),
    "amounts in contents of invoices": replaced(b'"total":"9', b'"total":"8'),
    "recordings": replaced(b'"anchor_day":', b'"anchor_day";'),
    "numbers in recordings": replaced(b'"anchor_day":1', b'"anchor_day":.'),
    "tags": replaced(b'["first"]', b'["first"}'),
}


EVERYDAY = [in_campaigns(name) if name.endswith((", 1", ", 2", ", 3")) else name for name in DAMAGES]
"""Of damages at random places one of each kind is tried every day."""


@pytest.fixture(scope="module")
def closed_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The database of the small month, closed, and a record of the next one."""
    with pytest.MonkeyPatch.context() as patch:
        month = Cli(tmp_path_factory.mktemp("closed"), patch).month()
        tagged = usage("j-1", when="2025-07-02T00:00:00Z", tags=["first"])
        month("ingest", month.write_usage(tagged, path="july.jsonl"))
        month("customers", "bind", "u-1", "dune")
        month("close", JUNE)
        return (month.folder / "tokentill.db").read_bytes()


@pytest.fixture
def closed(cli: Cli, closed_file: bytes) -> Cli:
    """The closed month in a folder of its own."""
    cli.write_pricing()
    cli.write("tokentill.db", closed_file)
    cli.write_usage(usage("j-2", when="2025-07-03T00:00:00Z"), path="more.jsonl")
    return cli


@pytest.mark.parametrize("damage", EVERYDAY)
def test_no_command_ends_in_a_traceback(closed: Cli, damage: str) -> None:
    file = closed.folder / "tokentill.db"
    content = bytearray(file.read_bytes())
    DAMAGES[damage](content)
    refused = 0
    for command in COMMANDS:
        file.write_bytes(content)
        said = closed(*command, status=None)
        assert said.status in (0, 1), command
        assert said.status == 0 or said.err.strip() or said.out.strip(), command
        refused += said.status
    assert refused or damage.startswith("40 bytes"), "the damage is of no consequence"


def test_a_damaged_file_is_said_to_be_damaged_and_what_to_do(closed: Cli) -> None:
    file = closed.folder / "tokentill.db"
    file.write_bytes(file.read_bytes().replace(b'CREATE TABLE "usage" (', b'CREATE \xff\xfeBLE "usage" ('))

    for command in COMMANDS:
        message = closed(*command, status=1).err
        assert message.startswith("the database sqlite:///tokentill.db is damaged: ")
        assert message.endswith("; restore it from a backup\n")


def test_what_is_no_database_is_named(closed: Cli) -> None:
    closed.write("notes.db", "no database at all\n" * 300)
    (closed.folder / "folder.db").mkdir()

    for command in COMMANDS:
        assert closed("--db", "notes.db", *command, status=1).err == (
            "cannot open the database sqlite:///notes.db: file is not a database; name another one, or restore it from"
            " a backup if its beginning is damaged\n"
        )
        assert closed("--db", "folder.db", *command, status=1).err == (
            "cannot open the database sqlite:///folder.db: it is a folder; name a file\n"
        )


def test_the_check_says_what_sqlite_finds_in_a_file_that_can_still_be_opened(closed: Cli) -> None:
    file = closed.folder / "tokentill.db"
    with closing(sqlite3.connect(file)) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'ix_push_period'"
        [(page,)] = connection.execute(query).fetchall()
    content = bytearray(file.read_bytes())
    content[(page - 1) * PAGE : page * PAGE] = bytes(PAGE)
    file.write_bytes(content)

    found = closed("db", "check", "--json", status=1).json

    assert found["tables"] == "current"
    assert found["faults"]
    assert all(fault.startswith("SQLite: ") for fault in found["faults"])


def test_an_invoice_that_was_changed_is_neither_shown_nor_found_right(closed: Cli) -> None:
    file = closed.folder / "tokentill.db"
    file.write_bytes(file.read_bytes().replace(b'"total":"9.00"', b'"total":"8.00"'))

    shown = closed("invoices", "show", "INV-000001", status=1).err
    verified = closed("verify", "--json", status=1).json

    assert shown.startswith("the stored content of INV-000001 is not what its hash says: the database is damaged, or ")
    assert [found["fault"] for found in verified["invoices"]] == [
        "its stored content is not what its hash says: the database was changed by hand; compare it with a backup",
        None,
    ]
