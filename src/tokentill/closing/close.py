"""Closing a period: pin the inputs once, issue every invoice once, and be able to go on after a kill at any point.

Every invoice is one short transaction that holds the run, so nothing is half done and nobody else can write for the
same run. What was pinned decides what is issued; a resumed run reads its pins and not the folder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from tokentill.canonical import Content, fields_of, form_of, stated_fields_of
from tokentill.clock import Clock
from tokentill.closing.compute import Computed, compute_period
from tokentill.closing.late_usage import left_behind
from tokentill.closing.pins import Inputs, engine_fault, newest_inputs, pinned_inputs, zone_fault
from tokentill.closing.pricing_use import keep_use
from tokentill.errors import CoveredTwice, Refused
from tokentill.invoicing.carried import NOTHING_CARRIED, pending
from tokentill.invoicing.coverage import KeptBoundary
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.obstacles import Obstacle, ObstacleKind, together
from tokentill.invoicing.periods import Month
from tokentill.invoicing.preview import NOTHING_ASIDE, Aside, LateUsage, PricingUsed, obstacles_of, review_obstacle
from tokentill.invoicing.totals import InvoiceKind
from tokentill.money import minor_text
from tokentill.recordings.load import Folder
from tokentill.store.audit import actor_here, append_audit
from tokentill.store.database import Database, hold_counter
from tokentill.store.holdings import entry_of_issue
from tokentill.store.invoices import (
    CloseRun,
    finish_run,
    hold_run,
    issue,
    issued_invoices,
    last_reviews,
    open_run,
    start_run,
    take_over,
)
from tokentill.store.ledger import carried_by_customer
from tokentill.store.recordings import keep_recordings
from tokentill.usage.shell_words import command_line

CloseProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RefusedCustomer:
    """A customer whose invoice was not issued, and why: in words, and each cause."""

    customer: str
    reason: str
    obstacles: tuple[Obstacle, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Closed:
    """What a close did. `blocked_by` says what kept the whole run from happening.

    `nothing_to_bill` are customers that were named for an interim invoice, and have no usage that is not invoiced;
    `late` is usage of any period that was issued without it; `kept` are boundaries that stay where issued time ended;
    `aside` is what of the period nobody decided on; `totals` are the sums of what was issued by currency, in minor
    units; `pricing` is what it was computed with, and `again` the command that does the same once more.
    """

    month: Month
    issued: tuple[str, ...]
    already_issued: int
    refused: tuple[RefusedCustomer, ...]
    not_due: tuple[str, ...]
    blocked_by: tuple[str, ...] = ()
    resumed: bool = False
    nothing_to_bill: tuple[str, ...] = ()
    late: tuple[LateUsage, ...] = ()
    kept: tuple[KeptBoundary, ...] = ()
    aside: Aside = NOTHING_ASIDE
    totals: tuple[tuple[str, int], ...] = ()
    pricing: PricingUsed | None = field(default=None, compare=False)
    again: str = field(default="", compare=False)

    @property
    def obstacles(self) -> tuple[Obstacle, ...]:
        """What refused customers, one for each cause."""
        return together(one for refusal in self.refused for one in refusal.obstacles)

    @property
    def is_refused(self) -> bool:
        """Whether somebody or everybody was refused: exit status 1."""
        return bool(self.refused or self.blocked_by)

    def content(self) -> Content:
        """What `close --json` prints."""
        return {
            "period": str(self.month),
            **fields_of(self, "issued", "already_issued"),
            "refused": [fields_of(refusal, "customer", "reason") for refusal in self.refused],
            "obstacles": form_of(self.obstacles),
            **fields_of(self, "not_due", "blocked_by", "resumed"),
            **stated_fields_of(self, "nothing_to_bill", "late"),
            **({"kept_boundaries": form_of(self.kept)} if self.kept else {}),
            **{name: count for name, count in self.aside.content().items() if count},
            "totals": {currency: minor_text(total, currency) for currency, total in self.totals},
            **stated_fields_of(self, "pricing"),
        }


@dataclass(frozen=True, slots=True)
class Interim:
    """Whom to bill early: these customers, or (None) everybody who reached the threshold of the contract."""

    customers: tuple[str, ...] | None = None

    def wants(self, invoice: Invoice) -> bool:
        """Whether a customer is to be billed, and there is something to bill."""
        if self.customers is None:
            return invoice.reaches_interim and invoice.net_minor > 0
        return invoice.customer in self.customers and invoice.net_minor > 0


@dataclass(frozen=True, slots=True)
class CloseOptions:
    """What a close was asked to do. It is kept with its run, and whoever resumes the run follows it.

    Args:
        interim: bill early instead of closing the period.
        require_approval: refuse all customers whose preview was not approved as it stands, and not only those whose
            contract asks for it.
        grace: how long after its end a period stays open for late records, to the second.
    """

    interim: Interim | None = None
    require_approval: bool = False
    grace: timedelta = timedelta(0)

    @classmethod
    def of(cls, content: Content) -> CloseOptions:
        """What a run was asked."""
        named = content.get("customers")
        interim = Interim(None if named is None else tuple(named)) if content.get("kind") == "interim" else None
        grace = timedelta(seconds=content.get("grace_seconds", 0))
        return cls(interim, content.get("require_approval", False), grace)

    def command(self, month: Month, *more: str) -> str:
        """The command that asks for the same."""
        named = () if self.interim is None or self.interim.customers is None else self.interim.customers
        flags = (*(("--interim",) if self.interim else ()), *(("--require-approval",) if self.require_approval else ()))
        return command_line("close", str(month), *flags, *more, ids=named)

    def content(self) -> Content:
        """As a run keeps it."""
        named = None if self.interim is None else self.interim.customers
        return {
            "kind": self.kind,
            **({} if named is None else {"customers": list(named)}),
            "require_approval": self.require_approval,
            "grace_seconds": self.grace // timedelta(seconds=1),
        }

    @property
    def kind(self) -> InvoiceKind:
        """What it issues."""
        return "period" if self.interim is None else "interim"


@dataclass(frozen=True, slots=True)
class _Todo:
    """What there is to do for a period, decided from pinned inputs at a pinned time. `outcome` is that of a close which
    issues none of the invoices.
    """

    computed: Computed
    invoices: tuple[Invoice, ...]
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
        if cut_off is None:
            computed, late, aside = _computed(connection, month, inputs, pins, options, now)
    if cut_off is not None:
        if abandon:
            _abandon(database, cut_off, clock)
            return close_period(database, month, folder, options, clock=clock, used=used, progress=progress)
        resumed = _resume(database, month, cut_off, clock, progress)
        if CloseOptions.of(cut_off.asked).interim == options.interim:
            return resumed
        again = close_period(database, month, folder, options, clock=clock, used=used, progress=progress)
        refused = (*resumed.refused, *again.refused)
        return replace(again, issued=(*resumed.issued, *again.issued), refused=refused, resumed=True)
    if options.interim is None and (reasons := computed.unattributed.blocked_by):
        with database.read() as connection:
            already = len(_issued_customers(connection, month))
        return Closed(month, (), already, (), (), reasons, late=late, kept=computed.kept, aside=aside)
    todo = _todo(database, computed, now, options)
    if not todo.invoices:
        return replace(todo.outcome, late=late, aside=aside)
    run = _start(database, month, inputs, pins, options, now, used)
    if run is None:  # another process began a run since we looked
        return close_period(database, month, folder, options, clock=clock, used=used, progress=progress)
    return replace(_issue_all(database, run, todo, clock, progress), late=late, aside=aside)


def _start(
    database: Database,
    month: Month,
    inputs: Inputs,
    pins: Content,
    options: CloseOptions,
    at: datetime,
    used: PricingUsed | None,
) -> CloseRun | None:
    try:
        with database.write() as connection:
            keep_recordings(connection, inputs.recordings(), at)
            run = start_run(connection, str(month), pins, options.content(), at)
            content = {"period": str(month), "run": run.id, "pins": pins, "asked": run.asked}
            content |= keep_use(connection, inputs, used, at)
            append_audit(connection, "close.started", content, at=at)
            return run
    except IntegrityError:  # one open run a period: the other one was first
        return None


def _abandon(database: Database, cut_off: CloseRun, clock: Clock) -> None:
    """End a run where it stands. What it issued stays issued."""
    at = clock.now()
    with database.write() as connection:
        finish_run(connection, take_over(connection, cut_off), "refused", at, left_over=None)
        append_audit(connection, "close.abandoned", {"period": cut_off.period, "run": cut_off.id}, at=at)


def _resume(
    database: Database, month: Month, cut_off: CloseRun, clock: Clock, progress: CloseProgress | None
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
    options = CloseOptions.of(run.asked)
    with database.read() as connection:
        inputs = pinned_inputs(connection, run.pins)
        computed, late, aside = _computed(connection, month, inputs, run.pins, options, run.started_at)
    todo = _todo(database, computed, run.started_at, options)
    return replace(_issue_all(database, run, todo, clock, progress), resumed=True, late=late, aside=aside)


def _computed(
    connection: Connection, month: Month, inputs: Inputs, pins: Content, options: CloseOptions, now: datetime
) -> tuple[Computed, tuple[LateUsage, ...], Aside]:
    """The period at some pins, with what is late there and what is kept aside."""
    books = inputs.books()
    pinned = {"position": pins["l"], "version": pins["f"]}
    computed = compute_period(connection, month, books, pins["s"], kind=options.kind, is_close=True, **pinned)
    late, open_months = left_behind(connection, books, pins, now, month=month)
    return computed, late, computed.aside(connection, open_months)


def _issued_customers(connection: Connection, month: Month) -> set[str]:
    """Who has its document of the period."""
    documents = issued_invoices(connection, period=str(month), status="issued")
    return {document.customer for document in documents if document.kind == "period"}


def _todo(database: Database, computed: Computed, at: datetime, options: CloseOptions) -> _Todo:
    with database.read() as connection:
        issued = _issued_customers(connection, computed.month)
        reviews = last_reviews(connection, str(computed.month))
    interim = options.interim
    invoices: list[Invoice] = []
    refused: list[RefusedCustomer] = []
    not_due: list[str] = []
    for invoice in computed.invoices:
        if invoice.customer in issued:
            continue
        if interim is not None and not interim.wants(invoice):
            continue
        if interim is None and at < computed.due_at(invoice.customer) + options.grace:
            not_due.append(invoice.customer)
            continue
        review = reviews.get(invoice.customer)
        in_the_way = review_obstacle(invoice, review, require_approval=options.require_approval)
        obstacles = obstacles_of(invoice, in_the_way)
        if obstacles:
            reason = invoice.blocked_by or obstacles[0].reason
            refused.append(RefusedCustomer(invoice.customer, reason, obstacles))
        else:
            invoices.append(invoice)
    named = () if interim is None or interim.customers is None else interim.customers
    for customer, reason in computed.failed.items():
        is_wanted = interim is None or customer in named
        if is_wanted and customer not in issued and at >= computed.due_at(customer) + options.grace:
            refused.append(_refused("failed", computed.month, customer, reason))
    refused.sort(key=lambda refusal: refusal.customer.encode())
    billed = {*(invoice.customer for invoice in invoices), *(refusal.customer for refusal in refused)}
    nothing = tuple(customer for customer in named if customer not in billed)
    outcome = Closed(computed.month, (), len(issued), tuple(refused), tuple(not_due), kept=computed.kept)
    return _Todo(computed, tuple(invoices), replace(outcome, nothing_to_bill=nothing))


def _issue_all(database: Database, run: CloseRun, todo: _Todo, clock: Clock, progress: CloseProgress | None) -> Closed:
    numbers: list[str] = []
    totals: Counter[str] = Counter()
    refused = list(todo.outcome.refused)
    require_approval = CloseOptions.of(run.asked).require_approval
    for done, invoice in enumerate(todo.invoices, start=1):
        outcome = _issue_one(database, run, todo.computed, invoice, clock, require_approval=require_approval)
        if isinstance(outcome, RefusedCustomer):
            refused.append(outcome)
        elif outcome is not None:
            numbers.append(outcome)
            totals[invoice.currency] += invoice.total_minor
        if progress is not None:
            progress(done, len(todo.invoices))
    with database.write() as connection:
        at = clock.now()
        left_over = _left_over(connection, todo.computed)
        finish_run(connection, run, "done", at, left_over=left_over)
        ended = {"issued": len(numbers), "refused": len(refused), "left_over": left_over}
        append_audit(connection, "close.finished", {"period": run.period, "run": run.id, **ended}, at=at)
    refused.sort(key=lambda refusal: refusal.customer.encode())
    before = todo.outcome
    already = before.already_issued + len(todo.invoices) + len(before.refused) - len(numbers) - len(refused)
    return replace(
        before,
        issued=tuple(numbers),
        already_issued=already,
        refused=tuple(refused),
        totals=tuple(sorted(totals.items())),
    )


def _left_over(connection: Connection, computed: Computed) -> int:
    """How many requests of the month are on no document of a period."""
    issued = _issued_customers(connection, computed.month)
    usage = computed.usage
    billed = (usage.requests_of(payer) - usage.late_of(payer) for payer in usage.by_payer if payer in issued)
    return usage.requests - sum(billed)


def _issue_one(
    database: Database, run: CloseRun, computed: Computed, invoice: Invoice, clock: Clock, *, require_approval: bool
) -> str | RefusedCustomer | None:
    at, actor = clock.now(), actor_here()
    try:
        with database.write() as connection:
            hold_run(connection, run)
            hold_counter(connection, "invoice")  # a review waits for the issue, or the issue for the review
            # A hold may have come since the run began; it counts up to the moment of issue.
            review = last_reviews(connection, run.period, invoice.customer).get(invoice.customer)
            in_the_way = review_obstacle(invoice, review, require_approval=require_approval)
            if in_the_way is not None:
                return RefusedCustomer(invoice.customer, in_the_way.reason, (in_the_way,))
            if (reason := _carried_refusal(connection, run, invoice)) is not None:
                return _refused("conflict", computed.month, invoice.customer, reason)
            covered = [segment.covered() for segment in computed.segments(invoice.customer)]
            members = computed.members[invoice.customer]
            number = issue(connection, run, invoice, covered, members, at=at, actor=actor)
            if number is not None:
                append_audit(connection, "invoice.issued", entry_of_issue(connection, number), at=at, actor=actor)
            return number
    except CoveredTwice as refusal:  # nothing of the transaction was stored
        return _refused("conflict", computed.month, invoice.customer, str(refusal))


def _refused(kind: ObstacleKind, month: Month, customer: str, reason: str) -> RefusedCustomer:
    return RefusedCustomer(customer, reason, (Obstacle(kind, month, (customer,), reason),))


def _carried_refusal(connection: Connection, run: CloseRun, invoice: Invoice) -> str | None:
    """Whether another document was issued since this one was computed, and changed what it would have to carry on."""
    holders = {invoice.customer, *(balance.customer for balance in invoice.carried.balances)}
    carried = carried_by_customer(connection, run.period, customers=holders)
    openings = [
        pending(balance.opening, carried.get(balance.customer, NOTHING_CARRIED))
        for balance in invoice.carried.balances
        if balance.opening is not None
    ]
    own = carried.pop(invoice.customer, NOTHING_CARRIED)
    if own.with_balances_of(carried.values()).with_openings(openings) == invoice.carried:
        return None
    return "another invoice was issued to it meanwhile, and changed what this one carries on; close again"
