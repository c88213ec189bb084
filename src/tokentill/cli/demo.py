"""`tokentill demo`: the whole main job on the sample activity that ships with the package."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tokentill import sample
from tokentill.cli.calling import Commands, Invocation
from tokentill.cli.demo_story import play
from tokentill.documents.text.screen import Screen
from tokentill.errors import Refused
from tokentill.shipped import shipped_folder

MARKER = "made-by-tokentill-demo"


app = Commands()


@app.command("demo")
def _demo(
    call: Invocation,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where to put what it makes; made anew each time.")
    ] = Path("tokentill-demo"),
) -> None:
    """Run a whole month on sample activity.

    Ingest, preview, review, a close that refuses, the same put right, push to a Stripe stand-in, reconcile, verify. It
    has a database and prices of its own in its folder, and touches nothing else.
    """
    call.screen.options.clear()  # what it makes is found from its folder
    _make_folder(out)
    played = play(out, _Silent() if call.shared.json else _OnePage(call.screen))
    call.finish(played.content, lambda screen: screen.say(played.farewell), is_refused=not played.is_sound)


class _OnePage(Screen):
    """A screen on which notes stand where they belong in the story, and not beside it."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def say(self, text: str, style: str | None = None) -> None:
        self._screen.say(text, style)

    def note(self, text: str) -> None:
        self._screen.say(text)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
        self._screen.table(columns, rows, right=right)


class _Silent(Screen):
    """A screen for those who want the JSON document alone."""

    def say(self, text: str, style: str | None = None) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
        pass


def _make_folder(out: Path) -> None:
    """Make the folder anew; only one that an earlier demo made is removed."""
    if out.exists() and any(out.iterdir()) and not (out / MARKER).exists():
        raise Refused(f"{out} holds something that is not from a demo; name another folder with --out")
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / MARKER).write_text("This folder is removed and made anew by `tokentill demo`.\n", encoding="utf-8")
    shutil.copytree(shipped_folder("pricing") / "models", out / "pricing" / "models")
    shutil.copytree(shipped_folder("pricing") / "schema", out / "pricing" / "schema")
    (out / "activity").mkdir()
    for file in (sample.SEPTEMBER, sample.OCTOBER, sample.LAST_DAY):
        shutil.copy(file, out / "activity")
    shutil.copytree(sample.FOLDER / "pricing", out / "pricing", dirs_exist_ok=True)
