"""What cannot be checked where something is missing: skipped loudly, or failed where it has to be there."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def leave_unchecked(name: str, why: str) -> NoReturn:
    """Skip a test that needs something, or fail it where `TOKENTILL_REQUIRE` names that, as `.ci/run` does."""
    if name in os.environ.get("TOKENTILL_REQUIRE", "").split():
        pytest.fail(f"TOKENTILL_REQUIRE names {name}: {why}")
    pytest.skip(f"NOT CHECKED with {name}: {why}")
