"""Corrections: documents say which periods they correct, and what they cover of these; credit notes are a kind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tokentill.store.schema_changes import (
    change_check,
    change_guard_on_sqlite,
    guard,
    is_postgresql,
    refuse_to_lose,
    row_of,
)

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = ("invoice", "ck_invoice_kind")
KINDS_BEFORE = "kind IN ('period', 'interim')"
KINDS_AFTER = "kind IN ('period', 'interim', 'credit-note')"
RUN_BEFORE = ("close_run_id", "customer")
RUN_AFTER = ("close_run_id", "customer", "kind", "period")

NEW_COLUMNS = (("coverage", "period"), ("coverage", "corrected"), ("ledger", "period"))
"""Texts that are empty in the rows of older documents."""

LOST = {
    "corrections": "SELECT count(*) FROM correction",
    "credit notes": "SELECT count(*) FROM invoice WHERE kind = 'credit-note'",
}


def upgrade() -> None:
    for table, column in NEW_COLUMNS:
        op.add_column(table, sa.Column(column, sa.Text(), nullable=False, server_default=sa.text("''")))
    op.create_table(
        "correction",
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("corrects_id", BIG, nullable=False),
        sa.Column("net_minor", BIG, nullable=False),
        sa.Column("tax_minor", BIG, nullable=False),
        sa.PrimaryKeyConstraint("invoice_id", "period", "customer", name="pk_correction"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_correction_invoice"),
        sa.ForeignKeyConstraint(["corrects_id"], ["invoice.id"], name="fk_correction_corrected"),
        sqlite_strict=True,
    )
    op.create_index("ix_correction_customer", "correction", ["customer", "period"])
    guard("correction", *row_of("invoice_id", "period", "customer"))
    change_check(*KINDS, KINDS_BEFORE, KINDS_AFTER)
    change_run(RUN_BEFORE, RUN_AFTER)


def downgrade() -> None:
    refuse_to_lose(LOST)
    change_run(RUN_AFTER, RUN_BEFORE)
    change_check(*KINDS, KINDS_AFTER, KINDS_BEFORE)
    op.drop_table("correction")
    for table, column in reversed(NEW_COLUMNS):
        op.drop_column(table, column)


def change_run(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """Let a run issue one document of each of these to a customer."""
    op.drop_index("uq_invoice_run", "invoice")
    op.create_index("uq_invoice_run", "invoice", [*after], unique=True)
    if not is_postgresql():
        old, new = (" AND ".join(f"{name} = NEW.{name}" for name in names) for names in (before, after))
        change_guard_on_sqlite("guard_invoice_insert", old, new)
