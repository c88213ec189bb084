"""The independent calculator against numbers worked out by hand, so that it can be trusted with the rest."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.verification import calculator

MODEL = """
[[price]]
model = "lab/one"
aliases = ["one"]
valid_from = 2026-01-01T00:00:00Z
rates = { input = 2.5, cache_read = 0.25, output = 15 }
fees = { web_search = { price = 10, per = 1_000 } }
"""
DEFAULT = 'kind = "default"\nid = "default"\n'
PLAIN = DEFAULT + '[[rule]]\nname = "plain"\nmarkup_percent = 20\n'
PER_REQUEST = "request = { price = 0.0005 }"
EACH_USER = 'kind = "attribution"\n'


def price_table(body: str, recorded_at: str = "2026-01-01T00:00:00Z", currency: str = "USD") -> str:
    return f'format = 1\nkind = "prices"\nrecorded_at = {recorded_at}\ncurrency = "{currency}"\n{body}'


def since_september(body: str, valid_from: str = "2026-09-01T00:00:00Z") -> str:
    return f"format = 1\nrecorded_at = 2026-09-01T00:00:00Z\nvalid_from = {valid_from}\n{body}"


def request(at: str = "2026-10-05T12:00:00Z", *, user: str | None = "u", model: str = "lab/one", **more: Any) -> Any:
    """An activity record: 1,000 input of which 400 cached, 300 output of which 100 reasoning, unless told otherwise."""
    prompt, cached, completion, reasoning = more.pop("tokens", (1_000, 400, 300, 100))
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
        **more.pop("usage", {}),
    }
    record = {"id": f"gen-{at}-{user}-{model}", "created_at": at, "model": model, "user": user, "api_key": "k"}
    return record | {"provider": "Lab", "usage": usage} | more


def bill(folder: Path, records: list[Any], *files: str, month: str = "2026-10") -> Any:
    """The statement of records under pricing files; a default contract of 20 percent and each user its own customer."""
    files = (*files, EACH_USER if not any('"attribution"' in file for file in files) else "")
    files = (*files, PLAIN if not any('"default"' in file for file in files) else "")
    files = (*files, price_table(MODEL) if not any('"prices"' in file for file in files) else "")
    (folder / "pricing").mkdir()
    for number, file in enumerate(files):
        if file:
            text = file if file.startswith("format") else since_september(file)
            (folder / "pricing" / f"{number}.toml").write_text(text, encoding="utf-8")
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    (folder / "activity.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return calculator.statement(folder / "activity.jsonl", folder / "pricing", month)


def total(folder: Path, records: list[Any], *files: str, customer: str = "u") -> Fraction:
    found: Fraction = bill(folder, records, *files).invoices[customer].total_exact
    return found


def test_cached_and_reasoning_tokens_are_charged_once(tmp_path: Path) -> None:
    # (600 x 2.5 + 400 x 0.25 + 200 x 15 + 100 x 15) / 1e6 = (1500 + 100 + 3000 + 1500) / 1e6 = 0.0061; x 1.2 = 0.00732
    invoice = bill(tmp_path, [request()]).invoices["u"]
    assert invoice.lines == {("lab/one", "standard", "plain"): Fraction("0.00732")}
    assert (invoice.currency, invoice.total_minor, invoice.requests) == ("USD", 1, 1)


def test_searches_cost_their_fee_and_are_marked_up(tmp_path: Path) -> None:
    # 3 x 10 / 1000 = 0.03 beside the 0.0061 of the tokens: 0.0361 x 1.2 = 0.04332
    usage = {"server_tool_use_details": {"web_search_requests": 3}}
    assert total(tmp_path, [request(usage=usage)]) == Fraction("0.04332")


def test_aliases_and_routing_suffixes_lead_to_the_model(tmp_path: Path) -> None:
    names = ["one", "lab/one:nitro", "one:floor"]
    invoice = bill(tmp_path, [request(model=name) for name in names]).invoices["u"]
    assert invoice.lines == {("lab/one", "standard", "plain"): 3 * Fraction("0.00732")}


@pytest.mark.parametrize(
    ("condition", "tokens", "expected"),
    [
        ("input_tokens_gt = 200_000", 200_000, "0.6"),  # 200,000 x 2.5 / 1e6 = 0.5, x 1.2
        ("input_tokens_gt = 200_000", 200_001, "1.200006"),  # 200,001 x 5 / 1e6 = 1.000005: all of it, x 1.2
        ("input_tokens_gte = 200_000", 199_999, "0.599997"),  # 199,999 x 2.5 / 1e6 = 0.4999975, x 1.2
        ("input_tokens_gte = 200_000", 200_000, "1.2"),
    ],
)
def test_a_tier_moves_the_whole_request(tmp_path: Path, condition: str, tokens: int, expected: str) -> None:
    table = price_table(MODEL + f"[[price.tier]]\nwhen = {{ {condition} }}\nrates = {{ input = 5, output = 30 }}\n")
    assert total(tmp_path, [request(tokens=(tokens, 0, 0, 0))], table) == Fraction(expected)


def test_a_tier_counts_cached_input_and_falls_back_within_its_own_rates(tmp_path: Path) -> None:
    tier = "[[price.tier]]\nwhen = { input_tokens_gt = 900 }\nrates = { input = 5, output = 30 }\n"
    # cached at the tier's input, reasoning at its output: (1000 x 5 + 300 x 30) / 1e6 = 0.014, x 1.2
    assert total(tmp_path, [request()], price_table(MODEL + tier)) == Fraction("0.0168")


@pytest.mark.parametrize(
    ("at", "is_inside"),
    [
        ("2026-10-09T21:59:59Z", False),  # Friday
        ("2026-10-09T22:00:00Z", True),
        ("2026-10-10T01:59:59Z", True),  # Saturday, but the window of Friday
        ("2026-10-10T02:00:00Z", False),
        ("2026-10-10T23:00:00Z", False),  # Saturday has none of its own
        ("2026-10-12T01:00:00Z", False),  # Monday, after a Sunday
    ],
)
def test_a_window_past_midnight_belongs_to_the_day_it_starts_on(tmp_path: Path, at: str, *, is_inside: bool) -> None:
    when = '{ days = ["mon", "tue", "wed", "thu", "fri"], between = ["22:00", "02:00"], time_zone = "UTC" }'
    window = f"[[price.window]]\nwhen = {when}\nrates = {{ input = 1, output = 1 }}\n"
    # inside: (1000 + 300) / 1e6 = 0.0013, x 1.2
    expected = "0.00156" if is_inside else "0.00732"
    assert total(tmp_path, [request(at)], price_table(MODEL + window)) == Fraction(expected)


def test_a_mode_has_its_own_rates_and_the_fees_of_the_entry(tmp_path: Path) -> None:
    mode = "[price.mode.batch]\nrates = { input = 1, output = 2 }\n"
    usage = {"server_tool_use_details": {"web_search_requests": 1}}
    # (1000 x 1 + 300 x 2) / 1e6 + 10 / 1000 = 0.0116, x 1.2
    records = [request(service_tier="batch", usage=usage)]
    assert total(tmp_path, records, price_table(MODEL + mode)) == Fraction("0.01392")


@pytest.mark.parametrize(
    "record",
    [request(service_tier="flex"), request(model="lab/two"), request(model="lab/one:free")],
    ids=["mode", "model", "variant"],
)
def test_what_has_no_price_stops_the_month(tmp_path: Path, record: Any) -> None:
    with pytest.raises(calculator.NoPrice):
        bill(tmp_path, [record])


def test_the_latest_validity_decides_then_the_latest_recording(tmp_path: Path) -> None:
    def priced(rate: int, valid_from: str) -> str:
        return f'[[price]]\nmodel = "lab/one"\nvalid_from = {valid_from}\nrates = {{ input = {rate}, output = 0 }}\n'

    tables = [
        price_table(priced(1, "2026-01-01T00:00:00Z"), "2026-09-20T00:00:00Z"),  # recorded last, but valid before
        price_table(priced(2, "2026-10-10T00:00:00Z"), "2026-09-01T00:00:00Z"),
        price_table(priced(3, "2026-10-10T00:00:00Z"), "2026-09-02T00:00:00Z"),  # the correction of the one above
    ]
    records = [request(at, tokens=(1_000_000, 0, 0, 0)) for at in ("2026-10-09T23:59:59Z", "2026-10-10T00:00:00Z")]
    # 1 for the first, 3 for the second, x 1.2
    assert total(tmp_path, records, *tables) == Fraction("4.8")


def test_a_multiplier_raises_rates_and_not_fees(tmp_path: Path) -> None:
    usage = {"server_tool_use_details": {"web_search_requests": 1}}
    # 0.0061 x 1.1 + 0.01 = 0.01671, x 1.2
    table = price_table(MODEL + "[price.multiplier]\ngeo = { us = 1.1 }\n")
    assert total(tmp_path, [request(geo="us", usage=usage)], table) == Fraction("0.020052")


def test_the_customers_rules_come_before_the_plans_and_the_defaults(tmp_path: Path) -> None:
    plan = 'kind = "plan"\nid = "pro"\n[[rule]]\nname = "pro"\nmatch = { provider = "La?" }\nmarkup_percent = 10\n'
    own = 'kind = "customer"\nid = "u"\nplan = "pro"\n[[rule]]\nname = "own"\nmatch = { api_key = ["x", "z*"] }\n'
    records = [
        request("2026-10-01T00:00:00Z", api_key="zeta"),
        request("2026-10-02T00:00:00Z", api_key="k"),
        request("2026-10-03T00:00:00Z", api_key="k", provider="Labs"),
    ]
    assert bill(tmp_path, records, plan, own).invoices["u"].lines == {
        ("lab/one", "standard", "own"): Fraction("0.0061"),  # the list price as it is
        ("lab/one", "standard", "pro"): Fraction("0.00671"),  # and 10 percent
        ("lab/one", "standard", "plain"): Fraction("0.00732"),  # and 20
    }


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # input 0.0015, cached 0.0001, reasoning 0.0015 at 20 percent; output 0.003 at 30: 0.00372 + 0.0039
        ("markup_percent = { output = 30, default = 20 }", "0.00762"),
        # the sum takes reasoning along: 0.0016 x 1 + 0.0045 x 1.3
        ("markup_percent = { output_total = 30 }", "0.00745"),
        ("markup_percent = -10", "0.00549"),
        # 0.0061 x 1.2 + 0.0005 + 200 x 0.10 / 1e6: neither is marked up, and reasoning is not output
        (f"markup_percent = 20\nadd_on = {{ {PER_REQUEST}, output = {{ price = 0.10, per = 1_000_000 }} }}", "0.00784"),
        ("add_on = { output_total = { price = 1, per = 1_000 } }", "0.3061"),
        # (600 x 1 + 400 x 1 + 300 x 2) / 1e6 = 0.0016, x 1.5
        ('basis = "own"\nper = 1_000_000\nrates = { input = 1, output = 2 }\nmarkup_percent = 50', "0.0024"),
        ('basis = "cost"\nmarkup_percent = 12', "0.00504"),  # 0.0045 x 1.12
        ('basis = "free"\nmarkup_percent = 20', "0"),
        (f'basis = "free"\nadd_on = {{ {PER_REQUEST} }}', "0.0005"),
    ],
)
def test_a_rule_is_basis_then_markup_then_add_on(tmp_path: Path, rule: str, expected: str) -> None:
    contract = f'{DEFAULT}[[rule]]\nname = "it"\n{rule}\n'
    assert total(tmp_path, [request(usage={"cost": 0.0045})], contract) == Fraction(expected)


def test_own_rates_keep_the_lists_fees_and_leave_its_tiers(tmp_path: Path) -> None:
    table = price_table(
        MODEL + "[[price.tier]]\nwhen = { input_tokens_gt = 900 }\nrates = { input = 5, output = 30 }\n"
    )
    contract = f'{DEFAULT}[[rule]]\nname = "own"\nbasis = "own"\nrates = {{ input = 1, output = 2 }}\n'
    usage = {"server_tool_use_details": {"web_search_requests": 2}}
    # 0.0016 as above, and 2 x 10 / 1000
    assert total(tmp_path, [request(usage=usage)], table, contract) == Fraction("0.0216")


def test_a_contract_that_changes_in_the_month_bills_each_record_by_its_day(tmp_path: Path) -> None:
    def version(name: str, percent: int) -> str:
        return f'kind = "customer"\nid = "u"\n[[rule]]\nname = "{name}"\nmarkup_percent = {percent}\n'

    records = [request("2026-10-14T23:59:59.999Z"), request("2026-10-15T00:00:00Z")]
    later = since_september(version("late", 10), "2026-10-15T00:00:00Z")
    assert bill(tmp_path, records, version("early", 50), later).invoices["u"].lines == {
        ("lab/one", "standard", "early"): Fraction("0.00915"),
        ("lab/one", "standard", "late"): Fraction("0.00671"),
    }


@pytest.mark.parametrize(
    ("zone", "inside", "outside"),
    [
        # Berlin leaves summer time on 25 October: UTC+2 at the start, UTC+1 at the end.
        ("Europe/Berlin", "2026-09-30T22:00:00Z 2026-10-31T22:59:59.999Z", "2026-09-30T21:59:59Z 2026-10-31T23:00:00Z"),
        # New York leaves it on 1 November at 02:00, after the month's end: UTC-4 at both.
        ("America/New_York", "2026-10-01T04:00:00Z 2026-11-01T03:59:59Z", "2026-10-01T03:59:59Z 2026-11-01T04:00:00Z"),
    ],
)
def test_the_month_ends_at_local_midnight(tmp_path: Path, zone: str, inside: str, outside: str) -> None:
    contract = f'kind = "customer"\nid = "u"\ntime_zone = "{zone}"\n'
    records = [request(at) for at in (inside + " " + outside).split()]
    assert bill(tmp_path, records, contract).invoices["u"].requests == 2


def test_users_become_customers_by_the_first_template_that_fits(tmp_path: Path) -> None:
    rules = [
        ('user = "customer_{id}"', "{id}"),
        ('user = "org_{id}", api_key = "k"', "org:{id}"),
        ('api_key = "key_billing"', "acme"),
    ]
    tables = "".join(f'[[rule]]\nmatch = {{ {match} }}\ncustomer = "{customer}"\n' for match, customer in rules)
    users = ["customer_acme", "customer_", "org_b", "u_1", "U_1", "u_1 "]
    records = [request(user=user) for user in users]
    records += [request(user=None, api_key="key_billing"), request("2026-10-06T12:00:00Z", user="", api_key="other")]
    found = bill(tmp_path, records, EACH_USER + tables)
    counts = {customer: invoice.requests for customer, invoice in found.invoices.items()}
    assert counts == {"acme": 2, "customer_": 1, "org:b": 1, "u_1": 1, "U_1": 1, "u_1 ": 1}
    assert (found.unattributed_requests, found.unattributed_list) == (1, Fraction("0.0061"))
    assert found.list_total == 8 * Fraction("0.0061")


def test_the_first_telling_counts_and_what_cannot_be_read_does_not(tmp_path: Path) -> None:
    first = request()
    lines = [
        first,
        json.dumps(dict(reversed(first.items())), indent=None, separators=(" , ", " : ")),  # the same again
        request(tokens=(1_000, 400, 340, 100)),  # another telling of the same request
        json.dumps(request("2026-10-06T00:00:00Z"))[:80],
        request("2026-10-07T00:00:00Z", tokens=(4_000, 5_120, 300, 0)),
        request("2026-10-08T00:00:00Z", user="u\x00"),
        request("2026-10-09T00:00:00Z", usage={"total_tokens": 7}),
    ]
    found = bill(tmp_path, lines)
    assert {customer: invoice.requests for customer, invoice in found.invoices.items()} == {"u": 1}
    assert found.invoices["u"].total_exact == Fraction("0.00732")


def test_an_amount_in_another_currency_is_converted_at_the_rate_of_its_day(tmp_path: Path) -> None:
    rates = "".join(
        f'[[rate]]\nfrom = "USD"\nto = "EUR"\ndate = {day}\nrate = {rate}\n'
        for day, rate in (("2026-10-01", "0.5"), ("2026-10-20", "0.8"))
    )
    fx = f'format = 1\nkind = "fx"\nrecorded_at = 2026-10-01T00:00:00Z\n{rates}'
    contract = f'{DEFAULT}currency = "EUR"\n[[rule]]\nname = "it"\nadd_on = {{ request = {{ price = 0.01 }} }}\n'
    records = [request("2026-10-19T23:59:59Z"), request("2026-10-20T00:00:00Z")]
    invoice = bill(tmp_path, records, fx, contract).invoices["u"]
    # 0.0061 x 0.5 + 0.0061 x 0.8 = 0.00793, and 2 x 0.01 that are euros already
    assert (invoice.currency, invoice.total_exact, invoice.total_minor) == ("EUR", Fraction("0.02793"), 3)


@pytest.mark.parametrize(
    ("value", "expected"), [("0.5", 1), ("-0.5", -1), ("0.4999", 0), ("-1.5", -2), ("2.5", 3), ("0", 0), ("-0.49", 0)]
)
def test_halves_are_rounded_away_from_zero(value: str, expected: int) -> None:
    assert calculator.rounded(Fraction(value)) == expected
