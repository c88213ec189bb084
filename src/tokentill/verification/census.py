"""Where every record is: on documents of one customer's period, late, of an open period, unattributed, or withdrawn.

Each record is in exactly one of these places, so the counts add up to all records. And whether what people wrote holds
in one version at each instant, so that a record is under one price and one rule of one version alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from tokentill.clock import from_micros, to_micros
from tokentill.store import tables
from tokentill.verification.rows.documents import Rows, Taken
from tokentill.verification.rows.records import ROWS_AT_ONCE
from tokentill.verification.terms.books import Books, team_named
from tokentill.verification.terms.keys import Table

PLACES = ("billed", "late", "open", "unattributed", "withdrawn")
NAMED_MAX = 20


@dataclass(slots=True)
class Census:
    """How many records are in each place, and what is wrong with some of them."""

    places: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def records(self) -> int:
        """All of them."""
        return self.places.total()

    @property
    def figures(self) -> tuple[tuple[str, int], ...]:
        """The counts in a fixed order."""
        return tuple((place, self.places[place]) for place in PLACES)


def take_census(connection: Connection) -> Census:
    """Put every record in its place, by the documents that are live and by the newest contracts that a run used."""
    rows = Rows(connection)
    live, runs = rows.live(None), rows.pins_of_runs()
    census = Census()
    try:
        books = rows.written.books(runs[-1]) if runs else None
        series = rows.records.series()
    except (LookupError, TypeError, ValueError) as error:  # rows changed by hand may be anything
        return Census(faults=[f"series, or what the newest run was computed from, cannot be read: {error}"])
    taken, issued = rows.taken(live, -(2**62), 2**62), _issued(rows, live)
    owned = dict[tuple[str | None, ...], list[tuple[int, str | None]]]()
    usage = tables.usage.c
    query = select(usage.id, usage.series_id, usage.occurred_at, usage.seq, usage.record_id).order_by(usage.series_id)
    with connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE}) as result:
        for id_, series_id, at, seq, record_id in (row for part in result.partitions() for row in part):
            if series_id not in series:
                if len(census.faults) < NAMED_MAX:
                    census.faults.append(f"record {record_id!r} is of a series that is not there")
                continue
            on = [one for one in taken.get(series_id, ()) if _holds(one, at, seq)]
            chains = {(one.customer, one.period) for one in on}
            ends = {one.document.id for one in on if one.kind == "period"}
            if max(len(chains), len(ends)) > 1 and len(census.faults) < NAMED_MAX:
                numbers = " and ".join(sorted(one.document.number for one in on))
                census.faults.append(f"record {record_id!r} is on {numbers}, which bill it twice")
            gone = [
                when for cause, when in rows.records.withdrawn.get(id_, ()) if cause not in ("waiver", "acceptance")
            ]
            if gone and (not on or min(gone) <= max(one.document.pins["s"] for one in on)):
                census.places["withdrawn"] += 1
            elif on:
                census.places["billed"] += 1
            else:
                census.places[_off_documents(books, series[series_id], at, owned, issued)] += 1
    return census


def _holds(one: Taken, at: int, seq: int) -> bool:
    return one.starts_at <= at < one.ends_at and one.after < seq <= one.upto


def _off_documents(
    books: Books | None,
    series: Table,
    at: int,
    owned: dict[tuple[str | None, ...], list[tuple[int, str | None]]],
    issued: dict[str, list[tuple[int, int]]],
) -> str:
    """Where a record is that no document covers."""
    if books is None:  # nothing was ever closed
        return "open"
    key = (series["source"], series["user"], series["api_key"], team_named(series["tags"]))
    if key not in owned:
        edges = sorted({from_micros(0), *books.owner_edges(series["user"])})
        owned[key] = [(to_micros(edge), books.owner(*key, edge)) for edge in edges]
    spans = owned[key]
    owner = spans[max(0, bisect_right([start for start, _ in spans], at) - 1)][1]
    if owner is None:
        return "unattributed"
    return "late" if any(starts_at <= at < ends_at for starts_at, ends_at in issued.get(owner, ())) else "open"


def _issued(rows: Rows, live: Iterable[int]) -> dict[str, list[tuple[int, int]]]:
    """The periods that live documents ended, by customer."""
    issued: dict[str, list[tuple[int, int]]] = {}
    for id_ in sorted(live):
        for customer, bounds in rows.ended(rows.headers[id_]).items():
            issued.setdefault(customer, []).append(bounds)
    return issued


def versions_in_force(connection: Connection) -> tuple[int, list[str]]:
    """How many versions of prices, contracts and rules runs used, and where two of one thing hold at once."""
    rows, faults = Rows(connection), []
    count, seen = 0, set()
    for pins in rows.pins_of_runs():
        if (key := (pins["a"], pins["b"])) in seen:
            continue
        seen.add(key)
        try:
            books = rows.written.books(pins)
        except (LookupError, TypeError, ValueError) as error:
            faults.append(f"what runs were computed from cannot be read: {error}")
            continue
        stated = {f"contract {kind} {id_}": versions for (kind, id_), versions in books.contracts.items()}
        stated["attribution rules"] = books.rule_sets
        count += sum(map(len, stated.values())) + sum(map(len, books.entries.values()))
        faults += [fault for what, versions in stated.items() for fault in _alike(what, versions)]
    return count, sorted(set(faults))


def _alike(what: str, versions: Sequence[Table]) -> list[str]:
    times = Counter((one["valid_from"], one["recorded_at"]) for one in versions)
    return [
        f"two versions of {what} are valid from {valid_from.isoformat()} and were recorded at the same instant"
        for (valid_from, _), number in times.items()
        if number > 1
    ]
