"""Lists as text for a terminal: prices, customers, contracts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tokentill.clock import instant_text
from tokentill.documents.escaping import short_id, shown_id, shown_text
from tokentill.documents.figures import NO_BREAK, count, exact, plural
from tokentill.money import EXACT

if TYPE_CHECKING:
    from tokentill.documents.text.screen import Screen
    from tokentill.documents.views.lists import ContractList, CustomerList, ListedPrice, PriceList

MILLION = 1_000_000


def show_price_list(screen: Screen, listed: PriceList) -> None:
    """A model a row, with its rates for a million of each quantity."""
    if not listed.prices:
        screen.say("no model has a price")
        return
    screen.table(
        ("model", "rates per million", "currency", "valid from", "stated by", "aliases"),
        [
            (
                shown_id(one.entry.model),
                _rates(one),
                one.entry.currency,
                instant_text(one.entry.valid_from)[:10],
                "this folder" if one.is_own else "tokentill",
                count(one.aliases),
            )
            for one in listed.prices
        ],
        right=("aliases",),
    )
    own = sum(one.is_own for one in listed.prices)
    models = plural(len(listed.prices), "model has a price", "models have a price")
    screen.say(f"\n{models} at {instant_text(listed.at)}, {count(own)} of them in this folder")


def _rates(listed: ListedPrice) -> str:
    entry = listed.entry
    if entry.is_free:
        return "free"
    is_whole = MILLION % entry.per == 0
    factor = Decimal(MILLION // entry.per) if is_whole else Decimal(1)
    per = "" if is_whole else f" per {count(entry.per)}"
    rates = [f"{name}{NO_BREAK}{exact(EXACT.multiply(rate, factor))}" for name, rate in entry.standard.rates.items()]
    rates += [f"{name}{NO_BREAK}{exact(fee.price)} per {count(fee.per)}" for name, fee in entry.fees.items()]
    return (", ".join(rates) or "none") + per


def show_customer_list(screen: Screen, listed: CustomerList) -> None:
    """Customers, then who belongs to whom."""
    if listed.not_read is not None:
        screen.note(f"contracts are left out, as the pricing folder has mistakes:\n{shown_text(listed.not_read)}")
    if not listed.customers:
        screen.say("nobody has a contract, usage or a description yet")
        return
    screen.table(
        ("customer", "name", "contract", "plan", "currency", "usage", "users bound", "Stripe customer"),
        [
            (
                short_id(one.described.id),
                shown_id(one.described.name) if one.described.name else "",
                _yes(one.has_contract, "own", "default"),
                shown_id(one.plan) if one.plan else "",
                one.currency or "not known",
                _yes(one.has_usage, "yes", "none"),
                count(one.bound_users),
                one.described.stripe_customer or "not linked",
            )
            for one in listed.customers
        ],
        right=("users bound",),
    )
    if listed.bindings:
        screen.say("")
        screen.table(
            ("user", "customer", "from", "source"),
            [
                (short_id(b.user), short_id(b.customer), instant_text(b.valid_from), shown_id(b.source or "any"))
                for b in listed.bindings
            ],
        )
    if listed.keys:
        screen.say("")
        screen.table(
            ("API key or team", "belongs to", "from", "source"),
            [
                (
                    _key_or_team(b.api_key, b.team),
                    _key_or_team(None, b.team) if b.customer is None else short_id(b.customer),
                    instant_text(b.valid_from),
                    shown_id(b.source or "any"),
                )
                for b in listed.keys
            ],
        )


def _key_or_team(api_key: str | None, team: str | None) -> str:
    return f"team {short_id(team or '')}" if api_key is None else f"key {short_id(api_key)}"


def _yes(known: bool | None, yes: str, no: str) -> str:
    return "not known" if known is None else yes if known else no


def show_contract_list(screen: Screen, listed: ContractList) -> None:
    """A version of a contract a row."""
    if not listed.contracts:
        screen.say("no contracts; everybody is billed at list prices in USD")
        return
    screen.table(
        ("contract", "plan", "currency", "time zone", "valid from", "in force", "file"),
        [
            (
                one.kind if one.kind == "default" else f"{one.kind} {shown_id(one.id)}",
                shown_id(one.plan) if one.plan else "",
                one.currency,
                one.time_zone,
                instant_text(one.valid_from),
                "yes" if one.in_force else "no",
                shown_text(one.file),
            )
            for one in listed.contracts
        ],
    )
