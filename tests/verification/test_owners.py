"""Whose a record is, worked out twice: by what bills and by what verifies, over bindings and rules of every kind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import attribution
from tokentill.usage.attribution import Attribution, Binding
from tokentill.usage.keys import KeyBinding
from tokentill.verification.terms.books import Books, team_named

INSTANTS = [datetime(2026, month, 1, tzinfo=UTC) for month in (9, 10, 11)]
few = st.sampled_from
instants, sources = few(INSTANTS), few([None, "app-1", "arouter"])
customers = few(["acme", "birch", "u1"])
users = st.builds(
    lambda user, customer, at, source: {"user": user, "customer": customer, "valid_from": at, "source": source},
    few(["u1", "u2"]),
    customers,
    instants,
    sources,
)
parties = few([("k1", None), ("k2", None), (None, "red"), (None, "blue"), ("k1", "red"), ("k2", "blue")])
keys = st.builds(
    lambda party, customer, at, source: {
        "api_key": party[0],
        "team": party[1],
        "customer": None if all(party) else customer,
        "valid_from": at,
        "source": source,
    },
    parties,
    customers,
    instants,
    sources,
)
matches = few([{"user": "u{id}"}, {"api_key": "k{id}"}, {"source": "app-{id}"}, {"user": "u1", "source": "arouter"}])
rules = st.builds(lambda match, customer: {"match": match, "customer": customer}, matches, customers)
recordings = st.builds(
    lambda listed, default, untrusted: attribution(*listed, default=default, untrusted_users=untrusted),
    st.lists(rules, max_size=3),
    few(["each-user", "unattributed"]),
    st.lists(few(["app-*", "arouter", "?pp-1"]), max_size=2),
)
records = st.tuples(
    few(["app-1", "arouter"]),
    few([None, "", "u1", "u2", "u3"]),
    few([None, "k1", "k2"]),
    st.lists(few(["team=red", "team=blue", "team=", "x"]), max_size=2, unique=True).map(tuple),
    instants,
)


@given(
    st.lists(users, max_size=3),
    st.lists(keys, max_size=5),
    recordings,
    few([(), (), ("app-1",)]),
    st.lists(records, min_size=1, max_size=20),
)
def test_both_ways_come_to_the_same_customer(
    bound: list[dict[str, Any]],
    of_keys: list[dict[str, Any]],
    recording: dict[str, Any],
    untrusted: tuple[str, ...],
    asked: list[Any],
) -> None:
    bills = Attribution(
        [recording],
        [Binding(seq, **one) for seq, one in enumerate(bound, 1)],
        [KeyBinding(seq, **one) for seq, one in enumerate(of_keys, 1)],
        untrusted,
    )
    verifies = Books(
        (),
        (),
        [{**recording, "hash": "h"}],
        [{"seq": seq, **one} for seq, one in enumerate(bound, 1)],
        [{"seq": seq, **one} for seq, one in enumerate(of_keys, 1)],
        untrusted,
    )
    for source, user, key, tags, at in asked:
        owner = verifies.owner(source, user, key, team_named(tags), at)
        assert bills.attribute(source=source, user=user, api_key=key, at=at, tags=tags).customer == owner
        inside = {one["valid_from"] for one in (*bound, *of_keys)}
        assert bills.binding_edges(user, key, tags) <= inside
