"""The wheel: built, installed where no checkout is, and used from an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import venv
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

BUILD = """
import os, sys
from hatchling.build import build_wheel
os.chdir(sys.argv[1])
print(build_wheel(sys.argv[2]))
"""


PARTS_OF_DECLARED = {"dateutil", "pydantic_core", "markupsafe"}
"""The module of python-dateutil, and what pydantic and jinja2 cannot be without."""


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, and an empty folder to work in."""

    python: Path
    command: Path
    folder: Path
    home: Path

    def run(self, *words: str | Path, status: int = 0) -> str:
        done = subprocess.run(
            [str(word) for word in words],
            cwd=self.folder,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.home), "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def tell(self, program: str) -> str:
        return self.run(self.python, "-c", program).strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the build backend as an installer would call it."""
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(ROOT), str(out)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
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


def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_the_wheel_holds_code_data_and_nothing_of_the_checkout(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())

    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"tokentill"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".db", ".orig"))]
    code = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src" / "tokentill").rglob("*.py")}
    assert code <= names
    for kept, folder in (("pricing", "pricing"), ("migrations", "migrations")):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                name = f"tokentill/_shipped/{kept}/{path.relative_to(ROOT / folder).as_posix()}"
                assert name in names, name
    for path in (
        "py.typed",
        "documents/templates/index.html.j2",
        "documents/templates/page.css",
        "sample/activity-2026-09.jsonl.gz",
        "sample/activity-2026-10.jsonl.gz",
        "sample/activity-2026-10-31.jsonl.gz",
        "sample/later/gateway-2026-11-02.toml",
        "sample/pricing/contracts/default.toml",
    ):
        assert f"tokentill/{path}" in names, path


def test_the_metadata_says_what_is_needed_and_what_may_be_added(wheel: Path) -> None:
    found = metadata(wheel)

    assert (found["Name"], found["Version"]) == ("tokentill", PROJECT["version"])
    assert found["Requires-Python"] == ">=3.11"
    assert set(found.get_all("Provides-Extra") or []) == {"columns", "postgresql", "sqlite"}
    required = {
        line.split(";")[0].strip().split("<")[0].split(">")[0].split("[")[0]
        for line in found.get_all("Requires-Dist") or []
    }
    assert {"sqlalchemy", "alembic", "pydantic", "stripe", "typer", "rich", "jinja2", "tzdata", "psycopg"} <= required
    assert not {"pytest", "hypothesis", "mypy", "ruff", "hatchling", "freezegun"} & required
    with ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "tokentill = tokentill.cli:main" in archive.read(name).decode()
        assert [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]


def test_every_package_that_is_imported_is_declared() -> None:
    import ast

    declared = {text.partition(">")[0].partition("[")[0].lower() for text in PROJECT["dependencies"]}
    for extra in PROJECT["optional-dependencies"].values():
        declared |= {text.partition(">")[0].partition("[")[0] for text in extra}
    imported: dict[str, str] = {}
    for path in (ROOT / "src" / "tokentill").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0]: path.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported[(node.module or "").partition(".")[0]] = path.name
    for name, where in imported.items():
        if name not in sys.stdlib_module_names and name != "tokentill":
            assert name in declared | PARTS_OF_DECLARED, f"{where} imports {name}, which pyproject.toml does not name"


def test_nothing_of_the_checkout_is_on_the_path_of_the_installation(installed: Installed) -> None:
    found = json.loads(
        installed.tell("import json, sys, tokentill; print(json.dumps([tokentill.__file__, *sys.path]))")
    )

    assert Path(found[0]).is_relative_to(installed.python.parents[1])
    assert not [path for path in found if Path(path) == ROOT or Path(path).is_relative_to(ROOT / "src")]
    assert installed.tell(
        "import sys, tokentill; print(sorted(sys.modules)[0] and 'editable' in str(sys.meta_path))"
    ) == ("False")


def test_the_console_script_tells_its_version(installed: Installed) -> None:
    assert installed.run(installed.command, "--version") == f"tokentill {PROJECT['version']}\n"


def test_the_shipped_list_prices_are_found_from_anywhere(installed: Installed) -> None:
    count = installed.tell("from tokentill import PriceBook; print(len(PriceBook.load().models))")

    assert int(count) >= 81


def test_the_shipped_migrations_make_a_database(installed: Installed) -> None:
    said = json.loads(installed.run(installed.command, "db", "upgrade", "--db", "new.db", "--json"))

    assert (said["was"], said["is"]) == ("empty", "current")
    assert json.loads(installed.run(installed.command, "db", "check", "--db", "new.db", "--json"))["faults"] == []


def test_the_demo_runs_from_the_wheel_alone(installed: Installed) -> None:
    said = json.loads(installed.run(installed.command, "demo", "--json"))

    assert said["reconciled"] is True
    assert said["verified"] is True
    assert said["ingested"]["read"] == 23_583
    september, refusing, last = said["closes"]
    assert not september["refused"]
    reasons = {one["customer"]: one["reason"] for one in refusing["refused"]}
    assert set(reasons) == {"1042", "acme", "birch"}
    assert "did the gateway mean 'x-ai/grok-4.3'?" in reasons["1042"]
    assert "is stale" in reasons["acme"]
    assert reasons["birch"].startswith("held by ana")
    assert (len(refusing["issued"]), len(last["issued"]), last["refused"]) == (54, 3, [])
    assert said["closed"] == last
    assert (installed.folder / said["pages"]).is_file()
    written = {path.name for path in installed.folder.iterdir()} - {"new.db", "new.db-wal", "new.db-shm"}
    assert written == {"tokentill-demo"}


def test_pushing_leaves_the_home_folder_alone(installed: Installed) -> None:
    """Stripe's SDK keeps an id of this machine in the home folder, and sends it along, unless it is told not to."""
    installed.tell(
        "from tokentill.testing.stripe import StripeStandIn\n"
        "from tokentill.stripe_push.gateway import StripeGateway\n"
        "with StripeStandIn() as stand_in:\n"
        "    gateway = StripeGateway.open(stand_in.api_key, api_base=stand_in.base_url)\n"
        "    print(gateway.account())"
    )

    assert not list(installed.home.iterdir())
