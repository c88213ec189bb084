"""Price tables and usages that hit every edge, and what a second calculator makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Any

from hypothesis import strategies as st

from tests.builders import prices
from tests.verification.calculator import Folder, NoPrice, Request, list_charges
from tokentill.canonical import Content
from tokentill.clock import MICROSECOND
from tokentill.usage.record import Usage

MODELS = ["acme/one", "acme/two", "one", "acme/one:floor", "acme/one:free", "other/three"]
MODES = [None, "standard", "batch", "priority"]
GEOS = [None, "us", "eu", "mars"]
ZONES = ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia"]
TIMES = ["00:00", "00:30", "06:00", "12:15", "16:30", "22:00", "24:00"]
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
THRESHOLDS = [1, 999, 1000, 200_000]
LEAVES = ["input", "cache_read", "cache_write_1h", "input_audio", "output", "reasoning"]
COUNTERS = ["request", "web_search"]
USED = ["input", "output", "cache_read", "reasoning", *LEAVES, *COUNTERS]

# In every one of these October days something may change: entries, modes, and clocks in Europe.
CHANGES = [
    datetime(2026, 10, 1, tzinfo=UTC),
    datetime(2026, 10, 11, 16, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
]

amounts = st.sampled_from(["0", "3", "0.3", "15", "0.0375", "2.5", "1000", "0.000000000001", "123.456789"])


def text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


@st.composite
def rates(draw: Any) -> dict[str, str]:
    names = {"input", "output", *draw(st.lists(st.sampled_from(LEAVES), max_size=3))}
    if draw(st.integers(0, 7)) == 0:
        names.discard("output")
    return {name: draw(amounts) for name in sorted(names)}


@st.composite
def tiers(draw: Any) -> list[Content]:
    thresholds = sorted(draw(st.lists(st.sampled_from(THRESHOLDS), max_size=2, unique=True)))
    condition = draw(st.sampled_from(["input_tokens_gt", "input_tokens_gte"]))
    return [{"when": {condition: threshold}, "rates": draw(rates())} for threshold in thresholds]


@st.composite
def windows(draw: Any) -> list[Content]:
    found = []
    for _ in range(draw(st.integers(0, 2))):
        starts, ends = draw(st.lists(st.sampled_from(TIMES), min_size=2, max_size=2, unique=True))
        when: Content = {"between": ["00:00" if starts == "24:00" else starts, ends]}
        if draw(st.booleans()):
            when["time_zone"] = draw(st.sampled_from(ZONES))
        if draw(st.booleans()):
            when["days"] = draw(st.lists(st.sampled_from(DAYS), min_size=3, unique=True))
        if when["between"][0] != when["between"][1]:
            found.append({"when": when, "rates": draw(rates()), "tier": draw(tiers())})
    return found


@st.composite
def fees(draw: Any) -> dict[str, Content]:
    names = draw(st.lists(st.sampled_from(COUNTERS), max_size=2, unique=True))
    return {name: {"price": draw(amounts), "per": draw(st.sampled_from([1, 1000]))} for name in names}


@st.composite
def rate_sets(draw: Any) -> Content:
    return {"rates": draw(rates()), "tier": draw(tiers()), "window": draw(windows())}


@st.composite
def entries(draw: Any, model: str, valid_from: datetime) -> Content:
    entry: Content = {"model": model, "valid_from": text(valid_from), "aliases": ["one"] if model == MODELS[0] else []}
    if draw(st.integers(0, 9)) == 0:
        return {**entry, "free": True}
    entry |= {**draw(rate_sets()), "per": draw(st.sampled_from([1, 1000, 1_000_000])), "fees": draw(fees())}
    if draw(st.integers(0, 2)) == 0:
        entry["valid_to"] = text(valid_from + timedelta(days=draw(st.sampled_from([1, 10, 40]))))
    if draw(st.booleans()):
        entry["fallback"] = draw(st.sampled_from([{"input_audio": "input"}, {"reasoning": "input"}]))
    if draw(st.booleans()):
        entry["multiplier"] = {"geo": {"us": "1.1", "eu": "0.95"}}
    if draw(st.integers(0, 4)):
        mode = draw(rate_sets())
        if draw(st.booleans()):
            mode["fees"] = draw(fees())
        if draw(st.integers(0, 2)) == 0:
            mode["valid_from"] = text(draw(st.sampled_from(CHANGES)))
        if draw(st.integers(0, 2)) == 0:
            mode["valid_to"] = text(draw(st.sampled_from(CHANGES)))
        entry["mode"] = {"batch": mode}
    return entry


@st.composite
def price_tables(draw: Any) -> list[Content]:
    """Two recordings in two currencies; a model has up to four entries, of which some were recorded later."""
    found = []
    for currency, recorded_at in (("USD", "2026-09-01T00:00:00Z"), ("EUR", "2026-09-02T00:00:00Z")):
        listed = [
            draw(entries(model, change))
            for model in (MODELS[0], MODELS[1])
            for change in draw(st.lists(st.sampled_from(CHANGES), max_size=2, unique=True)) or [CHANGES[0]]
        ]
        if currency == "USD" or draw(st.booleans()):
            found.append(prices(*listed, currency=currency, recorded_at=recorded_at))
    return found


around_changes = st.builds(
    lambda change, step: change + step * MICROSECOND, st.sampled_from(CHANGES), st.integers(-1, 1)
)
on_the_minute = st.integers(0, 40 * 24 * 60).map(lambda n: datetime(2026, 10, 1, tzinfo=UTC) + timedelta(minutes=n))
any_time = st.builds(lambda at, step: at + step * MICROSECOND, on_the_minute, st.integers(-1, 1))
counts = st.one_of(
    st.sampled_from([0, 1, 2, 499, 500, 999, 1000, 1001, 200_000, 200_001]),
    st.integers(0, 10**7),
    st.sampled_from([1, 10**12, 2**63 - 1]),
)


@st.composite
def usages(draw: Any) -> Usage:
    names = draw(st.lists(st.sampled_from(USED), max_size=5, unique=True))
    return Usage(
        draw(st.one_of(st.sampled_from(MODELS[:2]), st.sampled_from(MODELS))),
        draw(st.one_of(around_changes, any_time)),
        {name: draw(counts) for name in names},
        draw(st.one_of(st.just("batch"), st.sampled_from(MODES))),
        draw(st.sampled_from(GEOS)),
        draw(st.one_of(st.none(), st.none(), st.sampled_from([0, 999, 1000, 1001, 200_000, 200_001]))),
    )


def second_opinion(recordings: list[Content], usage: Usage) -> dict[str, Fraction] | None:
    """The charges of a usage by quantity, worked out by the independent calculator; None when it has no price."""
    folder = Folder({}, {}, [], [], [])
    for recording in recordings:
        for entry in recording["price"]:
            header = {"recorded_at": recording["recorded_at"], "currency": recording["currency"]}
            # The calculator asks no mode of a free entry; one with rates of zero is free and is asked.
            free = {"rates": dict.fromkeys([*LEAVES, "web_search"], "0")} if entry.get("free") else {}
            folder.prices.setdefault(entry["model"], []).append(_as_written(header | {**entry, **free, "free": False}))
            folder.aliases.update(dict.fromkeys(entry["aliases"], entry["model"]))
    used = {name: count for name, count in usage.quantities.items() if count and name != "request"}
    request = _Stated(
        "", usage.occurred_at, usage.model, None, None, None, usage.mode or "standard", usage.geo, used, None
    )
    request.stated.append(usage.input_tokens)
    try:
        charges, _, _ = list_charges(request, folder)
    except NoPrice:
        return None
    if "request" in charges:  # it counts one request
        charges["request"] *= usage.quantities.get("request", 1)
    return charges


class _Stated(Request):
    """A request whose input total may be stated beside its quantities, as for a sum of requests."""

    @cached_property
    def stated(self) -> list[int | None]:
        return []

    def sum_of(self, names: set[str]) -> int:
        return Request.sum_of(self, names) if self.stated[0] is None else self.stated[0]


def _as_written(content: Any, key: str = "") -> Any:
    """Canonical content as the calculator reads it out of a file."""
    if isinstance(content, Mapping):
        inner = key if key in ("rates", "geo") else ""
        return {name: _as_written(value, inner or name) for name, value in content.items()}
    if isinstance(content, list):
        return [_as_written(value) for value in content]
    if key in ("recorded_at", "valid_from", "valid_to"):
        return datetime.fromisoformat(content)
    if key in ("rates", "geo", "price") and isinstance(content, str):
        return Fraction(content)
    return content
