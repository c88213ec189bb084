"""Control totals: what sources say that a day adds up to, and what of that was taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tokentill.store.schema_changes import guard, refuse_to_lose

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

MET = {
    "control_total": "rowid = NEW.rowid OR (cell = NEW.cell AND (version = NEW.version OR digest = NEW.digest))",
    "control_total_withdrawal": "rowid = NEW.rowid OR (cell = NEW.cell AND version = NEW.version)",
}
"""When a row of a new table is met, which is append-only."""


def upgrade() -> None:
    op.create_table(
        "control_total",
        sa.Column("cell", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("source", "day", "stated_by")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("model", "api_key", "user", "model_alias")),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("requests", BIG, nullable=True),
        sa.Column("tokens", BIG, nullable=True),
        sa.Column("cost", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("cell", "version", name="pk_control_total"),
        sa.UniqueConstraint("cell", "digest", name="uq_control_total_figures"),
        sa.ForeignKeyConstraint(["seq"], ["batch.seq"], name="fk_control_total_batch"),
        sa.CheckConstraint("length(cell) = 16", name="ck_control_total_cell"),
        sa.CheckConstraint("length(digest) = 16", name="ck_control_total_digest"),
        sa.CheckConstraint("version >= 1", name="ck_control_total_version"),
        sa.CheckConstraint(
            "requests IS NOT NULL OR tokens IS NOT NULL OR cost IS NOT NULL", name="ck_control_total_figures"
        ),
        sa.CheckConstraint("requests >= 0 AND tokens >= 0", name="ck_control_total_counts"),
        sqlite_strict=True,
    )
    op.create_index("ix_control_total_day", "control_total", ["day"])
    op.create_index("ix_control_total_seq", "control_total", ["seq"])
    op.create_table(
        "control_total_withdrawal",
        sa.Column("cell", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("cell", "version", name="pk_control_total_withdrawal"),
        sa.ForeignKeyConstraint(
            ["cell", "version"],
            ["control_total.cell", "control_total.version"],
            name="fk_control_total_withdrawal_control_total",
        ),
        sqlite_strict=True,
    )
    for table, met in MET.items():
        guard(table, met)


def downgrade() -> None:
    """Go back while there are no control totals."""
    refuse_to_lose({"control totals": "SELECT count(*) FROM control_total"})
    for table in reversed(MET):
        op.drop_table(table)
