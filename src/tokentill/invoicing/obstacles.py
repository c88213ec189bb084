"""What keeps invoices back, by its cause: one obstacle for all customers that it stops.

Pure. A preview tells what would stop a close, and a close what did.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from tokentill.canonical import Content, fields_of
from tokentill.invoicing.periods import Month
from tokentill.money import ZERO, sum_exact
from tokentill.usage.shell_words import command_line

ObstacleKind = Literal[
    "unpriced",
    "missing",
    "estimated",
    "uncarried",
    "manual",
    "failed",
    "held",
    "parked",
    "unapproved",
    "stale",
    "four_eyes",
    "conflict",
]

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One cause that keeps the invoices of `customers` back.

    `model` and `mode` are those of usage that cannot be billed, and empty otherwise; `requests` are how many of theirs
    it is about, and `cost` is what the gateway charged for those, in USD.
    """

    kind: ObstacleKind
    month: Month
    customers: tuple[str, ...]
    reason: str
    model: str = ""
    mode: str = ""
    requests: int = 0
    cost: Decimal = ZERO

    @property
    def what_to_do(self) -> str:
        """How it is put right; a command of one customer is that of the first."""
        month, first = str(self.month), self.customers[:1]
        if self.kind == "unpriced":
            return "add a price for it, or an alias, to the pricing folder, and run `tokentill prices check`"
        if self.kind == "missing":
            return (
                f"`tokentill usage missing --period {month}` lists the records; load an export that has their usage and"
                " accept what changed (`tokentill usage revisions list`), or bill nothing for them, by the command that"
                " the first prints"
            )
        if self.kind == "estimated":
            return (
                f"`tokentill usage missing --period {month}` lists the records; accept each (`tokentill usage accept"
                " SOURCE RECORD_ID --reason TEXT`) or bill nothing for it (`tokentill usage waive`), or let a rule of"
                ' the contract say what holds of estimates: match = { usage_state = "estimated" }'
            )
        if self.kind == "held":
            return f"settle what the note says, then release it: `{command_line('review release', month, ids=first)}`"
        if self.kind == "four_eyes":
            return "let somebody else close, or somebody else approve it"
        if self.kind in ("unapproved", "stale", "parked"):
            return f"look at it, then approve it: `{command_line('review approve', month, ids=first)}`"
        return "close again" if self.kind == "conflict" else ""

    def content(self) -> Content:
        """Canonical content."""
        return fields_of(self, "kind", "reason", "model", "mode", "requests", "cost", "customers", "what_to_do")


def together(obstacles: Iterable[Obstacle]) -> tuple[Obstacle, ...]:
    """One obstacle for each cause, those of most customers first; instants of a reason tell no causes apart."""
    by_cause: dict[tuple[str, str, str, str], list[Obstacle]] = {}
    for obstacle in obstacles:
        cause = (obstacle.kind, obstacle.model, obstacle.mode, _INSTANT.sub("", obstacle.reason))
        by_cause.setdefault(cause, []).append(obstacle)
    merged = [
        replace(
            alike[0],
            customers=tuple(dict.fromkeys(customer for one in alike for customer in one.customers)),
            requests=sum(one.requests for one in alike),
            cost=sum_exact(one.cost for one in alike),
        )
        for _, alike in sorted(by_cause.items())
    ]
    return tuple(sorted(merged, key=lambda one: -len(one.customers)))
