"""A customer for whom everything is agreed that a contract can agree to, in two months, with interim invoices.

`acme` pays for its child `acme lab`; `koi` is billed in yen under a cap, `oasis` in dinars below its smallest amount.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.builders import MovableClock, at, attribution, contract, folder, price, prices, record
from tokentill.canonical import Content
from tokentill.recordings.load import Folder
from tokentill.store.database import Database
from tokentill.till import Till
from tokentill.usage.record import UsageRecord

SEPTEMBER, OCTOBER = "2026-09", "2026-10"
PAYER, CHILD = "acme", "acme lab"

PRICES = prices(
    price("acme/large"),
    price("acme/small", rates={"input": "0.1", "output": "0.4"}),
    price("acme/thin", rates={"input": "1", "output": "1"}),
    price("acme/image", rates={"input": "1"}, fees={"image": {"price": "0.05"}}),
)
RULES: list[Content] = [
    {
        "name": "large by volume used",
        "match": {"model": ["acme/large"]},
        "allowance": {"units": {"input": 1_000_000}},
        "tiers": {
            "kind": "graduated",
            "over": ["input"],
            "tier": [
                {"up_to": "5000000", "rates": {"input": "2.8"}},
                {"rates": {"input": "2.25"}, "flat": "7.5"},
            ],
        },
    },
    {
        "name": "images by the hundred",
        "match": {"model": ["acme/image"]},
        "package": {"image": {"price": "4.5", "size": 100}},
    },
    {
        "name": "small in sparks",
        "match": {"model": ["acme/small"]},
        "markup_percent": "50",
        "credits": {"name": "spark", "worth": "0.002", "round_up": "request", "at_least": 1},
    },
    {"name": "never below cost", "match": {"model": ["acme/thin"]}, "min_margin_percent": "10"},
    {
        "name": "everything else",
        "markup_percent": {"default": "20", "output": "30"},
        "add_on": {"request": {"price": "0.01"}},
        "allowance": {"amount": "0.5"},
        "byok_fee_percent": "5",
    },
]
TERMS: Content = {
    "base_fee": {"amount": "99", "name": "platform fee"},
    "minimum": {"amount": "300", "name": "committed spend"},
    "coupon": [{"id": "launch-10", "percent": "10", "periods": 3}, {"id": "sorry", "amount": "5"}],
    "tax": [{"name": "VAT", "percent": "19"}, {"name": "city levy", "percent": "1.5"}],
    "smallest_amount": "5",
    "interim_at": "25",
}
BERLIN = {"currency": "USD", "time_zone": "Europe/Berlin", "anchor_day": 1}
FEES_ONLY = {"base_fee": TERMS["base_fee"], "tax": TERMS["tax"]}
CONTRACTS: list[Content] = [
    contract("customer", PAYER, rules=RULES, invoice={"smallest_amount": "5"}, **BERLIN),
    contract("customer", PAYER, rules=RULES, invoice=TERMS, valid_from="2026-09-30T22:00:00Z", **BERLIN),
    contract(
        "customer",
        PAYER,
        rules=RULES,
        invoice={**TERMS, "base_fee": {"amount": "199", "name": "platform fee, larger"}},
        valid_from="2026-10-21T22:00:00Z",
        **BERLIN,
    ),
    contract(
        "customer", CHILD, rules=[{"name": "lab", "markup_percent": "-10"}], invoice={"parent": PAYER}, currency="USD"
    ),
    contract("customer", "koi", invoice={"cap": {"amount": "1200"}}, currency="JPY"),
    contract("customer", "oasis", invoice={"smallest_amount": "0.5"}, currency="KWD"),
]
GRANTS: Content = {
    "format": 1,
    "kind": "grant",
    "recorded_at": "2026-09-01T00:00:00Z",
    "grant": [
        {
            "customer": PAYER,
            "id": "goodwill",
            "amount": "12.5",
            "currency": "USD",
            "priority": -1,
            "valid_from": "2026-09-01T00:00:00Z",
            "expires_at": "2026-10-04T00:00:00Z",
        },
        {
            "customer": PAYER,
            "id": "prepaid 2026",
            "amount": "100",
            "currency": "USD",
            "valid_from": "2026-10-01T00:00:00Z",
            "expires_at": "2027-01-01T00:00:00Z",
        },
        {
            "customer": PAYER,
            "id": "sparks",
            "credits": 100_000,
            "worth": "0.002",
            "name": "spark",
            "currency": "USD",
            "valid_from": "2026-10-01T00:00:00Z",
        },
    ],
}
FX: Content = {
    "format": 1,
    "kind": "fx",
    "recorded_at": "2026-09-01T00:00:00Z",
    "source": "a test",
    "rate": [
        {"from": "USD", "to": "JPY", "date": "2026-09-01", "rate": "149.37"},
        {"from": "USD", "to": "KWD", "date": "2026-09-01", "rate": "0.30715"},
    ],
}


def usage(number: int, when: str, model: str, **more: Any) -> UsageRecord:
    """One request of acme."""
    return record(f"r{number:02d}", user=more.pop("user", PAYER), when=when, model=model, **more)


SEPTEMBERS = [usage(1, "2026-09-14T12:00Z", "acme/large", input=1_500_000, output=40_000)]
OCTOBERS = [
    usage(11, "2", "acme/large", input=3_000_000, output=200_000, cost="7"),
    usage(12, "3", "acme/large", input=2_500_000, output=50_000, cache_read=1_000_000, cost="5"),
    usage(13, "4", "acme/image", image=130, input=2_000, cost="3"),
    usage(14, "5 10:00", "acme/small", input=9_000, output=1_000, cost="0.001"),
    usage(15, "5 11:00", "acme/small", input=100, output=10, cost="0.0001"),
    usage(16, "6", "acme/thin", input=400_000, output=10_000, cost="0.5"),
    usage(17, "7", "acme/thin", input=400_000, output=10_000, cost="0.3"),
]
LATER = [
    usage(21, "22", "acme/large", input=4_000_000, output=100_000, cost="11"),
    usage(22, "23", "acme/large", user=CHILD, input=2_000_000, output=100_000, cost="6"),
    usage(23, "23", "acme/small", user=CHILD, input=1_000_000, cost="0.1"),
    usage(24, "24", "acme/image", image=75, cost="2"),
    usage(25, "25", "other/model", input=1_000_000, output=100_000, is_byok=True, cost="4"),
    usage(26, "26", "other/model", input=100_000, output=10_000, cost="0.4"),
    usage(31, "8", "acme/large", user="koi", input=3_000_000),
    usage(41, "9", "acme/large", user="oasis", input=300_000),
]


def everything() -> Folder:
    """The folder that all of this is agreed in."""
    others = prices(price("other/model"))
    return folder(PRICES, others, contract(), *CONTRACTS, GRANTS, FX, attribution())


def months_of_everything(database: Database) -> Till:
    """Two months issued: September INV-000001, an interim invoice INV-000002, October from INV-000003 on."""
    shop = till_of_everything(database)
    assert shop.close(OCTOBER).issued == ("INV-000003", "INV-000004", "INV-000005")
    return shop


def till_of_everything(database: Database) -> Till:
    """The same with October open: it is over, and its interim invoice was issued on the 20th."""
    clock = MovableClock(at("2026-10-02T09:00Z"))
    shop = Till(database, everything(), clock=clock, grace=timedelta(0))
    shop.ingest(SEPTEMBERS)
    assert shop.close(SEPTEMBER).issued == ("INV-000001",)
    clock.instant = at("20 09:00")
    shop.ingest(OCTOBERS)
    assert shop.close(OCTOBER, interim=True).issued == ("INV-000002",)
    clock.instant = at("2026-11-02T09:00Z")
    shop.ingest(LATER)
    return shop
