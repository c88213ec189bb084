"""Every mistake that `prices check` must name has a file in `mistakes/`, which says itself what is expected of it.

`mistakes/prices/x.toml` is one file of a folder; its first lines are comments, one for each finding, with the line and
the whole text that must be printed. Where a mistake takes two files, or JSON, it is a folder with `expected.txt`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.recordings.files import DEFAULT_CONTRACT, entry, prices, write_folder
from tokentill.errors import Finding, InvalidFiles
from tokentill.recordings import schemas
from tokentill.recordings.checking import CHECKS, CHECKS_BEFORE_RELEASE, check_folder
from tokentill.recordings.load import load_folder
from tokentill.recordings.recording import read_folder
from tokentill.recordings.schemas.parts import Mistake, Table

MISTAKES = Path(__file__).parent / "mistakes"
ROOMS = {"prices": "models", "contracts": "contracts", "attribution": "attribution", "fx": "fx"}
"""Into which room of a pricing folder a file goes; `files` has folders only."""

BESIDE_A_CONTRACT = {"models/a.toml": prices(entry()), "contracts/default.toml": DEFAULT_CONTRACT}
"""What lies in the folder beside a contract with a mistake."""

_EXPECTED = re.compile(r"^(?:# )?(mistake|warning): (.*?):? ?(\d+): (.+)$", re.MULTILINE)

Rule = Callable[[Table], Iterator[Mistake]]


class Expected(NamedTuple):
    is_warning: bool
    path: str
    line: int
    text: str


def samples() -> list[Path]:
    singles = [file for kind in ROOMS for file in (MISTAKES / kind).glob("*.toml")]
    folders = [file.parent for kind in (*ROOMS, "files") for file in (MISTAKES / kind).glob("*/expected.txt")]
    return sorted([*singles, *folders])


def folder_of(sample: Path, folder: Path) -> tuple[Path, list[Expected]]:
    """A pricing folder with the mistake in it, and what must be said of it."""
    if sample.is_dir():
        shutil.copytree(sample, folder, ignore=shutil.ignore_patterns("expected.txt"))
        written, path = (sample / "expected.txt").read_text(encoding="utf-8"), ""
    else:
        path = f"{ROOMS[sample.parent.name]}/{sample.name}"
        write_folder(folder, BESIDE_A_CONTRACT if sample.parent.name == "contracts" else {})
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sample, folder / path)
        written = sample.read_text(encoding="utf-8")
    found = [
        Expected(kind == "warning", place or path, int(line), text)
        for kind, place, line, text in _EXPECTED.findall(written)
    ]
    return folder, found


def as_expected(finding: Finding, folder: Path) -> Expected:
    place, line = finding.where.removeprefix(f"{folder.as_posix()}/").rsplit(":", 1)
    text = str(finding).removeprefix(f"{finding.where}: ").replace(folder.as_posix(), "FOLDER")
    return Expected(finding.is_warning, place, int(line), text)


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: f"{sample.parent.name}/{sample.stem}")
def test_a_mistake_is_named_with_its_file_its_line_and_a_way_out(sample: Path, tmp_path: Path) -> None:
    folder, expected = folder_of(sample, tmp_path / "pricing")
    assert expected, "the sample says nothing of what it expects"

    findings = check_folder(folder)

    assert [as_expected(finding, folder) for finding in findings] == expected
    assert all(finding.hint for finding in findings), "what is wrong is said, and not what to do"
    mistakes = [finding for finding in findings if not finding.is_warning]
    if mistakes:
        with pytest.raises(InvalidFiles) as refused:
            load_folder(folder)
        assert list(refused.value.findings) == mistakes
    else:
        assert list(load_folder(folder).warnings) == findings


def test_every_check_finds_something_in_some_sample(tmp_path: Path) -> None:
    """A check without a sample would be a check without a test."""
    silent = {*CHECKS, *CHECKS_BEFORE_RELEASE}
    for number, sample in enumerate(samples()):
        folder, _ = folder_of(sample, tmp_path / str(number))
        recordings, _ = read_folder(folder)
        silent -= {check for check in silent if any(True for _ in check(recordings))}

    assert silent == set()


def test_every_rule_of_a_table_finds_something_in_some_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = {(table, rule) for table, rules in schemas.RULES.items() for rule in rules}

    def watched(table: type[Table], rule: Rule) -> Rule:
        def run(found: Table) -> Iterator[Mistake]:
            for mistake in rule(found):
                silent.discard((table, rule))
                yield mistake

        return run

    rules = {table: tuple(watched(table, rule) for rule in listed) for table, listed in schemas.RULES.items()}
    monkeypatch.setattr(schemas, "RULES", rules)
    for number, sample in enumerate(samples()):
        read_folder(folder_of(sample, tmp_path / str(number))[0])

    assert {(table.__name__, rule.__name__) for table, rule in silent} == set()
