"""Small, readable ways to make what tests need."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tokentill.canonical import Content, content_hash
from tokentill.clock import Clock
from tokentill.recordings.load import Folder
from tokentill.store.database import Database
from tokentill.till import Till
from tokentill.usage.record import UsageRecord

OCTOBER = "2026-10"
AFTER_OCTOBER = datetime(2026, 11, 2, 9, tzinfo=UTC)


MACHINE_WEST, MACHINE_EAST = "NST3:30NDT,M3.2.0,M11.1.0", "<+14>-14"
"""The local time of a machine in St. John's and in Kiritimati, said so that the machine needs no files for it."""


@contextmanager
def machine_in(zone: str) -> Iterator[None]:
    """This process in another local time, which is to change nothing."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        del os.environ["TZ"]
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


class MovableClock(Clock):
    """A clock that stands still until it is told to move."""

    def __init__(self, instant: datetime = AFTER_OCTOBER) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant

    def advance(self, **by: float) -> None:
        self.instant += timedelta(**by)


def at(text: str) -> datetime:
    """An instant of October 2026: `at("15 10:30")`, or any other one in ISO form."""
    if "-" in text:
        return datetime.fromisoformat(text)
    day, _, time = text.partition(" ")
    return datetime.fromisoformat(f"2026-10-{int(day):02d}T{time or '12:00'}:00+00:00")


def record(
    record_id: str,
    *,
    user: str | None = "alice",
    model: str = "acme/large",
    when: str = "15",
    cost: str | None = None,
    source: str = "arouter",
    **more: Any,
) -> UsageRecord:
    """A usage record; whole numbers among the further arguments are quantities."""
    quantities = {name: value for name, value in more.items() if type(value) is int}
    fields = {name: value for name, value in more.items() if name not in quantities}
    if not quantities and fields.get("usage_state") != "missing":
        quantities = {"input": 1000, "output": 100}
    return UsageRecord(
        source=source,
        record_id=record_id,
        occurred_at=at(when),
        user=user,
        model=model,
        quantities=quantities,
        cost=None if cost is None else Decimal(cost),
        **fields,
    )


def prices(*entries: Content, currency: str = "USD", recorded_at: str = "2026-09-01T00:00:00Z") -> Content:
    """A recording of price entries."""
    return {
        "format": 1,
        "kind": "prices",
        "recorded_at": recorded_at,
        "currency": currency,
        "source": "a test",
        "price": list(entries),
    }


def price(
    model: str = "acme/large",
    *,
    rates: Mapping[str, str] | None = None,
    valid_from: str = "2026-01-01T00:00:00Z",
    **more: Any,
) -> Content:
    """A price entry: 3 for a million input tokens and 15 for a million output tokens unless said otherwise."""
    listed = {"input": "3", "cache_read": "0.3", "output": "15"} if rates is None else dict(rates)
    return {"model": model, "valid_from": valid_from, "per": 1_000_000, "rates": listed, **more}


def contract(kind: str = "default", id_: str = "default", *, rules: Sequence[Content] = (), **more: Any) -> Content:
    """A contract; USD and UTC in the default one unless said otherwise."""
    terms = {"currency": "USD", "time_zone": "UTC", "anchor_day": 1} if kind == "default" else {}
    return {
        "format": 1,
        "kind": kind,
        "id": id_,
        "recorded_at": "2026-09-01T00:00:00Z",
        "valid_from": "2026-01-01T00:00:00Z",
        **terms,
        "rule": list(rules),
        **more,
    }


def grants(*granted: Content) -> Content:
    """Prepaid credits of alice: in USD and from the beginning of 2026 unless said otherwise."""
    plain = {"customer": "alice", "currency": "USD", "valid_from": "2026-01-01T00:00:00Z"}
    stated = [{**plain, **grant} for grant in granted]
    return {"format": 1, "kind": "grant", "recorded_at": "2026-09-01T00:00:00Z", "grant": stated}


def openings(*stated: Content) -> Content:
    """Opening balances of alice: in USD and of 1 October 2026 unless said otherwise."""
    plain = {"customer": "alice", "currency": "USD", "date": "2026-10-01", "reason": "from the old system"}
    listed = [{**plain, **opening} for opening in stated]
    return {
        "format": 1,
        "kind": "opening_balance",
        "recorded_at": "2026-09-01T00:00:00Z",
        "opening_balance": listed,
    }


def attribution(*rules: Content, default: str = "each-user", tolerance_percent: str = "0", **more: Any) -> Content:
    """Attribution rules."""
    return {
        "format": 1,
        "kind": "attribution",
        "recorded_at": "2026-09-01T00:00:00Z",
        "valid_from": "2026-01-01T00:00:00Z",
        "default": default,
        "tolerance_percent": tolerance_percent,
        "rule": list(rules),
        **more,
    }


def folder(*contents: Content) -> Folder:
    """A pricing folder with these contents; what is not given is a plain default."""
    by_kind: dict[str, list[Content]] = {"prices": [], "contract": [], "attribution": [], "fx": []}
    for content in contents:
        of_contracts = content["kind"] in ("default", "plan", "customer", "grant", "opening_balance")
        by_kind["contract" if of_contracts else content["kind"]].append(content)
    if not by_kind["prices"]:
        by_kind["prices"].append(prices(price()))
    if not any(content["kind"] == "default" for content in by_kind["contract"]):
        by_kind["contract"].append(contract())
    if not by_kind["attribution"]:
        by_kind["attribution"].append(attribution())
    listed = [content for found in by_kind.values() for content in found]
    return Folder(
        folder=Path(),
        prices=tuple(by_kind["prices"]),
        contracts=tuple(by_kind["contract"]),
        attribution=tuple(by_kind["attribution"]),
        fx=tuple(by_kind["fx"]),
        paths=MappingProxyType({content_hash(content): f"{number}.toml" for number, content in enumerate(listed)}),
        warnings=(),
    )


def till(database: Database, *contents: Content, clock: Clock | None = None, grace: timedelta = timedelta(0)) -> Till:
    """A till on a database with these contents, on 2 November 2026 unless another clock is given."""
    return Till(database, folder(*contents), clock=clock or MovableClock(), grace=grace)
