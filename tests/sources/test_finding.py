"""A name stands for a file, for what is in a folder, or for what a glob fits: each file once, and in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tokentill.errors import InvalidCall
from tokentill.sources.finding import files_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "b.jsonl",
        "a.jsonl",
        "c.csv",
        "days/2.jsonl.gz",
        "days/1.jsonl",
        ".hidden",
        ".git/x.jsonl",
        "w[1].json",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["c.csv", "-", "a.jsonl"], ["c.csv", "-", "a.jsonl"]),
        (["*.jsonl"], ["a.jsonl", "b.jsonl"]),
        (["c.csv", "?.*"], ["c.csv", "a.jsonl", "b.jsonl"]),
        (["**/*.jsonl*"], ["a.jsonl", "b.jsonl", "days/1.jsonl", "days/2.jsonl.gz"]),
        (["days", "days/1.jsonl"], ["days/1.jsonl", "days/2.jsonl.gz"]),
        (["."], ["a.jsonl", "b.jsonl", "c.csv", "days/1.jsonl", "days/2.jsonl.gz", "w[1].json"]),
        (["w[1].json"], ["w[1].json"]),
    ],
)
@pytest.mark.usefixtures("folder")
def test_names_stand_for_files(names: list[str], files: list[str]) -> None:
    assert files_of(names) == files


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none.jsonl", "there is no file 'none.jsonl'"),
        ("*.parquet", r"no file fits '\*.parquet'"),
        ("empty", "there is no file in the folder 'empty'"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_name_that_stands_for_no_file_is_refused(name: str, reason: str) -> None:
    with pytest.raises(InvalidCall, match=reason):
        files_of(["a.jsonl", name])
