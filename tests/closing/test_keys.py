"""Months of records that go by their API keys: previews, closes, corrections and verification."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.builders import AFTER_OCTOBER, OCTOBER, MovableClock, at, attribution, contract, record, till
from tokentill.errors import InvalidCall
from tokentill.store.database import Database
from tokentill.till import Till

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
