"""Batches say which usage rows are theirs, so that no index is needed to find these, and whether sums are kept of them.

What is asked of a series in a segment of time is found by the series and by the batches that reach into it.
"""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import sqlalchemy as sa
from alembic import op

from tokentill.store.schema_changes import is_postgresql, unguarded

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

CHECK = "is_summed IN (0, 1)"
ENDS = {"first_id": "min", "last_id": "max"}


def upgrade() -> None:
    for name in ENDS:
        op.add_column("batch", sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
    with unguarded("batch"):
        of_batch = "FROM usage WHERE usage.seq = batch.seq"
        ends = ", ".join(f"{name} = (SELECT {end}(id) {of_batch})" for name, end in ENDS.items())
        op.execute(f"UPDATE batch SET {ends}")
    if is_postgresql():
        op.add_column("batch", sa.Column("is_summed", sa.Integer(), nullable=False, server_default=sa.text("1")))
        op.create_check_constraint(op.f("ck_batch_is_summed"), "batch", CHECK)
    else:
        check = f"CONSTRAINT ck_batch_is_summed CHECK ({CHECK})"
        op.execute(f"ALTER TABLE batch ADD COLUMN is_summed INTEGER DEFAULT 1 NOT NULL {check}")
    op.drop_index("ix_usage_seq", "usage")
    op.drop_index("ix_usage_series", "usage")
    op.create_index("ix_usage_series", "usage", ["series_id"])


def downgrade() -> None:
    op.drop_index("ix_usage_series", "usage")
    op.create_index("ix_usage_series", "usage", ["series_id", "occurred_at"])
    op.create_index("ix_usage_seq", "usage", ["seq"])
    unsummed = op.get_bind().execute(sa.text("SELECT count(*) FROM batch WHERE is_summed = 0")).scalar_one()
    for name in ("is_summed", *ENDS):
        op.drop_column("batch", name)
    if unsummed:
        sum_everything()


def sum_everything() -> None:
    """Make the sums anew, as they were made first: those of every record."""
    first = SourceFileLoader("sums_of_usage", str(Path(__file__).with_name("0017_sums_of_usage.py")))
    first.exec_module(sums := ModuleType(first.name))
    sums.downgrade()
    sums.upgrade()
