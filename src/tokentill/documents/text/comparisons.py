"""What differs: a period under other prices and contracts, two invoices; as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokentill.documents.escaping import short_id, shown_id, shown_text
from tokentill.documents.figures import count, money, plural, short_hash, signed_money
from tokentill.documents.text.invoices import margin_text, note_obstacles, pricing_text
from tokentill.documents.text.reviews import show_differences

if TYPE_CHECKING:
    from tokentill.documents.text.screen import Screen
    from tokentill.invoicing.differences import DocumentDifferences
    from tokentill.invoicing.simulation import SimulatedCustomer, SimulatedSide, Simulation


def show_simulation(screen: Screen, simulation: Simulation) -> None:
    """Customers by the size of their change, sums, margins, what was used on both sides, and what is in the way."""
    _show_sides(screen, simulation)
    if not simulation.customers:
        screen.say(f"nobody has usage in {simulation.month}")
        return
    screen.table(
        ("customer", "before", "requests", "revenue", "simulated", "currency", "change", ""),
        [_row(one) for one in sorted(simulation.customers, key=_by_change)],
        right=("requests", "revenue", "simulated", "change"),
    )
    if not simulation.changes_nothing:
        _show_sums(screen, simulation)
    else:
        screen.say(f"\n{simulation.month}: nothing changes for anybody")
    for one in simulation.customers:
        if one.differences is not None and one.change_minor:
            screen.say("\nline by line:")
            show_differences(screen, one.differences)
    _show_apart(screen, simulation)


def show_document_differences(screen: Screen, compared: DocumentDifferences) -> None:
    """One document held against another."""
    first, second = (_named(*side) for side in (compared.before, compared.after))
    if compared.is_same:
        screen.say(f"{first} and {second} are the same to the byte")
        return
    screen.say(f"before: {first}")
    screen.say(f"after: {second}")
    show_differences(screen, compared.differences)


def _named(number: str | None, customer: str, period: str) -> str:
    return f"{shown_text(number or 'the preview')} of {shown_id(customer)} for {period}"


def _show_sides(screen: Screen, simulation: Simulation) -> None:
    for a, b, documents in simulation.issued_with:
        issued = plural(documents, "invoice", "invoices")
        screen.say(f"before: {issued} issued with the prices {short_hash(a)} and the contracts {short_hash(b)}")
    own = simulation.pricing_before
    if own is not None:
        screen.say(f"before: what is not issued, with {pricing_text(own)}, {short_hash(own.a)} and {short_hash(own.b)}")
        if own.lost:
            screen.note(f"the database was used with other contracts; missing from them: {', '.join(own.lost)}")
    other = simulation.pricing_after
    screen.say(f"simulated: all of it, with {pricing_text(other)}, {short_hash(other.a)} and {short_hash(other.b)}")


def _show_sums(screen: Screen, simulation: Simulation) -> None:
    left_out = len(simulation.customers) - len(simulation.compared)
    screen.say("")
    for currency, before, after in simulation.revenue:
        change = signed_money(after - before, currency)
        sums = f"{money(before, currency)} before, {money(after, currency)} simulated, {change}"
        screen.say(f"{simulation.month}: revenue before tax in {currency}: {sums}")
    for name, margins in zip(("before", "simulated"), simulation.margins, strict=True):
        for margin in margins:
            screen.say(f"{name}: {margin_text(margin)}")
    if left_out:
        are = "customer cannot be compared and counts" if left_out == 1 else "customers cannot be compared and count"
        screen.say(f"{count(left_out)} {are} in no sum")


def _show_apart(screen: Screen, simulation: Simulation) -> None:
    """Who is on one side alone, and what could not be billed."""
    if names := simulation.only("before"):
        screen.note(f"only before, without an invoice of their own when simulated: {', '.join(map(short_id, names))}")
    if names := simulation.only("after"):
        screen.note(f"only simulated, without an invoice of their own before: {', '.join(map(short_id, names))}")
    before, after = simulation.unattributed
    if before != after:
        screen.note(
            f"{plural(after, 'request belongs', 'requests belong')} to nobody when simulated, {count(before)} before"
        )
    note_obstacles(screen.note, simulation.obstacles, "cannot be billed when simulated")


def _row(one: SimulatedCustomer) -> tuple[str, ...]:
    before, after = one.before, one.after
    side = after or before
    change = "-" if one.change_minor is None else signed_money(one.change_minor, one.currency)
    currencies = dict.fromkeys(each.currency for each in (before, after) if each is not None)
    stopped = "cannot be billed" if after is not None and after.obstacles else ""
    if after is None:
        stopped = "only before"
    elif before is None:
        stopped = stopped or "only simulated"
    number = "-" if before is None else shown_text(before.number or "not issued")
    return (
        short_id(one.customer),
        number,
        count(0 if side is None else side.requests),
        _revenue(before),
        _revenue(after),
        ", now ".join(currencies),
        change,
        stopped,
    )


def _revenue(side: SimulatedSide | None) -> str:
    return "-" if side is None or side.obstacles else money(side.revenue_minor, side.currency)


def _by_change(one: SimulatedCustomer) -> tuple[str, bool, int]:
    return one.currency, one.change_minor is None, -abs(one.change_minor or 0)
