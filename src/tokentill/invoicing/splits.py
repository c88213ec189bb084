"""Lines by user, API key or tag: what the lines of an invoice are split by, without any change of its total.

Pure. The groups of one price and one rule are kept apart by a trait of their records. Rating is linear inside a group,
and what depends on the order of records is decided before, so the parts add up to the whole exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

from tokentill.usage.aggregates import Series

OF_TAG = "tag:"
Split = tuple[tuple[str, str | None], ...]
"""By what a line is split, and its value; None where its records have none."""


def split_of(series: Series, lines_by: Sequence[str]) -> Split:
    """The values of a series. That of `tag:team` is what follows `team:` or `team=` in the first tag that has it."""
    return tuple((name, _value(series, name)) for name in lines_by)


def split_text(split: Split) -> str:
    """A split in words, as a description goes on with it."""
    named = ((name.removeprefix(OF_TAG).replace("api_key", "api key"), value) for name, value in split)
    return "".join(f", without {name}" if value is None else f", {name} {value}" for name, value in named)


def _value(series: Series, name: str) -> str | None:
    if not name.startswith(OF_TAG):
        return series.user if name == "user" else series.api_key
    tag = name.removeprefix(OF_TAG)
    heads = (f"{tag}:", f"{tag}=")
    return next((one[len(tag) + 1 :] for one in sorted(series.tags, key=str.encode) if one.startswith(heads)), None)
