"""API keys and teams are bound to customers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tokentill.store.schema_changes import guard, refuse_to_lose, row_of

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATED = " + ".join(f"(CASE WHEN {name} IS NULL THEN 0 ELSE 1 END)" for name in ("api_key", "team", "customer"))
LOST = {"bindings of API keys and teams": "SELECT count(*) FROM key_binding"}


def upgrade() -> None:
    op.create_table(
        "key_binding",
        sa.Column("seq", BIG, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("api_key", "team", "customer")),
        sa.Column("valid_from", BIG, nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_key_binding"),
        sa.CheckConstraint(f"{STATED} = 2", name="ck_key_binding_parties"),
        sqlite_strict=True,
    )
    guard("key_binding", *row_of("seq"))


def downgrade() -> None:
    refuse_to_lose(LOST)
    op.drop_table("key_binding")
