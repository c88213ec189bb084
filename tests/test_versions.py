"""In force at t, as known at k: one rule, whatever it is that has versions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from tokentill.clock import instant_text
from tokentill.contracts.book import ContractBook
from tokentill.prices.book import NoPrice, PriceBook
from tokentill.prices.fx import FxBook, FxRate
from tokentill.usage.attribution import Attribution
from tokentill.versions import edges_of, in_force, known_by

START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


class Stated(NamedTuple):
    """A statement, as its three days."""

    valid_from: datetime
    valid_to: datetime | None
    recorded_at: datetime


@st.composite
def statements(draw: st.DrawFn, *, with_ends: bool = True) -> list[Stated]:
    """Statements that differ in when they are valid from or recorded, as all that are loaded do."""
    found = {}
    for _ in range(draw(st.integers(1, 6))):
        starts, recorded = draw(st.integers(0, 8)), draw(st.integers(0, 4))
        ends = starts + draw(st.integers(1, 4)) if with_ends and draw(st.booleans()) else None
        found[starts, recorded] = Stated(day(starts), None if ends is None else day(ends), day(recorded))
    return list(found.values())


def by_hand(stated: list[Stated], at: datetime, as_of: datetime) -> Stated | None:
    """The rule as a person would go about it: sort, go through all, keep the last that holds."""
    found = None
    for version in sorted(stated, key=lambda version: (version.valid_from, version.recorded_at)):
        is_over = version.valid_to is not None and version.valid_to <= at
        if version.recorded_at <= as_of and version.valid_from <= at and not is_over:
            found = version
    return found


def content(version: Stated, kind: str, **more: object) -> dict[str, object]:
    times = {"valid_from": instant_text(version.valid_from), "recorded_at": instant_text(version.recorded_at)}
    ends = {} if version.valid_to is None else {"valid_to": instant_text(version.valid_to)}
    return {"format": 1, "kind": kind, **times, **ends, **more}


@given(statements(), st.integers(-1, 13), st.integers(-1, 5))
def test_contracts_and_prices_are_in_force_by_the_one_rule(stated: list[Stated], at: int, as_of: int) -> None:
    wanted = by_hand(stated, day(at), day(as_of))

    known = [version for version in stated if version.recorded_at <= day(as_of)]
    assert in_force(known, day(at)) == wanted

    contracts = known_by([content(version, "customer", id="acme") for version in stated], day(as_of))
    contract = ContractBook(contracts).at("customer", "acme", day(at))
    assert wanted == (contract and (contract.valid_from, contract.valid_to, contract.recorded_at))

    prices = [content(version, "prices", currency="USD") for version in stated]
    for table in prices:
        times = {key: table.pop(key) for key in ("valid_from", "valid_to") if key in table}
        table["price"] = [{"model": "a/m", "rates": {"input": "1"}, **times}]
    entry = PriceBook(prices, as_of=day(as_of)).entry_at("a/m", day(at)) if known else NoPrice("")
    assert wanted == (None if isinstance(entry, NoPrice) else (entry.valid_from, entry.valid_to, entry.recorded_at))


@given(statements(with_ends=False), st.integers(-1, 9), st.integers(-1, 5))
def test_attribution_and_exchange_rates_are_in_force_by_the_one_rule(stated: list[Stated], at: int, as_of: int) -> None:
    wanted = by_hand(stated, day(at), day(as_of))

    rules = Attribution(known_by([content(version, "attribution") for version in stated], day(as_of))).rules_at(day(at))
    assert wanted == (rules and (rules.valid_from, rules.valid_to, rules.recorded_at))

    pair = {"from": "USD", "to": "EUR"}
    listed = [
        {"date": str(version.valid_from.date()), "rate": str(number)} for number, version in enumerate(stated, start=2)
    ]
    tables = [
        {"kind": "fx", "recorded_at": instant_text(version.recorded_at), "rate": [{**pair, **rate}]}
        for version, rate in zip(stated, listed, strict=True)
    ]
    found = FxBook(known_by(tables, day(as_of))).rate("USD", "EUR", day(at).date())
    assert (found if isinstance(found, Decimal) else None) == (wanted and Decimal(stated.index(wanted) + 2))


def test_the_edges_of_versions_are_all_instants_at_which_another_may_hold() -> None:
    rate = FxRate("USD", "EUR", day(2), day(0), Decimal(1))

    assert edges_of([Stated(day(0), day(1), day(0)), rate]) == {day(0), day(1), day(2)}
    assert edges_of([]) == set()
