"""Prices that change as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tokentill.catalogs.catalog import LeftOut
from tokentill.clock import instant_text
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import percent_text
from tokentill.documents.text.screen import Screen
from tokentill.documents.views.price_changes import PriceChanges, PriceImport, change_percent
from tokentill.money import amount_text
from tokentill.prices.diff import FigureChange
from tokentill.prices.entries import PriceEntry

SHOWN_MAX = 20
"""How many of a kind are printed one by one; `--json` has all."""


def show_price_changes(screen: Screen, changes: PriceChanges) -> None:
    """What two sides have alone, and every figure that differs."""
    _show_models(screen, "added", changes.added)
    _show_models(screen, "vanished", changes.vanished)
    _show_changes(screen, [(one.model, "", one.changes) for one in changes.changed])
    for one in changes.changed:
        if one.before and one.after and one.before.currency != one.after.currency:
            screen.say(f"{shown_id(one.model)}: in {one.after.currency} instead of {one.before.currency}")
    screen.say(f"{len(changes.added)} added, {len(changes.changed)} changed, {len(changes.vanished)} vanished")


def show_import(screen: Screen, imported: PriceImport) -> None:
    """What an import takes over, leaves and leaves out, and where it was written."""
    plan = imported.plan
    _show_models(screen, "added", plan.added)
    rows = []
    for one in plan.changed:
        later = "" if one.valid_from == plan.effective else f" from {instant_text(one.valid_from)}"
        rows.append((one.model, later, one.changes))
    _show_changes(screen, rows)
    _show_some(screen, "vanished (its price stays)", [shown_id(model) for model in plan.vanished])
    _show_some(screen, "conflict", [f"{shown_id(one.model)}: {shown_text(one.reason)}" for one in plan.conflicts])
    _show_some(screen, "left out", _left_out_lines(plan.left_out))
    _show_some(screen, "warning", [shown_text(str(finding)) for finding in plan.warnings])
    screen.say(
        f"{len(plan.added)} added, {len(plan.changed)} changed, {len(plan.unchanged)} as they were,"
        f" {len(plan.vanished)} vanished, {len(plan.conflicts)} in conflict, {len(plan.left_out)} left out"
    )
    if imported.written is not None:
        screen.say(f"wrote {imported.written}; look at it, then `tokentill prices check` and `tokentill prices lock`")
    elif plan.recording is None:
        screen.say("nothing to write")
    elif imported.is_dry:
        screen.say("a dry run: nothing was written")


def _left_out_lines(left_out: Sequence[LeftOut]) -> list[str]:
    """One line for each thing that is left out for the same reason, the commonest first."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for one in left_out:
        by_reason.setdefault((one.key, one.reason), []).append(one.model)
    lines = []
    for (key, reason), models in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        whose = shown_id(models[0]) if len(models) == 1 else f"{len(models):,} models such as {shown_id(models[0])}"
        lines.append(f"{shown_text(key)} of {whose}: {shown_text(reason)}" if key else f"{whose}: {shown_text(reason)}")
    return lines


def _show_models(screen: Screen, what: str, entries: Iterable[PriceEntry]) -> None:
    lines = []
    for entry in entries:
        rates = ", ".join(f"{name} {amount_text(rate)}" for name, rate in entry.standard.rates.items())
        price = "free" if entry.is_free else f"{rates} ({entry.currency} per {entry.per:,})"
        lines.append(f"{shown_id(entry.model)}: {price}")
    _show_some(screen, what, lines)


def _show_changes(screen: Screen, changed: Sequence[tuple[str, str, Sequence[FigureChange]]]) -> None:
    rows = [
        [shown_id(model) + when, change.rates, change.quantity, *_sides(change)]
        for model, when, changes in changed
        for change in changes
    ]
    if rows:
        columns = ["changed", "rates", "quantity", "before", "after", "change"]
        screen.table(columns, rows, right=["before", "after", "change"])


def _show_some(screen: Screen, what: str, lines: Sequence[str]) -> None:
    for line in lines[:SHOWN_MAX]:
        screen.say(f"{what}: {line}")
    if len(lines) > SHOWN_MAX:
        screen.say(f"{what}: and {len(lines) - SHOWN_MAX:,} more; --json lists all")


def _sides(change: FigureChange) -> tuple[str, str, str]:
    percent = change_percent(change)
    return (
        "" if change.before is None else amount_text(change.before),
        "" if change.after is None else amount_text(change.after),
        "" if percent is None else percent_text(percent, is_change=True),
    )
