"""Usage, added up: the sum of the records of one series, one segment of time and one band of input totals. Pure.

A *series* is what does not change between a user's records, a *segment* lies between two instants at which a price or a
rule may change, a *band* between two context thresholds. Inside all three rating is linear, so any engine may add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from tokentill.usage.record import SERIES_FIELDS, Usage, UsageState


@dataclass(frozen=True, slots=True)
class Series:
    """What does not change between a user's records: the traits, and what else decides a price."""

    id: int
    source: str
    user: str | None
    api_key: str | None
    model: str
    provider: str | None
    mode: str
    geo: str | None
    tags: tuple[str, ...]
    is_byok: bool
    status: str
    usage_state: UsageState
    is_replayed: bool = False

    @classmethod
    def of(cls, usage: Usage, **others: Any) -> Series:
        """That of a usage, which no database numbers; `others` hold in place of its own fields."""
        return cls(0, **({name: getattr(usage, name) for name in SERIES_FIELDS} | others))


GATEWAY_CURRENCY = "USD"
"""What gateways report their cost in."""


class RecordKey(NamedTuple):
    """The order in which records use up what a period includes: that of time, whatever arrived first."""

    occurred_at: datetime
    source: str
    record_id: str


@dataclass(frozen=True, slots=True)
class UsageAggregate:
    """A sum of records of one series between two neighbouring boundaries, in one band of input totals.

    `at` is any instant between the boundaries, the same for all aggregates between them, `input_tokens` the input total
    of any one record of the band. `cost` is the sum of the reported costs, of `requests_with_cost` records, of which
    `requests_at_no_cost` used something at a cost of 0. An aggregate of one record alone says which, in `record`.
    Records that report no usage and were waived have aggregates of their own, and so have estimates that somebody
    accepted, those that cost something while all of their quantities are zero (`is_unmeasured`), those whose reported
    cost is 0 (`zero_cost`), and those without output, units and cost (not `has_result`).
    """

    series: Series
    at: datetime
    day: date
    input_tokens: int
    requests: int
    quantities: Mapping[str, int]
    cost: Decimal
    requests_with_cost: int
    requests_at_no_cost: int = 0
    record: RecordKey | None = None
    is_waived: bool = False
    is_unmeasured: bool = False
    is_accepted: bool = False
    zero_cost: bool = False
    has_result: bool = True

    @property
    def facts(self) -> tuple[bool, ...]:
        """What is the same of all records of an aggregate, beside their series."""
        return (self.is_waived, self.is_unmeasured, self.is_accepted, self.zero_cost, self.has_result)

    @property
    def reports_usage(self) -> bool:
        """Whether there are quantities that can be priced, zeros of requests that cost nothing among them."""
        return self.series.usage_state != "missing" and not self.is_unmeasured
