"""What lies beside the invoices of a period and keeps nobody from being closed, in the words of terminal and page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from tokentill.documents.figures import FOR_THE_EYE, money, plural

if TYPE_CHECKING:
    from tokentill.invoicing.periods import Month
    from tokentill.invoicing.preview import Aside, LateUsage, Preview
    from tokentill.invoicing.projection import Projection

LIST_LATE = "tokentill usage late"


def aside_remarks(aside: Aside, month: Month) -> Iterator[tuple[str, str]]:
    """What was kept aside and nobody decided on, each with the command that lists it."""
    if aside.revisions:
        records = plural(aside.revisions, "record came", "records came")
        command = f"tokentill usage revisions list --period {month} --state open"
        yield f"{records} again with other content, and nobody decided what counts", command
    yield from open_remarks(aside)
    if aside.quarantined:
        lines = plural(aside.quarantined, "line is", "lines are")
        command = f"tokentill usage quarantine list --period {month} --state open"
        yield f"{lines} in quarantine, of {month} or of an instant that is not known", command


def open_remarks(aside: Aside) -> Iterator[tuple[str, str]]:
    """Months that were closed, with what came later for customers without an invoice, each with what issues it."""
    for one in aside.open_months:
        came = plural(one.requests, "request of another month came", "requests of another month came")
        of = plural(len(one.customers), "customer", "customers")
        yield f"{came} after it was closed, of {of} without an invoice of it", f"tokentill close {one.month}"


def projection_text(projection: Projection) -> str:
    """What a period that runs would come to: `120.00 USD after 9.4 of 31 days`."""
    amount = money(projection.total_minor, projection.currency)
    days = f"{_days(projection.elapsed_seconds)} of {_days(projection.of_seconds)} days"
    return f"{amount} {projection.currency} after {days}"


def projection_texts(preview: Preview) -> Iterator[str]:
    """What all customers whose period runs would come to together, in each currency."""
    totals: Counter[str] = Counter()
    running: Counter[str] = Counter()
    for one in preview.customers:
        if one.projection is not None:
            totals[one.projection.currency] += one.projection.total_minor
            running[one.projection.currency] += 1
    for currency, total in sorted(totals.items()):
        customers = plural(running[currency], "customer whose period runs", "customers whose period runs")
        yield (
            f"projection: {money(total, currency)} {currency} for {customers}, if usage goes on to the end as it went"
            " until now"
        )


def _days(seconds: int) -> str:
    """To a tenth of a day, for the eye."""
    days = FOR_THE_EYE.divide(Decimal(seconds), Decimal(86_400)).quantize(Decimal("0.1"), context=FOR_THE_EYE)
    return format(days.normalize(FOR_THE_EYE), "f")


def late_text(late: Sequence[LateUsage]) -> str:
    """How much usage is late, and of which months."""
    requests = plural(sum(record.requests for record in late), "request is", "requests are")
    months = ", ".join(sorted({str(record.month) for record in late}))
    return f"{requests} late, of periods that were issued without them ({months})"
