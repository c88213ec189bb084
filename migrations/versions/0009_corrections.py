"""Corrections: documents say which periods they correct, and what they cover of these; credit notes are a kind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
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
    guard_corrections()
    change_kinds(KINDS_BEFORE, KINDS_AFTER)
    change_run(RUN_BEFORE, RUN_AFTER)


def downgrade() -> None:
    for what, query in LOST.items():
        if count := op.get_bind().execute(sa.text(query)).scalar_one():
            raise RuntimeError(f"{count} {what} would be lost; an older tokentill has no place for them")
    change_run(RUN_AFTER, RUN_BEFORE)
    change_kinds(KINDS_AFTER, KINDS_BEFORE)
    op.drop_table("correction")
    for table, column in reversed(NEW_COLUMNS):
        op.drop_column(table, column)


def is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def guard_corrections() -> None:
    """Corrections stay as they are."""
    if is_postgresql():
        op.execute(
            "CREATE TRIGGER guard_correction_rows BEFORE UPDATE OR DELETE ON correction"
            " FOR EACH ROW EXECUTE FUNCTION tokentill_refuse()"
        )
        op.execute(
            "CREATE TRIGGER guard_correction_truncate BEFORE TRUNCATE ON correction"
            " FOR EACH STATEMENT EXECUTE FUNCTION tokentill_refuse()"
        )
        return
    refused = "SELECT RAISE(ABORT, 'correction is append-only')"
    met = (
        "EXISTS (SELECT 1 FROM correction WHERE rowid = NEW.rowid)"
        " OR EXISTS (SELECT 1 FROM correction WHERE invoice_id = NEW.invoice_id AND period = NEW.period"
        " AND customer = NEW.customer)"
    )
    op.execute(f"CREATE TRIGGER guard_correction_update BEFORE UPDATE ON correction BEGIN {refused}; END")
    op.execute(f"CREATE TRIGGER guard_correction_delete BEFORE DELETE ON correction BEGIN {refused}; END")
    op.execute(f"CREATE TRIGGER guard_correction_insert BEFORE INSERT ON correction WHEN {met} BEGIN {refused}; END")


def change_kinds(before: str, after: str) -> None:
    """Let documents be of these kinds.

    On SQLite the check is changed where it is written, as its documentation says: no row changes, so that neither the
    table nor what refers to it has to be made anew.
    """
    if is_postgresql():
        op.drop_constraint("ck_invoice_kind", "invoice", type_="check")
        op.create_check_constraint(op.f("ck_invoice_kind"), "invoice", after)
        return
    bind = op.get_bind()
    of_table = "FROM sqlite_master WHERE type = 'table' AND name = 'invoice'"
    if bind.execute(sa.text(f"SELECT sql {of_table}")).scalar_one().count(before) != 1:
        raise RuntimeError("the table of invoices is not the one that tokentill made; restore it from a backup")
    op.execute("PRAGMA writable_schema = ON")
    bind.execute(
        sa.text(
            "UPDATE sqlite_master SET sql = replace(sql, :before, :after) WHERE type = 'table' AND name = 'invoice'"
        ),
        {"before": before, "after": after},
    )
    op.execute("PRAGMA writable_schema = RESET")


def change_run(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """Let a run issue one document of each of these to a customer."""
    op.drop_index("uq_invoice_run", "invoice")
    op.create_index("uq_invoice_run", "invoice", [*after], unique=True)
    if is_postgresql():
        return
    bind = op.get_bind()
    kept = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'guard_invoice_insert'"
    guard = bind.execute(sa.text(kept)).scalar_one()
    old, new = (" AND ".join(f"{name} = NEW.{name}" for name in names) for names in (before, after))
    if guard.count(old) != 1:
        raise RuntimeError("the guards of invoices are not those that tokentill made; restore them from a backup")
    op.execute("DROP TRIGGER guard_invoice_insert")
    op.execute(guard.replace(old, new))
