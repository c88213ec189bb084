"""Questions on the command line: what a month would be, what differs, and how a correction came about."""

from __future__ import annotations

import pytest

from tests.cli.running import JUNE, PRICES, Cli, usage


@pytest.fixture
def corrected(cli: Cli) -> Cli:
    """June is closed; then one record comes late, and July, which is closed too, corrects June."""
    cli.write_pricing()
    cli("ingest", cli.write_usage(usage("a-1"), usage("d-1", "dune")))
    cli("close", JUNE)
    cli("ingest", cli.write_usage(usage("a-2"), usage("a-3", when="2025-07-03T12:00:00Z"), path="july.jsonl"))
    cli("close", "2025-07")
    cli.write_pricing("dearer")
    cli.write("dearer/models/acme.toml", PRICES.replace("input = 3", "input = 4"))
    return cli


def test_a_correction_is_explained_with_the_record_that_came_late(corrected: Cli) -> None:
    text = corrected("explain", "INV-000003").out
    assert "a-2 came late: 1,000,000 input + 100,000 output, none before, 4.5 after, +4.5" in text
    assert "before: 4.5 USD, 1 request" in text
    assert "after: 9 USD, 2 requests" in text
    assert text.rstrip().endswith("2 lines come to 9.00: together the 9.00 USD that are due")
    document = corrected("explain", "INV-000003", "--json").json
    assert (document["invoice"], document["due"], len(document["lines"]), document["items"]) == (
        "INV-000003",
        "9.00",
        2,
        [],
    )
    assert document["lines"][1]["adjustment"]["records"][0]["what"] == "came late"


def test_a_late_request_is_followed_to_its_adjustment_line(corrected: Cli) -> None:
    text = corrected("trace", "own", "a-2").out
    assert "INV-000003 line 2, correcting INV-000001 of alice for 2025-06: came late, +4.5 USD exactly" in text


def test_a_month_is_simulated_under_another_folder(corrected: Cli) -> None:
    text = corrected("simulate", JUNE, "--pricing", "dearer").out
    assert "before: 2 invoices issued with the prices" in text
    assert "simulated: all of it, with dearer: 4 recordings" in text
    assert f"{JUNE}: revenue before tax in USD: 9.90 before, 12.10 simulated, +2.20" in text
    document = corrected("simulate", JUNE, "--pricing", "dearer", "--json").json
    assert document["revenue"] == [{"currency": "USD", "before": "9.90", "after": "12.10", "change": "2.20"}]
    assert "nothing changes for anybody" in corrected("simulate", JUNE, "--pricing", "pricing").out
    assert "--pricing DIR" in corrected("simulate", JUNE, status=2).err
    alone = corrected("simulate", JUNE, "--pricing", "dearer", "--customer", "dune").out
    assert "line by line:" in alone


def test_two_invoices_are_held_against_each_other(corrected: Cli) -> None:
    assert "are the same to the byte" in corrected("invoices", "diff", "INV-000003", "preview").out
    document = corrected("invoices", "diff", "INV-000001", "INV-000003", "--json").json
    assert (document["before"]["number"], document["after"]["number"], document["is_same"]) == (
        "INV-000001",
        "INV-000003",
        False,
    )
    assert document["amounts"]["due"] == {"before": "4.50", "after": "9.00"}
