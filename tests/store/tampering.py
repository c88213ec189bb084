"""A world with everything that is held about issued documents, and ways to change one column of one row of it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection, LargeBinary, Text, select, text, update
from sqlalchemy.engine import Row

from tests.builders import OCTOBER, MovableClock, at, contract, grants, price, prices, record, till
from tokentill.canonical import canonical_bytes
from tokentill.store import tables
from tokentill.store.checks.consistency import check_agreement
from tokentill.store.database import Database
from tokentill.till import Till

TABLES = (
    "invoice",
    "invoice_line",
    "ledger",
    "audit",
    "close_run",
    "recording",
    "usage",
    "usage_unit",
    "series",
    "source",
    "coverage",
    "member_period",
    "document_event",
    "binding",
    "key_binding",
    "review",
    "withdrawal",
)
LEFT_OUT = {
    ("invoice", "status"),  # a document may become void
    ("usage", "id"),  # a number of the row alone; what refers to it is tried
}
OTHERS = {
    "currency": ("USD", "EUR"),
    "period": (OCTOBER, "2026-09"),
    "state": ("done", "refused"),
    "status": ("ok", "error"),
    "usage_state": ("reported", "estimated"),
    "mode": ("standard", "batch"),
    "cause": ("retraction", "waiver"),
    "action": ("invoice.issued", "close.finished"),
}
"""For columns with few values, two of them."""


@dataclass(frozen=True)
class Tampering:
    """One column of one row gets another value."""

    table: str
    column: str
    key: dict[str, Any]
    value: Any

    def __str__(self) -> str:
        return f"{self.table}.{self.column} of {self.key} to {str(self.value)[:60]}"


def world(database: Database) -> Till:
    """Two runs that were over at once and one that another process took over; coupons, credits, a balance, taxes."""
    clock = MovableClock(at("20"))
    agreed = contract(
        invoice={
            "coupon": [{"id": "welcome", "percent": "10"}],
            "tax": [{"name": "VAT", "percent": "19"}],
            "smallest_amount": "20",
        }
    )
    granted = grants({"id": "prepaid", "amount": "25"})
    listed = prices(price(fees={"web_search": {"price": "10", "per": 1000}}), price("acme/small"))
    shop = till(database, listed, agreed, granted, clock=clock)
    shop.ingest(
        [
            record("one", web_search=2, input=5_000_000, cost="0.0123", tags=["a", "b"], api_key="key"),
            record("two", user="bob", input=3_000_000, cache_read=7, output=3, cost="1.000000000000000000000001"),
            record("three", model="acme/small", source="openrouter", provider="acme", geo="eu", input=1_000_000),
        ]
    )
    shop.close(OCTOBER, interim=["alice"])
    clock.instant = at("2026-11-02T00:00Z")
    shop.bind([("u1", "bob", at("1"), None), ("u2", "bob", at("1"), "arouter")])
    shop.bind_keys([("key", "team", None, at("1"), None), (None, "team", "bob", at("1"), "arouter")])
    for customer in ("alice", "bob"):
        shop.review(OCTOBER, customer, "approved", by="rita")
    shop.ingest([record("four", when="30", web_search=3, input=9_000_000), record("five", user="cem")])
    shop.review(OCTOBER, "bob", "approved", by="rita")

    def stop_after_the_first(done: int, _: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shop.close(OCTOBER, progress=stop_after_the_first)
    clock.advance(hours=1)
    shop.close(OCTOBER)
    shop.ingest([record("six", user="bob", when="2026-11-05T00:00Z", input=8_000_000)])
    clock.instant = at("2026-12-02T00:00Z")
    shop.close("2026-11")
    shop.void("INV-000005", reason="to be issued anew", by="rita")
    for source, name in (("arouter", "five"), ("openrouter", "three")):
        shop.retract(record=(source, name), reason="a test")
    return shop


def tamperings(database: Database, seed: int, rows_each: int) -> list[Tampering]:
    """For every column of every table, so many rows in which it changes; the same for the same seed."""
    chosen = random.Random(seed)
    found = []
    with database.read() as connection:
        for name in TABLES:
            table = tables.metadata.tables[name]
            rows = connection.execute(select(table).order_by(*table.primary_key.columns)).all()
            for column in table.columns:
                if (name, column.name) not in LEFT_OUT:
                    for row in chosen.sample(rows, min(rows_each, len(rows))):
                        key = {part.name: row._mapping[part.name] for part in table.primary_key.columns}
                        value = _another(column, row, rows, chosen)
                        found.append(Tampering(name, column.name, key, value))
    return found


def _another(column: Any, row: Row[Any], rows: list[Any], chosen: random.Random) -> Any:
    """Another value of a column that might as well stand there."""
    name, value = column.name, row._mapping[column.name]
    if (column.table.name, name) == ("document_event", "invoice_id"):  # of which each has one event of a kind
        return value + 1000
    if column.foreign_keys and not column.primary_key:  # that of another row; a run has one document of a customer
        owner = row._mapping.get("customer", name)
        taken = {other._mapping[name] for other in rows if other._mapping.get("customer") == owner} | {value}
        return chosen.choice(sorted({other._mapping[name] for other in rows} - taken))
    if name in OTHERS:
        first, second = OTHERS[name]
        return second if value == first else first
    if name == "kind":
        return {"period": "interim", "usage": "base_fee", "balance": "credit"}.get(value, "balance")
    if name in ("has_cost", "is_byok"):
        return 1 - value
    if name == "pins" or (column.table.name, name) == ("audit", "content"):
        content = json.loads(value)
        return canonical_bytes({**content, **({"s": content["s"] - 1} if "s" in content else {"run": 7})}).decode()
    if isinstance(column.type, LargeBinary):
        value = value or b"0123456789abcdef"
        place = chosen.choice([place for place, byte in enumerate(value) if name == "digest" or 48 <= byte <= 57])
        return value[:place] + bytes([value[place] ^ 1]) + value[place + 1 :]
    if isinstance(column.type, Text):
        if value is None:
            return "other"
        return value[:-1] + ("0" if value[-1:] != "0" else "1")
    return 5 if value is None else value + (1000 if column.primary_key else 1)


@contextmanager
def tampered(database: Database, tampering: Tampering) -> Iterator[Connection]:
    """A connection that sees the changed row, as somebody with all rights could change it; undone afterwards."""
    table = tables.metadata.tables[tampering.table]
    where = [table.c[name] == value for name, value in tampering.key.items()]
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            for change in ("update", "delete", "insert"):
                connection.exec_driver_sql(f"DROP TRIGGER guard_{table.name}_{change}")
        else:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text("ALTER TABLE invoice DROP CONSTRAINT ck_invoice_total"))
            for name in ("time", "seq"):
                connection.execute(text(f"ALTER TABLE coverage DROP CONSTRAINT ck_coverage_{name}"))
        changed = connection.execute(update(table).where(*where).values({tampering.column: tampering.value}))
        assert changed.rowcount == 1, tampering
        yield connection
        connection.rollback()


def faults_in(connection: Connection) -> list[str]:
    """What `db check` tells of, but for the guards that were taken away."""
    checked = check_agreement(connection, whole=True, usage=select(tables.usage.c.id))
    return [str(fault) for found in checked if found.check != "guards_are_in_force" for fault in found.faults]
