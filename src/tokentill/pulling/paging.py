"""What a gateway that lists its records says how to ask for them: a `PagedKind`, one module each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tokentill.clock import MICROSECOND, instant_text
from tokentill.pulling.client import PageParams
from tokentill.pulling.pages import Page

TOTAL = ("total", "total_count", "total_records")
PAGES = ("total_pages", "page_count", "last_page")


@dataclass(frozen=True, slots=True)
class PullWindow:
    """A window of time, from an instant until before another one."""

    starts_at: datetime
    ends_at: datetime

    def __str__(self) -> str:
        return f"{instant_text(self.starts_at)} {instant_text(self.ends_at)}"

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies in it."""
        return self.starts_at <= at < self.ends_at

    def by_day(self) -> Iterator[PullWindow]:
        """The same, cut at the midnights of UTC."""
        start = self.starts_at
        while start < self.ends_at:
            midnight = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            end = min(midnight, self.ends_at)
            yield PullWindow(start, end)
            start = end


@dataclass(frozen=True, slots=True)
class PagedKind:
    """How the records of one kind of gateway are asked for.

    Args:
        format: how its records are read, unless settings say it.
        url: its public address; None where everybody has their own.
        path: what is asked for.
        page_size, page_size_max: how many records a page is asked to hold, and may be.
        first: the parameters that ask for the first page of a window, of one user or of all.
        following: those that ask for the page after one, which was asked for with some; None after the last.
        is_of_window: whether it takes a window of time, which is asked for day by day; otherwise for all there is.
        is_exact: whether it goes by the instants of its records, so that one outside of the window is left out here: it
            comes in the window that it lies in.
        is_in_order: whether its cursor goes in the order of arrival, so that one that was cut off goes on there.
    """

    format: str
    url: str | None
    path: str
    page_size: int
    page_size_max: int
    first: Callable[[PullWindow, str | None, int], PageParams]
    following: Callable[[PageParams, Page, int], PageParams | None]
    is_of_window: bool = True
    is_exact: bool = True
    is_in_order: bool = False


def by_cursor(params: PageParams, page: Page, _size: int) -> PageParams | None:
    """The page that one says comes next."""
    return None if page.following is None else {**params, **page.following}


def missing_of(page: Page, size: int, distinct: int) -> str | None:
    """Why the pages of a window, of which this is the last, may not be all there is; None where they are.

    Args:
        size: how many records it was asked to hold.
        distinct: how many different records all of them hold.
    """
    total = page.number(*TOTAL)
    if total is not None:
        return None if distinct >= total else f"the pages hold {distinct:,} of the {total:,} records that there are"
    if (name := page.says_more) is not None:
        return f"the last page says {name!r}, and not how to ask for more"
    if page.is_full(size) and page.number(*PAGES) is None and not page.says_end:
        return f"a full page of {page.rows:,} records, and no cursor to what may follow"
    return None


def floor_to(step: timedelta, at: datetime, epoch: datetime) -> datetime:
    """The last multiple of a step that is not after an instant."""
    return epoch + (at - epoch) // step * step


def ceiling_to(step: timedelta, at: datetime, epoch: datetime) -> datetime:
    """The first multiple of a step that is not before an instant."""
    return floor_to(step, at + step - MICROSECOND, epoch)
