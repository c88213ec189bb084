"""What lies beside the invoices of a period and keeps nobody from being closed, in the words of terminal and page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tokentill.documents.figures import plural
from tokentill.invoicing.periods import Month
from tokentill.invoicing.preview import Aside, LateUsage

LIST_LATE = "tokentill usage late"


def aside_remarks(aside: Aside, month: Month) -> Iterator[tuple[str, str]]:
    """What was kept aside and nobody decided on, each with the command that lists it."""
    if aside.revisions:
        records = plural(aside.revisions, "record came", "records came")
        command = f"tokentill usage revisions list --period {month} --state open"
        yield f"{records} again with other content, and nobody decided what counts", command
    if aside.quarantined:
        lines = plural(aside.quarantined, "line is", "lines are")
        command = f"tokentill usage quarantine list --period {month} --state open"
        yield f"{lines} in quarantine, of {month} or of an instant that is not known", command


def late_text(late: Sequence[LateUsage]) -> str:
    """How much usage is late, and of which months."""
    requests = plural(sum(record.requests for record in late), "request is", "requests are")
    months = ", ".join(sorted({str(record.month) for record in late}))
    return f"{requests} late, of periods that were issued without them ({months})"
