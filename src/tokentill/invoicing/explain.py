"""From any cent of an invoice to the usage records, the price entry and the rule it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from tokentill.canonical import Content, content_hash
from tokentill.clock import instant_text
from tokentill.errors import NotFound, ensure
from tokentill.invoicing.computing import Owners, Periods
from tokentill.invoicing.grouping import Books, Cell, Group, Grouping
from tokentill.invoicing.periods import Month
from tokentill.invoicing.pins import Inputs, pinned_inputs
from tokentill.money import ZERO, amount_text, sum_exact
from tokentill.pricing.entries import entry_hash
from tokentill.store.invoices import IssuedInvoice
from tokentill.store.usage_rows import StoredRecord, records_of, series_by_id

LineKey = tuple[str, str, str | None, str | None]


@dataclass(frozen=True, slots=True)
class ExplainedRecord:
    """One usage record with what it adds to its line. By linearity these amounts add up to the line's, exactly."""

    record: StoredRecord
    exact_amount: Decimal

    def content(self) -> Content:
        """Canonical content."""
        return {
            "source": self.record.series.source,
            "record_id": self.record.record_id,
            "occurred_at": instant_text(self.record.occurred_at),
            "user": self.record.series.user,
            "api_key": self.record.series.api_key,
            "model": self.record.series.model,
            "quantities": dict(self.record.quantities),
            "cost": None if self.record.cost is None else amount_text(self.record.cost),
            "exact_amount": amount_text(self.exact_amount),
        }


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """One line of an invoice with everything it came from. `line` is its canonical content."""

    position: int
    line: Content
    price_entry: Content | None
    price_source: str | None
    rule: Content | None
    records: tuple[ExplainedRecord, ...]

    def content(self) -> Content:
        """What `explain --json` prints."""
        return {
            "position": self.position,
            "line": self.line,
            "price_entry": self.price_entry,
            "price_source": self.price_source,
            "rule": self.rule,
            "records": [record.content() for record in self.records],
        }


def explain_invoice(connection: Connection, issued: IssuedInvoice, position: int | None) -> list[ExplainedLine]:
    """Explain one line of an invoice (counted from 1), or all of them.

    Raises:
        NotFound: when there is no such line.
        IntegrityFault: when the records do not add up to a line, which is never expected.
    """
    lines = issued.content["lines"]
    if position is not None and not 1 <= position <= len(lines):
        raise NotFound(f"{issued.number} has {len(lines)} lines, counted from 1; there is no line {position}")
    inputs = pinned_inputs(connection, issued.pins)
    wanted = {_key(line): number for number, line in enumerate(lines, start=1) if position in (None, number)}
    found: dict[int, list[ExplainedRecord]] = {number: [] for number in wanted.values()}
    for key, record in _explained(connection, issued, inputs.books()):
        if key in wanted:
            found[wanted[key]].append(record)
    explained = []
    for number in sorted(found):
        line, records = lines[number - 1], found[number]
        total = sum_exact(record.exact_amount for record in records)
        ensure(
            amount_text(total) == line["exact_amount"] and len(records) == line["requests"],
            f"the records of {issued.number} line {number} come to {amount_text(total)}, not {line['exact_amount']}",
        )
        entry, source = _price_entry(inputs, line["price_entry"])
        rule = _rule(inputs, line["rule_hash"])
        explained.append(ExplainedLine(number, line, entry, source, rule, tuple(records)))
    return explained


def _explained(
    connection: Connection, issued: IssuedInvoice, books: Books
) -> Iterator[tuple[LineKey, ExplainedRecord]]:
    period = Periods(Month.parse(issued.period), books).of(issued.customer)
    owners, grouping = Owners(books), Grouping(books)
    stretches = sorted({period.starts_at, *(edge for edge in books.attribution.edges() if period.holds(edge))})
    series = {
        id_: found
        for id_, found in series_by_id(connection).items()
        if any(owners.of(found, at) == issued.customer for at in stretches)
    }
    for record in records_of(connection, series, period.starts_at, period.ends_at, issued.pins["s"]):
        if owners.of(record.series, record.occurred_at) != issued.customer:
            continue
        group = _group_of(grouping, issued, record)
        amount = group.billed(group.total).amount
        if amount is not None:
            rule_hash = group.rule.hash if group.rule else None
            entry = group.plan.entry.hash if group.plan else None
            yield (group.model, group.mode, rule_hash, entry), ExplainedRecord(record, amount)


def _group_of(grouping: Grouping, issued: IssuedInvoice, record: StoredRecord) -> Group:
    """A group of this one record."""
    cell = Cell(
        series=record.series,
        at=record.occurred_at,
        day=record.occurred_at.date(),
        input_tokens=record.input_total,
        requests=1,
        quantities=record.quantities,
        cost=record.cost or ZERO,
        requests_with_cost=int(record.cost is not None),
    )
    return grouping.groups(issued.customer, issued.currency, [cell])[0]


def _key(line: Mapping[str, Any]) -> LineKey:
    return (line["model"], line["mode"], line["rule_hash"], line["price_entry"])


def _price_entry(inputs: Inputs, hash_: str | None) -> tuple[Content | None, str | None]:
    for recording in inputs.prices:
        for price in recording.get("price", ()):
            if hash_ is not None and "model" in price and entry_hash(price, recording["currency"]) == hash_:
                return {**price, "recorded_at": recording["recorded_at"]}, price.get("source", recording.get("source"))
    return None, None


def _rule(inputs: Inputs, hash_: str | None) -> Content | None:
    for contract in inputs.contracts:
        label = contract["kind"] if contract["kind"] == "default" else f"{contract['kind']} {contract.get('id')}"
        for rule in contract.get("rule", ()):
            if hash_ is not None and content_hash({**rule, "contract": label}) == hash_:
                return {**rule, "contract": label, "recorded_at": contract["recorded_at"]}
    return None
