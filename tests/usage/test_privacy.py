"""Opaque ids, and what becomes of user ids under each policy."""

from __future__ import annotations

import hmac
import tomllib
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentill import opaque_id
from tokentill.errors import InvalidCall, InvalidRecord
from tokentill.usage.privacy import POLICIES, Privacy
from tokentill.usage.record import UsageRecord

KEY = "0123456789abcdef" * 2
OTHER = "fedcba9876543210" * 2
EMAIL = "jane@example.org"
USERS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def record(user: str | None = EMAIL, day: int = 5, source: str = "own") -> UsageRecord:
    at = datetime(2026, 10, day, tzinfo=UTC)
    return UsageRecord(model="m", occurred_at=at, quantities={"input": 7}, user=user, source=source, record_id="r")


def privacy(text: str, **environment: str) -> Privacy:
    tables = tomllib.loads(text)
    made = Privacy.from_tables(tables.get("privacy", {}), tables.get("sources", {}), "tokentill.toml")
    return made.keyed(environment) if environment else made


@given(USERS)
def test_an_opaque_id_is_an_hmac_that_anybody_with_the_key_can_make(user: str) -> None:
    expected = hmac.new(KEY.encode(), user.encode(), sha256).hexdigest()[:32]
    assert opaque_id(user, key=KEY) == f"u_{expected}"
    assert opaque_id(user, key=KEY.encode(), prefix="app-") == f"app-{expected}"
    assert opaque_id(user, key=OTHER) != opaque_id(user, key=KEY)
    assert expected not in sha256(user.encode()).hexdigest()


@given(USERS, USERS)
def test_two_users_have_two_ids_and_one_user_has_one(first: str, second: str) -> None:
    assert (opaque_id(first, key=KEY) == opaque_id(second, key=KEY)) == (first == second)


@pytest.mark.parametrize(
    ("user", "key", "message"),
    [
        ("a", "short", "at least 32 bytes"),
        ("a", "", "at least 32 bytes"),
        ("a", None, "at least 32 bytes"),
        ("", KEY, "not empty"),
        (None, KEY, "not empty"),
        ("\ud800", KEY, "lone surrogate"),
    ],
)
def test_a_key_that_can_be_guessed_is_refused(user: Any, key: Any, message: str) -> None:
    with pytest.raises(InvalidCall, match=message) as caught:
        opaque_id(user, key=key)
    assert not key or key not in str(caught.value)


ONE = '[privacy]\nkey_id = "k1"\nkey_env = "A"\n[sources.own]\nprivacy = "hash"\n'
TWO = (
    '[privacy]\nkey_id = "k2"\nkey_env = "B"\nfrom = 2026-10-10T00:00:00Z\n'
    'earlier = [{key_id = "k1", key_env = "A"}]\n[sources.own]\nprivacy = "hash"\n'
)


def test_hashed_users_say_their_key_and_are_the_ids_that_pseudonyms_names() -> None:
    rules = privacy(ONE, A=KEY)
    hashed = rules.applied(record())
    assert hashed.user == opaque_id(EMAIL, key=KEY, prefix="h1:k1:")
    assert [one.id for one in rules.pseudonyms(EMAIL).pseudonyms] == [hashed.user]
    assert hashed.digest != record().digest
    assert rules.applied(record(user=None)).user is None
    assert rules.applied(record(source="other")).user == EMAIL


@given(st.integers(1, 28))
def test_a_record_keeps_its_id_when_a_new_key_begins(day: int) -> None:
    before, after = privacy(ONE, A=KEY), privacy(TWO, A=KEY, B=OTHER)
    assert (before.applied(record(day=day)) == after.applied(record(day=day))) == (day < 10)
    assert after.applied(record(day=day)).user in [one.id for one in after.pseudonyms(EMAIL).pseudonyms]


def test_whoever_calls_himself_by_a_hash_is_not_taken_for_another() -> None:
    rules = privacy(ONE, A=KEY)
    forged = rules.pseudonyms(EMAIL).pseudonyms[0].id
    assert rules.applied(record(user=forged)).user != forged


@pytest.mark.parametrize("policy", POLICIES)
def test_only_reject_refuses_and_never_says_whom(policy: str) -> None:
    rules = privacy(f'[privacy]\npolicy = "{policy}"\nkey_id = "k1"\nkey_env = "A"\n', A=KEY)
    rules.check(record(user="u_12"))
    if policy == "reject":
        with pytest.raises(InvalidRecord, match="email address") as caught:
            rules.check(record())
        assert "jane" not in str(caught.value)
    else:
        rules.check(record())
    assert rules.protects(None) == rules.protects("own") == (policy in ("hash", "reject"))


def test_a_line_of_an_unknown_source_is_protected_as_the_strictest_one() -> None:
    rules = privacy('[sources.own]\nprivacy = "reject"\n')
    assert (rules.protects("own"), rules.protects("other"), rules.protects(None)) == (True, False, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[privacy]\npolicy = "hide"', "privacy.policy is 'hide'; write keep, warn, hash or reject"),
        ('[sources.a]\nprivacy = "x"', "sources.a.privacy is 'x'"),
        ('[privacy]\nkey = "secret"', "privacy.key is not a setting; the settings are earlier, from, key_env, key_id"),
        ('[privacy]\nkey_id = "k1"', "privacy has no key_env"),
        ('[privacy]\nkey_id = "K:1"\nkey_env = "A"', "has to be a lower-case word"),
        (
            '[privacy]\nkey_id = "k2"\nkey_env = "A"\nearlier = [{key_id = "k1", key_env = "B"}]',
            "say from when",
        ),
        ('[privacy]\nkey_id = "k1"\nkey_env = "A"\nfrom = "2026"', "must be an instant like"),
        ('[privacy]\nkey_id = "k1"\nkey_env = "A"\nfrom = 2026-01-01T00:00:00', "has no offset from UTC"),
        (TWO.replace('key_id = "k2"', 'key_id = "k1"'), "that no other key has"),
        ("[privacy]\nearlier = [1]", "must be a table"),
    ],
)
def test_a_wrong_setting_is_named(text: str, message: str) -> None:
    with pytest.raises(InvalidCall) as caught:
        privacy(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("tokentill.toml: ")


def test_a_key_that_is_not_set_is_named_by_its_variable_alone() -> None:
    with pytest.raises(InvalidCall, match="the variable B, with the privacy key 'k2', is not set"):
        privacy(TWO, A=KEY)
    with pytest.raises(InvalidCall, match="shorter than 32 bytes") as caught:
        privacy(ONE, A="hunter2")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(InvalidCall, match="takes a key"):
        Privacy("hash").keyed({})
    assert KEY not in repr(privacy(ONE, A=KEY))
