"""Control totals: what a source says that a day adds up to, beside the records and never one of them. Pure.

A total is of a source and a UTC day, and of a model, a key or a user where it names one; what it leaves out is all of
them together. So the total of a key is the sum of its users' requests and of those without a user. A source may state
a total in parts (one for each endpoint), which are added up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cached_property
from hashlib import sha256

from tokentill.canonical import Content, canonical_bytes, fields_of
from tokentill.errors import InvalidAmount, InvalidRecord
from tokentill.money import amount_text, check_amount
from tokentill.usage.ids import check_id, check_ids
from tokentill.usage.quantities import count_text
from tokentill.usage.record import UsageRecord
from tokentill.usage.type_words import type_text

COUNT_MAX = 10**15
COST_MAX = Decimal(10**12)
TYPED_IN = "control-totals"
KEYS = ("model", "api_key", "user")
"""What a total may be of beside its source and day."""
FIGURES = ("requests", "tokens", "cost")
"""What a total may state; each is compared by itself."""


@dataclass(frozen=True)
class ControlTotal:
    """One total. At least one of its figures is there.

    Args:
        source: whose records it is of.
        day: the UTC day.
        stated_by: who states it and how it is broken down; totals of two statements are never added up.
        model, api_key, user: what it is of; None is all of them, an empty user or key those without one.
        model_alias: another name under which the same model may be recorded.
        part: which part of the total it is, empty for all of it.
        requests: how many there were.
        tokens: all tokens of all kinds together, each counted once.
        cost: in USD, exactly.

    Raises:
        InvalidRecord: for what could not be kept or compared.
    """

    source: str
    day: date
    stated_by: str = TYPED_IN
    model: str | None = None
    api_key: str | None = None
    user: str | None = None
    model_alias: str | None = None
    part: str = ""
    requests: int | None = None
    tokens: int | None = None
    cost: Decimal | None = None

    def __post_init__(self) -> None:
        check_ids({"source": self.source, "stated_by": self.stated_by}, {})
        for name in (*KEYS, "model_alias", "part"):
            check_id(name, getattr(self, name))
        if type(self.day) is not date:
            raise InvalidRecord(f"day is {type_text(self.day)}, not a day like 2026-10-01")
        if self.model == "":
            raise InvalidRecord("model is empty; leave it out for the total of all models")
        for name in ("requests", "tokens"):
            _check_count(name, getattr(self, name))
        _check_cost(self.cost)
        if all(getattr(self, name) is None for name in FIGURES):
            raise InvalidRecord("it states no figure; a total has requests, tokens or cost")

    @property
    def occurred_at(self) -> datetime:
        """The instant at which its day begins."""
        return datetime.combine(self.day, time(), UTC)

    @property
    def broken_down_by(self) -> tuple[str, ...]:
        """Which of `KEYS` it is of."""
        return tuple(name for name in KEYS if getattr(self, name) is not None)

    @cached_property
    def cell(self) -> bytes:
        """16 bytes that stand for what it is a total of. Another figure for the same cell is a newer version."""
        named = fields_of(self, "source", "day", "stated_by", *KEYS, "model_alias", "part")
        return sha256(canonical_bytes(named)).digest()[:16]

    @cached_property
    def digest(self) -> bytes:
        """16 bytes that stand for its figures."""
        return sha256(canonical_bytes(fields_of(self, *FIGURES))).digest()[:16]

    def content(self) -> Content:
        """Canonical content."""
        return fields_of(self, "source", "day", "stated_by", *KEYS, "model_alias", "part", *FIGURES)

    @classmethod
    def from_content(cls, content: Mapping[str, object]) -> ControlTotal:
        """The total of its canonical content."""
        fields = {**content, "day": date.fromisoformat(str(content["day"]))}
        if content["cost"] is not None:
            fields["cost"] = Decimal(str(content["cost"]))
        return cls(**fields)  # type: ignore[arg-type]

    def content_bytes(self) -> bytes:
        """Its content as one line, which can be read again."""
        return canonical_bytes({name: value for name, value in self.content().items() if value not in (None, "")})


Reported = UsageRecord | ControlTotal
"""What one row of a source may tell."""


def _check_count(name: str, count: int | None) -> None:
    if count is None:
        return
    if type(count) is not int:
        raise InvalidRecord(f"{name} is {type_text(count)}, not a whole number")
    if not 0 <= count <= COUNT_MAX:
        raise InvalidRecord(f"{name} is {count_text(count)}; a total has 0 to {COUNT_MAX}")


def _check_cost(cost: Decimal | None) -> None:
    if cost is None:
        return
    if not isinstance(cost, Decimal):
        raise InvalidRecord(f"cost is {type_text(cost)}, not an exact amount")
    try:
        check_amount(cost)
    except (InvalidAmount, ArithmeticError) as error:
        raise InvalidRecord(f"cost: {error}") from None
    if not 0 <= cost <= COST_MAX:
        raise InvalidRecord(f"cost {cost:.12g} is outside 0 to {amount_text(COST_MAX)}")
