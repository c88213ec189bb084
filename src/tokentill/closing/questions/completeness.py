"""Whether all records are there: the control totals of a period's days beside what is stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day

from sqlalchemy import Connection

from tokentill.canonical import Content, form_of
from tokentill.closing.records.record_decisions import SignedReason
from tokentill.errors import NotFound, Refused
from tokentill.invoicing.completeness import Completeness, compared_days
from tokentill.invoicing.periods import Month
from tokentill.invoicing.tolerance import TotalsPolicy
from tokentill.prices.book import PriceBook
from tokentill.store.audit import append_audit
from tokentill.store.control_totals import StoredTotal, stored_totals, withdraw_total
from tokentill.store.database import Database, current_value, hold_counter
from tokentill.store.usage_by_day import usage_by_day

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ControlTotals:
    """Control totals with all their versions, in the order of sources and days."""

    totals: tuple[StoredTotal, ...]

    def content(self) -> Content:
        """What `usage control-totals list --json` prints."""
        return {"control_totals": form_of(self.totals)}


def completeness_of(
    connection: Connection,
    month: Month,
    within: tuple[datetime, datetime],
    policy: TotalsPolicy,
    prices: PriceBook,
    *,
    source: str | None = None,
) -> Completeness:
    """The days that a segment of time touches, of sources that state totals for some of them or have to.

    Args:
        within: the time of the period.
        prices: what names of models mean.
        source: only this one, whether it states totals or not.
    """
    starts_at, ends_at = within
    if starts_at >= ends_at:
        return Completeness(month, starts_at, ends_at, policy, ())
    days = (starts_at.astimezone(UTC).date(), (ends_at - _MOMENT).astimezone(UTC).date())
    totals = [stored.total for stored in stored_totals(connection, days=days, source=source) if stored.counts]
    sources = {source} if source is not None else {*policy.required, *(total.source for total in totals)}
    if not sources:
        return Completeness(month, starts_at, ends_at, policy, ())
    seq_max = current_value(connection, "batch")
    usage = {
        keys: list(usage_by_day(connection, keys, starts_at, ends_at, seq_max=seq_max, sources=sources))
        for keys in dict.fromkeys([(), *(total.broken_down_by for total in totals)])
    }

    def canonical(model: str, day: date) -> str:
        return prices.canonical_model(model, datetime.combine(day, time_of_day(), UTC)) or model

    return Completeness(month, starts_at, ends_at, policy, compared_days(totals, usage, policy, canonical))


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
