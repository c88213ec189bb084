"""A usage row is held to its digest, and the quick way of putting a record together is the one definition of it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from tests.builders import at, record
from tests.store.bench import with_digests_of_rows
from tokentill.canonical import canonical_bytes
from tokentill.clock import from_micros, instant_text, micros_text, to_micros
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.intake.batches import store_batch
from tokentill.store.usage.usage_digests import usage_row_faults
from tokentill.store.usage.usage_rows import cost_limbs, cost_of, cost_text_of, limbs_of_costs
from tokentill.usage.record import COST_MAX, UsageRecord, cost_text

COSTS = st.decimals(0, COST_MAX, allow_nan=False, allow_infinity=False, places=24) | st.decimals(0, 1, places=9)
FIRST, LAST = datetime(1971, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, tzinfo=UTC)
TEXTS = st.none() | st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)


@given(COSTS)
def test_the_text_of_a_stored_cost_is_that_of_the_cost(cost: Decimal) -> None:
    limbs = cost_limbs(cost_text(cost))
    assert cost_text_of(*limbs) == cost_text(cost_of(*limbs)) == cost_text(cost)


@given(st.lists(COSTS, min_size=1))
def test_the_limbs_of_many_costs_are_those_of_each(costs: list[Decimal]) -> None:
    written = [form for cost in costs for form in (cost_text(cost), format(cost, "f"))]
    assert list(zip(*limbs_of_costs(written), strict=True)) == [cost_limbs(one) for one in written]
    short = [one for one in written if len(one.partition(".")[2]) <= 16]
    if short:
        assert list(zip(*limbs_of_costs(short), strict=True)) == [cost_limbs(one) for one in short]


@given(st.integers(to_micros(FIRST), to_micros(LAST)))
def test_the_text_of_a_stored_instant_is_that_of_the_instant(micros: int) -> None:
    assert micros_text(micros) == instant_text(from_micros(micros))


@given(
    user=TEXTS,
    geo=TEXTS,
    tags=st.lists(st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=9), max_size=3),
    is_byok=st.booleans(),
    is_replayed=st.booleans(),
    cost=st.none() | COSTS,
    counts=st.dictionaries(st.sampled_from(["input", "output", "reasoning", "web_search", "image"]), st.integers(0, 9)),
)
def test_the_bytes_of_a_record_are_those_of_its_content(
    user: str | None,
    geo: str | None,
    tags: list[str],
    is_byok: bool,
    is_replayed: bool,
    cost: Decimal | None,
    counts: dict[str, int],
) -> None:
    found = UsageRecord(
        source="arouter",
        record_id="Ä\u202e",
        occurred_at=at("1"),
        model="acme/large",
        quantities=counts,
        user=user,
        geo=geo,
        tags=tags,
        is_byok=is_byok,
        is_replayed=is_replayed,
        cost=cost,
    )
    assert found.content_bytes() == canonical_bytes(found.content())


def test_rows_of_all_kinds_of_records_are_what_their_digests_say(database: Database) -> None:
    records = [
        record("plain"),
        record("Ä\u202e'\"", user="ü", tags=["b", "a"], geo="eu", provider="p", api_key="k", is_byok=True),
        record("units", web_search=1, a_unit=3, zzz=2, input=5, when="15 10:30"),
        record("only units", image=1),
        record("nothing", usage_state="missing", user=None),
        record("cheap", cost="0.000000000000000000000001", status="error", mode="batch"),
        record("dear", cost="1000000", when="2026-10-15T10:30:00.000001+02:00"),
        record("free", cost="0", source="openrouter"),
        record("replayed", is_replayed=True),
        record("keyed", request_key="call"),
        record("tagged as a replay", tags=["response-cache"]),
        *(record(f"many {number}", user=f"u{number}") for number in range(600)),
    ]
    with database.write() as connection:
        store_batch(connection, records, [], label="all", at=at("16"))
    with_digests_of_rows(database)
    with database.read() as connection:
        digests = connection.execute(select(tables.usage.c.record_id, tables.usage.c.digest)).all()
        assert {id_: bytes(digest) for id_, digest in digests} == {one.record_id: one.digest for one in records}
        assert list(usage_row_faults(connection, select(tables.usage.c.id))) == [None] * len(records)
        of_one = select(tables.usage.c.id).where(tables.usage.c.record_id == "units")
        assert list(usage_row_faults(connection, of_one)) == [None]
