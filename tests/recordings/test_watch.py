"""A watched folder gives the newest good book, whatever happens to its files and whoever asks at the same time."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tokentill import InvalidCall, InvalidFiles, PriceBook, Usage, WatchedBook
from tokentill.errors import Refused
from tokentill.recordings.watch import WatchedFolder

AT = datetime(2026, 10, 15, tzinfo=UTC)
ALWAYS, NEVER = timedelta(0), timedelta(days=1)
TABLE = """
format = 1
kind = "prices"
recorded_at = 2026-09-01T00:00:00Z
currency = "USD"
source = "a test"

[[price]]
model = "acme/large"
valid_from = 2026-01-01T00:00:00Z
rates = {{ input = {price}, output = {price} }}
"""


def write(folder: Path, price: object, name: str = "acme.toml") -> Path:
    """A price table with one price, put in its place at once as a careful deployment does."""
    path = folder / "models" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{name}.new")
    beside.write_text(TABLE.format(price=price))
    beside.replace(path)
    return path


def amount(book: PriceBook) -> Decimal | None:
    return book.rate(Usage("acme/large", AT, {"input": 1_000_000})).amount


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, 1)
    return tmp_path


def test_the_same_book_is_given_until_the_folder_changes(folder: Path) -> None:
    watched = WatchedBook(folder, shipped_prices=False, check_every=ALWAYS)
    first = watched.current()

    assert watched.current() is first
    (folder / "models" / "notes.txt").write_text("not ours")
    (folder / "models" / ".acme.toml.swp").write_text("an editor's")
    assert watched.current() is first
    write(folder, 2)
    assert (amount(watched.current()), amount(first)) == (2, 1)


def test_a_file_that_is_touched_or_written_with_the_same_content_changes_nothing(folder: Path) -> None:
    watched = WatchedBook(folder, shipped_prices=False, check_every=ALWAYS)
    first = watched.current()

    os.utime(write(folder, 1), ns=(1, 1))

    assert watched.current() is first


def test_a_change_that_leaves_size_and_times_alone_is_seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writes may fall into one tick of the file system's clock."""
    watched = WatchedBook(folder, shipped_prices=False, check_every=ALWAYS)
    write(folder, 2)
    monkeypatch.setattr("tokentill.recordings.watch._stamps", lambda _: watched._seen.stamps)

    assert amount(watched.current()) == 2


def test_it_does_not_look_before_it_is_time_unless_told_to(folder: Path) -> None:
    watched = WatchedBook(folder, shipped_prices=False, check_every=NEVER)
    write(folder, 2)

    assert amount(watched.current()) == 1
    assert amount(watched.reload()) == 2
    assert amount(watched.current()) == 2


def test_files_may_come_and_go(folder: Path) -> None:
    watched = WatchedBook(folder, shipped_prices=False, check_every=ALWAYS)
    other = folder / "models" / "deeper" / "more.toml"
    other.parent.mkdir()
    other.write_text(TABLE.format(price=9).replace("acme/large", "acme/small"))

    assert watched.current().models == ("acme/large", "acme/small")
    other.unlink()
    assert watched.current().models == ("acme/large",)


def test_a_folder_whose_files_are_links_that_are_turned_is_loaded_again(folder: Path) -> None:
    """As a mounted configuration is changed: everything is in a hidden folder, and one link is turned to the next."""
    for number in (1, 2):
        write(folder / f"..{number}", number)
    (folder / "..data").symlink_to("..1")
    file = folder / "models" / "acme.toml"
    file.unlink()
    file.symlink_to("../..data/models/acme.toml")
    watched = WatchedBook(folder, shipped_prices=False, check_every=ALWAYS)
    first = watched.current()

    (folder / "..3").mkdir()
    (folder / "..3" / "half.toml").write_text("half a fi")
    assert watched.current() is first
    (folder / "..new").symlink_to("..2")
    (folder / "..new").replace(folder / "..data")
    assert (amount(first), amount(watched.current())) == (1, 2)


def test_hidden_folders_are_not_looked_into(folder: Path) -> None:
    looked_at = WatchedFolder(folder, lambda _: object(), check_every=ALWAYS)
    first = looked_at.current()
    write(folder / ".git", 2)

    assert looked_at.current() is first


@pytest.mark.parametrize("broken", ["rates = {{ input = ", "prices = 7\n" + TABLE.format(price=2), "\0"])
def test_a_broken_folder_keeps_the_last_good_book_and_says_what_is_wrong(
    broken: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watched = WatchedBook(folder, shipped_prices=False, check_every=ALWAYS)
    good = watched.current()
    (folder / "models" / "acme.toml").write_text(broken)

    with caplog.at_level(logging.WARNING):
        assert watched.current() is good
        assert watched.current() is good

    assert isinstance(watched.problem, InvalidFiles)
    assert watched.problem.findings[0].where.startswith((folder / "models" / "acme.toml").as_posix())
    assert len(caplog.records) == 1, "it is told once, not at every look"
    assert "which is broken now" in repr(watched)
    with pytest.raises(InvalidFiles):
        watched.reload()

    write(folder, 3)
    assert amount(watched.current()) == 3
    assert watched.problem is None
    assert "which is broken now" not in repr(watched)


def test_a_folder_that_is_mended_to_what_it_was_is_good_again(folder: Path) -> None:
    watched = WatchedBook(folder, shipped_prices=False, check_every=ALWAYS)
    path = folder / "models" / "acme.toml"
    content = path.read_bytes()
    path.write_text("broken")
    watched.current()
    path.write_bytes(content)

    assert amount(watched.current()) == 1
    assert watched.problem is None


def test_a_folder_that_is_gone_or_empty_is_broken(folder: Path) -> None:
    watched = WatchedBook(folder, shipped_prices=False, check_every=ALWAYS)
    (folder / "models" / "acme.toml").unlink()
    assert amount(watched.current()) == 1
    assert "there is no price table in this folder" in str(watched.problem)

    shutil.rmtree(folder)
    assert amount(watched.current()) == 1
    assert isinstance(watched.problem, (InvalidCall, InvalidFiles))


def test_without_anything_good_to_begin_with_there_is_no_watched_book(tmp_path: Path) -> None:
    with pytest.raises(InvalidCall, match="does not exist"):
        WatchedBook(tmp_path / "nowhere", shipped_prices=False)
    with pytest.raises(InvalidFiles, match="no price table"):
        WatchedBook(tmp_path, shipped_prices=False)
    write(tmp_path, "-1")
    with pytest.raises(InvalidFiles, match="is negative"):
        WatchedBook(tmp_path, shipped_prices=False)


def test_what_was_recorded_later_can_be_left_out(folder: Path) -> None:
    early = WatchedBook(folder, shipped_prices=False, as_of=datetime(2026, 9, 2, tzinfo=UTC), check_every=ALWAYS)
    later = TABLE.format(price=5).replace("2026-09-01", "2026-10-01")
    (folder / "models" / "later.toml").write_text(later)

    assert amount(early.current()) == 1
    assert amount(WatchedBook(folder, shipped_prices=False).current()) == 5


def test_a_folder_that_changes_while_it_is_read_is_read_again(folder: Path) -> None:
    edits = iter([2, 3])

    def load(path: Path) -> str:
        content = (path / "models" / "acme.toml").read_text()
        price = next(edits, None)
        if price is not None:
            write(path, price)
        return content

    assert WatchedFolder(folder, load).current() == TABLE.format(price=3)


def test_a_folder_that_never_stands_still_keeps_the_last_good_value(folder: Path) -> None:
    is_restless = False
    prices = iter(range(2, 1000))

    def load(path: Path) -> str:
        if is_restless:
            write(path, next(prices))
        return "loaded"

    watched = WatchedFolder(folder, load, check_every=ALWAYS)
    is_restless = True
    write(folder, 1000)

    assert watched.current() == "loaded"
    assert isinstance(watched.problem, Refused)
    assert "is being changed while it is read" in str(watched.problem)


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    import sys

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_threads")
def test_many_threads_rate_while_the_folder_is_loaded_again_and_again(tmp_path: Path) -> None:
    """Every price that is seen is one that was in force as a whole, and nobody goes back to an older one."""
    versions = 12
    for name in ("a", "b"):
        write(tmp_path, 1, f"{name}.toml").write_text(_two_models(name, 1))
    watched = WatchedBook(tmp_path, shipped_prices=False, check_every=ALWAYS)
    done = threading.Event()

    def rate() -> list[Decimal]:
        seen = []
        while not done.is_set() or not seen:
            book = watched.current()
            amounts = [book.rate(Usage(model, AT, {"input": 1_000_000, "output": 0})).amount for model in book.models]
            estimate = book.estimate("acme/a", input=1_000_000, max_output=0, at=AT)
            assert len({*amounts, estimate.lowest, estimate.highest}) == 1, "a mixture of two states of one file"
            assert amounts[0] is not None
            seen.append(amounts[0])
        return seen

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(rate) for _ in range(8)]
        for version in range(2, versions + 1):
            broken = tmp_path / "models" / "broken.toml"
            broken.write_text("half a fi")
            beside = tmp_path / "models" / ".new"
            beside.write_text(_two_models("a", version))
            beside.replace(tmp_path / "models" / "a.toml")
            (tmp_path / "models" / "b.toml").unlink(missing_ok=True)
            broken.unlink()
            watched.reload()
        done.set()
        for thread in running:
            seen = thread.result()
            assert seen == sorted(seen)
            assert set(seen) <= set(map(Decimal, range(1, versions + 1)))
    assert amount_of_a(watched) == versions
    assert watched.problem is None


def _two_models(name: str, price: int) -> str:
    first = TABLE.format(price=price).replace("acme/large", f"acme/{name}")
    second = first.partition("[[price]]")[2].replace(f"acme/{name}", f"acme/{name}{name}")
    return f"{first}\n[[price]]{second}"


def amount_of_a(watched: WatchedBook) -> Decimal | None:
    return watched.current().rate(Usage("acme/a", AT, {"input": 1_000_000})).amount
