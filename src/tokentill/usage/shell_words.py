"""How a word from outside is written in a shell command that people paste: exactly, and with nothing hidden. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def shell_word(text: str) -> str:
    r"""One word of a POSIX shell that is exactly `text`.

    Where the id would not be seen as it is, its bytes are written as octal escapes in `$'...'`, which bash, zsh, ksh
    and POSIX 2024 read; a pasted command then holds no character that cannot be seen.
    """
    if all(char == "\\" or stands_for_itself(char) for char in text):
        return shlex.quote(text)
    octets = text.encode("utf-8", "surrogatepass")
    return "$'" + "".join(_octet(octet) for octet in octets) + "'"


def command_line(*words: str, ids: Sequence[str] = ()) -> str:
    """A `tokentill` command ready to be pasted: words that stand as they are, and ids, which come last."""
    dashes = ("--",) if any(text.startswith("-") for text in ids) else ()
    return " ".join(("tokentill", *words, *dashes, *map(shell_word, ids)))


def stands_for_itself(char: str) -> bool:
    """Whether a character is read as what it is, and as no other."""
    if char < "\x80":
        return " " <= char <= "~" and char != "\\"
    is_latin_1 = "\u00c0" <= char <= "\u00ff" and char not in "×÷"
    return is_latin_1 or "\u4e00" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3"


def _octet(octet: int) -> str:
    char = chr(octet)
    if char in "\\'":
        return "\\" + char
    return char if " " <= char <= "~" else f"\\{octet:03o}"
