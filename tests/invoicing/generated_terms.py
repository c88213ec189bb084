"""Generated terms of whole invoices, and generated prepaid credits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tokentill.canonical import Content

cents = st.integers(1, 4_000).map(lambda value: format(Decimal(value).scaleb(-2), "f"))
percents = st.sampled_from(["0.5", "5", "7.25", "19", "33.3", "100"])


@st.composite
def invoice_terms(draw: Any) -> Content:
    """What may be agreed for a whole invoice."""
    terms: Content = {}
    coupons: list[Content] = []
    for number in range(draw(st.integers(0, 3))):
        coupon: Content = {"id": f"c{number}"}
        coupon |= {"percent": draw(percents)} if draw(st.booleans()) else {"amount": draw(cents)}
        if draw(st.booleans()):
            coupon["periods"] = draw(st.integers(1, 2))
        coupons.append(coupon)
    if coupons:
        terms["coupon"] = coupons
    for key in ("minimum", "cap"):
        if draw(st.booleans()):
            terms[key] = {"amount": draw(cents), "prorate": draw(st.booleans())}
    if draw(st.booleans()):
        terms["tax"] = [{"name": f"tax {n}", "percent": draw(percents)} for n in range(draw(st.integers(1, 2)))]
    if draw(st.booleans()):
        terms["smallest_amount"] = draw(cents)
    return terms


@st.composite
def granted(draw: Any) -> list[Content]:
    """Up to three prepaid credits of alice, that begin and end before, inside and after the months of the tests."""
    found: list[Content] = []
    begins = ["2026-01-01T00:00:00Z", "2026-08-15T00:00:00Z", "2026-10-12T09:30:00Z", "2026-10-31T23:59:59Z"]
    ends = [None, "2026-08-20T12:00:00Z", "2026-10-16T12:00:00Z", "2026-10-20T12:00:00.000001Z", "2026-11-01T00:00:00Z"]
    for number in range(draw(st.integers(0, 3))):
        grant: Content = {"id": f"g{number}", "amount": draw(cents), "priority": draw(st.integers(0, 1))}
        grant["valid_from"] = draw(st.sampled_from(begins))
        if (expires := draw(st.sampled_from(ends))) is not None:
            grant["expires_at"] = expires
        found.append(grant)
    return found
