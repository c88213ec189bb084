"""Whether all records are there: those of each source and UTC day beside the control totals that it states. Pure.

Nothing here changes an amount. A total is compared with the records that count; where those alone do not meet it and
those that were retracted make up the difference, it is met too: they came, and somebody said why they do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from tokentill.canonical import Content, ContentOfFields, fields_of, form_of
from tokentill.clock import instant_text
from tokentill.invoicing.periods import Month
from tokentill.invoicing.tolerance import Tolerance, TotalsPolicy
from tokentill.money import EXACT, ZERO, sum_exact
from tokentill.usage.aggregates import GATEWAY_CURRENCY
from tokentill.usage.control_totals import FIGURES, KEYS, ControlTotal
from tokentill.usage.shell_words import command_line, shell_word

TotalState = Literal["within", "with_retracted", "outside", "no_records", "no_total"]
"""`with_retracted` is within tolerance together with records that were retracted, `no_records` a total without any
record, `no_total` records of which no total is stated."""

DAYS_NAMED_MAX = 5
BrokenDown = tuple[str, ...]
Cell = tuple[str | None, str | None, str | None]
"""The values of `KEYS`."""
Canonical = Callable[[str, date], str]
"""The name of a model, by any name that it is recorded under, on a day."""


@dataclass(frozen=True, slots=True)
class CountedUsage(ContentOfFields):
    """What records come to. `cost` is of the `requests_with_cost` that report one, in USD."""

    requests: int = 0
    tokens: int = 0
    cost: Decimal = ZERO
    requests_with_cost: int = 0

    def plus(self, other: CountedUsage) -> CountedUsage:
        """Both together."""
        counts = (self.requests + other.requests, self.tokens + other.tokens)
        return CountedUsage(
            *counts, EXACT.add(self.cost, other.cost), self.requests_with_cost + other.requests_with_cost
        )


NOTHING = CountedUsage()


@dataclass(frozen=True, slots=True)
class StatedFigures(ContentOfFields):
    """What a total states, None where it states nothing."""

    requests: int | None = None
    tokens: int | None = None
    cost: Decimal | None = None

    @classmethod
    def together(cls, parts: Iterable[StatedFigures | ControlTotal]) -> StatedFigures:
        """All together; a figure that one of them lacks is not known."""
        listed = list(parts)
        columns = [[getattr(part, name) for part in listed] for name in FIGURES]
        requests, tokens, cost = (None if None in column else column for column in columns)
        return cls(
            None if requests is None else sum(requests),
            None if tokens is None else sum(tokens),
            None if cost is None else sum_exact(cost),
        )


class UsageOfDay(NamedTuple):
    """The records of a source and day, and of what they are broken down by; an empty user or key is of those without.

    `is_inside` says whether any that counts lies in the period that is asked about.
    """

    source: str
    day: date
    model: str | None
    api_key: str | None
    user: str | None
    counted: CountedUsage
    retracted: CountedUsage = NOTHING
    is_inside: bool = False


@dataclass(frozen=True, slots=True)
class ComparedTotal:
    """One total beside its records. `apart` names the figures that are outside of the tolerance."""

    stated_by: str
    model: str | None
    api_key: str | None
    user: str | None
    state: TotalState
    apart: tuple[str, ...]
    stated: StatedFigures | None
    counted: CountedUsage
    retracted: CountedUsage

    @property
    def difference(self) -> StatedFigures:
        """What was counted, less what is stated."""
        if self.stated is None:
            return StatedFigures()
        requests, tokens, cost = self.stated.requests, self.stated.tokens, self.stated.cost
        return StatedFigures(
            None if requests is None else self.counted.requests - requests,
            None if tokens is None else self.counted.tokens - tokens,
            None if cost is None else EXACT.subtract(self.counted.cost, cost),
        )

    def content(self) -> Content:
        """Canonical content."""
        of = fields_of(self, "stated_by", *KEYS, "state", "apart")
        return of | fields_of(self, "stated", "counted", "difference", "retracted")


@dataclass(frozen=True, slots=True)
class ComparedDay:
    """A source's day: all of its records, and each total that it states. `is_inside` as in `UsageOfDay`."""

    source: str
    day: date
    state: TotalState
    counted: CountedUsage
    retracted: CountedUsage
    totals: tuple[ComparedTotal, ...]
    is_inside: bool

    @property
    def is_complete(self) -> bool:
        """Whether every total is met, and every record is in one."""
        return self.state in ("within", "with_retracted")

    @property
    def keeps_back(self) -> bool:
        """Whether it keeps back the close of the period, where its source demands totals."""
        return not self.is_complete and (self.is_inside or self.state == "no_records")

    def content(self) -> Content:
        """Canonical content."""
        return fields_of(self, "source", "day", "state", "counted", "retracted", "totals")


@dataclass(frozen=True, slots=True)
class PullGap(ContentOfFields):
    """A window of a source of which a pull may lack records, all of its users' or one's, and why."""

    source: str
    starts_at: datetime
    ends_at: datetime
    user: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Completeness:
    """The days of a period, of all sources that state totals or have to, or of one; in the order of sources and days.

    They are whole UTC days, from that in which the period begins to that in which it ends. `gaps` are the windows that
    reach into the period and that no pull has read as a whole.
    """

    month: Month
    starts_at: datetime
    ends_at: datetime
    policy: TotalsPolicy
    days: tuple[ComparedDay, ...]
    gaps: tuple[PullGap, ...] = ()

    @property
    def incomplete(self) -> tuple[ComparedDay, ...]:
        """Days that lack a total, or are not what it states."""
        return tuple(day for day in self.days if not day.is_complete)

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """Why a close may not happen: a reason for each source that demands totals and has days that are not complete,
        and for each that has windows that no pull has read as a whole.
        """
        what = "ingest what is missing, widen the tolerance, or withdraw a total that is wrong"
        apart = (f"{text}; {what}" for source in self.policy.required for _, _, text in self._kept_back_by(source))
        return *apart, *(text for source in self.policy.required for _, _, text in self._gaps_of(source))

    @property
    def differs(self) -> tuple[tuple[str, int, str], ...]:
        """The sources that state totals and demand none, with how many days are not complete, in words: nothing is
        refused for it.
        """
        sources = dict.fromkeys(day.source for day in self.days if day.totals)
        named = (source for source in sources if source not in self.policy.required)
        return tuple(one for source in named for one in self._kept_back_by(source))

    @property
    def uncertain(self) -> tuple[tuple[str, int, str], ...]:
        """The sources that demand no totals and have windows that no pull has read as a whole, with how many, in words:
        nothing is refused for it.
        """
        named = (one for one in dict.fromkeys(gap.source for gap in self.gaps) if one not in self.policy.required)
        return tuple(one for source in named for one in self._gaps_of(source))

    def _gaps_of(self, source: str) -> Iterator[tuple[str, int, str]]:
        gaps = [gap for gap in self.gaps if gap.source == source]
        if not gaps:
            return
        since, until = instant_text(gaps[0].starts_at), instant_text(gaps[0].ends_at)
        command = command_line("pull", shell_word(source), "--since", since, "--until", until)
        others = f" and {len(gaps) - 1} more" if len(gaps) > 1 else ""
        yield (
            source,
            len(gaps),
            f"source {shell_word(source)}: records may be missing from {since} to {until}{others}, since no pull has"
            f" read it as a whole ({gaps[0].why}); `{command}` reads it again",
        )

    def _kept_back_by(self, source: str) -> Iterator[tuple[str, int, str]]:
        days = [day for day in self.days if day.source == source and day.keeps_back]
        if not days:
            return
        causes = (
            ("no_total", "lacks a control total of all its records", "lack control totals of all their records"),
            ("outside", "differs by more than the tolerance", "differ by more than the tolerance"),
            ("no_records", "has a control total and no records", "have control totals and no records"),
        )
        found = [
            f"{_plural(len(of), 'day', 'days')} {one if len(of) == 1 else many} ({_named(of)})"
            for state, one, many in causes
            if (of := [day.day for day in days if day.state == state])
        ]
        command = command_line("report completeness", str(self.month), "--source", shell_word(source))
        yield source, len(days), f"source {shell_word(source)}: {', '.join(found)}; `{command}` shows them"

    def content(self) -> Content:
        """What `report completeness --json` prints."""
        sources = sorted({day.source for day in self.days}, key=str.encode)
        return {
            "period": str(self.month),
            "from": form_of(self.starts_at),
            "until": form_of(self.ends_at),
            "cost_currency": GATEWAY_CURRENCY,
            "sources": [
                {
                    "source": source,
                    "tolerance": self.policy.tolerance_of(source).content(),
                    "require_totals": source in self.policy.required,
                    "days": form_of(tuple(day for day in self.days if day.source == source)),
                }
                for source in sources
            ],
            "gaps": form_of(self.gaps),
            "incomplete_days": len(self.incomplete),
            "blocked_by": list(self.blocked_by),
        }


def compared_days(
    totals: Iterable[ControlTotal],
    usage: Mapping[BrokenDown, Iterable[UsageOfDay]],
    policy: TotalsPolicy,
    canonical: Canonical,
) -> tuple[ComparedDay, ...]:
    """Each source and day that has totals or records, with all that it states.

    Args:
        totals: those that count.
        usage: the records as totals break them down, and those of whole days under `()`.
    """
    by_day: dict[tuple[str, date], list[ControlTotal]] = {}
    for total in totals:
        by_day.setdefault((total.source, total.day), []).append(total)
    records: dict[tuple[str, date], dict[BrokenDown, list[UsageOfDay]]] = {}
    for keys, listed in usage.items():
        for one in listed:
            records.setdefault((one.source, one.day), {}).setdefault(keys, []).append(one)
    named = sorted({*by_day, *records}, key=lambda key: (key[0].encode(), key[1]))
    return tuple(
        _compared_day(key, by_day.get(key, ()), records.get(key, {}), policy.tolerance_of(key[0]), canonical)
        for key in named
    )


def _compared_day(
    key: tuple[str, date],
    totals: Sequence[ControlTotal],
    usage: Mapping[BrokenDown, Sequence[UsageOfDay]],
    tolerance: Tolerance,
    canonical: Canonical,
) -> ComparedDay:
    source, day = key
    whole = next(iter(usage.get((), ())), UsageOfDay(source, day, None, None, None, NOTHING))
    statements: dict[tuple[str, BrokenDown], list[ControlTotal]] = {}
    for total in totals:
        statements.setdefault((total.stated_by, total.broken_down_by), []).append(total)
    listed: list[ComparedTotal] = []
    is_covered = False
    for (stated_by, keys), stated in sorted(statements.items()):
        of_statement = list(_compared(stated_by, stated, usage.get(keys, ()), tolerance, canonical))
        is_covered |= all(one.state != "no_total" for one in of_statement)
        listed += of_statement
    state = _state_of_day(listed, whole, is_covered)
    return ComparedDay(source, day, state, whole.counted, whole.retracted, tuple(listed), whole.is_inside)


def _state_of_day(totals: Sequence[ComparedTotal], whole: UsageOfDay, is_covered: bool) -> TotalState:
    states = {one.state for one in totals}
    if states & {"outside", "no_records"}:
        return "outside" if whole.counted.requests else "no_records"
    if not is_covered:
        return "no_total"
    return "with_retracted" if "with_retracted" in states else "within"


def _compared(
    stated_by: str,
    totals: Sequence[ControlTotal],
    usage: Iterable[UsageOfDay],
    tolerance: Tolerance,
    canonical: Canonical,
) -> Iterator[ComparedTotal]:
    """What one statement says of a day, cell by cell."""
    names = _ModelNames(totals, canonical)
    stated: dict[Cell, list[ControlTotal]] = {}
    for total in totals:
        stated.setdefault((names.of(total.model, total.day), total.api_key, total.user), []).append(total)
    counted: dict[Cell, tuple[CountedUsage, CountedUsage]] = {}
    for one in usage:
        cell = (names.of(one.model, one.day), one.api_key, one.user)
        before = counted.get(cell, (NOTHING, NOTHING))
        counted[cell] = before[0].plus(one.counted), before[1].plus(one.retracted)
    for cell in sorted({*stated, *counted}, key=lambda cell: [(name or "").encode() for name in cell]):
        figures = StatedFigures.together(stated[cell]) if cell in stated else None
        own, retracted = counted.get(cell, (NOTHING, NOTHING))
        if figures is None and not own.requests:
            continue  # retracted records alone, of which nothing is stated
        state, apart = _state(figures, own, retracted, tolerance)
        yield ComparedTotal(stated_by, *cell, state, apart, figures, own, retracted)


def _state(
    stated: StatedFigures | None, counted: CountedUsage, retracted: CountedUsage, tolerance: Tolerance
) -> tuple[TotalState, tuple[str, ...]]:
    if stated is None:
        return "no_total", ()
    apart = _apart(stated, counted, tolerance)
    if not apart:
        return "within", ()
    if retracted.requests and not _apart(stated, counted.plus(retracted), tolerance):
        return "with_retracted", ()
    return ("outside" if counted.requests else "no_records"), apart


def _apart(stated: StatedFigures, counted: CountedUsage, tolerance: Tolerance) -> tuple[str, ...]:
    """The figures that are too far from what is stated. A cost that no record reports is compared only where nothing
    else is stated.
    """
    apart = []
    for name in FIGURES:
        figure = getattr(stated, name)
        if figure is None:
            continue
        is_unknown = name == "cost" and bool(counted.requests) and not counted.requests_with_cost
        if is_unknown and (stated.requests is not None or stated.tokens is not None):
            continue
        if not tolerance.allows(name, Decimal(figure), Decimal(getattr(counted, name))):
            apart.append(name)
    return tuple(apart)


class _ModelNames:
    """Which names mean one model: those that price tables know as such, and those that a total has for it."""

    def __init__(self, totals: Iterable[ControlTotal], canonical: Canonical) -> None:
        self._canonical = canonical
        self._other: dict[str, str] = {}
        for total in totals:
            if total.model is not None and total.model_alias is not None:
                names = {self._found(canonical(name, total.day)) for name in (total.model, total.model_alias)}
                self._other |= dict.fromkeys(names, min(names))

    def of(self, model: str | None, day: date) -> str | None:
        """The one of these names that stands for all."""
        return None if model is None else self._found(self._canonical(model, day))

    def _found(self, name: str) -> str:
        while self._other.get(name, name) != name:
            name = self._other[name]
        return name


def _plural(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _named(days: Sequence[date]) -> str:
    shown = ", ".join(day.isoformat() for day in days[:DAYS_NAMED_MAX])
    return shown if len(days) <= DAYS_NAMED_MAX else f"{shown} and {len(days) - DAYS_NAMED_MAX} more"
