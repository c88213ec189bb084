"""From any cent that is due by an invoice to where it comes from: lines, then the steps from their sum to what is due.

Lines are counted from 1, and steps go on from there. All of them together are what is due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection

from tokentill.canonical import Content, ContentOfFields, fields_of
from tokentill.closing.computation.pins import Inputs, pinned_inputs
from tokentill.closing.questions.explain import (
    ExplainedRecord,
    OwnedKey,
    key_of_line,
    price_entry_of,
    records_of_issued,
    rule_of,
)
from tokentill.closing.questions.explain_corrections import Adjustments
from tokentill.closing.questions.explained_corrections import CorrectedStep, ExplainedAdjustment
from tokentill.contracts.book import ContractBook
from tokentill.contracts.invoice_terms import Grant
from tokentill.errors import NotFound, ensure
from tokentill.invoicing.manual_lines import ManualLine
from tokentill.invoicing.rounding import Rounding, roundings
from tokentill.money import EXACT, ZERO, amount_text, from_minor, minor_text, sum_exact
from tokentill.store.issued.documents import position_before
from tokentill.store.issued.invoices import IssuedInvoice, interims_of
from tokentill.store.issued.ledger import LedgerEntry, ledger_entries
from tokentill.store.issued.manual_lines import manual_line_of


@dataclass(frozen=True, slots=True)
class ExplainedLine(ContentOfFields):
    """One line of an invoice with everything it came from, for `explain --json`. `line` is its canonical content,
    `manual` what somebody added it with, and `adjustment` what a correction changed. `rounded_by` is what its amount on
    the invoice has more than its exact one.
    """

    position: int
    line: Content
    price_entry: Content | None
    price_source: str | None
    rule: Content | None
    records: tuple[ExplainedRecord, ...]
    manual: ManualLine | None = None
    adjustment: ExplainedAdjustment | None = None
    rounded_by: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class OtherDocument:
    """What another document has to do with a step, in minor units of its currency."""

    number: str
    period: str
    what: str
    amount_minor: int
    currency: str

    @classmethod
    def of(cls, entry: LedgerEntry) -> OtherDocument:
        """From a row of the ledger."""
        what = entry.name if entry.kind == "balance" else "drawn"
        return cls(entry.number, entry.period, what, entry.amount_minor, entry.currency)

    def content(self) -> Content:
        """Canonical content."""
        amount = minor_text(self.amount_minor, self.currency)
        return {**fields_of(self, "number", "period", "what"), "amount": amount, "currency": self.currency}


@dataclass(frozen=True, slots=True)
class ExplainedItem:
    """One step between the sum of the lines and what is due. `item` is its canonical content.

    `grant` is the prepaid credit that pays, as the contracts that were pinned state it. `documents` are the others that
    it comes from, or goes to: what drew from the grant before, what was carried on to here, the interim invoice that is
    taken off, and the invoice that brought forward what this one carries on. `corrected` is what a tax or credit of a
    correction comes to in its whole period.
    """

    position: int
    item: Content
    grant: Grant | None = None
    documents: tuple[OtherDocument, ...] = ()
    corrected: CorrectedStep | None = None

    def content(self) -> Content:
        """Canonical content."""
        stated = ("id", "amount", "currency", "unit", "priority", "valid_from", "expires_at")
        grant = None if self.grant is None else fields_of(self.grant, *stated)
        return {**fields_of(self, "position", "item"), "grant": grant, **fields_of(self, "documents", "corrected")}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where an invoice, or one line or step of it, comes from; a sequence of its lines.

    `due_minor` is what is due by the whole of it, and `is_whole` says that all of it is explained here.
    """

    number: str
    currency: str
    due_minor: int
    lines: tuple[ExplainedLine, ...]
    items: tuple[ExplainedItem, ...]
    rounding: tuple[Rounding, ...]
    is_whole: bool

    def __iter__(self) -> Iterator[ExplainedLine]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, index: int) -> ExplainedLine:
        return self.lines[index]

    def content(self) -> Content:
        """What `explain --json` prints."""
        return {
            "invoice": self.number,
            "currency": self.currency,
            "due": minor_text(self.due_minor, self.currency),
            **fields_of(self, "lines", "items", "rounding"),
        }


def explain_invoice(connection: Connection, issued: IssuedInvoice, position: int | None) -> Explanation:
    """Explain one line or step of an invoice (counted from 1), or all of them.

    Raises:
        NotFound: when there is no such line.
        IntegrityFault: when records do not add up to a line, or lines and steps to what is due, which is never
            expected.
    """
    content = issued.content
    lines, items = content["lines"], content.get("items", [])
    if position is not None and not 1 <= position <= len(lines) + len(items):
        raise NotFound(
            f"the lines of {issued.number} are counted from 1 to {len(lines)}"
            + (f", and the steps below them up to {len(lines) + len(items)}" if items else "")
            + f"; there is no line {position}"
        )
    amounts = [Decimal(one["amount"]) for one in (*lines, *items)]
    due, currency = from_minor(issued.due_minor, issued.currency), issued.currency
    ensure(sum_exact(amounts) == due, f"the lines and steps of {issued.number} do not add up to what is due")
    numbered = list(enumerate([*lines, *items], start=1))
    chosen = numbered if position is None else numbered[position - 1 : position]
    explained_lines: tuple[ExplainedLine, ...] = ()
    explained_items: tuple[ExplainedItem, ...] = ()
    inputs = pinned_inputs(connection, issued.pins)
    adjustments = Adjustments(connection, issued, inputs)
    if any(number <= len(lines) for number, _ in chosen):
        source = _LineSource.of(connection, issued, inputs, adjustments)
        explained_lines = tuple(source.explained(number, one) for number, one in chosen if number <= len(lines))
    if any(number > len(lines) for number, _ in chosen):
        steps = _Steps(
            connection, issued, position_before(connection, issued.id), inputs.books().contracts, adjustments
        )
        explained_items = tuple(
            steps.explained(number, one, index=number - len(lines) - 1) for number, one in chosen if number > len(lines)
        )
    rounding = tuple(roundings(lines, currency))
    return Explanation(
        issued.number, currency, issued.due_minor, explained_lines, explained_items, rounding, position is None
    )


class _LineSource(NamedTuple):
    """What lines of one document are explained from."""

    connection: Connection
    issued: IssuedInvoice
    inputs: Inputs
    records: dict[OwnedKey, list[ExplainedRecord]]
    adjustments: Adjustments

    @classmethod
    def of(cls, connection: Connection, issued: IssuedInvoice, inputs: Inputs, adjustments: Adjustments) -> _LineSource:
        return cls(connection, issued, inputs, records_of_issued(connection, issued, inputs.books()), adjustments)

    def explained(self, number: int, line: Content) -> ExplainedLine:
        """One line."""
        records = self.records.get(key_of_line(line), []) if line["kind"] == "usage" else []
        if line["kind"] == "usage":
            total = sum_exact(record.exact_amount for record in records)
            ensure(
                amount_text(total) == line["exact_amount"] and len(records) == line["requests"],
                f"the records of {self.issued.number} line {number} come to {amount_text(total)}, not"
                f" {line['exact_amount']}",
            )
        return ExplainedLine(
            number,
            line,
            *price_entry_of(self.inputs, line["price_entry"]),
            rule_of(self.inputs, line["rule_hash"]),
            tuple(records),
            manual_line_of(self.connection, line["charge"]["number"]) if line["kind"] == "manual" else None,
            self.adjustments.of_line(line) if line["kind"] == "adjustment" else None,
            EXACT.subtract(Decimal(line["amount"]), Decimal(line["exact_amount"])),
        )


class _Steps(NamedTuple):
    """What the steps of one document are explained from; `position` is the place in the log of documents before it."""

    connection: Connection
    issued: IssuedInvoice
    position: int
    contracts: ContractBook
    adjustments: Adjustments

    def explained(self, number: int, item: Content, *, index: int) -> ExplainedItem:
        """One step."""
        customer = item.get("customer") or self.issued.customer
        if item.get("corrects") is not None:
            return ExplainedItem(number, item, corrected=self.adjustments.of_item(item))
        match item["kind"]:
            case "credit":
                grants = self.contracts.grants(customer)
                grant = next((one for one in grants if (one.id, one.currency) == (item["name"], self._currency)), None)
                drawn = (one for one in self._before(customer, "credit") if one.name == item["name"])
                return ExplainedItem(number, item, grant, _documents(drawn))
            case "balance":
                return ExplainedItem(number, item, None, self._carried_on(customer, item))
            case "carried":
                return ExplainedItem(number, item, None, self._brought_forward(customer))
            case "invoiced":
                kinds = [one["kind"] for one in self.issued.content["items"][:index]]
                interim = interims_of(self.connection, self.issued)[kinds.count("invoiced")]
                other = (interim.number, interim.period, "interim invoice", interim.total_minor, interim.currency)
                return ExplainedItem(number, item, None, (OtherDocument(*other),))
        return ExplainedItem(number, item)

    @property
    def _currency(self) -> str:
        return self.issued.currency

    def _before(self, customer: str, kind: str, currency: str | None = None) -> list[LedgerEntry]:
        """The rows of an account that documents made before this one, as they were live then."""
        entries = ledger_entries(self.connection, customer=customer, position=self.position)
        return [one for one in entries if (one.kind, one.currency) == (kind, currency or self._currency)]

    def _carried_on(self, customer: str, item: Content) -> tuple[OtherDocument, ...]:
        """What was carried on since nothing was open last; it is what is brought forward."""
        currency = item.get("original_currency") or self._currency
        since: list[LedgerEntry] = []
        for entry in self._before(customer, "balance", currency):
            since.append(entry)
            if not sum(one.amount_minor for one in since):
                since = []
        amount = minor_text(sum(one.amount_minor for one in since), currency)
        ensure(
            amount == (item.get("original") or item["amount"]),
            f"{amount} {currency} were carried on to {self.issued.number}, not what it brings forward",
        )
        return _documents(since)

    def _brought_forward(self, customer: str) -> tuple[OtherDocument, ...]:
        """The later invoice that took over what is carried on, if there is one."""
        later = (
            entry
            for entry in ledger_entries(self.connection, customer=customer)
            if entry.invoice_id > self.issued.id
            and (entry.kind, entry.name, entry.currency) == ("balance", "brought forward", self._currency)
        )
        first = next(later, None)
        return () if first is None else _documents([first])


def _documents(entries: Iterable[LedgerEntry]) -> tuple[OtherDocument, ...]:
    return tuple(map(OtherDocument.of, entries))
