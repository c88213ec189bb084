"""The price book: which entry answers for a model id, as known when, and the words of every refusal."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.builders import at, price, prices
from tokentill import PriceBook, Usage
from tokentill.canonical import Content, content_hash
from tokentill.clock import MICROSECOND
from tokentill.errors import IntegrityFault
from tokentill.prices import book as book_module
from tokentill.prices import model_ids
from tokentill.prices.book import NoPrice
from tokentill.prices.entries import entry_hash
from tokentill.prices.model_ids import ALWAYS
from tokentill.prices.rate_cards import RateCard
from tokentill.prices.timeline import PriceSegment, Timeline, input_tokens_of, timeline_of

MODEL = "acme/large"


def reason(book: PriceBook, model: str, when: datetime | None = None, mode: str | None = None) -> str | None:
    return book.rate(Usage(model, when or at("15"), {"input": 1}, mode)).reason


def test_a_model_is_found_by_id_alias_or_routing_suffix_and_never_by_a_guess() -> None:
    book = PriceBook([prices(price(aliases=["large", "x:online"]), price("acme/large:free", rates={"input": "0"}))])

    assert book.models == ("acme/large", "acme/large:free")
    found = {
        name: book.canonical_model(name, at("15"))
        for name in (
            "acme/large",
            "large",
            "acme/large:nitro",
            "large:floor",
            "large:floor:nitro",
            "x:online",
            "acme/large:free",
            "large:free",
            "acme/large:beta",
            "Acme/large",
            "acme/larg",
            "acme/large:nitro:free",
            "",
        )
    }
    assert found == {
        "acme/large": MODEL,
        "large": MODEL,
        "acme/large:nitro": MODEL,
        "large:floor": MODEL,
        "large:floor:nitro": MODEL,
        "x:online": MODEL,
        "acme/large:free": "acme/large:free",
        "large:free": None,
        "acme/large:beta": None,
        "Acme/large": None,
        "acme/larg": None,
        "acme/large:nitro:free": None,
        "": None,
    }


def test_an_alias_never_shadows_a_model() -> None:
    book = PriceBook([prices(price("a/one", aliases=["a/two"]), price("a/two", rates={"input": "9"}))])

    assert book.canonical_model("a/two", at("15")) == "a/two"


def test_an_unknown_model_is_named_with_its_nearest_relative() -> None:
    book = PriceBook([prices(price("acme/large-4.5", aliases=["big"]))])

    def hinted(asked: str, near: str) -> str:
        written = f'alias = [{{ id = "{asked}", model = "acme/large-4.5" }}]'
        hint = f"did the gateway mean {near!r}? If so, say so in a price table of its own: {written}"
        return f"model {asked!r} is in no price table; {hint}"

    for near in ("acme/large-4-5", "acme/4.5-large", "acme/large-4.5-20261001", "acme/large-4.5@2026-10-01"):
        assert reason(book, near) == hinted(near, "acme/large-4.5")
    assert reason(book, "bigg") == hinted("bigg", "big")
    for other_generation in ("acme/large-4.6", "acme/large-5", "acme/large", "acme/large-45", "acme/large-4.5.1"):
        assert reason(book, other_generation) == f"model {other_generation!r} is in no price table"
    assert reason(book, "zzz") == "model 'zzz' is in no price table"
    assert reason(PriceBook([]), MODEL) == "model 'acme/large' is in no price table"
    unknown = book.rate(Usage("zzz", at("15"), {}))
    assert (unknown.status, unknown.model, unknown.amount, unknown.lines) == ("unpriced", "zzz", None, ())
    assert (unknown.currency, unknown.price_entry) == (None, None)


def test_before_the_first_price_and_in_a_gap_there_is_none() -> None:
    early = price(aliases=["large"], valid_to="2026-02-01T00:00:00Z")
    book = PriceBook([prices(early, price(valid_from="2026-03-01T00:00:00Z"))])
    first = "its first is valid from 2026-01-01T00:00:00Z"

    before = datetime(2026, 1, 1, tzinfo=UTC) - MICROSECOND
    assert reason(book, "large", before) == (
        f"model 'acme/large' has no price in force at 2025-12-31T23:59:59.999999Z; {first}"
    )
    gap = datetime(2026, 2, 1, tzinfo=UTC)
    assert reason(book, MODEL, gap) == f"model 'acme/large' has no price in force at 2026-02-01T00:00:00Z; {first}"
    assert reason(book, MODEL, gap - MICROSECOND) is None
    assert reason(book, MODEL, datetime(2026, 3, 1, tzinfo=UTC)) is None
    assert book.rate(Usage("large", gap, {})).model == MODEL
    assert book.entry_at(MODEL, gap) == NoPrice(
        f"model 'acme/large' has no price in force at 2026-02-01T00:00:00Z; {first}"
    )
    assert book.entry_at("large", before + MICROSECOND) == book.entries(MODEL)[0]


def test_a_mode_that_is_not_listed_is_refused_by_name() -> None:
    book = PriceBook([prices(price(aliases=["large"]))])

    assert reason(book, "large", mode="batch") == "mode 'batch' is not listed for acme/large"
    assert book.rate_card("large", at=at("15"), mode="batch", input_total=0) == NoPrice(
        "mode 'batch' is not listed for acme/large"
    )
    assert reason(book, MODEL, mode="standard") is None
    assert reason(book, MODEL, mode="") is None


def test_what_was_recorded_later_is_not_known_before() -> None:
    old, new = price(), price(rates={"input": "6"})
    later = prices(new, recorded_at="2026-10-05T00:00:00Z")
    recorded_at = datetime(2026, 10, 5, tzinfo=UTC)
    contents = [later, prices(old), {"kind": "fx", "recorded_at": "2026-01-01T00:00:00Z"}]

    def rate(book: PriceBook) -> Decimal:
        return book.rate(Usage(MODEL, at("15"), {"input": 1_000_000})).amount or Decimal()

    assert rate(PriceBook(contents)) == 6
    assert rate(PriceBook(contents, as_of=recorded_at)) == 6
    before = PriceBook(contents, as_of=recorded_at - MICROSECOND)
    assert rate(before) == 3
    assert before.recordings == (content_hash(prices(old)),)
    assert PriceBook(contents).recordings == tuple(sorted([content_hash(prices(old)), content_hash(later)]))
    assert [entry.hash for entry in PriceBook(contents).entries(MODEL)] == [
        entry_hash(old, "USD"),
        entry_hash(new, "USD"),
    ]
    assert before.as_of == recorded_at - MICROSECOND


def test_an_announced_entry_is_gone_once_it_is_withdrawn() -> None:
    announced = price(valid_from="2026-10-10T00:00:00Z", rates={"input": "9"})
    withdrawal = {"withdraws": entry_hash(announced, "USD")}
    told = prices(price(), announced, recorded_at="2026-09-01T00:00:00Z")
    cancelled = prices(withdrawal, recorded_at="2026-09-05T00:00:00Z")
    again = prices(announced, recorded_at="2026-09-09T00:00:00Z")

    def valid_from(*contents: Content) -> int:
        return len(PriceBook(contents).entries(MODEL))

    assert valid_from(told) == 2
    assert valid_from(told, cancelled) == 1
    assert valid_from(cancelled, told, again) == 2
    same_time = prices(withdrawal, recorded_at="2026-09-01T00:00:00Z")
    assert valid_from(told, same_time) == 1


def test_entries_are_ordered_by_validity_then_by_recording() -> None:
    second = prices(price(valid_from="2026-01-01T00:00:00Z", rates={"input": "2"}), recorded_at="2026-09-02T00:00:00Z")
    first = prices(price(valid_from="2026-02-01T00:00:00Z", rates={"input": "3"}), price(rates={"input": "1"}))

    found = PriceBook([second, first]).entries(MODEL)
    assert [entry.standard.rates["input"] for entry in found] == [1, 2, 3]
    assert PriceBook([first]).entries("nobody") == ()
    assert {entry.currency for entry in found} == {"USD"}
    assert found[0].source == "a test"


def test_the_book_knows_all_thresholds_and_edges() -> None:
    tier = [{"when": {"input_tokens_gt": 10}, "rates": {"input": "2"}}]
    book = PriceBook(
        [
            prices(
                price(aliases=["large"], tier=tier, valid_to="2026-10-20T00:00:00Z"),
                price("acme/small", valid_from="2026-10-10T00:00:00Z"),
                price("acme/next", valid_from="2026-11-01T00:00:00Z"),
            )
        ]
    )

    assert book.thresholds() == {10}
    assert book.edges(["large", "acme/small", "zzz"], at("1"), at("31")) == {at("10 00:00"), at("20 00:00")}
    assert book.edges(["acme/next"], at("1"), datetime(2026, 11, 1, tzinfo=UTC)) == set()
    assert book.edges(["acme/next"], at("1"), datetime(2026, 11, 1, 1, tzinfo=UTC)) == {
        datetime(2026, 11, 1, tzinfo=UTC)
    }


def test_a_book_shows_how_large_it_is() -> None:
    known = [prices(price())]

    assert repr(PriceBook(known)) == "<PriceBook of 1 models from 1 recordings>"
    assert repr(PriceBook(known, as_of=at("1 00:00"))) == (
        "<PriceBook of 1 models from 1 recordings as of 2026-10-01T00:00:00Z>"
    )


def test_what_a_book_remembers_is_bounded_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "TIMELINES_MAX", 2)
    monkeypatch.setattr(model_ids, "REMEMBERED_MAX", 2)
    book = PriceBook([prices(price())])

    same = book.timeline(MODEL, None, None)
    assert book.timeline(MODEL, None, None) is same
    for number in range(5):
        assert book.rate(Usage(MODEL, at("15"), {"input": 1}, geo=f"place-{number}")).amount == Decimal("0.000003")
        assert reason(book, f"nobody-{number}") == f"model 'nobody-{number}' is in no price table"
        assert len(book._timelines) <= 2
        assert max(len(book.ids._hints), len(book.ids._meanings)) <= 2
    assert book.timeline(MODEL, None, None) is not same


def test_a_timeline_that_contradicts_its_entries_is_a_fault() -> None:
    book = PriceBook([prices(price())])
    book._timelines[MODEL, None, None] = Timeline((), (None,))

    with pytest.raises(IntegrityFault, match="the timeline of 'acme/large' has no price at 2026-10-15T12:00:00Z"):
        book.rate(Usage(MODEL, at("15"), {}))


def test_a_timeline_has_a_stretch_between_every_two_edges() -> None:
    validity = {"valid_from": "2026-10-05T00:00:00Z", "valid_to": "2026-10-08T00:00:00Z"}
    tier = [{"when": {"input_tokens_gt": 10}, "rates": {"input": "2"}}]
    entry = price(
        valid_from="2026-10-01T00:00:00Z",
        valid_to="2026-10-10T00:00:00Z",
        tier=tier,
        mode={"batch": {"rates": {"input": "1"}, **validity}},
    )
    entries = PriceBook([prices(entry)]).entries(MODEL)

    batch = timeline_of([(ALWAYS, entries)], "batch", None)
    assert batch.edges == (at("1 00:00"), at("5 00:00"), at("8 00:00"), at("10 00:00"))
    assert [segment is not None for segment in batch.segments] == [False, False, True, False, False]
    assert batch.at(at("5 00:00") - MICROSECOND) is None
    assert batch.at(at("5 00:00")) is batch.segments[2]
    assert batch.at(at("8 00:00")) is None
    only = batch.segments[2]
    assert isinstance(only, PriceSegment)
    assert only.only is only.cards[0][0]
    standard = timeline_of([(ALWAYS, entries)], "standard", None)
    assert standard.edges == (at("1 00:00"), at("10 00:00"))
    tiered = standard.segments[1]
    assert isinstance(tiered, PriceSegment)
    assert (tiered.only, tiered.thresholds, len(tiered.cards[0])) == (None, (10,), 2)
    assert [tiered.rate_card(at("5"), tokens).choice.tier for tokens in (0, 10, 11)] == [None, None, "input > 10"]


def test_windows_keep_a_stretch_from_having_one_plan() -> None:
    window = {"when": {"between": ["10:00", "12:00"]}, "rates": {"input": "2"}}
    book = PriceBook([prices(price(window=[window]))])

    segment = book.timeline(MODEL, None, None).at(at("15"))
    assert isinstance(segment, PriceSegment)
    assert segment.only is None
    assert [len(bands) for bands in segment.cards] == [1, 1]
    assert [segment.rate_card(at(f"15 {time}"), 5).choice.window for time in ("09:59", "10:00", "12:00")] == [
        None,
        "10:00 to 12:00 UTC",
        None,
    ]
    assert book.rate(Usage(MODEL, at("15 10:00"), {"input": 1})).window == "10:00 to 12:00 UTC"


def test_the_input_total_is_stated_or_the_sum_of_the_input_leaves() -> None:
    used = {"input": 5, "cache_read": 3, "output": 90, "web_search": 7}

    assert input_tokens_of(Usage(MODEL, at("15"), used)) == 8
    assert input_tokens_of(Usage(MODEL, at("15"), used, None, None, 0)) == 0


def test_a_plan_says_everything_but_quantities() -> None:
    book = PriceBook([prices(price(aliases=["large"], multiplier={"geo": {"us": "1.1"}}))])

    card = book.rate_card("large:nitro", at=at("15"), mode=None, input_total=7, geo="us")
    assert isinstance(card, RateCard)
    assert (card.entry.model, card.mode, card.multiplier) == (MODEL, "standard", Decimal("1.1"))
    assert book.rate_card("zzz", at=at("15"), mode=None, input_total=7) == NoPrice("model 'zzz' is in no price table")


def test_shipped_prices_load_without_being_named() -> None:
    book = PriceBook.load()

    assert len(book.models) > 50
    assert PriceBook.load(as_of=datetime(2020, 1, 1, tzinfo=UTC)).models == ()
