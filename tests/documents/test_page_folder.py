"""Pages are written into a folder that belongs to somebody else as well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.documents.preview_builders import invoice, preview, previewed
from tokentill.documents.escaping import page_name
from tokentill.documents.page_folder import MANIFEST
from tokentill.documents.review_pages import write_review_pages
from tokentill.errors import Refused


def test_the_index_comes_first_and_every_customer_has_a_page(tmp_path: Path) -> None:
    paths = write_review_pages(preview([previewed(invoice("a")), previewed(invoice("b"))]), tmp_path / "new" / "folder")
    assert paths[0].name == "index.html"
    assert {path.name for path in paths[1:]} == {page_name("a"), page_name("b")}
    assert all(path.is_file() for path in paths)


def test_the_same_preview_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_review_pages(preview([previewed(invoice("a")), previewed(invoice("b"))]), tmp_path / "1")
    second = write_review_pages(preview([previewed(invoice("b")), previewed(invoice("a"))]), tmp_path / "2")
    assert [(path.name, path.read_bytes()) for path in first] == [(path.name, path.read_bytes()) for path in second]


def test_a_page_of_a_customer_who_is_gone_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "customer-of-mine.html").write_text("<p>mine</p>")
    write_review_pages(preview([previewed(invoice("a")), previewed(invoice("b"))]), tmp_path)
    write_review_pages(preview([previewed(invoice("b"))]), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [MANIFEST, "customer-of-mine.html", "notes.txt", "index.html", page_name("b")]
    )
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_page_that_somebody_replaced_is_left_alone(tmp_path: Path) -> None:
    write_review_pages(preview([previewed(invoice("a"))]), tmp_path)
    (tmp_path / page_name("a")).write_text("now it is mine")
    write_review_pages(preview([previewed(invoice("b"))]), tmp_path)
    assert (tmp_path / page_name("a")).read_text() == "now it is mine"


def test_a_manifest_cannot_be_made_to_remove_other_files(tmp_path: Path) -> None:
    outside = tmp_path / "outside.html"
    folder = tmp_path / "pages"
    write_review_pages(preview([previewed(invoice("a"))]), folder)
    outside.write_bytes((folder / "index.html").read_bytes())
    (folder / "victim.html").write_bytes((folder / "index.html").read_bytes())
    names = ["../outside.html", str(outside), "victim.html", 7, page_name("a")]
    (folder / MANIFEST).write_text(json.dumps({"pages": names}))
    write_review_pages(preview([previewed(invoice("b"))]), folder)
    assert outside.exists()
    assert (folder / "victim.html").exists()
    assert not (folder / page_name("a")).exists()


@pytest.mark.parametrize("content", ["", "[]", "{", '{"pages": 3}'])
def test_a_broken_manifest_removes_nothing(tmp_path: Path, content: str) -> None:
    write_review_pages(preview([previewed(invoice("a"))]), tmp_path)
    (tmp_path / MANIFEST).write_text(content)
    write_review_pages(preview([previewed(invoice("b"))]), tmp_path)
    assert (tmp_path / page_name("a")).exists()


def test_a_foreign_index_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<h1>My site</h1>")
    with pytest.raises(Refused, match="not written by tokentill"):
        write_review_pages(preview([previewed(invoice("a"))]), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_no_half_written_file_stays_behind(tmp_path: Path) -> None:
    write_review_pages(preview([previewed(invoice("a"))]), tmp_path)
    assert not [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")]


def test_a_folder_that_is_a_file_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(Refused, match="taken"):
        write_review_pages(preview([previewed(invoice("a"))]), tmp_path / "taken")
