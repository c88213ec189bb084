"""Each identity is taken once and nothing of the rest is lost; again, at once or after a kill, nothing changes."""

from __future__ import annotations

import io
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, func, insert, literal, select
from sqlalchemy.exc import DBAPIError

from tests.builders import AFTER_OCTOBER, OCTOBER, at, price, prices, record, till
from tests.shares import stride
from tests.store.bench import Killer, count_of_rows, rows_of_all_tables, run_in_child
from tokentill.clock import FixedClock
from tokentill.closing.records import ingest as ingesting
from tokentill.closing.records.ingest import Ingested, ingest
from tokentill.errors import Refused
from tokentill.sources import blocks
from tokentill.sources.reading import Quarantined, read_records
from tokentill.store import tables
from tokentill.store.database import Database, current_value
from tokentill.store.intake.batches import Bad, Counts, store_batch
from tokentill.store.intake.imports import numbered_imports
from tokentill.store.migrating import make_ready
from tokentill.store.usage.aggregates import aggregates_of_all, records_of_spans
from tokentill.store.usage.cuts import Cuts, Span
from tokentill.store.usage.usage_rows import StoredRecord, cost_limbs, cost_of, series_by_id
from tokentill.store.usage.usage_sums import keep_sums
from tokentill.usage.aggregates import Series, UsageAggregate
from tokentill.usage.quantities import QUANTITY_MAX, TOKEN_LEAVES
from tokentill.usage.record import COST_MAX, UsageRecord, cost_text

CLOCK = FixedClock(AFTER_OCTOBER)
Item = UsageRecord | Quarantined
STRIDE = stride(3)
"""How far apart two edges are at which an import is killed."""

HOSTILE_IDS = [
    "plain",
    "Plain",
    "PLAIN",
    " plain",
    "plain ",
    "  plain",
    "plain\u00a0",
    "pl%in",
    "pl_in",
    "%",
    "_",
    "\\",
    "\\\\",
    "\\n",
    "\\x00",
    "'",
    "''",
    '"',
    "`",
    "'; DROP TABLE usage; --",
    "' OR '1'='1",
    ":name",
    "$1",
    "?",
    "%s",
    "%(seq)s",
    "{seq}",
    "NULL",
    "null",
    "None",
    "0",
    "00",
    "1",
    "1.0",
    "1e0",
    "-1",
    "true",
    "[]",
    "{}",
    "a/b",
    "a|b",
    "a,b",
    "=1+1",
    "<script>alert(1)</script>",
    "caf\u00e9",
    "cafe\u0301",
    "stra\u00dfe",
    "strasse",
    "STRASSE",
    "\u0130",
    "i",
    "I",
    "\u0131",
    "K",
    "\u212a",
    "\u043e",
    "o",
    "\uff4f",
    "\u05e9\u05dc\u05d5\u05dd",
    "\u0645\u0631\u062d\u0628\u0627",
    "user\u202egnp.exe",
    "user\u202dgnp.exe",
    "zero\u200bwidth",
    "zerowidth",
    "\ufeffzerowidth",
    "\U0001f469\u200d\U0001f52c",
    "\U0001f469\U0001f52c",
    "\U0001f44d",
    "\U0001f44d\U0001f3fd",
    "\U0010ffff",
    "\u00e9" * 256,
    "x" * 512,
    "x" * 511,
    "x" * 511 + "X",
    "x" * 511 + " ",
]


def bad(line: int, reason: str = "it is no JSON") -> Quarantined:
    """A bad line, different from the bad lines of other numbers."""
    return Quarantined("file", line, reason, None, "{", line.to_bytes(16, "big"))


def take(database: Database, items: Sequence[Item], name: str = "file") -> Ingested:
    return ingest(database, items, name=name, clock=CLOCK)


def number_of_batches(database: Database) -> int:
    with database.read() as connection:
        return current_value(connection, "batch")


def aggregates_of_october(database: Database) -> list[UsageAggregate]:
    with database.read() as connection:
        seq = current_value(connection, "batch")
        cuts = Cuts.of(at("2026-10-01T00Z"), at("2026-11-01T00Z"), edges=(), thresholds=())
        return list(aggregates_of_all(connection, cuts, all_series(connection), seq_max=seq))


def records_between(connection: Connection, starts_at: Any, ends_at: Any, seq_max: int) -> list[StoredRecord]:
    series = all_series(connection)
    spans = [Span(id_, starts_at, ends_at, 0, seq_max, starts_at) for id_ in series]
    return [found for _, found in records_of_spans(connection, spans, series, seq_max=seq_max)]


def all_series(connection: Connection) -> dict[int, Series]:
    return series_by_id(connection, connection.execute(select(tables.series.c.id)).scalars())


# Counting


def test_every_line_is_counted_as_exactly_one_thing(database: Database) -> None:
    first = take(database, [record("one"), record("two"), record("one"), record("two", input=9), bad(3), bad(4)])
    assert first.counts == Counts(accepted=2, duplicates=1, revisions=1, quarantined=2)
    second = take(database, [record("three"), record("one"), record("two", input=10), bad(3), bad(5)])
    assert second.counts == Counts(accepted=1, duplicates=1, revisions=1, quarantined=2)
    assert (first.counts.read, second.counts.read) == (6, 5)
    rows = count_of_rows(database)
    assert {name: rows[name] for name in ("batch", "usage", "revision", "quarantine")} == {
        "batch": 2,
        "usage": 3,
        "revision": 2,
        "quarantine": 3,
    }


def test_the_very_same_object_given_twice_is_a_duplicate(database: Database) -> None:
    one = record("one")
    assert take(database, [one, one, one]).counts == Counts(accepted=1, duplicates=2)


def test_a_revision_is_kept_beside_the_record_and_bills_nothing(database: Database) -> None:
    take(database, [record("one", input=1_000_000)])
    for _ in range(2):
        take(database, [record("one", input=2_000_000), record("one", input=3_000_000), record("one", input=2_000_000)])
    assert count_of_rows(database)["revision"] == 2
    assert [aggregate.quantities for aggregate in aggregates_of_october(database)] == [{"input": 1_000_000}]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_how_a_file_is_cut_into_batches_changes_no_count(
    database: Database, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(ingesting, "BATCH_RECORDS_MAX", size)
    seen: list[Counts] = []
    items = [*(record(f"r{n % 7}", input=1 + n // 14) for n in range(21)), bad(1), bad(2)]
    ingested = ingest(database, items, name="file", clock=CLOCK, progress=seen.append)
    assert ingested.counts == Counts(accepted=7, duplicates=7, revisions=7, quarantined=2)
    assert seen[-1] == ingested.counts
    assert [counts.read for counts in seen] == [min(n, 23) for n in range(size, 23 + size, size)]
    with database.read() as connection:
        batch = tables.batch.c
        columns = (batch.accepted, batch.duplicates, batch.revisions, batch.quarantined)
        batches = [Counts(*row) for row in connection.execute(select(*columns))]
    assert sum(counts.accepted for counts in batches) == 7
    assert sum(counts.quarantined for counts in batches) == 2


# Again


def test_taking_the_same_file_again_writes_nothing_at_all(database: Database) -> None:
    items = [record("one"), record("two", web_search=3), record("two", input=5), bad(3), record("one"), bad(9)]
    first = take(database, items)
    before = rows_of_all_tables(database)
    for name in ("file", "the same file under another name"):
        again = take(database, items, name)
        assert again.counts == Counts(duplicates=3, revisions=1, quarantined=2)
        assert again.counts.read == first.counts.read
    assert rows_of_all_tables(database) == before


@pytest.mark.parametrize(
    "known", [record("one"), record("one", input=5), bad(3)], ids=["record", "revision", "bad line"]
)
def test_what_is_known_alone_takes_no_sequence_number(database: Database, known: Item) -> None:
    take(database, [record("one"), record("one", input=5), bad(3)])
    before = rows_of_all_tables(database)
    assert take(database, [known]).counts.read == 1
    assert take(database, []).counts.read == 0
    assert rows_of_all_tables(database) == before


@pytest.mark.parametrize("new", [record("two"), record("one", input=6), bad(4)], ids=["record", "revision", "bad line"])
def test_anything_new_takes_the_next_sequence_number(database: Database, new: Item) -> None:
    take(database, [record("one"), record("one", input=5), bad(3)])
    assert number_of_batches(database) == 1
    take(database, [record("one"), record("one", input=5), bad(3), new])
    assert number_of_batches(database) == 2
    assert count_of_rows(database)["batch"] == 2


def test_a_failed_batch_takes_no_sequence_number(database: Database) -> None:
    def store_and_fail() -> None:
        with database.write() as connection:
            store_batch(connection, [record("one")], [], label="file", at=AFTER_OCTOBER)
            raise RuntimeError("the power failed")

    before = rows_of_all_tables(database)
    with pytest.raises(RuntimeError, match="power"):
        store_and_fail()
    assert rows_of_all_tables(database) == before
    assert number_of_batches(database) == 0


# At once


def test_the_same_records_at_the_same_time_are_there_once(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "BATCH_RECORDS_MAX", 7)
    records = [record(f"r{n}", user=f"u{n % 5}", web_search=n + 1) for n in range(60)]
    start = threading.Barrier(4)

    def work(seed: int) -> Counts:
        own = Database.open(database_url)
        shuffled = random.Random(seed).sample(records, len(records))
        start.wait()
        counts = ingest(own, [*shuffled, bad(1)], name=f"file {seed}", clock=CLOCK).counts
        own.close()
        return counts

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, range(4)))
    assert [counts.read for counts in found] == [61] * 4
    assert sum(counts.accepted for counts in found) == 60
    assert sum(counts.duplicates for counts in found) == 180
    rows = count_of_rows(database)
    assert (rows["usage"], rows["usage_unit"], rows["series"], rows["quarantine"]) == (60, 60, 5, 1)
    with database.read() as connection:
        numbers = sorted(connection.execute(select(tables.batch.c.seq)).scalars())
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_second_batch_waits_for_the_first_to_commit(database: Database, database_url: str) -> None:
    other = Database.open(database_url)
    done = threading.Event()

    def second() -> None:
        take(other, [record("two")])
        done.set()

    thread = threading.Thread(target=second)
    with database.write() as connection:
        store_batch(connection, [record("one")], [], label="slow", at=AFTER_OCTOBER)
        thread.start()
        assert not done.wait(0.4)
        assert number_of_batches(database) == 0
    thread.join(20)
    assert done.is_set()
    other.close()
    with database.read() as connection:
        rows = connection.execute(select(tables.usage.c.record_id, tables.usage.c.seq)).all()
    assert sorted(tuple(row) for row in rows) == [("one", 1), ("two", 2)]


def test_what_lies_at_or_below_a_number_that_was_seen_never_grows(database: Database, database_url: str) -> None:
    writers, rounds = 4, 8
    seen: dict[int, int] = {}
    stop = threading.Event()

    def write(writer: int) -> None:
        own = Database.open(database_url)
        pace = random.Random(writer)
        for number in range(rounds):
            with own.write() as connection:
                records = [record(f"{writer}-{number}-{n}") for n in range(3)]
                store_batch(connection, records, [], label="file", at=AFTER_OCTOBER)
                time.sleep(pace.random() / 100)  # between taking the number and the commit
        own.close()

    def read() -> None:
        own = Database.open(database_url)
        while not stop.is_set():
            with own.read() as connection:
                s = current_value(connection, "batch")
                seen.setdefault(s, _records_up_to(connection, s))
        own.close()

    reader = threading.Thread(target=read)
    reader.start()
    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))
    stop.set()
    reader.join(20)
    assert len(seen) > rounds
    with database.read() as connection:
        assert current_value(connection, "batch") == writers * rounds
        assert {s: _records_up_to(connection, s) for s in seen} == seen
    assert seen == {s: 3 * s for s in seen}


def _records_up_to(connection: Connection, s: int) -> int:
    query = select(func.count()).select_from(tables.usage).where(tables.usage.c.seq <= s)
    return int(connection.execute(query).scalar_one())


# Numbers


def test_units_that_few_records_have_survive(database: Database) -> None:
    units = {"web_search": 3, "image": 2, "audio_second": 61, "some_new_unit": QUANTITY_MAX}
    take(database, [record("one", input=5, **units), record("two", input=6), record("three", web_search=1)])
    aggregates = aggregates_of_october(database)
    total = {name: sum(aggregate.quantities.get(name, 0) for aggregate in aggregates) for name in (*units, "input")}
    assert total == {**units, "web_search": 4, "input": 11}
    with database.read() as connection:
        found = records_between(connection, at("1"), at("31"), 1)
        assert {one.record_id: dict(one.quantities) for one in found} == {
            "one": {"input": 5, **units},
            "two": {"input": 6},
            "three": {"web_search": 1},
        }


def test_costs_of_24_digits_sum_exactly(database: Database) -> None:
    chosen = random.Random(24)
    costs = [Decimal(chosen.randrange(10**30)).scaleb(-24) for _ in range(300)]
    costs += [Decimal("1e-24"), COST_MAX, Decimal("999999.999999999999999999999999"), Decimal(0), Decimal("0.1")]
    records = [record(f"r{n}", cost=f"{cost:f}", when=str(1 + n % 31)) for n, cost in enumerate(costs)]
    take(database, [*records, record("without")])
    aggregates = aggregates_of_october(database)
    assert sum(Fraction(aggregate.cost) for aggregate in aggregates) == sum(Fraction(cost) for cost in costs)
    assert sum(aggregate.requests_with_cost for aggregate in aggregates) == len(costs)
    with database.read() as connection:
        stored = records_between(connection, at("1 00:00"), at("31 23:59"), 1)
        found = {one.record_id: one.cost for one in stored}
    assert found == {"without": None} | {f"r{n}": cost for n, cost in enumerate(costs)}


@given(st.lists(st.integers(0, 10**30).map(lambda n: Decimal(n).scaleb(-24)), min_size=1, max_size=40))
def test_sums_of_limbs_are_sums_of_costs(costs: list[Decimal]) -> None:
    limbs = [cost_limbs(cost_text(cost)) for cost in costs]
    assert [cost_of(*found) for found in limbs] == costs
    assert Fraction(cost_of(*map(sum, zip(*limbs, strict=True)))) == sum(map(Fraction, costs))
    assert all(limb >= 0 for found in limbs for limb in found)
    assert all(limb < 10**8 for found in limbs for limb in found[1:])


def test_the_largest_quantities_sum_exactly(database: Database) -> None:
    many = 1500
    largest = dict.fromkeys((*TOKEN_LEAVES, "web_search"), QUANTITY_MAX)
    take(database, [record(f"r{n}", cost="1000000", **largest) for n in range(many)])
    (aggregate,) = aggregates_of_october(database)
    assert aggregate.quantities == dict.fromkeys((*TOKEN_LEAVES, "web_search"), many * QUANTITY_MAX)
    assert {type(count) for count in aggregate.quantities.values()} == {int}
    assert aggregate.cost == many * COST_MAX
    assert aggregate.input_tokens == 10 * QUANTITY_MAX


def test_a_sum_beyond_64_bits_is_exact_or_refused_and_never_rounded(database: Database) -> None:
    take(database, [record("one"), record("two")])
    with database.write() as connection:  # by hand, since no record may be so large
        for band in (1, 2):
            connection.execute(
                insert(tables.usage_sum).from_select(
                    tables.usage_sum.c.keys(),
                    select(
                        *(
                            {"band": literal(band), "input": literal(2**63 - 1)}.get(c.name, c)
                            for c in tables.usage_sum.c
                        )
                    ).where(tables.usage_sum.c.band == 0),
                )
            )
    if database.is_sqlite:
        with pytest.raises(Refused, match="integer overflow"):
            aggregates_of_october(database)
    else:
        assert [aggregate.quantities["input"] for aggregate in aggregates_of_october(database)] == [
            2 * (2**63 - 1) + 2000
        ]


def test_the_database_takes_no_number_that_is_not_whole(sqlite_database: Database) -> None:
    take(sqlite_database, [record("one")])

    def insert_a_float() -> None:
        with sqlite_database.write() as connection:
            connection.exec_driver_sql(
                "INSERT INTO usage (source_id, record_id, series_id, seq, occurred_at, input_total, input, has_cost,"
                " digest) SELECT source_id, 'two', series_id, seq, occurred_at, 1, 9223372036854775807 + 1, 0,"
                " digest FROM usage"
            )

    with pytest.raises(DBAPIError, match=r"cannot store REAL value in INTEGER column usage\.input"):
        insert_a_float()


# Ids


def test_hostile_record_ids_stay_distinct_and_unchanged(database: Database) -> None:
    assert len(set(HOSTILE_IDS)) == len(HOSTILE_IDS)
    records = [record(id_, input=n + 1) for n, id_ in enumerate(HOSTILE_IDS)]
    assert take(database, records).counts == Counts(accepted=len(records))
    assert take(database, records).counts == Counts(duplicates=len(records))
    revised = [record(id_, input=n + 2) for n, id_ in enumerate(HOSTILE_IDS)]
    assert take(database, revised).counts == Counts(revisions=len(records))
    with database.read() as connection:
        found = {one.record_id: one.quantities["input"] for one in records_between(connection, at("1"), at("31"), 9)}
        kept = set(connection.execute(select(tables.revision.c.record_id)).scalars())
    assert found == {id_: n + 1 for n, id_ in enumerate(HOSTILE_IDS)}
    assert kept == set(HOSTILE_IDS)


def test_hostile_users_are_customers_of_their_own(database: Database) -> None:
    wanted = {id_: 300 * (n + 1) for n, id_ in enumerate(HOSTILE_IDS)}
    shop = till(database)
    shop.ingest([record(f"r{n}", user=id_, input=1_000_000 * (n + 1)) for n, id_ in enumerate(HOSTILE_IDS)])
    preview = shop.preview(OCTOBER)
    assert [found.invoice.customer for found in preview.customers] == sorted(HOSTILE_IDS, key=str.encode)
    assert {found.invoice.customer: found.invoice.total_minor for found in preview.customers} == wanted
    assert not shop.close(OCTOBER).is_refused
    assert {found.customer: found.total_minor for found in shop.invoices()} == wanted
    assert shop.verify().is_sound
    for number, id_ in enumerate(HOSTILE_IDS):
        shop.set_customer(id_, name=id_, stripe_customer=f"cus_{number}")
    assert {id_: found.name for id_, found in shop.customers().items()} == dict(
        zip(HOSTILE_IDS, HOSTILE_IDS, strict=True)
    )


def test_hostile_names_work_everywhere_else_too(database: Database) -> None:
    shop = till(database, prices(price("acme/large"), *(price(id_) for id_ in HOSTILE_IDS)))
    fields = [{"source": id_, "api_key": id_, "model": id_, "provider": id_, "tags": [id_]} for id_ in HOSTILE_IDS]
    records = [record("same", user="alice", **named) for named in fields]  # type: ignore[arg-type]
    assert shop.ingest(records, name="'; DROP TABLE usage; -- \u202e").counts == Counts(accepted=len(records))
    bound = shop.bind([(id_, id_, at("1"), id_) for id_ in HOSTILE_IDS])
    assert [found.user for found in shop.bindings()] == [found.user for found in bound] == HOSTILE_IDS
    with database.read() as connection:
        series = all_series(connection).values()
        assert sorted(found.model for found in series) == sorted(HOSTILE_IDS)
        assert all(found.source == found.api_key == found.model == found.provider for found in series)
    assert not shop.close(OCTOBER).is_refused
    assert len(shop.explain("INV-000001")) == len(HOSTILE_IDS)


def test_a_bad_line_may_hold_anything(database: Database) -> None:
    found = [Bad("file", n + 1, id_, id_, id_, n.to_bytes(16, "big")) for n, id_ in enumerate(HOSTILE_IDS)]
    with database.write() as connection:
        counts = store_batch(connection, [], found, label="\U0001f44d", at=AFTER_OCTOBER)
    assert counts == Counts(quarantined=len(HOSTILE_IDS))
    with database.read() as connection:
        kept = connection.execute(select(tables.quarantine).order_by(tables.quarantine.c.line)).all()
    assert [(row.reason, row.record_id, row.excerpt) for row in kept] == [(id_, id_, id_) for id_ in HOSTILE_IDS]


def test_a_file_may_have_a_name_that_is_no_text(database: Database, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.jsonl"
    with open(path, "wb") as file:
        file.write(b'{"source": "s", "record_id": "1", "model": "m", "occurred_at": "2026-10-02T00:00:00Z",')
        file.write(b' "quantities": {"input": 1}}\n{"source": \n')
    ingested = till(database).ingest_file(os.fsdecode(path))
    assert ingested.counts == Counts(accepted=1, quarantined=1)
    assert ingested.name.endswith("/\\udcff.jsonl")
    with database.read() as connection:
        assert connection.execute(select(tables.quarantine.c.label)).scalar() == ingested.name


# Killed


def items_of(source: str) -> list[Item]:
    """A file with something of everything in each of its batches of four."""
    items: list[Item] = []
    for batch in range(3):
        items += [
            record(f"r{batch}", source=source, user=f"u{batch}", web_search=1, cost="0.5"),
            record(f"r{batch}", source=source, user=f"u{batch}", input=batch + 1),
            Quarantined("file", batch, "bad", None, "{", f"{source[-8:]:>8}{batch:08d}".encode()),
            record("r0", source=source, user="u0", web_search=1, cost="0.5"),
        ]
    return items


class Pausing(io.BytesIO):
    """A stream of lines that stands still in front of one of them, until it may go on."""

    def __init__(self, lines: list[bytes], pause_before: int, may_go_on: threading.Event) -> None:
        super().__init__(b"".join(lines))
        self.pause_at, self.may_go_on = len(b"".join(lines[:pause_before])), may_go_on
        self.is_beyond = threading.Event()

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() < self.pause_at:
            return super().read(min(size or -1, self.pause_at - self.tell()))
        assert self.may_go_on.wait(20)
        self.is_beyond.set()
        return super().read(size)


def test_the_next_batch_is_read_while_one_is_stored(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingesting, "BATCH_RECORDS_MAX", 5_000)
    rows_are_in = threading.Event()
    lines = [record(f"r{n}", user=f"u{n % 7}").content_bytes() + b"\n" for n in range(12_000)]
    stream = Pausing(lines, 9_900, rows_are_in)
    seen = list[bool]()

    def keep_sums_later(*given: Any) -> None:
        rows_are_in.set()
        seen.append(stream.is_beyond.wait(20))
        keep_sums(*given)

    monkeypatch.setattr("tokentill.store.intake.batches.keep_sums", keep_sums_later)
    reading = read_records(stream, name="stream")
    told = list[int]()
    result = ingest(database, reading, name="stream", clock=CLOCK, progress=lambda counts: told.append(counts.read))
    assert seen == [True, True, True]
    assert (result.counts, told) == (Counts(accepted=12_000), [5_000, 10_000, 12_000])


def test_a_batch_that_cannot_be_stored_ends_the_import_and_the_ones_before_stay(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "BATCH_RECORDS_MAX", 2)
    lines = b"".join(record(f"r{n}").content_bytes() + b"\n" for n in range(9))
    stored = list[int]()

    def keep_some_sums(*given: Any) -> None:
        stored.append(1)
        if len(stored) == 3:
            raise Refused("the disk is full")
        keep_sums(*given)

    with monkeypatch.context() as patched:
        patched.setattr("tokentill.store.intake.batches.keep_sums", keep_some_sums)
        with pytest.raises(Refused, match="the disk is full"):
            ingest(database, read_records(io.BytesIO(lines), name="f"), name="f", clock=CLOCK)
    assert (len(stored), number_of_batches(database)) == (3, 2)
    again = ingest(database, read_records(io.BytesIO(lines), name="f"), name="f", clock=CLOCK)
    assert again.counts == Counts(accepted=5, duplicates=4)


def import_and_be_killed(database_url: str, source: str, edge: int) -> int:
    """Import in a process that is killed at an edge; the signal, or 0 when it got to the end before."""

    def work() -> None:
        own = Database.open(database_url)
        Killer(edge).watch(own.engine)
        take(own, items_of(source))

    return run_in_child(work)


def test_a_killed_import_run_again_ends_in_the_same_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingesting, "BATCH_RECORDS_MAX", 4)
    empty = Database.open(str(tmp_path / "empty.db"))
    make_ready(empty)
    undisturbed = Database.open(_copy_of(empty, tmp_path / "undisturbed.db"))
    take(undisturbed, items_of("source"))
    wanted = rows_of_all_tables(undisturbed)
    assert [len(wanted[name]) for name in ("batch", "usage", "revision", "quarantine")] == [3, 3, 3, 3]
    kills, partial = 0, set()
    for edge in range(1, 1000, STRIDE):
        path = _copy_of(empty, tmp_path / f"{edge}.db")
        outcome = import_and_be_killed(path, "source", edge)
        assert outcome in (0, signal.SIGKILL)
        database = Database.open(path)
        partial.add(count_of_rows(database)["usage"])
        take(database, items_of("source"))
        assert rows_of_all_tables(database) == wanted
        if outcome == 0:
            break
        kills += 1
    assert kills >= 40 // STRIDE
    assert partial == {0, 1, 2, 3}  # killed with none, some and all of the batches in


def _copy_of(database: Database, path: Path) -> str:
    shutil.copy(str(database.sqlite_path), path)
    return str(path)


def test_a_killed_import_leaves_whole_batches_on_postgresql(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "BATCH_RECORDS_MAX", 4)
    database = postgresql_database
    url = database.engine.url.render_as_string(hide_password=False)
    kills = 0
    for edge in range(1, 1000, stride(6)):
        source = f"source-{edge}"
        outcome = import_and_be_killed(url, source, edge)
        assert outcome in (0, signal.SIGKILL)
        take(database, items_of(source))
        again = take(database, items_of(source))
        assert again.counts == Counts(duplicates=6, revisions=3, quarantined=3)
        if outcome == 0:
            break
        kills += 1
    assert kills >= 40 // stride(6)
    rows = count_of_rows(database)
    runs = kills + 1
    assert [rows[name] for name in ("batch", "usage", "revision", "quarantine", "usage_unit")] == [3 * runs] * 5
    assert number_of_batches(database) == 3 * runs


def test_an_import_that_is_cut_off_goes_on_under_its_number_although_others_brought_its_beginning(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "BATCH_RECORDS_MAX", 2)
    monkeypatch.setattr(blocks, "BLOCK_ITEMS", 2)
    items: list[Item] = [record("a"), record("b"), bad(3), record("c"), record("d"), record("e"), record("f")]
    ingest(database, items[:3], name="first", clock=CLOCK)

    def cut_off() -> Iterator[Item]:
        yield from items[:6]
        raise Refused("no more")

    with pytest.raises(Refused):
        ingest(database, cut_off(), name="second", clock=CLOCK)
    again = ingest(database, items, name="second", clock=CLOCK)
    assert ingest(database, items, name="second", clock=CLOCK).number == again.number
    assert ingest(database, items, name="third", clock=CLOCK).number is None
    with database.read() as connection:
        listed = [(one.name, one.number, one.accepted) for one in numbered_imports(connection)]
    assert listed == [("first", 1, 2), ("second", again.number, 4)]


def test_records_come_back_in_order_of_time_to_the_microsecond(database: Database) -> None:
    moments = [at("15") + timedelta(microseconds=n) for n in (2, 0, 1)]
    take(database, [record(f"r{n}", when=moment.isoformat()) for n, moment in enumerate(moments)])
    with database.read() as connection:
        found = list(records_between(connection, at("15"), at("16"), 1))
    assert [one.record_id for one in found] == ["r1", "r2", "r0"]
    assert [one.occurred_at for one in found] == sorted(moments)
