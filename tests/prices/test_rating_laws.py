"""One record, a stream and columns are priced alike, and as a calculator prices them that shares no code."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tests.prices.price_strategies import price_tables, second_opinion, usages
from tokentill import PriceBook, Usage
from tokentill.canonical import Content
from tokentill.prices.columns import Columns, rate_columns
from tokentill.prices.streams import rate_stream

many_usages = st.lists(usages(), max_size=30)


@given(price_tables(), st.lists(usages(), min_size=1, max_size=8))
def test_a_record_is_priced_as_in_fractions(recordings: list[Content], used: list[Usage]) -> None:
    book = PriceBook(recordings)
    for usage in used:
        rated = book.rate(usage)
        expected = second_opinion(recordings, usage)
        if expected is None:
            assert (rated.status, rated.amount, rated.lines) == ("unpriced", None, ())
            assert rated.reason
        else:
            assert rated.reason is None
            assert Fraction(rated.amount) == sum(expected.values())
            found = {line.name: Fraction(line.amount) for line in rated.lines if line.amount}
            assert found == {name: amount for name, amount in expected.items() if amount}
            assert all(Fraction(line.amount) == line.quantity * Fraction(line.rate) / line.per for line in rated.lines)
            assert (rated.status == "free") <= (rated.amount == 0)


@given(price_tables(), many_usages)
def test_a_stream_gives_what_each_record_gives(recordings: list[Content], used: list[Usage]) -> None:
    book = PriceBook(recordings)
    rated = [book.rate(usage) for usage in used]

    stream = rate_stream(book, iter(used))

    assert [tuple(one) for one in stream] == [
        (one.status, one.reason, one.amount, one.model, one.currency, one.price_entry) for one in rated
    ]
    assert {currency: Fraction(total) for currency, total in stream.totals.items()} == _totals(book, used)
    assert stream.counts == {
        status: sum(one.status == status for one in rated) for status in ("priced", "free", "unpriced")
    }


@given(price_tables(), many_usages)
def test_columns_give_what_each_record_gives(recordings: list[Content], used: list[Usage]) -> None:
    book = PriceBook(recordings)
    rated = [book.rate(usage) for usage in used]

    found = rate_columns(book, Columns.from_usages(used))

    assert [found.amount(row) for row in range(len(used))] == [one.amount for one in rated]
    assert [found.status(row) for row in range(len(used))] == [one.status for one in rated]
    unpriced = [row for row, one in enumerate(rated) if one.status == "unpriced"]
    assert found.unpriced.tolist() == unpriced
    assert list(found.reasons) == [rated[row].reason for row in unpriced]
    assert {currency: Fraction(total) for currency, total in found.totals.items()} == _totals(book, used)
    for row, one in enumerate(rated):
        if one.status != "unpriced":
            plan = found.cards[found.card_codes[row]]
            assert (plan.entry.hash, plan.choice.tier, plan.choice.window) == (one.price_entry, one.tier, one.window)


@given(many_usages)
def test_usages_come_out_of_columns_as_they_went_in(used: list[Usage]) -> None:
    columns = Columns.from_usages(used)

    assert len(columns) == len(used)
    for row, usage in enumerate(used):
        found = columns.usage(row)
        assert (found.model, found.occurred_at, found.mode, found.geo) == (
            usage.model,
            usage.occurred_at,
            usage.mode,
            usage.geo,
        )
        assert found.input_tokens == usage.input_tokens
        kept = {name: count for name, count in found.quantities.items() if count}
        assert kept == {name: count for name, count in {"request": 1, **usage.quantities}.items() if count}


def _totals(book: PriceBook, used: list[Usage]) -> dict[str, Fraction]:
    totals: dict[str, Fraction] = {}
    for usage in used:
        rated = book.rate(usage)
        if rated.amount is not None and rated.currency is not None:
            totals[rated.currency] = totals.get(rated.currency, Fraction(0)) + Fraction(rated.amount)
    return totals
