"""Generated months for tests of laws: contracts and prices of every kind, records on their edges."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.builders import attribution, contract, price, prices
from tokentill.canonical import Content
from tokentill.usage.record import UsageRecord

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
USERS = ("ann", "Ann", "bob", "org_cee", "dé", "org_")
MODELS = ("acme/plain", "acme/tiered", "acme/windowed", "acme/moded", "acme/near", "acme/plain:nitro", "plain-1")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "America/Santiago")
EDGES = tuple(
    datetime.fromisoformat(f"{text}+00:00")
    for text in (
        "2026-09-30T22:00:00",
        "2026-10-01T00:00:00",
        "2026-10-01T04:00:00",
        "2026-10-12T09:30:00",
        "2026-10-16T00:00:00",
        "2026-10-25T01:00:00",
        "2026-10-31T11:00:00",
        "2026-10-31T23:00:00",
        "2026-11-01T00:00:00",
        "2026-11-15T03:00:00",
    )
)


@dataclass(frozen=True)
class MonthOfUsage:
    """A generated month: what people wrote, and what happened."""

    contents: tuple[Content, ...]
    records: tuple[UsageRecord, ...]


rates = st.integers(0, 40_000).map(lambda thousandths: format(Decimal(thousandths) / 1000, "f"))
counts = st.integers(0, 5_000) | st.sampled_from([0, 1, 1_000_000, 199_999, 200_000, 200_001])


def _rates(draw: Any, *names: str) -> dict[str, str]:
    return {name: draw(rates) for name in names}


@st.composite
def price_tables(draw: Any) -> list[Content]:
    """Two recordings: the second changes the price of two models in the middle of the month."""
    plain = price("acme/plain", rates=_rates(draw, "input", "cache_read", "output"), aliases=["plain-1"])
    plain["fees"] = {"web_search": {"price": "10", "per": 1000}}
    condition = draw(st.sampled_from(["input_tokens_gt", "input_tokens_gte"]))
    tiered = price("acme/tiered", rates=_rates(draw, "input", "output"))
    tiered["tier"] = [{"when": {condition: 200_000}, "rates": _rates(draw, "input", "cache_read", "output")}]
    between = draw(st.sampled_from([["22:00", "06:00"], ["09:30", "17:00"], ["00:00", "12:00"]]))
    when = {"between": between, "time_zone": draw(st.sampled_from(ZONES))}
    if draw(st.booleans()):
        when["days"] = ["mon", "wed", "sat"]
    windowed = price("acme/windowed", rates=_rates(draw, "input", "output"))
    windowed["window"] = [{"when": when, "rates": _rates(draw, "input", "output")}]
    moded = price("acme/moded", rates=_rates(draw, "input", "output"))
    moded["mode"] = {"batch": {"rates": _rates(draw, "input", "output")}}
    near = price("acme/near", rates=_rates(draw, "input", "output"), multiplier={"geo": {"us": "1.1", "eu": "0.95"}})
    changes = draw(st.sampled_from(EDGES))
    text = changes.isoformat().replace("+00:00", "Z")
    later = [
        price("acme/plain", rates=_rates(draw, "input", "output"), valid_from=text, fees=plain["fees"]),
        price("acme/near", rates=_rates(draw, "input", "output"), valid_from=text),
    ]
    return [
        prices(plain, tiered, windowed, moded, near),
        prices(*later, recorded_at="2026-09-02T00:00:00Z"),
    ]


def _decimal(low: int, high: int, digits: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(lambda value: format(Decimal(value).scaleb(-digits), "f"))


percents = st.sampled_from(["0", "10", "33.3", "-5", "200"])


@st.composite
def tables_of_tiers(draw: Any, *, may_have_rates: bool) -> Content:
    """Tiers over units or over spend, with limits that a month of these records meets."""
    over = draw(
        st.sampled_from(
            [["spend"], ["output_total"], ["request"], ["input", "output"], ["input_total"], ["output", "request"]]
        )
    )
    limits = sorted(draw(st.sets(st.integers(1, 12), min_size=1, max_size=3)))
    step = {"spend": Decimal("0.013"), "request": Decimal(1)}.get(over[0], Decimal(1500))
    tiers: list[Content] = [{"up_to": format(limit * step, "f")} for limit in limits] + [{}]
    for tier in tiers:
        if draw(st.booleans()):
            tier["markup_percent"] = draw(percents)
        if over != ["spend"] and may_have_rates and draw(st.booleans()):
            tier["rates"] = {name: draw(rates) for name in over}
        if draw(st.booleans()):
            tier["flat"] = draw(_decimal(0, 300, 2))
    return {"kind": draw(st.sampled_from(["graduated", "volume"])), "over": over, "tier": tiers}


@st.composite
def rules_with_memory(draw: Any) -> Content:
    """A rule for which the order of records matters, or each by itself."""
    rule: Content = {"basis": draw(st.sampled_from(["list", "list", "own", "cost", "free"]))}
    if rule["basis"] == "own":
        rule["rates"] = _rates(draw, "input", "output")
    is_cost = rule["basis"] == "cost"
    special = draw(st.sampled_from(["units", "margin", "credits", "margin and credits"]))
    if draw(st.booleans()):
        rule["markup_percent"] = draw(percents)
    if draw(st.booleans()):
        rule["add_on"] = {"request": {"price": "0.002"}, "input_total": {"price": "1.5", "per": 1_000_000}}
    if draw(st.booleans()):
        rule["tiers"] = draw(tables_of_tiers(may_have_rates=not is_cost))
    if not is_cost and draw(st.booleans()):
        rule["package"] = {"web_search": {"price": draw(_decimal(0, 90, 2)), "size": draw(st.integers(1, 4))}}
    if "margin" in special:
        rule["min_margin_percent"] = draw(st.sampled_from(["0", "12.5"]))
    if "credits" in special:
        at_least = draw(st.integers(0, 2))
        rule["credits"] = {"name": "credit", "worth": "0.004", "round_up": "request", "at_least": at_least}
    if draw(st.booleans()):
        rule["allowance"] = {"amount": draw(_decimal(1, 300, 3))}
    if special == "units" and not is_cost:
        name = draw(st.sampled_from(["output_total", "input", "request", "input_total"]))
        units = draw(st.integers(1, 6)) if name == "request" else draw(st.integers(1, 20_000))
        rule["allowance"] = {**rule.get("allowance", {}), "units": {name: units}}
    if draw(st.booleans()):
        rule["byok_fee_percent"] = "5"
    return rule


@st.composite
def rules(draw: Any) -> list[Content]:
    """Up to two rules, of which the first may concern some of the models only."""
    kinds: dict[str, Content] = {
        "list": {},
        "markup": {"markup_percent": draw(st.sampled_from(["20", "12.5", "-10", "0.001"]))},
        "by quantity": {"markup_percent": {"output": "50", "input_total": "7.5", "default": "3"}},
        "own": {"basis": "own", "rates": _rates(draw, "input", "output")},
        "cost": {"basis": "cost", "markup_percent": "15"},
        "add-on": {"add_on": {"request": {"price": "0.002"}, "output_total": {"price": "1.5", "per": 1_000_000}}},
        "free": {"basis": "free"},
        "with memory": draw(rules_with_memory()),
    }
    found = []
    for number in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from([*sorted(kinds), *["with memory"] * 4]))
        rule = {"name": f"{number}: {name}", **kinds[name]}
        if number == 0:
            rule["match"] = {"model": draw(st.sampled_from([["acme/*"], ["acme/plain"], ["*ed"], ["acme/????"]]))}
        found.append(rule)
    return found


@st.composite
def contracts(draw: Any) -> list[Content]:
    """A default, a plan, and contracts of some users; one of them changes in the middle of the month."""
    found = [
        contract(time_zone=draw(st.sampled_from(ZONES)), rules=draw(rules())),
        contract("plan", "pro", rules=[{"name": "pro", "markup_percent": "30"}]),
    ]
    for user in draw(st.lists(st.sampled_from(["ann", "bob", "cee", "dé"]), unique=True)):
        terms: Content = {
            "currency": draw(st.sampled_from(["USD", "EUR", "JPY", "KWD"])),
            "time_zone": draw(st.sampled_from(ZONES)),
            "anchor_day": draw(st.sampled_from([1, 1, 15, 31])),
        }
        if draw(st.booleans()):
            terms["plan"] = "pro"
        found.append(contract("customer", user, rules=draw(rules()), **terms))
        if draw(st.booleans()):
            changed = draw(st.sampled_from(EDGES)).isoformat().replace("+00:00", "Z")
            found.append(contract("customer", user, rules=draw(rules()), **{**terms, "valid_from": changed}))
    return found


@st.composite
def usage_records(draw: Any, count_max: int = 30) -> list[UsageRecord]:
    """Records of October and around, many of them right at an edge."""
    first = datetime(2026, 9, 29, tzinfo=UTC)
    any_time = st.integers(0, 49 * 86_400_000_000).map(lambda micros: first + timedelta(microseconds=micros))
    at_an_edge = st.builds(
        lambda edge, step: edge + step * MICROSECOND, st.sampled_from(EDGES), st.sampled_from([-1, 0, 1])
    )
    found = []
    for number in range(draw(st.integers(1, count_max))):
        model = draw(st.sampled_from(MODELS))
        quantities = {"input": draw(counts), "output": draw(counts)}
        if draw(st.booleans()):
            quantities |= {"cache_read": draw(counts), "reasoning": draw(counts)}
        if model in ("acme/plain", "plain-1"):
            quantities["web_search"] = draw(st.integers(0, 3))
        if not any(quantities.values()):
            quantities["input"] = 1  # what costs something and reports no quantity is missing usage
        found.append(
            UsageRecord(
                source="arouter",
                record_id=f"r{number}",
                occurred_at=draw(at_an_edge | any_time),
                user=draw(st.sampled_from(USERS)),
                model=model,
                mode="batch" if model == "acme/moded" and draw(st.booleans()) else None,
                geo=draw(st.sampled_from([None, "us", "eu", "mars"])),
                quantities=quantities,
                cost=Decimal(draw(st.integers(1, 10**8))).scaleb(-9),  # one of 0 is refused where cost is billed
                is_byok=draw(st.booleans()),
            )
        )
    return found


FX: Content = {
    "format": 1,
    "kind": "fx",
    "recorded_at": "2026-09-01T00:00:00Z",
    "source": "a test",
    "rate": [
        {"date": day, "from": "USD", "to": to, "rate": rate}
        for day, to, rate in (
            ("2026-09-01", "EUR", "0.92"),
            ("2026-10-10", "EUR", "0.931"),
            ("2026-09-01", "JPY", "150"),
            ("2026-10-16", "JPY", "151.237"),
            ("2026-09-01", "KWD", "0.3071"),
        )
    ],
}


@st.composite
def months(draw: Any) -> MonthOfUsage:
    """A month under everything that contracts and price tables can say."""
    attributed = attribution({"match": {"user": "org_{id}"}, "customer": "{id}"})
    contents = (*draw(price_tables()), *draw(contracts()), attributed, FX)
    return MonthOfUsage(contents, tuple(draw(usage_records())))
