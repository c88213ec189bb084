"""Which counts include which, by surface and provider: one table, and what follows from it.

A surface is what reports the counts: an API, a gateway's export, a kind of telemetry. The same shape means different
things on different surfaces, and on one surface for different providers, so nothing is guessed from a payload. The
identity of totals is the check, and decides only where the table says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways.fields import count
from tokentill.sources.gateways.inclusive import leaves_of
from tokentill.usage.record import UsageState

Inclusion = Literal["inside", "beside", "inside_unless_total", "by_total", "unknown"]


@dataclass(frozen=True, slots=True)
class Convention:
    """Where a source counts what was read from and written to a cache, and reasoning.

    Each is `inside` its whole (the prompt, the completion), `beside` it, inside unless the total shows that it is
    beside (`inside_unless_total`), beside where the total shows that and refused otherwise (`by_total`), or `unknown`:
    a record that has such tokens is refused.
    """

    cache: Inclusion
    reasoning: Inclusion = "inside"


_INSIDE = Convention("inside")
_CACHE_BESIDE = Convention("beside")

CONVENTIONS: Mapping[tuple[str, str | None], Convention] = {
    ("openai", None): Convention("inside", "inside_unless_total"),  # xAI answers in this form, with reasoning beside
    ("mistral", None): _INSIDE,
    ("bedrock.converse", None): _CACHE_BESIDE,
    ("bedrock.converse", "openai"): Convention("unknown"),  # streams count a cache write twice, plain answers once
    ("otlp", None): _INSIDE,
    ("otlp.old", None): Convention("by_total"),  # names of before the conventions, which each vendor meant otherwise
    ("cloudevents", None): Convention("by_total", "by_total"),
    ("helicone", None): Convention("by_total"),  # not stated, and may differ from deployment to deployment
    ("portkey", None): _INSIDE,
    ("langwatch", None): Convention("beside", "unknown"),
    ("bedrock.invoke", None): _CACHE_BESIDE,
    ("openrouter.daily", None): _INSIDE,
}
"""By surface and provider; None stands for every provider that has no row of its own."""


def convention_of(surface: str, provider: str | None = None) -> Convention:
    """The convention of a surface, for a provider."""
    return CONVENTIONS.get((surface, provider)) or CONVENTIONS[surface, None]


def leaves_by(convention: Convention, values: Mapping[str, Any]) -> tuple[dict[str, int], UsageState]:
    """Disjoint quantities from roles (see `gateways.inclusive`), and whether there was any usage at all.

    Raises:
        InvalidRecord: when something is not a count, the totals do not fit, or nobody knows what is part of what.
    """
    roles = {role: count(role, value) for role, value in values.items() if role in _COUNTED}
    if "prompt" in roles:
        roles["prompt"] += _beside("tokens of a cache", convention.cache, _cached(roles), roles)
    if "completion" in roles:
        roles["completion"] += _beside("reasoning", convention.reasoning, roles.get("reasoning_output", 0), roles)
    return leaves_of({**values, **roles})


def tokens_by(convention: Convention, values: Mapping[str, Any]) -> int | None:
    """All tokens of a total together, each counted once, from the same roles; None where there is no count.

    `other` is what is beside all of them.

    Raises:
        InvalidRecord: when something is not a count, or nobody knows what is part of what.
    """
    roles = {role: count(role, value) for role, value in values.items() if role in _COUNTED or role == "other"}
    if "prompt" not in roles and "completion" not in roles:
        return None
    beside = _beside("tokens of a cache", convention.cache, _cached(roles), roles)
    beside += _beside("reasoning", convention.reasoning, roles.get("reasoning_output", 0), roles)
    return beside + sum(roles.get(role, 0) for role in ("prompt", "completion", "other"))


_COUNTED = frozenset(
    "prompt completion total cached cache_write cache_write_5m cache_write_1h reasoning_output".split()
)


def _cached(roles: Mapping[str, int]) -> int:
    timed = roles.get("cache_write_5m", 0) + roles.get("cache_write_1h", 0)
    return roles.get("cached", 0) + roles.get("cache_write", timed)


def _beside(noun: str, place: Inclusion, part: int, roles: Mapping[str, int]) -> int:
    """What has to be added to the whole, so that the part is inside of it."""
    if not part or place == "inside":
        return 0
    if place == "beside":
        return part
    has_totals = all(role in roles for role in ("prompt", "completion", "total"))
    is_beside = has_totals and roles["prompt"] + roles["completion"] + part == roles["total"]
    if is_beside and place != "unknown":
        return part
    if place == "inside_unless_total":
        return 0
    raise InvalidRecord(
        f"there are {noun} ({part}), and whether they are inside the other counts or beside them is not known here"
    )


def disjoint_leaves(counts: Mapping[str, Any], leaves: Mapping[str, str]) -> tuple[dict[str, int], UsageState]:
    """Quantities of a source that counts nothing in two places, and whether there was any usage at all.

    Args:
        counts: what the source counts by its own names; `total` is the sum of the others.
        leaves: its names, and the quantities that they count.

    Raises:
        InvalidRecord: for a name that is not known, something that is no count, or a total that is not the sum.
    """
    quantities: dict[str, int] = {}
    for name, value in counts.items():
        if value is None or name == "total":
            continue
        number = count(name[:64], value)
        if name not in leaves and number:
            raise InvalidRecord(f"{name[:64]!r} ({number}) is not known to count any quantity")
        if number:
            leaf = leaves[name]
            quantities[leaf] = quantities.get(leaf, 0) + number
    total = counts.get("total")
    if total is not None and count("total", total) != sum(quantities.values()):
        raise InvalidRecord(f"the counts come to {sum(quantities.values())}, and the total says {total}")
    return quantities, "reported" if any(value is not None for value in counts.values()) else "missing"
