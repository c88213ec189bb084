"""LangWatch: `GET /api/gateway/v1/spend-events`, by a cursor that goes in the order of arrival.

A window is from and to milliseconds since 1970, of whatever instant the gateway goes by: what comes is taken. An event
that arrives while it is read lies behind the cursor, so none is passed over.
"""

from __future__ import annotations

from datetime import timedelta

from tokentill.clock import EPOCH
from tokentill.pulling.client import PageParams
from tokentill.pulling.paging import PagedKind, PullWindow, by_cursor, ceiling_to, floor_to

MILLISECOND = timedelta(milliseconds=1)


def _first(window: PullWindow, user: str | None, size: int) -> PageParams:
    ends = (floor_to(MILLISECOND, window.starts_at, EPOCH), ceiling_to(MILLISECOND, window.ends_at, EPOCH))
    starts_ms, ends_ms = (str((end - EPOCH) // MILLISECOND) for end in ends)
    asked = {"from": starts_ms, "to": ends_ms, "limit": str(size)}
    return asked if user is None else {**asked, "end_user_id": user}


SPEND_EVENT_PAGES = PagedKind(
    format="langwatch",
    url="https://app.langwatch.ai",
    path="/api/gateway/v1/spend-events",
    page_size=100,
    page_size_max=1_000,
    first=_first,
    following=by_cursor,
    is_exact=False,
    is_in_order=True,
)
