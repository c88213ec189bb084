"""Quarantined lines are kept whole, with what they were read with, and may be taken in when they are read again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tokentill.store.schema_changes import change_check, refuse_to_lose

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEPT = {"raw": sa.LargeBinary, "header": sa.LargeBinary, "source": sa.Text, "format": sa.Text}
CHECK = ("quarantine_decision", "ck_quarantine_decision_decision")
BEFORE, AFTER = "decision IN ('discarded')", "decision IN ('discarded', 'taken')"


def upgrade() -> None:
    for name, kind in KEPT.items():
        op.add_column("quarantine", sa.Column(name, kind(), nullable=True))
    change_check(*CHECK, BEFORE, AFTER)


def downgrade() -> None:
    """Go back while no line was taken in. What is kept of lines is dropped: their files can be ingested again."""
    taken = "SELECT count(*) FROM quarantine_decision WHERE decision = 'taken'"
    refuse_to_lose({"decisions on quarantined lines": taken})
    change_check(*CHECK, AFTER, BEFORE)
    for name in reversed(KEPT):
        op.drop_column("quarantine", name)
