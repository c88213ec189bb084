"""Prices as text for a terminal: one price in full, and what was released."""

from __future__ import annotations

from tokentill.canonical import Content
from tokentill.documents.escaping import shown_text
from tokentill.documents.text.screen import Screen
from tokentill.documents.views.prices import PriceShown, Released


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
