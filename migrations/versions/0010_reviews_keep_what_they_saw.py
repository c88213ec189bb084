"""Lines that people add to invoices and take away again; reviews keep the pins that they saw, and their policy."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from tokentill.store.schema_changes import guard, refuse_to_lose, unguarded

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEPT = ("pins", "policy", "policy_hash")
"""Columns of `review`; the audit log states the same."""

MET = {
    "manual_line": "rowid = NEW.rowid OR number = NEW.number",
    "manual_line_removal": "rowid = NEW.rowid OR line = NEW.line OR number = NEW.number",
}
"""When a row of a new table is met, which is append-only."""


def upgrade() -> None:
    op.create_table(
        "manual_line",
        sa.Column("number", BIG, nullable=False, autoincrement=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("may_be_negative", sa.Integer(), nullable=False),
        *said(),
        sa.PrimaryKeyConstraint("number", name="pk_manual_line"),
        sa.CheckConstraint("may_be_negative IN (0, 1)", name="ck_manual_line_may_be_negative"),
        sqlite_strict=True,
    )
    op.create_index("ix_manual_line_period", "manual_line", ["period"])
    op.create_table(
        "manual_line_removal",
        sa.Column("line", BIG, nullable=False, autoincrement=False),
        sa.Column("number", BIG, nullable=False),
        *said(),
        sa.PrimaryKeyConstraint("line", name="pk_manual_line_removal"),
        sa.UniqueConstraint("number", name="uq_manual_line_removal_number"),
        sa.ForeignKeyConstraint(["line"], ["manual_line.number"], name="fk_manual_line_removal_manual_line"),
        sqlite_strict=True,
    )
    for table, met in MET.items():
        guard(table, met)
    kept = [says for says in reviews_in_the_audit_log() if says["pins"] is not None]
    for name in KEPT:
        op.add_column("review", sa.Column(name, sa.Text(), nullable=True))
    if kept:
        fill(kept)


def downgrade() -> None:
    """Go back while nobody added a line. What reviews saw stays in the audit log, and comes from there again."""
    refuse_to_lose({"manual lines": "SELECT count(*) FROM manual_line"})
    for name in reversed(KEPT):
        op.drop_column("review", name)
    op.drop_table("manual_line_removal")
    op.drop_index("ix_manual_line_period", "manual_line")
    op.drop_table("manual_line")


def said() -> tuple[sa.Column[str], sa.Column[str], sa.Column[int]]:
    return (
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
    )


def reviews_in_the_audit_log() -> list[dict[str, str | int | None]]:
    """What reviews saw, of each that the audit log states, in their order; None of those that were made before."""
    entries = op.get_bind().execute(
        sa.text(
            "SELECT action, content, actor, recorded_at FROM audit"
            " WHERE action IN ('review.approved', 'review.held', 'review.released') ORDER BY seq"
        )
    )
    stated: list[dict[str, str | int | None]] = []
    for entry in entries:
        content = json.loads(entry.content)
        pins = content.get("pins")
        stated.append(
            {
                "pins": None if pins is None else json.dumps(pins, sort_keys=True, separators=(",", ":")),
                "policy": content.get("policy"),
                "policy_hash": content.get("policy_hash"),
                "customer": content["customer"],
                "period": content["period"],
                "content_hash": content["content_hash"],
                "kind": entry.action.removeprefix("review."),
                "recorded_at": entry.recorded_at,
            }
        )
    return stated


def fill(kept: list[dict[str, str | int | None]]) -> None:
    """Put back what reviews saw. Nothing else of them changes."""
    statement = sa.text(
        "UPDATE review SET pins = :pins, policy = :policy, policy_hash = :policy_hash"
        " WHERE customer = :customer AND period = :period AND content_hash = :content_hash"
        " AND kind = :kind AND recorded_at = :recorded_at"
    )
    with unguarded("review"):
        op.get_bind().execute(statement, kept)
