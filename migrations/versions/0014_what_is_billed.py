"""Estimates can be accepted, and a series says whether the gateway answered from its own cache, as a tag did before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tokentill.store.schema_changes import change_check, is_postgresql, refuse_to_lose, unguarded

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TAGGED = "tags LIKE '%\"response-cache\"%'"
"""What readers have tagged as a replay. It stays tagged, so that the digests of series and records stay, too."""
CHECK = "is_replayed IN (0, 1)"
CAUSE = ("withdrawal", "ck_withdrawal_cause")
CAUSES = "'revision', 'waiver', 'retraction'"
BEFORE, AFTER = f"cause IN ({CAUSES})", f"cause IN ({CAUSES}, 'acceptance')"


def upgrade() -> None:
    if is_postgresql():
        op.add_column("series", sa.Column("is_replayed", sa.Integer(), nullable=False, server_default=sa.text("0")))
        op.create_check_constraint(op.f("ck_series_is_replayed"), "series", CHECK)
    else:  # a column of SQLite gets a check only together with it
        op.execute(
            "ALTER TABLE series ADD COLUMN is_replayed INTEGER DEFAULT 0 NOT NULL"
            f" CONSTRAINT ck_series_is_replayed CHECK ({CHECK})"
        )
    with unguarded("series"):
        op.execute(f"UPDATE series SET is_replayed = 1 WHERE {TAGGED}")
    change_check(*CAUSE, BEFORE, AFTER)


def downgrade() -> None:
    """Go back while every replay has the tag that says so, and no estimate was accepted."""
    refuse_to_lose(
        {
            "kinds of replayed requests": f"SELECT count(*) FROM series WHERE is_replayed = 1 AND NOT {TAGGED}",
            "accepted estimates": "SELECT count(*) FROM withdrawal WHERE cause = 'acceptance'",
        }
    )
    change_check(*CAUSE, AFTER, BEFORE)
    op.drop_column("series", "is_replayed")
