"""`db check` has a check for each invariant, and finds what breaks it; it says where every record is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import insert, select, update

from tests.builders import OCTOBER, MovableClock, at, attribution, contract, price, prices, record, till
from tests.store.tampering import Tampering, tampered, world
from tokentill.canonical import canonical_bytes
from tokentill.closing.questions.verify import independent_checks
from tokentill.store import tables
from tokentill.store.checks.consistency import Checked, check_agreement
from tokentill.store.checks.invariants import INVARIANTS
from tokentill.store.database import Database
from tokentill.store.migrating import upgrade

BROKEN = {
    "identities_are_unique": Tampering("usage", "version", {"id": 1}, 2),
    "quantities_are_in_range": Tampering("usage", "output", {"id": 1}, -1),
    "input_totals_are_sums_of_their_parts": Tampering("usage", "input_total", {"id": 1}, 7),
    "accounts_are_in_one_currency": Tampering("ledger", "currency", {"invoice_id": 1, "position": 1}, "JPY"),
    "amounts_add_up": Tampering("invoice_line", "amount_minor", {"invoice_id": 1, "position": 1}, 1),
    "postings_come_to_nothing": Tampering("ledger", "amount_minor", {"invoice_id": 2, "position": 2}, 1),
    "lines_are_within_a_minor_unit": Tampering("invoice_line", "amount_minor", {"invoice_id": 1, "position": 1}, 1),
}


@pytest.fixture(scope="module")
def one_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database.open(str(tmp_path_factory.mktemp("world") / "tokentill.db"))
    upgrade(database)
    assert len(world(database).close("2026-11").issued) == 3
    yield database
    database.close()


@pytest.mark.parametrize("check", BROKEN)
def test_what_breaks_an_invariant_is_found_by_its_check(one_world: Database, check: str) -> None:
    with tampered(one_world, BROKEN[check]) as connection:
        assert check in {found.check for found in check_agreement(connection, whole=True) if found.faults}


def test_periods_that_do_not_join_are_found(one_world: Database) -> None:
    with one_world.read() as connection:
        member = tables.member_period.c
        row = connection.execute(select(member).where(member.customer == "bob", member.period == OCTOBER)).one()
    key = {"invoice_id": row.invoice_id, "customer": "bob"}
    with tampered(one_world, Tampering("member_period", "ends_at", key, row.ends_at - 1)) as connection:
        (found,) = [one for one in check_agreement(connection, whole=True) if one.check == "periods_join"]
    assert "do not join" in str(found.faults[0])


def test_two_live_documents_of_one_period_are_found(one_world: Database) -> None:
    with one_world.read() as connection:
        header = tables.invoice.c
        of_bob = select(header.id).where(
            header.customer == "bob", header.period == "2026-11", header.status == "issued"
        )
        id_ = connection.execute(of_bob).scalar_one()
    with one_world.engine.connect() as connection:
        connection.exec_driver_sql("DROP TRIGGER guard_invoice_update")
        connection.exec_driver_sql("DROP INDEX uq_invoice_live")
        connection.execute(update(tables.invoice).where(tables.invoice.c.id == id_).values(period=OCTOBER))
        (found,) = [one for one in check_agreement(connection, whole=True) if one.check == "one_document_is_live"]
        connection.rollback()
    assert [str(fault) for fault in found.faults] == ["'bob' has 2 live documents of 2026-10"]


def test_a_push_of_what_was_not_issued_is_found(one_world: Database) -> None:
    push = {
        "customer": "eve",
        "meter": "m",
        "day": "2026-10-01",
        "version": 1,
        "period": OCTOBER,
        "attempts": 0,
        "invoice": "INV-000001",
        "stripe_customer": "cus_1",
        "value_minor": 1,
        "identifier": "i",
        "state": "wanted",
    }
    with one_world.engine.connect() as connection:
        connection.execute(insert(tables.push).values(push))
        checked = check_agreement(connection, whole=True)
        connection.rollback()
    (found,) = [one for one in checked if one.check == "pushes_are_of_issued_documents"]
    assert [str(fault) for fault in found.faults] == [
        "push i is of INV-000001, which is not a document of its customer and period"
    ]


def test_a_record_on_documents_of_two_customers_is_found(one_world: Database) -> None:
    with one_world.engine.connect() as connection:
        covered = connection.execute(select(tables.coverage).where(tables.coverage.c.invoice_id == 1)).first()
        assert covered is not None
        of_bob = select(tables.invoice.c.id).where(tables.invoice.c.customer == "bob").limit(1)
        other = {**covered._mapping, "invoice_id": connection.execute(of_bob).scalar_one()}
        connection.execute(insert(tables.coverage).values(other))
        checked = {one.check: one for one in independent_checks(connection, ())}
        connection.rollback()
    assert "which bill it twice" in str(checked["records_are_each_in_one_place"].faults[0])
    assert checked["documents_are_what_their_records_come_to"].faults


def test_a_correction_that_did_not_know_of_another_one_is_found(sqlite_database: Database) -> None:
    clock = MovableClock()
    shop = till(sqlite_database, prices(price()), contract(), clock=clock)
    shop.ingest([record("a"), record("b"), record("c")])
    shop.close(OCTOBER)
    for record_id, month, day in (("a", "2026-11", "2026-12-02"), ("b", "2026-12", "2027-01-02")):
        clock.instant = at(f"{day}T00:00Z")
        shop.retract(record=("arouter", record_id), reason="a test")
        assert shop.close(month).issued
    assert shop.database.check().is_sound
    with sqlite_database.engine.connect() as connection:
        connection.exec_driver_sql("DROP TRIGGER guard_invoice_update")
        pins = shop.invoice("INV-000003").pins | {"l": 1}
        changed = update(tables.invoice).where(tables.invoice.c.number == "INV-000003")
        connection.execute(changed.values(pins=canonical_bytes(pins).decode()))
        checked = {one.check: one for one in check_agreement(connection, whole=True)}
        connection.rollback()
    assert [str(fault) for fault in checked["corrections_know_of_one_another"].faults] == [
        "INV-000003 corrects 2026-10 without what INV-000002 had corrected of it"
    ]


def place_of(database: Database) -> tuple[int, dict[str, int]]:
    with database.read() as connection:
        checked = {one.check: one for one in independent_checks(connection, ())}
    found: Checked = checked["records_are_each_in_one_place"]
    assert not found.faults
    return found.looked_at, dict(found.figures)


def test_every_record_is_in_one_place(database: Database) -> None:
    clock = MovableClock()
    listed = prices(price())
    attributed = attribution(
        {"match": {"user": "org_{id}"}, "customer": "{id}"}, default="unattributed", tolerance_percent="100"
    )
    shop = till(database, listed, contract(), attributed, clock=clock)
    shop.ingest([record("a", user="org_ann"), record("b", user="org_bob"), record("c", user="nobody")])
    nothing = {"billed": 0, "late": 0, "open": 0, "unattributed": 0, "withdrawn": 0}
    assert place_of(database) == (3, {**nothing, "open": 3})
    shop.close(OCTOBER)
    assert place_of(database) == (3, {**nothing, "billed": 2, "unattributed": 1})
    november = at("2026-11-01T12:00Z")
    shop.ingest([record("d", user="org_ann"), record("e", user="org_ann", when=november.isoformat())])
    assert place_of(database) == (5, {**nothing, "billed": 2, "late": 1, "open": 1, "unattributed": 1})
    shop.void("INV-000002", reason="a test")
    assert place_of(database) == (5, {**nothing, "billed": 1, "late": 1, "open": 2, "unattributed": 1})
    checked = shop.database.check()
    assert checked.is_sound
    assert {one.check for one in checked.checks} >= set(INVARIANTS)


def test_what_is_taken_back_is_billed_until_a_document_gives_it_back(database: Database) -> None:
    clock = MovableClock()
    shop = till(database, prices(price()), contract(), clock=clock)
    shop.ingest([record("a"), record("b")])
    shop.close(OCTOBER)
    shop.retract(record=("arouter", "a"), reason="a test", by="rita")
    nothing = {"billed": 0, "late": 0, "open": 0, "unattributed": 0, "withdrawn": 0}
    assert place_of(database) == (2, {**nothing, "billed": 2})
    clock.instant = at("2026-12-05T12:00Z")
    shop.close("2026-11")
    assert place_of(database) == (2, {**nothing, "billed": 1, "withdrawn": 1})


def test_two_versions_that_hold_at_once_are_found(database: Database) -> None:
    again = contract("customer", "alice", rules=[{"name": "dear", "markup_percent": "20"}])
    shop = till(database, prices(price()), contract(), contract("customer", "alice"), again)
    shop.ingest([record("a")])
    shop.close(OCTOBER)
    with database.read() as connection:
        checked = {one.check: one for one in independent_checks(connection, ())}
    (fault,) = checked["prices_and_rules_hold_in_one_version"].faults
    assert str(fault).startswith("two versions of contract customer alice are valid from 2026-01-01")
