"""Usage of a period that belongs to nobody: how much of it there is, whose it might be, and whether a close may happen.

Pure. Its amounts are in the currency of the default contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tokentill.canonical import Content, fields_of, form_of
from tokentill.money import amount_text
from tokentill.usage.shell_words import command_line, shell_word

NAMED_MAX = 3
"""Users that a message names; `--json` has all of them."""


@dataclass(frozen=True, slots=True)
class UnattributedUser:
    """The requests of one user through one key of one source that belong to nobody, and why.

    `list_amount` is that of the requests that have one, in the currency of the default contract. `goes_by_key` says
    that no binding of a user would decide about them.
    """

    source: str
    user: str | None
    api_key: str | None
    cause: str
    requests: int
    list_amount: Decimal
    goes_by_key: bool = False

    @property
    def named(self) -> str:
        """Who it is, in words."""
        user = "no user" if self.user is None else f"user {shell_word(self.user)}"
        key = "no key" if self.api_key is None else f"key {shell_word(self.api_key)}"
        return f"{user}, {key}, source {shell_word(self.source)} ({_requests(self.requests)})"

    def content(self) -> Content:
        """Canonical content."""
        return fields_of(self, "source", "user", "api_key", "cause", "requests", "list_amount")


@dataclass(frozen=True, slots=True)
class Unattributed:
    """Usage of the period that belongs to nobody.

    `unpriced_requests` of them have no list price, so that nobody knows how much is left over. `users` are who it is
    of, the largest list amount first.
    """

    requests: int
    list_amount: Decimal
    share_percent: Decimal
    tolerance_percent: Decimal
    causes: tuple[tuple[str, int], ...]
    unpriced_requests: int = 0
    currency: str = ""
    users: tuple[UnattributedUser, ...] = ()

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """Why a close may not happen; nothing when what is left over is within the tolerance."""
        if self.unpriced_requests:
            have = "belongs to nobody and has" if self.unpriced_requests == 1 else "belong to nobody and have"
            return (f"{_requests(self.unpriced_requests)} {have} no known list amount; {self.what_to_do}",)
        if self.share_percent <= self.tolerance_percent:
            return ()
        belong = "belongs" if self.requests == 1 else "belong"
        return (
            f"{_requests(self.requests)} {belong} to nobody: {amount_text(self.share_percent)} % of the list amount,"
            f" where {amount_text(self.tolerance_percent)} % may be left over; {self.what_to_do}",
        )

    @property
    def what_to_do(self) -> str:
        """Whose usage it is, and the command that binds the first user, or else the first API key."""
        rest = len(self.users) - NAMED_MAX
        named = "; ".join(user.named for user in self.users[:NAMED_MAX]) + (f"; and {rest} more" if rest > 0 else "")
        known = next((user.user for user in self.users if not (user.user is None or user.goes_by_key)), None)
        key = next((user.api_key for user in self.users if user.goes_by_key and user.api_key), None)
        rule = "add an attribution rule" if known is not None else "add an attribution rule for its key or source"
        bind = "" if known is None else f", or bind the user: `{command_line('customers bind', ids=(known,))} CUSTOMER`"
        if known is None and key is not None:
            option = f"--api-key={shell_word(key)}"
            bind = f", or bind the key: `{command_line('customers bind', option)} CUSTOMER`"
        return f"{rule}{bind}" + (f". It is of {named}" if named else "")

    @property
    def blocks(self) -> bool:
        """Whether it is more than a close may leave over."""
        return bool(self.blocked_by)

    def content(self) -> Content:
        """What `preview --json` prints."""
        return {
            **fields_of(self, "requests", "list_amount", "share_percent", "tolerance_percent", "unpriced_requests"),
            "causes": [{"cause": cause, "requests": requests} for cause, requests in self.causes],
            **fields_of(self, "currency"),
            "users": form_of(self.users),
        }


def _requests(number: int) -> str:
    return f"{number:,} {'request' if number == 1 else 'requests'}"
