"""`prices show`, `diff` and `import` as they are called; what they compute is tested in `tests/prices`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import PRICES, Cli

CHANGE = """\
format = 1
kind = "prices"
recorded_at = 2025-05-01T00:00:00Z
currency = "USD"

[[price]]
model = "acme/large"
valid_from = 2025-06-01T00:00:00Z
rates = { input = 4.5, cache_read = 0.3, output = 15, reasoning = 20 }

[[price]]
model = "acme/new"
valid_from = 2025-06-01T00:00:00Z
rates = { input = 1 }
"""

CATALOG = {
    "data": [
        {"id": "acme/large", "pricing": {"prompt": "0.000004", "completion": "0.000015", "input_cache_read": "3e-7"}},
        {"id": "acme/next", "pricing": {"prompt": "0.000001", "completion": "0.000002"}},
        {"id": "acme/odd", "pricing": {"prompt": "NaN", "completion": "0.000002"}},
    ]
}
EFFECTIVE = ("--effective", "2099-01-01T00:00:00Z")


@pytest.fixture
def priced(cli: Cli) -> Cli:
    """A folder with a price list, and a change of it."""
    cli.write_pricing()
    cli.write("pricing/models/change.toml", CHANGE)
    cli.write("models.json", json.dumps(CATALOG))
    return cli


def figures(one: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        tuple(change[key] for key in ("rates", "quantity", "before", "after", "percent")) for change in one["changes"]
    ]


CHANGED = [("standard", "input", "3", "4.5", "50"), ("standard", "reasoning", "15", "20", "33.3")]
"""Reasoning was priced as output before."""


def check_difference(found: dict[str, Any]) -> None:
    assert set(found) == {"before", "after", "added", "vanished", "changed"}
    assert [one["model"] for one in found["added"]] == ["acme/new"]
    assert [(one["model"], figures(one)) for one in found["changed"]] == [("acme/large", CHANGED)]
    assert found["vanished"] == []


def test_prices_are_compared_at_two_instants_of_two_times_and_of_two_folders(priced: Cli) -> None:
    check_difference(priced("prices", "diff", "2025-05-31T23:59:59Z", "2025-06-01T00:00:00Z", "--json").json)

    at = ("--at", "2025-06-01T00:00:00Z", "--json")
    check_difference(priced("prices", "diff", "--as-of", "2025-04-30T00:00:00Z", "2025-05-01T00:00:00Z", *at).json)

    priced.write("before/models/acme.toml", PRICES)
    check_difference(priced("prices", "diff", "before", "pricing", *at).json)
    turned = priced("prices", "diff", "pricing", "before", *at).json
    assert [one["model"] for one in turned["vanished"]] == ["acme/new"]
    assert figures(turned["changed"][0])[0] == ("standard", "input", "4.5", "3", "-33.3")


def test_prices_that_are_alike_are_no_difference(priced: Cli) -> None:
    said = priced("prices", "diff", "pricing", "pricing")

    assert said.out == "0 added, 0 changed, 0 vanished\n"


def test_a_difference_reads_as_a_table(priced: Cli) -> None:
    lines = priced("prices", "diff", "2025-05-31T00:00:00Z", "2025-06-01T00:00:00Z").out.splitlines()

    assert lines[0] == "added: acme/new: input 1 (USD per 1,000,000)"
    assert [line.split() for line in lines[2:4]] == [
        ["acme/large", "standard", "input", "3", "4.5", "+50.0", "%"],
        ["acme/large", "standard", "reasoning", "15", "20", "+33.3", "%"],
    ]
    assert lines[-1] == "1 added, 1 changed, 0 vanished"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pricing", "2025-06-01T00:00:00Z"], "of two kinds"),
        (["2025-06-01T00:00:00Z", "nowhere"], "'nowhere' is not an instant"),
        (["pricing", "pricing", "--as-of"], "--as-of is for two instants"),
        (["2025-06-01T00:00:00Z", "2025-07-01T00:00:00Z", "--at", "2025-08-01T00:00:00Z"], "--at goes with --as-of"),
    ],
)
def test_what_cannot_be_compared_is_a_wrong_call(priced: Cli, arguments: list[str], message: str) -> None:
    assert message in priced("prices", "diff", *arguments, status=2).err


def test_show_tells_what_was_known_then(priced: Cli) -> None:
    at = ("--at", "2025-06-01T00:00:00Z")
    now = priced("prices", "show", "large", *at, "--json").json
    then = priced("prices", "show", "large", *at, "--as-of", "2025-04-30T00:00:00Z", "--json").json

    assert (now["entry"]["rates"]["input"], then["entry"]["rates"]["input"]) == ("4.5", "3")
    assert [entry["in_force"] for entry in now["entries"]] == [False, True]
    assert len(then["entries"]) == 1
    before = priced("prices", "show", "acme/large", *at, "--as-of", "2025-01-01T00:00:00Z", status=1)
    assert "model 'acme/large' is in no price table" in before.err


def test_an_import_is_shown_and_written_as_one_recording(priced: Cli) -> None:
    said = priced("prices", "import", "models.json", "--from", "openrouter", *EFFECTIVE)
    (written,) = priced.folder.glob("pricing/models/openrouter-2099-01-01.toml")

    assert said.out.splitlines()[0] == "added: acme/next: input 1, output 2 (USD per 1,000,000)"
    assert "vanished (its price stays): acme/gift" in said.out
    assert "conflict: acme/large: its price changed, and the catalog does not state reasoning (standard)" in said.out
    assert "left out: acme/odd: prompt: 'NaN' is not a decimal number" in said.out
    assert "1 added, 0 changed, 0 as they were, 2 vanished, 1 in conflict, 1 left out" in said.out
    assert "acme/large" not in written.read_text(encoding="utf-8")
    priced("prices", "check")


def test_an_import_that_replaces_takes_the_catalogs_word(priced: Cli) -> None:
    call = ("prices", "import", "models.json", "--from", "openrouter", *EFFECTIVE, "--replace", "--json")

    found = priced(*call).json

    assert set(found) == {
        *("catalog", "source", "effective", "added", "changed", "vanished", "conflicts", "unchanged", "left_out"),
        *("warnings", "written"),
    }
    assert [(one["model"], figures(one)) for one in found["changed"]] == [
        ("acme/large", [("standard", "input", "4.5", "4", "-11.1"), ("standard", "reasoning", "20", "15", "-25")])
    ]
    assert Path(found["written"]).is_file()
    assert priced(*call).json["written"] is None


def test_a_dry_run_writes_nothing(priced: Cli) -> None:
    before = sorted(priced.folder.rglob("*"))

    said = priced("prices", "import", "models.json", "--from", "openrouter", *EFFECTIVE, "--dry-run")

    assert said.out.endswith("a dry run: nothing was written\n")
    assert sorted(priced.folder.rglob("*")) == before


def test_only_models_that_are_asked_for_are_looked_at(priced: Cli) -> None:
    call = ("prices", "import", "models.json", "--from", "openrouter", *EFFECTIVE, "--only", "acme/n*", "--json")
    found = priced(*call).json

    assert [one["model"] for one in found["added"]] == ["acme/next"]
    assert (found["vanished"], found["conflicts"], found["left_out"]) == (["acme/new"], [], [])


def test_the_shipped_prices_are_not_written_to(cli: Cli) -> None:
    cli.write("models.json", json.dumps(CATALOG))
    call = ("prices", "import", "models.json", "--from", "openrouter")

    assert "name your own folder with --pricing" in cli(*call, *EFFECTIVE, status=2).err
    assert "Say --effective INSTANT" in cli(*call, status=2).err
    assert (
        cli(*call, *EFFECTIVE, "--out", "new").out.splitlines()[-1].startswith("wrote new/openrouter-2099-01-01.toml")
    )


def test_a_file_that_is_no_catalog_is_refused_with_its_line(priced: Cli) -> None:
    priced.write("broken.json", '{"data": [\n')

    said = priced("prices", "import", "broken.json", "--from", "openrouter", *EFFECTIVE, status=1)

    assert said.err.startswith("broken.json:2: not valid JSON")
    assert said.out == ""
