"""A bad line of a source whose users must not be known: why it is bad and where it stands, and nothing of what it says.

Its digest is made of that alone. A hash of the line itself would let who knows the rest of it guess the user.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from tokentill.canonical import canonical_bytes, fields_of
from tokentill.sources.reading import Quarantined
from tokentill.usage.ids import without_personal
from tokentill.usage.privacy import NOT_KEPT


def redacted(line: Quarantined) -> Quarantined:
    """The line without what it says. It cannot be read again; its file can."""
    record_id = line.record_id if line.record_id is None or without_personal(line.record_id) == line.record_id else None
    safe = replace(line, reason=without_personal(line.reason), record_id=record_id, raw=NOT_KEPT, kept=None)
    told = fields_of(safe, "name", "line", "reason", "record_id", "occurred_at")
    return replace(safe, digest=sha256(canonical_bytes(told)).digest()[:16])
