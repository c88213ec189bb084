"""What a caller can branch on: one small hierarchy.

`Refused` is a correct program saying no (exit status 1); `UsageError` is a wrong call (exit status 2).
Every message says what is wrong, where, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class TokentillError(Exception):
    """The root of all errors that tokentill raises on purpose."""


class UsageError(TokentillError):
    """The call itself is wrong: an unknown option, a period that is not `YYYY-MM`, a missing file."""


class Refused(TokentillError):
    """The call is right, and the answer is no: something would be billed wrongly otherwise."""


class InvalidRecord(Refused):
    """A usage record that cannot be taken as it is; it goes to quarantine with this reason."""


class InvalidAmount(TokentillError, ValueError):
    """A number that is no exact amount: not finite, too many digits, a float, or a currency that is unknown."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake in a file that people write.

    `where` is `path:line`; `hint` says what to do. A warning does not stop a folder from loading.
    """

    where: str
    message: str
    hint: str = ""
    is_warning: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" + (f"; {self.hint}" if self.hint else "")


class InvalidFiles(Refused):
    """Files under `pricing/` that do not load, with every finding."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


class NotFound(Refused):
    """Something was asked for by name and does not exist: an invoice, a customer, a model."""


class DatabaseNotReady(Refused):
    """The database has no schema, an older one or a newer one than this version of tokentill."""


class IntegrityFault(TokentillError):
    """Stored data contradicts itself. Nothing is written any more; this is never expected."""


def ensure(condition: bool, message: str) -> None:
    """Check an invariant in production.

    Raises:
        IntegrityFault: when the condition does not hold.
    """
    if not condition:
        raise IntegrityFault(message)
