"""Parts of an input as they are taken in: records in columns, and beside them control totals and what is neither."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from tokentill.sources.kept_lines import KeptLine
from tokentill.usage.columns import SeriesNumbers, UsageColumns
from tokentill.usage.control_totals import ControlTotal, Reported
from tokentill.usage.record import UsageRecord

BLOCK_ITEMS = 1_000
"""How many items become a block that come one by one."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something in an input that is not a record, and why.

    Args:
        name: the input.
        line: line number from 1, or the number of the element in a JSON list.
        reason: what is wrong with it.
        record_id: its id, where it could be read.
        raw: the start of it, with what cannot be printed escaped, at most `EXCERPT_CHARACTERS` long; not that of a
            conversation or of a line with a key.
        digest: the first 16 bytes of the SHA-256 of all of it.
        occurred_at: the instant that it names, where it could be read.
        kept: all of it, to be read again; None for what was cut off, and for what is not to be kept.
    """

    name: str
    line: int
    reason: str
    record_id: str | None
    raw: str
    digest: bytes
    occurred_at: datetime | None = None
    kept: KeptLine | None = None

    def __str__(self) -> str:
        return f"{self.name}:{self.line}: {self.reason}"


@dataclass(slots=True)
class Block:
    """Records, and beside them control totals and bad lines. `places` says for each of the others how many items stand
    before it.
    """

    columns: UsageColumns
    others: list[Quarantined | ControlTotal] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.columns) + len(self.others)

    @property
    def bad(self) -> list[Quarantined]:
        """The bad lines."""
        return [one for one in self.others if isinstance(one, Quarantined)]

    @property
    def totals(self) -> list[ControlTotal]:
        """The control totals."""
        return [one for one in self.others if isinstance(one, ControlTotal)]

    def put(self, place: int, item: Reported | Quarantined) -> None:
        """Put an item at a place, which lies behind those of all others but records."""
        if isinstance(item, UsageRecord):
            self.columns.insert(place - len(self.others), item)
        else:
            self.others.append(item)
            self.places.append(place)

    def extend(self, more: Block) -> None:
        """Put another block behind."""
        self.places += [len(self) + place for place in more.places]
        self.others += more.others
        self.columns.extend(more.columns)

    def cut(self, size: int) -> tuple[Block, Block]:
        """The first items, and what stands behind them."""
        others = bisect_left(self.places, size)
        first = Block(self.columns.between(0, size - others), self.others[:others], self.places[:others])
        behind = [place - size for place in self.places[others:]]
        return first, Block(self.columns.between(size - others, None), self.others[others:], behind)


def gathered(items: Iterable[Reported | Quarantined]) -> Iterator[Block]:
    """Items that come one by one, as blocks."""
    names, coming = SeriesNumbers(), iter(items)
    while part := list(islice(coming, BLOCK_ITEMS)):
        others = [(place, one) for place, one in enumerate(part) if not isinstance(one, UsageRecord)]
        columns = UsageColumns.of((one for one in part if isinstance(one, UsageRecord)), names)
        yield Block(columns, [one for _, one in others], [place for place, _ in others])
        names = SeriesNumbers() if names.are_many else names
