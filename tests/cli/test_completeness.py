"""Control totals on the command line: taken in, compared, demanded before a close, and taken back."""

from __future__ import annotations

import shlex

from tests.cli.running import JUNE, Cli, usage
from tests.cli.test_records import quoted_commands

DEMANDED = '[sources."own"]\nrequire_totals = true\ntolerance = { requests = 0, cost_percent = 0.5 }\n'
TOTALS = "source,day,requests,cost\nown,2025-06-10,4,4.25\nown,2025-06-11,1,4.25\n"


def test_a_close_that_waits_for_totals_goes_on_when_they_are_there(month: Cli) -> None:
    month.write("tokentill.toml", DEMANDED)
    refused = month("close", JUNE, status=1).err
    assert "source own: 2 days lack control totals of all their records (2025-06-10, 2025-06-11)" in refused
    (command,) = {tuple(words) for words in quoted_commands(refused) if words[0] == "report"}
    assert "no total" in month(*command, status=1).out
    taken = month("ingest", month.write("totals.csv", TOTALS), "--json").json
    assert (taken["read"], taken["accepted"], taken["control_totals"]) == (2, 0, 2)
    assert "2 of 2 days complete" in month(*command).out
    assert month("close", JUNE, "--json").json["blocked_by"] == []


def test_a_wrong_total_is_found_and_taken_back_by_its_id(month: Cli) -> None:
    month.write("tokentill.toml", DEMANDED)
    month("ingest", month.write("totals.csv", TOTALS))
    month("ingest", month.write("wrong.csv", "source,day,requests,cost\nown,2025-06-11,100,4.25\n"))
    found = month("report", "completeness", JUNE, "--json", status=1).json
    (source,) = found["sources"]
    (_, day) = source["days"]
    (total,) = day["totals"]
    assert (day["state"], total["apart"], total["difference"]["requests"]) == ("outside", ["requests"], -99)
    assert source["tolerance"] == {"requests": "0", "cost_percent": "0.5"}
    listed = month("usage", "control-totals", "list", "--period", JUNE, "--json").json["control_totals"]
    (wrong,) = [one for one in listed if one["counts"] and one["requests"] == 100]
    assert "counts no more" in month("usage", "control-totals", "withdraw", wrong["id"], "--reason", "a slip").out
    assert "withdrawn" in month("usage", "control-totals", "list").out
    assert month("report", "completeness", JUNE).status == 0


def test_a_source_with_an_awkward_name_is_named_so_that_the_command_works(month: Cli) -> None:
    source = "team's $a"
    month("ingest", month.write_usage({**usage("x"), "source": source}, path="more.jsonl"))
    month("ingest", month.write("totals.csv", f"source,day,requests\n{source},2025-06-10,2\n"))
    previewed = month("preview", JUNE).out
    (line,) = [line for line in previewed.splitlines() if "completeness" in line]
    words = shlex.split(line.split("`")[1])[1:]
    assert month(*words, "--json").json["sources"][0]["source"] == source


def test_settings_of_a_source_that_are_wrong_are_named(cli: Cli) -> None:
    for text, message in (
        ("[sources.own]\ntolerence = 1\n", "sources.own.tolerence is not a setting; the settings are"),
        ('[sources.own]\ntolerance = "x"\n', "sources.own.tolerance is 'x'; write a percentage like"),
        ('[sources.own]\nrequire_totals = "yes"\n', "sources.own.require_totals must be true or false"),
        ("[sources]\nown = 1\n", "sources.own must be a table"),
    ):
        cli.write("tokentill.toml", text)
        assert message in cli("status", JUNE, status=2).err


def test_witnesses_end_with_one_when_they_do_not_tell_the_same(month: Cli) -> None:
    month("ingest", month.write_usage({**usage("a-1"), "source": "app"}, path="app.jsonl"))
    said = month("report", "sources", JUNE, "app", "own", status=1)
    assert "1 record id is in both, 1 with the same tokens, user and model" in said.out
    assert "4 records are missing in app: " in said.out
    assert "records of both sources count, and are billed" in said.err
