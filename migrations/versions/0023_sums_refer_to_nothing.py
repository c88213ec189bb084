"""Sums of usage refer to nothing by themselves.

They are of records, which name the same series and batches, and `db check` holds the ones to the others. To ask once
more for each row of sums was a third of what they cost an import on PostgreSQL.
"""

from __future__ import annotations

from alembic import op

from tokentill.store.schema_changes import change_definition, is_postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLES = ("usage_sum", "usage_sum_unit")
REFERENCES = {"series": ("series_id", "id"), "batch": ("seq", "seq")}
KEYS = "day, series_id, band, facts, seq"


def written(table: str) -> dict[str, str]:
    """A table's references and what they stand behind, as SQLite has them, and the latter alone."""
    key = f"PRIMARY KEY ({KEYS}, name)" if table == "usage_sum_unit" else f"PRIMARY KEY ({KEYS})"
    references = "".join(
        f", \n\tCONSTRAINT fk_{table}_{other} FOREIGN KEY({column}) REFERENCES {other} ({named})"
        for other, (column, named) in REFERENCES.items()
    )
    return {key + references: key}


def upgrade() -> None:
    for table in TABLES:
        if not is_postgresql():
            change_definition(table, written(table))
            continue
        for other in REFERENCES:
            op.drop_constraint(op.f(f"fk_{table}_{other}"), table, type_="foreignkey")


def downgrade() -> None:
    for table in TABLES:
        if not is_postgresql():
            change_definition(table, {after: before for before, after in written(table).items()})
            continue
        for other, (column, named) in REFERENCES.items():
            op.create_foreign_key(op.f(f"fk_{table}_{other}"), table, other, [column], [named])
