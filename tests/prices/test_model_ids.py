"""Aliases and routes: what an id means when, the same for every path that asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import at, price, prices
from tokentill import PriceBook, Unpriced, Usage
from tokentill.canonical import Content, content_hash
from tokentill.clock import MICROSECOND, instant_text
from tokentill.prices.book import NoPrice
from tokentill.prices.columns import Columns, rate_columns
from tokentill.prices.streams import rate_stream

LARGE, SMALL = "acme/large", "acme/small"
EARLY, LATE = "2026-09-01T00:00:00Z", "2026-09-15T00:00:00Z"


def alias(id_: str, model: str = LARGE, *, since: str | None = None) -> Content:
    return {"id": id_, "model": model, **({} if since is None else {"valid_from": since})}


def route(prefix: str, *models: str, same_price: bool = True) -> Content:
    return {"prefix": prefix, "models": list(models), "same_price": same_price}


def names(
    *, aliases: Sequence[Content] = (), routes: Sequence[Content] = (), recorded_at: str = EARLY
) -> dict[str, Any]:
    """A recording of aliases and routes alone."""
    content = {"format": 1, "kind": "prices", "recorded_at": recorded_at}
    return {**content, **({"alias": [*aliases]} if aliases else {}), **({"route": [*routes]} if routes else {})}


MODELS = prices(
    price(LARGE, aliases=["large"], rates={"input": "3"}),
    price(SMALL, rates={"input": "1"}),
)


def book(*recordings: Content, as_of: datetime | None = None) -> PriceBook:
    return PriceBook([MODELS, *recordings], as_of=as_of)


def test_an_alias_alone_has_the_price_of_its_model_through_time() -> None:
    dearer = prices(price(LARGE, valid_from=LATE, rates={"input": "4"}), recorded_at=LATE)
    known = book(names(aliases=[alias("large-2026-08-01")]), dearer)

    for instant, rate in ((at(LATE) - MICROSECOND, 3), (at(LATE), 4)):
        rated = known.rate(Usage("large-2026-08-01", instant, {"input": 1_000_000}))
        assert (rated.amount, rated.model) == (Decimal(rate), LARGE)


def test_an_alias_holds_from_its_first_instant_on_and_the_id_has_no_price_before() -> None:
    known = book(names(aliases=[alias("best", since=LATE)], routes=[route("", "*")]))
    before = at(LATE) - MICROSECOND

    assert known.canonical_model("best", at(LATE)) == LARGE
    assert known.canonical_model("best", before) is None
    assert known.entry_at("best", before) == NoPrice(f"the alias 'best' holds from {LATE} on")
    with pytest.raises(Unpriced) as refused:
        known.rate_or_raise(Usage("best", before, {"input": 1}))
    assert (refused.value.code, refused.value.model) == ("no_price_then", "best")
    assert known.edges(["best", "best:nitro"], at("1") - timedelta(days=60), at("31")) >= {at(LATE)}
    assert known.edges(["large"], at(EARLY) + MICROSECOND, at("31")) == set()


def test_of_two_aliases_of_one_id_the_later_one_holds() -> None:
    first = names(aliases=[alias("best"), alias("fast")])
    moved = names(aliases=[alias("best", SMALL, since=LATE)], recorded_at=EARLY.replace("T00", "T01"))
    corrected = names(aliases=[alias("fast", SMALL)], recorded_at=EARLY.replace("T00", "T02"))
    known = book(first, moved, corrected)

    assert [known.canonical_model("best", when) for when in (at(LATE) - MICROSECOND, at(LATE))] == [LARGE, SMALL]
    assert known.canonical_model("fast", at(LATE)) == SMALL
    as_it_was = book(first, moved, corrected, as_of=at(EARLY))
    assert [as_it_was.canonical_model(name, at(LATE)) for name in ("best", "fast")] == [LARGE, LARGE]
    assert book(as_of=at(EARLY)).canonical_model("best", at(LATE)) is None


def test_an_alias_of_a_model_that_is_not_known_yet_has_no_price() -> None:
    known = PriceBook([names(aliases=[alias("best")])])

    assert known.entry_at("best", at("1")) == NoPrice("the alias 'best' means 'acme/large', which is in no price table")
    assert known.rate(Usage("best", at("1"), {"input": 1})).model == "best"


def test_a_route_leads_to_the_models_that_it_names_and_to_no_other() -> None:
    known = book(
        names(
            aliases=[alias("large-1"), alias("eu/own", SMALL)],
            routes=[route("eu/", "acme/l*"), route("eu/west/", "acme/small"), route("dear/", "*", same_price=False)],
        )
    )
    meant = {
        "eu/large": LARGE,
        "eu/acme/large": LARGE,
        "eu/large-1": LARGE,
        "eu/large:nitro": LARGE,
        "eu/west/acme/small": SMALL,
        "eu/own": SMALL,
        "eu/acme/small": None,
        "eu/west/large": None,
        "eu/eu/large": None,
        "eu/": None,
        "eu/larg": None,
        "EU/large": None,
        "large/eu/": None,
        "dear/large": None,
    }
    assert {name: known.canonical_model(name, at("1")) for name in meant} == meant


def test_a_route_with_prices_of_its_own_is_known_and_unpriced_until_there_is_an_entry() -> None:
    routes = names(routes=[route("dear/", "acme/*", same_price=False)])
    why = (
        "'dear/large' is acme/large on the route 'dear/', which has prices of its own;"
        ' add a [[price]] entry with model = "dear/large"'
    )
    usage = Usage("dear/large", at("1"), {"input": 1_000_000})

    with pytest.raises(Unpriced, match="prices of its own") as refused:
        book(routes).rate_or_raise(usage)
    assert (str(refused.value), refused.value.code, refused.value.model) == (why, "no_route_price", "dear/large")
    own = prices(price("dear/large", rates={"input": "9"}))
    assert book(routes, own).rate(usage).amount == Decimal(9)
    assert book(routes, names(aliases=[alias("dear/large", SMALL)])).rate(usage).amount == Decimal(1)
    same_now = names(routes=[route("dear/", "acme/large")], recorded_at=LATE)
    assert book(routes, same_now).rate(usage).amount == Decimal(3)


INSTANTS = [at(EARLY) + timedelta(days=day) for day in (-30, -1, 0, 5, 14, 20, 40)]
IDS = ["x", "y", "r/x", "r/y", "r/s/x", "x:nitro", "r/x:floor", LARGE, "large", f"r/{LARGE}", "r/large"]


@st.composite
def name_tables(draw: st.DrawFn) -> list[Content]:
    """Recordings of aliases and routes, of several times of recording."""
    tables = []
    for number in range(draw(st.integers(1, 3))):
        made = st.builds(
            lambda id_, model, since: alias(id_, model, since=since and instant_text(since)),
            st.sampled_from(["x", "y", "r/x"]),
            st.sampled_from([LARGE, SMALL, "acme/none"]),
            st.none() | st.sampled_from(INSTANTS),
        )
        routed = st.builds(
            lambda prefix, models, same: route(prefix, models, same_price=same),
            st.sampled_from(["r/", "r/s/"]),
            st.sampled_from(["*", "acme/l*", SMALL]),
            st.booleans(),
        )
        aliases, routes = draw(st.lists(made, min_size=1, max_size=3)), draw(st.lists(routed, max_size=3))
        tables.append(names(aliases=aliases, routes=routes, recorded_at=f"2026-09-{number + 1:02d}T00:00:00Z"))
    return tables


@given(name_tables(), st.randoms(use_true_random=False))
def test_every_path_gives_an_id_the_same_model_and_an_edge_lies_at_every_change(
    tables: list[Content], random: Any
) -> None:
    known = book(*tables)
    shuffled = [MODELS, *tables]
    random.shuffle(shuffled)
    again = PriceBook(shuffled)
    usages = [Usage(id_, instant, {"input": 7}) for id_ in IDS for instant in INSTANTS]

    columns = rate_columns(known, Columns.from_usages(usages))
    streamed = list(rate_stream(known, usages))
    for place, usage in enumerate(usages):
        rated = known.rate(usage)
        model = known.canonical_model(usage.model, usage.occurred_at)
        assert rated == again.rate(usage)
        assert rated.model == (model or usage.model) == streamed[place].model
        assert rated.amount == streamed[place].amount == columns.amount(place)
        assert (rated.amount is None) is (model is None)
        entry = known.entry_at(usage.model, usage.occurred_at)
        assert rated.amount is None if isinstance(entry, NoPrice) else entry.model == model
        if isinstance(entry, NoPrice):
            assert rated.reason == entry.reason
    for id_ in IDS:
        edges = known.edges([id_], INSTANTS[0], INSTANTS[-1] + MICROSECOND)
        for earlier, later in pairwise(INSTANTS):
            if known.canonical_model(id_, earlier) != known.canonical_model(id_, later):
                assert any(earlier < edge <= later for edge in edges)


def test_parts_that_a_route_has_otherwise_are_unpriced_on_it_and_nothing_else_is() -> None:
    fees = {"web_search": {"price": "10", "per": 1000}, "page": {"price": "1", "per": 1000}}
    modes = {name: {"rates": {"input": "1"}} for name in ("batch", "flex")}
    table = prices(price("acme/rich", rates={"input": "2"}, fees=fees, mode=modes))
    parts = {**route("near/", "acme/rich"), "apart_from": ["fee.web_search", "mode.flex"]}
    known = PriceBook([table, names(routes=[parts])])

    def amount(quantities: dict[str, int], mode: str = "standard", prefix: str = "near/") -> Decimal | None:
        usage = Usage(f"{prefix}acme/rich", at(LATE), quantities, mode=mode)
        [streamed], columns = rate_stream(known, [usage]), rate_columns(known, Columns.from_usages([usage]))
        rated = known.rate(usage).amount
        assert (streamed.amount, columns.totals.get("USD")) == (rated, rated)
        return rated

    assert amount({"input": 1_000_000, "page": 1000}) == Decimal(3)
    assert amount({"input": 1_000_000}, "batch") == Decimal(1)
    assert amount({"input": 1_000_000, "web_search": 1}) is None
    assert amount({"input": 1_000_000}, "flex") is None
    assert amount({"input": 1_000_000, "web_search": 1000}, prefix="") == Decimal(12)
    assert amount({"input": 1_000_000}, "flex", prefix="") == Decimal(1)


def test_names_change_no_hash_of_what_was_recorded_before() -> None:
    known = book(names(aliases=[alias("best")]))

    assert content_hash(MODELS) in known.recordings
    assert [entry.hash for entry in known.entries(LARGE)] == [entry.hash for entry in book().entries(LARGE)]


def test_what_prices_check_is_told_is_no_part_of_an_entry() -> None:
    told = prices(price(LARGE, rates={"input": "3"}, aliases=["large"], drops=["tier"], unusual=True))

    assert PriceBook([told]).entries(LARGE)[0].hash == book().entries(LARGE)[0].hash
