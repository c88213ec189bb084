"""What people decide about lines that are no record: they leave them be, or have them read again.

Each decision is a short transaction with an entry in the audit log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from tokentill.canonical import Content, fields_of, form_of
from tokentill.closing.records.record_decisions import SignedReason
from tokentill.errors import InvalidCall, InvalidRecord, NotFound, Refused
from tokentill.sources.kept_lines import KEPT_BYTES_MAX, KeptLine
from tokentill.sources.source_settings import NO_SOURCES, SourceSettings
from tokentill.store.audit import append_audit
from tokentill.store.database import Database, hold_counter
from tokentill.store.intake.batches import Counts, store_batch
from tokentill.store.intake.control_totals import store_totals
from tokentill.store.intake.quarantine import (
    LineDecision,
    QuarantinedLine,
    decide_lines,
    decided_keys,
    kept_lines,
    quarantined_lines,
)
from tokentill.usage.bounds import Bounds
from tokentill.usage.control_totals import ControlTotal, Reported
from tokentill.usage.privacy import DEFAULT_PRIVACY, Privacy
from tokentill.usage.record import UsageRecord
from tokentill.usage.reporters import DEFAULT_REPORTING, Reporting

RETRIED_AT_ONCE = 1_000
"""Lines that are read again in one transaction."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines that are not records, in the order in which they came."""

    lines: tuple[QuarantinedLine, ...]

    def content(self) -> Content:
        """What `usage quarantine list --json` prints."""
        return {"quarantined": form_of(self.lines)}


@dataclass(frozen=True, slots=True)
class StillQuarantined:
    """A line that was read again and is no record, or could not be read again, and why."""

    line: QuarantinedLine
    reason: str

    def content(self) -> Content:
        """Canonical content."""
        return {**fields_of(self.line, "id", "file", "line", "record_id"), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of lines that were read again. `counts` says what those that are records now were taken as."""

    taken: tuple[QuarantinedLine, ...] = ()
    still: tuple[StillQuarantined, ...] = ()
    counts: Counts = field(default_factory=Counts)

    def content(self) -> Content:
        """What `usage quarantine retry --json` prints."""
        return {
            "taken": [fields_of(line, "id", "file", "line", "record_id") for line in self.taken],
            **fields_of(self.counts, "accepted", "duplicates", "revisions"),
            "control_totals": self.counts.totals + self.counts.totals_revised + self.counts.totals_known,
            "still_quarantined": form_of(self.still),
        }


def line_named(connection: Connection, name: str) -> QuarantinedLine:
    """The quarantined line that a command names: the beginning of its digest, a colon and its line number.

    Raises:
        InvalidCall: when it is not such a name.
        NotFound: when there is no such line.
        Refused: when there are several.
    """
    digest, _, line = name.partition(":")
    if not line.isascii() or not line.isdigit() or len(line) > 15 or not digest:
        raise InvalidCall(
            f"{name!r} does not name a quarantined line; `tokentill usage quarantine list` shows their ids"
        )
    lines = [
        candidate
        for candidate in quarantined_lines(connection, line=int(line))
        if candidate.digest.hex().startswith(digest.lower())
    ]
    if not lines:
        raise NotFound(f"there is no quarantined line {name!r}; `tokentill usage quarantine list` shows all")
    if len(lines) > 1:
        raise Refused(f"{len(lines)} quarantined lines begin with {name!r}; write more of the digest")
    return lines[0]


def discard(database: Database, names: Sequence[str], file: str | None, signed: SignedReason) -> list[QuarantinedLine]:
    """Discard quarantined lines: those that are named, and all open ones of a file. Previews no longer name them.

    Returns:
        Those that were open until now.

    Raises:
        NotFound: when one of them does not exist, or the file has none.
    """
    signed = signed.checked("a decision on quarantined lines")
    with database.write() as connection:
        hold_counter(connection, "batch")
        chosen = _open_lines(connection, names, file)
        _decide(connection, chosen, "discarded", signed)
        return chosen


def retry(
    database: Database,
    names: Sequence[str],
    file: str | None,
    signed: SignedReason,
    *,
    source: str | None,
    format_: str | None,
    bounds: Bounds,
    sources: Mapping[str, SourceSettings] = NO_SOURCES,
    reporting: Reporting = DEFAULT_REPORTING,
    privacy: Privacy = DEFAULT_PRIVACY,
) -> Retried:
    """Read quarantined lines again as they were, and take in what is a record now. What is none stays as it is.

    Args:
        names: the lines that are meant; and all open ones of `file`.
        source: the source to give them, instead of the one that they were given.
        format_: the format to read them in, instead of the one that they were read in.
        bounds: between which instants usage is taken.
        sources: what is declared of the sources of records, by name.
        reporting: whose word is billed; who told of a line is who did before.
        privacy: what becomes of user ids.

    Raises:
        NotFound: when one of them does not exist, or the file has none.
        InvalidCall: when there is no such format.
    """
    signed = signed.checked("a decision on quarantined lines")
    with database.read() as connection:
        chosen = _open_lines(connection, names, file)
    retried = Retried()
    for (label, reporter), of_file in groupby(chosen, key=lambda line: (line.file, line.reporter)):
        listed = list(of_file)
        for start in range(0, len(listed), RETRIED_AT_ONCE):
            part = listed[start : start + RETRIED_AT_ONCE]
            with database.read() as connection:
                kept = kept_lines(connection, [line.key for line in part])
            records: dict[QuarantinedLine, Reported] = {}
            still = list(retried.still)
            for line in part:
                try:
                    record = _read_again(line, kept.get(line.key), source, format_)
                    bounds.check(record.occurred_at, signed.at)
                    if isinstance(record, UsageRecord):
                        privacy.check(record)
                        record = sources[record.source].of_record(record) if record.source in sources else record
                        record = privacy.applied(record) if isinstance(record, UsageRecord) else record
                    records[line] = record
                except InvalidRecord as error:
                    still.append(StillQuarantined(line, str(error)))
            taken, counts = _take_in(database, records, label, replace(reporting, reporter=reporter), signed)
            retried = Retried((*retried.taken, *taken), tuple(still), retried.counts.plus(counts))
    return retried


def _read_again(line: QuarantinedLine, kept: KeptLine | None, source: str | None, format_: str | None) -> Reported:
    if kept is None:
        raise InvalidRecord(
            "it is not kept: it is cut off, longer than"
            f" {KEPT_BYTES_MAX} bytes, holds a conversation, came with an older tokentill, or the privacy policy of its"
            f" source keeps none; ingest {line.file} again"
        )
    return kept.record(source=source, format_=format_)


def _take_in(
    database: Database,
    records: dict[QuarantinedLine, Reported],
    label: str,
    reporting: Reporting,
    signed: SignedReason,
) -> tuple[list[QuarantinedLine], Counts]:
    """Store records and what became of their lines, but for lines that somebody decided on meanwhile."""
    if not records:
        return [], Counts()
    with database.write() as connection:
        hold_counter(connection, "batch")
        decided = decided_keys(connection, [line.key for line in records])
        taken = [line for line in records if line.key not in decided]
        retried = [records[line] for line in taken]
        said: dict[str, Any] = {"label": f"retry of {label}", "at": signed.at}
        usage = [record for record in retried if isinstance(record, UsageRecord)]
        counts = store_batch(connection, usage, [], reporting=reporting, **said)
        counts = counts.plus(
            store_totals(connection, [one for one in retried if isinstance(one, ControlTotal)], **said)
        )
        _decide(connection, taken, "taken", signed)
        return taken, counts


def _open_lines(connection: Connection, names: Sequence[str], file: str | None) -> list[QuarantinedLine]:
    """Those of the lines that are named, and of a file's, that nobody decided on; each once, by their files."""
    lines = [line_named(connection, name) for name in names]
    if file is not None:
        of_file = quarantined_lines(connection, file=file)
        if not of_file:
            raise NotFound(f"{file!r} has no quarantined lines; `tokentill usage quarantine list` shows all")
        lines += of_file
    chosen = list({line.key: line for line in lines if line.state == "open"}.values())
    return sorted(chosen, key=lambda line: (line.file, line.reporter, line.line, line.digest))


def _decide(
    connection: Connection, lines: Sequence[QuarantinedLine], decision: LineDecision, signed: SignedReason
) -> None:
    if not lines:
        return
    decide_lines(connection, [line.key for line in lines], decision, by=signed.by, reason=signed.reason, at=signed.at)
    content = {"lines": [f"{line.digest.hex()}:{line.line}" for line in lines], "reason": signed.reason}
    append_audit(connection, f"quarantine.{decision}", content, at=signed.at, actor=signed.by)
