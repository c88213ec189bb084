"""Connections and transactions: who waits for whom, what a reader sees, and which SQLite is trusted with what."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from tests.builders import AFTER_OCTOBER
from tokentill.clock import to_micros
from tokentill.errors import DatabaseNotReady, InvalidCall, Refused
from tokentill.store import database as database_module
from tokentill.store import tables
from tokentill.store.customers import customers, set_customer
from tokentill.store.database import (
    BUSY_TIMEOUT_MS,
    Database,
    current_value,
    has_wal_reset_race,
    hold_counter,
    next_value,
    sqlite_driver,
    sqlite_version_of,
)
from tokentill.store.migrating import make_ready

# SQLite and its drivers


@pytest.mark.parametrize(
    ("version", "has_race"),
    [
        ("3.7.0", True),
        ("3.37.0", True),
        ("3.40.1", True),
        ("3.44.5", True),
        ("3.44.6", False),
        ("3.44.7", False),
        ("3.45.0", True),
        ("3.46.1", True),
        ("3.50.6", True),
        ("3.50.7", False),
        ("3.51.0", True),
        ("3.51.2", True),
        ("3.51.3", False),
        ("3.52.0", False),
        ("3.53.4", False),
        ("4.0.0", False),
    ],
)
def test_versions_that_may_lose_commits_in_wal_mode(version: str, has_race: bool) -> None:
    assert has_wal_reset_race(tuple(map(int, version.split(".")))) is has_race


def driver(version: str) -> ModuleType:
    """A driver that says it brings this version of SQLite."""
    found = ModuleType("pysqlite3.dbapi2")
    found.sqlite_version = version  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(
    ("own", "bundled", "chosen"),
    [
        ("3.51.3", "3.53.4", "own"),
        ("3.40.1", "3.53.4", "bundled"),
        ("3.40.1", "3.51.1", "own"),
        ("3.40.1", None, "own"),
        ("3.36.0", "3.53.4", "bundled"),
        ("3.36.0", None, "none"),
        ("3.36.0", "3.50.4", "none"),
    ],
)
def test_the_driver_is_python_s_own_unless_another_is_safer(
    monkeypatch: pytest.MonkeyPatch, own: str, bundled: str | None, chosen: str
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", tuple(map(int, own.split("."))))
    monkeypatch.setattr(sqlite3, "sqlite_version", own)
    other = None if bundled is None else driver(bundled)
    monkeypatch.setitem(sys.modules, "pysqlite3", other)
    monkeypatch.setitem(sys.modules, "pysqlite3.dbapi2", other)
    if chosen == "none":
        with pytest.raises(DatabaseNotReady, match=r"has SQLite 3\.36\.0; tokentill needs 3\.37 or newer.*pip install"):
            sqlite_driver()
    else:
        assert sqlite_driver() is (sqlite3 if chosen == "own" else other)


def with_one_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the driver whatever the version is said to be: SQLAlchemy knows the errors of one in a process."""
    own = sqlite_driver()
    monkeypatch.setattr(database_module, "sqlite_driver", lambda: own)


@pytest.mark.parametrize(("has_race", "mode"), [(True, "delete"), (False, "wal")])
def test_the_journal_mode_follows_the_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has_race: bool, mode: str
) -> None:
    with_one_driver(monkeypatch)
    monkeypatch.setattr(database_module, "has_wal_reset_race", lambda version: has_race)
    database = Database.open(str(tmp_path / "a.db"))
    make_ready(database)
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == mode
    database.close()


def test_a_file_that_changed_hands_changes_its_journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_one_driver(monkeypatch)
    for has_race, mode in ((False, "wal"), (True, "delete"), (False, "wal")):
        monkeypatch.setattr(database_module, "has_wal_reset_race", lambda version, answer=has_race: answer)
        database = Database.open(str(tmp_path / "a.db"))
        make_ready(database)
        with database.write() as connection:
            set_customer(connection, "alice", name=mode, stripe_customer=None, at=AFTER_OCTOBER)
        with database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == mode
            assert customers(connection)["alice"].name == mode
        database.close()


def test_every_connection_has_the_safe_settings(sqlite_database: Database) -> None:
    wanted = {
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "synchronous": 2,  # FULL
        "trusted_schema": 0,
        "busy_timeout": BUSY_TIMEOUT_MS,
        "cache_size": -65536,
    }
    for _ in range(2):
        with sqlite_database.read() as connection:
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
            own = sqlite_version_of(sqlite_driver())
            assert connection.exec_driver_sql("SELECT sqlite_version()").scalar() == ".".join(map(str, own))
        assert found == wanted


def test_postgresql_speaks_utc_whatever_the_server_says(postgresql_database: Database) -> None:
    with postgresql_database.read() as connection:
        assert connection.execute(text("SHOW timezone")).scalar() == "UTC"


# Writers


def test_a_second_writer_waits_for_the_first(database: Database, database_url: str) -> None:
    other = Database.open(database_url)
    waited: list[float] = []

    def second() -> None:
        started = time.perf_counter()
        with other.write() as connection:
            assert next_value(connection, "review") == 2
        waited.append(time.perf_counter() - started)

    thread = threading.Thread(target=second)
    with database.write() as connection:
        assert next_value(connection, "review") == 1
        thread.start()
        time.sleep(0.4)
        assert waited == []
    thread.join(20)
    assert len(waited) == 1
    assert waited[0] > 0.3
    other.close()


def test_a_writer_that_reads_first_never_has_to_start_again(sqlite_database: Database) -> None:
    """A transaction that begins as a reader fails at once when somebody wrote meanwhile; ours begin as writers."""
    errors: list[BaseException] = []

    def count_up() -> None:
        own = Database.open(str(sqlite_database.sqlite_path))
        try:
            for _ in range(15):
                with own.write() as connection:
                    before = current_value(connection, "review")
                    assert next_value(connection, "review") == before + 1
        except BaseException as error:  # noqa: BLE001 (shown by the assertion below)
            errors.append(error)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    with sqlite_database.read() as connection:
        assert current_value(connection, "review") == 60


def test_a_held_counter_gives_no_number_to_anybody_else(database: Database, database_url: str) -> None:
    other = Database.open(database_url)
    taken: list[int] = []

    def second() -> None:
        with other.write() as connection:
            taken.append(next_value(connection, "batch"))

    thread = threading.Thread(target=second)
    with database.write() as connection:
        hold_counter(connection, "batch")
        thread.start()
        time.sleep(0.3)
        assert taken == []
        assert current_value(connection, "batch") == 0
    thread.join(20)
    assert taken == [1]
    other.close()


def test_a_writer_that_waited_too_long_says_so(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_MS", 50)
    hasty = Database.open(str(sqlite_database.sqlite_path))

    def write() -> None:
        with hasty.write() as connection:
            next_value(connection, "review")

    with sqlite_database.write(), pytest.raises(Refused, match=r"database is locked.*Run the command again"):
        write()
    write()
    with hasty.read() as connection:
        assert current_value(connection, "review") == 1


# Readers


def test_a_reader_sees_one_snapshot(database: Database, database_url: str) -> None:
    other = Database.open(database_url)
    with database.read() as connection:
        assert current_value(connection, "review") == 0
        if database.is_sqlite and not _has_wal(database):
            pytest.fail("this test needs a SQLite that may use WAL: install the extra `sqlite`")
        with other.write() as writer:
            next_value(writer, "review")
            set_customer(writer, "alice", name=None, stripe_customer=None, at=AFTER_OCTOBER)
        assert current_value(connection, "review") == 0
        assert customers(connection) == {}
    with database.read() as connection:
        assert current_value(connection, "review") == 1
        assert list(customers(connection)) == ["alice"]
    other.close()


def _has_wal(database: Database) -> bool:
    with database.read() as connection:
        return bool(connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal")


def test_a_reader_does_not_wait_for_a_writer(database: Database, database_url: str) -> None:
    other = Database.open(database_url)
    with database.write() as writer:
        next_value(writer, "review")
        with other.read() as connection:
            assert current_value(connection, "review") == 0
    other.close()


def test_a_reader_writes_nothing_on_postgresql(postgresql_database: Database) -> None:
    with (
        pytest.raises(DBAPIError, match="read-only transaction"),
        postgresql_database.read() as connection,
    ):
        next_value(connection, "review")


def test_what_failed_was_never_there(database: Database) -> None:
    def write_and_fail() -> None:
        with database.write() as connection:
            next_value(connection, "review")
            connection.execute(
                insert(tables.customer).values(id="alice", name=None, updated_at=to_micros(AFTER_OCTOBER))
            )
            raise RuntimeError("the power failed")

    with pytest.raises(RuntimeError, match="power"):
        write_and_fail()
    with database.read() as connection:
        assert current_value(connection, "review") == 0
        assert connection.execute(select(tables.customer)).all() == []


def test_references_are_checked(database: Database) -> None:
    with pytest.raises(DBAPIError, match=r"(?i)foreign key"), database.write() as connection:
        connection.execute(insert(tables.usage_unit).values(usage_id=77, name="web_search", quantity=1))


# Names of databases


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://host/db", "tokentill keeps its data in SQLite or PostgreSQL, not in 'mysql'"),
        ("sqlite://", "a database in memory would be lost at the end; name a file like sqlite:///tokentill.db"),
        ("sqlite:///:memory:", "a database in memory would be lost"),
        (":memory:", "a database in memory would be lost"),
        ("", "a database in memory would be lost"),
        ("postgresql://user:secret@host:port/db", r"postgresql://\.\.\. is not a database URL that can be read"),
    ],
)
def test_what_cannot_be_opened_is_a_wrong_call(url: str, message: str) -> None:
    with pytest.raises(InvalidCall, match=message) as refusal:
        Database.open(url)
    assert "secret" not in str(refusal.value)


def test_a_path_is_the_name_of_a_sqlite_file(tmp_path: Path) -> None:
    for given in (str(tmp_path / "50%20 a?b#c.db"), f"sqlite:///{tmp_path}/50%2520 a%3Fb%23c.db"):
        database = Database.open(given)
        assert database.is_sqlite
        assert database.sqlite_path == tmp_path / "50%20 a?b#c.db"
        assert database.url_shown == f"sqlite:///{tmp_path}/50%20 a?b#c.db"
        make_ready(database)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".db"] == ["50%20 a?b#c.db"]


def test_opening_makes_no_connection_and_no_file(tmp_path: Path) -> None:
    Database.open(str(tmp_path / "a.db"))
    assert list(tmp_path.iterdir()) == []
    Database.open("postgresql://nobody@127.0.0.1:1/nothing")


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    database = Database.open("postgresql://user:secret@127.0.0.1:1/db")
    with (
        pytest.raises(Refused, match=r"cannot open the database .*127\.0\.0\.1:1") as refusal,
        database.read(),
    ):
        pass
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_every_spelling_of_a_postgresql_url_works(postgresql_database: Database, scheme: str) -> None:
    url = postgresql_database.engine.url.set(drivername=scheme).render_as_string(hide_password=False)
    database = Database.open(url)
    make_ready(database)
    assert database.sqlite_path is None
    assert not database.is_sqlite
    database.close()
