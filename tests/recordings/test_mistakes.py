"""What holds for files whatever stands in them, and what is right although it looks like a mistake."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from tests.recordings.files import (
    ATTRIBUTION_HEAD,
    CONTRACT_HEAD,
    DEFAULT_CONTRACT,
    FX_HEAD,
    entry,
    prices,
    write_folder,
)
from tokentill.contracts.book import Contract
from tokentill.errors import InvalidCall, InvalidFiles
from tokentill.recordings.checking import check_folder
from tokentill.recordings.load import load_folder
from tokentill.recordings.recording import read_folder
from tokentill.recordings.schemas.contracts import DroppedTerm, InvoiceTable
from tokentill.shipped import shipped_folder

WINDOW = 'when = { between = ["10:00", "12:00"] }\nrates = { input = 2 }\n'


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
    with pytest.raises(InvalidCall, match="does not exist"):
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


PLAN = CONTRACT_HEAD.replace('"customer"', '"plan"').replace('"acme"', '"pro"')
PARENT = CONTRACT_HEAD.replace('"acme"', '"holding"')
GRANT = """format = 1
kind = "grant"
recorded_at = 2026-01-01T00:00:00Z
[[grant]]
customer = "acme-labs"
id = "bought"
currency = "EUR"
amount = 10
valid_from = 2026-01-01T00:00:00Z
"""
A_RATE = '[[rate]]\nfrom = "USD"\nto = "EUR"\ndate = 2026-01-01\nrate = 0.9\n'

REFERENCES = {
    "a plan": ("contracts/plan-pro.toml", PLAN, {"contracts/acme.toml": CONTRACT_HEAD + 'plan = "pro"\n'}),
    "a parent": ("contracts/h.toml", PARENT, {"contracts/a.toml": CONTRACT_HEAD + '[invoice]\nparent = "holding"\n'}),
    "the default contract": ("contracts/default.toml", DEFAULT_CONTRACT, {"contracts/acme.toml": CONTRACT_HEAD}),
    "an exchange rate": (
        "fx/a.toml",
        FX_HEAD + A_RATE,
        {"models/a.toml": prices(entry()), "contracts/acme.toml": CONTRACT_HEAD + 'currency = "EUR"\n'},
    ),
    "a model": (
        "models/b.toml",
        prices(entry("b/m")),
        {
            "models/a.toml": prices(entry()),
            "contracts/acme.toml": CONTRACT_HEAD + '[[rule]]\nmatch = { model = "b/m" }\n',
        },
    ),
    "a counter": (
        "models/b.toml",
        prices(entry("b/m", more="fees = { frame = { price = 1 } }\n")),
        {"contracts/acme.toml": CONTRACT_HEAD + "[[rule]]\nadd_on = { frame = { price = 1 } }\n"},
    ),
    "a customer with credit": (
        "contracts/labs.toml",
        CONTRACT_HEAD.replace('"acme"', '"acme-labs"') + 'currency = "EUR"\n',
        {
            "contracts/grants.toml": GRANT,
            "contracts/lab.toml": CONTRACT_HEAD.replace('"acme"', '"acme-lab"') + 'currency = "EUR"\n',
        },
    ),
    "an entry between two": (
        "models/b.toml",
        prices(entry(valid_from="2026-02-01T00:00:00Z")),
        {
            "models/a.toml": prices(
                entry(more="valid_to = 2026-02-01T00:00:00Z\n"), entry(valid_from="2026-03-01T00:00:00Z")
            )
        },
    ),
}
"""A file that states something, and others that need it."""

BROKEN = {"syntax": "= nothing\n", "an unknown key": 'colour = "blue"\n'}


@pytest.mark.parametrize("mistake", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize(("path", "text", "others"), REFERENCES.values(), ids=REFERENCES)
def test_a_reference_to_a_file_with_a_mistake_is_not_reported_beside_its_cause(
    path: str, text: str, others: dict[str, str], mistake: str, tmp_path: Path
) -> None:
    base = {"contracts/0.toml": DEFAULT_CONTRACT} if path != "contracts/default.toml" else {}
    whole = write_folder(tmp_path / "whole", {**base, **others, path: text})
    broken = write_folder(tmp_path / "broken", {**base, **others, path: mistake + text})
    lacking = write_folder(tmp_path / "lacking", {**base, **others})

    def places(folder: Path) -> set[str]:
        return {finding.where.removeprefix(f"{folder}/").rsplit(":", 1)[0] for finding in check_folder(folder)}

    known = places(whole)
    assert places(broken) == known | {path}
    assert places(lacking) > known, "without the file something is missing"


def test_a_name_that_no_file_states_is_reported_beside_a_file_with_a_mistake(tmp_path: Path) -> None:
    files = {
        "contracts/default.toml": DEFAULT_CONTRACT,
        "contracts/acme.toml": CONTRACT_HEAD + 'plan = "gold"\n',
        "contracts/plan-pro.toml": "= nothing\n" + PLAN,
    }

    found = [str(finding) for finding in check_folder(write_folder(tmp_path, files))]

    assert len(found) == 2
    assert 'the plan "gold" does not exist' in found[0]


def test_a_recording_of_the_future_is_warned_of_when_the_time_is_given(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"models/a.toml": prices(entry(), recorded_at="2026-01-03T00:00:00Z")})
    recorded_at = datetime(2026, 1, 3, tzinfo=UTC)

    assert check_folder(folder) == []
    assert check_folder(folder, now=recorded_at - timedelta(days=1)) == []
    (finding,) = check_folder(folder, now=recorded_at - timedelta(days=1, seconds=1))
    assert (finding.is_warning, finding.where) == (True, f"{folder.as_posix()}/models/a.toml:3")
    assert finding.message == "recorded_at is in the future: it is 2026-01-01T23:59:59Z now"


def test_who_means_odd_numbers_is_not_warned_of_them(tmp_path: Path) -> None:
    odd = entry(
        "a/odd", rates="input = 0.003, output = 0.001, cache_read = 5000", more="fees = { page = { price = 9 } }\n"
    )
    later = entry("a/odd", valid_from="2026-02-01T00:00:00Z", rates="input = 90, output = 9, cache_read = 91")
    fees = "fees = { page = { price = 99 } }\n"

    def warned(more: str) -> list[str]:
        tables = prices(odd + more, later + fees + more, entry("a/m"))
        return [str(finding) for finding in check_folder(write_folder(tmp_path, {"models/a.toml": tables}))]

    assert len(warned("")) > 8
    assert warned("unusual = true\n") == []


def test_what_is_released_need_not_say_what_it_drops_and_neither_need_a_copy_of_what_ships(tmp_path: Path) -> None:
    mode = "mode = { batch = { rates = { input = 1 } } }\n"
    shorter = prices(entry(valid_from="2026-02-01T00:00:00Z"), recorded_at="2026-01-02T00:00:00Z")
    folder = write_folder(tmp_path / "own", {"models/a.toml": prices(entry(more=mode)), "models/b.toml": shorter})

    (mistake,) = check_folder(folder)
    assert 'lacks "mode.batch" of it' in mistake.message
    assert not mistake.is_warning
    hashes = {recording.path: recording.hash for recording in read_folder(folder)[0]}
    (folder / "lock.json").write_text(json.dumps(hashes))
    assert check_folder(folder) == []

    shutil.copytree(shipped_folder("pricing") / "models", tmp_path / "copy" / "models")
    assert check_folder(tmp_path / "copy") == []


def test_a_later_recording_makes_no_mistake_of_an_entry_that_could_not_know_of_it(tmp_path: Path) -> None:
    mode = "mode = { batch = { rates = { input = 1 } } }\n"
    files = {
        "models/a.toml": prices(entry(), entry(valid_from="2026-03-01T00:00:00Z")),
        "models/b.toml": prices(entry(more=mode), recorded_at="2026-02-01T00:00:00Z"),
    }
    assert check_folder(write_folder(tmp_path, files)) == []


def test_a_released_contract_need_not_say_what_it_drops_and_neither_is_it_warned_of(tmp_path: Path) -> None:
    later = CONTRACT_HEAD.replace("valid_from = 2026-01-01", "valid_from = 2026-03-01")
    files = {
        "models/a.toml": prices(entry()),
        "contracts/0.toml": DEFAULT_CONTRACT,
        "contracts/a.toml": CONTRACT_HEAD + 'plan = "pro"\n[invoice]\ncap = 9\n[[rule]]\nmarkup_percent = 0.2\n',
        "contracts/b.toml": later,
        "contracts/p.toml": PLAN,
        "attribution/a.toml": ATTRIBUTION_HEAD + '[[rule]]\nmatch = { user = "org_*" }\ncustomer = "acme"\n',
    }
    folder = write_folder(tmp_path, files)

    assert [finding.is_warning for finding in check_folder(folder)] == [True, True, True]
    hashes = {recording.path: recording.hash for recording in read_folder(folder)[0]}
    (folder / "lock.json").write_text(json.dumps(hashes))
    assert check_folder(folder) == []


def test_every_term_of_a_contract_may_be_dropped() -> None:
    terms = {field.alias or name for name, field in InvoiceTable.model_fields.items()}
    whose = {"plan", "currency", "time_zone", "anchor_day", "rule"}
    whose |= {"require_approval", "approve_within", "park_beyond", "by_policy"}
    assert set(get_args(DroppedTerm)) == terms | whose


def test_saying_that_something_is_meant_changes_nothing_that_is_computed(tmp_path: Path) -> None:
    terms = "[invoice]\nbase_fee = { amount = 5MEANT }\ntax = [{ name = 'VAT', percent = 19MEANT }]\n"
    rule = "[[rule]]\nmarkup_percent = 20\n"
    head = CONTRACT_HEAD.replace("valid_from = 2026-01-01", "valid_from = 2026-03-01")

    def version(drops: str, meant: str, unusual: str) -> Contract:
        earlier = CONTRACT_HEAD + "[invoice]\ncap = 9\n"
        text = head + drops + terms.replace("MEANT", meant) + rule + unusual
        folder = write_folder(tmp_path, {"contracts/0.toml": DEFAULT_CONTRACT, "contracts/a.toml": earlier})
        write_folder(folder, {"contracts/b.toml": text})
        return read_folder(folder)[0].book.versions("customer", "acme")[1]

    plain = version("", "", "")
    meant = version('drops = ["cap"]\n', ", unusual = true", "unusual = true\n")

    assert meant.hash != plain.hash
    assert (meant.invoice, meant.rules) == (plain.invoice, plain.rules)
    assert [rule.hash for rule in meant.rules] == [rule.hash for rule in plain.rules]
