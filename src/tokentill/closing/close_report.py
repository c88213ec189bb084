"""What the close of a period came to: documents and their sums, rounding, what is on no document and why, who approved
what, and where the audit log stands.

Documents and approvals are read as they are stored; what is left out is computed as of now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from tokentill.canonical import Content, ContentOfFields, fields_of
from tokentill.invoicing.not_billed import NotBilled, by_decision, not_billed_on
from tokentill.invoicing.obstacles import Obstacle
from tokentill.invoicing.periods import Month
from tokentill.invoicing.preview import Aside, LateUsage, Preview
from tokentill.money import EXACT, amount_text, minor_digits, minor_text, sum_exact
from tokentill.store.audit import ChainHead, chain_head
from tokentill.store.issued.invoices import IssuedInvoice, issued_invoices, last_reviews, runs_of


@dataclass(frozen=True, slots=True)
class DocumentSums:
    """The documents of one kind and currency that are live, and their sums in minor units.

    `exact` is the sum of their lines before any rounding, in major units.
    """

    kind: str
    currency: str
    documents: int
    subtotal_minor: int
    tax_minor: int
    total_minor: int
    due_minor: int
    exact: Decimal

    @property
    def rounding(self) -> Decimal:
        """What the one rounding of each document added in all, in major units; negative where it took away."""
        return EXACT.subtract(Decimal(minor_text(self.subtotal_minor, self.currency)), self.exact)

    def content(self) -> Content:
        """Canonical content."""
        sums = ("subtotal", "tax", "total", "due")
        return {
            **fields_of(self, "kind", "currency", "documents"),
            **{name: minor_text(getattr(self, f"{name}_minor"), self.currency) for name in sums},
            "exact": amount_text(self.exact),
            "rounding": amount_text(self.rounding),
        }


@dataclass(frozen=True, slots=True)
class Approval(ContentOfFields):
    """Who approved an issued document as it was issued; `policy` where a declared one did, run by `by`."""

    number: str
    customer: str
    by: str
    at: datetime
    policy: str | None
    policy_hash: str | None


@dataclass(frozen=True, slots=True)
class RequestCounts(ContentOfFields):
    """Where all requests of the period are: on documents, or on none and why. The parts come to `all`, which is counted
    by itself.

    `late` came after their document was issued; `refused` are of customers with something against them, `ready` of
    those who could be closed, `not_due` of those whose period or grace time still runs, `failed` of those whose invoice
    cannot be computed. `waived` are on a document, and billed at nothing.
    """

    all: int
    on_documents: int
    late: int
    refused: int
    ready: int
    not_due: int
    failed: int
    unattributed: int
    waived: int

    @property
    def is_complete(self) -> bool:
        """Whether no request is without a place."""
        parts = (self.on_documents, self.late, self.refused, self.ready, self.not_due, self.failed, self.unattributed)
        return sum(parts) == self.all


@dataclass(frozen=True, slots=True)
class RunShown(ContentOfFields):
    """One run of a close: when it began and ended, what it was asked, and its pins."""

    started_at: datetime
    finished_at: datetime | None
    state: str
    asked: Content
    pins: Content


@dataclass(frozen=True, slots=True)
class CloseReport:
    """Everything that there is to say of the close of a period, as of an instant.

    `not_billed` is what its documents count and do not bill, by decision.
    `voided` are the numbers of void documents, which stay. `refused` is what keeps invoices back now, and `late` usage
    that documents of this period were issued without.
    """

    month: Month
    at: datetime
    sums: tuple[DocumentSums, ...]
    voided: tuple[str, ...]
    requests: RequestCounts
    late: tuple[LateUsage, ...]
    refused: tuple[Obstacle, ...]
    blocked_by: tuple[str, ...]
    aside: Aside
    approvals: tuple[Approval, ...]
    not_approved: int
    not_billed: tuple[NotBilled, ...]
    runs: tuple[RunShown, ...]
    chain_head: ChainHead | None

    def content(self) -> Content:
        """What `report close --json` prints."""
        return {
            "period": str(self.month),
            **fields_of(self, "at", "sums", "voided", "requests", "late", "refused", "blocked_by"),
            "aside": self.aside.content(),
            **fields_of(self, "approvals", "not_approved", "runs", "chain_head", "not_billed"),
        }


def close_report(connection: Connection, preview: Preview) -> CloseReport:
    """Put a report together, of a period as it is now."""
    month = preview.month
    documents = issued_invoices(connection, period=str(month))
    live = [document for document in documents if document.status == "issued"]
    approvals = _approvals(connection, month, live)
    return CloseReport(
        month=month,
        at=preview.made_at,
        sums=tuple(_sums(live)),
        voided=tuple(document.number for document in documents if document.status == "void"),
        requests=_counts(preview, live),
        late=tuple(usage for usage in preview.late if usage.month == month),
        refused=preview.obstacles,
        blocked_by=preview.blocked_by,
        aside=preview.aside,
        approvals=tuple(approvals),
        not_approved=sum(document.kind == "period" for document in live) - len(approvals),
        not_billed=by_decision(
            one for document in live if document.kind == "period" for one in not_billed_on(document.content)
        ),
        runs=tuple(RunShown(*run) for run in runs_of(connection, month)),
        chain_head=chain_head(connection),
    )


def _sums(live: Sequence[IssuedInvoice]) -> Iterable[DocumentSums]:
    by_kind: dict[tuple[str, str], list[IssuedInvoice]] = {}
    for document in live:
        by_kind.setdefault((document.kind, document.currency), []).append(document)
    for (kind, currency), of_kind in sorted(by_kind.items(), key=lambda item: (item[0][1], item[0][0])):
        contents = [document.content for document in of_kind]
        minor = {name: _minor(contents, name, currency) for name in ("subtotal", "tax", "total")}
        yield DocumentSums(
            kind,
            currency,
            len(of_kind),
            minor["subtotal"],
            minor["tax"],
            minor["total"],
            sum(document.due_minor for document in of_kind),
            sum_exact(Decimal(line["exact_amount"]) for content in contents for line in content["lines"]),
        )


def _minor(contents: Iterable[Mapping[str, str]], name: str, currency: str) -> int:
    """The sum of an amount that contents state in major units."""
    total = sum_exact(Decimal(content[name]) for content in contents)
    return int(total.scaleb(minor_digits(currency), EXACT))


def _counts(preview: Preview, live: Sequence[IssuedInvoice]) -> RequestCounts:
    on_documents = waived = late = refused = ready = not_due = 0
    for document in live:
        if document.kind == "period":
            content = document.content
            of_document = sum(one["requests"] for one in content.get("waived") or ())
            waived += of_document
            on_documents += of_document + sum(line["requests"] for line in content["lines"] if line["kind"] == "usage")
    for one in preview.customers:
        requests = one.invoice.all_requests
        if one.issued_number is not None:
            late += one.late_requests
        elif not one.is_due:
            not_due += requests
        elif one.obstacles or preview.unattributed.blocked_by:
            refused += requests
        else:
            ready += requests
    nobody = preview.unattributed.requests
    of_parts = (on_documents, late, refused, ready, not_due, preview.requests_failed, nobody)
    return RequestCounts(preview.requests, *of_parts, waived)


def _approvals(connection: Connection, month: Month, live: Sequence[IssuedInvoice]) -> list[Approval]:
    """Who approved documents as they were issued; after the issue nobody can."""
    reviews = last_reviews(connection, str(month))
    found = []
    for document in live:
        review = reviews.get(document.customer)
        if document.kind != "period" or review is None or review.kind != "approved":
            continue
        if review.content_hash == document.content_hash:
            said = (review.by, review.at, review.policy, review.policy_hash)
            found.append(Approval(document.number, document.customer, *said))
    return found
