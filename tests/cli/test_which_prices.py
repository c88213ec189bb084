"""Which prices and contracts a command uses: found in one way, said, and never others by surprise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.running import DEFAULT, JUNE, MONTH, Cli, usage
from tokentill import Biller, PriceBook, Till, Usage

PLAN = """\
format = 1
kind = "plan"
id = "pro"
recorded_at = 2025-01-02T00:00:00Z
valid_from = 2025-01-01T00:00:00Z

[[rule]]
name = "pro"
markup_percent = 10
"""
DUNE_FILE, PLAN_FILE = "pricing/contracts/dune.toml", "pricing/contracts/pro.toml"
REMOVAL = """\
format = 1
kind = "removal"
recorded_at = 2025-08-01T00:00:00Z
removes = ["customer dune", 'rule "partner" of customer dune']
"""


@pytest.fixture
def elsewhere(month: Cli) -> Iterator[Cli]:
    """The small month, looked at from an empty folder beside its own."""
    (month.folder.parent / "elsewhere").mkdir(exist_ok=True)
    month.patch.chdir(month.folder.parent / "elsewhere")
    month.patch.setenv("TOKENTILL_DB", str(month.folder / "tokentill.db"))
    yield month
    month.patch.chdir(month.folder)


class TestTheFolderIsFoundInOneWay:
    def test_by_the_command_line_and_by_the_library_alike(self, month: Cli) -> None:
        below = month.folder / "deep" / "down"
        below.mkdir(parents=True)
        own = str(month.folder / "pricing")
        assert month("preview", JUNE, "--json").json["pricing"]["found_by"] == "./pricing"
        with Till.open("tokentill.db") as till:
            preview = till.preview(JUNE)
            assert preview.pricing is not None
            assert preview.pricing.folder == own
        assert "acme/large" in PriceBook.load().models
        month.patch.chdir(below)
        assert month("contracts", "show").out == "no contracts\n"
        month.write("tokentill.toml", 'grace_hours = 0\npricing = "pricing"\ndatabase = "tokentill.db"\n')
        said = month("preview", JUNE, "--json").json
        assert said["pricing"]["folder"] == own
        assert said["pricing"]["found_by"] == (month.folder / "tokentill.toml").as_posix()
        with Till.open() as till:
            assert till.preview(JUNE).content() == said
        assert month("contracts", "show").out == "dune\n"
        request = Usage("acme/large", datetime(2025, 6, 10, tzinfo=UTC), {"input": 1000})
        assert Biller.load().bill(request, customer="dune").rule == "partner"
        month.patch.setenv("TOKENTILL_PRICING", str(month.folder / "nowhere"))
        assert "which TOKENTILL_PRICING names, does not exist" in month("preview", JUNE, status=2).err

    def test_text_says_which_and_a_close_says_its_sums(self, month: Cli) -> None:
        assert "prices and contracts: " in month("preview", JUNE).out
        said = month("close", JUNE).out
        assert f"{month.folder}/pricing (found by ./pricing): 4 recordings, shipped list prices beneath" in said
        assert "2 invoices issued, INV-000001 to INV-000002: 10.20 USD" in said
        closed = month("close", JUNE, "--json").json
        assert (closed["totals"], closed["pricing"]["lost"]) == ({}, [])
        assert "with 1 set of prices and contracts from the copies in the database" in month("verify").out


def test_from_another_folder_nobody_is_issued_at_list_prices(elsewhere: Cli) -> None:
    """Whether contracts were used by a preview or by a close: the shipped prices alone are refused then."""
    elsewhere("--pricing", str(elsewhere.folder / "pricing"), "preview", JUNE)
    refused = elsewhere("close", JUNE, status=1)
    assert "without any contract:\n  everything in " in refused.err
    assert "customer dune" in refused.err
    assert "--accept-pricing-change" in refused.err
    assert "the contracts lost " in elsewhere("preview", JUNE).err
    assert elsewhere("invoices", "list", "--json").json == {"invoices": []}
    elsewhere("review", "hold", JUNE, "alice", "--reason", "look", status=1)
    issued = elsewhere("--pricing", str(elsewhere.folder / "pricing"), "close", JUNE, "--json").json
    assert issued["totals"] == {"USD": "10.20"}


def test_a_lost_customer_plan_or_rule_is_refused_until_it_is_confirmed(month: Cli) -> None:
    month.write(PLAN_FILE, PLAN)
    month("close", JUNE)
    month("ingest", month.write_usage(usage("j-1", when="2025-07-10T12:00:00Z"), path="july.jsonl"))
    dune = (month.folder / DUNE_FILE).read_text()
    month.write(DUNE_FILE, dune.partition("[[rule]]")[0])
    (month.folder / PLAN_FILE).unlink()
    refused = month("close", "2025-07", status=1).err
    for lost in ("plan pro", 'rule "partner" of customer dune', 'rule "pro" of plan pro'):
        assert f"\n  {lost}\n" in refused
    not_named = month("close", "2025-07", "--accept-pricing-change", status=2).err
    assert not_named == "--accept-pricing-change goes with --pricing; name the folder that is meant\n"
    accepted = month("--pricing", "pricing", "close", "2025-07", "--accept-pricing-change", "--json").json
    assert accepted["issued"] == ["INV-000003"]
    month("ingest", month.write_usage(usage("g-1", when="2025-08-10T12:00:00Z"), path="august.jsonl"))
    assert month("close", "2025-08", "--json").json["issued"] == ["INV-000004"]


def test_a_recording_may_say_that_it_was_meant(month: Cli) -> None:
    month("close", JUNE)
    month("ingest", month.write_usage(usage("j-1", when="2025-07-10T12:00:00Z"), path="july.jsonl"))
    (month.folder / DUNE_FILE).unlink()
    month("close", "2025-07", status=1)
    month.write("pricing/contracts/gone.toml", REMOVAL)
    month("contracts", "check", "--strict")
    assert month("close", "2025-07", "--json").json["issued"] == ["INV-000003"]


def test_what_is_only_added_or_rewritten_is_no_loss(month: Cli) -> None:
    month("preview", JUNE)
    month.write(PLAN_FILE, PLAN)
    month.write(DUNE_FILE, (month.folder / DUNE_FILE).read_text().replace("partner", "friend"))
    month("review", "approve", JUNE, "dune")
    assert len(month("close", JUNE, "--json").json["issued"]) == 2


def test_a_preview_of_an_issued_period_shows_what_was_issued_beside_what_it_would_be(month: Cli) -> None:
    month("close", JUNE)
    month.write(DUNE_FILE, (month.folder / DUNE_FILE).read_text().replace("percent = 20", "percent = 30"))
    said = month("preview", JUNE)
    assert "dune: INV-000002 was issued with 1.20 USD; computed now it would be 1.30 USD" in said.out
    invoice = next(one for one in month("preview", JUNE, "--json").json["invoices"] if one["customer"] == "dune")
    assert (invoice["issued_total"], invoice["total"], invoice["has_moved"]) == ("1.20", "1.30", True)


class TestOwnContractsOverShippedPrices:
    def test_shipped_list_prices_lie_beneath_an_own_folder(self, cli: Cli) -> None:
        cli.write("pricing/contracts/default.toml", DEFAULT + '[[rule]]\nname = "all"\nmarkup_percent = 20\n')
        assert "1 contract, 81 models (81 of them shipped), 0 warnings" in cli("contracts", "check").out
        row = usage("a", model="openai/gpt-4o", when="2026-10-10T12:00:00Z", quantities={"input": 1_000_000})
        cli("ingest", cli.write_usage(row))
        total = cli("preview", "2026-10", "--json").json["invoices"][0]["total"]
        assert total == "3.00"
        cli.write("tokentill.toml", "shipped_prices = false\n")
        refused = cli("preview", "2026-10", "--json").json["invoices"][0]
        assert "'openai/gpt-4o' is in no price table" in str(refused["blocked_by"])

    def test_an_own_entry_wins_by_time_and_then_by_being_own(self, cli: Cli, tmp_path: Path) -> None:
        listed = PriceBook.load()
        newest = listed.entries("openai/gpt-4o")[-1]
        cli.write("pricing/contracts/default.toml", DEFAULT)

        def rate(valid_from: str, recorded_at: str) -> str:
            head = f'format = 1\nkind = "prices"\nrecorded_at = {recorded_at}\ncurrency = "USD"\n\n[[price]]\n'
            entry = f'model = "openai/gpt-4o"\nvalid_from = {valid_from}\nrates = {{ input = 7, output = 70 }}\n'
            cli.write("pricing/models/own.toml", head + entry)
            shown = cli("prices", "show", "openai/gpt-4o", "--at", "2026-11-01T00:00:00Z", "--json").json
            return str(shown["entry"]["rates"]["input"])

        same, since = newest.recorded_at.isoformat(), newest.valid_from.isoformat()
        theirs = str(newest.standard.rates["input"])
        assert rate(since, same) == "7"
        assert rate(since, "2020-01-01T00:00:00Z") == theirs
        assert rate("2020-01-01T00:00:00Z", same) == theirs
        assert rate("2026-10-01T00:00:00Z", "2026-01-01T00:00:00Z") == "7"

    def test_pins_hold_both(self, cli: Cli) -> None:
        cli.write("pricing/contracts/default.toml", DEFAULT)
        row = usage("a", model="openai/gpt-4o", when="2026-10-10T12:00:00Z")
        cli("ingest", cli.write_usage(row))
        assert cli("close", "2026-10", "--json").json["totals"] == {"USD": "3.50"}
        cli.write("pricing/contracts/default.toml", "broken")
        assert cli("verify", "--json").json["verified"] == 1
        assert "openai/gpt-4o, valid from" in cli("explain", "INV-000001", "1").out


class TestADatabaseThatIsNotThere:
    @pytest.mark.parametrize(
        "words",
        [
            ("preview", JUNE),
            ("close", JUNE),
            ("verify",),
            ("invoices", "list"),
            ("customers", "list"),
            ("customers", "set", "acme", "--name", "Acme"),
            ("customers", "bind", "u", "acme"),
            ("usage", "missing"),
            ("usage", "late"),
            ("explain", "INV-000001"),
            ("db", "check"),
        ],
        ids=" ".join,
    )
    def test_is_named_and_not_made(self, cli: Cli, words: tuple[str, ...]) -> None:
        cli.write_pricing()
        said = cli(*words, "--db", "typo.db", status=None)
        assert said.status == (1 if words[0] == "db" else 2)
        assert "there is no database sqlite:///typo.db" in said.err
        assert not (cli.folder / "typo.db").exists()

    def test_is_made_by_usage_by_an_upgrade_and_by_init(self, cli: Cli) -> None:
        cli("ingest", cli.write_usage(*MONTH), "--db", "one.db")
        cli("db", "upgrade", "--db", "two.db")
        cli("init", "three")
        assert all((cli.folder / name).exists() for name in ("one.db", "two.db", "three/tokentill.db"))


def test_commands_that_need_no_prices_do_not_read_them(month: Cli) -> None:
    month("close", JUNE)
    month.write(DUNE_FILE, "a typo")
    month("preview", JUNE, status=1)
    for words in (
        ("verify",),
        ("invoices", "list"),
        ("invoices", "show", "INV-000001"),
        ("explain", "INV-000001"),
        ("customers", "list"),
        ("customers", "set", "acme", "--name", "Acme"),
        ("usage", "quarantine", "list"),
        ("usage", "revisions", "list"),
        ("ingest", "usage.jsonl"),
        ("db", "check"),
    ):
        month(*words)


class TestInit:
    def test_makes_a_folder_to_bill_from_and_overwrites_nothing(self, cli: Cli) -> None:
        made = cli("init", "shop", "--currency", "EUR", "--json").json["made"]
        files = ["pricing/attribution/default.toml", "pricing/contracts/default.toml", "tokentill.toml"]
        assert made == [*files, "tokentill.db"]
        cli.patch.chdir(cli.folder / "shop")
        assert "no exchange rate from USD is listed" in cli("contracts", "check").out
        assert cli("contracts", "show", "acme", "--json").json["currency"] == "EUR"
        before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
        refused = cli("init", status=1).err
        assert refused == "tokentill.toml is there already, and nothing is overwritten; name another folder\n"
        assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before

    def test_copied_prices_are_the_only_ones(self, cli: Cli) -> None:
        cli("init", "--copy-prices")
        assert "16 recordings, 81 models, 0 warnings" in cli("prices", "check", "--strict").out
        cli.write("tokentill.toml", (cli.folder / "tokentill.toml").read_text().replace("false", "true", 1))
        assert "16 recordings, 81 models, 0 warnings" in cli("prices", "check", "--strict").out

    def test_the_commented_rules_of_its_files_load(self, cli: Cli) -> None:
        cli("init")
        for name in ("contracts", "attribution"):
            path = cli.folder / "pricing" / name / "default.toml"
            head, _, commented = path.read_text().partition("# [[rule]]")
            rules = "[[rule]]" + "\n".join(line.removeprefix("# ").rstrip("#") for line in commented.splitlines())
            rules = rules.partition("A plan is")[0]
            path.write_text(head + rules)
        said = cli("contracts", "check", "--strict").out
        assert "1 contract, 81 models" in said
        shown = cli("contracts", "show", "acme", "--json").json
        assert [rule["name"] for rule in shown["chain"][0]["rules"]] == ["markup"]
