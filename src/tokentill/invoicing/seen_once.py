"""Users with a single request in a period that would each get an invoice, as where `user` is the id of a session.

Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tokentill.canonical import Content, fields_of
from tokentill.usage.attribution import PLACEHOLDER, USERS_SEEN_ONCE_MAX
from tokentill.usage.shell_words import shell_word

EXAMPLES_MAX = 3
_SHARE_OF_PREFIX = 2
"""A prefix is one of all users where at least every second one has it."""


@dataclass(frozen=True, slots=True)
class UsersSeenOnce:
    """How many users with one request are customers only because every user is one, and how many may be.

    `examples` are the first of them in bytewise order; `template` fits most of them, None where they have nothing in
    common. Nobody is named where they are not too many.
    """

    users: int = 0
    users_max: int = USERS_SEEN_ONCE_MAX
    examples: tuple[str, ...] = ()
    template: str | None = None

    @classmethod
    def of(cls, users: Iterable[str], users_max: int) -> UsersSeenOnce:
        """That of the users of a period."""
        listed = sorted(set(users), key=str.encode)
        if len(listed) <= users_max:
            return cls(len(listed), users_max)
        return cls(len(listed), users_max, tuple(listed[:EXAMPLES_MAX]), common_template(listed))

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """Why a close may not happen; nothing where they are not too many."""
        if self.users <= self.users_max:
            return ()
        named = ", ".join(map(shell_word, self.examples))
        match = 'api_key = "KEY"' if self.template is None else f"user = {shell_word(self.template)}"
        return (
            f"{self.users:,} users have a single request and would get an invoice each, where"
            f" {self.users_max:,} may, as if `user` were the id of a session: {named}. In the attribution rules, say"
            f' whose they are, as [[rule]] match = {{ {match} }}, customer = "CUSTOMER"; or'
            ' untrusted_users = ["SOURCE"], so that the API key decides; or users_seen_once_max ='
            f" {self.users} if each is a customer",
        )

    def content(self) -> Content:
        """What `preview --json` prints."""
        return fields_of(self, "users", "users_max", "examples", "template")


NOBODY_SEEN_ONCE = UsersSeenOnce()


def common_template(users: list[str]) -> str | None:
    """A template of an attribution rule that fits most of the users: by what all begin and end with, up to a sign that
    is no letter and no digit, or by what at least half of them begin with.
    """
    before, after = _common_start(users), _common_start([user[::-1] for user in users])[::-1]
    if before or after:
        return f"{before}{PLACEHOLDER}{after}" if all(len(user) > len(before + after) for user in users) else None
    heads = Counter(head for user in users if (head := _head(user)) and len(user) > len(head))
    head, count = min(heads.items(), key=lambda item: (-item[1], item[0].encode()), default=("", 0))
    return f"{head}{PLACEHOLDER}" if count * _SHARE_OF_PREFIX >= len(users) and count else None


def _common_start(texts: list[str]) -> str:
    """What all texts begin with, up to its last sign that is no letter and no digit: ids do not share it by chance."""
    first, last = min(texts), max(texts)
    start = ""
    for place, (one, other) in enumerate(zip(first, last, strict=False), 1):
        if one != other:
            break
        if not one.isalnum():
            start = first[:place]
    return start


def _head(user: str) -> str:
    """What a user begins with, up to its first sign that is no letter and no digit."""
    return next((user[:place] for place, sign in enumerate(user, 1) if not sign.isalnum()), "")
