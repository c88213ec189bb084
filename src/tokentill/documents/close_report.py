"""The report of a close as tables with remarks, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokentill.closing.close_report import Approval, CloseReport
from tokentill.documents.escaping import short_id, shown_id, shown_text
from tokentill.documents.figures import count, exact, instant_shown, money, plural
from tokentill.documents.remarks import aside_remarks, late_text
from tokentill.errors import Refused

NAMED_MAX = 20


@dataclass(frozen=True, slots=True)
class ReportTable:
    """One part of the report. A column is its name, and whether it holds numbers."""

    id: str
    title: str
    columns: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()


def report_tables(report: CloseReport) -> list[ReportTable]:
    """All parts in their order."""
    return [
        _documents(report),
        _rounding(report),
        _requests(report),
        *([_not_billed(report)] if report.not_billed else []),
        _refused(report),
        _approvals(report),
        _log(report),
    ]


def write_close_report(report: CloseReport, file: Path) -> Path:
    """Write a report as one self-contained page.

    Raises:
        Refused: when the file cannot be written.
    """
    from tokentill.documents.customer_page import flat_pins
    from tokentill.documents.review_pages import page_environment

    runs = [{"title": _run_title(run), "pins": flat_pins(run.pins)} for run in report.runs]
    view: dict[str, Any] = {"at": instant_shown(report.at), "tables": report_tables(report), "runs": runs}
    text = page_environment().get_template("close_report.html.j2").render(report=report, view=view)
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Refused(f"{file}: the report cannot be written: {error.strerror}; choose another file") from error
    return file


def _documents(report: CloseReport) -> ReportTable:
    names = ("documents", "subtotal", "tax", "total", "due")
    rows = tuple(
        (
            f"{sums.kind} {sums.currency}",
            count(sums.documents),
            *(money(getattr(sums, f"{name}_minor"), sums.currency) for name in names[1:]),
        )
        for sums in report.sums
    )
    remarks = [] if rows else ["no document of the period is live"]
    if report.voided:
        remarks.append(f"void, and staying so: {', '.join(report.voided)}")
    columns = (("kind", False), *((name, True) for name in names))
    return ReportTable("documents", "Documents", columns, rows, tuple(remarks))


def _rounding(report: CloseReport) -> ReportTable:
    rows = tuple(
        (
            f"{sums.kind} {sums.currency}",
            exact(sums.exact),
            money(sums.subtotal_minor, sums.currency),
            exact(sums.rounding),
        )
        for sums in report.sums
    )
    columns = (("kind", False), ("exact", True), ("rounded", True), ("rounding", True))
    return ReportTable("rounding", "Rounding: all lines before it, and the subtotals", columns, rows)


def _requests(report: CloseReport) -> ReportTable:
    counts = report.requests
    named = {
        "on documents": counts.on_documents,
        "late: they came after their document was issued": counts.late,
        "refused: something is against their customer": counts.refused,
        "ready: nobody closed them yet": counts.ready,
        "not due: the period or its grace time still runs": counts.not_due,
        "failed: the invoice of their customer cannot be computed": counts.failed,
        "unattributed: they belong to nobody": counts.unattributed,
        "all": counts.all,
    }
    rows = tuple((name, count(number)) for name, number in named.items() if number or name in ("on documents", "all"))
    remarks = [f"{text} ({command})" for text, command in aside_remarks(report.aside, report.month)]
    if not counts.is_complete:
        remarks.insert(0, "the parts do not come to all; `tokentill db check` and `tokentill verify` look further")
    if counts.waived:
        requests = plural(counts.waived, "request on documents is", "requests on documents are")
        remarks.insert(0, f"{requests} billed at nothing, as somebody decided or before billing began")
    if report.late:
        remarks.append(f"{late_text(report.late)} (tokentill usage late)")
    return ReportTable(
        "requests", "Requests of the period", (("where", False), ("requests", True)), rows, tuple(remarks)
    )


def _not_billed(report: CloseReport) -> ReportTable:
    rows = tuple(
        (
            shown_text(one.decision),
            "-" if one.contract is None else shown_text(one.contract),
            count(one.requests),
            "-" if one.list_amount is None else exact(one.list_amount),
            one.currency,
        )
        for one in report.not_billed
    )
    columns = (("decision", False), ("by", False), ("requests", True), ("list amount", True), ("currency", False))
    return ReportTable("not-billed", "On documents and not billed, by decision", columns, rows)


def _refused(report: CloseReport) -> ReportTable:
    rows = tuple(
        (
            one.kind,
            count(len(one.customers)),
            ", ".join(short_id(customer) for customer in one.customers[:NAMED_MAX]),
            shown_text(one.reason),
        )
        for one in report.refused
    )
    remarks = [f"refused for all: {shown_text(reason)}" for reason in report.blocked_by]
    if not rows and not remarks:
        remarks.append("nothing is refused")
    columns = (("cause", False), ("customers", True), ("who", False), ("reason", False))
    return ReportTable("refused", "What would be refused now", columns, rows, tuple(remarks))


def _approvals(report: CloseReport) -> ReportTable:
    by_whom: dict[tuple[str, str], list[Approval]] = {}
    for approval in report.approvals:
        who = approval.by if approval.policy is None else f"policy of {approval.policy}, run by {approval.by}"
        by_whom.setdefault((who, approval.policy_hash or ""), []).append(approval)
    rows = tuple(
        (shown_text(who), count(len(listed)), ", ".join(one.number for one in listed[:NAMED_MAX]), hash_)
        for (who, hash_), listed in sorted(by_whom.items())
    )
    without = plural(report.not_approved, "invoice was", "invoices were")
    remarks = (f"{without} issued without an approval",) if report.not_approved else ()
    columns = (("approved by", False), ("invoices", True), ("numbers", False), ("policy", False))
    return ReportTable("approvals", "Approvals", columns, rows, remarks)


def _log(report: CloseReport) -> ReportTable:
    remarks = [_run_title(run) for run in report.runs] or ["nobody closed the period"]
    head = report.chain_head
    if head is not None:
        remarks.append(f"the audit log ends with entry {count(head.seq)}, {head.hash}")
    return ReportTable("log", "Runs and audit log", (), (), tuple(remarks))


def _run_title(run: Any) -> str:
    ended = "and was cut off" if run.finished_at is None else f"to {instant_shown(run.finished_at)}"
    asked = ", ".join(_asked(run.asked))
    kind = shown_id(run.asked.get("kind", "period"))
    return f"{kind} from {instant_shown(run.started_at)} {ended}" + (f": {asked}" if asked else "")


def _asked(asked: dict[str, Any]) -> Iterator[str]:
    if asked.get("require_approval"):
        yield "approvals required"
    if asked.get("four_eyes"):
        yield "four eyes"
    if asked.get("grace_seconds"):
        yield f"grace {plural(asked['grace_seconds'] // 3600, 'hour', 'hours')}"
    if "park_beyond" in asked:
        yield "parking beyond declared bounds"
