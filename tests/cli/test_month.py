"""A month as an operator and a reviewer walk through it, in text."""

from __future__ import annotations

import re

import pytest

from tests.cli.running import JUNE, Cli, usage


def test_a_month_from_the_first_file_to_the_last_check(month: Cli) -> None:
    preview = month("preview", JUNE)
    assert re.search(r"^alice +3 +9 +9\.00  USD +new$", preview.out, re.MULTILINE)
    assert "2025-06: 2 customers, 10.20 USD; changes are against 2025-05" in preview.out
    assert "unattributed: 1 request, 0.003 USD at list price" in preview.out
    assert preview.err == ""

    folder = f"{month.folder}/pricing (found by ./pricing)"
    used = f"prices and contracts: {folder}: 4 recordings, shipped list prices beneath\n"
    issued = "2025-06: 2 invoices issued, INV-000001 to INV-000002: 10.20 USD\n"
    closed = month("close", JUNE).out
    assert closed.startswith(issued + used)
    log, report = closed.removeprefix(issued + used).splitlines()
    assert re.fullmatch(r"the audit log ends with entry \d+, sha256:[0-9a-f]{64}", log)
    assert report == "`tokentill report close 2025-06` says what the close came to"
    assert log in month("report", "close", JUNE).out.splitlines()
    assert month("close", JUNE).out == f"2025-06: nothing to issue\n{used}2 customers have an invoice already\n"
    listed = month("invoices", "list").out.splitlines()
    assert listed[0].split() == ["number", "customer", "period", "status", "total", "currency", "issued", "at"]
    assert [line.split()[:5] for line in listed[1:]] == [
        ["INV-000001", "alice", JUNE, "issued", "9.00"],
        ["INV-000002", "dune", JUNE, "issued", "1.20"],
    ]
    shown = month("invoices", "show", "INV-000002").out
    assert "partner" in shown
    assert "subtotal 1.20, tax 0.00, total 1.20 USD" in shown
    assert month("verify").out.startswith("2 of 2 invoices are what their records come to")
    assert month("verify", "INV-000001").out.startswith("1 of 1 invoice is what its records come to")
    assert month("db", "check").out.startswith("sqlite:///tokentill.db is sound\n")


def test_explain_shows_the_arithmetic_down_to_the_records(month: Cli) -> None:
    month("close", JUNE)

    text = month("explain", "INV-000002", "1").out

    assert "line 1: acme/large, 1 request\n" in text
    assert "333,333 input x 3 / 1,000,000 = 0.999999" in text
    assert "20 % of 1.000029 = 0.2000058" in text
    assert "exact amount 1.2000348, on the invoice 1.20" in text
    assert "rule 'partner' of customer dune" in text
    assert "2025-06-10T12:00:00Z d-1 user dune 100 cache_read, 333,333 input = 1.2000348" in text
    shortened = month("explain", "INV-000001", "2", "--records", "1").out
    assert "... and 1 more record; --records 2 or --json shows all" in shortened
    assert "rule: none fits" in shortened
    assert "there is no line 3" in month("explain", "INV-000001", "3", status=1).err


def test_empty_lists_say_so_in_words(cli: Cli) -> None:
    cli.write_pricing()
    cli.with_database()
    assert "no such invoice was issued yet" in cli("invoices", "list").out
    assert "there is nothing to work out again" in cli("verify").out
    assert cli("preview", JUNE).out.startswith("nobody has usage in 2025-06\n")
    assert cli("close", JUNE).out.startswith("2025-06: nothing to issue; nobody has usage in it\n")
    assert re.search(r"^dune +own +USD +none +0 +not linked$", cli("customers", "list").out, re.MULTILINE)
    assert cli("contracts", "show", "--pricing", cli.write_pricing("p")).out == "dune\n"


def test_a_hold_keeps_a_customer_back_until_it_is_released(month: Cli) -> None:
    held = month("review", "hold", JUNE, "alice", "--reason", "the 10th?", "--by", "anna").out
    assert held.startswith("alice is held for 2025-06: sha256:")
    assert "alice cannot be closed: held by anna: the 10th?" in month("preview", JUNE).err
    assert "release it first" in month("review", "approve", JUNE, "alice", status=1).err

    closed = month("close", JUNE, status=1)
    assert "1 invoice issued" in closed.out
    assert "alice refused: held by anna: the 10th?" in closed.err
    assert "run `tokentill close 2025-06` again" in closed.err

    month("review", "release", JUNE, "alice")
    assert "1 invoice issued, INV-000002: 9.00 USD" in month("close", JUNE).out
    assert "it can no longer be reviewed" in month("review", "hold", JUNE, "alice", "--reason", "x", status=1).err


def test_an_approval_is_of_what_was_seen_and_goes_stale(month: Cli) -> None:
    seen = month("preview", JUNE, "--json").json["invoices"][0]["content_hash"]
    month("review", "approve", JUNE, "alice", "--hash", seen.removeprefix("sha256:")[:12])
    assert re.search(r"^alice .* approved$", month("preview", JUNE).out, re.MULTILINE)

    month("ingest", month.write_usage(usage("a-9"), path="more.jsonl"))

    assert re.search(r"^alice .* stale$", month("preview", JUNE).out, re.MULTILINE)
    closed = month("close", JUNE, "--require-approval", "--json", status=1).json
    reasons = {found["customer"]: found["reason"] for found in closed["refused"]}
    assert "is stale" in reasons["alice"]
    assert reasons["dune"] == "its preview was not approved"
    assert "look at it again" in month("review", "approve", JUNE, "alice", "--hash", seen, status=1).err
    for customer in ("alice", "dune"):
        month("review", "approve", JUNE, customer)
    assert len(month("close", JUNE, "--require-approval", "--json").json["issued"]) == 2


def test_an_approval_that_a_contract_requires_is_said_before_the_close(month: Cli) -> None:
    dune = (month.folder / "pricing/contracts/dune.toml").read_text(encoding="utf-8")
    month.write(
        "pricing/contracts/dune.toml", dune.replace("[[rule]]", "[review]\nrequire_approval = true\n\n[[rule]]")
    )

    preview = month("preview", JUNE)
    assert re.search(r"^dune .* needs approval$", preview.out, re.MULTILINE)
    assert "dune cannot be closed: its preview was not approved\n" in preview.err
    assert "`tokentill review approve 2025-06 dune`" in preview.err
    printed = {one["customer"]: one for one in month("preview", JUNE, "--json").json["invoices"]}
    assert [printed[name]["requires_approval"] for name in ("alice", "dune")] == [False, True]
    assert printed["dune"]["blocked_by"] == "its preview was not approved"
    assert re.search(r"approval +needed before a close +customer dune", month("contracts", "show", "dune").out)

    assert "dune refused: its preview was not approved" in month("close", JUNE, status=1).err
    month("review", "approve", JUNE, "dune")
    assert re.search(r"^dune .* approved$", month("preview", JUNE).out, re.MULTILINE)
    assert "INV-000002" in month("close", JUNE).out


def test_an_approval_that_settings_require_is_said_before_the_close(month: Cli) -> None:
    month.write("tokentill.toml", "[review]\nrequire_approval = true\n")

    preview = month("preview", JUNE)
    assert len(re.findall(r" needs approval$", preview.out, re.MULTILINE)) == 2
    assert "2 customers refused: its preview was not approved" in month("close", JUNE, status=1).err


def test_customers_are_approved_together_or_not_at_all(month: Cli) -> None:
    month("review", "hold", JUNE, "dune", "--reason", "look")
    assert "release it first" in month("review", "approve", JUNE, "alice", "dune", status=1).err
    reviews = {one["customer"]: one["review"] for one in month("preview", JUNE, "--json").json["invoices"]}
    assert reviews == {"alice": "none", "dune": "held"}
    assert "a hash is of one customer" in month("review", "approve", JUNE, "alice", "dune", "--hash", "0", status=2).err

    month("review", "release", JUNE, "dune")
    approved = month("review", "approve", JUNE, "alice", "dune", "--by", "anna", "--json").json["reviews"]
    assert [(one["customer"], one["review"], one["by"]) for one in approved] == [
        ("alice", "approved", "anna"),
        ("dune", "approved", "anna"),
    ]
    assert len(month("close", JUNE, "--require-approval", "--json").json["issued"]) == 2


def test_customers_of_one_reason_are_named_together(month: Cli) -> None:
    rows = [usage(f"x-{number}", f"u{number:02d}", model="acme/new") for number in range(25)]
    month("ingest", month.write_usage(*rows, path="more.jsonl"))

    said = month("preview", JUNE).err

    assert said.count("is in no price table") == 1
    assert said.startswith("25 customers cannot be closed: unpriced usage of acme/new: 25 requests")
    assert "u00, u01" in said
    assert "u19 and 5 more; --json names all" in said
    assert "25 customers refused: unpriced usage" in month("close", JUNE, status=1).err


def test_late_records_are_shown_and_change_no_invoice(month: Cli) -> None:
    month("close", JUNE)
    before = month("invoices", "show", "INV-000001", "--json").out
    month("ingest", month.write_usage(usage("late"), path="more.jsonl"))

    assert re.search(r"^alice .* INV-000001, 1 late$", month("preview", JUNE).out, re.MULTILINE)
    assert month("invoices", "show", "INV-000001", "--json").out == before
    assert "2 of 2" in month("verify").out


def test_ingest_takes_standard_input_and_says_what_went_to_quarantine(cli: Cli) -> None:
    said = cli("ingest", "-", "--source", "own", "--format", "canonical", stdin=b'{"model": 5}\n' * 12, status=1)

    assert re.search(r"^stdin +canonical +12 +0 +0 +0 +12$", said.out, re.MULTILINE)
    assert said.err.count("quarantined: ") == 10
    assert "... and 2 more; --json lists them" in said.err
    assert cli("ingest", "-", "--strict", "--format", "canonical", stdin=b"nothing\n", status=1).status == 1


def test_ingest_points_at_user_ids_that_look_personal(cli: Cli) -> None:
    said = cli("ingest", cli.write_usage(usage("r-1", "ann@example.com")))

    assert "1 user id looks like personal data, as ann@example.com" in said.err


def test_users_are_bound_to_customers(month: Cli) -> None:
    assert month("customers", "bind", "alice", "dune").out == "alice belongs to dune\n"
    assert month("customers", "bind", "alice", "dune").out == "alice belongs to dune already\n"

    preview = month("preview", JUNE, "--json").json
    assert [invoice["customer"] for invoice in preview["invoices"]] == ["dune"]
    assert "1971-01-01T00:00:00Z  any" in month("customers", "list").out


def test_keys_and_teams_are_bound_to_customers(month: Cli) -> None:
    assert month("customers", "bind", "--api-key", "k1", "--team", "red").out == "API key k1 belongs to team red\n"
    assert month("customers", "bind", "--team", "red", "dune").out == "team red belongs to dune\n"
    assert month("customers", "bind", "--team", "red", "dune").out == "team red belongs to dune already\n"
    month.write("keys.csv", "api_key,team,customer,source\nk2,,dune,own\nk1,red,,\n")
    assert month("customers", "import", "keys.csv").out == "1 binding added, 1 was there already\n"
    listed = month("customers", "list").out
    assert re.search(r"^key k1 +team red +1971-01-01T00:00:00Z +any$", listed, re.MULTILINE)
    assert re.search(r"^key k2 +dune +1971-01-01T00:00:00Z +own$", listed, re.MULTILINE)
    said = month("customers", "bind", "--api-key", "k", "--team", "t", "dune", status=2)
    assert "a key is bound to a team, and the team to a customer" in said.err
    assert "bind USER CUSTOMER; 1 id was given" in month("customers", "bind", "alice", status=2).err


def test_customers_and_bindings_come_from_files(month: Cli) -> None:
    month.write("customers.csv", "\ufeffcustomer,name,stripe_customer\nalice,Alice GmbH,cus_1\ndune,,\n")
    month.write("bindings.csv", "user,customer,valid_from,source\nu-1,dune,,\nu-2,dune,2025-06-01T00:00:00Z,own\n")

    assert month("customers", "import", "customers.csv").out == "2 customers set\n"
    assert month("customers", "import", "bindings.csv").out == "2 bindings added, 0 were there already\n"
    assert month("customers", "import", "bindings.csv", "--json").json == {
        "rows": 2,
        "changed": 0,
        "looked_up": None,
        "unmet": 0,
    }
    listed = month("customers", "list").out
    assert re.search(r"^alice +Alice GmbH +default +USD +yes +0 +cus_1$", listed, re.MULTILINE)
    assert re.search(r"^u-2 +dune +2025-06-01T00:00:00Z +own$", listed, re.MULTILINE)


def test_an_id_that_no_record_can_have_is_named_where_it_is_bound(month: Cli) -> None:
    month.write("tokentill.toml", '[privacy]\nkey_id = "k1"\nkey_env = "KEY"\n[sources.own]\nprivacy = "hash"\n')
    month.write("bindings.csv", "user,customer,valid_from,source\nu-1,dune,,own\nu-2,dune,,own\nu-3,dune,,\n")
    said = "no record can have this id, since users are hashed: bind what `tokentill customers pseudonym USER` prints"

    bound = month("customers", "bind", "jane", "dune", "--source", "own")
    assert bound.out == f"jane belongs to dune\n{said}\n"
    assert month("customers", "bind", "jane", "dune", "--source", "own", "--json").json == {"added": [], "unmet": 1}
    assert said not in month("customers", "bind", "jane", "dune").out
    assert said not in month("customers", "bind", "h1:k1:220aab3a", "dune", "--source", "own").out
    assert "no record can have 2 of these ids" in month("customers", "import", "bindings.csv").out


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("customer,name\nalice\n", "c.csv:2: this row does not fit"),
        ("customer,name\nalice,Alice,more\n", "c.csv:2: this row does not fit"),
        ("customer,name\n,Alice\n", "c.csv:2: this row does not fit"),
        ("name\nAlice\n", "c.csv:1: the columns must be"),
        ("", "c.csv:1: the columns must be"),
        ('customer,name\n"alice,Alice\n', "c.csv cannot be read"),
        ("user,customer,valid_from\nu,c,yesterday\n", "'yesterday' is not an instant"),
        ("api_key,user,customer\nk,u,c\n", "c.csv:1: the columns must be"),
        ("api_key,team,customer\nk,t,c\n", "c.csv:2: a row states two of api_key, team and customer"),
        ("team\nt\n", "c.csv:2: a row states two of api_key, team and customer"),
    ],
)
def test_a_bad_file_of_customers_is_refused_whole(cli: Cli, content: str, where: str) -> None:
    cli.with_database().write("c.csv", content)

    assert where in cli("customers", "import", "c.csv", status=2).err
    assert cli("customers", "list", "--json").json == {"customers": [], "bindings": [], "keys": []}


def test_a_row_that_is_refused_is_named_by_its_line_and_the_rest_may_be_imported_again(cli: Cli) -> None:
    cli.with_database().write("c.csv", "customer,stripe_customer\nalice,cus_1\nbob,cus_1\ncarol,cus_3\n")
    refused = cli("customers", "import", "c.csv", status=1).err
    assert refused.startswith("c.csv:3: the Stripe customer cus_1 is linked to another customer already")

    cli.with_database().write("c.csv", "customer,stripe_customer\nalice,cus_1\nbob,cus_2\ncarol,cus_3\n")
    assert cli("customers", "import", "c.csv").out == "3 customers set\n"


def test_a_customer_is_described_in_words(cli: Cli) -> None:
    cli.with_database()
    assert cli("customers", "set", "dune", "--name", "Dune").out == "dune: name Dune, Stripe customer not linked\n"
    assert cli("customers", "set", "dune", "--stripe", "cus_1").out == "dune: name Dune, Stripe customer cus_1\n"
    assert "linked to another customer already" in cli("customers", "set", "eve", "--stripe", "cus_1", status=1).err


def test_a_price_is_found_by_its_alias_and_says_why(month: Cli) -> None:
    text = month("prices", "show", "large:nitro", "--at", "2025-06-15T00:00:00Z").out

    assert text.startswith("acme/large at 2025-06-15T00:00:00Z\n")
    assert "standard: input 3, cache_read 0.3, output 15 (USD per 1,000,000)" in text
    assert "source: a price list" in text
    assert "because large:nitro is priced as acme/large" in text
    assert "standard: free" in month("prices", "show", "acme/gift").out
    assert "in no price table" in month("prices", "show", "acme/large:free", status=1).err
    assert "in no price table" in month("prices", "show", "large", "--as-of", "2025-01-01T00:00:00Z", status=1).err


def test_contracts_are_shown_in_the_order_they_are_asked(month: Cli) -> None:
    text = month("contracts", "show", "dune").out

    assert text.startswith("dune: USD, Europe/Berlin, from day 1 of each month\ncustomer dune, valid from ")
    assert "  1. partner: list price; +20 % (where anything)\ndefault, valid from " in text
    assert month("contracts", "check").out.endswith(": 2 contracts, 83 models (81 of them shipped), 0 warnings\n")


def test_a_released_file_is_not_edited(month: Cli) -> None:
    assert month("prices", "lock", "--json").json["released"]
    assert month("prices", "lock").out == "nothing new to release\n"
    path = month.folder / "pricing" / "models" / "acme.toml"
    path.write_text(path.read_text().replace("input = 3", "input = 4"))

    assert "models/acme.toml" in month("prices", "check", status=1).out
    assert month("preview", JUNE, status=1).out == ""
    month.patch.chdir(month.folder.parent)
    assert "name your own folder with --pricing" in month("prices", "lock", status=2).err


def test_hostile_ids_and_remarks_are_escaped_in_text(month: Cli) -> None:
    hostile = "\u202eeve[red]:smile: [/]"
    shown = r"\u202eeve[red]:smile: [/]"
    month("ingest", month.write_usage(usage("h-1", hostile), path="more.jsonl"))
    month("review", "hold", JUNE, hostile, "--reason", "a\x1b[2Jb\u202ec\nd", "--by", "anna\x1b[1m")
    said = [
        month("preview", JUNE),
        month("preview", JUNE, "--customer", hostile),
        month("close", JUNE, status=1),
        month("customers", "bind", "u", hostile),
        month("customers", "list"),
        month("review", "release", JUNE, hostile),
        month("close", JUNE),
        month("invoices", "list"),
        month("invoices", "show", "INV-000003"),
        month("explain", "INV-000003"),
        month("verify"),
        month("preview", JUNE, "--customer", "\x1b[2J", status=1),
        month("prices", "show", "\x1b[2J\u202e", status=1),
        month("ingest", "\x1b[2J", status=2),
    ]

    for found in said:
        text = found.out + found.err
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\N{GRINNING FACE WITH SMILING EYES}" not in text
    assert shown in said[0].out
    assert rf"{shown} cannot be closed: held by anna\u001b[1m: a\u001b[2Jb\u202ec\u000ad" in said[0].err
    assert shown in said[7].out


def test_hostile_ids_stay_whole_in_json(month: Cli) -> None:
    month("ingest", month.write_usage(usage("h-1", "\u202eeve"), path="more.jsonl"))

    said = month("preview", JUNE, "--json")

    assert said.out.isascii()
    assert said.json["invoices"][2]["customer"] == "\u202eeve"


def test_review_pages_are_written_where_told(month: Cli) -> None:
    said = month("preview", JUNE, "--html", "review")
    assert "3 pages written; open review/index.html" in said.out
    assert (month.folder / "review" / "index.html").is_file()
    assert len(month("preview", JUNE, "--html", "review", "--json").json["pages"]) == 3

    month.write("taken", "a file, and no folder")
    refused = month("preview", JUNE, "--html", "taken", "--json", status=1)
    assert "taken" in refused.json["error"]
    assert (month.folder / "taken").read_text() == "a file, and no folder"
