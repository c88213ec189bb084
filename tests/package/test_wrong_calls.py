"""Wrong arguments of every public call: the project's own errors, which speak of arguments as Python writes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tokentill import InvalidCall, NotFound, Refused, Till
from tokentill.cli.app import with_flags

NAIVE = datetime(2026, 10, 1)  # noqa: DTZ001
NOW = datetime(2026, 10, 1, tzinfo=UTC)

Call = Callable[[Any], object]

INVALID: dict[str, tuple[Call, str]] = {
    "open: no database": (lambda _: Till.open(5), "db=... must be a path, not 5"),
    "open: a folder that is not there": (
        lambda _: Till.open("a.db", "no"),
        "'no' does not exist; name one with",
    ),
    "open: a folder that is no path": (lambda _: Till.open("a.db", 5), "pricing=... must be a path, not 5"),
    "open: a cache that is no path": (lambda _: Till.open("a.db", cache=5), "cache=... must be a path, not 5"),
    "open: a database of another kind": (lambda _: Till.open("mysql://host/x"), "SQLite or PostgreSQL"),
    "open: hours of grace": (lambda _: Till.open("a.db", grace=5), "grace=... must be a timedelta, not int"),
    "open: negative grace": (lambda _: Till.open("a.db", grace=timedelta(-1)), "grace=... is negative"),
    "open: no clock": (lambda _: Till.open("a.db", clock=None), "clock=... must be a Clock, not None"),
    "open: no bounds": (lambda _: Till.open("a.db", bounds=1), "bounds=... must be a Bounds, not int"),
    "pull: a source that nobody declared": (lambda t: t.pull("nobody"), "nobody"),
    "pull: an instant without a zone": (lambda t: t.pull("nobody", since=NAIVE), "since=... has no time zone"),
    "probe: a source that nobody declared": (lambda t: t.probe("nobody"), "nobody"),
    "usage_handler: a token that can be guessed": (lambda t: t.usage_handler("x"), "token"),
    "completeness: a month": (lambda t: t.completeness("2026"), "2026"),
    "control_totals: a month": (lambda t: t.control_totals("2026"), "2026"),
    "compare_sources: a source": (lambda t: t.compare_sources("2026-10", 5, "b"), "first=... must be a str, not int"),
    "withdraw_control_total: no reason": (
        lambda t: t.withdraw_control_total("x", reason=""),
        "reason",
    ),
    "ingest: a text": (lambda t: t.ingest("x"), "records=... must be a list of usage records, not str"),
    "ingest: nothing": (lambda t: t.ingest(None), "records=... must be a list of usage records, not None"),
    "ingest: mappings": (lambda t: t.ingest([{}]), "records=...: number 1 is no UsageRecord, but dict"),
    "ingest: no name": (lambda t: t.ingest([], name=None), "name=... must be a str, not None"),
    "ingest_file: nothing": (lambda t: t.ingest_file(None), "file=... must be a path, not None"),
    "ingest_file: a missing file": (lambda t: t.ingest_file("no.jsonl"), "no.jsonl cannot be opened"),
    "ingest_file: a folder": (lambda t: t.ingest_file("."), "cannot be opened: Is a directory"),
    "ingest_file: a format": (lambda t: t.ingest_file(__file__, format="xml"), "'xml' is not a format"),
    "ingest_reading: a text": (lambda t: t.ingest_reading("x"), "reading=... must be a Reading, not str"),
    "preview: a customer": (lambda t: t.preview("2026-10", 5), "customer=... must be a str, not int"),
    "preview: half a character": (lambda t: t.preview("2026-10", "\ud800"), "customer=... holds what is no text"),
    "write_review_pages: a folder": (lambda t: t.write_review_pages("2026-10", 5), "folder=... must be a path"),
    "review: a kind": (
        lambda t: t.review("2026-10", "eve", "yes"),
        "kind=... must be approved or held or released",
    ),
    "review: a hold": (lambda t: t.review("2026-10", "eve", "held"), "a hold needs a reason; add reason=..."),
    "review: a note": (lambda t: t.review("2026-10", "eve", "approved", note=None), "note=... must be a str"),
    "review: a hash": (
        lambda t: t.review("2026-10", "eve", "approved", seen_hash=5),
        "seen_hash=... must be a str",
    ),
    "add_line: an amount": (
        lambda t: t.add_line("2026-10", "eve", amount=5, description="x", reason="x"),
        "amount=... must be a str, not int",
    ),
    "add_line: no reason": (
        lambda t: t.add_line("2026-10", "eve", amount="5", description="x", reason=""),
        "a manual line needs a reason; add reason=...",
    ),
    "remove_line: a number": (lambda t: t.remove_line("1", reason="x"), "line=... must be a int, not str"),
    "lines: a period": (lambda t: t.lines("October"), "is not a period"),
    "approve_within: a note": (lambda t: t.approve_within("2026-10", note=5), "note=... must be a str, not int"),
    "approve: a preview": (lambda t: t.approve("2026-10", ["eve"]), "preview=... must be a Preview, not str"),
    "close_report: a period": (lambda t: t.close_report("October"), "is not a period"),
    "write_close_report: a report": (
        lambda t: t.write_close_report("2026-10", "a.html"),
        "report=... must be a CloseReport, not str",
    ),
    "close_due: a name": (lambda t: t.close_due(by=5), "by=... must be a str, not int"),
    "close: interim": (lambda t: t.close("2026-10", interim=5), "interim=... must be a list of texts, not int"),
    "close: interim and approval": (
        lambda t: t.close("2026-10", interim=True, require_approval=True),
        "no preview",
    ),
    "invoices: a period": (lambda t: t.invoices(period=5), "period=... must be a str, not int"),
    "invoices: a customer": (lambda t: t.invoices(customer=5), "customer=... must be a str, not int"),
    "export: a period": (lambda t: t.export(period="October"), "is not a period"),
    "journal: a period": (lambda t: t.journal("October"), "is not a period"),
    "journal: an instant": (lambda t: t.journal(starts_at="x"), "starts_at=..."),
    "reviews: a period": (lambda t: t.reviews(5), "period=... must be a str, not int"),
    "shown_review: a customer": (lambda t: t.shown_review("2026-10", 5), "customer=... must be a str, not int"),
    "status: a period": (lambda t: t.status(5), "period=... must be a str, not int"),
    "prices.list_: a text": (lambda t: t.prices.list_(at="x"), "at=... must be a datetime"),
    "contracts.list_: a naive instant": (lambda t: t.contracts.list_(at=NAIVE), "at=... has no time zone"),
    "invoice: a number": (lambda t: t.invoice(5), "number=... must be a str, not int"),
    "document: nothing": (lambda t: t.document(None), "number=... must be a str, not None"),
    "void: no reason": (lambda t: t.void("INV-000001", reason=""), "a void needs a reason; add reason=..."),
    "void: None for a reason": (lambda t: t.void("INV-000001", reason=None), "a void needs a reason"),
    "reissue: no reason": (lambda t: t.reissue("INV-000001", reason=""), "a void needs a reason; add reason=..."),
    "diff: a number": (lambda t: t.diff(5, "preview"), "must be a str, not int"),
    "simulate: no folder": (lambda t: t.simulate("2026-10", 5), "must be"),
    "contracts.card: a naive instant": (lambda t: t.contracts.card("acme", at=NAIVE), "at=... has no time zone"),
    "void: a name": (lambda t: t.void("INV-000001", reason="x", by=5), "by=... must be a str, not int"),
    "revisions: a state": (lambda t: t.revisions(state="x"), "state=... must be open or accepted or rejected"),
    "revision: a source": (lambda t: t.revision(5, "x"), "source=... must be a str, not int"),
    "revision: a digest": (lambda t: t.revision("x", "x", digest=5), "digest=... must be a str, not int"),
    "accept_revision": (lambda t: t.accept_revision("x", "x", reason=" "), "needs a reason; add reason=..."),
    "reject_revision": (lambda t: t.reject_revision("x", "x", reason=None), "needs a reason; add reason=..."),
    "erase_user: no reason": (lambda t: t.erase_user("x", reason=""), "needs a reason; add reason=..."),
    "pseudonyms: without a key": (lambda t: t.pseudonyms("x"), "to hash user ids takes a key"),
    "accept_estimate: no reason": (lambda t: t.accept_estimate("x", "y", reason=""), "needs a reason; add reason=..."),
    "waive: a record": (lambda t: t.waive("x", None, reason="x"), "record_id=... must be a str, not None"),
    "waive: no reason": (lambda t: t.waive("x", "y", reason=""), "a waiver needs a reason; add reason=..."),
    "import_shown: a text": (lambda t: t.import_shown("1"), "number=... must be a number from 1 on, not '1'"),
    "accept_import: nought": (lambda t: t.accept_import(0), "number=... must be a number from 1 on, not 0"),
    "drop_import: no reason": (lambda t: t.drop_import(1, reason=""), "to drop an import needs a reason"),
    "witnesses: no period": (lambda t: t.witnesses("2026-13"), "write it like 2026-10"),
    "near_duplicates: no period": (lambda t: t.near_duplicates("soon"), "write it like 2026-10"),
    "staged_imports: nought": (lambda t: t.staged_imports(0), "name=... must be a number from 1 on, not 0"),
    "retract: nothing": (lambda t: t.retract(reason="x"), "nothing to take back; name record=..., import_number=..."),
    "retract: a number": (
        lambda t: t.retract(import_number="1", reason="x"),
        "import_number=... must be a number from 1 on",
    ),
    "retract: a filter": (lambda t: t.retract(filter=5, reason="x"), "filter=... must be a RecordFilter, not int"),
    "retract: no reason": (lambda t: t.retract(import_number=1, reason=""), "a retraction needs a reason"),
    "quarantine: a file": (lambda t: t.quarantine(file=5), "file=... must be a str, not int"),
    "quarantine: a state": (lambda t: t.quarantine(state=5), "state=... must be open or discarded"),
    "quarantined_line": (lambda t: t.quarantined_line(5), "name=... must be a str, not int"),
    "discard: nothing": (lambda t: t.discard(reason="x"), "name lines by their ids, or an import with file=..."),
    "retry: nothing": (lambda t: t.retry(reason="x"), "nothing to retry; name lines by their ids"),
    "retry: a source": (lambda t: t.retry("a:1", reason="x", source=5), "source=... must be a str, not int"),
    "usage: a key": (lambda t: t.usage(by="colour"), "by=... must be customer or user or model"),
    "usage: an instant": (lambda t: t.usage(by="user", starts_at="x"), "starts_at=..."),
    "trace: a record": (lambda t: t.trace("x", None), "record_id=... must be a str, not None"),
    "discard: a number": (lambda t: t.discard(5, reason="x"), "names=... must be a str, not int"),
    "explain: a number": (lambda t: t.explain(5), "number=... must be a str, not int"),
    "explain: a line": (lambda t: t.explain("x", "1"), "line=... must be the number of a line, not '1'"),
    "verify": (lambda t: t.verify(5), "number=... must be a str, not int"),
    "push": (lambda t: t.push("2026-10", None), "gateway=... must be a StripeGateway, not None"),
    "reconcile": (lambda t: t.reconcile("2026-10", None), "gateway=... must be a StripeGateway, not None"),
    "credits": (lambda t: t.credits(5), "customer=... must be a str, not int"),
    "set_customer: an id": (lambda t: t.set_customer(None), "customer=... must be a str, not None"),
    "set_customer: a name": (lambda t: t.set_customer("x", name=5), "name=... must be a str, not int"),
    "set_customer: a NUL": (lambda t: t.set_customer("x\0"), "customer=... holds what is no text"),
    "bind: nothing": (lambda t: t.bind(None), "wanted=... must be a list of bindings, not None"),
    "bind: a number": (lambda t: t.bind([5]), "a binding is (user, customer, valid from, source or None), not 5"),
    "bind: a user": (lambda t: t.bind([(None, "c", NOW, None)]), "user=... must be a str, not None"),
    "bind: a naive instant": (lambda t: t.bind([("u", "c", NAIVE, None)]), "valid_from=... has no time zone"),
    "bind: no instant": (lambda t: t.bind([("u", "c", "x", None)]), "valid_from=... must be a datetime"),
    "bind_keys: nothing": (lambda t: t.bind_keys(None), "wanted=... must be a list of bindings, not None"),
    "bind_keys: a number": (lambda t: t.bind_keys([5]), "a key is bound to a customer (API key, None, customer)"),
    "bind_keys: all three": (lambda t: t.bind_keys([("k", "t", "c", NOW, None)]), "a key is bound to a customer"),
    "bind_keys: a team": (lambda t: t.bind_keys([(None, 5, "c", NOW, None)]), "team=... must be a str, not int"),
    "bind_keys: a naive instant": (
        lambda t: t.bind_keys([("k", None, "c", NAIVE, None)]),
        "valid_from=... has no time zone",
    ),
    "prices.show: a model": (lambda t: t.prices.show(5), "model=... must be a str, not int"),
    "prices.show: a naive instant": (lambda t: t.prices.show("x", at=NAIVE), "at=... has no time zone"),
    "prices.show: a text": (lambda t: t.prices.show("x", as_of="x"), "as_of=... must be a datetime"),
    "prices.diff: no instants": (lambda t: t.prices.diff("x", "y"), "'x' is not an instant"),
    "prices.diff: nothing": (lambda t: t.prices.diff(None, NOW), "before=... must be a path, not None"),
    "prices.diff: naive": (lambda t: t.prices.diff(NAIVE, NOW), "before=... has no time zone"),
    "prices.diff: two kinds": (lambda t: t.prices.diff(".", NOW), "A and B are of two kinds"),
    "prices.diff: as of folders": (
        lambda t: t.prices.diff(".", ".", as_of=True),
        "as_of=... is for two instants",
    ),
    "prices.import_: a kind": (
        lambda t: t.prices.import_("x", kind="y", effective=NOW),
        "kind=... y is not known",
    ),
    "prices.import_: naive": (
        lambda t: t.prices.import_("x", kind="litellm", effective=NAIVE),
        "effective=... has no time zone",
    ),
    "prices.import_: shipped": (
        lambda t: t.prices.import_("x", kind="litellm", effective=NOW),
        "name your own folder with pricing=..., or out=...",
    ),
    "prices.lock: shipped": (lambda t: t.prices.lock(), "name your own folder with pricing=..."),
    "contracts.customers": (lambda t: t.contracts.customers(as_of="x"), "as_of=... must be a datetime"),
    "contracts.show": (lambda t: t.contracts.show(None), "customer=... must be a str, not None"),
    "contracts.explain: tags": (
        lambda t: t.contracts.explain("x", "y", tags=5),
        "tags=... must be a list of texts",
    ),
    "contracts.explain: tokens": (
        lambda t: t.contracts.explain("x", "y", input_tokens=-1),
        "input_tokens=... must",
    ),
    "contracts.diff": (lambda t: t.contracts.diff("x", "y"), "'x' is not an instant"),
    **{
        f"{name}: the period {period!r}": (lambda t, n=name, p=period: getattr(t, n)(p), "period")  # type: ignore[misc]
        for name in ("preview", "close", "missing", "revisions", "quarantine")
        for period in ("x", "", 5, b"2026-10", "2026-13", NAIVE)
    },
}

REFUSED: dict[str, tuple[Call, type[Exception], str]] = {
    "a folder for a database": (lambda _: Till.open(".").customers(), Refused, "it is a folder; name a file"),
    "nobody's preview": (lambda t: t.preview("2026-10", "eve"), NotFound, "'eve' has no usage"),
    "an unknown invoice": (lambda t: t.void("INV-9", reason="x"), NotFound, "there is no invoice 'INV-9'"),
    "an unknown revision": (lambda t: t.revision("x", "y"), NotFound, "has no revision"),
    "an unknown record": (lambda t: t.waive("x", "y", reason="z"), NotFound, "there is no record 'y'"),
    "nobody's credits": (lambda t: t.credits("eve"), NotFound, "nothing was granted to 'eve'"),
    "an unknown model": (lambda t: t.prices.show("x"), NotFound, "'x' is in no price table"),
    "a database that is not there": (lambda _: Till.open("no.db").database.check(), NotFound, "there is no database"),
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Till:
    """One for all: a wrong call leaves nothing behind."""
    folder = tmp_path_factory.mktemp("wrong")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # where there are no prices but the shipped ones
        till = Till.open(str(folder / "t.db"))
    till.database.upgrade()
    return till


@pytest.fixture
def till(opened: Till, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Till:
    monkeypatch.chdir(tmp_path)
    return opened


@pytest.mark.parametrize("case", sorted(INVALID))
def test_a_wrong_argument_is_an_invalid_call_that_names_it(till: Till, case: str) -> None:
    call, message = INVALID[case]

    with pytest.raises(InvalidCall) as raised:
        call(till)

    assert message in str(raised.value)
    assert "--" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_is_not_there_is_refused(till: Till, case: str) -> None:
    call, error, message = REFUSED[case]

    with pytest.raises(error) as raised:
        call(till)

    assert message in str(raised.value)


def test_every_public_call_has_a_wrong_one_here(till: Till) -> None:
    def calls(of: object, prefix: str) -> set[str]:
        public = inspect.getmembers(type(of), inspect.isfunction)
        takes = {name: inspect.signature(method).parameters for name, method in public if not name.startswith("_")}
        return {prefix + name for name, parameters in takes.items() if len(parameters) > 1}

    wanted = calls(till, "") | calls(till.prices, "prices.") | calls(till.contracts, "contracts.")

    assert wanted | {"open"} == {case.partition(":")[0] for case in INVALID} - {"prices.lock"}


def test_the_command_line_writes_arguments_as_its_options() -> None:
    assert with_flags("a void needs a reason; add reason=...") == "a void needs a reason; add --reason TEXT"
    assert with_flags("name one with pricing=...") == "name one with --pricing"
    assert with_flags("as_of=... is for two instants") == "--as-of is for two instants"
    assert with_flags("kind=... y is not known") == "--from y is not known"
    assert with_flags("customer=... is empty") == "CUSTOMER is empty"
