"""Documents are issued many in one transaction, and nothing but the number of transactions comes of that."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.builders import OCTOBER, record, till
from tests.replay.story import lived
from tests.shares import IN_CAMPAIGNS, daily
from tests.store.bench import rows_of_all_tables
from tokentill.closing import issuing
from tokentill.closing.closed import Closed
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready


def new_database(path: Path) -> Database:
    database = Database.open(str(path))
    make_ready(database)
    return database


def test_many_at_once_are_what_one_after_the_other_would_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Months with everything that a contract can agree to, with corrections, credit notes, grants and commitments."""
    rows = []
    for at_once in (1, *((3,) if IN_CAMPAIGNS else ()), issuing.DOCUMENTS_AT_ONCE):
        monkeypatch.setattr(issuing, "DOCUMENTS_AT_ONCE", at_once)
        with closing(new_database(tmp_path / f"{at_once}.db")) as database:
            one = lived(database)
            rows.append(rows_of_all_tables(database))
            assert len(rows) > 1 or one.verify().is_sound  # the others have the same rows
    assert len(rows[0]["invoice"]) > issuing.DOCUMENTS_AT_ONCE // 10
    for table, of_table in rows[0].items():
        for others in rows[1:]:
            assert others[table] == of_table, table


@pytest.mark.parametrize("held", daily(range(7), 3))
def test_who_is_refused_refuses_nobody_else_of_the_transaction(database: Database, held: int) -> None:
    """u0 to u6 are issued one, then two, then four at a time; one of them is put on hold once the run has begun."""
    customers = [f"u{number}" for number in range(7)]
    one = till(database)
    one.ingest([record(customer, user=customer) for customer in customers])

    def hold(done: int, _all: int) -> None:
        if done == 1 and held:
            one.review(OCTOBER, customers[held], "held", by="rita", note="just seen")

    closed: Closed = one.close(OCTOBER, progress=hold)

    refused = customers[held : held + 1] if held else []
    assert [refusal.customer for refusal in closed.refused] == refused
    assert [document.customer for document in one.invoices()] == [one for one in customers if one not in refused]
    assert [document.number for document in one.invoices()] == [f"INV-{n:06d}" for n in range(1, 8 - len(refused))]
    assert one.verify().is_sound


def test_a_reissue_for_one_customer_does_not_end_the_period_for_the_others(database: Database) -> None:
    one = till(database)
    one.ingest([record("a", user="ann"), record("b", user="bob")])
    one.review(OCTOBER, "bob", "held", by="rita", note="wait")
    assert one.close(OCTOBER).issued == ("INV-000001",)
    one.reissue("INV-000001", reason="a mistake")
    one.review(OCTOBER, "bob", "released", by="rita")
    assert one.close(OCTOBER).issued == ("INV-000003",)
    assert one.close(OCTOBER).issued == ()
