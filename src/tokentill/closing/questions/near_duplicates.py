"""Requests that may have been taken in twice: an export loaded under two names, a gateway behind another gateway.

Records are alike when user, model, every quantity and the second are the same, and their identities are not. Nobody can
tell from that alone that they are one request, so this is a report and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import combinations

from sqlalchemy import Connection

from tokentill.canonical import ContentOfFields
from tokentill.invoicing.periods import Month
from tokentill.store.usage.near_duplicates import Alike, alike_within, identities_of, requests_by_source, source_names

EXAMPLES_MAX = 5
"""Examples of each pair of sources."""


@dataclass(frozen=True, slots=True)
class AlikeDay(ContentOfFields):
    """How many records of a source are alike with some of another one, or of the same, on a day in UTC."""

    source: str
    other_source: str
    day: date
    records: int


@dataclass(frozen=True, slots=True)
class AlikePair(ContentOfFields):
    """Two records that are alike."""

    source: str
    record_id: str
    other_source: str
    other_record_id: str
    occurred_at: datetime
    user: str | None
    model: str


@dataclass(frozen=True, slots=True)
class NearDuplicates(ContentOfFields):
    """What is alike in a calendar month, in UTC: `report near-duplicates --json`. `requests` are all of each source."""

    period: str
    days: tuple[AlikeDay, ...]
    examples: tuple[AlikePair, ...]
    requests: dict[str, int]


def find_near_duplicates(connection: Connection, month: Month) -> NearDuplicates:
    """The records of a month that are alike, by pairs of sources and days."""
    after = month.plus(1)
    starts_at, ends_at = (
        datetime(month.year, month.month, 1, tzinfo=UTC),
        datetime(after.year, after.month, 1, tzinfo=UTC),
    )
    counts: Counter[tuple[int, int, date]] = Counter()
    examples: dict[tuple[int, int], list[tuple[Alike, int, int]]] = {}
    for group in alike_within(connection, starts_at, ends_at):
        of_sources = Counter(source_id for source_id, _ in group.members)
        first = dict(reversed(group.members))
        pairs = [(one, other, min(of_sources[one], of_sources[other])) for one, other in combinations(of_sources, 2)]
        pairs += [(one, one, number - 1) for one, number in of_sources.items() if number > 1]
        for one, other, number in pairs:
            counts[one, other, group.at.date()] += number
            named = examples.setdefault((one, other), [])
            if len(named) < EXAMPLES_MAX:
                rows = [row_id for source_id, row_id in group.members if source_id == other]
                named.append((group, first[one], rows[1] if one == other else rows[0]))
    names = source_names(connection)
    days = [AlikeDay(names[one], names[other], day, number) for (one, other, day), number in counts.items()]
    found = [pair for _, listed in sorted(examples.items()) for pair in listed]
    ids = identities_of(connection, [row_id for _, *rows in found for row_id in rows])
    return NearDuplicates(
        str(month),
        tuple(sorted(days, key=lambda one: (one.source.encode(), one.other_source.encode(), one.day))),
        tuple(_pair(group, ids[one], ids[other], names) for group, one, other in found),
        requests_by_source(connection, starts_at, ends_at),
    )


def _pair(group: Alike, one: tuple[int, str], other: tuple[int, str], names: dict[int, str]) -> AlikePair:
    return AlikePair(names[one[0]], one[1], names[other[0]], other[1], group.at, group.user, group.model)
