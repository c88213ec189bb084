"""Whatever happens on the way, in the end Stripe holds what was invoiced, to the cent, and nothing is told twice."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import OCTOBER, MovableClock, at, contract, price, prices, record, till
from tests.shares import daily, stride
from tests.store.bench import Killer, rows_of_all_tables, run_in_child
from tests.stripe_push.bench import EVENTS, METER, MONTH, USAGE, WANTED, Bench, closed_october, forget_pushes, outbox
from tokentill.errors import Refused
from tokentill.store.database import Database
from tokentill.store.issued.push_rows import PushRow
from tokentill.stripe_push.attempts import TRIES
from tokentill.stripe_push.gateway import Account, StripeGateway
from tokentill.stripe_push.pushing import Pushed, push_period
from tokentill.testing.stripe import API_KEY, Behaviour, FaultKind, PlannedFault

pytestmark = pytest.mark.postgresql_one_in(8)

DAY_3, DAY_9, DAY_20 = date(2026, 10, 3), date(2026, 10, 9), date(2026, 10, 20)
STRIDE = stride(8)
"""How far apart two edges are at which a push is killed."""

REQUESTS_OF_A_PUSH = 8  # the account, the list of meters, the new meter, two Stripe customers, three days
EVENTS_OF_A_PUSH = 3
LATE_BY = (1, 2, 100)[:: stride(2)]
TRIES_OF_A_DAY = range(1, TRIES + 1)  # of the first day that is told
REQUESTS_OF_A_COMPARISON = 5  # the list of meters, two Stripe customers, two summaries

ANYWHERE: list[tuple[FaultKind, int]] = [
    ("reset_before", 500),
    ("reset_after", 500),
    ("timeout_before", 500),
    ("timeout_after", 500),
    ("slow", 500),
    *((kind, status) for kind in ("status_before", "status_after") for status in (409, 429, 500, 502, 503)),
]
BEHAVIOURS = {
    "as seen": Behaviour(),
    "repeated identifiers are ignored": Behaviour(repeated_identifier="ignored"),
    "the latest timestamp wins": Behaviour(window_keeps="timestamp"),
    "empty days are listed": Behaviour(has_empty_windows=True),
    "identifiers are remembered for a week": Behaviour(identifier_seconds=7 * 86_400),
}


@pytest.fixture(params=daily(BEHAVIOURS, 3))
def behaviour(request: pytest.FixtureRequest) -> Behaviour:
    return BEHAVIOURS[request.param]


def void(database: Database, customer: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"UPDATE invoice SET status = 'void' WHERE customer = '{customer}'")


# Without faults


def test_after_a_push_stripe_holds_every_day_to_the_cent(database: Database, behaviour: Behaviour) -> None:
    with Bench(closed_october(database), behaviour=behaviour) as bench:
        pushed = bench.push()
        assert (pushed.sent, pushed.unchanged, pushed.is_complete) == (3, 0, True)
        assert bench.held() == WANTED
        assert bench.is_to_the_cent()
        reconciled = bench.reconcile()
        assert reconciled.is_equal
        assert [(found.customer, found.due_minor, found.held_minor) for found in reconciled.invoices] == [
            ("alice", 450, Decimal(450)),
            ("bob", 600, Decimal(600)),
        ]
        assert {state for *_, state in outbox(database)} == {"confirmed"}
        assert len(bench.requests) == REQUESTS_OF_A_PUSH + REQUESTS_OF_A_COMPARISON
        assert [found.params["timestamp"] for found in bench.events] == [
            str(int(at(f"{day} 12:00").timestamp())) for day in (3, 9, 20)
        ]


def test_a_second_push_sends_and_writes_nothing(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        for _ in range(2):
            before, events = rows_of_all_tables(database), len(bench.events)
            again = bench.push()
            assert (again.sent, again.unchanged, again.is_complete) == (0, 3, True)
            assert rows_of_all_tables(database) == before
            assert len(bench.events) == events == 3
            bench.reconcile()


def test_many_customers_and_days_reconcile(database: Database) -> None:
    chosen = random.Random(8)
    customers = [f"customer {n}" for n in range(6)]
    usage = [
        record(f"r{n}", user=chosen.choice(customers), when=str(chosen.randint(1, 31)), input=chosen.randrange(10**6))
        for n in range(150)
    ]
    with Bench(closed_october(database, usage=usage), linked=customers) as bench:
        assert bench.push_until_complete() == 1
        assert bench.is_to_the_cent()
        assert bench.reconcile().is_equal
        assert len(bench.events) > 100


def test_each_currency_has_a_meter_of_its_own(database: Database) -> None:
    shop = closed_october(
        database,
        prices(price(), currency="USD"),
        prices(price("yen/model", rates={"input": "500"}), currency="JPY"),
        contract(),
        contract("customer", "bob", customer="bob", currency="JPY"),
        usage=[USAGE[0], record("y1", user="bob", model="yen/model", when="20", input=3_000_000)],
    )
    with Bench(shop) as bench:
        assert bench.push().is_complete
        assert dict(bench.stand_in.day_values(bench.links["bob"], "tokentill_jpy")) == {DAY_20: 1500}
        assert dict(bench.stand_in.day_values(bench.links["alice"], METER)) == {DAY_3: 300}
        assert bench.reconcile().is_equal


# Every fault at every request


@pytest.mark.parametrize(("kind", "status"), daily(ANYWHERE, 3))
def test_a_fault_at_any_request_loses_and_doubles_nothing(database: Database, kind: FaultKind, status: int) -> None:
    shop = closed_october(database)
    planned = fired = 0
    for position in range(1, REQUESTS_OF_A_PUSH + 1):
        with Bench(shop, faults=[PlannedFault(position, kind, status)]) as bench:
            bench.push_until_complete()
            assert bench.held() == WANTED
            assert bench.is_to_the_cent()
            assert bench.reconcile().is_equal
            keys = Counter(found.idempotency_key for found in bench.events)
            assert set(keys.values()) == {1}  # or else a stored 500 would be given again for a day
            planned, fired = planned + bench.stand_in.planned, fired + bench.stand_in.fired
        forget_pushes(database)
    assert fired == planned == REQUESTS_OF_A_PUSH


@pytest.mark.parametrize(("kind", "status"), daily(ANYWHERE, 3))
def test_a_fault_while_comparing_spoils_nothing(sqlite_database: Database, kind: FaultKind, status: int) -> None:
    shop = closed_october(sqlite_database)
    fired = 0
    for position in range(1, REQUESTS_OF_A_COMPARISON + 1):
        with Bench(shop, faults=[PlannedFault(REQUESTS_OF_A_PUSH + position, kind, status)]) as bench:
            assert bench.push_until_complete() == 1
            assert bench.reconcile().is_equal
            assert bench.held() == WANTED
            assert len(bench.events) == EVENTS_OF_A_PUSH
            fired += bench.stand_in.fired
        forget_pushes(sqlite_database)
    assert fired == REQUESTS_OF_A_COMPARISON


@pytest.mark.parametrize("kind", ["timeout_late", "late_duplicate"])
def test_a_request_that_arrives_late_changes_nothing(
    sqlite_database: Database, behaviour: Behaviour, kind: FaultKind
) -> None:
    shop = closed_october(sqlite_database)
    planned = fired = 0
    for position in range(1, EVENTS_OF_A_PUSH + 1):
        for late_by in LATE_BY:
            with Bench(shop, faults=[PlannedFault(position, kind, late_by=late_by)], behaviour=behaviour) as bench:
                bench.push_until_complete()
                bench.stand_in.deliver_late()
                assert bench.held() == WANTED
                assert bench.reconcile().is_equal
                planned, fired = planned + bench.stand_in.planned, fired + bench.stand_in.fired
            forget_pushes(sqlite_database)
    assert fired == planned == len(LATE_BY) * EVENTS_OF_A_PUSH


@pytest.mark.parametrize("seed", daily(range(12), 2))
def test_many_faults_in_a_row_lose_and_double_nothing(sqlite_database: Database, seed: int) -> None:
    chosen = random.Random(seed)
    faults = [PlannedFault(at, *chosen.choice(ANYWHERE)) for at in range(1, 40) if chosen.random() < 0.6]
    late = [PlannedFault(at, "late_duplicate", path=EVENTS, late_by=chosen.randint(1, 5)) for at in range(1, 9)]
    behaviour = chosen.choice(list(BEHAVIOURS.values()))
    with Bench(closed_october(sqlite_database), faults=[*faults, *late], behaviour=behaviour) as bench:
        bench.push_until_complete(60)
        bench.stand_in.deliver_late()
        bench.reconcile_until_equal(60)
        assert bench.held() == WANTED
        assert bench.stand_in.fired >= 5


@pytest.mark.parametrize("kind", ["status_before", "status_after", "reset_before", "reset_after"])
def test_days_that_stripe_never_answered_are_listed_and_sent_again(database: Database, kind: FaultKind) -> None:
    tries = TRIES * EVENTS_OF_A_PUSH
    faults = [PlannedFault(at, kind, 503, path=EVENTS) for at in range(1, tries + 1)]
    with Bench(closed_october(database), faults=faults) as bench:
        pushed = bench.push()
        assert (pushed.sent, pushed.is_complete, pushed.rejected) == (0, False, ())
        assert [(found.customer, found.day) for found in pushed.unknown] == [
            ("alice", DAY_3),
            ("alice", DAY_9),
            ("bob", DAY_20),
        ]
        assert all(found.reason for found in pushed.unknown)
        assert {state for *_, state in outbox(database)} == {"unknown"}
        assert bench.stand_in.fired == tries
        again = bench.push()
        assert (again.sent, again.is_complete) == (3, True)
        assert len({found.params["identifier"] for found in bench.events}) == EVENTS_OF_A_PUSH
        assert {version for _, _, version, _, _ in outbox(database)} == {1}
        assert bench.held() == WANTED


# Identifiers


@pytest.mark.parametrize("hours", [0, 22])
def test_within_a_day_the_same_identifier_is_sent_again(database: Database, behaviour: Behaviour, hours: int) -> None:
    faults = [PlannedFault(at, "reset_after", path=EVENTS) for at in TRIES_OF_A_DAY]
    with Bench(closed_october(database), faults=faults, behaviour=behaviour) as bench:
        assert [found.day for found in bench.push().unknown] == [DAY_3]
        bench.clock.advance(hours=hours)
        assert bench.push().is_complete
        assert len({found.params["identifier"] for found in bench.events[:TRIES]}) == 1
        assert bench.events[-1].params["identifier"] == bench.events[0].params["identifier"]
        assert outbox(database)[0] == ("alice", "2026-10-03", 1, 300, "accepted")
        assert bench.held() == WANTED
        assert bench.reconcile().is_equal


def test_after_a_day_an_unknown_day_is_a_new_version(database: Database, behaviour: Behaviour) -> None:
    faults = [PlannedFault(at, "reset_after", path=EVENTS) for at in TRIES_OF_A_DAY]
    with Bench(closed_october(database), faults=faults, behaviour=behaviour) as bench:
        bench.push()
        bench.clock.advance(hours=25)
        pushed = bench.push()
        assert (pushed.sent, pushed.unchanged, pushed.is_complete) == (1, 2, True)
        assert outbox(database)[:2] == [
            ("alice", "2026-10-03", 1, 300, "replaced"),
            ("alice", "2026-10-03", 2, 300, "accepted"),
        ]
        assert bench.events[-1].params["identifier"] != bench.events[0].params["identifier"]
        assert bench.held() == WANTED
        assert bench.reconcile().is_equal


def test_a_late_effect_after_a_day_is_harmless(database: Database) -> None:
    """The identifier is forgotten by then, so that the late one counts, too: it says the same."""
    faults = [PlannedFault(at, "timeout_late", path=EVENTS, late_by=1000) for at in TRIES_OF_A_DAY]
    with Bench(closed_october(database), faults=faults) as bench:
        assert len(bench.push().unknown) == 1
        bench.clock.advance(hours=30)
        assert bench.push().is_complete
        assert bench.stand_in.deliver_late() == TRIES
        assert bench.held() == WANTED
        assert bench.reconcile().is_equal


# What Stripe holds otherwise


def test_a_day_that_somebody_overwrote_is_found_and_put_right(database: Database, behaviour: Behaviour) -> None:
    with Bench(closed_october(database), behaviour=behaviour) as bench:
        bench.push()
        for day, value in ((DAY_9, 7), (date(2026, 10, 11), 77)):
            bench.client.v1.billing.meter_events.create(
                {
                    "event_name": METER,
                    "payload": {"stripe_customer_id": bench.links["alice"], "value": str(value)},
                    "identifier": f"stranger-{day}",
                    "timestamp": int(at(f"{day.day} 12:00").timestamp()),
                }
            )
        reconciled = bench.reconcile()
        assert not reconciled.is_equal
        (alice,) = [found for found in reconciled.invoices if not found.is_equal]
        assert [(found.day.day, found.wanted_minor, found.held_minor) for found in alice.differences] == [
            (9, 150, Decimal(7)),
            (11, 0, Decimal(77)),
        ]
        assert (alice.due_minor, alice.held_minor) == (450, Decimal(384))
        assert not bench.reconcile().is_equal
        pushed = bench.push()
        assert (pushed.sent, pushed.unchanged) == (2, 2)
        assert bench.held() == WANTED
        assert bench.reconcile().is_equal
        assert bench.push().sent == 0


def test_a_late_duplicate_of_an_older_amount_is_found_and_put_right(database: Database) -> None:
    clock = MovableClock()
    shop = closed_october(database, clock=clock)
    late = PlannedFault(1, "late_duplicate", path=EVENTS, late_by=1000)
    with Bench(shop, clock, faults=[late]) as bench:
        bench.push()
        void(database, "alice")
        shop.ingest([record("late", user="alice", when="3", input=1_000_000)])
        assert shop.close(OCTOBER).issued == ("INV-000003",)
        assert bench.push().sent == 1
        wanted = {**WANTED, "alice": {DAY_3: 600, DAY_9: 150}}
        assert bench.held() == wanted
        assert bench.reconcile().is_equal

        assert bench.stand_in.deliver_late() == 1
        assert bench.held()["alice"][DAY_3] == 300
        reconciled = bench.reconcile()
        assert [
            (found.customer, difference.day, difference.wanted_minor, difference.held_minor)
            for found in reconciled.invoices
            for difference in found.differences
        ] == [("alice", DAY_3, 600, Decimal(300))]
        assert bench.push().sent == 1
        assert bench.held() == wanted
        assert bench.reconcile().is_equal
        assert bench.stand_in.fired == 1


def test_a_day_that_a_new_invoice_no_longer_has_becomes_zero(database: Database) -> None:
    clock = MovableClock()
    shop = closed_october(database, clock=clock)
    with Bench(shop, clock) as bench:
        bench.push()
        void(database, "alice")
        void(database, "bob")
        shop.bind([("bob", "alice", at("1 00:00"), None), ("alice", "bob", at("1 00:00"), None)])
        assert len(shop.close(OCTOBER).issued) == 2
        assert bench.push().is_complete
        assert bench.held() == {"alice": WANTED["bob"], "bob": WANTED["alice"]}
        assert bench.is_to_the_cent()
        assert bench.reconcile().is_equal
        assert bench.push().sent == 0


def test_comparing_too_early_does_no_harm(database: Database) -> None:
    with Bench(closed_october(database), behaviour=Behaviour(settling_seconds=600)) as bench:
        bench.push()
        early = bench.reconcile()
        assert [found.held_minor for found in early.invoices] == [0, 0]
        bench.clock.advance(minutes=20)
        bench.push()
        bench.clock.advance(minutes=20)
        assert bench.reconcile().is_equal
        assert bench.held() == WANTED


def test_an_event_that_stripe_dropped_in_silence_is_found(database: Database) -> None:
    shop = closed_october(database)
    with Bench(shop, linked=["alice"]) as bench:
        bench.push()
        meter = bench.stand_in.meter_id(METER)
        bench.client.v1.billing.meters.deactivate(meter)
        bench.link("bob")
        client = bench.client

        class Unaware(StripeGateway):
            """Does not see that the meter was archived between its look and the events."""

            def meter(self, currency: str) -> str:
                return meter

        unaware = bench.connect(Unaware, client)
        pushed = push_period(database, MONTH, unaware, clock=bench.clock)
        assert (pushed.sent, pushed.is_complete) == (1, True)
        assert [found.code for found in bench.stand_in.error_reports] == ["archived_meter"]
        assert bench.held()["bob"] == {}
        bench.client.v1.billing.meters.reactivate(meter)
        assert [found.customer for found in bench.reconcile().invoices if not found.is_equal] == ["bob"]
        assert bench.push().sent == 1
        assert bench.held() == WANTED
        assert bench.reconcile().is_equal


# Who and what is left out


def test_customers_without_a_link_are_listed_and_the_others_pushed(database: Database) -> None:
    with Bench(closed_october(database), linked=["bob"]) as bench:
        pushed = bench.push()
        assert (pushed.sent, pushed.unlinked, pushed.is_complete) == (1, ("alice",), False)
        assert bench.held() == {"bob": WANTED["bob"]}
        reconciled = bench.reconcile()
        assert (reconciled.unlinked, reconciled.is_equal) == (("alice",), False)
        assert [found.is_equal for found in reconciled.invoices] == [True]
        bench.link("alice")
        pushed = bench.push()
        assert (pushed.sent, pushed.unchanged, pushed.is_complete) == (2, 1, True)
        assert bench.held() == WANTED
        assert bench.reconcile().is_equal


@dataclass(frozen=True)
class OtherAccount:
    """Another account, or the other mode of the same one."""

    account: str
    is_live: bool
    message: str


@pytest.mark.parametrize(
    "other",
    [
        OtherAccount("acct_other", False, "is of acct_other in test mode; use the right key, or another database"),
        OtherAccount("acct_standin", True, "is of acct_standin in live mode; use the right key"),
    ],
    ids=["account", "mode"],
)
def test_another_account_is_refused_before_anything_is_sent(
    database: Database, monkeypatch: pytest.MonkeyPatch, other: OtherAccount
) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        void(database, "alice")
        bench.shop.close(OCTOBER)
        before, requests = rows_of_all_tables(database), len(bench.requests)
        monkeypatch.setattr(StripeGateway, "account", lambda _: Account(other.account, other.is_live))
        for call in (bench.push, bench.reconcile):
            with pytest.raises(Refused, match="pushes to the Stripe account acct_standin in test mode") as refusal:
                call()
            assert other.message in str(refusal.value)
        assert rows_of_all_tables(database) == before
        assert len(bench.requests) == requests


def test_a_live_key_is_told_from_a_test_key(sqlite_database: Database) -> None:
    with Bench(closed_october(sqlite_database)) as bench:
        bench.push()
        for key, is_live in (("rk_live_x", True), ("sk_live_x", True), ("rk_test_x", False), ("sk_test_x", False)):
            # The client has the stand-in's own key, since that takes no live one.
            gateway = StripeGateway(bench.client, key)
            assert gateway.account().is_live is is_live
        with pytest.raises(Refused, match=r"Stripe did not answer GET /v1/account: .*live key"):
            StripeGateway.open("rk_live_x", api_base=bench.stand_in.base_url).account()
        with pytest.raises(Refused, match="in test mode, and the key is of acct_standin in live mode"):
            push_period(sqlite_database, MONTH, StripeGateway(bench.client, "rk_live_x"), clock=bench.clock)


def test_a_wrong_key_is_refused_with_what_stripe_says(sqlite_database: Database) -> None:
    with Bench(closed_october(sqlite_database)) as bench:
        wrong = StripeGateway.open("rk_test_wrong", api_base=bench.stand_in.base_url)
        with pytest.raises(Refused, match=r"Stripe did not answer GET /v1/account: Invalid API Key"):
            push_period(sqlite_database, MONTH, wrong, clock=bench.clock)
        assert outbox(sqlite_database) == []


def test_an_invoice_of_zero_is_not_pushed(database: Database) -> None:
    shop = closed_october(
        database,
        prices(price(), price("acme/free", rates={"input": "0", "output": "0"})),
        usage=[USAGE[0], record("f1", user="frank", model="acme/free", when="4", input=1_000_000)],
    )
    assert {found.customer: found.total_minor for found in shop.invoices()} == {"alice": 300, "frank": 0}
    with Bench(shop, linked=["alice"]) as bench:  # frank needs no link
        assert bench.push().is_complete
        assert len(bench.events) == 1
        assert [found.customer for found in bench.reconcile().invoices] == ["alice"]
        assert bench.reconcile().is_equal


def test_where_all_is_zero_not_even_a_meter_is_made(sqlite_database: Database) -> None:
    free = prices(price("acme/free", rates={"input": "0", "output": "0"}))
    usage = [record("f1", user="frank", model="acme/free", when="4", input=1_000_000)]
    with Bench(closed_october(sqlite_database, free, usage=usage), linked=["frank"]) as bench:
        pushed = bench.push()
        assert (pushed.sent, pushed.unchanged, pushed.is_complete) == (0, 0, True)
        assert [found.path for found in bench.requests] == ["/v1/account"]


def test_nothing_issued_is_refused_before_stripe_is_asked(sqlite_database: Database) -> None:
    shop = till(sqlite_database, contract(), clock=MovableClock())
    with Bench(shop) as bench:
        for call in (bench.push, bench.reconcile):
            with pytest.raises(Refused, match="no invoice was issued for 2026-10; run `tokentill close 2026-10` first"):
                call()
        assert bench.requests == []


@pytest.mark.parametrize(
    "changed", [{"default_aggregation": {"formula": "last"}}, {"event_time_window": "hour"}], ids=["formula", "window"]
)
def test_a_meter_that_counts_otherwise_is_refused(sqlite_database: Database, changed: dict[str, Any]) -> None:
    with Bench(closed_october(sqlite_database)) as bench:
        params = {
            "display_name": "ours",
            "event_name": METER,
            "default_aggregation": {"formula": "sum"},
            "event_time_window": "day",
        }
        bench.client.v1.billing.meters.create({**params, **changed})  # type: ignore[arg-type]
        with pytest.raises(Refused, match=r"the Stripe meter tokentill_usd has .* tokentill needs sum and day"):
            bench.push()
        assert bench.events == []


def test_the_meter_is_found_behind_a_hundred_others(sqlite_database: Database) -> None:
    with Bench(closed_october(sqlite_database)) as bench:
        bench.push()
        for number in range(100):
            bench.client.v1.billing.meters.create(
                {"display_name": "x", "event_name": f"other_{number}", "default_aggregation": {"formula": "sum"}}
            )
        assert bench.reconcile().is_equal


# At once, and killed


@pytest.mark.postgresql_one_in(1)  # each takes its own locks
def test_two_pushes_at_the_same_time_end_as_one(database: Database, database_url: str) -> None:
    shop = closed_october(database)
    with Bench(shop) as bench:
        bench.gateway.meter("USD")
        start = threading.Barrier(3)

        def work(_: int) -> Pushed:
            own = Database.open(database_url)
            gateway = bench.connect(client=bench.stand_in.client())
            start.wait()
            pushed = push_period(own, MONTH, gateway, clock=bench.clock)
            own.close()
            return pushed

        with ThreadPoolExecutor(3) as pool:
            found = list(pool.map(work, range(3)))
        assert [pushed.rejected for pushed in found] == [()] * 3  # a day may be unknown: one call at a time
        bench.push_until_complete()
        assert bench.held() == WANTED
        assert bench.reconcile().is_equal
        assert len({found.params["identifier"] for found in bench.events}) == EVENTS_OF_A_PUSH


@pytest.mark.postgresql_one_in(1)  # each puts a killed transaction back its own way
def test_a_killed_push_run_again_ends_equal(database: Database, database_url: str) -> None:
    shop = closed_october(database)
    kills = 0
    told_before: Counter[int] = Counter()
    for edge in range(1, 1000, STRIDE):
        with Bench(shop) as bench:
            outcome = run_in_child(_push_and_be_killed(database_url, bench, edge))
            assert outcome in (0, signal.SIGKILL)
            told_before[len(bench.events)] += 1
            assert bench.push_until_complete() == 1
            assert bench.held() == WANTED
            assert bench.is_to_the_cent()
            assert bench.reconcile().is_equal
            assert len({found.params["identifier"] for found in bench.events}) == EVENTS_OF_A_PUSH
            assert [row[3] for row in outbox(database)] == [300, 150, 600]
        forget_pushes(database)
        if outcome == 0:
            break
        kills += 1
    assert kills >= 40 // STRIDE
    assert set(told_before) == {0, 1, 2, 3}  # killed before, between and after the days


def _push_and_be_killed(database_url: str, bench: Bench, edge: int) -> Callable[[], None]:
    """A push that kills its own process at an edge: a statement, a commit, or either end of a call to Stripe."""
    base_url, clock = bench.stand_in.base_url, bench.clock

    def work() -> None:
        killer = Killer(edge)

        class Watched(StripeGateway):
            def send_day(self, row: PushRow) -> Any:
                killer.edge()
                answer = super().send_day(row)
                killer.edge()
                return answer

            def _call(self, method: str, path: str, params: dict[str, Any]) -> dict[str, Any]:
                killer.edge()
                body = super()._call(method, path, params)
                killer.edge()
                return body

        own = Database.open(database_url)
        killer.watch(own.engine)
        gateway = Watched.open(API_KEY, api_base=base_url)
        push_period(own, MONTH, gateway, clock=clock)

    return work
