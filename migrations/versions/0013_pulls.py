"""How far the pulls of a source came is kept: what was read whole, what may be missing, and where to go on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tokentill.store.schema_changes import guard, refuse_to_lose, row_of

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = ("source", "asked_user", "number")


def upgrade() -> None:
    op.create_table(
        "pull",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("asked_user", sa.Text(), nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("starts_at", BIG, nullable=False),
        sa.Column("ends_at", BIG, nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("checkpoint_at", BIG, nullable=True),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint(*KEY, name="pk_pull"),
        sa.CheckConstraint("kind IN ('page', 'whole', 'gap')", name="ck_pull_kind"),
        sa.CheckConstraint("starts_at < ends_at", name="ck_pull_time"),
        sa.CheckConstraint("(kind = 'page') = (cursor IS NOT NULL)", name="ck_pull_cursor"),
        sa.CheckConstraint("(kind = 'gap') = (why IS NOT NULL)", name="ck_pull_why"),
        sqlite_strict=True,
    )
    guard("pull", *row_of(*KEY))


def downgrade() -> None:
    """Go back while nothing was pulled: an older version would take what is missing for complete."""
    refuse_to_lose({"notes of how far pulls came": "SELECT count(*) FROM pull"})
    op.drop_table("pull")
