"""Real price catalogs: the wheels of `genai-prices` and `litellm`, downloaded once and read without being installed.

They come from the package index that pip is set up with. Where there is none, what needs them is skipped loudly.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.unchecked import leave_unchecked

VERSIONS = {"genai-prices": "0.2.3", "litellm": "1.110.2"}
"""Pinned, so that a test compares with the same numbers every day."""

DOWNLOAD_SECONDS_MAX = 300


@cache
def catalog_wheel(name: str) -> Path:
    """The wheel of a catalog, downloaded on first use and kept for the next run. Skips the test where it cannot be."""
    folder = Path(os.environ.get("TOKENTILL_CATALOGS") or Path(tempfile.gettempdir()) / "tokentill-catalogs")
    pattern = f"{name.replace('-', '_')}-{VERSIONS[name]}-*.whl"
    kept = sorted(folder.glob(pattern))
    if kept:
        return kept[0]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        call = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        call += ["--only-binary", ":all:", "--dest", fresh, f"{name}=={VERSIONS[name]}"]
        try:
            subprocess.run(call, check=True, capture_output=True, timeout=DOWNLOAD_SECONDS_MAX)
        except (subprocess.SubprocessError, OSError) as error:
            leave_unchecked(name, f"the wheel of {VERSIONS[name]} cannot be downloaded ({error})")
        (wheel,) = Path(fresh).glob(pattern)
        return wheel.replace(folder / wheel.name)  # whole or not at all, also with two test processes
