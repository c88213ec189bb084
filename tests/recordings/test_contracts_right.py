"""Contracts that `contracts check` must leave alone: what can be combined, and what only looks like a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recordings.files import CONTRACT_HEAD, DEFAULT_CONTRACT, FX_HEAD, entry, prices, write_folder
from tokentill.contracts.book import ContractBook
from tokentill.recordings.checking import check_folder
from tokentill.recordings.load import load_folder

GRANT_HEAD = """format = 1
kind = "grant"
recorded_at = 2026-01-01T00:00:00Z
"""

EURO = FX_HEAD + '[[rate]]\nfrom = "USD"\nto = "EUR"\ndate = 2026-01-01\nrate = 0.9\n'
PLAN = CONTRACT_HEAD.replace('"customer"', '"plan"').replace('"acme"', '"standard"')
FEE = "add_on = { request = { price = 0.0005 } }\n"

RULES = {
    "everything of a request": "markup_percent = { output = 30, output_total = 25, default = 20 }\n"
    "add_on = { request = { price = 0.001 }, output_total = { price = 1, per = 1_000_000 } }\nmin_margin_percent = 5\n"
    "byok_fee_percent = 3\n",
    "own rates of sums": 'basis = "own"\nper = 1_000\nrates = { input_total = 0.003, output_total = 0.015 }\n',
    "own rates but for what is in packages or tiers": 'basis = "own"\nrates = { output = 1 }\n'
    "package = { input_total = { price = 1, size = 1_000_000 } }\n",
    "own rates of tiers": 'basis = "own"\nrates = { output = 1 }\n'
    'tiers = { kind = "volume", over = "input", tier = ['
    "{ up_to = 9, rates = { input = 1 } }, { rates = { input = 2 } }] }\n",
    "units and an amount included": "allowance = { units = { request = 100, output_total = 1_000 }, amount = 2.50 }\n",
    "packages beyond what is included": "allowance = { units = { image = 100 } }\n"
    "package = { image = { price = 5, size = 500 } }\n",
    "graduated tiers with rates of their own": "per = 1_000_000\n"
    'tiers = { kind = "graduated", over = ["input", "output"], flat_at_zero = true, tier = ['
    "{ up_to = 1_000, flat = 5, rates = { input = 1, output = 2 } },"
    "{ up_to = 5_000, markup_percent = { output = 5 } }, { rates = { input = 0.5, output_total = 1 } }] }\n",
    "volume tiers over spend": "markup_percent = 20\n"
    'tiers = { kind = "volume", over = "spend", tier = [{ up_to = 100.50 }, { markup_percent = 10 }] }\n',
    "tiers over spend of a cost": 'basis = "cost"\nallowance = { amount = 5 }\n'
    'tiers = { kind = "graduated", over = "spend", tier = [{ up_to = 9, markup_percent = 20 }, { flat = 1 }] }\n',
    "credits by the request": "allowance = { amount = 5 }\nmin_margin_percent = 10\n"
    'credits = { name = "AI credit", worth = 0.003, round_up = "request", at_least = 1 }\n',
    "credits without rounding": 'credits = { name = "AI credit", worth = 0.0025, round_up = "never" }\n',
    "numbers that are meant": 'basis = "own"\nrates = { input = 0.000001 }\nmarkup_percent = 0.5\nunusual = true\n',
    "what is free but for its requests": f'basis = "free"\n{FEE}allowance = {{ units = {{ request = 100 }} }}\n',
}

INVOICES = {
    "all terms": 'base_fee = { amount = 20, name = "platform", prorate = false }\nminimum = 50\ncap = 500\n'
    'coupon = [{ id = "a", percent = 10, periods = 3 }, { id = "b", amount = 5 }]\n'
    'tax = [{ name = "VAT", percent = 19 }, { name = "reverse charge", percent = 0 }]\nsmallest_amount = 5\n'
    "interim_at = 500\n",
    "a minimum that is the cap": "minimum = 50\ncap = 50\n",
    "nothing, and nothing in its place": "base_fee = { amount = 0, unusual = true }\ncoupon = []\ntax = []\n",
    "percentages below one that are meant": 'coupon = [{ id = "a", percent = 0.5, unusual = true }]\n'
    'tax = [{ name = "levy", percent = 0.3, unusual = true }]\ncap = { amount = 0, unusual = true }\n',
}

RIGHT = {
    **{f"a rule of {name}": CONTRACT_HEAD + "[[rule]]\n" + text for name, text in RULES.items()},
    **{f"an invoice of {name}": CONTRACT_HEAD + "[invoice]\n" + text for name, text in INVOICES.items()},
    "a narrower rule first": CONTRACT_HEAD + '[[rule]]\nmatch = { model = "a/m", mode = "batch" }\n'
    '[[rule]]\nmatch = { model = "a/*" }\n[[rule]]\nmatch = { provider = "*" }\n[[rule]]\nmarkup_percent = 1\n',
    "a glob that only looks wider": CONTRACT_HEAD + '[[rule]]\nmatch = { model = "a/?" }\n[[rule]]\n'
    'match = { model = "a/*" }\n',
    "rules of one name that count nothing": CONTRACT_HEAD + '[[rule]]\nname = "x"\nmatch = { mode = "batch" }\n'
    '[[rule]]\nname = "x"\n',
}


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_a_contract_that_is_right_has_no_findings(name: str, tmp_path: Path) -> None:
    files = {"models/a.toml": prices(entry()), "contracts/0.toml": DEFAULT_CONTRACT, "contracts/a.toml": RIGHT[name]}
    folder = write_folder(tmp_path, files)

    assert [str(finding) for finding in check_folder(folder)] == []
    assert ContractBook(load_folder(folder).contracts).customers == ("acme",)


def parent(name: str) -> str:
    return f'[invoice]\nparent = "{name}"\n'


def of(customer: str, *, valid_from: str = "2026-01-01") -> str:
    return CONTRACT_HEAD.replace('"acme"', f'"{customer}"').replace(
        "valid_from = 2026-01-01", f"valid_from = {valid_from}"
    )


TOGETHER = {
    "a child with a fee and rules of its own": {
        "contracts/a.toml": CONTRACT_HEAD + "anchor_day = 1\n" + parent("bolt") + "base_fee = 5\n[[rule]]\n" + FEE,
        "contracts/b.toml": of("bolt") + "[invoice]\ncap = 100\n",
    },
    "a parent that was a child before": {
        "contracts/a.toml": of("acme", valid_from="2026-03-01") + parent("bolt"),
        "contracts/b.toml": of("bolt") + parent("crux"),
        "contracts/b2.toml": of("bolt", valid_from="2026-03-01") + 'drops = ["parent"]\n',
        "contracts/c.toml": of("crux"),
    },
    "nothing, in place of what a plan, the default or the version before says": {
        "contracts/a.toml": CONTRACT_HEAD + 'plan = "standard"\n[invoice]\nbase_fee = 0\nminimum = 0\n',
        "contracts/p.toml": PLAN + "[invoice]\nbase_fee = 5\n",
        "contracts/0.toml": DEFAULT_CONTRACT + "[invoice]\nminimum = 5\n",
        "contracts/b.toml": of("bolt") + "[invoice]\nbase_fee = 20\ntax = [{ name = 'VAT', percent = 19 }]\n",
        "contracts/b2.toml": of("bolt", valid_from="2026-03-01") + "[invoice]\nbase_fee = 0\ntax = []\n",
    },
    "a version that had ended, and one that goes on where it left off": {
        "contracts/a.toml": of("acme") + "[invoice]\ncap = 100\n",
        "contracts/a2.toml": of("acme", valid_from="2026-03-01").replace(
            "valid_from", "valid_to = 2026-04-01T00:00:00Z\nvalid_from"
        )
        + "[invoice]\ncap = 50\nbase_fee = 9\n",
        "contracts/a3.toml": of("acme", valid_from="2026-04-01") + "[invoice]\ncap = 120\n",
    },
    "a version that could not know what a later recording says of the time before": {
        "contracts/a.toml": of("acme"),
        "contracts/a2.toml": of("acme", valid_from="2026-03-01"),
        "contracts/b.toml": of("acme").replace("recorded_at = 2026-01-01", "recorded_at = 2026-02-01")
        + "[invoice]\ncap = 9\n",
    },
    "a new customer that is meant": {
        "contracts/a.toml": CONTRACT_HEAD,
        "contracts/g.toml": GRANT_HEAD + '[[grant]]\ncustomer = "acmee"\nid = "welcome"\ncurrency = "USD"\namount = 5\n'
        "valid_from = 2026-01-01T00:00:00Z\nnew_customer = true\n",
    },
    "own rates in another currency, about those of the list": {
        "contracts/a.toml": CONTRACT_HEAD + 'currency = "KRW"\n[[rule]]\nbasis = "own"\nrates = { input = 1500 }\n',
        "fx/a.toml": FX_HEAD + '[[rate]]\nfrom = "USD"\nto = "KRW"\ndate = 2026-01-01\nrate = 1400\n',
    },
    "a plan in the customer's currency": {
        "contracts/a.toml": CONTRACT_HEAD + 'plan = "standard"\n',
        "contracts/p.toml": PLAN + 'currency = "EUR"\n[invoice]\nbase_fee = 5\n[[rule]]\n' + FEE,
        "fx/a.toml": EURO,
    },
    "amounts in another currency that are never reached": {
        "contracts/a.toml": CONTRACT_HEAD + 'currency = "EUR"\nplan = "standard"\n[invoice]\nbase_fee = 5\n[[rule]]\n'
        "markup_percent = 20\n",
        "contracts/p.toml": PLAN + 'currency = "USD"\n[invoice]\nbase_fee = 5\n[[rule]]\n' + FEE,
        "fx/a.toml": EURO,
    },
    "a minimum and a cap of different times": {
        "contracts/a.toml": CONTRACT_HEAD + "[invoice]\ncap = 100\n",
        "contracts/a2.toml": of("acme", valid_from="2026-03-01") + 'drops = ["cap"]\n[invoice]\nminimum = 200\n',
    },
    "credit of customers with numbers, one without a contract": {
        "contracts/a.toml": of("user_1001"),
        "contracts/g.toml": GRANT_HEAD
        + "".join(
            f'[[grant]]\ncustomer = "user_{number}"\nid = "welcome"\ncurrency = "USD"\n{worth}\n'
            "valid_from = 2026-01-01T00:00:00Z\n"
            for number, worth in ((1001, "amount = 5"), (1002, 'credits = 100\nworth = 0.05\nname = "AI credit"'))
        ),
    },
    "a rule that counts something else under another name": {
        "contracts/a.toml": CONTRACT_HEAD + "[[rule]]\nname = 'x'\n"
        'tiers = { kind = "volume", over = "output", tier = [{ up_to = 9, flat = 1 }, { flat = 2 }] }\n',
        "contracts/a2.toml": of("acme", valid_from="2026-03-01") + "[[rule]]\nname = 'y'\n"
        'tiers = { kind = "volume", over = "spend", tier = [{ up_to = 9, flat = 1 }, { flat = 2 }] }\n',
    },
    "a grant stated again later": {
        "contracts/a.toml": CONTRACT_HEAD,
        **{
            f"contracts/g{day}.toml": GRANT_HEAD.replace("01-01", f"01-0{day}")
            + '[[grant]]\ncustomer = "acme"\nid = "welcome"\ncurrency = "USD"\namount = 5\n'
            "valid_from = 2026-01-01T00:00:00Z\n"
            for day in (1, 2)
        },
    },
}


@pytest.mark.parametrize("name", sorted(TOGETHER))
def test_contracts_that_are_right_together_have_no_findings(name: str, tmp_path: Path) -> None:
    files = {"models/a.toml": prices(entry()), "contracts/0.toml": DEFAULT_CONTRACT, **TOGETHER[name]}
    folder = write_folder(tmp_path, files)

    assert [str(finding) for finding in check_folder(folder)] == []
    assert load_folder(folder).warnings == ()
