"""Two sources that tell of the same requests, compared over the days of a period."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from tokentill.errors import InvalidCall, NotFound
from tokentill.invoicing.compared_sources import ComparedSources, compared_days
from tokentill.invoicing.periods import Month
from tokentill.store.database import current_value
from tokentill.store.usage.compared_ids import compared_ids
from tokentill.store.usage.usage_by_day import usage_by_day
from tokentill.store.usage.usage_rows import source_id_of


def compare_sources(
    connection: Connection, month: Month, within: tuple[datetime, datetime], first: str, second: str
) -> ComparedSources:
    """What two sources tell of the days that a segment of time touches.

    Raises:
        InvalidCall: when both are the same.
        NotFound: when there is no record of one of them.
    """
    if first == second:
        raise InvalidCall(f"{first!r} is compared with itself; name two sources")
    for source in (first, second):
        if source_id_of(connection, source) is None:
            raise NotFound(f"no record is of source {source!r}; `tokentill usage --by source` shows which there are")
    seq_max = current_value(connection, "batch")
    usage = usage_by_day(connection, ("user",), *within, seq_max=seq_max, sources=(first, second))
    ids = compared_ids(connection, first, second, *within, seq_max=seq_max)
    return ComparedSources(month, *within, first, second, compared_days(first, usage), ids)
