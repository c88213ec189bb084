"""Which source a row is from, by the names of its fields."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tokentill.errors import InvalidCall, Refused
from tokentill.sources.gateways import Format, SourceRow, unwrapped
from tokentill.sources.gateways.arouter import ACTIVITY
from tokentill.sources.gateways.canonical_form import CANONICAL
from tokentill.sources.gateways.litellm import SPEND_LOG
from tokentill.sources.gateways.openrouter import GENERATION

FORMATS = {format_.name: format_ for format_ in (CANONICAL, SPEND_LOG, GENERATION, ACTIVITY)}
"""In the order in which they are tried: the most tolerant last."""

NAMES_SHOWN_MAX = 12


def format_named(name: str) -> Format:
    """The format that a caller asked for.

    Raises:
        InvalidCall: when there is no format of that name.
    """
    if name not in FORMATS:
        raise InvalidCall(f"{name!r} is not a format; there are {', '.join(FORMATS)}")
    return FORMATS[name]


def format_of_names(names: Collection[str]) -> Format | None:
    """The format whose fields these are, or None."""
    return next((candidate for candidate in FORMATS.values() if candidate.recognises(names)), None)


def format_of_rows(rows: Iterable[SourceRow]) -> Format | None:
    """The format of the first of these rows that has one.

    Raises:
        Refused: when rows were seen and none is of a known format, or they are totals of a day.
    """
    strangest: SourceRow | None = None
    for row in rows:
        inner = unwrapped(row)
        recognised = format_of_names(inner)
        if recognised is not None:
            return recognised
        strangest = inner if strangest is None else strangest
    if strangest is None:
        return None
    raise Refused(no_format_message(strangest))


def no_format_message(names: Collection[str]) -> str:
    """Why these fields fit no format, and what to do."""
    if "requests" in names and ("date" in names or "day" in names):
        return "these are daily totals, not single requests; export one record a request"
    shown = ", ".join(repr(name[:40]) for name in sorted(names)[:NAMES_SHOWN_MAX]) or "none"
    return f"no known source has these fields: {shown}; if you know it, name the format ({', '.join(FORMATS)})"
