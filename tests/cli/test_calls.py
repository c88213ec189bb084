"""How commands are called: shared options anywhere, help that helps, three statuses, one JSON document."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.cli.running import JUNE, ROOT, Cli, usage
from tests.shares import daily
from tokentill.cli.app import COMMANDS, app, loaded
from tokentill.store.database import Database
from tokentill.usage.control_totals import ControlTotal

SHARED = {"--json", "--db", "--pricing"}

LINE = sha256(b"no json").hexdigest()[:12]
TOTAL = f"{ControlTotal('own', date(2025, 6, 10), requests=2).cell.hex()[:12]}:1"
ARGUMENTS = {
    "init": ["made"],
    "ingest": ["usage.jsonl"],
    "status": [JUNE],
    "customers list": [],
    "customers set": ["dune", "--name", "Dune"],
    "customers bind": ["u-1", "dune"],
    "customers import": ["customers.csv"],
    "customers credits": ["dune"],
    "preview": [JUNE],
    "review list": [JUNE],
    "review show": [JUNE, "alice"],
    "review approve": [JUNE, "alice"],
    "review hold": [JUNE, "alice", "--reason", "look"],
    "review release": [JUNE, "held"],
    "review lines": [JUNE],
    "report close": ["2025-05"],
    "report completeness": [JUNE],
    "report sources": [JUNE, "own", "app"],
    "report witnesses": [JUNE],
    "report near-duplicates": [JUNE],
    "review add-line": [JUNE, "alice", "--amount", "3", "--description", "set-up", "--reason", "agreed"],
    "review remove-line": ["1", "--reason", "twice"],
    "close": [JUNE],
    "usage late": [],
    "usage missing": [],
    "usage waive": ["own", "m-1", "--reason", "it failed"],
    "usage accept": ["own", "m-1", "--reason", "it is right"],
    "usage revisions list": [],
    "usage revisions show": ["own", "r-1"],
    "usage revisions accept": ["own", "r-1", "--reason", "corrected"],
    "usage revisions reject": ["own", "r-2", "--reason", "a test"],
    "usage retract": ["--record", "own", "h-1", "--reason", "a test"],
    "usage retractions list": [],
    "imports list": [],
    "imports show": ["1"],
    "ingest accept": ["5"],
    "ingest drop": ["6", "--reason", "a test"],
    "customers pseudonym": ["alice"],
    "customers erase-user": ["nobody", "--reason", "a test"],
    "pull": ["own"],
    "probe": ["own"],
    "usage control-totals list": [],
    "usage control-totals withdraw": [TOTAL, "--reason", "a test"],
    "usage quarantine list": [],
    "usage quarantine show": [f"{LINE}:3"],
    "usage quarantine discard": [f"{LINE}:3", "--reason", "a test"],
    "usage quarantine retry": ["--file", "bad.jsonl", "--reason", "a test"],
    "usage summary": [],
    "trace": ["own", "a-1"],
    "invoices list": [],
    "invoices show": ["INV-000001"],
    "invoices diff": ["INV-000001", "preview"],
    "invoices export": [],
    "invoices journal": [],
    "invoices void": ["INV-000001", "--reason", "a test"],
    "explain": ["INV-000001"],
    "simulate": [JUNE, "--pricing", "pricing"],
    "verify": [],
    "push": [JUNE],
    "reconcile": [JUNE],
    "prices list": [],
    "prices check": [],
    "prices show": ["acme/large"],
    "prices import": ["seed.json", "--from", "seed", "--out", "imported"],
    "prices diff": ["2025-01-01T00:00:00Z", "2025-06-01T00:00:00Z"],
    "prices lock": [],
    "contracts list": [],
    "contracts check": [],
    "contracts show": ["dune"],
    "contracts explain": ["dune", "large"],
    "contracts card": ["dune"],
    "contracts diff": ["2025-06-01T00:00:00Z", "2025-07-01T00:00:00Z"],
    "db upgrade": [],
    "db check": [],
    "db roles": [],
    "demo": [],
}
"""A call of every command."""

CALLED_ELSEWHERE = {"demo", "init", "push", "reconcile", "prices import", "simulate", "usage quarantine retry"}
CALLED_ELSEWHERE |= {"report sources", "pull", "probe", "usage accept"}
CALLED_ELSEWHERE |= {"customers pseudonym", "customers erase-user"}
"""They need Stripe, other files or seconds, no database, another folder, or end with 1; other tests call them."""


def commands() -> dict[str, Any]:
    """Every command of the tree by its words."""

    def walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        children = getattr(command, "commands", None)
        if children is None:
            yield " ".join(words), command
            return
        for name, child in children.items():
            yield from walk(child, words if child.hidden else (*words, name))

    return {words: command for name in COMMANDS for words, command in walk(loaded(name), (name,))}


GRANT = """\
format = 1
kind = "grant"
recorded_at = 2025-01-02T00:00:00Z

[[grant]]
customer = "dune"
id = "prepaid"
amount = 1
currency = "USD"
valid_from = 2025-01-01T00:00:00Z
"""


def prepared(cli: Cli) -> Cli:
    """A month with a customer that is held, one invoice of an earlier period, a grant, and files to import."""
    cli.month()
    cli.write("pricing/contracts/grants.toml", GRANT)
    cli("ingest", cli.write_usage(usage("h-1", "held"), usage("may", "alice", when="2025-05-10T00:00:00Z")))
    cli("review", "hold", JUNE, "held", "--reason", "look")
    cli("review", "add-line", JUNE, "dune", "--amount", "1", "--description", "fee", "--reason", "agreed")
    cli("close", "2025-05")
    without = usage("m-1", "nobody-else", quantities={})
    again = [usage(name, user) for user in ("some", "other") for name in ("r-1", "r-2")]
    cli("ingest", cli.write_usage(without, *again, path="more.jsonl"))
    cli("ingest", cli.write("bad.jsonl", json.dumps(usage("b-1", "some")) + "\n\nno json\n"))
    for name in ("staged", "dropped"):
        cli("ingest", cli.write_usage(usage(name, "some"), path=f"{name}.jsonl"), "--stage", name)
    cli("ingest", cli.write_usage({**usage("w-1"), "source": "app"}, path="app.jsonl"))
    cli("ingest", cli.write("totals.csv", "source,day,requests\nown,2025-06-10,2\n"))
    cli.write("customers.csv", "customer,name,stripe_customer\ndune,Dune,cus_1\n")
    return cli


def test_the_tree_has_these_commands_and_no_other() -> None:
    assert set(commands()) == set(ARGUMENTS)


def test_the_table_of_commands_says_what_the_commands_say_of_themselves() -> None:
    root = typer.main.get_command(app)

    assert list(root.commands) == list(COMMANDS)
    for name, listed in root.commands.items():
        assert listed.get_short_help_str(200) == loaded(name).get_short_help_str(200)


@pytest.mark.parametrize("words", sorted(ARGUMENTS))
def test_help_says_what_a_command_does_and_names_the_shared_options(cli: Cli, words: str) -> None:
    said = cli(*words.split(), "--help")

    assert said.err == ""
    usage_line, _, what, *_ = said.out.splitlines()
    assert usage_line.startswith(f"Usage: tokentill {words} [OPTIONS]")
    assert len(what.split()) >= 3
    assert what.rstrip().endswith((".", ","))
    for option in SHARED | {"--help"}:
        assert re.search(rf"^  (-h, )?{option}\b", said.out, re.MULTILINE), f"{words} does not mention {option}"
    assert "TOKENTILL_DB" in said.out
    assert said.out == cli(*words.split(), "-h").out


def test_every_option_and_argument_has_a_help_text() -> None:
    for words, command in commands().items():
        for parameter in command.params:
            text = getattr(parameter, "help", None)
            assert text, f"{words}: {parameter.name} has no help"
            assert text[0].isupper() or " " in text
            if parameter.param_type_name == "argument" or not parameter.is_flag:
                assert parameter.metavar, f"{words}: {parameter.name} is shown with the name of its type"


def test_the_list_of_commands_fits_and_begins_with_the_month(cli: Cli) -> None:
    listed = cli("--help").out.partition("Commands:\n")[2].splitlines()

    names = [line.split()[0] for line in listed]
    assert names[:4] == ["init", "ingest", "customers", "status"]
    assert names.index("close") < names.index("push") < names.index("prices")
    assert not [line for line in listed if line.endswith("...")]
    for group in ("customers", "review", "invoices", "prices", "contracts", "db"):
        of_group = cli(group, "--help").out.partition("Commands:\n")[2].splitlines()
        assert of_group
        assert not [line for line in of_group if line.endswith("...")]


@pytest.fixture(scope="module")
def prepared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared folder, to be copied."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        prepared(Cli(folder, patch))
    (folder / "tokentill.db").rename(folder / "kept.db")
    (folder / "pricing").rename(folder / "prices")
    return folder


@pytest.mark.parametrize("words", daily(sorted(set(ARGUMENTS) - CALLED_ELSEWHERE), 10))
def test_shared_options_may_stand_before_or_after_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepared_folder: Path, words: str
) -> None:
    documents = []
    for place in ("before", "after", "between"):
        folder = tmp_path / place
        shutil.copytree(prepared_folder, folder)
        cli = Cli(folder, monkeypatch)
        shared = ["--json", "--db", "kept.db", "--pricing", "prices"]
        first, *rest = words.split()
        calls = {
            "before": [*shared, first, *rest, *ARGUMENTS[words]],
            "after": [first, *rest, *ARGUMENTS[words], *shared],
            "between": [first, *shared, *rest, *ARGUMENTS[words]],
        }
        said = cli(*calls[place], status=1 if words == "close" else 0)  # somebody is held
        printed = re.sub(r"\d{4}-[\d-]+T[\d:.]+Z", "INSTANT", said.out)
        # The last entry of the audit log has an instant in its hash.
        documents.append(re.sub(r'("chain_head": \{\s+"seq": \d+,\s+"hash": )"sha256:\w+"', r"\1HASH", printed))
        json.loads(said.out)
        assert said.err == ""
        assert not (folder / "tokentill.db").exists()
    assert documents[0] == documents[1] == documents[2]


def test_an_option_after_the_name_wins(month: Cli) -> None:
    assert month("--db", "elsewhere.db", "db", "check", "--db", "tokentill.db").out.startswith("sqlite:///tokentill.db")


WRONG_CALLS = {
    "a period that is none": (["preview", "2025-13"], "write it like 2026-10"),
    "a period with another month's form": (["close", "2025-6"], "write it like 2026-10"),
    "a missing file": (["ingest", "nothing.jsonl"], "there is no file 'nothing.jsonl'"),
    "a glob that nothing fits": (["ingest", "*.nothing"], "no file fits '*.nothing'"),
    "an unknown option": (["preview", JUNE, "--colour"], "No such option: --colour"),
    "an unknown command": (["bill"], "No such command 'bill'"),
    "an unknown command of a group": (["invoices", "delete"], "No such command 'delete'"),
    "a missing argument": (["preview"], "Missing argument 'PERIOD'"),
    "an argument too many": (["preview", JUNE, "alice"], "unexpected extra argument"),
    "a database of another kind": (["verify", "--db", "mysql://localhost/x"], "SQLite or PostgreSQL"),
    "a database that is no URL": (["verify", "--db", "postgresql://localhost:port/x"], "not a database URL"),
    "a database in memory": (["verify", "--db", ":memory:"], "would be lost"),
    "an empty database": (["verify", "--db", ""], "--db is empty"),
    "an empty pricing folder": (["verify", "--pricing", ""], "--pricing is empty"),
    "a pricing folder that is missing": (["preview", JUNE, "--pricing", "nowhere"], "'nowhere' does not exist"),
    "an unknown format": (["ingest", "usage.jsonl", "--format", "xml"], "xml"),
    "a source with a control character": (["ingest", "usage.jsonl", "--source", "a\x1b[2J"], "U+001B"),
    "a hold without a reason": (["review", "hold", JUNE, "alice"], "--reason"),
    "a hold with an empty reason": (["review", "hold", JUNE, "alice", "--reason", " "], "a hold needs a reason"),
    "a line that is no number": (["explain", "INV-000001", "first"], "'LINE'"),
    "fewer than no records": (["explain", "INV-000001", "--records", "-1"], "--records"),
    "an instant without a zone": (["prices", "show", "acme/large", "--at", "2025-06-01"], "has no time zone"),
    "an instant that is none": (["prices", "show", "acme/large", "--at", "noon"], "is not an instant"),
    "nothing to set": (["customers", "set", "dune"], "nothing to set"),
    "pages of one customer": (["preview", JUNE, "--html", "x", "--customer", "alice"], "leave out"),
    "a file of other columns": (["customers", "import", "usage.jsonl"], "usage.jsonl:1: the columns must be"),
    "prices of an unknown kind": (
        ["prices", "import", "usage.jsonl", "--from", "memory", "--effective", "2026-12-01T00:00:00Z"],
        "memory is not known",
    ),
    "no Stripe key": (["push", JUNE], "TOKENTILL_STRIPE_KEY"),
}

REFUSALS = {
    "an unknown invoice": (["invoices", "show", "INV-000009"], "there is no invoice 'INV-000009'"),
    "an unknown invoice to explain": (["explain", "INV-000009"], "there is no invoice"),
    "an unknown invoice to verify": (["verify", "INV-000009"], "there is no invoice"),
    "an unknown customer": (["preview", JUNE, "--customer", "eve"], "'eve' has no usage in 2025-06"),
    "a review of nobody": (["review", "approve", JUNE, "eve"], "'eve' has no usage in 2025-06"),
    "a release of what is not held": (["review", "release", JUNE, "alice"], "'alice' is not held"),
    "an approval of what has changed": (
        ["review", "approve", JUNE, "alice", "--hash", "0123456789ab"],
        "look at it again",
    ),
    "a model without a price": (["prices", "show", "acme/larger"], "did the gateway mean 'acme/large'?"),
    "a model before its first price": (
        ["prices", "show", "large", "--at", "2024-01-01T00:00:00Z"],
        "its first is valid from 2025-01-01T00:00:00Z",
    ),
    "a Stripe customer that is none": (["customers", "set", "dune", "--stripe", "dune"], "begins with cus_"),
    "a database in a missing folder": (["ingest", "usage.jsonl", "--db", "no/where.db"], "unable to open database"),
    "a check of a database that is not there": (["db", "check", "--db", "new.db"], "there is no database"),
    "a server that is not there": (["verify", "--db", "postgresql://u:secret@127.0.0.1:1/x"], "//u:***@127.0.0.1:1/x"),
}


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("case", sorted(WRONG_CALLS))
def test_a_wrong_call_ends_with_2_and_says_what_is_wrong(month: Cli, case: str, as_json: bool) -> None:
    arguments, message = WRONG_CALLS[case]
    _check_error(month, arguments, message, status=2, as_json=as_json)


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("case", sorted(REFUSALS))
def test_a_refusal_ends_with_1_and_says_what_to_do(month: Cli, case: str, as_json: bool) -> None:
    arguments, message = REFUSALS[case]
    _check_error(month, arguments, message, status=1, as_json=as_json)


def _check_error(cli: Cli, arguments: list[str], message: str, *, status: int, as_json: bool) -> None:
    said = cli(*arguments, *(["--json"] if as_json else []), status=status)
    assert message in said.err
    assert "\x1b" not in said.err + said.out
    assert "secret" not in said.err + said.out
    if as_json:
        assert set(said.json) == {"error", "kind"}
        assert message in said.json["error"]
    else:
        assert said.out == ""


def test_a_check_of_a_database_that_is_not_there_makes_none(cli: Cli) -> None:
    cli("db", "check", "--db", "new.db", status=1)

    assert not (cli.folder / "new.db").exists()


def test_a_file_that_is_no_database_is_refused_and_left_alone(month: Cli) -> None:
    month.write("notes.txt", "these are notes, and no database\n" * 100)

    said = month("preview", JUNE, "--db", "notes.txt", "--json", status=1)

    assert "file is not a database" in said.json["error"]
    assert (month.folder / "notes.txt").read_text().startswith("these are notes")


def test_an_empty_postgresql_database_waits_for_db_upgrade(cli: Cli, postgresql_database: Database) -> None:
    with postgresql_database.write() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    url = postgresql_database.engine.url.render_as_string(hide_password=False)

    refused = cli("invoices", "list", "--db", url, "--json", status=1)
    assert refused.json["kind"] == "DatabaseNotReady"
    assert re.search(r"has no tables yet; run `tokentill --db \S+ db upgrade`", refused.json["error"])
    assert "empty" in cli("db", "check", "--db", url, status=1).out

    assert "is up to date" in cli("db", "upgrade", "--db", url).out
    assert cli("invoices", "list", "--db", url, "--json").json == {"invoices": []}
    assert "is sound" in cli("db", "check", "--db", url).out


def test_a_mistake_in_the_pricing_folder_names_its_file_and_line(month: Cli) -> None:
    path = month.folder / "pricing" / "models" / "acme.toml"
    path.write_text(path.read_text().replace("cache_read = 0.3", "cached = 0.3"))
    line = next(number for number, text in enumerate(path.read_text().splitlines(), 1) if "cached" in text)

    for command in (["preview", JUNE], ["close", JUNE], ["prices", "check"], ["contracts", "show"]):
        said = month(*command, status=1)
        assert f"pricing/models/acme.toml:{line}: " in said.err + said.out
        assert "cache_read" in said.err + said.out
    checked = month("prices", "check", "--json", status=1).json
    assert [found["where"].rpartition("/")[2] for found in checked["errors"]] == [f"acme.toml:{line}"]
    assert "models" not in checked


def test_prices_check_is_strict_about_warnings_only_when_told(month: Cli) -> None:
    assert month("prices", "check", "--strict").out.endswith(
        "4 recordings, 83 models (81 of them shipped), 0 warnings\n"
    )
    month.write(
        "pricing/models/dear.toml",
        'format = 1\nkind = "prices"\nrecorded_at = 2025-01-02T00:00:00Z\ncurrency = "USD"\nsource = "x"\n'
        '[[price]]\nmodel = "acme/dear"\nvalid_from = 2025-01-01T00:00:00Z\nrates = { input = 1, output = 2 }\n'
        '[[price]]\nmodel = "acme/dear"\nvalid_from = 2025-03-01T00:00:00Z\nrates = { input = 9, output = 18 }\n',
    )

    said = month("prices", "check")
    assert "warning: " in said.out
    assert "changes more than 5x" in said.out
    assert month("contracts", "check", "--strict", status=1).out == month("contracts", "check").out
    assert month("prices", "check", "--strict", status=1).out == said.out


def test_the_shipped_prices_are_sound(cli: Cli) -> None:
    found = cli("prices", "check", "--json").json

    assert found["errors"] == []
    assert found["models"] >= 81


def test_no_command_prints_the_help_and_ends_with_2(cli: Cli) -> None:
    for words in ([], ["invoices"], ["db"]):
        said = cli(*words, status=2)
        assert "Commands:" in said.out + said.err


def test_version_is_one_line(cli: Cli) -> None:
    from tokentill import __version__

    assert cli("--version").out == f"tokentill {__version__}\n"
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()
