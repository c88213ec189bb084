"""Golden invoices of everything that a contract can agree to, each worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.builders import OCTOBER, contract, grants
from tests.invoicing.golden_text import Case, usage
from tokentill.canonical import Content


def rule(**does: Any) -> Content:
    """A default contract with one rule."""
    return contract(rules=[{"name": "agreed", **does}])


def own(invoice: Content, **more: Any) -> Content:
    """A contract of alice's about the whole invoice."""
    return contract("customer", "alice", invoice=invoice, **more)


GRADUATED = [
    {"up_to": "100000", "rates": {"output": "20"}, "flat": "1"},
    {"up_to": "250000", "rates": {"output": "10"}, "flat": "2"},
    {"rates": {"output": "5"}},
]

AGREEMENT_CASES = (
    # The first 100,000 output tokens of the month are included: 60,000 of the 3rd and 40,000 of the 5th.
    # 1,000,000 input x 3 = 3.00; 40,000 output x 15 / 1,000,000 = 0.60; 20 % of 3.60 = 0.72; together 4.32
    Case(
        "allowance-of-units",
        ["4.32"],
        ["4.32"],
        "4.32",
        [usage(1, "3", 1_000_000, 60_000), usage(2, "5", 0, 80_000)],
        [rule(markup_percent="20", allowance={"units": {"output_total": 100_000}})],
    ),
    # 1,000,000 input x 3 = 3.00 and 200,000 output x 15 / 1,000,000 = 3.00; + 50 % = 9.00, of which 5.00 are included
    Case(
        "allowance-of-money",
        ["4"],
        ["4.00"],
        "4.00",
        [usage(1, "1", 1_000_000, 0), usage(2, "2", 0, 200_000)],
        [rule(markup_percent="50", allowance={"amount": "5"})],
    ),
    # Output counts on: 90,000 of the 2nd and 10,000 of the 3rd in the first tier, 100,000 x 20 / 1,000,000 = 2.00
    # 20,000 of the 3rd and 130,000 of the 4th in the second, 150,000 x 10 / 1,000,000 = 1.50
    # 70,000 of the 4th above, x 5 / 1,000,000 = 0.35; 100,000 input at the list price = 0.30; together 4.15
    # and 1.00 and 2.00 for entering the first two tiers
    Case(
        "graduated-tiers-of-units",
        ["4.15", "1", "2"],
        ["4.15", "1.00", "2.00"],
        "7.15",
        [usage(1, "2", 100_000, 90_000), usage(2, "3", 0, 30_000), usage(3, "4", 0, 200_000)],
        [rule(tiers={"kind": "graduated", "over": ["output_total"], "tier": GRADUATED})],
    ),
    # 320,000 output reach the third tier, and all are billed in it: x 5 / 1,000,000 = 1.60; 100,000 input = 0.30
    Case(
        "volume-tiers-of-units",
        ["1.9"],
        ["1.90"],
        "1.90",
        [usage(1, "2", 100_000, 90_000), usage(2, "3", 0, 30_000), usage(3, "4", 0, 200_000)],
        [rule(tiers={"kind": "volume", "over": ["output_total"], "tier": GRADUATED})],
    ),
    # Three requests reach the second tier: 3 x 100,000 input x 3 / 1,000,000 = 0.90; + 20 % = 1.08
    Case(
        "volume-tiers-of-requests",
        ["1.08"],
        ["1.08"],
        "1.08",
        [usage(number, str(number), 100_000, 0) for number in (1, 2, 3)],
        [
            rule(
                tiers={
                    "kind": "volume",
                    "over": ["request"],
                    "tier": [
                        {"up_to": "2", "markup_percent": "30"},
                        {"up_to": "10", "markup_percent": "20"},
                        {"markup_percent": "10"},
                    ],
                }
            )
        ],
    ),
    # List prices 3.00 on the 2nd and 4.50 on the 3rd. The first 2.00: + 50 % = 1.00; the next 3.00: + 20 % = 0.60;
    # the last 2.50 as they are; together 9.10
    Case(
        "graduated-tiers-of-spend",
        ["9.1"],
        ["9.10"],
        "9.10",
        [usage(1, "2", 1_000_000, 0), usage(2, "3", 0, 300_000)],
        [
            rule(
                markup_percent="0",
                tiers={
                    "kind": "graduated",
                    "over": ["spend"],
                    "tier": [{"up_to": "2", "markup_percent": "50"}, {"up_to": "5", "markup_percent": "20"}, {}],
                },
            )
        ],
    ),
    # 60 + 30 + 45 = 135 searches begin two packages of 100: 2 x 2.00 = 4.00; 3 x 100,000 input = 0.90
    Case(
        "packages-of-searches",
        ["0.9", "4"],
        ["0.90", "4.00"],
        "4.90",
        [usage(number, str(number), 100_000, 0, web_search=count) for number, count in ((1, 60), (2, 30), (3, 45))],
        [rule(package={"web_search": {"price": "2", "size": 100}})],
    ),
    # At list prices 0.30 each. The first cost 0.50, and 10 % over it are 0.55: raised by 0.25. The second cost 0.10.
    Case(
        "margin-floor",
        ["0.85"],
        ["0.85"],
        "0.85",
        [usage(1, "2", 100_000, 0, cost="0.5"), usage(2, "3", 100_000, 0, cost="0.1")],
        [rule(min_margin_percent="10")],
    ),
    # With the caller's own key 5 % of the cost of 2.00 = 0.10; the other request at the list price, 0.30
    Case(
        "fee-for-own-keys",
        ["0.4"],
        ["0.40"],
        "0.40",
        [usage(1, "2", 500_000, 0, cost="2", is_byok=True), usage(2, "3", 100_000, 0, cost="0.1")],
        [rule(byok_fee_percent="5")],
    ),
    # 0.003 are 1.5 credits of 0.002, billed as 2; 0.0003 as 1; 3.00 are 1,500 credits and stay so; together 3.006
    Case(
        "credits-rounded-up-for-each-request",
        ["3.006"],
        ["3.01"],
        "3.01",
        [usage(1, "2", 1000, 0), usage(2, "2 13:00", 100, 0), usage(3, "3", 1_000_000, 0)],
        [rule(credits={"name": "AI credit", "worth": "0.002", "round_up": "request", "at_least": 1})],
    ),
    # 1,234,500 input x 3 / 1,000,000 = 3.7035, which is 1,851.75 credits of 0.002
    Case(
        "credits-without-rounding",
        ["3.7035"],
        ["3.70"],
        "3.70",
        [usage(1, "2", 1_234_500, 0)],
        [rule(credits={"name": "AI credit", "worth": "0.002", "round_up": "never"})],
    ),
    # The contract changes on the 16th and the tiers count on: 80,000 x 20 / 1,000,000 = 1.60 under the first version;
    # under the second 70,000 up to 150,000 x 30 = 2.10, and 30,000 above it x 5 = 0.15; together 3.85
    Case(
        "tiers-that-change-inside-the-month",
        ["1.6", "2.25"],
        ["1.60", "2.25"],
        "3.85",
        [usage(1, "5", 0, 80_000), usage(2, "20", 0, 100_000)],
        [
            rule(
                tiers={
                    "kind": "graduated",
                    "over": ["output_total"],
                    "tier": [{"up_to": "100000", "rates": {"output": "20"}}, {"rates": {"output": "10"}}],
                }
            ),
            contract(
                valid_from="2026-10-16T00:00:00Z",
                rules=[
                    {
                        "name": "agreed",
                        "tiers": {
                            "kind": "graduated",
                            "over": ["output_total"],
                            "tier": [{"up_to": "150000", "rates": {"output": "30"}}, {"rates": {"output": "5"}}],
                        },
                    }
                ],
            ),
        ],
    ),
    # Nothing was used; the first tier's flat amount is agreed all the same
    Case(
        "flat-amount-without-usage",
        ["7"],
        ["7.00"],
        "7.00",
        [],
        [
            contract(
                "customer",
                "alice",
                rules=[
                    {
                        "name": "seat",
                        "tiers": {
                            "kind": "graduated",
                            "over": ["request"],
                            "flat_at_zero": True,
                            "tier": [{"up_to": "100", "flat": "7"}, {"flat": "3"}],
                        },
                    }
                ],
            )
        ],
    ),
    # The contract begins on the 21st: 11 of 31 days of 31.00 = 11.00; and 1,000,000 input = 3.00
    Case(
        "base-fee-from-the-21st",
        ["3", "11"],
        ["3.00", "11.00"],
        "14.00",
        [usage(1, "22", 1_000_000, 0)],
        [own({"base_fee": {"amount": "31", "name": "platform"}}, valid_from="2026-10-21T00:00:00Z")],
    ),
    # 3.00 were used, 47.00 are missing to 50.00; 19 % of 50.00 = 9.50
    Case(
        "minimum-with-tax",
        ["3"],
        ["3.00"],
        "59.50",
        [usage(1, "3", 1_000_000, 0)],
        [own({"minimum": {"amount": "50"}, "tax": [{"name": "VAT", "percent": "19"}]})],
        due="59.50",
    ),
    # 7.50 were used, 2.50 more than agreed
    Case(
        "cap",
        ["7.5"],
        ["7.50"],
        "5.00",
        [usage(1, "3", 1_000_000, 300_000)],
        [own({"cap": {"amount": "5"}})],
        due="5.00",
    ),
    # 12.00 less 10 % = 10.80, less 10 % = 9.72, less 1.00 = 8.72
    Case(
        "coupons-in-their-order",
        ["12"],
        ["12.00"],
        "8.72",
        [usage(1, "3", 0, 800_000)],
        [own({"coupon": [{"id": "a", "percent": "10"}, {"id": "b", "percent": "10"}, {"id": "c", "amount": "1"}]})],
        due="8.72",
    ),
    # A coupon for one month: 3.00 - 50 % = 1.50 in September, and 3.00 in October
    Case(
        "coupon-for-one-month",
        ["3"],
        ["3.00"],
        "3.00",
        [usage(1, "2026-09-10T12:00:00+00:00", 1_000_000, 0), usage(2, "10", 1_000_000, 0)],
        [own({"coupon": [{"id": "welcome", "percent": "50", "periods": 1}]})],
        months=("2026-09", OCTOBER),
        documents=2,
    ),
    # 10.005 is 10.01; 5 % = 0.5005, that is 0.50; 7 % of the same 10.01 = 0.7007, that is 0.70; together 11.21
    Case(
        "taxes-side-by-side",
        ["10.005"],
        ["10.01"],
        "11.21",
        [usage(1, "3", 0, 667_000)],
        [own({"tax": [{"name": "GST", "percent": "5"}, {"name": "PST", "percent": "7"}]})],
        due="11.21",
    ),
    # 9.00 were used, 3.00 of it before the promotion expired, which pays no more than that; 4.00 were bought
    Case(
        "credits-by-priority-and-expiry",
        ["9"],
        ["9.00"],
        "9.00",
        [usage(1, "3", 1_000_000, 0), usage(2, "20", 2_000_000, 0)],
        [
            grants(
                {"id": "bought", "amount": "4", "priority": 1},
                {"id": "promotion", "amount": "5", "expires_at": "2026-10-15T00:00:00Z"},
            )
        ],
        due="2.00",
    ),
    # 2,000 credits of 0.002 are 4.00: 3.00 pay September, and 1.00 is left for October
    Case(
        "credits-that-burn-down",
        ["3"],
        ["3.00"],
        "3.00",
        [usage(1, "2026-09-10T12:00:00+00:00", 1_000_000, 0), usage(2, "10", 1_000_000, 0)],
        [grants({"id": "bought", "credits": 2000, "worth": "0.002", "name": "AI credit"})],
        due="2.00",
        months=("2026-09", OCTOBER),
        documents=2,
    ),
    # Alice's own usage at the list price, 3.00; Bob's at twice of it, 6.00, with a fee of his own
    Case(
        "child-on-its-parents-invoice",
        ["3", "6", "10"],
        ["3.00", "6.00", "10.00"],
        "19.00",
        [usage(1, "3", 1_000_000, 0), usage(2, "4", 1_000_000, 0, user="bob")],
        [
            contract("customer", "alice"),
            contract(
                "customer",
                "bob",
                invoice={"parent": "alice", "base_fee": {"amount": "10"}},
                rules=[{"name": "double", "markup_percent": "100"}],
            ),
        ],
    ),
    # 3.00 in September are less than 5.00 and wait; with 2.40 of October there are 5.40 to pay
    Case(
        "small-amount-carried-forward",
        ["2.4"],
        ["2.40"],
        "2.40",
        [usage(1, "2026-09-10T12:00:00+00:00", 1_000_000, 0), usage(2, "10", 800_000, 0)],
        [own({"smallest_amount": "5"})],
        due="5.40",
        months=("2026-09", OCTOBER),
        documents=2,
    ),
    # On the 16th there are 6.00, with 10 % tax 6.60. In the end 9.00 less 10 % = 8.10, with 10 % tax 0.81, of which
    # 6.00 and 0.60 were billed: 2.10 and 0.21, together 2.31
    Case(
        "interim-invoice-and-the-rest",
        ["9"],
        ["9.00"],
        "2.31",
        [usage(1, "3", 2_000_000, 0), usage(2, "20", 1_000_000, 0)],
        [
            own(
                {
                    "interim_at": "5",
                    "coupon": [{"id": "loyal", "percent": "10"}],
                    "tax": [{"name": "VAT", "percent": "10"}],
                }
            )
        ],
        due="2.31",
        interim_on=datetime(2026, 10, 16, tzinfo=UTC),
        documents=2,
    ),
)
