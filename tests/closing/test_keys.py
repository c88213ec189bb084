"""Months of records that go by their API keys: previews, closes, corrections and verification."""

from __future__ import annotations

import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests.builders import AFTER_OCTOBER, OCTOBER, MovableClock, at, attribution, contract, folder, record, till
from tests.shares import daily
from tests.sources.lines import lines, litellm
from tokentill.canonical import Content
from tokentill.errors import InvalidCall, Refused
from tokentill.sources.source_settings import SourceSettings
from tokentill.store.database import Database
from tokentill.till import Till
from tokentill.usage.attribution import Attribution
from tokentill.usage.privacy import Privacy, PrivacyKey

pytestmark = pytest.mark.postgresql_one_in(8)

ALWAYS = at("2025-01-01T00:00Z")
IN_DECEMBER = at("2026-12-02T00:00Z")


def billed(shop: Till, month: str = OCTOBER) -> dict[str, str]:
    return {one.customer: one.content["total"] for one in shop.invoices(period=month)}


def million(record_id: str, **more: object) -> object:
    """A record that comes to 3.00."""
    return record(record_id, **{"user": None, "api_key": "k", "input": 1_000_000, **more})  # type: ignore[arg-type]


def test_a_month_is_cut_where_a_key_and_its_team_are_bound(database: Database) -> None:
    shop = till(database)
    shop.ingest([million("1", when="5"), million("2", when="12"), million("3", when="25"), million("4", api_key=None)])
    assert shop.preview(OCTOBER).unattributed.requests == 4
    shop.bind_keys([("k", "red", None, ALWAYS, None), (None, "red", "acme", ALWAYS, None)])
    shop.bind_keys([(None, "red", "birch", at("10"), None), ("k", None, "cobalt", at("20"), None)])
    preview = shop.preview(OCTOBER)
    assert preview.blocked_by, "the one without a key is still nobody's"
    shop.retract(record=("arouter", "4"), reason="a test")
    for one in ("acme", "birch", "cobalt"):
        assert [listed.invoice.content()["total"] for listed in shop.preview(OCTOBER, customer=one).customers] == [
            "3.00"
        ]
    assert not shop.close(OCTOBER).is_refused
    assert billed(shop) == {"acme": "3.00", "birch": "3.00", "cobalt": "3.00"}
    traced = shop.trace("arouter", "2")
    assert (traced.customer, "of the team red" in (traced.because or "")) == ("birch", True)
    assert shop.verify().is_sound
    assert shop.database.check().is_sound


@pytest.mark.parametrize("through", ["key", "team of a key", "team of a record"])
def test_a_key_that_is_bound_anew_moves_what_was_billed(database: Database, through: str) -> None:
    clock = MovableClock()
    shop = till(database, clock=clock)
    tags = ["team=red"] if through == "team of a record" else []
    shop.ingest([million("1", when="5", tags=tags), million("2", when="25", tags=tags)])
    key = (None, "red", "acme", ALWAYS, None) if tags else ("k", None, "acme", ALWAYS, None)
    shop.bind_keys(
        [("k", "red", None, ALWAYS, None), (None, "red", "acme", ALWAYS, None)] if "of a key" in through else [key]
    )
    shop.ingest([record("0", user="birch", input=1_000_000)])
    shop.close(OCTOBER)
    assert billed(shop) == {"acme": "6.00", "birch": "3.00"}
    moved = ("k", None, "birch", at("20"), None) if through == "key" else (None, "red", "birch", at("20"), None)
    shop.bind_keys([moved])
    assert shop.verify().is_sound, "what was issued was right by what was known"
    shop.ingest([record("3", user="birch", when="2026-11-03T00:00Z", input=1_000_000)])
    shop.ingest([record("4", user="acme", when="2026-11-03T00:00Z", input=2_000_000)])
    clock.instant = IN_DECEMBER
    assert not shop.close("2026-11").is_refused
    assert billed(shop, "2026-11") == {"acme": "3.00", "birch": "6.00"}
    assert shop.verify().is_sound


def test_what_is_open_goes_by_teams_as_what_is_closed_does(database: Database) -> None:
    shop = till(database)
    shop.bind_keys([(None, "red", "acme", ALWAYS, None)])
    shop.ingest([million("1", tags=["team=red"])])
    shop.close(OCTOBER)
    shop.ingest([million("2", tags=["team=red"], when="2026-11-03T00:00Z"), million("3", tags=["team=red"])])
    (census,) = [one for one in shop.database.check().checks if one.check == "records_are_each_in_one_place"]
    assert dict(census.figures) == {"billed": 1, "late": 1, "open": 1, "unattributed": 0, "withdrawn": 0}


def test_a_set_without_keys_has_the_hash_that_it_had(database: Database) -> None:
    shop = till(database)
    shop.ingest([record("1")])
    before = shop.preview(OCTOBER).pins["b"]
    shop.bind_keys([("k", None, "acme", AFTER_OCTOBER, None)])
    assert shop.preview(OCTOBER).pins["b"] != before
    assert shop.bind_keys([("k", None, "acme", AFTER_OCTOBER, None)]) == []
    assert [(one.seq, one.customer) for one in shop.key_bindings()] == [(1, "acme")]


@pytest.mark.parametrize(
    "wrong",
    [
        ("k", "red", "acme", ALWAYS, None),
        ("k", None, None, ALWAYS, None),
        (None, None, "acme", ALWAYS, None),
        ("", None, "acme", ALWAYS, None),
        ("k", None, "acme", datetime(2026, 1, 1), None),  # noqa: DTZ001
        ("k", "acme"),
    ],
)
def test_a_binding_that_does_not_say_what_belongs_to_what_is_refused(database: Database, wrong: object) -> None:
    shop = till(database)
    with pytest.raises(InvalidCall):
        shop.bind_keys([wrong])  # type: ignore[list-item]
    assert shop.key_bindings() == []


def test_where_users_are_untrusted_the_key_decides_and_a_contradiction_is_found(database: Database) -> None:
    rules = attribution(untrusted_users=["app-*"])
    shop = till(database, rules, contract("customer", "birch"))
    shop.ingest([million("1", source="app-1", user="birch"), million("2", source="app-1", user="a session")])
    shop.bind_keys([("k", None, "acme", ALWAYS, None)])
    preview = shop.preview(OCTOBER)
    assert [one.invoice.customer for one in preview.customers if one.invoice.all_requests] == ["acme"]
    (found,) = [one for one in preview.findings if one.kind == "user-and-key-differ"]
    assert (found.customer, found.figures) == ("acme", {"member": "acme", "by_user": "birch", "requests": 1})
    assert shop.usage(by="customer").content()["contradicting_requests"] == 1
    assert not shop.close(OCTOBER).is_refused
    assert billed(shop)["acme"] == "6.00"
    assert shop.verify().is_sound


def test_what_is_nobodys_names_the_key_to_bind(database: Database) -> None:
    shop = till(database, attribution(untrusted_users=["arouter"]))
    shop.ingest([million("1", user="a session", api_key="-k")])
    (reason,) = shop.preview(OCTOBER).blocked_by
    assert "`tokentill customers bind --api-key=-k CUSTOMER`" in reason
    assert "bind the user" not in reason


def test_a_close_refuses_an_invoice_a_session(database: Database) -> None:
    sessions = [record(str(number), user=f"sess_{number}") for number in range(4)]
    shop = till(database, attribution(users_seen_once_max=3), contract("customer", "acme"))
    shop.ingest([*sessions, record("a", user="acme"), record("b", user="twice"), record("c", user="twice")])
    (reason,) = shop.preview(OCTOBER).blocked_by
    assert "4 users have a single request" in reason
    closed = shop.close(OCTOBER)
    assert (closed.issued, closed.blocked_by) == ((), (reason,))
    assert shop.preview(OCTOBER).content()["users_seen_once"]["template"] == "sess_{id}"
    allowed = till(database, attribution(users_seen_once_max=4), contract("customer", "acme"))
    assert len(allowed.close(OCTOBER).issued) == 6


@pytest.mark.parametrize("seed", daily(range(4), 2))
def test_usage_from_sums_is_put_to_the_customers_of_its_records(database: Database, seed: int) -> None:
    """Sums are kept by series and day; keys and teams are bound at midnights and inside of days."""
    chance = Random(seed)
    rules = attribution(default="unattributed", untrusted_users=["app-*"], tolerance_percent="100")
    taken = [
        record(
            str(number),
            when=(at("1") + timedelta(hours=chance.randrange(24 * 8))).isoformat(),
            source=chance.choice(("arouter", "app-1")),
            user=chance.choice((None, "u1", "u2")),
            api_key=chance.choice((None, "k1", "k2")),
            tags=chance.choice(([], ["team=red"], ["team=blue", "x"], ["team=red", "team=blue"])),
            input=chance.randrange(1, 10**6),
        )
        for number in range(150)
    ]
    shop = till(database, rules)
    for first in range(0, 150, 50):
        shop.ingest(taken[first : first + 50])
    parties = [("k1", None, "acme"), ("k2", "red", None), (None, "red", "birch"), (None, "blue", "cobalt")]
    for party in [*parties, *chance.choices([*parties, ("k1", "blue", None), (None, "red", "acme")], k=6)]:
        since = at(f"{chance.randrange(1, 9)} 00:00") + timedelta(hours=chance.choice((0, 0, 7)))
        shop.bind_keys([(*party, since, chance.choice((None, None, "app-1")))])
    attributes = Attribution([rules], (), shop.key_bindings())
    requests, tokens = Counter[str | None](), Counter[str | None]()
    for one in taken:
        owner = attributes.attribute(
            source=one.source, user=one.user, api_key=one.api_key, at=one.occurred_at, tags=one.tags
        ).customer
        requests[owner] += 1
        tokens[owner] += one.quantities["input"]
    assert len(requests) > 2
    nobodys = requests.pop(None, 0)
    preview = shop.preview(OCTOBER)
    assert preview.unattributed.requests == nobodys
    assert {one.invoice.customer: one.invoice.all_requests for one in preview.customers} == requests
    summary = {row["customer"]: row for row in shop.usage(by="customer").content()["rows"]}
    assert {customer: row["requests"] for customer, row in summary.items() if customer is not None} == requests
    assert {customer: row["input_tokens"] for customer, row in summary.items()} == tokens
    assert not shop.close(OCTOBER).is_refused
    assert shop.verify().is_sound
    assert shop.database.check().is_sound


def declared(database: Database, *contents: Content, clock: MovableClock | None = None) -> Till:
    """A till whose settings say of the source `app` that its users are untrusted."""
    sources = {"app": SourceSettings("app", user="untrusted")}
    return Till(database, folder(*contents), clock=clock or MovableClock(), grace=timedelta(0), sources=sources)


def test_an_untrusted_source_goes_by_its_keys_alone(database: Database) -> None:
    shop = declared(database)
    shop.ingest([million("1", source="app", user="birch"), million("2", source="arouter", user="birch")])
    shop.bind([("birch", "mallory", ALWAYS, "app")])
    assert shop.preview(OCTOBER).unattributed.requests == 1
    assert "bind the key: `tokentill customers bind --api-key=k CUSTOMER`" in shop.preview(OCTOBER).blocked_by[0]
    shop.bind_keys([("k", None, "acme", ALWAYS, None)])
    using = [one.described.id for one in shop.customer_list().customers if one.has_usage]
    assert using == ["acme", "birch"]
    assert shop.trace("app", "1").customer == "acme"
    assert not shop.close(OCTOBER).is_refused
    assert billed(shop) == {"acme": "3.00", "birch": "3.00"}
    assert shop.verify().is_sound


def test_what_settings_said_is_kept_with_each_document_and_is_not_lost_unseen(database: Database) -> None:
    clock = MovableClock()
    shop = declared(database, clock=clock)
    shop.bind_keys([("k", None, "acme", ALWAYS, None)])
    shop.ingest([million("1", source="app", user="birch")])
    shop.close(OCTOBER)
    silent = till(database, clock=clock)
    assert silent.verify().is_sound
    assert {one.customer for one in silent.simulate(OCTOBER, silent.folder).customers} == {"acme"}
    november = {"source": "app", "user": "birch", "when": "2026-11-03T00:00Z"}
    silent.ingest([million("2", **november)])
    clock.instant = IN_DECEMBER
    with pytest.raises(Refused, match=r'user = "untrusted" of \[sources.app\] in tokentill.toml'):
        silent.close("2026-11")
    in_rules = till(database, attribution(untrusted_users=["app"]), clock=clock)
    assert not in_rules.close("2026-11").is_refused
    assert billed(in_rules, "2026-11") == {"acme": "3.00"}
    assert in_rules.verify().is_sound


def test_a_source_that_is_called_untrusted_later_moves_nothing_that_is_closed(database: Database) -> None:
    clock = MovableClock()
    before = till(database, clock=clock)
    before.bind_keys([("k", None, "acme", ALWAYS, None)])
    before.ingest([million("1", source="app", user="birch")])
    before.close(OCTOBER)
    after = declared(database, clock=clock)
    after.ingest([million("2", source="app", user="birch", when="2026-11-03T00:00Z")])
    clock.instant = IN_DECEMBER
    assert not after.close("2026-11").is_refused
    assert (billed(after), billed(after, "2026-11")) == ({"birch": "3.00"}, {"acme": "3.00"})
    assert after.verify().is_sound


def test_a_user_whose_id_is_hashed_is_bound_by_what_is_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIVACY_KEY", "0123456789abcdef0123456789abcdef")
    keys = (PrivacyKey("k1", "PRIVACY_KEY"),)
    shop = Till(
        database,
        folder(attribution(default="unattributed")),
        clock=MovableClock(),
        grace=timedelta(0),
        privacy=Privacy("warn", {"arouter": "hash"}, keys),
    )
    shop.ingest([record("1", user="jane@example.org", input=1_000_000), million("2", user="eve@example.org")])
    shop.bind([("jane@example.org", "acme", ALWAYS, None)])
    assert shop.preview(OCTOBER).unattributed.requests == 2, "no record has this id"
    shop.bind([(one.id, "acme", ALWAYS, None) for one in shop.pseudonyms("jane@example.org").pseudonyms])
    shop.bind_keys([("k", None, "birch", ALWAYS, None)])
    assert not shop.close(OCTOBER).is_refused
    assert billed(shop) == {"acme": "3.00", "birch": "3.00"}


def rows_of_litellm(**more: object) -> bytes:
    return lines(*(litellm(f"r{number}", api_key="k", end_user="", model="acme/large", **more) for number in range(5)))


def test_an_old_export_of_litellm_read_again_is_the_same_records(database: Database) -> None:
    """Earlier versions read no team and no name of a key, so that what they kept has neither."""
    clock = MovableClock()
    shop = till(database, clock=clock)
    old, today = rows_of_litellm(), rows_of_litellm(team_id="red", metadata={"user_api_key_alias": "web"})
    shop.bind_keys([("k", None, "acme", ALWAYS, None)])
    assert shop.ingest_file(io.BytesIO(old), name="old", format="litellm").counts.accepted == 5
    shop.close(OCTOBER)
    issued = billed(shop)
    again = shop.ingest_file(io.BytesIO(today), name="again", format="litellm").counts
    assert (again.duplicates, again.revisions, again.read) == (5, 0, 5)
    assert shop.revisions().revisions == ()
    moved = rows_of_litellm(team_id="red", spend=2)
    assert shop.ingest_file(io.BytesIO(moved), name="moved", format="litellm").counts.revisions == 5
    shop.bind_keys([(None, "red", "birch", ALWAYS, None)])
    clock.instant = IN_DECEMBER
    assert shop.close("2026-11").issued == ()
    assert billed(shop) == issued
    assert shop.verify().is_sound


def test_a_record_that_names_another_team_or_has_no_key_is_a_revision(database: Database) -> None:
    shop = till(database)
    shop.ingest([million("1", tags=["team=red"]), million("2", api_key=None)])
    again = shop.ingest([million("1", tags=["team=blue"]), million("1"), million("2", api_key=None, tags=["team=red"])])
    assert (again.counts.revisions, again.counts.duplicates) == (3, 0)


@pytest.mark.parametrize("of_key", ["key", "team"])
def test_a_user_is_not_erased_where_the_key_would_then_say_otherwise(database: Database, of_key: str) -> None:
    rule = {"match": {"user": "org_{id}"}, "customer": "{id}"}
    shop = till(database, attribution(rule, default="unattributed"))
    shop.ingest([million("1", user="org_birch", tags=["team=red"])])
    shop.bind_keys([("k", None, "birch", ALWAYS, None) if of_key == "key" else (None, "red", "birch", ALWAYS, None)])
    shop.close(OCTOBER)
    shop.bind_keys([("k", None, "acme", at("20"), None) if of_key == "key" else (None, "red", "acme", at("20"), None)])
    with pytest.raises(Refused, match=r"its records are 'birch'.* and would be 'acme'"):
        shop.erase_user("org_birch", reason="asked for it")


def test_a_user_is_erased_where_the_key_says_the_same_or_alone_decides(database: Database) -> None:
    rule = {"match": {"user": "org_{id}"}, "customer": "{id}"}
    shop = declared(database, attribution(rule, default="unattributed"))
    shop.ingest([million("1", user="org_birch"), million("2", user="org_cobalt", source="app", api_key="other")])
    shop.bind_keys([("k", None, "birch", datetime(1970, 1, 1, tzinfo=UTC), None)])
    shop.bind_keys([("other", None, "acme", ALWAYS, None)])
    shop.close(OCTOBER)
    issued = billed(shop)
    for user in ("org_birch", "org_cobalt"):
        shop.erase_user(user, reason="asked for it")
    assert billed(shop) == issued == {"acme": "3.00", "birch": "3.00"}
    assert shop.verify().is_sound
    assert shop.database.check().is_sound
