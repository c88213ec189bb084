"""Where an adjustment comes from: the records that changed, how, and what each of them adds to the difference.

The corrected period is billed record by record as it was invoiced, then after one change of fact more each, at the pins
of the document that corrects it. What a record adds to one stage more than to the one before is its part of an
adjustment; these parts add up to it, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from sqlalchemy import Connection

from tokentill.canonical import Content
from tokentill.clock import from_micros
from tokentill.closing.computation.corrections import ComputedStage, CorrectedPeriod, Move, corrected_period
from tokentill.closing.computation.late_usage import late_months
from tokentill.closing.computation.pins import Inputs, pinned_inputs
from tokentill.closing.questions.explain import (
    ExplainedRecord,
    OwnedKey,
    key_of_line,
    lines_by_of,
    price_entry_of,
    records_by_line,
    rule_of,
)
from tokentill.closing.questions.explained_corrections import (
    ChangeKind,
    CorrectedStep,
    ExplainedAdjustment,
    RecordChange,
    SideOfLine,
    WhoSaid,
)
from tokentill.errors import ensure
from tokentill.invoicing.corrections import CorrectedLine
from tokentill.invoicing.periods import Month
from tokentill.money import EXACT, amount_text, minor_text, sum_exact
from tokentill.store.issued.invoices import IssuedInvoice, invoice_by_number
from tokentill.store.usage.usage_rows import StoredRecord, source_id_of, versions_of
from tokentill.store.usage.withdrawals import WithdrawalCause, withdrawals_of

RecordIdentity = tuple[str, str]
"""A record by its source and its id, whatever its version."""


class Adjustments:
    """Explains what one document corrects, line by line; what lines have in common is computed once."""

    def __init__(self, connection: Connection, issued: IssuedInvoice, inputs: Inputs) -> None:
        self._connection, self._issued, self._inputs = connection, issued, inputs
        self._periods: dict[str, _ExplainedPeriod | None] = {}

    def of_line(self, line: Content) -> ExplainedAdjustment | None:
        """One line; None where what it was computed from is not there any more."""
        period = self._corrected(line)
        return None if period is None else period.explained(line)

    def of_item(self, item: Content) -> CorrectedStep | None:
        """One tax or credit of a correction, likewise."""
        period = self._corrected(item)
        if period is None:
            return None
        step = period.step(item["kind"], item["name"])
        if step.currency == self._issued.currency:
            sign = 1 if item["kind"] == "tax" else -1
            more = minor_text(sign * (step.after_minor - step.before_minor), step.currency)
            ensure(more == item["amount"], f"{item['name']} comes to {more} more, not {item['amount']}")
        return step

    def _corrected(self, part: Content) -> _ExplainedPeriod | None:
        number = part["corrects"]["number"]
        if number not in self._periods:
            self._periods[number] = self._period(number)
        return self._periods[number]

    def _period(self, number: str) -> _ExplainedPeriod | None:
        corrected = invoice_by_number(self._connection, number)
        books, seq_max = self._inputs.books(), self._issued.pins["s"]
        late = late_months(self._connection, self._inputs, books, seq_max)
        month, upto = Month.parse(corrected.period), Month.parse(self._issued.period)
        period = corrected_period(self._connection, self._inputs, books, late, seq_max, month, corrected.customer, upto)
        if period is None or any(corrected.customer not in stage.invoices for stage in period.stages):
            return None
        return _ExplainedPeriod(self._connection, corrected, period, self._inputs, seq_max)


class _ExplainedPeriod:
    """One corrected period, stage by stage."""

    def __init__(
        self, connection: Connection, corrected: IssuedInvoice, period: CorrectedPeriod, inputs: Inputs, seq_max: int
    ) -> None:
        self._connection, self._corrected, self._period, self._seq_max = connection, corrected, period, seq_max
        self._inputs = (inputs, pinned_inputs(connection, corrected.pins))
        self._records: dict[int, dict[OwnedKey, list[ExplainedRecord]]] = {}

    def explained(self, line: Content) -> ExplainedAdjustment | None:
        """One adjustment line."""
        place = next((n for n, one in enumerate(self._period.stages) if one.cause == line["cause"]), 0)
        if not place:
            return None
        customer, corrects = self._corrected.customer, line["corrects"]
        own = {**line, "customer": None if line["customer"] == customer else line["customer"]}
        before, after = (self._line(self._period.stages[n], own) for n in (place - 1, place))
        records: tuple[RecordChange, ...] = ()
        if line["charge"] is None:
            records = tuple(self._changes(place, own))
            total = sum_exact(change.exact_amount for change in records)
            ensure(
                "currency" in corrects or amount_text(total) == line["exact_amount"],
                f"the records that changed come to {amount_text(total)}, not {line['exact_amount']}",
            )
        return ExplainedAdjustment(
            customer,
            corrects["period"],
            corrects["number"],
            line["cause"],
            self._corrected.currency,
            corrects.get("rate"),
            self._side(before),
            self._side(after),
            records,
        )

    def step(self, kind: str, name: str) -> CorrectedStep:
        """A tax or a credit of the whole period, before all changes and after them."""
        stages = self._period.stages
        before, after = (stage.invoices[self._corrected.customer].whole() for stage in (stages[0], stages[-1]))
        first, last = before.taxes.get(name, 0), after.taxes.get(name, 0)
        if kind == "credit":
            first, last = self._period.credits.get(name, 0), after.credits.get(name, 0)
        return CorrectedStep(self._corrected.currency, first, last, before.net_minor, after.net_minor)

    def _line(self, stage: ComputedStage, line: Content) -> CorrectedLine | None:
        """The line of the corrected period that an adjustment is of, at a stage."""
        kind = "usage" if line["charge"] is None else line["charge"]["kind"]
        names = ("customer", "model", "mode", "rule_hash", "price_entry", "description")
        wanted = (kind, *(line[name] for name in names))
        lines = stage.invoices[self._corrected.customer].whole().lines
        return next((one for one in lines if (one.kind, *(getattr(one, name) for name in names)) == wanted), None)

    def _side(self, line: CorrectedLine | None) -> SideOfLine | None:
        if line is None:
            return None
        entries = (price_entry_of(inputs, line.price_entry) for inputs in self._inputs)
        entry, source = next((found for found in entries if found[0] is not None), (None, None))
        rules = (rule_of(inputs, line.rule_hash) for inputs in self._inputs)
        rule = next((found for found in rules if found is not None), None)
        return SideOfLine(line.requests, line.quantities, line.exact_amount, entry, source, rule)

    def _of_stage(self, place: int) -> dict[OwnedKey, list[ExplainedRecord]]:
        """The records of every line at a stage."""
        if place not in self._records:
            stage, customer = self._period.stages[place], self._corrected.customer
            own = [one for one in stage.placed if one.segment.payer == customer]
            self._records[place] = records_by_line(
                self._connection,
                customer,
                self._corrected.currency,
                [replace(one.segment, member=one.segment.member or customer) for one in own],
                stage.books,
                seq_max=self._seq_max,
                version=self._period.document.pins["f"],
                lines_by=lines_by_of(stage.invoices[customer].content()),
                counting=[one.counting for one in own],
            )
        return self._records[place]

    def _changes(self, place: int, line: Content) -> list[RecordChange]:
        """The records that are not billed on the line as they were a stage earlier, in order of time."""
        key = key_of_line(line)
        before, after = (_by_identity(self._of_stage(n).get(key, ())) for n in (place - 1, place))
        everywhere = [_by_identity(_all(self._of_stage(n).values())) for n in (place - 1, place)]
        changed = [
            identity
            for identity in dict.fromkeys((*before, *after))
            if _billed(before.get(identity)) != _billed(after.get(identity))
        ]
        said = self._said(line["cause"], [everywhere[0][one] for one in changed if one in everywhere[0]])
        changes = []
        for identity in changed:
            is_there = (identity in everywhere[0], identity in everywhere[1])
            record = (after.get(identity) or before[identity]).record
            what, other = self._kind(line["cause"], is_there, record, is_revised=identity in said)
            changes.append(RecordChange(what, before.get(identity), after.get(identity), said.get(identity), other))
        return sorted(changes, key=lambda one: (one.record.occurred_at, one.record.series.source, one.record.record_id))

    def _kind(
        self, cause: str, is_there: tuple[bool, bool], record: StoredRecord, *, is_revised: bool
    ) -> tuple[ChangeKind, str | None]:
        """What became of a record, by whether it was billed at all before and after."""
        if cause == "revision" and is_revised:
            return "revised", None
        if is_there == (True, True):
            return "billed otherwise", None
        if is_there[0]:
            if cause == "attribution":
                return "moved away", _mover(self._period.going, record, is_coming=False)
            return "taken back", None
        if cause == "attribution":
            return "moved here", _mover(self._period.coming, record, is_coming=True)
        return "came late", None

    def _said(self, cause: str, records: Iterable[ExplainedRecord]) -> dict[RecordIdentity, WhoSaid]:
        """Who said what of records that were revised or taken back, up to the pins of the document."""
        causes: Mapping[str, WithdrawalCause] = {"revision": "revision", "retraction": "retraction"}
        if cause not in causes:
            return {}
        listed = [one.record for one in records]
        sources = {name: source_id_of(self._connection, name) or 0 for name in {one.series.source for one in listed}}
        identities = {(sources[one.series.source], one.record_id): (one.series.source, one.record_id) for one in listed}
        rows = {
            row_id: identity
            for identity, versions in versions_of(self._connection, list(identities)).items()
            for row_id, _ in versions
        }
        return {
            identities[rows[row_id]]: WhoSaid(row.reviewer, row.reason, from_micros(row.recorded_at))
            for row_id, row in withdrawals_of(self._connection, rows, causes[cause]).items()
            if self._looked_at < row.seq <= self._seq_max
        }

    @property
    def _looked_at(self) -> int:
        """The sequence number up to which the period was looked at before."""
        return int(self._period.document.looked_at["s"])


def _all(listed: Iterable[Sequence[ExplainedRecord]]) -> Iterable[ExplainedRecord]:
    return (record for records in listed for record in records)


def _by_identity(records: Iterable[ExplainedRecord]) -> dict[RecordIdentity, ExplainedRecord]:
    """Records by what they are, whatever their versions say; one that lies on two lines has their sum."""
    by_identity: dict[RecordIdentity, ExplainedRecord] = {}
    for one in records:
        identity = (one.record.series.source, one.record.record_id)
        if identity in by_identity:
            amount = EXACT.add(by_identity[identity].exact_amount, one.exact_amount)
            by_identity[identity] = replace(one, exact_amount=amount)
        else:
            by_identity[identity] = one
    return by_identity


def _billed(one: ExplainedRecord | None) -> tuple[int, Decimal] | None:
    return None if one is None else (one.record.version, one.exact_amount)


def _mover(moves: Sequence[Move], record: StoredRecord, *, is_coming: bool) -> str | None:
    """The customer that a record came from, or went to; None where it was or is nobody's."""
    for move in moves:
        segment = move.segment
        is_inside = segment.starts_at <= record.occurred_at < segment.ends_at
        if is_inside and segment.series_id == record.series.id and segment.seq_after < record.seq <= segment.seq_upto:
            return segment.member if is_coming else move.owner
    return None
