"""A record without a user that may decide goes by its API key: key, team, customer, each since an instant."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.builders import attribution
from tokentill.canonical import Content
from tokentill.usage.attribution import Attribution, Binding
from tokentill.usage.ids import callers_tag, team_of
from tokentill.usage.keys import KeyBinding

T1, T2, T3 = (datetime(2026, month, 1, tzinfo=UTC) for month in (9, 10, 11))
UNTRUSTED = attribution({"match": {"user": "customer_{id}"}, "customer": "{id}"}, untrusted_users=["app-*"])


def bound(
    seq: int, key: str | None, team: str | None, customer: str | None, at: datetime = T1, source: str | None = None
) -> KeyBinding:
    return KeyBinding(seq, key, team, customer, at, source)


def owner(
    attributed_by: Attribution,
    user: str | None = None,
    key: str | None = "k",
    *,
    at: datetime = T2,
    source: str = "arouter",
    tags: tuple[str, ...] = (),
) -> str | None:
    return attributed_by.attribute(source=source, user=user, api_key=key, at=at, tags=tags).customer


def keys(*listed: KeyBinding, rules: tuple[Content, ...] = ()) -> Attribution:
    return Attribution(rules, (), listed)


def test_a_key_belongs_to_a_customer_since_an_instant() -> None:
    table = keys(bound(1, "k", None, "acme", T2), bound(2, "k", None, "birch", T3))
    assert [owner(table, at=at) for at in (T1, T2, T3)] == [None, "acme", "birch"]
    assert owner(table, key="other") is owner(table, key=None) is None


def test_of_two_bindings_from_one_instant_the_newer_holds() -> None:
    assert owner(keys(bound(1, "k", None, "acme"), bound(2, "k", None, "birch"))) == "birch"


def test_a_key_goes_with_its_team_wherever_the_team_goes() -> None:
    table = keys(bound(1, "k", "red", None), bound(2, None, "red", "acme"), bound(3, None, "red", "birch", T3))
    assert [owner(table, at=at) for at in (T2, T3)] == ["acme", "birch"]
    why = table.attribute(source="s", user=None, api_key="k", at=T2).because
    assert why.startswith("its api key is of the team red since 2026-09-01T00:00:00Z, which is bound to it since")
    assert table.binding_edges(None, "k") == {T1, T3}


def test_a_binding_of_one_source_holds_for_its_records_alone() -> None:
    table = keys(bound(1, "k", None, "acme", source="openrouter"))
    assert owner(table, source="openrouter") == "acme"
    assert owner(table, source="arouter") is None


def test_a_record_that_names_a_team_goes_with_it_unless_its_key_is_bound() -> None:
    table = keys(bound(1, None, "red", "acme"), bound(2, "k", None, "birch"))
    assert owner(table, key="unbound", tags=("team=red",)) == "acme"
    assert owner(table, key="k", tags=("team=red",)) == "birch"
    assert owner(table, key=None, tags=("team=blue",)) is None


def test_a_key_of_a_team_that_nobody_has_is_nobodys_and_says_so() -> None:
    found = keys(bound(1, "k", "red", None)).attribute(source="s", user=None, api_key="k", at=T2)
    assert found.customer is None
    assert found.because == (
        "no user, and its api key is of the team red since 2026-09-01T00:00:00Z, which is bound to nobody"
    )


def test_a_trusted_user_comes_before_the_key_and_the_key_before_nobody() -> None:
    table = keys(bound(1, "k", None, "acme"))
    assert owner(table, "alice") == "alice"
    assert owner(keys(bound(1, "k", None, "acme"), rules=(attribution(default="unattributed"),)), "alice") == "acme"
    with_user = Attribution((), [Binding(1, "alice", "birch", T1)], [bound(1, "k", None, "acme")])
    assert owner(with_user, "alice") == "birch"


def test_an_empty_user_is_no_user() -> None:
    assert owner(keys(bound(1, "k", None, "acme")), "") == "acme"
    assert owner(keys(), "") is None


def test_the_binding_of_a_key_comes_before_its_rule() -> None:
    rule = attribution({"match": {"api_key": "k"}, "customer": "by-rule"})
    assert owner(keys(rules=(rule,))) == "by-rule"
    assert owner(keys(bound(1, "k", None, "bound"), rules=(rule,))) == "bound"


def test_an_untrusted_user_decides_nothing_and_a_contradiction_is_told() -> None:
    table = Attribution([UNTRUSTED], [Binding(1, "alice", "birch", T1)], [bound(1, "k", None, "acme")])
    for user, other in (("alice", "birch"), ("customer_7", "7"), ("anybody", None), ("cobalt", "cobalt")):
        party = {"source": "app-1", "user": user, "api_key": "k"}
        assert table.attribute(**party, at=T2).customer == "acme"
        assert table.contradicted(**party, at=T2, known={"cobalt"}) == other
        assert table.contradicted(source="app-1", user=user, api_key="unbound", at=T2) is None, "nobody contradicts"
        assert owner(table, user, source="app-1", key="unbound") is None
    assert owner(table, "customer_7", source="trusted") == "7"
    assert table.contradicted(source="trusted", user="customer_7", api_key="k", at=T2) is None


@pytest.mark.parametrize(
    ("tags", "team"),
    [((), None), (("team=a",), "a"), (("team=",), None), (("team=a", "team=b"), None), (("b", "team=x=y"), "x=y")],
)
def test_tags_name_a_team_when_they_name_one(tags: tuple[str, ...], team: str | None) -> None:
    assert team_of(tags) == team


def test_no_tag_of_a_caller_names_a_team() -> None:
    assert team_of([callers_tag("team=theirs")]) is None
    assert callers_tag("prod") == "prod"
