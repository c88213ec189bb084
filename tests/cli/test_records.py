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
    month("ingest", month.write("bad.jsonl", json.dumps(bad) + "\nno json\n" + json.dumps(bad) + "\n"), status=1)
    closed = month("close", JUNE)
    assert "3 lines are in quarantine, of 2025-06 or of an instant that is not known" in closed.err
    listed = month(*quoted_commands(closed.err)[0]).out
    assert (listed.count("bad.jsonl"), listed.count("not known")) == (3, 1)
    first = re.findall(r"^\w{12}:1", listed, re.MULTILINE)[0]
    _, discard = printed_commands(month("usage", "quarantine", "show", first).out)
    assert month(*discard).out == "1 line is discarded now\n"
    assert "2 lines are in quarantine" in month("preview", JUNE).err
    assert month("usage", "quarantine", "discard", "--file", "bad.jsonl", "--reason", "x").out.startswith("2 lines")
    assert "quarantine" not in month("preview", JUNE).err
    states = [found["state"] for found in month("usage", "quarantine", "list", "--json").json["quarantined"]]
    assert states == ["discarded"] * 3
    assert month("usage", "quarantine", "list", "--state", "open").out == "no such line is in quarantine\n"
    assert "nothing to discard" in month("usage", "quarantine", "discard", "--reason", "x", status=2).err


def test_a_file_that_is_quarantined_as_a_whole_ends_with_1_and_the_others_are_taken(month: Cli) -> None:
    good = month.write_usage(usage("g-1"), path="good.jsonl")
    bad = month.write_usage(usage("b-1", quantities={"input": -1}), path="bad file.jsonl")
    said = month("ingest", bad, good, status=1)
    assert "bad file.jsonl: nothing was taken in, since every line went to quarantine (1)" in said.err
    assert re.search(r"good.jsonl +canonical +1 +1 ", said.out)
    assert "bad file.jsonl" in month(*quoted_commands(said.err)[0]).out
    assert month("ingest", month.write("none.jsonl", ""), good).status == 0
    mixed = month.write_usage(usage("b-2", quantities={"input": -1}), usage("g-2"), path="mixed.jsonl")
    assert month("ingest", mixed, "--json").json["quarantined"] == 1


def test_a_quarantined_line_is_read_again_by_the_printed_command(month: Cli) -> None:
    file = month.write_usage(usage("b-1"), usage("b-2", quantities={"input": -1}), path="bad.jsonl")
    month("ingest", file, "--source", "wrong", status=1)
    listed = month("usage", "quarantine", "list").out
    first = re.findall(r"^\w{12}:1", listed, re.MULTILINE)[0]
    retry, _ = printed_commands(month("usage", "quarantine", "show", first).out)
    assert "this is to be read as 'wrong'" in month(*retry, status=1).err
    assert month(*retry, "--source", "own").out == "1 line is a record now (1 accepted); 0 stay in quarantine\n"
    again = month("usage", "quarantine", "retry", "--file", file, "--source", "own", "--reason", "x", status=1)
    assert again.out == "0 lines are records now; 1 stays in quarantine\n"
    assert "bad.jsonl:2: input is negative (-1)" in again.err
    assert month("usage", "quarantine", "list", "--state", "taken").out.count("bad.jsonl") == 1
    assert "nothing to retry" in month("usage", "quarantine", "retry", "--reason", "x", status=2).err


def test_the_review_page_names_what_lies_aside_with_the_commands_that_list_it(month: Cli) -> None:
    month("close", JUNE)
    month("ingest", month.write("bad.jsonl", "no json\n" + json.dumps(usage("a-4")) + "\n"))
    month("ingest", month.write_usage(usage("a-1", cost="9"), path="again.jsonl"))
    month("preview", JUNE, "--html", "pages")
    page = (month.folder / "pages" / "index.html").read_text(encoding="utf-8")
    assert "Usage that stands on none of these invoices" in page
    assert "1 request is late, of periods that were issued without them (2025-06)" in page
    commands = re.findall(r"<pre><code>tokentill (.*?)</code></pre>", page)
    said = [month(*command.split()).out for command in commands]
    assert [one for one in said if "again.jsonl" in one or "cost 4.25 -> 9" in one]
    assert [one for one in said if "bad.jsonl" in one]
    assert [one for one in said if "a-4" in one]


def page(number: int, pages: int) -> str:
    """A page of an answer, with one record."""
    return json.dumps({"data": [usage(f"p-{number}")], "page": number, "total_pages": pages})


def test_a_file_that_is_not_all_is_named_until_all_pages_are_given(month: Cli) -> None:
    files = [month.write(f"page-{number}.json", page(number, 2)) for number in (1, 2)]
    said = month("ingest", files[0])
    assert said.err == "page-1.json: it is page 1 of 2; get the rest and ingest it, too\n"
    assert month("ingest", *files).err == ""
    (found,) = month("ingest", files[0], "--json").json["files"]
    assert found["incomplete"] == {"why": "it is page 1 of 2", "page": 1, "total_pages": 2}
    assert month("ingest", files[0], "--strict", status=1).err == said.err


def test_an_export_under_another_name_and_a_closed_month_are_pointed_out(month: Cli) -> None:
    month("close", JUNE)
    said = month("ingest", month.write_usage({**usage("a-1"), "source": "again"}, path="again.jsonl")).err
    assert "1 of 1 record of source again has an id that source own has, too: was the export loaded under" in said
    assert "again.jsonl: 1 new record lies in a period that was closed (2025-06)" in said
    assert "again" in month(*quoted_commands(said)[0]).out


def test_taking_usage_in_does_not_load_the_pricing_folder(month: Cli) -> None:
    month("close", JUNE)
    month.write("pricing/contracts/broken.toml", "format = ")
    assert "was closed (2025-06)" in month("ingest", month.write_usage(usage("z"), path="z.jsonl")).err


def test_what_was_used_is_counted_by_any_key_also_beside_a_broken_folder(month: Cli) -> None:
    out = month("usage", "--by", "model", "--period", JUNE).out
    assert re.search(r"^acme/large +4 +2,334,433 +200,000 +8\.5 +10\.003029 USD$", out, re.MULTILINE)
    assert "from 2025-06-01T00:00:00Z until before 2025-07-01T00:00:00Z" in out
    assert "3 requests report no cost" in out
    customers = month("usage", "--json").json["rows"]
    assert [(row["customer"], row["requests"]) for row in customers] == [("alice", 3), (None, 1), ("dune", 1)]
    one = month("usage", "summary", "--by", "day", "--from", "2025-06-11T00:00:00Z", "--until", "2025-06-12T00:00:00Z")
    assert re.search(r"^2025-06-11 +1 ", one.out, re.MULTILINE)
    assert "--by must be" in month("usage", "summary", "--by", "colour", status=2).err
    month.write("pricing/contracts/broken.toml", "format = ")
    assert "list amount" not in month("usage", "summary", "--by", "user").out
    assert "broken.toml" in month("usage", "summary", status=1).err


def test_a_request_is_traced_and_one_that_is_not_known_ends_with_1(month: Cli) -> None:
    waiting = month("trace", "own", "d-1").out
    assert "customer    dune: " in waiting
    assert "rule        partner of customer dune" in waiting
    assert "not closed: nobody closed the period: `tokentill close 2025-06`" in waiting
    month(*quoted_commands(waiting)[0])
    issued = month("trace", "own", "d-1").out
    assert re.search(r"line +INV-00000\d line 1 \(acme/large\): 1\.20003\d+ USD exactly", issued)
    assert month("trace", "own", "d-1", "--json").json["state"] == "issued"
    assert "no record 'x' of source 'own' is known" in month("trace", "own", "x", status=1).err
