"""Control totals that somebody typed in, as from a provider's invoice.

The columns are `source,day,model,key,user,requests,tokens,cost`. `source` and `day` and at
least one figure have to be there, in any order. `tokens` are those of all kinds together, each counted once; `cost` is
in USD. Keys that are not known are refused. The canonical content of a total is read as well.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tokentill.errors import InvalidRecord, Refused
from tokentill.sources.gateways import Format, SourceRow
from tokentill.sources.gateways.canonical_form import hint
from tokentill.sources.gateways.fields import amount, count, count_cell, day, text_cell
from tokentill.sources.layouts.table import Column
from tokentill.usage.control_totals import FIGURES, TYPED_IN, ControlTotal
from tokentill.usage.type_words import type_text

COLUMNS = ("source", "day", "model", "key", "user", *FIGURES)
_MORE = ("api_key", "stated_by", "model_alias", "part")
_KNOWN = frozenset((*COLUMNS, *_MORE))


def read(row: SourceRow, source: str | None) -> ControlTotal:
    """One total.

    Raises:
        InvalidRecord: with the reason.
    """
    if not _KNOWN.issuperset(row):
        unknown = next(name for name in row if name not in _KNOWN)
        raise InvalidRecord(f"the key {unknown[:64]!r} is not known{hint(unknown, COLUMNS)}")
    values = {name: value for name, value in row.items() if value is not None}
    own_source = values.pop("source", source)
    if own_source is None:
        raise InvalidRecord("source is missing")
    if source is not None and own_source != source:
        shown = repr(own_source[:64]) if isinstance(own_source, str) else type_text(own_source)
        raise InvalidRecord(f"source is {shown}, and this is to be read as {source!r}")
    if "key" in values:
        if "api_key" in values:
            raise InvalidRecord("key and api_key are the same; write one of them")
        values["api_key"] = values.pop("key")
    for name in ("requests", "tokens"):
        if name in values:
            values[name] = count(name, values[name])
    if "cost" in values:
        values["cost"] = amount("cost", values["cost"])
    return ControlTotal(**{**values, "source": own_source, "day": day("day", values.get("day"))})


def columns(names: Sequence[str]) -> tuple[Column, ...]:
    """The columns of a header.

    Raises:
        Refused: for a column that is not known.
    """
    for name in names:
        if name not in _KNOWN:
            known = ", ".join(COLUMNS)
            raise Refused(
                f"the column {name[:64]!r} is not one of a control total ({known}){hint(name, sorted(_KNOWN))}"
            )
    return tuple(Column(name, count_cell if name in ("requests", "tokens") else text_cell) for name in names)


def _recognises(names: Collection[str]) -> bool:
    return "day" in names and any(name in names for name in FIGURES) and "record_id" not in names


CONTROL_TOTALS = Format(TYPED_IN, None, (), _recognises, read, columns, ("day",))
