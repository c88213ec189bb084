"""Invoices as an accountant reads them, line by line. Each case states its arithmetic as done by hand.

The text of each invoice lies in `golden/`. TOKENTILL_WRITE_GOLDEN=1 writes it anew; read the difference before you
keep it, since the hash at its end is what an issued invoice is verified by for years.
"""

from __future__ import annotations

import os
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from tests.builders import AFTER_OCTOBER, OCTOBER, MovableClock, till
from tests.closing.journals import hold
from tests.invoicing.golden_agreements import AGREEMENT_CASES
from tests.invoicing.golden_months import MONTHS_CASES
from tests.invoicing.golden_prices import PRICE_CASES
from tests.invoicing.golden_text import Case, rendered, value_of
from tokentill.closing.close import close_period
from tokentill.closing.close_options import CloseOptions, Interim
from tokentill.invoicing.periods import Month
from tokentill.store.database import Database

pytestmark = pytest.mark.postgresql_one_in(8)

GOLDEN = Path(__file__).parent / "golden"
IS_WRITING = os.environ.get("TOKENTILL_WRITE_GOLDEN") == "1"
CASES = (*PRICE_CASES, *AGREEMENT_CASES, *MONTHS_CASES)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_invoice_is_what_was_worked_out_by_hand_and_reads_as_before(case: Case, database: Database) -> None:
    clock = MovableClock()
    one = till(database, *case.contents, clock=clock)
    if case.interim_on is not None:
        clock.instant = case.interim_on
        one.ingest([record for record in case.records if record.occurred_at < case.interim_on])
        close_period(database, Month.parse(OCTOBER), one.folder, CloseOptions(Interim()), clock=clock)
        clock.instant = AFTER_OCTOBER
    one.ingest(case.records)
    for month in case.months:
        one.close(month)
    documents = one.invoices()
    assert len(documents) == case.documents
    content = documents[-1].content
    lines = content["lines"]
    assert [line["exact_amount"] for line in lines] == list(case.exact)
    assert [line["amount"] for line in lines] == list(case.amounts)
    assert sum(Decimal(amount) for amount in case.amounts) == Decimal(content["subtotal"])
    assert content["total"] == case.total
    assert content["due"] == (case.due or case.total)
    verified = one.verify()
    assert verified.is_sound, [*verified.faults, *(each.fault for each in verified.invoices)]
    hold(one)
    text = "\n".join(rendered(issued) for issued in documents)
    path = GOLDEN / f"{case.name}.txt"
    if IS_WRITING:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


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
        value = value_of(terms.strip())
        assert value is None or value == Fraction(result), line
        part.append(Fraction(result))
        sums += 1
    assert sums


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_every_step_from_the_subtotal_of_a_golden_text_leads_to_what_is_due(case: Case) -> None:
    text = (GOLDEN / f"{case.name}.txt").read_text(encoding="utf-8")
    documents = text.split("\nsubtotal ")[1:]
    assert len(documents) == case.documents
    for document in documents:
        running, *steps = document.partition("\ncost ")[0].splitlines()
        left = Decimal(running)
        for step in steps:
            if step.startswith("   "):
                left += Decimal(step.rpartition(": ")[2])
        stated = {word: amount.split(" ")[0] for word, _, amount in (step.partition(" ") for step in steps)}
        assert Decimal(stated.get("due", stated["total"])) == left


def test_no_golden_text_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {case.name for case in CASES}
