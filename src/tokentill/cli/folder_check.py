"""`prices check` and `contracts check`: what is wrong in a pricing folder, for people or as JSON."""

from __future__ import annotations

from tokentill.canonical import Content
from tokentill.cli.calling import Call
from tokentill.errors import Finding
from tokentill.pricing.book import PriceBook
from tokentill.pricing.checking import check_folder
from tokentill.pricing.loading import load_folder
from tokentill.shipped import shipped_folder


def show_check(call: Call, *, strict: bool, what: str) -> None:
    """Check the whole folder and tell its findings; `what` is counted at the end: recordings or contracts."""
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

    def show() -> None:
        for finding in findings:
            call.say(f"{'warning: ' if finding.is_warning else ''}{finding}")
        if errors:
            call.say(f"{len(errors)} mistakes; nothing of this folder loads until they are put right")
        else:
            counted = f"{content[what]} {what}"
            call.say(f"{content['folder']}: {counted}, {content['models']} models, {len(findings)} warnings")

    call.finish(content, show, is_refused=bool(errors) or (strict and bool(findings)))


def _finding_content(finding: Finding) -> Content:
    return {"where": finding.where, "message": finding.message, "hint": finding.hint}
