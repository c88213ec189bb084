"""`tokentill contracts explain`: which rule bills a request of a customer, why, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Self

import typer

from tokentill.canonical import Content
from tokentill.cli.calling import AtOption, Invocation, instant_argument
from tokentill.cli.contract_text import contract_label, match_text, outcome_text, own_contract_lines, rule_text
from tokentill.clock import SYSTEM_CLOCK, instant_text
from tokentill.contracts.book import ContractBook
from tokentill.contracts.rule_trace import Considered, chosen_rule, consider_rules, known_by
from tokentill.contracts.rules import Rule
from tokentill.contracts.unit_prices import COST, BilledUnitPrice, tiers_of, unit_prices
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import count, exact
from tokentill.money import amount_text
from tokentill.prices.book import NoPrice, PriceBook
from tokentill.prices.fx import FxBook, NoRate
from tokentill.prices.rate_cards import ONE, RateCard
from tokentill.recordings.load import load_folder
from tokentill.usage.aggregates import GATEWAY_CURRENCY, Series
from tokentill.usage.record import STANDARD


def explain_contract(
    call: Invocation,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="A customer's id.")],
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model's id, as the gateway reports it.")],
    at: AtOption = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="INSTANT", help="As it was known then; everything unless given.")
    ] = None,
    provider: Annotated[str | None, typer.Option("--provider", metavar="NAME", help="Who served the request.")] = None,
    mode: Annotated[
        str, typer.Option("--mode", metavar="MODE", help="Processing mode: standard, batch, flex, ...")
    ] = STANDARD,
    api_key: Annotated[str | None, typer.Option("--api-key", metavar="KEY", help="As the gateway names it.")] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="USER", help="The opaque user string.")] = None,
    source: Annotated[str, typer.Option("--source", metavar="SOURCE", help="Where the record comes from.")] = "",
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag; may be repeated.")] = None,
    input_tokens: Annotated[
        int, typer.Option("--input-tokens", min=0, metavar="COUNT", help="Input tokens, for prices by context length.")
    ] = 0,
) -> None:
    """Explain which rule bills a customer's requests to a model.

    Every rule in the order in which it is asked, why it fits or does not, what the first that fits does, and what
    each quantity then costs. Traits that are not given fit no rule that asks for them.
    """
    instant = SYSTEM_CLOCK.now() if at is None else instant_argument(at)
    known_at = None if as_of is None else instant_argument(as_of)
    folder = load_folder(call.settings.pricing)
    prices = PriceBook(folder.prices, as_of=known_at)
    contracts = ContractBook(known_by(folder.contracts, known_at))
    canonical = prices.canonical_model(model) or model
    mode = mode or STANDARD
    traits = Series(
        id=0,
        source=source,
        user=user,
        api_key=api_key,
        model=canonical,
        provider=provider,
        mode=mode,
        geo=None,
        tags=tuple(tag or ()),
        is_byok=False,
        status="ok",
        usage_state="reported",
    )
    considered = consider_rules(contracts, customer, traits, instant)
    chosen = chosen_rule(considered)
    rule = None if chosen is None else chosen.rule
    card = prices.rate_card(model, at=instant, mode=mode, input_total=input_tokens)
    fx = FxBook(known_by(folder.fx, known_at))
    priced = PricedRequest.under(rule, card, contracts.terms(customer, instant).currency, fx, instant.date())
    content = {
        "customer": customer,
        "asked": model,
        "model": canonical,
        "mode": mode,
        "at": instant_text(instant),
        "considered": [_considered_content(found) for found in considered],
        "rule": None if rule is None else {"name": rule.name, "contract": rule.contract, "hash": rule.hash},
        "does": _does(rule),
        **priced.content(),
    }

    def show() -> None:
        as_model = "" if canonical == model else f" (priced as {shown_id(canonical)})"
        call.say(f"{shown_id(customer)}, {shown_id(model)}{as_model}, {shown_text(mode)}, at {instant_text(instant)}")
        for line in own_contract_lines(contracts, customer, instant):
            call.say(line)
        if considered:
            call.say("")
            call.table(("contract", "rule", "where", "", "why"), [_considered_row(found) for found in considered])
        won = "no rule fits" if rule is None else f"{shown_text(rule.name)} ({shown_text(rule.contract)})"
        call.say(f"\n{won}: {_does(rule)}")
        priced.show(call)

    call.finish(content, show, is_refused=priced.reason is not None)


@dataclass(frozen=True, slots=True)
class PricedRequest:
    """What the rule that won makes of each quantity; `reason` says why there is no price, or why one is missing."""

    rule: Rule | None
    card: RateCard | None
    currency: str
    fx: Decimal
    rows: Sequence[BilledUnitPrice]
    reason: str | None

    @classmethod
    def under(cls, rule: Rule | None, card: RateCard | NoPrice, currency: str, book: FxBook, day: date) -> Self:
        """The prices under a rule, in the currency of the contract."""
        of_table = GATEWAY_CURRENCY if isinstance(card, NoPrice) else card.entry.currency
        fx, cost_fx = (book.rate(of, currency, day) for of in (of_table, GATEWAY_CURRENCY))
        missing = card if isinstance(card, NoPrice) else fx if isinstance(fx, NoRate) else None
        found = None if missing is not None or isinstance(card, NoPrice) else card
        rate = ONE if isinstance(fx, NoRate) else fx
        rows = unit_prices(rule, found, rate, None if isinstance(cost_fx, NoRate) else cost_fx)
        needs_no_list_price = rule is not None and rule.basis != "list" and bool(rows)
        reason = None if missing is None or needs_no_list_price else missing.reason
        return cls(rule, found, currency, rate, rows, reason)

    def content(self) -> Content:
        """For JSON."""
        card = self.card
        return {
            "currency": self.currency,
            "fx": amount_text(self.fx),
            "price_entry": None if card is None else card.entry.hash,
            "tier": None if card is None else card.choice.tier,
            "window": None if card is None else card.choice.window,
            "prices": [
                {
                    "quantity": row.name,
                    "per": row.per,
                    "listed": None if row.listed is None else amount_text(row.listed),
                    "billed": [
                        {"tier": label, "amount": None if amount is None else amount_text(amount)}
                        for label, amount in zip(self._tiers(), row.billed, strict=True)
                    ],
                    "is_package": row.is_package,
                }
                for row in self.rows
            ],
            "unpriced": self.reason,
        }

    def show(self, call: Invocation) -> None:
        """As a table, with what else decides a price."""
        if self.rows:
            heads = [label or "billed" for label in self._tiers()]
            columns = ("quantity", "per", "listed", *heads, "")
            call.say(f"\nprices in {self.currency}")
            call.table(columns, [self._row(row) for row in self.rows], right=("per", "listed", *heads))
        if self.card is not None:
            for name, label in (("tier", self.card.choice.tier), ("window", self.card.choice.window)):
                if label is not None:
                    call.say(f"the list price is that of the {name} {label}")
            if self.card.entry.currency != self.currency:
                call.say(f"1 {self.card.entry.currency} is {exact(self.fx)} {self.currency} on that day")
        if self.reason is not None:
            call.say(f"no list price: {shown_text(self.reason)}")
        if self.reason is not None or any(amount is None for row in self.rows for amount in row.billed):
            call.say("unpriced usage is listed, and keeps a period from being closed")

    def _tiers(self) -> list[str | None]:
        return [None if tier is None else tier.label for tier in tiers_of(self.rule)]

    def _row(self, row: BilledUnitPrice) -> tuple[str, ...]:
        return (
            "the reported cost" if row.name == COST else row.name,
            count(row.per),
            "" if row.listed is None else exact(row.listed),
            *("unpriced" if amount is None else exact(amount) for amount in row.billed),
            "for each begun package" if row.is_package else "",
        )


def _does(rule: Rule | None) -> str:
    return "the list price is billed as it is" if rule is None else rule_text(rule)


def _considered_row(found: Considered) -> tuple[str, ...]:
    rule = f"{found.number}. {shown_text(found.rule.name)}"
    answer = {"fits": "wins", "does not fit": "no", "not asked": ""}[found.outcome]
    return (contract_label(found.contract), rule, match_text(found.rule), answer, outcome_text(found))


def _considered_content(found: Considered) -> Content:
    return {
        "contract": contract_label(found.contract),
        "number": found.number,
        "name": found.rule.name,
        "where": match_text(found.rule),
        "does": rule_text(found.rule),
        "outcome": found.outcome,
        "why": outcome_text(found),
    }
