"""Golden invoices of what is agreed over more than one month, each worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.builders import OCTOBER, attribution, contract, grants, openings
from tests.invoicing.golden_text import Case, usage
from tokentill.canonical import Content

IN_SEPTEMBER = "2026-09-10T12:00:00+00:00"


def yearly(amount: str, starts: str, **more: Any) -> Content:
    """A contract of alice's with a fee by the year."""
    fee = {"amount": amount, "name": "platform", "every": "year", "starts": starts}
    return contract("customer", "alice", invoice={"base_fee": fee}, **more)


def committed(*, tax: Sequence[Content] = (), cap: Content | None = None, **commitment: Any) -> Content:
    """A contract of alice's with a commitment."""
    terms: Content = {"commitment": commitment, "tax": list(tax), **({} if cap is None else {"cap": cap})}
    return contract("customer", "alice", invoice=terms)


MONTHS_CASES = (
    # 5.00 a month. September uses 1.50 of them; 3.50 are left, of which 3.00 go over. October's 9.00 are paid by those
    # 3.00 first, then by October's own 5.00; 1.00 is due
    Case(
        "grant-by-the-month-that-goes-over",
        ["9"],
        ["9.00"],
        "9.00",
        [usage(1, IN_SEPTEMBER, 500_000, 0), usage(2, "10", 3_000_000, 0)],
        [
            grants(
                {
                    "id": "monthly",
                    "amount": "5",
                    "every": "month",
                    "valid_from": "2026-09-01T00:00:00Z",
                    "rollover": {"max": "3", "months": 1},
                }
            )
        ],
        due="1.00",
        months=("2026-09", OCTOBER),
        documents=2,
    ),
    # 5.00 a year from 15 October on, so two of them: 3.00 of the 3rd are paid by the 1.00 that September left of the
    # first, 6.00 of the 20th by the second; 2.00 + 1.00 are due
    Case(
        "grant-by-the-year-that-begins-anew-on-the-15th",
        ["9"],
        ["9.00"],
        "9.00",
        [usage(1, IN_SEPTEMBER, 1_333_333, 0), usage(2, "3", 1_000_000, 0), usage(3, "20", 2_000_000, 0)],
        [grants({"id": "yearly", "amount": "5", "every": "year", "valid_from": "2025-10-15T00:00:00Z"})],
        due="3.00",
        months=("2026-09", OCTOBER),
        documents=2,
    ),
    # 1,200.00 a year from 15 October on: all of the second year in the October that holds its first day
    Case(
        "fee-by-the-year",
        ["3", "1200"],
        ["3.00", "1200.00"],
        "1203.00",
        [usage(1, "22", 1_000_000, 0)],
        [yearly("1200", "2025-10-15")],
    ),
    # 730.00 a year from 1 January on, agreed from 21 October on: 11 + 30 + 31 = 72 of 365 days, 730 x 72 / 365 = 144.00
    Case(
        "fee-by-the-year-that-is-agreed-inside-of-it",
        ["3", "144"],
        ["3.00", "144.00"],
        "147.00",
        [usage(1, "22", 1_000_000, 0)],
        [yearly("730", "2024-01-01", valid_from="2026-10-21T00:00:00Z")],
    ),
    # 10.00 for September and October. 6.00 and 9.00 were used, 5.00 above it, which cost half as much again: 2.50
    Case(
        "commitment-with-usage-above-it",
        ["9", "2.5"],
        ["9.00", "2.50"],
        "11.50",
        [usage(1, IN_SEPTEMBER, 2_000_000, 0), usage(2, "10", 3_000_000, 0)],
        [committed(amount="10", starts="2026-09-01", months=2, overage_factor="1.5")],
        due="11.50",
        months=("2026-09", OCTOBER),
        documents=2,
    ),
    # 12.50 were owed when the customer came here, and a voucher of 4.00 was open; both come to October's invoice, once
    Case(
        "opening-balances",
        ["3"],
        ["3.00"],
        "3.00",
        [usage(1, IN_SEPTEMBER, 1_000_000, 0), usage(2, "10", 1_000_000, 0)],
        [openings({"id": "old", "amount": "12.5"}, {"id": "voucher", "amount": "-4", "reason": "voucher 77"})],
        due="11.50",
        months=("2026-09", OCTOBER),
        documents=2,
    ),
    # Billed from 11 October 12:00 on: what was used before is counted and not billed. 21 of 31 days have their last
    # instant after that: 62.00 x 21 / 31 = 42.00
    Case(
        "billed-from-inside-the-month",
        ["3", "42"],
        ["3.00", "42.00"],
        "45.00",
        [usage(1, "11 11:59", 500_000, 0), usage(2, "11 12:00", 1_000_000, 0)],
        [
            contract(
                "customer",
                "alice",
                bill_from="2026-10-11T12:00:00Z",
                invoice={"base_fee": {"amount": "62", "name": "platform"}},
            )
        ],
    ),
    # By user: 1,000,000 x 3 / 1,000,000 = 3.00; 500,000 = 1.50; 1,333 without a user = 0.003999. Together 4.503999,
    # that is 4.50, as without a split
    Case(
        "lines-by-user",
        ["3", "1.5", "0.003999"],
        ["3.00", "1.50", "0.00"],
        "4.50",
        [
            usage(1, "3", 1_000_000, 0, user="=1+1", api_key="team"),
            usage(2, "4", 500_000, 0, user="bob", api_key="team"),
            usage(3, "5", 1_333, 0, user=None, api_key="team"),
        ],
        [
            attribution({"match": {"api_key": "team"}, "customer": "alice"}),
            contract("customer", "alice", invoice={"lines_by": ["user"]}),
        ],
    ),
    # 20.00 from 15 September until before 15 October. 3.00 of 20 September and 3.00 of 10 October were used; the 6.00
    # of 20 October come after it. 14.00 were not used: 9.00 + 14.00 = 23.00, with 10 % tax 25.30; the cap is of usage
    Case(
        "commitment-with-a-true-up",
        ["9"],
        ["9.00"],
        "25.30",
        [
            usage(1, "2026-09-20T12:00:00+00:00", 1_000_000, 0),
            usage(2, "10", 1_000_000, 0),
            usage(3, "20", 2_000_000, 0),
        ],
        [
            committed(
                tax=[{"name": "VAT", "percent": "10"}],
                cap={"amount": "12"},
                amount="20",
                starts="2026-09-15",
                ends="2026-10-15",
            )
        ],
        due="25.30",
        months=("2026-09", OCTOBER),
        documents=2,
    ),
)
