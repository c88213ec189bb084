"""Interim invoices, lines that are not of usage, and the ledger of what invoices carry to later ones.

A period has one live period invoice for each customer, and interim invoices that are numbered by `part`.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

COLUMNS_BEFORE = (
    "id",
    "number",
    "customer",
    "period",
    "currency",
    "subtotal_minor",
    "tax_minor",
    "total_minor",
    "content",
    "content_hash",
    "pins",
    "issued_at",
    "close_run_id",
)
COLUMNS_AFTER = (*COLUMNS_BEFORE, "kind", "part")
LIVE_BEFORE = ("customer", "period")
LIVE_AFTER = ("customer", "period", "kind", "part")


def upgrade() -> None:
    op.execute(
        "ALTER TABLE invoice ADD COLUMN kind TEXT DEFAULT 'period' NOT NULL"
        " CONSTRAINT ck_invoice_kind CHECK (kind IN ('period', 'interim'))"
    )
    op.add_column("invoice", sa.Column("part", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("invoice_line", sa.Column("kind", sa.Text(), nullable=False, server_default=sa.text("'usage'")))
    op.create_table(
        "ledger",
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.PrimaryKeyConstraint("invoice_id", "position", name="pk_ledger"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_ledger_invoice"),
        sa.CheckConstraint("kind IN ('coupon', 'credit', 'balance', 'invoiced')", name="ck_ledger_kind"),
        sqlite_strict=True,
    )
    op.create_index("uq_invoice_run", "invoice", ["close_run_id", "customer"], unique=True)
    guard(COLUMNS_AFTER, LIVE_AFTER, " OR (close_run_id = NEW.close_run_id AND customer = NEW.customer)")
    guard_ledger()


NOT_IN_OLDER_TABLES = {
    "interim invoices": "SELECT count(*) FROM invoice WHERE kind <> 'period'",
    "lines that are not of usage": "SELECT count(*) FROM invoice_line WHERE kind <> 'usage'",
    "rows of the ledger": "SELECT count(*) FROM ledger",
}


def downgrade() -> None:
    for what, query in NOT_IN_OLDER_TABLES.items():
        found = op.get_bind().execute(sa.text(query)).scalar_one()
        if found:
            raise RuntimeError(f"{found} {what} would be lost: the older tables cannot hold them")
    op.drop_table("ledger")
    op.drop_index("uq_invoice_run", "invoice")
    guard(COLUMNS_BEFORE, LIVE_BEFORE)
    op.drop_column("invoice_line", "kind")
    op.drop_column("invoice", "part")
    op.drop_column("invoice", "kind")


def guard(columns: tuple[str, ...], live: tuple[str, ...], or_same: str = "") -> None:
    """Keep issued invoices as they are, and let one of each kind live."""
    op.drop_index("uq_invoice_live", "invoice")
    op.create_index(
        "uq_invoice_live",
        "invoice",
        list(live),
        unique=True,
        sqlite_where=sa.text("status = 'issued'"),
        postgresql_where=sa.text("status = 'issued'"),
    )
    if op.get_bind().dialect.name == "postgresql":
        changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in columns)
        op.execute(
            "CREATE OR REPLACE FUNCTION tokentill_only_void() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF {changed} OR NOT (OLD.status = 'issued' AND NEW.status = 'void')"
            " THEN RAISE EXCEPTION 'an issued invoice never changes'; END IF; RETURN NEW; END $$"
        )
        return
    refused = "SELECT RAISE(ABORT, 'an issued invoice never changes')"
    changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in columns)
    same = " AND ".join(f"{name} = NEW.{name}" for name in live)
    met = f"id = NEW.id OR number = NEW.number OR ({same} AND status = 'issued' AND NEW.status = 'issued'){or_same}"
    op.execute("DROP TRIGGER guard_invoice_update")
    op.execute("DROP TRIGGER guard_invoice_insert")
    op.execute(
        "CREATE TRIGGER guard_invoice_update BEFORE UPDATE ON invoice"
        f" WHEN {changed} OR NOT (OLD.status = 'issued' AND NEW.status = 'void') BEGIN {refused}; END"
    )
    op.execute(
        "CREATE TRIGGER guard_invoice_insert BEFORE INSERT ON invoice WHEN EXISTS (SELECT 1 FROM invoice"
        f" WHERE {met}) BEGIN {refused}; END"
    )


def guard_ledger() -> None:
    """The ledger is append-only."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER guard_ledger_rows BEFORE UPDATE OR DELETE ON ledger"
            " FOR EACH ROW EXECUTE FUNCTION tokentill_refuse()"
        )
        op.execute(
            "CREATE TRIGGER guard_ledger_truncate BEFORE TRUNCATE ON ledger"
            " FOR EACH STATEMENT EXECUTE FUNCTION tokentill_refuse()"
        )
        return
    refused = "SELECT RAISE(ABORT, 'ledger is append-only')"
    met = (
        "EXISTS (SELECT 1 FROM ledger WHERE rowid = NEW.rowid)"
        " OR EXISTS (SELECT 1 FROM ledger WHERE invoice_id = NEW.invoice_id AND position = NEW.position)"
    )
    op.execute(f"CREATE TRIGGER guard_ledger_update BEFORE UPDATE ON ledger BEGIN {refused}; END")
    op.execute(f"CREATE TRIGGER guard_ledger_delete BEFORE DELETE ON ledger BEGIN {refused}; END")
    op.execute(f"CREATE TRIGGER guard_ledger_insert BEFORE INSERT ON ledger WHEN {met} BEGIN {refused}; END")
