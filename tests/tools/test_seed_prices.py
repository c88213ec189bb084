"""The shipped list prices: what the collected seed says is what the price book answers, exactly."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tokentill import PriceBook, Usage
from tokentill.errors import InvalidFiles, Refused
from tokentill.prices.book import NoPrice
from tokentill.recordings.checking import check_folder
from tokentill.recordings.load import load_folder
from tokentill.shipped import shipped_folder
from tools.seed_prices import import_seed

SEED = Path(__file__).parent / "data" / "prices_seed.json"
MODELS: list[dict[str, Any]] = json.loads(SEED.read_text(encoding="utf-8"))["models"]
IN_OCTOBER = datetime(2026, 10, 15, 12, tzinfo=UTC)
RECORDED_AT = datetime(2026, 11, 23, tzinfo=UTC)
BOOK = PriceBook.load(as_of=RECORDED_AT)
LEAVES = {"cache_audio_read": "input_audio_cache_read", "cache_image_read": "input_image_cache_read"}
COUNT = 1_000_003


def interval_at(model: dict[str, Any], at: datetime) -> dict[str, Any]:
    """The interval of the seed in force at an instant, read without any code of the package."""
    instant = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return next(
        interval
        for interval in model["prices"]
        if (interval["valid_from"] or "") <= instant
        and (interval["valid_to"] is None or instant < interval["valid_to"])
    )


def leaf_rates(written: dict[str, str]) -> dict[str, Fraction]:
    return {LEAVES.get(name, name): Fraction(rate) for name, rate in written.items() if not name.endswith("_per_1k")}


def fees(written: dict[str, str]) -> dict[str, Fraction]:
    return {name[:-7]: Fraction(rate) / 1000 for name, rate in written.items() if name.endswith("_per_1k")}


def booked(model: str, at: datetime, mode: str, input_total: int) -> dict[str, Fraction]:
    """The rates per million that the price book uses."""
    plan = BOOK.rate_card(model, at=at, mode=mode, input_total=input_total)
    assert not isinstance(plan, NoPrice), plan
    return {name: Fraction(rate) * 1_000_000 / plan.entry.per for name, rate in plan.choice.rates.items()}


def sets_of(model: dict[str, Any], at: datetime) -> Iterator[tuple[str, int, dict[str, str]]]:
    """Mode, input total and rates of everything that the seed says of a model at an instant."""
    interval = interval_at(model, at)
    modes = {"standard": {**interval, "rates": interval["rates"] | interval.get("rates_only_in_litellm", {})}}
    if interval is interval_at(model, RECORDED_AT):
        modes |= model.get("modes", {})
    for mode, rates in modes.items():
        yield mode, 0, rates["rates"]
        for tier in rates.get("context_tiers", ()):
            first = tier["input_tokens"] + (1 if tier["input_tokens_op"] == ">" else 0)
            yield mode, first - 1, rates["rates"]
            yield mode, first, tier["rates"]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model["model"])
@pytest.mark.parametrize("at", [IN_OCTOBER, RECORDED_AT], ids=["october", "now"])
def test_the_book_has_the_rates_of_the_seed(model: dict[str, Any], at: datetime) -> None:
    for name in (model["model"], *model["aliases"]):
        for mode, input_total, rates in sets_of(model, at):
            expected = leaf_rates(rates)
            if "embedding" in name:
                expected.pop("output", None)  # a listed zero for something that an embedding does not have
            assert booked(name, at, mode, input_total) == expected


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model["model"])
def test_a_request_costs_what_the_seed_says(model: dict[str, Any]) -> None:
    interval = interval_at(model, IN_OCTOBER)
    rates, counters = leaf_rates(interval["rates"]), fees(interval["rates"])
    quantities = dict.fromkeys(rates, COUNT) | dict.fromkeys(counters, 1 if "request" in counters else 7)

    rated = BOOK.rate(Usage(model["model"], IN_OCTOBER, quantities, input_tokens=1000))

    expected = sum(rate * COUNT / 1_000_000 for rate in rates.values())
    expected += sum(price * quantities[name] for name, price in counters.items())
    assert rated.status == "priced"
    assert rated.amount is not None
    assert Fraction(rated.amount) == expected


@pytest.mark.parametrize("model", [model for model in MODELS if len(model["prices"]) > 1], ids=lambda m: m["model"])
def test_each_interval_begins_and_ends_on_the_instant(model: dict[str, Any]) -> None:
    for interval in model["prices"]:
        for bound, step in ((interval["valid_from"], timedelta(0)), (interval["valid_to"], timedelta(seconds=-1))):
            if bound is not None:
                at = datetime.fromisoformat(bound) + step
                assert booked(model["model"], at, "standard", 0) == leaf_rates(interval["rates"])


@pytest.mark.parametrize(
    "model", [m for m in MODELS if any("time_windows" in i for i in m["prices"])], ids=lambda m: m["model"]
)
def test_peak_hours_have_their_own_rates_on_their_days(model: dict[str, Any]) -> None:
    interval = interval_at(model, IN_OCTOBER)
    (window,) = interval["time_windows"]
    peak, usual = leaf_rates(window["rates"]), leaf_rates(interval["rates"])
    thursday, saturday = datetime(2026, 10, 15, tzinfo=UTC), datetime(2026, 10, 17, tzinfo=UTC)

    for starts, ends in window["utc"]:
        for text, inside in ((starts, True), (ends, False)):
            at = timedelta(hours=int(text[:2]), minutes=int(text[3:]))
            assert booked(model["model"], thursday + at, "standard", 0) == (peak if inside else usual)
            assert booked(model["model"], saturday + at, "standard", 0) == usual


def test_geography_multiplies_every_rate() -> None:
    for model in MODELS:
        for name, factor in model.get("multipliers", {}).items():
            geo = {"_us": "us", "_eu": "eu"}.get(name.removesuffix("_multiplier")[-3:])
            if geo is None:
                continue
            usage = {"input": COUNT, "output": COUNT}
            plain = BOOK.rate(Usage(model["model"], IN_OCTOBER, usage, input_tokens=9)).amount
            there = BOOK.rate(Usage(model["model"], IN_OCTOBER, usage, geo=geo, input_tokens=9)).amount
            assert plain is not None
            assert there == plain * Decimal(factor)


def test_a_fast_mode_costs_its_factor() -> None:
    fast = [model for model in MODELS if "speed_fast_multiplier" in model.get("multipliers", {})]

    assert len(fast) == 3
    for model in fast:
        standard = booked(model["model"], IN_OCTOBER, "standard", 0)
        assert booked(model["model"], IN_OCTOBER, "fast", 0) == {name: 2 * rate for name, rate in standard.items()}


def test_modes_are_those_of_the_interval_in_force_not_of_an_announced_one() -> None:
    announced = datetime(2026, 12, 1, tzinfo=UTC)

    assert booked("google/gemini-4-argon", IN_OCTOBER, "batch", 0)["input"] == 1
    assert isinstance(BOOK.rate(Usage("google/gemini-4-argon", announced, {"input": 1}, mode="batch")).reason, str)


def test_a_cache_write_of_unknown_time_is_priced_only_where_the_time_cannot_matter() -> None:
    usage = {"cache_write": 1000}

    assert BOOK.rate(Usage("openai/gpt-6-sol", IN_OCTOBER, usage)).amount == Decimal("0.0025")
    assert BOOK.rate(Usage("anthropic/claude-sonnet-4.6", IN_OCTOBER, usage)).status == "unpriced"


def test_the_shipped_folder_is_clean_and_released() -> None:
    folder = load_folder()

    assert check_folder() == []
    of_the_seed = [content for content in folder.prices if content["recorded_at"] == "2026-11-23T00:00:00Z"]
    assert len(of_the_seed) == 12
    assert sum(len(content["price"]) for content in of_the_seed) == 100
    released = json.loads((shipped_folder("pricing") / "lock.json").read_text(encoding="utf-8"))
    assert released == {path: hash_ for hash_, path in folder.paths.items() if path in released}
    assert set(folder.paths.values()) == set(released)


@pytest.mark.parametrize(
    ("model", "before", "since"),
    [("google/gemini-2.5-pro", "1.25", "0.25"), ("google/gemini-3.1-pro-preview", "2", "0.4")],
)
def test_cached_input_of_a_long_gemini_batch_costs_as_in_the_standard_mode(model: str, before: str, since: str) -> None:
    """A correction of 2026-11-25: the first recording had no such rate, and fell back to the rate of input."""
    usage = Usage(model, IN_OCTOBER, {"cache_read": 1_000_000}, mode="batch")
    standard = Usage(model, IN_OCTOBER, {"cache_read": 1_000_000})

    assert BOOK.rate(usage).amount == Decimal(before)
    assert PriceBook.load().rate(usage).amount == Decimal(since) == PriceBook.load().rate(standard).amount


def test_the_import_is_deterministic_and_gives_the_shipped_files(tmp_path: Path) -> None:
    written = import_seed(SEED, tmp_path / "models")

    assert len(written) == 12
    for path in written:
        assert path.read_bytes() == (shipped_folder("pricing") / "models" / path.name).read_bytes()
    assert import_seed(SEED, tmp_path / "models") == written


def test_the_import_never_overwrites_another_content(tmp_path: Path) -> None:
    written = import_seed(SEED, tmp_path)
    written[3].write_text("# mine\n", encoding="utf-8")

    with pytest.raises(Refused, match="exists with another content"):
        import_seed(SEED, tmp_path)
    assert written[3].read_text(encoding="utf-8") == "# mine\n"


@pytest.mark.parametrize(
    ("place", "key"),
    [
        ("model", "colour"),
        ("interval", "discount"),
        ("tier", "marginal"),
        ("mode", "surcharge"),
        ("multipliers", "planet_mars_multiplier"),
    ],
)
def test_a_key_that_the_import_does_not_know_is_an_error(tmp_path: Path, place: str, key: str) -> None:
    seed = json.loads(SEED.read_text(encoding="utf-8"))
    model = seed["models"][0]
    targets = {
        "model": model,
        "interval": model["prices"][0],
        "tier": model["prices"][0]["context_tiers"][0],
        "mode": model["modes"]["batch"],
        "multipliers": model["multipliers"],
    }
    targets[place][key] = "1"
    file = tmp_path / "seed.json"
    file.write_text(json.dumps(seed, indent=1), encoding="utf-8")
    line = next(n for n, text in enumerate(file.read_text().split("\n"), 1) if f'"{key}"' in text)

    with pytest.raises(InvalidFiles) as refused:
        import_seed(file, tmp_path / "out")
    assert [finding.where for finding in refused.value.findings] == [f"{file}:{line}"]
    assert not (tmp_path / "out").exists()


def test_an_edit_of_a_shipped_price_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "pricing"
    shutil.copytree(shipped_folder("pricing"), folder)
    file = folder / "models" / "openai.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("input = 2.5,", "input = 2.4,", 1), encoding="utf-8")

    assert [finding.where for finding in check_folder(folder)] == [f"{file}:1"]
