"""What moved since an approval: the invoice at the pins that the reviewer saw, held against what it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from tokentill.canonical import Content, canonical_bytes
from tokentill.closing.computation.compute import compute_period
from tokentill.closing.computation.pins import engine_fault, pinned_inputs, zone_fault
from tokentill.errors import IntegrityFault
from tokentill.invoicing.differences import Differences
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.preview import Moved, Preview, Previewed

SETS_MAX = 20
"""Of how many different pins the invoices are computed again for one preview."""

_PINNED = {
    "s": "usage",
    "a": "prices",
    "b": "contracts or bindings",
    "l": "documents",
    "m": "lines that people added",
    "f": "the calculation",
    "time_zones": "time zones",
}


def with_changes(connection: Connection, preview: Preview) -> Preview:
    """A preview that says of each stale approval what moved since."""
    stale: dict[bytes, list[Previewed]] = {}
    for one in preview.customers:
        if one.review_state == "stale" and one.issued_number is None and one.review is not None:
            stale.setdefault(canonical_bytes(one.review.pins or {}), []).append(one)
    moved: dict[str, Moved] = {}
    for number, group in enumerate(stale.values()):
        moved |= _moved(connection, preview, group, is_computed=number < SETS_MAX)
    if not moved:
        return preview
    customers = (replace(one, moved=moved.get(one.invoice.customer)) for one in preview.customers)
    return replace(preview, customers=tuple(customers))


def _moved(
    connection: Connection, preview: Preview, group: Sequence[Previewed], *, is_computed: bool
) -> dict[str, Moved]:
    """What moved for customers whose approvals saw the same pins."""
    pins = next(one.review.pins for one in group if one.review is not None)
    if pins is None:
        reason = "the approval was made by an older tokentill, which did not keep what it saw"
        return {one.invoice.customer: Moved(reason=reason) for one in group}
    what = tuple(name for key, name in _PINNED.items() if pins.get(key, 0) != preview.pins.get(key, 0))
    if not is_computed:
        reason = f"more than {SETS_MAX} approvals of different states are stale; ask for this customer alone"
        return {one.invoice.customer: Moved(what, reason) for one in group}
    only = group[0].invoice.customer if len(group) == 1 else None
    seen = _seen(connection, preview, pins, only)
    if isinstance(seen, str):
        return {one.invoice.customer: Moved(what, seen) for one in group}
    return {one.invoice.customer: _difference(one, seen, what) for one in group}


def _seen(connection: Connection, preview: Preview, pins: Content, only: str | None) -> Mapping[str, Invoice] | str:
    """The invoices at the pins that a reviewer saw, or why they cannot be computed again."""
    if fault := engine_fault(pins) or zone_fault(pins):
        return f"it was computed with {fault}"
    try:
        computed = compute_period(
            connection,
            preview.month,
            pinned_inputs(connection, pins).books(),
            pins["s"],
            only=only,
            position=pins["l"],
            manual=pins.get("m", 0),
            version=pins["f"],
        )
    except (IntegrityFault, LookupError, ValueError) as fault:
        return f"it cannot be computed again: {fault}"
    return {invoice.customer: invoice for invoice in computed.invoices}


def _difference(one: Previewed, seen: Mapping[str, Invoice], what: tuple[str, ...]) -> Moved:
    before = seen.get(one.invoice.customer)
    if before is None or one.review is None or before.content_hash != one.review.content_hash:
        return Moved(
            what, "what was approved cannot be computed again from its pins; `tokentill db check` looks further"
        )
    return Moved(what, differences=Differences.of(before.content(), one.invoice.content()))
