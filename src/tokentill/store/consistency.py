"""Whether what the database holds about issued documents agrees with itself.

The same facts are kept several times: in a document's content and its hash, in the columns beside it, in its lines, in
the ledger, in the run that issued it and in the audit log. Each check is a rule between two of them, and none computes
an invoice. What somebody changed by hand in one place contradicts the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, FromClause, Select, and_, func, not_, or_, select

from tokentill.canonical import Content, content_of, fields_of
from tokentill.clock import from_micros, instant_text, to_micros
from tokentill.money import minor_text
from tokentill.store import holdings, tables
from tokentill.store.audit import audit_faults
from tokentill.store.database import current_value
from tokentill.store.documents import overlapping_documents
from tokentill.store.guards import expected_guards, guard_faults
from tokentill.store.holdings import HeldDocument, HeldRow, HeldRun
from tokentill.store.invariants import DATABASE_INVARIANTS, DOCUMENT_INVARIANTS, INVARIANTS, Looked, minor_of
from tokentill.store.invoices import number_faults
from tokentill.store.missing_rows import is_unmeasured
from tokentill.store.retractions import retracted_digests, stored_retractions
from tokentill.store.said_checks import said_faults
from tokentill.store.usage_digests import usage_row_faults

FAULTS_MAX = 100
"""Usage records that are named one by one; further ones are counted."""

COUNTED = ("batch", "binding", "review")
"""Tables whose rows a counter of the same name numbers; `audit` and `invoice` have checks of their own."""


@dataclass(frozen=True, slots=True)
class StoreFault:
    """What is wrong, with a document of this number, or (None) with the database."""

    number: str | None
    message: str

    def __str__(self) -> str:
        return self.message if self.number is None else f"{self.number}: {self.message}"


@dataclass(frozen=True, slots=True)
class Checked:
    """One check that was made: its rule, how many things it looked at, and its faults. `figures` are what it counted
    beside them.
    """

    check: str
    looked_at: int
    of: str
    faults: tuple[StoreFault, ...]
    figures: tuple[tuple[str, int], ...] = ()

    @property
    def invariant(self) -> str | None:
        """The numbered invariant that it holds, if there is one."""
        return INVARIANTS.get(self.check)

    def content(self) -> Content:
        """What `db check --json` prints of it."""
        named = fields_of(self, "check", "invariant", "looked_at", "of")
        return {**named, "faults": len(self.faults), "figures": dict(self.figures)}


# What holds of each document


def content_is_what_its_hash_says(held: HeldDocument) -> Iterator[str]:
    """The content is in canonical bytes, and `content_hash` is their hash."""
    if held.content is None:
        yield "its stored content is not what its hash says"


def columns_are_what_the_content_says(held: HeldDocument) -> Iterator[str]:
    """Customer, period, kind, currency and amounts are those of the content; the subtotal is the total before tax."""
    content = held.content
    if content is not None:
        tax, total = (minor_of(content[key], content["currency"]) for key in ("tax", "total"))
        kept = {key: content[key] for key in ("customer", "period", "currency")}
        amounts = {"subtotal_minor": total - tax, "tax_minor": tax, "total_minor": total}
        yield from _differences(held.row, {**kept, "kind": content.get("kind", "period"), **amounts}, "its content")


def columns_are_what_the_audit_log_says(held: HeldDocument) -> Iterator[str]:
    """One entry records the issue, and the row still says so, and what the document covers and ends. Entries of earlier
    versions say less.
    """
    if len(held.entries) != 1:
        yield f"the audit log records its issue {len(held.entries)} times"
    for entry in held.entries:
        yield from _differences(holdings.issued_entry(held.row, held.rows), entry, "the audit log")


def columns_are_what_the_run_says(held: HeldDocument) -> Iterator[str]:
    """Period and pins are those of the run that issued it, and it was issued at the instant of the run. A credit note
    is of the period that it corrects.
    """
    if held.run is None:
        yield f"the run {held.row['close_run_id']} that issued it is not there"
    else:
        run = {"period": held.run["period"], "pins": held.run["pins"], "issued_at": held.run["started_at"]}
        if held.row["kind"] == "credit-note":
            del run["period"]
        yield from _differences(held.row, run, "its run")


def lines_are_what_the_content_says(held: HeldDocument) -> Iterator[str]:
    """The lines are those of the content, in its order, counted from 1."""
    if held.content is not None:
        currency = held.content["currency"]
        stored = [{**line, "amount": minor_text(line["amount_minor"], currency)} for line in held.lines]
        yield from _rows_differ("line", stored, held.content["lines"], LINE_KEYS)


LINE_KEYS = ("kind", "model", "mode", "rule", "requests", "exact_amount", "amount")


def ledger_is_what_the_content_says(held: HeldDocument) -> Iterator[str]:
    """The ledger has the coupons, credits and balances of the content, and what an interim document billed."""
    if held.content is not None:
        own = [row for row in held.ledger if not row["period"]]  # what is of a correction is computed again
        yield from _rows_differ("row of the ledger", own, list(_ledger_of(held.content)), LEDGER_KEYS)


LEDGER_KEYS = ("kind", "name", "amount_minor", "customer", "currency")


def _ledger_of(content: Content) -> Iterator[HeldRow]:
    """What a document carries to later ones, by its content."""
    own = {"customer": content["customer"], "currency": content["currency"]}
    items = content.get("items", ())
    for item in items:
        if item["kind"] in ("coupon", "credit", "balance", "carried") and item.get("corrects") is None:
            kind = "balance" if item["kind"] == "carried" else item["kind"]
            kind, name = ("opening", item["opening"]) if item.get("opening") is not None else (kind, item["name"])
            account, amount = own, item["amount"]
            if item.get("original") is not None:
                account = {"customer": item["customer"], "currency": item["original_currency"]}
                amount = item["original"]
            amount_minor = minor_of(amount, account["currency"]) * (1 if kind == "opening" else -1)
            yield {"kind": kind, "name": name, "amount_minor": amount_minor, **account}
        elif item["kind"] in ("commitment", "true_up") and content.get("kind", "period") == "period":
            stated = {"true_up": item["amount"]}
            stated = {"commitment": item["drawn"], "overage": item["over"]} if item["kind"] == "commitment" else stated
            for kind, amount in stated.items():
                amount_minor = minor_of(amount, own["currency"])
                if amount_minor or kind == "true_up":
                    yield {"kind": kind, "name": item["starts"], "amount_minor": amount_minor, **own}
    if content.get("kind") == "interim":
        net = minor_of(content["total"], own["currency"]) - minor_of(content["tax"], own["currency"])
        yield {"kind": "invoiced", "name": "net", "amount_minor": net, **own}
        for item in items:
            if item["kind"] == "tax" and item.get("corrects") is None and minor_of(item["amount"], own["currency"]):
                taxed = minor_of(item["amount"], own["currency"])
                yield {"kind": "tax", "name": item["name"], "amount_minor": taxed, **own}


# What holds of each run


def run_is_what_the_audit_log_says(held: HeldRun) -> Iterator[str]:
    """Start, period, pins and end of a run are in the audit log, with what it was asked, and as many changes of hands
    as its epoch counts."""
    row, about = held.row, f"the close run {held.row['id']} of {held.row['period']}"
    started, finished = held.entries_of("close.started"), held.entries_of("close.finished")
    abandoned = held.entries_of("close.abandoned")
    expected: Content = {"finished_at": None, "state": "open", "left_over": None}
    expected["epoch"] = 1 + len(held.entries_of("close.resumed")) + len(abandoned)
    if len(started) != 1 or len(finished) + len(abandoned) > 1:
        yield f"{about}: the audit log records its start {len(started)} times, and of its end {len(finished)} times"
    for at, content in started:
        expected |= {"started_at": at, **{key: content.get(key) for key in ("period", "pins")}}
        expected |= {"asked": content["asked"]} if "asked" in content else {}
    for state, ended in (("done", finished), ("refused", abandoned)):
        for at, content in ended:
            expected |= {"finished_at": at, "state": state, "period": content.get("period")}
            expected["left_over"] = content.get("left_over")
    decoded = {key: content_of(row[key]) for key in ("pins", "asked")}
    for difference in _differences({**row, **decoded}, expected, "the audit log"):
        yield f"{about}: {difference}"


# What holds of the whole database


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


def one_version_of_a_record_counts(connection: Connection) -> Looked:
    """A version of a record comes with the withdrawal of the one before it; one goes with that, or is retracted;
    what is waived reports no usage.
    """
    usage, withdrawal, series, later = tables.usage, tables.withdrawal, tables.series, tables.usage.alias("later")
    comes_with = and_(
        *(later.c[name] == usage.c[name] for name in ("source_id", "record_id")),
        later.c.version == usage.c.version + 1,
        later.c.seq == withdrawal.c.seq,
        withdrawal.c.cause == "revision",
    )
    gone = withdrawal.join(usage, usage.c.id == withdrawal.c.usage_id)
    one_before = select(usage.c.id).select_from(gone).where(comes_with).correlate(later).exists()
    beside = connection.execute(select(later.c.record_id).where(later.c.version != 1, not_(one_before))).scalars()
    faults = [f"a version of record {record_id!r} counts beside the one before it" for record_id in beside]
    one_after = select(later.c.id).where(comes_with).correlate(usage, withdrawal).exists()
    is_waived = and_(withdrawal.c.cause == "waiver", or_(series.c.usage_state == "missing", is_unmeasured()))
    left_out = connection.execute(
        select(usage.c.record_id)
        .select_from(gone.join(series, series.c.id == usage.c.series_id))
        .where(not_(or_(one_after, is_waived, withdrawal.c.cause == "retraction")))
    ).scalars()
    faults += [f"record {record_id!r} is left out for no reason" for record_id in left_out]
    return Looked(_count(connection, usage), "versions", faults)


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


def bindings_are_what_the_audit_log_says(connection: Connection) -> Looked:
    """Every binding was recorded when it was made, and still says so."""
    table = tables.binding
    stored = [
        (row.user, row.customer, instant_text(from_micros(row.valid_from)), row.source, row.recorded_at)
        for row in connection.execute(select(table).order_by(table.c.seq))
    ]
    recorded = [
        (*(content.get(key) for key in ("user", "customer", "valid_from", "source")), at)
        for _, _, at, content in holdings.signed_entries(connection, "binding.added")
    ]
    return Looked(len(stored), "bindings", list(_first_differing("binding", stored, recorded)))


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
    """A usage row, with its series and its units, is the record of which its digest was made."""
    count, wrong, faults = 0, 0, []
    for fault in usage_row_faults(connection, ids):
        count, wrong = count + 1, wrong + (fault is not None)
        if fault is not None and wrong <= FAULTS_MAX:
            faults.append(fault)
    if wrong > FAULTS_MAX:
        faults.append(f"{wrong - FAULTS_MAX} more usage records are not what their digests say")
    return Looked(count, "usage records", faults)


DOCUMENT_CHECKS: tuple[Callable[[HeldDocument], Iterator[str]], ...] = (
    content_is_what_its_hash_says,
    columns_are_what_the_content_says,
    columns_are_what_the_audit_log_says,
    columns_are_what_the_run_says,
    lines_are_what_the_content_says,
    ledger_is_what_the_content_says,
    *DOCUMENT_INVARIANTS,
)
RUN_CHECKS: tuple[Callable[[HeldRun], Iterator[str]], ...] = (run_is_what_the_audit_log_says,)
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
    one_version_of_a_record_counts,
    retractions_are_what_the_audit_log_says,
    *DATABASE_INVARIANTS,
    bindings_are_what_the_audit_log_says,
)
CHECKS: tuple[Callable[..., Any], ...] = (
    *DOCUMENT_CHECKS,
    *RUN_CHECKS,
    *DATABASE_CHECKS,
    usage_rows_are_what_their_digests_say,
)
"""Every check there is."""


def check_agreement(
    connection: Connection, numbers: Collection[str] | None = None, *, whole: bool, usage: Select[Any] | None = None
) -> tuple[Checked, ...]:
    """Make the checks.

    Args:
        numbers: the documents to look at, with their runs; all of them unless given.
        whole: look at the database as a whole, too.
        usage: selects the ids of the usage rows to look at; unless given, those that the documents cover.
    """
    by_document: dict[str, list[StoreFault]] = {check.__name__: [] for check in DOCUMENT_CHECKS}
    run_of: dict[int, int] = {}
    for held in holdings.held_documents(connection, numbers):
        run_of[held.row["id"]] = held.row["close_run_id"]
        for check in DOCUMENT_CHECKS:
            by_document[check.__name__] += [
                StoreFault(held.row["number"], message) for message in _messages(check, held)
            ]
    checked = [Checked(name, len(run_of), "documents", tuple(faults)) for name, faults in by_document.items()]
    runs = list(holdings.held_runs(connection, None if numbers is None else set(run_of.values())))
    for run_check in RUN_CHECKS:
        of_runs = [message for run in runs for message in run_check(run)]
        checked.append(_checked(run_check, Looked(len(runs), "runs", of_runs)))
    if whole:
        checked += [_checked(check, check(connection)) for check in DATABASE_CHECKS]
    ids = holdings.covered_usage(run_of) if usage is None else usage
    digests = usage_rows_are_what_their_digests_say
    return (*checked, _checked(digests, digests(connection, ids)))


def _count(connection: Connection, table: FromClause) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _messages(check: Callable[[HeldDocument], Iterator[str]], held: HeldDocument) -> list[str]:
    try:
        return list(check(held))
    except (LookupError, TypeError, ValueError, ArithmeticError):  # what was written by hand may be anything
        return [f"it cannot be read as a document, so nobody knows whether its {check.__name__.replace('_', ' ')}"]


def _checked(check: Callable[..., object], looked: Looked) -> Checked:
    return Checked(
        check.__name__, looked.count, looked.of, tuple(StoreFault(None, message) for message in looked.faults)
    )


def _differences(row: HeldRow, expected: HeldRow, by: str) -> Iterator[str]:
    for key, value in expected.items():
        if key in row and row[key] != value:
            yield f"its {key} is {_shown(row[key])}, and {by} says {_shown(value)}"


def _rows_differ(
    noun: str, stored: Sequence[HeldRow], expected: Sequence[HeldRow], keys: Sequence[str]
) -> Iterator[str]:
    if len(stored) != len(expected):
        yield f"it has {len(stored)} of {noun}, and its content says {len(expected)}"
    for position, (row, expected_row) in enumerate(zip(stored, expected, strict=False), start=1):
        named = {"position": position, **{key: expected_row[key] for key in keys}}
        for difference in _differences(row, named, "its content"):
            yield f"{noun} {position}: {difference}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
