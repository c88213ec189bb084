"""Adding lines to a customer's invoice before it is issued, and taking them away again.

Each is one short transaction with an entry in the audit log. Both are inputs of the calculation, so what was approved
before is stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from tokentill.canonical import Content
from tokentill.closing.computation.compute import compute_period
from tokentill.closing.computation.pins import newest_inputs
from tokentill.closing.records.record_decisions import SignedReason
from tokentill.errors import InvalidAmount, InvalidCall, NotFound, Refused
from tokentill.invoicing.coverage import Periods
from tokentill.invoicing.manual_lines import ManualLine, Removal, negative_subtotal
from tokentill.invoicing.periods import Month
from tokentill.money import minor_digits, parse_amount
from tokentill.recordings.load import Folder
from tokentill.store.audit import append_audit
from tokentill.store.customers import customers
from tokentill.store.database import Database, hold_counter
from tokentill.store.issued.documents import documents_around
from tokentill.store.issued.manual_lines import (
    manual_line_of,
    manual_lines,
    newest_manual_line,
    require_standing,
    store_manual_line,
    store_removal,
)
from tokentill.usage.shell_words import command_line

DESCRIPTION_LENGTH_MAX = 200
AMOUNT_DIGITS_MAX = 12


@dataclass(frozen=True, slots=True)
class WantedLine:
    """A line as somebody asks for it. `amount` is in major units of the invoice's currency, as it was written."""

    month: Month
    customer: str
    amount: str
    description: str
    may_be_negative: bool = False


def add_manual_line(database: Database, folder: Folder, wanted: WantedLine, signed: SignedReason) -> ManualLine:
    """Add a line to a customer's invoice of a period, from now on.

    Raises:
        NotFound: when nothing is known of the customer.
        Refused: when the invoice was issued, or the line would make its subtotal negative and nobody said that it may.
        InvalidCall: for an amount that is none, zero, or finer than the currency's minor unit; without a description.
    """
    signed, description = signed.checked("a manual line"), wanted.description.strip()
    if not 1 <= len(description) <= DESCRIPTION_LENGTH_MAX:
        raise InvalidCall(
            f"a description stands on the invoice; write 1 to {DESCRIPTION_LENGTH_MAX} characters, not"
            f" {len(description)}"
        )
    with database.read() as connection:
        currency, subtotal_minor, standing = _invoice_of(connection, folder, wanted)
    line = ManualLine(
        number=0,
        month=wanted.month,
        customer=wanted.customer,
        currency=currency,
        amount_minor=_minor_units(wanted.amount, currency),
        description=description,
        may_be_negative=wanted.may_be_negative,
        by=signed.by,
        reason=signed.reason,
        at=signed.at,
    )
    after_minor = subtotal_minor + line.amount_minor
    if line.amount_minor < 0 and negative_subtotal({"": [*standing, line]}, after_minor, currency):
        raise Refused(
            f"{line.amount_text} {currency} would make the subtotal of {wanted.customer!r} negative; take less away, or"
            " say that it is meant with --allow-negative"
        )
    with database.write() as connection:
        hold_counter(connection, "invoice")  # nothing is issued between the look and the line
        _refuse_issued(connection, wanted.month, wanted.customer)
        line = replace(line, number=newest_manual_line(connection) + 1)
        store_manual_line(connection, line)
        append_audit(connection, "line.added", line.content(), at=signed.at, actor=signed.by)
        return line


def remove_manual_line(database: Database, number: int, signed: SignedReason) -> ManualLine:
    """Take a line away from now on. Its row stays.

    Raises:
        NotFound: when there is no such line.
        Refused: when it was removed already, or its invoice was issued.
    """
    signed = signed.checked("a removal")
    with database.write() as connection:
        hold_counter(connection, "invoice")
        line = manual_line_of(connection, number)
        require_standing(connection, line)
        _refuse_issued(connection, line.month, line.customer)
        removal = Removal(newest_manual_line(connection) + 1, signed.by, signed.reason, signed.at)
        store_removal(connection, line, removal)
        content: Content = {"line": line.number, "number": removal.number, "reason": signed.reason}
        append_audit(connection, "line.removed", content, at=signed.at, actor=signed.by)
        return replace(line, removed=removal)


def _invoice_of(connection: Connection, folder: Folder, wanted: WantedLine) -> tuple[str, int, Sequence[ManualLine]]:
    """The currency of the invoice that a line would stand on, its subtotal, and the lines that stand on it."""
    inputs, seq = newest_inputs(connection, folder)
    books, month, customer = inputs.books(), wanted.month, wanted.customer
    period = Periods(month, books, documents_around(connection, month, inputs.position)).of(customer)
    payer = books.contracts.payer(customer, period.last_instant)
    position, manual = inputs.position, inputs.manual
    computed = compute_period(connection, month, books, seq, only=payer, position=position, manual=manual)
    invoice = next((one for one in computed.invoices if one.customer == payer), None)
    if invoice is None and customer not in books.contracts.customers and customer not in customers(connection):
        raise NotFound(
            f"nothing is known of {customer!r}: it has no usage in {month}, no contract and no description;"
            f" `tokentill preview {month}` lists who has usage"
        )
    if invoice is None:
        return books.contracts.terms(customer, period.last_instant).currency, 0, ()
    whose = {payer, *(member for member, _ in computed.members[payer])}
    standing = [line for line in manual_lines(connection, month, manual) if line.customer in whose]
    return invoice.currency, invoice.subtotal_minor, standing


def _refuse_issued(connection: Connection, month: Month, customer: str) -> None:
    issued = documents_around(connection, month, None).period(customer, month)
    if issued is not None:
        void = command_line("invoices void", issued.number, "--reason TEXT")
        raise Refused(
            f"{issued.number} was issued to {issued.payer!r} for {month}, and its lines stay; add the line to a later"
            f" period, or make that one void first: `{void}`"
        )


def _minor_units(text: str, currency: str) -> int:
    """An amount in whole minor units, so that it stands on the invoice as it was written."""
    digits = minor_digits(currency)
    try:
        amount = parse_amount(text.strip(), digits_max=AMOUNT_DIGITS_MAX + digits, scale_max=digits)
    except InvalidAmount as error:
        raise InvalidCall(
            f"--amount: {error}; write it in {currency}, like {'1500' if not digits else '-12.50'}"
        ) from None
    if not amount:
        raise InvalidCall("--amount: a line of nothing says nothing; write an amount other than zero")
    return int(amount.scaleb(digits))
