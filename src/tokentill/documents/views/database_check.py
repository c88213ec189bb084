"""What is said of a database: whether its tables are of this version, and whether it is whole."""

from __future__ import annotations

from dataclasses import dataclass

from tokentill.canonical import Content, fields_of
from tokentill.store.consistency import Checked
from tokentill.store.migrating import SchemaState


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
