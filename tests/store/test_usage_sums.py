"""Sums that are kept say the same as the records, up to any sequence number, whatever came when and was taken back."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from tests.builders import OCTOBER, MovableClock, at, price, prices, record, till
from tests.kept import fill
from tests.shares import daily
from tokentill.clock import from_micros
from tokentill.errors import NotFound, Refused
from tokentill.store import tables
from tokentill.store.checks.consistency import check_agreement
from tokentill.store.database import Database
from tokentill.store.usage import usage_sums
from tokentill.store.usage.aggregates import aggregates_of_all, aggregates_of_spans
from tokentill.store.usage.cuts import Cuts, Span
from tokentill.store.usage.usage_rows import series_by_id
from tokentill.store.usage.usage_sums import BANDS
from tokentill.usage.aggregates import UsageAggregate
from tokentill.usage.quantities import INPUT_LEAVES
from tokentill.usage.record import UsageRecord

STARTS, ENDS = at("1"), at("2026-11-01T00:00Z")
Sums = dict[tuple[Any, ...], tuple[int, Any, tuple[tuple[str, int], ...]]]


def some_records(chance: Random, count: int, names: int) -> list[UsageRecord]:
    """Records of few ids, users and days, some of them long, free, without usage or with rare units."""
    listed = []
    for _ in range(count):
        quantities: dict[str, int] = {
            "input": chance.choice((0, 5, 99_999, 100_000, 100_001, 150_000, 199_999, 200_000, 272_001, 900_000)),
            "output": chance.randrange(3),
            "web_search": chance.randrange(2),
        }
        when = from_micros(int(STARTS.timestamp()) * 10**6 + chance.randrange(4 * 86_400) * 10**6)
        usage_state = "missing" if chance.random() < 0.1 else "reported"
        listed.append(
            record(
                f"r{chance.randrange(names)}",
                user=chance.choice(("alice", "bob", "carol")),
                when=when.isoformat(),
                cost=chance.choice((None, "0", "0.25")),
                usage_state=usage_state,
                **({} if usage_state == "missing" else quantities),
            )
        )
    return listed


def disturb(database: Database, chance: Random) -> None:
    """Take records in, and decide about some, in any order."""
    shop = till(database, prices())
    for _ in range(12):
        shop.ingest(some_records(chance, chance.randrange(1, 12), 25))
        revisions = [one for one in shop.revisions().revisions if one.state == "open"]
        name = f"r{chance.randrange(25)}"
        try:
            if revisions and chance.random() < 0.6:
                one = chance.choice(revisions)
                shop.accept_revision(one.source, one.record_id, digest=one.digest.hex(), reason="a test")
            if chance.random() < 0.4:
                shop.retract(record=("arouter", name), reason="a test")
            if chance.random() < 0.4:
                shop.waive("arouter", f"r{chance.randrange(25)}", reason="a test")
        except (NotFound, Refused):
            continue


def counted(database: Database, cuts: Cuts, seq: int) -> Sums:
    """The sums by the records alone, in Python."""
    usage, found = tables.usage, dict[tuple[Any, ...], Any]()
    with database.read() as connection:
        gone: dict[int, dict[str, int]] = defaultdict(dict)
        for row in connection.execute(select(tables.withdrawal)):
            gone[row.usage_id][row.cause] = row.seq
        units: dict[int, dict[str, int]] = defaultdict(dict)
        for row in connection.execute(select(tables.usage_unit)):
            units[row.usage_id][row.name] = row.quantity
        rows = [row._mapping for row in connection.execute(select(usage).where(usage.c.seq <= seq))]
    for row in rows:
        causes = {cause for cause, number in gone[row["id"]].items() if number <= seq}
        when = from_micros(row["occurred_at"])
        if causes & {"revision", "retraction"} or not cuts.starts_at <= when < cuts.ends_at:
            continue
        used = {name: row[name] for name in tables.TOKEN_LEAVES if row[name]} | units[row["id"]]
        cost = row["cost_e8"] if row["has_cost"] else 0
        is_unmeasured = bool(cost) and not any(used.values())
        total = sum(used.get(leaf, 0) for leaf in INPUT_LEAVES)
        start = max((edge for edge in cuts.boundaries if edge <= when), default=cuts.starts_at)
        brings = bool(cost) or any(count for name, count in used.items() if name not in INPUT_LEAVES)
        facts = ("waiver" in causes, is_unmeasured, False, bool(row["has_cost"]) and not cost, brings)
        key = (row["series_id"], when.date(), start, cuts.band(total), facts)
        requests, spent, quantities = found.get(key, (0, 0, {}))
        names = used.keys() | quantities.keys()
        found[key] = (requests + 1, spent + cost, {name: used.get(name, 0) + quantities.get(name, 0) for name in names})
    return {key: (requests, cost, _listed(quantities)) for key, (requests, cost, quantities) in found.items()}


def _listed(quantities: Any) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((name, count) for name, count in quantities.items() if count))


def summed(aggregates: list[UsageAggregate], cuts: Cuts) -> Sums:
    """The same of aggregates."""
    found: Sums = {}
    for one in aggregates:
        start = max((edge for edge in cuts.boundaries if edge <= one.at), default=cuts.starts_at)
        band = cuts.band(one.input_tokens)
        key = (one.series.id, one.day, start, band, one.facts)
        assert key not in found
        found[key] = (one.requests, int(one.cost * 10**8), _listed(one.quantities))
    return found


CUT_WAYS = {
    "as they are kept": ((), ()),
    "at thresholds that are kept": ((), (BANDS[0], BANDS[2])),
    "at any threshold": ((), (4, 199_999)),
    "inside days": ((STARTS + timedelta(hours=13, minutes=30), STARTS + timedelta(days=2, hours=1)), (150_000,)),
}


SUMMED = {"all batches have sums": 0, "some batches have sums": 1.25, "no batch has sums": 10**6}


@pytest.mark.parametrize("way", CUT_WAYS)
@pytest.mark.parametrize("seed", daily(range(3), 1))
@pytest.mark.parametrize("kept", SUMMED)
def test_sums_up_to_any_number_are_those_of_the_records(
    database: Database, seed: int, way: str, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_sums, "RECORDS_A_SUM_MIN", SUMMED[kept])
    fill(database, f"disturbed {seed}, {kept}", lambda empty: disturb(empty, Random(seed)))
    starts_at = STARTS + timedelta(hours=5) if way == "inside days" else STARTS
    cuts = Cuts.of(starts_at, ENDS, *CUT_WAYS[way])
    with database.read() as connection:
        last = connection.execute(select(tables.batch.c.seq).order_by(tables.batch.c.seq.desc())).scalars().first() or 0
        series = series_by_id(connection, connection.execute(select(tables.series.c.id)).scalars().all())
    assert last > 12
    for seq in (1, last // 2, last):
        expected = counted(database, cuts, seq)
        spans = [Span(id_, starts_at, ENDS, 0, seq, starts_at) for id_ in sorted(series)]
        with database.read() as connection:
            of_all = list(aggregates_of_all(connection, cuts, series, seq_max=seq))
            of_spans = [one for _, one in aggregates_of_spans(connection, cuts, spans, series, seq_max=seq)]
        assert summed(of_all, cuts) == expected
        assert summed(of_spans, cuts) == expected


def test_sums_that_are_not_those_of_the_records_are_found(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_sums, "RECORDS_A_SUM_MIN", 0)
    disturb(database, Random(7))

    def faults() -> list[str]:
        with database.read() as connection:
            checked = {one.check: one for one in check_agreement(connection, whole=True)}
        return [str(fault) for fault in checked["sums_are_those_of_the_records"].faults]

    assert faults() == []
    drop = (
        "DROP TRIGGER guard_usage_sum_update"
        if database.is_sqlite
        else "ALTER TABLE usage_sum DISABLE TRIGGER guard_usage_sum_rows"
    )
    with database.write() as connection:
        connection.exec_driver_sql(drop)
        connection.exec_driver_sql("UPDATE usage_sum SET output = output + 1 WHERE seq = 3")
    assert faults() == ["the sums of batch 3 are not those of its records"]


def test_an_invoice_that_was_made_of_wrong_sums_is_found_by_its_records(sqlite_database: Database) -> None:
    shop = till(sqlite_database, prices(price()), clock=MovableClock(at("2026-11-02T09:00Z")))
    shop.ingest([record(f"r{n}") for n in range(5)])
    with sqlite_database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER guard_usage_sum_update")
        connection.exec_driver_sql("UPDATE usage_sum SET output = output + 1000000")
    shop.close(OCTOBER)
    (verified,) = shop.verify().invoices
    assert verified.fault is not None
