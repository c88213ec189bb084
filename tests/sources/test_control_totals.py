"""Control totals are read from what sources state, exactly and strictly, and never as records."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.sources.lines import DATA, lines, reading
from tokentill.errors import Refused
from tokentill.sources.reading import Quarantined, read_records
from tokentill.usage.control_totals import ControlTotal

HEADER = b"source,day,model,key,user,requests,tokens,cost\n"


def one_of(content: bytes, **asked: str) -> ControlTotal | Quarantined:
    (item,) = reading(content, **asked)
    assert isinstance(item, (ControlTotal, Quarantined))
    return item


def reason_of(content: bytes, **asked: str) -> str:
    item = one_of(content, **asked)
    assert isinstance(item, Quarantined)
    return item.reason


def daily(**changes: object) -> dict[str, object]:
    return {
        "date": "2026-10-03",
        "model": "a/m",
        "model_permaslug": "a/m-2025",
        "endpoint_id": "e1",
        "provider_name": "P",
        "usage": Decimal("0.1"),
        "byok_usage_inference": Decimal("0.02"),
        "requests": 5,
        "prompt_tokens": 50,
        "completion_tokens": 125,
        "reasoning_tokens": 25,
        **changes,
    }


def summary(*, usage: dict[str, int] | None = None, **changes: object) -> dict[str, object]:
    counted = {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 4}
    row = {"key": "u1", "group": {"end_user": "u1"}, "bucket_start": "2026-10-03T00:00:00.000Z", "event_count": 3}
    return {**row, "usage": {**counted, **(usage or {})}, "cost": {"nano_usd": 1}, **changes}


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("openrouter_daily.json", "openrouter-daily"),
        ("langwatch_summaries.json", "langwatch-summaries"),
        ("control_totals.csv", "control-totals"),
    ],
)
def test_what_states_totals_is_found_by_its_content(name: str, format_: str) -> None:
    opened = read_records(DATA / name)
    assert all(isinstance(item, ControlTotal) for item in opened)
    assert opened.format == format_


def test_openrouters_tokens_are_prompt_and_completion_with_all_that_is_inside_of_them() -> None:
    total = one_of(lines(daily(cached_tokens=999)))
    assert isinstance(total, ControlTotal)
    assert (total.requests, total.tokens, total.cost) == (5, 175, Decimal("0.12"))
    assert (total.source, total.day, total.model, total.model_alias) == (
        *("openrouter", date(2026, 10, 3)),
        *("a/m", "a/m-2025"),
    )


def test_langwatchs_tokens_are_beside_each_other_and_reasoning_is_refused_until_somebody_says_where_it_is() -> None:
    images = {"input_image_tokens": 5, "output_image_tokens": 6}
    total = one_of(lines(summary(usage=images)))
    assert isinstance(total, ControlTotal)
    assert (total.tokens, total.cost, total.user) == (21, Decimal("1e-9"), "u1")
    reasoned = lines(summary(usage={"reasoning_tokens": 2}))
    assert "reasoning" in reason_of(reasoned)
    inside = one_of(reasoned, format="langwatch-summaries:reasoning-inside")
    beside = one_of(reasoned, format="langwatch-summaries:reasoning-beside")
    assert isinstance(inside, ControlTotal)
    assert isinstance(beside, ControlTotal)
    assert (inside.tokens, beside.tokens) == (10, 12)


@pytest.mark.parametrize("starts_at", [None, "2026-10-03T01:00:00Z", "2026-10-03T00:00:00+02:00"])
def test_a_summary_that_is_not_of_a_whole_day_in_utc_is_no_control_total(starts_at: str | None) -> None:
    assert "bucket=day&timezone=UTC" in reason_of(lines(summary(bucket_start=starts_at)))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"s,2026-10-32,,,,1,,", "is not a day"),
        (b"s,2026-10-03T00:00:00Z,,,,1,,", "is not a day like"),
        (b",2026-10-03,,,,1,,", "source is missing"),
        (b"s,2026-10-03,,,,,,", "it states no figure"),
        (b"s,2026-10-03,,,,-1,,", "not a whole number in plain digits"),
        (b"s,2026-10-03,,,,1.0,,", "not a whole number in plain digits"),
        (b"s,2026-10-03,,,,,,-0.5", "outside 0 to"),
        (b"s,2026-10-03,,,,,,NaN", "cost: "),
        (b"s,2026-10-03,,,,9999999999999999,,", "a total has 0 to"),
        (b"s,2026-10-03,,,,1,", "has 7 cells"),
    ],
)
def test_a_line_that_is_no_total_is_quarantined_with_its_reason(row: bytes, reason: str) -> None:
    assert reason in reason_of(HEADER + row + b"\n")


def test_a_column_that_is_not_known_is_refused() -> None:
    with pytest.raises(Refused, match=r"'modle' is not one of a control total .*did you mean 'model'"):
        reading(b"source,day,modle,requests\ns,2026-10-03,m,1\n")


def test_a_quarantined_line_names_its_day_and_can_be_read_again() -> None:
    (bad,) = reading(b"day,requests\n2026-10-03,5\n")
    assert isinstance(bad, Quarantined)
    assert bad.occurred_at is not None
    assert bad.occurred_at.date() == date(2026, 10, 3)
    assert bad.kept is not None
    assert bad.kept.record(source="s") == ControlTotal("s", date(2026, 10, 3), requests=5)


def test_what_a_total_is_can_be_read_again_from_its_content() -> None:
    for name in ("openrouter_daily.json", "langwatch_summaries.json", "control_totals.csv"):
        for total in read_records(DATA / name):
            assert isinstance(total, ControlTotal)
            assert ControlTotal.from_content(total.content()) == total
            assert one_of(total.content_bytes() + b"\n") == total
