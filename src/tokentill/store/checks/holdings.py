"""What is stored about issued documents, in every place where it is stored, for `consistency` to compare."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Select, and_, select
from sqlalchemy.sql.schema import Table

from tokentill.canonical import Content, content_hash, content_of
from tokentill.clock import from_micros, instant_text
from tokentill.store import tables
from tokentill.store.bulk import table_of
from tokentill.store.usage.usage_rows import ids_within

HeldRow = Mapping[Any, Any]

_READ_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """What is held about one issued document. `content` is None where it is not what its hash says."""

    row: HeldRow
    content: Content | None
    lines: Sequence[HeldRow]
    ledger: Sequence[HeldRow]
    run: HeldRow | None
    entries: Sequence[Content]
    rows: Content


@dataclass(frozen=True, slots=True)
class HeldRun:
    """What is held about one close run. The entries are those of the audit log: action, instant, content."""

    row: HeldRow
    entries: Sequence[tuple[str, int, Content]]

    def entries_of(self, action: str) -> list[tuple[int, Content]]:
        """Instant and content of the entries of one action."""
        return [(at, content) for done, at, content in self.entries if done == action]


def covered_usage(connection: Connection, documents: Collection[int]) -> Select[Any]:
    """Ids of all usage that documents cover; of more than a few documents, that any document covers."""
    usage, coverage = tables.usage, tables.coverage
    segments = connection.execute(select(coverage.c.starts_at, coverage.c.ends_at).distinct()).all()
    ids = [(*segment, *ids_within(connection, *segment)) for segment in segments]
    reached = table_of(connection, "reached", ("starts_at", "ends_at", "first_id", "last_id"), ids)
    is_reached = and_(reached.c.starts_at == coverage.c.starts_at, reached.c.ends_at == coverage.c.ends_at)
    lies_in = and_(tables.usage_in(coverage), usage.c.id.between(reached.c.first_id, reached.c.last_id))
    inside = coverage.join(reached, is_reached).join(usage, lies_in)
    query = select(usage.c.id).select_from(inside).distinct()
    return query if len(documents) > _READ_AT_ONCE else query.where(coverage.c.invoice_id.in_(documents))


ROWS_OF_ISSUE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "coverage": ("series_id", "starts_at", "seq_after", "ends_at", "seq_upto", "member", "period", "corrected"),
        "correction": ("period", "customer", "currency", "corrects_id", "net_minor", "tax_minor"),
        "ledger": ("position", "kind", "name", "amount_minor", "customer", "currency", "period"),
        "member_period": ("customer", "period", "starts_at", "ends_at"),
        "document_event": ("position", "recorded_at", "actor", "reason"),
    }
)
"""What is stored of an issue beside the document, and stands in no content: by table, the columns that the audit log
vouches for, the first ones in their order.
"""
ROWS_OF_CORRECTION: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "correction": ("customer", "period", "currency", "corrects_id", "net_minor", "tax_minor"),
        "ledger": ("position", "period", "customer", "currency", "kind", "name", "amount_minor"),
    }
)
"""The same of corrections; a document that corrects nothing has no such rows, and its entry does not speak of them."""
_OF_CORRECTION = ("period", "corrected")
"""Columns of what a correction covers, vouched for where they say something."""


def issued_entry(row: HeldRow, rows: Content) -> Content:
    """What the audit log says of a document that was issued: which one it is, and what its content leaves out.

    Args:
        rows: the rows of its issue (see `rows_of_issues`).
    """
    return {
        "rows": content_hash(rows),
        **{name: row[name] for name in ("number", "customer", "content_hash", "id", "kind", "part")},
        "pins_hash": content_hash(content_of(row["pins"])),
        "issued_at": instant_text(from_micros(row["issued_at"])),
        "run": row["close_run_id"],
    }


def entries_of_issues(connection: Connection, invoice_ids: Sequence[int]) -> dict[int, Content]:
    """What the audit log is to say of documents that were just issued, in the order of their ids."""
    columns = [column for column in tables.invoice.columns if column.name != "content"]
    query = select(*columns).where(tables.invoice.c.id.in_(invoice_ids)).order_by(tables.invoice.c.id)
    rows = rows_of_issues(connection, invoice_ids)
    return {row["id"]: issued_entry(row, rows[row["id"]]) for row in connection.execute(query).mappings()}


def rows_of_issues(connection: Connection, invoice_ids: Sequence[int]) -> dict[int, Content]:
    """The rows of the issues of some documents, by table and in their order."""
    found: dict[int, Content] = {id_: {name: [] for name in ROWS_OF_ISSUE} for id_ in invoice_ids}
    for name, columns in ROWS_OF_ISSUE.items():
        table = tables.metadata.tables[name]
        more = _OF_CORRECTION if name == "coverage" else ()
        query = select(table.c.invoice_id, *(table.c[column] for column in (*columns, *more)))
        query = query.where(table.c.invoice_id.in_(invoice_ids))
        if name == "document_event":
            query = query.where(table.c.kind == "issued")
        for id_, *row in connection.execute(query.order_by(table.c.invoice_id)):
            of_correction = row[len(columns) :]
            found[id_][name].append(row if any(of_correction) else row[: len(columns)])
        for of_document in found.values():
            of_document[name].sort(key=lambda row: [str(value) for value in row])
    for name, columns in ROWS_OF_CORRECTION.items():
        table = tables.metadata.tables[name]
        query = select(table.c.invoice_id, *(table.c[column] for column in columns))
        query = query.where(table.c.invoice_id.in_(invoice_ids), table.c.period != "")
        for id_, *row in connection.execute(query.order_by(*table.primary_key.columns)):
            found[id_].setdefault(name, []).append(row)
    return found


def held_documents(connection: Connection, numbers: Collection[str] | None = None) -> Iterator[HeldDocument]:
    """Issued documents in the order of their ids, all or those of some numbers, read part by part."""
    entries = entries_of_documents(connection)
    ids = select(tables.invoice.c.id, tables.invoice.c.number).order_by(tables.invoice.c.id)
    chosen_ids = [id_ for id_, number in connection.execute(ids) if numbers is None or number in numbers]
    runs = {row["id"]: row for row in connection.execute(select(tables.close_run)).mappings()}
    for start in range(0, len(chosen_ids), _READ_AT_ONCE):
        part = chosen_ids[start : start + _READ_AT_ONCE]
        lines, ledger = (_rows_of(connection, table, part) for table in (tables.invoice_line, tables.ledger))
        issues = rows_of_issues(connection, part)
        query = select(tables.invoice).where(tables.invoice.c.id.in_(part)).order_by(tables.invoice.c.id)
        for row in connection.execute(query).mappings():
            yield HeldDocument(
                row=row,
                content=content_of(bytes(row["content"]), row["content_hash"]),
                lines=lines.get(row["id"], ()),
                ledger=ledger.get(row["id"], ()),
                run=runs.get(row["close_run_id"]),
                entries=entries.get(row["number"], ()),
                rows=issues[row["id"]],
            )


def held_runs(connection: Connection, ids: Collection[int] | None = None) -> Iterator[HeldRun]:
    """Close runs, all or those of some ids."""
    entries: dict[object, list[tuple[str, int, Content]]] = {}
    for action, at, content in audit_contents(
        connection, "close.started", "close.resumed", "close.finished", "close.abandoned"
    ):
        entries.setdefault(content.get("run"), []).append((action, at, content))
    for row in connection.execute(select(tables.close_run).order_by(tables.close_run.c.id)).mappings():
        if ids is None or row["id"] in ids:
            yield HeldRun(row, entries.get(row["id"], ()))


def entries_of_documents(connection: Connection) -> dict[str, list[Content]]:
    """What the audit log says of the documents that were issued, by number."""
    by_number: dict[str, list[Content]] = {}
    for _, _, content in audit_contents(connection, "invoice.issued"):
        by_number.setdefault(str(content.get("number")), []).append(content)
    return by_number


def audit_contents(connection: Connection, *actions: str) -> Iterator[tuple[str, int, Content]]:
    """Action, instant and content of the entries of some actions, oldest first."""
    table = tables.audit
    query = select(table.c.action, table.c.recorded_at, table.c.content).where(table.c.action.in_(actions))
    for action, at, text in connection.execute(query.order_by(table.c.seq)):
        yield action, at, content_of(text) or {}


def signed_entries(connection: Connection, *actions: str) -> list[tuple[str, str, int, Content]]:
    """Action, actor, instant and content of the entries of some actions, oldest first."""
    table = tables.audit
    query = select(table.c.action, table.c.actor, table.c.recorded_at, table.c.content)
    rows = connection.execute(query.where(table.c.action.in_(actions)).order_by(table.c.seq))
    return [(action, actor, at, content_of(text) or {}) for action, actor, at, text in rows]


def _rows_of(connection: Connection, table: Table[Any], invoice_ids: Iterable[int]) -> dict[int, list[HeldRow]]:
    by_invoice: dict[int, list[HeldRow]] = {}
    query = select(table).where(table.c.invoice_id.in_(list(invoice_ids)))
    for row in connection.execute(query.order_by(table.c.invoice_id, table.c.position)).mappings():
        by_invoice.setdefault(row["invoice_id"], []).append(row)
    return by_invoice
