"""PostgreSQL looks at what a usage row refers to row by row, where nobody has asked for all of them before.

To keep the new rows for one look at the end of the statement was a twentieth of what many of them cost. An import asks
for all that its rows refer to at once, as it does on SQLite, and says so to its own transaction.
"""

from __future__ import annotations

from alembic import op

from tokentill.store.schema_changes import is_postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

REFERENCES = {"source_id": ("source", "id"), "series_id": ("series", "id"), "seq": ("batch", "seq")}


def upgrade() -> None:
    missing = (
        f"NOT EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{column})" for column, (table, key) in REFERENCES.items()
    )
    _guard(
        f"IF {' OR '.join(missing)} THEN",
        "FOR EACH ROW WHEN (current_setting('tokentill.references', true) IS DISTINCT FROM 'asked')",
    )


def downgrade() -> None:
    joined = " ".join(
        f"LEFT JOIN {table} ON {table}.{key} = brought.{column}" for column, (table, key) in REFERENCES.items()
    )
    missing = " OR ".join(f"{table}.{key} IS NULL" for table, key in REFERENCES.values())
    _guard(
        f"IF EXISTS (SELECT 1 FROM (SELECT DISTINCT {', '.join(REFERENCES)} FROM new_rows) AS brought"
        f" {joined} WHERE {missing}) THEN",
        "REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT",
    )


def _guard(is_missing: str, when: str) -> None:
    if not is_postgresql():
        return
    op.execute("DROP TRIGGER guard_usage_refers ON usage")
    op.execute(
        "CREATE OR REPLACE FUNCTION tokentill_usage_refers() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" {is_missing}"
        " RAISE EXCEPTION 'a row of usage refers to a source, a series or a batch that is not there'"
        " USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER guard_usage_refers AFTER INSERT ON usage {when} EXECUTE FUNCTION tokentill_usage_refers()"
    )
