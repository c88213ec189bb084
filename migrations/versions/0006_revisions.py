"""What people decide about single records: revisions, records without usage, and lines that are no record.

Usage has versions, and a withdrawal says from which sequence number on a row counts no more.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from tokentill.errors import IntegrityFault
from tokentill.store.schema_changes import guard, is_postgresql, refuse_to_lose, row_of, unguarded
from tokentill.usage.quantities import TOKEN_LEAVES

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NEW_TABLES = {
    "revision_decision": ("source_id", "record_id", "digest", "decision"),
    "withdrawal": ("usage_id", "cause"),
    "quarantine_decision": ("digest", "line"),
}
"""The tables that this makes, append-only all of them, with their keys."""

IDENTITY = "FROM usage WHERE source_id = NEW.source_id AND record_id = NEW.record_id)"
VERSION = "FROM usage WHERE source_id = NEW.source_id AND record_id = NEW.record_id AND version = NEW.version)"
"""How the guard of usage on SQLite knows a row again, before and after."""

USAGE = (
    *("id", "source_id", "record_id", "series_id", "seq", "occurred_at", "input_total", *TOKEN_LEAVES),
    *("has_cost", "cost_e8", "cost_e16", "cost_e24", "digest"),
)
REVISION = ("source_id", "record_id", "digest", "seq", "content")


def upgrade() -> None:
    if is_postgresql():
        op.drop_constraint("fk_revision_usage", "revision", type_="foreignkey")
        op.drop_constraint("uq_usage_identity", "usage", type_="unique")
        op.add_column("usage", version())
        op.create_unique_constraint("uq_usage_identity", "usage", ["source_id", "record_id", "version"])
        op.add_column("revision", version())
        for column in ("occurred_at", "revised_at"):
            op.add_column("revision", sa.Column(column, BIG, nullable=True))
        statement = sa.text(
            "UPDATE revision SET occurred_at = :occurred_at, revised_at = :revised_at"
            " WHERE source_id = :source_id AND record_id = :record_id AND digest = :digest"
        )
        with unguarded("revision"):
            for row in revised():
                op.get_bind().execute(statement, row)
        for column in ("occurred_at", "revised_at"):
            op.alter_column("revision", column, nullable=False)
        key = ["source_id", "record_id", "version"]
        op.create_foreign_key("fk_revision_usage", "revision", "usage", key, key)
    else:
        rebuild(has_versions=True)
    op.create_index("ix_revision_occurred_at", "revision", ["occurred_at"])
    op.create_index("ix_revision_revised_at", "revision", ["revised_at"])
    op.add_column("quarantine", sa.Column("occurred_at", BIG, nullable=True))
    op.create_index("ix_quarantine_occurred_at", "quarantine", ["occurred_at"])
    make_tables()
    for table, key in NEW_TABLES.items():
        guard(table, *row_of(*key))


def downgrade() -> None:
    refuse_to_lose(
        {
            "records that were revised": "SELECT count(*) FROM usage WHERE version > 1",
            "withdrawals": "SELECT count(*) FROM withdrawal",
            "decisions on revisions": "SELECT count(*) FROM revision_decision",
            "decisions on quarantined lines": "SELECT count(*) FROM quarantine_decision",
        }
    )
    for table in reversed(NEW_TABLES):
        op.drop_table(table)
    op.drop_index("ix_quarantine_occurred_at", "quarantine")
    op.drop_column("quarantine", "occurred_at")
    op.drop_index("ix_revision_revised_at", "revision")
    op.drop_index("ix_revision_occurred_at", "revision")
    if not is_postgresql():
        rebuild(has_versions=False)
        return
    op.drop_constraint("fk_revision_usage", "revision", type_="foreignkey")
    for column in ("revised_at", "occurred_at", "version"):
        op.drop_column("revision", column)
    op.drop_constraint("uq_usage_identity", "usage", type_="unique")
    op.drop_column("usage", "version")
    op.create_unique_constraint("uq_usage_identity", "usage", ["source_id", "record_id"])
    key = ["source_id", "record_id"]
    op.create_foreign_key("fk_revision_usage", "revision", "usage", key, key)


def version() -> sa.Column[int]:
    return sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1"))


def revised() -> list[dict[str, Any]]:
    """The revisions with the instant of the record that counts, and the one that they name."""
    rows = op.get_bind().execute(
        sa.text(
            "SELECT revision.source_id, revision.record_id, revision.digest, revision.seq, revision.content,"
            " usage.occurred_at FROM revision JOIN usage ON usage.source_id = revision.source_id"
            " AND usage.record_id = revision.record_id"
        )
    )
    found = [dict(row) for row in rows.mappings()]
    for row in found:
        at = datetime.fromisoformat(json.loads(row["content"])["occurred_at"])
        row["revised_at"] = (at - EPOCH) // timedelta(microseconds=1)
    return found


# SQLite: a unique constraint changes by a new table


def rebuild(*, has_versions: bool) -> None:
    """Make usage and what refers to it anew. The rows that refer to it lie aside meanwhile: a table that others refer
    to cannot be dropped.
    """
    bind = op.get_bind()
    kept = "SELECT sql FROM sqlite_master WHERE tbl_name IN ('usage', 'usage_unit', 'revision') AND type = '{}'"
    triggers = bind.execute(sa.text(kept.format("trigger"))).scalars().all()
    indexes = bind.execute(sa.text(kept.format("index") + " AND sql IS NOT NULL")).scalars().all()
    old, new = (IDENTITY, VERSION) if has_versions else (VERSION, IDENTITY)
    if sum(old in trigger for trigger in triggers) != 1:
        raise IntegrityFault("the guards of usage are not those that tokentill made; restore them from a backup")
    revisions = revised()
    op.execute("CREATE TABLE usage_unit_aside AS SELECT * FROM usage_unit")
    op.drop_table("usage_unit")
    op.drop_table("revision")
    make_usage("usage_anew", has_versions=has_versions)
    columns = ", ".join(USAGE)
    op.execute(f"INSERT INTO usage_anew ({columns}) SELECT {columns} FROM usage")
    op.drop_table("usage")
    op.rename_table("usage_anew", "usage")
    make_usage_unit()
    units = "usage_id, name, quantity"
    op.execute(f"INSERT INTO usage_unit ({units}) SELECT {units} FROM usage_unit_aside")
    op.drop_table("usage_unit_aside")
    make_revision(has_versions=has_versions)
    names = (*REVISION, "occurred_at", "revised_at") if has_versions else REVISION
    if revisions:
        places = ", ".join(f":{name}" for name in names)
        bind.execute(sa.text(f"INSERT INTO revision ({', '.join(names)}) VALUES ({places})"), revisions)
    for statement in (*indexes, *(trigger.replace(old, new) for trigger in triggers)):
        op.execute(statement)


def make_usage(name: str, *, has_versions: bool) -> None:
    identity = ("source_id", "record_id", *(("version",) if has_versions else ()))
    op.create_table(
        name,
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("source_id", BIG, nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("series_id", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("occurred_at", BIG, nullable=False),
        sa.Column("input_total", BIG, nullable=False),
        *(sa.Column(leaf, BIG, nullable=False, server_default=sa.text("0")) for leaf in TOKEN_LEAVES),
        sa.Column("has_cost", sa.Integer(), nullable=False),
        *(
            sa.Column(limb, BIG, nullable=False, server_default=sa.text("0"))
            for limb in ("cost_e8", "cost_e16", "cost_e24")
        ),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        *((version(),) if has_versions else ()),
        sa.PrimaryKeyConstraint("id", name="pk_usage"),
        sa.UniqueConstraint(*identity, name="uq_usage_identity"),
        sa.ForeignKeyConstraint(["seq"], ["batch.seq"], name="fk_usage_batch"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_usage_series"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_usage_source"),
        sa.CheckConstraint("length(digest) = 16", name="ck_usage_digest"),
        sa.CheckConstraint("has_cost IN (0, 1)", name="ck_usage_has_cost"),
        sqlite_strict=True,
    )


def make_usage_unit() -> None:
    op.create_table(
        "usage_unit",
        sa.Column("usage_id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", BIG, nullable=False),
        sa.PrimaryKeyConstraint("usage_id", "name", name="pk_usage_unit"),
        sa.ForeignKeyConstraint(["usage_id"], ["usage.id"], name="fk_usage_unit_usage"),
        sqlite_strict=True,
    )


def make_revision(*, has_versions: bool) -> None:
    identity = ["source_id", "record_id", *(["version"] if has_versions else [])]
    of_versions = (
        version(),
        sa.Column("occurred_at", BIG, nullable=False),
        sa.Column("revised_at", BIG, nullable=False),
    )
    op.create_table(
        "revision",
        sa.Column("source_id", BIG, nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        *(of_versions if has_versions else ()),
        sa.PrimaryKeyConstraint("source_id", "record_id", "digest", name="pk_revision"),
        sa.ForeignKeyConstraint(["seq"], ["batch.seq"], name="fk_revision_batch"),
        sa.ForeignKeyConstraint(identity, [f"usage.{name}" for name in identity], name="fk_revision_usage"),
        sqlite_strict=True,
    )


# What is new


def make_tables() -> None:
    op.create_table(
        "revision_decision",
        sa.Column("source_id", BIG, nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        *said(),
        sa.PrimaryKeyConstraint("source_id", "record_id", "digest", "decision", name="pk_revision_decision"),
        sa.ForeignKeyConstraint(
            ["source_id", "record_id", "digest"],
            ["revision.source_id", "revision.record_id", "revision.digest"],
            name="fk_revision_decision_revision",
        ),
        sa.CheckConstraint("decision IN ('accepted', 'rejected')", name="ck_revision_decision_decision"),
        sqlite_strict=True,
    )
    op.create_table(
        "withdrawal",
        sa.Column("usage_id", BIG, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        *said(),
        sa.PrimaryKeyConstraint("usage_id", "cause", name="pk_withdrawal"),
        sa.ForeignKeyConstraint(["usage_id"], ["usage.id"], name="fk_withdrawal_usage"),
        sa.ForeignKeyConstraint(["seq"], ["batch.seq"], name="fk_withdrawal_batch"),
        sa.CheckConstraint("cause IN ('revision', 'waiver')", name="ck_withdrawal_cause"),
        sqlite_strict=True,
    )
    op.create_index("ix_withdrawal_seq", "withdrawal", ["seq"])
    op.create_table(
        "quarantine_decision",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("line", BIG, nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        *said(),
        sa.PrimaryKeyConstraint("digest", "line", name="pk_quarantine_decision"),
        sa.ForeignKeyConstraint(
            ["digest", "line"], ["quarantine.digest", "quarantine.line"], name="fk_quarantine_decision_quarantine"
        ),
        sa.CheckConstraint("decision IN ('discarded')", name="ck_quarantine_decision_decision"),
        sqlite_strict=True,
    )


def said() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
    )
