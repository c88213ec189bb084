"""tokentill bills the end users of software that runs on an LLM gateway.

The public names are loaded when they are first asked for, so that `import tokentill` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokentill.clock import Clock, FixedClock
    from tokentill.closing.close import Closed
    from tokentill.closing.credit_account import CreditAccount
    from tokentill.closing.explain import ExplainedLine
    from tokentill.closing.ingest import Ingested
    from tokentill.closing.late_usage import Late
    from tokentill.closing.missing_usage import Missing
    from tokentill.closing.record_decisions import Lines, Revised, Revisions, Waived
    from tokentill.closing.verify import Verification
    from tokentill.contracts.steps import Step
    from tokentill.documents.views.agreement import Agreement, ContractedCustomers
    from tokentill.documents.views.contract_changes import ContractChanges
    from tokentill.documents.views.contract_trace import ExplainedContract
    from tokentill.documents.views.database_check import DatabaseCheck, DatabaseUpgrade
    from tokentill.documents.views.folder_check import FolderCheck
    from tokentill.documents.views.price_changes import PriceChanges, PriceImport
    from tokentill.documents.views.prices import PriceShown, Released
    from tokentill.errors import (
        CoveredTwice,
        DatabaseNotReady,
        Finding,
        IntegrityFault,
        InvalidAmount,
        InvalidCall,
        InvalidFiles,
        InvalidRecord,
        MissingUsage,
        NotFound,
        Refused,
        TokentillError,
        Unpriced,
    )
    from tokentill.faces.contracts import Contracts
    from tokentill.faces.database import DatabaseFace
    from tokentill.faces.prices import Prices
    from tokentill.invoicing.accumulators import Charge
    from tokentill.invoicing.coverage import KeptBoundary
    from tokentill.invoicing.invoice import Invoice
    from tokentill.invoicing.preview import Preview, Review
    from tokentill.library.biller import Bill, Biller
    from tokentill.library.price_book import PriceBook
    from tokentill.library.usage import Usage
    from tokentill.library.watched_book import WatchedBook
    from tokentill.prices.columns import Columns, RatedColumns, rate_columns
    from tokentill.prices.estimates import Estimate
    from tokentill.prices.rate_cards import Rated, RatedLine
    from tokentill.prices.streams import RatedAmount, RatedStream, rate_stream
    from tokentill.shipped import __version__
    from tokentill.store.customers import Customer
    from tokentill.store.invoices import IssuedInvoice
    from tokentill.store.quarantine import QuarantinedLine
    from tokentill.stripe_push.gateway import StripeGateway
    from tokentill.stripe_push.pushing import Pushed
    from tokentill.stripe_push.reconciling import Reconciled
    from tokentill.till import Till
    from tokentill.usage.attribution import Binding
    from tokentill.usage.bounds import Bounds
    from tokentill.usage.record import UsageRecord

_HOMES = {
    "Agreement": "tokentill.documents.views.agreement",
    "Bill": "tokentill.library.biller",
    "Biller": "tokentill.library.biller",
    "Binding": "tokentill.usage.attribution",
    "Bounds": "tokentill.usage.bounds",
    "Charge": "tokentill.invoicing.accumulators",
    "Clock": "tokentill.clock",
    "Closed": "tokentill.closing.close",
    "Columns": "tokentill.prices.columns",
    "ContractChanges": "tokentill.documents.views.contract_changes",
    "ContractedCustomers": "tokentill.documents.views.agreement",
    "Contracts": "tokentill.faces.contracts",
    "CoveredTwice": "tokentill.errors",
    "CreditAccount": "tokentill.closing.credit_account",
    "Customer": "tokentill.store.customers",
    "DatabaseCheck": "tokentill.documents.views.database_check",
    "DatabaseFace": "tokentill.faces.database",
    "DatabaseNotReady": "tokentill.errors",
    "DatabaseUpgrade": "tokentill.documents.views.database_check",
    "Estimate": "tokentill.prices.estimates",
    "ExplainedContract": "tokentill.documents.views.contract_trace",
    "ExplainedLine": "tokentill.closing.explain",
    "Finding": "tokentill.errors",
    "FixedClock": "tokentill.clock",
    "FolderCheck": "tokentill.documents.views.folder_check",
    "Ingested": "tokentill.closing.ingest",
    "IntegrityFault": "tokentill.errors",
    "InvalidAmount": "tokentill.errors",
    "InvalidCall": "tokentill.errors",
    "InvalidFiles": "tokentill.errors",
    "InvalidRecord": "tokentill.errors",
    "Invoice": "tokentill.invoicing.invoice",
    "IssuedInvoice": "tokentill.store.invoices",
    "KeptBoundary": "tokentill.invoicing.coverage",
    "Late": "tokentill.closing.late_usage",
    "Lines": "tokentill.closing.record_decisions",
    "Missing": "tokentill.closing.missing_usage",
    "MissingUsage": "tokentill.errors",
    "NotFound": "tokentill.errors",
    "Preview": "tokentill.invoicing.preview",
    "PriceBook": "tokentill.library.price_book",
    "PriceChanges": "tokentill.documents.views.price_changes",
    "PriceImport": "tokentill.documents.views.price_changes",
    "PriceShown": "tokentill.documents.views.prices",
    "Prices": "tokentill.faces.prices",
    "Pushed": "tokentill.stripe_push.pushing",
    "QuarantinedLine": "tokentill.store.quarantine",
    "Rated": "tokentill.prices.rate_cards",
    "RatedAmount": "tokentill.prices.streams",
    "RatedColumns": "tokentill.prices.columns",
    "RatedLine": "tokentill.prices.rate_cards",
    "RatedStream": "tokentill.prices.streams",
    "Reconciled": "tokentill.stripe_push.reconciling",
    "Refused": "tokentill.errors",
    "Released": "tokentill.documents.views.prices",
    "Review": "tokentill.invoicing.preview",
    "Revised": "tokentill.closing.record_decisions",
    "Revisions": "tokentill.closing.record_decisions",
    "Step": "tokentill.contracts.steps",
    "StripeGateway": "tokentill.stripe_push.gateway",
    "Till": "tokentill.till",
    "TokentillError": "tokentill.errors",
    "Unpriced": "tokentill.errors",
    "Usage": "tokentill.library.usage",
    "UsageRecord": "tokentill.usage.record",
    "Verification": "tokentill.closing.verify",
    "Waived": "tokentill.closing.record_decisions",
    "WatchedBook": "tokentill.library.watched_book",
    "__version__": "tokentill.shipped",
    "rate_columns": "tokentill.prices.columns",
    "rate_stream": "tokentill.prices.streams",
}

__all__ = [
    "Agreement",
    "Bill",
    "Biller",
    "Binding",
    "Bounds",
    "Charge",
    "Clock",
    "Closed",
    "Columns",
    "ContractChanges",
    "ContractedCustomers",
    "Contracts",
    "CoveredTwice",
    "CreditAccount",
    "Customer",
    "DatabaseCheck",
    "DatabaseFace",
    "DatabaseNotReady",
    "DatabaseUpgrade",
    "Estimate",
    "ExplainedContract",
    "ExplainedLine",
    "Finding",
    "FixedClock",
    "FolderCheck",
    "Ingested",
    "IntegrityFault",
    "InvalidAmount",
    "InvalidCall",
    "InvalidFiles",
    "InvalidRecord",
    "Invoice",
    "IssuedInvoice",
    "KeptBoundary",
    "Late",
    "Lines",
    "Missing",
    "MissingUsage",
    "NotFound",
    "Preview",
    "PriceBook",
    "PriceChanges",
    "PriceImport",
    "PriceShown",
    "Prices",
    "Pushed",
    "QuarantinedLine",
    "Rated",
    "RatedAmount",
    "RatedColumns",
    "RatedLine",
    "RatedStream",
    "Reconciled",
    "Refused",
    "Released",
    "Review",
    "Revised",
    "Revisions",
    "Step",
    "StripeGateway",
    "Till",
    "TokentillError",
    "Unpriced",
    "Usage",
    "UsageRecord",
    "Verification",
    "Waived",
    "WatchedBook",
    "__version__",
    "rate_columns",
    "rate_stream",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'tokentill' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
