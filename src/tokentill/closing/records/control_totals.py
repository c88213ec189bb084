"""Control totals as people look at them, and take back what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tokentill.canonical import Content, form_of
from tokentill.closing.records.record_decisions import SignedReason
from tokentill.errors import NotFound, Refused
from tokentill.store.audit import append_audit
from tokentill.store.database import Database, hold_counter
from tokentill.store.intake.control_totals import StoredTotal, stored_totals, withdraw_total


@dataclass(frozen=True, slots=True)
class ControlTotals:
    """Control totals with all their versions, in the order of sources and days."""

    totals: tuple[StoredTotal, ...]

    def content(self) -> Content:
        """What `usage control-totals list --json` prints."""
        return {"control_totals": form_of(self.totals)}


def withdraw_control_total(database: Database, name: str, signed: SignedReason) -> StoredTotal:
    """Take back a version of a control total, so that the one before it counts again, or none. Doing it again changes
    nothing.

    Raises:
        NotFound: when there is none of that id.
        Refused: when several begin so.
        InvalidCall: without a reason.
    """
    signed = signed.checked("to withdraw a control total")
    with database.write() as connection:
        hold_counter(connection, "batch")
        stored = _named(stored_totals(connection), name)
        if stored.withdrawn is None:
            withdraw_total(connection, stored, by=signed.by, reason=signed.reason, at=signed.at)
            content = {"id": stored.total.cell.hex(), "version": stored.version, "reason": signed.reason}
            append_audit(connection, "control_total.withdrawn", content, at=signed.at, actor=signed.by)
        return _named(stored_totals(connection), stored.id)


def _named(listed: Iterable[StoredTotal], name: str) -> StoredTotal:
    start, _, version = name.partition(":")
    found = [one for one in listed if start and one.total.cell.hex().startswith(start) and str(one.version) == version]
    if not found:
        raise NotFound(
            f"there is no control total {name!r}; `tokentill usage control-totals list` shows all, with their ids"
        )
    if len(found) > 1:
        raise Refused(f"{len(found)} control totals begin with {name!r}; write more of the id")
    return found[0]
