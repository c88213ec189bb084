"""Closing a period: pin the inputs once, issue every invoice once, and be able to go on after a kill at any point.

Every invoice is one short transaction that holds the run, so nothing is half done and nobody else can write for the
same run. What was pinned decides what is issued; a resumed run reads its pins and not the folder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from tokentill.canonical import Content, fields_of, form_of, stated_fields_of
from tokentill.clock import Clock
from tokentill.closing.approval_policy import parked_customers
from tokentill.closing.compute import Computed, compute_period
from tokentill.closing.groups import IssueGroup, ToIssue, grouped
from tokentill.closing.late_usage import late_months, left_behind
from tokentill.closing.pins import Inputs, engine_fault, newest_inputs, pinned_inputs, zone_fault
from tokentill.closing.pricing_use import keep_use
from tokentill.contracts.review_bounds import ReviewBounds
from tokentill.contracts.review_policy import NO_POLICY, ReviewPolicy
from tokentill.errors import CoveredTwice, Refused
from tokentill.invoicing.carried import NOTHING_CARRIED, pending
from tokentill.invoicing.corrections import drawn_by
from tokentill.invoicing.coverage import KeptBoundary
from tokentill.invoicing.forms import InvoiceKind
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.obstacles import Obstacle, ObstacleKind, together
from tokentill.invoicing.periods import Month
from tokentill.invoicing.preview import (
    NOTHING_ASIDE,
    Aside,
    LateUsage,
    OpenMonth,
    PricingUsed,
    Review,
    obstacles_of,
    review_obstacle,
)
from tokentill.money import minor_text
from tokentill.recordings.load import Folder
from tokentill.store.audit import ChainHead, actor_here, append_audit
from tokentill.store.database import Database, hold_counter
from tokentill.store.documents import refuse_overlap
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
from tokentill.store.manual_lines import changed_since
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
    units; `credit_notes` are those of `issued` that are such; `pricing` is what it was computed with, and `again` the
    command that does the same once more. `due_at` says from when on each of `not_due` is due, and `earlier` are months
    before it that nobody closed. `chain_head` is where the audit log stood then.
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
    credit_notes: tuple[str, ...] = ()
    due_at: tuple[tuple[str, datetime], ...] = field(default=(), compare=False)
    earlier: tuple[OpenMonth, ...] = field(default=(), compare=False)
    chain_head: ChainHead | None = field(default=None, compare=False)

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
            **({"due_at": form_of(dict(self.due_at))} if self.due_at else {}),
            **stated_fields_of(self, "credit_notes", "nothing_to_bill", "late", "earlier"),
            **({"kept_boundaries": form_of(self.kept)} if self.kept else {}),
            **{name: count for name, count in self.aside.content().items() if count},
            "totals": {currency: minor_text(total, currency) for currency, total in self.totals},
            **stated_fields_of(self, "pricing", "chain_head"),
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
        only: the one customer whose documents are issued; all of them when None.
        policy: what is parked, and whether who closes must be another than who approved.
        by: who closes; whoever runs this process unless given.
    """

    interim: Interim | None = None
    require_approval: bool = False
    grace: timedelta = timedelta(0)
    only: str | None = None
    policy: ReviewPolicy = NO_POLICY
    by: str | None = None

    def concerns(self, customer: str) -> bool:
        """Whether a customer's documents are to be issued."""
        return self.only in (None, customer)

    @classmethod
    def of(cls, content: Content) -> CloseOptions:
        """What a run was asked."""
        named = content.get("customers")
        interim = Interim(None if named is None else tuple(named)) if content.get("kind") == "interim" else None
        grace = timedelta(seconds=content.get("grace_seconds", 0))
        park = content.get("park_beyond")
        beyond = None if park is None else ReviewBounds.from_content(park["bounds"], park["stated_by"])
        policy = ReviewPolicy(park_beyond=beyond, four_eyes=content.get("four_eyes", False))
        return cls(interim, content.get("require_approval", False), grace, content.get("only"), policy)

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
            **({} if self.only is None else {"only": self.only}),
            "require_approval": self.require_approval,
            "grace_seconds": self.grace // timedelta(seconds=1),
            **({} if (park := self.policy.park_beyond) is None else {"park_beyond": _stated(park)}),
            **({"four_eyes": True} if self.policy.four_eyes else {}),
        }

    def obstacle(self, invoice: Invoice, review: Review | None, parked: str | None) -> Obstacle | None:
        """What people said of an invoice, or did not say, that keeps it from being issued by this close."""
        four_eyes = self.policy.four_eyes
        return review_obstacle(
            invoice,
            review,
            require_approval=self.require_approval or four_eyes,
            parked=parked,
            closed_by=(self.by or actor_here()) if four_eyes else None,
        )

    @property
    def kind(self) -> InvoiceKind:
        """What it issues."""
        return "period" if self.interim is None else "interim"


def _stated(bounds: ReviewBounds) -> Content:
    return {"bounds": bounds.content(), "stated_by": bounds.stated_by}


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
        if cut_off is None:
            computed, late, aside = _computed(connection, month, inputs, pins, options, now)
            parked = parked_customers(connection, computed, inputs.books(), pins, options.policy)
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
    if options.interim is None and (reasons := computed.unattributed.blocked_by):
        with database.read() as connection:
            already = len(_issued_customers(connection, month))
        return Closed(month, (), already, (), (), reasons, late=late, kept=computed.kept, aside=aside)
    todo = _todo(database, computed, parked, now, options)
    if not todo.groups:
        return replace(todo.outcome, late=late, aside=aside)
    run = _start(database, month, inputs, pins, options, now, used)
    if run is None:  # another process began a run since we looked
        return close_period(database, month, folder, options, clock=clock, used=used, progress=progress)
    return _issue_all(database, run, todo, options, clock, progress, late, aside)


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
    return replace(_issue_all(database, run, todo, options, clock, progress, late, aside), resumed=True)


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


def _issued_customers(connection: Connection, month: Month) -> set[str]:
    """Who has its document of the period."""
    documents = issued_invoices(connection, period=str(month), status="issued")
    return {document.customer for document in documents if document.kind == "period"}


def _todo(
    database: Database, computed: Computed, parked: Mapping[str, str], at: datetime, options: CloseOptions
) -> _Todo:
    with database.read() as connection:
        issued = _issued_customers(connection, computed.month)
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
            refused.append(_refused("failed", computed.month, customer, reason))
    kept_back = {refusal.customer for refusal in refused}
    groups, conflicts = grouped(computed, invoices, options.concerns, kept_back)
    refused += [_refused("conflict", computed.month, customer, reason) for customer, reason in conflicts.items()]
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


@dataclass(slots=True)
class _Done:
    """What a run has issued so far, and whom it refused."""

    numbers: list[str] = field(default_factory=list)
    credit_notes: list[str] = field(default_factory=list)
    totals: Counter[str] = field(default_factory=Counter)
    refused: list[RefusedCustomer] = field(default_factory=list)
    corrected: set[tuple[str, Month]] = field(default_factory=set)
    already_issued: int = 0

    def add(self, documents: Iterable[ToIssue], numbers: Sequence[str | None]) -> None:
        """Count the documents of a group with their numbers; None for one that was there already."""
        for document, number in zip(documents, numbers, strict=True):
            if number is None:
                self.already_issued += document.invoice.kind == "period"
                continue
            self.numbers.append(number)
            self.totals[document.invoice.currency] += document.invoice.total_minor
            self.corrected |= {(one.payer, one.period.month) for one in document.corrections}
            if document.invoice.kind == "credit-note":
                self.credit_notes.append(number)


def _issue_all(
    database: Database,
    run: CloseRun,
    todo: _Todo,
    options: CloseOptions,
    clock: Clock,
    progress: CloseProgress | None,
    late: Sequence[LateUsage],
    aside: Aside,
) -> Closed:
    done = _Done(refused=list(todo.outcome.refused))
    all_documents, past = sum(len(group.documents) for group in todo.groups), 0
    for group in todo.groups:
        try:
            numbers = _issue_group(database, run, todo, group, clock, options)
            done.add(group.documents, numbers)
        except _NotIssued as refusal:  # nothing of the transaction was stored
            done.refused += refusal.of_group(group, todo.computed.month)
        past += len(group.documents)
        if progress is not None:
            progress(past, all_documents)
    with database.write() as connection:
        at = clock.now()
        left_over = _left_over(connection, todo.computed)
        finish_run(connection, run, "done", at, left_over=left_over)
        ended = {"issued": len(done.numbers), "refused": len(done.refused), "left_over": left_over}
        append_audit(connection, "close.finished", {"period": run.period, "run": run.id, **ended}, at=at)
    done.refused.sort(key=lambda refusal: refusal.customer.encode())
    return replace(
        todo.outcome,
        issued=tuple(done.numbers),
        credit_notes=tuple(done.credit_notes),
        already_issued=todo.outcome.already_issued + done.already_issued,
        refused=tuple(done.refused),
        totals=tuple(sorted(done.totals.items())),
        late=tuple(one for one in late if (one.payer, one.month) not in done.corrected),
        aside=aside,
    )


def _left_over(connection: Connection, computed: Computed) -> int:
    """How many requests of the month are on no document of a period."""
    issued = _issued_customers(connection, computed.month)
    usage = computed.usage
    billed = (usage.requests_of(payer) - usage.late_of(payer) for payer in usage.by_payer if payer in issued)
    return usage.requests - sum(billed)


class _NotIssued(Exception):
    """Why a customer's document is not issued after all; ends the transaction, and leaves nothing of its group."""

    def __init__(self, customer: str, obstacle: Obstacle) -> None:
        super().__init__(obstacle.reason)
        self.customer, self.obstacle = customer, obstacle

    def of_group(self, group: IssueGroup, month: Month) -> list[RefusedCustomer]:
        """The refusals of everybody in the group."""
        refusals = [RefusedCustomer(self.customer, self.obstacle.reason, (self.obstacle,))]
        others = sorted({document.invoice.customer for document in group.documents} - {self.customer}, key=str.encode)
        reason = f"usage goes between it and {self.customer!r}, who is refused"
        return refusals + [_refused("conflict", month, customer, reason) for customer in others]


def _issue_group(
    database: Database, run: CloseRun, todo: _Todo, group: IssueGroup, clock: Clock, options: CloseOptions
) -> list[str | None]:
    """Issue documents that go together in one transaction, all of them or none.

    Raises:
        _NotIssued: when one of them cannot be issued.
    """
    at, actor = clock.now(), options.by or actor_here()
    numbers: list[str | None] = []
    stored_as: list[tuple[Invoice, int]] = []
    with database.write() as connection:
        hold_run(connection, run)
        hold_counter(connection, "invoice")  # a review waits for the issue, or the issue for the review
        for document in group.documents:
            invoice = document.invoice
            if invoice.kind != "credit-note":
                # A hold may have come since the run began; it counts up to the moment of issue.
                review = last_reviews(connection, run.period, invoice.customer).get(invoice.customer)
                in_the_way = options.obstacle(invoice, review, todo.parked.get(invoice.customer))
                if in_the_way is not None:
                    raise _NotIssued(invoice.customer, in_the_way)
                whose = {invoice.customer, *(member for member, _ in document.members)}
                if changed_since(connection, todo.computed.month, run.pins.get("m", 0), whose):
                    raise _conflict(invoice, "a line was added to it or removed from it meanwhile; close again")
                if (reason := _carried_refusal(connection, run, invoice)) is not None:
                    raise _conflict(invoice, reason)
            try:
                stored = issue(
                    connection,
                    run,
                    invoice,
                    document.covered,
                    document.members,
                    [(correction.stored(), correction.covered) for correction in document.corrections],
                    at=at,
                    actor=actor,
                )
            except CoveredTwice as refusal:
                raise _conflict(invoice, str(refusal)) from None
            numbers.append(None if stored is None else stored[1])
            if stored is not None:
                stored_as.append((invoice, stored[0]))
                entry = entry_of_issue(connection, stored[1])
                append_audit(connection, "invoice.issued", entry, at=at, actor=actor)
        for invoice, id_ in stored_as:
            try:
                refuse_overlap(connection, id_)
            except CoveredTwice as refusal:
                raise _conflict(invoice, str(refusal)) from None
    return numbers


def _conflict(invoice: Invoice, reason: str) -> _NotIssued:
    return _NotIssued(invoice.customer, Obstacle("conflict", invoice.period.month, (invoice.customer,), reason))


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
    now = own.with_balances_of(carried.values()).with_openings(openings).with_drawn(drawn_by(invoice.adjustments))
    if now == invoice.carried:
        return None
    return "another invoice was issued to it meanwhile, and changed what this one carries on; close again"
