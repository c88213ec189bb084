"""What a gateway brought, and what it answers, as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokentill.clock import instant_text
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import plural
from tokentill.documents.text.records import show_ingested

if TYPE_CHECKING:
    from tokentill.documents.text.screen import Screen
    from tokentill.pulling.probing import Probed
    from tokentill.pulling.pulling import Pulled


def show_pulled(screen: Screen, pulled: Pulled) -> None:
    """What was taken in, up to when all is whole, and what may be missing."""
    show_ingested(screen, [pulled.ingested], ())
    upto = pulled.checkpoint.upto
    of_user = "" if pulled.checkpoint.user is None else f" of user {shown_id(pulled.checkpoint.user)}"
    if upto is not None:
        screen.say(
            f"\n{shown_id(pulled.source)} was read up to {instant_text(upto)}{of_user}; the next pull goes on there"
        )
    for gap in pulled.gaps:
        user = "" if gap.user is None else f" of user {shown_id(gap.user)}"
        when = ""
        if gap.starts_at is not None and gap.ends_at is not None:
            when = (
                f"from {instant_text(gap.starts_at)} until {instant_text(gap.ends_at)}{user} records may be missing: "
            )
        screen.note(f"gap: {when}{shown_text(gap.why)}")


def show_probed(screen: Screen, probed: Probed) -> None:
    """The keys of the records that came, and what each is taken for."""
    around = "" if not probed.around else f"; beside them: {', '.join(map(shown_text, probed.around))}"
    screen.say(f"{shown_text(probed.url)}: {plural(probed.rows, 'record', 'records')}{around}\n")
    counts = set(probed.mapping.values())
    rows = [
        (shown_text(found.key), ", ".join(found.types), f"{found.rows:,}", _role(found.role, found.key in counts))
        for found in probed.keys
    ]
    if rows:
        screen.table(("key", "holds", "records", "taken for"), rows, right=("records",))
    screen.say(f"\n{probed.readable:,} of {probed.rows:,} can be taken in as they are; nothing was stored")
    for problem in probed.problems:
        screen.note(f"quarantined: {shown_text(problem)}")


def _role(role: str | None, counts: bool) -> str:
    if role is None:
        return "(ignored)"
    return role if counts else f"{role} (another key counts)"
