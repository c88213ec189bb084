"""Invoices as an accountant reads them, line by line. Each case states its arithmetic as done by hand.

The text of each invoice lies in `golden/`. TOKENTILL_WRITE_GOLDEN=1 writes it anew; read the difference before you
keep it, since the hash at its end is what an issued invoice is verified by for years.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.builders import OCTOBER, contract, price, prices, record, till
from tokentill.canonical import Content
from tokentill.store.database import Database
from tokentill.store.invoices import IssuedInvoice
from tokentill.usage.record import UsageRecord

GOLDEN = Path(__file__).parent / "golden"
IS_WRITING = os.environ.get("TOKENTILL_WRITE_GOLDEN") == "1"


@dataclass(frozen=True)
class Case:
    """One customer's October. `exact` are the exact amounts of its lines, `amounts` and `total` what is billed."""

    name: str
    exact: Sequence[str]
    amounts: Sequence[str]
    total: str
    records: Sequence[UsageRecord]
    contents: Sequence[Content] = field(default_factory=tuple)


def fx(*rates: tuple[str, str, str]) -> Content:
    """Exchange rates from USD: (day, currency, rate)."""
    listed = [{"date": day, "from": "USD", "to": to, "rate": rate} for day, to, rate in rates]
    return {"format": 1, "kind": "fx", "recorded_at": "2026-09-01T00:00:00Z", "source": "a test", "rate": listed}


def usage(number: int, when: str, input_: int, output: int, **more: Any) -> UsageRecord:
    """A record of acme/large, listed at 3 USD for a million input tokens, 0.30 cached and 15 for output."""
    return record(f"r{number}", when=when, input=input_, output=output, **more)


TIERED = price(
    "acme/long",
    rates={"input": "3", "output": "15"},
    tier=[{"when": {"input_tokens_gt": 200_000}, "rates": {"input": "6", "output": "22.5"}}],
)

CASES = (
    # 1,234,567 + 765,433 = 2,000,000 input x 3 / 1,000,000                             = 6.00
    # 400,000 cached x 0.30 / 1,000,000                                                 = 0.12
    # 100,001 output x 15 / 1,000,000                                                   = 1.500015
    # together 7.620015, rounded 7.62
    Case(
        "list-price",
        ["7.620015"],
        ["7.62"],
        "7.62",
        [usage(1, "1 00:00", 1_234_567, 100_001, cache_read=400_000), usage(2, "31 23:59", 765_433, 0)],
    ),
    # 1,000,000 input x 3 / 1,000,000 = 3; 100,000 output x 15 / 1,000,000 = 1.50; together 4.50
    # 20 % of 4.50 = 0.90; together 5.40
    Case(
        "markup-20-percent",
        ["5.4"],
        ["5.40"],
        "5.40",
        [usage(1, "5", 1_000_000, 100_000)],
        [contract(rules=[{"name": "twenty", "markup_percent": "20"}])],
    ),
    # The plan's rule: 3 requests of 100,000 input = 300,000 x 3 / 1,000,000 = 0.90; + 25 % = 0.225;
    # add-on 3 x 0.001 = 0.003, not marked up; together 1.128, rounded 1.13
    Case(
        "plan-with-add-on-per-request",
        ["1.128"],
        ["1.13"],
        "1.13",
        [usage(number, str(number), 100_000, 0) for number in (1, 2, 3)],
        [
            contract("customer", "alice", plan="pro"),
            contract(
                "plan",
                "pro",
                rules=[{"name": "pro", "markup_percent": "25", "add_on": {"request": {"price": "0.001"}}}],
            ),
            contract(rules=[{"name": "of others", "markup_percent": "1000"}]),
        ],
    ),
    # Own rates instead of the list: 2,000,000 input x 1.25 / 1,000,000 = 2.50;
    # 300,000 cached has no own rate and falls back to input: 300,000 x 1.25 / 1,000,000 = 0.375;
    # 40,000 output + 10,000 reasoning at 9 = 0.36 + 0.09 = 0.45; together 3.325, rounded away from zero: 3.33
    Case(
        "own-rates",
        ["3.325"],
        ["3.33"],
        "3.33",
        [usage(1, "7", 2_000_000, 40_000, cache_read=300_000, reasoning=10_000)],
        [
            contract(
                "customer", "alice", rules=[{"name": "own", "basis": "own", "rates": {"input": "1.25", "output": "9"}}]
            )
        ],
    ),
    # The gateway reports 0.0123456 + 1.2 = 1.2123456; + 15 % = 0.18185184; together 1.39419744, rounded 1.39
    Case(
        "cost-plus",
        ["1.39419744"],
        ["1.39"],
        "1.39",
        [usage(1, "7", 5, 5, cost="0.0123456"), usage(2, "8", 5, 5, cost="1.2")],
        [contract(rules=[{"name": "cost plus", "basis": "cost", "markup_percent": "15"}])],
    ),
    # input 1,000,000 x 3 = 3.00 and cached 1,000,000 x 0.30 = 0.30: + 10 % of 3.30 = 0.33
    # output 100,000 x 15 / 1,000,000 = 1.50: + 50 % = 0.75
    # 40 searches x 10 / 1,000 = 0.40: + 5 % (the default) = 0.02
    # together 3.30 + 0.33 + 1.50 + 0.75 + 0.40 + 0.02 = 6.30
    Case(
        "markup-by-quantity",
        ["6.3"],
        ["6.30"],
        "6.30",
        [usage(1, "9", 1_000_000, 100_000, cache_read=1_000_000, web_search=40)],
        [
            prices(price(fees={"web_search": {"price": "10", "per": 1000}})),
            contract(
                rules=[
                    {"name": "by kind", "markup_percent": {"input_total": "10", "output_total": "50", "default": "5"}}
                ]
            ),
        ],
    ),
    # 200,000 input is not more than 200,000: 200,000 x 3 / 1,000,000 = 0.60 and 1,000 output x 15 / 1,000,000 = 0.015
    # 200,001 is: the whole request moves: 200,001 x 6 / 1,000,000 = 1.200006 and 1,000 x 22.5 / 1,000,000 = 0.0225
    # together 0.615 + 1.222506 = 1.837506, rounded 1.84
    Case(
        "tiered-long-context",
        ["1.837506"],
        ["1.84"],
        "1.84",
        [
            usage(1, "3", 200_000, 1000, model="acme/long"),
            usage(2, "3", 200_001, 1000, model="acme/long"),
        ],
        [prices(TIERED)],
    ),
    # Until 16 October 00:00: 1,000,000 input x 3 = 3.00; from then on 2.50: 1,000,000 x 2.5 = 2.50
    # Two lines, since each names its price entry; the order is that of their entries' hashes.
    Case(
        "price-change-mid-month",
        ["2.5", "3"],
        ["2.50", "3.00"],
        "5.50",
        [usage(1, "15 23:59", 1_000_000, 0), usage(2, "16 00:00", 1_000_000, 0)],
        [
            prices(price()),
            prices(
                price(rates={"input": "2.5", "output": "15"}, valid_from="2026-10-16T00:00:00Z"),
                recorded_at="2026-10-10T00:00:00Z",
            ),
        ],
    ),
    # On 10 October 1 USD was 150.5 JPY, from the 20th 149.25 (the rate of the 20th also holds on the 21st):
    # 1.00 USD: 333,334 x 3 / 1,000,000 = 1.000002 x 150.5 = 150.500301
    # 100,000 x 3 / 1,000,000 = 0.30 x 149.25 = 44.775; together 195.275301, rounded 195; the yen has no decimals
    Case(
        "yen",
        ["195.275301"],
        ["195"],
        "195",
        [usage(1, "19 23:59", 333_334, 0), usage(2, "21", 100_000, 0)],
        [
            contract("customer", "alice", currency="JPY"),
            fx(("2026-10-10", "JPY", "150.5"), ("2026-10-20", "JPY", "149.25")),
        ],
    ),
    # 1,000,000 input x 3 = 3.00 USD x 0.3071 = 0.9213; add-on 2 x 0.0005 = 0.001, which is in dinars already
    # together 0.9223, rounded 0.922; the dinar has three decimals
    Case(
        "dinar-three-decimals",
        ["0.9223"],
        ["0.922"],
        "0.922",
        [usage(1, "2", 400_000, 0), usage(2, "3", 600_000, 0)],
        [
            contract(
                "customer",
                "alice",
                currency="KWD",
                rules=[{"name": "fee", "add_on": {"request": {"price": "0.0005"}}}],
            ),
            fx(("2026-09-30", "KWD", "0.3071")),
        ],
    ),
    # October in Berlin runs from 30 September 22:00 UTC (summer time) to 31 October 23:00 UTC (standard time), that
    # is 745 hours. Of the five requests the first and the last are outside: 3 x 100,000 x 3 / 1,000,000 = 0.90
    Case(
        "berlin-with-clocks-going-back",
        ["0.9"],
        ["0.90"],
        "0.90",
        [
            usage(1, "2026-09-30T21:59:59.999999+00:00", 100_000, 0),
            usage(2, "2026-09-30T22:00:00+00:00", 100_000, 0),
            usage(3, "25 00:30", 100_000, 0),
            usage(4, "2026-10-31T22:59:59.999999+00:00", 100_000, 0),
            usage(5, "2026-10-31T23:00:00+00:00", 100_000, 0),
        ],
        [contract(time_zone="Europe/Berlin")],
    ),
    # Three models: 0.005, 0.0024 and 0.0076; together 0.015, half a cent, rounded away from zero: 0.02
    # In cents 0.5, 0.24, 0.76: down to 0, 0, 0; two cents are left for the largest remainders 0.76 and 0.5.
    Case(
        "half-a-cent-with-largest-remainder",
        ["0.005", "0.0024", "0.0076"],
        ["0.01", "0.00", "0.01"],
        "0.02",
        [usage(number, "4", 1000, 0, model=model) for number, model in enumerate(("acme/a", "acme/b", "acme/c"))],
        [
            prices(
                price("acme/a", rates={"input": "5"}),
                price("acme/b", rates={"input": "2.4"}),
                price("acme/c", rates={"input": "7.6"}),
            )
        ],
    ),
    # A discount of 10 %, and nothing at all for the small model, which has its own rule:
    # 1,000,000 x 3 = 3.00; -10 % = -0.30; together 2.70, and 0 for 5,000 input of the small one
    Case(
        "discount-and-a-free-model",
        ["2.7", "0"],
        ["2.70", "0.00"],
        "2.70",
        [usage(1, "4", 1_000_000, 0), usage(2, "5", 5_000, 0, model="acme/small")],
        [
            prices(price(), price("acme/small")),
            contract(
                rules=[
                    {"name": "on us", "match": {"model": ["*/small"]}, "basis": "free"},
                    {"name": "ten off", "markup_percent": "-10"},
                ]
            ),
        ],
    ),
    # Batch mode at half price, and the night window (22:00 to 06:00 in Berlin, UTC+2) at a third of it:
    # standard 100,000 x 3 / 1,000,000 = 0.30; at night 100,000 x 1 / 1,000,000 = 0.10; batch 100,000 x 1.5 = 0.15
    # Lines: batch 0.15, standard 0.40 of two parts
    Case(
        "modes-and-night-hours",
        ["0.15", "0.4"],
        ["0.15", "0.40"],
        "0.55",
        [
            usage(1, "6 19:59", 100_000, 0),
            usage(2, "6 20:00", 100_000, 0),
            usage(3, "6 20:00", 100_000, 0, mode="batch"),
        ],
        [
            prices(
                price(
                    window=[
                        {"when": {"between": ["22:00", "06:00"], "time_zone": "Europe/Berlin"}, "rates": {"input": "1"}}
                    ],
                    mode={"batch": {"rates": {"input": "1.5", "output": "7.5"}}},
                    rates={"input": "3", "output": "15"},
                )
            )
        ],
    ),
)


def rendered(issued: IssuedInvoice) -> str:
    """An invoice as plain text with all its arithmetic."""
    content = issued.content
    currency = content["currency"]
    text = [
        f"{issued.number}  {content['customer']}  {content['period']}",
        f"from {content['period_start']} to {content['period_end']}",
    ]
    for position, line in enumerate(content["lines"], start=1):
        rule = "list price" if line["rule"] is None else f"rule {line['rule']!r} of {line['rule_contract']}"
        text += ["", f"{position}. {line['description']}, {requests(line)}, {rule}"]
        for part in line["parts"]:
            conditions = [f"{key} {part[key]}" for key in ("tier", "window") if part[key]]
            conditions += [f"{key} {part[key]}" for key in ("multiplier", "fx") if part[key] != "1"]
            text.append(f"   {requests(part)}" + (f" ({', '.join(conditions)})" if conditions else ""))
            text += [f"     {arithmetic(step)}" for step in part["steps"]]
            text.append(f"     = {part['exact_amount']}")
        text.append(f"   exactly {line['exact_amount']}, billed {line['amount']} {currency}")
    text += ["", "by day (UTC)"]
    text += [f"   {day['day']}  {requests(day)}  {day['exact_amount']}" for day in content["daily"]]
    text += ["", f"subtotal {content['subtotal']}", f"tax {content['tax']}", f"total {content['total']} {currency}"]
    cost = "not reported" if content["cost"] is None else content["cost"]
    text += [f"cost {cost}, {content['requests_without_cost']} without one", "", issued.content_hash]
    return "\n".join(text) + "\n"


def requests(counted: Content) -> str:
    """How many requests something is of."""
    return "1 request" if counted["requests"] == 1 else f"{counted['requests']} requests"


def arithmetic(step: Content) -> str:
    """One step as a sum that can be done by hand."""
    amount = f"= {step['amount']}"
    if step["kind"] == "markup":
        return f"{step['percent']} % ({step['name']}) of {step['of_amount']} {amount}"
    times_fx = f" x {step['fx']}" if "fx" in step else ""
    if step["kind"] == "cost":
        return f"the gateway's cost {step['of_amount']}{times_fx} {amount}"
    name = f"{step['name']} as {step['priced_as']}" if "priced_as" in step else step["name"]
    per = "" if step["per"] == 1 else f" / {step['per']:,}"
    added = "add-on " if step["kind"] == "add_on" else ""
    return f"{added}{step['quantity']:,} {name} x {step['rate']}{per}{times_fx} {amount}"


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_invoice_is_what_was_worked_out_by_hand_and_reads_as_before(case: Case, database: Database) -> None:
    one = till(database, *case.contents)
    one.ingest(case.records)
    closed = one.close(OCTOBER)
    assert len(closed.issued) == 1
    (issued,) = one.invoices()
    lines = issued.content["lines"]
    assert [line["exact_amount"] for line in lines] == list(case.exact)
    assert [line["amount"] for line in lines] == list(case.amounts)
    assert issued.content["total"] == case.total
    assert sum(Decimal(amount) for amount in case.amounts) == Decimal(case.total)
    path = GOLDEN / f"{case.name}.txt"
    if IS_WRITING:
        path.write_text(rendered(issued), encoding="utf-8")
    assert rendered(issued) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_every_sum_in_a_golden_text_is_right(case: Case) -> None:
    """Reads the text as a person would, and does each sum in fractions."""
    sums = 0
    part: list[Fraction] = []
    for line in (GOLDEN / f"{case.name}.txt").read_text(encoding="utf-8").splitlines():
        terms, equals, result = line.strip().rpartition("= ")
        if not equals or not line.startswith("     "):
            continue
        if not terms:
            assert sum(part, Fraction(0)) == Fraction(result), line
            part = []
            continue
        assert value_of(terms.strip()) == Fraction(result), line
        part.append(Fraction(result))
        sums += 1
    assert sums


def value_of(terms: str) -> Fraction:
    """What `1,000 input x 3 / 1,000,000 x 0.9`, `20 % (default) of 4.5` or `the gateway's cost 1.2 x 2` comes to."""
    if " % (" in terms:
        percent, _, of_amount = terms.partition(" % (")
        return Fraction(percent) * Fraction(of_amount.split(") of ")[1]) / 100
    first, *factors = terms.removeprefix("add-on ").removeprefix("the gateway's cost ").split(" x ")
    value = Fraction(first.split(" ")[0].replace(",", ""))
    for factor in factors:
        rate, _, per = factor.partition(" / ")
        value *= Fraction(rate) / (Fraction(per.replace(",", "")) if per else 1)
    return value


def test_no_golden_text_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {case.name for case in CASES}
