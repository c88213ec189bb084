"""`tokentill prices ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokentill.cli.calling import (
    AfterArgument,
    AreAsOfOption,
    AsOfOption,
    AtOption,
    BeforeArgument,
    Commands,
    Invocation,
    ModelArgument,
    StrictOption,
    WhenOption,
    instant_option,
)
from tokentill.errors import InvalidCall
from tokentill.faces.arguments import instant_in

app = Commands()
prices = app.group("prices", "List, check, look at, compare, import and release price tables.")


@prices.command("check")
def _check(call: Invocation, strict: StrictOption = False) -> None:
    """Check every file of the pricing folder.

    Each mistake is named with its file and line, and a way out. Nothing is changed.
    """
    from tokentill.documents.text.checks import show_check

    checked = call.prices().check()
    is_refused = bool(checked.errors) or (strict and bool(checked.findings))
    call.finish(checked.content(), lambda screen: show_check(screen, checked, "recordings"), is_refused=is_refused)


@prices.command("list")
def _list(call: Invocation, at: AtOption = None) -> None:
    """List every model that has a price.

    With the rates of its standard mode that are in force, whether this folder states them or tokentill ships them, and
    how many aliases lead to it.
    """
    from tokentill.documents.text.lists import show_price_list

    call.answer(call.prices().list_(at=instant_option(at)), show_price_list)


@prices.command("show")
def _show(call: Invocation, model: ModelArgument, at: AtOption = None, as_of: AsOfOption = None) -> None:
    """Show what a model costs at an instant, and why.

    Which price entry is in force, how it was chosen, and which others there are.
    """
    from tokentill.documents.text.prices import show_price

    call.answer(call.prices().show(model, at=instant_option(at), as_of=instant_option(as_of)), show_price)


@prices.command("diff")
def _diff(
    call: Invocation, before: BeforeArgument, after: AfterArgument, at: WhenOption = None, as_of: AreAsOfOption = False
) -> None:
    """Compare prices at two instants, or of two folders.

    In force at two instants; with --as-of, as known at two times; or as two folders have them. Lists models with a
    price on one side alone, and every figure that differs. The status is 0, whether or not any does.
    """
    from tokentill.documents.text.prices import show_price_changes

    call.answer(call.prices().diff(before, after, at=instant_option(at), as_of=as_of), show_price_changes)


@prices.command("import")
def _import(
    call: Invocation,
    file: Annotated[
        str,
        typer.Argument(metavar="FILE_OR_PACKAGE", help="The catalog, a wheel that holds it, or an installed package."),
    ],
    kind: Annotated[
        str, typer.Option("--from", metavar="KIND", help="genai-prices, litellm, openrouter, models.dev or arouter.")
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
    from tokentill.documents.text.prices import show_import

    if effective is None:
        raise InvalidCall("from when do the prices hold? Say --effective INSTANT, like 2026-12-01T00:00:00Z")
    since, models = instant_in(effective), only or ()
    imported = call.prices().import_(
        file, kind=kind, effective=since, only=models, rounded=rounded, replace=replace, dry_run=dry_run, out=out
    )
    call.answer(imported, show_import)


@prices.command("lock")
def _lock(call: Invocation) -> None:
    """Release the new files of the pricing folder.

    A released file is never edited again; a new fact is a new file.
    """
    from tokentill.documents.text.prices import show_released

    call.answer(call.prices().lock(), show_released)
