"""A line that is no record, as far as it is kept, so that it can be read again.

It is kept as it was, with what is needed to read it: the header of its table, the format, and the source that it was
given. A line that is too long is not kept, nor one that holds what was said in a conversation, or a key: nobody's
prompts are collected here. Reading it again is as reading it from its file: the same modules decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tokentill.errors import InvalidCall, InvalidRecord, Refused
from tokentill.sources.gateways import unwrapped
from tokentill.sources.layouts.table import cells_of, row_of
from tokentill.sources.opening import FORMATS, format_of_names, no_format_message
from tokentill.sources.strict_json import parse_object
from tokentill.usage.control_totals import Reported

KEPT_BYTES_MAX = 16 * 1024
"""A longer line, with the header of its table, is not kept."""

_CONVERSATION = "messages response proxy_server_request prompt completion choices content text input output".split()
_SPOKEN = re.compile(
    rb'"(?:' + "|".join(_CONVERSATION).encode() + rb')\\*"\s*+:\s*+'
    rb'(?!\\*"?(?:\{\s*\}|\[\s*\]|null|[-+0-9.eE]*)\\*"?\s*[,}])'
)
"""A field of a conversation that is not empty, also inside of a text. Counts may have such a name, and are numbers."""
_SECRET = re.compile(
    rb"bearer\s+[\w.~+/-]{8}|\b[sr]k[-_][\w-]{20}"
    rb'|"(?:authorization|proxy-authorization|x-api-key|cookie)\\*"\s*+:',
    re.IGNORECASE,
)
"""A key of a gateway, a vendor or Stripe, or a header that has one."""
_EMPTY = ("", "{}", "[]", "null")


@dataclass(frozen=True, slots=True)
class KeptLine:
    """The bytes of a line, with what it takes to read them.

    Args:
        header: the header of its table, None where it is a JSON object.
        source: what the source was said to be, None where nobody did.
        format: what its format was said, or found, to be.
    """

    raw: bytes
    header: bytes | None = None
    source: str | None = None
    format: str | None = None

    @classmethod
    def of(
        cls, raw: bytes, *, header: bytes | None = None, source: str | None = None, format_: str | None = None
    ) -> KeptLine | None:
        """A line as it is kept; None for one that is not to be."""
        if len(raw) + len(header or b"") > KEPT_BYTES_MAX or is_confidential(raw, header):
            return None
        return cls(raw, header, source, format_)

    def record(self, *, source: str | None = None, format_: str | None = None) -> Reported:
        """The record or total that the line is now.

        Args:
            source: the source to give it, instead of the one that it was given.
            format_: the format to read it in, instead of the one that it was read in.

        Raises:
            InvalidRecord: when it is none, with the reason.
            InvalidCall: when there is no such format.
        """
        format_ = format_ or self.format
        if format_ is not None and format_ not in FORMATS:
            raise InvalidCall(f"{format_!r} is not a format; there are {', '.join(FORMATS)}")
        names = None if self.header is None else cells_of(self.header)
        row: dict[str, Any] | None = None
        if names is None:
            row = parse_object(self.raw)
        shown = names or list(unwrapped(row or {}))
        known = format_of_names(shown) if format_ is None else FORMATS[format_]
        if known is None:
            raise InvalidRecord(no_format_message(shown))
        if names is not None:
            try:
                row = row_of(self.raw, known.columns(names))
            except Refused as error:
                raise InvalidRecord(str(error)) from None
        rows = [row or {}] if known.split is None else known.split(row or {})
        if len(rows) != 1:
            raise InvalidRecord(f"the line holds {len(rows)} requests; ingest its file again")
        return known.read(rows[0], source or self.source)


def is_confidential(raw: bytes, header: bytes | None = None) -> bool:
    """Whether a line, or the beginning of one, says what was said in a conversation, or may do so, or holds a key."""
    return _SPOKEN.search(raw) is not None or _SECRET.search(raw) is not None or _has_spoken_cell(raw, header)


def _has_spoken_cell(raw: bytes, header: bytes | None) -> bool:
    """Whether a row has a conversation in one of its columns, or may have: its cells cannot be told apart."""
    if header is None:
        return False
    names = cells_of(header)
    spoken = [place for place, name in enumerate(names) if name in _CONVERSATION]
    if not spoken:
        return False
    try:
        cells = cells_of(raw)
    except InvalidRecord:
        return True
    is_number = re.compile(r"[-+0-9.eE]+").fullmatch
    return len(cells) != len(names) or any(cells[n] not in _EMPTY and not is_number(cells[n]) for n in spoken)
