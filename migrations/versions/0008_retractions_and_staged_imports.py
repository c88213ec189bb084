"""Records can be retracted, imports can be staged, and the batches of one import know each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CHECK = "ck_withdrawal_cause"
BEFORE, AFTER = "cause IN ('revision', 'waiver')", "cause IN ('revision', 'waiver', 'retraction')"

NEW_TABLES = {"staged_record": ("seq", "position"), "staged_event": ("seq", "kind")}
"""The tables that this makes, append-only both of them, with their keys."""


def upgrade() -> None:
    op.add_column("batch", sa.Column("part_of", BIG, nullable=True))
    allow(AFTER)
    make_tables()
    for table, key in NEW_TABLES.items():
        guard(table, key)


def downgrade() -> None:
    """Go back while no record was retracted and no import staged. Which batches were one import is forgotten."""
    lost = {
        "retractions of records": "SELECT count(*) FROM withdrawal WHERE cause = 'retraction'",
        "lines of staged imports": "SELECT count(*) FROM staged_record",
    }
    for what, query in lost.items():
        if count := op.get_bind().execute(sa.text(query)).scalar_one():
            raise RuntimeError(f"{count} {what} would be lost; an older tokentill has no place for them")
    for table in reversed(NEW_TABLES):
        op.drop_table(table)
    allow(BEFORE)
    op.drop_column("batch", "part_of")


def allow(causes: str) -> None:
    """Let a withdrawal have one of these causes. On SQLite a check changes by a new table, which keeps its guards."""
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        op.drop_constraint(CHECK, "withdrawal", type_="check")
        op.create_check_constraint(op.f(CHECK), "withdrawal", causes)
        return
    kept = "SELECT sql FROM sqlite_master WHERE tbl_name = 'withdrawal' AND type = 'trigger' ORDER BY name"
    guards = bind.execute(sa.text(kept)).scalars().all()
    op.create_table(
        "withdrawal_anew",
        sa.Column("usage_id", BIG, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("usage_id", "cause", name="pk_withdrawal"),
        sa.ForeignKeyConstraint(["usage_id"], ["usage.id"], name="fk_withdrawal_usage"),
        sa.ForeignKeyConstraint(["seq"], ["batch.seq"], name="fk_withdrawal_batch"),
        sa.CheckConstraint(causes, name=CHECK),
        sqlite_strict=True,
    )
    columns = "usage_id, cause, seq, reviewer, reason, recorded_at"
    op.execute(f"INSERT INTO withdrawal_anew ({columns}) SELECT {columns} FROM withdrawal")
    op.drop_table("withdrawal")
    op.rename_table("withdrawal_anew", "withdrawal")
    op.create_index("ix_withdrawal_seq", "withdrawal", ["seq"])
    for guard in guards:
        op.execute(guard)


def make_tables() -> None:
    op.create_table(
        "staged_record",
        sa.Column("seq", BIG, nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", "position", name="pk_staged_record"),
        sa.ForeignKeyConstraint(["seq"], ["batch.seq"], name="fk_staged_record_batch"),
        sqlite_strict=True,
    )
    op.create_table(
        "staged_event",
        sa.Column("seq", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("seq", "kind", name="pk_staged_event"),
        sa.ForeignKeyConstraint(["seq"], ["batch.seq"], name="fk_staged_event_batch"),
        sa.CheckConstraint("kind IN ('staged', 'accepted', 'taken', 'dropped')", name="ck_staged_event_kind"),
        sqlite_strict=True,
    )


def guard(table: str, key: tuple[str, ...]) -> None:
    """The rows of a table stay as they are."""
    if op.get_bind().dialect.name == "postgresql":
        for events, each in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            kind = "rows" if each == "ROW" else "truncate"
            op.execute(
                f"CREATE TRIGGER guard_{table}_{kind} BEFORE {events} ON {table}"
                f" FOR EACH {each} EXECUTE FUNCTION tokentill_refuse()"
            )
        return
    refused = f"SELECT RAISE(ABORT, '{table} is append-only')"
    same = " AND ".join(f"{name} = NEW.{name}" for name in key)
    met = f"EXISTS (SELECT 1 FROM {table} WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM {table} WHERE {same})"
    op.execute(f"CREATE TRIGGER guard_{table}_update BEFORE UPDATE ON {table} BEGIN {refused}; END")
    op.execute(f"CREATE TRIGGER guard_{table}_delete BEFORE DELETE ON {table} BEGIN {refused}; END")
    op.execute(f"CREATE TRIGGER guard_{table}_insert BEFORE INSERT ON {table} WHEN {met} BEGIN {refused}; END")
