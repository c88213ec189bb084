"""Who tells of a request, and whose word is billed where several do. Pure.

The records of one source that name one request (`UsageRecord.request`) are reports of it. One of them counts: that of
the reporter whom the source puts first, and of one reporter the best one. So which one it is does not depend on the
order in which they came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from tokentill.errors import InvalidCall

EXPORT = "export"
"""The source's own account, which is who tells unless somebody else is named."""

PRECEDENCE = (EXPORT, "pull", "push", "capture")
"""Whose word is billed before whose, where a source declares nothing else."""

_STATES = ("missing", "estimated", "reported")

Rank = tuple[int, int, datetime, int, str, bytes]


@dataclass(frozen=True, slots=True)
class Reporting:
    """Who tells now, and the precedence that sources declare.

    Args:
        reporter: who tells of the records.
        precedence: by source its reporters, the one whose word is billed first.
    """

    reporter: str = EXPORT
    precedence: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def check(self, source: str) -> None:
        """See that the source has the reporter.

        Raises:
            InvalidCall: when it has not.
        """
        listed = self.precedence.get(source, PRECEDENCE)
        if self.reporter not in listed:
            raise InvalidCall(
                f"{self.reporter!r} is no reporter of source {source!r}, which has {', '.join(listed)}; name it in"
                f' tokentill.toml: [sources."{source}"] reporters = [...], the one first whose word is billed'
            )

    def place(self, source: str, reporter: str) -> int:
        """Where a reporter stands with a source: the less, the sooner its word is billed. One that the source does not
        list any more stands last.
        """
        listed = self.precedence.get(source, PRECEDENCE)
        return listed.index(reporter) if reporter in listed else len(listed)


DEFAULT_REPORTING = Reporting()


def rank_of(
    place: int, usage_state: str, occurred_at: datetime, quantities: Mapping[str, int], record_id: str, digest: bytes
) -> Rank:
    """How good a report is beside others of the same request: the greatest counts.

    Usage that is missing comes before what is estimated, and that before what is reported; then an earlier instant
    before a later one, and fewer units before more. The id and the content decide what is alike in all of that.

    Args:
        place: that of its reporter (see `Reporting.place`).
    """
    units = sum(quantities.values())
    return (-place, _STATES.index(usage_state), occurred_at, units, record_id, digest)
