"""Where settings come from: flag, then environment, then `tokentill.toml`, then a default that works."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.running import JUNE, Cli, usage
from tokentill import settings
from tokentill.errors import InvalidCall
from tokentill.invoicing.limits import DEFAULT_LIMITS
from tokentill.settings import read_settings, stripe_key
from tokentill.usage.bounds import DEFAULT_BOUNDS, Bounds

FILE = """\
database = "sqlite:///from-file.db"
pricing = "from-file"
grace_hours = 36

[ingest]
oldest = "2021-01-01T00:00:00Z"
ahead_days = 0

[stripe]
api_base = "http://127.0.0.1:1"
key_file = "from-file.key"
"""
ENVIRONMENT = {
    "TOKENTILL_DB": "from-environment.db",
    "TOKENTILL_PRICING": "from-environment",
    "TOKENTILL_STRIPE_API_BASE": "http://127.0.0.1:2",
    "TOKENTILL_STRIPE_KEY_FILE": "from-environment.key",
}


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "tokentill.toml").write_text(FILE)
    (tmp_path / "pricing").mkdir()

    flags = read_settings(database="flag.db", pricing="flag", environment=ENVIRONMENT, folder=tmp_path)
    environment = read_settings(database=None, pricing=None, environment=ENVIRONMENT, folder=tmp_path)
    file = read_settings(database=None, pricing=None, environment={}, folder=tmp_path)

    assert (flags.database, flags.pricing) == ("flag.db", "flag")
    assert (environment.database, environment.pricing) == ("from-environment.db", "from-environment")
    assert (environment.stripe_api_base, environment.stripe_key_file) == ("http://127.0.0.1:2", "from-environment.key")
    assert (file.database, file.pricing) == ("sqlite:///from-file.db", "from-file")
    assert (file.stripe_api_base, file.stripe_key_file) == ("http://127.0.0.1:1", "from-file.key")
    assert file.grace == timedelta(hours=36)
    assert file.bounds == Bounds(oldest=datetime(2021, 1, 1, tzinfo=UTC), ahead=timedelta(0))


def test_without_any_setting_the_defaults_work(tmp_path: Path) -> None:
    bare = read_settings(database=None, pricing=None, environment={}, folder=tmp_path)
    (tmp_path / "pricing").mkdir()
    with_folder = read_settings(database=None, pricing=None, environment={"TOKENTILL_DB": ""}, folder=tmp_path)

    assert (bare.database, bare.pricing, bare.grace) == ("sqlite:///tokentill.db", None, timedelta(0))
    assert bare.bounds == DEFAULT_BOUNDS
    assert with_folder.database == "sqlite:///tokentill.db"
    assert with_folder.pricing == str(tmp_path / "pricing")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('databse = "x.db"', "databse is not a setting; the settings are database, "),
        ('[stripe]\nkey = "rk_1"', "stripe.key is not a setting"),
        ("database = 5", "database must be a text, not a whole number"),
        ("grace_hours = 1.5", "grace_hours must be a whole number, not a number with a point"),
        ("grace_hours = true", "grace_hours must be a whole number, not true"),
        ("grace_hours = -1", "grace_hours is -1; write 0 to 1440"),
        ("grace_hours = 1441", "grace_hours is 1441; write 0 to 1440"),
        ('stripe = "rk_1"', "stripe must be a table, not a text"),
        ("[ingest]\nnewest = 1", "ingest.newest is not a setting; the settings are ahead_days, oldest"),
        ("[ingest]\noldest = 2020-01-01", "ingest.oldest must be a text, not a day"),
        ('[ingest]\noldest = "2020-01-01"', "ingest.oldest '2020-01-01' is not an RFC 3339 instant like 2026-10-01T"),
        ("[ingest]\nahead_days = 1.5", "ingest.ahead_days must be a whole number, not a number with a point"),
        ("[ingest]\nahead_days = -1", "ingest.ahead_days is -1; write 0 to 36500"),
        ("[ingest]\nahead_days = 36501", "ingest.ahead_days is 36501; write 0 to 36500"),
        ("[review]\ncost = 3", "review.cost is not a setting; the settings are approve_within, cost_above_list"),
        ("[review]\ncost_above_list = 3", "review.cost_above_list must be a table, not a whole number"),
        ("[review.cost_above_list]\nfactors = 3", "cost_above_list.factors is not a setting; the settings are amount"),
        ("[review.cost_above_list]\nfactor = 0.5", "review.cost_above_list.factor is 0.5; write 1 to 1000000"),
        ("[review.cost_above_list]\nfactor = nan", "review.cost_above_list.factor is NaN; write 1 to 1000000"),
        ('[review.cost_above_list]\namount = "1"', "review.cost_above_list.amount must be a number, not a text"),
        ("database = ", "cannot be read"),
    ],
)
def test_a_mistake_in_the_file_is_named_and_nothing_runs(cli: Cli, content: str, message: str) -> None:
    cli.write("tokentill.toml", content)

    said = cli("invoices", "list", "--json", status=2)

    assert message in said.json["error"]
    assert "tokentill.toml" in said.err
    assert not (cli.folder / "tokentill.db").exists()


def test_a_secret_never_stands_in_a_setting(tmp_path: Path) -> None:
    (tmp_path / "stripe.key").write_text("rk_test_of_a_file\n")
    (tmp_path / "tokentill.toml").write_text(f'[stripe]\nkey_file = "{tmp_path}/stripe.key"')
    settings = read_settings(database=None, pricing=None, environment={}, folder=tmp_path)

    assert stripe_key(settings, {}) == "rk_test_of_a_file"
    assert stripe_key(settings, {"TOKENTILL_STRIPE_KEY": " rk_test_of_the_environment\n"}) == (
        "rk_test_of_the_environment"
    )
    (tmp_path / "stripe.key").unlink()
    with pytest.raises(InvalidCall, match="cannot be read"):
        stripe_key(settings, {})


def test_commands_take_all_of_them(month: Cli) -> None:
    month.write("tokentill.toml", 'database = "of-file.db"\n')
    assert month("db", "upgrade", "--json").json["database"] == "sqlite:///of-file.db"
    month.patch.setenv("TOKENTILL_DB", "of-environment.db")
    assert month("db", "upgrade", "--json").json["database"] == "sqlite:///of-environment.db"
    assert month("--db", "of-flag.db", "db", "upgrade", "--json").json["database"] == "sqlite:///of-flag.db"

    month.patch.setenv("TOKENTILL_PRICING", "nowhere")
    assert "'nowhere', which TOKENTILL_PRICING names, does not exist" in month("contracts", "show", status=2).err
    assert month("contracts", "show", "--pricing", "pricing").out == "dune\n"


def test_grace_hours_keep_a_period_open(month: Cli) -> None:
    """60 days at most, so a month of long ago is closed whatever it says."""
    month.write("tokentill.toml", "grace_hours = 1440\n")

    assert len(month("close", JUNE, "--json").json["issued"]) == 2


def test_instants_out_of_bounds_are_quarantined_and_the_bounds_are_settings(month: Cli) -> None:
    rows = [usage("ancient", when="2019-06-01T00:00:00Z"), usage("slipped", when="2062-06-01T00:00:00Z")]
    file = month.write_usage(*rows, usage("good"), path="more.jsonl")

    by_default = month("ingest", file, "--json").json["files"][0]
    month.write("tokentill.toml", '[ingest]\noldest = "2019-01-01T02:00:00+02:00"\nahead_days = 36500\n')
    by_setting = month("ingest", file, "--json").json["files"][0]

    assert [(problem["line"], problem["record_id"]) for problem in by_default["problems"]] == [
        (1, "ancient"),
        (2, "slipped"),
    ]
    assert all("[ingest] of tokentill.toml" in problem["reason"] for problem in by_default["problems"])
    assert (by_setting["accepted"], by_setting["duplicates"], by_setting["quarantined"]) == (2, 1, 0)


def test_the_page_shows_every_setting_and_every_variable(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    text = page.partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "tokentill.toml").write_text(text)
    shown = tomllib.loads(text)

    assert (set(shown), set(shown["review"])) == (set(settings._KEYS), set(settings._REVIEW_KEYS))
    assert (set(shown["ingest"]), set(shown["stripe"])) == (set(settings._INGEST_KEYS), set(settings._STRIPE_KEYS))
    read = read_settings(environment={}, folder=tmp_path)
    assert (read.database, read.pricing, read.shipped_prices) == ("sqlite:///tokentill.db", "pricing", True)
    assert (read.grace, read.require_approval, read.bounds) == (timedelta(hours=36), True, DEFAULT_BOUNDS)
    assert read.limits == DEFAULT_LIMITS
    assert (read.stripe_key_file, read.stripe_api_base) == ("stripe.key", "http://127.0.0.1:12111")
    source = Path(settings.__file__).read_text(encoding="utf-8")
    variables = set(re.findall(r"TOKENTILL_\w+", source))
    assert variables == set(re.findall(r"TOKENTILL_\w+", page))


def test_a_policy_of_reviews_is_read_and_its_mistakes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "tokentill.toml"
    path.write_text(
        "[review]\napprove_within = { total = 500, change_percent = 0.5 }\npark_beyond = { total = 1_000 }\n"
        "four_eyes = true\n"
    )
    policy = read_settings(environment={}, folder=tmp_path).policy
    assert policy.approve_within is not None
    assert policy.approve_within.content() == {"total": "500", "change_percent": "0.5"}
    assert policy.park_beyond is not None
    assert policy.park_beyond.content() == {"total": "1000"}
    assert policy.four_eyes
    for text, message in {
        "approve_within = { most = 5 }": "review.approve_within.most is not a setting; the settings are change,",
        "park_beyond = { change = 5 }": "review.park_beyond.change is not a setting; the settings are change_percent",
        "approve_within = { total = true }": "review.approve_within.total must be a number, not",
        "approve_within = { total = 0 }": "review.approve_within.total is 0; write more than 0",
        "park_beyond = {}": "review.park_beyond states no bound; write one, or leave it out",
        "four_eyes = 1": "review.four_eyes must be true or false",
    }.items():
        path.write_text(f"[review]\n{text}\n")
        with pytest.raises(InvalidCall, match=re.escape(message)):
            read_settings(environment={}, folder=tmp_path)


def test_sources_declare_whose_word_is_billed(tmp_path: Path) -> None:
    (tmp_path / "tokentill.toml").write_text('[sources."openrouter:team-a"]\nreporters = ["capture", "export"]\n')
    assert read_settings(folder=tmp_path).precedence == {"openrouter:team-a": ("capture", "export")}


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('[sources.own]\nreporters = ["capture"]', "own.reporters must name reporters .* and export among them"),
        ('[sources.own]\nreporters = ["export", "export"]', "each once"),
        ('[sources.own]\nreporters = "export"', "sources.own.reporters must be a list, not a text"),
        ('[sources.own]\nreporter = ["export"]', "sources.own.reporter is not a setting"),
        ("[sources]\nown = 1", "sources.own must be a table, not a whole number"),
    ],
)
def test_a_mistake_in_reporters_is_named(tmp_path: Path, written: str, message: str) -> None:
    (tmp_path / "tokentill.toml").write_text(written)
    with pytest.raises(InvalidCall, match=message):
        read_settings(folder=tmp_path)
