"""A quick start: nothing is loaded before it is needed, and what is kept of a checked folder changes no answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import JUNE, ROOT, Cli
from tokentill.cli import calling
from tokentill.settings import user_cache

HEAVY = ("sqlalchemy", "alembic", "stripe", "httpx", "pydantic", "jinja2")
PRICE = ("prices", "show", "acme/large", "--at", "2025-06-15T00:00:00Z")


def modules_of(cli: Cli, *arguments: str) -> set[str]:
    """All modules that a call loads in a process of its own."""
    program = (
        "import json, os, sys\nfrom tokentill.cli import main\n"
        f"sys.argv = ['tokentill', *{list(arguments)!r}]\nsys.stdout = open(os.devnull, 'w')\n"
        "try: main()\nexcept SystemExit as ended: assert not ended.code, ended.code\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.__stdout__)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=cli.folder, env=environment
    )
    return set(json.loads(done.stdout))


def loaded_by(cli: Cli, *arguments: str) -> set[str]:
    """The heavy packages that a call loads, and `cli.*` for each module of commands."""
    modules = modules_of(cli, *arguments)
    commands = {name.removeprefix("tokentill.") for name in modules if name.startswith("tokentill.cli.")}
    return {name for name in HEAVY if name in modules} | {name for name in commands if "command" in name}


@pytest.mark.parametrize("arguments", [("--version",), ("--help",)])
def test_what_needs_no_command_loads_none(cli: Cli, arguments: tuple[str, ...]) -> None:
    assert loaded_by(cli, *arguments) == set()


def test_help_of_a_group_loads_its_module_alone(cli: Cli) -> None:
    assert loaded_by(cli, "prices", "--help") == {"cli.price_commands"}


def test_a_price_is_shown_without_a_database_and_the_second_time_without_checks(cli: Cli) -> None:
    cli.write_pricing()

    assert loaded_by(cli, *PRICE) == {"cli.price_commands", "pydantic"}
    assert loaded_by(cli, *PRICE) == {"cli.price_commands"}
    assert not (cli.folder / "tokentill.db").exists()


NEEDS_NOTHING_OF = {
    ("ingest", "usage.jsonl"): "catalogs contracts.book invoicing.preview prices recordings",
    ("preview", JUNE): "invoicing.simulation sources.opening",
    ("invoices", "list"): "closing invoicing.preview prices recordings sources.opening store.intake",
}
"""Commands on a SQLite file that is there, and rooms and modules that are other commands' business."""
NEVER = "closing.close closing.questions documents.views pulling receiving stripe_push verification"


@pytest.mark.parametrize("arguments", NEEDS_NOTHING_OF)
def test_a_command_loads_nothing_that_only_others_need(month: Cli, arguments: tuple[str, ...]) -> None:
    month("status", JUNE)  # keeps what was checked of the folder
    rooms = f"{NEEDS_NOTHING_OF[arguments]} {NEVER}".split()

    modules = modules_of(month, *arguments)

    assert "tokentill.till" in modules
    assert not {"pydantic", "alembic", "stripe", "httpx", "jinja2", "sqlalchemy.dialects.postgresql"} & modules
    assert [name for name in modules for room in rooms if f"{name}.".startswith(f"tokentill.{room}.")] == []


def kept(cli: Cli) -> list[Path]:
    return sorted(Path(os.environ["XDG_CACHE_HOME"]).rglob("*.json"))


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_an_answer_is_the_same_without_and_with_what_was_kept(cli: Cli, options: tuple[str, ...]) -> None:
    cli.write_pricing()

    first = cli(*PRICE, *options)
    assert len(kept(cli)) == 1

    assert cli(*PRICE, *options) == first


def test_what_is_kept_is_never_stale(cli: Cli) -> None:
    cli.write_pricing()
    assert "input 3," in cli(*PRICE).out
    path = cli.folder / "pricing" / "models" / "acme.toml"

    path.write_text(path.read_text().replace("input = 3,", "input = 4,"))

    assert "input 4," in cli(*PRICE).out
    path.write_text(path.read_text().replace("input = 4,", "input = -4,"))
    assert "acme.toml:" in cli(*PRICE, status=1).err


def test_a_price_that_was_changed_in_the_cache_is_not_taken(cli: Cli) -> None:
    cli.write_pricing()
    answer = cli(*PRICE)
    (file,) = kept(cli)

    file.write_bytes(file.read_bytes().replace(b'"input":"3"', b'"input":"9"'))

    assert b'"input":"9"' in file.read_bytes()
    assert cli(*PRICE) == answer


def test_a_cache_that_others_may_write_to_is_not_used(cli: Cli) -> None:
    folder = user_cache()
    assert folder is not None
    folder.chmod(0o777)

    cli.write_pricing()
    cli(*PRICE)

    assert user_cache() is None
    assert kept(cli) == []


def test_without_a_place_for_a_cache_a_command_answers_all_the_same(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write_pricing()
    cli.write("file", "this is no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cli.folder / "file"))

    assert user_cache() is None
    assert "input 3," in cli(*PRICE).out


def test_a_cache_that_cannot_be_written_to_any_more_is_done_without(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write_pricing()
    file = cli.folder / cli.write("file", "this is no folder")
    monkeypatch.setattr(calling, "user_cache", lambda: file / "cache")

    assert "input 3," in cli(*PRICE).out
