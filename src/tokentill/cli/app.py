"""The root of the command line, and what becomes of errors: 0 done, 1 refused or found wrong, 2 wrong call."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from tokentill import __version__
from tokentill.cli import (
    customer_commands,
    database_commands,
    demo,
    invoice_commands,
    pricing_commands,
    stripe_commands,
    usage_commands,
)
from tokentill.cli.calling import Call, DbOption, JsonOption, PricingOption, update
from tokentill.errors import TokentillError, UsageError

INTERRUPTED = 130

app = typer.Typer(
    name="tokentill",
    help="Bills the end users of software that runs on an LLM gateway.\n\n"
    "A month, in order: ingest the gateway's activity, preview what it comes to, review and approve it, close it into "
    "invoices, push their amounts to Stripe, reconcile. `tokentill demo` shows all of it on sample activity.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tokentill {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    db: DbOption = None,
    pricing: PricingOption = None,
    as_json: JsonOption = False,
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    call = context.obj if isinstance(context.obj, Call) else Call()
    context.obj = call
    update(call, db=db, pricing=pricing, as_json=as_json)


usage_commands.add_to(app)
invoice_commands.add_to(app)
stripe_commands.add_to(app)
pricing_commands.add_to(app)
customer_commands.add_to(app)
database_commands.add_to(app)
demo.add_to(app)


def run() -> None:
    """Run the command line on this process's arguments, and exit."""
    call = Call()
    try:
        app(obj=call)
    except TokentillError as error:
        _tell(call, error)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        call.note("interrupted; what was stored is whole, and the same command goes on from there")
        sys.exit(INTERRUPTED)


def _tell(call: Call, error: TokentillError) -> None:
    if call.json:
        call.print_json({"error": str(error), "kind": type(error).__name__})
    for line in str(error).splitlines():
        call.err.print(line, style="red", markup=False)
