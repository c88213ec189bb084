"""What people decide about single records: which payload counts, what is billed at nothing, what nobody asks again."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tests.builders import OCTOBER, MovableClock, at, contract, prices, record, till
from tests.invoicing.bench import contents_by_customer, count_of, drop_guards, numbers, rows_of
from tokentill.errors import InvalidCall, NotFound, Refused
from tokentill.invoicing.preview import NOTHING_ASIDE, Aside
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.till import Till

pytestmark = pytest.mark.postgresql_one_in(8)

MILLION = 1_000_000


def totals(one: Till, period: str = OCTOBER) -> dict[str, str]:
    """What each customer would be billed for a period."""
    return {found["customer"]: found["total"] for found in one.preview(period).content()["invoices"]}


def came_again(one: Till, **more: Any) -> None:
    """Take record `r` in again, with something else in it."""
    assert one.ingest([record("r", **{"input": 2 * MILLION, **more})]).counts.revisions == 1


@pytest.fixture
def revised(database: Database) -> Till:
    """A till with a record of 3.00 that came again as one of 6.00."""
    one = till(database, clock=MovableClock())
    one.ingest([record("r", input=MILLION)])
    came_again(one)
    return one


# A revision is shown, accepted or rejected


def test_a_revision_is_listed_with_what_differs(revised: Till) -> None:
    (found,) = revised.revisions(OCTOBER).content()["revisions"]
    assert (found["source"], found["record_id"], found["state"]) == ("arouter", "r", "open")
    assert found["differences"] == {"quantities": {"old": {"input": MILLION}, "new": {"input": 2 * MILLION}}}
    assert found["came_at"] == "2026-11-02T09:00:00Z"
    assert revised.revisions("2026-09").revisions == ()


def test_what_is_the_same_does_not_differ(database: Database) -> None:
    one = till(database)
    said: dict[str, Any] = {"cost": "0.10", "tags": ["b", "a"], "geo": "eu", "provider": "acme", "is_byok": True}
    one.ingest([record("r", input=5, output=7, image=2, **said)])
    one.ingest([record("r", input=5, output=7, image=2, **said, user="bob")])
    (found,) = one.revisions().content()["revisions"]
    assert found["differences"] == {"user": {"old": "alice", "new": "bob"}}


def test_what_is_accepted_counts_from_then_on(revised: Till) -> None:
    assert totals(revised) == {"alice": "3.00"}
    decided = revised.accept_revision("arouter", "r", reason="the gateway corrected it", by="rita")
    assert decided.revision.state == "accepted"
    assert totals(revised) == {"alice": "6.00"}
    (found,) = revised.revisions(state="accepted").revisions
    assert found.differences == {"quantities": ({"input": MILLION}, {"input": 2 * MILLION})}
    assert revised.close(OCTOBER).issued == numbers(1)
    assert revised.verify().is_sound
    (line,) = revised.explain("INV-000001")
    assert [dict(one.record.quantities) for one in line.records] == [{"input": 2 * MILLION}]


def test_what_is_rejected_counts_for_nothing_and_is_never_asked_about_again(revised: Till) -> None:
    revised.reject_revision("arouter", "r", reason="a test of the gateway")
    assert totals(revised) == {"alice": "3.00"}
    assert revised.preview(OCTOBER).aside.revisions == 0
    assert revised.ingest([record("r", input=2 * MILLION)]).counts.duplicates == 1
    assert [found.state for found in revised.revisions().revisions] == ["rejected"]


def test_who_rejected_may_accept_later_and_what_counts_is_not_rejected(revised: Till) -> None:
    revised.reject_revision("arouter", "r", reason="hasty")
    revised.accept_revision("arouter", "r", reason="it was right after all")
    assert totals(revised) == {"alice": "6.00"}
    assert [found.state for found in revised.revisions().revisions] == ["accepted"]
    with pytest.raises(Refused, match="counts already"):
        revised.reject_revision("arouter", "r", reason="no")


@pytest.mark.parametrize("decision", ["accept_revision", "reject_revision"])
def test_deciding_the_same_again_changes_nothing(revised: Till, decision: str) -> None:
    decide = getattr(revised, decision)
    decide("arouter", "r", reason="because", by="rita")
    before = rows_of(revised.store)
    assert decide("arouter", "r", reason="once more", by="bob").revision.decided.by == "rita"
    assert rows_of(revised.store) == before


def test_a_decision_is_in_the_audit_log_and_needs_a_reason(revised: Till) -> None:
    with pytest.raises(InvalidCall, match="needs a reason; add reason="):
        revised.accept_revision("arouter", "r", reason=" ")
    revised.accept_revision("arouter", "r", reason="corrected", by="rita")
    entries = [row for row in rows_of(revised.store)["audit"] if row[3] == "revision.accepted"]
    (content,) = [json.loads(row[4]) for row in entries]
    assert [row[2] for row in entries] == ["rita"]
    assert (content["source"], content["record_id"], content["reason"]) == ("arouter", "r", "corrected")
    assert revised.verify().is_sound


def test_what_does_not_exist_is_named(revised: Till) -> None:
    for source, record_id in (("arouter", "s"), ("other", "r")):
        with pytest.raises(NotFound, match="has no revision; `tokentill usage revisions list` shows all"):
            revised.accept_revision(source, record_id, reason="because")
    with pytest.raises(NotFound, match="of which the digest begins with ffff"):
        revised.accept_revision("arouter", "r", digest="ffff", reason="because")


def test_among_several_the_digest_says_which(revised: Till) -> None:
    came_again(revised, input=3 * MILLION)
    first, second = revised.revision("arouter", "r").revisions
    with pytest.raises(
        Refused, match=f"has 2 revisions; say which one is meant with --digest: {first.digest.hex()[:12]}"
    ):
        revised.accept_revision("arouter", "r", reason="because")
    revised.accept_revision("arouter", "r", digest=second.digest.hex()[:10], reason="the newest")
    assert totals(revised) == {"alice": "9.00"}
    revised.accept_revision("arouter", "r", reason="the only one that is open")
    assert totals(revised) == {"alice": "6.00"}
    with pytest.raises(Refused, match="another one has replaced it since"):
        revised.accept_revision("arouter", "r", digest=second.digest.hex(), reason="again")
    assert count_of(revised.store, tables.usage) == 3


def test_payloads_that_counted_once_are_duplicates_for_good(revised: Till) -> None:
    revised.accept_revision("arouter", "r", reason="corrected")
    before = rows_of(revised.store)
    old, new = record("r", input=MILLION), record("r", input=2 * MILLION)
    for records in ([old], [new], [new, old, new]):
        assert revised.ingest(records).counts.duplicates == len(records)
    assert rows_of(revised.store) == before
    came_again(revised, input=4 * MILLION)
    (found,) = revised.revisions(state="open").revisions
    assert found.differences == {"quantities": ({"input": 2 * MILLION}, {"input": 4 * MILLION})}


def test_a_revision_may_move_a_record_to_another_customer_and_month(revised: Till) -> None:
    came_again(revised, user="bob", when="2026-11-01T12:00Z", model="acme/large")
    moved = revised.revisions("2026-11").revisions[0]
    assert len(revised.revisions(OCTOBER).revisions) == 2
    revised.accept_revision("arouter", "r", digest=moved.digest.hex(), reason="the clock of the gateway was wrong")
    assert totals(revised) == {}
    assert totals(revised, "2026-11") == {"bob": "6.00"}


@pytest.mark.parametrize("by_spans", [False, True], ids=["whole", "by-spans"])
def test_sums_single_records_and_one_customer_alone_see_the_same(database: Database, *, by_spans: bool) -> None:
    tier = [{"up_to": 4_500_000}, {"markup_percent": "100"}]
    rule = {"name": "tiers", "tiers": {"kind": "graduated", "over": ["input"], "tier": tier}}
    own = [contract("customer", "alice", rules=[rule], valid_from="2026-10-15T10:30:00Z")] if by_spans else []
    one = till(database, *own)
    one.ingest([record(name, input=MILLION, when=f"15 {hour}:00") for hour, name in enumerate("abcd", 10)])
    one.ingest([record(name, input=2 * MILLION, when=f"15 {hour}:00") for hour, name in enumerate("bc", 11)])
    for name in "bc":
        one.accept_revision("arouter", name, reason="corrected")
    alone, among = one.preview(OCTOBER, "alice"), one.preview(OCTOBER)
    assert alone.customers[0].invoice.content() == among.customers[0].invoice.content()
    assert totals(one) == {"alice": "19.50" if by_spans else "18.00"}
    one.close(OCTOBER)
    assert one.verify().is_sound
    assert sum(len(line.records) for line in one.explain("INV-000001")) == 4


# What is issued stays, and nothing is billed twice


def test_an_issued_invoice_stays_and_the_new_version_is_late(revised: Till) -> None:
    revised.close(OCTOBER)
    before = contents_by_customer(revised)
    assert revised.accept_revision("arouter", "r", reason="corrected").stands_on == ("INV-000001",)
    assert contents_by_customer(revised) == before
    assert revised.verify().is_sound
    (late,) = revised.late().records
    assert (late.record_id, late.customer, late.number) == ("r", "alice", "INV-000001")
    preview = revised.preview(OCTOBER)
    assert [found.requests for found in preview.late] == [1]
    assert preview.customers[0].late_requests == 1
    assert preview.customers[0].invoice.requests == 1
    closed = revised.close(OCTOBER)
    assert (closed.issued, [found.requests for found in closed.late]) == ((), [1])

    revised.void("INV-000001", reason="to be issued anew")
    assert revised.close(OCTOBER).issued == ("INV-000002",)
    assert revised.invoice("INV-000002").content["total"] == "6.00"
    assert revised.late().records == ()
    assert revised.verify().is_sound


def test_a_period_after_an_interim_invoice_bills_the_new_version_once(database: Database) -> None:
    clock = MovableClock(at("20"))
    one = till(database, clock=clock)
    one.ingest([record("r", input=MILLION), record("s", input=MILLION, when="16")])
    assert one.close(OCTOBER, interim=["alice"]).issued == numbers(1)
    came_again(one)
    one.accept_revision("arouter", "r", reason="corrected")
    clock.instant = at("2026-11-02T09:00Z")
    assert one.late().records == ()
    assert one.close(OCTOBER).issued == numbers(1, after=1)
    interim, rest = one.invoices()
    assert (interim.content["total"], rest.content["total"]) == ("6.00", "3.00")
    assert sum(line["requests"] for line in rest.content["lines"]) == 2
    assert one.verify().is_sound
    assert one.late().records == ()


def test_a_later_interim_invoice_deducts_what_a_smaller_version_takes_back(database: Database) -> None:
    clock = MovableClock(at("20"))
    one = till(database, clock=clock)
    one.ingest([record("r", input=3 * MILLION), record("s", input=MILLION)])
    one.close(OCTOBER, interim=["alice"])
    came_again(one)
    one.accept_revision("arouter", "r", reason="corrected")
    one.ingest([record("t", input=2 * MILLION)])
    assert one.close(OCTOBER, interim=["alice"]).issued == numbers(1, after=1)
    assert [found.content["total"] for found in one.invoices()] == ["12.00", "3.00"]
    assert one.verify().is_sound


@pytest.mark.parametrize("moved", [{"user": "bob"}, {"when": "2026-11-01T12:00Z"}, {"user": None}])
def test_a_record_that_is_issued_does_not_move_to_where_it_would_be_billed_again(
    revised: Till, moved: dict[str, Any]
) -> None:
    revised.close(OCTOBER)
    came_again(revised, **moved)
    digest = revised.revisions().revisions[1].digest.hex()
    before = rows_of(revised.store)
    with pytest.raises(Refused, match=r"stands on INV-000001.*billed twice.*invoices void INV-000001 --reason TEXT"):
        revised.accept_revision("arouter", "r", digest=digest, reason="corrected")
    assert rows_of(revised.store) == before
    revised.void("INV-000001", reason="a record moves")
    assert revised.accept_revision("arouter", "r", digest=digest, reason="corrected").stands_on == ()


def test_a_record_whose_user_was_bound_elsewhere_is_still_corrected_where_it_is(revised: Till) -> None:
    revised.close(OCTOBER)
    came_again(revised)
    revised.bind([("alice", "another", at("1"), None)])
    digest = revised.revisions().revisions[-1].digest.hex()
    assert revised.accept_revision("arouter", "r", digest=digest, reason="corrected").stands_on == ("INV-000001",)
    assert revised.verify().is_sound


def test_what_was_computed_before_comes_to_the_same_again(database: Database) -> None:
    one = till(database)
    one.ingest([record("r", input=MILLION), record("b", user="bob", input=MILLION)])
    pins = one.preview(OCTOBER).pins
    one.close(OCTOBER)
    came_again(one)
    one.accept_revision("arouter", "r", reason="corrected")
    assert [found.pins["s"] for found in one.invoices()] == [pins["s"]] * 2
    assert one.preview(OCTOBER).pins["s"] > pins["s"]
    assert one.verify().is_sound
    assert [line.content() for line in one.explain("INV-000001")]


def test_a_series_that_is_late_as_a_whole_leaves_older_documents_as_they_were(database: Database) -> None:
    one = till(database)
    one.ingest([record("r"), record("elsewhere", mode="batch", when="2026-09-10T12:00Z")])
    one.close(OCTOBER)
    one.ingest([record("late", mode="batch"), record("later", mode="flex")])
    assert [found.fault for found in one.verify().invoices] == [None]
    assert {found.record_id for found in one.late().records} == {"late", "later"}


# Records without usage


def missing(record_id: str = "m", **more: Any) -> Any:
    return record(record_id, usage_state="missing", **{"status": "error", **more})


def test_missing_usage_is_listed_and_the_refusal_names_both_ways_out(database: Database) -> None:
    one = till(database)
    one.ingest([record("r"), missing(), missing("n", when="2026-11-01T12:00Z", user=None)])
    (refused,) = one.close(OCTOBER).refused
    assert "`tokentill usage missing --period 2026-10` lists them" in refused.reason
    assert "`tokentill usage revisions accept SOURCE RECORD_ID --reason TEXT`" in refused.reason
    assert "`tokentill usage waive SOURCE RECORD_ID --reason TEXT`" in refused.reason
    (found,) = one.missing(OCTOBER).content()["missing"]
    assert found == {
        "source": "arouter",
        "record_id": "m",
        "occurred_at": "2026-10-15T12:00:00Z",
        "customer": "alice",
        "user": "alice",
        "model": "acme/large",
        "mode": "standard",
        "reason": "the gateway reported no usage (status error)",
    }
    assert [found["customer"] for found in one.missing().content()["missing"]] == ["alice", None]


def test_missing_usage_is_completed_by_a_revision(database: Database) -> None:
    one = till(database)
    one.ingest([record("s", input=MILLION), missing("r")])
    came_again(one)
    assert one.close(OCTOBER).refused
    one.accept_revision("arouter", "r", reason="the gateway found it")
    assert one.missing().records == ()
    assert one.close(OCTOBER).issued == numbers(1)
    assert one.invoices()[0].content["total"] == "9.00"
    assert one.verify().is_sound


def test_a_waived_record_is_billed_at_nothing_and_stays_on_the_document_as_a_count(database: Database) -> None:
    one = till(database)
    one.ingest([record("r", input=MILLION), missing(), missing("n", mode="batch"), missing("o")])
    for record_id in ("m", "n", "o"):
        one.waive("arouter", record_id, reason="a request that failed", by="rita")
    assert one.missing().records == ()
    assert one.close(OCTOBER).issued == numbers(1)
    content = one.invoices()[0].content
    assert (content["total"], content["missing"]) == ("3.00", [])
    reason = "the gateway reported no usage for these requests, and somebody decided to bill nothing for them"
    assert [(found["mode"], found["requests"], found["reason"]) for found in content["waived"]] == [
        ("batch", 1, reason),
        ("standard", 2, reason),
    ]
    assert one.late().records == ()
    assert one.verify().is_sound


def test_some_of_a_series_may_be_waived_and_the_others_still_block(database: Database) -> None:
    one = till(database)
    one.ingest([missing(), missing("n")])
    one.waive("arouter", "m", reason="it failed")
    (found,) = one.preview(OCTOBER, "alice").customers
    assert ([one.requests for one in found.invoice.missing], [one.requests for one in found.invoice.waived]) == (
        [1],
        [1],
    )
    assert one.close(OCTOBER).refused
    one.waive("arouter", "n", reason="it failed")
    assert one.close(OCTOBER).issued == numbers(1)
    assert one.invoices()[0].content["total"] == "0.00"


def test_documents_without_waived_records_say_so(revised: Till) -> None:
    assert revised.preview(OCTOBER).customers[0].invoice.content()["waived"] == []


def test_a_waived_record_of_nobody_is_not_in_the_way_of_all(database: Database) -> None:
    one = till(database)
    one.ingest([record("r"), missing(user=None)])
    assert one.close(OCTOBER).blocked_by
    one.waive("arouter", "m", reason="it failed")
    assert one.close(OCTOBER).issued == numbers(1)


def test_only_a_record_without_usage_is_waived_and_once(revised: Till) -> None:
    with pytest.raises(Refused, match="reports its usage; only one without usage, or with an estimate, can be waived"):
        revised.waive("arouter", "r", reason="a gift")
    with pytest.raises(NotFound, match="there is no record 'x' of source 'arouter'"):
        revised.waive("arouter", "x", reason="a gift")
    revised.ingest([missing()])
    with pytest.raises(InvalidCall, match="a waiver needs a reason"):
        revised.waive("arouter", "m", reason="")
    revised.waive("arouter", "m", reason="it failed", by="rita")
    before = rows_of(revised.store)
    assert revised.waive("arouter", "m", reason="again", by="bob").content()["by"] == "rita"
    assert rows_of(revised.store) == before


def test_usage_that_comes_after_a_waiver_may_still_be_accepted(database: Database) -> None:
    one = till(database)
    one.ingest([missing("r")])
    one.waive("arouter", "r", reason="it failed")
    one.close(OCTOBER)
    came_again(one)
    assert one.accept_revision("arouter", "r", reason="it was found").stands_on == ("INV-000001",)
    assert [found.record_id for found in one.late().records] == ["r"]
    assert one.verify().is_sound
    one.void("INV-000001", reason="issued anew")
    one.close(OCTOBER)
    assert one.invoices()[1].content["total"] == "6.00"
    assert one.invoices()[1].content["waived"] == []


# What was kept aside is named


def lines(*rows: dict[str, Any] | str) -> io.BytesIO:
    return io.BytesIO("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows).encode())


def row(record_id: str, **more: Any) -> dict[str, Any]:
    content = {"source": "own", "record_id": record_id, "occurred_at": "2026-10-10T00:00:00Z", "user": "alice"}
    return {**content, "model": "acme/large", "quantities": {"input": MILLION}, **more}


def test_what_was_kept_aside_is_named_by_preview_and_close_and_blocks_nothing(database: Database) -> None:
    one = till(database)
    november = "2026-11-01T08:00:00Z"
    one.ingest_file(
        lines(
            row("1"),
            row("1", quantities={"input": 5}),
            row("2", quantities={"input": -5}),
            row("3", modle="x"),
            row("4", modle="x", occurred_at=november),
            "no json",
            row("5", modle="x", occurred_at="2062-10-10T00:00:00Z"),
        ),
        name="f",
    )
    assert [one.preview(period).content()["quarantined"] for period in (OCTOBER, "2026-11", "2026-09")] == [4, 3, 2]
    assert [one.preview(period).content()["revisions"] for period in (OCTOBER, "2026-11")] == [1, 0]
    closed = one.close(OCTOBER)
    assert closed.issued == numbers(1)
    assert (closed.content()["quarantined"], closed.content()["revisions"]) == (4, 1)
    assert [found.record_id for found in one.quarantine(OCTOBER).lines] == ["2", "3", None, "5"]

    two, three, *_ = one.quarantine(OCTOBER).lines
    done = one.discard(two.id, three.id, two.id, reason="they were tests", by="rita")
    assert [found.record_id for found in done.lines] == ["2", "3"]
    assert one.quarantined_line(two.id).content()["discarded"]["by"] == "rita"
    one.reject_revision("own", "1", reason="a test")
    assert one.preview(OCTOBER).aside == Aside(quarantined=2)
    assert len(one.discard(file="f", reason="the rest", by="rita").lines) == 3
    assert one.preview(OCTOBER).aside == NOTHING_ASIDE
    assert not {"quarantined", "revisions"} & set(one.close(OCTOBER).content())
    assert one.discard(file="f", reason="once more").lines == ()
    assert one.verify().is_sound


def test_the_instant_of_a_quarantined_line_is_found_in_every_format(database: Database) -> None:
    one = till(database)
    arouter = {"id": "g", "created_at": "2026-10-03T10:00:00Z", "model": "m", "usage": {"prompt_tokens": -1}}
    litellm = {"request_id": "l", "startTime": "2026-10-04 10:00:00", "spend": 0, "model": "m", "prompt_tokens": -1}
    for found in (arouter, litellm):
        assert one.ingest_file(lines(found)).counts.quarantined == 1
    one.ingest_file(io.BytesIO(b"record_id,occurred_at,model,source,input\nc,2026-10-05T00:00:00Z,m,own,-3\n"))
    told = [found.content()["occurred_at"] for found in one.quarantine().lines]
    assert told[:2] == ["2026-10-03T10:00:00Z", "2026-10-04T10:00:00Z"]


def test_a_quarantined_line_that_does_not_exist_is_named(database: Database) -> None:
    one = till(database)
    one.ingest_file(lines(row("1"), "no json"))
    for name in ("x", "", ":1", "ab:x"):
        with pytest.raises(InvalidCall, match="does not name a quarantined line"):
            one.quarantined_line(name)
    with pytest.raises(NotFound, match="there is no quarantined line 'abc:77'"):
        one.discard("abc:77", reason="because")
    with pytest.raises(NotFound, match="'other' has no quarantined lines"):
        one.discard(file="other", reason="because")
    with pytest.raises(InvalidCall, match="needs a reason"):
        one.discard(one.quarantine().lines[0].id, reason="")


def test_the_price_of_what_is_revised_is_that_of_its_own_instant(database: Database) -> None:
    dearer = {"model": "acme/large", "valid_from": "2026-10-20T00:00:00Z", "per": MILLION, "rates": {"input": "5"}}
    cheap = {**dearer, "valid_from": "2026-01-01T00:00:00Z", "rates": {"input": "3"}}
    one = till(database, prices(cheap, dearer))
    one.ingest([record("r", input=MILLION)])
    came_again(one, when="25")
    one.accept_revision("arouter", "r", reason="the time was wrong")
    assert totals(one) == {"alice": "10.00"}


# What was changed by hand is found


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DELETE FROM withdrawal WHERE cause = 'revision'", "a version of record 'r' counts beside the one before it"),
        ("UPDATE withdrawal SET seq = 1 WHERE cause = 'revision'", "record 'r' is left out for no reason"),
        ("UPDATE usage SET version = 3 WHERE version = 2", "record 'r' is left out for no reason"),
        ("UPDATE withdrawal SET usage_id = 1 WHERE cause = 'waiver'", "record 'r' is left out for no reason"),
    ],
)
def test_withdrawals_that_were_changed_by_hand_are_found(revised: Till, change: str, told: str) -> None:
    revised.ingest([missing()])
    revised.accept_revision("arouter", "r", reason="corrected")
    revised.waive("arouter", "m", reason="it failed")
    drop_guards(revised.store)
    assert not [fault for fault in revised.verify().faults if "trigger" not in fault]
    with revised.store.write() as connection:
        connection.exec_driver_sql(change)
    assert told in [fault for fault in revised.verify().faults if "trigger" not in fault]
