"""What differs between two computations of an invoice, as rows of one table: lines, then steps, then its amounts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import amount_shown, count, exact
from tokentill.invoicing.differences import Differences, ItemDifference, LineDifference


@dataclass(frozen=True, slots=True)
class MovedRow:
    """One row: what it is of, requests and quantities more or less, and amounts before and after."""

    name: str
    requests: str
    quantities: str
    exact_amount: str
    before: str
    after: str
    difference: str
    is_sum: bool = False

    @property
    def cells(self) -> tuple[str, ...]:
        """As columns."""
        amounts = (self.exact_amount, self.before, self.after, self.difference)
        return (self.name, self.requests, self.quantities, *amounts)


def moved_rows(differences: Differences) -> list[MovedRow]:
    """All that differs."""
    return [*_rows(differences)]


def _rows(differences: Differences) -> Iterable[MovedRow]:
    for line in differences.lines:
        quantities = ", ".join(f"{_signed_count(number)} {shown_id(name)}" for name, number in line.quantities.items())
        requests = _signed_count(line.requests) if line.requests else ""
        sides = _sides(line.before, line.after, line.amount)
        yield MovedRow(_name(line), requests, quantities, _signed(line.exact_amount), *sides)
    for item in differences.items:
        yield MovedRow(
            f"{item.kind} {shown_id(item.name)}{_corrects(item)}",
            "",
            "",
            "",
            *_sides(item.before, item.after, item.amount),
        )
    before_currency, after_currency = differences.currencies
    currency = after_currency if before_currency == after_currency else f"{after_currency}, was {before_currency}"
    for name, before, after in differences.amounts:
        if name == "total" or before != after:
            sides = _sides(before, after, after - before)
            yield MovedRow(f"{name} {currency}" if name == "total" else name, "", "", "", *sides, is_sum=True)


def _name(line: LineDifference) -> str:
    shown = shown_id if line.kind == "usage" else shown_text
    of = f", of {shown_id(line.customer)}" if line.customer is not None else ""
    changed = f" (another {' and '.join(line.changed)})" if line.changed else ""
    return f"{shown(line.description)}{of}{_corrects(line)}{changed}"


def _corrects(part: LineDifference | ItemDifference) -> str:
    return "" if part.corrects is None else f", correcting {shown_text(part.corrects)}"


def _sides(before: Decimal | None, after: Decimal | None, difference: Decimal) -> tuple[str, str, str]:
    shown = ["none" if side is None else amount_shown(format(side, "f")) for side in (before, after)]
    return shown[0], shown[1], ("+" if difference > 0 else "") + amount_shown(format(difference, "f"))


def _signed(amount: Decimal) -> str:
    return ("+" if amount > 0 else "") + exact(amount)


def _signed_count(number: int) -> str:
    return ("+" if number > 0 else "") + count(number)
