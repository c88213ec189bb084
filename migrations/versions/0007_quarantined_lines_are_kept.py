"""Quarantined lines are kept whole, with what they were read with, and may be taken in when they are read again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEPT = {"raw": sa.LargeBinary, "header": sa.LargeBinary, "source": sa.Text, "format": sa.Text}
CHECK = "ck_quarantine_decision_decision"
BEFORE, AFTER = "decision IN ('discarded')", "decision IN ('discarded', 'taken')"


def upgrade() -> None:
    for name, kind in KEPT.items():
        op.add_column("quarantine", sa.Column(name, kind(), nullable=True))
    allow(AFTER)


def downgrade() -> None:
    """Go back while no line was taken in. What is kept of lines is dropped: their files can be ingested again."""
    taken = "SELECT count(*) FROM quarantine_decision WHERE decision = 'taken'"
    if count := op.get_bind().execute(sa.text(taken)).scalar_one():
        raise RuntimeError(
            f"{count} decisions on quarantined lines would be lost; an older tokentill has no place for them"
        )
    allow(BEFORE)
    for name in reversed(KEPT):
        op.drop_column("quarantine", name)


def allow(decisions: str) -> None:
    """Let what became of a line be one of these. On SQLite a check changes by a new table, which keeps its guards."""
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        op.drop_constraint(CHECK, "quarantine_decision", type_="check")
        op.create_check_constraint(op.f(CHECK), "quarantine_decision", decisions)
        return
    kept = "SELECT sql FROM sqlite_master WHERE tbl_name = 'quarantine_decision' AND type = 'trigger' ORDER BY name"
    guards = bind.execute(sa.text(kept)).scalars().all()
    op.create_table(
        "quarantine_decision_anew",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("line", BIG, nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("digest", "line", name="pk_quarantine_decision"),
        sa.ForeignKeyConstraint(
            ["digest", "line"], ["quarantine.digest", "quarantine.line"], name="fk_quarantine_decision_quarantine"
        ),
        sa.CheckConstraint(decisions, name=CHECK),
        sqlite_strict=True,
    )
    columns = "digest, line, decision, reviewer, reason, recorded_at"
    op.execute(f"INSERT INTO quarantine_decision_anew ({columns}) SELECT {columns} FROM quarantine_decision")
    op.drop_table("quarantine_decision")
    op.rename_table("quarantine_decision_anew", "quarantine_decision")
    for guard in guards:
        op.execute(guard)
