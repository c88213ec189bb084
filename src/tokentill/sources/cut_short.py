"""What the answer of an API says of itself beside its list of records: that it is one page of several, or cut off.

Looks at the object around the list, and at an object inside of it that says such things. An answer that says nothing is
taken for whole: nobody can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokentill.canonical import ContentOfFields

_INSIDE = ("metadata", "meta", "pagination", "page_info", "pageInfo", "paging")
_PAGE = ("page", "current_page", "page_number")
_PAGES = ("total_pages", "page_count", "pages", "last_page")
_TOTAL = ("total", "total_count", "total_records")
_MORE = ("has_more", "hasMore", "has_next", "has_next_page", "hasNextPage", "truncated", "is_truncated")
_NEXT = ("next_cursor", "nextCursor", "next_page", "next_page_token", "nextPageToken", "next_token", "next")


@dataclass(frozen=True, slots=True)
class CutShort(ContentOfFields):
    """Why a file does not hold all that was asked for; with its page and their number, where it says so."""

    why: str
    page: int | None = None
    total_pages: int | None = None


def cut_short(around: Mapping[str, Any], records: int) -> CutShort | None:
    """What the object around a list of records says: that there is more, or None.

    Args:
        records: how many the list holds.
    """
    said = [around, *(inner for name in _INSIDE if isinstance(inner := around.get(name), dict))]
    page, pages, total = (_number(said, names) for names in (_PAGE, _PAGES, _TOTAL))
    of_total = f" ({records:,} of {total:,} records)" if total is not None and total > records else ""
    if pages is not None and pages > 1:
        return CutShort(f"it is page {'?' if page is None else page} of {pages:,}{of_total}", page, pages)
    if of_total:
        return CutShort(f"it holds {records:,} of {total:,} records")
    if name := _first(said, _MORE, lambda value: value is True):
        return CutShort(f"it says {name!r}, so there is more")
    if name := _first(said, _NEXT, lambda value: bool(value) and isinstance(value, (str, int))):
        return CutShort(f"it names what comes next ({name!r}), so there is more")
    return None


def _number(said: Sequence[Mapping[str, Any]], names: Sequence[str]) -> int | None:
    return next((one[name] for one in said for name in names if type(one.get(name)) is int), None)


def _first(said: Sequence[Mapping[str, Any]], names: Sequence[str], holds: Callable[[Any], bool]) -> str | None:
    return next((name for one in said for name in names if holds(one.get(name))), None)
