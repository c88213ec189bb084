"""Whose a record is: bindings, then the first rule that fits, then the default; ids are compared byte for byte."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentill.usage.attribution import Attribution, Binding

T1, T2, T3 = (datetime(2026, month, 1, tzinfo=UTC) for month in (9, 10, 11))


def recording(
    *rules: dict[str, Any], default: str = "each-user", at: datetime = T1, recorded: datetime = T1
) -> dict[str, Any]:
    return {
        "kind": "attribution",
        "recorded_at": recorded.isoformat().replace("+00:00", "Z"),
        "valid_from": at.isoformat().replace("+00:00", "Z"),
        "default": default,
        "rule": list(rules),
    }


def rule(customer: str, **match: str) -> dict[str, Any]:
    return {"match": match, "customer": customer}


def customer(
    attribution: Attribution,
    user: str | None,
    *,
    source: str = "arouter",
    api_key: str | None = None,
    at: datetime = T2,
) -> str | None:
    return attribution.attribute(source=source, user=user, api_key=api_key, at=at).customer


def test_without_rules_every_user_is_a_customer_and_nobody_is_unattributed() -> None:
    attribution = Attribution([])
    assert customer(attribution, "user_1") == "user_1"
    assert customer(attribution, None) is None
    assert customer(attribution, None, api_key="key_1") is None


def test_an_exact_user_leads_to_a_customer() -> None:
    attribution = Attribution([recording(rule("acme", user="user_1"), default="unattributed")])
    assert customer(attribution, "user_1") == "acme"
    assert customer(attribution, "user_2") is None


@pytest.mark.parametrize("other", ["USER_1", "user_1 ", " user_1", "user_1\u200b", "user_10", "xuser_1", "ｕser_1"])
def test_ids_that_look_alike_are_others(other: str) -> None:
    attribution = Attribution([recording(rule("acme", user="user_1"))], [Binding(1, "user_1", "bound", T1)])
    assert customer(attribution, other) == other


def test_equivalent_unicode_is_not_the_same_id() -> None:
    attribution = Attribution([recording(rule("acme", user="caf\u00e9"))])
    assert customer(attribution, "cafe\u0301") == "cafe\u0301"


def test_a_template_takes_the_id_out_of_the_user() -> None:
    attribution = Attribution([recording(rule("{id}", user="customer_{id}"), rule("org-{id}", user="org_{id}"))])
    assert customer(attribution, "customer_acme") == "acme"
    assert customer(attribution, "org_7") == "org-7"
    assert customer(attribution, "customer_") == "customer_"
    assert customer(attribution, "my_customer_acme") == "my_customer_acme"


@given(st.text(min_size=1))
def test_a_template_takes_any_characters_as_they_are(found: str) -> None:
    attribution = Attribution([recording(rule("{id}", user="a.*{id}+z"))])
    assert customer(attribution, f"a.*{found}+z") == found


def test_the_first_rule_that_fits_wins() -> None:
    rules = (rule("first", user="org_1"), rule("second", user="org_{id}"))
    assert customer(Attribution([recording(*rules)]), "org_1") == "first"
    assert customer(Attribution([recording(*reversed(rules))]), "org_1") == "second"


def test_every_key_of_a_rule_must_fit() -> None:
    attribution = Attribution([recording(rule("x", user="org_{id}", source="arouter"), default="unattributed")])
    assert customer(attribution, "org_1") == "x"
    assert customer(attribution, "org_1", source="openrouter") is None
    assert customer(attribution, None) is None


def test_a_record_without_user_falls_to_its_api_key() -> None:
    attribution = Attribution([recording(rule("billing", api_key="key_billing"))])
    assert customer(attribution, None, api_key="key_billing") == "billing"
    assert customer(attribution, None, api_key="key_other") is None
    assert customer(attribution, "user_1", api_key="key_other") == "user_1"


def test_unattributed_says_why() -> None:
    attribution = Attribution([recording(default="unattributed")])
    by_default = attribution.attribute(source="s", user="u", api_key=None, at=T2)
    nameless = attribution.attribute(source="s", user=None, api_key="k", at=T2)
    assert by_default.because == "no rule fits, and the default is unattributed"
    assert nameless.because == "no user, and no rule for its api key"


def test_a_binding_holds_from_its_instant_on_and_comes_before_the_rules() -> None:
    attribution = Attribution([recording(rule("by-rule", user="u"))], [Binding(1, "u", "bound", T2)])
    assert customer(attribution, "u", at=T1) == "by-rule"
    assert customer(attribution, "u", at=T2) == "bound"
    assert customer(attribution, "u", at=T3) == "bound"


def test_the_latest_binding_wins_and_then_the_one_told_last() -> None:
    bindings = [Binding(1, "u", "late", T3), Binding(2, "u", "early", T1), Binding(3, "u", "corrected", T1)]
    attribution = Attribution([], bindings)
    assert [customer(attribution, "u", at=at) for at in (T1, T2, T3)] == ["corrected", "corrected", "late"]


def test_a_binding_may_concern_one_source() -> None:
    attribution = Attribution([], [Binding(1, "u", "bound", T1, source="openrouter")])
    assert customer(attribution, "u", source="openrouter") == "bound"
    assert customer(attribution, "u", source="arouter") == "u"


def test_the_newest_recording_replaces_all_rules() -> None:
    old, new = recording(rule("old", user="a")), recording(rule("new", user="b"), at=T2)
    attribution = Attribution([new, old])
    assert customer(attribution, "a", at=T1) == "old"
    assert customer(attribution, "a", at=T2) == "a"
    assert customer(attribution, "b", at=T2) == "new"
    corrected = recording(rule("corrected", user="a"), recorded=T3)
    assert customer(Attribution([corrected, old]), "a", at=T1) == "corrected"


def test_edges_are_where_something_may_change() -> None:
    attribution = Attribution([recording(at=T1)], [Binding(1, "u", "c", T2), Binding(2, "v", "c", T3)])
    assert attribution.rule_edges() == {T1}
    assert (attribution.binding_edges("u"), attribution.binding_edges("v")) == ({T2}, {T3})
    assert Attribution([]).rule_edges() == Attribution([]).binding_edges("u") == set()


def test_other_kinds_of_recordings_are_left_alone() -> None:
    assert Attribution([{"kind": "prices"}]).recordings == ()
    assert len(Attribution([recording()]).recordings) == 1
