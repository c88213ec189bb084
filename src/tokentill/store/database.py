"""Connections and transactions, the same on SQLite and PostgreSQL.

`read()` sees one snapshot; `write()` begins as a writer. Both end when their block ends, and neither may hold a
network call. Where the two databases differ, the difference is in this module.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, bindparam, create_engine, event, insert, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.schema import Table

from tokentill.errors import DatabaseNotReady, IntegrityFault, InvalidCall, Refused, ensure
from tokentill.store import tables

BUSY_TIMEOUT_MS = 30_000
_WRITES = "tokentill_writes"
_SIGNS_OF_DAMAGE = ("malformed", "Could not decode to UTF-8")
_SCHEME = re.compile(r"\A[a-z][a-z0-9+_]*://")


class Transactions(Protocol):
    """What makes transactions: a database, or one transaction of it that stands for all (`WithinOne`)."""

    def read(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one snapshot of everything and writes nothing."""

    def write(self) -> AbstractContextManager[Connection]:
        """A transaction that begins as a writer."""

    def on_one_connection(self) -> AbstractContextManager[Transactions]:
        """The same, for many transactions one after another."""


@dataclass(frozen=True, slots=True)
class WithinOne:
    """Every transaction is part of one that is under way."""

    connection: Connection

    def read(self) -> AbstractContextManager[Connection]:
        """The one transaction."""
        return nullcontext(self.connection)

    def write(self) -> AbstractContextManager[Connection]:
        """The one transaction."""
        return nullcontext(self.connection)

    def on_one_connection(self) -> AbstractContextManager[Transactions]:
        """The one transaction has one already."""
        return nullcontext(self)


class _TakenBack(Exception):
    """Ends a trial."""


class Database:
    """One database. Open it with `Database.open`, which makes no connection yet."""

    def __init__(self, engine: Engine, url_shown: str, kept_open: Connection | None = None) -> None:
        self.engine = engine
        self.url_shown = url_shown
        self._kept_open = kept_open

    @classmethod
    def open(cls, url: str) -> Database:
        """Open a database by URL (`sqlite:///file.db`, `postgresql://...`) or by the path of a SQLite file.

        Raises:
            InvalidCall: for a URL of any other kind.
        """
        try:
            parsed = make_url(url) if _SCHEME.match(url) else URL.create("sqlite", database=url)
        except (ArgumentError, ValueError):  # the latter for a port that is not a number; the URL may hold a password
            raise InvalidCall(
                f"{url.partition('://')[0]}://... is not a database URL that can be read;"
                " write sqlite:///tokentill.db or postgresql://user@host:5432/name"
            ) from None
        if parsed.get_backend_name() == "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise InvalidCall(
                    "a database in memory would be lost at the end; name a file like sqlite:///tokentill.db"
                )
            return cls(_sqlite_engine(parsed.database), f"sqlite:///{parsed.database}")
        if parsed.get_backend_name() == "postgresql":
            shown = parsed.render_as_string(hide_password=True)
            return cls(_postgresql_engine(parsed.set(drivername="postgresql+psycopg")), shown)
        raise InvalidCall(f"tokentill keeps its data in SQLite or PostgreSQL, not in {parsed.get_backend_name()!r}")

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a SQLite file."""
        return self.engine.dialect.name == "sqlite"

    @property
    def sqlite_path(self) -> Path | None:
        """The file, when this is SQLite."""
        return Path(str(self.engine.url.database)) if self.is_sqlite else None

    def read(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one snapshot of everything and writes nothing."""
        return self._transaction(writes=False)

    def write(self) -> AbstractContextManager[Connection]:
        """A transaction that begins as a writer and commits at the end of the block."""
        return self._transaction(writes=True)

    @contextmanager
    def trial(self) -> Iterator[Connection]:
        """A writing transaction over one snapshot that is taken back at the end: what would be, and nothing stays.

        Nobody else can take records in meanwhile.
        """
        with suppress(_TakenBack), self._transaction(writes=True, snapshot=True) as connection:
            yield connection
            raise _TakenBack

    @contextmanager
    def on_one_connection(self) -> Iterator[Database]:
        """The same database, for many transactions one after another: their connection is kept open, with its cache,
        to the end of the block.
        """
        with self._connect() as connection:
            yield Database(self.engine, self.url_shown, connection)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _transaction(self, *, writes: bool, snapshot: bool = False) -> Iterator[Connection]:
        connection = self._kept_open or self._connect()
        try:
            options: dict[str, Any] = {_WRITES: writes}
            if not self.is_sqlite:
                options["isolation_level"] = "READ COMMITTED" if writes and not snapshot else "REPEATABLE READ"
                options["postgresql_readonly"] = not writes
            with connection.execution_options(**options).begin():
                yield connection
        except (DatabaseError, UnicodeDecodeError) as error:
            if damage := self._damage(error):
                raise damage from error
            if isinstance(error, OperationalError):  # locked, full, read-only, gone: nothing of it was stored
                raise Refused(
                    f"the database {self.url_shown} failed: {error.orig}; nothing was half done. Run the command again"
                ) from error
            raise
        finally:
            if connection is not self._kept_open:
                connection.close()

    def _connect(self) -> Connection:
        try:
            return self.engine.connect()
        except (DatabaseError, UnicodeDecodeError) as error:
            raise self._damage(error) or self._not_opened(error) from error

    def _damage(self, error: DatabaseError | UnicodeDecodeError) -> IntegrityFault | None:
        """What to say where SQLite cannot make sense of a file, or its driver of what SQLite says about it."""
        if not self.is_sqlite:
            return None
        reason = str(error.orig) if isinstance(error, DatabaseError) else str(error)
        if isinstance(error, UnicodeDecodeError) or any(sign in reason for sign in _SIGNS_OF_DAMAGE):
            return IntegrityFault(f"the database {self.url_shown} is damaged: {reason}; restore it from a backup")
        return None

    def _not_opened(self, error: DatabaseError | UnicodeDecodeError) -> Refused:
        reason = str(error.orig) if isinstance(error, DatabaseError) else str(error)
        if self.sqlite_path is not None and self.sqlite_path.is_dir():
            reason = "it is a folder; name a file"
        elif self.is_sqlite and "not a database" in reason:
            reason += "; name another one, or restore it from a backup if its beginning is damaged"
        return Refused(f"cannot open the database {self.url_shown}: {reason}")


def insert_new(connection: Connection, table: Table) -> Insert:
    """The INSERT that leaves rows alone that are there already. Another transaction may add one at this moment."""
    if connection.dialect.name == "sqlite":
        return sqlite_insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert  # here: SQLite does without all its drivers

    return postgresql_insert(table).on_conflict_do_nothing()


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, if there are any."""
    if rows:
        connection.execute(insert(table), rows)


def next_values(connection: Connection, name: str, count: int) -> range:
    """Take the next numbers of a counter, at least one. Its row stays locked until the transaction ends, so numbers are
    gapless and become visible in their order.
    """
    counter = tables.counter
    one_more = update(counter).where(counter.c.name == bindparam("counter_name")).values(value=counter.c.value + 1)
    connection.execute(one_more, [{"counter_name": name}] * count)
    last = current_value(connection, name)
    return range(last - count + 1, last + 1)


def next_value(connection: Connection, name: str) -> int:
    """Take the next number of a counter."""
    return next_values(connection, name, 1)[0]


def hold_counter(connection: Connection, name: str) -> None:
    """Keep everybody else from taking a number of a counter until the transaction ends, without taking one.

    On SQLite a writing transaction is alone from its beginning.
    """
    counter = tables.counter
    connection.execute(select(counter.c.value).where(counter.c.name == name).with_for_update()).one()


def current_value(connection: Connection, name: str) -> int:
    """The last number that was taken from a counter; 0 when none was."""
    return int(connection.execute(select(tables.counter.c.value).where(tables.counter.c.name == name)).scalar_one())


def sqlite_version_of(module: ModuleType) -> tuple[int, ...]:
    """The version of SQLite inside a driver."""
    return tuple(int(part) for part in module.sqlite_version.split("."))


def has_wal_reset_race(version: tuple[int, ...]) -> bool:
    """Whether a version of SQLite may lose committed writes in WAL mode (sqlite.org/wal.html#walresetbug).

    Fixed in 3.51.3, and in the backports 3.44.6 and 3.50.7.
    """
    if version >= (3, 51, 3):
        return False
    return not ((3, 44, 6) <= version < (3, 45) or (3, 50, 7) <= version < (3, 51))


def sqlite_driver() -> ModuleType:
    """The driver to use: Python's own, or `pysqlite3` (extra `sqlite`) where Python's has the race and it does not.

    Raises:
        DatabaseNotReady: for a SQLite without strict tables or RETURNING.
    """
    if has_wal_reset_race(sqlite3.sqlite_version_info):
        try:
            bundled = import_module("pysqlite3.dbapi2")
        except ImportError:
            bundled = None
        if bundled is not None and not has_wal_reset_race(sqlite_version_of(bundled)):
            return bundled
    if sqlite3.sqlite_version_info < (3, 37):
        raise DatabaseNotReady(
            f"this Python has SQLite {sqlite3.sqlite_version}; tokentill needs 3.37 or newer."
            " Install the extra: pip install 'tokentill[sqlite]'"
        )
    return sqlite3


def _sqlite_engine(path: str) -> Engine:
    driver = sqlite_driver()
    # Without WAL readers wait for writers, which is slow and safe; with it, an affected version may lose commits.
    journal = "DELETE" if has_wal_reset_race(sqlite_version_of(driver)) else "WAL"
    engine = create_engine(
        URL.create("sqlite", database=path),
        module=driver,
        poolclass=NullPool,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # so that the driver begins nothing by itself
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        for pragma in (
            "page_size = 8192",  # of a file that is made now; for the others it says nothing
            f"journal_mode = {journal}",
            "synchronous = FULL",
            "foreign_keys = ON",
            "recursive_triggers = ON",
            "trusted_schema = OFF",
            "secure_delete = ON",  # or what is erased stays where a page was split before
            "cache_size = -65536",
        ):
            _pragma_with_patience(cursor, pragma)
        ensure(cursor.execute("PRAGMA foreign_keys").fetchone()[0] == 1, "SQLite does not check foreign keys")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _pragma_with_patience(cursor: Any, pragma: str) -> None:
    """Set a pragma. A change of the journal mode does not wait for the busy time by itself."""
    for attempt in range(200):
        try:
            cursor.execute(f"PRAGMA {pragma}")
        except Exception as error:
            if attempt == 199 or "locked" not in str(error):
                raise
            time.sleep(0.02)
        else:
            return


def _postgresql_engine(url: Any) -> Engine:
    try:
        engine = create_engine(
            url,
            pool_pre_ping=True,
            # With less memory than this, sums of a batch are sorted on disk.
            connect_args={"connect_timeout": 10, "options": "-c timezone=UTC -c work_mem=64MB"},
        )
    except (ModuleNotFoundError, NoSuchModuleError):
        raise InvalidCall(
            "PostgreSQL needs its driver; install the extra: pip install 'tokentill[postgresql]'"
        ) from None
    for table in tables.metadata.tables.values():
        for index in table.indexes:
            index.dialect_kwargs["postgresql_where"] = index.dialect_options["sqlite"]["where"]
    return engine
