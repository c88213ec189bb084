"""Pulling a source: its pages through the readers of files into the store, and a note of how far it came.

The note is written by the transaction that stores the records it speaks of, and no transaction is open while a gateway
is asked. So a pull that is killed at any moment, and run again, ends as one that was not.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from io import BytesIO

from sqlalchemy import Connection

from tokentill.canonical import Content, form_of
from tokentill.clock import Clock
from tokentill.closing.records.ingest import Ingested, checked_lines, counts_content, ingest
from tokentill.errors import NoAnswer, Refused
from tokentill.pulling import openrouter
from tokentill.pulling.client import GatewayClient, GatewayRefused, MayPass, PageParams
from tokentill.pulling.kinds import page_size_of
from tokentill.pulling.pages import Page, page_of
from tokentill.pulling.paging import TOTAL, PagedKind, PullWindow, missing_of
from tokentill.sources.reading import Quarantined, read_records
from tokentill.sources.source_settings import SourceSettings
from tokentill.store.database import Database, Transactions
from tokentill.store.intake.pulls import Checkpoint, Gap, PullRow, append_pulls, checkpoint_of, cursor_of, open_gaps
from tokentill.usage.bounds import Bounds
from tokentill.usage.control_totals import ControlTotal
from tokentill.usage.record import UsageRecord
from tokentill.usage.reporters import DEFAULT_REPORTING, Reporting

READ_AGAIN = 2
"""How often a window is read again whose pages do not reach the total that they state."""
PAGES_MAX = 100_000
GONE = 410
SECOND = timedelta(seconds=1)

PullProgress = Callable[[int, int | None], None]
PulledItem = UsageRecord | Quarantined


@dataclass(frozen=True, slots=True)
class Pulled:
    """What became of a pull. `gaps` are the windows of the source that may lack records, those of earlier pulls too."""

    source: str
    ingested: Ingested
    checkpoint: Checkpoint
    gaps: tuple[Gap, ...]

    def content(self) -> Content:
        """What `pull --json` prints: what `ingest` does, with how far it came."""
        return {
            **counts_content(self.ingested.counts),
            "files": [self.ingested.content()],
            "refused": [],
            "source": self.source,
            "checkpoint": form_of(self.checkpoint),
            "gaps": form_of(self.gaps),
        }


@dataclass(slots=True)
class Pulling:
    """One pull, while it is under way: what it brings, and what is to be noted of it.

    Args:
        name: of the import, which a pull of the same window has again.
        sources: what is declared of each source.
    """

    source: SourceSettings
    client: GatewayClient
    path: str
    user: str | None
    name: str
    clock: Clock
    bounds: Bounds
    progress: PullProgress
    sources: Mapping[str, SourceSettings]
    reporting: Reporting = DEFAULT_REPORTING
    error: Refused | None = field(default=None, init=False)
    unknown: list[Gap] = field(default_factory=list, init=False)
    _done: list[PullRow] = field(default_factory=list, init=False)
    _page: PullRow | None = field(default=None, init=False)
    _read: int = field(default=0, init=False)

    def generations(self, ids: Sequence[str]) -> Iterator[PulledItem]:
        """The requests of these ids, as OpenRouter tells them."""
        for number, id_ in enumerate(ids, 1):
            try:
                body = openrouter.generation(self.client, self.path, id_)
            except Refused as error:
                self.error = error
                return
            if body is None:
                self.unknown.append(Gap(None, None, None, f"{self.source.kind} knows of no generation {id_!a}"))
            else:
                yield from self._items(body, openrouter.FORMAT)
            self.progress(number, len(ids))

    def pages(
        self, kind: PagedKind, window: PullWindow, cursor_at: Callable[[PullWindow], str | None]
    ) -> Iterator[PulledItem]:
        """The records of a window of time, page after page. What stops it is kept as `error`: what came is stored."""
        size = page_size_of(self.source, kind)
        for part in window.by_day() if kind.is_of_window else (window,):
            cursor = cursor_at(part) if kind.is_in_order else None
            try:
                yield from self._part(kind, part, size, cursor)
            except Refused as error:
                self.error = error
                return

    def _part(self, kind: PagedKind, window: PullWindow, size: int, cursor: str | None) -> Iterator[PulledItem]:
        """A window that is asked for at once. It is read again if its cursor expired, or its total is not reached."""
        first = kind.first(window, self.user, size)
        params, ids = {**first, "cursor": cursor} if cursor else first, set[object]()
        for left in range(READ_AGAIN, -1, -1):
            try:
                is_over = yield from self._walk(kind, window, size, params, ids, is_last=not left)
            except GatewayRefused as refused:
                if refused.status != GONE or not left:
                    raise
                is_over = False  # the cursor expired
            if is_over:
                return
            params = first

    def _walk(
        self, kind: PagedKind, window: PullWindow, size: int, params: PageParams, ids: set[object], *, is_last: bool
    ) -> Generator[PulledItem, None, bool]:
        """The records of a window, from some page on. Returns False where they are not all, and may be once more.

        The last record of a page comes when what is to be noted of the page is.
        """
        asked, before = {tuple(params.items())}, b""
        for _ in range(PAGES_MAX):
            page, following, items = self._fetch(kind, window, size, params, asked, before)
            self._read += len(items)
            self.progress(self._read, None)
            ids.update(_id_of(item) for item in items)
            missing = missing_of(page, size, len(ids)) if following is None else None
            again = missing is not None and not is_last and page.number(*TOTAL) is not None
            inside = [item for item in items if not kind.is_exact or _lies_in(window, item)]
            yield from inside[:-1]
            self._note_page(kind, window, following, missing, again=again)
            yield from inside[-1:]
            if following is None:
                return not again
            asked.add(tuple(following.items()))
            params, before = following, page.digest
        raise Refused(f"{self._where} has more than {PAGES_MAX:,} pages of {window}; pull less at once (--until)")

    def _fetch(
        self,
        kind: PagedKind,
        window: PullWindow,
        size: int,
        params: PageParams,
        asked: Container[object],
        before: bytes,
    ) -> tuple[Page, PageParams | None, list[PulledItem]]:
        """A page, how to ask for the next one, and what it holds.

        Raises:
            Refused: when it is the one before, or leads back, also when it is asked for again.
        """

        def read(body: bytes) -> tuple[Page, PageParams | None, list[PulledItem]]:
            page = page_of(body)
            items = list(self._items(page.body, self.source.format or kind.format))
            if kind.is_exact and kind.is_of_window and any(_is_far_from(window, item) for item in items):
                raise MayPass(f"it answered records that are not of {window}")
            return page, kind.following(params, page, size), items

        for _ in range(2):
            page, following, items = self.client.get(self.path, params, read)
            leads_back = following is not None and tuple(following.items()) in asked
            if not leads_back and not (page.rows and page.digest == before):
                return page, following, items
        raise Refused(f"{self._where} answers the same page again: its cursor leads in a circle, and to no end")

    def _items(self, body: bytes, format_: str) -> Iterator[PulledItem]:
        """What an answer holds. A row has no line that would be the same in another answer, so each is the first."""
        reading = read_records(BytesIO(body), name=self.name, source=self.source.name, format=format_)
        for item in checked_lines(reading, self.name, self.clock, self.bounds, self.sources):
            if isinstance(item, ControlTotal):
                raise Refused(f"{self._where} answers control totals, and no records")
            yield replace(item, line=1) if isinstance(item, Quarantined) else item

    def _note_page(
        self, kind: PagedKind, window: PullWindow, following: PageParams | None, missing: str | None, *, again: bool
    ) -> None:
        """What is to be noted once all of a page is brought."""
        ends = (window.starts_at, window.ends_at)
        if following is None and not again:
            self._page = None
            self._done.append(PullRow("whole" if missing is None else "gap", *ends, why=missing))
        elif following is not None and kind.is_in_order and "cursor" in following:
            self._page = PullRow("page", *ends, cursor=following["cursor"])

    @property
    def _where(self) -> str:
        return f"source {self.source.name} ({self.path})"

    def note(self, connection: Connection) -> None:
        """Write down how far what was brought came, in the transaction that stores it."""
        rows = [*self._done, *([] if self._page is None else [self._page])]
        append_pulls(connection, self.source.name, self.user, rows, at=self.clock.now())

    def noted(self) -> None:
        """Forget what is written down."""
        self._done.clear()
        self._page = None

    @property
    def is_noted(self) -> bool:
        """Whether nothing is left to be written down."""
        return not self._done and self._page is None


@dataclass(frozen=True, slots=True)
class _Noting:
    """A database each of whose writing transactions also notes how far a pull came (see `Transactions`)."""

    database: Transactions
    pulling: Pulling

    def read(self) -> AbstractContextManager[Connection]:
        return self.database.read()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self.database.write() as connection:
            yield connection
            self.pulling.note(connection)
        self.pulling.noted()

    @contextmanager
    def on_one_connection(self) -> Iterator[Transactions]:
        with self.database.on_one_connection() as database:
            yield _Noting(database, self.pulling)


def pull_window(database: Database, pulling: Pulling, kind: PagedKind, window: PullWindow) -> Pulled:
    """Take in what a gateway has of a window of time.

    Raises:
        NoAnswer, Refused: when it stopped on the way. What came before is stored, and the same call goes on.
    """

    def cursor_at(part: PullWindow) -> str | None:
        with database.read() as connection:
            return cursor_of(connection, pulling.source.name, pulling.user, part.starts_at, part.ends_at)

    return _taken_in(database, pulling, pulling.pages(kind, window, cursor_at))


def pull_generations(database: Database, pulling: Pulling, ids: Sequence[str]) -> Pulled:
    """Take in single generations of OpenRouter.

    Raises:
        NoAnswer, Refused: as `pull_window`.
    """
    return _taken_in(database, pulling, pulling.generations(ids))


def _taken_in(database: Database, pulling: Pulling, items: Iterator[PulledItem]) -> Pulled:
    noting = _Noting(database, pulling)
    ingested = ingest(
        noting, items, name=pulling.name, clock=pulling.clock, bounds=pulling.bounds, reporting=pulling.reporting
    )
    if not pulling.is_noted:  # of pages that brought no record
        with noting.write():
            pass
    if pulling.error is not None:
        stored = (
            f"; what came before is stored ({ingested.counts.read:,} records), and the same call goes on from there"
        )
        kind = NoAnswer if isinstance(pulling.error, NoAnswer) else Refused
        raise kind(f"{pulling.error}{stored if ingested.counts.read else ''}") from pulling.error
    ingested.format = pulling.source.format or pulling.source.kind
    name = pulling.source.name
    with database.read() as connection:
        gaps = (*open_gaps(connection, name), *pulling.unknown)
        return Pulled(name, ingested, checkpoint_of(connection, name, pulling.user), gaps)


def _id_of(item: PulledItem) -> object:
    """What a row is counted by: its id, or all of it where it has none that can be read."""
    return item.record_id or item.digest


def _is_far_from(window: PullWindow, item: PulledItem) -> bool:
    """Whether a row lies outside of a window, also where its ends are taken in whole seconds."""
    return not (window.starts_at - SECOND <= (item.occurred_at or window.starts_at) <= window.ends_at + SECOND)


def _lies_in(window: PullWindow, item: PulledItem) -> bool:
    """Whether a row is of a window; one that does not say when it was is."""
    return item.occurred_at is None or window.holds(item.occurred_at)
