"""Which rule bills a customer's requests, and what they cost, as text for a terminal."""

from __future__ import annotations

from tokentill.clock import instant_text
from tokentill.contracts.rule_trace import Considered
from tokentill.contracts.unit_prices import COST, BilledUnitPrice
from tokentill.documents.contract_words import contract_label, match_text, outcome_text
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import count, exact
from tokentill.documents.text.screen import Screen
from tokentill.documents.views.contract_trace import ExplainedContract, PricedRequest


def show_explained_contract(screen: Screen, explained: ExplainedContract) -> None:
    """Every rule with its answer, what the one that won does, and what each quantity then costs."""
    as_model = "" if explained.model == explained.asked else f" (priced as {shown_id(explained.model)})"
    of = f"{shown_id(explained.customer)}, {shown_id(explained.asked)}{as_model}, {shown_text(explained.mode)}"
    screen.say(f"{of}, at {instant_text(explained.at)}")
    for line in explained.notes:
        screen.say(line)
    if explained.considered:
        screen.say("")
        screen.table(("contract", "rule", "where", "", "why"), [_considered_row(one) for one in explained.considered])
    rule = explained.rule
    won = "no rule fits" if rule is None else f"{shown_text(rule.name)} ({shown_text(rule.contract)})"
    screen.say(f"\n{won}: {explained.does}")
    _show_priced(screen, explained.priced)


def _show_priced(screen: Screen, priced: PricedRequest) -> None:
    """As a table, with what else decides a price."""
    if priced.rows:
        heads = [label or "billed" for label in priced.tier_labels]
        columns = ("quantity", "per", "listed", *heads, "")
        screen.say(f"\nprices in {priced.currency}")
        screen.table(columns, [_row(row) for row in priced.rows], right=("per", "listed", *heads))
    if priced.card is not None:
        for name, label in (("tier", priced.card.choice.tier), ("window", priced.card.choice.window)):
            if label is not None:
                screen.say(f"the list price is that of the {name} {label}")
        if priced.card.entry.currency != priced.currency:
            screen.say(f"1 {priced.card.entry.currency} is {exact(priced.fx)} {priced.currency} on that day")
    if priced.reason is not None:
        screen.say(f"no list price: {shown_text(priced.reason)}")
    if priced.reason is not None or any(amount is None for row in priced.rows for amount in row.billed):
        screen.say("unpriced usage is listed, and keeps a period from being closed")


def _row(row: BilledUnitPrice) -> tuple[str, ...]:
    return (
        "the reported cost" if row.name == COST else row.name,
        count(row.per),
        "" if row.listed is None else exact(row.listed),
        *("unpriced" if amount is None else exact(amount) for amount in row.billed),
        "for each begun package" if row.is_package else "",
    )


def _considered_row(considered: Considered) -> tuple[str, ...]:
    rule = f"{considered.number}. {shown_text(considered.rule.name)}"
    answer = {"fits": "wins", "does not fit": "no", "not asked": ""}[considered.outcome]
    return (contract_label(considered.contract), rule, match_text(considered.rule), answer, outcome_text(considered))
