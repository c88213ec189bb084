"""What a close did, and whom it refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tokentill.canonical import Content, fields_of, form_of, stated_fields_of
from tokentill.invoicing.coverage import KeptBoundary
from tokentill.invoicing.obstacles import Obstacle, ObstacleKind, together
from tokentill.invoicing.periods import Month
from tokentill.invoicing.preview import NOTHING_ASIDE, Aside, LateUsage, OpenMonth, PricingUsed
from tokentill.money import minor_text
from tokentill.store.audit import ChainHead


@dataclass(frozen=True, slots=True)
class RefusedCustomer:
    """A customer whose invoice was not issued, and why: in words, and each cause."""

    customer: str
    reason: str
    obstacles: tuple[Obstacle, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Closed:
    """What a close did. `blocked_by` says what kept the whole run from happening.

    `nothing_to_bill` are customers that were named for an interim invoice, and have no usage that is not invoiced;
    `late` is usage of any period that was issued without it; `kept` are boundaries that stay where issued time ended;
    `aside` is what of the period nobody decided on; `totals` are the sums of what was issued by currency, in minor
    units; `credit_notes` are those of `issued` that are such; `pricing` is what it was computed with, and `again` the
    command that does the same once more. `due_at` says from when on each of `not_due` is due, and `earlier` are months
    before it that nobody closed. `chain_head` is where the audit log stood then.
    """

    month: Month
    issued: tuple[str, ...]
    already_issued: int
    refused: tuple[RefusedCustomer, ...]
    not_due: tuple[str, ...]
    blocked_by: tuple[str, ...] = ()
    resumed: bool = False
    nothing_to_bill: tuple[str, ...] = ()
    late: tuple[LateUsage, ...] = ()
    kept: tuple[KeptBoundary, ...] = ()
    aside: Aside = NOTHING_ASIDE
    totals: tuple[tuple[str, int], ...] = ()
    pricing: PricingUsed | None = field(default=None, compare=False)
    again: str = field(default="", compare=False)
    credit_notes: tuple[str, ...] = ()
    due_at: tuple[tuple[str, datetime], ...] = field(default=(), compare=False)
    earlier: tuple[OpenMonth, ...] = field(default=(), compare=False)
    chain_head: ChainHead | None = field(default=None, compare=False)

    @property
    def obstacles(self) -> tuple[Obstacle, ...]:
        """What refused customers, one for each cause."""
        return together(one for refusal in self.refused for one in refusal.obstacles)

    @property
    def is_refused(self) -> bool:
        """Whether somebody or everybody was refused: exit status 1."""
        return bool(self.refused or self.blocked_by)

    def content(self) -> Content:
        """What `close --json` prints."""
        return {
            "period": str(self.month),
            **fields_of(self, "issued", "already_issued"),
            "refused": [fields_of(refusal, "customer", "reason") for refusal in self.refused],
            "obstacles": form_of(self.obstacles),
            **fields_of(self, "not_due", "blocked_by", "resumed"),
            **({"due_at": form_of(dict(self.due_at))} if self.due_at else {}),
            **stated_fields_of(self, "credit_notes", "nothing_to_bill", "late", "earlier"),
            **({"kept_boundaries": form_of(self.kept)} if self.kept else {}),
            **{name: count for name, count in self.aside.content().items() if count},
            "totals": {currency: minor_text(total, currency) for currency, total in self.totals},
            **stated_fields_of(self, "pricing", "chain_head"),
        }


def refused_customer(kind: ObstacleKind, month: Month, customer: str, reason: str) -> RefusedCustomer:
    """A customer that is refused for one cause."""
    return RefusedCustomer(customer, reason, (Obstacle(kind, month, (customer,), reason),))
