"""Which kinds of gateways there are to pull from, and where each is."""

from __future__ import annotations

from collections.abc import Mapping

from tokentill.errors import InvalidCall
from tokentill.pulling import openrouter
from tokentill.pulling.arouter import ACTIVITY_PAGES
from tokentill.pulling.langwatch import SPEND_EVENT_PAGES
from tokentill.pulling.litellm import SPEND_LOG_PAGES
from tokentill.pulling.paging import PagedKind
from tokentill.sources.source_settings import SourceSettings

PAGED: Mapping[str, PagedKind] = {
    "arouter": ACTIVITY_PAGES,
    "litellm": SPEND_LOG_PAGES,
    "langwatch": SPEND_EVENT_PAGES,
}


def address_of(source: SourceSettings) -> tuple[str, str]:
    """The address of a source's gateway, and what is asked for there.

    Raises:
        InvalidCall: when it is no gateway, or settings have to name its address and do not.
    """
    if source.kind == "file":
        raise InvalidCall(f'source {source.name} is of kind "file"; `tokentill ingest FILE --source` takes it in')
    paged = PAGED.get(source.kind)
    url, path = (openrouter.URL, openrouter.PATH) if paged is None else (paged.url, paged.path)
    url = source.url or url
    if url is None:
        raise InvalidCall(f'sources.{source.name} has no url; name its gateway, as in url = "https://gateway.example"')
    return url, source.path or path


def page_size_of(source: SourceSettings, paged: PagedKind) -> int:
    """How many records a page is asked to hold.

    Raises:
        InvalidCall: when settings ask for more than the gateway gives.
    """
    size = source.page_size or paged.page_size
    if size > paged.page_size_max:
        raise InvalidCall(
            f"sources.{source.name}.page_size is {size}; {source.kind} gives at most {paged.page_size_max} a page"
        )
    return size
