"""Invoices of payers from the usage of a month, with what earlier documents left to each. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from tokentill.closing.computation.month_usage import MonthUsage
from tokentill.contracts.book import ContractBook
from tokentill.errors import InvalidAmount
from tokentill.invoicing.carried import NOTHING_CARRIED, Carried, OpenBalance, pending
from tokentill.invoicing.corrections import Adjustment
from tokentill.invoicing.coverage import Documents, Ownership, Periods
from tokentill.invoicing.forms import InvoiceKind
from tokentill.invoicing.invoice import DEFAULT_SET_SINCE, VERSION_OF_F, Invoice, compute_invoice
from tokentill.invoicing.manual_lines import LinesByCustomer
from tokentill.invoicing.rating_groups import Books, RatingContext
from tokentill.invoicing.totals import is_recurring
from tokentill.store.issued.ledger import carried_by_customer
from tokentill.usage.aggregates import UsageAggregate

NO_ADJUSTMENTS: Mapping[str, Sequence[Adjustment]] = {}


def rating_context(books: Books, version: int) -> RatingContext:
    """Books as a version of the calculation asks them."""
    return RatingContext(books, bills_unmeasured=version < 3, has_default_set=version >= DEFAULT_SET_SINCE)


def add_members_with_charges(usage: MonthUsage, books: Books, manual: LinesByCustomer) -> None:
    """Add to the usage of a month those who owe something without any: under a contract of their own, or by lines that
    people added.
    """
    periods, ownership = usage.ownership.periods, usage.ownership
    recurring = (
        customer
        for customer in books.contracts.customers
        if periods.of(customer).has_time and is_recurring(customer, periods.of(customer), books.contracts)
    )
    for customer in (*recurring, *manual):
        usage.by_payer.setdefault(ownership.payer(customer), {}).setdefault(customer, [])


def invoices_of_payers(
    connection: Connection,
    payers: Sequence[str],
    usage: MonthUsage,
    periods: Periods,
    context: RatingContext,
    carried: Mapping[str, Carried],
    *,
    kind: InvoiceKind = "period",
    version: int = VERSION_OF_F,
    manual: LinesByCustomer | None = None,
    adjustments: Mapping[str, Sequence[Adjustment]] = NO_ADJUSTMENTS,
) -> tuple[dict[str, Invoice], dict[str, str]]:
    """The invoice of each payer, and why those have none that cannot be computed."""
    invoices: dict[str, Invoice] = {}
    failed: dict[str, str] = {}
    todo = payers
    while todo:
        to_replace: dict[str, list[UsageAggregate]] = {}
        for payer in todo:
            of_payer: list[UsageAggregate] = []
            by_member = usage.by_payer.get(payer, {})
            try:
                invoices[payer] = compute_invoice(
                    payer,
                    periods.of(payer),
                    usage.ownership.currency(payer),
                    by_member.get(payer, ()),
                    context,
                    children={member: listed for member, listed in by_member.items() if member != payer},
                    carried=carried[payer],
                    kind=kind,
                    adjustments=adjustments.get(payer, ()),
                    version=version,
                    manual=manual,
                    wanted=of_payer,
                )
            except (InvalidAmount, ArithmeticError) as error:
                failed[payer] = f"its invoice cannot be computed: {error or type(error).__name__}"
            if of_payer:
                to_replace[payer] = of_payer
        usage.replace_by_records(connection, to_replace)
        todo = list(to_replace)
    return {payer: invoices[payer] for payer in payers if payer not in failed}, failed


def carried_to_payers(
    connection: Connection,
    periods: Periods,
    documents: Documents,
    ownership: Ownership,
    payers: Sequence[str],
    position: int | None,
    contracts: ContractBook,
) -> dict[str, Carried]:
    """What earlier documents left to each payer, with the balances of everybody whose invoice it is now, and opening
    balances that none of them brought forward.

    Who has its document of the period gets what that was made with.
    """
    month, wanted = periods.month, set(payers)
    positions: dict[int | None, list[str]] = {}
    for payer in payers:
        issued = documents.period(payer, month)
        at = issued.position if issued is not None and ownership.is_issued(payer) else position
        positions.setdefault(at, []).append(payer)
    by_payer: dict[str, Carried] = {}
    for at, chosen in positions.items():
        children: dict[str, list[Carried]] = {}
        openings: dict[str, list[OpenBalance]] = {}
        by_customer = carried_by_customer(connection, str(month), position=at)
        for customer, carried in by_customer.items():
            if (payer := ownership.payer(customer)) != customer:
                children.setdefault(payer, []).append(carried)
        for opening in contracts.opening_balances:
            payer = ownership.payer(opening.customer)
            open_ = pending(opening, by_customer.get(opening.customer, NOTHING_CARRIED))
            if payer in wanted and open_ is not None and opening.day <= periods.of(payer).last_day:
                openings.setdefault(payer, []).append(open_)
        for payer in chosen:
            own = by_customer.get(payer, NOTHING_CARRIED)
            by_payer[payer] = own.with_balances_of(children.get(payer, ())).with_openings(openings.get(payer, ()))
    return by_payer
