"""What must never change is kept from changing by the database itself, whoever asks and by whatever statement."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime

import pytest
from sqlalchemy.exc import DBAPIError

from tests.builders import OCTOBER, MovableClock, at, contract, price, prices, record, till
from tests.kept import fill
from tests.store.bench import refuse, rows_of_all_tables
from tokentill.closing.records.ingest import ingest
from tokentill.sources.reading import Quarantined
from tokentill.store import tables
from tokentill.store.checks.consistency import check_agreement
from tokentill.store.database import Database
from tokentill.store.guards import expected_guards, guard_faults, guards_of
from tokentill.store.intake.pulls import PullRow, append_pulls
from tokentill.usage.control_totals import ControlTotal

# A column of each table that may be written to without breaking a reference or a type.
CHANGED = {
    "source": "name = 'other'",
    "series": "model = 'other'",
    "batch": "label = 'other'",
    "usage": "input = 0",
    "usage_unit": "quantity = 0",
    "usage_sum": "input = 0",
    "usage_sum_unit": "quantity = 0",
    "revision": "content = '{}'",
    "quarantine": "reason = 'none'",
    "recording": "kind = 'other'",
    "binding": "customer = 'mallory'",
    "review": "kind = 'released'",
    "audit": "actor = 'nobody'",
    "invoice_line": "amount_minor = 0",
    "ledger": "amount_minor = 0",
    "series_month": "month = 0",
    "document_event": "reason = 'none'",
    "coverage": "seq_upto = 99",
    "correction": "net_minor = 0",
    "member_period": "customer = 'mallory'",
    "revision_decision": "reason = 'none'",
    "withdrawal": "seq = 0",
    "quarantine_decision": "reviewer = 'mallory'",
    "staged_record": "content = '{}'",
    "staged_event": "reason = 'none'",
    "manual_line": "amount_minor = 0",
    "manual_line_removal": "reason = 'none'",
    "control_total": "requests = 0",
    "control_total_withdrawal": "reason = 'none'",
    "pull": "checkpoint_at = 0",
    "usage_request": "request = 'other'",
    "witness": "content = '{}'",
    "key_binding": "customer = 'mallory'",
}
UNIQUE_KEYS = {
    "usage_sum": [("day", "series_id", "band", "facts", "seq")],
    "usage_sum_unit": [("day", "series_id", "band", "facts", "seq", "name")],
    "source": [("id",), ("name",)],
    "series": [("id",), ("digest",)],
    "batch": [("seq",)],
    "usage": [("id",), ("source_id", "record_id", "version")],
    "usage_unit": [("usage_id", "name")],
    "revision": [("source_id", "record_id", "digest")],
    "quarantine": [("digest", "line")],
    "recording": [("hash",)],
    "binding": [("seq",)],
    "key_binding": [("seq",)],
    "review": [("seq",)],
    "audit": [("seq",), ("hash",)],
    "invoice_line": [("invoice_id", "position")],
    "ledger": [("invoice_id", "position")],
    "series_month": [("month", "series_id")],
    "document_event": [("position",), ("invoice_id", "kind")],
    "coverage": [("invoice_id", "series_id", "starts_at", "seq_after")],
    "correction": [("invoice_id", "period", "customer")],
    "member_period": [("invoice_id", "customer")],
    "revision_decision": [("source_id", "record_id", "digest", "decision")],
    "withdrawal": [("usage_id", "cause")],
    "quarantine_decision": [("digest", "line")],
    "staged_record": [("seq", "position")],
    "staged_event": [("seq", "kind")],
    "manual_line": [("number",)],
    "manual_line_removal": [("line",), ("number",)],
    "control_total": [("cell", "version"), ("cell", "digest")],
    "control_total_withdrawal": [("cell", "version")],
    "pull": [("source", "asked_user", "number")],
    "usage_request": [("usage_id",), ("source_id", "request", "version")],
    "witness": [("source_id", "record_id", "reporter", "digest")],
    "invoice": [
        ("id",),
        ("number",),
        ("customer", "period", "kind", "part"),
        ("close_run_id", "customer", "kind", "period"),
    ],
}
CLOSED_SETS = {"document_event": ("kind",), "revision_decision": ("decision",), "withdrawal": ("cause",)}
CLOSED_SETS |= {"staged_event": ("kind",)}
"""Columns of unique keys that can only hold certain words."""
KEPT = [*tables.APPEND_ONLY, "invoice"]


def filled(database: Database) -> Database:
    """The database, with rows in every table that is guarded."""
    return fill(database, "every guarded table", fill_every_guarded_table)


def fill_every_guarded_table(database: Database) -> None:
    welcome = contract(invoice={"coupon": [{"id": "welcome", "percent": "10"}]})
    searched = prices(price(fees={"web_search": {"price": "10", "per": 1000}}))
    shop = till(database, searched, welcome, clock=MovableClock())
    bad = Quarantined("file", 3, "it is no JSON", None, "{", b"0123456789abcdef")
    ingest(
        database,
        [
            record("one", web_search=2, input=5_000_000),
            record("two", user="bob"),
            *(record(f"alike {number}", web_search=2, user="bob") for number in range(5)),
            record("none", user="bob", usage_state="missing"),
            record("one", input=7),
            bad,
        ],
        name="file",
        clock=shop.clock,
    )
    shop.reject_revision("arouter", "one", reason="a test")
    shop.waive("arouter", "none", reason="it failed")
    shop.discard(file="file", reason="a test")
    shop.ingest([record("staged", user="bob")], name="looked at", stage="looked at")
    shop.ingest([record("five", user="bob", request_key="k"), record("six", request_key="k")])
    shop.bind([("carol", "alice", at("1"), None)])
    shop.ingest([ControlTotal("arouter", date(2026, 10, 15), requests=3)], name="totals")
    (total,) = shop.control_totals().totals
    shop.withdraw_control_total(total.id, reason="a test")
    shop.bind_keys([("a key", None, "alice", at("1"), None)])
    line = shop.add_line(OCTOBER, "alice", amount="3", description="set-up", reason="a test")
    shop.remove_line(line.number, reason="a test")
    with database.write() as connection:
        append_pulls(connection, "arouter", None, [PullRow("whole", at("1"), at("2"))], at=at("2"))
    shop.review(OCTOBER, "alice", "approved", by="rita")
    assert not shop.close(OCTOBER).is_refused
    rows = rows_of_all_tables(database)
    assert [name for name in KEPT if not rows[name]] == ["correction"]


def corrected(database: Database) -> Database:
    """The same, and the month after is closed, whose invoice bills a record that came late."""
    shop = till(filled(database), clock=MovableClock(datetime(2026, 12, 20, tzinfo=UTC)))
    shop.ingest([record("late", input=1_000_000)])
    assert len(shop.close("2026-11").issued) == 1
    return database


@pytest.fixture
def full(database: Database) -> Database:
    return filled(database)


def test_every_kept_table_is_tried_here() -> None:
    assert set(CHANGED) == set(tables.APPEND_ONLY)
    for name in KEPT:
        table = tables.metadata.tables[name]
        keys = {tuple(column.name for column in table.primary_key)}
        keys |= {tuple(c.columns.keys()) for c in table.constraints if type(c).__name__ == "UniqueConstraint"}
        keys |= {tuple(index.columns.keys()) for index in table.indexes if index.unique}
        assert keys == set(UNIQUE_KEYS[name])


def test_a_row_that_stays_is_neither_changed_nor_removed(database: Database) -> None:
    before = rows_of_all_tables(corrected(database))
    for table, change in CHANGED.items():
        refuse(database, f'UPDATE "{table}" SET {change}', f"{table} is append-only")
        refuse(database, f'DELETE FROM "{table}"', f"{table} is append-only")
    assert rows_of_all_tables(database) == before


def test_an_issued_invoice_is_neither_changed_nor_removed(full: Database) -> None:
    before = rows_of_all_tables(full)
    values = {"content": "'{}'", "content_hash": "'x'", "number": "'INV-9'", "customer": "'x'", "issued_at": "1"}
    values |= {"period": "'2027-01'", "currency": "'EUR'", "pins": "'{}'", "id": "id + 100", "close_run_id": "0"}
    values |= {"kind": "'interim'", "part": "1"}
    values |= {name: f"{name} + 1" for name in ("subtotal_minor", "tax_minor", "total_minor")}
    assert {*values, "status"} == set(tables.invoice.columns.keys())
    for column, value in values.items():
        cast = "CAST('{}' AS BLOB)" if full.is_sqlite else "'{}'::bytea"
        value = cast if column == "content" else value
        refuse(full, f"UPDATE invoice SET {column} = {value}", "an issued invoice never changes")
        refuse(full, f"UPDATE invoice SET {column} = {value}, status = 'void'", "an issued invoice never changes")
    refuse(full, "DELETE FROM invoice_line", "append-only")
    refuse(full, "DELETE FROM invoice", "an issued invoice never changes|invoice is append-only")
    refuse(full, "UPDATE invoice SET status = 'issued'", "an issued invoice never changes")
    refuse(full, "UPDATE invoice SET status = 'draft'", "an issued invoice never changes|ck_invoice_status")
    assert rows_of_all_tables(full) == before


def test_an_invoice_may_become_void_and_stays_so(full: Database) -> None:
    before = rows_of_all_tables(full)["invoice"]
    with full.write() as connection:
        assert connection.exec_driver_sql("UPDATE invoice SET status = 'void'").rowcount == 2
    status = tables.invoice.columns.keys().index("status")
    assert rows_of_all_tables(full)["invoice"] == [(*row[:status], "void", *row[status + 1 :]) for row in before]
    for again in ("issued", "void"):
        refuse(full, f"UPDATE invoice SET status = '{again}'", "an issued invoice never changes")
    refuse(full, "DELETE FROM invoice", "an issued invoice never changes|invoice is append-only")


def test_the_place_of_a_void_invoice_may_be_taken_by_a_new_one(full: Database) -> None:
    with full.write() as connection:
        connection.exec_driver_sql("UPDATE invoice SET status = 'void' WHERE customer = 'alice'")
    closed = till(full, prices(price(fees={"web_search": {"price": "10", "per": 1000}}))).close(OCTOBER)
    assert (closed.issued, closed.already_issued) == (("INV-000003",), 1)
    refuse(full, "UPDATE invoice SET status = 'issued' WHERE number = 'INV-000001'", "an issued invoice never changes")


RUN = "a close run keeps its pins and ends once"
COUNTER = "a counter goes up by one and is never removed"


def test_a_close_run_that_is_over_stays_as_it_is(full: Database) -> None:
    before = rows_of_all_tables(full)
    for change in ("state = 'refused'", "state = 'open'", "epoch = epoch + 1", "finished_at = 1", "pins = '{}'"):
        refuse(full, f"UPDATE close_run SET {change}", RUN)
    refuse(full, "DELETE FROM close_run", RUN)
    assert rows_of_all_tables(full) == before


def test_a_close_run_under_way_changes_hands_and_ends_and_nothing_else(full: Database) -> None:
    with full.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO close_run (period, state, epoch, pins, started_at) VALUES ('2026-11', 'open', 1, '{}', 1)"
        )
    for change in ("pins = '{ }'", "period = '2026-12'", "started_at = 2", "id = 77", "epoch = 0", "finished_at = 1"):
        refuse(full, f"UPDATE close_run SET {change} WHERE period = '2026-11'", RUN)
    refuse(full, "UPDATE close_run SET state = 'done' WHERE period = '2026-11'", RUN)
    with full.write() as connection:
        connection.exec_driver_sql("UPDATE close_run SET epoch = 2 WHERE period = '2026-11'")
        connection.exec_driver_sql("UPDATE close_run SET state = 'done', finished_at = 5 WHERE period = '2026-11'")
    refuse(full, "UPDATE close_run SET epoch = 3 WHERE period = '2026-11'", RUN)


def test_a_counter_goes_up_by_one_and_does_nothing_else(full: Database) -> None:
    before = rows_of_all_tables(full)
    for change in ("value = value - 1", "value = value + 2", "value = value", "name = 'other', value = value + 1"):
        refuse(full, f"UPDATE counter SET {change} WHERE name = 'invoice'", COUNTER)
    refuse(full, "DELETE FROM counter", COUNTER)
    refuse(full, "INSERT INTO counter (name, value) VALUES ('other', 0)", COUNTER)
    assert rows_of_all_tables(full) == before


@pytest.mark.parametrize("table", ["close_run", "counter"])
def test_truncate_of_what_moves_is_refused_on_postgresql(postgresql_database: Database, table: str) -> None:
    full = filled(postgresql_database)
    refuse(full, f"TRUNCATE {table} CASCADE", f"{RUN}|{COUNTER}|append-only")


def test_replacing_what_moves_is_refused_to_any_other_program_on_sqlite(sqlite_database: Database) -> None:
    database = filled(sqlite_database)
    columns = "period, state, epoch, pins, started_at"
    with database.write() as connection:
        connection.exec_driver_sql(f"INSERT INTO close_run ({columns}) VALUES ('2026-11', 'open', 1, '{{}}', 1)")
    before = rows_of_all_tables(database)
    with closing(sqlite3.connect(str(database.sqlite_path))) as connection:
        for statement in (
            f"INSERT OR REPLACE INTO close_run (id, {columns}) SELECT id, {columns} FROM close_run LIMIT 1",
            f"INSERT OR REPLACE INTO close_run ({columns}) VALUES ('2026-11', 'open', 9, '{{}}', 1)",
            "INSERT OR REPLACE INTO counter (name, value) VALUES ('invoice', 0)",
            "UPDATE OR REPLACE counter SET rowid = rowid + 1",
        ):
            with pytest.raises(sqlite3.IntegrityError, match=f"{RUN}|{COUNTER}"):
                connection.execute(statement)
        connection.commit()
    assert rows_of_all_tables(database) == before


# What is missing of the guards is told


def test_the_list_of_guards_is_what_the_migrations_make(database: Database) -> None:
    with database.read() as connection:
        assert guards_of(connection) == expected_guards(connection.dialect.name)
        assert guard_faults(connection) == []


WEAKENED = {
    "a dropped": (["DROP TRIGGER guard_usage_delete"], ["DROP TRIGGER guard_usage_rows ON usage"], "is missing"),
    "a changed": (
        [
            "DROP TRIGGER guard_usage_delete",
            "CREATE TRIGGER guard_usage_delete BEFORE DELETE ON usage WHEN OLD.id < 0"
            " BEGIN SELECT RAISE(ABORT, 'usage is append-only'); END",
        ],
        [
            "DROP TRIGGER guard_usage_rows ON usage",
            "CREATE TRIGGER guard_usage_rows BEFORE DELETE ON usage FOR EACH ROW EXECUTE FUNCTION tokentill_refuse()",
        ],
        "was changed",
    ),
    "a switched off": ([], ["ALTER TABLE usage DISABLE TRIGGER guard_usage_rows"], "is switched off"),
    "a hollow": (
        [],
        [
            "CREATE OR REPLACE FUNCTION tokentill_refuse() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN RETURN NULL; END $$"
        ],
        "was changed",
    ),
}


WEAKENED_ON = [
    (kind, way)
    for way, (on_sqlite, on_postgresql, _) in WEAKENED.items()
    for kind, statements in (("sqlite", on_sqlite), ("postgresql", on_postgresql))
    if statements
]
"""SQLite cannot switch triggers off, and has no functions."""


@pytest.mark.parametrize(("kind", "way"), WEAKENED_ON)
def test_a_weakened_guard_is_a_fault_of_the_whole_database(request: pytest.FixtureRequest, kind: str, way: str) -> None:
    database: Database = request.getfixturevalue(f"{kind}_database")
    on_sqlite, on_postgresql, state = WEAKENED[way]
    statements = on_sqlite if database.is_sqlite else on_postgresql
    with database.write() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    shop = till(database)
    name = "guard_usage_delete" if database.is_sqlite else "guard_usage_rows"
    (fault,) = [found for found in shop.verify().faults if name in found and "unit" not in found]
    assert f"the trigger {name} {state}, so rows of usage could be changed by hand" in fault
    assert "backup" in fault
    with database.read() as connection:
        checked = {found.check: found for found in check_agreement(connection, whole=True)}
    assert fault in [str(found) for found in checked["guards_are_in_force"].faults]


REFERENCES = ("source_id", "series_id", "seq")


def stray(column: str) -> str:
    """A row of usage that refers to nothing by a column."""
    new = {"id": "987654321", "record_id": "'another'"} | {column: "987654321"}
    names = [name for name in dict(tables.usage.columns) if name != "digest"]
    values = ", ".join(new.get(name, f'"{name}"') for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO usage ({quoted}) SELECT {values} FROM usage LIMIT 1"


@pytest.mark.parametrize("column", REFERENCES)
def test_usage_that_refers_to_nothing_is_refused(full: Database, column: str) -> None:
    before = rows_of_all_tables(full)
    refuse(full, stray(column), "(?i)foreign key|is not there")
    assert rows_of_all_tables(full) == before


@pytest.mark.parametrize("column", REFERENCES)
def test_usage_that_refers_to_nothing_is_found(full: Database, column: str) -> None:
    """Where somebody put it in without the guard, as a program may that says that it asked itself."""
    with full.write() as connection:
        if full.is_sqlite:
            connection.exec_driver_sql("DROP TRIGGER guard_usage_refers")
        else:
            connection.exec_driver_sql("SELECT set_config('tokentill.references', 'asked', true)")
        connection.exec_driver_sql(stray(column))
    shop = till(full)
    assert any("are of a batch" in fault for fault in shop.verify().faults)
    faults = shop.database.check().faults
    assert ("record 'another' is of a series that is not there" in faults) == (column == "series_id")
    assert any("are of a batch" in fault for fault in faults)


def test_truncate_is_refused_on_postgresql(postgresql_database: Database) -> None:
    before = rows_of_all_tables(corrected(postgresql_database))
    for table in KEPT:
        refuse(postgresql_database, f'TRUNCATE "{table}" CASCADE', "is append-only")
    assert rows_of_all_tables(postgresql_database) == before


def test_replacing_a_row_is_refused_on_sqlite(sqlite_database: Database) -> None:
    before = rows_of_all_tables(corrected(sqlite_database))
    for table in KEPT:
        for statement in _replacements(table):
            refuse(sqlite_database, statement, "append-only|never changes")
    assert rows_of_all_tables(sqlite_database) == before


def test_replacing_a_row_is_refused_to_any_other_program_too(sqlite_database: Database) -> None:
    before = rows_of_all_tables(corrected(sqlite_database))
    with closing(sqlite3.connect(str(sqlite_database.sqlite_path))) as connection:
        assert connection.execute("PRAGMA recursive_triggers").fetchone() == (0,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (0,)
        for table in KEPT:
            number = "rowid" if _has_rowid(table) else next(iter(UNIQUE_KEYS[table][0]))
            renumber = f'UPDATE OR REPLACE "{table}" SET {number} = {number} + 1'
            for statement in (*_replacements(table), f'DELETE FROM "{table}"', renumber):
                with pytest.raises(sqlite3.IntegrityError, match=r"append-only|never changes"):
                    connection.execute(statement)
        connection.commit()
    assert rows_of_all_tables(sqlite_database) == before


def _has_rowid(table: str) -> bool:
    has_rowid: bool = tables.metadata.tables[table].dialect_options["sqlite"]["with_rowid"]
    return has_rowid


def _replacements(table: str) -> list[str]:
    """One statement for each unique key, that would push a row out by that key alone; and one by the row number."""
    columns = list(tables.metadata.tables[table].columns.keys())
    keys = UNIQUE_KEYS[table] if _is_numbered(table) or not _has_rowid(table) else [*UNIQUE_KEYS[table], ("rowid",)]
    statements = []
    for key in keys:
        # What is not of this key is new, where it must be unique.
        others = {name for other in UNIQUE_KEYS[table] for name in other} - {*key, *CLOSED_SETS.get(table, ())}
        listed = ["rowid", *columns] if key == ("rowid",) else columns
        values = [_other(table, name) if name in others else f'"{name}"' for name in listed]
        names = ", ".join(f'"{name}"' for name in listed)
        statements.append(
            f'INSERT OR REPLACE INTO "{table}" ({names}) SELECT {", ".join(values)} FROM "{table}" LIMIT 1'
        )
    return statements


def _is_numbered(table: str) -> bool:
    """Whether a column is SQLite's row number already."""
    key = tables.metadata.tables[table].primary_key.columns
    return len(key) == 1 and next(iter(key)).name in ("id", "seq", "position", "number", "line", "usage_id")


def _other(table: str, name: str) -> str:
    kind = str(tables.metadata.tables[table].columns[name].type)
    if kind == "BLOB":
        return "randomblob(16)"
    if kind == "TEXT":
        return f"\"{name}\" || ' of another'"
    return f'"{name}" + 1000'


def test_a_recording_that_is_kept_is_kept_as_it_was(full: Database) -> None:
    before = rows_of_all_tables(full)["recording"]
    clock = MovableClock()
    clock.advance(hours=5)
    shop = till(full, prices(price(fees={"web_search": {"price": "10", "per": 1000}})), clock=clock)
    shop.ingest([record("three", user="carla")])
    assert len(shop.close(OCTOBER).issued) == 1
    after = rows_of_all_tables(full)["recording"]
    assert set(before) <= set(after)


def test_a_refused_change_undoes_its_whole_transaction(full: Database) -> None:
    before = rows_of_all_tables(full)

    def change_and_be_refused() -> None:
        with full.write() as connection:
            connection.exec_driver_sql("UPDATE counter SET value = value + 1")
            connection.exec_driver_sql("DELETE FROM audit")

    with pytest.raises(DBAPIError, match="append-only"):
        change_and_be_refused()
    assert rows_of_all_tables(full) == before
    assert till(full).verify().is_sound


def test_a_period_has_interim_invoices_side_by_side_and_one_of_its_own(full: Database) -> None:
    columns = [column.name for column in tables.invoice.columns if column.name != "id"]
    changed = {"number": "'INV-9000'", "close_run_id": "(SELECT max(id) FROM close_run)"}

    def copied(**more: str) -> str:
        values = ", ".join({**changed, **more}.get(name, name) for name in columns)
        return f"INSERT INTO invoice ({', '.join(columns)}) SELECT {values} FROM invoice WHERE number = 'INV-000001'"

    same_run = "never changes|uq_invoice_run"
    refuse(full, copied(part="1"), same_run)
    with full.write() as connection:
        for _ in range(3):
            connection.exec_driver_sql(
                "INSERT INTO close_run (period, state, epoch, pins, started_at)"
                " SELECT period, state, epoch, pins, started_at FROM close_run LIMIT 1"
            )
        connection.exec_driver_sql(copied(kind="'interim'", part="1", number="'INV-9001'"))
    older = "(SELECT max(id) - 1 FROM close_run)"
    refuse(full, copied(kind="'interim'", part="1", close_run_id=older), "never changes|uq_invoice_live")
    refuse(full, copied(close_run_id=older), "never changes|uq_invoice_live")
    refuse(full, copied(kind="'draft'", close_run_id=older), "ck_invoice_kind")
    with full.write() as connection:
        connection.exec_driver_sql(copied(kind="'interim'", part="2", close_run_id=older))
