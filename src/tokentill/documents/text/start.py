"""What was made to begin with, and what to do next, as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokentill.documents.escaping import shown_text

if TYPE_CHECKING:
    from tokentill.documents.text.screen import Screen
    from tokentill.documents.views.start import Started

_NEXT = """\
Next, in that folder:
  tokentill ingest EXPORT                      LiteLLM, OpenRouter or ARouter; JSONL, JSON or CSV
  tokentill preview 2026-10 --html review      what a month comes to, and what is in the way
  tokentill review approve 2026-10 CUSTOMER    once you have looked at it
  tokentill close 2026-10                      numbered invoices, each once
Your markup, taxes and plans go into pricing/contracts; `tokentill contracts check` names every mistake."""


def show_started(screen: Screen, started: Started) -> None:
    """The files, and the commands of a first month."""
    for path in started.made:
        screen.say(f"made {shown_text(path)}" if started.folder == "." else f"made {shown_text(started.folder)}/{path}")
    screen.say(_NEXT)
