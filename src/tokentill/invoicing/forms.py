"""The form of a document: its kinds, the keys that its content has, and how older forms said the same.

Pure. The form is visible in the content and so in its hash. What was issued in an older form is computed in it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from tokentill.canonical import Content

InvoiceKind = Literal["period", "interim", "credit-note"]
DOCUMENT_FORM = 2
"""The form of what is issued now. The first one had no number."""


@dataclass(frozen=True, slots=True)
class KindOfDocument:
    """What documents of a kind have: fees and other charges at the end of the period, coupons, a minimum, the balance
    of the account; and whether they end a period of the customer.
    """

    has_charges: bool
    has_coupons: bool
    has_minimum: bool
    has_balance: bool
    ends_period: bool


KINDS: Mapping[InvoiceKind, KindOfDocument] = MappingProxyType(
    {
        "period": KindOfDocument(
            has_charges=True, has_coupons=True, has_minimum=True, has_balance=True, ends_period=True
        ),
        "interim": KindOfDocument(
            has_charges=False, has_coupons=False, has_minimum=False, has_balance=False, ends_period=False
        ),
        "credit-note": KindOfDocument(
            has_charges=False, has_coupons=False, has_minimum=False, has_balance=True, ends_period=False
        ),
    }
)
"""The closed set of kinds. A credit note carries what it gives back on in the account, and brings nothing forward."""

_OF_LINE = ("customer", "charge", "corrects", "cause", "by")
_OF_ITEM = (
    *("percent", "of", "invoiced", "customer", "original", "original_currency", "rate", "corrects"),
    *("starts", "ends", "before", "drawn", "over", "opening", "day", "reason"),
)


def in_form(content: Content, form: int) -> Content:
    """Content in a form of documents.

    Lines, their parts and steps of totals leave out what they have nothing to say of, but for adjustments. In the first
    form so did the whole document, which did not say its form.
    """
    kept = {
        **content,
        "lines": [_line(line) for line in content["lines"]],
        "items": [_without_nothing(item, _OF_ITEM) for item in content["items"]],
    }
    if form == DOCUMENT_FORM:
        return kept
    del kept["form"], kept["corrects"]
    if kept["kind"] == "period":
        del kept["kind"]
    if not kept["items"]:
        del kept["items"], kept["due"]
    if not kept["waived"]:
        del kept["waived"]
    return kept


def _line(line: Content) -> Content:
    if line["kind"] == "adjustment":
        return line
    stated = _without_nothing(line, _OF_LINE)
    return {**stated, "parts": [_without_nothing(part, ("rule_tier",)) for part in stated["parts"]]}


def _without_nothing(content: Content, names: tuple[str, ...]) -> Content:
    return {key: value for key, value in content.items() if key not in names or value is not None}
