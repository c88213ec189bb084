"""Builders of previews for the tests of documents: real books, real invoices, invented people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tokentill.contracts.book import ContractBook
from tokentill.invoicing.invoice import Invoice, compute_invoice
from tokentill.invoicing.periods import Month, period_of
from tokentill.invoicing.preview import Preview, Previewed, Review, ReviewKind
from tokentill.invoicing.rating_groups import Books, RatingContext
from tokentill.invoicing.unattributed import Unattributed
from tokentill.prices.book import PriceBook
from tokentill.prices.fx import FxBook
from tokentill.usage.aggregates import Series, UsageAggregate
from tokentill.usage.attribution import Attribution

OCTOBER = Month(2026, 10)
MADE_AT = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
PINS = {"s": 23347, "a": "sha256:" + "a1" * 32, "b": "sha256:" + "b2" * 32, "time_zones": "2026.2", "f": 1}
RECORDED = "2026-01-01T00:00:00Z"

PRICES: dict[str, Any] = {
    "kind": "prices",
    "recorded_at": RECORDED,
    "currency": "USD",
    "price": [
        {
            "model": "lab/large",
            "valid_from": "2026-01-01T00:00:00Z",
            "rates": {"input": "3", "cache_read": "0.3", "output": "15"},
            "fees": {"web_search": {"price": "10", "per": 1000}},
            "tier": [
                {"when": {"input_tokens_gt": 200000}, "rates": {"input": "6", "cache_read": "0.6", "output": "22.5"}}
            ],
            "mode": {"batch": {"rates": {"input": "1.5", "cache_read": "0.15", "output": "7.5"}}},
            "multiplier": {"geo": {"us": "1.1"}},
        },
        {"model": "lab/small", "valid_from": "2026-01-01T00:00:00Z", "rates": {"input": "0.1", "output": "0.4"}},
        {
            "model": "night/owl",
            "valid_from": "2026-01-01T00:00:00Z",
            "rates": {"input": "0.56", "output": "1.68"},
            "window": [{"when": {"between": ["16:30", "00:30"]}, "rates": {"input": "0.28", "output": "0.84"}}],
        },
        {"model": "gift/free", "valid_from": "2026-01-01T00:00:00Z", "free": True},
    ],
}
FX: dict[str, Any] = {
    "kind": "fx",
    "recorded_at": RECORDED,
    "rate": [
        {"from": "USD", "to": "JPY", "date": "2026-09-01", "rate": "149.37"},
        {"from": "USD", "to": "KWD", "date": "2026-09-01", "rate": "0.30715"},
        {"from": "USD", "to": "EUR", "date": "2026-09-01", "rate": "0.8571"},
    ],
}
DEFAULT_RULES: list[dict[str, Any]] = [
    {"name": "batch at cost", "match": {"model": ["lab/small"], "mode": ["batch"]}, "basis": "cost"},
    {
        "name": "everything else",
        "markup_percent": {"default": "20", "output": "30"},
        "add_on": {"request": {"price": "0.0005"}, "output": {"price": "0.1", "per": 1_000_000}},
    },
]


def contract(customer: str | None, **more: Any) -> dict[str, Any]:
    """The canonical content of a customer's contract, or of the default for None."""
    kind = {"kind": "default", "id": "default"} if customer is None else {"kind": "customer", "id": customer}
    return {**kind, "recorded_at": RECORDED, "valid_from": "2026-01-01T00:00:00Z", **more}


def books(*contracts: Mapping[str, Any]) -> Books:
    """Books of the prices above, with the default contract unless one is given."""
    found = list(contracts)
    if not any(given["kind"] == "default" for given in found):
        found.append(contract(None, currency="USD", rule=DEFAULT_RULES))
    return Books(PriceBook([PRICES]), ContractBook(found), Attribution([], []), FxBook([FX]))


def cell(
    model: str = "lab/large",
    *,
    day: int = 3,
    hour: int = 12,
    mode: str = "standard",
    requests: int = 1,
    cost: str | None = "0.01",
    band: int = 1000,
    geo: str | None = None,
    usage_state: str = "reported",
    **quantities: int,
) -> UsageAggregate:
    """A cell of usage in October 2026; without quantities it has some input and output."""
    series = Series(0, "arouter", "u", None, model, None, mode, geo, (), False, "ok", usage_state)  # type: ignore[arg-type]
    return UsageAggregate(
        series=series,
        at=datetime(2026, 10, day, hour, tzinfo=UTC),
        day=date(2026, 10, day),
        input_tokens=band,
        requests=requests,
        quantities=quantities or {"input": 1_234_567, "output": 34_567},
        cost=Decimal(cost or 0),
        requests_with_cost=requests if cost is not None else 0,
    )


def invoice(
    customer: str,
    cells: Iterable[UsageAggregate] | None = None,
    *,
    of: Books | None = None,
    grouping: RatingContext | None = None,
    month: Month = OCTOBER,
) -> Invoice:
    """The customer's invoice of the month through the real function."""
    used = of or books()
    period = period_of(month, lambda at: used.contracts.terms(customer, at))
    currency = used.contracts.terms(customer, period.last_instant).currency
    return compute_invoice(
        customer, period, currency, [cell()] if cells is None else list(cells), grouping or RatingContext(used)
    )


def review(of: Invoice, kind: ReviewKind = "approved", *, note: str = "", content_hash: str | None = None) -> Review:
    """What a reviewer said; of the present content unless another hash is given."""
    at = datetime(2026, 11, 1, 16, 40, tzinfo=UTC)
    return Review(of.customer, of.period.month, kind, content_hash or of.content_hash, "mira", note, at)


def previewed(of: Invoice, said: Review | None = None, **more: Any) -> Previewed:
    """One customer of a preview, due and not issued unless told otherwise."""
    fields: dict[str, Any] = {
        "issued_number": None,
        "issued_hash": None,
        "late_requests": 0,
        "is_due": True,
        "previous_total_minor": None,
        "previous_currency": None,
        **more,
    }
    return Previewed(of, said, **fields)


def unattributed(requests: int = 0, share: str = "0", tolerance: str = "0", **causes: int) -> Unattributed:
    """Usage that belongs to nobody."""
    listed = tuple((cause.replace("_", " "), number) for cause, number in causes.items())
    return Unattributed(requests, Decimal(requests) / 8, Decimal(share), Decimal(tolerance), listed)


def preview(customers: Sequence[Previewed], *, nobody: Unattributed | None = None, of: Books | None = None) -> Preview:
    """The whole period."""
    used = of or books()
    period = period_of(OCTOBER, lambda at: used.contracts.terms(None, at))
    return Preview(OCTOBER, period, tuple(customers), nobody or unattributed(), PINS, MADE_AT)
