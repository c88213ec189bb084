"""What keeps a customer or a reviewer waiting is named with a way out, and the commands that are printed work so."""

from __future__ import annotations

import json
import re
import shlex

from tests.cli.running import JUNE, Cli, usage

AWKWARD = "m'1 $x"


def printed_commands(text: str) -> list[list[str]]:
    """The words of every command that is printed on a line of its own, or after `with:`, without `tokentill`."""
    found = re.findall(r"(?:^ *|with: )tokentill (.*)$", text, re.MULTILINE)
    return [shlex.split(words) for words in found]


def quoted_commands(text: str) -> list[list[str]]:
    """The words of every command that a message quotes, without those that have places to fill in."""
    found = [shlex.split(words) for words in re.findall(r"`tokentill ([^`]*)`", text)]
    return [words for words in found if not any(word.isupper() for word in words)]


def test_a_customer_without_usage_gets_out_by_the_printed_commands(month: Cli) -> None:
    month("ingest", month.write_usage(usage(AWKWARD, quantities={}, status="error"), path="more.jsonl"))
    refused = month("close", JUNE, status=1).err
    assert "missing usage of acme/large: 1 request" in refused
    listed = month(*quoted_commands(refused)[0]).out
    assert "the gateway reported no usage (status error)" in listed
    (waive,) = printed_commands(listed)
    month(*waive)
    assert "no record is without usage" in month("usage", "missing").out
    month("close", JUNE)
    assert "billed at nothing: 1 request of acme/large" in month("invoices", "show", "INV-000002").out
    audited = month("usage", "missing", "--json").json
    assert audited == {"missing": []}


def test_a_revision_is_named_shown_and_accepted_by_the_printed_commands(month: Cli) -> None:
    again = {"user": "dune", "quantities": {"input": 2_000_000}, "cost": None}
    month("ingest", month.write_usage({**usage("a-1"), **again}, path="again.jsonl"))
    previewed = month("preview", JUNE).err
    assert "1 record came again with other content, and nobody decided what counts" in previewed
    listed = month(*quoted_commands(previewed)[0]).out
    assert "cost 4.25 -> none; input 1,000,000 -> 2,000,000; output 100,000 -> 0; user alice -> dune" in listed
    shown = month("usage", "revisions", "show", "own", "a-1").out
    accept, reject = printed_commands(shown)
    assert (accept[2], reject[2]) == ("accept", "reject")
    assert "is accepted, and counts from now on" in month(*accept).out
    assert "came again" not in month("preview", JUNE).err
    said = month("usage", "revisions", "list", "--json").json["revisions"]
    assert [(found["state"], found["decided"]["reason"]) for found in said] == [("accepted", "WHY")]
    assert "counts already" in month(*reject, status=1).err
    month("close", JUNE)
    assert month("verify").out.startswith("2 of 2 invoices")


def test_a_revision_of_an_issued_record_says_where_it_stands(month: Cli) -> None:
    month("close", JUNE)
    month("ingest", month.write_usage(usage("a-1", cost="9"), path="again.jsonl"))
    done = month("usage", "revisions", "accept", "own", "a-1", "--reason", "so")
    assert "it stands on INV-000001 as it was; the new version is late" in done.err
    late = month(*quoted_commands(done.err)[0], "--json").json["late"]
    assert [found["record_id"] for found in late] == ["a-1"]
    assert "1 request is late" in month("close", JUNE).err


def test_quarantined_lines_are_named_shown_and_discarded_by_the_printed_commands(month: Cli) -> None:
    bad = usage("b-1", quantities={"input": -1})
    month("ingest", month.write("bad.jsonl", json.dumps(bad) + "\nno json\n" + json.dumps(bad) + "\n"))
    closed = month("close", JUNE)
    assert "3 lines are in quarantine, of 2025-06 or of an instant that is not known" in closed.err
    listed = month(*quoted_commands(closed.err)[0]).out
    assert (listed.count("bad.jsonl"), listed.count("not known")) == (3, 1)
    first = re.findall(r"^\w{12}:1", listed, re.MULTILINE)[0]
    (discard,) = printed_commands(month("usage", "quarantine", "show", first).out)
    assert month(*discard).out == "1 line is discarded now\n"
    assert "2 lines are in quarantine" in month("preview", JUNE).err
    assert month("usage", "quarantine", "discard", "--file", "bad.jsonl", "--reason", "x").out.startswith("2 lines")
    assert "quarantine" not in month("preview", JUNE).err
    states = [found["state"] for found in month("usage", "quarantine", "list", "--json").json["quarantined"]]
    assert states == ["discarded"] * 3
    assert month("usage", "quarantine", "list", "--state", "open").out == "no such line is in quarantine\n"
    assert "nothing to discard" in month("usage", "quarantine", "discard", "--reason", "x", status=2).err
