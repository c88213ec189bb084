"""A batch has one digest of all its usage rows. Rows that have one of their own keep it, and new ones have none.

Batches know when their records were, so records are found by that, and need no index by their instants.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

from tokentill.canonical import canonical_bytes
from tokentill.money import EXACT, amount_text
from tokentill.store.schema_changes import change_definition, is_postgresql, unguarded
from tokentill.usage.quantities import TOKEN_LEAVES

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

NOT_NULL, NULL = "digest BLOB NOT NULL, ", "digest BLOB, "
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROWS_AT_ONCE = 10_000
SERIES = ("source", "user", "api_key", "model", "provider", "mode", "geo", "status", "usage_state")


def upgrade() -> None:
    op.add_column("batch", sa.Column("digest", sa.LargeBinary(), nullable=True))
    if is_postgresql():
        op.alter_column("usage", "digest", nullable=True)
    else:
        change_definition("usage", {NOT_NULL: NULL})
    op.drop_index("ix_usage_occurred_at", "usage")


def downgrade() -> None:
    statement = sa.text("UPDATE usage SET digest = :digest WHERE id = :id")
    with unguarded("usage"):
        for rows in rows_without_digest():
            op.get_bind().execute(statement, rows)
    if is_postgresql():
        op.alter_column("usage", "digest", nullable=False)
    else:
        change_definition("usage", {NULL: NOT_NULL})
    op.drop_column("batch", "digest")
    op.create_index("ix_usage_occurred_at", "usage", ["occurred_at"])


def rows_without_digest() -> Iterator[list[dict[str, Any]]]:
    """The ids of rows that have no digest, each with the one that an older tokentill gives it, part by part."""
    columns = ", ".join(f's."{name}"' for name in (*SERIES, "tags", "is_byok", "is_replayed"))
    query = sa.text(
        f"SELECT u.*, {columns}, r.request_key FROM usage u JOIN series s ON s.id = u.series_id"
        " LEFT JOIN usage_request r ON r.usage_id = u.id"
        f" WHERE u.digest IS NULL ORDER BY u.id LIMIT {ROWS_AT_ONCE}"
    )
    units_of = sa.text("SELECT usage_id, name, quantity FROM usage_unit WHERE usage_id BETWEEN :first AND :last")
    while rows := op.get_bind().execute(query).mappings().all():
        units: dict[int, dict[str, int]] = {}
        for usage_id, name, quantity in op.get_bind().execute(
            units_of, {"first": rows[0]["id"], "last": rows[-1]["id"]}
        ):
            units.setdefault(usage_id, {})[name] = quantity
        yield [{"id": row["id"], "digest": digest_of(row, units.get(row["id"], {}))} for row in rows]


def digest_of(row: Any, units: dict[str, int]) -> bytes:
    """16 bytes that stand for the canonical content of a record."""
    counts = {leaf: row[leaf] for leaf in TOKEN_LEAVES if row[leaf]} | units
    whole = (row["cost_e8"] * 10**8 + row["cost_e16"]) * 10**8 + row["cost_e24"]
    at = EPOCH + timedelta(microseconds=row["occurred_at"])
    tags = json.loads(row["tags"])
    replayed = {"is_replayed": True} if row["is_replayed"] and "response-cache" not in tags else {}
    content = {
        **{name: row[name] for name in SERIES},
        **replayed,
        **({} if row["request_key"] is None else {"request_key": row["request_key"]}),
        "tags": tags,
        "is_byok": bool(row["is_byok"]),
        "record_id": row["record_id"],
        "occurred_at": at.replace(tzinfo=None).isoformat() + "Z",
        "quantities": dict(sorted(counts.items())),
        "cost": amount_text(Decimal(whole).scaleb(-24, EXACT)) if row["has_cost"] else None,
    }
    return sha256(canonical_bytes(content)).digest()[:16]
