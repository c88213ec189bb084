"""Two months of every command that writes: a closed month, what is learned too late of it, and the month after.

Each command may be given again right after it, and then changes nothing. `COMMANDS` is what fault campaigns attack.
"""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from tests.builders import OCTOBER, MovableClock, at, attribution, contract, folder, grants, price, prices, record
from tokentill.canonical import Content
from tokentill.recordings.load import Folder
from tokentill.store.database import Database
from tokentill.stripe_push.gateway import StripeGateway
from tokentill.testing.stripe import API_KEY
from tokentill.till import Till
from tokentill.usage.privacy import DEFAULT_PRIVACY, Privacy, PrivacyKey
from tokentill.usage.record import UsageRecord
from tokentill.usage.reporters import EXPORT

Edges = Literal["commits", "statements", "calls"]
NOVEMBER = "2026-11"
RECORDS_OF_EACH = 4


@dataclass(frozen=True)
class Job:
    """What a child does: some of `COMMANDS`, for so many customers, until it is killed.

    With `is_dearer` everything has become a hundred times as expensive and the clock shows another month. `stripe` is
    where the stand-in of Stripe listens; the clock is so many `days_ahead`; no file may grow beyond `file_bytes_max`,
    as on a full disk. The child makes the file `flag` at its `flag_at`-th edge, and goes on.

    Of the commands in `IMPORTS`, `file` is what is taken in, of a `format` or of one that is found out, as `reporter`
    tells it, and `stage` the name that it is staged under; with `is_hashing` the users of one source are kept as
    hashes. `defect` is planted in the product before (see `defects`).
    """

    url: str
    steps: Sequence[str] = ("close",)
    customers: int = 6
    edges: Edges = "commits"
    kill_at: int = 0
    is_dearer: bool = False
    stripe: str = ""
    days_ahead: int = 0
    file_bytes_max: int = 0
    flag_at: int = 0
    flag: str = ""
    file: str = ""
    format: str | None = None
    reporter: str = EXPORT
    stage: str | None = None
    is_hashing: bool = False
    defect: str = ""


HASHED = "private"
PRIVACY_KEY, PRIVACY_SECRET = PrivacyKey("k1", "TOKENTILL_TEST_PRIVACY_KEY"), "a secret of tests that is long enough"
PRIVACY = Privacy("warn", {HASHED: "hash"}, (PRIVACY_KEY,))
"""The users of the source `HASHED` are kept as hashes."""

INVOICE: Content = {
    "base_fee": {"amount": "1.1"},
    "coupon": [{"id": "first", "percent": "10", "periods": 1}],
    "tax": [{"name": "VAT", "percent": "19"}],
    "smallest_amount": "1.2",
}
CREDIT_NOTES: Content = {**INVOICE, "adjustments": "credit-note"}


def contents(*, is_dearer: bool = False) -> tuple[Content, ...]:
    """Prices and contracts of the scenario."""
    large = price(rates={"input": "300", "output": "1500"}) if is_dearer else price()
    included = {"name": "included", "allowance": {"units": {"input_total": 5000}}}
    return (
        prices(large, price("acme/small", rates={"input": "0.1", "output": "0.4"})),
        contract(rules=[{"name": "all", "markup_percent": "20"}], invoice=INVOICE),
        contract("customer", "u001", time_zone="Europe/Berlin", rules=[{"name": "own", "basis": "cost"}]),
        contract("customer", "u002", rules=[included], invoice=CREDIT_NOTES),
        grants(*({"id": "welcome", "customer": f"u{number:03d}", "amount": "0.02"} for number in range(6))),
        attribution(tolerance_percent="0"),
    )


FOLDERS: dict[bool, Folder] = {is_dearer: folder(*contents(is_dearer=is_dearer)) for is_dearer in (False, True)}


def records(customers: int, *, name: str = "", month: str = OCTOBER, days: int = 31) -> list[UsageRecord]:
    """Some records of each customer in a month, on two models."""
    return [
        record(
            f"{name}{customer}-{number}",
            user=f"u{customer:03d}",
            when=f"{month}-{1 + (customer + 7 * number) % days:02d}T12:00:00+00:00",
            model=("acme/large", "acme/small")[number % 2],
            cost="0.0123",
            input=1000 * (customer + 1) + number,
            output=7 * customer,
        )
        for customer in range(customers)
        for number in range(RECORDS_OF_EACH)
    ]


def _ingest(one: Till, job: Job) -> None:
    one.ingest(records(job.customers), name="activity")


def _close(one: Till, _: Job) -> None:
    _close_month(one, OCTOBER)


def _close_month(one: Till, month: str) -> None:
    closed = one.close(month)
    if closed.is_refused:
        raise AssertionError(f"refused: {closed.content()}")


def _revise(one: Till, _: Job) -> None:
    _revise_record(one, "0-0", when="1", name="again")


def _revise_record(one: Till, id_: str, *, when: str, name: str) -> None:
    one.ingest([record(id_, user="u000", when=when, cost="0.5", input=900_000)], name=name)
    one.accept_revision("arouter", id_, reason="corrected", by="rita")


def _retract(one: Till, _: Job) -> None:
    one.retract(record=("arouter", "1-1"), reason="a test", by="rita")
    one.retract(filter="user=u002 model=acme/small", reason="a load test", by="rita")


def _stage(one: Till, job: Job) -> None:
    more = [
        record(f"more-{n}", user=f"u{n % job.customers:03d}", when=f"{1 + n}", cost="0.02", input=50_000)
        for n in range(14)
    ]
    known = {found.number: found.state for found in one.imports().imports if found.name == "looked at"}
    if not {"accepted", "taken"} & set(known.values()):
        known = {one.ingest(more, name="looked at", stage="looked at").number or 0: "accepted"}
    for number, state in known.items():
        if state in ("accepted", "taken"):
            one.accept_import(number, by="rita")


def _void(one: Till, _: Job) -> None:
    if one.invoice("INV-000002").status == "issued":
        one.void("INV-000002", reason="to be issued anew", by="rita")


def _push(one: Till, job: Job) -> None:
    _push_month(one, job, OCTOBER)


def _push_month(one: Till, job: Job, month: str) -> None:
    pushed = one.push(month, StripeGateway.open(API_KEY, api_base=job.stripe))
    if not pushed.is_complete:
        raise AssertionError(f"not all was pushed: {pushed.content()}")


def _late(one: Till, job: Job) -> None:
    """Records of a closed month, in one file with those of the month that runs."""
    late = [record("late", user="u000", when="9", cost="0.3", input=400_000)]
    running = records(job.customers, name="n", month=NOVEMBER, days=19)
    one.ingest([*late, *running], name="activity of November")


def _revise_closed(one: Till, _: Job) -> None:
    _revise_record(one, "0-2", when="15", name="once more")


def _retract_closed(one: Till, _: Job) -> None:
    one.retract(record=("arouter", "more-1"), reason="a test", by="rita")
    one.retract(record=("arouter", "more-5"), reason="a load test", by="rita")


def _close_next(one: Till, _: Job) -> None:
    _close_month(one, NOVEMBER)


def _push_next(one: Till, job: Job) -> None:
    _push_month(one, job, NOVEMBER)


def _reissue(one: Till, _: Job) -> None:
    adjusted = one.invoices(period=NOVEMBER, customer="u000")[0]
    one.reissue(adjusted.number, reason="to be issued anew", by="rita")


@dataclass(frozen=True)
class Command:
    """What is attacked, and when it is given."""

    do: Callable[[Till, Job], None]
    at: datetime = field(default_factory=lambda: MovableClock().instant)
    tells_stripe: bool = False


AFTER_CLOSE, AFTER_NOVEMBER = at("2026-11-20T09:00Z"), at("2026-12-02T09:00Z")
COMMANDS: dict[str, Command] = {
    "ingest": Command(_ingest),
    "revise": Command(_revise),
    "retract": Command(_retract),
    "stage": Command(_stage),
    "close": Command(_close),
    "void": Command(_void),
    "close again": Command(_close),
    "push": Command(_push, tells_stripe=True),
    "late": Command(_late, AFTER_CLOSE),
    "revise closed": Command(_revise_closed, AFTER_CLOSE),
    "retract closed": Command(_retract_closed, AFTER_CLOSE),
    "close next": Command(_close_next, AFTER_NOVEMBER),
    "push next": Command(_push_next, AFTER_NOVEMBER, tells_stripe=True),
    "reissue": Command(_reissue, AFTER_NOVEMBER),
    "push reissued": Command(_push_next, AFTER_NOVEMBER, tells_stripe=True),
}


def _take(one: Till, job: Job) -> None:
    _taken(one, job, stage=None)


def _stage_file(one: Till, job: Job) -> None:
    _taken(one, job, stage=job.stage)


def _taken(one: Till, job: Job, *, stage: str | None) -> None:
    os.environ[PRIVACY_KEY.key_env] = PRIVACY_SECRET
    one.privacy = PRIVACY if job.is_hashing else DEFAULT_PRIVACY
    name = Path(job.file).name
    one.ingest_file(job.file, name=name, format=job.format, reporter=job.reporter, stage=stage)


def _accept_staged(one: Till, job: Job) -> None:
    for number in one.staged_imports(job.stage or ""):
        one.accept_import(number, by="rita")


IMPORTS: dict[str, Command] = {
    "take": Command(_take),
    "stage a file": Command(_stage_file),
    "accept": Command(_accept_staged),
}
"""What takes a file in: each may be given again right after it, and then changes nothing."""


def work(job: Job, one: Till, clock: MovableClock) -> None:
    """Do the steps of a job, with a till that goes by a clock."""
    if job.file_bytes_max:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (job.file_bytes_max, job.file_bytes_max))
    for step in job.steps:
        command = {**COMMANDS, **IMPORTS}[step]
        clock.instant = command.at.replace(month=12) if job.is_dearer else command.at
        clock.instant += timedelta(days=job.days_ahead)
        command.do(one, job)


def opened(database: Database, *, is_dearer: bool = False) -> tuple[Till, MovableClock]:
    """A till of the scenario, and its clock."""
    clock = MovableClock()
    return Till(database, FOLDERS[is_dearer], clock=clock, grace=timedelta(0)), clock
