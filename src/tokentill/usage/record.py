"""The canonical usage record and its disjoint leaf quantities (SPEC 3).

Pure: a record that exists is valid. Whatever comes from outside is turned into one by `usage.formats`, or is
quarantined with the reason that `UsageRecord.checked` raises.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

from tokentill.canonical import canonical_bytes
from tokentill.clock import instant_text
from tokentill.errors import InvalidRecord
from tokentill.money import amount_text

INPUT_LEAVES = (
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "cache_write",
    "input_audio",
    "input_audio_cache_read",
    "input_image",
    "input_image_cache_read",
    "input_video",
)
"""Leaves that make up `input_total`, which decides context tiers."""

OUTPUT_LEAVES = ("output", "reasoning", "output_audio", "output_image")
TOKEN_LEAVES = INPUT_LEAVES + OUTPUT_LEAVES
SUMS = {"input_total": INPUT_LEAVES, "output_total": OUTPUT_LEAVES}

REQUEST = "request"
"""The counter that every record counts once, written or not: one record is one request."""

STANDARD = "standard"
QUANTITY_MAX = 10**12
COST_MAX = Decimal(1_000_000)
ID_BYTES_MAX = 512

UsageState = Literal["reported", "estimated", "missing"]
Status = Literal["ok", "error", "cancelled", "unknown"]
USAGE_STATES = ("reported", "estimated", "missing")
STATUSES = ("ok", "error", "cancelled", "unknown")

_QUANTITY_NAME = re.compile(r"\A[a-z][a-z0-9_]{0,63}\Z", re.ASCII)
_WORD = re.compile(r"\A[a-z][a-z0-9_.-]{0,63}\Z", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\A\+[0-9][0-9 ()./-]{7,}\Z")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def sum_of(quantities: Mapping[str, int], name: str) -> int:
    """The quantity called `name`, where `input_total` and `output_total` name the sums of their leaves."""
    leaves = SUMS.get(name)
    return quantities.get(name, 0) if leaves is None else sum(quantities.get(leaf, 0) for leaf in leaves)


@dataclass(frozen=True, slots=True)
class Usage:
    """What the rating library prices: one request, or a sum of requests of the same kind.

    Args:
        model: the id as the gateway reported it.
        occurred_at: aware instant; it decides which price was in force.
        quantities: disjoint leaves and counters, non-negative integers. `request` counts 1 unless given.
        mode: `standard`, `batch`, `flex`, `priority`, ...
        geo: where it was processed, when that changes the price.
        input_tokens: the input total that decides the context tier. It is the sum of the input leaves unless
            several requests were summed, where it is the input total of any one of them.
    """

    model: str
    occurred_at: datetime
    quantities: Mapping[str, int]
    mode: str | None = None
    geo: str | None = None
    input_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.occurred_at.tzinfo is None:
            raise InvalidRecord("occurred_at has no time zone; pass an aware datetime")
        check_quantities(self.quantities)
        object.__setattr__(self, "quantities", MappingProxyType(dict(self.quantities)))


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One request at a gateway, in canonical form. Build it with `UsageRecord.checked`."""

    source: str
    record_id: str
    occurred_at: datetime
    model: str
    quantities: Mapping[str, int]
    user: str | None = None
    api_key: str | None = None
    provider: str | None = None
    mode: str = STANDARD
    geo: str | None = None
    tags: tuple[str, ...] = ()
    status: Status = "ok"
    usage_state: UsageState = "reported"
    is_byok: bool = False
    cost: Decimal | None = None
    digest: bytes = field(default=b"", compare=False)

    @classmethod
    def checked(cls, **fields: Any) -> UsageRecord:
        """Make a record, or say why it cannot be one.

        Raises:
            InvalidRecord: with the field and the reason.
        """
        fields["user"] = fields.get("user") or None
        fields["api_key"] = fields.get("api_key") or None
        fields["mode"] = fields.get("mode") or STANDARD
        fields["tags"] = tuple(sorted(set(fields.get("tags") or ())))
        record = cls(**fields)
        for name in ("source", "record_id", "model"):
            if not getattr(record, name):
                raise InvalidRecord(f"{name} is missing")
        for name in ("source", "record_id", "model", "user", "api_key", "provider", "geo"):
            check_id(name, getattr(record, name))
        for tag in record.tags:
            check_id("tag", tag)
        if not _WORD.match(record.mode):
            raise InvalidRecord(f"mode {record.mode[:40]!r} is not a lower-case word")
        if record.status not in STATUSES:
            raise InvalidRecord(f"status {str(record.status)[:40]!r} is none of {', '.join(STATUSES)}")
        if record.usage_state not in USAGE_STATES:
            raise InvalidRecord(f"usage_state {str(record.usage_state)[:40]!r} is none of {', '.join(USAGE_STATES)}")
        check_quantities(record.quantities)
        for name, count in record.quantities.items():
            if count > QUANTITY_MAX:
                raise InvalidRecord(f"{name} is {count}; at most {QUANTITY_MAX} are accepted for one request")
        if record.quantities.get(REQUEST, 1) != 1:
            raise InvalidRecord("a record is one request, and this one counts another number of them")
        if record.usage_state == "missing" and any(record.quantities.values()):
            raise InvalidRecord("usage_state is missing, and yet quantities are given")
        if record.cost is not None and not 0 <= record.cost <= COST_MAX:
            raise InvalidRecord(f"cost {record.cost} is outside 0 to {COST_MAX}")
        if not 1970 < record.occurred_at.year < 2200:
            raise InvalidRecord(f"occurred_at {record.occurred_at.isoformat()} is outside the years 1971 to 2199")
        kept = {name: n for name, n in sorted(record.quantities.items()) if n and name != REQUEST}
        object.__setattr__(record, "quantities", MappingProxyType(kept))
        object.__setattr__(record, "occurred_at", record.occurred_at.astimezone(UTC))
        object.__setattr__(record, "digest", hashlib.sha256(canonical_bytes(record.content())).digest()[:16])
        return record

    @property
    def input_total(self) -> int:
        """All input leaves together."""
        return sum_of(self.quantities, "input_total")

    def content(self) -> dict[str, Any]:
        """Canonical content: what makes two records of one identity the same record or a revision."""
        return {
            "source": self.source,
            "record_id": self.record_id,
            "occurred_at": instant_text(self.occurred_at),
            "model": self.model,
            "quantities": dict(self.quantities),
            "user": self.user,
            "api_key": self.api_key,
            "provider": self.provider,
            "mode": self.mode,
            "geo": self.geo,
            "tags": list(self.tags),
            "status": self.status,
            "usage_state": self.usage_state,
            "is_byok": self.is_byok,
            "cost": None if self.cost is None else amount_text(self.cost),
        }


def check_quantities(quantities: Mapping[str, int]) -> None:
    """Refuse quantities that are no non-negative integers with proper names.

    Raises:
        InvalidRecord: with the quantity and the reason.
    """
    for name, count in quantities.items():
        if not _QUANTITY_NAME.match(name) or name in SUMS:
            raise InvalidRecord(f"{str(name)[:64]!r} is not the name of a quantity")
        if isinstance(count, bool) or not isinstance(count, int):
            raise InvalidRecord(f"{name} is {type(count).__name__}, not an integer")
        if count < 0:
            raise InvalidRecord(f"{name} is negative ({count})")


def check_id(name: str, value: str | None) -> None:
    """Refuse an id that could not be stored and shown unchanged: too long, control characters, lone surrogates.

    Raises:
        InvalidRecord: with the field and the reason.
    """
    if value is None:
        return
    if not isinstance(value, str):
        raise InvalidRecord(f"{name} is {type(value).__name__}, not text")
    if value.isascii() and value.isprintable() and len(value) <= ID_BYTES_MAX:
        return
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise InvalidRecord(f"{name} holds a lone surrogate, which is no character") from None
    if size > ID_BYTES_MAX:
        raise InvalidRecord(f"{name} is {size} bytes long; {ID_BYTES_MAX} are accepted")
    for character in value:
        if unicodedata.category(character) in {"Cc", "Zl", "Zp"} or character in _BIDI:
            raise InvalidRecord(f"{name} holds the control character U+{ord(character):04X}")


def looks_personal(user: str) -> str | None:
    """Say what personal data a user id looks like, or None. Only flagged: ids stay opaque."""
    if _EMAIL.search(user):
        return "email address"
    return "phone number" if _PHONE.match(user) else None
