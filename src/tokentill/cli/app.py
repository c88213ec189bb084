"""The root of the command line, and what becomes of errors: 0 done, 1 refused or found wrong, 2 wrong call."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from sqlalchemy.exc import DBAPIError

from tokentill.cli import (
    contract_commands,
    customer_commands,
    database_commands,
    demo,
    invoice_commands,
    price_commands,
    stripe_commands,
    usage_commands,
)
from tokentill.cli.calling import DbOption, InOrder, Invocation, JsonOption, PricingOption, update
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.errors import InvalidCall, TokentillError
from tokentill.shipped import __version__

INTERRUPTED = 130
WrongCall: type[Exception] = typer.BadParameter.__bases__[0]
"""What typer raises for arguments that do not parse; it has no public name for it."""


class _MonthText(InOrder):
    """The root: first the commands of a month, in order."""

    order = (
        *("ingest", "customers", "preview", "review", "close", "invoices", "explain", "verify", "push", "reconcile"),
        *("prices", "contracts", "db", "demo"),
    )


app = typer.Typer(
    name="tokentill",
    cls=_MonthText,
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
    call = context.obj if isinstance(context.obj, Invocation) else Invocation()
    context.obj = call
    update(call, db=db, pricing=pricing, as_json=as_json)


usage_commands.add_to(app)
invoice_commands.add_to(app)
stripe_commands.add_to(app)
price_commands.add_to(app)
contract_commands.add_to(app)
customer_commands.add_to(app)
database_commands.add_to(app)
demo.add_to(app)


def run() -> None:
    """Run the command line on this process's arguments, and exit."""
    call = Invocation()
    status = _status_of(call)
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = status or 1
    sys.exit(status)


def _status_of(call: Invocation) -> int:
    """Run a command; every error that can be expected becomes a message and a status."""
    try:
        status = app(prog_name="tokentill", obj=call, standalone_mode=False)
    except TokentillError as error:
        _tell(call, str(error), error.kind)
        return 2 if isinstance(error, InvalidCall) else 1
    except WrongCall as error:
        return _tell_wrong_call(call, error)
    except BrokenPipeError:
        return 1
    except DBAPIError as error:
        _tell(call, f"the database refused: {error.orig}; what was stored is whole, so run it again", "DatabaseError")
        return 1
    except OSError as error:
        where = f"{shown_id(str(error.filename))}: " if error.filename else ""
        _tell(call, f"{where}{error.strerror or error}", "OSError")
        return 1
    if status == INTERRUPTED:
        _tell(call, "interrupted; what was stored is whole, and the same command goes on from there", "Interrupted")
    return status or 0


def _tell(call: Invocation, message: str, kind: str) -> None:
    if call.json:
        call.print_json({"error": message, "kind": kind})
    for line in message.splitlines():
        call.complain(shown_text(line.expandtabs(4)))


def _tell_wrong_call(call: Invocation, error: Any) -> int:
    """Say what is wrong with a command's arguments; here it is not known yet whether JSON was asked for."""
    if "--json" in sys.argv:
        call.print_json({"error": error.format_message(), "kind": InvalidCall().kind})
    error.show()
    return int(error.exit_code)
