"""Ids of users that say nothing about them: the same for the same user, and of no use without a secret key.

Imports nothing beyond the standard library and the errors, so that an application can use it beside its calls.
"""

from __future__ import annotations

import hmac

from tokentill.errors import InvalidCall

KEY_BYTES_MIN = 32
DIGITS = 32
"""Hexadecimal digits of an id, 128 bits: two users of a billion have the same one with a chance of one in 10^20."""


def opaque_id(user: str, *, key: str | bytes, prefix: str = "u_") -> str:
    """The opaque id of a user: HMAC-SHA-256 under a key, 32 hexadecimal digits after a prefix.

    A hash without a key is no protection: who has a list of email addresses hashes all of them and compares. Keep the
    key where other secrets are, apart from the data; with another key, every user has another id.

    Args:
        user: what the application knows the user by, exactly; nothing is trimmed or lower-cased.
        key: at least 32 bytes that nobody can guess, such as `secrets.token_hex(32)` gives.
        prefix: what ids begin with.

    Raises:
        InvalidCall: when the user is empty or no text, or the key is shorter.
    """
    secret = key.encode() if isinstance(key, str) else key
    if not isinstance(secret, bytes) or len(secret) < KEY_BYTES_MIN:
        raise InvalidCall(
            f"key=... has to be at least {KEY_BYTES_MIN} bytes; make one, once, and keep it as a secret:"
            " python -c 'import secrets; print(secrets.token_hex(32))'"
        )
    if not isinstance(user, str) or not user:
        raise InvalidCall("user=... has to be a text that is not empty")
    try:
        return prefix + hmac.digest(secret, user.encode(), "sha256").hex()[:DIGITS]
    except UnicodeEncodeError:
        raise InvalidCall("user=... holds a lone surrogate, which is not a character") from None
