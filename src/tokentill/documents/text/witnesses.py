"""Reports of what was told twice as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokentill.clock import instant_text
from tokentill.documents.escaping import shown_id
from tokentill.documents.figures import count, plural

if TYPE_CHECKING:
    from tokentill.closing.questions.near_duplicates import NearDuplicates
    from tokentill.closing.questions.witnesses import Witnesses
    from tokentill.documents.text.screen import Screen

RECORDS_SHOWN = 20


def show_witnesses(screen: Screen, witnesses: Witnesses) -> None:
    """A line for each reporter and day, then the first records of which somebody told nothing or something else."""
    if not witnesses.days:
        screen.say(f"nobody told of requests of {witnesses.period} beside the sources' own exports")
        return
    numbers = ("requests", "missing", "unequal")
    screen.table(
        ("source", "day", "reporter", *numbers),
        [
            (shown_id(one.source), str(one.day), one.reporter, *(count(getattr(one, name)) for name in numbers))
            for one in witnesses.days
        ],
        right=numbers,
    )
    for record in witnesses.records[:RECORDS_SHOWN]:
        what = f"{shown_id(record.source)} {shown_id(record.record_id)} of {instant_text(record.occurred_at)}"
        said = ", ".join(f"{name} {billed} billed, {told} told" for name, (billed, told) in record.differences.items())
        state = "told nothing" if record.state == "missing" else said
        screen.say(f"  {what}: {record.reporter}: {state}")
    left = len(witnesses.records) - RECORDS_SHOWN + witnesses.not_named
    if left > 0:
        screen.say(f"  ... and {plural(left, 'more', 'more')}; --json lists them")
    if witnesses.is_equal:
        screen.say("\neverybody told the same")


def show_near_duplicates(screen: Screen, found: NearDuplicates) -> None:
    """A line for each pair of sources and day, then some records that are alike."""
    if not found.days:
        screen.say(f"no two records of {found.period} are alike")
        return
    screen.table(
        ("source", "other source", "day", "alike"),
        [(shown_id(one.source), shown_id(one.other_source), str(one.day), count(one.records)) for one in found.days],
        right=("alike",),
    )
    screen.say("\nalike in user, model, quantities and second, as:")
    for pair in found.examples:
        one, other = (
            f"{shown_id(source)} {shown_id(record_id)}"
            for source, record_id in ((pair.source, pair.record_id), (pair.other_source, pair.other_record_id))
        )
        screen.say(f"  {instant_text(pair.occurred_at)} {one} and {other}")
    requests = ", ".join(f"{shown_id(name)} {count(number)}" for name, number in sorted(found.requests.items()))
    screen.say(f"\nrequests of the month: {requests}")
    screen.say("what was taken in twice can be taken back: `tokentill usage retract --import N --reason TEXT`")
