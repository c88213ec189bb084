"""The terminal of this process: answers to standard output, messages and progress to standard error.

Into a pipe or a file it writes wide lines rather than folded ones, unless COLUMNS says how wide. Every command that a
text advises is completed with the options that were given on this call. What draws is loaded when it is first asked to.
"""

from __future__ import annotations

import codecs
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import IO, TYPE_CHECKING

from tokentill.documents.escaping import ELLIPSIS
from tokentill.documents.figures import MINUS, NO_BREAK, TIMES
from tokentill.usage.shell_words import shell_word

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_OF_FILES = 160
_ADVISED = re.compile(r"`tokentill ([^`]*)`|^ +tokentill (.*)$", re.MULTILINE)
_OWN_FOLDER = ("init", "demo")
"""Commands that make a database and a pricing folder of their own, whatever others are named."""
_PASSWORD = re.compile(r"(://[^:/@]*:)[^@/]*@")
_SIGNS = {MINUS: "-", NO_BREAK: " ", TIMES: "x", ELLIPSIS: "..."}
_ESCAPED = "tokentill.escaped"


def completed(text: str, options: Mapping[str, str]) -> str:
    """A text whose `tokentill ...` commands name these options, too, where they do not already.

    Commands stand in backquotes, or alone on an indented line. A password in the URL of a database is not printed.
    """
    return _ADVISED.sub(lambda found: _completed(found, options), text) if options else text


def _completed(found: re.Match[str], options: Mapping[str, str]) -> str:
    place = 1 if found[2] is None else 2
    command = found[place]
    try:
        words = shlex.split(command)
    except ValueError:  # an id in quotes that only newer shells read
        words = command.split()
    named = {word.partition("=")[0] for word in words}
    missing = [f"{name} {_value(value)} " for name, value in options.items() if name not in named]
    if not words or words[0] in _OWN_FOLDER:
        return found[0]
    start = found.start(place) - found.start()
    return found[0][:start] + "".join(missing) + found[0][start:]


def _value(value: str) -> str:
    return shell_word(_PASSWORD.sub(r"\1***@", value))


def make_streams_safe() -> None:
    """Let standard output and standard error take every character, whatever their encoding.

    Signs that have one are written as their ASCII form, and all others as escapes.
    """
    codecs.register_error(_ESCAPED, _escaped)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):  # not a stream of this process, but a test's, or closed
            stream.reconfigure(errors=_ESCAPED)  # type: ignore[union-attr]


def _escaped(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeEncodeError):
        error.end = error.start + 1
        if (sign := _SIGNS.get(error.object[error.start])) is not None:
            return sign, error.end
    return codecs.backslashreplace_errors(error)


def let_go(stream: IO[str] | None) -> bool:
    """Write out what is left for a stream; False where nobody reads it any more, and then nothing is left."""
    if stream is None:
        return True
    try:
        stream.flush()
    except (BrokenPipeError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return False
    return True


class Terminal:
    """A `Screen` on this process's standard output and standard error.

    `options` are those of this call, by their names, that commands which it advises have to name as well.
    """

    def __init__(self) -> None:
        self.options: dict[str, str] = {}

    @cached_property
    def _out(self) -> Console:
        return _console(sys.stdout.isatty())

    @cached_property
    def _err(self) -> Console:
        return _console(sys.stderr.isatty(), stderr=True)

    def completed(self, text: str) -> str:
        """A text whose commands work as they are printed."""
        return completed(text, self.options)

    def say(self, text: str, style: str | None = None) -> None:
        """Print a line for people, word for word."""
        self._out.print(self.completed(text), style=style)

    def note(self, text: str) -> None:
        """Print a message to standard error."""
        self._tell(text, "yellow")

    def complain(self, text: str) -> None:
        """Print what went wrong to standard error."""
        self._tell(text, "red")

    def _tell(self, text: str, style: str) -> None:
        try:
            self._err.print(self.completed(text), style=style)
        except BrokenPipeError:  # nobody reads messages; the answer may still be read
            let_go(sys.stderr)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
        """Print a table; columns named in `right` are aligned so."""
        from tokentill.cli.tables import table_lines

        cells = [[self.completed(cell) for cell in row] for row in rows]
        head, body = table_lines(columns, cells, right, self._out.width)
        for line in head:
            self._out.print(line, style="bold")
        if body:
            self._out.print("\n".join(body))

    def write(self, text: str) -> None:
        """Write a document to standard output, byte for byte in UTF-8."""
        sys.stdout.flush()
        if hasattr(sys.stdout, "buffer"):
            sys.stdout.buffer.write(text.encode())
        else:
            sys.stdout.write(text)

    def print_json(self, content: object) -> None:
        """Print one JSON document. Ids are escaped to ASCII, so no terminal is led astray."""
        sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=True) + "\n")

    @contextmanager
    def progress(self, title: str) -> Iterator[Callable[[float, float | None], None]]:
        """A progress bar on a terminal, and nothing elsewhere. The callback takes (done, all)."""
        if not sys.stderr.isatty():
            yield lambda _done, _all: None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, console=self._err) as bar:
            task = bar.add_task(title, total=None)
            yield lambda done, all_: bar.update(task, completed=done, total=all_)


def _console(is_terminal: bool, *, stderr: bool = False) -> Console:
    from rich.console import Console

    class Pipe(Console):
        """A console whose reader may go away, which is told as it is everywhere else."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    width = None if is_terminal or os.environ.get("COLUMNS", "").isdigit() else WIDTH_OF_FILES
    return Pipe(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True, width=width)
