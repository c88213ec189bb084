"""How far a period is, and what to do next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from tokentill.canonical import Content, fields_of, form_of
from tokentill.invoicing.preview import Preview, Previewed
from tokentill.money import minor_text
from tokentill.store.intake.imports import UsageImport
from tokentill.usage.shell_words import command_line


@dataclass(frozen=True, slots=True)
class PeriodStatus:
    """One period of a database at an instant.

    `imports` are the last ones, newest first. `pushed` and `to_push` count days that Stripe has and that it was to be
    told of.
    """

    database: str
    at: datetime
    preview: Preview
    imports: tuple[UsageImport, ...]
    require_approval: bool
    pushed: int
    to_push: int

    @property
    def issued(self) -> list[Previewed]:
        """Customers that have their invoice of the period."""
        return [one for one in self.preview.customers if one.issued_number is not None]

    @property
    def open(self) -> list[Previewed]:
        """Customers that have none, and whose period is over."""
        return [one for one in self.preview.customers if one.issued_number is None and one.is_due]

    @property
    def running(self) -> list[Previewed]:
        """Customers whose period still runs, or its grace time."""
        return [one for one in self.preview.customers if one.issued_number is None and not one.is_due]

    @property
    def totals(self) -> dict[str, int]:
        """What the period comes to by currency, in minor units: as issued, and as it would be; nothing of blocked
        customers.
        """
        sums: Counter[str] = Counter()
        for one in self.preview.customers:
            if one.issued_number is not None or one.invoice.blocked_by is None:
                sums[one.invoice.currency] += one.invoice.total_minor
        return dict(sorted(sums.items()))

    @property
    def next_step(self) -> str:
        """What to do next, with its command."""
        preview, month = self.preview, str(self.preview.month)
        if not self.imports:
            return "take usage in: `tokentill ingest EXPORT`"
        if preview.blocked_by:
            return f"put right what keeps the whole period from being closed: {preview.blocked_by[0]}"
        if preview.obstacles:
            first = preview.obstacles[0]
            return first.what_to_do or first.reason
        if self.open and self.require_approval and (waiting := self._unapproved()) is not None:
            return f"look at it, then approve it: `{command_line('review approve', month, ids=(waiting,))}`"
        if self.open:
            return f"look at `{command_line('preview', month)}`, then issue: `{command_line('close', month)}`"
        if self.issued and (self.to_push or not self.pushed):
            return f"tell Stripe, if it is used: `{command_line('push', month)}`"
        if self.issued and self.pushed:
            return f"compare with Stripe: `{command_line('reconcile', month)}`"
        if self.running:
            return f"wait until the period is over; what it comes to so far: `{command_line('preview', month)}`"
        return f"nothing; nobody has usage in {month}"

    def _unapproved(self) -> str | None:
        waiting = (one.invoice.customer for one in self.open if one.review_state != "approved")
        return next(waiting, None)

    def content(self) -> Content:
        """What `status --json` prints."""
        preview = self.preview
        return {
            "database": self.database,
            "pricing": form_of(preview.pricing),
            "at": form_of(self.at),
            "imports": form_of(self.imports),
            "period": str(preview.month),
            "customers": len(preview.customers),
            "requests": sum(one.invoice.all_requests for one in preview.customers),
            "totals": {currency: minor_text(total, currency) for currency, total in self.totals.items()},
            "unattributed_requests": preview.unattributed.requests,
            "issued": len(self.issued),
            "open": len(self.open),
            "running": len(self.running),
            **fields_of(preview, "blocked_by", "obstacles"),
            **preview.aside.content(),
            "late_requests": sum(late.requests for late in preview.late),
            **fields_of(self, "require_approval", "pushed", "to_push", "next_step"),
        }
