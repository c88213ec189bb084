"""What goes wrong, planned in advance.

A `PlannedFault` names the nth matching request and what happens to it, so a run is the same every time.
`FaultPlan` counts requests and tells how many faults fired, so that a test can fail when fewer fired than it planned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

from tokentill.errors import InvalidCall

FaultKind = Literal[
    "reset_before",
    "reset_after",
    "status_before",
    "status_after",
    "timeout_before",
    "timeout_after",
    "timeout_late",
    "slow",
    "late_duplicate",
]

EVENTS_PATH = "/v1/billing/meter_events"
LATE_KINDS = ("timeout_late", "late_duplicate")
STATUSES = (409, 429, 500, 502, 503)


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """One planned fault.

    `at` counts the requests that match `path` from 1; `path` is an exact path or a shell pattern (`/v1/billing/*`),
    and None matches every request. The late kinds concern meter events, and without a path they count those only.

    `before` and `after` say whether the effect has taken place. `reset` closes the connection without an answer,
    `timeout` holds it first, `slow` holds it and then does what was asked. `timeout_late` holds and closes, and the
    request takes effect after `late_by` further events, under the ordinary rules. `late_duplicate` answers normally,
    and the same event is received once more after `late_by` further events, past the check of its identifier.
    `retry_after_seconds` is what an answer with a status says in `Retry-After`.
    """

    at: int
    kind: FaultKind
    status: int = 500
    path: str | None = None
    late_by: int = 1
    retry_after_seconds: int | None = None

    def __post_init__(self) -> None:
        if self.at < 1 or self.late_by < 1:
            raise InvalidCall(f"a fault counts requests from 1; got at={self.at}, late_by={self.late_by}")
        if self.kind not in get_args(FaultKind):
            raise InvalidCall(f"{self.kind!r} is not a kind of fault; use one of {', '.join(get_args(FaultKind))}")
        if self.status not in STATUSES:
            raise InvalidCall(f"a fault cannot answer {self.status}; use one of {', '.join(map(str, STATUSES))}")

    def matches(self, path: str) -> bool:
        """Whether a request to this path counts towards `at`."""
        if self.path is not None:
            return fnmatchcase(path, self.path)
        return self.kind not in LATE_KINDS or path == EVENTS_PATH


class FaultPlan:
    """Counts the requests towards each planned fault. The caller holds a lock around every method."""

    def __init__(self, faults: Sequence[PlannedFault]) -> None:
        self.faults = tuple(faults)
        self._matched = [0] * len(self.faults)
        self.fired: list[PlannedFault] = []

    def fault_for(self, path: str) -> PlannedFault | None:
        """Count this request and return the fault planned for it: the first, if several are."""
        due = None
        for index, fault in enumerate(self.faults):
            if not fault.matches(path):
                continue
            self._matched[index] += 1
            if self._matched[index] == fault.at and due is None:
                due = fault
        return due
