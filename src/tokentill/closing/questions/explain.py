"""From a line of usage to its records, its price entry and its rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest

from sqlalchemy import Connection

from tokentill.canonical import Content, content_hash, fields_of, form_of
from tokentill.closing.computation.payers import rating_context
from tokentill.closing.computation.pins import Inputs
from tokentill.contracts.default_set import DEFAULT_SET, EMPTY_ERRORS
from tokentill.invoicing.accumulators import bill_usage
from tokentill.invoicing.coverage import CoveredSegment, OwnedSegment
from tokentill.invoicing.invoice import VERSION_OF_F
from tokentill.invoicing.lines import line_key
from tokentill.invoicing.rating_groups import Books, RatingGroup, Sums
from tokentill.invoicing.splits import Split
from tokentill.money import EXACT, ZERO, amount_text
from tokentill.prices.entries import entry_hash
from tokentill.store.issued.documents import coverage_of
from tokentill.store.issued.invoices import IssuedInvoice
from tokentill.store.usage.aggregates import aggregate_of_record, records_of_spans
from tokentill.store.usage.cuts import Span
from tokentill.store.usage.usage_rows import StoredRecord, series_by_id
from tokentill.store.usage.withdrawals import Counting
from tokentill.usage.aggregates import RecordKey, UsageAggregate

OwnedKey = tuple[str | None, str, str, str | None, str | None, Split]
"""Which line of an invoice: the child whose it is or None, then as in `invoice.line_key`."""


@dataclass(frozen=True, slots=True)
class ExplainedRecord:
    """One usage record with what it adds to its line. By linearity these amounts add up to the line's, exactly."""

    record: StoredRecord
    exact_amount: Decimal

    def content(self) -> Content:
        """Canonical content."""
        record = self.record
        return {
            "source": record.series.source,
            **fields_of(record, "record_id", "occurred_at"),
            **fields_of(record.series, "user", "api_key", "model"),
            **fields_of(record, "quantities", "cost"),
            "exact_amount": amount_text(self.exact_amount),
        }


def key_of_line(line: Content) -> OwnedKey:
    """Which line the canonical content of one is."""
    return (line.get("customer"), line["model"], line["mode"], line["rule_hash"], line["price_entry"], _split(line))


def _split(line: Content) -> Split:
    return tuple(sorted((line.get("by") or {}).items()))


def lines_by_of(content: Content) -> tuple[str, ...]:
    """What the lines of an invoice are split by."""
    return next((tuple(sorted(line["by"])) for line in content["lines"] if line.get("by")), ())


def records_of_issued(
    connection: Connection, issued: IssuedInvoice, books: Books
) -> dict[OwnedKey, list[ExplainedRecord]]:
    """The records of every line of an issued invoice."""
    covered = coverage_of(connection, issued.id)
    lines_by = lines_by_of(issued.content)
    pinned = {"seq_max": issued.pins["s"], "version": issued.pins["f"]}
    return records_by_line(connection, issued.customer, issued.currency, covered, books, lines_by=lines_by, **pinned)


def records_by_line(
    connection: Connection,
    customer: str,
    currency: str,
    covered: Sequence[CoveredSegment | OwnedSegment],
    books: Books,
    *,
    seq_max: int,
    version: int = VERSION_OF_F,
    lines_by: Sequence[str] = (),
    counting: Sequence[Counting] = (),
) -> dict[OwnedKey, list[ExplainedRecord]]:
    """The records of every line of a customer's invoice that covers these segments, billed one by one in order of
    time.

    Args:
        counting: of each segment what counts in it, if not what does so at `seq_max`.
    """
    context = rating_context(books, version)
    records: dict[str, dict[RecordKey, tuple[StoredRecord, UsageAggregate]]] = {}
    spans = [Span.of(segment, counting=counts) for segment, counts in zip_longest(covered, counting)]
    series = series_by_id(connection, {segment.series_id for segment in covered})
    for place, record in records_of_spans(connection, spans, series, seq_max=seq_max):
        member, aggregate = covered[place].member or customer, aggregate_of_record(record, record.occurred_at)
        if aggregate.record is not None:
            records.setdefault(member, {})[aggregate.record] = (record, aggregate)
    amounts_by_line: dict[OwnedKey, dict[RecordKey, Decimal]] = {}
    for member, of_member in records.items():
        child = None if member == customer else member

        def note(aggregate: UsageAggregate, group: RatingGroup, sums: Sums, child: str | None = child) -> None:
            amount = group.billed(sums).amount
            if amount is not None and aggregate.record is not None:
                amounts = amounts_by_line.setdefault((child, *line_key(group)), {})
                amounts[aggregate.record] = EXACT.add(amounts.get(aggregate.record, ZERO), amount)

        billed = [
            aggregate
            for _, aggregate in of_member.values()
            if books.contracts.is_billed(member, aggregate.at)
            and not aggregate.is_waived
            and (aggregate.series.usage_state != "missing" or not context.is_missing(member, aggregate))
        ]
        bill_usage(member, currency, billed, context, lines_by=lines_by, trace=note)
    by_key = {key: record for of_member in records.values() for key, (record, _) in of_member.items()}
    return {
        line: [ExplainedRecord(by_key[key], amount) for key, amount in sorted(amounts.items())]
        for line, amounts in amounts_by_line.items()
    }


def price_entry_of(inputs: Inputs, hash_: str | None) -> tuple[Content | None, str | None]:
    """The price entry of a hash, and where its price is from; None where there is none."""
    for recording in (*inputs.prices, *inputs.beneath):
        for price in recording.get("price", ()):
            if hash_ is not None and "model" in price and entry_hash(price, recording["currency"]) == hash_:
                return {**price, "recorded_at": recording["recorded_at"]}, price.get("source", recording.get("source"))
    return None, None


def rule_of(inputs: Inputs, hash_: str | None) -> Content | None:
    """The rule of a hash, with its contract; None where there is none."""
    if hash_ == EMPTY_ERRORS.hash:
        return {
            "name": EMPTY_ERRORS.name,
            "contract": DEFAULT_SET,
            "match": form_of(EMPTY_ERRORS.match),
            "basis": "free",
        }
    for contract in inputs.contracts:
        label = contract["kind"] if contract["kind"] == "default" else f"{contract['kind']} {contract.get('id')}"
        for rule in contract.get("rule", ()):
            if hash_ is not None and content_hash({**rule, "contract": label}) == hash_:
                return {**rule, "contract": label, "recorded_at": contract["recorded_at"]}
    return None
