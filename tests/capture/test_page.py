"""The first lines of the page do what it says, against a server in the vendor's place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.capture.vendor_server import VendorServer, plain
from tests.capture.wire_shapes import CHAT_QUANTITIES
from tests.sources.response_shapes import OPENAI_CHAT
from tokentill.sources.reading import read_records
from tokentill.usage.record import UsageRecord

PAGE = Path(__file__).resolve().parents[2] / "docs" / "capture.md"
FIRST = re.compile(r"^```py\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_first_lines_of_the_page_write_a_record(
    server: VendorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reply_with(plain(OPENAI_CHAT))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/v1")
    (lines,) = FIRST.findall(PAGE.read_text(encoding="utf-8"))
    names: dict[str, object] = {}

    exec(compile(lines, "docs/capture.md", "exec"), names)

    (record,) = read_records(tmp_path / "spool.jsonl")
    assert isinstance(record, UsageRecord)
    assert (record.source, record.user, dict(record.quantities)) == ("openai", "user_12345", CHAT_QUANTITIES)
