"""The migrations make the tables that the code uses, can be taken back, and leave no database half ready."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Float, Numeric, Table, inspect, select, text

from tests.builders import OCTOBER, MovableClock, at, contract, grants, openings, price, prices, record, till
from tests.kept import fill
from tests.replay.story import lived
from tests.shares import IN_CAMPAIGNS, daily
from tests.store import new_file
from tests.store.bench import (
    count_of_rows,
    postgresql_without_tables,
    rows_of_all_tables,
    table_names,
    triggers_of,
    with_digests_of_rows,
)
from tokentill.canonical import Content
from tokentill.closing.close import close_period
from tokentill.closing.close_options import CloseOptions, Interim
from tokentill.closing.records.ingest import ingest
from tokentill.errors import DatabaseNotReady, IntegrityFault, Refused
from tokentill.invoicing.periods import Month
from tokentill.shipped import shipped_folder
from tokentill.sources.reading import Quarantined
from tokentill.store import migrating, tables
from tokentill.store.database import Database
from tokentill.store.guards import guard_faults, guards_of
from tokentill.store.intake.pulls import PullRow, append_pulls
from tokentill.store.migrating import alembic_config, downgrade, known_revisions, make_ready, schema_state, upgrade
from tokentill.stripe_push.gateway import StripeGateway
from tokentill.testing.stripe import API_KEY, StripeStandIn
from tokentill.till import Till

BEFORE_GUARDS = "0004"
ALL_TABLES = {table.name for table in tables.metadata.sorted_tables}


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table, once of each kind."""
    if request.param == "sqlite":
        database = Database.open(str(tmp_path / "empty.db"))
        yield database
        database.close()
    else:
        with postgresql_without_tables(request.getfixturevalue("postgresql_url")) as database:
            yield database


@pytest.fixture
def empty_database_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Database], Database]]:
    """Makes a second database of the same kind as another one, without any table."""
    with ExitStack() as stack:

        def make(other: Database) -> Database:
            if other.is_sqlite:
                made = Database.open(str(tmp_path / "second.db"))
                stack.callback(made.close)
                return made
            return stack.enter_context(postgresql_without_tables(request.getfixturevalue("postgresql_url")))

        yield make


SEARCHED = prices(price(fees={"web_search": {"price": "10", "per": 1000}}))
WELCOME = contract(invoice={"coupon": [{"id": "welcome", "percent": "10"}]})


SUMS = ("usage_sum", "usage_sum_unit")
DECIDED = (
    *("revision_decision", "withdrawal", "quarantine_decision", "staged_record", "staged_event"),
    *("manual_line", "manual_line_removal", "correction", "control_total", "control_total_withdrawal", "pull"),
    *("usage_request", "witness", "key_binding"),
)
"""Tables of what people decided about single records, whole imports, invoices and keys, and of control totals; older
versions have no place for it."""


def with_everything(database: Database) -> Till:
    """A till whose every table has rows, but those of decisions and the ledger; a copy of one that lived a month."""
    fill(database, "everything", live_a_month)
    return till(database, SEARCHED, clock=MovableClock())


def live_a_month(database: Database) -> None:
    """What fills every table."""
    shop = till(database, SEARCHED, clock=MovableClock())
    records = [record("one", web_search=2, input=5_000_000)]
    records += [record(f"two {number}" if number else "two", user="bob", cost="0.01") for number in range(3)]
    bad = Quarantined("file", 3, "it is no JSON", None, "{", b"0123456789abcdef")
    ingest(database, [*records, record("one", input=7), bad], name="file", clock=shop.clock)
    shop.bind([("carol", "alice", at("1"), None)])
    shop.review(OCTOBER, "alice", "approved", by="rita")
    assert not shop.close(OCTOBER).is_refused
    with StripeStandIn(shop.clock) as stand_in:
        client = stand_in.client()
        linked = client.v1.customers.create({"name": "Alice"}).id
        shop.set_customer("alice", name="Alice", stripe_customer=linked)
        assert shop.push(OCTOBER, StripeGateway(client, API_KEY)).sent == 1
    empty = [name for name, count in count_of_rows(database).items() if not count and name not in DECIDED]
    assert empty == ["ledger"]
    with_digests_of_rows(database)


# What the migrations make


def test_upgrading_makes_what_the_code_uses(empty_database: Database) -> None:
    upgrade(empty_database)
    with empty_database.read() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, tables.metadata) == []
        assert schema_state(connection) == "current"
    assert table_names(empty_database) == {*ALL_TABLES, "alembic_version"}


def test_every_constraint_and_index_is_the_same_word_for_word(empty_database: Database, tmp_path: Path) -> None:
    upgrade(empty_database)
    with empty_database.read() as connection:
        migrated = described(connection)
    downgrade(empty_database, "base")
    with empty_database.write() as connection:
        tables.metadata.create_all(connection)
    with empty_database.read() as connection:
        made = described(connection)
    assert set(migrated) == ALL_TABLES
    assert migrated == made
    assert sum(len(found["checks"]) for found in migrated.values()) == 33
    assert sum(len(found["foreign_keys"]) for found in migrated.values()) == 28


def described(connection: Connection) -> dict[str, dict[str, Any]]:
    """Columns, constraints and indexes of each table with their names and texts, in a fixed order."""
    inspector = inspect(connection)
    found = {}
    for table in sorted(set(inspector.get_table_names()) - {"alembic_version"}):
        found[table] = {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table)
            ],
            "key": inspector.get_pk_constraint(table),
            "unique": sorted((c["name"], c["column_names"]) for c in inspector.get_unique_constraints(table)),
            "foreign_keys": sorted(
                (c["name"], c["constrained_columns"], c["referred_table"], c["referred_columns"], c["options"])
                for c in inspector.get_foreign_keys(table)
            ),
            "checks": sorted((c["name"], c["sqltext"]) for c in inspector.get_check_constraints(table)),
            "indexes": sorted(
                (c["name"], c["column_names"], bool(c["unique"]), str(sorted(_where(c).items())))
                for c in inspector.get_indexes(table)
            ),
        }
    if connection.dialect.name == "sqlite":
        for name, strict in connection.execute(text("SELECT name, strict FROM pragma_table_list WHERE schema='main'")):
            if name in found:
                found[name]["strict"] = strict
    return found


def _where(index: Any) -> dict[str, str]:
    options = index.get("dialect_options", {})
    return {name: str(value) for name, value in options.items() if name.endswith("_where")}


def test_every_table_is_strict_on_sqlite(sqlite_database: Database) -> None:
    with sqlite_database.read() as connection:
        found = described(connection)
    assert {name: found[name]["strict"] for name in found} == dict.fromkeys(ALL_TABLES, 1)


def test_every_constraint_has_a_name(database: Database) -> None:
    with database.read() as connection:
        found = described(connection)
        if database.is_sqlite:
            # What has no name in SQLite shows as an index that it made by itself.
            sql = connection.execute(text("SELECT sql FROM sqlite_master WHERE type='table' AND name <> 'x'")).scalars()
            for made in sql:
                if "alembic_version" not in made:
                    kinds = len(re.findall(r"PRIMARY KEY|UNIQUE|FOREIGN KEY|CHECK", made))
                    assert kinds == len(re.findall(r"CONSTRAINT \w+ (?:PRIMARY KEY|UNIQUE|FOREIGN KEY|CHECK)", made))
    for table, parts in found.items():
        names = [name for kind in ("unique", "foreign_keys", "checks", "indexes") for name, *_ in parts[kind]]
        names.append(parts["key"]["name"])
        for name in names:
            assert re.match(rf"(pk|uq|fk|ck|ix)_{table}", name or "nameless"), (table, name)


def test_nothing_is_deleted_because_something_else_was(database: Database) -> None:
    with database.read() as connection:
        inspector = inspect(connection)
        options = [key["options"] for table in ALL_TABLES for key in inspector.get_foreign_keys(table)]
    assert len(options) == 28
    assert not any("ondelete" in option or "onupdate" in option for option in options)


def test_no_column_is_a_floating_number(database: Database) -> None:
    with database.read() as connection:
        inspector = inspect(connection)
        kinds = {
            f"{table}.{column['name']}": column["type"]
            for table in ALL_TABLES
            for column in inspector.get_columns(table)
        }
    assert len(kinds) == sum(len(table.columns) for table in tables.metadata.sorted_tables)
    floating = [name for name, kind in kinds.items() if isinstance(kind, (Float, Numeric))]
    assert floating == []
    assert {str(kind) for kind in kinds.values()} <= {"BIGINT", "INTEGER", "TEXT", "BLOB", "BYTEA"}


# Up, down and up again


def test_a_full_database_goes_down_and_up_again(database: Database) -> None:
    before = triggers_of(database)
    with_everything(database)
    downgrade(database, "base")
    assert table_names(database) == {"alembic_version"}
    with database.read() as connection:
        assert schema_state(connection) == "empty"
    assert triggers_of(database) == {}
    upgrade(database)
    assert triggers_of(database) == before
    assert {name: count for name, count in count_of_rows(database).items() if count} == {"counter": 6}
    live_a_month(database)
    assert till(database).verify().is_sound


OLDEST = "0007"
_made: dict[str, dict[str, tuple[dict[str, dict[str, Any]], dict[str, str]]]] = {}


def made_by_steps(empty: Database, steps: list[str]) -> dict[str, tuple[dict[str, dict[str, Any]], dict[str, str]]]:
    """The tables and guards after each step up from nothing; seen once on each kind of database."""
    kind = empty.engine.dialect.name
    if kind not in _made:
        found = {}
        for step in steps:
            upgrade(empty, step)
            found[step] = tables_and_guards(empty)
        _made[kind] = found
    return _made[kind]


@pytest.mark.parametrize("oldest", daily(["0010", "0009", "0008", OLDEST], 1))
def test_all_that_older_tables_can_hold_goes_down_to_them_and_up_again(
    database: Database, empty_database_of: Callable[[Database], Database], oldest: str
) -> None:
    shop = lived(database, oldest)
    with_digests_of_rows(database)
    every = [script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()]
    steps = [step for step in reversed(every) if step >= oldest]
    seen = [step for step in reversed(every) if step >= (OLDEST if IN_CAMPAIGNS else oldest)]
    made = made_by_steps(empty_database_of(database), seen)
    before = rows_of_all_tables(database)

    for step in reversed(steps):
        downgrade(database, step)
        assert tables_and_guards(database) == made[step], step
    for step in steps:
        upgrade(database, step)
        assert tables_and_guards(database) == made[step], step

    assert rows_of_all_tables(database) == before
    with database.read() as connection:
        assert schema_state(connection) == "current"
        assert guard_faults(connection) == []
    assert shop.verify(replay=True).is_sound


def tables_and_guards(database: Database) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    with database.read() as connection:
        return described(connection), guards_of(connection)


def test_a_check_that_somebody_changed_stops_the_migration(sqlite_database: Database) -> None:
    downgrade(sqlite_database, "0008")
    with sqlite_database.write() as connection:
        changed = "UPDATE sqlite_master SET sql = replace(sql, 'interim', 'early') WHERE name = 'invoice'"
        for statement in ("PRAGMA writable_schema = ON", changed, "PRAGMA writable_schema = RESET"):
            connection.exec_driver_sql(statement)
    before = triggers_of(sqlite_database)
    with pytest.raises(IntegrityFault, match="the table invoice is not the one that tokentill made; restore it"):
        upgrade(sqlite_database)
    assert triggers_of(sqlite_database) == before


def test_rows_from_before_the_ledger_survive_the_upgrade(
    database: Database, empty_database_of: Callable[[Database], Database]
) -> None:
    with_everything(database)
    expected = rows_of_all_tables(database)
    older = empty_database_of(database)
    upgrade(older, "0001")
    with older.write() as connection:
        for table in tables.metadata.sorted_tables:
            if expected[table.name] and inspect(connection).has_table(table.name):
                _insert_as_older(connection, table, expected[table.name])
    with pytest.raises(DatabaseNotReady, match="older tokentill; make a backup, then run `tokentill db upgrade`"):
        make_ready(older)

    upgrade(older)

    assert rows_of_all_tables(older) == expected
    invoices = [dict(zip(tables.invoice.columns.keys(), row, strict=True)) for row in expected["invoice"]]
    assert [(found["kind"], found["part"]) for found in invoices] == [("period", 0), ("period", 0)]
    assert triggers_of(older) == triggers_of(database)
    shop = till(older, SEARCHED, WELCOME, clock=MovableClock(at("2026-12-02T09:00Z")))
    assert shop.verify().is_sound
    assert shop.close(OCTOBER).issued == ()
    shop.ingest([record("three", when="2026-11-03T12:00Z", input=1_000_000)])
    assert shop.close("2026-11").issued == ("INV-000003",)
    assert shop.verify().is_sound
    assert count_of_rows(older)["ledger"] == 1


def _insert_as_older(connection: Connection, table: Table[Any], rows: list[tuple[object, ...]]) -> None:
    """Insert rows by name into a table that may have fewer columns than it has now."""
    names = [column["name"] for column in inspect(connection).get_columns(table.name)]
    listed = ", ".join(f'"{name}"' for name in names)
    if table.name == "counter":  # the migration counts from nothing
        connection.execute(text("DELETE FROM counter"))
    statement = text(f'INSERT INTO "{table.name}" ({listed}) VALUES ({", ".join(f":{name}" for name in names)})')
    for row in rows:
        values = dict(zip(table.columns.keys(), row, strict=True))
        if values.get("name") != "document":  # a counter of the log of documents, which the older tables do not have
            connection.execute(statement, {name: values[name] for name in names})
    if connection.dialect.name == "postgresql" and "id" in names:
        sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
        connection.execute(text(f"SELECT setval({sequence}, 1000) WHERE {sequence} IS NOT NULL"))


def test_the_ledger_can_be_taken_back_while_nothing_needs_it(
    database: Database, empty_database_of: Callable[[Database], Database]
) -> None:
    with_everything(database)
    before = rows_of_all_tables(database), triggers_of(database)
    first = empty_database_of(database)
    upgrade(first, "0001")

    downgrade(database, "0001")

    assert triggers_of(database) == triggers_of(first)
    with database.read() as connection, first.read() as of_first:
        assert described(connection) == described(of_first)
        numbers = connection.execute(text("SELECT number FROM invoice ORDER BY number")).scalars().all()
    assert numbers == ["INV-000001", "INV-000002"]
    upgrade(database)
    assert (rows_of_all_tables(database), triggers_of(database)) == before
    assert till(database, SEARCHED).verify().is_sound


def test_the_guards_of_what_moves_can_be_taken_back_and_put_back(database: Database) -> None:
    with_everything(database)
    before = rows_of_all_tables(database), triggers_of(database)

    downgrade(database, BEFORE_GUARDS)

    assert {name for name in before[1] if name not in triggers_of(database)} == {
        name
        for name in before[1]
        if name.partition(".")[0] in ("source", "series", "close_run", "counter", *SUMS, *DECIDED)
        or name == "usage.guard_usage_refers"
    }
    upgrade(database)
    assert (rows_of_all_tables(database), triggers_of(database)) == before
    assert till(database, SEARCHED).verify().is_sound


FEE = contract(invoice={"base_fee": {"amount": "5"}})


@pytest.mark.parametrize(
    ("terms", "interim", "lost"),
    [
        (WELCOME, None, "2 rows of the ledger"),
        (FEE, None, "2 lines that are not of usage"),
        (contract(), Interim(("alice",)), "1 interim invoices"),
    ],
)
def test_going_back_is_refused_where_something_would_be_lost(
    database: Database, terms: Content, interim: Interim | None, lost: str
) -> None:
    shop = till(database, SEARCHED, terms)
    shop.ingest([record("one", input=5_000_000), record("two", user="bob", input=7_000_000)])
    close_period(database, Month.parse(OCTOBER), shop.folder, CloseOptions(interim), clock=shop.clock)
    before = rows_of_all_tables(database), triggers_of(database)
    for revision in ("0001", "base"):
        with pytest.raises(RuntimeError, match=f"{lost} would be lost"):
            downgrade(database, revision)
    assert (rows_of_all_tables(database), triggers_of(database)) == before


COMMITTED = contract(
    "customer",
    "alice",
    invoice={"commitment": {"amount": "90", "starts": "2026-10-01", "months": 1}},
)


def test_commitments_and_opening_balances_are_not_lost_by_going_back(database: Database) -> None:
    shop = till(database, SEARCHED, COMMITTED, openings({"id": "old", "amount": "5", "customer": "bob"}))
    shop.ingest([record("one", input=2_000_000), record("two", user="bob", input=1_000_000)])
    shop.close(OCTOBER)
    before = rows_of_all_tables(database), triggers_of(database)
    assert sorted(row[2] for row in before[0]["ledger"]) == ["commitment", "opening", "true_up"]
    with pytest.raises(RuntimeError, match="3 rows of commitments and opening balances would be lost"):
        downgrade(database, "0007")
    assert (rows_of_all_tables(database), triggers_of(database)) == before
    assert shop.verify().is_sound


AGREED = contract(
    "customer", "alice", invoice={"tax": [{"name": "VAT", "percent": "19"}], "coupon": [{"id": "c", "percent": "5"}]}
)
"""Under which alice's documents have rows of the ledger: of a coupon, of taxes, of a grant."""


def with_an_interim_invoice(database: Database, *contracts: Content) -> Till:
    shop = till(database, SEARCHED, AGREED, grants({"id": "prepaid", "amount": "9"}), *contracts)
    shop.ingest([record("one", input=2_000_000), record("two", user="bob", input=1_000_000)])
    close_period(database, Month.parse(OCTOBER), shop.folder, CloseOptions(Interim(("alice", "bob"))), clock=shop.clock)
    shop.ingest([record("three", when="20", input=5_000_000)])
    return shop


def test_accounts_of_the_ledger_are_taken_back_and_made_again_from_what_is_stored(
    database: Database, empty_database_of: Callable[[Database], Database]
) -> None:
    shop = with_an_interim_invoice(database)
    with_digests_of_rows(database)
    before = rows_of_all_tables(database), triggers_of(database)
    assert [row[2] for row in before[0]["ledger"]] == ["credit", "invoiced", "tax", "invoiced"]
    older = empty_database_of(database)
    upgrade(older, "0002")

    downgrade(database, "0002")

    assert triggers_of(database) == triggers_of(older)
    with database.read() as connection, older.read() as of_older:
        assert described(connection) == described(of_older)
        kinds = connection.execute(text("SELECT kind FROM ledger ORDER BY invoice_id, position")).scalars().all()
    assert kinds == ["credit", "invoiced", "invoiced"]
    upgrade(database)
    assert (rows_of_all_tables(database), triggers_of(database)) == before
    assert table_names(database) == {*ALL_TABLES, "alembic_version"}
    assert shop.close(OCTOBER).issued == ("INV-000003", "INV-000004")
    taxes = [item for item in shop.invoices()[2].content["items"] if item["kind"] == "tax"]
    assert [(item["name"], item["amount"], item["of"], item["invoiced"]) for item in taxes] == [
        ("VAT", "2.65", "19.95", "1.14")
    ]
    assert shop.verify().is_sound


def test_accounts_of_others_are_not_lost_by_going_back(database: Database) -> None:
    alone = contract("customer", "bob", invoice={"smallest_amount": "50"})
    joins = contract("customer", "bob", invoice={"parent": "alice"}, valid_from="2026-10-31T00:00:00Z")
    shop = till(database, SEARCHED, alone, joins)
    shop.ingest([record("one", user="bob", when="2026-09-10T12:00Z", input=1_000_000), record("two", user="bob")])
    shop.close("2026-09")
    downgrade(database, "0002")
    upgrade(database)
    shop.close(OCTOBER)
    before = rows_of_all_tables(database), triggers_of(database)
    with pytest.raises(RuntimeError, match="1 balances of other customers or currencies would be lost"):
        downgrade(database, "0002")
    assert (rows_of_all_tables(database), triggers_of(database)) == before
    assert shop.verify().is_sound


BEFORE_REVISIONS = "0005"
BEFORE_BATCHES_NAMED_ROWS = "0019"


def test_versions_of_records_are_taken_back_while_there_is_one_of_each(
    database: Database, empty_database_of: Callable[[Database], Database]
) -> None:
    shop = with_everything(database)
    before = rows_of_all_tables(database), triggers_of(database)
    older = empty_database_of(database)
    upgrade(older, BEFORE_REVISIONS)

    downgrade(database, BEFORE_REVISIONS)

    assert triggers_of(database) == triggers_of(older)
    with database.read() as connection, older.read() as of_older:
        assert described(connection) == described(of_older)
    upgrade(database)
    assert (rows_of_all_tables(database), triggers_of(database)) == before
    assert table_names(database) == {*ALL_TABLES, "alembic_version"}
    shop.accept_revision("arouter", "one", reason="corrected")
    assert shop.verify().is_sound


def note_a_pull(database: Database) -> None:
    with database.write() as connection:
        append_pulls(connection, "arouter", None, [PullRow("gap", at("1"), at("2"), why="half a page")], at=at("2"))


@pytest.mark.parametrize(
    ("decide", "lost"),
    [
        (lambda shop: shop.accept_revision("arouter", "one", reason="so"), "1 records that were revised"),
        (lambda shop: shop.waive("arouter", "none", reason="so"), "1 withdrawals"),
        (lambda shop: shop.reject_revision("arouter", "one", reason="so"), "1 decisions on revisions"),
        (lambda shop: shop.discard(file="file", reason="so"), "1 decisions on quarantined lines"),
        (lambda shop: shop.retract(record=("arouter", "one"), reason="so"), "1 retractions of records"),
        (lambda shop: shop.ingest([record("new")], stage="looked at"), "1 lines of staged imports"),
        (lambda shop: shop.ingest([record("new", request_key="k")]), "1 requests of several records"),
        (lambda shop: shop.ingest([record("new")], reporter="capture"), "1 imports of other reporters"),
        (
            lambda shop: shop.ingest([record("one", input=9)], reporter="capture"),
            "1 reports beside what counts",
        ),
        (
            lambda shop: (
                shop.set_customer("eve") and shop.add_line(OCTOBER, "eve", amount="2", description="fee", reason="so")
            ),
            "1 manual lines",
        ),
        (lambda shop: note_a_pull(shop.store), "1 notes of how far pulls came"),
        (
            lambda shop: shop.bind_keys([("k", None, "alice", at("1"), None)]),
            "1 bindings of API keys and teams",
        ),
    ],
    ids=[
        "accepted",
        "waived",
        "rejected",
        "discarded",
        "retracted",
        "staged",
        "keyed",
        "captured",
        "witnessed",
        "added",
        "pulled",
        "bound",
    ],
)
@pytest.mark.postgresql_one_in(4)
def test_what_people_decided_about_records_is_not_lost_by_going_back(
    database: Database, decide: Callable[[Till], object], lost: str
) -> None:
    shop = with_everything(database)
    shop.ingest([record("none", usage_state="missing")])
    decide(shop)
    before = rows_of_all_tables(database), triggers_of(database)
    with pytest.raises(RuntimeError, match=f"{lost} would be lost"):
        downgrade(database, BEFORE_REVISIONS)
    assert (rows_of_all_tables(database), triggers_of(database)) == before
    assert shop.verify().is_sound


def test_records_without_sums_have_them_in_older_tables(database: Database) -> None:
    shop = with_everything(database)
    shop.ingest([record(f"single {number}", user=f"user {number}", web_search=number) for number in range(1, 5)])
    shop.retract(record=("arouter", "single 3"), reason="a test")
    before = shop.usage(OCTOBER, by="model").content()
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM batch WHERE is_summed = 0").scalar_one()
    downgrade(database, BEFORE_BATCHES_NAMED_ROWS)
    summed = "SELECT sum(requests) FROM usage_sum"
    counting = "SELECT count(*) FROM usage WHERE id NOT IN (SELECT usage_id FROM withdrawal WHERE cause = 'retraction')"
    units = "SELECT sum(quantity) FROM usage_sum_unit"
    with database.read() as connection:
        assert connection.exec_driver_sql(summed).scalar_one() == connection.exec_driver_sql(counting).scalar_one()
        assert connection.exec_driver_sql(units).scalar_one() == 2 + 1 + 2 + 4
    upgrade(database)
    assert shop.usage(OCTOBER, by="model").content() == before
    assert not shop.database.check().faults


def test_there_is_a_trigger_for_every_way_to_change_what_stays(database: Database) -> None:
    found = set(triggers_of(database))
    if database.is_sqlite:
        wanted = {
            f"{table}.guard_{table}_{change}"
            for table in (*tables.APPEND_ONLY, "invoice", "close_run", "counter")
            for change in ("update", "delete", "insert")
        }
    else:
        wanted = {
            f"{table}.guard_{table}_{change}"
            for table in (*tables.APPEND_ONLY, "invoice", "close_run", "counter")
            for change in ("rows", "truncate")
        } | {"invoice.guard_invoice_update"}
    wanted |= {"invoice.guard_invoice_void", "document_event.guard_document_event_void", "usage.guard_usage_refers"}
    assert found == wanted


def test_an_upgrade_that_breaks_off_leaves_nothing_behind(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_index, made = Operations.create_index, []

    def fail_at_the_fourth(self: Operations, name: str, *arguments: Any, **options: Any) -> None:
        made.append(name)
        if len(made) == 4:
            raise RuntimeError("the power failed")
        make_index(self, name, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Operations, "create_index", fail_at_the_fourth)
        with pytest.raises(RuntimeError, match="power"):
            upgrade(empty_database)
    assert len(made) == 4
    assert table_names(empty_database) == set()
    upgrade(empty_database)
    with empty_database.read() as connection:
        assert schema_state(connection) == "current"


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    before = rows_of_all_tables(database), triggers_of(database)
    upgrade(database)
    assert (rows_of_all_tables(database), triggers_of(database)) == before


def test_the_revisions_are_those_that_alembic_finds() -> None:
    found = ScriptDirectory.from_config(alembic_config()).walk_revisions()
    assert known_revisions() == [script.revision for script in found][::-1]


def test_a_new_file_is_what_the_migrations_make_of_it(tmp_path: Path) -> None:
    written = (shipped_folder("migrations") / "new_file.sql").read_text("utf-8")
    assert written == new_file.migrated(), "write it anew: python -m tests.store.new_file"
    database = Database.open(str(tmp_path / "new.db"))
    assert migrating.make_tables(database)
    database.close()
    assert new_file.dumped(tmp_path / "new.db") == written
    assert not migrating.make_tables(database)


# Who may use which database


def test_a_new_sqlite_file_is_made_ready_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrating, "upgrade", upgrade)  # the migrations themselves, as outside the tests
    with Till.open(str(tmp_path / "new.db")) as shop:
        assert shop.ingest([record("one")]).counts.accepted == 1
    with Till.open(str(tmp_path / "new.db")) as again:
        assert again.ingest([record("one")]).counts.duplicates == 1


def test_a_postgresql_database_without_tables_waits_for_the_upgrade(postgresql_url: str) -> None:
    with postgresql_without_tables(postgresql_url) as database:
        with pytest.raises(DatabaseNotReady, match="has no tables yet; run `tokentill db upgrade`"):
            make_ready(database)
        assert table_names(database) == set()
        upgrade(database)
        make_ready(database)


def test_a_database_of_somebody_else_is_refused(empty_database: Database) -> None:
    with empty_database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE orders (id INTEGER)")
    with pytest.raises(DatabaseNotReady, match="holds tables that are not tokentill's"):
        make_ready(empty_database)
    assert table_names(empty_database) == {"orders"}


def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseNotReady, match="was made by a newer tokentill; install that version"):
        make_ready(database)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("These are notes, and there are enough of them to fill a page.\n" * 100)
    before = path.read_bytes()
    with pytest.raises(Refused, match=r"notes\.db: file is not a database"):
        make_ready(Database.open(str(path)))
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="nowhere"):
        make_ready(Database.open(str(tmp_path / "nowhere" / "a.db")))


# What is billed


def test_a_replay_that_a_tag_tells_goes_back_and_comes_again(database: Database) -> None:
    shop = till(database, SEARCHED, clock=MovableClock())
    shop.ingest([record("tagged", tags=["response-cache", "prod"]), record("plain"), record("near", tags=["cache"])])
    with_digests_of_rows(database)
    before = rows_of_all_tables(database)
    downgrade(database, "0011")
    upgrade(database)
    assert rows_of_all_tables(database) == before
    with database.read() as connection:
        replayed = select(tables.series.c.tags).where(tables.series.c.is_replayed == 1)
        assert connection.execute(replayed).scalars().all() == ['["prod", "response-cache"]']
    assert shop.database.check().is_sound
    assert shop.ingest([record("tagged", tags=["response-cache", "prod"])]).counts.duplicates == 1


@pytest.mark.parametrize("kind", ["kinds of replayed requests", "accepted estimates"])
def test_what_older_tables_cannot_say_of_billing_keeps_them_from_coming_back(database: Database, kind: str) -> None:
    shop = till(database, SEARCHED, clock=MovableClock())
    if kind == "accepted estimates":
        shop.ingest([record("guessed", usage_state="estimated")])
        shop.accept_estimate("arouter", "guessed", reason="so it is")
    else:
        shop.ingest([record("replayed", is_replayed=True)])
    with pytest.raises(RuntimeError, match=f"1 {kind} would be lost"):
        downgrade(database, "0011")
