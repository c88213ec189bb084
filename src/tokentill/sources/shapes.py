"""JSON lines that are alike, decoded into columns by the types that some of them have shown.

A `Shape` says which keys the objects of an input have, and of what kind each value is; another line of it is decoded
at once, and what it holds is taken out column by column. A line that is not of the shape is left to the strict way
(`strict_json`), and so is one that says anything twice: typed decoding takes a doubled key, and the last one counts.
Such lines are found by the number of their quotes: where no quote is escaped every key and text has two, and nothing
else has any.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from operator import attrgetter, or_
from typing import Annotated, Any

import msgspec

from tokentill.sources.quick_json import decoded_lines, encode, has_odd_escapes, is_deep_or_long
from tokentill.sources.strict_json import NUMBER_CHARACTERS_MAX, exact_decimal

FIELDS_MAX = 500
"""How many keys a shape may have, so that keys which are data do not become types."""

NAMES = frozenset(("null", "text"))
COUNTS = frozenset(("null", "whole"))
TRAITS = frozenset(("null", "text", "flag", "texts"))
"""Kinds of which no value is equal to one of another kind, as 1 is to true."""

AMOUNTS = frozenset(("null", "text", "whole", "number"))
ANY_KIND = frozenset(("null", "text", "flag", "whole", "number", "texts", "object", "other"))
"""All kinds: a whole number has no point and no exponent, texts are a list of them."""

_UNSET = msgspec.UNSET
_KINDS: dict[type, str] = {type(None): "null", str: "text", bool: "flag", int: "whole", Decimal: "number"}
_WHOLE = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_TYPES: dict[str, Any] = {"null": None, "text": str, "flag": bool, "whole": _WHOLE, "texts": list[str]}
_NUMBERS = frozenset(("null", "whole", "number"))
_OF_NUMBERS = b'0123456789.eE+-"'
_DIGITS_MAX = 18  # what is decoded whatever it is, is also encoded, which longer whole numbers are not
_LONG_EXPONENT = re.compile(rb"[eE][+-]?[0-9]{4}")


@dataclass(slots=True)
class PathColumns:
    """What objects hold, by path (`usage.cost`), None where one has nothing; a path that none has is left out.

    Amounts are the bytes that they were written with. `quotes` is how many all objects are written with; `odd` are the
    places of those with numbers that only the strict way can judge.
    """

    by_path: dict[str, Sequence[Any]] = field(default_factory=dict)
    quotes: int = 0
    odd: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Field:
    """What is known of the values under a key. `kinds_taken` are those that they may be of."""

    path: str
    kinds_taken: frozenset[str]
    is_wanted: bool
    kinds: set[str] = field(default_factory=set)
    is_optional: bool = False
    inner: _Object | None = None

    @property
    def is_raw(self) -> bool:
        """Whether values stay their own bytes: numbers with a point, of which nothing may be lost."""
        is_amount = self.kinds_taken == AMOUNTS or ("number" in self.kinds and self.kinds <= _NUMBERS)
        return is_amount and self.inner is None

    @property
    def is_any(self) -> bool:
        """Whether values are decoded one by one, whatever they are."""
        return not self.is_raw and self.inner is None and not self.kinds <= _TYPES.keys()

    @property
    def is_looked_at(self) -> bool:
        """Whether a column is needed, be it that the number of quotes is another from line to line."""
        is_alike = self.kinds == {"text"} or "text" not in self.kinds
        varies = self.is_raw or self.is_any or self.is_optional or not is_alike or "texts" in self.kinds
        return self.is_wanted or varies or self.inner is not None

    def type(self) -> Any:
        """What decodes the values."""
        if self.is_raw or self.is_any:
            return msgspec.Raw if self.is_raw else Any
        types = [_TYPES[kind] for kind in sorted(self.kinds - {"object"})]
        return reduce(or_, types if self.inner is None else [*types, self.inner.type])

    def quotes_of(self, column: Sequence[Any]) -> int:
        """How many quotes are in values, but for raw ones, and for those of objects that are looked into."""
        if self.is_any:
            return encode(column).count(b'"')
        if self.kinds == {"text"}:
            return 2 * len(column)
        quotes = 0
        if "text" in self.kinds:
            texts = len(column) - column.count(None) if self.kinds <= NAMES else list(map(type, column)).count(str)
            quotes += 2 * texts
        if "texts" in self.kinds:
            quotes += 2 * sum(len(one) for one in column if type(one) is list)
        return quotes


@dataclass(slots=True)
class _Object:
    """The keys of an object, in the order in which they were met."""

    fields: dict[str, _Field] = field(default_factory=dict)
    type: Any = None
    looked_at: list[_Field] = field(default_factory=list)
    _quotes: int = 0
    _values_of: Callable[[Any], Any] = tuple

    def compile(self) -> None:
        """Make the type, once it is known what there is."""
        members: list[Any] = []
        attributes = {f"f{number}": one for number, one in enumerate(self.fields.values())}
        for attribute, one in attributes.items():
            if one.inner is not None:
                one.inner.compile()
            absent = (one.type() | msgspec.UnsetType, _UNSET) if one.is_optional else (one.type(),)
            members.append((attribute, *absent))
        renamed = dict(zip(attributes, self.fields, strict=True))
        self.type = msgspec.defstruct(
            "Line", members, rename=renamed, forbid_unknown_fields=True, kw_only=True, gc=False
        )
        chosen = {attribute: one for attribute, one in attributes.items() if one.is_looked_at}
        self.looked_at = list(chosen.values())
        self._values_of = attrgetter(*chosen) if chosen else tuple
        always = [one for one in self.fields.values() if not one.is_optional]
        self._quotes = 2 * (len(always) + sum(not one.is_looked_at and one.kinds == {"text"} for one in always))

    def read(self, objects: Sequence[Any], columns: PathColumns, places: Sequence[int]) -> None:
        """Put what objects hold into columns.

        Args:
            places: those of the objects among all lines.
        """
        columns.quotes += self._quotes * len(objects)
        if not objects or not self.looked_at:
            return
        values = map(self._values_of, objects)
        taken: Iterable[Sequence[Any]] = zip(*values, strict=True) if len(self.looked_at) > 1 else (list(values),)
        for one, column in zip(self.looked_at, taken, strict=True):
            there = column
            if one.is_optional:
                there = [value for value in column if value is not _UNSET]
                columns.quotes += 2 * len(there)
                column = [None if value is _UNSET else value for value in column]
            if one.is_raw:
                column, quotes = _numbers(column, places, columns.odd)
                columns.quotes += quotes
            else:
                columns.quotes += one.quotes_of(there)
            if one.inner is not None:
                one.inner.read_some(column, columns, places)
            elif one.is_wanted:
                columns.by_path[one.path] = column

    def read_some(self, objects: Sequence[Any], columns: PathColumns, places: Sequence[int]) -> None:
        """As `read`, where some are None."""
        there = [n for n, one in enumerate(objects) if one is not None]
        if len(there) == len(objects):
            self.read(objects, columns, places)
            return
        inner = PathColumns()
        self.read([objects[n] for n in there], inner, [places[n] for n in there])
        columns.quotes += inner.quotes
        columns.odd |= inner.odd
        for path, column in inner.by_path.items():
            whole: list[Any] = [None] * len(objects)
            for n, value in zip(there, column, strict=True):
                whole[n] = value
            columns.by_path[path] = whole

    def all_fields(self) -> Iterable[_Field]:
        """Every field, with those of objects inside."""
        for one in self.fields.values():
            yield one
            if one.inner is not None:
                yield from one.inner.all_fields()


class Shape:
    """What is known of the objects of an input.

    Args:
        wanted: the paths of values that columns are made of, and the kinds that each may be of.
        others: paths that no columns are made of, among names that are read. An object that holds paths is looked into,
            and nothing else may be in its place.
    """

    def __init__(self, wanted: Mapping[str, frozenset[str]], others: Iterable[str]) -> None:
        self._wanted = wanted
        self._parents: set[str] = set()
        for path in (*wanted, *others):
            while "." in path:
                path = path.rpartition(".")[0]
                self._parents.add(path)
        self._top = _Object()
        self._decode: Callable[[bytes], Any] | None = None
        self._is_any = False

    def widened(self, row: Mapping[str, Any]) -> Shape | None:
        """The shape that has an object, too; None where that is not to be: a value is of no kind that its path takes,
        or there would be too many keys.
        """
        wider = Shape(self._wanted, ())
        wider._parents = self._parents
        wider._top = deepcopy(self._top)
        try:
            wider._widen(wider._top, row, "", is_first=self._decode is None)
        except ValueError:
            return None
        fields = list(wider._top.all_fields())
        if len(fields) > FIELDS_MAX:
            return None
        wider._top.compile()
        wider._is_any = any(one.is_any for one in fields)
        wider._decode = msgspec.json.Decoder(wider._top.type, float_hook=exact_decimal).decode
        return wider

    def _widen(self, known: _Object, row: Mapping[str, Any], prefix: str, *, is_first: bool) -> None:
        for name, one in known.fields.items():
            one.is_optional |= name not in row
        for name, value in row.items():
            path = prefix + name
            if name not in known.fields:
                if not name.isprintable() or '"' in name or "\\" in name:
                    raise ValueError(path)  # which no type has as a name
                taken = self._wanted.get(path, ANY_KIND)
                known.fields[name] = _Field(path, taken, path in self._wanted, is_optional=not is_first)
            one = known.fields[name]
            is_inside = path in self._parents
            kind = _kind_of(value)
            one.kinds.add(kind)
            if kind == "object" and is_inside:
                is_new = one.inner is None
                one.inner = one.inner or _Object()
                self._widen(one.inner, value, f"{path}.", is_first=is_new)
            elif kind not in one.kinds_taken:
                raise ValueError(path)
            if is_inside and not (one.kinds <= {"null", "object"} or (one.is_wanted and one.inner is None)):
                raise ValueError(path)

    def decoded(self, lines: Sequence[bytes]) -> tuple[list[Any], list[int]]:
        """The objects of lines that are of the shape, and their places."""
        if self._decode is None:
            return [], []
        return decoded_lines(self._decode, lines, self._is_odd if self._is_any else has_odd_escapes)

    def _is_odd(self, line: bytes) -> bool:
        return has_odd_escapes(line) or is_deep_or_long(line, _DIGITS_MAX)

    def columns(self, objects: Sequence[Any], lines: Sequence[bytes]) -> PathColumns:
        """What decoded objects hold. Odd are, among others, those that say anything twice."""
        columns = PathColumns()
        self._top.read(objects, columns, range(len(objects)))
        if b"".join(lines).count(b'"') != columns.quotes:
            columns.odd.update(n for n, one in enumerate(objects) if encode(one).count(b'"') != lines[n].count(b'"'))
        return columns


def _kind_of(value: object) -> str:
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "texts" if all(type(one) is str for one in value) else "other"
    return _KINDS[type(value)]


def _numbers(column: Sequence[Any], places: Sequence[int], odd: set[int]) -> tuple[list[bytes | None], int]:
    """The bytes of raw numbers, None for null, and how many quotes they have. What is no number, nor a short text of
    what numbers consist of, is odd.
    """
    raw = column if None not in column else [b"null" if one is None else one for one in column]
    joined = b";".join(raw)
    values: list[bytes | None] = list(joined.split(b";"))
    if len(values) != len(raw):  # some text has one, too
        values = list(map(bytes, raw))
    if b"n" in joined:
        values = [None if one == b"null" else one for one in values]
        joined = b";".join([one for one in values if one is not None])
    is_plain = (
        not joined.translate(None, _OF_NUMBERS + b";")
        and max(map(len, joined.split(b";"))) <= NUMBER_CHARACTERS_MAX
        and _LONG_EXPONENT.search(joined) is None
    )
    if not is_plain:
        odd.update(places[n] for n, one in enumerate(values) if one is not None and not _is_number(one))
    return values, joined.count(b'"')


def _is_number(raw: bytes) -> bool:
    is_short = len(raw) <= NUMBER_CHARACTERS_MAX and _LONG_EXPONENT.search(raw) is None
    return is_short and not raw.translate(None, _OF_NUMBERS)
