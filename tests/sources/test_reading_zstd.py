"""zstd beside gzip: the same records, the same limits, and a clear message where nothing can read it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.sources.lines import arouter, lines, read, reading
from tests.zstd import zstd_packed
from tokentill.errors import Refused
from tokentill.sources import compression
from tokentill.sources.reading import Limits

ROWS = [arouter(f"g{n}") for n in range(500)]


def frames(parts: Iterable[bytes]) -> bytes:
    return b"".join(map(zstd_packed, parts))


def test_frames_are_read_one_after_another() -> None:
    content = frames([lines(*ROWS[:200]), lines(*ROWS[200:])])
    opened = reading(content)
    assert opened.compression == "zstd"
    good, bad = read(content)
    assert [record.record_id for record in good] == [f"g{n}" for n in range(500)]
    assert not bad


@pytest.mark.parametrize("size", [1, 7, 1024])
def test_bytes_may_be_cut_anywhere(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "ZSTD_BYTES", size)
    good, bad = read(frames([lines(*ROWS[:9]), lines(*ROWS[9:20])]))
    assert (len(good), len(bad)) == (20, 0)


def test_what_is_cut_off_or_damaged_is_said_and_what_was_good_is_read() -> None:
    content = frames([lines(*ROWS[:300]), lines(*ROWS[300:])])
    good, [bad] = read(content[:-5])
    assert len(good) >= 300
    assert "the zstd data ends too early, so the file is cut off here" in bad.reason
    good, [bad] = read(content + b"something else")
    assert len(good) == 500
    assert "the zstd data is damaged here" in bad.reason


def test_a_bomb_is_refused_in_bounded_memory() -> None:
    content = frames([b" " * 100_000_000])
    with pytest.raises(Refused, match="as a decompression bomb"):
        list(reading(content, limits=Limits(ratio_from_bytes=1_000_000)))


def test_without_anything_that_reads_zstd_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "zstd_decompressor", lambda: None)
    with pytest.raises(Refused, match=r"is zstd, which this Python cannot read; install it \(pip install 'tokentill"):
        reading(b"\x28\xb5\x2f\xfd" + b"....")
