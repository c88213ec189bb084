"""The wheel, built once and installed once."""

from __future__ import annotations

import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.package.installation import BUILD, ROOT, Installed


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the build backend as an installer would call it."""
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(ROOT), str(out)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An empty environment with the wheel; its dependencies are those of the running environment, lent by path.

    A folder that a `.pth` file names runs none of its own `.pth` files, so an editable checkout stays out.
    """
    home = tmp_path_factory.mktemp("environment")
    assert ROOT not in home.parents
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    found = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
        capture_output=True,
        text=True,
        check=True,
    )
    packages = Path(found.stdout.strip())
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--quiet"),
            *("install", "--no-deps", "--no-index", str(wheel)),
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )
    lent = Path(str(find_spec("sqlalchemy").origin)).parents[1]  # type: ignore[union-attr]
    (packages / "lent.pth").write_text(f"{lent}\n")
    folder = tmp_path_factory.mktemp("empty")
    return Installed(python, home / "bin" / "tokentill", folder, tmp_path_factory.mktemp("home"))
