"""Whether all records of a period are there: the control totals of its days beside what is stored.

It changes no amount. A close asks it before it begins, and a preview says what it would say.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection

from tokentill.invoicing.completeness import Completeness, PullGap, compared_days
from tokentill.invoicing.findings import PreviewFinding
from tokentill.invoicing.periods import Month
from tokentill.invoicing.tolerance import TotalsPolicy
from tokentill.prices.book import PriceBook
from tokentill.store.database import current_value
from tokentill.store.intake.control_totals import stored_totals
from tokentill.store.intake.pulls import gaps_by_source
from tokentill.store.usage.usage_by_day import usage_by_day

_MOMENT = timedelta(microseconds=1)


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
    gaps = tuple(
        PullGap(name, gap.starts_at, gap.ends_at, gap.user, gap.why)
        for name, gap in gaps_by_source(connection, source)
        if gap.starts_at is not None and gap.ends_at is not None and gap.starts_at < ends_at and gap.ends_at > starts_at
    )
    days = (starts_at.astimezone(UTC).date(), (ends_at - _MOMENT).astimezone(UTC).date())
    totals = [stored.total for stored in stored_totals(connection, days=days, source=source) if stored.counts]
    sources = {source} if source is not None else {*policy.required, *(total.source for total in totals)}
    if not sources:
        return Completeness(month, starts_at, ends_at, policy, (), gaps)
    seq_max = current_value(connection, "batch")
    usage = {
        keys: list(usage_by_day(connection, keys, starts_at, ends_at, seq_max=seq_max, sources=sources))
        for keys in dict.fromkeys([(), *(total.broken_down_by for total in totals)])
    }

    def canonical(model: str, day: date) -> str:
        return prices.canonical_model(model, datetime.combine(day, time(), UTC)) or model

    return Completeness(month, starts_at, ends_at, policy, compared_days(totals, usage, policy, canonical), gaps)


def ended_by(ends_at: datetime, due: Iterable[datetime], now: datetime) -> datetime:
    """Until when the days of a period have to be complete.

    Args:
        ends_at: where the last customer's period ends.
        due: where the periods end that are due.
        now: where nobody is due yet, the days count that are over.
    """
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    return min(ends_at, max(due, default=today))


def findings_of_totals(made: Completeness) -> list[PreviewFinding]:
    """What control totals and pulls say that refuses nothing: a finding for each source."""
    return [
        *(
            PreviewFinding("control-totals", "", text, {"source": source, "days": days})
            for source, days, text in made.differs
        ),
        *(
            PreviewFinding("pull-gaps", "", text, {"source": source, "gaps": gaps})
            for source, gaps, text in made.uncertain
        ),
    ]
