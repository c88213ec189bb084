"""Rows of a source with a field map, as most of them are, read into columns instead of one value after another.

A format declares (`PlainRows`) what becomes of each role of its map in a plain row. What a user's rows have in
common is read once, by the strict way, of the first of them; after that a row is its id, its instant, its counts and
its cost. The strict way also has the word on every row that is odd in any respect, and on the first of each series it
has to say the same as the quick one, or all of them are odd.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways import SourceRow
from tokentill.sources.gateways.inclusive import COUNTED, TOTALS, leaves_of_columns
from tokentill.sources.gateways.plain_rows import PlainRows
from tokentill.sources.gateways.quick_values import costs_of, odd_ids
from tokentill.sources.layouts import is_blank
from tokentill.sources.quick_json import has_odd_escapes, parse_line
from tokentill.sources.shapes import AMOUNTS, COUNTS, NAMES, TRAITS, Shape
from tokentill.usage.columns import SeriesKey, SeriesNumbers, UsageColumns
from tokentill.usage.control_totals import Reported
from tokentill.usage.ids import are_plain
from tokentill.usage.record import SERIES_FIELDS, UsageRecord, series_fields_of

LEARNED_MAX = 100
"""Of how many lines that are not of the shape of those before it is made wider."""

_KNOWN_MAX = 200_000
_NOTHING = (None, b"0", b"0.0")
RowTraits = tuple[Any, ...]


class RowsReader:
    """Reads the lines of one input (see `LineReader`)."""

    def __init__(
        self,
        rows: PlainRows,
        read: Callable[[SourceRow, str | None], Reported],
        source: str | None,
        names: SeriesNumbers,
        is_looked_at: Callable[[str], bool],
    ) -> None:
        self._rows, self._read, self._source, self._is_looked_at = rows, read, source, is_looked_at
        self.names = names
        self._shape = _shape_of(rows)
        self._learned = 0
        self._known: dict[RowTraits, int] = {}
        self._kinds: dict[RowTraits, SeriesKey | None] = {}
        traits = rows.traits
        self._verbatim = [(SERIES_FIELDS.index(name), traits.index(name)) for name in rows.verbatim]
        self._others_of = itemgetter(*(n for n, name in enumerate(traits) if name not in rows.verbatim))

    def columns_of(self, lines: Sequence[bytes], within: tuple[int, int]) -> tuple[UsageColumns, list[int]]:
        """The records of lines in columns, and the places of the odd lines, of which they hold nothing."""
        objects, places = self._decoded(lines)
        columns, odd = UsageColumns(self.names), set[int]()
        if objects:
            chosen = [lines[place] for place in places] if len(places) < len(lines) else lines
            columns = self._columns(chosen, objects, within, odd)
        if odd:
            good = [n for n in range(len(objects)) if n not in odd]
            columns, places = columns.taken(good), [places[n] for n in good]
        taken = set(places)
        return columns, [place for place in range(len(lines)) if place not in taken]

    def _decoded(self, lines: Sequence[bytes]) -> tuple[list[Any], list[int]]:
        """The objects of lines that are of the shape, which is made wider by some of the others."""
        objects, places = self._shape.decoded(lines)
        taken = set(places)
        for place, line in enumerate(lines):
            if len(places) == len(lines) or self._learned >= LEARNED_MAX:
                break
            wider = None if place in taken else self._widened(line)
            if wider is not None:
                self._shape = wider
                objects, places = wider.decoded(lines)
                taken = set(places)
        return objects, places

    def _widened(self, line: bytes) -> Shape | None:
        """The shape that a line that is a record has, too."""
        if is_blank(line) or has_odd_escapes(line):
            return None
        self._learned += 1
        try:
            row = parse_line(line)
            self._read(row, self._source)
        except InvalidRecord:
            return None
        return self._shape.widened(row)

    def _columns(
        self, lines: Sequence[bytes], objects: list[Any], within: tuple[int, int], odd: set[int]
    ) -> UsageColumns:
        """The columns of objects, which mean nothing where one is odd."""
        read = self._shape.columns(objects, lines)
        odd |= read.odd
        size = len(objects)
        picked = self._rows.fields.pick_columns(read.by_path, odd)
        if not {"record_id", "occurred_at", *TOTALS[:2]} <= picked.keys():
            odd.update(range(size))
            return UsageColumns(self.names)
        record_ids = self._texts(picked["record_id"])
        odd.update(odd_ids(record_ids))
        instants = self._rows.instants.micros(self._texts(picked["occurred_at"]), within, odd)
        leaves, units = leaves_of_columns(picked, odd)
        costs = costs_of(picked.get("cost", [None] * size), odd)
        for role in self._rows.amounts:
            costs_of(picked.get(role, ()), odd)
        for role in self._rows.absent:
            odd.update(n for n, written in enumerate(picked.get(role, ())) if written not in _NOTHING)
        columns = UsageColumns(self.names, [0] * size, record_ids, instants, leaves, units, costs, [None] * size)
        columns.series = self._series(lines, columns, picked, read.by_path, odd)
        return columns

    def _texts(self, column: Sequence[str | None]) -> list[str]:
        return [text or "" for text in column]

    def _series(
        self,
        lines: Sequence[bytes],
        columns: UsageColumns,
        picked: Mapping[str, Sequence[Any]],
        by_path: Mapping[str, Sequence[Any]],
        odd: set[int],
    ) -> list[int]:
        """The number of each line's series. Of one that is met first, the strict way reads a line."""
        nothing = [None] * len(lines)
        traits = [picked.get(role, nothing) for role in self._rows.series]
        traits += [by_path.get(name, nothing) for name in self._rows.beside]
        traits = [_hashable(column) for column in traits]
        written = list(zip(*traits, strict=True))
        found = list(map(self._known.get, written))
        if None in found:
            if len(self._known) > _KNOWN_MAX:
                self._known.clear()
                self._kinds.clear()
            for n, one in enumerate(written):
                if found[n] is None and n not in odd:
                    if one not in self._known:
                        self._known[one] = self._met(lines[n], columns, n, one)
                    found[n] = self._known[one]
        if -1 in found:
            odd.update(n for n, number in enumerate(found) if number == -1)
        return [number or 0 for number in found]

    def _met(self, line: bytes, columns: UsageColumns, place: int, traits: RowTraits) -> int:
        """The number of a series that is met first, -1 where its rows are odd."""
        others = self._others_of(traits)
        if others not in self._kinds:
            try:
                self._kinds[others] = self._read_strictly(line, columns, place, traits)
            except InvalidRecord:
                return -1
        key = self._kinds[others]
        if key is None:
            return -1
        fields = list(key)
        for field, trait in self._verbatim:
            value = traits[trait]
            fields[field] = None if value == "" else value
        source, user, api_key, model, provider, _, geo, *_ = fields
        return self.names.of(tuple(fields)) if are_plain(source, "-", model, user, api_key, provider, geo) else -1

    def _read_strictly(self, line: bytes, columns: UsageColumns, place: int, traits: RowTraits) -> SeriesKey | None:
        """The series of a line, None where rows that are like it in what decides of that are odd.

        Raises:
            InvalidRecord: when the line is no record.
        """
        if not self._rows.is_plain(dict(zip(self._rows.traits, traits, strict=True))):
            return None
        record = self._read(parse_line(line), self._source)
        if not isinstance(record, UsageRecord) or self._is_looked_at(record.source):
            return None
        key = series_fields_of(record)
        one = columns.taken([place])
        one.names = SeriesNumbers()
        one.series = [one.names.of(key)]
        quick = one.record(0)
        return key if record == quick and str(record.cost) == str(quick.cost) else None


def _hashable(column: Sequence[Any]) -> Sequence[Any]:
    """A column of traits, of which lists of texts are the only ones that are no keys."""
    if not any(type(value) is list for value in column[:1]) and list not in set(map(type, column)):
        return column
    return [tuple(value) if type(value) is list else value for value in column]


def _shape_of(rows: PlainRows) -> Shape:
    """The shape of rows of which none is known yet."""
    wanted = dict.fromkeys(rows.beside, TRAITS) | dict.fromkeys(rows.foreign, frozenset[str]())
    for role, paths in rows.fields.paths.items():
        kinds = COUNTS if role in COUNTED else NAMES if role in ("record_id", "occurred_at") else TRAITS
        kinds = AMOUNTS if role in ("cost", *rows.amounts, *rows.absent) else kinds
        wanted |= {path: wanted.get(path, kinds) for path in paths if role not in rows.unread}
    return Shape(wanted, (path for role in rows.unread for path in rows.fields.paths[role]))
