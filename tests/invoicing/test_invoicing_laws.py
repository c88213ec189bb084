"""Laws of the pure function: what an invoice comes to depends on the records and on nothing else.

Months are generated: users under contracts of every kind, models with every kind of price, records that lie on the
edges of periods, prices and windows. What they come to is worked out a second time, record by record in fractions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import OCTOBER, MovableClock, attribution, contract, folder, price, prices, till
from tests.independent import calculator
from tests.invoicing.invoicing_tools import SecondOpinion, contents_by_customer, exact_lines, minor, new_sqlite
from tokentill.canonical import Content, canonical_bytes
from tokentill.pricing.book import PriceBook
from tokentill.usage.record import Usage, UsageRecord

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
SLOW = settings(max_examples=max(20, settings().max_examples // 2))


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
    }
    found = []
    for number in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from(sorted(kinds)))
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
        found.append(
            UsageRecord.checked(
                source="arouter",
                record_id=f"r{number}",
                occurred_at=draw(at_an_edge | any_time),
                user=draw(st.sampled_from(USERS)),
                model=model,
                mode="batch" if model == "acme/moded" and draw(st.booleans()) else None,
                geo=draw(st.sampled_from([None, "us", "eu", "mars"])),
                quantities=quantities,
                cost=Decimal(draw(st.integers(0, 10**9))).scaleb(-9),
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


def _close(month: MonthOfUsage, batches: list[list[UsageRecord]]) -> dict[str, bytes]:
    """The invoices of a fresh database that the records came to in these batches."""
    with new_sqlite() as database:
        one = till(database, *month.contents, clock=MovableClock(NEW_YEAR))
        for batch in batches:
            one.ingest(batch)
        closed = one.close(OCTOBER)
        assert not closed.is_refused
        assert not closed.not_due
        return contents_by_customer(one)


@SLOW
@given(month=months(), data=st.data())
def test_order_batches_and_duplicates_do_not_change_a_byte_of_any_invoice(month: MonthOfUsage, data: Any) -> None:
    expected = _close(month, [list(month.records)])
    permuted = data.draw(st.permutations(month.records))
    assert _close(month, [permuted]) == expected
    cuts = sorted(data.draw(st.lists(st.integers(0, len(permuted)), max_size=4)))
    split = [permuted[start:end] for start, end in pairwise([0, *cuts, len(permuted)])]
    assert _close(month, split) == expected
    again = data.draw(st.lists(st.sampled_from(month.records), max_size=2 * len(month.records)))
    assert _close(month, [permuted + again, *split, again]) == expected


@given(month=months())
def test_every_invoice_is_what_the_records_come_to_one_by_one_in_fractions(month: MonthOfUsage) -> None:
    expected = SecondOpinion(month.records, month.contents, OCTOBER)
    with new_sqlite() as database:
        one = till(database, *month.contents, clock=MovableClock(NEW_YEAR))
        one.ingest(month.records)
        one.close(OCTOBER)
        issued = {found.customer: found.content for found in one.invoices()}
    assert issued.keys() == expected.invoices.keys()
    for customer, invoice in expected.invoices.items():
        content = issued[customer]
        assert content["currency"] == invoice.currency
        assert exact_lines(content) == invoice.lines
        assert minor(content["total"], invoice.currency) == invoice.total_minor
        assert sum(line["requests"] for line in content["lines"]) == invoice.requests
        days = {day["day"]: Fraction(day["exact_amount"]) for day in content["daily"]}
        assert days == expected.by_day[customer]


@given(month=months())
def test_lines_add_up_to_the_total_and_each_is_within_one_minor_unit_of_its_exact_amount(month: MonthOfUsage) -> None:
    with new_sqlite() as database:
        one = till(database, *month.contents, clock=MovableClock(NEW_YEAR))
        one.ingest(month.records)
        one.close(OCTOBER)
        for invoice in one.invoices():
            content, currency = invoice.content, invoice.currency
            amounts = [minor(line["amount"], currency) for line in content["lines"]]
            assert sum(amounts) == minor(content["subtotal"], currency) == invoice.total_minor
            exact = [minor(line["exact_amount"], currency) for line in content["lines"]]
            assert abs(sum(exact) - invoice.total_minor) <= Fraction(1, 2)
            assert calculator.rounded(sum(exact, Fraction(0))) == invoice.total_minor
            for amount, line in zip(amounts, exact, strict=True):
                assert amount.denominator == 1
                assert abs(amount - line) < 1
                assert amount == line or line.denominator != 1, "a line that is whole keeps its amount"
            for line in content["lines"]:
                assert sum(Fraction(part["exact_amount"]) for part in line["parts"]) == Fraction(line["exact_amount"])
                for part in line["parts"]:
                    steps = sum((Fraction(step["amount"]) for step in part["steps"]), Fraction(0))
                    assert steps == Fraction(part["exact_amount"])


@SLOW
@given(month=months())
def test_a_preview_is_what_is_issued_and_what_verification_computes(month: MonthOfUsage) -> None:
    with new_sqlite() as database:
        one = till(database, *month.contents, clock=MovableClock(NEW_YEAR))
        one.ingest(month.records)
        previewed = {found.invoice.customer: found.invoice for found in one.preview(OCTOBER).customers}
        closed = one.close(OCTOBER)
        invoices = one.invoices()
        assert tuple(found.number for found in invoices) == closed.issued
        assert [found.customer for found in invoices] == sorted(previewed, key=str.encode)
        for issued in invoices:
            assert issued.content_hash == previewed[issued.customer].content_hash
            assert issued.content_bytes == canonical_bytes(previewed[issued.customer].content())
            alone = one.preview(OCTOBER, issued.customer).customers[0]
            assert alone.invoice.content_hash == issued.content_hash
            assert alone.issued_number == issued.number
        verification = one.verify()
        assert verification.is_sound
        assert len(verification.invoices) == len(invoices)


@SLOW
@given(month=months())
def test_explained_records_are_those_of_the_customer_and_add_up_to_each_line(month: MonthOfUsage) -> None:
    expected = SecondOpinion(month.records, month.contents, OCTOBER)
    with new_sqlite() as database:
        one = till(database, *month.contents, clock=MovableClock(NEW_YEAR))
        one.ingest(month.records)
        one.close(OCTOBER)
        for issued in one.invoices():
            explained = one.explain(issued.number)
            assert [found.position for found in explained] == list(range(1, len(issued.content["lines"]) + 1))
            by_record: dict[str, Fraction] = {}
            for found in explained:
                amounts = {one.record.record_id: Fraction(one.exact_amount) for one in found.records}
                assert len(amounts) == len(found.records) == found.line["requests"]
                assert sum(amounts.values()) == Fraction(found.line["exact_amount"])
                assert not by_record.keys() & amounts.keys(), "a record is on one line"
                by_record |= amounts
                assert found.price_entry is not None
                assert (found.rule is None) == (found.line["rule"] is None)
            assert by_record == expected.by_record[issued.customer]


@SLOW
@given(tables=price_tables(), records=usage_records(), zone=st.sampled_from(ZONES))
def test_the_amount_of_a_month_is_the_sum_of_what_the_library_rates_record_by_record(
    tables: list[Content], records: list[UsageRecord], zone: str
) -> None:
    contents = (*tables, contract(time_zone=zone))
    book = PriceBook(folder(*contents).prices)
    with new_sqlite() as database:
        one = till(database, *contents, clock=MovableClock(NEW_YEAR))
        one.ingest(records)
        one.close(OCTOBER)
        invoices = one.invoices()
        period = one.preview(OCTOBER).default_period
    rated: dict[str, Fraction] = {}
    for record in records:
        if record.user is None or not period.holds(record.occurred_at):
            continue
        usage = Usage(record.model, record.occurred_at, record.quantities, mode=record.mode, geo=record.geo)
        amount = book.rate(usage).amount
        assert amount is not None
        rated[record.user] = rated.get(record.user, Fraction(0)) + Fraction(amount)
    assert {
        found.customer: sum((Fraction(line["exact_amount"]) for line in found.content["lines"]), Fraction(0))
        for found in invoices
    } == rated


@SLOW
@given(month=months())
def test_the_order_of_what_people_wrote_does_not_change_an_invoice(month: MonthOfUsage) -> None:
    turned = MonthOfUsage(tuple(reversed(month.contents)), month.records)
    assert _close(month, [list(month.records)]) == _close(turned, [list(month.records)])


def test_generated_months_reach_every_kind_of_price_and_contract() -> None:
    """The laws above would hold for empty months too; this says that the months are not empty."""
    seen: set[str] = set()

    @settings(max_examples=200, database=None, derandomize=True)
    @given(month=months())
    def look(month: MonthOfUsage) -> None:
        opinion = SecondOpinion(month.records, month.contents, OCTOBER)
        for invoice in opinion.invoices.values():
            seen.add(invoice.currency)
            seen.update(f"{model} {mode}" for model, mode, _ in invoice.lines)
            seen.update("rule " + rule.split(": ")[-1] for _, _, rule in invoice.lines if rule)

    look()
    models = {"acme/plain", "acme/tiered", "acme/windowed", "acme/moded", "acme/near"}
    wanted = {"USD", "EUR", "JPY", "KWD", "acme/moded batch", *(f"{model} standard" for model in models)}
    kinds = ("list", "markup", "by quantity", "own", "cost", "add-on", "free", "pro")
    assert wanted | {f"rule {kind}" for kind in kinds} <= seen


@pytest.mark.parametrize("split", [1, 7, 60])
def test_a_thousand_lines_below_half_a_cent_are_not_lost(split: int) -> None:
    """1,000 models at 0.004 USD each come to 4.00 USD, however the records arrive."""
    models = [f"acme/model-{number:04d}" for number in range(1000)]
    contents = (prices(*(price(model, rates={"input": "4"}) for model in models)),)
    records = [
        UsageRecord.checked(
            source="arouter",
            record_id=model,
            occurred_at=datetime(2026, 10, 5, tzinfo=UTC),
            user="ann",
            model=model,
            quantities={"input": 1000},
        )
        for model in models
    ]
    size = -(-len(records) // split)
    batches = [records[start : start + size] for start in range(0, len(records), size)]
    content = _close(MonthOfUsage(contents, tuple(records)), batches)["ann"]
    assert b'"total":"4.00"' in content
    assert content.count(b'"amount":"0.01"') == 400
    assert content.count(b'"amount":"0.00"') == 600
