"""Tells of a world that breaks a law, with as few events as will do, so that a person can see why."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress

from tests.closing.conservation import hold_to_the_law
from tests.closing.world_runs import Broken, History, WorldRun
from tests.closing.worlds import Event, World
from tokentill.store.database import Database

SECONDS_MAX = 120
"""How long a smaller story is looked for."""

NewDatabase = Callable[[], AbstractContextManager[Database]]


class Fault(AssertionError):
    """A world that breaks a law, told as a story."""


def live_by_the_law(world: World, new_database: NewDatabase) -> History:
    """Let a world happen and hold it to the law.

    Raises:
        Fault: with the smallest story that was found to break the same law.
    """
    try:
        with new_database() as database:
            return _lived(world, database)
    except Exception as fault:  # noqa: BLE001 - whatever it was, it is told
        smallest, found = _shrunk(world, fault, new_database)
        raise Fault(f"seed {world.seed}\n{told(smallest, new_database)}\n\n{found}") from found


def told(world: World, new_database: NewDatabase) -> str:
    """The story of a world: what happens, which documents there are, and where records in question are."""
    lines = [f"  {event.at:%Y-%m-%d %H:%M}  {event.told()}" for event in world.events]
    lines.append(f"  {world.ends_at:%Y-%m-%d %H:%M}  everything is closed: {', '.join(world.months)}")
    with new_database() as database:
        run = WorldRun(world, database)
        questioned: Sequence[str] = ()
        try:
            hold_to_the_law(run.live_through())
        except Broken as broken:
            questioned = broken.records
        except Exception as fault:  # noqa: BLE001 - whatever it was, it is part of the story
            lines.append(f"  {type(fault).__name__}: {fault}")
            with suppress(Exception):
                run.look()
        history = run.history
    lines += ["Documents:", *(f"  {document.told()}" for document in history.documents.values())]
    lines += [f"  late: {id_} of {customer}, {month}" for id_, (customer, month) in history.late.items()]
    for id_ in questioned:
        if id_ in history.arrived:
            on = [document.number for document in history.documents.values() if id_ in document.records]
            lines += [f"  {history.arrived[id_].told()}", f"    on {', '.join(on) or 'no document'}"]
    return "\n".join(lines)


def _lived(world: World, database: Database) -> History:
    history = WorldRun(world, database).live_through()
    hold_to_the_law(history)
    return history


def _shrunk(world: World, fault: Exception, new_database: NewDatabase) -> tuple[World, Exception]:
    """Leave out events, many at a time and then one by one, as long as the same law is broken."""
    until, size = time.monotonic() + SECONDS_MAX, max(1, len(world.events) // 2)
    while time.monotonic() < until:
        start, was_smaller = 0, False
        while start < len(world.events) and time.monotonic() < until:
            events: list[Event] = [*world.events[:start], *world.events[start + size :]]
            smaller = world.with_events(events)
            found = _fault_of(smaller, new_database)
            if found is not None and _law_of(found) == _law_of(fault):
                world, fault, was_smaller = smaller, found, True
            else:
                start += size
        if size == 1 and not was_smaller:
            break
        size = max(1, size // 2)
    return world, fault


def _fault_of(world: World, new_database: NewDatabase) -> Exception | None:
    try:
        with new_database() as database:
            _lived(world, database)
    except Exception as fault:  # noqa: BLE001 - it is compared with the one that is looked for
        return fault
    return None


def _law_of(fault: Exception) -> str:
    return fault.law if isinstance(fault, Broken) else type(fault).__name__
