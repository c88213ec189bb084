"""Batches say which usage rows are theirs, so that no index is needed to find these.

What is asked of a series in a segment of time is found by the series and by the batches that reach into it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tokentill.store.schema_changes import unguarded

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ENDS = {"first_id": "min", "last_id": "max"}


def upgrade() -> None:
    for name in ENDS:
        op.add_column("batch", sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
    with unguarded("batch"):
        of_batch = "FROM usage WHERE usage.seq = batch.seq"
        ends = ", ".join(f"{name} = (SELECT {end}(id) {of_batch})" for name, end in ENDS.items())
        op.execute(f"UPDATE batch SET {ends}")
    op.drop_index("ix_usage_seq", "usage")
    op.drop_index("ix_usage_series", "usage")
    op.create_index("ix_usage_series", "usage", ["series_id"])


def downgrade() -> None:
    op.drop_index("ix_usage_series", "usage")
    op.create_index("ix_usage_series", "usage", ["series_id", "occurred_at"])
    op.create_index("ix_usage_seq", "usage", ["seq"])
    for name in ENDS:
        op.drop_column("batch", name)
