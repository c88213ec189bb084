"""Which lines an input has, and what makes columns of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tokentill.sources.gateways import LineReader
from tokentill.sources.gateways.canonical_table import CanonicalReader
from tokentill.sources.gateways.quick_rows import RowsReader
from tokentill.sources.opening import FORMATS
from tokentill.usage.columns import SeriesNumbers, UsageColumns


@dataclass(frozen=True, slots=True)
class SourcesLookedAt:
    """Whether records of a source have to be looked at one by one: those of the named sources as they say, those of
    any other as `others` says.
    """

    named: Mapping[str, bool]
    others: bool

    def __call__(self, source: str) -> bool:
        return self.named.get(source, self.others)


NONE_LOOKED_AT = SourcesLookedAt({}, others=False)


@dataclass(frozen=True, slots=True)
class InputLines:
    """The lines of an input.

    Args:
        format: the name of their format.
        source: the source that was asked for.
        is_looked_at: whether records of a source are never read into columns.
    """

    format: str
    source: str | None
    is_looked_at: SourcesLookedAt

    def reader(self, names: SeriesNumbers) -> LineReader:
        """What reads them."""
        how = self.source, names, self.is_looked_at
        known = FORMATS[self.format]
        return CanonicalReader(*how) if known.plain is None else RowsReader(known.plain, known.read, *how)


class ColumnsOfLines:
    """Makes columns of the lines of one input, whose series begin anew when there are too many."""

    def __init__(self, lines: InputLines, names: SeriesNumbers) -> None:
        self._lines = lines
        self._reader = lines.reader(names)

    @property
    def names(self) -> SeriesNumbers:
        """What the numbers of the last series mean."""
        return self._reader.names

    def of(self, run: Sequence[bytes], within: tuple[int, int]) -> tuple[UsageColumns, list[int]]:
        """The columns of some lines, and the places of the odd ones (see `LineReader`)."""
        if self.names.are_many:
            self._reader = self._lines.reader(SeriesNumbers())
        return self._reader.columns_of(run, within)
