"""`tokentill prices diff` and `prices import`: what changes, figure by figure, before it changes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from tokentill.canonical import Content
from tokentill.catalogs import CATALOGS, Import, LeftOut, plan_import, read_catalog, write_import
from tokentill.cli.calling import Invocation, instant_argument
from tokentill.cli.sides import After, AsOf, At, Before, sides_of
from tokentill.clock import SYSTEM_CLOCK, instant_text
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import percent_text, share_percent
from tokentill.errors import InvalidCall
from tokentill.money import EXACT, amount_text
from tokentill.prices.book import PriceBook
from tokentill.prices.diff import Difference, FigureChange, compare_books, figures
from tokentill.prices.entries import PriceEntry
from tokentill.recordings.load import load_folder

SHOWN_MAX = 20
"""How many of a kind are printed one by one; `--json` has all."""

ROOM = "models"


def diff_prices(
    call: Invocation,
    before: Before,
    after: After,
    at: At = None,
    as_of: AsOf = False,
) -> None:
    """Compare prices at two instants, or of two folders.

    In force at two instants; with --as-of, as known at two times; or as two folders have them. Lists models with a
    price on one side alone, and every figure that differs. The status is 0, whether or not any does.
    """
    sides = sides_of(call, before, after, at=at, as_of=as_of)
    books = [PriceBook(side.folder.prices, as_of=side.as_of) for side in sides]
    found = compare_books(*books, before_at=sides[0].at, after_at=sides[1].at)
    content = {
        **{
            name: {"given": side.given, "at": instant_text(side.at), "models": len(book.models)}
            for name, side, book in zip(("before", "after"), sides, books, strict=True)
        },
        "added": [_entry_content(one.after) for one in found if one.before is None and one.after is not None],
        "vanished": [_entry_content(one.before) for one in found if one.after is None and one.before is not None],
        "changed": [_difference_content(one) for one in found if one.before is not None and one.after is not None],
    }

    def show() -> None:
        _show_models(call, "added", [one.after for one in found if one.before is None])
        _show_models(call, "vanished", [one.before for one in found if one.after is None])
        both = [one for one in found if one.before is not None and one.after is not None]
        _show_changes(call, [(one.model, "", one.changes) for one in both])
        for one in both:
            if one.before and one.after and one.before.currency != one.after.currency:
                call.say(f"{shown_id(one.model)}: in {one.after.currency} instead of {one.before.currency}")
        call.say(f"{len(content['added'])} added, {len(both)} changed, {len(content['vanished'])} vanished")

    call.finish(content, show)


def import_prices(
    call: Invocation,
    file: Annotated[
        str,
        typer.Argument(metavar="FILE_OR_PACKAGE", help="The catalog, a wheel that holds it, or an installed package."),
    ],
    from_: Annotated[
        str,
        typer.Option("--from", metavar="KIND", help="genai-prices, litellm, openrouter, models.dev or arouter."),
    ],
    effective: Annotated[
        str | None,
        typer.Option("--effective", metavar="INSTANT", help="From when the prices hold, like 2026-12-01T00:00:00Z."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="GLOB", help="Model ids to take; repeatable; all unless given."),
    ] = None,
    rounded: Annotated[
        bool, typer.Option("--round", help="Take the number that was meant for one with float noise.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take changed prices even where the folder says more than the catalog.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change, and write nothing.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where to write; models/ of the pricing folder unless given."),
    ] = None,
) -> None:
    """Take prices over from a catalog, as one new recording.

    Prints what is added, changed (with percent), vanished, and in conflict. What vanished keeps its price. A model in
    conflict, or with a price that has float noise, is not taken over. No code of the catalog is executed.
    """
    folder = call.settings.pricing
    if from_ not in CATALOGS:
        raise InvalidCall(f"--from {from_} is not known; write one of {', '.join(CATALOGS)}")
    if effective is None:
        raise InvalidCall("from when do the prices hold? Say --effective INSTANT, like 2026-12-01T00:00:00Z")
    if folder is None and out is None and not dry_run:
        raise InvalidCall(
            "the shipped list prices are not written to; name your own folder with --pricing, or --out DIR"
        )
    catalog = read_catalog(from_, file, instant_argument(effective), rounded=rounded)
    now = SYSTEM_CLOCK.now().replace(microsecond=0)
    loaded = load_folder(folder)
    plan = plan_import(catalog, loaded, instant_argument(effective), now, only=only or (), is_replacing=replace)
    path = None if dry_run else write_import(plan, out or loaded.folder / ROOM)
    content = _import_content(plan, path)
    call.finish(content, lambda: _show_import(call, plan, path, is_dry=dry_run))


def _import_content(plan: Import, path: Path | None) -> Content:
    return {
        "catalog": plan.catalog.name,
        "source": plan.catalog.source,
        "effective": instant_text(plan.effective),
        "added": [_entry_content(entry) for entry in plan.added],
        "changed": [
            {
                "model": one.model,
                "valid_from": instant_text(one.valid_from),
                "changes": [_change_content(change) for change in one.changes],
            }
            for one in plan.changed
        ],
        "vanished": list(plan.vanished),
        "conflicts": [{"model": one.model, "reason": one.reason} for one in plan.conflicts],
        "unchanged": list(plan.unchanged),
        "left_out": [{"model": one.model, "key": one.key, "reason": one.reason} for one in plan.left_out],
        "warnings": [str(finding) for finding in plan.warnings],
        "written": None if path is None else str(path),
    }


def _show_import(call: Invocation, plan: Import, path: Path | None, *, is_dry: bool) -> None:
    _show_models(call, "added", plan.added)
    rows = []
    for one in plan.changed:
        later = "" if one.valid_from == plan.effective else f" from {instant_text(one.valid_from)}"
        rows.append((one.model, later, one.changes))
    _show_changes(call, rows)
    _show_some(call, "vanished (its price stays)", [shown_id(model) for model in plan.vanished])
    _show_some(call, "conflict", [f"{shown_id(one.model)}: {shown_text(one.reason)}" for one in plan.conflicts])
    _show_some(call, "left out", _left_out_lines(plan.left_out))
    _show_some(call, "warning", [shown_text(str(finding)) for finding in plan.warnings])
    call.say(
        f"{len(plan.added)} added, {len(plan.changed)} changed, {len(plan.unchanged)} as they were,"
        f" {len(plan.vanished)} vanished, {len(plan.conflicts)} in conflict, {len(plan.left_out)} left out"
    )
    if path is not None:
        call.say(f"wrote {path}; look at it, then `tokentill prices check` and `tokentill prices lock`")
    elif plan.recording is None:
        call.say("nothing to write")
    elif is_dry:
        call.say("a dry run: nothing was written")


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


def _show_models(call: Invocation, what: str, entries: Sequence[PriceEntry | None]) -> None:
    lines = []
    for entry in entries:
        if entry is not None:
            rates = ", ".join(f"{name} {amount_text(rate)}" for name, rate in entry.standard.rates.items())
            price = "free" if entry.is_free else f"{rates} ({entry.currency} per {entry.per:,})"
            lines.append(f"{shown_id(entry.model)}: {price}")
    _show_some(call, what, lines)


def _show_changes(call: Invocation, changed: Sequence[tuple[str, str, Sequence[FigureChange]]]) -> None:
    rows = [
        [shown_id(model) + when, change.rates, change.quantity, *_sides(change)]
        for model, when, found in changed
        for change in found
    ]
    if rows:
        columns = ["changed", "rates", "quantity", "before", "after", "change"]
        call.table(columns, rows, right=["before", "after", "change"])


def _show_some(call: Invocation, what: str, lines: Sequence[str]) -> None:
    for line in lines[:SHOWN_MAX]:
        call.say(f"{what}: {line}")
    if len(lines) > SHOWN_MAX:
        call.say(f"{what}: and {len(lines) - SHOWN_MAX:,} more; --json lists all")


def _sides(change: FigureChange) -> tuple[str, str, str]:
    percent = _percent(change)
    return (
        "" if change.before is None else amount_text(change.before),
        "" if change.after is None else amount_text(change.after),
        "" if percent is None else percent_text(percent, is_change=True),
    )


def _percent(change: FigureChange) -> Decimal | None:
    if change.before is None or change.after is None:
        return None
    return share_percent(EXACT.subtract(change.after, change.before), change.before)


def _change_content(change: FigureChange) -> Content:
    percent = _percent(change)
    return {
        "rates": change.rates,
        "quantity": change.quantity,
        "before": None if change.before is None else amount_text(change.before),
        "after": None if change.after is None else amount_text(change.after),
        "percent": None if percent is None else amount_text(percent),
    }


def _difference_content(one: Difference) -> Content:
    return {
        "model": one.model,
        "before": None if one.before is None else one.before.hash,
        "after": None if one.after is None else one.after.hash,
        "changes": [_change_content(change) for change in one.changes],
    }


def _entry_content(entry: PriceEntry) -> Content:
    return {
        "model": entry.model,
        "hash": entry.hash,
        "valid_from": instant_text(entry.valid_from),
        "currency": entry.currency,
        "figures": [
            {"rates": rates, "quantity": quantity, "amount": amount_text(amount)}
            for (rates, quantity), amount in figures(entry).items()
        ],
    }
