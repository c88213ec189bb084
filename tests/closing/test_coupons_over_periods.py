"""A coupon takes something off for so many periods, whenever it is learned what was used in them."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.builders import OCTOBER, price, prices, record
from tests.closing.test_one_document_a_record import NOVEMBER, Shop, agreed, worth
from tests.invoicing.bench import new_sqlite
from tests.shares import IN_CAMPAIGNS
from tokentill.canonical import Content
from tokentill.store.database import Database
from tokentill.till import Till
from tokentill.usage.record import UsageRecord

SEPTEMBER = "2026-09"
PRICES = prices(price(), price("acme/free", rates={"input": "0", "output": "0"}))
DOLLARS = st.sampled_from([0, 0, 3, 30, 90, 301])


class Month(NamedTuple):
    """What is used in a month, in dollars: before it is closed, what of that is taken back later, and what comes late.

    Of each there is something that costs nothing, so that there is a document, and a correction of it.
    """

    number: int
    first: int
    is_taken_back: bool
    late: int

    def records(self, when: str, dollars: int) -> list[UsageRecord]:
        """The records of some dollars and of nothing."""
        day, id_ = f"{self.number:02d}-20", f"{self.number}-{when}"
        free = record(f"{id_}-free", user="alice", when=f"2026-{day}T12:00:00+00:00", model="acme/free", input=1)
        return [free, *([worth(dollars, day, id_=id_)] if dollars else [])]


@st.composite
def months(draw: st.DrawFn) -> list[Month]:
    """September and October."""
    return [Month(number, draw(DOLLARS), draw(st.booleans()), draw(DOLLARS)) for number in (9, 10)]


def terms(periods: int, *, is_percent: bool) -> Content:
    """Two coupons, one of them for so many periods."""
    off = {"percent": "50"} if is_percent else {"amount": "20"}
    coupons: list[Content] = [{"id": "welcome", "periods": periods, **off}, {"id": "always", "percent": "10"}]
    return agreed("alice", invoice={"coupon": coupons})


def lived(database: Database, terms: Content, used: list[Month], november: int) -> Till:
    """Both months are closed with what is there at first, and corrected by the invoice of November."""
    shop = Shop(database, PRICES, terms, now="2026-10-10T09:00:00+00:00")
    for month, at in zip(used, ("2026-10-10", "2026-11-10"), strict=True):
        shop.take(*month.records("first", month.first))
        shop.close(f"2026-{month.number:02d}", f"{at}T09:00:00+00:00")
    for month in used:
        if month.first and month.is_taken_back:
            shop.till.retract(record=("arouter", f"{month.number}-first"), reason="a test")
        shop.take(*month.records("late", month.late))
    shop.take(*Month(11, 0, False, 0).records("first", november))
    shop.close(NOVEMBER, "2026-12-10T09:00:00+00:00")
    return shop.till


def known(database: Database, terms: Content, used: list[Month], november: int) -> Till:
    """All months are closed when everything is known."""
    shop = Shop(database, PRICES, terms, now="2026-12-10T09:00:00+00:00")
    for month in used:
        stays = 0 if month.is_taken_back else month.first
        shop.take(*month.records("first", stays), *month.records("late", month.late))
    shop.take(*Month(11, 0, False, 0).records("first", november))
    for name in (SEPTEMBER, OCTOBER, NOVEMBER):
        shop.close(name)
    return shop.till


@settings(max_examples=60 if IN_CAMPAIGNS else 1, deadline=None)
@given(st.integers(1, 3), st.booleans(), months(), DOLLARS)
@example(1, True, [Month(9, 0, False, 30), Month(10, 0, False, 90)], 0)
@example(1, True, [Month(9, 0, False, 30), Month(10, 90, False, 0)], 3)
@example(1, True, [Month(9, 30, True, 0), Month(10, 90, False, 0)], 3)
@example(1, False, [Month(9, 0, False, 30), Month(10, 90, True, 0)], 301)
def test_two_months_corrected_at_once_come_to_what_one_close_comes_to_that_knew_all(
    periods: int, is_percent: bool, used: list[Month], november: int
) -> None:
    agreement = terms(periods, is_percent=is_percent)
    with new_sqlite() as one, new_sqlite() as other:
        till = lived(one, agreement, used, november)
        expected = sum(invoice.total_minor for invoice in known(other, agreement, used, november).invoices())
        documents = till.invoices()
        assert sum(invoice.total_minor for invoice in documents) == expected
        verification = till.verify()
        assert verification.is_sound, verification.content()
        for document in documents:
            for explained in till.explain(document.number):
                assert explained.line
        assert not any(till.close(month).issued for month in (SEPTEMBER, OCTOBER, NOVEMBER))


@pytest.mark.parametrize("adjustments", ["next-invoice", "credit-note"])
def test_a_coupon_that_a_correction_gave_back_is_there_for_the_next_one(adjustments: str, database: Database) -> None:
    coupon = {"id": "welcome", "percent": "50", "periods": 1}
    shop = Shop(database, agreed("alice", invoice={"coupon": [coupon], "adjustments": adjustments}))
    shop.take(worth(30, "09-20"), worth(90, "10-20"))
    shop.close(SEPTEMBER)
    shop.close(OCTOBER)
    shop.till.retract(record=("arouter", "alice-30"), reason="a test")
    shop.take(worth(300, "11-05"))
    shop.close(NOVEMBER, "2026-12-20T09:00:00+00:00")
    totals = [document.total_minor for document in shop.till.invoices()]
    assert sum(totals) == 90_00 + 150_00
    shop.take(worth(60, "10-21"), worth(6, "12-05"))
    shop.close("2026-12", "2027-01-20T09:00:00+00:00")
    assert sum(document.total_minor for document in shop.till.invoices()) == 150_00 + 150_00 + 6_00
    assert shop.is_settled()
