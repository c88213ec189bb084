"""What `prices import` takes from a catalog, what it leaves alone, and what it refuses."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.catalogs.texts import EFFECTIVE, model, openrouter, planned, reasons
from tests.recordings.files import entry, prices, write_folder
from tokentill import PriceBook, Usage
from tokentill.catalogs import read_catalog, write_import
from tokentill.errors import InvalidCall, InvalidFiles, Refused
from tokentill.recordings.checking import check_folder


def test_a_new_model_a_changed_one_and_one_that_vanished(tmp_path: Path) -> None:
    table = prices(
        entry("v/same", rates="input = 2, output = 8"),
        entry("v/dearer", rates="input = 1.6, output = 8"),
        entry("v/gone", rates="input = 1"),
    )
    catalog = openrouter(model("v/same"), model("v/dearer"), model("v/new"))

    plan = planned(tmp_path, catalog, table)
    path = write_import(plan, tmp_path / "pricing" / "models")

    assert [one.model for one in plan.added] == ["v/new"]
    assert [(one.model, one.changes[0].before, one.changes[0].after) for one in plan.changed] == [
        ("v/dearer", Decimal("1.6"), Decimal(2))
    ]
    assert plan.vanished == ("v/gone",)
    assert plan.unchanged == ("v/same",)
    assert path == tmp_path / "pricing" / "models" / "openrouter-2026-12-01.toml"
    book = PriceBook.load(tmp_path / "pricing")
    for name, before, after in [
        ("v/dearer", "1.6", "2"),
        ("v/same", "2", "2"),
        ("v/gone", "1", "1"),
        ("v/new", None, "2"),
    ]:
        usage = {"input": 1_000_000}
        earlier = book.rate(Usage(name, datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), usage)).amount
        assert earlier == (None if before is None else Decimal(before))
        assert book.rate(Usage(name, EFFECTIVE, usage)).amount == Decimal(after)
    assert check_folder(tmp_path / "pricing") == []


def test_a_second_import_of_the_same_catalog_has_nothing_to_write(tmp_path: Path) -> None:
    catalog = openrouter(model("v/a"), model("v/b", input_cache_read="0.0000002"))
    write_import(planned(tmp_path, catalog, prices(entry("v/a"))), tmp_path / "pricing" / "models")

    again = planned(tmp_path, catalog)

    assert (again.added, again.changed, again.recording) == ((), (), None)
    assert write_import(again, tmp_path / "pricing" / "models") is None


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    plan = planned(tmp_path, openrouter(model("v/a")))
    write_import(plan, tmp_path / "out")

    with pytest.raises(Refused, match="exists; a recording is not overwritten"):
        write_import(plan, tmp_path / "out")


def test_what_the_catalog_does_not_tell_of_a_changed_price_is_a_conflict_and_not_lost(tmp_path: Path) -> None:
    table = prices(entry("v/a", rates="input = 1, output = 8", more="[price.mode.batch]\nrates = { input = 0.5 }\n"))
    catalog = openrouter(model("v/a"))

    plan = planned(tmp_path, catalog, table)
    replaced = planned(tmp_path, catalog, table, is_replacing=True)

    assert plan.recording is None
    assert [(one.model, one.reason) for one in plan.conflicts] == [
        ("v/a", "its price changed, and the catalog does not state input (batch), which the folder has")
    ]
    assert [change.rates for change in replaced.changed[0].changes] == ["standard", "batch"]
    assert replaced.recording is not None
    assert replaced.recording["price"][0]["drops"] == ["mode.batch"]


def test_what_the_catalog_tells_beside_an_equal_price_is_added_to_it(tmp_path: Path) -> None:
    more = 'aliases = ["a"]\nfallback = { input_image = "input" }\n[price.mode.batch]\nrates = { input = 1 }\n'
    table = prices(entry("v/a", rates="input = 2, output = 8", more=more))

    plan = planned(tmp_path, openrouter(model("v/a", input_cache_read="0.0000002", web_search="0.01")), table)

    assert plan.recording is not None
    (price,) = plan.recording["price"]
    assert price["rates"] == {"input": "2", "output": "8", "cache_read": "0.2"}
    assert price["fees"] == {"web_search": {"price": "10", "per": 1000}}
    assert price["mode"] == {"batch": {"rates": {"input": "1"}}}
    assert (price["aliases"], price["fallback"]) == (["a"], {"input_image": "input"})


def test_a_model_that_the_catalog_lists_twice_at_two_prices_is_a_conflict(tmp_path: Path) -> None:
    table = prices(entry("v/a", rates="input = 1", more='aliases = ["v/b"]\n'))

    plan = planned(tmp_path, openrouter(model("v/a"), model("v/b", "0.000003")), table)

    assert [one.reason for one in plan.conflicts] == ["the catalog lists it twice, with 2 and 3 for input (standard)"]
    assert plan.recording is None


def test_only_takes_what_a_glob_fits_and_misses_nothing_else(tmp_path: Path) -> None:
    table = prices(entry("v/gone"), entry("w/gone"))

    plan = planned(tmp_path, openrouter(model("v/a"), model("w/a")), table, only=["v/*"])

    assert [one.model for one in plan.added] == ["v/a"]
    assert plan.vanished == ("v/gone",)


def test_an_import_that_would_have_no_effect_is_refused(tmp_path: Path) -> None:
    table = prices(entry("v/a", valid_from="2026-12-01T00:00:00Z"), recorded_at="2026-11-26T00:00:00Z")

    with pytest.raises(Refused, match="recorded later"):
        planned(tmp_path, openrouter(model("v/a")), table)


def test_a_routing_suffix_of_a_catalog_does_not_stand_for_the_model_without_it(tmp_path: Path) -> None:
    table = prices(entry("v/a", rates="input = 2, output = 8"))

    plan = planned(tmp_path, openrouter(model("v/a"), model("v/a:nitro", "0.000009")), table)

    assert plan.unchanged == ("v/a",)
    assert [one.model for one in plan.added] == ["v/a:nitro"]


HOSTILE = {
    "not a number": (float("nan"), "NaN"),
    "endless": (float("inf"), "Infinity"),
    "negative": ("-0.000002", "is negative"),
    "float noise": ("0.00000030000000000000004", "float noise; --round takes"),
    "as many digits as a page": ("0." + "1" * 5000, "too long"),
    "a whole number of many digits": (int("9" * 60), "more digits than are accepted"),
    "an exponent that fills the memory": ("1e99999999", "not a decimal number"),
    "words": ("two", "not a decimal number"),
    "digits of another script": ("٠.٠٠٠١", "not a decimal number"),
    "true": (True, "not a number"),
    "a list": (["0.1"], "not a number"),
    "a table": ({"usd": 1}, "not a number"),
}


@pytest.mark.parametrize(("value", "reason"), HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", ["openrouter", "arouter", "litellm", "models.dev"])
def test_a_figure_that_is_none_leaves_its_model_out_and_stops_no_other(
    tmp_path: Path, kind: str, value: Any, reason: str
) -> None:
    good = {
        "litellm": {"litellm_provider": "v", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06},
        "models.dev": {"cost": {"input": 2, "output": 8}},
    }
    bad = {
        "litellm": {**good["litellm"], "input_cost_per_token": value},
        "models.dev": {"cost": {"input": value, "output": 8}},
    }
    text = {
        "litellm": json.dumps({"bad": bad["litellm"], "good": good["litellm"]}),
        "models.dev": json.dumps({"v": {"models": {"bad": bad["models.dev"], "good": good["models.dev"]}}}),
    }.get(kind, openrouter(model("v/bad", value), model("v/good")))

    plan = planned(tmp_path, text, kind=kind)

    assert [(one.model, str(one.standard.rates["input"])) for one in plan.added] == [("v/good", "2")]
    assert reason in reasons(plan)["v/bad"]


BROKEN = {
    "empty": ("", "not valid JSON"),
    "cut off": ('{"data": [', "not valid JSON"),
    "a list": ("[]", "not a table"),
    "deep": ('{"data": ' + "[" * 90000 + "]" * 90000 + "}", "nested"),
    "deeper than any catalog": ('{"data": ' + "[" * 40 + "]" * 40 + "}", "nested more than 12"),
    "a key twice": ('{"data": [],\n "data": []}', "written twice"),
    "a number of a million digits": ('{"data": 1' + "0" * 1_000_000 + "}", "too many digits"),
    "another shape": ('{"prices": []}', "not the shape of openrouter"),
    "a model that is a text": ('{"data": ["v/a"]}', "a model without an id"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_catalog_that_is_none_is_refused_with_its_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidFiles, match=message) as refused:
        planned(tmp_path, text)
    assert refused.value.findings[0].where.startswith(f"{tmp_path}/catalog.json:")
    assert refused.value.findings[0].hint


@pytest.mark.parametrize("name", ["v/a b", "v/\x1b[31m", "v/" + "a" * 600, " ", "v/\u202ea"])
def test_an_id_that_is_no_id_is_a_conflict_and_stops_no_other(tmp_path: Path, name: str) -> None:
    plan = planned(tmp_path, openrouter(model(name), model("v/good")))

    assert [one.model for one in plan.added] == ["v/good"]
    assert [one.model for one in plan.conflicts] == [name]


def test_noise_becomes_the_number_that_was_meant_when_asked(tmp_path: Path) -> None:
    catalog = openrouter(model("v/a", "0.00000030000000000000004"))

    plan = planned(tmp_path, catalog, rounded=True)

    assert plan.added[0].standard.rates["input"] == Decimal("0.3")


def test_openrouter_conditions_all_hold_and_the_later_one_wins(tmp_path: Path) -> None:
    overrides = [
        {"min_prompt_tokens": 200000, "prompt": "0.000004", "completion": "0.000012"},
        {"utc_start": 100, "utc_end": 1030, "utc_days": ["monday", "friday"], "prompt": "0.000001"},
    ]
    plan = planned(tmp_path, openrouter(model("v/a", overrides=overrides)))
    assert plan.recording is not None
    book = PriceBook([plan.recording])
    friday, saturday = datetime(2026, 12, 4, 10, 29, tzinfo=UTC), datetime(2026, 12, 5, 10, 29, tzinfo=UTC)

    def price(at: datetime, input_total: int) -> tuple[str, str]:
        found = book.rate_card("v/a", at=at, mode=None, input_total=input_total)
        return str(found.choice.rates["input"]), str(found.choice.rates["output"])  # type: ignore[union-attr]

    assert price(saturday, 200_000) == ("2", "8")
    assert price(saturday, 200_001) == ("4", "12")
    assert price(friday, 200_000) == ("1", "8")
    assert price(friday, 200_001) == ("1", "12")
    assert price(friday.replace(minute=30), 1) == ("2", "8")


def test_openrouter_models_without_one_price_are_left_out(tmp_path: Path) -> None:
    models = [
        model("auto", "-1", "-1"),
        model("v/sale", discount=0.25),
        model("v/odd", overrides=[{"moon": "full", "prompt": "1"}]),
        model("v/image", image="0.01"),
        model("v/gift:free", "0", "0"),
        {"id": "v/none"},
    ]

    plan = planned(tmp_path, openrouter(*models))

    assert reasons(plan) == {
        "auto": "its price depends on the model that a request is passed on to",
        "v/sale": "it is discounted; state by hand what you are charged",
        "v/odd": "an override with 'moon', which this reader does not know",
        "v/image image": "no quantity of a record is counted like this",
        "v/none": "it has no pricing",
    }
    assert [(one.model, one.is_free) for one in plan.added] == [("v/gift:free", True), ("v/image", False)]


def test_litellm_conditions_come_out_of_the_names_of_keys(tmp_path: Path) -> None:
    entries = {
        "sample_spec": {"input_cost_per_token": 0, "litellm_provider": "one of"},
        "m": {
            "litellm_provider": "xai",
            "input_cost_per_token": 2e-06,
            "input_cost_per_token_above_200k_tokens": 4e-06,
            "input_cost_per_token_batches": 1e-06,
            "output_cost_per_token": 8e-06,
            "output_cost_per_token_batches": 4e-06,
            "cache_creation_input_token_cost": 0.0,
            "cache_creation_input_token_cost_above_1hr": 4e-06,
            "search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_high": 0.01},
            "regional_processing_uplift_multiplier_eu": 1.1,
            "output_cost_per_second": 0.1,
        },
        "gemini/n": {
            "litellm_provider": "gemini",
            "tiered_pricing": [
                {"range": [0, 256000.0], "input_cost_per_token": 5e-08, "output_cost_per_token": 4e-07},
                {"range": [256000.0, 1000000.0], "input_cost_per_token": 2.5e-07, "output_cost_per_token": 2e-06},
            ],
        },
        "zero": {"litellm_provider": "v", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
        "nobody": {"input_cost_per_token": 1e-06},
    }

    plan = planned(tmp_path, json.dumps(entries), kind="litellm")

    assert plan.recording is not None
    n, m = plan.recording["price"]
    assert (n["model"], m["model"], m["aliases"]) == ("google/n", "x-ai/m", ["m"])
    assert n["rates"] == {"input": "0.05", "output": "0.4"}
    assert n["tier"] == [{"when": {"input_tokens_gt": 256000}, "rates": {"input": "0.25", "output": "2"}}]
    assert m["rates"] == {"input": "2", "output": "8", "cache_write_1h": "4"}
    assert [tier["when"] for tier in m["tier"]] == [{"input_tokens_gte": 200000}]
    assert m["mode"] == {"batch": {"rates": {"input": "1", "output": "4"}}}
    assert m["fees"] == {"web_search": {"price": "10", "per": 1000}}
    assert m["multiplier"] == {"geo": {"eu": "1.1"}}
    assert set(reasons(plan)) == {
        *("x-ai/m cache_creation_input_token_cost", "x-ai/m output_cost_per_second", "v/zero", "nobody"),
    }


def test_litellm_hours_of_the_day_become_windows(tmp_path: Path) -> None:
    off_peak = {
        "input_cost_per_token": 1e-06,
        "output_cost_per_token": 2e-06,
        "windows": [
            {"hours_utc": ["10:00-00:00"], "weekdays": [1, 2, 3, 4, 5]},
            {"hours_utc": "00:00-00:00", "weekdays": [6, 7]},
        ],
    }
    entry_ = {"litellm_provider": "v", "input_cost_per_token": 2e-06, "output_cost_per_token": 4e-06}

    plan = planned(tmp_path, json.dumps({"m": {**entry_, "off_peak_pricing": off_peak}}), kind="litellm")

    assert plan.recording is not None
    book = PriceBook([plan.recording])
    for day, hour, rate in [(4, 9, 2), (4, 10, 1), (4, 23, 1), (5, 0, 1), (6, 23, 1), (7, 0, 2)]:
        at = datetime(2026, 12, day, hour, tzinfo=UTC)
        assert book.rate(Usage("m", at, {"input": 1_000_000})).amount == rate


def test_models_dev_tiers_come_before_the_older_form(tmp_path: Path) -> None:
    tier = {"input": 10, "output": 45, "cache_read": 1}
    cost = {"input": 5, "output": 30, "cache_read": 0.5, "context_over_200k": tier}
    providers = {
        "xai": {
            "models": {
                "new": {"cost": {**cost, "tiers": [{**tier, "tier": {"type": "context", "size": 272_000}}]}},
                "old": {"cost": cost},
                "odd": {"cost": {**cost, "tiers": [{**tier, "tier": {"type": "output", "size": 272_000}}]}},
                "unpriced": {},
            }
        }
    }

    plan = planned(tmp_path, json.dumps(providers), kind="models.dev")

    assert {one.model: one.standard.tiers[0].input_tokens_gt for one in plan.added} == {
        "x-ai/new": 272_000,
        "x-ai/old": 200_000,
    }
    assert set(reasons(plan)) == {"x-ai/odd"}


def genai(models: str, **more: str) -> str:
    return f"from .types import *\nproviders: list[Provider] = [Provider(id='v', models=[{models}])]\n" + "".join(more)


def info(prices_: str, more: str = "") -> str:
    match = "ClauseOr(or_=[ClauseEquals(equals='m'), ClauseEquals(equals='m-1')])"
    return f"ModelInfo(id='m', match={match}, prices={prices_}{more})"


def test_genai_prices_are_read_as_of_the_day_with_what_is_announced(tmp_path: Path) -> None:
    dated = (
        "[ConditionalPrice(prices=ModelPrice(input_mtok=Decimal('1'), output_mtok=Decimal('2'))),"
        "ConditionalPrice(constraint=StartDateConstraint(start_date=datetime.date(2026, 11, 1)), prices=ModelPrice("
        "input_mtok=TieredPrices(base=Decimal('3'), tiers=[Tier(start=199999, price=Decimal('6'))]),"
        "output_mtok=Decimal('4'), web_searches_kcount=Decimal('10'))),"
        "ConditionalPrice(constraint=StartDateConstraint(start_date=datetime.date(2027, 1, 1)),"
        " prices=ModelPrice(input_mtok=Decimal('5'), output_mtok=Decimal('6')))]"
    )
    variants = (
        ", price_variants=[PriceVariant(when={'service_tier': 'flex'}, prices=ModelPrice(output_mtok=Decimal('2')),"
        " constraint=None), PriceVariant(when={'search_type': 'web'}, prices=ModelPrice(), constraint=None)]"
    )

    plan = planned(tmp_path, genai(info(dated, variants)), kind="genai-prices")

    assert plan.recording is not None
    now, announced = plan.recording["price"]
    assert (now["valid_from"], announced["valid_from"]) == ("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z")
    assert now["aliases"] == ["m", "m-1"]
    assert now["tier"] == [{"when": {"input_tokens_gte": 200000}, "rates": {"input": "6", "output": "4"}}]
    assert now["mode"]["flex"]["rates"] == {"input": "3", "output": "2"}
    assert now["mode"]["flex"]["tier"][0]["rates"] == {"input": "6", "output": "2"}
    assert now["fees"] == {"web_search": {"price": "10", "per": 1000}}
    assert announced["rates"] == {"input": "5", "output": "6"}
    assert list(reasons(plan)) == ["v/m variant {'search_type': 'web'}"] * 1


EXECUTED: list[str] = []

HOSTILE_PYTHON = {
    "a call of something": genai("ModelInfo(id=__import__('os').getcwd())"),
    "an expression": genai("ModelInfo(id='a' + 'b')"),
    "a name": genai("ModelInfo(id=secret)"),
    "a comprehension": genai("*[ModelInfo(id=x) for x in 'ab']"),
    "a Decimal of a float": genai(info("ModelPrice(input_mtok=Decimal(0.1))")),
    "a float": genai(info("ModelPrice(input_mtok=0.1)")),
    "a day that does not exist": genai(info("[ConditionalPrice(constraint=datetime.date(2026, 13, 1))]")),
    "a key twice": genai(info("ModelPrice()", ", price_variants=[PriceVariant(when={'a': 'b', 'a': 'c'})]")),
    "arguments in a heap": genai("ModelInfo(**everything)"),
    "a lambda": genai("(lambda: ModelInfo())()"),
    "brackets without end": "providers = " + "[" * 5000 + "]" * 5000,
    "calls in calls": "providers = " + "A(x=" * 60 + "1" + ")" * 60,
    "signs without end": "providers = " + "-" * 100_000 + "1",
    "no Python": "providers = [",
    "a NUL": "providers = 'a\x00'",
    "nothing": "",
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE_PYTHON.values(), ids=HOSTILE_PYTHON)
def test_python_that_is_more_than_literals_is_refused_and_never_run(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidFiles) as refused:
        planned(tmp_path, text, kind="genai-prices")
    assert refused.value.findings[0].where.startswith(f"{tmp_path}/catalog.json:")


def test_reading_genai_prices_executes_nothing(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    text = f"open({str(trap)!r}, 'w').close()\n" + genai(
        info("ModelPrice(input_mtok=Decimal('1'), output_mtok=Decimal('2'))")
    )

    plan = planned(tmp_path, text, kind="genai-prices")

    assert [one.model for one in plan.added] == ["v/m"]
    assert not trap.exists()


@pytest.mark.parametrize("figure", ["NaN", "-1", "1e999999", "0.30000000000000004", "9" * 5000, "one"])
def test_a_figure_of_genai_prices_that_is_none_leaves_its_model_out(tmp_path: Path, figure: str) -> None:
    text = genai(info(f"ModelPrice(input_mtok=Decimal('{figure}'), output_mtok=Decimal('2'))"))

    plan = planned(tmp_path, text, kind="genai-prices")

    assert plan.added == ()
    assert list(reasons(plan)) == ["v/m"]


def test_a_wheel_is_read_without_being_unpacked(tmp_path: Path) -> None:
    wheel = tmp_path / "litellm-1-py3-none-any.whl"
    entry_ = {"litellm_provider": "v", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06}
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("litellm/model_prices_and_context_window_backup.json", json.dumps({"m": entry_}))
        archive.writestr("../../evil.py", "")

    catalog = read_catalog("litellm", str(wheel), EFFECTIVE)

    assert [one.model for one in catalog.listings] == ["v/m"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [wheel.name]
    with pytest.raises(InvalidFiles, match=r"there is no genai_prices/data\.py in this wheel"):
        read_catalog("genai-prices", str(wheel), EFFECTIVE)


def test_an_installed_package_is_read_and_never_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "genai_prices/__init__.py": "raise SystemExit('imported')\n",
        "genai_prices/data.py": genai(info("ModelPrice(input_mtok=Decimal('1'), output_mtok=Decimal('2'))")),
        "genai_prices-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: genai-prices\nVersion: 1\n",
        "genai_prices-1.dist-info/RECORD": "genai_prices/__init__.py,,\ngenai_prices/data.py,,\n",
    }
    write_folder(tmp_path / "site", files)
    monkeypatch.syspath_prepend(tmp_path / "site")

    catalog = read_catalog("genai-prices", "genai-prices", EFFECTIVE)

    assert [one.model for one in catalog.listings] == ["v/m"]
    assert catalog.source.startswith("genai-prices, data.py, sha256:")


def test_a_wheel_that_unpacks_to_more_than_any_catalog_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "bomb.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("litellm/model_prices_and_context_window_backup.json", b" " * (33 * 1024 * 1024))

    with pytest.raises(InvalidFiles, match="the catalog is larger than"):
        read_catalog("litellm", str(wheel), EFFECTIVE)


def test_what_is_neither_a_file_nor_a_package_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(InvalidCall, match="no file and no installed package 'no-such-package'"):
        read_catalog("litellm", "no-such-package", EFFECTIVE)
    with pytest.raises(InvalidCall, match="the installed package 'pytest' has no"):
        read_catalog("litellm", "pytest", EFFECTIVE)
    with pytest.raises(InvalidCall, match="not known; write one of genai-prices, litellm"):
        read_catalog("memory", str(tmp_path), EFFECTIVE)
