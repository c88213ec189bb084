"""`prices check` and `contracts check`: what is wrong in a pricing folder, for people or as JSON."""

from __future__ import annotations

from tokentill.canonical import Content
from tokentill.cli.calling import Invocation
from tokentill.documents.escaping import shown_id
from tokentill.errors import Finding, Refused
from tokentill.invoicing.coverage import KeptBoundary
from tokentill.prices.book import PriceBook
from tokentill.recordings.checking import check_folder
from tokentill.recordings.load import load_folder
from tokentill.shipped import shipped_folder
from tokentill.store.database import Database


def show_check(call: Invocation, *, strict: bool, what: str) -> None:
    """Check the whole folder and tell its findings; `what` is counted at the end: recordings or contracts.

    Contracts are held against what was issued, too, where there is a database.
    """
    folder = call.settings.pricing
    findings = check_folder(folder)
    errors = [finding for finding in findings if not finding.is_warning]
    content: Content = {
        "folder": str(folder or shipped_folder("pricing")),
        "errors": [_finding_content(finding) for finding in errors],
        "warnings": [_finding_content(finding) for finding in findings if finding.is_warning],
    }
    if not errors:
        loaded = load_folder(folder)
        content["models"] = len(PriceBook(loaded.prices).models)
        content["recordings"] = len(loaded.paths)
        content["contracts"] = len(loaded.contracts)
    kept = _kept_boundaries(call) if what == "contracts" and not errors else []
    if kept:
        content["kept_boundaries"] = [boundary.content() for boundary in kept]

    def show() -> None:
        for finding in findings:
            call.say(f"{'warning: ' if finding.is_warning else ''}{finding}")
        if errors:
            call.say(f"{len(errors)} mistakes; nothing of this folder loads until they are put right")
        else:
            counted = f"{content[what]} {what}"
            call.say(f"{content['folder']}: {counted}, {content['models']} models, {len(findings)} warnings")
        for boundary in kept:
            call.say(f"{shown_id(boundary.customer)}: {boundary}")

    call.finish(content, show, is_refused=bool(errors) or (strict and bool(findings)))


def _kept_boundaries(call: Invocation) -> list[KeptBoundary]:
    """Boundaries that contracts would move, had nothing been issued. Looking makes no database."""
    database = Database.open(call.settings.database)
    if database.sqlite_path is not None and not database.sqlite_path.exists():
        return []
    try:
        with call.till() as till:
            return till.kept_boundaries()
    except Refused as refusal:  # a check of files needs no database
        call.note(f"not held against what was issued: {refusal}")
        return []


def _finding_content(finding: Finding) -> Content:
    return {"where": finding.where, "message": finding.message, "hint": finding.hint}
