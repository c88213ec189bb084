"""A series says whether the gateway answered its requests from its own cache, which a tag said until now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tokentill.store.schema_changes import is_postgresql, refuse_to_lose, unguarded

revision = "0014"
down_revision = "0011"
branch_labels = None
depends_on = None

TAGGED = "tags LIKE '%\"response-cache\"%'"
"""What readers have tagged as a replay. It stays tagged, so that the digests of series and records stay, too."""
CHECK = "is_replayed IN (0, 1)"


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


def downgrade() -> None:
    """Go back while every replay has the tag that says so."""
    refuse_to_lose(
        {"kinds of replayed requests": f"SELECT count(*) FROM series WHERE is_replayed = 1 AND NOT {TAGGED}"}
    )
    op.drop_column("series", "is_replayed")
