"""One request is followed as far as it came, and where it stopped the reason is said."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import OCTOBER, MovableClock, at, attribution, contract, record, till
from tests.sources.lines import canonical, lines
from tokentill.closing.close import close_period
from tokentill.closing.close_options import CloseOptions, Interim
from tokentill.closing.questions.trace import RequestTrace
from tokentill.errors import NotFound
from tokentill.invoicing.periods import Month
from tokentill.sources.reading import read_records
from tokentill.store.database import Database
from tokentill.stripe_push.gateway import StripeGateway
from tokentill.testing.stripe import API_KEY, StripeStandIn

pytestmark = pytest.mark.postgresql_one_in(8)

MILLION = 1_000_000


def came(trace: RequestTrace) -> tuple[str, str]:
    return trace.state, trace.why


def test_a_record_from_before_its_customer_is_billed_says_so_before_and_after_the_close(database: Database) -> None:
    begins = contract("customer", "alice", bill_from="2026-10-20T00:00:00Z")
    one = till(database, begins)
    one.ingest([record("early", when="15"), record("billed", when="25")])
    assert one.trace("arouter", "early").state == "waived"
    one.close(OCTOBER)
    early, billed = one.trace("arouter", "early"), one.trace("arouter", "billed")
    assert (early.state, early.number, early.lines) == ("waived", "INV-000001", ())
    assert early.why.startswith("billed at nothing: its customer is billed from 2026-10-20T00:00:00Z on; INV-000001")
    assert (billed.state, len(billed.lines)) == ("issued", 1)
    explained = [found.record.record_id for line in one.explain("INV-000001") for found in line.records]
    assert explained == ["billed"]


def test_a_request_is_followed_from_its_import_to_its_push(database: Database) -> None:
    partner = contract("customer", "alice", rules=[{"name": "partner", "markup_percent": "20"}])
    one = till(database, partner, clock=MovableClock())
    one.ingest([record("r", input=MILLION), record("s", input=5), record("t", user="bob")], name="usage.jsonl")
    before = one.trace("arouter", "r")
    assert came(before) == ("not closed", "nobody closed the period: `tokentill close 2026-10`")
    (line,) = before.lines
    assert (line.exact_amount, before.number, before.payer) == (Decimal("3.6"), None, "alice")

    one.close(OCTOBER)
    issued = one.trace("arouter", "r").content()
    assert (issued["state"], issued["invoice"], issued["customer"], issued["period"]) == (
        "issued",
        "INV-000001",
        "alice",
        OCTOBER,
    )
    assert issued["lines"][0]["exact_amount"] == "3.6"
    assert issued["lines"][0]["rule"]["name"] == "partner"
    assert issued["lines"][0]["price_entry"]["model"] == "acme/large"
    assert (issued["list_amount"], issued["versions"][0]["file"]) == ("3", "usage.jsonl")

    with StripeStandIn(one.clock) as stand_in:
        client = stand_in.client()
        one.set_customer("alice", stripe_customer=client.v1.customers.create({"name": "Alice"}).id)
        one.push(OCTOBER, StripeGateway(client, API_KEY))
    pushed = one.trace("arouter", "r")
    assert pushed.state == "pushed"
    assert [(push.day.isoformat(), push.value_minor) for push in pushed.pushes] == [("2026-10-15", 360)]
    assert one.trace("arouter", "t").state == "issued"


@pytest.mark.parametrize(
    ("more", "state", "why"),
    [
        ({"user": None}, "unattributed", "it belongs to nobody"),
        ({"usage_state": "missing"}, "missing", "reports no usage"),
        ({"model": "unheard/of"}, "unpriced", "unheard/of"),
        ({"when": "2026-11-01T12:00Z", "input": 1}, "not closed", "can be closed from 2026-12-01T00:00:00Z on"),
    ],
)
def test_what_keeps_a_request_is_said(database: Database, more: dict[str, Any], state: str, why: str) -> None:
    one = till(database)
    one.ingest([record("r", **more)])
    trace = one.trace("arouter", "r")
    assert trace.state == state
    assert why in trace.why


def test_a_request_waits_for_the_others_of_its_customer(database: Database) -> None:
    one = till(database)
    one.ingest([record("r"), record("s", model="unheard/of")])
    trace = one.trace("arouter", "r")
    assert trace.state == "blocked"
    assert "unheard/of" in trace.why
    assert len(trace.lines) == 1


def test_what_was_waived_says_who_said_so(database: Database) -> None:
    one = till(database)
    one.ingest([record("r", usage_state="missing")])
    one.waive("arouter", "r", reason="it failed", by="rita")
    expected = ("waived", "billed at nothing, says rita: it failed")
    assert came(one.trace("arouter", "r")) == expected
    one.close(OCTOBER)
    assert came(one.trace("arouter", "r")) == expected
    assert one.trace("arouter", "r").number == "INV-000001"


def test_a_late_request_names_the_invoice_that_was_issued_without_it(database: Database) -> None:
    one = till(database)
    one.ingest([record("r")])
    one.close(OCTOBER)
    one.ingest([record("s")])
    assert came(one.trace("arouter", "s")) == ("late", "INV-000001 was issued without it")


def test_versions_and_revisions_are_told(database: Database) -> None:
    one = till(database, clock=MovableClock())
    one.ingest([record("r", input=MILLION)], name="first")
    one.close(OCTOBER)
    one.ingest([record("r", input=2 * MILLION)], name="second")
    assert [(found.file, found.state) for found in one.trace("arouter", "r").revisions] == [("second", "open")]
    one.accept_revision("arouter", "r", reason="corrected")
    trace = one.trace("arouter", "r")
    assert [(found.version, found.invoices) for found in trace.versions] == [(1, ("INV-000001",)), (2, ())]
    assert trace.state == "late"


def test_a_line_in_quarantine_is_found_by_its_record_id(database: Database) -> None:
    one = till(database)
    one.ingest_reading(read_records(io.BytesIO(lines(canonical("r", quantities={"input": -1}))), name="f"))
    trace = one.trace("own", "r")
    assert came(trace) == ("quarantined", "input is negative (-1)")
    assert trace.content()["quarantined"][0]["file"] == "f"
    one.discard(file="f", reason="a test")
    assert came(one.trace("own", "r")) == ("quarantined", "input is negative (-1) (discarded)")
    for known in (("own", "x"), ("other", "x")):
        with pytest.raises(NotFound, match="no record 'x' of source"):
            one.trace(*known)


def test_usage_of_a_child_stands_on_its_parents_invoice(database: Database) -> None:
    one = till(database, contract("customer", "bob", invoice={"parent": "alice"}))
    one.ingest([record("r", user="bob")])
    for _ in range(2):
        trace = one.trace("arouter", "r")
        assert (trace.customer, trace.payer, len(trace.lines)) == ("bob", "alice", 1)
        one.close(OCTOBER)


def test_an_allowance_splits_a_request_into_its_lines_and_they_add_up(database: Database) -> None:
    rules = [{"name": "included", "allowance": {"units": {"input": MILLION}}}]
    one = till(database, contract(rules=rules))
    one.ingest([record("a", when="1", input=MILLION), record("b", when="2", input=MILLION)])
    amounts = {name: sum(line.exact_amount for line in one.trace("arouter", name).lines) for name in "ab"}
    assert amounts == {"a": 0, "b": 3}


def test_what_was_billed_early_names_the_interim_invoice(database: Database) -> None:
    one = till(database, clock=MovableClock(at("20")))
    one.ingest([record("r", input=MILLION)])
    close_period(database, Month.parse(OCTOBER), one.folder, CloseOptions(Interim(("alice",))), clock=one.clock)
    trace = one.trace("arouter", "r")
    assert (trace.state, trace.versions[0].invoices) == ("not closed", ("INV-000001",))


def test_an_issued_request_is_traced_by_its_own_rules_without_any_folder(database: Database) -> None:
    one = till(database)
    one.ingest([record("r", input=MILLION)])
    one.close(OCTOBER)
    changed = till(database, attribution(default="unattributed"))
    assert changed.trace("arouter", "r").customer == "alice"
