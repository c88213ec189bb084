"""LiteLLM: `GET /spend/logs/v2`, page after page of a day, oldest first.

Both ends of its window are inclusive and in whole seconds of UTC, so a record on an end comes in two answers and is
taken from one. Pages are counted over a table that others write to: a record that slips from one page to another is
found by the total that every page states.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tokentill.clock import EPOCH
from tokentill.pulling.client import MayPass, PageParams
from tokentill.pulling.pages import Page
from tokentill.pulling.paging import PAGES, PagedKind, PullWindow, ceiling_to, floor_to

SECOND = timedelta(seconds=1)


def _first(window: PullWindow, user: str | None, size: int) -> PageParams:
    asked = {
        "start_date": _text(floor_to(SECOND, window.starts_at, EPOCH)),
        "end_date": _text(ceiling_to(SECOND, window.ends_at, EPOCH)),
        "page": "1",
        "page_size": str(size),
        "sort_by": "startTime",
        "sort_order": "asc",
    }
    return asked if user is None else {**asked, "end_user": user}


def _following(params: PageParams, page: Page, size: int) -> PageParams | None:
    asked, pages = int(params["page"]), page.number(*PAGES)
    if page.number("page") not in (None, asked):
        raise MayPass(f"it answered page {page.number('page')} in place of page {asked}")
    is_last = not page.is_full(size) if pages is None else asked >= pages
    return None if is_last else {**params, "page": str(asked + 1)}


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")


SPEND_LOG_PAGES = PagedKind(
    format="litellm",
    url=None,
    path="/spend/logs/v2",
    page_size=500,
    page_size_max=1_000,
    first=_first,
    following=_following,
)
