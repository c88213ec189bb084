"""ARouter: `GET /v1/activity?user=&limit=`, of one user or of all.

Neither a cursor nor a filter by time is documented, so all there is, is asked for, and what comes next is followed
where an answer names it. A full page that names nothing is a gap.
"""

from __future__ import annotations

from tokentill.pulling.client import PageParams
from tokentill.pulling.paging import PagedKind, PullWindow, by_cursor


def _first(_window: PullWindow, user: str | None, size: int) -> PageParams:
    limit = {"limit": str(size)}
    return limit if user is None else {"user": user, **limit}


ACTIVITY_PAGES = PagedKind(
    format="arouter",
    url="https://api.arouter.ai",
    path="/v1/activity",
    page_size=100,
    page_size_max=10_000,
    first=_first,
    following=by_cursor,
    is_of_window=False,
)
