"""What was used, and the way of one request, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tokentill.clock import instant_text
from tokentill.documents.escaping import short_id, shown_id, shown_text
from tokentill.documents.figures import count, exact, plural, signed_exact
from tokentill.usage.aggregates import GATEWAY_CURRENCY

if TYPE_CHECKING:
    from tokentill.closing.questions.trace import RequestTrace
    from tokentill.closing.records.usage_summary import UsageRow, UsageSummary
    from tokentill.documents.text.screen import Screen


def show_usage(screen: Screen, summary: UsageSummary) -> None:
    """One key a line, the total last, and from when until when it is."""
    if not summary.rows:
        screen.say("no usage")
        return
    has_prices = summary.total.list_amounts is not None
    amounts = (
        "requests",
        "tokens in",
        "tokens out",
        f"cost {GATEWAY_CURRENCY}",
        *(("list amount",) if has_prices else ()),
    )
    nobody = "nobody" if summary.by == "customer" else "none"
    rows = [_row(nobody if row.name is None else short_id(row.name), row) for row in summary.rows]
    screen.table((summary.by, *amounts), [*rows, _row("all", summary.total)], right=amounts)
    starts_at = "the first record" if summary.starts_at is None else instant_text(summary.starts_at)
    ends_at = "the last one" if summary.ends_at is None else f"before {instant_text(summary.ends_at)}"
    screen.say(f"\nfrom {starts_at} until {ends_at}")
    total = summary.total
    if without := total.requests - total.requests_with_cost:
        screen.say(f"{plural(without, 'request reports', 'requests report')} no cost")
    if total.unpriced_requests:
        screen.say(f"{plural(total.unpriced_requests, 'request has', 'requests have')} no list amount")
    if summary.contradicting_requests:
        contradicting = plural(summary.contradicting_requests, "request is", "requests are")
        screen.say(f"{contradicting} of a user that is not trusted and leads to another customer than the API key")


def _row(name: str, row: UsageRow) -> tuple[str, ...]:
    cost = exact(row.cost) if row.requests_with_cost else ""
    listed = sorted((row.list_amounts or {}).items())
    amounts = () if row.list_amounts is None else (", ".join(f"{exact(amount)} {name}" for name, amount in listed),)
    return (name, count(row.requests), count(row.input_tokens), count(row.output_tokens), cost, *amounts)


def show_trace(screen: Screen, trace: RequestTrace) -> None:
    """One step a line, in the order in which a request takes them, and last how far it came."""
    screen.say(f"{shown_id(trace.source)} {shown_id(trace.record_id)}")
    for name, text in _steps(trace):
        screen.say(f"  {name:<11} {text}")
    screen.say(f"  {trace.state}: {shown_text(trace.why)}")


def _steps(trace: RequestTrace) -> Iterator[tuple[str, str]]:
    for line in trace.quarantined:
        yield "quarantine", f"{shown_id(line.file)}:{line.line} ({line.state}): {shown_text(line.reason)}"
    for version in trace.versions:
        on = f", on {', '.join(version.invoices)}" if version.invoices else ""
        yield "import", f"{shown_id(version.file)} at {instant_text(version.came_at)}, version {version.version}{on}"
    for revision in trace.revisions:
        came = f"{shown_id(revision.file)} at {instant_text(revision.came_at)}"
        yield "revision", f"{revision.digest.hex()[:12]} ({revision.state}), from {came}"
    record = trace.record
    if record is None:
        return
    quantities = ", ".join(f"{count(number)} {name}" for name, number in sorted(record.quantities.items()))
    yield (
        "request",
        f"{instant_text(record.occurred_at)}, {shown_text(record.series.model)}: {quantities or 'no usage'}",
    )
    who = ", ".join(
        f"{name} {'none' if value is None else shown_id(value)}"
        for name, value in (("user", record.series.user), ("api key", record.series.api_key))
    )
    yield "from", who
    customer = "nobody" if trace.customer is None else shown_id(trace.customer)
    yield "customer", f"{customer}: {shown_text(trace.because or '')}"
    if trace.payer not in (None, trace.customer):
        yield "payer", shown_id(trace.payer or "")
    if record.cost is not None:
        yield "cost", f"{exact(record.cost)} {GATEWAY_CURRENCY}, as the gateway reported it"
    if trace.list_amount is not None:
        yield "list amount", f"{exact(trace.list_amount)} {trace.currency}"
    yield from _billed_steps(trace)


def _billed_steps(trace: RequestTrace) -> Iterator[tuple[str, str]]:
    for line in trace.lines:
        if line.price_entry is not None:
            entry = line.price_entry
            yield "price", f"{shown_text(entry['model'])}, valid from {entry['valid_from']}"
        if line.rule is None:
            yield "rule", "none fits: the list price is billed"
        else:
            yield (
                "rule",
                f"{shown_text(line.rule.get('name', 'without a name'))} of {shown_text(line.rule['contract'])}",
            )
        on = f"{trace.number} line" if trace.number else "line"
        amount = f"{exact(line.exact_amount)} {trace.currency} exactly"
        yield "line", f"{on} {line.position} ({shown_id(line.description)}): {amount}"
    if trace.period is not None:
        yield "invoice", f"{trace.number or 'not issued'}, of {trace.period}"
    for one in trace.corrections:
        other = "" if one.other is None else f" ({shown_id(one.other)})"
        amount = f"{signed_exact(one.exact_amount)} {one.currency} exactly"
        where = f"{shown_text(one.invoice)} line {one.position}, correcting {shown_text(one.corrects)}"
        yield "correction", f"{where} of {shown_id(one.customer)} for {one.period}: {one.what}{other}, {amount}"
    for push in trace.pushes:
        value = f"{push.value_minor} minor units for the day"
        yield "push", f"{push.day}, meter {shown_text(push.meter)}, {push.stripe_customer}: {value}, {push.state}"
