"""The command line in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import Cli


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Calls `tokentill` in an empty folder."""
    return Cli(tmp_path, monkeypatch)


@pytest.fixture
def month(cli: Cli) -> Cli:
    """The same, with a pricing folder and the small month in its database."""
    return cli.month()
