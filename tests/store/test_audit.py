"""The audit log is one chain: whatever is changed, removed, added or cut off in it is found."""

from __future__ import annotations

import sys
import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from tests.builders import AFTER_OCTOBER, OCTOBER, MovableClock, record, till
from tests.store.bench import refuse
from tokentill.canonical import Content
from tokentill.clock import to_micros
from tokentill.store import tables
from tokentill.store.audit import FIRST_HASH, AuditEntry, append_audit, append_audits, audit_entries, audit_faults
from tokentill.store.database import Database


def append(database: Database, *actions: str) -> None:
    for action in actions:
        with database.write() as connection:
            append_audit(connection, action, {"what": action, "text": "Ä \u202e"}, at=AFTER_OCTOBER, actor="rita")


def faults(database: Database) -> list[str]:
    with database.read() as connection:
        return audit_faults(connection)


def tamper(database: Database, *statements: str) -> None:
    """Change the log as its owner could: without the guards."""
    with database.write() as connection:
        if database.is_sqlite:
            for change in ("update", "delete", "insert"):
                connection.exec_driver_sql(f"DROP TRIGGER guard_audit_{change}")
        else:
            connection.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER USER")
        for statement in statements:
            assert connection.exec_driver_sql(statement).rowcount >= 1


def test_entries_are_chained_from_the_first(database: Database) -> None:
    assert faults(database) == []
    append(database, "one", "two", "three")
    with database.read() as connection:
        entries = list(audit_entries(connection))
    assert [(entry.seq, entry.action, entry.actor, entry.at) for entry in entries] == [
        (n, action, "rita", AFTER_OCTOBER) for n, action in enumerate(("one", "two", "three"), start=1)
    ]
    assert [entry.previous_hash for entry in entries] == [FIRST_HASH, entries[0].hash, entries[1].hash]
    assert [entry.hash for entry in entries] == [entry.expected_hash for entry in entries]
    assert entries[0].content == '{"text":"\\u00c4 \\u202e","what":"one"}'
    assert faults(database) == []


def test_the_same_deeds_have_the_same_hashes_on_both_databases(
    sqlite_database: Database, postgresql_database: Database
) -> None:
    chains = []
    for database in (sqlite_database, postgresql_database):
        append(database, "one", "two")
        with database.read() as connection:
            chains.append([entry.hash for entry in audit_entries(connection)])
    assert chains[0] == chains[1]


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'mallory'",
        "action = 'nothing'",
        "content = '{}'",
        "recorded_at = recorded_at + 1",
        "hash = 'sha256:0'",
        "previous_hash = 'sha256:0'",
    ],
)
@pytest.mark.parametrize("seq", [1, 2, 3])
def test_a_changed_entry_is_found(database: Database, change: str, seq: int) -> None:
    append(database, "one", "two", "three")
    tamper(database, f"UPDATE audit SET {change} WHERE seq = {seq}")
    assert f"audit entry {seq} was changed, or the one before it" in faults(database)


def test_an_entry_with_a_new_hash_of_its_own_is_found_by_the_next(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(database, "one", "two", "three")
    with database.read() as connection:
        second = list(audit_entries(connection))[1]
    forged = replace(second, actor="mallory").expected_hash
    tamper(database, f"UPDATE audit SET actor = 'mallory', hash = '{forged}' WHERE seq = 2")
    assert faults(database) == ["audit entry 3 was changed, or the one before it"]


@pytest.mark.parametrize(
    ("removed", "found"),
    [
        ("seq = 1", "audit entry 1 is missing"),
        ("seq = 2", "audit entry 2 is missing"),
        ("seq = 3", "the audit log ends with entry 2, and 3 were made"),
        ("seq > 1", "the audit log ends with entry 1, and 3 were made"),
        ("seq > 0", "the audit log ends with entry 0, and 3 were made"),
    ],
)
def test_a_missing_entry_is_found(database: Database, removed: str, found: str) -> None:
    append(database, "one", "two", "three")
    tamper(database, f"DELETE FROM audit WHERE {removed}")
    assert found in faults(database)


def test_an_entry_that_nobody_made_is_found(database: Database) -> None:
    append(database, "one")
    with database.write() as connection:
        last = connection.execute(select(tables.audit)).one()
        connection.execute(
            insert(tables.audit).values(
                seq=2,
                recorded_at=to_micros(AFTER_OCTOBER),
                actor="mallory",
                action="forged",
                content="{}",
                previous_hash=last.hash,
                hash=AuditEntry(2, AFTER_OCTOBER, "mallory", "forged", "{}", last.hash, "").expected_hash,
            )
        )
    assert faults(database) == ["the audit log ends with entry 2, and 1 were made"]


def test_entries_in_another_order_are_found(database: Database) -> None:
    append(database, "one", "two", "three")
    tamper(
        database,
        "UPDATE audit SET seq = 9 WHERE seq = 2",
        "UPDATE audit SET seq = 2 WHERE seq = 3",
        "UPDATE audit SET seq = 3 WHERE seq = 9",
    )
    assert faults(database) == [f"audit entry {seq} was changed, or the one before it" for seq in (2, 3)]


def test_verify_tells_of_a_broken_log(database: Database) -> None:
    shop = till(database)
    shop.ingest([record("one")])
    shop.close(OCTOBER)
    assert shop.verify().is_sound
    tamper(database, "UPDATE audit SET actor = 'mallory' WHERE action = 'invoice.issued'")
    verification = shop.verify()
    assert not verification.is_sound
    assert "audit entry 2 was changed, or the one before it" in verification.faults


def test_appending_at_the_same_time_makes_one_chain(database: Database, database_url: str) -> None:
    start = threading.Barrier(4)

    def work(worker: int) -> None:
        own = Database.open(database_url)
        start.wait()
        append(own, *(f"{worker}-{number}" for number in range(10)))
        own.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    with database.read() as connection:
        entries = list(audit_entries(connection))
    assert [entry.seq for entry in entries] == list(range(1, 41))
    assert sorted(entry.action for entry in entries) == sorted(f"{w}-{n}" for w in range(4) for n in range(10))
    for worker in range(4):
        mine = [entry.action for entry in entries if entry.action.startswith(f"{worker}-")]
        assert mine == [f"{worker}-{number}" for number in range(10)]
    assert faults(database) == []


def test_an_entry_is_there_exactly_when_its_deed_is(database: Database) -> None:
    def fail_after_appending() -> None:
        with database.write() as connection:
            append_audit(connection, "one", {}, at=AFTER_OCTOBER)
            raise RuntimeError("the power failed")

    with pytest.raises(RuntimeError, match="power"):
        fail_after_appending()
    append(database, "two")
    with database.read() as connection:
        assert [(entry.seq, entry.action) for entry in audit_entries(connection)] == [(1, "two")]
    assert faults(database) == []


DEEDS = (
    "review.held",
    "review.released",
    "customer.set",
    "binding.added",
    "close.started",
    "invoice.issued",
    "invoice.issued",
    "close.finished",
)


def do_everything(database: Database) -> None:
    """All of `DEEDS`, in their order."""
    shop = till(database, clock=MovableClock())
    shop.ingest([record("one"), record("two", user="bob")])
    shop.review(OCTOBER, "alice", "held", by="rita", note="why so much")
    shop.review(OCTOBER, "alice", "released", by="rita")
    shop.set_customer("alice", name="Alice")
    shop.bind([("carol", "alice", AFTER_OCTOBER, None)])
    shop.close(OCTOBER)


def entries_of(database: Database) -> list[str]:
    with database.read() as connection:
        return [entry.action for entry in audit_entries(connection)]


def deeds_of(database: Database) -> list[str]:
    """What was done, told by everything but the log; not in order."""
    with database.read() as connection:
        done = [f"review.{kind}" for kind in connection.execute(select(tables.review.c.kind)).scalars()]
        states = connection.execute(select(tables.close_run.c.state)).scalars().all()
        for deed, table in (
            ("customer.set", tables.customer),
            ("binding.added", tables.binding),
            ("close.started", tables.close_run),
            ("invoice.issued", tables.invoice),
        ):
            done += [deed] * len(connection.execute(select(table)).all())
    return done + ["close.finished" for state in states if state == "done"]


@pytest.mark.parametrize("failing", range(len(DEEDS)), ids=lambda number: f"{number} {DEEDS[number]}")
def test_a_deed_that_fails_once_its_entry_is_written_leaves_neither(
    database: Database, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def append_and_fail(connection: Connection, action: str, contents: Collection[Content], **more: Any) -> None:
        append_audits(connection, action, contents, **more)
        written.extend(action for _ in contents)
        if len(written) > failing:
            raise RuntimeError("the power failed")

    for name, module in list(sys.modules.items()):
        if name.startswith("tokentill.") and getattr(module, "append_audits", None) is append_audits:
            monkeypatch.setattr(module, "append_audits", append_and_fail)
    with pytest.raises(RuntimeError, match="the power failed"):
        do_everything(database)

    assert written == list(DEEDS[: failing + 1])
    assert entries_of(database) == list(DEEDS[:failing])
    assert sorted(deeds_of(database)) == sorted(DEEDS[:failing])


def test_each_deed_leaves_its_entry(database: Database) -> None:
    do_everything(database)
    assert entries_of(database) == list(DEEDS)
    assert sorted(deeds_of(database)) == sorted(DEEDS)
    refuse(database, "DELETE FROM audit", "append-only")
