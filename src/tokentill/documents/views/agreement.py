"""What is said of all that is agreed with a customer: its contracts, the terms of its invoices, its credits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tokentill.canonical import Content, fields_of
from tokentill.contracts.book import Contract, ContractBook
from tokentill.contracts.invoice_terms import Grant, InvoiceTerms
from tokentill.documents.contract_words import TERM_NAMES, contract_label, grant_text, match_text, rule_text, terms_rows


@dataclass(frozen=True, slots=True)
class ContractedCustomers:
    """Everybody who has a contract."""

    ids: tuple[str, ...]

    def content(self) -> Content:
        """What `contracts show --json` prints without a customer."""
        return {"customers": list(self.ids)}


@dataclass(frozen=True, slots=True)
class AgreedTerm:
    """One thing that is agreed for an invoice: its key, what people call it, in words, and by which contract."""

    contract: Contract
    key: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """What is agreed with a customer at an instant. `paths` leads from a contract's hash to its file."""

    customer: str
    at: datetime
    book: ContractBook = field(repr=False)
    paths: Mapping[str, str] = field(repr=False)

    @property
    def payer(self) -> str:
        """On whose invoice the customer's usage stands."""
        return self.book.payer(self.customer, self.at)

    @property
    def chain(self) -> tuple[Contract, ...]:
        """The contracts that speak for the customer, in the order in which their rules are asked."""
        return tuple(self.book.chain(self.customer, self.at))

    @property
    def grants(self) -> tuple[Grant, ...]:
        """The prepaid credits of whoever pays, in the order in which they burn."""
        return tuple(self.book.grants(self.payer))

    @property
    def terms(self) -> tuple[AgreedTerm, ...]:
        """What is agreed for the invoice that the customer's usage stands on.

        The base fee is the customer's own; all else is that of the customer who pays.
        """
        currency = self.book.terms(self.customer, self.at).currency
        listed: list[AgreedTerm] = []
        for key in TERM_NAMES:
            chain = self.book.chain(self.customer if key == "base_fee" else self.payer, self.at)
            contract = next((contract for contract in chain if getattr(contract.invoice, key) is not None), None)
            if contract is not None:
                alone = InvoiceTerms(**{key: getattr(contract.invoice, key)})
                listed += [AgreedTerm(contract, *row) for row in terms_rows(alone, currency)]
        return tuple(listed)

    def content(self) -> Content:
        """What `contracts show --json` prints."""
        terms = self.book.terms(self.customer, self.at)
        return {
            **fields_of(self, "customer", "at"),
            "has_contract": self.book.at("customer", self.customer, self.at) is not None,
            "pays": self.payer,
            "currency": terms.currency,
            "time_zone": str(terms.zone),
            "anchor_day": terms.anchor_day,
            "chain": [self._contract_content(contract) for contract in self.chain],
            "invoice": [
                {"term": term.key, "agreed": term.text, "from": contract_label(term.contract)} for term in self.terms
            ],
            "grants": [
                {
                    **fields_of(grant, "id", "amount", "currency"),
                    "is": grant_text(grant),
                    **fields_of(grant, "priority", "valid_from", "expires_at"),
                }
                for grant in self.grants
            ],
        }

    def _contract_content(self, contract: Contract) -> Content:
        return {
            **fields_of(contract, "kind", "id", "plan", "valid_from", "valid_to", "recorded_at"),
            "path": self.paths[contract.hash],
            "hash": contract.hash,
            "rules": [
                {"name": rule.name, "does": rule_text(rule), "where": match_text(rule), "hash": rule.hash}
                for rule in contract.rules
            ],
        }
