"""SQLite looks at what usage rows refer to in a trigger, too, which is away while many rows go in.

References of their own were a tenth of what many new rows cost. Whether everything is there that rows refer to is asked
once for all of them then (see `store.usage.usage_inserts`).
"""

from __future__ import annotations

from alembic import op

from tokentill.store.schema_changes import change_definition, is_postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

REFERENCES = {
    "CONSTRAINT fk_usage_batch FOREIGN KEY(seq) REFERENCES batch (seq), ": "",
    "CONSTRAINT fk_usage_series FOREIGN KEY(series_id) REFERENCES series (id), ": "",
    "CONSTRAINT fk_usage_source FOREIGN KEY(source_id) REFERENCES source (id), ": "",
}
CHECK = "CONSTRAINT ck_usage_digest CHECK"


def upgrade() -> None:
    if is_postgresql():
        return
    change_definition("usage", REFERENCES)
    op.execute(
        "CREATE TRIGGER guard_usage_refers AFTER INSERT ON usage"
        " WHEN NOT EXISTS (SELECT 1 FROM source WHERE id = NEW.source_id)"
        " OR NOT EXISTS (SELECT 1 FROM series WHERE id = NEW.series_id)"
        " OR NOT EXISTS (SELECT 1 FROM batch WHERE seq = NEW.seq)"
        " BEGIN SELECT RAISE(ABORT, 'a row of usage refers to a source, a series or a batch that is not there'); END"
    )


def downgrade() -> None:
    if is_postgresql():
        return
    op.execute("DROP TRIGGER guard_usage_refers")
    change_definition("usage", {CHECK: "".join(REFERENCES) + CHECK})
