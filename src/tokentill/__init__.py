"""tokentill bills the end users of software that runs on an LLM gateway.

The public names are loaded when they are first asked for, so that `import tokentill` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # each under a name of its own, which tells type checkers that it is public
    from tokentill.clock import Clock as Clock
    from tokentill.clock import FixedClock as FixedClock
    from tokentill.closing.close_report import CloseReport as CloseReport
    from tokentill.closing.closed import Closed as Closed
    from tokentill.closing.computation.late_usage import Late as Late
    from tokentill.closing.due_months import ClosedMonths as ClosedMonths
    from tokentill.closing.due_months import DueMonths as DueMonths
    from tokentill.closing.questions.credit_account import CreditAccount as CreditAccount
    from tokentill.closing.questions.explanation import Explanation as Explanation
    from tokentill.closing.questions.near_duplicates import NearDuplicates as NearDuplicates
    from tokentill.closing.questions.trace import RequestTrace as RequestTrace
    from tokentill.closing.questions.verify import Verification as Verification
    from tokentill.closing.questions.witnesses import Witnesses as Witnesses
    from tokentill.closing.records.control_totals import ControlTotals as ControlTotals
    from tokentill.closing.records.erasing import Erased as Erased
    from tokentill.closing.records.ingest import Ingested as Ingested
    from tokentill.closing.records.missing_usage import Missing as Missing
    from tokentill.closing.records.quarantine_decisions import Lines as Lines
    from tokentill.closing.records.quarantine_decisions import Retried as Retried
    from tokentill.closing.records.record_decisions import AcceptedEstimate as AcceptedEstimate
    from tokentill.closing.records.record_decisions import Revised as Revised
    from tokentill.closing.records.record_decisions import Revisions as Revisions
    from tokentill.closing.records.record_decisions import Waived as Waived
    from tokentill.closing.records.retracting import Retracted as Retracted
    from tokentill.closing.records.retracting import Retractions as Retractions
    from tokentill.closing.records.staging import ImportShown as ImportShown
    from tokentill.closing.records.usage_summary import UsageSummary as UsageSummary
    from tokentill.closing.reviews.approval_policy import PolicyApprovals as PolicyApprovals
    from tokentill.contracts.review_policy import ReviewPolicy as ReviewPolicy
    from tokentill.contracts.steps import Step as Step
    from tokentill.documents.views.checks import DatabaseCheck as DatabaseCheck
    from tokentill.documents.views.checks import DatabaseUpgrade as DatabaseUpgrade
    from tokentill.documents.views.checks import FolderCheck as FolderCheck
    from tokentill.documents.views.contracts import Agreement as Agreement
    from tokentill.documents.views.contracts import ContractChanges as ContractChanges
    from tokentill.documents.views.contracts import ContractedCustomers as ContractedCustomers
    from tokentill.documents.views.contracts import ExplainedContract as ExplainedContract
    from tokentill.documents.views.effective_prices import EffectiveCard as EffectiveCard
    from tokentill.documents.views.export import InvoiceRows as InvoiceRows
    from tokentill.documents.views.journal import Journal as Journal
    from tokentill.documents.views.journal import JournalPosting as JournalPosting
    from tokentill.documents.views.journal import JournalTransaction as JournalTransaction
    from tokentill.documents.views.lists import ContractList as ContractList
    from tokentill.documents.views.lists import CustomerList as CustomerList
    from tokentill.documents.views.lists import PriceList as PriceList
    from tokentill.documents.views.lists import ReviewList as ReviewList
    from tokentill.documents.views.lists import ReviewShown as ReviewShown
    from tokentill.documents.views.prices import PriceChanges as PriceChanges
    from tokentill.documents.views.prices import PriceImport as PriceImport
    from tokentill.documents.views.prices import PriceShown as PriceShown
    from tokentill.documents.views.prices import Released as Released
    from tokentill.documents.views.status import PeriodStatus as PeriodStatus
    from tokentill.errors import DatabaseNotReady as DatabaseNotReady
    from tokentill.errors import Finding as Finding
    from tokentill.errors import IntegrityFault as IntegrityFault
    from tokentill.errors import InvalidAmount as InvalidAmount
    from tokentill.errors import InvalidCall as InvalidCall
    from tokentill.errors import InvalidFiles as InvalidFiles
    from tokentill.errors import InvalidRecord as InvalidRecord
    from tokentill.errors import MissingUsage as MissingUsage
    from tokentill.errors import NotFound as NotFound
    from tokentill.errors import Refused as Refused
    from tokentill.errors import TokentillError as TokentillError
    from tokentill.errors import Unpriced as Unpriced
    from tokentill.faces.contracts import Contracts as Contracts
    from tokentill.faces.database import DatabaseFace as DatabaseFace
    from tokentill.faces.prices import Prices as Prices
    from tokentill.invoicing.accumulators import Charge as Charge
    from tokentill.invoicing.compared_sources import ComparedSources as ComparedSources
    from tokentill.invoicing.completeness import Completeness as Completeness
    from tokentill.invoicing.coverage import KeptBoundary as KeptBoundary
    from tokentill.invoicing.differences import DocumentDifferences as DocumentDifferences
    from tokentill.invoicing.findings import PreviewFinding as PreviewFinding
    from tokentill.invoicing.invoice import Invoice as Invoice
    from tokentill.invoicing.limits import ReviewLimits as ReviewLimits
    from tokentill.invoicing.manual_lines import ManualLine as ManualLine
    from tokentill.invoicing.manual_lines import ManualLines as ManualLines
    from tokentill.invoicing.margin import CoveredMargin as CoveredMargin
    from tokentill.invoicing.not_billed import NotBilled as NotBilled
    from tokentill.invoicing.preview import Preview as Preview
    from tokentill.invoicing.preview import Review as Review
    from tokentill.invoicing.simulation import Simulation as Simulation
    from tokentill.invoicing.tolerance import Tolerance as Tolerance
    from tokentill.invoicing.tolerance import TotalsPolicy as TotalsPolicy
    from tokentill.library.biller import Bill as Bill
    from tokentill.library.biller import Biller as Biller
    from tokentill.library.price_book import PriceBook as PriceBook
    from tokentill.library.usage import Usage as Usage
    from tokentill.library.watched_book import WatchedBook as WatchedBook
    from tokentill.prices.columns import Columns as Columns
    from tokentill.prices.columns import RatedColumns as RatedColumns
    from tokentill.prices.columns import rate_columns as rate_columns
    from tokentill.prices.estimates import Estimate as Estimate
    from tokentill.prices.rate_cards import Rated as Rated
    from tokentill.prices.rate_cards import RatedLine as RatedLine
    from tokentill.prices.streams import RatedAmount as RatedAmount
    from tokentill.prices.streams import RatedStream as RatedStream
    from tokentill.prices.streams import rate_stream as rate_stream
    from tokentill.pulling.probing import Probed as Probed
    from tokentill.pulling.pulling import Pulled as Pulled
    from tokentill.receiving.usage_handler import UsageAnswer as UsageAnswer
    from tokentill.receiving.usage_handler import UsageHandler as UsageHandler
    from tokentill.shipped import __version__ as __version__
    from tokentill.sources.source_settings import SourceSettings as SourceSettings
    from tokentill.store.customers import Customer as Customer
    from tokentill.store.intake.control_totals import StoredTotal as StoredTotal
    from tokentill.store.intake.imports import Imports as Imports
    from tokentill.store.intake.imports import NumberedImport as NumberedImport
    from tokentill.store.intake.pulls import Checkpoint as Checkpoint
    from tokentill.store.intake.pulls import Gap as Gap
    from tokentill.store.intake.quarantine import QuarantinedLine as QuarantinedLine
    from tokentill.store.issued.invoices import IssuedInvoice as IssuedInvoice
    from tokentill.stripe_push.gateway import StripeGateway as StripeGateway
    from tokentill.stripe_push.pushing import Pushed as Pushed
    from tokentill.stripe_push.reconciling import Reconciled as Reconciled
    from tokentill.till import Till as Till
    from tokentill.usage.attribution import Binding as Binding
    from tokentill.usage.bounds import Bounds as Bounds
    from tokentill.usage.control_totals import ControlTotal as ControlTotal
    from tokentill.usage.filters import RecordFilter as RecordFilter
    from tokentill.usage.keys import KeyBinding as KeyBinding
    from tokentill.usage.opaque_ids import opaque_id as opaque_id
    from tokentill.usage.privacy import Pseudonym as Pseudonym
    from tokentill.usage.privacy import Pseudonyms as Pseudonyms
    from tokentill.usage.record import UsageRecord as UsageRecord

_NAMES = {
    "clock": "Clock FixedClock",
    "closing.reviews.approval_policy": "PolicyApprovals",
    "closing.closed": "Closed",
    "closing.close_report": "CloseReport",
    "closing.questions.credit_account": "CreditAccount",
    "closing.due_months": "ClosedMonths DueMonths",
    "closing.questions.explanation": "Explanation",
    "closing.records.erasing": "Erased",
    "closing.records.ingest": "Ingested",
    "closing.computation.late_usage": "Late",
    "closing.records.missing_usage": "Missing",
    "closing.records.quarantine_decisions": "Lines Retried",
    "closing.records.record_decisions": "AcceptedEstimate Revised Revisions Waived",
    "closing.records.retracting": "Retracted Retractions",
    "closing.records.staging": "ImportShown",
    "closing.questions.near_duplicates": "NearDuplicates",
    "closing.questions.trace": "RequestTrace",
    "closing.questions.witnesses": "Witnesses",
    "closing.records.usage_summary": "UsageSummary",
    "closing.questions.verify": "Verification",
    "contracts.steps": "Step",
    "documents.views.checks": "DatabaseCheck DatabaseUpgrade FolderCheck",
    "documents.views.contracts": "Agreement ContractChanges ContractedCustomers ExplainedContract",
    "documents.views.effective_prices": "EffectiveCard",
    "documents.views.export": "InvoiceRows",
    "documents.views.journal": "Journal JournalPosting JournalTransaction",
    "documents.views.lists": "ContractList CustomerList PriceList ReviewList ReviewShown",
    "documents.views.status": "PeriodStatus",
    "documents.views.prices": "PriceChanges PriceImport PriceShown Released",
    "errors": "DatabaseNotReady Finding IntegrityFault InvalidAmount InvalidCall"
    " InvalidFiles InvalidRecord MissingUsage NoAnswer NotFound Refused TokentillError Unpriced",
    "faces.contracts": "Contracts",
    "faces.database": "DatabaseFace",
    "faces.prices": "Prices",
    "invoicing.accumulators": "Charge",
    "invoicing.coverage": "KeptBoundary",
    "invoicing.differences": "DocumentDifferences",
    "invoicing.findings": "PreviewFinding",
    "invoicing.invoice": "Invoice",
    "invoicing.limits": "ReviewLimits",
    "invoicing.manual_lines": "ManualLine ManualLines",
    "invoicing.margin": "CoveredMargin",
    "invoicing.not_billed": "NotBilled",
    "invoicing.preview": "Preview Review",
    "invoicing.simulation": "Simulation",
    "contracts.review_policy": "ReviewPolicy",
    "library.biller": "Bill Biller",
    "library.price_book": "PriceBook",
    "library.usage": "Usage",
    "library.watched_book": "WatchedBook",
    "prices.columns": "Columns RatedColumns rate_columns",
    "prices.estimates": "Estimate",
    "prices.rate_cards": "Rated RatedLine",
    "prices.streams": "RatedAmount RatedStream rate_stream",
    "pulling.probing": "Probed",
    "pulling.pulling": "Pulled",
    "receiving.usage_handler": "UsageAnswer UsageHandler",
    "shipped": "__version__",
    "sources.source_settings": "SourceSettings",
    "store.customers": "Customer",
    "store.intake.imports": "Imports NumberedImport",
    "store.issued.invoices": "IssuedInvoice",
    "store.intake.pulls": "Checkpoint Gap",
    "store.intake.quarantine": "QuarantinedLine",
    "stripe_push.gateway": "StripeGateway",
    "stripe_push.pushing": "Pushed",
    "stripe_push.reconciling": "Reconciled",
    "till": "Till",
    "usage.attribution": "Binding",
    "usage.keys": "KeyBinding",
    "usage.bounds": "Bounds",
    "usage.filters": "RecordFilter",
    "usage.opaque_ids": "opaque_id",
    "usage.privacy": "Pseudonym Pseudonyms",
    "usage.record": "UsageRecord",
    "closing.records.control_totals": "ControlTotals",
    "invoicing.completeness": "Completeness",
    "invoicing.tolerance": "Tolerance TotalsPolicy",
    "invoicing.compared_sources": "ComparedSources",
    "store.intake.control_totals": "StoredTotal",
    "usage.control_totals": "ControlTotal",
}
"""Each public name, at the module that has it."""

_HOMES = {name: f"tokentill.{module}" for module, names in _NAMES.items() for name in names.split()}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'tokentill' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
