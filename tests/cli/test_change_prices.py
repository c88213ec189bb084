"""`docs/change-prices.md`, from its first line to its last: files written, commands called, output compared."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from freezegun import freeze_time

from tests.cli.running import ROOT, Cli
from tokentill.shipped import shipped_folder

PAGE = ROOT / "docs" / "change-prices.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "..."


def calls(block: str) -> Iterator[tuple[list[str], list[str]]]:
    """The words of each command of a console block, and the lines that follow it."""
    for part in re.split(r"^\$ tokentill ", block, flags=re.MULTILINE)[1:]:
        line, _, printed = part.partition("\n")
        yield shlex.split(line), printed.splitlines()


def is_like(printed: list[str], expected: list[str]) -> bool:
    """Whether lines are those that are expected, `...` standing for any number of lines.

    How many recordings there are is not compared: the page is not written anew for each one that is shipped.
    """
    pattern = "".join("(?:.*\n)*?" if line == ANYTHING else re.escape(_uncounted(line)) + "\n" for line in expected)
    return re.fullmatch(pattern, "".join(f"{_uncounted(line.rstrip())}\n" for line in printed)) is not None


def _uncounted(line: str) -> str:
    return re.sub(r"\d+ recordings, \d+ models", "recordings", line)


def test_a_price_is_changed_from_end_to_end_as_the_page_says(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(shipped_folder("pricing"), cli.folder / "pricing")
    monkeypatch.setenv("COLUMNS", "400")
    compared = 0
    with freeze_time("2026-12-05T08:00:00Z"):
        for language, block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
            if language == "toml":
                path, _, content = block.partition("\n")
                cli.write(path.removeprefix("# "), content)
            elif language == "json":
                cli.write("models.json", block)
            elif language == "console":
                for words, expected in calls(block):
                    is_refused = any(
                        "nothing of this folder loads" in line or line.startswith("no list price") for line in expected
                    )
                    said = cli(*words, status=1 if is_refused else 0)
                    printed = said.out.replace(f"{cli.folder}/", "")  # the page calls its folder by its name
                    assert is_like(printed.splitlines(), expected), f"{words}:\n{printed}"
                    compared += len(expected)
    assert compared > 30
    assert (cli.folder / "pricing" / "models" / "arouter-2026-12-20.toml").is_file()


def test_lines_are_compared() -> None:
    assert is_like(["a", "b ", "c"], ["a", ANYTHING, "c"])
    assert not is_like(["a", "b", "d"], ["a", ANYTHING, "c"])
    assert not is_like(["a.c"], ["abc"])


def test_the_page_is_listed() -> None:
    assert "docs/change-prices.md" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert Path(PAGE).is_file()
