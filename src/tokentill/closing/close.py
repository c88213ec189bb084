"""Closing a period: pin the inputs once, issue every invoice once, and be able to go on after a kill at any point.

Documents are issued in short transactions that hold the run (see `issuing`), so nothing is half done and nobody else
can write for the same run. What was pinned decides what is issued; a resumed run reads its pins and not the folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from tokentill.canonical import Content
from tokentill.clock import Clock
from tokentill.closing.close_options import CloseOptions
from tokentill.closing.closed import Closed, RefusedCustomer, refused_customer
from tokentill.closing.computation.compute import Computed, compute_period
from tokentill.closing.computation.late_usage import late_months, left_behind
from tokentill.closing.computation.pins import Inputs, engine_fault, newest_inputs, pinned_inputs, zone_fault
from tokentill.closing.groups import IssueGroup, grouped
from tokentill.closing.issuing import CloseProgress, Issuing
from tokentill.closing.pricing_use import keep_use
from tokentill.closing.reviews.approval_policy import parked_customers
from tokentill.errors import Refused
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.periods import Month
from tokentill.invoicing.preview import NOTHING_ASIDE, Aside, LateUsage, PricingUsed, obstacles_of
from tokentill.recordings.load import Folder
from tokentill.store.audit import append_audit
from tokentill.store.database import Database
from tokentill.store.issued.invoices import (
    CloseRun,
    finish_run,
    issued_customers,
    last_close,
    last_reviews,
    open_run,
    run_count,
    start_run,
    take_over,
)
from tokentill.store.recordings import keep_recordings


@dataclass(frozen=True, slots=True)
class _Todo:
    """What there is to do for a period, decided from pinned inputs at a pinned time. `outcome` is that of a close which
    issues none of the documents. `parked` says whose wait for a person, and why.
    """

    computed: Computed
    parked: Mapping[str, str]
    groups: tuple[IssueGroup, ...]
    outcome: Closed


def close_period(
    database: Database,
    month: Month,
    folder: Folder,
    options: CloseOptions,
    *,
    clock: Clock,
    used: PricingUsed | None = None,
    abandon: bool = False,
    progress: CloseProgress | None = None,
) -> Closed:
    """Issue the invoices of a period: each due customer gets one, once.

    Args:
        month: the period.
        folder: prices, contracts and attribution rules. A run that was cut off keeps to what it pinned instead.
        options: what to issue, and what blocks it; a run that was cut off keeps to what it was asked.
        used: what the folder is, to be kept with a run that begins.
        abandon: end a run that was cut off where it stands, and begin a new one.
        progress: told (done, all) after each invoice.

    Raises:
        Refused: when another close of the period took over, or when a run was cut off that this tokentill cannot go on
            with.
    """
    now = clock.now()
    with database.read() as connection:
        inputs, seq = newest_inputs(connection, folder)
        pins, cut_off = inputs.pins(seq), open_run(connection, str(month))
        if cut_off is None and (unchanged := _unchanged(connection, month, pins, options)) is not None:
            return unchanged
        runs_before = run_count(connection, str(month))
        if cut_off is None:
            computed, late, aside = _computed(connection, month, inputs, pins, options, now)
            parked = parked_customers(connection, computed, inputs.books(), pins, options.policy)
            reasons = _blocked_by(connection, computed, inputs, options, now)
    if cut_off is not None:
        if abandon:
            _abandon(database, cut_off, clock)
            return close_period(database, month, folder, options, clock=clock, used=used, progress=progress)
        resumed = _resume(database, month, cut_off, clock, progress, options.by)
        if CloseOptions.of(cut_off.asked).interim == options.interim:
            return resumed
        again = close_period(database, month, folder, options, clock=clock, used=used, progress=progress)
        refused = (*resumed.refused, *again.refused)
        return replace(again, issued=(*resumed.issued, *again.issued), refused=refused, resumed=True)
    if reasons:
        with database.read() as connection:
            already = len(issued_customers(connection, month))
        return Closed(month, (), already, (), (), reasons, late=late, kept=computed.kept, aside=aside)
    todo = _todo(database, computed, parked, now, options)
    if not todo.groups:
        return replace(todo.outcome, late=late, aside=aside)
    run = _start(database, month, inputs, pins, options, now, used, runs_before)
    if run is None:  # another process began a run since we looked, and may have ended it
        return close_period(database, month, folder, options, clock=clock, used=used, progress=progress)
    return _issued(database, run, todo, options, clock, progress, late, aside)


def _unchanged(connection: Connection, month: Month, pins: Content, options: CloseOptions) -> Closed | None:
    """What a close comes to where the last one issued all there was, had nothing else to say, and nothing that decides
    an amount was learned since; None where that is not so, and has to be looked at.
    """
    last = last_close(connection)
    if last is None or options.interim is not None or options.only is not None:
        return None
    run, ended = last
    since = {**run.pins, "l": run.pins["l"] + ended["issued"]}
    if not ended.get("is_complete") or run.period != str(month) or CloseOptions.of(run.asked).interim or since != pins:
        return None
    return Closed(month, (), len(issued_customers(connection, month)), (), ())


def _blocked_by(
    connection: Connection, computed: Computed, inputs: Inputs, options: CloseOptions, now: datetime
) -> tuple[str, ...]:
    """What keeps the whole run from happening: usage of nobody, single requests with an invoice each, days that are
    not complete.
    """
    if options.interim is not None:
        return ()
    ends = [at for one in computed.invoices if (at := computed.due_at(one.customer)) + options.grace <= now]
    if not (ends and options.totals.required):
        return computed.blocked_by
    complete = computed.completeness(connection, ends, now, options.totals, inputs.books())
    return (*computed.blocked_by, *complete.blocked_by)


class _Overtaken(Exception):
    """Another run of the period was begun and ended since this one was computed."""


def _start(
    database: Database,
    month: Month,
    inputs: Inputs,
    pins: Content,
    options: CloseOptions,
    at: datetime,
    used: PricingUsed | None,
    runs_before: int,
) -> CloseRun | None:
    try:
        with database.write() as connection:
            keep_recordings(connection, inputs.recordings(), at)
            run = start_run(connection, str(month), pins, options.content(), at)
            if run_count(connection, str(month)) != runs_before + 1:
                raise _Overtaken
            content = {"period": str(month), "run": run.id, "pins": pins, "asked": run.asked}
            content |= keep_use(connection, inputs, used, at)
            append_audit(connection, "close.started", content, at=at)
            return run
    except (IntegrityError, _Overtaken):  # one open run a period: the other one was first
        return None


def _abandon(database: Database, cut_off: CloseRun, clock: Clock) -> None:
    """End a run where it stands. What it issued stays issued."""
    at = clock.now()
    with database.write() as connection:
        finish_run(connection, take_over(connection, cut_off), "refused", at, left_over=None)
        append_audit(connection, "close.abandoned", {"period": cut_off.period, "run": cut_off.id}, at=at)


def _resume(
    database: Database, month: Month, cut_off: CloseRun, clock: Clock, progress: CloseProgress | None, by: str | None
) -> Closed:
    if fault := engine_fault(cut_off.pins) or zone_fault(cut_off.pins):
        raise Refused(
            f"a close of {month} was cut off that was pinned to {fault}; finish it with the tokentill that began it,"
            f" or end it where it stands and begin a new one: `tokentill close {month} --abandon`"
        )
    with database.write() as connection:
        run = take_over(connection, cut_off)
        append_audit(
            connection, "close.resumed", {"period": str(month), "run": run.id, "epoch": run.epoch}, at=clock.now()
        )
    options = replace(CloseOptions.of(run.asked), by=by)
    with database.read() as connection:
        inputs = pinned_inputs(connection, run.pins)
        computed, late, aside = _computed(connection, month, inputs, run.pins, options, run.started_at)
        parked = parked_customers(connection, computed, inputs.books(), run.pins, options.policy)
    todo = _todo(database, computed, parked, run.started_at, options)
    return replace(_issued(database, run, todo, options, clock, progress, late, aside), resumed=True)


def _computed(
    connection: Connection, month: Month, inputs: Inputs, pins: Content, options: CloseOptions, now: datetime
) -> tuple[Computed, tuple[LateUsage, ...], Aside]:
    """The period at some pins, with what is late there and what is kept aside."""
    books = inputs.books()
    months = late_months(connection, inputs, books, pins["s"])
    computed = compute_period(
        connection,
        month,
        books,
        pins["s"],
        kind=options.kind,
        position=pins["l"],
        manual=pins.get("m", 0),
        is_close=True,
        version=pins["f"],
        inputs=inputs,
        late=months,
    )
    late, open_months = left_behind(months, now, month=month)
    return computed, late, computed.aside(connection, open_months)


def _todo(
    database: Database, computed: Computed, parked: Mapping[str, str], at: datetime, options: CloseOptions
) -> _Todo:
    with database.read() as connection:
        issued = issued_customers(connection, computed.month)
        reviews = last_reviews(connection, str(computed.month))
    interim = options.interim
    invoices: list[Invoice] = []
    refused: list[RefusedCustomer] = []
    not_due: dict[str, datetime] = {}
    for invoice in computed.invoices:
        if invoice.customer in issued or not options.concerns(invoice.customer):
            continue
        if interim is not None and not interim.wants(invoice):
            continue
        due_at = computed.due_at(invoice.customer) + options.grace
        if interim is None and at < due_at:
            not_due[invoice.customer] = due_at
            continue
        review = reviews.get(invoice.customer)
        in_the_way = options.obstacle(invoice, review, parked.get(invoice.customer))
        obstacles = obstacles_of(invoice, in_the_way)
        if obstacles:
            reason = invoice.blocked_by or obstacles[0].reason
            refused.append(RefusedCustomer(invoice.customer, reason, obstacles))
        else:
            invoices.append(invoice)
    named = () if interim is None or interim.customers is None else interim.customers
    for customer, reason in computed.failed.items():
        is_wanted = customer in named if interim is not None else options.concerns(customer)
        if is_wanted and customer not in issued and at >= computed.due_at(customer) + options.grace:
            refused.append(refused_customer("failed", computed.month, customer, reason))
    kept_back = {refusal.customer for refusal in refused}
    groups, conflicts = grouped(computed, invoices, options.concerns, kept_back)
    refused += [refused_customer("conflict", computed.month, *conflict) for conflict in conflicts.items()]
    refused.sort(key=lambda refusal: refusal.customer.encode())
    billed = {*(invoice.customer for invoice in invoices), *(refusal.customer for refusal in refused)}
    nothing = tuple(customer for customer in named if customer not in billed)
    outcome = Closed(
        computed.month,
        (),
        len(issued),
        tuple(refused),
        tuple(not_due),
        kept=computed.kept,
        due_at=tuple(not_due.items()),
    )
    return _Todo(computed, parked, groups, replace(outcome, nothing_to_bill=nothing))


def _issued(
    database: Database,
    run: CloseRun,
    todo: _Todo,
    options: CloseOptions,
    clock: Clock,
    progress: CloseProgress | None,
    late: Sequence[LateUsage],
    aside: Aside,
) -> Closed:
    """Issue what there is to do, and end the run."""
    month = todo.computed.month
    issued = Issuing(database, run, month, todo.groups, options, todo.parked, clock).issue_all(progress)
    refused = sorted([*todo.outcome.refused, *issued.refused], key=lambda refusal: refusal.customer.encode())
    with database.write() as connection:
        at = clock.now()
        left_over = _left_over(connection, todo.computed)
        finish_run(connection, run, "done", at, left_over=left_over)
        left = refused or todo.outcome.not_due or late or todo.computed.kept or aside != NOTHING_ASIDE
        is_complete = options.only is None and not left  # of others a run for one customer knows nothing
        ended = {"issued": len(issued.numbers), "refused": len(refused), "left_over": left_over}
        ended["is_complete"] = is_complete
        append_audit(connection, "close.finished", {"period": run.period, "run": run.id, **ended}, at=at)
    return replace(
        todo.outcome,
        issued=tuple(issued.numbers),
        credit_notes=tuple(issued.credit_notes),
        already_issued=todo.outcome.already_issued + issued.already_issued,
        refused=tuple(refused),
        totals=tuple(sorted(issued.totals.items())),
        late=tuple(one for one in late if (one.payer, one.month) not in issued.corrected),
        aside=aside,
    )


def _left_over(connection: Connection, computed: Computed) -> int:
    """How many requests of the month are on no document of a period."""
    issued = issued_customers(connection, computed.month)
    usage = computed.usage
    billed = (usage.requests_of(payer) - usage.late_of(payer) for payer in usage.by_payer if payer in issued)
    return usage.requests - sum(billed)
