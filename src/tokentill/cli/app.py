"""The root of the command line, and what becomes of errors: 0 done, 1 refused or found wrong, 2 wrong call.

A command's module is loaded when it is called, so that `tokentill --help` is quick: the names and the first lines of
the helps stand in a table here.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from tokentill.cli.calling import Commands, Group, Shared
from tokentill.cli.terminal import let_go, make_streams_safe
from tokentill.errors import InvalidCall, TokentillError
from tokentill.shipped import __version__

INTERRUPTED = 130
WrongCall: type[Exception] = typer.BadParameter.__bases__[0]
"""What typer raises for arguments that do not parse; it has no public name for it."""

COMMANDS = {
    "init": ("start_commands", "Make a folder to bill from: settings, contracts, a database."),
    "ingest": ("ingest_commands", "Take usage records in: JSONL, JSON or CSV, plain, gzip or zstd."),
    "customers": ("customer_commands", "List and describe customers, link them to Stripe, bind users."),
    "status": ("invoice_commands", "Show how far a period is, and what to do next."),
    "preview": ("invoice_commands", "Show what a period would come to if it were closed now."),
    "review": ("review_commands", "Approve or hold a preview, or add a line to it."),
    "close": ("invoice_commands", "Issue the invoices of a period, each once."),
    "report": ("report_commands", "Report on a period: its close, what is missing or alike."),
    "invoices": ("invoice_commands", "Look at issued invoices, export them, or make one void."),
    "simulate": ("question_commands", "Show a period under other prices and contracts."),
    "explain": ("question_commands", "Go from any cent to the records, the price entry and the rule."),
    "trace": ("usage_commands", "Follow one request: import, customer, price, invoice, push."),
    "verify": ("invoice_commands", "Work invoices out a second time, from raw records."),
    "push": ("stripe_commands", "Tell Stripe what each day of the issued invoices comes to."),
    "reconcile": ("stripe_commands", "Compare what Stripe holds with the invoices, to the cent."),
    "prices": ("price_commands", "List, check, look at, compare, import and release price tables."),
    "contracts": ("contract_commands", "List, check, look at, explain and compare contracts."),
    "db": ("database_commands", "Bring the database up to date, and check it."),
    "demo": ("demo", "Run a whole month on sample activity."),
    "imports": ("ingest_commands", "Look at imports: what came when, and what became of it."),
    "usage": ("usage_commands", "Count what was used; look at records, and decide about some."),
    "pull": ("pull_commands", "Take usage records in from a gateway, over HTTP."),
    "probe": ("pull_commands", "Show what a gateway answers, and how it would be read."),
}
"""Each command or group: the module that has it, and what it does. First the commands of a month, in order."""

_ARGUMENT = re.compile(r"\b([a-z][a-z_]*)=\.\.\.")

_WRITTEN = {
    "customer": "CUSTOMER",
    "ends_at": "--until",
    "import_number": "--import N",
    "ids": "--id",
    "kind": "--from",
    "model": "MODEL",
    "names": "ID",
    "number": "INVOICE",
    "period": "PERIOD",
    "reason": "--reason TEXT",
    "record": "--record SOURCE RECORD_ID",
    "record_id": "RECORD_ID",
    "seen_hash": "--hash",
    "starts_at": "--from",
    "stripe_customer": "--stripe",
    "tags": "--tag",
    "user": "USER",
    "valid_from": "--from",
}
"""Arguments of the library, which its messages write as `reason=...`, that are no option of the same name."""


class Root(Group):
    """The commands of the table. Lists and helps need no more of them than the table says."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.commands = {name: TyperCommand(name, help=about) for name, (_, about) in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """The command that is meant, loaded now, and the arguments after its name."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else loaded(name), rest


def loaded(name: str) -> Any:
    """The command or group of a name in the table, from its module."""
    module = import_module(f"tokentill.cli.{COMMANDS[name][0]}")
    return typer.main.get_group(module.app).commands[name]


app = Commands(
    "Bills the end users of software that runs on an LLM gateway.\n\n"
    "A month, in order: ingest the gateway's activity, preview what it comes to, review and approve it, close it into "
    "invoices, push their amounts to Stripe, reconcile. `tokentill demo` shows all of it on sample activity.",
    name="tokentill",
    cls=Root,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tokentill {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Nothing of its own."""


def run() -> None:
    """Run the command line on this process's arguments, and exit."""
    make_streams_safe()
    status = _status_of(Shared())
    let_go(sys.stderr)
    if not let_go(sys.stdout):  # whoever read our output has seen enough
        status = status or 1
    sys.exit(status)


def _status_of(shared: Shared) -> int:
    """Run a command; every error that can be expected becomes a message and a status."""
    try:
        status = app(prog_name="tokentill", obj=shared, standalone_mode=False)
    except TokentillError as error:
        _tell(shared, with_flags(str(error)), error.kind)
        return 2 if isinstance(error, InvalidCall) else 1
    except WrongCall as error:
        return _tell_wrong_call(shared, error)
    except BrokenPipeError:
        return 1
    except OSError as error:
        from tokentill.documents.escaping import shown_id

        where = f"{shown_id(str(error.filename))}: " if error.filename else ""
        _tell(shared, f"{where}{error.strerror or error}", "OSError")
        return 1
    except Exception as error:
        if "sqlalchemy" not in sys.modules or not isinstance(error, sys.modules["sqlalchemy"].exc.DBAPIError):
            raise  # no database refused; where none was loaded, none could
        reason = getattr(error, "orig", error)
        _tell(shared, f"the database refused: {reason}; what was stored is whole, so run it again", "DatabaseError")
        return 1
    if status == INTERRUPTED:
        _tell(shared, "interrupted; what was stored is whole, and the same command goes on from there", "Interrupted")
    return status or 0


def with_flags(message: str) -> str:
    """A message with its arguments as they are written in a command."""
    return _ARGUMENT.sub(lambda name: _WRITTEN.get(name[1], "--" + name[1].replace("_", "-")), message)


def _tell(shared: Shared, message: str, kind: str) -> None:
    from tokentill.documents.escaping import shown_text

    if shared.json:
        shared.terminal.print_json({"error": shared.terminal.completed(message), "kind": kind})
    for line in message.splitlines():
        shared.terminal.complain(shown_text(line.expandtabs(4)))


def _tell_wrong_call(shared: Shared, error: Any) -> int:
    """Say what is wrong with a command's arguments; here it is not known yet whether JSON was asked for."""
    if "--json" in sys.argv:
        shared.terminal.print_json({"error": error.format_message(), "kind": InvalidCall().kind})
    error.show()
    return int(error.exit_code)
