"""What a period comes to under rules with memory, without a database: by records, by sums, and in any order."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import OCTOBER
from tests.invoicing.bench import SecondOpinion, exact_charges, exact_lines, minor
from tests.invoicing.generated import MonthOfUsage, months
from tests.invoicing.pure_invoices import compute_pure


@given(month=months(), data=st.data())
def test_sums_records_and_any_order_come_to_the_same(month: MonthOfUsage, data: Any) -> None:
    expected = [invoice.content() for invoice in compute_pure(month, by_record=True)]
    assert [invoice.content() for invoice in compute_pure(month, by_record=False)] == expected
    permuted = MonthOfUsage(month.contents, tuple(data.draw(st.permutations(month.records))))
    assert [invoice.content() for invoice in compute_pure(permuted, by_record=True)] == expected
    assert [invoice.content() for invoice in compute_pure(permuted, by_record=False)] == expected


@given(month=months())
def test_every_line_and_charge_is_what_the_records_come_to_in_fractions(month: MonthOfUsage) -> None:
    expected = SecondOpinion(month.records, month.contents, OCTOBER)
    invoices = compute_pure(month, by_record=False)
    assert [invoice.customer for invoice in invoices] == sorted(expected.invoices, key=str.encode)
    for invoice in invoices:
        content = invoice.content()
        assert exact_lines(content) == expected.invoices[invoice.customer].lines
        assert exact_charges(content) == expected.exact_charges(invoice.customer)
        assert minor(content["total"], invoice.currency) == expected.total_minor(invoice.customer)
        days = {day["day"]: Fraction(day["exact_amount"]) for day in content["daily"]}
        assert days == expected.by_day[invoice.customer]
        for line in invoice.lines:
            for part in line.parts:
                assert sum(Fraction(step.amount) for step in part.steps) == Fraction(part.exact_amount)
