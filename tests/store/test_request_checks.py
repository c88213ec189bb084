"""What was changed by hand in reports of requests is found."""

from __future__ import annotations

from sqlalchemy import select

from tests.builders import MovableClock, price, prices, record, till
from tests.store.tampering import Tampering, faults_in, tampered
from tokentill.store import tables
from tokentill.store.database import Database


def test_any_column_of_a_report_of_a_request_that_was_changed_is_found(database: Database) -> None:
    shop = till(database, prices(price()), clock=MovableClock())
    shop.ingest([record("p", request_key="k", usage_state="estimated"), record("r", input=3)])
    shop.ingest([record("f", request_key="k"), record("q", request_key="k", usage_state="estimated")])
    shop.ingest([record("r", input=9), record("s", source="openrouter")], reporter="capture")
    shop.ingest([record("s", source="openrouter", input=4)])
    with database.read() as connection:
        assert faults_in(connection) == []
        rows = {
            name: [row._mapping for row in connection.execute(select(tables.metadata.tables[name]))]
            for name in ("usage_request", "witness")
        }
    assert {name: len(listed) for name, listed in rows.items()} == {"usage_request": 4, "witness": 2}
    for name, listed in rows.items():
        table = tables.metadata.tables[name]
        for row in listed:
            key = {column.name: row[column.name] for column in table.primary_key.columns}
            for column in table.columns:
                value = row[column.name]
                if column.name == "seq":  # the import that it came with may be another one of the same reporter
                    continue
                changed = (
                    bytes([value[0] ^ 1]) + value[1:]
                    if isinstance(value, bytes)
                    else f"{value}x"
                    if isinstance(value, str) or value is None
                    else value + 1000
                )
                tampering = Tampering(name, column.name, key, changed)
                with tampered(database, tampering) as connection:
                    assert faults_in(connection), str(tampering)


def test_a_request_that_counts_twice_is_found(database: Database) -> None:
    shop = till(database, prices(price()), clock=MovableClock())
    shop.ingest([record("p", request_key="k", usage_state="estimated")])
    shop.ingest([record("f", request_key="k")])
    with database.read() as connection:
        (row,) = connection.execute(select(tables.withdrawal)).all()
    key = {"usage_id": row.usage_id, "cause": "revision"}
    with tampered(database, Tampering("withdrawal", "cause", key, "waiver")) as connection:
        assert any("the request 'k' counts twice" in fault for fault in faults_in(connection))
