"""What an import costs, and who may know whom: the rooms of the house, read from the source with `ast`."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
PACKAGE = SRC / "tokentill"


@dataclass(frozen=True)
class Import:
    """One import: `module` for `import module`, and `module` with `name` for `from module import name`."""

    where: str
    module: str
    name: str | None
    is_top_level: bool
    is_for_types: bool

    @property
    def target(self) -> str:
        """The module that is loaded by it."""
        if self.name is not None and f"{self.module}.{self.name}" in modules():
            return f"{self.module}.{self.name}"
        return self.module

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


@cache
def modules() -> dict[str, Path]:
    """Every module of the package, by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


@cache
def imports_of(module: str) -> tuple[Import, ...]:
    """All imports of a module, wherever they stand in it."""
    return tuple(_imports(module, tree_of(module).body, is_top_level=True, is_for_types=False))


def _imports(module: str, body: list[ast.stmt], *, is_top_level: bool, is_for_types: bool) -> Iterator[Import]:
    for statement in body:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                yield Import(module, alias.name, None, is_top_level, is_for_types)
        elif isinstance(statement, ast.ImportFrom):
            assert statement.level == 0, f"{module}:{statement.lineno}: a relative import"
            for alias in statement.names:
                yield Import(module, statement.module or "", alias.name, is_top_level, is_for_types)
        else:
            types_only = is_for_types or (isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test))
            is_function = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
            for block in ("body", "orelse", "finalbody", "handlers", "cases"):
                inner = [
                    deeper
                    for child in getattr(statement, block, [])
                    for deeper in ([child] if isinstance(child, ast.stmt) else child.body)
                ]
                yield from _imports(
                    module, inner, is_top_level=is_top_level and not is_function, is_for_types=types_only
                )


def in_room(room: str) -> list[str]:
    return [module for module in modules() if module == f"tokentill.{room}" or module.startswith(f"tokentill.{room}.")]


def after(statements: str) -> list[str]:
    """The modules that a fresh interpreter has after some statements, beyond those it began with."""
    program = (
        "import json, sys\nbefore = set(sys.modules)\n"
        f"{statements}\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(SRC)!r})\n{program}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV"))},
    )
    found: list[str] = json.loads(done.stdout)
    return found


def strangers(found: list[str]) -> list[str]:
    """Top-level names among modules that are neither ours nor the standard library's."""
    tops = {name.partition(".")[0] for name in found if not name.startswith("_sysconfigdata")}
    return sorted(tops - set(sys.stdlib_module_names) - {"tokentill"})


def ours(found: list[str]) -> list[str]:
    return [name for name in found if name.partition(".")[0] == "tokentill"]


def test_import_tokentill_loads_one_module_and_nobody_elses() -> None:
    found = after("import tokentill")

    assert ours(found) == ["tokentill"]
    assert strangers(found) == []
    assert not {"decimal", "dataclasses", "datetime", "pathlib", "sqlite3", "zoneinfo"} & set(found)


def test_the_rating_core_loads_a_few_modules_and_nobody_elses() -> None:
    found = after("from tokentill import PriceBook, Usage")

    assert ours(found) == [
        "tokentill",
        "tokentill.canonical",
        "tokentill.clock",
        "tokentill.errors",
        "tokentill.library",
        "tokentill.library.price_book",
        "tokentill.library.usage",
        "tokentill.money",
        "tokentill.prices",
        "tokentill.prices.book",
        "tokentill.prices.entries",
        "tokentill.prices.estimates",
        "tokentill.prices.model_ids",
        "tokentill.prices.rate_cards",
        "tokentill.prices.timeline",
        "tokentill.usage",
        "tokentill.usage.globs",
        "tokentill.usage.ids",
        "tokentill.usage.quantities",
        "tokentill.usage.record",
        "tokentill.usage.type_words",
        "tokentill.versions",
        "tokentill.zones",
    ]
    assert strangers(found) == []


@pytest.mark.parametrize("vendor", ["openai", "anthropic", "gemini", "arouter", "openrouter", "litellm"])
def test_reading_a_response_imports_no_sdk_and_nobody_elses(vendor: str) -> None:
    found = after(
        f"from tokentill import MissingUsage, Usage\ntry: Usage.from_{vendor}({{}})\nexcept MissingUsage: pass"
    )

    assert f"tokentill.sources.responses.{vendor}" in ours(found)
    assert strangers(found) == []


def test_loading_the_shipped_prices_brings_in_pydantic_and_no_database_web_or_stripe() -> None:
    found = after("from tokentill import PriceBook\nPriceBook.load()")

    assert "pydantic" in strangers(found)
    assert not {"sqlalchemy", "alembic", "httpx", "stripe", "jinja2", "typer", "rich"} & set(strangers(found))


def test_a_till_needs_neither_stripe_nor_templates_nor_the_command_line() -> None:
    found = after("from tokentill import Till")

    assert not {"stripe", "httpx", "jinja2", "typer", "rich"} & set(strangers(found))
    assert not [name for name in ours(found) if name.startswith(("tokentill.cli", "tokentill.documents"))]


def test_capture_needs_no_till_and_a_spool_nobody_elses() -> None:
    found = after("from tokentill import capture")
    assert (ours(found), strangers(found)) == (["tokentill", "tokentill.capture"], [])

    assert strangers(after("from tokentill.capture import Spool, user")) == []

    found = after("from tokentill.capture import AsyncCaptureTransport, CaptureTransport")
    assert "httpx" in strangers(found)
    assert not {"sqlalchemy", "alembic", "pydantic", "stripe", "jinja2", "typer"} & set(strangers(found))
    rooms = {name.split(".")[1] for name in ours(found) if "." in name}
    assert rooms <= {"canonical", "capture", "clock", "errors", "money", "sources", "usage"}


def test_every_public_name_is_there_and_no_other() -> None:
    import tokentill

    for name in tokentill.__all__:
        assert getattr(tokentill, name) is not None
    assert dir(tokentill) == sorted(tokentill.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Price'"):
        _ = tokentill.Price


def test_the_law_of_the_rooms_is_kept() -> None:
    """It is stated in pyproject.toml: who may know whom, no circles, and what the core leaves alone."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(SRC)},
    )
    assert done.returncode == 0, done.stdout


def test_only_the_room_that_pushes_knows_stripe_and_only_pages_know_templates() -> None:
    homes = {
        "stripe": {"stripe_push", "testing"},
        "jinja2": {"documents"},
        "typer": {"cli"},
        "rich": {"cli"},
        "alembic": {"store"},
    }
    for module in modules():
        for found in imports_of(module):
            if found.top in homes:
                assert module.split(".")[1] in homes[found.top], f"{module} imports {found.module}"


def test_a_capitalised_name_means_one_thing() -> None:
    """But for the classes of `library`, which extend those of the core and are called as they are, and for those of
    `verification`, which works the same things out a second time.
    """
    homes: dict[str, list[str]] = {}
    for module in modules():
        for node in tree_of(module).body:
            names = [node.name] if isinstance(node, ast.ClassDef) else []
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            for name in names:
                is_type = name.lstrip("_")[:1].isupper() and not name.isupper()
                if is_type and not module.startswith(("tokentill.library.", "tokentill.verification.")):
                    homes.setdefault(name.lstrip("_"), []).append(module)
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


def test_only_columns_know_numpy() -> None:
    for module in modules():
        for found in imports_of(module):
            if found.top == "numpy":
                assert module.startswith("tokentill.prices.columns."), f"{module} imports {found.module}"


def calls_of(module: str) -> Iterator[tuple[str, int]]:
    """Every call in a module as dotted text, with its line."""
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


ASK_THE_TIME = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
}


def test_only_the_clock_asks_what_time_it_is() -> None:
    for module in set(modules()) - {"tokentill.clock"}:
        for call, line in calls_of(module):
            asked = any(call == name or call.endswith(f".{name}") for name in ASK_THE_TIME)
            assert not asked, f"{module}:{line}: {call}() outside the clock"
        from_time = {found.name for found in imports_of(module) if found.module == "time"}
        assert from_time <= {None, "sleep"}, f"{module} takes {from_time} from time"


def test_nothing_is_random() -> None:
    for module in modules():
        for found in imports_of(module):
            assert found.top not in {"random", "uuid", "secrets"}, f"{module} imports {found.module}"
        for call, line in calls_of(module):
            assert not call.endswith("urandom"), f"{module}:{line}: {call}"


HOLD_A_FLOAT = {
    "tokentill.prices.model_ids": "how alike two names must be for a hint",
    "tokentill.recordings.values": "the same",
    "tokentill.recordings.checks.customers": "the same",
    "tokentill.recordings.schemas.prices": "the same",
    "tokentill.recordings.mistakes": "the same",
    "tokentill.sources.gateways.canonical_form": "the same",
    "tokentill.store.database": "how long to sleep",
    "tokentill.stripe_push.attempts": "how long to sleep",
    "tokentill.testing.stripe.server": "how long to wait for a connection",
}
"""Where a number with a point may stand: likeness of words and waiting times; never money."""


def test_no_float_is_made_and_none_is_written_but_for_likeness_and_waiting() -> None:
    for module in modules():
        for call, line in calls_of(module):
            assert call != "float", f"{module}:{line}: float()"
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                assert module in HOLD_A_FLOAT, f"{module}:{node.lineno}: the float {node.value}"


def test_no_column_of_the_database_is_a_float() -> None:
    from sqlalchemy import Double, Float, Numeric

    from tokentill.store import tables

    columns = [column for table in tables.metadata.tables.values() for column in table.columns]
    assert len(columns) > 50
    for column in columns:
        assert not isinstance(column.type, Float | Double | Numeric), f"{column} is {column.type!r}"
    for path in sorted((ROOT / "migrations" / "versions").glob("*.py")):
        names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert not names & {"Float", "Double", "Numeric", "REAL", "DECIMAL"}, path.name
