"""What was used is counted by any key, adds up to the same whole, and needs no contract to be counted."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import OCTOBER, MovableClock, at, attribution, price, prices, record, till
from tests.invoicing.bench import new_sqlite
from tokentill.errors import InvalidCall, InvalidFiles
from tokentill.store.database import Database
from tokentill.till import Till

pytestmark = pytest.mark.postgresql_one_in(8)

KEYS = ("customer", "user", "model", "day", "source", "key")


def counted(one: Till, by: str, *names: str, **within: Any) -> dict[Any, tuple[Any, ...]]:
    """Of each row of a summary these fields."""
    content = one.usage(by=by, **within).content()  # type: ignore[arg-type]
    return {row[by]: tuple(row[name] for name in names) for row in content["rows"]}


@pytest.fixture
def shop(database: Database) -> Till:
    """A till with four requests."""
    one = till(database, clock=MovableClock())
    one.ingest(
        [
            record("1", input=1000, cache_read=500, output=100, reasoning=20, cost="0.25", api_key="k1"),
            record("2", when="15 23:59", input=2000, cost="0.5", user="bob"),
            record("3", when="2026-11-01T00:00Z", input=1, output=1, source="b", model="other"),
            record("4", user=None, input=10, image=3),
        ]
    )
    return one


def test_requests_tokens_and_cost_are_counted_by_every_key(shop: Till) -> None:
    names = ("requests", "input_tokens", "output_tokens", "cost", "requests_with_cost")
    assert counted(shop, "user", *names) == {
        "alice": (2, 1501, 121, "0.25", 1),
        "bob": (1, 2000, 0, "0.5", 1),
        None: (1, 10, 0, "0", 0),
    }
    assert counted(shop, "customer", "requests") == {"alice": (2,), "bob": (1,), None: (1,)}
    assert counted(shop, "model", "requests") == {"acme/large": (3,), "other": (1,)}
    assert counted(shop, "day", "requests") == {"2026-10-15": (3,), "2026-11-01": (1,)}
    assert counted(shop, "source", "requests") == {"arouter": (3,), "b": (1,)}
    assert counted(shop, "key", "requests") == {"k1": (1,), None: (3,)}


def test_a_list_amount_is_that_of_what_has_a_price(shop: Till) -> None:
    total = shop.usage(by="model").content()["total"]
    # 3,010 input at 3, 500 cached at 0.3 and 120 output at 15 for a million; an image and another model have no price.
    assert counted(shop, "user", "list_amounts", "unpriced_requests")["bob"] == ({"USD": "0.006"}, 0)
    assert (total["list_amounts"], total["unpriced_requests"]) == ({"USD": "0.01095"}, 2)


def test_a_segment_of_time_is_half_open_and_a_period_is_a_calendar_month(shop: Till) -> None:
    assert counted(shop, "day", "requests", period=OCTOBER) == {"2026-10-15": (3,)}
    assert shop.usage(period="2026-11", by="day").total.requests == 1
    ends_at = at("15 23:59")
    assert shop.usage(by="day", starts_at=at("1"), ends_at=ends_at).total.requests == 2
    assert shop.usage(by="day", starts_at=ends_at).total.requests == 2
    assert shop.usage(by="day", starts_at=at("20"), ends_at=at("10")).rows == []
    assert shop.usage(by="day", period="2020-01").content()["rows"] == []
    with pytest.raises(InvalidCall, match="cannot both be asked for"):
        shop.usage(OCTOBER, starts_at=at("1"))
    with pytest.raises(InvalidCall, match="by"):
        shop.usage(by="colour")  # type: ignore[arg-type]


def test_a_customer_is_whose_usage_it_was_at_its_instant(database: Database) -> None:
    team = {"match": {"user": "team_{id}"}, "customer": "{id}"}
    rules = attribution(team, default="unattributed", valid_from="2026-10-15T06:00:00Z")
    one = till(database, attribution(default="unattributed"), rules, clock=MovableClock())
    one.bind([("alice", "acme", at("15 10:00"), None), ("alice", "zen", at("15 11:00"), None)])
    for hour in ("05", "09", "10", "11", "12"):
        one.ingest([record(f"a{hour}", when=f"15 {hour}:00"), record(f"t{hour}", user="team_x", when=f"15 {hour}:00")])
    assert counted(one, "customer", "requests") == {"acme": (1,), "zen": (2,), "x": (4,), None: (3,)}


def test_what_counts_is_counted_once(database: Database) -> None:
    one = till(database, clock=MovableClock())
    one.ingest([record("r", input=10), record("r", input=10), record("r", input=30)])
    assert one.usage(by="user").total.input_tokens == 10
    one.accept_revision("arouter", "r", reason="corrected")
    assert (one.usage(by="user").total.requests, one.usage(by="user").total.input_tokens) == (1, 30)


def test_prices_are_those_of_their_instant_and_size(database: Database) -> None:
    tiered = price(tier=[{"when": {"input_tokens_gt": 1000}, "rates": {"input": "6", "output": "15"}}])
    dearer = price(rates={"input": "9", "output": "15"}, valid_from="2026-10-15T12:00:00Z")
    one = till(database, prices(tiered, dearer))
    one.ingest(
        [record(str(hour), when=f"15 {hour}:00", input=size) for hour, size in ((10, 1000), (11, 2000), (13, 1))]
    )
    assert one.usage(by="user").total.list_amounts == {"USD": Decimal("0.015009")}


def test_a_folder_that_does_not_load_keeps_nobody_from_counting(tmp_path: Path) -> None:
    (tmp_path / "pricing" / "contracts").mkdir(parents=True)
    (tmp_path / "pricing" / "contracts" / "broken.toml").write_text("format = ")
    with Till.open(tmp_path / "x.db", tmp_path / "pricing", clock=MovableClock()) as one:
        one.ingest([record("r", input=5)])
        for by in KEYS[1:]:
            assert one.usage(by=by).content()["total"]["requests"] == 1  # type: ignore[arg-type]
        assert one.usage(by="user").content()["rows"][0]["list_amounts"] is None
        with pytest.raises(InvalidFiles):
            one.usage(by="customer")


def test_no_usage_is_no_row(database: Database) -> None:
    assert till(database).usage().content()["rows"] == []


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from(["1", "2 23:59", "31"]), st.integers(0, 10**12)),
        max_size=12,
    )
)
def test_every_key_adds_up_to_the_same_whole(rows: list[tuple[str | None, str, int]]) -> None:
    with new_sqlite() as database:
        one = till(database)
        one.ingest(
            [record(str(n), user=user, when=when, input=size, cost="0.1") for n, (user, when, size) in enumerate(rows)]
        )
        for by in KEYS:
            summary = one.usage(by=by)  # type: ignore[arg-type]
            assert sum(row.requests for row in summary.rows) == summary.total.requests == len(rows)
            assert sum(row.input_tokens for row in summary.rows) == sum(size for *_, size in rows)
            assert sum(row.cost for row in summary.rows) == Decimal("0.1") * len(rows)
