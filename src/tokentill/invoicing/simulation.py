"""A period on two sides: what was issued of it or would be, and what other prices and contracts would make of it.

Pure values. A period is compared as a whole, with its interim invoices; corrections of other periods on its documents
are on neither side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tokentill.canonical import Content, fields_of, form_of
from tokentill.invoicing.differences import Differences
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.margin import CoveredMargin, margin_of_all
from tokentill.invoicing.obstacles import Obstacle, together
from tokentill.invoicing.periods import Month
from tokentill.invoicing.preview import PricingUsed
from tokentill.money import minor_text


@dataclass(frozen=True, slots=True)
class SimulatedSide:
    """What a period comes to for a customer on one side. `number` is that of its document, None where none is issued.

    `revenue_minor` is what is taxable, with that of the period's interim invoices; it is not known as long as something
    is in the way (`obstacles`).
    """

    number: str | None
    currency: str
    requests: int
    revenue_minor: int
    tax_minor: int
    margin: CoveredMargin
    obstacles: tuple[Obstacle, ...] = ()

    @classmethod
    def of(cls, invoice: Invoice, number: str | None) -> SimulatedSide:
        """That of an invoice, without corrections."""
        early = [part for part in invoice.carried.invoiced if part.currency == invoice.currency]
        return cls(
            number,
            invoice.currency,
            invoice.all_requests,
            invoice.net_minor + sum(part.net_minor for part in early),
            invoice.tax_minor + sum(sum(part.taxes.values()) for part in early),
            invoice.margin,
            invoice.obstacles,
        )

    def content(self) -> Content:
        """Canonical content."""
        return {
            **fields_of(self, "number", "currency", "requests"),
            "revenue": minor_text(self.revenue_minor, self.currency),
            "tax": minor_text(self.tax_minor, self.currency),
            "total": minor_text(self.revenue_minor + self.tax_minor, self.currency),
            "margin": form_of(self.margin if self.margin.is_known else None),
            "blocked": bool(self.obstacles),
        }


@dataclass(frozen=True, slots=True)
class SimulatedCustomer:
    """One customer on both sides; None on the side that has no invoice of it. `differences` are those of its two
    invoices, line by line, where one customer was asked for.
    """

    customer: str
    before: SimulatedSide | None
    after: SimulatedSide | None
    differences: Differences | None = None

    @property
    def change_minor(self) -> int | None:
        """How much more revenue there is; None where the two cannot be compared."""
        sides = [side for side in (self.before, self.after) if side is not None]
        if len({side.currency for side in sides}) != 1 or any(side.obstacles for side in sides):
            return None
        before, after = (0 if side is None else side.revenue_minor for side in (self.before, self.after))
        return after - before

    @property
    def currency(self) -> str:
        """That of the other prices, or the only one that there is."""
        side = self.after or self.before
        return "" if side is None else side.currency

    def content(self) -> Content:
        """Canonical content."""
        change = None if self.change_minor is None else minor_text(self.change_minor, self.currency)
        differences = {} if self.differences is None else {"differences": self.differences.content()}
        return {**fields_of(self, "customer", "before", "after"), "change": change, **differences}


@dataclass(frozen=True, slots=True)
class Simulation:
    """A period under other prices and contracts.

    `issued_with` are the hashes of the prices and contracts that documents of the period were issued with, each with
    how many they are; `pricing_before` is what the others were computed with, None where there are no others, and
    `pricing_after` the other side. `failed` are customers whose invoice cannot be computed there, and `unattributed`
    how many requests belong to nobody, before and after.
    """

    month: Month
    customers: tuple[SimulatedCustomer, ...]
    issued_with: tuple[tuple[str, str, int], ...]
    pricing_before: PricingUsed | None
    pricing_after: PricingUsed
    failed: tuple[tuple[str, str], ...] = ()
    unattributed: tuple[int, int] = (0, 0)

    @property
    def compared(self) -> tuple[SimulatedCustomer, ...]:
        """Those whose revenue is known on both sides; nobody else counts in a sum."""
        return tuple(one for one in self.customers if one.change_minor is not None)

    @property
    def revenue(self) -> list[tuple[str, int, int]]:
        """By currency what all of them come to before and after, in minor units."""
        sums: dict[str, list[int]] = {}
        for one in self.compared:
            of_currency = sums.setdefault(one.currency, [0, 0])
            for place, side in enumerate((one.before, one.after)):
                of_currency[place] += 0 if side is None else side.revenue_minor
        return [(currency, before, after) for currency, (before, after) in sorted(sums.items())]

    @property
    def margins(self) -> tuple[list[CoveredMargin], list[CoveredMargin]]:
        """Their margins by currency, before and after."""
        befores = (one.before.margin for one in self.compared if one.before is not None)
        afters = (one.after.margin for one in self.compared if one.after is not None)
        return margin_of_all(befores), margin_of_all(afters)

    @property
    def obstacles(self) -> tuple[Obstacle, ...]:
        """What cannot be billed under the other prices and contracts, one for each cause."""
        failed = (Obstacle("failed", self.month, (customer,), reason) for customer, reason in self.failed)
        afters = (one.after for one in self.customers if one.after is not None)
        return together((*(obstacle for side in afters for obstacle in side.obstacles), *failed))

    @property
    def changes_nothing(self) -> bool:
        """Whether both sides come to the same for everybody."""
        is_same = all(one.before is not None and one.after is not None for one in self.customers)
        return is_same and all(one.change_minor == 0 for one in self.customers) and not self.failed

    def only(self, side: Literal["before", "after"]) -> tuple[str, ...]:
        """The customers that only one side has: `before` or `after`."""
        other = "after" if side == "before" else "before"
        return tuple(one.customer for one in self.customers if getattr(one, other) is None)

    def content(self) -> Content:
        """What `simulate --json` prints."""
        margins_before, margins_after = self.margins
        return {
            "period": str(self.month),
            "before": {
                "issued_with": [{"a": a, "b": b, "documents": number} for a, b, number in self.issued_with],
                "pricing": form_of(self.pricing_before),
                "margins": form_of(margins_before),
                "unattributed_requests": self.unattributed[0],
            },
            "after": {
                "pricing": form_of(self.pricing_after),
                "margins": form_of(margins_after),
                "unattributed_requests": self.unattributed[1],
            },
            "revenue": [
                {
                    "currency": currency,
                    "before": minor_text(before, currency),
                    "after": minor_text(after, currency),
                    "change": minor_text(after - before, currency),
                }
                for currency, before, after in self.revenue
            ],
            **fields_of(self, "customers"),
            "only_before": list(self.only("before")),
            "only_after": list(self.only("after")),
            "obstacles": form_of(self.obstacles),
            "failed": [{"customer": customer, "reason": reason} for customer, reason in self.failed],
        }
