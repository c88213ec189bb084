"""What a rule makes of requests of one kind.

Everything is a fraction. A kind is what one price, one rule in one tier and one exchange rate decide; in it the amount
of a sum is the sum of the amounts, beside what was decided record by record (`sums.Decided`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tokentill.verification.amounts import NOTHING, grouped, text_of
from tokentill.verification.rating.prices import FALLBACK, INPUTS, OUTPUTS, SUMS, Price, UnitPrice, leaves, unit_price
from tokentill.verification.rating.sums import Decided, Sums
from tokentill.verification.terms.keys import CannotVerify, Table, known

Step = dict[str, Any]


@dataclass(slots=True)
class Kind:
    """One price, one rule in one tier, one exchange rate: what decides the amount of everything in it.

    `fx` is for the price table's currency, `cost_fx` for that of reported costs. `split` is what its line is split by.
    """

    model: str
    mode: str
    price: Price | str
    rule: Table | None
    fx: Fraction
    cost_fx: Fraction | None
    is_byok: bool
    tier: Table | None = None
    split: tuple[tuple[str, str | None], ...] = ()
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
