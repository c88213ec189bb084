"""Control totals, and what they say of the records, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from tokentill.clock import instant_text
from tokentill.documents.escaping import short_id, shown_id, shown_text
from tokentill.documents.figures import count, exact, plural
from tokentill.invoicing.completeness import (
    ComparedDay,
    ComparedTotal,
    Completeness,
    CountedUsage,
    PullGap,
    StatedFigures,
    TotalState,
)
from tokentill.usage.aggregates import GATEWAY_CURRENCY

if TYPE_CHECKING:
    from tokentill.closing.records.control_totals import ControlTotals
    from tokentill.documents.text.screen import Screen
    from tokentill.invoicing.compared_sources import ComparedSources
    from tokentill.store.intake.control_totals import StoredTotal
    from tokentill.usage.control_totals import ControlTotal

ROWS_SHOWN = 40
FEW = 5
"""Rows, and ids in a sentence; `--json` has more."""

WORDS: dict[TotalState, str] = {
    "within": "as stated",
    "with_retracted": "as stated, with what was retracted",
    "outside": "differs",
    "no_records": "no records",
    "no_total": "no total",
}
_COST = f"cost {GATEWAY_CURRENCY}"
_FIGURES = ("requests", "stated", "tokens", "stated ", _COST, "stated  ")
"""Columns; names have to differ, and blanks at their ends are not seen."""


def show_completeness(screen: Screen, made: Completeness) -> None:
    """One source and day a line; then what is not as it is stated, and what a close would say."""
    if made.gaps:
        screen.say("windows that no pull has read as a whole:")
        screen.table(("source", "from", "until", "user", "why"), [_row_of_gap(gap) for gap in made.gaps])
        screen.say("")
    if not made.days:
        screen.say(f"no source states control totals for days of {made.month}, and none has to")
        return
    rows = [_row_of_day(day) for day in made.days]
    screen.table(("source", "day", *_FIGURES, "", "retracted"), rows, right=(*_FIGURES, "retracted"))
    differing = [(day, total) for day in made.days for total in day.totals if total.state not in _MET]
    if differing:
        screen.say("\nnot as stated:")
        rows = [_row_of_total(day, total) for day, total in differing[:ROWS_SHOWN]]
        screen.table(("source", "day", "total of", *_FIGURES, ""), rows, right=_FIGURES)
        if len(differing) > ROWS_SHOWN:
            screen.say(f"... and {len(differing) - ROWS_SHOWN} more; --json lists them")
    complete = len(made.days) - len(made.incomplete)
    screen.say(f"\n{complete} of {plural(len(made.days), 'day', 'days')} complete")
    for reason in made.blocked_by:
        screen.note(f"a close refuses: {shown_text(reason)}")


def _row_of_gap(gap: PullGap) -> tuple[str, ...]:
    user = "all" if gap.user is None else shown_id(gap.user)
    ends = (instant_text(gap.starts_at), instant_text(gap.ends_at))
    return (shown_id(gap.source), *ends, user, shown_text(gap.why))


_MET = ("within", "with_retracted")


def _row_of_day(day: ComparedDay) -> tuple[str, ...]:
    """All records of a day beside what is stated of all of it, where it is."""
    retracted = count(day.retracted.requests) if day.retracted.requests else ""
    figures = _figures(_stated_of_day(day), day.counted)
    return (shown_id(day.source), day.day.isoformat(), *figures, WORDS[day.state], retracted)


def _stated_of_day(day: ComparedDay) -> StatedFigures | None:
    """What the statement with fewest rows comes to, one that states the day as a whole where there is one."""
    statements: dict[tuple[str, bool, bool, bool], list[StatedFigures]] = {}
    for total in day.totals:
        if total.stated is not None:
            key = (total.stated_by, *(name is not None for name in (total.model, total.api_key, total.user)))
            statements.setdefault(key, []).append(total.stated)  # type: ignore[arg-type]
    if not statements:
        return None
    _, stated = min(statements.items(), key=lambda item: (sum(item[0][1:]), item[0]))
    return StatedFigures.together(stated)


def _row_of_total(day: ComparedDay, total: ComparedTotal) -> tuple[str, ...]:
    figures = _figures(total.stated, total.counted)
    of = ", ".join(_of(total)) or "all of the day"
    return (shown_id(day.source), day.day.isoformat(), of, *figures, WORDS[total.state])


def _of(total: ComparedTotal | ControlTotal) -> Iterator[str]:
    for word, value in (("model", total.model), ("key", total.api_key), ("user", total.user)):
        if value is not None:
            yield f"{word} {short_id(value)}" if value else f"no {word}"


def _figures(stated: StatedFigures | None, counted: CountedUsage) -> tuple[str, ...]:
    """Counted and stated, figure by figure."""
    stated = stated or StatedFigures()
    has_cost = counted.requests_with_cost or not counted.requests
    return (
        *(count(counted.requests), _optional(stated.requests)),
        *(count(counted.tokens), _optional(stated.tokens)),
        *(exact(counted.cost) if has_cost else "", _optional(stated.cost)),
    )


def _optional(figure: int | Decimal | None) -> str:
    if figure is None:
        return ""
    return exact(figure) if isinstance(figure, Decimal) else count(figure)


def show_control_totals(screen: Screen, listed: ControlTotals) -> None:
    """One version of a total a line."""
    if not listed.totals:
        screen.say("no source stated a control total")
        return
    figures = ("requests", "tokens", _COST)
    screen.table(
        ("id", "source", "day", "total of", *figures, "stated by", "import", ""),
        [_row_of_stored(stored) for stored in listed.totals],
        right=(*figures, "import"),
    )


def _row_of_stored(stored: StoredTotal) -> tuple[str, ...]:
    total = stored.total
    of = ", ".join([*_of(total), *filter(None, [shown_id(total.part)])]) or "all of the day"
    state = "" if stored.counts else "replaced" if stored.withdrawn is None else "withdrawn"
    figures = tuple(map(_optional, (total.requests, total.tokens, total.cost)))
    return (
        *(stored.id, shown_id(total.source), total.day.isoformat(), of, *figures),
        *(shown_text(total.stated_by), str(stored.number), state),
    )


def show_withdrawn(screen: Screen, stored: StoredTotal) -> None:
    """Who took a total back, and why."""
    if stored.withdrawn is not None:
        by, reason, at = stored.withdrawn
        said = f"says {shown_text(by)} at {instant_text(at)}: {shown_text(reason)}"
        screen.say(f"the control total {stored.id} counts no more, {said}")


def show_compared_sources(screen: Screen, made: ComparedSources) -> None:
    """What two sources tell, and what only one of them does."""
    names = (shown_id(made.first), shown_id(made.second))
    rows = []
    for place, name in enumerate(names):
        counted = [(day.first, day.second)[place] for day in made.days]
        users = {day.user for day, one in zip(made.days, counted, strict=True) if one.requests} - {None}
        sums = (len(users), sum(one.requests for one in counted), sum(one.tokens for one in counted))
        rows.append((name, *map(count, sums)))
    screen.table(("source", "users", "requests", "tokens"), rows, right=("users", "requests", "tokens"))
    _say_ids(screen, made, names)
    for place, name in enumerate(names):
        if only := made.users_only(place):
            shown = ", ".join(map(short_id, only[:ROWS_SHOWN]))
            more = f" and {len(only) - ROWS_SHOWN} more" if len(only) > ROWS_SHOWN else ""
            screen.say(f"only {name} tells of {plural(len(only), 'user', 'users')}: {shown}{more}")
    if not made.unequal_days:
        screen.say("both tell the same of every user and day")
        return
    screen.say("\nnot the same:")
    columns = ("requests A", "requests B", "tokens A", "tokens B")
    days = [
        (
            *("no user" if day.user is None else short_id(day.user), day.day.isoformat()),
            *map(count, (day.first.requests, day.second.requests, day.first.tokens, day.second.tokens)),
        )
        for day in made.unequal_days[:ROWS_SHOWN]
    ]
    screen.table(("user", "day", *columns), days, right=columns)
    if len(made.unequal_days) > ROWS_SHOWN:
        screen.say(f"... and {len(made.unequal_days) - ROWS_SHOWN} more; --json lists them")


def _say_ids(screen: Screen, made: ComparedSources, names: tuple[str, str]) -> None:
    ids = made.records
    if ids is None:
        screen.say("\nno record id is in both, so they are compared by user and day alone")
        return
    shared = plural(ids.shared, "record id is", "record ids are")
    screen.say(f"\n{shared} in both, {count(ids.equal)} with the same tokens, user and model")
    screen.note("records of both sources count, and are billed; take one source back if they are the same requests")
    for record in ids.unequal[:ROWS_SHOWN]:
        said = "; ".join(
            f"{name} {_said(record.first[name])} and {_said(record.second[name])}" for name in record.apart
        )
        screen.say(f"  {shown_id(record.record_id)}: {said}")
    for name, missing, listed in (
        (names[0], ids.missing_in_first, ids.ids_missing_in_first),
        (names[1], ids.missing_in_second, ids.ids_missing_in_second),
    ):
        if missing:
            shown = ", ".join(map(short_id, listed[:FEW]))
            more = f" and {count(missing - FEW)} more" if missing > FEW else ""
            screen.say(f"{plural(missing, 'record is', 'records are')} missing in {name}: {shown}{more}")


def _said(value: str | int | None) -> str:
    return "none" if value is None else count(value) if isinstance(value, int) else shown_id(value)
