"""The first tables: usage, recordings, invoices, reviews, the audit log and the outbox to Stripe.

Rows that must never change are guarded by triggers, on both databases, against UPDATE, DELETE, INSERT OR REPLACE
(SQLite) and TRUNCATE (PostgreSQL).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

COUNTERS = ("batch", "binding", "review", "audit", "invoice")
APPEND_ONLY = {
    "batch": (("seq",),),
    "usage": (("id",), ("source_id", "record_id")),
    "usage_unit": (("usage_id", "name"),),
    "revision": (("source_id", "record_id", "digest"),),
    "quarantine": (("digest", "line"),),
    "recording": (("hash",),),
    "binding": (("seq",),),
    "review": (("seq",),),
    "audit": (("seq",), ("hash",)),
    "invoice_line": (("invoice_id", "position"),),
}
"""Tables whose rows stay for good, with their unique keys."""
DROP_ORDER = (
    "usage_unit",
    "revision",
    "push",
    "invoice_line",
    "usage",
    "quarantine",
    "invoice",
    "stripe_account",
    "source",
    "series",
    "review",
    "recording",
    "customer",
    "counter",
    "close_run",
    "binding",
    "batch",
    "audit",
)
INVOICE_COLUMNS = (
    "id",
    "number",
    "customer",
    "period",
    "currency",
    "subtotal_minor",
    "tax_minor",
    "total_minor",
    "content",
    "content_hash",
    "pins",
    "issued_at",
    "close_run_id",
)


def upgrade() -> None:
    make_tables()
    for name in COUNTERS:
        op.execute(sa.text("INSERT INTO counter (name, value) VALUES (:name, 0)").bindparams(name=name))
    if op.get_bind().dialect.name == "sqlite":
        guard_on_sqlite()
    else:
        guard_on_postgresql()


def downgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for name in DROP_ORDER:
        op.drop_table(name)
    if is_postgresql:
        op.execute("DROP FUNCTION tokentill_refuse()")
        op.execute("DROP FUNCTION tokentill_only_void()")


def guard_on_sqlite() -> None:
    """Refuse by trigger. The one before INSERT is for INSERT OR REPLACE, which deletes without asking others."""
    for table in APPEND_ONLY:
        refused = f"SELECT RAISE(ABORT, '{table} is append-only')"
        op.execute(f"CREATE TRIGGER guard_{table}_update BEFORE UPDATE ON {table} BEGIN {refused}; END")
        op.execute(f"CREATE TRIGGER guard_{table}_delete BEFORE DELETE ON {table} BEGIN {refused}; END")
    refused = "SELECT RAISE(ABORT, 'an issued invoice never changes')"
    changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in INVOICE_COLUMNS)
    op.execute(
        "CREATE TRIGGER guard_invoice_update BEFORE UPDATE ON invoice"
        f" WHEN {changed} OR NOT (OLD.status = 'issued' AND NEW.status = 'void') BEGIN {refused}; END"
    )
    op.execute(f"CREATE TRIGGER guard_invoice_delete BEFORE DELETE ON invoice BEGIN {refused}; END")
    op.execute(
        "CREATE TRIGGER guard_invoice_insert BEFORE INSERT ON invoice WHEN EXISTS (SELECT 1 FROM invoice"
        " WHERE id = NEW.id OR number = NEW.number"
        " OR (customer = NEW.customer AND period = NEW.period AND status = 'issued' AND NEW.status = 'issued'))"
        f" BEGIN {refused}; END"
    )
    for table, keys in APPEND_ONLY.items():
        # Each way in which a new row could push an old one out: by SQLite's own row number, or by a unique key.
        same = [" AND ".join(f"{name} = NEW.{name}" for name in key) for key in (("rowid",), *keys)]
        met = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {condition})" for condition in same)
        op.execute(
            f"CREATE TRIGGER guard_{table}_insert BEFORE INSERT ON {table} WHEN {met}"
            f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def guard_on_postgresql() -> None:
    """Refuse by trigger, for rows and for TRUNCATE."""
    op.execute(
        "CREATE FUNCTION tokentill_refuse() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in INVOICE_COLUMNS)
    op.execute(
        "CREATE FUNCTION tokentill_only_void() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF {changed} OR NOT (OLD.status = 'issued' AND NEW.status = 'void')"
        " THEN RAISE EXCEPTION 'an issued invoice never changes'; END IF; RETURN NEW; END $$"
    )
    for table in (*APPEND_ONLY, "invoice"):
        events = "DELETE" if table == "invoice" else "UPDATE OR DELETE"
        op.execute(
            f"CREATE TRIGGER guard_{table}_rows BEFORE {events} ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION tokentill_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER guard_{table}_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION tokentill_refuse()"
        )
    op.execute(
        "CREATE TRIGGER guard_invoice_update BEFORE UPDATE ON invoice"
        " FOR EACH ROW EXECUTE FUNCTION tokentill_only_void()"
    )


def make_tables() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", BIG, nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
        sa.UniqueConstraint("hash", name="uq_audit_hash"),
        sqlite_strict=True,
    )
    op.create_table(
        "batch",
        sa.Column("seq", BIG, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.Column("accepted", BIG, nullable=False),
        sa.Column("duplicates", BIG, nullable=False),
        sa.Column("revisions", BIG, nullable=False),
        sa.Column("quarantined", BIG, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_batch"),
        sqlite_strict=True,
    )
    op.create_table(
        "binding",
        sa.Column("seq", BIG, nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("valid_from", BIG, nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_binding"),
        sqlite_strict=True,
    )
    op.create_table(
        "close_run",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("pins", sa.Text(), nullable=False),
        sa.Column("started_at", BIG, nullable=False),
        sa.Column("finished_at", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_close_run"),
        sa.CheckConstraint("state IN ('open', 'done', 'refused')", name="ck_close_run_state"),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_close_run_open",
        "close_run",
        ["period"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counter"),
        sqlite_strict=True,
    )
    op.create_table(
        "customer",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("stripe_customer", sa.Text(), nullable=True),
        sa.Column("updated_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customer"),
        sa.UniqueConstraint("stripe_customer", name="uq_customer_stripe_customer"),
        sqlite_strict=True,
    )
    op.create_table(
        "recording",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_recording"),
        sqlite_strict=True,
    )
    op.create_table(
        "review",
        sa.Column("seq", BIG, nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_review"),
        sa.CheckConstraint("kind IN ('approved', 'held', 'released')", name="ck_review_kind"),
        sqlite_strict=True,
    )
    op.create_index("ix_review_period", "review", ["period"])
    op.create_table(
        "series",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=True),
        sa.Column("api_key", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("geo", sa.Text(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("is_byok", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("usage_state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
        sa.UniqueConstraint("digest", name="uq_series_digest"),
        sa.CheckConstraint("is_byok IN (0, 1)", name="ck_series_is_byok"),
        sa.CheckConstraint("usage_state IN ('reported', 'estimated', 'missing')", name="ck_series_usage_state"),
        sqlite_strict=True,
    )
    op.create_table(
        "source",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_source"),
        sa.UniqueConstraint("name", name="uq_source_name"),
        sqlite_strict=True,
    )
    op.create_table(
        "stripe_account",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("is_live", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stripe_account"),
        sa.CheckConstraint("id = 1", name="ck_stripe_account_single"),
        sqlite_strict=True,
    )
    op.create_table(
        "invoice",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("subtotal_minor", BIG, nullable=False),
        sa.Column("tax_minor", BIG, nullable=False),
        sa.Column("total_minor", BIG, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("pins", sa.Text(), nullable=False),
        sa.Column("issued_at", BIG, nullable=False),
        sa.Column("close_run_id", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invoice"),
        sa.UniqueConstraint("number", name="uq_invoice_number"),
        sa.ForeignKeyConstraint(["close_run_id"], ["close_run.id"], name="fk_invoice_close_run"),
        sa.CheckConstraint("status IN ('issued', 'void')", name="ck_invoice_status"),
        sa.CheckConstraint("total_minor = subtotal_minor + tax_minor", name="ck_invoice_total"),
        sqlite_strict=True,
    )
    op.create_index("ix_invoice_period", "invoice", ["period"])
    op.create_index(
        "uq_invoice_live",
        "invoice",
        ["customer", "period"],
        unique=True,
        sqlite_where=sa.text("status = 'issued'"),
        postgresql_where=sa.text("status = 'issued'"),
    )
    op.create_table(
        "quarantine",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("line", BIG, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=True),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.PrimaryKeyConstraint("digest", "line", name="pk_quarantine"),
        sa.ForeignKeyConstraint(["seq"], ["batch.seq"], name="fk_quarantine_batch"),
        sqlite_strict=True,
    )
    op.create_table(
        "usage",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("source_id", BIG, nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("series_id", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("occurred_at", BIG, nullable=False),
        sa.Column("input_total", BIG, nullable=False),
        sa.Column("input", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("cache_read", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("cache_write_5m", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("cache_write_1h", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("cache_write", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("input_audio", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("input_audio_cache_read", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("input_image", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("input_image_cache_read", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("input_video", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("output", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("reasoning", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("output_audio", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("output_image", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("has_cost", sa.Integer(), nullable=False),
        sa.Column("cost_e8", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("cost_e16", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("cost_e24", BIG, nullable=False, server_default=sa.text("0")),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_usage"),
        sa.UniqueConstraint("source_id", "record_id", name="uq_usage_identity"),
        sa.ForeignKeyConstraint(["seq"], ["batch.seq"], name="fk_usage_batch"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_usage_series"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_usage_source"),
        sa.CheckConstraint("length(digest) = 16", name="ck_usage_digest"),
        sa.CheckConstraint("has_cost IN (0, 1)", name="ck_usage_has_cost"),
        sqlite_strict=True,
    )
    op.create_index("ix_usage_occurred_at", "usage", ["occurred_at"])
    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("requests", BIG, nullable=False),
        sa.Column("exact_amount", sa.Text(), nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.PrimaryKeyConstraint("invoice_id", "position", name="pk_invoice_line"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_invoice_line_invoice"),
        sqlite_strict=True,
    )
    op.create_table(
        "push",
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("invoice", sa.Text(), nullable=False),
        sa.Column("stripe_customer", sa.Text(), nullable=False),
        sa.Column("value_minor", BIG, nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_sent_at", BIG, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("customer", "meter", "day", "version", name="pk_push"),
        sa.UniqueConstraint("identifier", name="uq_push_identifier"),
        sa.ForeignKeyConstraint(["invoice"], ["invoice.number"], name="fk_push_invoice"),
        sa.CheckConstraint(
            "state IN ('wanted', 'sending', 'accepted', 'confirmed', 'rejected', 'unknown', 'replaced')",
            name="ck_push_state",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_push_period", "push", ["period"])
    op.create_table(
        "revision",
        sa.Column("source_id", BIG, nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "record_id", "digest", name="pk_revision"),
        sa.ForeignKeyConstraint(["seq"], ["batch.seq"], name="fk_revision_batch"),
        sa.ForeignKeyConstraint(
            ["source_id", "record_id"], ["usage.source_id", "usage.record_id"], name="fk_revision_usage"
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "usage_unit",
        sa.Column("usage_id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", BIG, nullable=False),
        sa.PrimaryKeyConstraint("usage_id", "name", name="pk_usage_unit"),
        sa.ForeignKeyConstraint(["usage_id"], ["usage.id"], name="fk_usage_unit_usage"),
        sqlite_strict=True,
    )
