"""What people are told of contracts: all that is agreed, which rule wins and why, what differs between two times."""

from __future__ import annotations

import pytest

from tests.cli.running import Cli

APRIL, JULY = "2025-04-01T00:00:00Z", "2025-07-01T00:00:00Z"

PLAN = """\
format = 1
kind = "plan"
id = "standard"
recorded_at = 2025-01-02T00:00:00Z
valid_from = 2025-01-01T00:00:00Z

[invoice]
base_fee = { amount = 20, name = "platform" }
tax = [{ name = "VAT", percent = 19 }]

[[rule]]
name = "batches"
match = { mode = "batch" }
markup_percent = -10

[[rule]]
name = "all else"
markup_percent = { output = 30, default = 20 }
add_on = { request = { price = 0.0005 } }
"""

ACME = """\
format = 1
kind = "customer"
id = "acme"
plan = "standard"
recorded_at = 2025-01-02T00:00:00Z
valid_from = 2025-01-01T00:00:00Z

[invoice]
minimum = 50
coupon = [{ id = "spring", percent = 10, periods = 3 }]

[[rule]]
name = "negotiated"
match = { model = "acme/*", provider = ["acme", "other"], tag = "gold" }
basis = "own"
rates = { input = 2.8, output_total = 14 }

[[rule]]
name = "gifts"
match = { model = "acme/gift" }
basis = "free"
"""

LATER = (
    ACME.replace("recorded_at = 2025-01-02", "recorded_at = 2025-05-20")
    .replace("valid_from = 2025-01-01", "valid_from = 2025-06-01")
    .replace("minimum = 50", "cap = 500")
    .replace("[invoice]", 'drops = ["minimum"]\n\n[invoice]')
    .replace("input = 2.8", "input = 2.5")
)

CREDIT = """\
format = 1
kind = "grant"
recorded_at = 2025-01-02T00:00:00Z

[[grant]]
customer = "acme"
id = "welcome"
currency = "USD"
credits = 10_000
worth = 0.005
name = "AI credit"
valid_from = 2025-03-01T00:00:00Z
expires_at = 2025-06-15T00:00:00Z
"""

CHILD = """\
format = 1
kind = "customer"
id = "acme-labs"
recorded_at = 2025-01-02T00:00:00Z
valid_from = 2025-01-01T00:00:00Z

[invoice]
parent = "acme"
base_fee = 5
"""

SPECIAL = """\
format = 1
kind = "customer"
id = "bolt"
recorded_at = 2025-01-02T00:00:00Z
valid_from = 2025-01-01T00:00:00Z
currency = "EUR"

[[rule]]
name = "batches"
match = { mode = "batch" }
basis = "cost"
markup_percent = 20
add_on = { request = { price = 0.01 } }
min_margin_percent = 5
byok_fee_percent = 3
credits = { name = "AI credit", worth = 0.002, round_up = "request", at_least = 1 }

[[rule]]
name = "the rest"
per = 1_000
allowance = { units = { output_total = 100_000 }, amount = 2.50 }
package = { web_search = { price = 5, size = 500 } }

[rule.tiers]
kind = "graduated"
over = ["output_total"]
flat_at_zero = true
tier = [{ up_to = 1_000, markup_percent = 30, flat = 1 }, { up_to = 5_000 }, { rates = { output = 0.01 } }]
"""

FX = """\
format = 1
kind = "fx"
recorded_at = 2025-01-02T00:00:00Z
source = "a test"

[[rate]]
from = "USD"
to = "EUR"
date = 2025-01-01
rate = 0.9
"""


@pytest.fixture
def agreed(cli: Cli) -> Cli:
    """A pricing folder with a plan, customers on it, credit and exchange rates."""
    cli.write_pricing()
    for path, text in {
        "contracts/plan.toml": PLAN,
        "contracts/acme.toml": ACME,
        "contracts/acme-june.toml": LATER,
        "contracts/credit.toml": CREDIT,
        "contracts/labs.toml": CHILD,
        "contracts/bolt.toml": SPECIAL,
        "fx/eur.toml": FX,
    }.items():
        cli.write(f"pricing/{path}", text)
    cli.write("tokentill.toml", "shipped_prices = false\n")
    return cli.with_database()


def test_the_folder_has_no_mistake(agreed: Cli) -> None:
    assert agreed("contracts", "check", "--strict").out.endswith(": 8 contracts, 2 models, 0 warnings\n")


def test_all_that_is_agreed_is_shown_with_where_it_comes_from(agreed: Cli) -> None:
    assert agreed("contracts", "show", "acme", "--at", APRIL).out == (
        "acme: USD, UTC, from day 1 of each month\n"
        "customer acme, valid from 2025-01-01T00:00:00Z, recorded 2025-01-02T00:00:00Z (contracts/acme.toml)\n"
        "  1. negotiated: own rates: input 2.8, output_total 14 per 1,000,000"
        " (where model acme/*; provider acme or other; tag gold)\n"
        "  2. gifts: free (where model acme/gift)\n"
        "plan standard, valid from 2025-01-01T00:00:00Z, recorded 2025-01-02T00:00:00Z (contracts/plan.toml)\n"
        "  1. batches: list price; −10 % (where mode batch)\n"
        "  2. all else: list price; +30 % on output; +20 %; + 0.0005 per request (where anything)\n"
        "default, valid from 2025-01-01T00:00:00Z, recorded 2025-01-02T00:00:00Z (contracts/default.toml)\n"
        "  no rules\n"
        "the first rule that fits a record bills it; where none fits, the list price is billed as it is\n"
        "\n"
        "invoice   agreed                                                 by\n"
        "base fee  20 USD, by the days on which it was agreed (platform)  plan standard\n"
        "minimum   50 USD                                                 customer acme\n"
        "coupon    spring: 10 % off, for 3 periods                        customer acme\n"
        "tax       VAT 19 %                                               plan standard\n"
        "\n"
        "prepaid credit               amount  priority  from                  until\n"
        "welcome         50 USD of AI credit         0  2025-03-01T00:00:00Z  2025-06-15T00:00:00Z\n"
    )


def test_what_is_shown_is_what_was_known_then(agreed: Cli) -> None:
    assert "cap       500 USD" in agreed("contracts", "show", "acme", "--at", JULY).out
    assert "minimum   50 USD" in agreed("contracts", "show", "acme", "--at", JULY, "--as-of", APRIL).out


def test_a_child_is_shown_with_the_terms_of_its_parent(agreed: Cli) -> None:
    text = agreed("contracts", "show", "acme-labs", "--at", APRIL).out

    assert "\nits usage stands on the invoice of acme\n" in text
    assert "base fee  5 USD, by the days on which it was agreed (base fee)  customer acme-labs\n" in text
    assert "minimum   50 USD                                                customer acme\n" in text
    assert "\nwelcome         50 USD of AI credit " in text


def test_the_agreement_is_printed_as_json(agreed: Cli) -> None:
    found = agreed("contracts", "show", "acme-labs", "--at", APRIL, "--json").json

    assert (found["customer"], found["pays"], found["has_contract"]) == ("acme-labs", "acme", True)
    assert [link["path"] for link in found["chain"]] == ["contracts/labs.toml", "contracts/default.toml"]
    assert {"term": "minimum", "agreed": "50 USD", "from": "customer acme"} in found["invoice"]
    assert agreed("contracts", "show", "acme", "--at", APRIL, "--json").json["grants"] == [
        {
            "id": "welcome",
            "amount": "50",
            "currency": "USD",
            "is": "50 USD of AI credit",
            "priority": 0,
            "valid_from": "2025-03-01T00:00:00Z",
            "expires_at": "2025-06-15T00:00:00Z",
        }
    ]


def test_a_rule_is_told_in_the_order_in_which_it_calculates(agreed: Cli) -> None:
    text = agreed("contracts", "show", "bolt", "--at", APRIL).out

    assert (
        "  1. batches: the reported cost; +20 %; + 0.01 per request; at least 5 % over the reported cost; in AI credit"
        " of 0.002, rounded up for each request and at least 1; with the caller's own key 3 % of the reported cost"
        " instead (where mode batch)\n"
    ) in text
    assert (
        "  2. the rest: list price; graduated tiers over output_total (up to 1,000 +30 % and flat 1, up to 5,000 as the"
        " rule, above 5,000 at output 0.01, and the first flat amount without usage); web_search in packages of 500 at"
        " 5; 100,000 output_total and an amount of 2.5 included in a period (where anything)\n"
    ) in text


def test_a_customer_without_a_contract_is_told_so_and_has_the_default(agreed: Cli) -> None:
    text = agreed("contracts", "show", "acmee", "--at", APRIL).out

    assert 'no contract is of a customer acmee; did you mean "acme"?\ndefault, valid from' in text
    before = agreed("contracts", "show", "acme", "--at", "2024-01-01T00:00:00Z").out
    assert (
        "no contract of acme is in force at 2024-01-01T00:00:00Z; its first is valid from 2025-01-01T00:00:00Z"
        in before
    )


def test_the_chain_of_rules_is_explained_with_the_price_it_leads_to(agreed: Cli) -> None:
    text = agreed("contracts", "explain", "acme", "large", "--at", APRIL, "--tag", "gold").out

    assert text == (
        "acme, large (priced as acme/large), standard, at 2025-04-01T00:00:00Z\n"
        "\n"
        "contract       rule           where                                                 why\n"
        "customer acme  1. negotiated  model acme/*; provider acme or other; tag gold"
        "  no    provider is not given, and the rule asks for acme or other\n"
        "customer acme  2. gifts       model acme/gift"
        "                                 no    model acme/large is not acme/gift\n"
        "plan standard  1. batches     mode batch"
        "                                      no    mode standard is not batch\n"
        "plan standard  2. all else    anything"
        "                                        wins  fits every record\n"
        "\n"
        "all else (plan standard): list price; +30 % on output; +20 %; + 0.0005 per request\n"
        "\n"
        "prices in USD\n"
        "quantity          per  listed  billed\n"
        "input       1,000,000       3     3.6\n"
        "cache_read  1,000,000     0.3    0.36\n"
        "output      1,000,000      15    19.5\n"
        "request             1          0.0005\n"
    )


def test_the_rule_that_wins_depends_on_what_is_given(agreed: Cli) -> None:
    given = ["--provider", "acme", "--tag", "silver", "--tag", "gold"]
    found = agreed("contracts", "explain", "acme", "large", "--at", APRIL, *given, "--json").json

    assert found["rule"]["name"] == "negotiated"
    assert [(link["name"], link["outcome"]) for link in found["considered"]] == [
        ("negotiated", "fits"),
        ("gifts", "not asked"),
        ("batches", "not asked"),
        ("all else", "not asked"),
    ]
    assert found["considered"][0]["why"] == (
        "model acme/large fits acme/*; provider acme fits acme or other; tag silver or gold fits gold"
    )
    prices = {
        row["quantity"]: (row["listed"], [billed["amount"] for billed in row["billed"]]) for row in found["prices"]
    }
    assert prices == {"input": ("3", ["2.8"]), "cache_read": ("0.3", ["2.8"]), "output": ("15", ["14"])}
    later = agreed("contracts", "explain", "acme", "large", "--at", JULY, *given, "--json").json
    assert later["prices"][0]["billed"][0]["amount"] == "2.5"
    known = agreed("contracts", "explain", "acme", "large", "--at", JULY, "--as-of", APRIL, *given, "--json").json
    assert known["prices"][0]["billed"][0]["amount"] == "2.8"


def test_tiers_packages_and_another_currency_are_explained(agreed: Cli) -> None:
    text = agreed("contracts", "explain", "bolt", "large", "--at", APRIL).out

    assert text.partition("prices in ")[2] == (
        "EUR\n"
        "quantity          per  listed  up to 1,000  up to 5,000  above 5,000\n"
        "input       1,000,000     2.7         3.51          2.7          2.7\n"
        "cache_read  1,000,000    0.27        0.351         0.27         0.27\n"
        "output      1,000,000    13.5        17.55         13.5           10\n"
        "web_search        500                    5            5            5  for each begun package\n"
        "1 USD is 0.9 EUR on that day\n"
    )


def test_a_cost_is_explained_as_what_one_unit_of_it_is_billed_at(agreed: Cli) -> None:
    agreed.write("pricing/models/batch.toml", BATCH_PRICES)
    text = agreed("contracts", "explain", "bolt", "acme/batch", "--mode", "batch", "--at", APRIL).out

    assert text.partition("prices in ")[2] == (
        "EUR\n"
        "quantity           per  listed  billed\n"
        "request              1            0.01\n"
        "the reported cost    1     0.9    1.08\n"
        "1 USD is 0.9 EUR on that day\n"
    )


BATCH_PRICES = """\
format = 1
kind = "prices"
recorded_at = 2025-01-02T00:00:00Z
currency = "USD"

[[price]]
model = "acme/batch"
valid_from = 2025-01-01T00:00:00Z
rates = { input = 3 }

  [[price.tier]]
  when = { input_tokens_gt = 100_000 }
  rates = { input = 6 }

  [price.mode.batch]
  rates = { input = 1.5 }
"""


def test_a_longer_context_is_explained_with_its_tier(agreed: Cli) -> None:
    agreed.write("pricing/models/batch.toml", BATCH_PRICES)
    text = agreed("contracts", "explain", "dune", "acme/batch", "--input-tokens", "100001", "--at", APRIL).out

    assert "input     1,000,000       6     7.2\n" in text
    assert "the list price is that of the tier input > 100000\n" in text


def test_a_model_that_is_in_no_price_table_is_explained_and_found_wrong(agreed: Cli) -> None:
    said = agreed("contracts", "explain", "acme", "larg", "--at", APRIL, status=1)

    assert "plan standard  2. all else    anything" in said.out
    assert "no list price: model 'larg' is in no price table; did the gateway mean 'large'?" in said.out
    assert said.out.endswith("unpriced usage is listed, and keeps a period from being closed\n")
    found = agreed("contracts", "explain", "acme", "larg", "--at", APRIL, "--json", status=1).json
    assert found["unpriced"].startswith("model 'larg' is in no price table")
    assert found["rule"]["name"] == "all else"


def test_own_rates_need_no_list_price(agreed: Cli) -> None:
    given = ["--provider", "acme", "--tag", "gold"]
    text = agreed("contracts", "explain", "acme", "acme/new", "--at", APRIL, *given).out

    assert "negotiated (customer acme): own rates" in text
    assert ["input", "1,000,000", "2.8"] in [line.split() for line in text.splitlines()]


def test_an_unknown_customer_is_explained_under_the_default(agreed: Cli) -> None:
    text = agreed("contracts", "explain", "acmee", "large", "--at", APRIL).out

    assert 'no contract is of a customer acmee; did you mean "acme"?\n' in text
    assert "\nno rule fits: the list price is billed as it is\n" in text
    assert "output      1,000,000      15      15\n" in text


def test_contracts_in_force_at_two_instants_are_compared(agreed: Cli) -> None:
    assert agreed("contracts", "diff", APRIL, JULY).out == (
        "customer acme: valid from 2025-06-01T00:00:00Z, before from 2025-01-01T00:00:00Z\n"
        "  minimum: 50 -> not stated\n"
        "  cap: not stated -> 500\n"
        "  rule negotiated\n"
        "    before: own rates: input 2.8, output_total 14 per 1,000,000"
        " (where model acme/*; provider acme or other; tag gold)\n"
        "    after:  own rates: input 2.5, output_total 14 per 1,000,000"
        " (where model acme/*; provider acme or other; tag gold)\n"
        "prepaid credit welcome of acme: 50 USD of AI credit from 2025-03-01T00:00:00Z, until 2025-06-15T00:00:00Z"
        " -> none\n"
        "0 new, 1 changed, 0 no longer in force\n"
    )
    assert agreed("contracts", "diff", APRIL, "2025-05-01T00:00:00Z").out == (
        "no contract differs between 2025-04-01T00:00:00Z and 2025-05-01T00:00:00Z\n"
    )


def test_every_kind_of_difference_is_told(agreed: Cli) -> None:
    before = CHILD.replace('parent = "acme"', 'coupon = [{ id = "spring", percent = 10 }, { id = "x", amount = 5 }]')
    before += (
        'smallest_amount = 5\n\n[[rule]]\nname = "a"\nmatch = { mode = "batch" }\n\n'
        '[[rule]]\nname = "b"\nmatch = { mode = "flex" }\n\n[[rule]]\nname = "b"\nmatch = { mode = "night" }\n'
    )
    after = CHILD.replace('parent = "acme"', "coupon = []").replace("2025-01-02", "2025-05-02") + (
        "interim_at = 100\ntax = []\n"
        '\n[[rule]]\nname = "b"\nmatch = { mode = "flex" }\n\n[[rule]]\nname = "a"\nmatch = { mode = "batch" }\n'
    )
    agreed.write(
        "pricing/contracts/labs.toml", before.replace("[invoice]", 'anchor_day = 15\nplan = "standard"\n[invoice]')
    )
    drops = 'drops = ["plan", "anchor_day", "smallest_amount"]\n[invoice]'
    later = after.replace("valid_from = 2025-01", "valid_from = 2025-06").replace("[invoice]", drops)
    agreed.write("pricing/contracts/labs-2.toml", later)

    text = agreed("contracts", "diff", "2025-05-01T00:00:00Z", "2025-06-14T00:00:00Z").out

    assert text.partition("customer acme-labs: ")[2].splitlines()[1:-1] == [
        "  plan: standard -> not stated",
        "  anchor_day: 15 -> not stated",
        "  coupon: spring: 10 % off; x: 5 off -> none",
        "  tax: not stated -> none",
        "  smallest amount: below 5 nothing is due yet -> not stated",
        "  interim invoice: not stated -> from 100 on",
        "  rule b (3)",
        "    before: list price (where mode night)",
        "    after:  none",
        "  order of rules: a, b -> b, a",
    ]
    shown = agreed("contracts", "show", "acme-labs", "--at", "2025-06-14T00:00:00Z", "--json").json
    assert shown["invoice"][1:] == [
        {"term": "coupons", "agreed": "none", "from": "customer acme-labs"},
        {"term": "taxes", "agreed": "none", "from": "customer acme-labs"},
        {"term": "interim_at", "agreed": "from 100 USD on", "from": "customer acme-labs"},
    ]


def test_a_list_of_customers_is_printed_without_one(agreed: Cli) -> None:
    assert agreed("contracts", "show").out == "acme\nacme-labs\nbolt\ndune\n"
    assert agreed("contracts", "show", "--as-of", "2025-01-01T00:00:00Z").out == "no contracts\n"


def test_contracts_as_known_at_two_times_are_compared(agreed: Cli) -> None:
    found = agreed("contracts", "diff", APRIL, JULY, "--as-of", "--at", JULY, "--json").json

    assert [(one["kind"], one["id"]) for one in found["contracts"]] == [("customer", "acme")]
    assert found["contracts"][0]["changes"][0] == {
        "what": "minimum",
        "name": "minimum",
        "before": "50",
        "after": None,
    }
    assert found["grants"] == []
    assert found["before"] == {"given": APRIL, "at": JULY, "contracts": 6}


def test_contracts_of_two_folders_are_compared(agreed: Cli) -> None:
    agreed.write_pricing("other")
    agreed.write("other/contracts/plan.toml", PLAN.replace("-10", "-12"))
    agreed.write("other/contracts/new.toml", CHILD.replace("acme-labs", "crux").replace('parent = "acme"\n', ""))

    text = agreed("contracts", "diff", "pricing", "other", "--at", APRIL).out

    assert "plan standard: valid from 2025-01-01T00:00:00Z, before from 2025-01-01T00:00:00Z\n  rule batches\n" in text
    assert "customer acme: no longer in force; it was valid from 2025-01-01T00:00:00Z\n" in text
    assert "customer crux: new, valid from 2025-01-01T00:00:00Z\n" in text
    assert text.endswith("1 new, 1 changed, 3 no longer in force\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pricing", APRIL], "of two kinds"),
        (["pricing", "pricing", "--as-of"], "--as-of is for two instants"),
        ([APRIL, JULY, "--at", APRIL], "--at goes with --as-of"),
        (["nowhere", JULY], "'nowhere' is not an instant"),
    ],
)
def test_sides_that_cannot_be_compared_are_a_wrong_call(agreed: Cli, arguments: list[str], message: str) -> None:
    assert message in agreed("contracts", "diff", *arguments, status=2).err


CARD = """\
format = 1
kind = "customer"
id = "acme"
recorded_at = 2025-01-01T00:00:00Z
valid_from = 2025-01-01T00:00:00Z

[[rule]]
name = "vip"
match = { user = ["vip*"] }
basis = "free"

[[rule]]
name = "large"
match = { model = ["*large"] }
markup_percent = 20
"""


def test_the_rate_card_says_what_each_model_costs_by_which_rule_and_why(cli: Cli) -> None:
    cli.write_pricing()
    cli.write("tokentill.toml", "shipped_prices = false\n")
    cli.write("pricing/contracts/card.toml", CARD)
    card = cli("contracts", "card", "acme", "--at", "2025-06-15T00:00:00Z", "--json").json
    assert card["customer"] == "acme"
    assert [rule["name"] for rule in card["depending_rules"]] == ["vip"]
    for row in card["models"]:
        explained = cli(
            "contracts", "explain", "acme", row["model"], "--at", card["at"], "--mode", row["mode"], "--json"
        ).json
        if row["tier"] is None:
            assert row["prices"] == explained["prices"], "the card is what explain says of each"
        assert row["rule"] == explained["rule"]
    (large,) = cli("contracts", "card", "acme", "--at", card["at"], "--model", "*/large", "--json").json["models"][:1]
    assert (large["rule"]["name"], large["why"]) == ("large", "model acme/large fits *large")
    text = cli("contracts", "card", "acme", "--at", card["at"]).out
    assert "rule vip of customer acme may bill requests in place of these, where user vip*" in text
    nothing = cli("contracts", "card", "acme", "--model", "nope*", "--at", card["at"], status=1)
    assert "no model that fits 'nope*' has a price" in nothing.err
