"""Builders of small `pricing/` folders."""

from __future__ import annotations

from pathlib import Path

PRICES_HEAD = """format = 1
kind = "prices"
recorded_at = 2026-01-01T00:00:00Z
currency = "USD"
"""

CONTRACT_HEAD = """format = 1
kind = "customer"
id = "acme"
recorded_at = 2026-01-01T00:00:00Z
valid_from = 2026-01-01T00:00:00Z
"""

DEFAULT_CONTRACT = """format = 1
kind = "default"
id = "default"
recorded_at = 2026-01-01T00:00:00Z
valid_from = 2026-01-01T00:00:00Z
currency = "USD"
"""

ATTRIBUTION_HEAD = """format = 1
kind = "attribution"
recorded_at = 2026-01-01T00:00:00Z
valid_from = 2026-01-01T00:00:00Z
"""

FX_HEAD = """format = 1
kind = "fx"
recorded_at = 2026-01-01T00:00:00Z
"""


def entry(
    model: str = "a/m", *, valid_from: str = "2026-01-01T00:00:00Z", rates: str = "input = 1", more: str = ""
) -> str:
    """A `[[price]]` table of four lines, and whatever follows."""
    return f'[[price]]\nmodel = "{model}"\nvalid_from = {valid_from}\nrates = {{ {rates} }}\n{more}'


def prices(*entries: str, recorded_at: str = "2026-01-01T00:00:00Z") -> str:
    """A price table; its first entry begins on line 5."""
    return PRICES_HEAD.replace("2026-01-01T00:00:00Z", recorded_at) + "".join(entries)


def write_folder(root: Path, files: dict[str, str]) -> Path:
    """A folder with these files."""
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root
