"""`prices check`: runs every rule that the files of a `pricing/` folder must keep together.

A check is a pure function from all recordings to findings, named for its rule. Errors keep the whole folder from
loading; warnings are for a person to look at. What each file must keep by itself is checked when it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from os import PathLike

from tokentill.clock import instant_text, parse_instant
from tokentill.errors import Finding
from tokentill.recordings.checks import (
    before_release,
    contract_numbers,
    contracts,
    customers,
    dropped_parts,
    model_ids,
    prices,
    rules,
    twice,
)
from tokentill.recordings.lock import released_files_are_unchanged, released_paths
from tokentill.recordings.paths import layers_of
from tokentill.recordings.recording import Recording, Recordings, read_folder

Check = Callable[[Recordings], Iterable[Finding]]

CHECKS: tuple[Check, ...] = (
    *twice.CHECKS,
    *prices.CHECKS,
    *model_ids.CHECKS,
    *contracts.CHECKS,
    *rules.CHECKS,
    released_files_are_unchanged,
)
CHECKS_BEFORE_RELEASE: tuple[Check, ...] = (
    *before_release.CHECKS,
    *contract_numbers.CHECKS,
    *customers.CHECKS,
    *dropped_parts.CHECKS,
    *model_ids.CHECKS_BEFORE_RELEASE,
)
AHEAD_MAX = timedelta(days=1)
"""So far after now a recording may be dated: clocks differ, and days begin elsewhere before they do here."""


def check_folder(
    path: str | PathLike[str] | None = None, *, shipped_prices: bool = False, now: datetime | None = None
) -> list[Finding]:
    """Every mistake and every warning in a folder, in order of files and lines. An empty list is a clean folder.

    Args:
        path: a `pricing/` folder; None is the one that tokentill ships.
        shipped_prices: whether the shipped list prices lie beneath it.
        now: to find what was recorded in the future; not looked for unless given.

    Raises:
        InvalidCall: when there is no such folder.
    """
    recordings, findings = read_folder(*layers_of(path, shipped_prices=shipped_prices))
    ahead = () if now is None else recorded_in_the_future(recordings, now)
    return in_order([*findings, *run_checks(recordings), *ahead])


def check_with(path: str | PathLike[str] | None, more: Recording, *, shipped_prices: bool = False) -> list[Finding]:
    """What a price table that is not written yet would bring into a folder: every mistake, and the warnings about it.

    Raises:
        InvalidCall: when there is no such folder.
    """
    recordings, _ = read_folder(*layers_of(path, shipped_prices=shipped_prices))
    findings = [*more.warnings, *run_checks(replace(recordings, prices=(*recordings.prices, more)))]
    is_new = f"{more.file.shown}:"
    return in_order(finding for finding in findings if not finding.is_warning or finding.where.startswith(is_new))


def recorded_in_the_future(recordings: Recordings, now: datetime) -> Iterator[Finding]:
    """Nothing is recorded more than a day from now: it would override what is recorded until then. Warning."""
    for recording in recordings:
        if parse_instant(recording.content["recorded_at"]) > now + AHEAD_MAX:
            message = f"recorded_at is in the future: it is {instant_text(now)} now"
            hint = "write when this was learned; from when it holds is valid_from"
            yield recording.file.finding(("recorded_at",), message, hint, is_warning=True)


def run_checks(recordings: Recordings) -> Iterator[Finding]:
    """What every check says about the files of the folder itself that are valid by themselves."""
    beneath = {recording.file.shown for recording in recordings.beneath}
    released = beneath | {recordings.shown(path) for path in released_paths(recordings)}
    for checks, said_of in ((CHECKS, beneath), (CHECKS_BEFORE_RELEASE, released)):
        for check in checks:
            yield from (finding for finding in check(recordings) if finding.where.rsplit(":", 1)[0] not in said_of)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by file, then line; each once."""

    def place(finding: Finding) -> tuple[str, int, str]:
        path, line = finding.where.rsplit(":", 1)
        return path, int(line), finding.message

    return sorted(set(findings), key=place)
