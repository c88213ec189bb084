"""Usages as columns, and what rating gives for them; needs numpy (`pip install 'tokentill[columns]'`).

Columns hold 64-bit integers only: codes, instants in microseconds, quantities, and amounts as whole numbers of one
power of ten. Money is never a float here either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokentill.clock import from_micros, to_micros
from tokentill.errors import InvalidRecord
from tokentill.money import EXACT
from tokentill.prices.rate_cards import RateCard, RatedStatus
from tokentill.usage.quantities import REQUEST, check_quantities
from tokentill.usage.record import Usage

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

MARKED_MAX = 4_000_000
"""Up to so many possible codes, those that occur are marked in a table; beyond it they are sorted."""

COMPARED_MAX = 12
"""Up to so many marks, comparing the column with each of them is quicker than a search."""

STATUSES: tuple[RatedStatus, ...] = ("priced", "free", "unpriced")
PRICED, FREE, UNPRICED = range(3)

NOT_STATED = -1
"""In `input_tokens`: the input total is the sum of the input leaves."""

_FIRST_US = to_micros(datetime(1971, 1, 1, tzinfo=UTC))
_LAST_US = to_micros(datetime(2200, 1, 1, tzinfo=UTC)) - 1
INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Columns:
    """Usages as columns of one length. Arrays are copied, so that nobody can change them afterwards.

    Args:
        models: the model ids that occur, and `model_codes`: for each usage the place of its model in them.
        occurred_at_us: microseconds since 1970-01-01T00:00:00Z, or numpy's `datetime64[us]`; the years 1971 to 2199.
        quantities: a column for each leaf or counter. Without a column `request`, each usage is one request.
        modes, mode_codes: as models; every usage has the first mode, `standard` by default, unless codes are given.
        geos, geo_codes: the same for the place of processing, none by default.
        input_tokens: the input total that decides the context tier, -1 where it is the sum of the input leaves.

    Raises:
        InvalidRecord: for a column of another length or type, a code that leads nowhere, a negative quantity, or an
            instant out of range; with the name of the column and the first row.
    """

    models: Sequence[str]
    model_codes: Integers
    occurred_at_us: Integers
    quantities: Mapping[str, Integers]
    modes: Sequence[str | None] = (None,)
    mode_codes: Integers | None = None
    geos: Sequence[str | None] = (None,)
    geo_codes: Integers | None = None
    input_tokens: Integers | None = None

    def __post_init__(self) -> None:
        length = len(self.model_codes)
        check_quantities(dict.fromkeys(self.quantities, 0))
        at = np.asarray(self.occurred_at_us)
        if at.dtype == np.dtype("datetime64[us]"):
            at = at.view(np.int64)
        frozen = {
            "models": tuple(self.models),
            "modes": tuple(self.modes),
            "geos": tuple(self.geos),
            "model_codes": _column("model_codes", self.model_codes, length, 0, len(self.models) - 1),
            "occurred_at_us": _column("occurred_at_us", at, length, _FIRST_US, _LAST_US),
            "quantities": MappingProxyType(
                {name: _column(name, self.quantities[name], length, 0, INT64_MAX) for name in sorted(self.quantities)}
            ),
        }
        for name, least, most in (
            ("mode_codes", 0, len(self.modes) - 1),
            ("geo_codes", 0, len(self.geos) - 1),
            ("input_tokens", NOT_STATED, INT64_MAX),
        ):
            if (values := getattr(self, name)) is not None:
                frozen[name] = _column(name, values, length, least, most)
        for name, value in frozen.items():
            object.__setattr__(self, name, value)
        if not self.modes or not self.geos:
            raise InvalidRecord("modes and geos name one value or more; None is standard, or no place")

    @classmethod
    def from_usages(cls, usages: Iterable[Usage]) -> Columns:
        """Put usages into columns.

        Raises:
            InvalidRecord: for a quantity above 2**63 - 1, or an instant outside the years 1971 to 2199.
        """
        listed = list(usages)
        models, modes, geos = (
            {value: code for code, value in enumerate(dict.fromkeys(getattr(usage, name) for usage in listed))}
            for name in ("model", "mode", "geo")
        )
        names = {REQUEST}.union(*(usage.quantities for usage in listed))
        return cls(
            models=list(models),
            model_codes=_integers([models[usage.model] for usage in listed]),
            occurred_at_us=_integers([to_micros(usage.occurred_at) for usage in listed]),
            quantities={
                name: _integers([usage.quantities.get(name, int(name == REQUEST)) for usage in listed])
                for name in names
            },
            modes=list(modes) or (None,),
            mode_codes=_integers([modes[usage.mode] for usage in listed]),
            geos=list(geos) or (None,),
            geo_codes=_integers([geos[usage.geo] for usage in listed]),
            input_tokens=_integers(
                [NOT_STATED if usage.input_tokens is None else usage.input_tokens for usage in listed]
            ),
        )

    def __len__(self) -> int:
        return len(self.model_codes)

    def __repr__(self) -> str:
        return f"<Columns of {len(self)} usages: {', '.join(self.quantities)}>"

    def kind(self, number: int) -> tuple[str, str | None, str | None]:
        """Model, mode and geography of a kind of request: its codes as the digits of one number."""
        rest, geo = divmod(number, len(self.geos))
        model, mode = divmod(rest, len(self.modes))
        return self.models[model], self.modes[mode], self.geos[geo]

    def kind_of(self, row: int) -> tuple[str, str | None, str | None]:
        """Model, mode and geography of one row."""
        mode = 0 if self.mode_codes is None else self.mode_codes[row]
        geo = 0 if self.geo_codes is None else self.geo_codes[row]
        return self.models[self.model_codes[row]], self.modes[mode], self.geos[geo]

    def usage(self, row: int) -> Usage:
        """One row as a usage."""
        model, mode, geo = self.kind_of(row)
        stated = NOT_STATED if self.input_tokens is None else int(self.input_tokens[row])
        return Usage(
            model,
            from_micros(int(self.occurred_at_us[row])),
            {name: int(column[row]) for name, column in self.quantities.items()},
            mode,
            geo,
            None if stated == NOT_STATED else stated,
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RatedColumns:
    """The exact list prices of columns, row by row: `amount = scaled x 10**exponent`.

    Args:
        scaled: 64-bit integers, or Python's where one of them needs more bits; 0 where there is no price.
        exponent: zero or less, the same for all rows.
        statuses: for each row the place of its status in `STATUSES`.
        cards: the cards that hold for one row or more, and `card_codes`: for each row the place of its card in them,
            -1 where there is none. A card knows its price entry, tier, window and currency.
        totals: the exact sum of the amounts by currency.
        unpriced: the rows without a price, rising, and `reasons`: why, in the same order.
    """

    scaled: NDArray[Any]
    exponent: int
    statuses: NDArray[np.int8]
    cards: tuple[RateCard, ...]
    card_codes: Codes
    totals: Mapping[str, Decimal]
    unpriced: Codes
    reasons: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.scaled)

    def __repr__(self) -> str:
        return f"<RatedColumns of {len(self)} usages, {len(self.unpriced)} unpriced>"

    def status(self, row: int) -> RatedStatus:
        """The status of one row."""
        return STATUSES[int(self.statuses[row])]

    def amount(self, row: int) -> Decimal | None:
        """The exact amount of one row, None where there is no price."""
        if self.statuses[row] == UNPRICED:
            return None
        return EXACT.divide(int(self.scaled[row]), Decimal(10**-self.exponent))


def _integers(values: list[int]) -> Integers:
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError:
        raise InvalidRecord(f"{max(values)} does not fit into 64 bits; rate such a usage by itself") from None


def _column(name: str, values: Any, length: int, least: int, most: int) -> Integers:
    array = np.asarray(values)
    if array.ndim != 1 or len(array) != length:
        raise InvalidRecord(f"column {name} has the shape {array.shape}; one value for each of {length} rows is needed")
    if array.dtype.kind not in "iu":
        raise InvalidRecord(f"column {name} is of {array.dtype}; only integers are taken")
    if length and (int(array.min()) < least or int(array.max()) > most):
        row = int(np.argmax((array < least) | (array > most)))
        raise InvalidRecord(f"column {name}, row {row}: {int(array[row])} is outside {least} to {most}")
    column = array.astype(np.int64, copy=True)
    column.setflags(write=False)
    return column


def present_codes(codes: Codes, size: int) -> tuple[Codes, Codes]:
    """The codes that occur, rising, and for each row the place of its own among them.

    Args:
        codes: numbers from 0 to below `size`.
    """
    if size > MARKED_MAX:
        present, places = np.unique(codes, return_inverse=True)
        return present, places.astype(np.intp, copy=False)
    is_present = np.zeros(size, dtype=np.bool_)
    is_present[codes] = True
    present = np.flatnonzero(is_present)
    if len(present) == size:
        return present, codes
    table = np.empty(size, dtype=np.intp)
    table[present] = np.arange(len(present))
    return present, table[codes]


def marks_passed(values: Integers, marks: Sequence[int]) -> Codes:
    """How many of the rising `marks` each value has reached."""
    if len(marks) > COMPARED_MAX:
        return np.searchsorted(np.array(marks, dtype=np.int64), values, side="right")
    passed = np.zeros(len(values), dtype=np.intp)
    for mark in marks:
        passed += values >= mark
    return passed
