"""Rows of the ledger name the account that they belong to, and interim invoices keep what they taxed.

The account is the invoice's customer and currency. What interim invoices taxed is read from their content.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COLUMNS_BEFORE = ("invoice_id", "position", "kind", "name", "amount_minor")
KINDS_BEFORE = "'coupon', 'credit', 'balance', 'invoiced'"
KINDS_AFTER = KINDS_BEFORE + ", 'tax'"


def upgrade() -> None:
    account = (
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
    )
    make_anew(
        KINDS_AFTER,
        account,
        f"INSERT INTO ledger ({', '.join(COLUMNS_BEFORE)}, customer, currency)"
        f" SELECT {', '.join(f'before.{name}' for name in COLUMNS_BEFORE)}, invoice.customer, invoice.currency"
        " FROM ledger_before AS before JOIN invoice ON invoice.id = before.invoice_id",
    )
    op.create_index("ix_ledger_customer", "ledger", ["customer"])
    keep_taxes()


OTHER_ACCOUNTS = (
    "SELECT count(*) FROM ledger JOIN invoice ON invoice.id = ledger.invoice_id"
    " WHERE ledger.customer <> invoice.customer OR ledger.currency <> invoice.currency"
)


def downgrade() -> None:
    found = op.get_bind().execute(sa.text(OTHER_ACCOUNTS)).scalar_one()
    if found:
        raise RuntimeError(
            f"{found} balances of other customers or currencies would be lost: the older tables cannot hold them"
        )
    columns = ", ".join(COLUMNS_BEFORE)
    make_anew(
        KINDS_BEFORE, (), f"INSERT INTO ledger ({columns}) SELECT {columns} FROM ledger_before WHERE kind <> 'tax'"
    )


def make_anew(kinds: str, more: tuple[sa.Column[str], ...], fill: str) -> None:
    """Put the ledger's rows into a table of another form; its triggers keep them from being changed in place."""
    op.execute("CREATE TABLE ledger_before AS SELECT * FROM ledger")
    op.drop_table("ledger")
    op.create_table(
        "ledger",
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        *more,
        sa.PrimaryKeyConstraint("invoice_id", "position", name="pk_ledger"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_ledger_invoice"),
        sa.CheckConstraint(f"kind IN ({kinds})", name="ck_ledger_kind"),
        sqlite_strict=True,
    )
    op.execute(fill)
    op.drop_table("ledger_before")
    guard_ledger()


def keep_taxes() -> None:
    """Add a row for each tax of each interim invoice, after the rows that it has."""
    connection = op.get_bind()
    interims = connection.execute(
        sa.text(
            "SELECT invoice.id, invoice.customer, invoice.currency, invoice.content, max(ledger.position) AS last"
            " FROM invoice JOIN ledger ON ledger.invoice_id = invoice.id WHERE invoice.kind = 'interim'"
            " GROUP BY invoice.id, invoice.customer, invoice.currency, invoice.content"
        )
    ).all()
    insert = sa.text(
        "INSERT INTO ledger (invoice_id, position, kind, name, amount_minor, customer, currency)"
        " VALUES (:id, :position, 'tax', :name, :amount, :customer, :currency)"
    )
    for row in interims:
        items = json.loads(bytes(row.content)).get("items", ())
        # An amount is written with all digits of its minor unit.
        taxes = [(item["name"], int(item["amount"].replace(".", ""))) for item in items if item["kind"] == "tax"]
        for position, (name, amount) in enumerate((tax for tax in taxes if tax[1]), start=row.last + 1):
            values = {"id": row.id, "position": position, "name": name, "amount": amount}
            connection.execute(insert, {**values, "customer": row.customer, "currency": row.currency})


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
