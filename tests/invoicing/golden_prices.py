"""Golden invoices of prices and of rules on single records, each worked out by hand."""

from __future__ import annotations

from tests.builders import contract, price, prices
from tests.invoicing.golden_text import Case, fx, usage

TIERED = price(
    "acme/long",
    rates={"input": "3", "output": "15"},
    tier=[{"when": {"input_tokens_gt": 200_000}, "rates": {"input": "6", "output": "22.5"}}],
)

PRICE_CASES = (
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
