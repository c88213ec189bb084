"""What holds of each issued document and of each close run: columns, lines, ledger and audit log say the same as its
content. Each check is a rule between two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tokentill.canonical import Content, content_of
from tokentill.money import minor_text
from tokentill.store.checks import holdings
from tokentill.store.checks.holdings import HeldDocument, HeldRow, HeldRun
from tokentill.store.checks.invariants import DOCUMENT_INVARIANTS, minor_of


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
