"""Whatever somebody changes by hand in what was issued contradicts something else, and is found."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from tests.shares import IN_CAMPAIGNS, stride
from tests.store.bench import postgresql_without_tables, rows_of_all_tables
from tests.store.tampering import LEFT_OUT, TABLES, Tampering, faults_in, tampered, tamperings, world
from tokentill.canonical import canonical_bytes, hash_of_bytes
from tokentill.closing.questions.verify import verify_invoices
from tokentill.store import tables
from tokentill.store.audit import audit_entries
from tokentill.store.checks.consistency import CHECKS, check_agreement
from tokentill.store.checks.database_checks import DATABASE_CHECKS
from tokentill.store.database import Database
from tokentill.store.issued.invoices import issued_invoices
from tokentill.store.migrating import upgrade

SEED = 20261101


@pytest.fixture(scope="module")
def sqlite_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database.open(str(tmp_path_factory.mktemp("world") / "tokentill.db"))
    upgrade(database)
    world(database)
    yield database
    database.close()


@pytest.fixture(scope="module")
def postgresql_world(postgresql_url: str) -> Iterator[Database]:
    with postgresql_without_tables(postgresql_url) as database:
        upgrade(database)
        world(database)
        yield database


def unfound(database: Database, tried: list[Tampering]) -> list[str]:
    """Tamperings that neither `db check` nor `verify` tells of."""
    missed = []
    for tampering in tried:
        try:
            with tampered(database, tampering) as connection:
                if not faults_in(connection):
                    missed.append(str(tampering))
        except IntegrityError:  # PostgreSQL refuses a value that no row may have
            assert not database.is_sqlite
    return missed


def test_a_world_that_nobody_touched_agrees_with_itself(database: Database) -> None:
    shop = world(database)
    rows = rows_of_all_tables(database)
    assert [name for name in TABLES if len(rows[name]) < 2] == []
    assert shop.verify().is_sound
    assert all(shop.verify(found.number).is_sound for found in shop.invoices())
    with database.read() as connection:
        checked = check_agreement(connection, whole=True)
    assert [found.faults for found in checked if found.faults] == []
    assert [found.check for found in checked] == [check.__name__ for check in CHECKS]
    assert [found.check for found in checked if not found.looked_at] == [
        "one_record_of_a_request_counts",
        "requests_are_those_of_their_records",
        "witnesses_are_what_was_told",
        "credit_notes_are_within_their_documents",
        "corrections_know_of_one_another",
        "pushes_are_of_issued_documents",
        "control_totals_are_what_they_were",
    ]
    assert {found.looked_at for found in checked if found.of == "usage records"} == {5}


def test_any_one_column_that_was_changed_on_sqlite_is_found(sqlite_world: Database) -> None:
    rows_each = 2 if IN_CAMPAIGNS else 1
    tried = tamperings(sqlite_world, SEED, rows_each)
    columns = {(name, column.name) for name in TABLES for column in tables.metadata.tables[name].columns} - LEFT_OUT
    assert {(found.table, found.column) for found in tried} == columns
    assert len(tried) == rows_each * len(columns) >= rows_each * 100
    assert unfound(sqlite_world, tried[:: stride(3)]) == []


def test_any_one_column_that_was_changed_on_postgresql_is_found(postgresql_world: Database) -> None:
    tried = tamperings(postgresql_world, SEED + 1, rows_each=1)[:: 4 * stride(2)]
    assert len(tried) >= 12
    assert unfound(postgresql_world, tried) == []


def test_verify_tells_of_changed_rows_without_computing_from_them(sqlite_world: Database) -> None:
    for tampering in tamperings(sqlite_world, SEED, rows_each=1)[:: 5 * stride(2)]:
        with tampered(sqlite_world, tampering) as connection:
            verification = verify_invoices(connection, issued_invoices(connection), whole=True)
        told = [fault for fault in verification.faults if not fault.startswith("the trigger guard_")]
        assert told or any(found.fault for found in verification.invoices), tampering


def test_a_change_of_a_document_and_of_all_that_it_follows_from_is_found(sqlite_world: Database) -> None:
    """Its usage, its content, its hash, its columns and its lines say the same; the digest and the audit log do not."""
    key = {"id": 1}
    with tampered(sqlite_world, Tampering("usage", "input", key, 1)) as connection:
        connection.execute(update(tables.usage).where(tables.usage.c.id == 1).values(input_total=1))
        assert any("usage records are not what its digest says" in fault for fault in faults_in(connection))
    other_hash = "sha256:" + "0" * 64
    with tampered(sqlite_world, Tampering("invoice", "content_hash", key, other_hash)) as connection:
        (entry_fault,) = [fault for fault in faults_in(connection) if "the audit log says" in fault]
        assert entry_fault.startswith(f"INV-000001: its content_hash is '{other_hash}', and the audit log says")


def test_a_document_that_cannot_be_read_is_found(sqlite_world: Database) -> None:
    for content, pins in (
        (b"{}", "{}"),
        (b"[]", "[]"),
        (b"\xff{", "{"),
        (b'{"currency":"EUR","tax":1,"total":[]}', "7"),
    ):
        with tampered(sqlite_world, Tampering("invoice", "content", {"id": 2}, content)) as connection:
            values = {"pins": pins, "content_hash": hash_of_bytes(content), "issued_at": 2**62}
            connection.execute(update(tables.invoice).where(tables.invoice.c.id == 2).values(values))
            told = faults_in(connection)
        assert [fault for fault in told if fault.startswith("INV-000002: ")]


def test_what_was_taken_away_is_found(sqlite_world: Database) -> None:
    for name in ("usage_unit", "review", "ledger", "invoice_line"):
        table = tables.metadata.tables[name]
        with sqlite_world.engine.connect() as connection:
            connection.exec_driver_sql(f"DROP TRIGGER guard_{name}_delete")
            removed = connection.execute(table.delete()).rowcount
            assert bool(faults_in(connection)) == bool(removed), name
            connection.rollback()


def test_the_last_document_taken_away_with_its_number_is_found(sqlite_world: Database) -> None:
    with sqlite_world.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for name in ("guard_counter_update", "guard_invoice_delete"):
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql("DELETE FROM invoice WHERE number = 'INV-000005'")
        connection.exec_driver_sql("UPDATE counter SET value = 4 WHERE name = 'invoice'")
        assert "INV-000005 was issued, says the audit log, and is not there" in faults_in(connection)
        connection.rollback()


def test_many_changed_batches_are_counted_and_not_all_named(
    sqlite_world: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokentill.store.checks.database_checks.FAULTS_MAX", 1)
    with tampered(sqlite_world, Tampering("usage", "output", {"id": 1}, 5)) as connection:
        batches = connection.execute(select(func.count(tables.usage.c.seq.distinct()))).scalar_one()
        connection.execute(update(tables.usage).values(output=77))
        told = [fault for fault in faults_in(connection) if "usage record" in fault]
    assert len(told) == 2
    assert told[-1] == f"{batches - 1} more usage records or batches are not what their digests say"


def test_entries_of_earlier_versions_tell_less_and_are_believed(sqlite_world: Database) -> None:
    """Before, the audit log knew a document's number, customer and content only."""
    with sqlite_world.read() as connection:
        entry = next(found for found in audit_entries(connection) if found.action == "invoice.issued")
    shorter = {key: json.loads(entry.content)[key] for key in ("number", "customer", "content_hash")}
    content = canonical_bytes(shorter).decode()
    with tampered(sqlite_world, Tampering("audit", "content", {"seq": entry.seq}, content)) as connection:
        told = faults_in(connection)
    assert told == [f"audit entry {entry.seq} was changed, or the one before it"]


def test_each_check_says_its_rule() -> None:
    for check in CHECKS:
        assert check.__doc__
    assert len({check.__name__ for check in CHECKS}) == len(CHECKS)


def test_only_the_whole_is_asked_of_the_whole(sqlite_world: Database) -> None:
    with sqlite_world.read() as connection:
        some = {found.check for found in check_agreement(connection, ["INV-000005"], whole=False)}
        looked_at = {found.of: found.looked_at for found in check_agreement(connection, ["INV-000005"], whole=False)}
    assert some == {check.__name__ for check in CHECKS} - {check.__name__ for check in DATABASE_CHECKS}
    assert looked_at == {"documents": 1, "runs": 1, "usage records": 0}
