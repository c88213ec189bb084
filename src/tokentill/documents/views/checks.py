"""What a check says: what is wrong in a pricing folder and how much is in it, and whether a database is whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokentill.canonical import Content, fields_of, form_of
from tokentill.errors import Finding

if TYPE_CHECKING:
    from tokentill.invoicing.coverage import KeptBoundary
    from tokentill.store.checks.consistency import Checked
    from tokentill.store.migrating import SchemaState


@dataclass(frozen=True, slots=True)
class FolderSize:
    """How much a folder says that loads. `own_models` of the `models` have a price in the folder itself."""

    models: int
    recordings: int
    contracts: int
    own_models: int


@dataclass(frozen=True, slots=True)
class FolderCheck:
    """The findings of a folder. `size` is None where mistakes keep it from loading.

    `kept_boundaries` are what contracts would move, had nothing been issued; `not_compared` says why contracts were
    not held against what was issued, where they were to be.
    """

    folder: str
    findings: tuple[Finding, ...]
    size: FolderSize | None
    kept_boundaries: tuple[KeptBoundary, ...] = ()
    not_compared: str | None = None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What keeps the folder from loading."""
        return tuple(finding for finding in self.findings if not finding.is_warning)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What a person should look at."""
        return tuple(finding for finding in self.findings if finding.is_warning)

    def content(self) -> Content:
        """What `prices check --json` and `contracts check --json` print."""
        return {
            "folder": self.folder,
            "errors": [_finding_content(finding) for finding in self.errors],
            "warnings": [_finding_content(finding) for finding in self.warnings],
            **({} if self.size is None else fields_of(self.size, "models", "recordings", "contracts", "own_models")),
            **({"kept_boundaries": form_of(self.kept_boundaries)} if self.kept_boundaries else {}),
        }


def _finding_content(finding: Finding) -> Content:
    return fields_of(finding, "where", "message", "hint")


@dataclass(frozen=True, slots=True)
class DatabaseUpgrade:
    """What the tables were, and what they are now."""

    database: str
    was: SchemaState
    now: SchemaState

    @property
    def is_current(self) -> bool:
        """Whether the database can be used."""
        return self.now == "current"

    def content(self) -> Content:
        """What `db upgrade --json` prints."""
        return {"database": self.database, "was": self.was, "is": self.now}


@dataclass(frozen=True, slots=True)
class DatabaseCheck:
    """What is wrong with a database, and the checks that looked at what is in it.

    `faults` are all that were found, in words, those of the checks among them.
    """

    database: str
    tables: SchemaState
    faults: tuple[str, ...]
    checks: tuple[Checked, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def content(self) -> Content:
        """What `db check --json` prints."""
        return fields_of(self, "database", "tables", "faults", "checks")
