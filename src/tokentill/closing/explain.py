"""From any cent of an invoice to the usage records, the price entry and the rule it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection

from tokentill.canonical import Content, ContentOfFields, content_hash, fields_of
from tokentill.closing.pins import Inputs, pinned_inputs
from tokentill.errors import NotFound, ensure
from tokentill.invoicing.accumulators import bill_usage
from tokentill.invoicing.coverage import CoveredSegment, OwnedSegment
from tokentill.invoicing.lines import line_key
from tokentill.invoicing.manual_lines import ManualLine
from tokentill.invoicing.rating_groups import Books, RatingContext, RatingGroup, Sums
from tokentill.invoicing.splits import Split
from tokentill.money import EXACT, ZERO, amount_text, sum_exact
from tokentill.prices.entries import entry_hash
from tokentill.store.aggregates import Span, aggregate_of_record, records_of_spans
from tokentill.store.documents import coverage_of
from tokentill.store.invoices import IssuedInvoice
from tokentill.store.manual_lines import manual_line_of
from tokentill.store.usage_rows import StoredRecord, series_by_id
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


@dataclass(frozen=True, slots=True)
class ExplainedLine(ContentOfFields):
    """One line of an invoice with everything it came from, for `explain --json`. `line` is its canonical content, and
    `manual` what somebody added it with.
    """

    position: int
    line: Content
    price_entry: Content | None
    price_source: str | None
    rule: Content | None
    records: tuple[ExplainedRecord, ...]
    manual: ManualLine | None = None


def explain_invoice(connection: Connection, issued: IssuedInvoice, position: int | None) -> list[ExplainedLine]:
    """Explain one line of an invoice (counted from 1), or all of them.

    Raises:
        NotFound: when there is no such line.
        IntegrityFault: when the records do not add up to a line, which is never expected.
    """
    lines = issued.content["lines"]
    if position is not None and not 1 <= position <= len(lines):
        raise NotFound(f"the lines of {issued.number} are counted from 1 to {len(lines)}; there is no line {position}")
    inputs = pinned_inputs(connection, issued.pins)
    of_records = records_of_issued(connection, issued, inputs.books())
    explained = []
    for number, line in enumerate(lines, start=1):
        if position not in (None, number):
            continue
        records = of_records.get(key_of_line(line), []) if line["kind"] == "usage" else []
        if line["kind"] == "usage":
            total = sum_exact(record.exact_amount for record in records)
            ensure(
                amount_text(total) == line["exact_amount"] and len(records) == line["requests"],
                f"the records of {issued.number} line {number} come to {amount_text(total)}, not"
                f" {line['exact_amount']}",
            )
        entry, source = price_entry_of(inputs, line["price_entry"])
        rule = rule_of(inputs, line["rule_hash"])
        manual = manual_line_of(connection, line["charge"]["number"]) if line["kind"] == "manual" else None
        explained.append(ExplainedLine(number, line, entry, source, rule, tuple(records), manual))
    return explained


def key_of_line(line: Content) -> OwnedKey:
    """Which line the canonical content of one is."""
    return (line.get("customer"), line["model"], line["mode"], line["rule_hash"], line["price_entry"], _split(line))


def _split(line: Content) -> Split:
    return tuple(sorted(line.get("by", {}).items()))


def lines_by_of(content: Content) -> tuple[str, ...]:
    """What the lines of an invoice are split by."""
    return next((tuple(sorted(line["by"])) for line in content["lines"] if "by" in line), ())


def records_of_issued(
    connection: Connection, issued: IssuedInvoice, books: Books
) -> dict[OwnedKey, list[ExplainedRecord]]:
    """The records of every line of an issued invoice."""
    covered = coverage_of(connection, issued.id)
    lines_by = lines_by_of(issued.content)
    return records_by_line(
        connection, issued.customer, issued.currency, covered, books, seq_max=issued.pins["s"], lines_by=lines_by
    )


def records_by_line(
    connection: Connection,
    customer: str,
    currency: str,
    covered: Sequence[CoveredSegment | OwnedSegment],
    books: Books,
    *,
    seq_max: int,
    lines_by: Sequence[str] = (),
) -> dict[OwnedKey, list[ExplainedRecord]]:
    """The records of every line of a customer's invoice that covers these segments, billed one by one in order of
    time.
    """
    context = RatingContext(books)
    records: dict[str, dict[RecordKey, tuple[StoredRecord, UsageAggregate]]] = {}
    spans = [Span.of(segment) for segment in covered]
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
            and not (aggregate.is_waived or aggregate.series.usage_state == "missing")
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
    for contract in inputs.contracts:
        label = contract["kind"] if contract["kind"] == "default" else f"{contract['kind']} {contract.get('id')}"
        for rule in contract.get("rule", ()):
            if hash_ is not None and content_hash({**rule, "contract": label}) == hash_:
                return {**rule, "contract": label, "recorded_at": contract["recorded_at"]}
    return None
