"""From what a response said, and what its caller says of it, to the traits of a `Usage`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tokentill.clock import EPOCH
from tokentill.errors import InvalidRecord, MissingUsage
from tokentill.sources.gateways.arouter import mode_of
from tokentill.sources.gateways.fields import amount, count, instant
from tokentill.sources.gateways.inclusive import leaves_of
from tokentill.sources.responses.outside import opened, part, plain
from tokentill.usage.ids import check_ids, checked_tags, is_word
from tokentill.usage.quantities import kept_quantities
from tokentill.usage.record import Given, UsageState, checked_instant
from tokentill.usage.type_words import type_text

SECONDS_MAX = 7_258_118_400
"""The beginning of the year 2200, in seconds since 1970."""

NO_USAGE = (
    'the response reports no usage; of a stream, ask for it (`stream_options={"include_usage": True}` where that is'
    " known) and pass the last chunk; what is missing is not zero"
)


@dataclass(frozen=True, slots=True)
class VendorResponse:
    """A response and its usage object. They are the same thing where the usage object alone was passed."""

    response: object
    usage: dict[str, Any]


def answer_of(
    response: object, names: tuple[str, ...] = ("usage",), marks: tuple[str, ...] = ("prompt_tokens", "input_tokens")
) -> VendorResponse:
    """Find the usage object of a response.

    Args:
        response: JSON text, a mapping, or an object.
        names: what the usage object is called in a response.
        marks: names that are in a usage object, for one that is passed alone.

    Raises:
        MissingUsage: when there is no usage object, or it is empty.
        InvalidRecord: when it is not a response, or its usage is not an object.
    """
    response = opened(response)
    reported = part(response, *names)
    if reported is None and part(response, *marks) is not None:
        reported = response
    usage = plain(reported)
    if usage is None or usage == {}:
        raise MissingUsage(NO_USAGE)
    if not isinstance(usage, dict):
        raise InvalidRecord(f"the usage is {type_text(usage)}, not an object")
    return VendorResponse(response, usage)


def usage_of(
    overrides: Given,
    *,
    source: str,
    model: object,
    quantities: Mapping[str, int],
    occurred_at: datetime | None = None,
    mode: str | None = None,
    geo: str | None = None,
    provider: object = None,
    cost: Decimal | None = None,
    is_byok: bool = False,
    record_id: object = None,
) -> dict[str, Any]:
    """The traits of a usage: what its response said, and what its caller says in place of that.

    Raises:
        InvalidRecord: when nobody states the model or the time, or a value cannot be one.
        TypeError: for an argument that is not known.
    """
    strange = overrides.keys() - Given.__annotations__.keys()
    if strange:
        raise TypeError(f"{min(strange)!r} is not known; {', '.join(Given.__annotations__)} may be given")
    model = text_or_none("model", overrides.get("model", model))
    if model is None:
        raise InvalidRecord("the response names no model; pass model=")
    occurred_at = overrides.get("occurred_at", occurred_at)
    if occurred_at is None:
        raise InvalidRecord("the response does not say when it was made; pass occurred_at=")
    mode, geo = overrides.get("mode", mode), overrides.get("geo", geo)
    check_ids({"model": model}, {"geo": geo})
    if mode is not None and not is_word(mode):
        raise InvalidRecord(f"mode {str(mode)[:40]!r} is not a lower-case word")
    return {
        "model": model,
        "occurred_at": checked_instant(occurred_at),
        "quantities": kept_quantities(quantities),
        "mode": mode,
        "geo": geo,
        "user": overrides.get("user") or None,
        "api_key": overrides.get("api_key") or None,
        "provider": overrides.get("provider", text_or_none("provider", provider)),
        "source": overrides.get("source", source),
        "tags": checked_tags(overrides.get("tags") or ()),
        "cost": overrides.get("cost", cost),
        "is_byok": overrides.get("is_byok", is_byok),
        "is_replayed": overrides.get("is_replayed", False),
        "record_id": overrides.get("record_id", _own_id(record_id)),
    }


def said_on_top(answer: VendorResponse, top: Mapping[str, Any]) -> dict[str, Any]:
    """What stands at the top of a response in one of OpenAI's forms: its model, when it was made, and its id."""
    made_at = moment("created", top.get("created", top.get("created_at")))
    return {"model": top.get("model"), "occurred_at": made_at, "record_id": part(answer.response, "id")}


def reported_leaves(values: Mapping[str, Any]) -> dict[str, int]:
    """Disjoint quantities from roles (see `gateways.inclusive`).

    Raises:
        MissingUsage: when there are none.
        InvalidRecord: when they contradict each other.
    """
    return found_leaves(leaves_of(values))


def found_leaves(leaves: tuple[dict[str, int], UsageState]) -> dict[str, int]:
    """Disjoint quantities that were found.

    Raises:
        MissingUsage: when there are none.
    """
    quantities, usage_state = leaves
    if usage_state == "missing":
        raise MissingUsage(NO_USAGE)
    return quantities


def counted(usage: Mapping[str, Any], name: str) -> int:
    """A count of a usage object; nothing is 0."""
    value = usage.get(name)
    return 0 if value is None else count(name, value)


def mode_said(tier: object) -> str | None:
    """The mode that a service tier means; None for None."""
    return None if tier is None else mode_of(tier)


def moment(name: str, value: object) -> datetime | None:
    """An instant: seconds since 1970, or text after RFC 3339; None for None.

    Raises:
        InvalidRecord: for anything else.
    """
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return instant(name, value)
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise InvalidRecord(f"{name} is {type_text(value)}, not an instant")
    if not 0 <= value < SECONDS_MAX:
        raise InvalidRecord(f"{name} is {value:.12g}, not seconds since 1970")
    return EPOCH + timedelta(microseconds=int(value * 1_000_000))


def amounts_exact(values: dict[str, Any], *roles: str) -> None:
    """Put the exact amounts that a gateway reports in the place of what an SDK made of them.

    An SDK has turned the number of the response into a float before anybody could read it. Its shortest decimal form
    is then the number that was sent: encoders write that form, and a number of up to 15 digits comes back unchanged.
    Text of the response is exact in any case.

    Raises:
        InvalidRecord: when one is not an amount.
    """
    for role in roles:
        value = values.get(role)
        if value is not None:
            values[role] = amount(role, Decimal(float.__repr__(value)) if isinstance(value, float) else value)


def split_cached(values: dict[str, Any]) -> dict[str, Any]:
    """Take what was read from the cache out of the audio and the images of the prompt, and them out of `cached`.

    Sources count audio and images of a prompt including what was cached of them, and cached tokens of every kind. Where
    a source does not state their kind, cached tokens are text.

    Raises:
        InvalidRecord: when a part is larger than its whole.
    """
    for cached, whole in (("cached_audio", "audio_input"), ("cached_image", "image_input")):
        inner = count(cached, values.get(cached) or 0)
        for role in (whole, "cached") if inner else ():
            outer = count(role, values.get(role) or 0)
            if inner > outer:
                raise InvalidRecord(f"{cached} ({inner}) is more than {role} ({outer})")
            values[role] = outer - inner
    return values


def _own_id(value: object) -> str | None:
    """The id of a response, None where it has none that could be kept; it is not needed for a price."""
    try:
        check_ids({}, {"id": value if isinstance(value, str) else None})
    except InvalidRecord:
        return None
    return value if isinstance(value, str) and value else None


def text_or_none(name: str, value: object) -> str | None:
    """A text; None for None and an empty one.

    Raises:
        InvalidRecord: for anything else.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidRecord(f"{name} is {type_text(value)}, not a text")
    return value
