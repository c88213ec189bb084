"""`tokentill pull` and `tokentill probe`: usage records over HTTP, from a gateway that settings declare."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tokentill.cli.calling import Commands, Invocation, instant_option
from tokentill.documents.escaping import shown_id
from tokentill.documents.text.pulls import show_probed, show_pulled

app = Commands()

DeclaredSource = Annotated[
    str, typer.Argument(metavar="NAME", help="The source, as in [sources.NAME] of tokentill.toml.")
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="INSTANT", help="From when; where the last pull ended, less an overlap, unless given."
    ),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="INSTANT", help="Until before when; now unless given.")
]
UserOption = Annotated[str | None, typer.Option("--user", metavar="USER", help="Only the requests of this user.")]
IdsOption = Annotated[
    list[str] | None,
    typer.Option("--id", metavar="ID", help="A single request to look up, as OpenRouter does; may be given again."),
]


@app.command("pull")
def _pull(
    call: Invocation,
    source: DeclaredSource,
    since: SinceOption = None,
    until: UntilOption = None,
    user: UserOption = None,
    ids: IdsOption = None,
) -> None:
    """Take usage records in from a gateway, over HTTP.

    May be cut off and run again at any time: no record is lost, and none counts twice. The exit status is 1 where
    records may be missing.
    """
    with call.till() as till, call.progress(f"pull {shown_id(source)}") as progress:
        pulled = till.pull(source, **_asked(since, until, user, ids), progress=progress)
    is_refused = bool(pulled.gaps) or pulled.ingested.is_all_quarantined
    call.answer(pulled, show_pulled, is_refused=is_refused)


@app.command("probe")
def _probe(
    call: Invocation,
    source: DeclaredSource,
    since: SinceOption = None,
    until: UntilOption = None,
    user: UserOption = None,
    ids: IdsOption = None,
) -> None:
    """Show what a gateway answers, and how it would be read.

    The keys of its records, what they hold and what each is taken for; no value of them. Stores nothing.
    """
    with call.till() as till:
        call.answer(till.probe(source, **_asked(since, until, user, ids)), show_probed)


def _asked(since: str | None, until: str | None, user: str | None, ids: list[str] | None) -> dict[str, Any]:
    return {"since": instant_option(since), "until": instant_option(until), "user": user, "ids": ids or ()}
