"""The ledger holds what a commitment over a term came to, and opening balances that were brought forward."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CHECK = "ck_ledger_kind"
BEFORE = "'coupon', 'credit', 'balance', 'invoiced', 'tax'"
NEW = "'commitment', 'overage', 'true_up', 'opening'"


def upgrade() -> None:
    allow(f"{BEFORE}, {NEW}")


def downgrade() -> None:
    """Go back while no document has a commitment or an opening balance."""
    found = f"SELECT count(*) FROM ledger WHERE kind IN ({NEW})"
    if count := op.get_bind().execute(sa.text(found)).scalar_one():
        raise RuntimeError(
            f"{count} rows of commitments and opening balances would be lost; an older tokentill has no place for them"
        )
    allow(BEFORE)


def allow(kinds: str) -> None:
    """Let a row be of one of these kinds. On SQLite a check changes by a new table, which keeps its guards."""
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        op.drop_constraint(CHECK, "ledger", type_="check")
        op.create_check_constraint(op.f(CHECK), "ledger", f"kind IN ({kinds})")
        return
    kept = "SELECT sql FROM sqlite_master WHERE tbl_name = 'ledger' AND type = 'trigger' ORDER BY name"
    guards = bind.execute(sa.text(kept)).scalars().all()
    op.create_table(
        "ledger_anew",
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.PrimaryKeyConstraint("invoice_id", "position", name="pk_ledger"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_ledger_invoice"),
        sa.CheckConstraint(f"kind IN ({kinds})", name=CHECK),
        sqlite_strict=True,
    )
    columns = "invoice_id, position, kind, name, amount_minor, customer, currency, period"
    op.execute(f"INSERT INTO ledger_anew ({columns}) SELECT {columns} FROM ledger")
    op.drop_table("ledger")
    op.rename_table("ledger_anew", "ledger")
    op.create_index("ix_ledger_customer", "ledger", ["customer"])
    for guard in guards:
        op.execute(guard)
