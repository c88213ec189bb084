"""The two sides of a comparison, as they are written in a command."""

from __future__ import annotations

from typing import Annotated

import typer

BeforeArgument = Annotated[str, typer.Argument(metavar="A", help="An instant, or a pricing folder.")]
AfterArgument = Annotated[str, typer.Argument(metavar="B", help="Another one of the same kind.")]
WhenOption = Annotated[
    str | None, typer.Option("--at", metavar="INSTANT", help="When, for as-of times and folders; now unless given.")
]
AreAsOfOption = Annotated[bool, typer.Option("--as-of", help="A and B are times of knowledge, not of validity.")]
