"""What every command shares: the options `--db`, `--pricing` and `--json` before or after its name, and its output.

With `--json` a command prints one JSON document to standard output and nothing else; messages, tables of progress and
colours go to standard error, and only to a terminal.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, get_type_hints

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from tokentill.errors import InvalidCall
from tokentill.settings import Settings, read_settings, stripe_key

if TYPE_CHECKING:
    from rich.progress import Progress

    from tokentill.stripe_push.gateway import StripeGateway
    from tokentill.till import Till

WIDTH_OF_FILES = 160

DbOption = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="URL",
        help="Database: sqlite:///FILE, a path, or postgresql://... [env: TOKENTILL_DB; default: tokentill.db here]",
        show_default=False,
    ),
]
PricingOption = Annotated[
    str | None,
    typer.Option(
        "--pricing",
        metavar="DIR",
        help="Prices and contracts. [env: TOKENTILL_PRICING; default: ./pricing, else the shipped list prices]",
        show_default=False,
    ),
]
AtOption = Annotated[
    str | None, typer.Option("--at", metavar="INSTANT", help="When, like 2026-10-15T00:00:00Z; now unless given.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


@dataclass(slots=True)
class Invocation:
    """One call of the command line."""

    db: str | None = None
    pricing: str | None = None
    json: bool = False
    out: Console = field(default_factory=lambda: _console(sys.stdout.isatty()))
    err: Console = field(default_factory=lambda: _console(sys.stderr.isatty(), stderr=True))

    @property
    def settings(self) -> Settings:
        """The settings of this call."""
        return read_settings(database=self.db, pricing=self.pricing)

    def till(self) -> Till:
        """The facade on this call's database and folder."""
        from tokentill.till import Till

        settings = self.settings
        return Till.open(settings.database, settings.pricing, grace=settings.grace, bounds=settings.bounds)

    def gateway(self) -> StripeGateway:
        """Stripe, with this call's key."""
        from tokentill.stripe_push.gateway import StripeGateway

        settings = self.settings
        return StripeGateway.open(stripe_key(settings), api_base=settings.stripe_api_base)

    def finish(self, content: object, show: Callable[[], None], *, is_refused: bool = False) -> None:
        """Print a result: as JSON, or as `show` prints it; then end with status 1 if it is a refusal."""
        if self.json:
            self.print_json(content)
        else:
            show()
        if is_refused:
            raise typer.Exit(1)

    def print_json(self, content: object) -> None:
        """Print one JSON document. Ids are escaped to ASCII, so no terminal is led astray."""
        sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=True) + "\n")

    def say(self, text: str, style: str | None = None) -> None:
        """Print a line for people, word for word."""
        self.out.print(Text(text), style=style)

    def note(self, text: str) -> None:
        """Print a message to standard error."""
        self.err.print(Text(text), style="yellow")

    def complain(self, text: str) -> None:
        """Print what went wrong to standard error."""
        self.err.print(Text(text), style="red")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
        """Print a table; columns named in `right` are aligned so."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            is_number = column in right
            table.add_column(column, justify="right" if is_number else "left", overflow="fold", no_wrap=is_number)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        with self.out.capture() as captured:
            self.out.print(table)
        lines = captured.get().splitlines()
        self.out.file.write("".join(f"{line.rstrip()}\n" for line in lines))  # no blanks at the ends of lines

    @contextmanager
    def progress(self, title: str) -> Iterator[Callable[[float, float | None], None]]:
        """A progress bar on a terminal, and nothing elsewhere. The callback takes (done, all)."""
        if self.json or not self.err.is_terminal:
            yield lambda _done, _all: None
            return
        with _bar(self.err) as bar:
            task = bar.add_task(title, total=None)
            yield lambda done, all_: bar.update(task, completed=done, total=all_)


class InOrder(TyperGroup):
    """A group that lists its commands in the order in which a month needs them."""

    order: ClassVar[Sequence[str]] = ()

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, those in `order` first."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: self.order.index(name) if name in self.order else len(self.order))


def group(app: typer.Typer, name: str, about: str) -> typer.Typer:
    """Add a group of commands; the shared options may stand after the group's name, too."""
    made = typer.Typer(help=about, no_args_is_help=True)

    @made.callback()
    def _take_shared(
        context: typer.Context, db: DbOption = None, pricing: PricingOption = None, as_json: JsonOption = False
    ) -> None:
        update(root_call(context), db=db, pricing=pricing, as_json=as_json)

    app.add_typer(made, name=name)
    return made


def command(app: typer.Typer, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function `f(call, ...)` as a command that knows the shared options, too."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(function, include_extras=True)
        own = [
            parameter.replace(annotation=hints[parameter.name])
            for parameter in list(inspect.signature(function).parameters.values())[1:]
        ]
        shared = [
            inspect.Parameter("db", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=DbOption),
            inspect.Parameter("pricing", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=PricingOption),
            inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=JsonOption),
        ]
        context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        keyword_only = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        signature = inspect.Signature([*keyword_only, *shared, context])

        @wraps(function)
        def called(**given: Any) -> None:
            call = root_call(given.pop("context"))
            update(call, db=given.pop("db"), pricing=given.pop("pricing"), as_json=given.pop("as_json"))
            function(call, **given)

        called.__signature__ = signature  # type: ignore[attr-defined]
        called.__annotations__ = {parameter.name: parameter.annotation for parameter in signature.parameters.values()}
        app.command(name)(called)
        return function

    return register


def root_call(context: typer.Context) -> Invocation:
    """The call that belongs to a command's context."""
    call = context.find_root().obj
    if not isinstance(call, Invocation):
        raise TypeError("a command was called without its root")
    return call


def update(call: Invocation, *, db: str | None, pricing: str | None, as_json: bool) -> None:
    """Take in the shared options where they are given; those after the command's name win."""
    call.json = as_json or call.json
    for name, given in (("--db", db), ("--pricing", pricing)):
        if given == "":  # as from a variable of a script that is not set; the default would be another database
            raise InvalidCall(f"{name} is empty; name something, or leave it out")
    call.db = db or call.db
    call.pricing = pricing or call.pricing


def _console(is_terminal: bool, *, stderr: bool = False) -> Console:
    """A console; into a pipe or a file it writes wide lines rather than folded ones."""
    width = None if is_terminal else WIDTH_OF_FILES
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True, width=width)


def instant_argument(text: str) -> datetime:
    """An instant as people write it in a command.

    Raises:
        InvalidCall: when it is none, or has no time zone.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidCall(f"{text!r} is not an instant; write it like 2026-10-15T00:00:00Z") from None
    if instant.tzinfo is None:
        raise InvalidCall(f"{text!r} has no time zone; write it like 2026-10-15T00:00:00Z")
    return instant.astimezone(UTC)


def _bar(console: Console) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
