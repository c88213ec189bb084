"""What a caller can branch on: one small hierarchy.

    TokentillError
        InvalidCall            the call is wrong (exit status 2)
        Refused               the call is right and the answer is no (exit status 1)
            InvalidRecord     usage that contradicts itself
                MissingUsage  a response without any usage
            Unpriced          usage that has no list price; with a code
            InvalidFiles      prices or contracts with mistakes; with every finding
            NotFound          something that was asked for by name
            NoAnswer          a service that did not answer; the same call may succeed later
            DatabaseNotReady
        InvalidAmount         no exact amount; a ValueError too
        IntegrityFault        stored data contradicts itself

Every message says what is wrong, where, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

UnpricedCode = Literal[
    "unknown_model", "no_route_price", "no_price_then", "unknown_mode", "no_mode_price_then", "no_rate"
]


class TokentillError(Exception):
    """The root of all errors that tokentill raises on purpose."""

    @property
    def kind(self) -> str:
        """What `--json` calls it."""
        return type(self).__name__


class InvalidCall(TokentillError):
    """The call itself is wrong: an unknown option, a period that is not `YYYY-MM`, a missing file."""

    @property
    def kind(self) -> str:
        """The name that documents of `--json` have had for it from the first one on."""
        return "UsageError"


class Refused(TokentillError):
    """The call is right, and the answer is no: something would be billed wrongly otherwise."""


class InvalidRecord(Refused):
    """A usage record that cannot be taken as it is; it goes to quarantine with this reason."""


class MissingUsage(InvalidRecord):
    """A response that reports no usage at all, such as a stream that was not asked for it. Missing is not zero."""


class Unpriced(Refused):
    """Usage that has no list price.

    Args:
        code: `unknown_model` (in no price table), `no_route_price` (a known model on a route with prices of its own),
            `no_price_then` (none in force at that instant), `unknown_mode` (the entry does not list it),
            `no_mode_price_then` (the mode is not in force at that instant), or `no_rate` (for `quantity`).
        model: the canonical model id, or the one that was asked for where no table knows it.
        at: the instant that was asked for.
        quantity: the quantity without a rate; None for the other codes.
    """

    def __init__(self, reason: str, code: UnpricedCode, model: str, at: datetime, quantity: str | None = None) -> None:
        self.code = code
        self.model = model
        self.at = at
        self.quantity = quantity
        super().__init__(reason)

    def __reduce__(self) -> tuple[type[Unpriced], tuple[object, ...]]:
        """It travels between processes."""
        return type(self), (str(self), self.code, self.model, self.at, self.quantity)


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

    def __reduce__(self) -> tuple[type[InvalidFiles], tuple[object, ...]]:
        """It travels between processes."""
        return type(self), (self.findings,)


class NotFound(Refused):
    """Something was asked for by name and does not exist: an invoice, a customer, a model."""


class NoAnswer(Refused):
    """A service did not answer, however often it was asked. Nothing is wrong with the call; try again later."""


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
