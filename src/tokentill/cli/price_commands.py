"""`tokentill prices ...`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from tokentill.canonical import Content
from tokentill.cli.calling import AtOption, Invocation, command, group, instant_argument
from tokentill.cli.folder_check import show_check
from tokentill.cli.price_changes import diff_prices, import_prices
from tokentill.clock import SYSTEM_CLOCK, instant_text
from tokentill.documents.escaping import shown_text
from tokentill.errors import InvalidCall, NotFound
from tokentill.prices.book import NoPrice, PriceBook
from tokentill.prices.entries import PriceEntry, entry_hash
from tokentill.recordings.load import load_folder
from tokentill.recordings.release import lock_folder


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    prices = group(app, "prices", "Check, look at, compare, import and release price tables.")
    command(prices, "check")(_check_prices)
    command(prices, "show")(_show_price)
    command(prices, "diff")(diff_prices)
    command(prices, "import")(import_prices)
    command(prices, "lock")(_lock)


def _check_prices(
    call: Invocation,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings, too.")] = False,
) -> None:
    """Check every file of the pricing folder.

    Each mistake is named with its file and line, and a way out. Nothing is changed.
    """
    show_check(call, strict=strict, what="recordings")


def _show_price(
    call: Invocation,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model's id, as the gateway reports it.")],
    at: AtOption = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="INSTANT", help="As it was known then; everything unless given.")
    ] = None,
) -> None:
    """Show what a model costs at an instant, and why.

    Which price entry is in force, how it was chosen, and which others there are.
    """
    folder = load_folder(call.settings.pricing)
    book = PriceBook(folder.prices, as_of=None if as_of is None else instant_argument(as_of))
    instant = SYSTEM_CLOCK.now() if at is None else instant_argument(at)
    chosen = book.entry_at(model, instant)
    if isinstance(chosen, NoPrice):
        raise NotFound(chosen.reason)
    entries = book.entries(chosen.model)
    content = {
        "asked": model,
        "model": chosen.model,
        "at": instant_text(instant),
        "entry": _entry_content(chosen, _price_of(folder.prices, chosen)),
        "because": _because(model, chosen, instant),
        "entries": [
            {
                "hash": entry.hash,
                "valid_from": instant_text(entry.valid_from),
                "valid_to": None if entry.valid_to is None else instant_text(entry.valid_to),
                "recorded_at": instant_text(entry.recorded_at),
                "in_force": entry.hash == chosen.hash,
            }
            for entry in entries
        ],
    }
    call.finish(content, lambda: _show_entry(call, content))


def _lock(call: Invocation) -> None:
    """Release the new files of the pricing folder.

    A released file is never edited again; a new fact is a new file.
    """
    folder = call.settings.pricing
    if folder is None:
        raise InvalidCall("the shipped list prices are released already; name your own folder with --pricing")
    paths = lock_folder(folder)
    done = "\n".join(f"released {path}" for path in paths) or "nothing new to release"
    call.finish({"released": paths}, lambda: call.say(done))


def _because(asked: str, chosen: PriceEntry, at: datetime) -> str:
    name = "" if asked == chosen.model else f"{asked} is priced as {chosen.model}; "
    return (
        f"{name}of the entries that cover {instant_text(at)} this one has the greatest valid_from"
        f" ({instant_text(chosen.valid_from)}), then the greatest recorded_at ({instant_text(chosen.recorded_at)})"
    )


def _price_of(recordings: tuple[Content, ...], chosen: PriceEntry) -> Content:
    for recording in recordings:
        for price in recording["price"]:
            if "model" in price and entry_hash(price, recording["currency"]) == chosen.hash:
                return dict(price)
    raise NotFound(f"the entry {chosen.hash} is in no recording")


def _entry_content(entry: PriceEntry, price: Content) -> Content:
    return {
        **price,
        "hash": entry.hash,
        "currency": entry.currency,
        "recorded_at": instant_text(entry.recorded_at),
        "source": entry.source,
    }


def _show_entry(call: Invocation, content: Content) -> None:
    entry = content["entry"]
    call.say(f"{content['model']} at {content['at']}")
    per = f"{entry.get('per', 1_000_000):,}"
    _show_rates(call, "standard", entry, entry["currency"], per)
    for mode, rates in entry.get("mode", {}).items():
        _show_rates(call, mode, rates, entry["currency"], per)
    _show_fees(call, "", entry.get("fees", {}), entry["currency"])
    for mode, rates in entry.get("mode", {}).items():
        _show_fees(call, f" of {mode}", rates.get("fees", {}), entry["currency"])
    for name, other in entry.get("fallback", {}).items():
        call.say(f"  fallback: {name} is priced as {other}")
    for kind, factors in entry.get("multiplier", {}).items():
        call.say(f"  multiplier: {kind} " + ", ".join(f"{place} x {factor}" for place, factor in factors.items()))
    call.say(
        f"  valid {entry['valid_from']} to {entry.get('valid_to', 'further notice')}, recorded {entry['recorded_at']}"
    )
    call.say(f"  source: {shown_text(entry['source'] or 'not stated')}")
    if entry.get("note"):
        call.say(f"  note: {shown_text(entry['note'])}")
    call.say(f"  {entry['hash']}")
    call.say(f"because {content['because']}")
    others = [found for found in content["entries"] if not found["in_force"]]
    for other in others:
        call.say(
            f"also known: valid {other['valid_from']} to {other['valid_to'] or 'further notice'}, {other['hash'][:19]}"
        )


def _show_fees(call: Invocation, whose: str, fees: Content, currency: str) -> None:
    for name, fee in fees.items():
        call.say(f"  fee{whose}: {name} {fee['price']} {currency} per {fee.get('per', 1):,}")


def _show_rates(call: Invocation, mode: str, rates: Content, currency: str, per: str) -> None:
    if rates.get("free"):
        call.say(f"  {mode}: free")
    if rates.get("rates"):
        call.say(f"  {mode}: {_rates_text(rates['rates'])} ({currency} per {per})")
    _show_tiers(call, rates, "    ")
    for window in rates.get("window", ()):
        when = window["when"]
        days = f" on {', '.join(when['days'])}" if "days" in when else ""
        hours = f"{when['between'][0]} to {when['between'][1]} {when.get('time_zone', 'UTC')}"
        call.say(f"    {hours}{days}: {_rates_text(window['rates'])}")
        _show_tiers(call, window, "      ")


def _show_tiers(call: Invocation, rates: Content, indent: str) -> None:
    for tier in rates.get("tier", ()):
        (condition, tokens), *_ = tier["when"].items()
        sign = ">" if condition.endswith("gt") else ">="
        call.say(f"{indent}input {sign} {tokens:,}: {_rates_text(tier['rates'])}")


def _rates_text(rates: Content) -> str:
    return ", ".join(f"{name} {rate}" for name, rate in rates.items())
