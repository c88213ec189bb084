"""One page of records as a gateway answers it: its bytes, whole or not at all, and what it says of itself.

Records are not looked at here: they go through the readers of files. What is looked at is the object around them,
which says how much there is and what comes next, and whether the bytes end where they should.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tokentill.errors import Refused
from tokentill.pulling.client import MayPass, PageParams
from tokentill.sources.layouts.elements import Elements, end_of_object, start_of_list
from tokentill.sources.opening import BOM, LIST_NAMES

_AROUND = ("metadata", "meta", "pagination", "page_info", "pageInfo", "paging")
_NEXT = {
    "next_cursor": "cursor",
    "nextCursor": "cursor",
    "cursor": "cursor",
    "next_page_token": "page_token",
    "nextPageToken": "pageToken",
    "next_token": "next_token",
    "next_page": "page",
    "next": "cursor",
}
"""Names of what comes next, and the parameter that it is sent as."""
_MORE = ("has_more", "hasMore", "has_next", "has_next_page", "hasNextPage")
_CUT = ("truncated", "is_truncated")
_SIZE = ("limit", "page_size", "per_page", "pageSize", "perPage")


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `body` is a JSON list, or an object with a list of records in it; `rows` is how many there are, and
    `digest` that of the records alone; `said` is what stands beside them, and inside of what speaks of pages.
    """

    body: bytes
    rows: int
    digest: bytes
    said: tuple[Mapping[str, Any], ...]

    def number(self, *names: str) -> int | None:
        """The first of these that it says as a whole number."""
        found = (one[name] for one in self.said for name in names if type(one.get(name)) is int)
        return next(found, None)

    @property
    def following(self) -> PageParams | None:
        """The parameters that ask for what comes next, where it says that something does."""
        for name, parameter in _NEXT.items():
            for one in self.said:
                value = one.get(name)
                if isinstance(value, str) and value.startswith(("http://", "https://", "/", "?")):
                    return dict(parse_qsl(urlsplit(value).query))  # asked of the host that was named, whatever it says
                if value and isinstance(value, (str, int)) and not isinstance(value, bool):
                    return {parameter: str(value)}
        page, pages = self.number("page", "current_page"), self.number("total_pages", "page_count", "last_page")
        return {"page": str(page + 1)} if page is not None and pages is not None and page < pages else None

    @property
    def says_more(self) -> str | None:
        """The name under which it says that it is not the last one."""
        names = (*_MORE, *_CUT)
        return next((name for one in self.said for name in names if one.get(name) is True), None)

    @property
    def says_end(self) -> bool:
        """Whether it says that nothing comes after it: a name for that is there, and holds nothing."""
        ended = any(one.get(name) is False for one in self.said for name in _MORE)
        empty = any(name in one and one[name] in (None, "") for one in self.said for name in _NEXT)
        return self.says_more is None and (ended or empty)

    def is_full(self, asked: int) -> bool:
        """Whether it holds as many as were asked for, or as many as it says that it may."""
        size = self.number(*_SIZE)
        return self.rows >= (asked if size is None or size < 1 else min(asked, size))


def page_of(body: bytes) -> Page:
    """A page of its bytes.

    Raises:
        MayPass: when they are cut off, or no JSON: the next try may bring them whole.
        Refused: when it is an object without a list of records.
    """
    digest, (rows, around) = sha256(), rows_of(body)
    for raw in rows:
        digest.update(b"%d " % len(raw) + raw)
    return Page(body, len(rows), digest.digest(), (around, *_inside(around)))


def rows_of(body: bytes) -> tuple[list[bytes], Mapping[str, Any]]:
    """The rows of a page, and what the object around them says. Raises as `page_of`."""
    body = body.removeprefix(BOM)
    start = len(body) - len(body.lstrip())
    if body.startswith(b"[", start):
        first: int | None = start
    elif body.startswith(b"{", start):
        first = start_of_list(body, start, LIST_NAMES)
    else:
        raise MayPass("its answer is no JSON" + (", but a page of HTML" if body.startswith(b"<", start) else ""))
    if first is None:
        object_of(body)
        names = ", ".join(LIST_NAMES)
        raise Refused(f"the answer has no list of records under any of {names}; are url and path the right ones?")
    elements = Elements(
        bytes_max=len(body) + 1,
        end_fault=lambda: None,
        opening=body[start:first],
        is_sequence=False,
        list_names=LIST_NAMES,
    )
    rows = []
    for _, raw, fault in elements.pieces([body[first + 1 :]]):
        if fault is not None:
            raise MayPass(f"its answer is cut off or damaged ({fault.reason})")
        rows.append(raw)
    return rows, elements.around


def object_of(body: bytes) -> bytes:
    """An answer that is one object.

    Raises:
        MayPass: when it is not, or not whole.
    """
    body = body.removeprefix(BOM).strip()
    if not body.startswith(b"{") or end_of_object(body, 0) != len(body):
        raise MayPass("its answer is cut off, or no JSON object")
    return body


def _inside(around: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (inner for name in _AROUND if isinstance(inner := around.get(name), dict))
