"""Each mistake of a contract that must be named, and what holds for files whatever stands in them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from pricing_files import (
    CONTRACT_HEAD,
    DEFAULT_CONTRACT,
    entry,
    prices,
    write_folder,
)

from tokentill.errors import InvalidFiles, UsageError
from tokentill.pricing.checking import check_folder
from tokentill.pricing.loading import load_folder


class Case(NamedTuple):
    name: str
    files: dict[str, str]
    where: str
    message: str
    hint: str = ""
    is_warning: bool = False


def in_contracts(name: str, text: str, line: int, message: str, hint: str = "", *, is_warning: bool = False) -> Case:
    files = {"models/a.toml": prices(entry()), "contracts/0.toml": DEFAULT_CONTRACT, "contracts/a.toml": text}
    return Case(name, files, f"contracts/a.toml:{line}", message, hint, is_warning)


WINDOW = 'when = { between = ["10:00", "12:00"] }\nrates = { input = 2 }\n'

CONTRACT_CASES = [
    in_contracts("anchor day", CONTRACT_HEAD + "anchor_day = 32\n", 6, '"anchor_day": input should be less than'),
    in_contracts(
        "unknown time zone",
        CONTRACT_HEAD + 'time_zone = "Europe/Berln"\n',
        6,
        'time zone "Europe/Berln" is unknown',
        'did you mean "Europe/Berlin"?',
    ),
    in_contracts(
        "validity of a contract that ends before it begins",
        CONTRACT_HEAD + "valid_to = 2025-01-01T00:00:00Z\n",
        6,
        "valid_to is not after valid_from",
    ),
    in_contracts("plan that does not exist", CONTRACT_HEAD + 'plan = "pro"\n', 6, 'the plan "pro" does not exist'),
    in_contracts(
        "plan of a plan",
        CONTRACT_HEAD.replace("customer", "plan") + 'plan = "pro"\n',
        6,
        'a contract of kind "plan" is on no plan',
    ),
    in_contracts(
        "second default",
        DEFAULT_CONTRACT.replace('id = "default"', 'id = "house"'),
        3,
        "a second default contract",
    ),
    in_contracts(
        "contract stated twice",
        DEFAULT_CONTRACT,
        3,
        'default "default" has the same valid_from and recorded_at in',
    ),
    in_contracts(
        "no exchange rate",
        CONTRACT_HEAD + 'currency = "EUR"\n',
        6,
        "the contract is in EUR, and no exchange rate from USD is listed",
        is_warning=True,
    ),
    in_contracts(
        "unknown match key",
        CONTRACT_HEAD + '[[rule]]\nmatch = { models = "a/*" }\nmarkup_percent = 5\n',
        7,
        'unknown key "models"',
        'did you mean "model"?',
    ),
    in_contracts(
        "markup on an unknown quantity",
        CONTRACT_HEAD + "[[rule]]\nmarkup_percent = { outputs = 5 }\n",
        7,
        'markup_percent "outputs" is not a known quantity',
        'did you mean "output"?',
    ),
    in_contracts(
        "discount over all",
        CONTRACT_HEAD + "[[rule]]\nmarkup_percent = -101\n",
        7,
        '"markup_percent": a discount of 101 percent',
    ),
    in_contracts("own without rates", CONTRACT_HEAD + '[[rule]]\nbasis = "own"\n', 7, 'basis = "own" without rates'),
    in_contracts(
        "rates without own",
        CONTRACT_HEAD + "[[rule]]\nrates = { input = 1 }\n",
        7,
        '"rates" has no effect without basis = "own"',
    ),
    in_contracts(
        "rule that is never reached",
        CONTRACT_HEAD + "[[rule]]\nmarkup_percent = 5\n[[rule]]\nmarkup_percent = 6\n",
        8,
        "rule 2 is never reached: rule 1 fits every record",
        is_warning=True,
    ),
    in_contracts(
        "pattern that fits no model",
        CONTRACT_HEAD + '[[rule]]\nmatch = { model = "b/*" }\nmarkup_percent = 5\n',
        7,
        'no model fits "b/*"',
        is_warning=True,
    ),
    in_contracts(
        "unknown basis",
        CONTRACT_HEAD + '[[rule]]\nbasis = "costs"\n',
        7,
        '"basis" cannot be "costs"',
        'did you mean "cost"?',
    ),
    Case(
        "no default contract",
        {"contracts/a.toml": CONTRACT_HEAD},
        "contracts/a.toml:1",
        "there is no default contract",
        is_warning=True,
    ),
]


@pytest.mark.parametrize("case", CONTRACT_CASES, ids=[case.name for case in CONTRACT_CASES])
def test_a_mistake_is_named_with_its_line_and_what_to_do(case: Case, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, case.files)

    findings = check_folder(folder)

    named = [finding for finding in findings if finding.message.startswith(case.message)]
    assert [finding.where for finding in named] == [f"{folder}/{case.where}"], [str(finding) for finding in findings]
    assert named[0].is_warning == case.is_warning
    assert case.hint in named[0].hint
    assert [finding for finding in findings if finding not in named] == []


@pytest.mark.parametrize("case", CONTRACT_CASES, ids=[case.name for case in CONTRACT_CASES])
def test_a_mistake_keeps_a_folder_from_loading_and_a_warning_does_not(case: Case, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, case.files)

    if case.is_warning:
        assert [finding.where for finding in load_folder(folder).warnings] == [f"{folder}/{case.where}"]
    else:
        with pytest.raises(InvalidFiles) as refused:
            load_folder(folder)
        assert [finding.where for finding in refused.value.findings] == [f"{folder}/{case.where}"]


def test_every_mistake_of_a_folder_is_named_at_once(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path,
        {
            "models/a.toml": prices(entry(rates="input = -1"), entry("b", rates="inputs = 1")),
            "models/b.toml": prices(entry("c", rates="inputs = 1"), entry("d", valid_from="2026-01-01")),
            "models/c.toml": prices(entry("e", rates="inputs = 1")),
            "contracts/a.toml": CONTRACT_HEAD + 'plan = "none"\n',
        },
    )

    with pytest.raises(InvalidFiles) as refused:
        load_folder(folder)

    places = [finding.where.removeprefix(f"{folder}/") for finding in refused.value.findings]
    assert places == ["contracts/a.toml:6", "models/a.toml:8", "models/b.toml:11", "models/c.toml:8"]


def test_a_file_that_is_not_text_is_named_with_its_line(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"models/a.toml": ""})
    (folder / "models/a.toml").write_bytes(b"format = 1\n# caf\xe9\n")

    assert [str(finding) for finding in check_folder(folder)] == [
        f"{folder}/models/a.toml:2: the file is not UTF-8 here; save it as UTF-8"
    ]


def test_nesting_that_no_parser_bears_is_a_mistake_like_any_other(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"models/a.toml": "a = " + "[" * 5000 + "]" * 5000})

    assert [finding.message for finding in check_folder(folder)] == ["the file is nested too deeply"]


def test_a_file_over_the_limit_is_not_parsed(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"models/a.toml": prices(entry()) + "#" * (4 * 1024 * 1024)})

    assert [finding.message for finding in check_folder(folder)] == ["the file is larger than 4194304 bytes"]


def test_a_folder_that_is_missing_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        load_folder(tmp_path / "nowhere")


def test_a_later_recording_may_reach_into_an_earlier_entry(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path,
        {
            "models/a.toml": prices(entry(more="valid_to = 2026-06-01T00:00:00Z\n")),
            "models/b.toml": prices(entry(valid_from="2026-03-01T00:00:00Z"), recorded_at="2026-02-01T00:00:00Z"),
            "models/c.toml": prices(entry(rates="input = 2"), recorded_at="2026-02-02T00:00:00Z"),
        },
    )

    assert check_folder(folder) == []


def test_a_change_of_exactly_five_times_is_within_reason(tmp_path: Path) -> None:
    text = prices(entry(rates="input = 1"), entry(valid_from="2026-02-01T00:00:00Z", rates="input = 0.2"))

    assert check_folder(write_folder(tmp_path, {"models/a.toml": text})) == []


def test_a_dimension_that_a_fallback_covers_is_not_missing(tmp_path: Path) -> None:
    more = "[price.mode.batch]\nrates = { input = 1 }\n"
    text = prices(entry(rates="input = 1, cache_read = 0.1", more=more))

    assert check_folder(write_folder(tmp_path, {"models/a.toml": text})) == []


def test_windows_that_touch_do_not_overlap(tmp_path: Path) -> None:
    more = "[[price.window]]\n" + WINDOW + "[[price.window]]\n" + WINDOW.replace('"10:00", "12:00"', '"12:00", "10:00"')

    assert check_folder(write_folder(tmp_path, {"models/a.toml": prices(entry(more=more))})) == []
