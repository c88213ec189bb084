"""The terminal of this process: answers to standard output, messages and progress to standard error.

Into a pipe or a file it writes wide lines rather than folded ones. What draws is loaded when it is first asked to.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_OF_FILES = 160


class Terminal:
    """A `Screen` on this process's standard output and standard error."""

    @cached_property
    def _out(self) -> Console:
        return _console(sys.stdout.isatty())

    @cached_property
    def _err(self) -> Console:
        return _console(sys.stderr.isatty(), stderr=True)

    def say(self, text: str, style: str | None = None) -> None:
        """Print a line for people, word for word."""
        self._out.print(text, style=style)

    def note(self, text: str) -> None:
        """Print a message to standard error."""
        self._err.print(text, style="yellow")

    def complain(self, text: str) -> None:
        """Print what went wrong to standard error."""
        self._err.print(text, style="red")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
        """Print a table; columns named in `right` are aligned so."""
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            is_number = column in right
            table.add_column(column, justify="right" if is_number else "left", overflow="fold", no_wrap=is_number)
        for row in rows:
            table.add_row(*row)
        with self._out.capture() as captured:
            self._out.print(table)
        lines = captured.get().splitlines()
        self._out.file.write("".join(f"{line.rstrip()}\n" for line in lines))  # no blanks at the ends of lines

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

    width = None if is_terminal else WIDTH_OF_FILES
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True, width=width)
