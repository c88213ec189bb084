"""The effective rate card of a customer as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tokentill.clock import instant_text
from tokentill.contracts.unit_prices import COST, BilledUnitPrice
from tokentill.documents.contract_words import match_text
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import count, exact, plural
from tokentill.documents.views.effective_prices import NO_RULE, EffectiveCard, does_text, rules_in_use, why_text

if TYPE_CHECKING:
    from tokentill.documents.text.screen import Screen
    from tokentill.documents.views.contracts import ExplainedContract


def show_card(screen: Screen, card: EffectiveCard) -> None:
    """A row for each price, then each rule with what it does, and rules that other traits of a request may lead to."""
    screen.say(f"{shown_id(card.customer)} at {instant_text(card.at)}, prices in {card.currency}")
    for note in card.notes:
        screen.say(note)
    rows = [row for one in card.priced for row in _rows(one)]
    screen.say("")
    screen.table(("model", "quantity", "per", "listed", "billed", "rule"), rows, right=("per", "listed", "billed"))
    screen.say("")
    for considered, number in rules_in_use(card):
        prices = plural(number, "model or mode", "models and modes")
        if considered is None:
            screen.say(f"{prices}: {NO_RULE}")
        else:
            rule = f"rule {shown_text(considered.rule.name)} of {shown_text(considered.rule.contract)}"
            screen.say(f"{prices}: {rule} (where {match_text(considered.rule)}): {does_text(considered)}")
    for one in card.priced:
        if one.priced.reason is not None:
            screen.say(f"{shown_id(one.model)}: {shown_text(one.priced.reason)} ({why_text(one)})")
    for considered in card.beyond:
        rule = f"rule {shown_text(considered.rule.name)} of {shown_text(considered.rule.contract)}"
        screen.say(f"{rule} may bill requests in place of these, where {match_text(considered.rule)}")


def _rows(one: ExplainedContract) -> Iterator[tuple[str, ...]]:
    mode = "" if one.mode == "standard" else f", {shown_text(one.mode)}"
    tier = one.priced.card.choice.tier if one.priced.card is not None else None
    model = shown_id(one.model) + mode + ("" if tier is None else f", {shown_text(tier)}")
    rule = "list price" if one.rule is None else shown_text(one.rule.name)
    for row in one.priced.rows:
        name = "the reported cost" if row.name == COST else row.name
        listed = "" if row.listed is None else exact(row.listed)
        for label, amount in zip(one.priced.tier_labels, row.billed, strict=True):
            billed = "unpriced" if amount is None else exact(amount)
            yield model, name, count(row.per), listed, billed, _rule(rule, label, row)


def _rule(rule: str, label: str | None, row: BilledUnitPrice) -> str:
    return rule + ("" if label is None else f", {shown_text(label)}") + (", each package" if row.is_package else "")
