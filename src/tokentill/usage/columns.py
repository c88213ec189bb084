"""Usage records in columns: what a table takes, without an object a record. Pure.

A column has a value for each record, in their order. What records of a user have in common (`SERIES_FIELDS`) is kept
once and named by its number.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, compress, repeat
from operator import itemgetter, ne
from typing import Any

from tokentill.clock import from_micros, to_micros
from tokentill.usage.quantities import TOKEN_LEAVES
from tokentill.usage.record import UsageRecord, cost_text, record_of_checked, series_fields_of

SeriesKey = tuple[Any, ...]
"""The values of `SERIES_FIELDS`."""

Units = tuple[tuple[str, int], ...]
"""The quantities of a record that are no token leaves, in order of their names."""

SERIES_MAX = 200_000

_LEAVES = frozenset(TOKEN_LEAVES)


class SeriesNumbers:
    """The series that some records are of, each with a number from 0 on: its place in `keys`."""

    def __init__(self) -> None:
        self.keys: list[SeriesKey] = []
        self._numbers: dict[SeriesKey, int] = {}

    @property
    def are_many(self) -> bool:
        """Whether there are so many that others should begin anew, so that they stay within bounds."""
        return len(self.keys) >= SERIES_MAX

    def of(self, key: SeriesKey) -> int:
        """The number of a series, which gets one if it has none."""
        number = self._numbers.setdefault(key, len(self.keys))
        if number == len(self.keys):
            self.keys.append(key)
        return number


@dataclass(slots=True)
class UsageColumns:
    """Records, column by column.

    Args:
        names: what the numbers of series mean.
        series: the number of each record's series.
        instants: in microseconds since 1970.
        leaves: the count of each record, by the token leaves that some record has.
        units: the other quantities of each record.
        costs: what each record reports that it cost, as it was written; None where it says nothing.
        request_keys: what reports of each record's request have in common; None where that is its own id.
    """

    names: SeriesNumbers
    series: list[int] = field(default_factory=list)
    record_ids: list[str] = field(default_factory=list)
    instants: list[int] = field(default_factory=list)
    leaves: dict[str, list[int]] = field(default_factory=dict)
    units: list[Units] = field(default_factory=list)
    costs: list[str | None] = field(default_factory=list)
    request_keys: list[str | None] = field(default_factory=list)
    _in_order: dict[str, UsageColumns] | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, records: Iterable[UsageRecord], names: SeriesNumbers) -> UsageColumns:
        """The columns of records."""
        listed = list(records)
        quantities = [record.quantities for record in listed]
        used = set().union(*quantities)
        leaves = {leaf: [counts.get(leaf, 0) for counts in quantities] for leaf in TOKEN_LEAVES if leaf in used}
        units: list[Units] = [()] * len(listed)
        if not used <= _LEAVES:
            units = [tuple((name, n) for name, n in counts.items() if name not in _LEAVES) for counts in quantities]
        return cls(
            names,
            series=[names.of(series_fields_of(record)) for record in listed],
            record_ids=[record.record_id for record in listed],
            instants=[to_micros(record.occurred_at) for record in listed],
            leaves=leaves,
            units=units,
            costs=[None if record.cost is None else cost_text(record.cost) for record in listed],
            request_keys=[record.request_key for record in listed],
        )

    def __len__(self) -> int:
        return len(self.series)

    def insert(self, place: int, record: UsageRecord) -> None:
        """Put a record before the one that is at a place."""
        self._in_order = None
        one = UsageColumns.of([record], self.names)
        for column, values in zip(self._plain(), one._plain(), strict=True):
            column.insert(place, values[0])
        for leaf, column in self.leaves.items():
            column.insert(place, record.quantities.get(leaf, 0))
        for leaf in one.leaves.keys() - self.leaves.keys():
            self.leaves[leaf] = [0] * len(self.series)
            self.leaves[leaf][place] = record.quantities[leaf]

    def extend(self, more: UsageColumns) -> None:
        """Put further records, whose series have the same numbers, behind these."""
        size, self._in_order = len(self.series), None
        for leaf in more.leaves.keys() - self.leaves.keys():
            self.leaves[leaf] = [0] * size
        for leaf, column in self.leaves.items():
            column.extend(more.leaves.get(leaf) or repeat(0, len(more)))
        for own, others in zip(self._plain(), more._plain(), strict=True):
            own.extend(others)

    def taken(self, places: Sequence[int]) -> UsageColumns:
        """The records at some places, in that order."""
        if len(places) < 2:
            return self._each(lambda column: [column[place] for place in places])
        at_places = itemgetter(*places)
        return self._each(lambda column: list(at_places(column)))

    def chosen(self, are_chosen: Sequence[bool]) -> UsageColumns:
        """The records that are chosen, in their order."""
        return self._each(lambda column: list(compress(column, are_chosen)))

    def between(self, start: int, end: int | None) -> UsageColumns:
        """The records from a place on, up to another."""
        return self._each(lambda column: column[start:end])

    def _each(self, change: Any) -> UsageColumns:
        series, record_ids, instants = map(change, (self.series, self.record_ids, self.instants))
        others = (_of_one_value(column, len(series)) or change(column) for column in self._plain()[3:])
        leaves = {leaf: change(column) for leaf, column in self.leaves.items()}
        return UsageColumns(self.names, series, record_ids, instants, leaves, *others)

    def _plain(self) -> tuple[list[Any], ...]:
        return self.series, self.record_ids, self.instants, self.units, self.costs, self.request_keys

    def values(self) -> tuple[Any, ...]:
        """What they consist of, but for what the numbers of series mean."""
        return self.series, self.record_ids, self.instants, self.leaves, *self._plain()[3:]

    def identity(self, place: int) -> tuple[str, str]:
        """The source and the id of a record."""
        return self.names.keys[self.series[place]][0], self.record_ids[place]

    def in_order(self) -> dict[str, UsageColumns]:
        """The records of each source in order of their ids, equal ones as they stand; put so once, as long as no
        records come in.
        """
        if self._in_order is None:
            by_source = self._places_by_source().items()
            id_at = self.record_ids.__getitem__
            self._in_order = {source: self._made_anew(sorted(places, key=id_at)) for source, places in by_source}
        return self._in_order

    def are_first(self) -> list[bool]:
        """Whether each record has another id than the one before it, in columns that are in order."""
        return list(map(ne, self.record_ids, chain([None], self.record_ids)))

    def forget_how_they_came(self) -> None:
        """Keep them in that order alone, where they are of one source: in both they take twice the memory."""
        if len(ordered := list(self.in_order().values())) == 1:
            self.series, self.record_ids, self.instants, self.leaves, *others = ordered[0].values()
            self.units, self.costs, self.request_keys = others

    def _made_anew(self, places: Sequence[int]) -> UsageColumns:
        """The records at some places, in that order. Numbers and texts are made anew, so that they lie in memory in the
        order in which they are gone through: that is up to ten times as fast.
        """
        if len(places) < 2:
            return self.taken(places)
        at_places = itemgetter(*places)

        def change(column: list[Any]) -> list[Any]:
            if isinstance(column[0], int):
                return list(at_places(array("q", column)))
            values = list(at_places(column))
            if None in values or not isinstance(values[0], str):
                return values
            anew = "\0".join(values).split("\0")
            return anew if len(anew) == len(values) else values

        return self._each(change)

    def _places_by_source(self) -> dict[str, Iterable[int]]:
        of_series = {number: self.names.keys[number][0] for number in set(self.series)}
        sources = set(of_series.values())
        if len(sources) < 2:
            return dict.fromkeys(sources, range(len(self)))
        by_source: dict[str, list[int]] = {source: [] for source in sources}
        for place, number in enumerate(self.series):
            by_source[of_series[number]].append(place)
        return dict(by_source)

    def record(self, place: int) -> UsageRecord:
        """The record at a place."""
        counts = {leaf: column[place] for leaf, column in self.leaves.items() if column[place]} | dict(
            self.units[place]
        )
        cost = self.costs[place]
        return record_of_checked(
            self.names.keys[self.series[place]],
            record_id=self.record_ids[place],
            occurred_at=from_micros(self.instants[place]),
            quantities={name: counts[name] for name in sorted(counts)},
            cost=None if cost is None else Decimal(cost),
            request_key=self.request_keys[place],
        )

    def records(self) -> Iterator[UsageRecord]:
        """All of them, in order."""
        return map(self.record, range(len(self.series)))


def _of_one_value(column: list[Any], size: int) -> list[Any] | None:
    """A column of so many of the one value that all of a column have, as most of costs, units and request keys do."""
    return column[:1] * size if column and column.count(column[0]) == len(column) else None
