"""What requests of one kind come to: their list price, and what a rule makes of it.

Everything is a fraction. A kind is what one price, one rule in one tier and one exchange rate decide; in it the amount
of a sum is the sum of the amounts, beside what was decided record by record (`Decided`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from tokentill.verification.books import Books, CannotVerify, Table, dated, known
from tokentill.verification.calculator import WEEK, in_force
from tokentill.zones import zone

INPUTS = """input cache_read cache_write_5m cache_write_1h cache_write input_audio input_audio_cache_read input_image
    input_image_cache_read input_video""".split()
OUTPUTS = "output reasoning output_audio output_image".split()
LEAVES = (*INPUTS, *OUTPUTS)
SUMS = {"input_total": INPUTS, "output_total": OUTPUTS}
FALLBACK = {"cache_read": "input", "reasoning": "output"}
NOTHING = Fraction(0)
REPORTED_IN = "USD"
"""What gateways report their cost in."""


def leaves(names: Iterable[str]) -> list[str]:
    """What names stand for: a sum for its leaves, in their order."""
    return list(dict.fromkeys(leaf for name in names for leaf in SUMS.get(name, [name])))


def text_of(amount: Fraction) -> str:
    """The canonical text of an exact amount.

    Raises:
        CannotVerify: when it has no end as a decimal.
    """
    digits, rest = 0, amount.denominator
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest, count = rest // prime, count + 1
        digits = max(digits, count)
    if rest != 1:
        raise CannotVerify(f"an amount of {amount} has no end as a decimal")
    whole = f"{abs(amount.numerator) * 10**digits // amount.denominator:0{digits + 1}d}"
    sign = "-" if amount < 0 else ""
    return sign + (f"{whole[:-digits]}.{whole[-digits:]}" if digits else whole)


def grouped(amount: Fraction) -> str:
    """An amount with commas, as tiers are called by it."""
    whole, _, rest = text_of(amount).partition(".")
    return f"{int(whole):,}" + (f".{rest}" if rest else "")


def is_open(when: Table, at: datetime) -> bool:
    """Whether a window is open; one that passes midnight belongs to the day on which it starts."""
    local = at.astimezone(zone(known(when, "when a window is open").get("time_zone", "UTC")))
    clock, day, (starts, ends) = f"{local:%H:%M}", local.weekday(), when["between"]
    is_inside = starts <= clock < ends if starts < ends else clock >= starts or clock < ends
    if starts >= ends and clock < ends:
        day = (day - 1) % 7
    return is_inside and WEEK[day] in (when.get("days") or WEEK)


@dataclass(frozen=True, slots=True)
class Offer:
    """The entry in force for an id and a mode, with the rates and the fees of the mode."""

    entry: Table
    rates: Table
    fees: Mapping[str, Table]

    @classmethod
    def at(cls, books: Books, model: str, mode: str, at: datetime) -> Offer | str:
        """What holds at an instant, or why nothing does."""
        meaning = books.meaning(model, at)
        if meaning is None:
            return f"model {model!r} is in no price table then"
        entry = in_force(books.entries[meaning[0]], at)
        if entry is None:
            return f"model {model!r} has no price then"
        rates, apart_from = entry, meaning[1]
        if mode != "standard":
            listed = dated(known(entry.get("mode", {}).get(mode, {}), "a mode of a price"))
            is_off = "valid_from" in listed and at < listed["valid_from"]
            if (
                not listed
                or f"mode.{mode}" in apart_from
                or is_off
                or at >= listed.get("valid_to", datetime.max.replace(tzinfo=at.tzinfo))
            ):
                return f"mode {mode!r} of model {model!r} has no price then"
            rates = listed
        fees = rates["fees"] if "fees" in rates else entry.get("fees", {})
        return cls(entry, rates, {name: fee for name, fee in fees.items() if f"fee.{name}" not in apart_from})

    @property
    def windows(self) -> list[Table]:
        """Parts of the day with rates of their own."""
        return [known(window, "a window") for window in self.rates.get("window", ())]

    @property
    def thresholds(self) -> list[int]:
        """Every input total above which a tier begins, rising."""
        tiers = [*self.rates.get("tier", ()), *(tier for window in self.windows for tier in window.get("tier", ()))]
        return sorted({_threshold(tier) for tier in tiers})

    def price(self, window_number: int | None, input_total: int, geo: str | None) -> Price:
        """The price of a request with such an input total, in the open window of that number."""
        window = None if window_number is None else self.windows[window_number]
        holds = self.rates if window is None else window
        chosen, label = holds.get("rates", {}), None
        for tier in holds.get("tier", ()):
            if input_total > _threshold(known(tier, "a tier of a price")):
                gte = tier["when"].get("input_tokens_gte")
                chosen, label = tier["rates"], f"input > {_threshold(tier)}" if gte is None else f"input >= {gte}"
        factors = known(self.entry.get("multiplier", {}), "the multipliers of a price").get("geo", {})
        called = None if window is None else _window_label(window["when"])
        rates = {name: Fraction(rate) for name, rate in chosen.items()}
        return Price(self, rates, label, called, Fraction(factors.get(geo, 1)) if geo else Fraction(1))


def _threshold(tier: Table) -> int:
    when = known(tier["when"], "when a tier holds")
    return int(when["input_tokens_gte"]) - 1 if "input_tokens_gte" in when else int(when["input_tokens_gt"])


def _window_label(when: Table) -> str:
    days = list(when.get("days") or WEEK)
    starts, ends = when["between"]
    return f"{starts} to {ends} {when.get('time_zone', 'UTC')}" + ("" if len(days) == 7 else f" on {', '.join(days)}")


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """A rate for so many units; `priced_as` names the quantity whose rate it is."""

    priced_as: str
    rate: Fraction
    per: int


@dataclass(frozen=True, slots=True)
class Price:
    """The rates that hold for requests of one kind; `tier` and `window` are what they are called by."""

    offer: Offer
    rates: Mapping[str, Fraction]
    tier: str | None
    window: str | None
    multiplier: Fraction

    @property
    def currency(self) -> str:
        """What it is in."""
        return str(self.offer.entry["currency"])

    def of(self, name: str) -> UnitPrice | None:
        """The price of one quantity; None where it has none."""
        entry = self.offer.entry
        per = entry.get("per", 1_000_000)
        if entry.get("free"):
            return None if name == "request" else UnitPrice(name, NOTHING, per)
        return unit_price(name, self.rates, per, FALLBACK | entry.get("fallback", {}), self.offer.fees, self.multiplier)

    @property
    def needs_quantities(self) -> bool:
        """Whether only what a request used says what it comes to."""
        if self.offer.entry.get("free") or self.of("request") is not None:
            return False
        return any(self.rates.values()) or any(Fraction(fee["price"]) for fee in self.offer.fees.values())


def unit_price(
    name: str,
    rates: Mapping[str, Fraction],
    per: int,
    fallback: Mapping[str, str],
    fees: Mapping[str, Table],
    multiplier: Fraction = Fraction(1),
) -> UnitPrice | None:
    """A counter's fee, otherwise the rate of the quantity, otherwise that of what it falls back to."""
    if name in fees and name not in LEAVES:
        return UnitPrice(name, Fraction(fees[name]["price"]), fees[name].get("per", 1))
    passed: list[str] = []
    priced_as: str | None = name
    while priced_as is not None and priced_as not in rates and priced_as not in passed:
        passed.append(priced_as)
        priced_as = fallback.get(priced_as)
    if priced_as is None or priced_as not in rates:
        return None
    return UnitPrice(priced_as, rates[priced_as] * multiplier, per)


@dataclass(slots=True)
class Decided:
    """What was decided for records one by one, added up: units included, spend by tier, margin, credits, what an
    allowance covers."""

    included: dict[str, int] = field(default_factory=dict)
    spend: dict[int, Fraction] = field(default_factory=dict)
    margin: Fraction = NOTHING
    credits: int = 0
    credits_added: Fraction = NOTHING
    allowed: Fraction = NOTHING

    def add(self, other: Decided) -> None:
        """Add what was decided for other records."""
        for name, count in other.included.items():
            self.included[name] = self.included.get(name, 0) + count
        for number, amount in other.spend.items():
            self.spend[number] = self.spend.get(number, NOTHING) + amount
        self.margin += other.margin
        self.credits += other.credits
        self.credits_added += other.credits_added
        self.allowed += other.allowed


@dataclass(slots=True)
class Sums:
    """Records added up. Costs are whole 1e-24 units; what is included is in `decided`, and not in `counts`."""

    requests: int = 0
    with_cost: int = 0
    at_no_cost: int = 0
    cost_e24: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    decided: Decided | None = None

    def add(self, other: Sums) -> None:
        """Add other records."""
        self.requests += other.requests
        self.with_cost += other.with_cost
        self.at_no_cost += other.at_no_cost
        self.cost_e24 += other.cost_e24
        for name, count in other.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        if other.decided is not None:
            self.decided = Decided() if self.decided is None else self.decided
            self.decided.add(other.decided)

    @property
    def billable(self) -> dict[str, int]:
        """The quantities with the requests themselves, without what is included."""
        included = 0 if self.decided is None else self.decided.included.get("request", 0)
        return {**self.counts, "request": self.requests - included}

    @property
    def used(self) -> dict[str, int]:
        """All quantities, what is included with them."""
        counts = dict(self.counts)
        for name, count in ({} if self.decided is None else self.decided.included).items():
            if name != "request":
                counts[name] = counts.get(name, 0) + count
        return {name: count for name, count in sorted(counts.items()) if count}

    @property
    def cost(self) -> Fraction:
        """The reported cost."""
        return Fraction(self.cost_e24, 10**24)


Step = dict[str, Any]


@dataclass(slots=True)
class Kind:
    """One price, one rule in one tier, one exchange rate: what decides the amount of everything in it.

    `fx` is for the price table's currency, `cost_fx` for that of reported costs.
    """

    model: str
    mode: str
    price: Price | str
    rule: Table | None
    fx: Fraction
    cost_fx: Fraction | None
    is_byok: bool
    tier: Table | None = None
    total: Sums = field(default_factory=Sums)
    by_time: dict[tuple[int, int], Sums] = field(default_factory=dict)
    _units: dict[tuple[str, str], Fraction] = field(default_factory=dict)

    @property
    def is_linear(self) -> bool:
        """Whether sums stand for their records."""
        rule = self.rule
        if rule is None or self.is_byok:
            return True
        return not (rule.keys() & {"allowance", "tiers", "package", "min_margin_percent"} or rounds_up(rule))

    def add(self, time: tuple[int, int], sums: Sums) -> None:
        """Add records of a UTC day and of a part of the period."""
        self.total.add(sums)
        self.by_time.setdefault(time, Sums()).add(sums)

    def listed(self, counts: Mapping[str, int]) -> list[Step]:
        """The list price of quantities, one step each.

        Raises:
            CannotVerify: when one has none.
        """
        if isinstance(self.price, str):
            raise CannotVerify(self.price)
        steps = []
        for name, count in sorted(counts.items()):
            price = self.price.of(name) if count else None
            if price is not None:
                steps.append(_rate_step(name, count, price, self.fx))
            elif count and name != "request":
                raise CannotVerify(f"{self.model} has no rate for {name!r}")
        return steps

    @property
    def list_amount(self) -> Fraction | None:
        """What all of it comes to at the list price; None where there is none."""
        try:
            return _sum(self.listed({**self.total.used, "request": self.total.requests}))
        except CannotVerify:
            return None

    def _own(self, rates: Mapping[str, str], counts: Mapping[str, int], fees: Mapping[str, Table]) -> list[Step]:
        rule = self.rule or {}
        stated = {name: Fraction(rate) for name, rate in rates.items()}
        of_list = {name: fee for name, fee in fees.items() if name not in rates}
        of_sums = {leaf: name for name, members in SUMS.items() if name in rates for leaf in members}
        steps = []
        for name, count in sorted(counts.items()):
            price = unit_price(name, stated, rule.get("per", 1_000_000), FALLBACK | of_sums, of_list) if count else None
            if price is not None:
                steps.append(_rate_step(name, count, price, self.fx if name in of_list else Fraction(1)))
            elif count and name != "request":
                raise CannotVerify(f"rule {rule['name']!r} has no rate of its own for {name!r}")
        return steps

    def basis(self, counts: Mapping[str, int], cost: Fraction) -> list[Step]:
        """What the markup is applied to."""
        rule = self.rule
        if rule is None:
            return self.listed(counts)
        packaged, steps = leaves(rule.get("package", ())), []
        left = {name: count for name, count in counts.items() if name not in packaged}
        if self.tier is not None and "rates" in self.tier:
            measured = leaves(rule["tiers"]["over"])
            steps = self._own(self.tier["rates"], {name: left.pop(name) for name in measured if name in left}, {})
        match rule.get("basis", "list"):
            case "list":
                return steps + self.listed(left)
            case "own":
                fees = {} if isinstance(self.price, str) else self.price.offer.fees
                return steps + self._own(rule["rates"], left, fees)
            case "cost":
                fx = self.needed_cost_fx
                return [*steps, {"kind": "cost", "name": "cost", "amount": cost * fx, "of_amount": cost, "fx": fx}]
            case "free":
                return steps
        raise CannotVerify(
            f"rule {rule['name']!r} has the basis {rule['basis']!r}, which this verification does not know"
        )

    @property
    def needed_cost_fx(self) -> Fraction:
        """The exchange rate of reported costs.

        Raises:
            CannotVerify: when none is listed.
        """
        if self.cost_fx is None:
            raise CannotVerify(f"{self.model}: no exchange rate for the reported cost is listed")
        return self.cost_fx

    def linear_steps(self, counts: Mapping[str, int], cost: Fraction) -> list[Step]:
        """Basis, markup, and what is added on: all that is a sum of unit prices."""
        rule = self.rule
        if rule is not None and self.is_byok:
            percent, fx = Fraction(rule["byok_fee_percent"]), self.needed_cost_fx
            amount = cost * fx * percent / 100
            return [
                {"kind": "byok_fee", "name": "cost", "amount": amount, "percent": percent, "of_amount": cost, "fx": fx}
            ]
        steps = self.basis(counts, cost)
        if rule is None:
            return steps
        if rule.get("tiers", {}).get("over") != ["spend"]:
            tier = self.tier or {}
            steps += _markups(tier.get("markup_percent", rule.get("markup_percent", {})), steps)
        for name, fee in sorted(rule.get("add_on", {}).items()):
            if count := sum(counts.get(leaf, 0) for leaf in leaves([name])):
                rate, per = Fraction(fee["price"]), fee.get("per", 1)
                own = {"amount": count * rate / per, "quantity": count, "rate": rate, "per": per}
                steps.append({"kind": "add_on", "name": name, **own})
        return steps

    def check(self) -> None:
        """See that there is a reported cost where the rule needs one.

        Raises:
            CannotVerify: when there is none.
        """
        rule, total = self.rule or {}, self.total
        bills_cost = self.is_byok or rule.get("basis") == "cost"
        if (bills_cost or "min_margin_percent" in rule) and total.with_cost < total.requests:
            raise CannotVerify(f"rule {rule['name']!r} needs the reported cost, and some records have none")
        if bills_cost and total.at_no_cost and self.list_amount != 0:
            raise CannotVerify(
                f"rule {rule['name']!r} bills the reported cost, and it is 0 of {total.at_no_cost} requests"
            )

    def basis_amount(self, counts: Mapping[str, int], cost: Fraction) -> Fraction:
        """What the markup is applied to, of one record."""
        return self._by_units("basis", self.basis, counts, cost)

    def _by_units(
        self,
        what: str,
        steps: Callable[[Mapping[str, int], Fraction], list[Step]],
        counts: Mapping[str, int],
        cost: Fraction,
    ) -> Fraction:
        """An amount from the prices of one unit, which are worked out once."""
        amount = NOTHING
        for name, count in counts.items():
            if count:
                if (what, name) not in self._units:
                    self._units[what, name] = _sum(steps({name: 1}, NOTHING))
                amount += count * self._units[what, name]
        if cost:
            if (what, "") not in self._units:
                of_cost = self.is_byok or (self.rule or {}).get("basis") == "cost"
                self._units[what, ""] = _sum(steps({}, Fraction(1))) if of_cost else NOTHING
            amount += cost * self._units[what, ""]
        return amount

    def amount(self, sums: Sums) -> Fraction:
        """The exact amount of records of this kind."""
        amount = self._by_units("linear", self.linear_steps, sums.billable, sums.cost)
        decided = sums.decided
        if decided is None:
            return amount
        amount += sum((spend * self.spend_percent(number) / 100 for number, spend in decided.spend.items()), NOTHING)
        return amount + decided.margin + decided.credits_added - decided.allowed

    def spend_percent(self, number: int) -> Fraction:
        """The markup of a tier over spend."""
        rule = self.rule or {}
        tier = rule["tiers"]["tier"][number - 1]
        markup = tier.get("markup_percent", rule.get("markup_percent", {}))
        return Fraction(markup.get("default", 0) if isinstance(markup, dict) else markup)

    def steps(self) -> list[Step]:
        """All arithmetic of the kind, in the order in which a document shows it."""
        sums, rule = self.total, self.rule
        steps = self.linear_steps(sums.billable, sums.cost)
        decided = sums.decided or Decided()
        if rule is None or self.is_byok:
            return steps
        for number, spend in sorted(decided.spend.items()):
            if percent := self.spend_percent(number):
                own = {"amount": spend * percent / 100, "percent": percent, "of_amount": spend}
                steps.append({"kind": "markup", "name": tier_label(rule, number), **own})
        for name, count in sorted(decided.included.items()):
            if count:
                free = {"amount": NOTHING, "quantity": count, "rate": NOTHING, "per": 1}
                steps.append({"kind": "included", "name": name, **free})
        if decided.margin:
            percent = Fraction(rule["min_margin_percent"])
            steps.append({"kind": "margin", "name": "floor", "amount": decided.margin, "percent": percent})
        unit = known(rule.get("credits", {}), "the credits of a rule")
        worth = Fraction(unit.get("worth", 1))
        in_credits = {"kind": "credits", "name": unit.get("name"), "rate": worth, "per": 1}
        if rounds_up(rule) and decided.credits:
            steps.append({**in_credits, "amount": decided.credits_added, "quantity": decided.credits})
        if decided.allowed:
            steps.append({"kind": "allowance", "name": "amount", "amount": -decided.allowed})
        if unit and not rounds_up(rule):
            steps.append({**in_credits, "amount": NOTHING, "of_amount": _sum(steps) / worth})
        return steps


def rounds_up(rule: Table) -> bool:
    """Whether each request costs whole credits."""
    return bool(rule.get("credits", {}).get("round_up") == "request")


def tier_label(rule: Table, number: int) -> str:
    """What a tier of a rule is called."""
    tiers = rule["tiers"]["tier"]
    if "up_to" in tiers[number - 1]:
        return f"up to {grouped(Fraction(tiers[number - 1]['up_to']))}"
    return f"above {grouped(Fraction(tiers[number - 2]['up_to'] if number > 1 else 0))}"


def _rate_step(name: str, count: int, price: UnitPrice, fx: Fraction) -> Step:
    amount = count * price.rate / price.per * fx
    step = {"amount": amount, "quantity": count, "rate": price.rate, "per": price.per, "fx": fx}
    return {"kind": "rate", "name": name, "priced_as": price.priced_as, **step}


def _markups(markup: Any, basis: list[Step]) -> list[Step]:
    """One step for each percentage, over everything that it concerns."""
    stated = markup if isinstance(markup, dict) else {"default": markup}
    concerned: dict[tuple[str, Fraction], Fraction] = {}
    for step in basis:
        name = step["name"]
        of_sum = "output_total" if name in OUTPUTS else "input_total" if name in INPUTS else name
        key = next((key for key in (name, of_sum, "default") if key in stated), None)
        if key is not None and Fraction(stated[key]):
            of = (key, Fraction(stated[key]))
            concerned[of] = concerned.get(of, NOTHING) + step["amount"]
    return [
        {"kind": "markup", "name": name, "amount": of * percent / 100, "percent": percent, "of_amount": of}
        for (name, percent), of in concerned.items()
    ]


def step_content(step: Step) -> Table:
    """A step as a document states it."""
    content: Table = {}
    for key, value in step.items():
        is_plain = (key == "priced_as" and value == step["name"]) or (key == "fx" and value == 1)
        if value is not None and not is_plain:
            content[key] = text_of(value) if isinstance(value, Fraction) else value
    return content


def _sum(steps: Iterable[Step]) -> Fraction:
    return sum((step["amount"] for step in steps), NOTHING)
