"""The canonical usage record and its disjoint leaf quantities.

Pure: a record that exists is valid. Whatever comes from outside is turned into one by `sources.gateways`, or is
quarantined with the reason that `UsageRecord` raises.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Literal, TypedDict

from tokentill.canonical import fields_of
from tokentill.clock import instant_text
from tokentill.errors import InvalidRecord
from tokentill.money import amount_text
from tokentill.usage.ids import are_plain, check_ids, checked_tags, is_word
from tokentill.usage.quantities import brings_output, check_quantities, count_text, kept_quantities, sum_of
from tokentill.usage.type_words import type_text

STANDARD = "standard"
RESPONSE_CACHE_TAG = "response-cache"
"""The tag that readers give a record which a gateway answered from its own cache; with it a record is a replay."""

COST_MAX = Decimal(1_000_000)
COST_SCALE_MAX = 24

UsageState = Literal["reported", "estimated", "missing"]
Status = Literal["ok", "error", "cancelled", "unknown"]
USAGE_STATES = ("reported", "estimated", "missing")
STATUSES = ("ok", "error", "cancelled", "unknown")


def _text(value: str | None) -> str:
    return "null" if value is None else _quoted(value)


class Given(TypedDict, total=False):
    """What a caller says of a response. Each key wins over what the response itself says."""

    user: str | None
    api_key: str | None
    provider: str | None
    source: str | None
    tags: Iterable[str]
    model: str
    occurred_at: datetime
    mode: str
    geo: str | None
    cost: Decimal | None
    is_byok: bool
    is_replayed: bool
    record_id: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Usage:
    """One request with all of its traits, or a sum of requests of the same kind: what is priced and billed.

    Args:
        model: the id as the gateway reported it.
        occurred_at: aware instant; it decides which price was in force.
        quantities: disjoint leaves and counters, non-negative integers. `request` counts 1 unless given.
        mode: `standard`, `batch`, `flex`, `priority`, ...
        geo: where it was processed, when that changes the price.
        input_tokens: the input total that decides the context tier. It is the sum of the input leaves unless
            several requests were summed, where it is the input total of any one of them.
        user, api_key, provider, source, tags: what a contract's rules may match.
        cost: what the gateway reports it charged, in USD, for rules that bill it or keep a margin over it.
        is_byok: whether the caller's own key at the provider was used.
        is_replayed: whether the gateway answered from its own cache, which the tag `response-cache` says, too.
        record_id: what the gateway or the vendor calls the request.
        status, usage_state: how the request ended, and whether its quantities were reported.

    Raises:
        InvalidRecord: with the field and the reason.
    """

    model: str
    occurred_at: datetime
    quantities: Mapping[str, int]
    mode: str | None = None
    geo: str | None = None
    input_tokens: int | None = None
    user: str | None = field(default=None, kw_only=True)
    api_key: str | None = field(default=None, kw_only=True)
    provider: str | None = field(default=None, kw_only=True)
    source: str | None = field(default=None, kw_only=True)
    tags: tuple[str, ...] = field(default=(), kw_only=True)
    cost: Decimal | None = field(default=None, kw_only=True)
    is_byok: bool = field(default=False, kw_only=True)
    record_id: str | None = field(default=None, kw_only=True)
    status: Status = field(default="ok", kw_only=True)
    usage_state: UsageState = field(default="reported", kw_only=True)
    is_replayed: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.occurred_at, datetime) or self.occurred_at.tzinfo is None:
            raise InvalidRecord("occurred_at has no time zone; pass an aware datetime")
        check_quantities(self.quantities)
        object.__setattr__(self, "quantities", MappingProxyType(dict(self.quantities)))
        if not (self.user is self.api_key is self.provider is self.source is None):
            ids = {"user": self.user, "api_key": self.api_key, "provider": self.provider, "source": self.source}
            check_ids({}, ids)
        if self.record_id is not None:
            check_ids({}, {"record_id": self.record_id})
        if self.tags != ():
            object.__setattr__(self, "tags", checked_tags(self.tags))
            object.__setattr__(self, "is_replayed", self.is_replayed or RESPONSE_CACHE_TAG in self.tags)
        if self.cost is not None:
            cost_text(self.cost)

    def record(self, *, record_id: str | None = None, source: str | None = None) -> UsageRecord:
        """The usage as a record that a till can take in.

        Args:
            record_id: what the gateway calls the request; the response's own id unless given.
            source: where the record comes from; that of the usage unless given.

        Raises:
            InvalidRecord: when nobody says one of them, or the usage stands for several requests.
        """
        named_id, named_source = record_id or self.record_id, source or self.source
        if named_id is None:
            raise InvalidRecord("the usage has no id of its own; pass record_id=, what the gateway calls the request")
        if named_source is None:
            raise InvalidRecord("the usage has no source; pass source=, such as 'arouter'")
        traits = {trait.name: getattr(self, trait.name) for trait in fields(Usage)}
        return UsageRecord(**{**traits, "record_id": named_id, "source": named_source})

    @property
    def zero_cost(self) -> bool:
        """Whether a cost was reported, and it is 0."""
        return self.cost is not None and not self.cost

    @property
    def has_result(self) -> bool:
        """Whether it brought output or units of something, or cost anything."""
        return bool(self.cost) or brings_output(self.quantities)

    @property
    def input_total(self) -> int:
        """All input leaves together."""
        return sum_of(self.quantities, "input_total")

    def __reduce__(self) -> tuple[Callable[..., Usage], tuple[type[Usage], dict[str, Any]]]:
        """It travels between processes, for those who price elsewhere than they call."""
        traits = {trait.name: getattr(self, trait.name) for trait in fields(self) if trait.init}
        return _made, (type(self), {**traits, "quantities": dict(self.quantities)})

    def __repr__(self) -> str:
        """Ids stand in it as JSON strings in ASCII; the API key, which may be a secret, does not."""
        counts = ", ".join(f"{name} {count_text(count)}" for name, count in self.quantities.items())
        title = f"{type(self).__name__} {_quoted(self.model)[1:-1]} at {instant_text(self.occurred_at)}"
        traits = {name: getattr(self, name) for name in ("mode", "geo", "user", "source", "record_id")}
        parts = [f"<{title}: {counts or 'nothing'}"]
        parts += [f"{name} {_quoted(value)}" for name, value in traits.items() if value is not None]
        return ", ".join(parts) + ">"


def _made(kind: type[Usage], traits: dict[str, Any]) -> Usage:
    return kind(**traits)


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class UsageRecord(Usage):
    """One request at a gateway, in canonical form: a usage with its identity, and the digest of its content.

    An empty optional text is the same as none, `mode` is `standard` unless given, and quantities of zero are left out.

    Args:
        request_key: what every report of the same request has, where a source tells of a request under several ids; a
            record whose own id it is has no need of one.

    Raises:
        InvalidRecord: with the field and the reason; the values may come from outside, and any type is looked at.
    """

    source: str
    record_id: str
    mode: str = STANDARD
    request_key: str | None = None
    digest: bytes = field(init=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("user", "api_key", "provider", "geo"):
            if getattr(self, name) == "":
                object.__setattr__(self, name, None)
        if self.request_key in ("", self.record_id):
            object.__setattr__(self, "request_key", None)
        if self.mode is None or self.mode == "":
            object.__setattr__(self, "mode", STANDARD)
        if not are_plain(self.source, self.record_id, self.model, self.user, self.api_key, self.provider, self.geo):
            check_ids(
                {"source": self.source, "record_id": self.record_id, "model": self.model},
                {"user": self.user, "api_key": self.api_key, "provider": self.provider, "geo": self.geo},
            )
        if self.request_key is not None:
            check_ids({}, {"request_key": self.request_key})
        if self.mode != STANDARD and not is_word(self.mode):
            raise InvalidRecord(f"mode {str(self.mode)[:40]!r} is not a lower-case word")
        if self.status not in STATUSES:
            raise InvalidRecord(f"status {str(self.status)[:40]!r} is not one of {', '.join(STATUSES)}")
        if self.usage_state not in USAGE_STATES:
            raise InvalidRecord(f"usage_state {str(self.usage_state)[:40]!r} is not one of {', '.join(USAGE_STATES)}")
        for name in ("is_byok", "is_replayed"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidRecord(f"{name} is {type_text(getattr(self, name))}, not true or false")
        if self.input_tokens is not None:
            raise InvalidRecord("input_tokens is for sums of requests; a record has the input total of its own leaves")
        kept = kept_quantities(self.quantities)
        if self.usage_state == "missing" and kept:
            raise InvalidRecord("usage_state is missing, but quantities are given")
        object.__setattr__(self, "quantities", MappingProxyType(kept))
        object.__setattr__(self, "occurred_at", checked_instant(self.occurred_at))
        object.__setattr__(self, "tags", checked_tags(self.tags) if self.tags else ())
        object.__setattr__(self, "is_replayed", self.is_replayed or RESPONSE_CACHE_TAG in self.tags)
        object.__setattr__(self, "digest", digest_of_content(self.content_bytes()))

    @property
    def request(self) -> str:
        """What its request is called in its source."""
        return self.request_key or self.record_id

    def content(self) -> dict[str, Any]:
        """Canonical content: what makes two records of one identity the same record or a revision."""
        cost = None if self.cost is None else cost_text(self.cost)
        replayed = {"is_replayed": True} if says_replayed(self.tags, self.is_replayed) else {}
        keyed = {} if self.request_key is None else {"request_key": self.request_key}
        return fields_of(self, *_CONTENT_FIELDS) | {"cost": cost} | replayed | keyed

    def content_bytes(self) -> bytes:
        """The same bytes as `canonical_bytes(self.content())`, put together by hand since every record needs them."""
        at = self.occurred_at
        frame = content_frame(*series_fields_of(self))
        return framed_content(
            frame,
            None if self.cost is None else cost_text(self.cost),
            at.isoformat()[:-6] + "Z" if at.tzinfo is UTC else instant_text(at),
            ",".join([f'"{name}":{count}' for name, count in self.quantities.items()]),
            self.record_id,
            self.request_key,
        )


SERIES_FIELDS = tuple("source user api_key model provider mode geo tags is_byok status usage_state is_replayed".split())
"""What does not change between a user's records."""

series_fields_of = attrgetter(*SERIES_FIELDS)
_CONTENT_FIELDS = (
    *("source", "record_id", "occurred_at", "model", "quantities", "user", "api_key", "provider", "mode", "geo"),
    *("tags", "status", "usage_state", "is_byok"),
)


def says_replayed(tags: Collection[str], is_replayed: bool) -> bool:
    """Whether content has to say that a record is a replay: it is one, and no tag says so already.

    So the digests of records from before there was a field for it are what they were.
    """
    return is_replayed and RESPONSE_CACHE_TAG not in tags


def record_of_checked(
    series: tuple[Any, ...],
    *,
    record_id: str,
    occurred_at: datetime,
    quantities: dict[str, int],
    cost: Decimal | None,
    request_key: str | None = None,
) -> UsageRecord:
    """A record of the values of `SERIES_FIELDS` and of its own fields, each as `UsageRecord` would leave it: nothing is
    looked at again, and the quantities become the record's own. For readers that have checked what they read.

    Raises:
        InvalidRecord: for a cost that has no canonical text.
    """
    record = object.__new__(UsageRecord)
    for set_trait, value in zip(_SET_SERIES, series, strict=True):
        set_trait(record, value)
    own = (record_id, occurred_at, MappingProxyType(quantities), cost, None, request_key)
    for set_own, value in zip(_SET_OWN, own, strict=True):
        set_own(record, value)
    _SET_DIGEST(record, digest_of_content(record.content_bytes()))
    return record


def _setter(name: str) -> Callable[[UsageRecord, Any], None]:
    """What sets a field of a new record, which is frozen from then on."""
    return getattr(UsageRecord, name).__set__  # type: ignore[no-any-return]


_SET_SERIES = tuple(map(_setter, SERIES_FIELDS))
_SET_OWN = tuple(map(_setter, ("record_id", "occurred_at", "quantities", "cost", "input_tokens", "request_key")))
_SET_DIGEST = _setter("digest")

Frame = tuple[str, str, str, str, str]


@lru_cache(maxsize=20_000)
def content_frame(
    source: str,
    user: str | None,
    api_key: str | None,
    model: str,
    provider: str | None,
    mode: str,
    geo: str | None,
    tags: tuple[str, ...],
    is_byok: bool,
    status: str,
    usage_state: str,
    is_replayed: bool = False,
) -> Frame:
    """The canonical content of a record without what is its own: what every record of its series has in common.

    Remembered, since there are far fewer series than records.
    """
    listed = ",".join([_quoted(tag) for tag in tags])
    replayed = ',"is_replayed":true' if says_replayed(tags, is_replayed) else ""
    return (
        f'{{"api_key":{_text(api_key)},"cost":',
        f',"geo":{_text(geo)},"is_byok":{"true" if is_byok else "false"}{replayed},"mode":{_quoted(mode)}'
        f',"model":{_quoted(model)},"occurred_at":"',
        f'","provider":{_text(provider)},"quantities":{{',
        '},"record_id":',
        f',"source":{_quoted(source)},"status":"{status}","tags":[{listed}]'
        f',"usage_state":"{usage_state}","user":{_text(user)}}}',
    )


def framed_content(
    frame: Frame, cost: str | None, occurred_at: str, quantities: str, record_id: str, request_key: str | None
) -> bytes:
    """The canonical bytes of a record: its series' frame, filled with texts in canonical form.

    Args:
        quantities: `"name":count` of every quantity that is not zero, in order of their names, with commas.
    """
    before_cost, before_instant, before_quantities, before_id, end = frame
    keyed = "" if request_key is None else f',"request_key":{_quoted(request_key)}'
    shown = "null" if cost is None else f'"{cost}"'
    return (
        f"{before_cost}{shown}{before_instant}{occurred_at}{before_quantities}{quantities}{before_id}"
        f"{_quoted(record_id)}{keyed}{end}"
    ).encode()


def digest_of_content(content: bytes) -> bytes:
    """16 bytes that stand for a record's content."""
    return hashlib.sha256(content).digest()[:16]


def checked_instant(instant: datetime) -> datetime:
    """The instant in UTC.

    Raises:
        InvalidRecord: when it has no time zone or lies outside the years 1971 to 2199.
    """
    if not isinstance(instant, datetime):
        raise InvalidRecord(f"occurred_at is {type_text(instant)}, not an instant")
    if instant.tzinfo is None:
        raise InvalidRecord("occurred_at has no time zone")
    if not 1970 < instant.year < 2200:
        raise InvalidRecord(f"occurred_at {instant.isoformat()} is outside the years 1971 to 2199")
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def cost_text(cost: Decimal) -> str:
    """The canonical text of a reported cost.

    Raises:
        InvalidRecord: when it is not an exact amount from zero to `COST_MAX`.
    """
    if not isinstance(cost, Decimal):
        raise InvalidRecord(f"cost is {type_text(cost)}, not an amount")
    if not cost.is_finite() or not 0 <= cost <= COST_MAX:
        raise InvalidRecord(f"cost {cost:.12g} is outside 0 to {COST_MAX}")
    written = str(cost)
    if "." in written and "E" not in written and written[-1] != "0" and len(written) <= COST_SCALE_MAX:
        return written
    if cost and cost.adjusted() < -COST_SCALE_MAX:
        raise InvalidRecord(f"cost {cost:.12g} has more than {COST_SCALE_MAX} digits after the point")
    try:
        text = amount_text(cost)
    except ArithmeticError:
        raise InvalidRecord("cost has more digits than an exact amount may have") from None
    if len(text.partition(".")[2]) > COST_SCALE_MAX:
        raise InvalidRecord(f"cost {text} has more than {COST_SCALE_MAX} digits after the point")
    return text
