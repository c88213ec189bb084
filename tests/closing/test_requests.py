"""Reports of one request: they replace each other and never add up, whoever tells and in whatever order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from tests.builders import OCTOBER, MovableClock, price, prices, record, till
from tests.shares import IN_CAMPAIGNS, daily
from tokentill.closing.records.ingest import ingest
from tokentill.errors import InvalidCall, Refused
from tokentill.store import tables
from tokentill.store.checks.consistency import check_agreement
from tokentill.store.database import Database
from tokentill.till import Till
from tokentill.usage.record import UsageRecord
from tokentill.usage.reporters import Reporting

MILLION = 1_000_000
TRIALS = 12 if IN_CAMPAIGNS else 6

pytestmark = pytest.mark.postgresql_one_in(2)


@pytest.fixture
def shop(database: Database) -> Till:
    """A till at 3.00 for a million tokens."""
    return till(database, prices(price()), clock=MovableClock())


def totals(one: Till, period: str = OCTOBER) -> dict[str, str]:
    """What each customer would be billed."""
    return {found["customer"]: found["total"] for found in one.preview(period).content()["invoices"]}


def counted(one: Till, source: str = "arouter") -> list[str]:
    """The records of a source that count now."""
    usage, gone, named = tables.usage, tables.withdrawal, tables.source
    query = (
        select(usage.c.record_id, usage.c.input)
        .join(named, named.c.id == usage.c.source_id)
        .where(named.c.name == source, usage.c.id.not_in(select(gone.c.usage_id)))
    )
    with one.store.read() as connection:
        return sorted(f"{row.record_id} {row.input}" for row in connection.execute(query))


def sound(one: Till) -> bool:
    """Whether invoices verify and the database agrees with itself."""
    with one.store.read() as connection:
        faults = [str(fault) for check in check_agreement(connection, whole=True) for fault in check.faults]
    assert faults == []
    return one.verify().is_sound


def keyed(record_id: str, millions: int, *, key: str | None = "r", **more: Any) -> UsageRecord:
    """A report of a request."""
    return record(record_id, input=millions * MILLION, request_key=key, **more)


PROVISIONAL, FINAL = keyed("p", 5, usage_state="estimated"), keyed("f", 2)


@pytest.mark.parametrize("order", [(PROVISIONAL, FINAL), (FINAL, PROVISIONAL)])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_final_report_replaces_a_provisional_one_and_never_adds_up(
    shop: Till, order: Sequence[UsageRecord], at_once: bool
) -> None:
    counts = [shop.ingest(part).counts for part in ([order] if at_once else [[one] for one in order])]
    assert sum(one.read for one in counts) == sum(one.accepted + one.duplicates for one in counts) == 2
    assert totals(shop) == {"alice": "6.00"}
    assert counted(shop) == ["f 2000000"]
    again = shop.ingest(order).counts
    assert (again.accepted, again.duplicates, again.revisions) == (0, 2, 0)
    assert totals(shop) == {"alice": "6.00"}
    assert sound(shop)


def test_a_record_whose_id_is_the_key_is_a_report_of_the_same_request(shop: Till) -> None:
    shop.ingest([keyed("r", 5, key=None, usage_state="estimated")])
    assert shop.ingest([FINAL]).counts.replaced == 1
    assert shop.ingest([keyed("r", 5, key="r", usage_state="estimated")]).counts.duplicates == 1
    assert totals(shop) == {"alice": "6.00"}
    assert (
        shop.ingest([keyed("f", 2, key="r", source="other")]).counts.accepted == 1
    )  # another source is another request
    assert totals(shop) == {"alice": "12.00"}
    assert sound(shop)


def test_a_replacement_after_the_close_is_a_correction(shop: Till, database: Database) -> None:
    shop.ingest([PROVISIONAL, record("other", user="bob", input=MILLION)])
    shop.accept_estimate("arouter", "p", reason="billed as it is")
    assert len(shop.close(OCTOBER).issued) == 2
    shop.ingest([FINAL])
    later = till(database, prices(price()), clock=MovableClock(datetime(2026, 12, 20, tzinfo=UTC)))
    later.ingest([record("november", when="2026-11-15T12:00Z", input=4 * MILLION)])
    assert totals(later, "2026-11") == {"alice": "3.00"}  # 12.00, less the 9.00 that were too many
    [issued] = later.close("2026-11").issued
    assert later.explain(issued)
    assert sound(later)
    assert later.trace("arouter", "f").corrections


def test_a_report_that_moves_a_request_to_somebody_else_is_billed_once(shop: Till, database: Database) -> None:
    shop.ingest([keyed("p", 5, usage_state="estimated", user="bob"), record("own", user="bob", input=MILLION)])
    shop.accept_estimate("arouter", "p", reason="billed as it is")
    shop.close(OCTOBER)
    shop.ingest([keyed("f", 2, user="alice", when="2026-11-02T12:00Z")])
    later = till(database, prices(price()), clock=MovableClock(datetime(2026, 12, 20, tzinfo=UTC)))
    later.ingest([record("more", user="bob", when="2026-11-15T12:00Z", input=9 * MILLION)])
    assert totals(later, "2026-11") == {"alice": "6.00", "bob": "12.00"}
    later.close("2026-11")
    assert sound(later)


REPORTS = [
    *(
        keyed(f"{name}{n}", 1 + n, key=name, usage_state=state)
        for name in "abc"
        for n, state in enumerate(("estimated", "reported"))
    ),
    keyed("late", 7, key="a", when="16"),
    keyed("more", 9, key="b"),
    keyed("c", 4, key=None),
    record("gone", request_key="d", usage_state="missing"),
    keyed("found", 3, key="d"),
    keyed("alone", 2, key=None),
    keyed("alone too", 2, key="z"),
]


@pytest.mark.parametrize("seed", daily(range(6), 2))
def test_any_order_and_any_split_of_the_same_reports_count_the_same(shop: Till, seed: int) -> None:
    chance, expected = random.Random(seed), None
    for trial in range(TRIALS):
        source, left = f"s{trial}", [*REPORTS, *chance.choices(REPORTS, k=4)]
        shop.ingest([])
        chance.shuffle(left)
        read = taken = 0
        while left:
            part, left = left[: (size := chance.randint(1, len(left)))], left[size:]
            counts = shop.ingest([_of(one, source) for one in part], name=f"{source} {len(left)}").counts
            read, taken = read + len(part), taken + counts.accepted + counts.duplicates
            assert counts.revisions == 0
        assert read == taken
        expected = expected or counted(shop, source)
        assert counted(shop, source) == expected
    assert expected == sorted(
        ["late 7000000", "more 9000000", "c 4000000", "found 3000000", "alone 2000000", "alone too 2000000"]
    )
    assert sound(shop)


def _of(one: UsageRecord, source: str) -> UsageRecord:
    content = {**one.content(), "source": source, "occurred_at": one.occurred_at, "cost": one.cost}
    return UsageRecord(**content)


TOLD = [record("x", input=3 * MILLION), record("y", input=MILLION, request_key="k"), record("only export", input=1000)]
SEEN = [
    record("x", input=2 * MILLION, user="alice"),
    record("k", input=MILLION, tags=["app"]),
    record("only capture", input=MILLION),
]


@pytest.mark.parametrize("seed", daily(range(8), 2))
def test_what_two_reporters_tell_is_billed_once_in_any_order(shop: Till, seed: int) -> None:
    chance = random.Random(seed)
    parts = [("export", one) for one in TOLD] + [("capture", one) for one in SEEN]
    for reporter, one in [*chance.sample(parts, len(parts)), *parts]:
        shop.ingest([one], reporter=reporter, name=f"{reporter} {one.record_id}")
    assert counted(shop) == ["only capture 1000000", "only export 1000", "x 3000000", "y 1000000"]
    assert shop.revisions().revisions == ()
    assert sound(shop)


def test_whose_word_is_billed_is_what_the_source_declares(database: Database) -> None:
    reporting = {"arouter": ("capture", "export")}
    shop = till(database, prices(price()), clock=MovableClock())
    shop.precedence = reporting
    shop.ingest([SEEN[0]], reporter="capture")
    assert shop.ingest([TOLD[0]]).counts.witnesses == 1
    assert counted(shop) == ["x 2000000"]
    shop.precedence = {}
    shop.ingest([TOLD[0], SEEN[0]])
    assert counted(shop) == ["x 2000000"]  # what was decided stays so: nobody tells anything new
    with pytest.raises(InvalidCall, match=r"'gossip' is no reporter of source 'arouter'.*reporters = "):
        shop.ingest([record("z")], reporter="gossip")
    assert sound(shop)


def test_a_staged_import_remembers_who_told(shop: Till) -> None:
    shop.ingest([TOLD[0]])
    staged = shop.ingest([SEEN[0]], reporter="capture", stage="captured", name="spool")
    assert staged.counts.witnesses == 1
    shop.accept_import(staged.number or 0)
    assert counted(shop) == ["x 3000000"]
    assert [one.reporter for one in shop.imports().imports] == ["export", "capture"]


def test_a_revision_of_what_was_replaced_cannot_be_billed_beside_it(shop: Till) -> None:
    shop.ingest([PROVISIONAL])
    shop.ingest([keyed("p", 6, usage_state="estimated")])
    shop.ingest([FINAL])
    with pytest.raises(Refused, match="tells of a request of which record 'f' counts"):
        shop.accept_revision("arouter", "p", reason="so")
    shop.ingest([keyed("f", 3)])
    shop.accept_revision("arouter", "f", reason="corrected")
    assert counted(shop) == ["f 3000000"]
    assert shop.ingest([keyed("g", 9)]).counts.replaced == 1
    assert counted(shop) == ["g 9000000"]
    assert sound(shop)


def test_trace_says_what_is_billed_instead(shop: Till) -> None:
    shop.ingest([PROVISIONAL])
    shop.ingest([FINAL])
    shop.ingest([keyed("q", 1, usage_state="estimated")])
    for record_id in ("p", "q"):
        trace = shop.trace("arouter", record_id)
        assert trace.state == "replaced"
        assert "record 'f'" in trace.why


def test_one_request_cannot_be_stored_twice(shop: Till) -> None:
    shop.ingest([FINAL, keyed("other", 1, key="k")])
    row = {"source_id": 1, "request": "r", "version": 1, "request_key": "r"}
    query = select(tables.usage.c.id).where(tables.usage.c.record_id == "other")
    with shop.store.read() as connection:
        other = connection.execute(query).scalar_one()
    with pytest.raises(IntegrityError), shop.store.write() as connection:
        connection.execute(insert(tables.usage_request).values(usage_id=other + 10, **row))


def test_a_retracted_request_stays_taken_back(shop: Till) -> None:
    shop.ingest([PROVISIONAL])
    shop.ingest([FINAL])
    shop.retract(record=("arouter", "f"), reason="a test")
    shop.ingest([PROVISIONAL, FINAL])
    assert counted(shop) == []
    assert sound(shop)


def test_who_tells_is_kept_with_what_is_read_again(database: Database) -> None:
    shop = till(database, prices(price()), clock=MovableClock())
    ahead = record("x", input=MILLION, when="2026-11-05T12:00Z")
    ingest(database, [ahead], name="spool", clock=shop.clock, reporting=Reporting("capture"))
    assert shop.quarantine().lines
    shop.clock.instant = datetime(2026, 11, 6, tzinfo=UTC)  # type: ignore[attr-defined]
    shop.retry(file="spool", reason="it has come")
    assert shop.ingest([record("x", input=2 * MILLION, when="2026-11-05T12:00Z")]).counts.replaced == 1
    assert sound(shop)


def test_a_record_that_says_later_that_it_is_of_another_request_is_billed_once(shop: Till) -> None:
    """The rows of the request that it was known to be of are looked at, too, also those that it says nothing of."""
    shop.ingest([keyed("a", 1, key=None, usage_state="estimated"), keyed("other", 4, key=None)])
    shop.ingest([keyed("b", 2, key="a", usage_state="estimated", when="16")])
    shop.ingest([keyed("a", 3, key=None, when="17")])
    assert counted(shop) == ["a 3000000", "other 4000000"]
    shop.ingest([keyed("b", 6, key="other", when="18")])
    assert counted(shop) == ["b 6000000"]
    assert sound(shop)
    again = shop.ingest([keyed("b", 6, key="other", when="18"), keyed("a", 3, key=None, when="17")]).counts
    assert (again.accepted, again.duplicates) == (0, 2)
