"""A past or running period under other prices and contracts, against what was issued or would be. Nothing is written.

Only what people wrote differs between the two sides: what was issued is computed again over the same usage, bindings
and manual lines, up to the same place in the log of documents.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection

from tokentill.canonical import canonical_bytes
from tokentill.closing.computation.compute import Computed, compute_period
from tokentill.closing.computation.pins import Inputs, engine_fault, pinned_inputs
from tokentill.errors import IntegrityFault, Refused
from tokentill.invoicing.differences import Differences
from tokentill.invoicing.invoice import VERSION_OF_F, Invoice
from tokentill.invoicing.periods import Month
from tokentill.invoicing.preview import PricingUsed
from tokentill.invoicing.simulation import SimulatedCustomer, SimulatedSide, Simulation
from tokentill.money import to_minor
from tokentill.recordings.load import Folder
from tokentill.store.issued.invoices import IssuedInvoice, issued_invoices


class Simulated(NamedTuple):
    """Both sides of a period at the pins of some of its documents, or at the newest, which `numbers` is empty for."""

    numbers: Mapping[str, str]
    before: Computed
    after: Computed

    def own(self, computed: Computed) -> Iterator[Invoice]:
        """The invoices of a side."""
        issued = self.numbers
        yield from (one for one in computed.invoices if not issued or one.customer in issued)


def simulate_period(
    connection: Connection, month: Month, inputs: Inputs, seq: int, folder: Folder, *, only: str | None = None
) -> tuple[list[Simulated], list[IssuedInvoice]]:
    """Both sides of a period, at each pins that documents of it were issued with, then of everybody else at the newest.

    Args:
        inputs: the newest under the own prices and contracts.
        folder: the other ones.
        only: one customer.

    Raises:
        Refused: when a document was computed by a version of the calculation that this tokentill does not have.
    """
    issued = issued_invoices(connection, period=str(month), customer=only, status="issued")
    documents = [one for one in issued if one.kind == "period"]
    runs: dict[bytes, list[IssuedInvoice]] = {}
    for document in documents:
        runs.setdefault(canonical_bytes(document.pins), []).append(document)
    sides = []
    for run in runs.values():
        pins = run[0].pins
        if fault := engine_fault(pins):
            raise Refused(f"{run[0].number} was computed with {fault}; it cannot be computed under other prices")
        sides.append(_at_pins(connection, month, run, folder, only))
    now = (_computed(connection, month, one, seq, only=only) for one in (inputs, under_folder(inputs, folder)))
    sides.append(Simulated({}, *now))
    return sides, documents


def _at_pins(
    connection: Connection, month: Month, run: Sequence[IssuedInvoice], folder: Folder, only: str | None
) -> Simulated:
    pins = run[0].pins
    inputs = pinned_inputs(connection, pins)
    before, after = (
        _computed(connection, month, one, pins["s"], version=pins["f"], only=only)
        for one in (inputs, under_folder(inputs, folder))
    )
    again = {invoice.customer: invoice for invoice in before.invoices}
    for document in run:
        invoice = again.get(document.customer)  # a document of corrections alone has none
        if _own_net(document) != (0 if invoice is None else invoice.net_minor):
            raise IntegrityFault(
                f"{document.number} comes to another amount when it is computed again; run `tokentill verify`"
            )
    return Simulated({document.customer: document.number for document in run}, before, after)


def _own_net(document: IssuedInvoice) -> int:
    """What is taxable of a document without the corrections on it, in minor units."""
    content, currency = document.content, document.currency
    corrected = (line["amount"] for line in content["lines"] if line["kind"] == "adjustment")
    net = to_minor(content["total"], currency) - to_minor(content["tax"], currency)
    return net - sum(to_minor(amount, currency) for amount in corrected)


def under_folder(inputs: Inputs, folder: Folder) -> Inputs:
    """The same bindings, lines and documents under the prices and contracts of a folder."""
    prices, contracts = (*folder.prices, *folder.fx), (*folder.contracts, *folder.attribution)
    return replace(inputs, prices=prices, beneath=folder.beneath, contracts=contracts)


def _computed(
    connection: Connection, month: Month, inputs: Inputs, seq: int, *, version: int = VERSION_OF_F, only: str | None
) -> Computed:
    return compute_period(
        connection,
        month,
        inputs.books(),
        seq,
        only=only,
        position=inputs.position,
        manual=inputs.manual,
        is_close=True,
        version=version,
    )


def simulation_of(
    month: Month,
    sides: Sequence[Simulated],
    documents: Sequence[IssuedInvoice],
    pricing_before: PricingUsed,
    pricing_after: PricingUsed,
    *,
    only: str | None = None,
) -> Simulation:
    """Put both sides of every customer beside each other.

    Who is issued stands at the pins of its document. Whom only the other side has stands where it was computed last.
    """
    before: dict[str, tuple[Invoice, str | None]] = {}
    after: dict[str, Invoice] = {}
    failed: dict[str, str] = {}
    for run in sides:
        issued = run.numbers
        before |= {one.customer: (one, issued.get(one.customer)) for one in run.own(run.before)}
    numbers = {customer for run in sides for customer in run.numbers}
    for run in sides:
        for invoice in run.after.invoices:
            if invoice.customer in run.numbers or invoice.customer not in numbers:
                after[invoice.customer] = invoice
        failed |= {
            customer: reason
            for customer, reason in run.after.failed.items()
            if customer in run.numbers or customer not in numbers
        }
    last = next((run for run in reversed(sides) if run.numbers), sides[-1])
    sets: dict[tuple[str, str], int] = {}
    for document in documents:
        key = (document.pins["a"], document.pins["b"])
        sets[key] = sets.get(key, 0) + 1
    has_open = any(True for _ in sides[-1].own(sides[-1].before))
    return Simulation(
        month,
        tuple(_customers(before, after, failed, is_one=only is not None)),
        tuple((*key, number) for key, number in sorted(sets.items())),
        pricing_before if has_open or not documents else None,
        pricing_after,
        tuple(sorted(failed.items(), key=lambda item: item[0].encode())),
        (last.before.unattributed.requests, last.after.unattributed.requests),
    )


def _customers(
    before: Mapping[str, tuple[Invoice, str | None]],
    after: Mapping[str, Invoice],
    failed: Collection[str],
    *,
    is_one: bool,
) -> Iterable[SimulatedCustomer]:
    for customer in sorted({*before, *after, *failed}, key=str.encode):
        was, number = before.get(customer, (None, None))
        now = after.get(customer)
        differences = None
        if is_one and was is not None and now is not None:
            differences = Differences.of(was.content(), now.content())
        yield SimulatedCustomer(
            customer,
            None if was is None else SimulatedSide.of(was, number),
            None if now is None else SimulatedSide.of(now, None),
            differences,
        )
