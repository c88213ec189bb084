"""How a table is laid out in so many columns of a screen.

Numbers and instants are never broken and texts only between words. An id that has no room is shortened with an
ellipsis; `--json` has it whole. Where not even that fits, each row is printed as a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size

from tokentill.documents.escaping import ELLIPSIS
from tokentill.documents.figures import NO_BREAK

GAP = "  "
SHORTENED_MIN = 12
"""The least that is shown of a word, ellipsis included."""

_NUMBER = re.compile(r"\A[+\-\u2212]?[0-9][0-9,.:TZ%/+\-]*\Z")


def table_lines(
    columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str], width: int
) -> tuple[list[str], list[str]]:
    """The lines of a table's head, and those of its rows; columns named in `right` are of numbers and aligned so."""
    is_right = [column in right for column in columns]
    cells = [[column, *(row[place] for row in rows)] for place, column in enumerate(columns)]
    least, whole = (
        [max((of(word) for cell in column for word in _words(cell)), default=0) for column in cells]
        for of in (_least_of, cell_len)
    )
    room = width - len(GAP) * (len(columns) - 1)
    if sum(least) > room:
        return [], _listed(columns, rows, width)
    widths = _widths(least, whole, room)  # first that no word is shortened, then that no text is folded
    widths = _widths(widths, [max(map(cell_len, column)) for column in cells], room)
    body = [line.replace(NO_BREAK, " ") for row in rows for line in _row_lines(row, widths, is_right)]
    return list(_row_lines(columns, widths, is_right)), body


def _words(text: str) -> list[str]:
    """Where a text may be broken; what a no-break space holds together is one word."""
    return text.split(" ")


def _least_of(word: str) -> int:
    """The least room for a word: all of it where it cannot be shortened."""
    length = cell_len(word)
    return length if NO_BREAK in word or _NUMBER.match(word) else min(length, SHORTENED_MIN)


def _widths(least: Sequence[int], wanted: Sequence[int], room: int) -> list[int]:
    """Room for each column: all it wants where it wants little, and equal shares of the rest."""
    widths = list(least)
    left = room - sum(widths)
    open_ = [place for place in range(len(widths)) if wanted[place] > widths[place]]
    while open_ and left > 0:
        share = max(left // len(open_), 1)
        for place in open_:
            more = min(share, wanted[place] - widths[place], left)
            widths[place] += more
            left -= more
        open_ = [place for place in open_ if wanted[place] > widths[place]]
    return widths


def _row_lines(row: Sequence[str], widths: Sequence[int], is_right: Sequence[bool]) -> Iterator[str]:
    folded = [_folded(cell, width) for cell, width in zip(row, widths, strict=True)]
    for number in range(max(map(len, folded), default=0)):
        texts = []
        for lines, width, right in zip(folded, widths, is_right, strict=True):
            text = lines[number] if number < len(lines) else ""
            blanks = " " * (width - cell_len(text))
            texts.append(blanks + text if right else text + blanks)
        yield GAP.join(texts).rstrip()


def _folded(text: str, width: int) -> list[str]:
    """A text in lines of a width, broken at blanks; a word that is longer is shortened."""
    if cell_len(text) <= width:
        return [text]
    lines: list[str] = []
    for word in filter(None, _words(text)):
        word = _shortened(word, width)
        if lines and cell_len(lines[-1]) + 1 + cell_len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _shortened(word: str, width: int) -> str:
    """Both ends of a word that is too long."""
    if cell_len(word) <= width:
        return word
    tail = (width - 1) // 2
    end = set_cell_size(word[::-1], tail)[::-1].strip()
    return set_cell_size(word, width - 1 - tail).strip() + ELLIPSIS + end


def _listed(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Each row as a list of its cells by name, with an empty line between two of them."""
    longest = max(map(cell_len, columns), default=0)
    lines: list[str] = []
    for row in rows:
        lines += [""] if lines else []
        for column, cell in zip(columns, row, strict=True):
            if cell:
                name = column + " " * (longest - cell_len(column))
                folded = _folded(cell, max(width - longest - len(GAP), SHORTENED_MIN))
                lines.append(f"{name}{GAP}{folded[0]}".rstrip())
                lines += [" " * (longest + len(GAP)) + line for line in folded[1:]]
    return [line.replace(NO_BREAK, " ") for line in lines]
