"""`tokentill init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokentill.cli.calling import Commands, Invocation
from tokentill.documents.text.start import show_started
from tokentill.faces.start import start_project

app = Commands()


@app.command("init")
def _init(
    call: Invocation,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where; made if it is not there.")] = Path(),
    currency: Annotated[str, typer.Option(metavar="CODE", help="The currency of the default contract.")] = "USD",
    copy_prices: Annotated[
        bool, typer.Option("--copy-prices", help="Copy the shipped list prices, to change them there.")
    ] = False,
) -> None:
    """Make a folder to bill from: settings, contracts, a database.

    Settings in `tokentill.toml`, `pricing/` with a default contract and attribution rules to edit, and a database.
    Shipped list prices lie beneath what you write. Nothing that is there is overwritten.
    """
    call.screen.options.clear()  # what it makes is found from its folder
    call.answer(start_project(folder, currency=currency, copy_prices=copy_prices), show_started)
