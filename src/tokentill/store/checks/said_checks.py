"""Whether what people said of invoices is what the audit log says that they said: reviews, and lines of their own.

The log is one chain of hashes. So whatever is changed by hand in these rows, added to them or taken away, is found.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection, select

from tokentill.canonical import Content, canonical_bytes
from tokentill.clock import micros_text
from tokentill.money import minor_text
from tokentill.store import tables

ACTIONS = ("line.added", "line.removed", "review.approved", "review.held", "review.released")


def said_faults(connection: Connection) -> tuple[int, list[str]]:
    """How many rows were looked at, and which of them, or which entries of the log, have no counterpart."""
    entries = Counter(_entries(connection))
    rows = Counter(_rows(connection))
    faults = [f"{_named(said)} is not what the audit log says" for said in rows - entries]
    faults += [f"{_named(said)}, says the audit log, and is not there so" for said in entries - rows]
    return sum(rows.values()), faults


Said = tuple[str, str, int, bytes]
"""An action, who did it, when, and what the log says of it."""


def _entries(connection: Connection) -> Iterator[Said]:
    table = tables.audit
    query = select(table.c.action, table.c.actor, table.c.recorded_at, table.c.content)
    for row in connection.execute(query.where(table.c.action.in_(ACTIONS))):
        content = json.loads(row.content)
        content.pop("pricing", None)  # which folder was used is in no other row
        yield row.action, row.actor, row.recorded_at, _bytes(content)


def _rows(connection: Connection) -> Iterator[Said]:
    for line in connection.execute(select(tables.manual_line)):
        added: Content = {
            "line": line.number,
            "amount": minor_text(line.amount_minor, line.currency),
            "may_be_negative": bool(line.may_be_negative),
            "by": line.reviewer,
            "at": micros_text(line.recorded_at),
            "removed": None,
            **{name: getattr(line, name) for name in ("period", "customer", "currency", "description", "reason")},
        }
        yield "line.added", line.reviewer, line.recorded_at, _bytes(added)
    for removal in connection.execute(select(tables.manual_line_removal)):
        removed = {name: getattr(removal, name) for name in ("line", "number", "reason")}
        yield "line.removed", removal.reviewer, removal.recorded_at, _bytes(removed)
    for review in connection.execute(select(tables.review)):
        said = {name: getattr(review, name) for name in ("period", "customer", "content_hash", "note")}
        said["pins"] = None if review.pins is None else json.loads(review.pins)
        said |= {name: getattr(review, name) for name in ("policy", "policy_hash")}
        yield f"review.{review.kind}", review.reviewer, review.recorded_at, _bytes(said)


def _bytes(content: Content) -> bytes:
    """What is said, without what is null: an older version states fewer keys."""
    return canonical_bytes({key: value for key, value in content.items() if value is not None})


def _named(said: Said) -> str:
    action, actor, at, content = said
    stated = json.loads(content)
    what = f"line {stated['line']}" if "line" in stated else f"the review of {stated['customer']!r}"
    return f"{what} ({action} by {actor!r} at {micros_text(at)})"
