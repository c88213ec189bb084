"""What holds of a database as a whole: its guards, numbers and logs, and what was taken in, written and decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, Table, and_, func, not_, or_, select, tuple_

from tokentill.canonical import content_of
from tokentill.clock import from_micros, instant_text, to_micros
from tokentill.store import tables
from tokentill.store.audit import audit_faults
from tokentill.store.checks import holdings
from tokentill.store.checks.invariants import DATABASE_INVARIANTS, Looked
from tokentill.store.checks.request_checks import REQUEST_CHECKS
from tokentill.store.checks.said_checks import said_faults
from tokentill.store.database import current_value
from tokentill.store.guards import expected_guards, guard_faults
from tokentill.store.intake.control_totals import digest_faults
from tokentill.store.intake.erasures import cell_now
from tokentill.store.intake.retractions import retracted_digests, stored_retractions
from tokentill.store.issued.documents import overlapping_documents
from tokentill.store.issued.invoices import number_faults
from tokentill.store.usage.batch_digests import batch_faults
from tokentill.store.usage.missing_rows import is_unmeasured
from tokentill.store.usage.usage_digests import usage_row_faults
from tokentill.store.usage.usage_sums import sums_by_records, units_by_records

FAULTS_MAX = 100
"""Usage records that are named one by one; further ones are counted."""

COUNTED = ("batch", "binding", "review")
"""Tables whose rows a counter of the same name numbers; `audit` and `invoice` have checks of their own."""


def recordings_are_what_their_hashes_say(connection: Connection) -> Looked:
    """A recording has the content of its hash and its kind, was first stored when the audit log records a deed, and is
    there if the pins of a run name it."""
    faults, members = [], {}
    deeds = set(connection.execute(select(tables.audit.c.recorded_at).distinct()).scalars())
    for row in connection.execute(select(tables.recording)):
        content = content_of(bytes(row.content), row.hash)
        if content is None:
            faults.append(f"the recording {row.hash} is not what its hash says")
        elif content.get("kind") != row.kind:
            faults.append(f"the recording {row.hash} is of kind {content.get('kind')}, and its row says {row.kind}")
        elif row.first_seen_at not in deeds:
            faults.append(f"the recording {row.hash} was first seen at {row.first_seen_at}, when nothing was done")
        is_set = content is not None and content.get("kind") in ("price-set", "contract-set")
        members[row.hash] = content["recordings"] if content is not None and is_set else []
    for run_id, pins in connection.execute(select(tables.close_run.c.id, tables.close_run.c.pins)):
        named = [(content_of(pins) or {}).get(key) for key in ("a", "b")]
        hashes = dict.fromkeys([*named, *(member for hash_ in named for member in members.get(hash_, ()))])
        faults += [
            f"the recording {hash_} that the close run {run_id} was computed from is not stored"
            for hash_ in hashes
            if hash_ not in members
        ]
    return Looked(len(members), "recordings", faults)


def batches_hold_what_they_accepted(connection: Connection) -> Looked:
    """As many usage rows have a batch's number as the batch accepted."""
    usage, batch = tables.usage, tables.batch
    held: dict[int, int] = dict(connection.execute(select(usage.c.seq, func.count()).group_by(usage.c.seq)).all())
    accepted: dict[int, int] = dict(connection.execute(select(batch.c.seq, batch.c.accepted)).all())
    faults = [
        f"batch {seq} accepted {accepted.get(seq, 0)} records, and {held.get(seq, 0)} rows are of it"
        for seq in sorted(held.keys() | accepted.keys())
        if accepted.get(seq, 0) != held.get(seq, 0)
    ]
    return Looked(len(accepted), "batches", faults)


def sums_are_those_of_the_records(connection: Connection) -> Looked:
    """What is kept of each batch's sums is what its records come to, less those that it took away."""
    wrong: set[int] = set()
    numbers = set(connection.execute(select(tables.batch.c.seq)).scalars())
    for table, by_records in ((tables.usage_sum, sums_by_records), (tables.usage_sum_unit, units_by_records)):
        rows = connection.execute(select(table.c.seq, func.count()).group_by(table.c.seq))
        rows_of: dict[int, int] = dict(rows.all())
        numbers |= rows_of.keys()
        for seq in numbers:
            counted = sorted(map(tuple, connection.execute(by_records(connection, seq))))
            if len(counted) != rows_of.get(seq, 0) or (counted and _kept(connection, table, seq, counted) != counted):
                wrong.add(seq)
    faults = [f"the sums of batch {seq} are not those of its records" for seq in sorted(wrong)]
    return Looked(len(numbers), "batches", faults)


def _kept(
    connection: Connection, table: Table[Any], seq: int, counted: Sequence[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """The sums of a batch on the days of what was counted."""
    days = sorted({row[0] for row in counted})
    rows = connection.execute(select(table).where(table.c.day.in_(days), table.c.seq == seq))
    return sorted(map(tuple, rows))


def one_version_of_a_record_counts(connection: Connection) -> Looked:
    """A version of a record or request comes with the withdrawal of one before it; one goes with that, or is retracted;
    what is waived reports no usage or an estimate, and what is accepted an estimate.
    """
    usage, withdrawal, series, later = tables.usage, tables.withdrawal, tables.series, tables.usage.alias("later")
    comes_with = and_(
        later.c.source_id == usage.c.source_id,
        or_(
            and_(later.c.record_id == usage.c.record_id, later.c.version == usage.c.version + 1),
            and_(later.c.version > usage.c.version, _are_of_one_request(usage, later)),
        ),
        later.c.seq == withdrawal.c.seq,
        withdrawal.c.cause == "revision",
    )
    gone = withdrawal.join(usage, usage.c.id == withdrawal.c.usage_id)
    one_before = select(usage.c.id).select_from(gone).where(comes_with).correlate(later).exists()
    beside = connection.execute(select(later.c.record_id).where(later.c.version != 1, not_(one_before))).scalars()
    faults = [f"a version of record {record_id!r} counts beside the one before it" for record_id in beside]
    one_after = select(later.c.id).where(comes_with).correlate(usage, withdrawal).exists()
    is_estimate = series.c.usage_state == "estimated"
    no_usage = or_(series.c.usage_state == "missing", is_estimate, is_unmeasured())
    is_decided = or_(
        and_(withdrawal.c.cause == "waiver", no_usage), and_(withdrawal.c.cause == "acceptance", is_estimate)
    )
    left_out = connection.execute(
        select(usage.c.record_id)
        .select_from(gone.join(series, series.c.id == usage.c.series_id))
        .where(not_(or_(one_after, is_decided, withdrawal.c.cause == "retraction")))
    ).scalars()
    faults += [f"record {record_id!r} is left out for no reason" for record_id in left_out]
    return Looked(_count(connection, usage), "versions", faults)


def _are_of_one_request(usage: FromClause, later: FromClause) -> ColumnElement[bool]:
    """Whether two rows of usage tell of the same request."""
    one, other = tables.usage_request.alias("one"), tables.usage_request.alias("other")
    alike = or_(one.c.request.in_((other.c.request, other.c.request_key)), one.c.request_key == other.c.request_key)
    both = and_(one.c.usage_id == usage.c.id, other.c.usage_id == later.c.id, alike)
    return select(one.c.usage_id).select_from(one.join(other, both)).correlate(usage, later).exists()


def one_record_of_a_request_counts(connection: Connection) -> Looked:
    """Of the records that have one request key, or have it as their id, one counts."""
    usage, request, gone = tables.usage, tables.usage_request, tables.withdrawal.alias("gone")
    if not (named := _count(connection, request)):
        return Looked(0, "requests", [])
    replaced = and_(gone.c.usage_id == usage.c.id, gone.c.cause == "revision")
    key = func.coalesce(request.c.request_key, usage.c.record_id)
    counted = (
        select(usage.c.source_id, key.label("key"))
        .select_from(usage.outerjoin(request).outerjoin(gone, replaced))
        .where(gone.c.usage_id.is_(None))
    )
    keyed = select(request.c.source_id, request.c.request_key).where(request.c.request_key.is_not(None))
    rows = counted.subquery()
    twice = (
        select(rows.c.key)
        .where(tuple_(rows.c.source_id, rows.c.key).in_(keyed))
        .group_by(rows.c.source_id, rows.c.key)
        .having(func.count() > 1)
    )
    faults = [f"the request {name!r} counts twice" for name in connection.execute(twice.order_by(rows.c.key)).scalars()]
    return Looked(named, "requests", faults)


def retractions_are_what_the_audit_log_says(connection: Connection) -> Looked:
    """Each retraction took back the rows that its entry says, and none was made without an entry."""
    entries = {
        content.get("seq"): (content.get("records"), content.get("rows"), content.get("reason"), actor, at)
        for _, actor, at, content in holdings.signed_entries(connection, "usage.retracted")
    }
    digests = {seq: (count, digest) for seq, count, digest in retracted_digests(connection)}
    stored: dict[Any, list[tuple[Any, ...]]] = {}
    for one in stored_retractions(connection):
        stored.setdefault(one.seq, []).append((*digests[one.seq], one.reason, one.by, to_micros(one.at)))
    faults = [
        f"the retraction {seq} did not take back what the audit log says"
        for seq in sorted(entries.keys() | stored.keys(), key=str)
        if stored.get(seq) != [entries.get(seq)]
    ]
    return Looked(len(stored), "retractions", faults)


def control_totals_are_what_they_were(connection: Connection) -> Looked:
    """Each version of a control total has the figures that its digest says, and was withdrawn as the audit log says."""
    looked, faults = digest_faults(connection)
    table = tables.control_total_withdrawal
    stored: dict[Any, tuple[Any, ...]] = {
        (bytes(row.cell).hex(), row.version): (row.reason, row.reviewer, row.recorded_at)
        for row in connection.execute(select(table))
    }
    entries: dict[tuple[Any, Any], Any] = {
        (cell_now(connection, content.get("id", "")), content.get("version")): (content.get("reason"), actor, at)
        for _, actor, at, content in holdings.signed_entries(connection, "control_total.withdrawn")
    }
    faults += [
        f"the withdrawal of the control total {id_}:{version} is not what the audit log says"
        for id_, version in sorted(stored.keys() | entries.keys(), key=str)
        if stored.get((id_, version)) != entries.get((id_, version))
    ]
    return Looked(looked, "control totals", faults)


def bindings_are_what_the_audit_log_says(connection: Connection) -> Looked:
    """Every binding of a user, a key or a team was recorded when it was made, and still says so."""
    rows: int = 0
    faults: list[str] = []
    for table, names, noun in (
        (tables.binding, ("user", "customer", "source"), "binding"),
        (tables.key_binding, ("api_key", "team", "customer", "source"), "binding of keys"),
    ):
        stored = [
            (row.seq, *(row._mapping[name] for name in names), _instant(row.valid_from), row.recorded_at)
            for row in connection.execute(select(table).order_by(table.c.seq))
        ]
        entries = enumerate(holdings.signed_entries(connection, f"{table.name}.added"), start=1)
        recorded = [
            (seq, *(content.get(key) for key in (*names, "valid_from")), at) for seq, (_, _, at, content) in entries
        ]
        rows += len(stored)
        faults += _first_differing(noun, stored, recorded)
    return Looked(rows, "bindings", faults)


def _instant(micros: int) -> str:
    return instant_text(from_micros(micros))


def _first_differing(noun: str, stored: Sequence[object], recorded: Sequence[object]) -> Iterator[str]:
    for number, (row, entry) in enumerate(zip_longest(stored, recorded), start=1):
        if row != entry:
            yield f"{noun} {number} is not what the audit log says"
            return


def counted_rows_have_no_gap(connection: Connection) -> Looked:
    """Batches, bindings and reviews are numbered from 1 to where their counter stands."""
    faults, rows = [], 0
    for name in COUNTED:
        seq = tables.metadata.tables[name].c.seq
        count, last = connection.execute(select(func.count(), func.coalesce(func.max(seq), 0))).one()
        rows += count
        if not count == last == (counter := current_value(connection, name)):
            faults.append(f"{name} has {count} rows up to number {last}, and {counter} were made")
    return Looked(rows, "rows", faults)


def what_people_said_is_in_the_audit_log(connection: Connection) -> Looked:
    """Reviews and lines that people added are what the audit log says that they said, each once."""
    count, faults = said_faults(connection)
    return Looked(count, "rows", faults)


def numbers_have_no_gap(connection: Connection) -> Looked:
    """Documents are numbered from 1 to where their counter stands."""
    return Looked(_count(connection, tables.invoice), "documents", number_faults(connection))


def audit_log_is_one_chain(connection: Connection) -> Looked:
    """Every entry has the hash of what it says and of the entry before it, and none is missing."""
    return Looked(_count(connection, tables.audit), "entries", audit_faults(connection))


def issued_entries_have_their_documents(connection: Connection) -> Looked:
    """Whatever the audit log says was issued is there."""
    entries = holdings.entries_of_documents(connection)
    stored = set(connection.execute(select(tables.invoice.c.number)).scalars())
    faults = [
        f"{number} was issued, says the audit log, and is not there" for number in entries if number not in stored
    ]
    return Looked(len(entries), "entries", faults)


def log_of_documents_is_what_statuses_say(connection: Connection) -> Looked:
    """Every document is in the log of documents once as issued, and once more where it is void; nothing else is."""
    event, header = tables.document_event, tables.invoice
    rows = connection.execute(
        select(event, header.c.number, header.c.status)
        .join(header, header.c.id == event.c.invoice_id)
        .order_by(event.c.position)
    ).all()
    logged = {(row.number, row.kind) for row in rows}
    documents = connection.execute(select(header.c.number, header.c.status)).all()
    expected = {(row.number, "issued") for row in documents}
    expected |= {(row.number, "void") for row in documents if row.status == "void"}
    faults = [
        f"the log of documents does not agree with the status of {number}" for number, _ in sorted(logged ^ expected)
    ]
    last_position = current_value(connection, "document")
    if [row.position for row in rows] != list(range(1, last_position + 1)):
        faults.append(f"the log of documents has {len(rows)} rows, and {last_position} were made")
    entries = {
        (str(content.get("number")), action.removeprefix("invoice.").replace("voided", "void")): (actor, at, content)
        for action, actor, at, content in holdings.signed_entries(connection, "invoice.issued", "invoice.voided")
    }
    for row in rows:
        actor, at, content = entries.get((row.number, row.kind), (row.actor, row.recorded_at, {}))
        if (actor, at, content.get("reason", row.reason)) != (row.actor, row.recorded_at, row.reason):
            faults.append(
                f"{row.number} was {row.kind} at {row.recorded_at} by {row.actor!r}, says the log of documents, and the"
                " audit log says otherwise"
            )
    return Looked(len(rows), "rows", faults)


def no_record_is_on_two_documents(connection: Connection) -> Looked:
    """No two live documents cover the same record, unless one goes on from the other; none ends what another ended."""
    faults = [f"{number} and {rival} cover the same record" for number, rival in overlapping_documents(connection)]
    return Looked(_count(connection, tables.coverage), "stretches", faults)


def guards_are_in_force(connection: Connection) -> Looked:
    """Every trigger that keeps rows from being changed is there, switched on, and says what it should."""
    return Looked(len(expected_guards(connection.dialect.name)), "triggers", guard_faults(connection))


def usage_rows_are_what_their_digests_say(connection: Connection, ids: Select[Any]) -> Looked:
    """A usage row, with its series and its units, is the record of which its digest was made, or that of its batch."""
    count, wrong, faults = 0, 0, []
    of_rows = ((1, fault) for fault in usage_row_faults(connection, ids))
    for rows, fault in chain(of_rows, batch_faults(connection, ids)):
        count, wrong = count + rows, wrong + (fault is not None)
        if fault is not None and wrong <= FAULTS_MAX:
            faults.append(fault)
    if wrong > FAULTS_MAX:
        faults.append(f"{wrong - FAULTS_MAX} more usage records or batches are not what their digests say")
    return Looked(count, "usage records", faults)


DATABASE_CHECKS: tuple[Callable[[Connection], Looked], ...] = (
    guards_are_in_force,
    numbers_have_no_gap,
    audit_log_is_one_chain,
    log_of_documents_is_what_statuses_say,
    no_record_is_on_two_documents,
    issued_entries_have_their_documents,
    counted_rows_have_no_gap,
    what_people_said_is_in_the_audit_log,
    recordings_are_what_their_hashes_say,
    batches_hold_what_they_accepted,
    sums_are_those_of_the_records,
    one_version_of_a_record_counts,
    one_record_of_a_request_counts,
    *REQUEST_CHECKS,
    retractions_are_what_the_audit_log_says,
    *DATABASE_INVARIANTS,
    bindings_are_what_the_audit_log_says,
    control_totals_are_what_they_were,
)


def _count(connection: Connection, table: FromClause) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
