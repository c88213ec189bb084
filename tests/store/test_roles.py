"""The roles on PostgreSQL: the application works with what they allow, and nothing that is issued is in its reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from tests.builders import OCTOBER, MovableClock, at, price, prices, record, till
from tests.invoicing.bench import numbers
from tests.store.bench import postgresql_without_tables, rows_of_all_tables
from tokentill.faces.database import DatabaseFace
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.migrating import upgrade
from tokentill.stripe_push.gateway import StripeGateway
from tokentill.testing.stripe import API_KEY, StripeStandIn
from tokentill.till import Till

Login = Callable[[str], Database]


@pytest.fixture
def database(postgresql_url: str) -> Iterator[Database]:
    """A database with all tables and the roles."""
    with postgresql_without_tables(postgresql_url) as made:
        upgrade(made)
        run_script(made)
        yield made


def run_script(database: Database) -> None:
    """As `tokentill db roles | psql` does."""
    url = database.engine.url
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.connection.cursor().execute(DatabaseFace(database).roles())
    engine.dispose()


@pytest.fixture
def login(database: Database) -> Iterator[Login]:
    """Logs somebody new in who is a member of one of the roles."""
    made: list[str] = []
    with ExitStack() as stack:

        def make(role: str) -> Database:
            name = f"somebody_{uuid4().hex}"
            made.append(name)
            with database.engine.begin() as connection:
                connection.execute(text(f"CREATE ROLE {name} LOGIN IN ROLE {role}"))
                if role == "tokentill_owner":
                    connection.execute(text(f"ALTER ROLE {name} SET role = tokentill_owner"))
            url = make_url(str(database.engine.url.render_as_string(hide_password=False))).set(username=name)
            opened = Database.open(url.render_as_string(hide_password=False))
            stack.callback(opened.close)
            return opened

        yield make
    with database.engine.begin() as connection:
        for name in made:
            connection.execute(text(f"DROP OWNED BY {name}"))
            connection.execute(text(f"DROP ROLE {name}"))


def worked(database: Database) -> Till:
    """A till that has done everything that an application does."""
    searched = prices(price(fees={"web_search": {"price": "10", "per": 1000}}))
    shop = till(database, searched, clock=MovableClock())
    shop.ingest([record("one", web_search=2, input=5_000_000), record("two", user="bob"), record("three")])
    shop.ingest([record("two", user="bob", input=7)])
    shop.accept_revision("arouter", "two", reason="corrected")
    shop.ingest(
        [record("four", usage_state="missing"), record("one", input=3), record("five", when="2062-01-01T00:00Z")]
    )
    shop.waive("arouter", "four", reason="it failed")
    shop.reject_revision("arouter", "one", reason="a test")
    shop.discard(file="python", reason="a test")
    shop.retract(record=("arouter", "three"), reason="a test")
    shop.ingest([record("six", user="carol")], name="looked at", stage="looked at")
    shop.accept_import(shop.imports().imports[-1].number)
    shop.bind([("carol", "alice", at("1"), None)])
    shop.review(OCTOBER, "alice", "approved", by="rita")
    assert shop.close(OCTOBER).issued == numbers(2)
    shop.void("INV-000002", reason="a test")
    assert shop.close(OCTOBER).issued == ("INV-000003",)
    with StripeStandIn(shop.clock) as stand_in:
        client = stand_in.client()
        linked = client.v1.customers.create({"name": "Alice"}).id
        shop.set_customer("alice", name="Alice", stripe_customer=linked)
        assert shop.push(OCTOBER, StripeGateway(client, API_KEY)).sent == 1
    assert shop.verify().is_sound
    return shop


def refused(database: Database, statement: str) -> None:
    """See that PostgreSQL itself does not let somebody do this."""
    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"), database.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def test_the_application_does_everything_with_its_own_role(login: Login) -> None:
    worked(login("tokentill_app"))


def test_the_application_neither_changes_nor_removes_what_is_issued(database: Database, login: Login) -> None:
    app = login("tokentill_app")
    worked(app)
    before = rows_of_all_tables(database)
    for name in tables.APPEND_ONLY:
        column = next(iter(tables.metadata.tables[name].columns)).name
        refused(app, f"UPDATE {name} SET {column} = {column}")
    for column in tables.invoice.columns:
        if column.name != "status":
            refused(app, f"UPDATE invoice SET {column.name} = {column.name}")
    for name in tables.metadata.tables:
        refused(app, f"DELETE FROM {name}")
        refused(app, f"TRUNCATE {name} CASCADE")
        refused(app, f"ALTER TABLE {name} DISABLE TRIGGER ALL")
        refused(app, f"DROP TABLE {name}")
    refused(app, "INSERT INTO counter (name, value) VALUES ('other', 0)")
    refused(app, "UPDATE alembic_version SET version_num = '0001'")
    refused(app, "SET session_replication_role = replica")
    refused(app, "SET ROLE tokentill_owner")
    refused(app, "CREATE TABLE other (id integer)")
    refused(app, "CREATE OR REPLACE FUNCTION tokentill_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'")
    assert rows_of_all_tables(database) == before


def test_a_reader_reads_everything_and_writes_nothing(database: Database, login: Login) -> None:
    worked(login("tokentill_app"))
    before = rows_of_all_tables(database)
    reader = login("tokentill_reader")
    assert rows_of_all_tables(reader) == before
    shop = till(reader, clock=MovableClock())
    assert shop.verify().is_sound
    assert [found.number for found in shop.invoices()] == ["INV-000001", "INV-000002", "INV-000003"]
    for name in tables.metadata.tables:
        for statement in ("DELETE FROM {}", "TRUNCATE {} CASCADE", "INSERT INTO {} DEFAULT VALUES", "DROP TABLE {}"):
            refused(reader, statement.format(name))
        column = next(iter(tables.metadata.tables[name].columns)).name
        refused(reader, f"UPDATE {name} SET {column} = {column}")
    assert rows_of_all_tables(database) == before


def test_the_script_may_run_again_and_the_owner_upgrades(database: Database, login: Login) -> None:
    app = login("tokentill_app")
    worked(app)
    before = rows_of_all_tables(database)
    run_script(database)
    assert rows_of_all_tables(app) == before
    refused(app, "DELETE FROM invoice")
    owner = login("tokentill_owner")
    upgrade(owner)
    assert till(owner, clock=MovableClock()).verify().is_sound
    with database.read() as connection:
        query = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = current_schema()"
        owners = connection.execute(text(query))
        assert list(owners.scalars()) == ["tokentill_owner"]
