"""A released file is never edited: what `lock.json` keeps true."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.recordings.files import entry, prices, write_folder
from tokentill.errors import InvalidFiles
from tokentill.recordings.checking import check_folder
from tokentill.recordings.load import load_folder, lock_folder


def released(tmp_path: Path) -> Path:
    """A folder with one released file."""
    folder = write_folder(tmp_path, {"models/a.toml": prices(entry())})
    lock_folder(folder)
    return folder


def test_locking_names_what_is_new_and_is_a_no_op_afterwards(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"models/b.toml": prices(entry("b")), "models/a.toml": prices(entry("a"))})

    assert lock_folder(folder) == ["models/a.toml", "models/b.toml"]
    text = (folder / "lock.json").read_text()
    assert json.loads(text) == {path: hash_ for hash_, path in load_folder(folder).paths.items()}
    assert lock_folder(folder) == []
    assert (folder / "lock.json").read_text() == text


def test_a_new_file_beside_released_ones_is_fine(tmp_path: Path) -> None:
    folder = write_folder(released(tmp_path), {"models/b.toml": prices(entry("b"))})

    assert check_folder(folder) == []
    assert lock_folder(folder) == ["models/b.toml"]


def test_a_comment_in_a_released_file_is_no_edit(tmp_path: Path) -> None:
    folder = write_folder(released(tmp_path), {"models/a.toml": "# remark\n" + prices(entry())})

    assert check_folder(folder) == []


def test_an_edited_released_file_does_not_load_and_cannot_be_locked_again(tmp_path: Path) -> None:
    folder = write_folder(released(tmp_path), {"models/a.toml": prices(entry(rates="input = 2"))})
    before = (folder / "lock.json").read_text()

    for act in (load_folder, lock_folder):
        with pytest.raises(InvalidFiles) as refused:
            act(folder)
        assert [str(finding) for finding in refused.value.findings] == [
            f"{folder}/models/a.toml:1: this file was released, and it has been edited since;"
            " a released file is never edited: restore it, and write a new recording"
        ]
    assert (folder / "lock.json").read_text() == before


def test_a_released_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    folder = released(tmp_path)
    (folder / "models/a.toml").unlink()

    assert [str(finding) for finding in check_folder(folder)] == [
        f"{folder}/models/a.toml:1: this file was released, and it is gone; restore it; invoices were computed from it"
    ]


@pytest.mark.parametrize("text", ["{", "[]", '{"models/a.toml": 1}', '{"models/a.toml": "sha256:abc"}'])
def test_a_broken_lock_file_is_an_error(tmp_path: Path, text: str) -> None:
    folder = write_folder(tmp_path, {"models/a.toml": prices(entry()), "lock.json": text})

    findings = check_folder(folder)

    assert [(finding.where, finding.is_warning) for finding in findings] == [(f"{folder}/lock.json:1", False)]


def test_guards_on_numbers_are_quiet_once_a_file_is_released(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"models/a.toml": prices(entry(rates="input = 2000"))})

    assert [finding.is_warning for finding in check_folder(folder)] == [True]
    lock_folder(folder)
    assert check_folder(folder) == []
