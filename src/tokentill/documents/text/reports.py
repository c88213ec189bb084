"""Reports as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokentill.clock import instant_text
from tokentill.documents.close_report import report_tables
from tokentill.documents.figures import NO_BREAK

if TYPE_CHECKING:
    from tokentill.closing.close_report import CloseReport
    from tokentill.documents.text.screen import Screen


def show_close_report(screen: Screen, report: CloseReport) -> None:
    """What the close of a period came to."""
    screen.say(f"close of {report.month}, as of {instant_text(report.at)}")
    for table in report_tables(report):
        screen.say(f"\n{table.title}")
        if table.rows:
            right = tuple(name for name, is_number in table.columns if is_number)
            screen.table(tuple(name for name, _ in table.columns), table.rows, right=right)
        for remark in table.remarks:
            screen.say(remark.replace(NO_BREAK, " "))
    for run in report.runs:
        pins = ", ".join(f"{name} {value}" for name, value in sorted(run.pins.items()))
        screen.say(f"pins of the run of {instant_text(run.started_at)}: {pins}")
