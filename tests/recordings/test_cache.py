"""The cache of a checked pricing folder: the same content, never a stale or damaged one."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recordings.files import DEFAULT_CONTRACT, entry, prices, write_folder
from tokentill import PriceBook
from tokentill.errors import InvalidCall, InvalidFiles
from tokentill.recordings import cache as caching
from tokentill.recordings.cache import folder_key, keep_content, kept_content
from tokentill.recordings.load import load_folder, lock_folder


@pytest.fixture
def pricing(tmp_path: Path) -> Path:
    files = {"models/a.toml": prices(entry()), "contracts/default.toml": DEFAULT_CONTRACT, "notes/x.toml": "a = 1"}
    return write_folder(tmp_path / "pricing", files)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "prices"


def kept(cache: Path) -> list[Path]:
    return sorted(cache.iterdir())


def test_a_folder_from_the_cache_is_the_folder_that_was_read(pricing: Path, cache: Path) -> None:
    plain = load_folder(pricing)
    assert plain.warnings

    assert load_folder(pricing, cache=cache) == plain
    (file,) = kept(cache)
    written = file.read_bytes()
    again = load_folder(pricing, cache=str(cache))
    assert again == plain
    assert type(again.paths) is type(plain.paths)
    assert file.read_bytes() == written
    assert PriceBook.load(pricing, cache=cache).recordings == PriceBook.load(pricing).recordings


def test_shipped_prices_come_out_of_the_cache_as_they_went_in(cache: Path) -> None:
    plain = load_folder()

    load_folder(cache=cache)
    found = load_folder(cache=cache)

    assert found == plain
    assert json.dumps(found.prices) == json.dumps(plain.prices), "keys keep their order"


def test_a_hit_imports_no_pydantic_and_reads_no_toml(pricing: Path, cache: Path) -> None:
    code = (
        "import sys; from tokentill import PriceBook\n"
        f"book = PriceBook.load({str(pricing)!r}, shipped_prices=False, cache={str(cache)!r})\n"
        "print(sorted({'pydantic', 'tomllib'} & set(sys.modules)), book)"
    )

    def run() -> str:
        return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert run() == "['pydantic', 'tomllib'] <PriceBook of 1 models from 1 recordings>\n"
    assert run() == "[] <PriceBook of 1 models from 1 recordings>\n"


def test_any_byte_of_any_file_makes_another_key(pricing: Path) -> None:
    keys = {folder_key([pricing])}
    (pricing / "models/a.toml").write_text(prices(entry(rates="input = 2")))
    keys.add(folder_key([pricing]))
    (pricing / "models/a.toml").rename(pricing / "models/b.toml")
    keys.add(folder_key([pricing]))
    (pricing / "lock.json").write_text("{}")
    keys.add(folder_key([pricing]))
    (pricing / "notes/y.toml").write_text("")
    keys.add(folder_key([pricing]))
    (pricing / "models/b.toml").write_text(prices(entry(rates="input = 2")) + "\n")
    keys.add(folder_key([pricing]))

    assert len(keys) == 6
    assert None not in keys
    assert folder_key([pricing]) in keys


def test_another_version_makes_another_key(pricing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {folder_key([pricing])}
    monkeypatch.setattr(caching, "FORMAT", 99)
    keys.add(folder_key([pricing]))
    monkeypatch.setattr(caching, "__version__", "9.9")
    keys.add(folder_key([pricing]))
    monkeypatch.setattr(caching, "zone_data_version", lambda: "2099.1")
    keys.add(folder_key([pricing]))
    monkeypatch.setattr(caching, "_stamps_of_readers", lambda: ["checks/prices.py 1 1"])
    keys.add(folder_key([pricing]))

    assert len(keys) == 5


def test_a_changed_price_is_seen_at_once(pricing: Path, cache: Path) -> None:
    before = PriceBook.load(pricing, cache=cache)
    (pricing / "models/a.toml").write_text(prices(entry(rates="input = 2")))
    after = PriceBook.load(pricing, cache=cache)

    assert before.entries("a/m")[0].standard.rates == {"input": 1}
    assert after.entries("a/m")[0].standard.rates == {"input": 2}
    assert len(kept(cache)) == 2


def test_a_mistake_is_never_hidden_by_the_cache(pricing: Path, cache: Path) -> None:
    load_folder(pricing, cache=cache)
    lock_folder(pricing)
    load_folder(pricing, cache=cache)
    (pricing / "models/a.toml").write_text(prices(entry(rates="input = 2")))

    for _ in range(2):
        with pytest.raises(InvalidFiles, match="has been edited since"):
            load_folder(pricing, cache=cache)


@pytest.mark.parametrize("damage", ["cut", "a bit", "the head", "empty", "another's"])
def test_a_damaged_file_is_as_good_as_none_and_is_written_anew(pricing: Path, cache: Path, damage: str) -> None:
    plain = load_folder(pricing, cache=cache)
    (file,) = kept(cache)
    whole = file.read_bytes()
    head, _, body = whole.partition(b"\n")
    key = head.split()[1].decode()
    damaged = {
        "cut": whole[:-1],
        "a bit": whole[:-10] + bytes([whole[-10] ^ 1]) + whole[-9:],
        "the head": b"9" + whole,
        "empty": b"",
        "another's": head.replace(key.encode(), b"0" * 64) + b"\n" + body,
    }[damage]
    file.write_bytes(damaged)

    assert kept_content(cache, key) is None
    assert load_folder(pricing, cache=cache) == plain
    assert file.read_bytes() == whole


def test_a_kept_file_is_json_under_its_checksum(pricing: Path, cache: Path) -> None:
    load_folder(pricing, cache=cache)

    (file,) = kept(cache)
    head, _, body = file.read_bytes().partition(b"\n")
    assert head.decode() == f"{caching.FORMAT} {folder_key([pricing])} {hashlib.sha256(body).hexdigest()}"
    assert file.name == f"tokentill-pricing-{folder_key([pricing])}.json"
    content = json.loads(body)
    assert sorted(content) == ["attribution", "beneath", "contracts", "fx", "paths", "prices", "warnings"]
    assert list(content["paths"].values()).count("models/a.toml") == 1
    assert content["warnings"][0][1:] == [
        "this file is not read where it lies",
        "move it into one of models, contracts, attribution, fx",
        True,
    ]


def test_only_the_newest_files_are_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "KEPT_MAX", 2)
    cache.mkdir(parents=True)
    (cache / "mine.json").write_text("{}")
    for number in range(4):
        keep_content(cache, str(number), {"number": number})
        os.utime(cache / f"tokentill-pricing-{number}.json", (number, number))

    assert [file.name for file in kept(cache)] == ["mine.json", "tokentill-pricing-2.json", "tokentill-pricing-3.json"]
    assert kept_content(cache, "3") == {"number": 3}
    assert kept_content(cache, "0") is None


def test_a_cache_that_cannot_be_written_is_named(pricing: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(
        InvalidCall, match=r"the cache of prices in '.*file/x' cannot be written: Not a directory; name"
    ):
        load_folder(pricing, cache=tmp_path / "file" / "x")


def test_what_cannot_be_read_whole_has_no_key(pricing: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = (pricing / "models/a.toml").stat().st_size
    monkeypatch.setattr(caching, "FILE_BYTES_MAX", size)
    assert folder_key([pricing]) is not None
    monkeypatch.setattr(caching, "FILE_BYTES_MAX", size - 1)
    assert folder_key([pricing]) is None
    load_folder(pricing, cache=cache)
    assert not cache.exists()


def test_a_file_that_cannot_be_opened_is_reported_and_not_kept(pricing: Path, cache: Path) -> None:
    (pricing / "models/ring.toml").symlink_to(pricing / "models/ring.toml")

    assert folder_key([pricing]) is None
    with pytest.raises(InvalidFiles, match="the file cannot be read"):
        load_folder(pricing, cache=cache)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidCall, match=r"the pricing folder '.*nowhere' does not exist; name one with --pricing"):
        load_folder(tmp_path / "nowhere", cache=tmp_path)
