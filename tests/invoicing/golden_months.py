"""Golden invoices of what is agreed over more than one month, each worked out by hand."""

from __future__ import annotations

from tests.builders import OCTOBER, grants
from tests.invoicing.golden_text import Case, usage

IN_SEPTEMBER = "2026-09-10T12:00:00+00:00"

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
)
