"""Each mistake that `prices check` must name: where it stands, what it says, and whether files still load."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from pricing_files import (
    ATTRIBUTION_HEAD,
    CONTRACT_HEAD,
    DEFAULT_CONTRACT,
    FX_HEAD,
    PRICES_HEAD,
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


def in_models(name: str, text: str, line: int, message: str, hint: str = "", *, is_warning: bool = False) -> Case:
    return Case(name, {"models/a.toml": text}, f"models/a.toml:{line}", message, hint, is_warning)


def in_contracts(name: str, text: str, line: int, message: str, hint: str = "", *, is_warning: bool = False) -> Case:
    files = {"models/a.toml": prices(entry()), "contracts/0.toml": DEFAULT_CONTRACT, "contracts/a.toml": text}
    return Case(name, files, f"contracts/a.toml:{line}", message, hint, is_warning)


WINDOW = 'when = { between = ["10:00", "12:00"] }\nrates = { input = 2 }\n'

PRICE_CASES = [
    in_models(
        "unknown key",
        prices(entry(more="cached = 1\n")),
        9,
        'unknown key "cached"',
        "the keys here are model, aliases",
    ),
    in_models(
        "misspelt key", prices(entry(more='alias = ["b"]\n')), 9, 'unknown key "alias"', 'did you mean "aliases"?'
    ),
    in_models("unknown key of the header", "colour = 1\n" + prices(entry()), 1, 'unknown key "colour"'),
    in_models(
        "leaf outside of rates",
        prices(entry(more="cache_read = 1\n")),
        9,
        'unknown key "cache_read"',
        "write it under rates: rates = { cache_read = ... }",
    ),
    in_models(
        "unknown quantity",
        prices(entry(rates="input = 1, cached = 0.5")),
        8,
        'a/m: rate "cached" is not a known quantity',
        'did you mean "cache_read"?',
    ),
    in_models(
        "unknown quantity of another catalog",
        prices(entry(rates="prompt = 1")),
        8,
        'a/m: rate "prompt" is not a known quantity',
        'did you mean "input"?',
    ),
    in_models(
        "counter among the rates",
        prices(entry(rates="input = 1, web_search = 10")),
        8,
        'a/m: rate "web_search" is not a known quantity',
        "a counter belongs in fees: fees = { web_search =",
    ),
    in_models(
        "leaf among the fees",
        prices(entry(more="fees = { output = { price = 1 } }\n")),
        9,
        'a/m: fee "output" is a token quantity',
        "write it under rates",
    ),
    in_models(
        "token-like fee",
        prices(entry(more="fees = { cached_input = { price = 1 } }\n")),
        9,
        'a/m: fee "cached_input" is not a known quantity',
        'did you mean "cache_read"?',
    ),
    in_models(
        "counter that no source reports",
        prices(entry(more="fees = { web_searches = { price = 1 } }\n")),
        9,
        'a/m: fee "web_searches" is a counter that no source is known to report',
        'did you mean "web_search"?',
        is_warning=True,
    ),
    in_models(
        "unknown fallback",
        prices(entry(more='fallback = { reasoning = "outputs" }\n')),
        9,
        'a/m: fallback "outputs" is not a known quantity',
        'did you mean "output"?',
    ),
    in_models(
        "float noise",
        prices(entry(rates="input = 0.30000000000000004")),
        8,
        '"input": 0.30000000000000004 is float noise',
        "write 0.3",
    ),
    in_models(
        "float noise from below",
        prices(entry(rates="input = 0.7499999999999999")),
        8,
        '"input": 0.7499999999999999 is float noise',
        "write 0.75",
    ),
    in_models("negative rate", prices(entry(rates="input = -1")), 8, '"input": -1 is negative'),
    in_models("nan", prices(entry(rates="input = nan")), 8, '"input": NaN is not a finite number'),
    in_models("infinity", prices(entry(rates="input = inf")), 8, '"input": Infinity is not a finite number'),
    in_models("bool as number", prices(entry(rates="input = true")), 8, '"input": true is not a number'),
    in_models("text as number", prices(entry(rates='input = "1,5"')), 8, "\"input\": '1,5' is not a decimal number"),
    in_models("bool as per", prices(entry(more="per = true\n")), 9, '"per" is not a whole number'),
    in_models("per of three", prices(entry(more="per = 3\n")), 9, '"per": 3 does not divide amounts exactly'),
    in_models(
        "naive time",
        prices(entry(valid_from="2026-01-01T00:00:00")),
        7,
        '"valid_from": naive time; add Z',
        "write 2026-01-01T00:00:00Z if it is in UTC",
    ),
    in_models(
        "day instead of instant",
        prices(entry(valid_from="2026-01-01")),
        7,
        '"valid_from": 2026-01-01 is a day, not an instant',
        "write 2026-01-01T00:00:00Z",
    ),
    in_models("far year", prices(entry(valid_from="9999-01-01T00:00:00Z")), 7, '"valid_from": the year 9999'),
    in_models("no price at all", PRICES_HEAD, 1, '"price" is missing'),
    in_models("no recorded_at", prices(entry()).replace("recorded_at", "# "), 1, '"recorded_at" is missing'),
    in_models("unknown currency", prices(entry()).replace("USD", "USDT"), 4, "\"currency\": 'USDT' is not an ISO 4217"),
    in_models("newer format", prices(entry()).replace("format = 1", "format = 2"), 1, "format 2 is unknown"),
    in_models(
        "misspelt kind",
        prices(entry()).replace('"prices"', '"price"'),
        2,
        '"price" is no kind of file',
        'did you mean "prices"?',
    ),
    in_models("kind of another folder", ATTRIBUTION_HEAD, 2, 'a file of kind "attribution" does not belong here'),
    in_models("entry without model", prices("[[price]]\nrates = { input = 1 }\n"), 5, 'this entry has no "model"'),
    in_models(
        "entry without rates",
        prices('[[price]]\nmodel = "a"\nvalid_from = 2026-01-01T00:00:00Z\n'),
        5,
        "a: no rates",
        "add rates = { input = ... }, or free = true",
    ),
    in_models("free with rates", prices(entry(more="free = true\n")), 9, "a/m: free, and yet it has rates"),
    in_models(
        "validity that ends before it begins",
        prices(entry(more="valid_to = 2025-01-01T00:00:00Z\n")),
        9,
        "a/m: valid_to is not after valid_from",
    ),
    in_models(
        "overlap",
        prices(
            entry(more="valid_to = 2026-03-01T00:00:00Z\n"),
            entry(valid_from="2026-02-01T00:00:00Z"),
        ),
        12,
        "a/m: overlap: valid from 2026-02-01T00:00:00Z, before the entry at ",
        "let that one end at 2026-02-01T00:00:00Z",
    ),
    in_models(
        "gap",
        prices(
            entry(more="valid_to = 2026-02-01T00:00:00Z\n"),
            entry(valid_from="2026-03-01T00:00:00Z"),
        ),
        12,
        "a/m: gap: no price from 2026-02-01T00:00:00Z to 2026-03-01T00:00:00Z",
        is_warning=True,
    ),
    in_models("duplicate id", prices(entry(), entry(rates="input = 2")), 9, "a/m: duplicate id: the same valid_from"),
    in_models(
        "duplicate alias",
        prices(entry(more='aliases = ["x"]\n'), entry("b/m", more='aliases = ["x"]\n')),
        14,
        'b/m: duplicate alias: "x" is an alias of a/m too',
    ),
    in_models(
        "alias that shadows a model",
        prices(entry(more='aliases = ["b/m"]\n'), entry("b/m")),
        9,
        'a/m: alias "b/m" shadows the model of that id',
    ),
    in_models(
        "tier without a condition",
        prices(entry(more="[[price.tier]]\nrates = { input = 2 }\n")),
        9,
        "a/m: tier without a condition",
        "write when = { input_tokens_gt = ... }",
    ),
    in_models(
        "tier with an empty condition",
        prices(entry(more="[[price.tier]]\nrates = { input = 2 }\nwhen = {}\n")),
        11,
        "a/m: tier without a condition",
    ),
    in_models(
        "tier with two conditions",
        prices(
            entry(more="[[price.tier]]\nwhen = { input_tokens_gt = 1, input_tokens_gte = 2 }\nrates = { input = 2 }\n")
        ),
        10,
        "a/m: tier with two conditions",
    ),
    in_models(
        "thresholds that do not rise",
        prices(
            entry(
                more="[[price.tier]]\nwhen = { input_tokens_gt = 99 }\nrates = { input = 2 }\n"
                "[[price.tier]]\nwhen = { input_tokens_gte = 100 }\nrates = { input = 3 }\n"
            )
        ),
        13,
        "a/m: thresholds do not rise: tier 2 begins at or below tier 1",
    ),
    in_models(
        "thresholds of a mode that do not rise",
        prices(
            entry(
                more="[price.mode.batch]\nrates = { input = 1 }\n"
                "[[price.mode.batch.tier]]\nwhen = { input_tokens_gt = 9 }\nrates = { input = 2 }\n"
                "[[price.mode.batch.tier]]\nwhen = { input_tokens_gt = 5 }\nrates = { input = 3 }\n"
            )
        ),
        15,
        "a/m: thresholds do not rise",
    ),
    in_models(
        "mode with a dimension the base lacks",
        prices(entry(more="[price.mode.batch]\nrates = { input = 1, output = 2 }\n")),
        10,
        'a/m: mode "batch" has a rate for "output", which the rates it replaces lack',
    ),
    in_models(
        "tier of a mode with a dimension the mode lacks",
        prices(
            entry(
                more="[price.mode.batch]\nrates = { input = 1 }\n"
                "[[price.mode.batch.tier]]\nwhen = { input_tokens_gt = 9 }\nrates = { input = 2, output = 3 }\n",
            )
        ),
        13,
        'a/m: tier 1 of mode "batch" has a rate for "output"',
    ),
    in_models(
        "window without a dimension of the base",
        prices(entry(rates="input = 1, output = 2", more="[[price.window]]\n" + WINDOW)),
        11,
        'a/m: window 1 has no rate for "output", which the rates it replaces have',
        "such usage will be unpriced",
        is_warning=True,
    ),
    in_models(
        "mode of the name standard",
        prices(entry(more="[price.mode.standard]\nrates = { input = 1 }\n")),
        9,
        'a/m: "standard" is the entry itself',
    ),
    in_models(
        "tiers outside of a window only",
        prices(
            entry(
                more="[[price.tier]]\nwhen = { input_tokens_gt = 9 }\nrates = { input = 2 }\n[[price.window]]\n"
                + WINDOW
            )
        ),
        12,
        "a/m: the tiers outside a window do not hold inside it",
        "give the window its own tier list",
        is_warning=True,
    ),
    in_models(
        "empty window",
        prices(entry(more="[[price.window]]\n" + WINDOW.replace("12:00", "10:00"))),
        10,
        "a/m: the window from 10:00 to 10:00 is empty",
    ),
    in_models(
        "overlapping windows",
        prices(
            entry(
                more="[[price.window]]\n" + WINDOW + '[[price.window]]\nwhen = { days = ["mon"], '
                'between = ["23:00", "10:01"] }\nrates = { input = 3 }\n'
            )
        ),
        13,
        "a/m: window 2 overlaps window 1",
    ),
    in_models(
        "unknown time zone of a window",
        prices(entry(more="[[price.window]]\n" + WINDOW.replace(" }\nr", ', time_zone = "Europe/Berln" }\nr'))),
        10,
        'a/m: time zone "Europe/Berln" is unknown',
        'did you mean "Europe/Berlin"?',
    ),
    in_models(
        "unknown day",
        prices(entry(more="[[price.window]]\n" + WINDOW.replace("{ b", '{ days = ["monday"], b'))),
        10,
        '"days" cannot be "monday"',
        'did you mean "mon"?',
    ),
    in_models(
        "unit mistake of a million",
        prices(entry(rates="input = 3000000")),
        8,
        'a/m: rate "input" is 3000000 USD for a million tokens',
        "Check the unit of the source",
        is_warning=True,
    ),
    in_models(
        "unit mistake downwards",
        prices(entry(rates="input = 0.0000025")),
        8,
        'a/m: rate "input" is 0.0000025 USD for a million tokens',
        is_warning=True,
    ),
    in_models(
        "unit mistake in per",
        prices(entry(rates="input = 3", more="per = 1\n")),
        8,
        'a/m: rate "input" is 3000000 USD for a million tokens',
        is_warning=True,
    ),
    in_models(
        "cached dearer than input",
        prices(entry(rates="input = 1, cache_read = 1.5")),
        8,
        'a/m: the standard rates: "cache_read" is dearer than "input"',
        is_warning=True,
    ),
    in_models(
        "change of more than five times",
        prices(entry(rates="input = 1"), entry(valid_from="2026-02-01T00:00:00Z", rates="input = 5.01")),
        12,
        'a/m: rate "input" changes more than 5x, from 1 to 5.01 for a million at 2026-02-01T00:00:00Z',
        is_warning=True,
    ),
    in_models(
        "withdrawal of an unknown hash",
        prices(entry(), f'[[price]]\nnote = "n"\nwithdraws = "sha256:{"0" * 64}"\n'),
        11,
        "no entry recorded before this one has the hash sha256:000000000000...",
    ),
    in_models(
        "withdrawal that states a price",
        prices(f'[[price]]\nwithdraws = "sha256:{"0" * 64}"\nmodel = "a"\n'),
        7,
        'an entry that withdraws another one cannot have "model"',
    ),
    in_models(
        "entry for a routing suffix",
        prices(entry("a/m:nitro")),
        6,
        'a/m:nitro: ":nitro" is a routing suffix',
        is_warning=True,
    ),
    in_models(
        "validity of a mode that ends before it begins",
        prices(
            entry(
                more="[price.mode.batch]\nrates = { input = 1 }\n"
                "valid_from = 2026-02-01T00:00:00Z\nvalid_to = 2026-02-01T00:00:00Z\n"
            )
        ),
        12,
        'a/m: mode "batch": valid_to is not after valid_from',
    ),
    in_models(
        "fallback to itself",
        prices(entry(more='fallback = { reasoning = "reasoning" }\n')),
        9,
        'a/m: fallback "reasoning" leads to itself',
    ),
    in_models("broken TOML", PRICES_HEAD + "[[price]]\nmodel =\n", 6, "not valid TOML: Invalid value"),
    in_models("key twice", PRICES_HEAD + 'currency = "EUR"\n', 5, "not valid TOML: Cannot overwrite a value"),
    in_models("deep nesting", "a = " + "[" * 5000 + "]" * 5000, 1, "the file is nested too deeply"),
    in_models(
        "nesting that a parser bears", "\na = " + "[" * 50 + "]" * 50, 2, "the file is nested more than 12 levels"
    ),
]

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
    *(
        in_contracts(
            f"{key} is not supported",
            CONTRACT_HEAD + f"[[rule]]\n{key} = 5\n",
            7,
            f'"{key}" is not supported by this version of tokentill',
        )
        for key in ("byok_fee_percent", "min_margin_percent", "allowance", "tiers", "package")
    ),
    in_contracts(
        "invoice is not supported",
        CONTRACT_HEAD + "[invoice]\nbase_fee = 5\n",
        6,
        '"invoice" is not supported by this version of tokentill',
    ),
    Case(
        "no default contract",
        {"contracts/a.toml": CONTRACT_HEAD},
        "contracts/a.toml:1",
        "there is no default contract",
        is_warning=True,
    ),
]

OTHER_CASES = [
    Case(
        "attribution to a customer without id",
        {"attribution/a.toml": ATTRIBUTION_HEAD + '[[rule]]\nmatch = { user = "x" }\ncustomer = "c_{id}"\n'},
        "attribution/a.toml:7",
        "the customer needs {id}, and no template has it",
    ),
    Case(
        "attribution with two ids",
        {"attribution/a.toml": ATTRIBUTION_HEAD + '[[rule]]\nmatch = { user = "{id}-{id}" }\ncustomer = "{id}"\n'},
        "attribution/a.toml:6",
        "{id} stands 2 times in the templates of one rule",
    ),
    Case(
        "attribution that matches everything",
        {"attribution/a.toml": ATTRIBUTION_HEAD + '[[rule]]\nmatch = {}\ncustomer = "x"\n'},
        "attribution/a.toml:6",
        "a rule that matches nothing in particular",
    ),
    Case(
        "tolerance over a hundred",
        {"attribution/a.toml": ATTRIBUTION_HEAD + "tolerance_percent = 101\n"},
        "attribution/a.toml:5",
        '"tolerance_percent": 101 is no percentage from 0 to 100',
    ),
    Case(
        "attribution stated twice",
        {"attribution/a.toml": ATTRIBUTION_HEAD, "attribution/b.toml": ATTRIBUTION_HEAD},
        "attribution/b.toml:4",
        "the same valid_from and recorded_at as",
    ),
    Case(
        "exchange rate of zero",
        {"fx/a.toml": FX_HEAD + '[[rate]]\nfrom = "USD"\nto = "EUR"\ndate = 2026-01-01\nrate = 0\n'},
        "fx/a.toml:8",
        '"rate": 0 is no factor',
    ),
    Case(
        "exchange rate to itself",
        {"fx/a.toml": FX_HEAD + '[[rate]]\nfrom = "USD"\nto = "USD"\ndate = 2026-01-01\nrate = 1\n'},
        "fx/a.toml:4",
        "an exchange rate from USD to itself",
    ),
    Case(
        "exchange rate of a day twice",
        {"fx/a.toml": FX_HEAD + '[[rate]]\nfrom = "USD"\nto = "EUR"\ndate = 2026-01-01\nrate = 1\n' * 2},
        "fx/a.toml:9",
        "the rate from USD to EUR on 2026-01-01 is given at",
    ),
    Case("file that is not read", {"openai.toml": ""}, "openai.toml:1", "this file is not read", is_warning=True),
    Case(
        "JSON fraction",
        {
            "fx/a.json": '{"format": 1, "kind": "fx", "recorded_at": "2026-01-01T00:00:00Z",\n"rate": [{"from": "USD",'
            '\n"to": "EUR", "date": "2026-01-01",\n"rate": 0.30}]}'
        },
        "fx/a.json:4",
        '"rate": 0.30 is a JSON number with a fraction',
        'write it as a string: "0.30"',
    ),
    Case("JSON key twice", {"fx/a.json": '{"format": 1,\n"format": 1}'}, "fx/a.json:2", '"format" is written twice'),
    Case("broken JSON", {"fx/a.json": '{"format": 1,\n,}'}, "fx/a.json:2", "not valid JSON"),
    Case(
        "JSON naive time",
        {
            "attribution/a.json": '{"format": 1, "kind": "attribution",\n"recorded_at": "2026-01-01T00:00:00",\n'
            '"valid_from": "2026-01-01T00:00:00Z"}'
        },
        "attribution/a.json:2",
        '"recorded_at": naive time; add Z',
    ),
]

CASES = [*PRICE_CASES, *CONTRACT_CASES, *OTHER_CASES]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_mistake_is_named_with_its_line_and_what_to_do(case: Case, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, case.files)

    findings = check_folder(folder)

    named = [finding for finding in findings if finding.message.startswith(case.message)]
    assert [finding.where for finding in named] == [f"{folder}/{case.where}"], [str(finding) for finding in findings]
    assert named[0].is_warning == case.is_warning
    assert case.hint in named[0].hint
    assert [finding for finding in findings if finding not in named] == []


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
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
