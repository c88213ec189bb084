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
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    and_,
    text,
)
from sqlalchemy.schema import SchemaItem

from tokentill.usage.quantities import TOKEN_LEAVES

BigInt = BigInteger().with_variant(Integer(), "sqlite")
"""64-bit on both databases; SQLite's strict tables know it as INTEGER."""

COST_LIMBS = ("cost_e8", "cost_e16", "cost_e24")
"""A reported cost, exactly: whole 1e-8, then 1e-16, then 1e-24 units. Split, so that sums stay within 64 bits."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _table(name: str, *parts: SchemaItem, has_rowid: bool = True) -> Table[Any]:
    """A table; without numbers of its own, SQLite keeps its rows in its key."""
    return Table(name, metadata, *parts, sqlite_strict=True, sqlite_with_rowid=has_rowid)


def _each(kind: Any, *names: str, **options: Any) -> Iterator[Column[Any]]:
    """Columns of one type that always hold something."""
    return (Column(name, kind, nullable=False, **options) for name in names)


def _key(kind: Any, *names: str, **options: Any) -> Iterator[Column[Any]]:
    """The same, as parts of the primary key."""
    return _each(kind, *names, primary_key=True, **options)


def _optional(kind: Any, *names: str) -> Iterator[Column[Any]]:
    return (Column(name, kind) for name in names)


def _refers(**columns: str) -> Iterator[ForeignKeyConstraint]:
    """Columns that each name a row by another table's column."""
    return (ForeignKeyConstraint([name], [target]) for name, target in columns.items())


def _refers_to(table: str, *names: str) -> ForeignKeyConstraint:
    """Columns that together name a row of another table, where they have the same names."""
    return ForeignKeyConstraint(names, [f"{table}.{name}" for name in names])


def _unique_where(condition: str, name: str, *columns: str) -> Index:
    """The condition is that of PostgreSQL, too, which is told of it by `store.database`: to say so here would bring in
    its dialect and all drivers on SQLite.
    """
    return Index(name, *columns, unique=True, sqlite_where=text(condition))


counter = _table("counter", *_key(Text, "name"), *_each(BigInt, "value"))

source = _table("source", *_key(BigInt, "id"), *_each(Text, "name"), UniqueConstraint("name", name="uq_source_name"))

series = _table(
    "series",
    *_key(BigInt, "id"),
    *_each(LargeBinary, "digest"),
    *_each(Text, "source"),
    *_optional(Text, "user", "api_key"),
    *_each(Text, "model"),
    *_optional(Text, "provider"),
    *_each(Text, "mode"),
    *_optional(Text, "geo"),
    *_each(Text, "tags"),
    *_each(Integer, "is_byok"),
    *_each(Text, "status", "usage_state"),
    UniqueConstraint("digest", name="uq_series_digest"),
    Column("is_replayed", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("is_byok IN (0, 1)", name="is_byok"),
    CheckConstraint("is_replayed IN (0, 1)", name="is_replayed"),
    CheckConstraint("usage_state IN ('reported', 'estimated', 'missing')", name="usage_state"),
)

series_month = _table(
    "series_month",
    *_key(Integer, "month"),
    *_key(BigInt, "series_id"),
    *_refers(series_id="series.id"),
    has_rowid=False,
)
"""Which series have records in a calendar month (UTC, counted from January 1970), so that what a month costs to compute
does not grow with all that came before it."""

batch = _table(
    "batch",
    *_key(BigInt, "seq"),
    *_each(Text, "label"),
    *_each(BigInt, "recorded_at", "accepted", "duplicates", "revisions", "quarantined"),
    *_optional(BigInt, "first_at", "last_at", "part_of"),
    *_optional(Text, "reporter"),
    *_optional(LargeBinary, "digest"),
    *_optional(BigInt, "first_id", "last_id"),
    Column("is_summed", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("is_summed IN (0, 1)", name="is_summed"),
)
"""Records that came in together. `first_at` and `last_at` are the earliest and the latest `occurred_at` of what it
brought, `first_id` and `last_id` the first and the last id of its usage rows, between which there are no others.
`part_of` is the first batch of the same import, None in that one itself. `reporter` is who told of them, None for the
source's own export. `digest` is that of its usage rows (see `batch_digests`), None where it brought none, and where
each of them has its own. `is_summed` is 0 where sums of its records would hardly be fewer than they are, so that none
are kept (see `usage_sums`)."""

staged_record = _table(
    "staged_record",
    *_key(BigInt, "seq", "position"),
    *_each(Text, "content"),
    *_refers(seq="batch.seq"),
)
"""What is looked at before it is taken in: the records and bad lines of a staged import, in order."""

staged_event = _table(
    "staged_event",
    *_key(BigInt, "seq"),
    *_key(Text, "kind"),
    *_each(Text, "reviewer", "reason"),
    *_each(BigInt, "recorded_at"),
    *_refers(seq="batch.seq"),
    CheckConstraint("kind IN ('staged', 'accepted', 'taken', 'dropped')", name="kind"),
)
"""What became of a staged import: it was staged whole, somebody accepted it, all of it was taken in, or it was
dropped."""

usage = _table(
    "usage",
    *_key(BigInt, "id"),
    *_each(BigInt, "source_id"),
    *_each(Text, "record_id"),
    *_each(BigInt, "series_id", "seq", "occurred_at", "input_total"),
    *(Column(leaf, BigInt, nullable=False, server_default=text("0")) for leaf in TOKEN_LEAVES),
    *_each(Integer, "has_cost"),
    *(Column(limb, BigInt, nullable=False, server_default=text("0")) for limb in COST_LIMBS),
    *_optional(LargeBinary, "digest"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    UniqueConstraint("source_id", "record_id", "version", name="uq_usage_identity"),
    CheckConstraint("has_cost IN (0, 1)", name="has_cost"),
    CheckConstraint("length(digest) = 16", name="digest"),
    Index("ix_usage_series", "series_id"),
)
"""The records. Of one identity there is a version for each payload that ever counted; the last one does (see
`withdrawal`). A row has a digest of its record where its batch has none of all of them. Rows are found by batches (see
`usage_rows.of_batches`), by their series, or by both. That a row's source, series and batch are there is asked by a
trigger, or once for many rows."""

usage_unit = _table(
    "usage_unit",
    *_key(BigInt, "usage_id"),
    *_key(Text, "name"),
    *_each(BigInt, "quantity"),
    *_refers(usage_id="usage.id"),
    has_rowid=False,
)

usage_request = _table(
    "usage_request",
    *_key(BigInt, "usage_id"),
    *_each(BigInt, "source_id"),
    *_each(Text, "request"),
    *_each(Integer, "version"),
    *_optional(Text, "request_key"),
    UniqueConstraint("source_id", "request", "version", name="uq_usage_request_version"),
    *_refers(usage_id="usage.id", source_id="source.id"),
    Index("ix_usage_request_key", "source_id", "request_key"),
)
"""Which request a record tells of, where others tell of it, too, or may: a record without a row here is the only one of
the request that its own id names. Of one request there is a version for each record that ever counted, as there is of
one identity. `request_key` is that of the record itself."""

witness = _table(
    "witness",
    *_key(BigInt, "source_id"),
    *_key(Text, "record_id", "reporter"),
    *_key(LargeBinary, "digest"),
    *_each(BigInt, "seq"),
    *_each(Text, "request", "content"),
    *_each(BigInt, "occurred_at"),
    *_refers(source_id="source.id", seq="batch.seq"),
    Index("ix_witness_request", "source_id", "request"),
    Index("ix_witness_occurred_at", "occurred_at"),
    Index("ix_witness_seq", "seq"),
)
"""What else was told of requests: reports that count for nothing, since a better one of the same request does."""

revision = _table(
    "revision",
    *_key(BigInt, "source_id"),
    *_key(Text, "record_id"),
    *_key(LargeBinary, "digest"),
    *_each(BigInt, "seq"),
    *_each(Text, "content"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    *_each(BigInt, "occurred_at", "revised_at"),
    _refers_to("usage", "source_id", "record_id", "version"),
    *_refers(seq="batch.seq"),
    Index("ix_revision_occurred_at", "occurred_at"),
    Index("ix_revision_revised_at", "revised_at"),
)
"""Records that came again with another payload. `version` and `occurred_at` are those of the record that counted when
it came, `revised_at` is the instant that the new payload names."""

revision_decision = _table(
    "revision_decision",
    *_key(BigInt, "source_id"),
    *_key(Text, "record_id"),
    *_key(LargeBinary, "digest"),
    *_key(Text, "decision"),
    *_each(Text, "reviewer", "reason"),
    *_each(BigInt, "recorded_at"),
    _refers_to("revision", "source_id", "record_id", "digest"),
    CheckConstraint("decision IN ('accepted', 'rejected')", name="decision"),
)
"""What people said of revisions. One that was rejected may be accepted later, and then it counts."""

withdrawal = _table(
    "withdrawal",
    *_key(BigInt, "usage_id"),
    *_key(Text, "cause"),
    *_each(BigInt, "seq"),
    *_each(Text, "reviewer", "reason"),
    *_each(BigInt, "recorded_at"),
    *_refers(usage_id="usage.id", seq="batch.seq"),
    CheckConstraint("cause IN ('revision', 'waiver', 'retraction', 'acceptance')", name="cause"),
    Index("ix_withdrawal_seq", "seq"),
)
"""Records of which something else holds from a sequence number on. They are not billed: another version counts instead
(revision), somebody waived a record without usage (waiver), or it was taken back (retraction). Or they are: somebody
accepted an estimate (acceptance)."""


def _sums_table(name: str, *parts: SchemaItem) -> Table[Any]:
    key = (*_key(Integer, "day"), *_key(BigInt, "series_id"), *_key(Integer, "band", "facts"), *_key(BigInt, "seq"))
    return _table(name, *key, *parts, has_rowid=False)


usage_sum = _sums_table(
    "usage_sum",
    *_each(BigInt, "input_min", "input_max", "requests", "with_cost", "at_no_cost", *TOKEN_LEAVES, *COST_LIMBS),
)
"""What a sequence number changed of the usage of a series on a day (UTC, from 1970), by bands of the input total; see
`usage_sums`. What was withdrawn is negative. `facts` are bits that all records of a row share, whose input totals lie
from `input_min` to `input_max`. That a series and a batch are there is asked of the records."""

usage_sum_unit = _sums_table("usage_sum_unit", *_key(Text, "name"), *_each(BigInt, "quantity"))
"""The same, for quantities that have no column."""

quarantine = _table(
    "quarantine",
    *_key(LargeBinary, "digest"),
    *_key(BigInt, "line"),
    *_each(Text, "label", "reason"),
    *_optional(Text, "record_id"),
    *_each(Text, "excerpt"),
    *_each(BigInt, "seq"),
    *_optional(BigInt, "occurred_at"),
    *_optional(LargeBinary, "raw", "header"),
    *_optional(Text, "source", "format"),
    *_refers(seq="batch.seq"),
    Index("ix_quarantine_occurred_at", "occurred_at"),
)
"""Lines that are not records. `occurred_at` is null where a line does not state its instant; `raw` is the whole line,
null where it is not kept, and what follows is what it was read with."""

quarantine_decision = _table(
    "quarantine_decision",
    *_key(LargeBinary, "digest"),
    *_key(BigInt, "line"),
    *_each(Text, "decision", "reviewer", "reason"),
    *_each(BigInt, "recorded_at"),
    _refers_to("quarantine", "digest", "line"),
    CheckConstraint("decision IN ('discarded', 'taken')", name="decision"),
)
"""What became of quarantined lines: somebody discarded them, or they were read again and are records now."""

recording = _table(
    "recording",
    *_key(Text, "hash"),
    *_each(Text, "kind"),
    *_each(LargeBinary, "content"),
    *_each(BigInt, "first_seen_at"),
)

binding = _table(
    "binding",
    *_key(BigInt, "seq"),
    *_each(Text, "user", "customer"),
    *_each(BigInt, "valid_from"),
    *_optional(Text, "source"),
    *_each(BigInt, "recorded_at"),
)

key_binding = _table(
    "key_binding",
    *_key(BigInt, "seq"),
    *_optional(Text, "api_key", "team", "customer"),
    *_each(BigInt, "valid_from"),
    *_optional(Text, "source"),
    *_each(BigInt, "recorded_at"),
    CheckConstraint(
        "(CASE WHEN api_key IS NULL THEN 0 ELSE 1 END) + (CASE WHEN team IS NULL THEN 0 ELSE 1 END)"
        " + (CASE WHEN customer IS NULL THEN 0 ELSE 1 END) = 2",
        name="parties",
    ),
)
"""Whose API keys and teams are: key to customer, key to team, or team to customer."""

customer = _table(
    "customer",
    *_key(Text, "id"),
    *_optional(Text, "name", "stripe_customer"),
    *_each(BigInt, "updated_at"),
    UniqueConstraint("stripe_customer", name="uq_customer_stripe_customer"),
)

close_run = _table(
    "close_run",
    *_key(BigInt, "id"),
    *_each(Text, "period", "state"),
    *_each(BigInt, "epoch"),
    *_each(Text, "pins"),
    *_each(BigInt, "started_at"),
    *_optional(BigInt, "finished_at"),
    Column("asked", Text, nullable=False, server_default=text("'{}'")),
    *_optional(BigInt, "left_over"),
    CheckConstraint("state IN ('open', 'done', 'refused')", name="state"),
    _unique_where("state = 'open'", "uq_close_run_open", "period"),
)

"""`asked` is what the run was started for; `left_over` how many requests of its period stood on no document then."""

# `subtotal_minor` is the amount that is taxable: the lines after coupons, minimum, cap and interim invoices.
invoice = _table(
    "invoice",
    *_key(BigInt, "id"),
    *_each(Text, "number", "customer", "period", "status", "currency"),
    *_each(BigInt, "subtotal_minor", "tax_minor", "total_minor"),
    *_each(LargeBinary, "content"),
    *_each(Text, "content_hash", "pins"),
    *_each(BigInt, "issued_at", "close_run_id"),
    Column("kind", Text, nullable=False, server_default=text("'period'")),
    Column("part", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("number", name="uq_invoice_number"),
    *_refers(close_run_id="close_run.id"),
    CheckConstraint("status IN ('issued', 'void')", name="status"),
    CheckConstraint("total_minor = subtotal_minor + tax_minor", name="total"),
    CheckConstraint("kind IN ('period', 'interim', 'credit-note')", name="kind"),
    _unique_where("status = 'issued'", "uq_invoice_live", "customer", "period", "kind", "part"),
    Index("uq_invoice_run", "close_run_id", "customer", "kind", "period", unique=True),
    Index("ix_invoice_period", "period"),
    Index("ix_invoice_customer", "customer"),
)

document_event = _table(
    "document_event",
    *_key(BigInt, "position"),
    *_each(BigInt, "invoice_id"),
    *_each(Text, "kind"),
    *_each(BigInt, "recorded_at"),
    *_each(Text, "actor", "reason"),
    UniqueConstraint("invoice_id", "kind", name="uq_document_event_kind"),
    *_refers(invoice_id="invoice.id"),
    CheckConstraint("kind IN ('issued', 'void')", name="kind"),
)
"""The log of documents: each issue and each void is a row that stays. What was live at a position never changes."""

coverage = _table(
    "coverage",
    *_key(BigInt, "invoice_id", "series_id", "starts_at"),
    *_each(BigInt, "ends_at"),
    *_key(BigInt, "seq_after"),
    *_each(BigInt, "seq_upto"),
    *_optional(Text, "member"),
    *(Column(name, Text, nullable=False, server_default=text("''")) for name in ("period", "corrected")),
    *_refers(invoice_id="invoice.id", series_id="series.id"),
    CheckConstraint("starts_at < ends_at", name="time"),
    CheckConstraint("seq_after < seq_upto", name="seq"),
    Index("ix_coverage_series", "series_id", "ends_at"),
    Index("ix_coverage_ends_at", "ends_at"),
)
"""Which records a document covers: those of a series from an instant to another, above one sequence number and up to
another. `member` is whose usage it is, where that is not the document's own customer. `period` is that which the
document corrects, and `corrected` the customer whose it was; empty for its own. What a correction covers takes the
place of all that documents of that customer and period covered before."""

correction = _table(
    "correction",
    *_key(BigInt, "invoice_id"),
    *_key(Text, "period", "customer"),
    *_each(Text, "currency"),
    *_each(BigInt, "corrects_id", "net_minor", "tax_minor"),
    *_refers(invoice_id="invoice.id"),
    ForeignKeyConstraint(["corrects_id"], ["invoice.id"], name="fk_correction_corrected"),
    Index("ix_correction_customer", "customer", "period"),
)
"""The periods that a document corrects, with what it adds to what was invoiced of each, in the currency of that
period's document (`corrects_id`)."""

member_period = _table(
    "member_period",
    *_key(BigInt, "invoice_id"),
    *_key(Text, "customer"),
    *_each(Text, "period"),
    *_each(BigInt, "starts_at", "ends_at"),
    *_refers(invoice_id="invoice.id"),
    CheckConstraint("starts_at < ends_at", name="time"),
    Index("ix_member_period_customer", "customer", "ends_at"),
    Index("ix_member_period_ends_at", "ends_at"),
)
"""The periods that a period's document ends: that of its customer, and of everybody whose usage stands on it, too."""

invoice_line = _table(
    "invoice_line",
    *_key(BigInt, "invoice_id"),
    *_key(Integer, "position"),
    *_each(Text, "model", "mode"),
    *_optional(Text, "rule"),
    *_each(BigInt, "requests"),
    *_each(Text, "exact_amount"),
    *_each(BigInt, "amount_minor"),
    Column("kind", Text, nullable=False, server_default=text("'usage'")),
    *_refers(invoice_id="invoice.id"),
)

ledger = _table(
    "ledger",
    *_key(BigInt, "invoice_id"),
    *_key(Integer, "position"),
    *_each(Text, "kind", "name"),
    *_each(BigInt, "amount_minor"),
    *_each(Text, "customer", "currency"),
    Column("period", Text, nullable=False, server_default=text("''")),
    *_refers(invoice_id="invoice.id"),
    CheckConstraint(
        "kind IN ('coupon', 'credit', 'balance', 'invoiced', 'tax', 'commitment', 'overage', 'true_up', 'opening')",
        name="kind",
    ),
    Index("ix_ledger_customer", "customer"),
)
"""What an invoice carries to later ones: coupons used, credits drawn, the balance that goes on, and what an interim
invoice billed and taxed; what usage drew from a commitment, what of it lay above, and what was billed at the end of its
term; opening balances that came in. `customer` and `currency` name the account, which may be that of another customer
than the invoice's; `period` is that which a correction is of, empty for the invoice's own."""

review = _table(
    "review",
    *_key(BigInt, "seq"),
    *_each(Text, "customer", "period", "kind", "content_hash", "reviewer", "note"),
    *_each(BigInt, "recorded_at"),
    *_optional(Text, "pins", "policy", "policy_hash"),
    CheckConstraint("kind IN ('approved', 'held', 'released')", name="kind"),
    Index("ix_review_period", "period"),
)
"""What people said of previews. `pins` are those of the preview that they saw, `policy` is the declared policy by which
it was approved, with its hash; null where somebody looked."""

manual_line = _table(
    "manual_line",
    *_key(BigInt, "number", autoincrement=False),
    *_each(Text, "period", "customer", "currency"),
    *_each(BigInt, "amount_minor"),
    *_each(Text, "description"),
    *_each(Integer, "may_be_negative"),
    *_each(Text, "reviewer", "reason"),
    *_each(BigInt, "recorded_at"),
    CheckConstraint("may_be_negative IN (0, 1)", name="may_be_negative"),
    Index("ix_manual_line_period", "period"),
)
"""Lines that people added to a customer's invoice of a period."""

manual_line_removal = _table(
    "manual_line_removal",
    *_key(BigInt, "line", autoincrement=False),
    *_each(BigInt, "number"),
    *_each(Text, "reviewer", "reason"),
    *_each(BigInt, "recorded_at"),
    UniqueConstraint("number", name="uq_manual_line_removal_number"),
    *_refers(line="manual_line.number"),
)
"""Manual lines that were taken away again. Both are numbered in one series, which is a pin of what is computed."""

audit = _table(
    "audit",
    *_key(BigInt, "seq"),
    *_each(BigInt, "recorded_at"),
    *_each(Text, "actor", "action", "content", "previous_hash", "hash"),
    UniqueConstraint("hash", name="uq_audit_hash"),
)

stripe_account = _table(
    "stripe_account",
    *_key(Integer, "id", autoincrement=False),
    *_each(Text, "account"),
    *_each(Integer, "is_live"),
    CheckConstraint("id = 1", name="single"),
)

push = _table(
    "push",
    *_key(Text, "customer", "meter", "day"),
    *_key(Integer, "version"),
    *_each(Text, "period", "invoice", "stripe_customer"),
    *_each(BigInt, "value_minor"),
    *_each(Text, "identifier", "state"),
    *_each(Integer, "attempts"),
    *_optional(BigInt, "first_sent_at"),
    *_optional(Text, "note"),
    UniqueConstraint("identifier", name="uq_push_identifier"),
    *_refers(invoice="invoice.number"),
    CheckConstraint(
        "state IN ('wanted', 'sending', 'accepted', 'confirmed', 'rejected', 'unknown', 'replaced')", name="state"
    ),
    Index("ix_push_period", "period"),
)

control_total = _table(
    "control_total",
    *_key(LargeBinary, "cell"),
    *_key(Integer, "version"),
    *_each(LargeBinary, "digest"),
    *_each(BigInt, "seq"),
    *_each(Text, "source", "day", "stated_by"),
    *_optional(Text, "model", "api_key", "user", "model_alias"),
    *_each(Text, "part"),
    *_optional(BigInt, "requests", "tokens"),
    *_optional(Text, "cost"),
    UniqueConstraint("cell", "digest", name="uq_control_total_figures"),
    *_refers(seq="batch.seq"),
    CheckConstraint("length(cell) = 16", name="cell"),
    CheckConstraint("length(digest) = 16", name="digest"),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint("requests IS NOT NULL OR tokens IS NOT NULL OR cost IS NOT NULL", name="figures"),
    CheckConstraint("requests >= 0 AND tokens >= 0", name="counts"),
    Index("ix_control_total_day", "day"),
    Index("ix_control_total_seq", "seq"),
)
"""What sources say that a day (in UTC, as ISO text) adds up to. `cell` stands for what it is a total of, and `digest`
for its figures. Of a cell there is a version for each set of figures that ever came; the last one that was not
withdrawn counts. `cost` is canonical decimal text, in USD."""

control_total_withdrawal = _table(
    "control_total_withdrawal",
    *_key(LargeBinary, "cell"),
    *_key(Integer, "version"),
    *_each(Text, "reviewer", "reason"),
    *_each(BigInt, "recorded_at"),
    ForeignKeyConstraint(
        ["cell", "version"],
        ["control_total.cell", "control_total.version"],
        name="fk_control_total_withdrawal_control_total",
    ),
)
"""Control totals that somebody took back."""
pull = _table(
    "pull",
    *_key(Text, "source", "asked_user"),
    *_key(BigInt, "number"),
    *_each(Text, "kind"),
    *_each(BigInt, "starts_at", "ends_at"),
    *_optional(Text, "cursor", "why"),
    *_optional(BigInt, "checkpoint_at"),
    *_each(BigInt, "recorded_at"),
    CheckConstraint("kind IN ('page', 'whole', 'gap')", name="kind"),
    CheckConstraint("starts_at < ends_at", name="time"),
    CheckConstraint("(kind = 'page') = (cursor IS NOT NULL)", name="cursor"),
    CheckConstraint("(kind = 'gap') = (why IS NOT NULL)", name="why"),
)
"""How far the pulls of a source came, for all users (`asked_user` empty) or for one: windows of time that were read as
a whole, windows of which something is missing, and the cursor at which to go on inside of one. `checkpoint_at` is up to
when all is whole, from the first pull on; null as long as nothing is."""


def usage_in(segments: Any, rows: Any = usage) -> ColumnElement[bool]:
    """Whether usage, or another name of it, lies in a segment of `coverage`, or of a table with the same columns."""
    return and_(
        rows.c.series_id == segments.c.series_id,
        rows.c.occurred_at >= segments.c.starts_at,
        rows.c.occurred_at < segments.c.ends_at,
        rows.c.seq > segments.c.seq_after,
        rows.c.seq <= segments.c.seq_upto,
    )


APPEND_ONLY = tuple(
    """source series batch usage usage_unit revision quarantine recording binding review audit invoice_line ledger
    series_month document_event coverage correction member_period revision_decision withdrawal quarantine_decision
    staged_record staged_event manual_line manual_line_removal usage_sum usage_sum_unit control_total
    control_total_withdrawal pull usage_request witness key_binding""".split()
)
"""Tables whose rows the database itself keeps from being changed or removed. `invoice` may only become void, a
`close_run` only end, a `counter` only go up (see `guards`)."""
