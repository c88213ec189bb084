"""A user who is erased is nowhere any longer, and everything that was billed is still verified to the cent."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from tests.builders import OCTOBER, MovableClock, contract, price, prices, record, till
from tests.invoicing.bench import drop_guards, rows_of
from tokentill import Till
from tokentill.errors import InvalidCall, NotFound, Refused
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.guards import guard_faults
from tokentill.usage.control_totals import ControlTotal

pytestmark = pytest.mark.postgresql_one_in(2)

JANE = "jane.doe@example.org"
TOTALS = (
    ControlTotal("arouter", date(2026, 10, 9), user=JANE, requests=3),
    ControlTotal("arouter", date(2026, 10, 9), user=JANE, model="acme/large", tokens=12),
)
LONG_AGO = datetime(1971, 1, 1, tzinfo=UTC)


def line(**changes: Any) -> bytes:
    row = {"source": "arouter", "record_id": "x", "occurred_at": "2026-10-09T00:00:00Z", "model": "acme/large"}
    return json.dumps({**row, "user": JANE, "quantities": {"input": 7}, **changes}).encode() + b"\n"


@pytest.fixture
def closed(database: Database) -> Till:
    """A till that billed acme for jane and bob: with a late record, a revision, a bad line and a staged import."""
    one = till(database, prices(price()), contract(), clock=MovableClock())
    one.bind([(JANE, "acme", LONG_AGO, None), ("bob", "acme", LONG_AGO, None)])
    one.ingest([record("a", user=JANE, input=1_000_000), record("b", user="bob", input=2_000_000)])
    one.ingest([record("c", user=JANE, cost="0.25", web_search=3)])
    one.close(OCTOBER)
    one.ingest([record("late", user=JANE, when="20")])
    one.ingest([record("a", user=JANE, input=1_000_001)])
    one.ingest([record("b", user=JANE, input=5)])
    one.reject_revision("arouter", "b", reason="wrong", by="rita")
    one.ingest_file(io.BytesIO(line(record_id="bad", quantities={"input": -1})), name="bad.jsonl")
    one.ingest(TOTALS)
    taken_back = next(known for known in one.control_totals(OCTOBER).totals if known.total == TOTALS[1])
    one.withdraw_control_total(taken_back.id, reason="wrong", by="rita")
    one.ingest_file(io.BytesIO(line(record_id="s") + line(record_id="t", model=None)), name="staged", stage="looked at")
    return one


def everything(one: Till) -> str:
    """All that the database holds, as text."""
    with one.store.read() as connection:
        rows = {name: connection.execute(select(table)).all() for name, table in tables.metadata.tables.items()}
    cells = (cell for listed in rows.values() for row in listed for cell in row)
    return "\n".join(
        bytes(cell).decode(errors="replace") if isinstance(cell, bytes | memoryview) else str(cell) for cell in cells
    )


def test_nothing_names_an_erased_user_any_longer(closed: Till) -> None:
    assert JANE in everything(closed)
    erased = closed.erase_user(JANE, reason="asked for it", by="rita")
    assert (erased.records, erased.bindings, erased.revisions) == (3, 1, 2)
    assert (erased.staged, erased.quarantined, erased.audit_entries, erased.control_totals) == (2, 1, 1, 2)
    assert set(erased.stays.values()) == {0}
    assert JANE not in everything(closed)
    assert erased.token in everything(closed)


def test_everything_is_verified_after_an_erasure_as_before(closed: Till) -> None:
    documents = rows_of(closed.store)["invoice"]
    before = closed.preview("2026-11").content()["invoices"]
    closed.erase_user(JANE, reason="asked for it")
    assert closed.verify().is_sound
    assert closed.database.check().is_sound
    assert rows_of(closed.store)["invoice"] == documents
    assert closed.preview("2026-11").content()["invoices"] == before
    with closed.store.read() as connection:
        assert guard_faults(connection) == []


def test_no_page_of_a_file_holds_what_was_erased(sqlite_database: Database) -> None:
    one = till(sqlite_database, prices(price()), contract(), clock=MovableClock())
    lines = [
        line(record_id=f"bad {n}", user=JANE if n % 3 else f"user {n}", quantities={"input": -1}) for n in range(600)
    ]
    for part in range(0, len(lines), 100):  # so that pages are split after they were written
        one.ingest_file(io.BytesIO(b"".join(lines[part : part + 100])), name=f"bad {part}.jsonl")
    one.ingest([record(f"a {n}", user=JANE, cost="0.25", web_search=3) for n in range(600)])

    def held() -> int:
        with sqlite_database.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        assert sqlite_database.sqlite_path is not None
        return sqlite_database.sqlite_path.read_bytes().count(JANE.encode())

    assert held() > 400
    one.erase_user(JANE, reason="asked for it")
    assert held() == 0


def test_two_users_one_after_the_other_are_erased_and_verified(closed: Till) -> None:
    closed.erase_user(JANE, reason="asked for it")
    closed.erase_user("bob", reason="asked for it")
    assert closed.verify().is_sound
    assert closed.database.check().is_sound
    assert "bob" not in everything(closed)


def test_the_same_file_again_does_not_bring_an_erased_user_back(closed: Till) -> None:
    closed.erase_user(JANE, reason="asked for it")
    again = closed.ingest([record("a", user=JANE, input=1_000_000), record("late", user=JANE, when="20")])
    assert (again.counts.duplicates, again.counts.read) == (2, 2)
    told = closed.ingest(TOTALS)
    assert (told.counts.totals_known, told.counts.read) == (2, 2)
    assert JANE not in everything(closed)


def test_rows_cannot_be_changed_after_an_erasure(closed: Till) -> None:
    closed.erase_user(JANE, reason="asked for it")
    with pytest.raises(Exception, match=r"append-only|refuse"), closed.store.write() as connection:
        connection.execute(tables.series.update().values(user="mallory"))


def test_an_entry_of_the_log_that_was_changed_by_hand_is_still_found(closed: Till) -> None:
    closed.erase_user(JANE, reason="asked for it")
    drop_guards(closed.store)
    with closed.store.write() as connection:
        connection.execute(tables.audit.update().where(tables.audit.c.seq == 1).values(actor="mallory"))
    assert not closed.database.check().is_sound


def test_a_user_whom_a_document_names_as_its_customer_is_not_erased(database: Database) -> None:
    one = till(database, prices(price()), contract(), clock=MovableClock())
    one.ingest([record("a", user=JANE)])
    one.close(OCTOBER)
    before = everything(one)
    with pytest.raises(Refused, match="customer of documents such as INV-"):
        one.erase_user(JANE, reason="asked for it")
    assert everything(one) == before


def test_a_user_by_whom_lines_are_split_is_not_erased(database: Database) -> None:
    one = till(database, prices(price()), contract(invoice={"lines_by": ["user"]}), clock=MovableClock())
    one.bind([(JANE, "acme", LONG_AGO, None)])
    one.ingest([record("a", user=JANE)])
    one.close(OCTOBER)
    with pytest.raises(Refused, match="are split by user"):
        one.erase_user(JANE, reason="asked for it")


def test_an_erasure_of_one_source_leaves_the_others(database: Database) -> None:
    one = till(database, prices(price()), contract(), clock=MovableClock())
    one.bind([(JANE, "acme", LONG_AGO, "arouter"), (JANE, "other", LONG_AGO, "openrouter")])
    one.ingest([record("a", user=JANE), record("b", user=JANE, source="openrouter")])
    erased = one.erase_user(JANE, reason="asked for it", source="arouter")
    assert (erased.records, erased.bindings) == (1, 1)
    users = {row.user for row in one.bindings()}
    assert users == {JANE, erased.token}
    assert one.database.check().is_sound
    assert {found["customer"] for found in one.preview(OCTOBER).content()["invoices"]} == {"acme", "other"}


def test_a_wrong_call_is_told(closed: Till) -> None:
    with pytest.raises(NotFound, match="names this user") as missing:
        closed.erase_user("nobody@example.org", reason="asked for it")
    assert "nobody" not in str(missing.value)
    with pytest.raises(InvalidCall, match="needs a reason"):
        closed.erase_user(JANE, reason=" ")
    with pytest.raises(InvalidCall, match="say why without the id"):
        closed.erase_user(JANE, reason=f"{JANE} asked")
