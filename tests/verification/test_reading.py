"""Whoever reads the second calculation finds every module of it on its page."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOM = ROOT / "src" / "tokentill" / "verification"


def test_the_page_says_in_which_order_to_read_every_module() -> None:
    page = (ROOT / "docs" / "verification.md").read_text("utf-8")
    table = page.partition("## Where to begin reading")[2].partition("\n\n`closing/verify`")[0]
    named = re.findall(r"`([a-z/_]+)`", table.partition("| question |")[2])
    modules = {path.relative_to(ROOM).with_suffix("").as_posix() for path in ROOM.rglob("[!_]*.py")}
    assert sorted(named) == sorted(modules)
