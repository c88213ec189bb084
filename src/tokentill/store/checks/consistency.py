"""Whether what the database holds about issued documents agrees with itself.

The same facts are kept several times: in a document's content and its hash, in the columns beside it, in its lines, in
the ledger, in the run that issued it and in the audit log. Each check is a rule between two of them, and none computes
an invoice. What somebody changed by hand in one place contradicts the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select

from tokentill.canonical import Content, fields_of
from tokentill.store.checks import holdings
from tokentill.store.checks.database_checks import DATABASE_CHECKS, usage_rows_are_what_their_digests_say
from tokentill.store.checks.document_checks import DOCUMENT_CHECKS, RUN_CHECKS
from tokentill.store.checks.holdings import HeldDocument
from tokentill.store.checks.invariants import INVARIANTS, Looked


@dataclass(frozen=True, slots=True)
class StoreFault:
    """What is wrong, with a document of this number, or (None) with the database."""

    number: str | None
    message: str

    def __str__(self) -> str:
        return self.message if self.number is None else f"{self.number}: {self.message}"


@dataclass(frozen=True, slots=True)
class Checked:
    """One check that was made: its rule, how many things it looked at, and its faults. `figures` are what it counted
    beside them.
    """

    check: str
    looked_at: int
    of: str
    faults: tuple[StoreFault, ...]
    figures: tuple[tuple[str, int], ...] = ()

    @property
    def invariant(self) -> str | None:
        """The numbered invariant that it holds, if there is one."""
        return INVARIANTS.get(self.check)

    def content(self) -> Content:
        """What `db check --json` prints of it."""
        named = fields_of(self, "check", "invariant", "looked_at", "of")
        return {**named, "faults": len(self.faults), "figures": dict(self.figures)}


CHECKS: tuple[Callable[..., Any], ...] = (
    *DOCUMENT_CHECKS,
    *RUN_CHECKS,
    *DATABASE_CHECKS,
    usage_rows_are_what_their_digests_say,
)
"""Every check there is."""


def check_agreement(
    connection: Connection, numbers: Collection[str] | None = None, *, whole: bool, usage: Select[Any] | None = None
) -> tuple[Checked, ...]:
    """Make the checks.

    Args:
        numbers: the documents to look at, with their runs; all of them unless given.
        whole: look at the database as a whole, too.
        usage: selects the ids of the usage rows to look at; unless given, those that the documents cover.
    """
    by_document: dict[str, list[StoreFault]] = {check.__name__: [] for check in DOCUMENT_CHECKS}
    run_of: dict[int, int] = {}
    for held in holdings.held_documents(connection, numbers):
        run_of[held.row["id"]] = held.row["close_run_id"]
        for check in DOCUMENT_CHECKS:
            by_document[check.__name__] += [
                StoreFault(held.row["number"], message) for message in _messages(check, held)
            ]
    checked = [Checked(name, len(run_of), "documents", tuple(faults)) for name, faults in by_document.items()]
    runs = list(holdings.held_runs(connection, None if numbers is None else set(run_of.values())))
    for run_check in RUN_CHECKS:
        of_runs = [message for run in runs for message in run_check(run)]
        checked.append(_checked(run_check, Looked(len(runs), "runs", of_runs)))
    if whole:
        checked += [_checked(check, check(connection)) for check in DATABASE_CHECKS]
    ids = holdings.covered_usage(connection, run_of) if usage is None else usage
    digests = usage_rows_are_what_their_digests_say
    return (*checked, _checked(digests, digests(connection, ids)))


def _messages(check: Callable[[HeldDocument], Iterator[str]], held: HeldDocument) -> list[str]:
    try:
        return list(check(held))
    except (LookupError, TypeError, ValueError, ArithmeticError):  # what was written by hand may be anything
        return [f"it cannot be read as a document, so nobody knows whether its {check.__name__.replace('_', ' ')}"]


def _checked(check: Callable[..., object], looked: Looked) -> Checked:
    return Checked(
        check.__name__, looked.count, looked.of, tuple(StoreFault(None, message) for message in looked.faults)
    )
