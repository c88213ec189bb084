"""What a command advises works as it is printed, and its tables and streams fit whoever reads them."""

from __future__ import annotations

import csv
import io
import re
import shlex
import subprocess
import sys
from decimal import Decimal

import pytest

from tests.cli.running import JUNE, ROOT, Cli, usage
from tests.shares import daily
from tokentill.cli.tables import table_lines
from tokentill.cli.terminal import completed

OPTIONS = {"--db": "my db.db", "--pricing": "other prices"}
SHARED = ("--db", "my db.db", "--pricing", "other prices")


def blocked_month(cli: Cli) -> Cli:
    """Alice can be billed; bob and carol used a model without a price; nobody's usage is beyond the tolerance."""
    cli.write_pricing("other prices", tolerance="0")
    huge = {"model": "acme/huge", "cost": "1.25"}
    rows = [usage("a-1"), usage("b-1", "bob", **huge), usage("c-1", "carol", **huge), usage("c-2", "carol")]
    cli("ingest", cli.write_usage(*rows, usage("n-1", None, api_key="k 1")), "--db", "my db.db")
    return cli


def advised(text: str) -> list[list[str]]:
    """The words of every command in a text."""
    return [shlex.split(command) for command in re.findall(r"`(tokentill [^`]*)`", text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run `tokentill close 2026-10`", "run `tokentill --db 'my db.db' --pricing 'other prices' close 2026-10`"),
        ("`tokentill close --db x`", "`tokentill --pricing 'other prices' close --db x`"),
        ("  tokentill verify -- '--db'", "  tokentill --pricing 'other prices' verify -- '--db'"),
        ("`tokentill init` makes it", "`tokentill init` makes it"),
        ("tokentill is a word", "tokentill is a word"),
    ],
)
def test_a_command_is_completed_with_what_was_given(text: str, expected: str) -> None:
    assert completed(text, OPTIONS) == expected


def test_the_password_of_a_database_is_not_printed() -> None:
    text = completed("`tokentill verify`", {"--db": "postgresql://me:secret@host/db"})

    assert "secret" not in text
    assert "me:***@host/db" in text


def test_every_command_that_a_blocked_month_advises_names_what_was_given(cli: Cli) -> None:
    blocked_month(cli)
    for command in (["preview", JUNE], ["close", JUNE, "--require-approval"], ["status", JUNE]):
        said = cli(*command, *SHARED, status=None)
        found = advised(said.out + said.err)
        assert found
        for words in found:
            assert words[1:5] == list(SHARED)

    again = advised(cli("close", JUNE, "--require-approval", *SHARED, status=1).err)[-1]
    assert again[5:] == ["close", JUNE, "--require-approval"]


def test_unattributed_usage_names_who_it_is_of(cli: Cli) -> None:
    said = cli("preview", JUNE, *SHARED) if blocked_month(cli) else None

    assert said is not None
    assert "no user, key 'k 1', source own (1 request)" in said.out
    assert "1 request belongs to nobody" in said.err


def test_a_cause_is_named_once_and_a_blocked_row_shows_no_total(cli: Cli) -> None:
    said = blocked_month(cli)("preview", JUNE, *SHARED)

    assert said.err.count("acme/huge' is in no price table") == 1
    assert (
        "2 customers cannot be closed: unpriced usage of acme/huge: 2 requests, at a gateway cost of 2.5 USD"
        in said.err
    )
    assert re.search(r"^carol +2 +- +- +USD +- +blocked$", said.out, re.MULTILINE)
    assert "2025-06: 3 customers, 4.50 USD" in said.out
    obstacles = cli("preview", JUNE, *SHARED, "--json").json["obstacles"]
    assert [(one["kind"], one["customers"], one["cost"]) for one in obstacles] == [
        ("unpriced", ["bob", "carol"], "2.5")
    ]


def test_the_rows_of_an_export_come_to_what_is_due(month: Cli) -> None:
    month("ingest", month.write_usage(usage("f-1", "=1+1"), path="more.jsonl"))
    month("close", JUNE)

    rows = list(csv.DictReader(io.StringIO(month("invoices", "export").out)))

    dues: dict[str, Decimal] = {}
    for row in rows:
        dues[row["customer"]] = dues.get(row["customer"], Decimal(0)) + Decimal(row["amount"])
    assert dues == {"alice": Decimal("9.00"), "dune": Decimal("1.20"), "'=1+1": Decimal("4.50")}
    assert month("invoices", "export", "--format", "json").json["rows"][0]["customer"] == "=1+1"


@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_tables_fit_and_break_no_number(width: int) -> None:
    columns = ("customer", "requests", "list amount", "total", "currency", "state")
    rows = [("org_" + "x" * 60, "1,234,567", "12,345.678901", "-98,765.43", "USD", "not due yet, interim invoice")]

    head, body = table_lines(columns, rows, ("requests", "list amount", "total"), width)

    lines = [*head, *body]
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    for number in rows[0][1:4]:
        assert number in words


@pytest.mark.parametrize("encoding", daily(["ascii", "latin-1", "utf-8"], 2))
def test_any_encoding_will_do(month: Cli, encoding: str) -> None:
    month("ingest", month.write_usage(usage("j-1", "\u65e5\u672c"), path="more.jsonl"))
    command = [sys.executable, "-m", "tokentill", "preview", JUNE]
    environment = {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT / "src")}

    done = subprocess.run(command, env=environment, capture_output=True, check=False)

    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
