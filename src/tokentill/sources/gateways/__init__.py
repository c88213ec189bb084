"""One module a source: its field names, its convention of totals, and how they become a canonical record.

A module declares a `Format`. Reading a row raises `InvalidRecord` with the reason, and nothing else, whatever the
row holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tokentill.errors import Refused
from tokentill.sources.layouts.table import Column
from tokentill.usage.columns import SeriesNumbers, UsageColumns
from tokentill.usage.control_totals import Reported

if TYPE_CHECKING:
    from tokentill.sources.gateways.plain_rows import PlainRows

SourceRow = dict[str, Any]


class LineReader(Protocol):
    """Reads lines of one input into columns, as long as they are as most are; all others are odd.

    `names` gives series their numbers.
    """

    names: SeriesNumbers

    def columns_of(self, lines: Sequence[bytes], within: tuple[int, int]) -> tuple[UsageColumns, list[int]]:
        """The records of lines in columns, and the places of the odd lines, of which they hold nothing.

        Args:
            within: the first and the last instant of records that are not odd, in microseconds since 1970.
        """


@dataclass(frozen=True, slots=True)
class Format:
    """What a source's records look like.

    Args:
        name: what `format=` and messages call it.
        source: the source of records that do not name one, None where every record names its own.
        id_names: where a record's id is, for naming a row that cannot be read.
        recognises: whether the names in a row or a header are this format's.
        read: one row, and the source to give it, into a record or a control total.
        columns: a header into columns; raises `Refused` for one that cannot be read.
        instant_names: where a record's instant is, for a row that cannot be read.
        split: the rows in a row that holds many, each with all that it takes to read it; a row that is one of them
            comes back as it is. Raises `InvalidRecord` for one that holds nothing of the kind.
        request_of: names the request that a row tells a part of; None for a row that tells all of its own.
        joined: all rows of one request as one row.
        plain: what most rows are like that hold nothing odd, so that they can be read into columns.
    """

    name: str
    source: str | None
    id_names: tuple[str, ...]
    recognises: Callable[[Collection[str]], bool]
    read: Callable[[SourceRow, str | None], Reported]
    columns: Callable[[Sequence[str]], tuple[Column, ...]]
    instant_names: tuple[str, ...] = ("occurred_at",)
    split: Callable[[SourceRow], Sequence[SourceRow]] | None = None
    request_of: Callable[[SourceRow], Hashable | None] | None = None
    joined: Callable[[Sequence[SourceRow]], SourceRow] | None = None
    plain: PlainRows | None = None

    @property
    def is_one_a_row(self) -> bool:
        """Whether every row is one record."""
        return self.split is None and self.request_of is None


def no_table(_header: Sequence[str]) -> tuple[Column, ...]:
    """The columns of a source whose records are not a table.

    Raises:
        Refused: always.
    """
    raise Refused("records of this kind are JSON objects and no table")


def unwrapped(row: SourceRow) -> SourceRow:
    """The row itself, or what is in it when all there is is an object under `data`, as in a response to a look-up."""
    if len(row) == 1 and type(inner := row.get("data")) is dict:
        return inner
    return row
