"""A batch is held to the digest of its rows, which anybody can make again from what its documentation says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from tests.builders import at, record
from tokentill.store import tables
from tokentill.store.checks.database_checks import usage_rows_are_what_their_digests_say
from tokentill.store.database import Database
from tokentill.store.intake.batches import store_batch
from tokentill.store.usage import batch_digests
from tokentill.store.usage.batch_digests import batch_faults
from tokentill.usage.quantities import TOKEN_LEAVES

RECORDS = (
    record("plain"),
    record("\u00c4\u202e'\"\\", user="\u00fc", tags=["b", "a"], geo="eu", provider="p", api_key="k", is_byok=True),
    record("units", web_search=1, a_unit=3, zzz=2, input=5, when="15 10:30"),
    record("only units", image=1),
    record("nothing", usage_state="missing", user=None),
    record("cheap", cost="0.000000000000000000000001", status="error", mode="batch"),
    record("dear", cost="1000000", when="2026-10-15T10:30:00.000001+02:00"),
    record("free", cost="0", source="openrouter"),
    record("keyed", request_key="a call"),
    record("keyed, too", request_key="another call", source="openrouter"),
    record("replayed", is_replayed=True),
    *(record(f"many {number}", user=f"u{number}") for number in range(600)),
)
ALL = select(tables.usage.c.id)


def take(database: Database) -> None:
    with database.write() as connection:
        store_batch(connection, RECORDS, [], label="all", at=at("16"))
        store_batch(connection, [record("later")], [], label="later", at=at("17"))


@pytest.mark.parametrize("at_once", [5_000, 7, 611])
def test_the_digest_is_what_its_description_says(
    database: Database, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_digests, "_ROWS_AT_ONCE", at_once)
    take(database)
    with database.read() as connection:
        digests = dict(connection.execute(text("SELECT seq, digest FROM batch")).all())
        assert {seq: bytes(digest) for seq, digest in digests.items()} == {
            seq: described(connection, seq) for seq in (1, 2)
        }
        assert list(batch_faults(connection, ALL)) == [(len(RECORDS), None), (1, None)]
        of_one = ALL.where(tables.usage.c.record_id == "units")
        assert list(batch_faults(connection, of_one)) == [(len(RECORDS), None)]
        assert usage_rows_are_what_their_digests_say(connection, ALL).count == len(RECORDS) + 1


def described(connection: Connection, seq: int) -> bytes:
    """The digest of a batch, made again without anything of what made it."""
    query = "SELECT u.*, s.digest AS series FROM usage u JOIN series s ON s.id = u.series_id WHERE u.seq = :seq"
    rows = connection.execute(text(query + " ORDER BY u.id"), {"seq": seq}).mappings().all()
    names = ["occurred_at", "input_total", *TOKEN_LEAVES, "has_cost", "cost_e8", "cost_e16", "cost_e24", "version"]
    columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in names}
    columns["record_id"] = [row["record_id"] for row in rows]
    columns["series"] = [bytes(row["series"]).hex() for row in rows]
    places = {row["id"]: place for place, row in enumerate(rows)}
    units = connection.execute(text("SELECT usage_id, name, quantity FROM usage_unit")).all()
    columns["units"] = sorted([places[id_], name, count] for id_, name, count in units if id_ in places)
    keys = connection.execute(text("SELECT usage_id, request_key FROM usage_request")).all()
    columns["request_keys"] = sorted([places[id_], key] for id_, key in keys if key is not None and id_ in places)
    lines = []
    for name, values in sorted(columns.items()):
        if any(values):
            written = "".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in values)
            lines.append(f"{name} {sha256(written.encode()).hexdigest()}\n")
    return sha256("".join(lines).encode()).digest()


def changes() -> Iterator[Any]:
    usage = tables.usage
    for column in usage.c:
        if column.name not in ("id", "digest", "record_id", "source_id", "series_id"):
            other = 2 if column.name == "seq" else column + 1
            yield update(usage).where(usage.c.record_id == "units").values({column.name: other})
    one = usage.c.record_id == "units"
    yield update(usage).where(one).values(record_id="other")
    yield update(usage).where(one).values(source_id=2)
    yield update(usage).where(one).values(series_id=2)
    yield update(usage).where(one).values(digest=b"0123456789abcdef")
    yield delete(usage).where(usage.c.record_id == "plain")
    yield delete(tables.usage_unit)
    yield update(tables.usage_unit).where(tables.usage_unit.c.name == "zzz").values(name="zz")
    yield delete(tables.usage_request).where(tables.usage_request.c.request_key == "a call")
    yield (
        update(tables.usage_request).where(tables.usage_request.c.request_key == "a call").values(request_key="b call")
    )
    yield update(tables.batch).where(tables.batch.c.seq == 1).values(digest=None)
    yield update(tables.batch).where(tables.batch.c.seq == 1).values(digest=b"0" * 32)
    yield update(tables.series).where(tables.series.c.id == 1).values(digest=b"0123456789abcdef")
    yield update(tables.series).where(tables.series.c.id == 1).values(user="somebody")
    swapped = usage.c.record_id.in_(["plain", "units"])
    yield update(usage).where(swapped).values(id=100_000 - usage.c.id)  # withdrawals would be of the other one


@pytest.mark.parametrize("change", [pytest.param(change, id=str(n)) for n, change in enumerate(changes())])
def test_every_change_by_hand_is_seen(sqlite_database: Database, change: Any) -> None:
    take(sqlite_database)
    with sqlite_database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        assert usage_rows_are_what_their_digests_say(connection, ALL).faults == []
        try:
            assert connection.execute(change).rowcount
        except SQLAlchemyError as error:  # some cannot even be made
            pytest.fail(str(error))
        assert usage_rows_are_what_their_digests_say(connection, ALL).faults
        connection.rollback()
