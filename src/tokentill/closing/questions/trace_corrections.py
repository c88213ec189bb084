"""What documents that correct closed periods did with one record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection

from tokentill.canonical import Content, ContentOfFields
from tokentill.closing.computation.pins import pinned_inputs
from tokentill.closing.questions.explain_corrections import Adjustments
from tokentill.closing.questions.explained_corrections import ChangeKind
from tokentill.store.issued.corrections import CoveringDocument, correcting_documents, covering_documents
from tokentill.store.issued.invoices import invoice_by_number
from tokentill.store.usage.usage_rows import StoredRecord


@dataclass(frozen=True, slots=True)
class TracedCorrection(ContentOfFields):
    """What an adjustment line changed of a record. `position` counts the lines of `invoice` from 1; `corrects` is the
    document that is corrected, and `customer` whose it is. The amount is exact, in the currency of that document.

    `other` is the customer that the record was moved from or to.
    """

    invoice: str
    position: int
    description: str
    corrects: str
    customer: str
    period: str
    cause: str
    what: ChangeKind
    exact_amount: Decimal
    currency: str
    other: str | None
    price_entry: Content | None
    rule: Content | None


def documents_of(connection: Connection, versions: Iterable[StoredRecord]) -> list[CoveringDocument]:
    """Every live document that a version of a record stands on or stood on, each once."""
    listed = (
        document
        for record in versions
        for document in covering_documents(connection, record.series.id, record.occurred_at, record.seq)
    )
    return list(dict.fromkeys(listed))


def corrections_of_record(
    connection: Connection, record: StoredRecord, documents: Sequence[CoveringDocument]
) -> tuple[TracedCorrection, ...]:
    """What corrections changed of a record that stands on these documents, in the order of their issue."""
    periods = dict.fromkeys((one.customer, one.period) for one in documents)
    numbers = {number for period in periods for number in correcting_documents(connection, *period)}
    return tuple(
        correction
        for number in sorted(numbers, key=lambda one: (len(one), one))
        for correction in _on_document(connection, number, record, periods.keys())
    )


def _on_document(
    connection: Connection, number: str, record: StoredRecord, periods: Iterable[tuple[str, str]]
) -> Iterator[TracedCorrection]:
    issued = invoice_by_number(connection, number)
    adjustments, wanted = Adjustments(connection, issued, pinned_inputs(connection, issued.pins)), set(periods)
    for position, line in enumerate(issued.content["lines"], start=1):
        explained = adjustments.of_line(line) if line["kind"] == "adjustment" and line["charge"] is None else None
        if explained is None or (explained.customer, explained.period) not in wanted:
            continue
        side = explained.after or explained.before
        for change in explained.records:
            same = (change.record.series.source, change.record.record_id) == (record.series.source, record.record_id)
            if same:
                yield TracedCorrection(
                    number,
                    position,
                    line["description"],
                    explained.number,
                    explained.customer,
                    explained.period,
                    explained.cause,
                    change.what,
                    change.exact_amount,
                    explained.currency,
                    change.other,
                    None if side is None else side.price_entry,
                    None if side is None else side.rule,
                )
