"""Records know the request that they tell of, batches who told, and what else was told is kept beside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tokentill.store.schema_changes import guard, refuse_to_lose, row_of

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

NEW_TABLES = {
    "usage_request": [("usage_id",), ("source_id", "request", "version")],
    "witness": [("source_id", "record_id", "reporter", "digest")],
}
"""The tables that this makes, append-only both of them, with what is unique in them."""


def upgrade() -> None:
    op.add_column("batch", sa.Column("reporter", sa.Text(), nullable=True))
    make_tables()
    for table, keys in NEW_TABLES.items():
        guard(table, *dict.fromkeys(met for key in keys for met in row_of(*key)))


def downgrade() -> None:
    """Go back while every record is the only one of its request, and all came from their sources' exports."""
    refuse_to_lose(
        {
            "requests of several records": "SELECT count(*) FROM usage_request",
            "reports beside what counts": "SELECT count(*) FROM witness",
            "imports of other reporters": "SELECT count(*) FROM batch WHERE reporter IS NOT NULL",
        }
    )
    for table in reversed(NEW_TABLES):
        op.drop_table(table)
    op.drop_column("batch", "reporter")


def make_tables() -> None:
    op.create_table(
        "usage_request",
        sa.Column("usage_id", BIG, nullable=False),
        sa.Column("source_id", BIG, nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("usage_id", name="pk_usage_request"),
        sa.UniqueConstraint("source_id", "request", "version", name="uq_usage_request_version"),
        sa.ForeignKeyConstraint(["usage_id"], ["usage.id"], name="fk_usage_request_usage"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_usage_request_source"),
        sqlite_strict=True,
    )
    op.create_index("ix_usage_request_key", "usage_request", ["source_id", "request_key"])
    op.create_table(
        "witness",
        sa.Column("source_id", BIG, nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("reporter", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("occurred_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("source_id", "record_id", "reporter", "digest", name="pk_witness"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_witness_source"),
        sa.ForeignKeyConstraint(["seq"], ["batch.seq"], name="fk_witness_batch"),
        sqlite_strict=True,
    )
    op.create_index("ix_witness_request", "witness", ["source_id", "request"])
    op.create_index("ix_witness_occurred_at", "witness", ["occurred_at"])
    op.create_index("ix_witness_seq", "witness", ["seq"])
