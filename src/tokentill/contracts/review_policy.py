"""The declared policy of reviews: what may be approved without a person, and what waits for one whatever else holds.

Pure values, from settings and from contracts. What they mean for an invoice is in `invoicing.review_policy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokentill.canonical import Content, content_hash, form_of
from tokentill.contracts.review_bounds import ReviewBounds

if TYPE_CHECKING:
    from tokentill.contracts.invoice_terms import InvoiceTerms


@dataclass(frozen=True, slots=True)
class ReviewPolicy:
    """What settings declare. A contract that states bounds of its own takes their place for its customer.

    `four_eyes` wants every approval from somebody else than who closes.
    """

    approve_within: ReviewBounds | None = None
    park_beyond: ReviewBounds | None = None
    four_eyes: bool = False

    def within(self, terms: InvoiceTerms) -> ReviewBounds | None:
        """Up to where an invoice under some terms may be approved by the policy."""
        own = terms.approve_within
        return self.approve_within if own is None else own

    def beyond(self, terms: InvoiceTerms) -> ReviewBounds | None:
        """From where on an invoice under some terms is parked."""
        own = terms.park_beyond
        return self.park_beyond if own is None else own

    def content_for(self, terms: InvoiceTerms) -> Content:
        """What the policy says of an invoice; its hash is named on each approval."""
        within = self.within(terms)
        return {
            "kind": "review-policy",
            "stated_by": "" if within is None else within.stated_by,
            "approve_within": form_of(within),
            "park_beyond": form_of(self.beyond(terms)),
        }

    def name_for(self, terms: InvoiceTerms) -> tuple[str, str]:
        """Who states what lets the policy approve an invoice, and the hash of the policy."""
        content = self.content_for(terms)
        return content["stated_by"], content_hash(content)


NO_POLICY = ReviewPolicy()
