"""Prices as text for a terminal: one price in full, prices that change, and what was released."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tokentill.clock import instant_text
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import percent_text
from tokentill.documents.views.prices import PriceChanges, PriceImport, PriceShown, Released, change_percent
from tokentill.money import amount_text

if TYPE_CHECKING:
    from tokentill.canonical import Content
    from tokentill.catalogs.catalog import LeftOut
    from tokentill.documents.text.screen import Screen
    from tokentill.prices.diff import FigureChange
    from tokentill.prices.entries import PriceEntry


def show_released(screen: Screen, released: Released) -> None:
    """The files that were released now."""
    screen.say("\n".join(f"released {path}" for path in released.paths) or "nothing new to release")


def show_price(screen: Screen, shown: PriceShown) -> None:
    """The entry in force with all that it says, why it is that one, and the others."""
    content = shown.content()
    entry = content["entry"]
    screen.say(f"{content['model']} at {content['at']}")
    per = f"{entry.get('per', 1_000_000):,}"
    _show_rates(screen, "standard", entry, entry["currency"], per)
    for mode, rates in entry.get("mode", {}).items():
        _show_rates(screen, mode, rates, entry["currency"], per)
    _show_fees(screen, "", entry.get("fees", {}), entry["currency"])
    for mode, rates in entry.get("mode", {}).items():
        _show_fees(screen, f" of {mode}", rates.get("fees", {}), entry["currency"])
    for name, other in entry.get("fallback", {}).items():
        screen.say(f"  fallback: {name} is priced as {other}")
    for kind, factors in entry.get("multiplier", {}).items():
        screen.say(f"  multiplier: {kind} " + ", ".join(f"{place} x {factor}" for place, factor in factors.items()))
    screen.say(
        f"  valid {entry['valid_from']} to {entry.get('valid_to', 'further notice')}, recorded {entry['recorded_at']}"
    )
    screen.say(f"  source: {shown_text(entry['source'] or 'not stated')}")
    if entry.get("note"):
        screen.say(f"  note: {shown_text(entry['note'])}")
    screen.say(f"  {entry['hash']}")
    screen.say(f"because {content['because']}")
    others = [entry for entry in content["entries"] if not entry["in_force"]]
    for other in others:
        screen.say(
            f"also known: valid {other['valid_from']} to {other['valid_to'] or 'further notice'}, {other['hash'][:19]}"
        )


def _show_fees(screen: Screen, whose: str, fees: Content, currency: str) -> None:
    for name, fee in fees.items():
        screen.say(f"  fee{whose}: {name} {fee['price']} {currency} per {fee.get('per', 1):,}")


def _show_rates(screen: Screen, mode: str, rates: Content, currency: str, per: str) -> None:
    if rates.get("free"):
        screen.say(f"  {mode}: free")
    if rates.get("rates"):
        screen.say(f"  {mode}: {_rates_text(rates['rates'])} ({currency} per {per})")
    _show_tiers(screen, rates, "    ")
    for window in rates.get("window", ()):
        when = window["when"]
        days = f" on {', '.join(when['days'])}" if "days" in when else ""
        hours = f"{when['between'][0]} to {when['between'][1]} {when.get('time_zone', 'UTC')}"
        screen.say(f"    {hours}{days}: {_rates_text(window['rates'])}")
        _show_tiers(screen, window, "      ")


def _show_tiers(screen: Screen, rates: Content, indent: str) -> None:
    for tier in rates.get("tier", ()):
        (condition, tokens), *_ = tier["when"].items()
        sign = ">" if condition.endswith("gt") else ">="
        screen.say(f"{indent}input {sign} {tokens:,}: {_rates_text(tier['rates'])}")


def _rates_text(rates: Content) -> str:
    return ", ".join(f"{name} {rate}" for name, rate in rates.items())


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
