"""A stream of usages: every amount as `PriceBook.rate` gives it, without its lines, and what they add up to."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from tests.builders import price, prices
from tokentill import PriceBook, Usage
from tokentill.prices.streams import RatedAmount, rate_stream

AT = datetime(2026, 10, 15, 12, tzinfo=UTC)
MILLION = 1_000_000
BOOK = PriceBook(
    [
        prices(
            price(),
            price("acme/zero", rates={"input": "0"}),
            price("acme/asked", fees={"request": {"price": "0.5"}}),
        ),
        prices(price("acme/euro", rates={"input": "2"}, per=1), currency="EUR"),
    ]
)


def test_a_stream_gives_every_amount_without_its_lines_and_keeps_what_they_add_up_to() -> None:
    usages = [
        Usage("acme/large", AT, {"input": MILLION, "output": 1000}),
        Usage("acme/asked", AT, {"input": MILLION}),
        Usage("acme/asked", AT, {"request": 2}),
        Usage("acme/zero", AT, {"input": 5}),
        Usage("acme/large", AT, {}),
        Usage("acme/large", AT, {"web_search": 1}),
        Usage("other", AT, {"input": 1}),
        Usage("acme/euro", AT, {"input": 4}),
    ]
    stream = rate_stream(BOOK, iter(usages))
    assert (stream.totals, stream.counts) == ({}, {"priced": 0, "free": 0, "unpriced": 0})
    large, asked, zero, euro = (BOOK.entries(f"acme/{name}")[0].hash for name in ("large", "asked", "zero", "euro"))
    no_rate = "acme/large has no rate for 'web_search' (mode standard)"
    assert list(stream) == [
        RatedAmount("priced", None, Decimal("3.015"), "acme/large", "USD", large),
        RatedAmount("priced", None, Decimal("3.5"), "acme/asked", "USD", asked),
        RatedAmount("priced", None, Decimal("1"), "acme/asked", "USD", asked),
        RatedAmount("free", None, Decimal(0), "acme/zero", "USD", zero),
        RatedAmount("priced", None, Decimal(0), "acme/large", "USD", large),
        RatedAmount("unpriced", no_rate, None, "acme/large", "USD", large),
        RatedAmount("unpriced", "model 'other' is in no price table", None, "other", None, None),
        RatedAmount("priced", None, Decimal("8"), "acme/euro", "EUR", euro),
    ]
    assert stream.totals == {"USD": Decimal("7.515"), "EUR": Decimal("8")}
    assert stream.counts == {"priced": 5, "free": 1, "unpriced": 2}
    for usage, found in zip(usages, rate_stream(BOOK, usages), strict=True):
        rated = BOOK.rate(usage)
        assert found == (rated.status, rated.reason, rated.amount, rated.model, rated.currency, rated.price_entry)


def test_totals_of_a_stream_are_of_what_was_taken_so_far() -> None:
    stream = rate_stream(BOOK, (Usage("acme/euro", AT, {"input": 1}) for _ in range(9)))
    for number, _ in zip(range(1, 4), stream, strict=False):
        assert (stream.totals["EUR"], stream.counts["priced"]) == (2 * number, number)


def test_mode_geography_time_and_context_decide_the_price_in_a_stream_too() -> None:
    entry = price(
        "acme/many",
        rates={"input": "1"},
        per=1,
        tier=[{"when": {"input_tokens_gt": 10}, "rates": {"input": "2"}}],
        mode={"batch": {"rates": {"input": "3"}}},
        multiplier={"geo": {"us": "10"}},
    )
    book = PriceBook([prices(entry)])
    before = datetime(2025, 1, 1, tzinfo=UTC)
    usages = [
        Usage("acme/many", AT, {"input": 10}),
        Usage("acme/many", AT, {"input": 11}),
        Usage("acme/many", AT, {"input": 1}, mode="batch"),
        Usage("acme/many", AT, {"input": 1}, geo="us"),
        Usage("acme/many", before, {"input": 1}),
        Usage("acme/many", AT, {"input": 1}, mode="flex"),
    ]
    found = list(rate_stream(book, usages))
    assert [rated.amount for rated in found] == [10, 22, 3, 10, None, None]
    assert [rated.reason for rated in found] == [book.rate(usage).reason for usage in usages]


def test_an_entry_that_was_withdrawn_hides_none_beside_it() -> None:
    gone, kept = price("acme/gone"), price("acme/kept")
    first = PriceBook([prices(gone, kept)])
    withdrawal = {"model": "acme/gone", "withdraws": first.entries("acme/gone")[0].hash}
    new = price("acme/new")
    book = PriceBook([prices(gone, kept), prices(withdrawal, new, recorded_at="2026-09-02T00:00:00Z")])
    assert book.models == ("acme/kept", "acme/new")
