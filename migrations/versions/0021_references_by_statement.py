"""PostgreSQL looks at what usage rows refer to once a statement.

A reference of its own asks anew for each row, which is most of what many new rows cost there. What is referred to is
append-only, so that nothing has to be asked when it goes. SQLite asks next to nothing, and keeps its references.
"""

from __future__ import annotations

from alembic import op

from tokentill.store.schema_changes import is_postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

REFERENCES = {"source_id": ("source", "id"), "series_id": ("series", "id"), "seq": ("batch", "seq")}


def upgrade() -> None:
    if not is_postgresql():
        return
    for table, _ in REFERENCES.values():
        op.drop_constraint(op.f(f"fk_usage_{table}"), "usage", type_="foreignkey")
    joined = " ".join(
        f"LEFT JOIN {table} ON {table}.{key} = brought.{column}" for column, (table, key) in REFERENCES.items()
    )
    missing = " OR ".join(f"{table}.{key} IS NULL" for table, key in REFERENCES.values())
    op.execute(
        "CREATE FUNCTION tokentill_usage_refers() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF EXISTS (SELECT 1 FROM (SELECT DISTINCT {', '.join(REFERENCES)} FROM new_rows) AS brought"
        f" {joined} WHERE {missing}) THEN"
        " RAISE EXCEPTION 'a row of usage refers to a source, a series or a batch that is not there'"
        " USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER guard_usage_refers AFTER INSERT ON usage REFERENCING NEW TABLE AS new_rows"
        " FOR EACH STATEMENT EXECUTE FUNCTION tokentill_usage_refers()"
    )


def downgrade() -> None:
    if not is_postgresql():
        return
    op.execute("DROP TRIGGER guard_usage_refers ON usage")
    op.execute("DROP FUNCTION tokentill_usage_refers()")
    for column, (table, key) in REFERENCES.items():
        op.create_foreign_key(op.f(f"fk_usage_{table}"), "usage", table, [column], [key])
