"""Looking at an import before it is taken in: staged, previewed, then accepted or dropped as a whole.

What is staged counts for nothing and takes no identity. What it would come to is found by taking it in, in a
transaction that is taken back; so it is what accepting it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from tokentill.canonical import Content, form_of
from tokentill.clock import Clock, instant_text
from tokentill.closing.records.ingest import OBJECTS_MAX, Ingested, IngestProgress, checked_lines, ingest
from tokentill.closing.records.record_decisions import SignedReason
from tokentill.errors import Refused
from tokentill.sources.reading import Quarantined, Reading
from tokentill.sources.source_settings import NO_SOURCES, SourceSettings
from tokentill.store.audit import append_audit
from tokentill.store.database import Database, Transactions, WithinOne, hold_counter
from tokentill.store.intake.batches import Counts, store_batch_row
from tokentill.store.intake.imports import NumberedImport, import_numbered
from tokentill.store.intake.staging import (
    StagedEventKind,
    StagedLine,
    add_staged,
    copy_staged,
    count_staged,
    events_of,
    holds_staged,
    log_staged,
    open_staging,
    staged_digest,
    staged_lines,
    unfinished_staging,
)
from tokentill.usage.bounds import Bounds
from tokentill.usage.control_totals import Reported
from tokentill.usage.privacy import DEFAULT_PRIVACY, Privacy
from tokentill.usage.reporters import DEFAULT_REPORTING, Reporting

_CHECKED = Bounds(datetime(1, 1, 1, tzinfo=UTC), timedelta(days=365_000))
"""What is staged was looked at when it was staged, and users are as the privacy policy of then has them."""


@dataclass(frozen=True, slots=True)
class ImportShown:
    """One import, what people said of it, and what it would come to now as long as it is only staged."""

    imported: NumberedImport
    events: dict[StagedEventKind, tuple[str, str, datetime]]
    would_be: Ingested | None = None

    def content(self) -> Content:
        """What `imports show --json` prints."""
        said = {kind: _said(self.events.get(kind)) for kind in ("staged", "accepted", "dropped")}
        would_be = None if self.would_be is None else self.would_be.content()
        return {**self.imported.content(), "said": said, "would_be": form_of(would_be)}


def stage(
    database: Database,
    items: Reading | Iterable[Reported | Quarantined],
    *,
    name: str,
    clock: Clock,
    bounds: Bounds,
    said: SignedReason,
    reporting: Reporting = DEFAULT_REPORTING,
    privacy: Privacy = DEFAULT_PRIVACY,
    progress: IngestProgress | None = None,
    sources: Mapping[str, SourceSettings] = NO_SOURCES,
) -> Ingested:
    """Keep records and bad lines to be looked at, and say what they would be. One that was cut off goes on; the same
    again, as long as nobody decided, changes nothing.

    Args:
        said: who stages it; the reason is the name that it is staged under.
        reporting: who tells of the records.

    Returns:
        What would become of them; the number is None when there was nothing to stage.
    """
    name = name.encode("utf-8", "backslashreplace").decode()
    lines, done = checked_lines(items, name, clock, bounds, sources, privacy), 0
    with database.read() as connection:
        same, number = open_staging(connection, name, said.reason), unfinished_staging(connection, name)
    while part := list(islice(lines, OBJECTS_MAX)):
        with database.write() as connection:
            hold_counter(connection, "batch")
            if same is not None and not holds_staged(connection, same, done, part):
                number, same = _copied(connection, same, done, name, clock, reporting.reporter), None
            if same is None:
                if done == 0 and (number is None or not _goes_on(connection, number, part)):
                    number = _begun(connection, name, clock, reporting.reporter)
                _add(connection, number or 0, name, done, part)
        done += len(part)
        if progress is not None:
            progress(Counts(accepted=done))
    if not done:
        return Ingested(name, is_staged=True)
    with database.write() as connection:
        hold_counter(connection, "batch")
        if same is not None and count_staged(connection, same) > done:
            number, same = _copied(connection, same, done, name, clock, reporting.reporter), None
        if same is None and not events_of(connection, number or 0):  # another process may have been as fast
            _finish_staging(connection, number or 0, name, done, said)
    return would_be(database, same or number or 0, clock, reporting)


def _begun(connection: Connection, name: str, clock: Clock, reporter: str) -> int:
    """The number of a new import that brings nothing yet."""
    return store_batch_row(connection, Counts(), label=name, at=clock.now(), reporter=reporter)


def _copied(connection: Connection, same: int, done: int, name: str, clock: Clock, reporter: str) -> int:
    """A new import that begins as a staged one does, which holds something else behind that."""
    number = _begun(connection, name, clock, reporter)
    copy_staged(connection, same, number, done)
    return number


def _add(connection: Connection, number: int, name: str, done: int, part: list[StagedLine]) -> None:
    """Append lines behind the first `done`, but for those that are there since the staging was cut off."""
    there = max(0, min(count_staged(connection, number) - done, len(part)))
    if not holds_staged(connection, number, done, part[:there]):
        raise Refused(
            f"{name} is not what it was when its staging was cut off (import {number}); drop that one, and"
            f" stage the file again: `tokentill ingest drop {number} --reason TEXT`"
        )
    add_staged(connection, number, done + there, part[there:])


def would_be(database: Database, number: int, clock: Clock, reporting: Reporting) -> Ingested:
    """What would become of a staged import if it were accepted now."""
    with database.trial() as connection:
        return take_in(WithinOne(connection), import_numbered(connection, number), clock, reporting)


def take_in(
    database: Transactions,
    one: NumberedImport,
    clock: Clock,
    reporting: Reporting,
    progress: IngestProgress | None = None,
) -> Ingested:
    """Take in what a staged import holds, each record once however often this is done, as told by its reporter."""
    lines, told = _lines(database, one.number), replace(reporting, reporter=one.reporter)
    how: dict[str, Any] = {"clock": clock, "bounds": _CHECKED, "progress": progress, "reporting": told}
    taken = ingest(database, lines, name=one.name, number=one.number, **how)
    taken.is_staged = isinstance(database, WithinOne)
    return taken


@contextmanager
def with_imports(
    database: Database, numbers: Sequence[int], clock: Clock, reporting: Reporting = DEFAULT_REPORTING
) -> Iterator[Connection]:
    """A transaction in which staged imports are taken in, and which is taken back at the end.

    Raises:
        NotFound: when there is no such import.
        Refused: when it is not staged.
    """
    with database.trial() as connection:
        for number in numbers:
            one = import_numbered(connection, number)
            if one.state not in ("staged", "accepted"):
                raise Refused(f"{_name(one)} is {one.state}; only what is staged can be previewed with")
            take_in(WithinOne(connection), one, clock, reporting)
        yield connection


def show_import(database: Database, number: int, clock: Clock, reporting: Reporting) -> ImportShown:
    """One import, and what it would come to if it is staged.

    Raises:
        NotFound: when there is none of that number.
    """
    with database.read() as connection:
        one, events = import_numbered(connection, number), events_of(connection, number)
    return ImportShown(one, events, would_be(database, number, clock, reporting) if one.state == "staged" else None)


def accept_import(
    database: Database,
    number: int,
    signed: SignedReason,
    *,
    clock: Clock,
    reporting: Reporting = DEFAULT_REPORTING,
    progress: IngestProgress | None = None,
) -> Ingested:
    """Take a staged import in, as a whole. One that was cut off on the way goes on; doing it again changes nothing.

    Raises:
        NotFound: when there is no such import.
        Refused: when it is not staged.
    """
    with database.write() as connection:
        hold_counter(connection, "batch")
        one = import_numbered(connection, number)
        if one.state == "staged":
            _decide(connection, one, "accepted", signed)
        elif one.state not in ("accepted", "taken") or not one.staged:
            raise Refused(f"{_name(one)} is {one.state}; only what is staged can be accepted")
    taken = take_in(database, one, clock, reporting, progress)
    with database.write() as connection:
        hold_counter(connection, "batch")
        if "taken" not in events_of(connection, number):
            log_staged(connection, number, "taken", by=signed.by, reason=signed.reason, at=signed.at)
    return taken


def drop_import(database: Database, number: int, signed: SignedReason) -> NumberedImport:
    """Leave a staged import be, as a whole. Its records may be taken in by another. Doing it again changes nothing.

    Raises:
        NotFound: when there is no such import.
        Refused: when it is taken in, or on the way.
        InvalidCall: when there is no reason.
    """
    signed = signed.checked("to drop an import")
    with database.write() as connection:
        hold_counter(connection, "batch")
        one = import_numbered(connection, number)
        if one.state in ("accepted", "taken"):
            raise Refused(
                f"{_name(one)} was taken in; take it back: `tokentill usage retract --import {number} --reason TEXT`"
            )
        if one.state != "dropped":
            _decide(connection, one, "dropped", signed)
        return import_numbered(connection, number)


def _goes_on(connection: Connection, number: int, part: list[StagedLine]) -> bool:
    """Whether a staging that was cut off begins as this one."""
    return holds_staged(connection, number, 0, part[: min(count_staged(connection, number), len(part))])


def _finish_staging(connection: Connection, number: int, name: str, lines: int, signed: SignedReason) -> None:
    log_staged(connection, number, "staged", by=signed.by, reason=signed.reason, at=signed.at)
    content = {"import": number, "name": name, "lines": lines, "digest": staged_digest(connection, number)}
    content |= {"stage": signed.reason} if signed.reason else {}
    append_audit(connection, "import.staged", content, at=signed.at, actor=signed.by)


def _decide(connection: Connection, one: NumberedImport, kind: StagedEventKind, signed: SignedReason) -> None:
    log_staged(connection, one.number, kind, by=signed.by, reason=signed.reason, at=signed.at)
    content = {"import": one.number, "name": one.name, "reason": signed.reason}
    append_audit(connection, f"import.{kind}", content, at=signed.at, actor=signed.by)


def _lines(database: Transactions, number: int) -> Iterator[StagedLine]:
    """The lines of a staged import, read part by part, so that no reader waits while they are taken in."""
    done = 0
    while True:
        with database.read() as connection:
            part = staged_lines(connection, number, done, OBJECTS_MAX)
        if not part:
            return
        yield from part
        done += len(part)


def _name(one: NumberedImport) -> str:
    return f"import {one.number} ({one.name})"


def _said(event: tuple[str, str, datetime] | None) -> Content | None:
    if event is None:
        return None
    by, reason, at = event
    return {"by": by, "reason": reason, "at": instant_text(at)}
