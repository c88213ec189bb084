"""The first month of a new user: the wheel is installed, three gateways' exports are billed under own plans in euros.

Each mistake that a new user makes on the way is made, and nothing is billed by surprise, lost in silence, or without a
price that there is. Every total is computed beside the product, with fractions. Every day the month is called in this
process, and a short one with the wheel; campaigns call both with the wheel.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Cli
from tests.package.installation import Installed
from tests.shares import in_campaigns

PERIOD = "2026-10"
MILLION = 1_000_000
RATES = {
    "gpt-5.4": {"input": "2.5", "cache_read": "0.25", "output": "15"},
    "sonnet": {"input": "3", "cache_read": "0.3", "output": "15"},
    "gpt-4o": {"input": "2.5", "cache_read": "1.25", "output": "10"},
}
"""Published list prices, USD for a million tokens."""

EARLY, LATE = Fraction("0.85"), Fraction("0.9")
"""Euros for a dollar, before the 15th and from then on."""

HEAD = "format = 1\nrecorded_at = 2026-09-20T09:00:00Z\n"
SINCE = "valid_from = 2026-09-01T00:00:00Z\n"
FILES = {
    "contracts/standard.toml": f'{HEAD}kind = "plan"\nid = "standard"\n{SINCE}'
    '[[rule]]\nname = "standard"\nmarkup_percent = 25\n[invoice]\ntax = [{ name = "VAT", percent = 19 }]\n',
    "contracts/pro.toml": f'{HEAD}kind = "plan"\nid = "pro"\n{SINCE}'
    '[[rule]]\nname = "pro"\nmarkup_percent = 10\n[invoice]\nbase_fee = 20\ntax = [{ name = "VAT", percent = 19 }]\n',
    "contracts/flat.toml": f'{HEAD}kind = "plan"\nid = "flat"\n{SINCE}'
    '[[rule]]\nname = "flat"\nbasis = "own"\nper = 1_000_000\n'
    "rates = { input = 4, cache_read = 1, cache_write_5m = 4, cache_write_1h = 4, output = 20 }\n",
    **{
        f"contracts/{customer}.toml": f'{HEAD}kind = "customer"\nid = "{customer}"\nplan = "{plan}"\n{SINCE}'
        for customer, plan in {"acme": "pro", "globex": "standard", "initech": "standard", "umbrella": "flat"}.items()
    },
    "attribution/teams.toml": f'{HEAD}kind = "attribution"\n{SINCE}default = "each-user"\n'
    '[[rule]]\nmatch = { user = "org_{id}" }\ncustomer = "{id}"\n',
    "fx/october.toml": f'{HEAD}kind = "fx"\nsource = "a bank"\n[[rate]]\nfrom = "USD"\nto = "EUR"\ndate = 2026-09-20\n'
    'rate = 0.85\n[[rate]]\nfrom = "USD"\nto = "EUR"\ndate = 2026-10-15\nrate = 0.9\n',
}
KEY_RULE = (
    f'{HEAD.replace("09-20", "11-02")}kind = "attribution"\n{SINCE}default = "each-user"\n'
    '[[rule]]\nmatch = { user = "org_{id}" }\ncustomer = "{id}"\n'
    '[[rule]]\nmatch = { api_key = "key_jobs" }\ncustomer = "umbrella"\n'
)
ALIAS = (
    'format = 1\nkind = "prices"\nrecorded_at = 2026-11-02T09:00:00Z\nsource = "our gateway"\n'
    '[[alias]]\nid = "our-best"\nmodel = "openai/gpt-5.4"\n'
)


def litellm(id_: str, user: str, model: str, day: int, prompt: int, cached: int, completion: int, **more: Any) -> Any:
    """A row of the spend logs: what is cached is part of the prompt."""
    details = {"prompt_tokens_details": {"cached_tokens": cached}} if cached else {}
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    row = {"request_id": id_, "call_type": "acompletion", "end_user": user, "model": model, "spend": 0.001, **counts}
    at = f"2026-10-{day:02d} 12:00:00+00:00"
    return {**row, "startTime": at, "endTime": at, "metadata": {"usage_object": {**counts, **details}}, **more}


def openrouter(id_: str, user: str, model: str, day: int, prompt: int, cached: int, completion: int) -> Any:
    """A generation."""
    counts = {"native_tokens_prompt": prompt, "native_tokens_completion": completion, "native_tokens_cached": cached}
    row = {"id": id_, "created_at": f"2026-10-{day:02d}T12:00:00+00:00", "model": model, "external_user": user}
    return {
        **row,
        **counts,
        "tokens_prompt": prompt,
        "tokens_completion": completion,
        "total_cost": 0.01,
        "is_byok": False,
    }


def arouter(id_: str, user: str | None, model: str, day: int, prompt: int, cached: int, completion: int) -> Any:
    """An activity record."""
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    usage |= {"prompt_tokens_details": {"cached_tokens": cached}}
    row = {"id": id_, "created_at": f"2026-10-{day:02d}T12:00:00Z", "model": model, "api_key": "key_jobs"}
    return {**row, **({"user": user} if user else {}), "usage": usage}


Request = tuple[str, str, int, int, int, int]
"""A customer, what its model costs, the day, and the tokens: of the prompt, cached ones of it, of the answer."""

LITELLM: dict[str, tuple[Request, str]] = {
    "l-1": (("acme", "gpt-5.4", 3, 120_000, 20_000, 8_000), "gpt-5.4-2026-03-05"),
    "l-2": (("acme", "gpt-5.4", 20, 90_001, 1, 12_345), "azure/gpt-5.4"),
    "l-3": (("globex", "sonnet", 14, 77_777, 7_777, 3_333), "claude-sonnet-4-5-20250929"),
    "l-4": (("initech", "gpt-5.4", 15, 50_000, 0, 5_000), "our-best"),
}
OPENROUTER: dict[str, tuple[Request, str]] = {
    "o-1": (("globex", "sonnet", 16, 33_333, 333, 9_999), "anthropic/claude-4.6-sonnet-20260217"),
    "o-2": (("umbrella", "sonnet", 31, 10_001, 1, 1_001), "anthropic/claude-sonnet-4.6"),
}
AROUTER: dict[str, tuple[Request, str]] = {
    "a-1": (("umbrella", "gpt-4o", 2, 44_444, 4_444, 2_222), "openai/gpt-4o"),
    "a-2": (("umbrella", "gpt-4o", 17, 55_555, 5, 1_111), "gpt-4o-2024-08-06"),
}


def totals() -> dict[str, str]:
    """What each customer's invoice comes to, in euros: exact sums, rounded once, the tax on what was rounded."""
    exact: dict[str, Fraction] = {}
    for (customer, model, day, prompt, cached, completion), _ in (LITELLM | OPENROUTER | AROUTER).values():
        rates = {"input": "4", "cache_read": "1", "output": "20"} if customer == "umbrella" else RATES[model]
        markup = {"acme": Fraction(11, 10), "umbrella": Fraction(1)}.get(customer, Fraction(5, 4))
        tokens = {"input": prompt - cached, "cache_read": cached, "output": completion}
        amount = sum((Fraction(rates[name]) * number / MILLION for name, number in tokens.items()), Fraction(0))
        euros = Fraction(1) if customer == "umbrella" else EARLY if day < 15 else LATE
        exact[customer] = exact.get(customer, Fraction(0)) + amount * markup * euros
    exact["acme"] += 20
    rounded = {customer: cents(amount) for customer, amount in exact.items()}
    taxed = {customer: net + cents(Fraction(net, 100) * Fraction(19, 100)) for customer, net in rounded.items()}
    taxed["umbrella"] = rounded["umbrella"]
    return {customer: f"{total // 100}.{total % 100:02d}" for customer, total in taxed.items()}


def cents(amount: Fraction) -> int:
    """Half up."""
    return int(amount * 100 + Fraction(1, 2))


@dataclass
class Shop:
    """A folder of a new user, and the command in it: the installed one, or that of this process."""

    command: Installed | Cli
    folder: Path
    environment: dict[str, str]

    def __call__(self, *words: str, status: int = 0, folder: Path | None = None) -> tuple[str, str]:
        if isinstance(self.command, Cli):
            self.command.patch.chdir(folder or self.folder)
            said = self.command(*words, status=status)
            return said.out, said.err
        done = self.command.call(
            self.command.command, *words, status=status, folder=folder or self.folder, **self.environment
        )
        return done.stdout, done.stderr

    def json(self, *words: str, status: int = 0) -> Any:
        return json.loads(self(*words, "--json", status=status)[0])

    def write(self, path: str, content: str) -> str:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        return path


@pytest.fixture(params=["in process", "sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    environment = {}
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_database").engine.url
        environment["TOKENTILL_DB"] = url.render_as_string(hide_password=False)
    folder = tmp_path / "shop"
    folder.mkdir()
    is_here = request.param == "in process"
    return Shop(Cli(folder, monkeypatch) if is_here else request.getfixturevalue("installed"), folder, environment)


@pytest.mark.parametrize("shop", ["in process", *map(in_campaigns, ("sqlite", "postgresql"))], indirect=True)
def test_the_first_month(shop: Shop) -> None:
    assert "tokentill ingest EXPORT" in shop("init", "--currency", "EUR")[0]
    for path, text in FILES.items():
        shop.write(f"pricing/{path}", text)
    assert "8 contracts, 81 models (81 of them shipped), 0 warnings" in shop("contracts", "check", "--strict")[0]
    _take_usage_in(shop)
    _see_what_is_in_the_way(shop)
    _put_it_right(shop)
    _take_no_other_contracts(shop)
    _approve_and_close(shop)
    _late_usage_is_named(shop)


def _take_usage_in(shop: Shop) -> None:
    rows = [litellm(id_, f"org_{of[0]}", model, *of[2:]) for id_, (of, model) in LITELLM.items()]
    image = {"call_type": "aimage_generation", "spend": 0.08}
    rows.append(litellm("l-5", "org_globex", "gpt-image-1", 5, 0, 0, 0, **image))
    shop.write("litellm.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    generations = [openrouter(id_, f"org_{of[0]}", model, *of[2:]) for id_, (of, model) in OPENROUTER.items()]
    shop.write("openrouter.json", json.dumps({"data": generations}))
    activity = [arouter("a-1", "org_umbrella", AROUTER["a-1"][1], *AROUTER["a-1"][0][2:])]
    activity.append(arouter("a-2", None, AROUTER["a-2"][1], *AROUTER["a-2"][0][2:]))
    shop.write("arouter.json", json.dumps({"data": activity, "page": 1, "total_pages": 3}))
    broken = [litellm(f"b-{number}", "org_acme", "gpt-4o", 5, -1, 0, 7) for number in (1, 2)]
    shop.write("broken.jsonl", "".join(json.dumps(row) + "\n" for row in broken))

    taken = shop.json("ingest", "litellm.jsonl", "openrouter.json", "arouter.json")
    assert (taken["accepted"], taken["quarantined"]) == (9, 0)
    assert "page 1 of 3" in shop("ingest", "arouter.json")[1]
    assert "broken.jsonl" in shop("ingest", "broken.jsonl", status=1)[1]
    aside = ("--db", "aside.db")
    shop("ingest", "openrouter.json", *aside)
    assert "under another name?" in shop("ingest", "openrouter.json", "--source", "openrouter:again", *aside)[1]
    shop("usage", "quarantine", "discard", "--file", "broken.jsonl", "--reason", "not an export")


def _see_what_is_in_the_way(shop: Shop) -> None:
    out, err = shop("preview", PERIOD)
    assert "pricing (found by " in out
    assert "'our-best' is in no price table" in err
    assert "at a gateway cost of 0.08 USD" in err  # the picture without a quantity
    assert "belongs to nobody" in err or "belong to nobody" in err
    blocked = shop.json("close", PERIOD, status=1)
    assert blocked["issued"] == []
    if not shop.environment:
        assert "there is no database" in shop("close", PERIOD, "--db", "typo.db", status=2)[1]


def _put_it_right(shop: Shop) -> None:
    shop.write("pricing/models/names.toml", ALIAS)
    shop.write("pricing/attribution/jobs.toml", KEY_RULE)
    shop("usage", "waive", "litellm", "l-5", "--reason", "a gift")
    broken = shop.write("pricing/contracts/new.toml", "kind = \n")
    shop("preview", PERIOD, status=1)
    shop("verify")
    (shop.folder / broken).unlink()
    shop("contracts", "check", "--strict")


def _take_no_other_contracts(shop: Shop) -> None:
    shop("preview", PERIOD)
    elsewhere = shop.folder.parent / "elsewhere"
    elsewhere.mkdir()
    given = () if shop.environment else ("--db", str(shop.folder / "tokentill.db"))
    said = shop("close", PERIOD, *given, status=1, folder=elsewhere)[1]
    assert "customer acme" in said
    assert "--accept-pricing-change" in said


def _approve_and_close(shop: Shop) -> None:
    customers = ("acme", "globex", "initech", "umbrella")
    shop("review", "hold", PERIOD, "globex", "--reason", "a question", "--by", "ann")
    for customer in ("acme", "initech", "umbrella"):
        shop("review", "approve", PERIOD, customer, "--by", "ann")
    refused = shop.json("close", PERIOD, "--require-approval", status=1)
    assert [one["customer"] for one in refused["refused"]] == ["globex"]
    shop("review", "release", PERIOD, "globex", "--by", "ann")
    shop("review", "approve", PERIOD, "globex", "--by", "ann")
    closed = shop.json("close", PERIOD, "--require-approval")
    assert len(closed["issued"]) == 1
    assert set(closed["totals"]) == {"EUR"}
    invoices = {one["customer"]: one for one in shop.json("invoices", "list")["invoices"]}
    assert set(invoices) == set(customers)
    assert {customer: one["total"] for customer, one in invoices.items()} == totals()
    assert {one["currency"] for one in invoices.values()} == {"EUR"}
    verified = shop.json("verify")
    assert (verified["verified"], verified["faults"]) == (4, [])


def _late_usage_is_named(shop: Shop) -> None:
    late = litellm("l-9", "org_acme", "gpt-5.4", 30, 1000, 0, 10)
    shop.write("late.jsonl", json.dumps(late) + "\n")
    assert PERIOD in "".join(shop("ingest", "late.jsonl"))
    assert "1 request is late" in shop("close", PERIOD)[1]


@pytest.mark.parametrize("shop", ["sqlite", in_campaigns("postgresql")], indirect=True)
def test_five_commands_lead_to_a_reviewed_first_invoice(shop: Shop) -> None:
    row = litellm("l-1", "acme", "gpt-5.4-2026-03-05", 3, 200_000, 0, 100_000)
    shop.write("spend-logs.jsonl", json.dumps(row) + "\n")
    for words in (
        ("init",),
        ("ingest", "spend-logs.jsonl"),
        ("preview", PERIOD),
        ("review", "approve", PERIOD, "acme"),
        ("close", PERIOD, "--require-approval"),
    ):
        shop(*words)
    assert [one["total"] for one in shop.json("invoices", "list")["invoices"]] == ["2.00"]
