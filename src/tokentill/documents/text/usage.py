"""What was used, and the way of one request, as text for a terminal."""

from __future__ import annotations

from tokentill.clock import instant_text
from tokentill.closing.usage_summary import UsageRow, UsageSummary
from tokentill.documents.escaping import short_id
from tokentill.documents.figures import count, exact, plural
from tokentill.documents.text.screen import Screen
from tokentill.usage.aggregates import GATEWAY_CURRENCY


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


def _row(name: str, row: UsageRow) -> tuple[str, ...]:
    cost = exact(row.cost) if row.requests_with_cost else ""
    listed = sorted((row.list_amounts or {}).items())
    amounts = () if row.list_amounts is None else (", ".join(f"{exact(amount)} {name}" for name, amount in listed),)
    return (name, count(row.requests), count(row.input_tokens), count(row.output_tokens), cost, *amounts)
