"""How opaque ids and foreign text are written where people read them: on a page, in a terminal, in a shell command.

Two different ids never look the same: `shown_id` can be read back without loss, and every character that could pass
for another one, or change how its neighbours are read, is written as an escape.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING

from tokentill.usage.shell_words import command_line, stands_for_itself

if TYPE_CHECKING:
    from tokentill.invoicing.periods import Month

EDGE_SPACE = "\N{MIDDLE DOT}"
EMPTY = "\N{EMPTY SET}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
SHORT_MAX = 56
"""Characters of a shown id that a table has room for."""

_PLAIN_ID = re.compile(r"\A(?!.*  )[!-\[\]-~](?:[ -\[\]-~]*[!-\[\]-~])?\Z", re.ASCII)
_LOOSE_SPACES = re.compile(r"\A +| +\Z| {2,}")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def shown_id(text: str) -> str:
    r"""An id as people read it, without loss and with its look-alikes told apart.

    Printable ASCII, the letters of Latin-1, Han ideographs and Hangul syllables are written as they are. Every other
    character is an escape (`\u202e`), so is the backslash (`\\`). A space at an edge or beside another space is `·`,
    and an empty id is `∅`; an id that holds these two symbols has them escaped.
    """
    if _PLAIN_ID.match(text):
        return text
    if not text:
        return EMPTY
    escaped = "".join(char if stands_for_itself(char) else _escape(char) for char in text)
    return _LOOSE_SPACES.sub(lambda spaces: EDGE_SPACE * len(spaces[0]), escaped)


def short_id(text: str) -> str:
    """An id for a narrow column: as `shown_id`, and its two ends with a digest between them when it is long."""
    shown = shown_id(text)
    if len(shown) <= SHORT_MAX:
        return shown
    return f"{shown[:32]}{ELLIPSIS}{_digest(text)[:8]}{ELLIPSIS}{shown[-8:]}"


def shown_text(text: str) -> str:
    """Prose that people or gateways wrote: as it is, but for characters that cannot be seen, which are escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(char) if unicodedata.category(char) in _INVISIBLE else char for char in text)


def page_name(customer: str) -> str:
    """The file name of a customer's page. It is derived from the id and holds no part of it."""
    return f"customer-{_digest(customer)[:32]}.html"


def review_command(action: str, month: Month, customer: str, *options: str) -> str:
    """A `tokentill review` command for one customer, ready to be pasted."""
    return command_line("review", action, str(month), *options, ids=(customer,))


def _escape(char: str) -> str:
    if char == "\\":
        return "\\\\"
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
