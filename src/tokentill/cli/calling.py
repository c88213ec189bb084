"""What every command shares: the options `--db`, `--pricing` and `--json` before or after its name, and its output.

With `--json` a command prints one JSON document to standard output and nothing else; messages, tables of progress and
colours go to standard error, and only to a terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from tokentill.cli.terminal import Terminal
from tokentill.errors import InvalidCall
from tokentill.faces.arguments import instant_in
from tokentill.settings import Settings, read_settings, stripe_key, user_cache

if TYPE_CHECKING:
    from datetime import datetime

    from tokentill.canonical import Content
    from tokentill.documents.text.screen import Screen
    from tokentill.faces.contracts import Contracts
    from tokentill.faces.database import DatabaseFace
    from tokentill.faces.prices import Prices
    from tokentill.stripe_push.gateway import StripeGateway
    from tokentill.till import Till

AtOption = Annotated[
    str | None, typer.Option("--at", metavar="INSTANT", help="When, like 2026-10-15T00:00:00Z; now unless given.")
]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", metavar="INSTANT", help="As it was known then; everything unless given.")
]
PeriodArgument = Annotated[str, typer.Argument(metavar="PERIOD", help="The period, like 2026-10.")]
NumberArgument = Annotated[str, typer.Argument(metavar="INVOICE", help="The invoice's number, like INV-000001.")]
PeriodOption = Annotated[str | None, typer.Option("--period", metavar="PERIOD", help="Only this period.")]
ByOption = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who says so; the name you are logged in by unless given.")
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings, too.")]
CustomerArgument = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")]
ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="The model's id, as the gateway reports it.")]
AcceptOption = Annotated[
    bool,
    typer.Option(
        "--accept-pricing-change",
        help="Go on although contracts are gone that the database was used with; with --pricing.",
    ),
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with it for good.")]

# The two sides of a comparison.
BeforeArgument = Annotated[str, typer.Argument(metavar="A", help="An instant, or a pricing folder.")]
AfterArgument = Annotated[str, typer.Argument(metavar="B", help="Another one of the same kind.")]
WhenOption = Annotated[
    str | None, typer.Option("--at", metavar="INSTANT", help="When, for as-of times and folders; now unless given.")
]
AreAsOfOption = Annotated[bool, typer.Option("--as-of", help="A and B are times of knowledge, not of validity.")]


class Answer(Protocol):
    """A result of the library that has a JSON document."""

    def content(self) -> Content:
        """What `--json` prints."""


Result = TypeVar("Result", bound=Answer)


@dataclass(slots=True)
class Shared:
    """What the shared options said, wherever they stood, and the terminal."""

    db: str | None = None
    pricing: str | None = None
    json: bool = False
    terminal: Terminal = field(default_factory=Terminal)


class Invocation(typer.Context):
    """The call of one command: its first argument."""

    @property
    def shared(self) -> Shared:
        """What this call shares with the groups before its name."""
        shared = self.find_root().obj
        if not isinstance(shared, Shared):
            raise TypeError("a command was called without its root")
        return shared

    @property
    def command_path(self) -> str:
        """The words of the command; one without a name of its own is called by those of its group."""
        return super().command_path.rstrip()

    @property
    def screen(self) -> Terminal:
        """Where text goes."""
        return self.shared.terminal

    @property
    def settings(self) -> Settings:
        """The settings of this call."""

        self._refuse_empty()
        return read_settings(database=self.shared.db, pricing=self.shared.pricing)

    def _refuse_empty(self) -> None:
        for option, value in (("--db", self.shared.db), ("--pricing", self.shared.pricing)):
            if value == "":  # as from a variable of a script that is not set; the default would be another database
                raise InvalidCall(f"{option} is empty; name something, or leave it out")

    def till(self, *, own_pricing: bool = False) -> Till:
        """The facade on this call's database and folder; with `own_pricing` on the one that settings lead to, as
        --pricing names another one beside it.
        """
        from tokentill.till import Till

        self._refuse_empty()
        return Till.open(self.shared.db, None if own_pricing else self.shared.pricing, cache=user_cache())

    def prices(self) -> Prices:
        """The prices of this call's folder: `till().prices`, without loading what a database needs."""
        from tokentill.faces.prices import Prices

        self._refuse_empty()
        return Prices.open(self.shared.pricing, cache=user_cache())

    def contracts(self) -> Contracts:
        """The contracts of this call's folder, likewise."""
        from tokentill.faces.contracts import Contracts

        self._refuse_empty()
        return Contracts.open(self.shared.pricing, cache=user_cache())

    def database(self) -> DatabaseFace:
        """The database of this call: `till().database`, whether or not there is a pricing folder."""
        from tokentill.faces.database import DatabaseFace

        return DatabaseFace.open(self.settings.database)

    def gateway(self) -> StripeGateway:
        """Stripe, with this call's key."""
        from tokentill.stripe_push.gateway import StripeGateway

        settings = self.settings
        return StripeGateway.open(stripe_key(settings), api_base=settings.stripe_api_base)

    def gateway_if_any(self) -> StripeGateway | None:
        """The same; None without a key."""
        from tokentill.settings import stripe_key

        return self.gateway() if stripe_key(self.settings) else None

    def answer(self, result: Result, show: Callable[[Screen, Result], None], *, is_refused: bool = False) -> None:
        """Print a result: its content as JSON, or as `show` prints it (see `finish`)."""
        self.finish(result.content(), lambda screen: show(screen, result), is_refused=is_refused)

    def finish(self, content: object, show: Callable[[Screen], None], *, is_refused: bool = False) -> None:
        """Print an answer: as JSON, or as `show` prints it; then end with status 1 if it is a refusal."""
        if self.shared.json:
            self.screen.print_json(content)
        else:
            show(self.screen)
        if is_refused:
            raise typer.Exit(1)

    def progress(self, title: str) -> AbstractContextManager[Callable[[float, float | None], None]]:
        """A progress bar on a terminal, unless the answer is JSON. The callback takes (done, all)."""
        return nullcontext(lambda _done, _all: None) if self.shared.json else self.screen.progress(title)


class _AsItIs:
    """Takes a text as it was typed. Typer asks pydantic to make a str of a str, which takes as long as all the rest."""

    def coerce(self, value: Any, **_: Any) -> Any:
        return value


class _TextsAsTheyAre:
    """The same for many texts."""

    def coerce(self, value: Any, **_: Any) -> Any:
        return () if value is None else [*value]


class _OnlyIfGiven:
    """Leaves an option of another kind to typer if it was given."""

    def coerce(self, value: Any, *, param: Any, ctx: Any) -> Any:
        if value is None:
            return None
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def _as_typed(params: list[Any]) -> list[Any]:
    """Parameters, their texts and flags taken as they were typed, and those that were not given left alone.

    A typer that knows nothing of `_runtime_param` is slower, and does the same.
    """
    for param in params:
        annotation = getattr(getattr(param, "type_descriptor", None), "annotation", None)
        if annotation == list[str]:
            param._runtime_param = _TextsAsTheyAre()
        elif param.nargs == 1 and not param.multiple:
            param._runtime_param = _AsItIs() if annotation in (str, bool) else _OnlyIfGiven()
    return params


class Command(TyperCommand):
    """A command that knows the shared options, too."""

    context_class = Invocation

    def __init__(self, *args: Any, params: Any = None, **more: Any) -> None:
        super().__init__(*args, params=[*(params or ()), *_shared_options()], **more)

    def get_params(self, ctx: Any) -> list[Any]:
        """Its parameters and the shared ones."""
        return _as_typed(super().get_params(ctx))


class Group(TyperGroup):
    """A group of commands; the shared options may stand after its name, too."""

    context_class = Invocation

    def __init__(self, *args: Any, params: Any = None, **more: Any) -> None:
        super().__init__(*args, params=[*(params or ()), *_shared_options()], **more)

    def get_params(self, ctx: Any) -> list[Any]:
        """Its parameters and the shared ones."""
        return _as_typed(super().get_params(ctx))


class Commands(typer.Typer):
    """A module's commands: functions `f(call: Invocation, ...)`."""

    def __init__(self, help: str | None = None, *, cls: type[Group] = Group, **more: Any) -> None:  # noqa: A002
        super().__init__(
            help=help,
            cls=cls,
            no_args_is_help=True,
            pretty_exceptions_enable=False,
            rich_markup_mode=None,
            context_settings={"help_option_names": ["-h", "--help"]},
            **more,
        )

    def command(self, name: str | None = None, **more: Any) -> Callable[[Any], Any]:
        """Register a function as the command of a name."""
        return super().command(name, cls=Command, **more)

    def group(self, name: str, about: str, *, cls: type[Group] = Group) -> Commands:
        """A new group among these commands."""
        made = Commands(about, cls=cls)
        self.add_typer(made, name=name)
        return made


def _take(call: Invocation, option: typer.CallbackParam, value: str | bool | None) -> None:
    """Keep what a shared option says; one that is not given leaves what stands before the command's name."""
    if value not in (None, False):
        setattr(call.shared, str(option.name), value)
    if value and isinstance(value, str):
        call.shared.terminal.options[f"--{option.name}"] = value


_TAKEN: dict[str, Any] = {"show_default": False, "expose_value": False, "callback": _take}


def _declare(
    db: Annotated[
        str | None,
        typer.Option(
            "--db",
            metavar="URL",
            help="Database: sqlite:///FILE, a path, or postgresql://... "
            "[env: TOKENTILL_DB; default: tokentill.db here]",
            **_TAKEN,
        ),
    ] = None,
    pricing: Annotated[
        str | None,
        typer.Option(
            "--pricing",
            metavar="DIR",
            help="Prices and contracts. [env: TOKENTILL_PRICING; default: ./pricing, else the shipped list prices]",
            **_TAKEN,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.", **_TAKEN)] = False,
) -> None:
    """The shared options, as typer declares options: the parameters of a function."""


@cache
def _shared_options() -> tuple[Any, ...]:
    """The shared options; each is taken in where it stands, and the one after the command's name comes last."""
    declaring = typer.Typer(add_completion=False)
    declaring.command()(_declare)
    return tuple(typer.main.get_command(declaring).params)


def instant_option(text: str | None) -> datetime | None:
    """An instant as people write it in a command; None when it was not given.

    Raises:
        InvalidCall: when it is none, or has no time zone.
    """
    return None if text is None else instant_in(text)
