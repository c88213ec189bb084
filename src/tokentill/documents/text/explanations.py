"""Where each cent of an invoice comes from, as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from tokentill.clock import instant_text
from tokentill.documents.arithmetic import conditions_of
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import MINUS, amount_shown, count, exact, money, plural, signed_exact
from tokentill.documents.steps import charge_text, step_text
from tokentill.documents.text.invoices import plain
from tokentill.documents.totals_rows import item_row
from tokentill.money import EXACT, sum_exact

if TYPE_CHECKING:
    from tokentill.canonical import Content
    from tokentill.closing.questions.explain import ExplainedRecord
    from tokentill.closing.questions.explained_corrections import ExplainedAdjustment, RecordChange, SideOfLine
    from tokentill.closing.questions.explanation import ExplainedItem, ExplainedLine, Explanation, OtherDocument
    from tokentill.documents.text.screen import Screen
    from tokentill.invoicing.rounding import Rounding


def show_explained(screen: Screen, explanation: Explanation, records_max: int) -> None:
    """Lines with their arithmetic and first records, steps with where they come from, and what all of it comes to."""
    for line in explanation.lines:
        _show_line(screen, line, records_max)
    for item in explanation.items:
        _show_item(screen, item)
    if not explanation.is_whole:
        return
    if explanation.lines:
        screen.say("how exact amounts became amounts of the invoice:")
    for rounding in explanation.rounding:
        screen.say(f"  {_rounding_text(rounding)}")
    parts = [Decimal(one.line["amount"]) for one in explanation.lines]
    steps = [Decimal(one.item["amount"]) for one in explanation.items]
    sums = f"{plural(len(parts), 'line comes', 'lines come')} to {amount_shown(format(sum_exact(parts), 'f'))}"
    if steps:
        sums += f", {plural(len(steps), 'step', 'steps')} to {amount_shown(format(sum_exact(steps), 'f'))}"
    due = money(explanation.due_minor, explanation.currency)
    screen.say(f"{sums}: together the {due} {explanation.currency} that are due")


def _show_line(screen: Screen, each: ExplainedLine, records_max: int) -> None:
    line = each.line
    has_requests = line["kind"] in ("usage", "adjustment") and line["requests"]
    requests = f", {plural(line['requests'], 'request', 'requests')}" if has_requests else ""
    of_child = f", of {shown_id(line['customer'])}" if line.get("customer") else ""
    screen.say(f"line {each.position}: {shown_text(line['description'])}{of_child}{requests}")
    if line["kind"] != "usage":
        screen.say(f"    {_charge_text(line)}")
    for part in line["parts"]:
        conditions = conditions_of(part)
        if conditions:
            screen.say(f"  {', '.join(conditions)}:")
        for step in part["steps"]:
            screen.say(f"    {_step_text(step)}")
    rounded = f", rounded by {signed_exact(each.rounded_by)}" if each.rounded_by else ""
    screen.say(f"  exact amount {line['exact_amount']}, on the invoice {line['amount']}{rounded}")
    if each.adjustment is not None:
        _show_adjustment(screen, each.adjustment, records_max)
        return
    _show_price(screen, line["price_entry"], each.price_entry, each.price_source)
    if each.manual is not None:
        added = each.manual
        screen.say(f"  added by {shown_text(added.by)} at {instant_text(added.at)}: {shown_text(added.reason)}")
    elif each.rule is None and line["kind"] not in ("usage", "adjustment"):
        screen.say("  agreed for the whole invoice")
    elif line["kind"] != "adjustment":
        screen.say(f"  {_rule_text(each.rule)}")
    _show_records(screen, each.records, records_max)


def _show_price(screen: Screen, hash_: str | None, entry: Content | None, source: str | None) -> None:
    if entry is None:
        return
    screen.say(f"  price entry {hash_}")
    screen.say(f"    {_entry_text(entry)}")
    screen.say(f"    source: {shown_text(source or 'not stated')}")


def _entry_text(entry: Content) -> str:
    return f"{shown_text(entry['model'])}, valid from {entry['valid_from']}, recorded {entry['recorded_at']}"


def _rule_text(rule: Content | None) -> str:
    if rule is None:
        return "rule: none fits; the list price is billed as it is"
    name = shown_text(rule.get("name") or "without a name")
    return f"rule {name!r} of {shown_text(rule['contract'])}"


def _show_records(screen: Screen, records: Sequence[ExplainedRecord], records_max: int) -> None:
    for explained in records[:records_max]:
        record = explained.record
        quantities = ", ".join(f"{number:,} {name}" for name, number in sorted(record.quantities.items()))
        screen.say(
            f"    {instant_text(record.occurred_at)} {shown_id(record.record_id)}"
            f" user {shown_id(record.series.user) if record.series.user else 'none'}"
            f" {quantities} = {exact(explained.exact_amount)}"
        )
    _say_rest(screen, len(records), records_max)


def _say_rest(screen: Screen, number: int, shown: int) -> None:
    if number > shown:
        more = plural(number - shown, "more record", "more records")
        screen.say(f"    ... and {more}; --records {number} or --json shows all")


def _show_adjustment(screen: Screen, adjustment: ExplainedAdjustment, records_max: int) -> None:
    """The corrected period's line before and after, with its price and rule, then the records that changed."""
    number = shown_text(adjustment.number)
    for name, side in (("before", adjustment.before), ("after", adjustment.after)):
        screen.say(f"  {name}: {_side_text(side, number, adjustment)}")
    sides = [side for side in (adjustment.before, adjustment.after) if side is not None]
    for entry in dict.fromkeys(_entry_text(side.price_entry) for side in sides if side.price_entry):
        screen.say(f"    price entry: {entry}")
    for rule in dict.fromkeys(_rule_text(side.rule) for side in sides if side.price_entry or side.rule):
        screen.say(f"    {rule}")
    if adjustment.rate is not None:
        screen.say(f"  converted from {adjustment.currency} at {adjustment.rate}")
    for change in adjustment.records[:records_max]:
        screen.say(f"    {_change_text(change)}")
    _say_rest(screen, len(adjustment.records), records_max)


def _side_text(side: SideOfLine | None, number: str, adjustment: ExplainedAdjustment) -> str:
    if side is None:
        return f"no such line in {adjustment.period} ({number})"
    requests = f", {plural(side.requests, 'request', 'requests')}" if side.requests else ""
    return f"{exact(side.exact_amount)} {adjustment.currency}{requests}"


def _change_text(change: RecordChange) -> str:
    record = change.record
    before, after = ("none" if one is None else exact(one.exact_amount) for one in (change.before, change.after))
    quantities = ""
    if change.before is not None and change.after is not None:
        old, new = change.before.record.quantities, change.after.record.quantities
        if old != new:
            quantities = f" {_quantities(old)} to {_quantities(new)},"
    else:
        quantities = f" {_quantities(record.quantities)},"
    other = ""
    if change.what in ("moved here", "moved away"):
        way = "from" if change.what == "moved here" else "to"
        other = f" {way} {shown_id(change.other) if change.other else 'nobody'}"
    said = ""
    if change.said is not None:
        said = f"; {shown_text(change.said.by)}: {shown_text(change.said.reason)}"
    return (
        f"{instant_text(record.occurred_at)} {shown_id(record.record_id)} {change.what}{other}:{quantities}"
        f" {before} before, {after} after, {signed_exact(change.exact_amount)}{said}"
    )


def _quantities(quantities: object) -> str:
    listed = dict(quantities)  # type: ignore[call-overload]
    return " + ".join(f"{count(number)} {shown_id(name)}" for name, number in sorted(listed.items())) or "nothing"


def _show_item(screen: Screen, each: ExplainedItem) -> None:
    """A step with its arithmetic, the grant that pays, and the documents that it comes from or goes to."""
    row = item_row(each.item)
    taken_off = MINUS if each.item["kind"] == "coupon" and each.item.get("percent") else ""
    note = f": {taken_off}{plain(row.note)}{_rounded(each.item)}" if row.note else ""
    screen.say(f"step {each.position}: {row.name}{note} = {row.amount}")
    whole = each.corrected
    if whole is not None:
        names = ("before", "after", "taxable_before", "taxable_after")
        before, after, was, now = (money(getattr(whole, f"{name}_minor"), whole.currency) for name in names)
        of = (f" of {was}", f" of {now}") if each.item["kind"] == "tax" else ("", "")
        screen.say(f"    of the whole period: {before}{of[0]} before, {after}{of[1]} after, {whole.currency}")
    grant = each.grant
    if grant is not None:
        until = "" if grant.expires_at is None else f" until {instant_text(grant.expires_at)}"
        screen.say(f"    granted: {exact(grant.amount)} {grant.currency}, from {instant_text(grant.valid_from)}{until}")
    for document in each.documents:
        screen.say(f"    {_document_text(document, each.item['kind'])}")


def _rounded(item: Content) -> str:
    """Said of a share whose exact amount is another one."""
    if item.get("percent") is None:
        return ""
    share = EXACT.multiply(Decimal(item["of"]), Decimal(item["percent"])).scaleb(-2, EXACT)
    billed = sum_exact([Decimal(item["amount"]).copy_abs(), Decimal(item.get("invoiced") or 0)])
    return "" if share == billed else ", rounded"


def _document_text(document: OtherDocument, kind: str) -> str:
    number = f"{shown_text(document.number)} ({document.period})"
    amount = f"{money(document.amount_minor, document.currency)} {document.currency}"
    if kind == "credit":
        return f"before, {number} drew {amount}"
    if kind == "carried":
        return f"taken over by {number}"
    if kind == "balance":
        return f"{document.what} by {number}: {amount}"
    return f"{number}: {amount} with its tax"


def _rounding_text(rounding: Rounding) -> str:
    lines = plural(rounding.lines, "line", "lines")
    raised = f"; {count(rounding.raised)} of them rounded up, by the largest remainders" if rounding.lines > 1 else ""
    amount = amount_shown(format(rounding.amount, "f"))
    return f"{rounding.of}: {lines}, {exact(rounding.exact_amount)} in all, rounded once to {amount}{raised}"


def _charge_text(line: Content) -> str:
    charge = charge_text(line)
    note = f" ({charge.note})" if charge.note else ""
    arithmetic = f": {charge.arithmetic}" if charge.arithmetic else ""
    return plain(f"{charge.name}{note}{arithmetic} = {exact(Decimal(line['exact_amount']))}")


def _step_text(step: Content) -> str:
    text, amount = step_text(step), exact(Decimal(step["amount"]))
    note = f" ({text.note})" if text.note else ""
    if step["kind"] in ("rate", "add_on"):
        quantity, _, rest = text.arithmetic.partition(" ")
        return plain(f"{quantity} {text.name}{note} {rest} = {amount}")
    return plain(f"{text.name}{note}: {text.arithmetic} = {amount}")
