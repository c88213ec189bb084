"""Messages of the library on the command line: an argument that they write as `reason=...` is an option here."""

from __future__ import annotations

import re

_ARGUMENT = re.compile(r"\b([a-z][a-z_]*)=\.\.\.")

_WRITTEN = {
    "customer": "CUSTOMER",
    "kind": "--from",
    "model": "MODEL",
    "names": "ID",
    "number": "INVOICE",
    "period": "PERIOD",
    "reason": "--reason TEXT",
    "record_id": "RECORD_ID",
    "seen_hash": "--hash",
    "stripe_customer": "--stripe",
    "tags": "--tag",
    "user": "USER",
    "valid_from": "--from",
}
"""Arguments that are no option of the same name."""


def with_flags(message: str) -> str:
    """A message with its arguments as they are written in a command."""
    return _ARGUMENT.sub(lambda name: _WRITTEN.get(name[1], "--" + name[1].replace("_", "-")), message)
