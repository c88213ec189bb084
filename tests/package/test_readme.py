"""What README and docs say is tried: examples run, commands exist, links lead somewhere."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

import tokentill
from tokentill.cli.app import app, loaded

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "pricing" / "README.md"]

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
PRINTED = re.compile(r"^\s*print\(.*\)\s+# (.+)$", re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")) if kind == language]


PYTHON = [(name_of(page), text) for page in PAGES for text in blocks(page, "python")]
SHELL = [
    (name_of(page), line.strip())
    for page in PAGES
    for text in [*blocks(page, "sh"), *blocks(page, "bash"), *blocks(page, "console")]
    for line in text.replace("\\\n", " ").splitlines()
    if line.strip().removeprefix("$ ")
]


def test_there_is_something_to_try() -> None:
    assert {"README.md", "docs/library.md"} <= {page for page, _ in PYTHON}
    assert len(SHELL) > 10


@pytest.mark.parametrize(("page", "example"), PYTHON, ids=[page for page, _ in PYTHON])
def test_a_python_example_prints_what_its_comments_say(
    page: str, example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs in an empty folder. What an example prints and does not comment is not looked at."""
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()

    with contextlib.redirect_stdout(printed):
        exec(compile(example, page, "exec"), {"__name__": "__main__"})

    expected = PRINTED.findall(example)
    found = printed.getvalue().splitlines()
    assert expected, f"an example of {page} says nothing of what it prints"
    assert found[: len(expected)] == expected


def test_the_library_page_names_every_error_and_every_way_to_read_a_response() -> None:
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    public = {name: getattr(tokentill, name) for name in tokentill.__all__}
    errors = {name for name, value in public.items() if isinstance(value, type) and issubclass(value, Exception)}
    readers = {name for name in dir(tokentill.Usage) if name.startswith("from_")}

    assert len(errors) > 8
    assert len(readers) == 8
    assert {name for name in errors | readers if f"`{name}`" not in page} == set()


def test_the_commands_of_the_first_screen_are_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    first_block = blocks(ROOT / "README.md", "sh")[0]

    commands = [line.partition("#")[0].strip() for line in first_block.splitlines()]
    assert commands == ["make demo", "make test"]
    for page in PAGES:
        called = set(re.findall(r"(?:^|`)make ([a-z]+)\b", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert called & targets == called, f"{name_of(page)}: {called - targets}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_to_something(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith(("https://", "http://", "mailto:", "#")):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path
        assert file.exists(), f"{name_of(page)} links to {target}"
        if anchor:
            titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {_anchor(title) for title in titles}, f"{name_of(page)} links to {target}"


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@cache
def tree() -> Any:
    """The root with every command loaded."""
    root: Any = typer.main.get_command(app)
    root.commands = {name: loaded(name) for name in root.commands}
    return root


CALLS = [(page, line.removeprefix("$ ")) for page, line in SHELL if line.removeprefix("$ ").startswith("tokentill ")]


@pytest.mark.parametrize(("page", "line"), CALLS, ids=[f"{page}: {line[:40]}" for page, line in CALLS])
def test_a_command_that_is_shown_exists_with_its_options(page: str, line: str) -> None:
    command = tree()
    words = shlex.split(line, comments=True)[1:]
    shared = {option for parameter in command.params for option in parameter.opts}
    used = [word.partition("=")[0] for word in words if word.startswith("--")]
    while getattr(command, "commands", None) is not None:
        names = [word for word in words if word in command.commands]
        if not names:
            command = command.commands.get(getattr(command, "alone", None), command)
            break
        words = words[words.index(names[0]) + 1 :]
        command = command.commands[names[0]]
    assert getattr(command, "commands", None) is None or set(used) <= shared, f"{page}: {line}: no such command"
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"} | shared
    assert set(used) <= options, f"{page}: {line}: {set(used) - options}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_command_that_is_not_there(page: Path) -> None:
    """Commands in running text: `tokentill close PERIOD`."""
    root = tree()
    for first, second in re.findall(r"`tokentill ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", page.read_text(encoding="utf-8")):
        assert first in root.commands, f"{name_of(page)}: tokentill {first}"
        group = getattr(root.commands[first], "commands", None)
        assert not group or not second or second in group, f"{name_of(page)}: tokentill {first} {second}"


def test_each_promise_names_one_test_that_exists_and_no_other_promise_names() -> None:
    page = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    named = re.findall(r"\| `(\S+)::(\w+)` \|$", page, re.MULTILINE)
    rows = [line for line in page.splitlines() if line.startswith("| ") and "held by" not in line]
    assert len(named) == len(set(named)) == len(rows)
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), (file, test)
