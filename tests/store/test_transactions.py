"""What the database promises to every caller."""

from __future__ import annotations

from tests.builders import OCTOBER, record, till
from tokentill.store.database import Database


def test_records_that_were_taken_are_billed(database: Database) -> None:
    shop = till(database)
    ingested = shop.ingest([record("one"), record("two", user="bob")])
    assert ingested.counts.accepted == 2
    preview = shop.preview(OCTOBER)
    assert [found.invoice.customer for found in preview.customers] == ["alice", "bob"]
    assert not shop.close(OCTOBER).is_refused
    assert shop.verify().is_sound
