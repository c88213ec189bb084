"""Records can be retracted, and the batches of one import know each other."""

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


def upgrade() -> None:
    op.add_column("batch", sa.Column("part_of", BIG, nullable=True))
    allow(AFTER)


def downgrade() -> None:
    """Go back while no record was retracted. Which batches were one import is forgotten."""
    retracted = "SELECT count(*) FROM withdrawal WHERE cause = 'retraction'"
    if count := op.get_bind().execute(sa.text(retracted)).scalar_one():
        raise RuntimeError(f"{count} retractions of records would be lost; an older tokentill has no place for them")
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
