"""What a close is asked to do, as its run keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tokentill.canonical import Content
from tokentill.contracts.review_bounds import ReviewBounds
from tokentill.contracts.review_policy import NO_POLICY, ReviewPolicy
from tokentill.invoicing.forms import InvoiceKind
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.obstacles import Obstacle
from tokentill.invoicing.periods import Month
from tokentill.invoicing.preview import Review, review_obstacle
from tokentill.invoicing.tolerance import NO_TOTALS, TotalsPolicy
from tokentill.store.audit import actor_here
from tokentill.usage.shell_words import command_line


@dataclass(frozen=True, slots=True)
class Interim:
    """Whom to bill early: these customers, or (None) everybody who reached the threshold of the contract."""

    customers: tuple[str, ...] | None = None

    def wants(self, invoice: Invoice) -> bool:
        """Whether a customer is to be billed, and there is something to bill."""
        if self.customers is None:
            return invoice.reaches_interim and invoice.net_minor > 0
        return invoice.customer in self.customers and invoice.net_minor > 0


@dataclass(frozen=True, slots=True)
class CloseOptions:
    """What a close was asked to do. It is kept with its run, and whoever resumes the run follows it.

    Args:
        interim: bill early instead of closing the period.
        require_approval: refuse all customers whose preview was not approved as it stands, and not only those whose
            contract asks for it.
        grace: how long after its end a period stays open for late records, to the second.
        only: the one customer whose documents are issued; all of them when None.
        policy: what is parked, and whether who closes must be another than who approved.
        by: who closes; whoever runs this process unless given.
        totals: which sources have to state control totals before a run begins. One that was cut off goes on.
    """

    interim: Interim | None = None
    require_approval: bool = False
    grace: timedelta = timedelta(0)
    only: str | None = None
    policy: ReviewPolicy = NO_POLICY
    by: str | None = None
    totals: TotalsPolicy = NO_TOTALS

    def concerns(self, customer: str) -> bool:
        """Whether a customer's documents are to be issued."""
        return self.only in (None, customer)

    @classmethod
    def of(cls, content: Content) -> CloseOptions:
        """What a run was asked."""
        named = content.get("customers")
        interim = Interim(None if named is None else tuple(named)) if content.get("kind") == "interim" else None
        grace = timedelta(seconds=content.get("grace_seconds", 0))
        park = content.get("park_beyond")
        beyond = None if park is None else ReviewBounds.from_content(park["bounds"], park["stated_by"])
        policy = ReviewPolicy(park_beyond=beyond, four_eyes=content.get("four_eyes", False))
        return cls(interim, content.get("require_approval", False), grace, content.get("only"), policy)

    def command(self, month: Month, *more: str) -> str:
        """The command that asks for the same."""
        named = () if self.interim is None or self.interim.customers is None else self.interim.customers
        flags = (*(("--interim",) if self.interim else ()), *(("--require-approval",) if self.require_approval else ()))
        return command_line("close", str(month), *flags, *more, ids=named)

    def content(self) -> Content:
        """As a run keeps it."""
        named = None if self.interim is None else self.interim.customers
        return {
            "kind": self.kind,
            **({} if named is None else {"customers": list(named)}),
            **({} if self.only is None else {"only": self.only}),
            "require_approval": self.require_approval,
            "grace_seconds": self.grace // timedelta(seconds=1),
            **({} if (park := self.policy.park_beyond) is None else {"park_beyond": _stated(park)}),
            **({"four_eyes": True} if self.policy.four_eyes else {}),
        }

    def obstacle(self, invoice: Invoice, review: Review | None, parked: str | None) -> Obstacle | None:
        """What people said of an invoice, or did not say, that keeps it from being issued by this close."""
        four_eyes = self.policy.four_eyes
        return review_obstacle(
            invoice,
            review,
            require_approval=self.require_approval or four_eyes,
            parked=parked,
            closed_by=(self.by or actor_here()) if four_eyes else None,
        )

    @property
    def kind(self) -> InvoiceKind:
        """What it issues."""
        return "period" if self.interim is None else "interim"


def _stated(bounds: ReviewBounds) -> Content:
    return {"bounds": bounds.content(), "stated_by": bounds.stated_by}
