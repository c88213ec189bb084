"""Records can be retracted, imports can be staged, and the batches of one import know each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tokentill.store.schema_changes import change_check, guard, refuse_to_lose, row_of

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CHECK = ("withdrawal", "ck_withdrawal_cause")
BEFORE, AFTER = "cause IN ('revision', 'waiver')", "cause IN ('revision', 'waiver', 'retraction')"

NEW_TABLES = {"staged_record": ("seq", "position"), "staged_event": ("seq", "kind")}
"""The tables that this makes, append-only both of them, with their keys."""


def upgrade() -> None:
    op.add_column("batch", sa.Column("part_of", BIG, nullable=True))
    change_check(*CHECK, BEFORE, AFTER)
    make_tables()
    for table, key in NEW_TABLES.items():
        guard(table, *row_of(*key))


def downgrade() -> None:
    """Go back while no record was retracted and no import staged. Which batches were one import is forgotten."""
    refuse_to_lose(
        {
            "retractions of records": "SELECT count(*) FROM withdrawal WHERE cause = 'retraction'",
            "lines of staged imports": "SELECT count(*) FROM staged_record",
        }
    )
    for table in reversed(NEW_TABLES):
        op.drop_table(table)
    change_check(*CHECK, AFTER, BEFORE)
    op.drop_column("batch", "part_of")


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
