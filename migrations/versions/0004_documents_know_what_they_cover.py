"""What documents cover, as rows; the log of documents; the months of series; what close runs were asked.

A void is a row of the log of documents. A status that is changed by hand writes that row, too, by trigger.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from alembic import op

from tokentill.store.schema_changes import guard, is_postgresql, row_of, unguarded
from tokentill.usage.attribution import Attribution, Binding

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DAY_MICROS = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NEW_TABLES = {
    "series_month": ("month", "series_id"),
    "document_event": ("position",),
    "coverage": ("invoice_id", "series_id", "starts_at", "seq_after"),
    "member_period": ("invoice_id", "customer"),
}
"""The tables that this makes, append-only all of them, with their keys."""
MET = {"document_event": ("invoice_id = NEW.invoice_id AND kind = NEW.kind",)}
"""When a row is met that has another key."""


def upgrade() -> None:
    make_tables()
    op.create_index("ix_usage_series", "usage", ["series_id", "occurred_at"])
    op.create_index("ix_usage_seq", "usage", ["seq"])
    op.create_index("ix_invoice_customer", "invoice", ["customer"])
    op.add_column("close_run", sa.Column("asked", sa.Text(), nullable=False, server_default=sa.text("'{}'")))
    op.add_column("close_run", sa.Column("left_over", BIG, nullable=True))
    op.add_column("batch", sa.Column("first_at", BIG, nullable=True))
    op.add_column("batch", sa.Column("last_at", BIG, nullable=True))
    op.execute("INSERT INTO counter (name, value) VALUES ('document', 0)")
    fill_batches()
    fill_series_months()
    fill_runs()
    fill_documents()
    for table, key in NEW_TABLES.items():
        guard(table, *row_of(*key), *MET.get(table, ()))
    guard_voids()


def downgrade() -> None:
    if is_postgresql():
        op.execute("DROP TRIGGER guard_invoice_void ON invoice")
    else:
        op.execute("DROP TRIGGER guard_invoice_void")
    for table in reversed(NEW_TABLES):
        op.drop_table(table)
    if is_postgresql():
        op.execute("DROP FUNCTION tokentill_void_invoice()")
        op.execute("DROP FUNCTION tokentill_log_void()")
    op.execute("DELETE FROM counter WHERE name = 'document'")
    for column in ("last_at", "first_at"):
        op.drop_column("batch", column)
    for column in ("left_over", "asked"):
        op.drop_column("close_run", column)
    op.drop_index("ix_invoice_customer", "invoice")
    op.drop_index("ix_usage_seq", "usage")
    op.drop_index("ix_usage_series", "usage")


def make_tables() -> None:
    op.create_table(
        "series_month",
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("series_id", BIG, nullable=False),
        sa.PrimaryKeyConstraint("month", "series_id", name="pk_series_month"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_series_month_series"),
        sqlite_strict=True,
    )
    op.create_table(
        "document_event",
        sa.Column("position", BIG, nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_document_event"),
        sa.UniqueConstraint("invoice_id", "kind", name="uq_document_event_kind"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_document_event_invoice"),
        sa.CheckConstraint("kind IN ('issued', 'void')", name="ck_document_event_kind"),
        sqlite_strict=True,
    )
    op.create_table(
        "coverage",
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("series_id", BIG, nullable=False),
        sa.Column("starts_at", BIG, nullable=False),
        sa.Column("ends_at", BIG, nullable=False),
        sa.Column("seq_after", BIG, nullable=False),
        sa.Column("seq_upto", BIG, nullable=False),
        sa.Column("member", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("invoice_id", "series_id", "starts_at", "seq_after", name="pk_coverage"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_coverage_invoice"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_coverage_series"),
        sa.CheckConstraint("starts_at < ends_at", name="ck_coverage_time"),
        sa.CheckConstraint("seq_after < seq_upto", name="ck_coverage_seq"),
        sqlite_strict=True,
    )
    op.create_index("ix_coverage_series", "coverage", ["series_id", "ends_at"])
    op.create_index("ix_coverage_ends_at", "coverage", ["ends_at"])
    op.create_table(
        "member_period",
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("starts_at", BIG, nullable=False),
        sa.Column("ends_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("invoice_id", "customer", name="pk_member_period"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_member_period_invoice"),
        sa.CheckConstraint("starts_at < ends_at", name="ck_member_period_time"),
        sqlite_strict=True,
    )
    op.create_index("ix_member_period_customer", "member_period", ["customer", "ends_at"])
    op.create_index("ix_member_period_ends_at", "member_period", ["ends_at"])


# What older databases know of it


def rows(statement: str, **values: Any) -> list[Any]:
    return list(op.get_bind().execute(sa.text(statement), values).mappings())


def insert(table: str, listed: Iterable[dict[str, Any]]) -> None:
    values = list(listed)
    if values:
        names = list(values[0])
        places = ", ".join(f":{name}" for name in names)
        op.get_bind().execute(sa.text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})"), values)


def audited(action: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    for entry in rows("SELECT * FROM audit WHERE action = :action ORDER BY seq", action=action):
        yield entry, json.loads(entry["content"])


def fill_batches() -> None:
    update = (
        "UPDATE batch SET first_at = (SELECT min(occurred_at) FROM usage WHERE usage.seq = batch.seq),"
        " last_at = (SELECT max(occurred_at) FROM usage WHERE usage.seq = batch.seq)"
    )
    with unguarded("batch"):
        op.execute(update)


def fill_series_months() -> None:
    found = set()
    for row in rows(f"SELECT DISTINCT series_id, occurred_at / {DAY_MICROS} AS day FROM usage"):
        day = EPOCH + timedelta(days=row["day"])
        found.add(((day.year - 1970) * 12 + day.month - 1, row["series_id"]))
    insert("series_month", ({"month": month, "series_id": id_} for month, id_ in sorted(found)))


def fill_runs() -> None:
    for action, key in (("close.started", "asked"), ("close.finished", "left_over")):
        for _, content in audited(action):
            if key in content:
                value = (
                    content[key]
                    if key == "left_over"
                    else json.dumps(content[key], sort_keys=True, separators=(",", ":"))
                )
                statement = sa.text(f"UPDATE close_run SET {key} = :value WHERE id = :run")
                op.get_bind().execute(statement, {"value": value, "run": content["run"]})


def fill_documents() -> None:
    said = {content["number"]: entry for entry, content in audited("invoice.issued")}
    voided = {content["number"]: (entry, content) for entry, content in audited("invoice.voided")}
    invoices = rows("SELECT * FROM invoice ORDER BY id")
    log = []
    for invoice in invoices:
        entry = said.get(invoice["number"])
        actor, at = ("unknown", invoice["issued_at"]) if entry is None else (entry["actor"], entry["recorded_at"])
        log.append((0 if entry is None else entry["seq"], invoice["id"], "issued", at, actor, ""))
    for invoice in invoices:
        if invoice["status"] == "void":
            entry, content = voided.get(invoice["number"], (None, {}))
            last = max(row[3] for row in log)
            actor, at = ("unknown", last) if entry is None else (entry["actor"], entry["recorded_at"])
            log.append(
                (2**62 if entry is None else entry["seq"], invoice["id"], "void", at, actor, content.get("reason", ""))
            )
    names = ("invoice_id", "kind", "recorded_at", "actor", "reason")
    log.sort(key=lambda row: row[0])
    insert(
        "document_event", ({"position": n, **dict(zip(names, row[1:], strict=True))} for n, row in enumerate(log, 1))
    )
    op.get_bind().execute(sa.text("UPDATE counter SET value = :last WHERE name = 'document'"), {"last": len(log)})
    for invoice in invoices:
        fill_coverage(invoice)


def fill_coverage(invoice: Any) -> None:
    """What an older document covers: all that its pinned rules put to its customer and its children, in its period."""
    content, pins = json.loads(bytes(invoice["content"])), json.loads(invoice["pins"])
    starts_at, ends_at = (_micros(datetime.fromisoformat(content[key])) for key in ("period_start", "period_end"))
    members = {invoice["customer"], *(line["customer"] for line in content["lines"] if line.get("customer"))}
    if invoice["kind"] == "period":
        insert(
            "member_period",
            (
                {"invoice_id": invoice["id"], "customer": member, "period": invoice["period"]}
                | {"starts_at": starts_at, "ends_at": ends_at}
                for member in sorted(members)
            ),
        )
    attribution = _attribution(pins["b"])
    used = (
        "SELECT DISTINCT series.* FROM usage JOIN series ON series.id = usage.series_id WHERE usage.occurred_at >="
        " :starts_at AND usage.occurred_at < :ends_at AND usage.seq <= :s"
    )
    covered = []
    for series in rows(used, starts_at=starts_at, ends_at=ends_at, s=pins["s"]):
        edges = attribution.rule_edges() | attribution.binding_edges(series["user"] or "")
        inside = sorted({_micros(edge) for edge in edges if starts_at < _micros(edge) < ends_at})
        cuts = [starts_at, *inside, ends_at]
        pieces: list[list[Any]] = []
        for start, end in pairwise(cuts):
            owner = attribution.attribute(
                source=series["source"], user=series["user"], api_key=series["api_key"], at=_instant(start)
            ).customer
            if owner not in members:
                continue
            if pieces and pieces[-1][1:] == [start, owner]:
                pieces[-1][1] = end
            else:
                pieces.append([start, end, owner])
        covered += [
            {"invoice_id": invoice["id"], "series_id": series["id"], "starts_at": start, "ends_at": end}
            | {"seq_after": 0, "seq_upto": pins["s"], "member": None if owner == invoice["customer"] else owner}
            for start, end, owner in pieces
        ]
    insert("coverage", covered)


def _attribution(hash_: str) -> Attribution:
    (found,) = rows("SELECT content FROM recording WHERE hash = :hash", hash=hash_)
    contract_set = json.loads(bytes(found["content"]))
    recordings = []
    for one in contract_set["recordings"]:
        (row,) = rows("SELECT content FROM recording WHERE hash = :hash", hash=one)
        recordings.append(json.loads(bytes(row["content"])))
    listed = contract_set["bindings"]
    if isinstance(listed, dict):
        stored = rows("SELECT * FROM binding WHERE seq <= :upto ORDER BY seq", upto=listed["upto"])
        bindings = [
            Binding(row["seq"], row["user"], row["customer"], _instant(row["valid_from"]), row["source"])
            for row in stored
        ]
    else:
        bindings = [
            Binding(seq, one["user"], one["customer"], datetime.fromisoformat(one["valid_from"]), one["source"])
            for seq, one in enumerate(listed, start=1)
        ]
    return Attribution(recordings, bindings)


def _micros(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)


def _instant(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


# Guards


def guard_voids() -> None:
    """A void in the log makes its invoice void, and an invoice that becomes void is in the log."""
    void = "UPDATE invoice SET status = 'void' WHERE id = NEW.invoice_id AND status = 'issued'"
    count = "UPDATE counter SET value = value + 1 WHERE name = 'document'"
    # There is no clock here: what was logged last is the nearest that is known.
    log = (
        "INSERT INTO document_event (position, invoice_id, kind, recorded_at, actor, reason)"
        " SELECT value, NEW.id, 'void', (SELECT max(recorded_at) FROM document_event), 'unknown',"
        " 'its status was changed in the database' FROM counter WHERE name = 'document'"
    )
    known = "EXISTS (SELECT 1 FROM document_event WHERE invoice_id = NEW.id AND kind = 'void')"
    if not is_postgresql():
        op.execute(
            f"CREATE TRIGGER guard_document_event_void AFTER INSERT ON document_event WHEN NEW.kind = 'void'"
            f" BEGIN {void}; END"
        )
        op.execute(
            f"CREATE TRIGGER guard_invoice_void AFTER UPDATE OF status ON invoice"
            f" WHEN NEW.status = 'void' AND NOT {known} BEGIN {count}; {log}; END"
        )
        return
    op.execute(
        "CREATE FUNCTION tokentill_void_invoice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF NEW.kind = 'void' THEN {void}; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER guard_document_event_void AFTER INSERT ON document_event"
        " FOR EACH ROW EXECUTE FUNCTION tokentill_void_invoice()"
    )
    op.execute(
        "CREATE FUNCTION tokentill_log_void() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF NEW.status = 'void' AND NOT {known} THEN {count}; {log}; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER guard_invoice_void AFTER UPDATE OF status ON invoice"
        " FOR EACH ROW EXECUTE FUNCTION tokentill_log_void()"
    )
