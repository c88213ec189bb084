"""A record that exists is valid, and its digest is a function of its canonical content alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentill.canonical import canonical_bytes
from tokentill.errors import InvalidRecord
from tokentill.usage.ids import looks_personal
from tokentill.usage.record import STATUSES, Usage, UsageRecord

AT = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)
IDS = st.text(min_size=1, max_size=20)


def checked(**changes: Any) -> UsageRecord:
    fields: dict[str, Any] = {"source": "s", "record_id": "r", "occurred_at": AT, "model": "m", "quantities": {}}
    return UsageRecord(**{**fields, **changes})


@given(
    source=IDS,
    record_id=IDS,
    model=IDS,
    user=st.none() | st.text(max_size=20),
    provider=st.none() | IDS,
    geo=st.none() | IDS,
    tags=st.lists(IDS | st.just("response-cache"), max_size=3),
    status=st.sampled_from(STATUSES),
    is_byok=st.booleans(),
    is_replayed=st.booleans(),
    cost=st.none() | st.decimals(0, 1_000_000, places=12),
    occurred_at=st.datetimes(
        AT.replace(year=1972, tzinfo=None),
        AT.replace(year=2198, tzinfo=None),
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7))]),
    ),
    quantities=st.dictionaries(st.sampled_from(["input", "output", "reasoning", "web_search"]), st.integers(0, 10**12)),
)
def test_the_digest_is_that_of_the_canonical_bytes(**fields: Any) -> None:
    try:
        record = UsageRecord(**fields)
    except InvalidRecord:
        return
    assert record.content_bytes() == canonical_bytes(record.content())
    assert record.digest == sha256(canonical_bytes(record.content())).digest()[:16]
    again = UsageRecord(**{**fields, "quantities": dict(reversed(fields["quantities"].items()))})
    assert again.digest == record.digest


@pytest.mark.parametrize(
    "change",
    [
        {"source": "t"},
        {"record_id": "q"},
        {"occurred_at": AT + timedelta(microseconds=1)},
        {"model": "n"},
        {"quantities": {"input": 1}},
        {"user": "u"},
        {"api_key": "u"},
        {"provider": "u"},
        {"mode": "batch"},
        {"geo": "us"},
        {"tags": ["a"]},
        {"status": "error"},
        {"usage_state": "missing"},
        {"is_byok": True},
        {"cost": Decimal(0)},
    ],
)
def test_every_field_is_part_of_the_digest(change: dict[str, Any]) -> None:
    assert checked(**change).digest != checked().digest


def test_how_a_value_was_written_is_not_part_of_the_digest() -> None:
    local = AT.astimezone(timezone(timedelta(hours=2)))
    one = checked(occurred_at=local, cost=Decimal("0.10"), tags=["b", "a", "b"], user="", quantities={"input": 0})
    other = checked(cost=Decimal("1E-1"), tags=("a", "b"), quantities={"request": 1})
    assert one.digest == other.digest
    assert one.tags == ("a", "b")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"source": ""}, "source is missing"),
        ({"record_id": None}, "record_id is missing"),
        ({"model": 5}, "model is a whole number, not a text"),
        ({"user": []}, "user is a list, not a text"),
        ({"occurred_at": datetime(2026, 10, 5)}, "occurred_at has no time zone"),  # noqa: DTZ001
        ({"occurred_at": "2026-10-05"}, "occurred_at is a text, not an instant"),
        ({"occurred_at": datetime(1970, 12, 31, tzinfo=UTC)}, "outside the years 1971 to 2199"),
        ({"occurred_at": datetime(2200, 1, 1, tzinfo=UTC)}, "outside the years 1971 to 2199"),
        ({"quantities": {"input": 10**5000}}, "input is a whole number of 16610 bits"),
        ({"quantities": {"input": -(10**5000)}}, "input is negative (a whole number of 16610 bits)"),
        ({"quantities": {"input": True}}, "input is true, not a whole number"),
        ({"quantities": {"input": 1.5}}, "input is a number with a point, not a whole number"),
        ({"quantities": {7: 1}}, "'7' is not the name of a quantity"),
        ({"quantities": None}, "quantities is null"),
        ({"quantities": {"request": 2}}, "a record is one request"),
        ({"quantities": {"input": 1}, "usage_state": "missing"}, "usage_state is missing, but"),
        ({"cost": 0.5}, "cost is a number with a point, not an amount"),
        ({"cost": Decimal("NaN")}, "cost NaN is outside"),
        ({"cost": Decimal("sNaN")}, "cost sNaN is outside"),
        ({"cost": Decimal("-0.01")}, "cost -0.01 is outside"),
        ({"cost": Decimal("1E-25")}, "more than 24 digits after the point"),
        ({"cost": Decimal("0." + "1" * 25)}, "more than 24 digits after the point"),
        ({"cost": Decimal("0." + "1" * 200)}, "more digits than an exact amount may have"),
        ({"cost": Decimal("1E-999999")}, "more than 24 digits after the point"),
        ({"is_byok": "true"}, "is_byok is a text"),
        ({"tags": "ab"}, "tags is a text"),
        ({"tags": 5}, "tags is a whole number"),
        ({"mode": "Batch"}, "mode 'Batch' is not"),
        ({"status": "fine"}, "status 'fine' is not one of"),
        ({"user": "a\nb"}, "user holds the control character U+000A"),
        ({"user": "é" * 257}, "user is 514 bytes long"),
    ],
)
def test_a_record_that_cannot_be_is_refused_with_the_reason(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRecord) as refusal:
        checked(**change)
    assert reason in str(refusal.value)


@pytest.mark.parametrize("user", ["u" * 512, "a b", " a", "é山", "A", "a\u200b", "😀" * 128])
def test_a_user_id_is_kept_byte_for_byte(user: str) -> None:
    assert checked(user=user).user == user


def test_what_looks_like_a_person_is_told() -> None:
    assert looks_personal("jane@example.org") == "email address"
    assert looks_personal("+49 30 1234567") == "phone number"
    assert looks_personal("user_12345") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quantities": {"input": -1}}, "input is negative"),
        ({"quantities": {"input": 1.5}}, "input is a number with a point, not a whole number"),
        ({"record_id": ""}, "record_id is missing"),
        ({"occurred_at": datetime(2026, 10, 5)}, "occurred_at has no time zone"),  # noqa: DTZ001
        ({"input_tokens": 5}, "input_tokens is for sums of requests"),
        ({"cost": 1}, "cost is a whole number, not an amount"),
    ],
)
def test_no_way_leads_to_a_record_that_is_not_valid(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRecord, match=message):
        checked(**change)
    with pytest.raises(InvalidRecord, match=message):
        replace(checked(), **change)


def test_a_usage_becomes_a_record_in_one_call() -> None:
    usage = Usage("m", AT, {"input": 5, "output": 0, "request": 1}, user="u", mode="batch", cost=Decimal("0.5"))
    assert usage.record(record_id="r", source="arouter") == UsageRecord(
        source="arouter",
        record_id="r",
        occurred_at=AT,
        model="m",
        quantities={"input": 5},
        user="u",
        mode="batch",
        cost=Decimal("0.5"),
    )
    known = replace(usage, record_id="own", source="openai")
    assert (known.record().record_id, known.record().source) == ("own", "openai")
    assert known.record(record_id="theirs").record_id == "theirs"


@pytest.mark.parametrize(
    ("usage", "message"),
    [
        (Usage("m", AT, {}, source="s"), "the usage has no id of its own; pass record_id="),
        (Usage("m", AT, {}, record_id="r"), "the usage has no source; pass source="),
        (Usage("m", AT, {"request": 2}, source="s", record_id="r"), "a record is one request"),
        (Usage("m", AT, {}, source="s", record_id="r", input_tokens=7), "input_tokens is for sums of requests"),
    ],
)
def test_what_is_not_one_known_request_is_no_record(usage: Usage, message: str) -> None:
    with pytest.raises(InvalidRecord, match=message):
        usage.record()


def test_a_record_that_is_no_replay_has_the_digest_that_it_had_before_there_was_a_word_for_it() -> None:
    assert "is_replayed" not in checked().content()
    assert checked(is_replayed=True).content()["is_replayed"] is True
    assert checked(is_replayed=True).digest != checked().digest


def test_the_tag_of_a_replay_says_that_it_is_one_and_keeps_its_digest() -> None:
    tagged = checked(tags=("response-cache",))
    assert tagged.is_replayed
    assert tagged.digest == checked(tags=("response-cache",), is_replayed=True).digest
    assert "is_replayed" not in tagged.content()
    assert not checked(tags=("no-response-cache",)).is_replayed
