"""The wheel: built, installed where no checkout is, and used from an empty folder."""

from __future__ import annotations

import json
import sys
import tomllib
from decimal import Decimal
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

from tests.package.installation import ROOT, Installed

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

PARTS_OF_DECLARED = {"dateutil", "pydantic_core", "markupsafe"}
"""The module of python-dateutil, and what pydantic and jinja2 cannot be without."""


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
    assert set(found.get_all("Provides-Extra") or []) == {"columns", "parquet", "postgresql", "sqlite", "zstd"}
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


def test_the_demo_plays_two_months_from_the_wheel_alone_and_prints_what_the_readme_shows(installed: Installed) -> None:
    done = installed.call(installed.command, "demo")
    assert done.stderr == ""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (excerpt,) = (text for text in readme.split("```\n") if text.startswith("1. September"))
    printed = iter(done.stdout.splitlines())
    for line in excerpt.splitlines():
        assert line in ("", "...") or line in printed, f"{line!r} is not printed, or not in this place"

    made = installed.folder / "tokentill-demo"
    in_demo = ("--db", made / "tokentill.db", "--pricing", made / "pricing", "--json")
    invoices = json.loads(installed.run(installed.command, "invoices", "list", *in_demo))["invoices"]
    october = {one["number"]: one["total"] for one in invoices if one["period"] == "2026-10"}
    assert {path.stem for path in (made / "invoices").glob("*.json")} == set(october)
    assert len(october) == 57 < len(invoices)
    due = sum(map(Decimal, october.values()))
    assert f"USD       {due}     {due}        0.00" in done.stdout
    assert (made / "review" / "index.html").is_file()
    written = {path.name for path in installed.folder.iterdir()} - {"new.db", "new.db-wal", "new.db-shm"}
    assert written == {"tokentill-demo"}


def test_pushing_leaves_the_home_folder_alone(installed: Installed, tmp_path: Path) -> None:
    """Stripe's SDK keeps an id of this machine in the home folder, and sends it along, unless it is told not to."""
    installed.call(
        installed.python,
        "-c",
        "from tokentill.testing.stripe import StripeStandIn\n"
        "from tokentill.stripe_push.gateway import StripeGateway\n"
        "with StripeStandIn() as stand_in:\n"
        "    gateway = StripeGateway.open(stand_in.api_key, api_base=stand_in.base_url)\n"
        "    print(gateway.account())",
        HOME=str(tmp_path),
    )

    assert not list(tmp_path.iterdir())
