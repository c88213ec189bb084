"""What a month of ARouter activity should be billed at, worked out a second time and another way.

This is the second opinion that tests hold the package against. It imports nothing of it, counts in fractions, and
takes the records one by one: one record, one price, one rule, one amount. It has its own reading of the files of a
pricing folder and knows nothing of ledgers, groups or hashes. It is slow on purpose, where slow is plain.

Refused where met: `withdraws`, keys of rules and contracts beyond the main ones, audio, and a request that has no
list price, whatever its rule. Bindings are kept in a database and so are not seen here.

    python -m tests.verification.calculator ACTIVITY PRICING 2026-10
"""

from __future__ import annotations

import gzip
import json
import sys
import tomllib
import unicodedata
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from tokentill import zones

Toml = dict[str, Any]
LineKey = tuple[str, str, str | None]
"""Canonical model, mode, and the name of the rule (None where no rule fits)."""

OUTPUT = {"output", "reasoning", "output_audio", "output_image"}
INPUT = {"input", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h"}
INPUT |= {"input_audio", "input_audio_cache_read", "input_image", "input_image_cache_read", "input_video"}
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MINOR_DIGITS = {"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3}
RULE_KEYS = {"name", "match", "basis", "per", "rates", "markup_percent", "add_on"}


@dataclass(frozen=True, slots=True)
class Request:
    """One line of the export, with its tokens taken apart so that nothing is counted inside anything else."""

    id: str
    at: datetime
    model: str
    provider: str | None
    user: str | None
    api_key: str | None
    mode: str
    geo: str | None
    quantities: dict[str, int]
    cost: Fraction | None
    is_byok: bool = False
    is_error: bool = False

    def sum_of(self, names: set[str]) -> int:
        return sum(count for name, count in self.quantities.items() if name in names)


@dataclass(slots=True)
class Expected:
    """One customer's invoice: its lines exactly, their sum exactly, and the sum rounded once."""

    currency: str
    requests: int = 0
    lines: dict[LineKey, Fraction] = field(default_factory=dict)

    @property
    def total_exact(self) -> Fraction:
        return sum(self.lines.values(), Fraction(0))

    @property
    def total_minor(self) -> int:
        return rounded(self.total_exact * 10 ** MINOR_DIGITS.get(self.currency, 2))


@dataclass(slots=True)
class Statement:
    """A month: what every customer owes, and what nobody does (at list prices, in the price tables' currency)."""

    invoices: dict[str, Expected] = field(default_factory=dict)
    unattributed_requests: int = 0
    unattributed_list: Fraction = Fraction(0)
    list_total: Fraction = Fraction(0)


class NoPrice(LookupError):
    """A request that cannot be billed."""


def rounded(value: Fraction) -> int:
    """To the nearest integer, halves away from zero."""
    whole, rest = divmod(abs(value), 1)
    return (int(whole) + (rest >= Fraction(1, 2))) * (1 if value >= 0 else -1)


def requests(activity_path: str | Path) -> Iterator[Request]:
    """The distinct requests of an export: the first line of every id. A line that makes no sense is passed over."""
    seen: set[str] = set()
    opened = gzip.open if str(activity_path).endswith(".gz") else open
    with opened(activity_path, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            try:
                request = request_of(json.loads(line, parse_float=Fraction))
            except (ValueError, KeyError, TypeError):
                continue
            if request.id not in seen:
                seen.add(request.id)
                yield request


def request_of(raw: Any) -> Request:
    """Take one activity record apart. In ARouter's counts cached is inside prompt and reasoning inside completion."""
    usage = raw["usage"]
    prompt_details = usage.get("prompt_tokens_details") or {}
    completion_details = usage.get("completion_tokens_details") or {}
    cached, written = prompt_details.get("cached_tokens") or 0, prompt_details.get("cache_write_tokens") or 0
    reasoning = completion_details.get("reasoning_tokens") or 0
    searches = (usage.get("server_tool_use_details") or {}).get("web_search_requests") or 0
    quantities = {
        "input": usage["prompt_tokens"] - cached - written,
        "cache_read": cached,
        "cache_write": written,
        "output": usage["completion_tokens"] - reasoning,
        "reasoning": reasoning,
        "web_search": searches,
    }
    total = usage["prompt_tokens"] + usage["completion_tokens"]
    if min(quantities.values()) < 0 or usage.get("total_tokens", total) != total:
        raise ValueError("parts and wholes do not fit")
    if prompt_details.get("audio_tokens") or completion_details.get("audio_tokens"):
        raise ValueError("audio")
    for id_ in (raw["id"], raw["model"], raw.get("user"), raw.get("api_key"), raw.get("provider")):
        if id_ is not None and not can_be_kept(id_):
            raise ValueError("an id that cannot be shown")
    at, cost = datetime.fromisoformat(raw["created_at"]), usage.get("cost")
    if at.tzinfo is None:
        raise ValueError("an instant without a zone")
    return Request(
        id=raw["id"],
        at=at,
        model=raw["model"],
        provider=raw.get("provider"),
        user=raw.get("user") or None,
        api_key=raw.get("api_key") or None,
        mode=raw.get("service_tier") or "standard",
        geo=raw.get("geo"),
        quantities={name: count for name, count in quantities.items() if count},
        cost=None if cost is None else Fraction(cost),
        is_error=raw.get("finish_reason") == "error",
    )


def can_be_kept(id_: str) -> bool:
    """No control character, no more than 512 bytes."""
    return len(id_.encode()) <= 512 and not any(unicodedata.category(character) == "Cc" for character in id_)


@dataclass(frozen=True, slots=True)
class Folder:
    """Everything that people wrote, as tables, with `recorded_at` and `currency` of a file put into its entries."""

    prices: dict[str, list[Toml]]
    aliases: dict[str, str]
    contracts: list[Toml]
    attribution: list[Toml]
    fx: list[Toml]

    @classmethod
    def read(cls, pricing_folder: str | Path) -> Folder:
        folder = cls({}, {}, [], [], [])
        for path in sorted(Path(pricing_folder).rglob("*.toml")):
            content = tomllib.loads(
                path.read_text(encoding="utf-8"), parse_float=lambda text: Fraction(text.replace("_", ""))
            )
            match content["kind"]:
                case "prices":
                    for alias in content.get("alias", []):
                        if "valid_from" in alias:
                            raise ValueError(f"{path}: an alias from an instant on")
                        folder.aliases[alias["id"]] = alias["model"]
                    for price in content.get("price", []):
                        if "withdraws" in price:
                            raise ValueError(f"{path}: withdraws")
                        header = {key: content[key] for key in ("recorded_at", "currency")}
                        folder.prices.setdefault(price["model"], []).append(header | price)
                        folder.aliases.update(dict.fromkeys(price.get("aliases", []), price["model"]))
                case "default" | "plan" | "customer":
                    unknown = {key for rule in content.get("rule", []) for key in rule} - RULE_KEYS
                    if unknown or "invoice" in content:
                        raise ValueError(f"{path}: {unknown or 'invoice'}")
                    folder.contracts.append(content)
                case "attribution":
                    folder.attribution.append(content)
                case "fx":
                    folder.fx.extend({"recorded_at": content["recorded_at"], **rate} for rate in content["rate"])
        return folder

    def canonical(self, model: str) -> str:
        """Exact id, exact alias, then the same without a routing suffix."""
        if model in self.prices:
            return model
        if model in self.aliases:
            return self.aliases[model]
        for suffix in (":nitro", ":floor", ":online"):
            if model.endswith(suffix):
                return self.canonical(model[: -len(suffix)])
        raise NoPrice(f"unknown model {model!r}")

    def contract(self, kind: str, id_: str | None, at: datetime) -> Toml:
        """The version of a contract in force, or nothing."""
        versions = [one for one in self.contracts if one["kind"] == kind and (kind == "default" or one["id"] == id_)]
        return in_force(versions, at) or {}

    def chain(self, customer: str | None, at: datetime) -> list[Toml]:
        """Who speaks for a customer: its own contract, its plan's, the default."""
        own = self.contract("customer", customer, at) if customer is not None else {}
        plan = self.contract("plan", own["plan"], at) if "plan" in own else {}
        return [own, plan, self.contract("default", None, at)]

    def term(self, customer: str | None, at: datetime, key: str, otherwise: Any) -> Any:
        """What the first of the chain that mentions `key` says about it."""
        return next((contract[key] for contract in self.chain(customer, at) if key in contract), otherwise)

    def rate_of_day(self, from_: str, to: str, day: date) -> Fraction:
        """Units of `to` for one unit of `from_`."""
        if from_ == to:
            return Fraction(1)
        listed = [rate for rate in self.fx if (rate["from"], rate["to"]) == (from_, to) and rate["date"] <= day]
        if not listed:
            raise NoPrice(f"no rate from {from_} to {to} on {day}")
        return Fraction(max(listed, key=lambda rate: (rate["date"], rate["recorded_at"]))["rate"])


def in_force(versions: list[Toml], at: datetime) -> Toml | None:
    """Among those that cover the instant: the greatest `valid_from`, then the greatest `recorded_at`."""
    covering = [one for one in versions if one["valid_from"] <= at and ("valid_to" not in one or at < one["valid_to"])]
    return max(covering, key=lambda one: (one["valid_from"], one["recorded_at"]), default=None)


def customer_of(request: Request, folder: Folder) -> str | None:
    """Whose a request is, or None: the first rule that fits, else the user itself."""
    rules = in_force(folder.attribution, request.at) or {}
    values = {"user": request.user, "api_key": request.api_key, "source": "arouter"}
    for rule in rules.get("rule", []):
        found: list[str | None] = [template_fits(template, values[key]) for key, template in rule["match"].items()]
        if None not in found:
            return str(rule["customer"]).replace("{id}", next((id_ for id_ in found if id_), ""))
    return request.user if rules.get("default", "each-user") == "each-user" else None


def template_fits(template: str, value: str | None) -> str | None:
    """What `{id}` stands for ("" where the template has none), or None when the template does not fit."""
    if value is None:
        return None
    before, placeholder, after = template.partition("{id}")
    if not placeholder:
        return "" if value == template else None
    fits = len(value) > len(before) + len(after) and value.startswith(before) and value.endswith(after)
    return value[len(before) : len(value) - len(after)] if fits else None


def period_of(customer: str | None, month: str, folder: Folder) -> tuple[datetime, datetime]:
    """The instants between which a customer's month lies."""
    year, number = map(int, month.split("-"))
    following = (year, number + 1) if number < 12 else (year + 1, 1)
    return anchor(customer, year, number, folder), anchor(customer, *following, folder)


def anchor(customer: str | None, year: int, month: int, folder: Folder) -> datetime:
    """Local midnight of the anchor day, by the terms that hold when the calendar month begins on their own clock, or
    else at its first instant in UTC."""
    first = datetime(year, month, 1, tzinfo=UTC)

    def terms(at: datetime) -> tuple[Any, ...]:
        asked = (("anchor_day", 1), ("time_zone", "UTC"), ("currency", "USD"))
        return tuple(folder.term(customer, at, key, default) for key, default in asked)

    last = terms(first + timedelta(hours=12))
    begins = first.replace(tzinfo=zones.zone(last[1])).astimezone(UTC)
    anchor_day, zone_name, _ = last if terms(begins) == last else terms(first)
    day = min(anchor_day, monthrange(year, month)[1])
    zone = zones.zone(zone_name)
    return datetime(year, month, day, tzinfo=zone).astimezone(UTC)


def list_charges(
    request: Request, folder: Folder, counts: dict[str, int] | None = None
) -> tuple[dict[str, Fraction], str, Toml]:
    """The list price of each quantity of a request, with the table's currency and the fees that it was priced with.

    With `counts` those are priced instead of all, as a part of the request.
    """
    counts = {**request.quantities, "request": 1} if counts is None else counts
    model = folder.canonical(request.model)
    entry = in_force(folder.prices[model], request.at)
    if entry is None:
        raise NoPrice(f"{model} has no price at {request.at}")
    if entry.get("free"):
        return {}, entry["currency"], {}
    set_: Toml = entry
    if request.mode != "standard":
        listed = [{**entry, **mode} for name, mode in entry.get("mode", {}).items() if name == request.mode]
        if in_force(listed, request.at) is None:
            raise NoPrice(f"{model} has no price for mode {request.mode}")
        set_ = entry["mode"][request.mode]
    fees: Toml = set_["fees"] if "fees" in set_ else entry.get("fees", {})
    windows: list[Toml] = set_.get("window", [])
    set_ = next((window for window in windows if is_open(window["when"], request.at)), set_)
    rates: Toml = set_["rates"]
    for tier in set_.get("tier", []):
        above = tier["when"].get("input_tokens_gt", tier["when"].get("input_tokens_gte", 0) - 1)
        if request.sum_of(INPUT) > above:
            rates = tier["rates"]
    fallback = {"reasoning": "output", "cache_read": "input"} | entry.get("fallback", {})
    factor = entry.get("multiplier", {}).get("geo", {}).get(request.geo, 1)
    charges = charges_of(counts, rates, Fraction(entry.get("per", 1_000_000)) / factor, fallback, fees, request)
    return charges, entry["currency"], fees


def charges_of(
    counts: dict[str, int], rates: Toml, per: Fraction, fallback: dict[str, str], fees: Toml, request: Request
) -> dict[str, Fraction]:
    """Quantity by quantity: a counter by its fee, a leaf by its rate or by the rate that it falls back to."""
    charges = {}
    for name, count in counts.items():
        if name in fees and name not in INPUT | OUTPUT:
            charges[name] = count * Fraction(fees[name]["price"]) / fees[name].get("per", 1)
            continue
        priced_as: str | None = name
        while priced_as is not None and priced_as not in rates:
            priced_as = fallback.get(priced_as)
        if priced_as is not None:
            charges[name] = count * Fraction(rates[priced_as]) / per
        elif name != "request":
            raise NoPrice(f"no rate for {name} of {request.model} ({request.mode})")
    return charges


def is_open(when: Toml, at: datetime) -> bool:
    """Whether a window of the day is open. One that passes midnight belongs to the day on which it started."""
    local = at.astimezone(zones.zone(when.get("time_zone", "UTC")))
    clock, day, (start, end) = f"{local:%H:%M}", local.weekday(), when["between"]
    if start < end:
        is_inside = start <= clock < end
    elif clock < end:
        is_inside, day = True, (day - 1) % 7
    else:
        is_inside = clock >= start
    return is_inside and WEEK[day] in when.get("days", WEEK)


def fits(glob: str, value: str | None) -> bool:
    """`*` is any text, `?` any one character, everything else itself. What is not there fits nothing."""
    if not glob or value is None:
        return value == glob
    if glob[0] == "*":
        return any(fits(glob[1:], value[start:]) for start in range(len(value) + 1))
    return value != "" and glob[0] in ("?", value[0]) and fits(glob[1:], value[1:])


def rule_of(request: Request, customer: str | None, folder: Folder) -> Toml | None:
    """The first rule that fits, through the customer's contract, its plan's and the default; but errors that came to
    nothing are free, whatever these say.
    """
    if request.is_error and not request.cost and not any(request.quantities.keys() - INPUT):
        return {"name": "error without output and cost", "basis": "free"}
    traits = {key: getattr(request, key) for key in ("provider", "mode", "api_key", "user")}
    traits |= {"model": folder.canonical(request.model), "source": "arouter", "tag": None}
    for contract in folder.chain(customer, request.at):
        for rule in contract.get("rule", []):
            wanted = {key: [globs] if isinstance(globs, str) else globs for key, globs in rule.get("match", {}).items()}
            if all(any(fits(glob, traits[key]) for glob in globs) for key, globs in wanted.items()):
                return {**rule, "contract": f"{contract['kind']} {contract['id']}"}
    return None


def bill(request: Request, rule: Toml | None, currency: str, folder: Folder) -> Fraction:
    """The exact amount of one request under a rule: basis, then markup, then add-ons."""
    charges, table_currency, fees = list_charges(request, folder)
    fx = folder.rate_of_day(table_currency, currency, request.at.astimezone(UTC).date())
    if rule is None:
        return sum(charges.values(), Fraction(0)) * fx
    match rule.get("basis", "list"):
        case "list":
            charges = {name: charge * fx for name, charge in charges.items()}
        case "own":
            builtin = {"reasoning": "output", "cache_read": "input"}
            kept = {name: fee for name, fee in fees.items() if name not in rule["rates"]}
            counts, per = {**request.quantities, "request": 1}, Fraction(rule.get("per", 1_000_000))
            charges = charges_of(counts, rule["rates"], per, builtin, kept, request)
            charges = {name: charge * (fx if name in kept else 1) for name, charge in charges.items()}
        case "cost":
            if request.cost is None:
                raise NoPrice(f"{request.id} has no reported cost")
            charges = {"cost": request.cost * fx}
        case "free":
            charges = {}
    markup = rule.get("markup_percent", 0)
    amount = sum((charge * (100 + percent_of(markup, name)) / 100 for name, charge in charges.items()), Fraction(0))
    sums = {"request": 1, "input_total": request.sum_of(INPUT), "output_total": request.sum_of(OUTPUT)}
    counts = request.quantities | sums
    for name, fee in rule.get("add_on", {}).items():
        amount += counts.get(name, 0) * Fraction(fee["price"]) / fee.get("per", 1)
    return amount


def percent_of(markup: Any, name: str) -> Fraction:
    """The markup of one quantity: its own, that of the sum it is part of, the default, none."""
    if not isinstance(markup, dict):
        return Fraction(markup)
    of_sum = "output_total" if name in OUTPUT else "input_total" if name in INPUT else ""
    return Fraction(next((markup[key] for key in (name, of_sum, "default") if key in markup), 0))


def statement(activity_path: str | Path, pricing_folder: str | Path, month: str) -> Statement:
    """Bill every request of a month to its customer.

    Raises:
        NoPrice: for the first request that has none; a month with such a request cannot be closed.
    """
    folder = Folder.read(pricing_folder)
    found = Statement()
    periods: dict[str | None, tuple[datetime, datetime]] = {}
    for request in requests(activity_path):
        customer = customer_of(request, folder)
        if customer not in periods:
            periods[customer] = period_of(customer, month, folder)
        starts_at, ends_at = periods[customer]
        if not starts_at <= request.at < ends_at:
            continue
        listed = sum(list_charges(request, folder)[0].values(), Fraction(0))
        found.list_total += listed
        if customer is None:
            found.unattributed_requests += 1
            found.unattributed_list += listed
            continue
        last_instant = ends_at - timedelta(microseconds=1)
        if customer not in found.invoices:
            found.invoices[customer] = Expected(folder.term(customer, last_instant, "currency", "USD"))
        invoice = found.invoices[customer]
        rule = rule_of(request, customer, folder)
        key = (folder.canonical(request.model), request.mode, rule.get("name") if rule else None)
        amount = bill(request, rule, invoice.currency, folder)
        invoice.requests += 1
        invoice.lines[key] = invoice.lines.get(key, Fraction(0)) + amount
    return found


def invoices(activity_path: str | Path, pricing_folder: str | Path, month: str) -> dict[str, Expected]:
    """The invoices of a month by customer."""
    return statement(activity_path, pricing_folder, month).invoices


def main(arguments: list[str]) -> None:
    """Print a month's invoices as a table."""
    found = statement(*arguments)
    print(f"{'customer':<40} {'requests':>9} {'lines':>6} {'total':>12}")
    for customer, invoice in sorted(found.invoices.items(), key=lambda item: -item[1].total_exact):
        name = ascii(customer)[1:-1][:40]
        total = Decimal(invoice.total_minor).scaleb(-MINOR_DIGITS.get(invoice.currency, 2))
        print(f"{name:<40} {invoice.requests:>9} {len(invoice.lines):>6} {total:>12f} {invoice.currency}")
    billed = sum(invoice.requests for invoice in found.invoices.values())
    print(f"{len(found.invoices)} customers, {billed} requests, {found.unattributed_requests} unattributed")


if __name__ == "__main__":
    main(sys.argv[1:])
