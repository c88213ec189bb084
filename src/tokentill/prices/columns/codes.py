"""Columns of small numbers that stand for something: which of them occur, and how many marks a value has passed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

MARKED_MAX = 4_000_000
"""Up to so many possible codes, those that occur are marked in a table; beyond it they are sorted."""

COMPARED_MAX = 12
"""Up to so many marks, comparing the column with each of them is quicker than a search."""


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
