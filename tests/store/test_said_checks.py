"""What people said of invoices cannot be changed by hand without being found: any column of any such row."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.builders import OCTOBER, record, till
from tests.kept import fill
from tokentill.store import tables
from tokentill.store.checks.said_checks import said_faults
from tokentill.store.database import Database
from tokentill.till import Till

SAID = ("manual_line", "manual_line_removal", "review")
COLUMNS = [(name, column.name) for name in SAID for column in tables.metadata.tables[name].columns]


def shop_of(database: Database) -> Till:
    return till(fill(database, "what people say", say_everything))


def say_everything(database: Database) -> None:
    shop = till(database)
    shop.ingest([record("one"), record("two", user="bob")])
    shop.add_line(OCTOBER, "alice", amount="1", description="fee", reason="agreed", by="rita")
    shop.add_line(OCTOBER, "bob", amount="2", description="fee", reason="agreed", by="rita")
    shop.remove_line(1, reason="twice", by="rita")
    shop.review(OCTOBER, "alice", "approved", by="rita", note="fine")
    shop.review(OCTOBER, "bob", "held", by="rita", note="look")


def unguarded(database: Database) -> sqlite3.Connection:
    """The file as another program opens it, without the triggers of what people said."""
    connection = sqlite3.connect(str(database.sqlite_path))
    for name in SAID:
        for change in ("update", "delete"):
            connection.execute(f"DROP TRIGGER guard_{name}_{change}")
    return connection


def test_untouched_it_is_sound(database: Database) -> None:
    shop = shop_of(database)
    assert shop.database.check().is_sound
    with database.read() as connection:
        assert said_faults(connection) == (5, [])


@pytest.mark.parametrize(("name", "column"), [pair for pair in COLUMNS if pair != ("review", "seq")])
def test_any_one_column_that_was_changed_is_found(sqlite_database: Database, name: str, column: str) -> None:
    shop_of(sqlite_database)
    table = tables.metadata.tables[name]
    is_number = "INT" in str(table.c[column].type).upper()
    other = {"currency": "EUR", "kind": "released", "pins": '{"s":1,"a":"","b":"","f":3}', "may_be_negative": 1}
    value = other.get(column, 77 if is_number else "other")
    key = next(iter(table.primary_key.columns)).name
    with closing(unguarded(sqlite_database)) as connection:
        last = connection.execute(f"SELECT max({key}) FROM {name}").fetchone()
        connection.execute(f"UPDATE {name} SET {column} = ? WHERE {key} = ?", (value, *last))
        connection.commit()
    with sqlite_database.read() as connection:
        assert said_faults(connection)[1]


def test_a_row_that_was_taken_away_or_added_is_found(sqlite_database: Database) -> None:
    shop = shop_of(sqlite_database)
    with closing(unguarded(sqlite_database)) as connection:
        connection.execute("DELETE FROM review WHERE customer = 'bob'")
        connection.commit()
    faults = [str(fault) for fault in shop.database.check().faults]
    assert any("the review of 'bob' (review.held by 'rita'" in fault for fault in faults)
