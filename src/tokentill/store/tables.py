"""Every table, once. The migrations make them; a test holds the two equal.

Instants are microseconds since 1970 (UTC), amounts of money are canonical decimal text or whole minor units,
reported costs are three integer limbs (see `COST_LIMBS`), digests are bytes. Nothing here is a floating number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.schema import SchemaItem

from tokentill.usage.quantities import TOKEN_LEAVES

BigInt = BigInteger().with_variant(Integer(), "sqlite")
"""64-bit on both databases; SQLite's strict tables know it as INTEGER."""

COST_LIMBS = ("cost_e8", "cost_e16", "cost_e24")
"""A reported cost, exactly: whole 1e-8, then 1e-16, then 1e-24 units. Split, so that sums stay within 64 bits."""

metadata = MetaData()


def _table(name: str, *parts: SchemaItem) -> Table[Any]:
    return Table(name, metadata, *parts, sqlite_strict=True)


def _each(kind: Any, *names: str) -> Iterator[Column[Any]]:
    """Columns of one type that always hold something."""
    return (Column(name, kind, nullable=False) for name in names)


def _unique_where(condition: str, name: str, *columns: str) -> Index:
    return Index(name, *columns, unique=True, sqlite_where=text(condition), postgresql_where=text(condition))


counter = _table(
    "counter",
    Column("name", Text, nullable=False),
    Column("value", BigInt, nullable=False),
    PrimaryKeyConstraint("name", name="pk_counter"),
)

source = _table(
    "source",
    Column("id", BigInt, nullable=False, autoincrement=True),
    Column("name", Text, nullable=False),
    PrimaryKeyConstraint("id", name="pk_source"),
    UniqueConstraint("name", name="uq_source_name"),
)

series = _table(
    "series",
    Column("id", BigInt, nullable=False, autoincrement=True),
    Column("digest", LargeBinary, nullable=False),
    Column("source", Text, nullable=False),
    Column("user", Text),
    Column("api_key", Text),
    Column("model", Text, nullable=False),
    Column("provider", Text),
    Column("mode", Text, nullable=False),
    Column("geo", Text),
    Column("tags", Text, nullable=False),
    Column("is_byok", Integer, nullable=False),
    *_each(Text, "status", "usage_state"),
    PrimaryKeyConstraint("id", name="pk_series"),
    UniqueConstraint("digest", name="uq_series_digest"),
    CheckConstraint("is_byok IN (0, 1)", name="ck_series_is_byok"),
    CheckConstraint("usage_state IN ('reported', 'estimated', 'missing')", name="ck_series_usage_state"),
)

series_month = _table(
    "series_month",
    Column("month", Integer, nullable=False),
    Column("series_id", BigInt, nullable=False),
    PrimaryKeyConstraint("month", "series_id", name="pk_series_month"),
    ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_series_month_series"),
)
"""Which series have records in a calendar month (UTC, counted from January 1970), so that what a month costs to compute
does not grow with all that came before it."""

batch = _table(
    "batch",
    Column("seq", BigInt, nullable=False),
    Column("label", Text, nullable=False),
    *_each(BigInt, "recorded_at", "accepted", "duplicates", "revisions", "quarantined"),
    Column("first_at", BigInt),
    Column("last_at", BigInt),
    PrimaryKeyConstraint("seq", name="pk_batch"),
)
"""One import of records. `first_at` and `last_at` are the earliest and the latest `occurred_at` of what it brought."""

usage = _table(
    "usage",
    Column("id", BigInt, nullable=False, autoincrement=True),
    Column("source_id", BigInt, nullable=False),
    Column("record_id", Text, nullable=False),
    *_each(BigInt, "series_id", "seq", "occurred_at", "input_total"),
    *(Column(leaf, BigInt, nullable=False, server_default=text("0")) for leaf in TOKEN_LEAVES),
    Column("has_cost", Integer, nullable=False),
    *(Column(limb, BigInt, nullable=False, server_default=text("0")) for limb in COST_LIMBS),
    Column("digest", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    PrimaryKeyConstraint("id", name="pk_usage"),
    UniqueConstraint("source_id", "record_id", "version", name="uq_usage_identity"),
    ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_usage_source"),
    ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_usage_series"),
    ForeignKeyConstraint(["seq"], ["batch.seq"], name="fk_usage_batch"),
    CheckConstraint("has_cost IN (0, 1)", name="ck_usage_has_cost"),
    CheckConstraint("length(digest) = 16", name="ck_usage_digest"),
    Index("ix_usage_occurred_at", "occurred_at"),
    Index("ix_usage_series", "series_id", "occurred_at"),
    Index("ix_usage_seq", "seq"),
)
"""The records. Of one identity there is a version for each payload that ever counted; the last one does (see
`withdrawal`)."""

usage_unit = _table(
    "usage_unit",
    Column("usage_id", BigInt, nullable=False),
    Column("name", Text, nullable=False),
    Column("quantity", BigInt, nullable=False),
    PrimaryKeyConstraint("usage_id", "name", name="pk_usage_unit"),
    ForeignKeyConstraint(["usage_id"], ["usage.id"], name="fk_usage_unit_usage"),
)

revision = _table(
    "revision",
    Column("source_id", BigInt, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("seq", BigInt, nullable=False),
    Column("content", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    *_each(BigInt, "occurred_at", "revised_at"),
    PrimaryKeyConstraint("source_id", "record_id", "digest", name="pk_revision"),
    ForeignKeyConstraint(
        ["source_id", "record_id", "version"],
        ["usage.source_id", "usage.record_id", "usage.version"],
        name="fk_revision_usage",
    ),
    ForeignKeyConstraint(["seq"], ["batch.seq"], name="fk_revision_batch"),
    Index("ix_revision_occurred_at", "occurred_at"),
    Index("ix_revision_revised_at", "revised_at"),
)
"""Records that came again with another payload. `version` and `occurred_at` are those of the record that counted when
it came, `revised_at` is the instant that the new payload names."""

revision_decision = _table(
    "revision_decision",
    Column("source_id", BigInt, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    *_each(Text, "decision", "reviewer", "reason"),
    Column("recorded_at", BigInt, nullable=False),
    PrimaryKeyConstraint("source_id", "record_id", "digest", "decision", name="pk_revision_decision"),
    ForeignKeyConstraint(
        ["source_id", "record_id", "digest"],
        ["revision.source_id", "revision.record_id", "revision.digest"],
        name="fk_revision_decision_revision",
    ),
    CheckConstraint("decision IN ('accepted', 'rejected')", name="ck_revision_decision_decision"),
)
"""What people said of revisions. One that was rejected may be accepted later, and then it counts."""

withdrawal = _table(
    "withdrawal",
    Column("usage_id", BigInt, nullable=False),
    Column("cause", Text, nullable=False),
    Column("seq", BigInt, nullable=False),
    *_each(Text, "reviewer", "reason"),
    Column("recorded_at", BigInt, nullable=False),
    PrimaryKeyConstraint("usage_id", "cause", name="pk_withdrawal"),
    ForeignKeyConstraint(["usage_id"], ["usage.id"], name="fk_withdrawal_usage"),
    ForeignKeyConstraint(["seq"], ["batch.seq"], name="fk_withdrawal_batch"),
    CheckConstraint("cause IN ('revision', 'waiver')", name="ck_withdrawal_cause"),
    Index("ix_withdrawal_seq", "seq"),
)
"""Records that are not billed from a sequence number on: another version counts instead (revision), or somebody waived
a record without usage (waiver)."""

quarantine = _table(
    "quarantine",
    Column("digest", LargeBinary, nullable=False),
    Column("line", BigInt, nullable=False),
    *_each(Text, "label", "reason"),
    Column("record_id", Text),
    Column("excerpt", Text, nullable=False),
    Column("seq", BigInt, nullable=False),
    Column("occurred_at", BigInt),
    PrimaryKeyConstraint("digest", "line", name="pk_quarantine"),
    ForeignKeyConstraint(["seq"], ["batch.seq"], name="fk_quarantine_batch"),
    Index("ix_quarantine_occurred_at", "occurred_at"),
)
"""Lines that are not records. `occurred_at` is null where a line does not state its instant."""

quarantine_decision = _table(
    "quarantine_decision",
    Column("digest", LargeBinary, nullable=False),
    Column("line", BigInt, nullable=False),
    *_each(Text, "decision", "reviewer", "reason"),
    Column("recorded_at", BigInt, nullable=False),
    PrimaryKeyConstraint("digest", "line", name="pk_quarantine_decision"),
    ForeignKeyConstraint(
        ["digest", "line"], ["quarantine.digest", "quarantine.line"], name="fk_quarantine_decision_quarantine"
    ),
    CheckConstraint("decision IN ('discarded')", name="ck_quarantine_decision_decision"),
)

recording = _table(
    "recording",
    *_each(Text, "hash", "kind"),
    Column("content", LargeBinary, nullable=False),
    Column("first_seen_at", BigInt, nullable=False),
    PrimaryKeyConstraint("hash", name="pk_recording"),
)

binding = _table(
    "binding",
    Column("seq", BigInt, nullable=False),
    *_each(Text, "user", "customer"),
    Column("valid_from", BigInt, nullable=False),
    Column("source", Text),
    Column("recorded_at", BigInt, nullable=False),
    PrimaryKeyConstraint("seq", name="pk_binding"),
)

customer = _table(
    "customer",
    Column("id", Text, nullable=False),
    Column("name", Text),
    Column("stripe_customer", Text),
    Column("updated_at", BigInt, nullable=False),
    PrimaryKeyConstraint("id", name="pk_customer"),
    UniqueConstraint("stripe_customer", name="uq_customer_stripe_customer"),
)

close_run = _table(
    "close_run",
    Column("id", BigInt, nullable=False, autoincrement=True),
    *_each(Text, "period", "state"),
    Column("epoch", BigInt, nullable=False),
    Column("pins", Text, nullable=False),
    Column("started_at", BigInt, nullable=False),
    Column("finished_at", BigInt),
    Column("asked", Text, nullable=False, server_default=text("'{}'")),
    Column("left_over", BigInt),
    PrimaryKeyConstraint("id", name="pk_close_run"),
    CheckConstraint("state IN ('open', 'done', 'refused')", name="ck_close_run_state"),
    _unique_where("state = 'open'", "uq_close_run_open", "period"),
)

"""`asked` is what the run was started for; `left_over` how many requests of its period stood on no document then."""

# `subtotal_minor` is the amount that is taxable: the lines after coupons, minimum, cap and interim invoices.
invoice = _table(
    "invoice",
    Column("id", BigInt, nullable=False, autoincrement=True),
    *_each(Text, "number", "customer", "period", "status", "currency"),
    *_each(BigInt, "subtotal_minor", "tax_minor", "total_minor"),
    Column("content", LargeBinary, nullable=False),
    *_each(Text, "content_hash", "pins"),
    *_each(BigInt, "issued_at", "close_run_id"),
    Column("kind", Text, nullable=False, server_default=text("'period'")),
    Column("part", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("id", name="pk_invoice"),
    UniqueConstraint("number", name="uq_invoice_number"),
    ForeignKeyConstraint(["close_run_id"], ["close_run.id"], name="fk_invoice_close_run"),
    CheckConstraint("status IN ('issued', 'void')", name="ck_invoice_status"),
    CheckConstraint("total_minor = subtotal_minor + tax_minor", name="ck_invoice_total"),
    CheckConstraint("kind IN ('period', 'interim')", name="ck_invoice_kind"),
    _unique_where("status = 'issued'", "uq_invoice_live", "customer", "period", "kind", "part"),
    Index("uq_invoice_run", "close_run_id", "customer", unique=True),
    Index("ix_invoice_period", "period"),
    Index("ix_invoice_customer", "customer"),
)

document_event = _table(
    "document_event",
    *_each(BigInt, "position", "invoice_id"),
    Column("kind", Text, nullable=False),
    Column("recorded_at", BigInt, nullable=False),
    *_each(Text, "actor", "reason"),
    PrimaryKeyConstraint("position", name="pk_document_event"),
    UniqueConstraint("invoice_id", "kind", name="uq_document_event_kind"),
    ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_document_event_invoice"),
    CheckConstraint("kind IN ('issued', 'void')", name="ck_document_event_kind"),
)
"""The log of documents: each issue and each void is a row that stays. What was live at a position never changes."""

coverage = _table(
    "coverage",
    *_each(BigInt, "invoice_id", "series_id", "starts_at", "ends_at", "seq_after", "seq_upto"),
    Column("member", Text),
    PrimaryKeyConstraint("invoice_id", "series_id", "starts_at", "seq_after", name="pk_coverage"),
    ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_coverage_invoice"),
    ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_coverage_series"),
    CheckConstraint("starts_at < ends_at", name="ck_coverage_time"),
    CheckConstraint("seq_after < seq_upto", name="ck_coverage_seq"),
    Index("ix_coverage_series", "series_id", "ends_at"),
    Index("ix_coverage_ends_at", "ends_at"),
)
"""Which records a document covers: those of a series from an instant to another, above one sequence number and up to
another. `member` is whose usage it is, where that is not the document's own customer."""

member_period = _table(
    "member_period",
    Column("invoice_id", BigInt, nullable=False),
    *_each(Text, "customer", "period"),
    *_each(BigInt, "starts_at", "ends_at"),
    PrimaryKeyConstraint("invoice_id", "customer", name="pk_member_period"),
    ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_member_period_invoice"),
    CheckConstraint("starts_at < ends_at", name="ck_member_period_time"),
    Index("ix_member_period_customer", "customer", "ends_at"),
    Index("ix_member_period_ends_at", "ends_at"),
)
"""The periods that a period's document ends: that of its customer, and of everybody whose usage stands on it, too."""

invoice_line = _table(
    "invoice_line",
    Column("invoice_id", BigInt, nullable=False),
    Column("position", Integer, nullable=False),
    *_each(Text, "model", "mode"),
    Column("rule", Text),
    Column("requests", BigInt, nullable=False),
    Column("exact_amount", Text, nullable=False),
    Column("amount_minor", BigInt, nullable=False),
    Column("kind", Text, nullable=False, server_default=text("'usage'")),
    PrimaryKeyConstraint("invoice_id", "position", name="pk_invoice_line"),
    ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_invoice_line_invoice"),
)

ledger = _table(
    "ledger",
    Column("invoice_id", BigInt, nullable=False),
    Column("position", Integer, nullable=False),
    *_each(Text, "kind", "name"),
    Column("amount_minor", BigInt, nullable=False),
    *_each(Text, "customer", "currency"),
    PrimaryKeyConstraint("invoice_id", "position", name="pk_ledger"),
    ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_ledger_invoice"),
    CheckConstraint("kind IN ('coupon', 'credit', 'balance', 'invoiced', 'tax')", name="ck_ledger_kind"),
    Index("ix_ledger_customer", "customer"),
)
"""What an invoice carries to later ones: coupons used, credits drawn, the balance that goes on, and what an interim
invoice billed and taxed. `customer` and `currency` name the account, which may be that of another customer than the
invoice's."""

review = _table(
    "review",
    Column("seq", BigInt, nullable=False),
    *_each(Text, "customer", "period", "kind", "content_hash", "reviewer", "note"),
    Column("recorded_at", BigInt, nullable=False),
    PrimaryKeyConstraint("seq", name="pk_review"),
    CheckConstraint("kind IN ('approved', 'held', 'released')", name="ck_review_kind"),
    Index("ix_review_period", "period"),
)

audit = _table(
    "audit",
    *_each(BigInt, "seq", "recorded_at"),
    *_each(Text, "actor", "action", "content", "previous_hash", "hash"),
    PrimaryKeyConstraint("seq", name="pk_audit"),
    UniqueConstraint("hash", name="uq_audit_hash"),
)

stripe_account = _table(
    "stripe_account",
    Column("id", Integer, nullable=False, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("is_live", Integer, nullable=False),
    PrimaryKeyConstraint("id", name="pk_stripe_account"),
    CheckConstraint("id = 1", name="ck_stripe_account_single"),
)

push = _table(
    "push",
    *_each(Text, "customer", "meter", "day"),
    Column("version", Integer, nullable=False),
    *_each(Text, "period", "invoice", "stripe_customer"),
    Column("value_minor", BigInt, nullable=False),
    *_each(Text, "identifier", "state"),
    Column("attempts", Integer, nullable=False),
    Column("first_sent_at", BigInt),
    Column("note", Text),
    PrimaryKeyConstraint("customer", "meter", "day", "version", name="pk_push"),
    UniqueConstraint("identifier", name="uq_push_identifier"),
    ForeignKeyConstraint(["invoice"], ["invoice.number"], name="fk_push_invoice"),
    CheckConstraint(
        "state IN ('wanted', 'sending', 'accepted', 'confirmed', 'rejected', 'unknown', 'replaced')",
        name="ck_push_state",
    ),
    Index("ix_push_period", "period"),
)

APPEND_ONLY = tuple(
    """source series batch usage usage_unit revision quarantine recording binding review audit invoice_line ledger
    series_month document_event coverage member_period revision_decision withdrawal quarantine_decision""".split()
)
"""Tables whose rows the database itself keeps from being changed or removed. `invoice` may only become void, a
`close_run` only end, a `counter` only go up (see `guards`)."""
