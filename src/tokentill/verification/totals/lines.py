"""What stands on a document: lines of usage with their parts and arithmetic, charges, days, what was waived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any

from tokentill.clock import instant_text
from tokentill.verification.amounts import NOTHING, minor_unit, text_of
from tokentill.verification.comparing import in_any_order
from tokentill.verification.rating.memory import Charge
from tokentill.verification.rating.rules import Kind, step_content, tier_label
from tokentill.verification.rating.tally import Tally
from tokentill.verification.rating.usage import EPOCH
from tokentill.verification.terms.books import Books
from tokentill.verification.terms.keys import Table


def by_time(kinds: Sequence[tuple[str, Kind]]) -> dict[tuple[int, int], tuple[int, Fraction]]:
    """Requests and exact amount of each UTC day and part of the period."""
    found: dict[tuple[int, int], tuple[int, Fraction]] = {}
    for _, kind in kinds:
        for time, sums in kind.by_time.items():
            requests, amount = found.get(time, (0, NOTHING))
            found[time] = (requests + sums.requests, amount + kind.amount(sums))
    return found


def daily(by_time: dict[tuple[int, int], tuple[int, Fraction]]) -> list[Table]:
    days: dict[int, tuple[int, Fraction]] = {}
    for (day, _), (requests, amount) in by_time.items():
        before = days.get(day, (0, NOTHING))
        days[day] = (before[0] + requests, before[1] + amount)
    return [
        {"day": (EPOCH + timedelta(days=day)).isoformat(), "requests": requests, "exact_amount": text_of(amount)}
        for day, (requests, amount) in sorted(days.items())
    ]


def lines(child: str | None, kinds: Sequence[tuple[str, Kind]], member: str) -> Iterator[tuple[Table, Fraction]]:
    """The lines of a member's usage: a model in a mode, billed by one rule from one price entry."""
    by_line: dict[tuple[Any, ...], list[Kind]] = {}
    for kind in (kind for owner, kind in kinds if owner == member):
        entry = "" if isinstance(kind.price, str) else kind.price.offer.entry["hash"]
        key = (kind.model, kind.mode, (kind.rule or {}).get("hash", ""), entry, kind.split)
        by_line.setdefault(key, []).append(kind)
    for (model, mode, rule_hash, entry, split), listed in sorted(by_line.items(), key=lambda item: _in_turn(item[0])):
        rule = listed[0].rule or {}
        amount = sum((kind.amount(kind.total) for kind in listed), NOTHING)
        at_list = [kind.list_amount for kind in listed]
        quantities: dict[str, int] = {}
        for name, count in (used for kind in listed for used in kind.total.used.items()):
            quantities[name] = quantities.get(name, 0) + count
        yield (
            {
                "customer": child,
                "kind": "usage",
                "description": (model if mode == "standard" else f"{model}, {mode}") + _split_words(split),
                "by": dict(split) or None,
                "model": model,
                "mode": mode,
                "rule": rule.get("name"),
                "rule_contract": rule.get("contract"),
                "rule_hash": rule_hash or None,
                "price_entry": entry or None,
                "requests": sum(kind.total.requests for kind in listed),
                "quantities": quantities,
                "list_amount": None if None in at_list else text_of(sum((one or NOTHING for one in at_list), NOTHING)),
                "exact_amount": text_of(amount),
                "parts": in_any_order(_part(kind) for kind in listed),
            },
            amount,
        )


def _in_turn(key: tuple[Any, ...]) -> tuple[Any, ...]:
    *texts, split = key
    return [one.encode() for one in texts], [(value is None, (value or "").encode()) for _, value in split]


def _split_words(split: Sequence[tuple[str, str | None]]) -> str:
    words = ((name.removeprefix("tag:").replace("api_key", "api key"), value) for name, value in split)
    return "".join(f", without {name}" if value is None else f", {name} {value}" for name, value in words)


def _part(kind: Kind) -> Table:
    price = None if isinstance(kind.price, str) else kind.price
    number = None if kind.tier is None else (kind.rule or {})["tiers"]["tier"].index(kind.tier) + 1
    return {
        "rule_tier": None if number is None else tier_label(kind.rule or {}, number),
        "tier": None if price is None else price.tier,
        "window": None if price is None else price.window,
        "multiplier": text_of(Fraction(1) if price is None else price.multiplier),
        "fx": text_of(kind.fx),
        "requests": kind.total.requests,
        "quantities": kind.total.used,
        "steps": in_any_order(step_content(step) for step in kind.steps()),
        "exact_amount": text_of(kind.amount(kind.total)),
    }


def charge_line(child: str | None, charge: Charge) -> Table:
    rule = charge.rule or {}
    return {
        "customer": child,
        "kind": charge.kind,
        "description": charge.description,
        "model": "",
        "mode": "",
        "rule": rule.get("name"),
        "rule_contract": rule.get("contract"),
        "rule_hash": rule.get("hash"),
        "price_entry": None,
        "requests": 0,
        "quantities": {},
        "list_amount": None,
        "exact_amount": text_of(charge.amount),
        "parts": [],
        "charge": charge.stated,
    }


def manual_charge(row: Any) -> Charge:
    """A line that somebody added."""
    amount = Fraction(row.amount_minor, minor_unit(row.currency))
    stated = {"name": row.description, "quantity": 1, "rate": text_of(amount), "number": row.number}
    return Charge("manual", row.description, None, amount, stated)


def waived(tally: Tally) -> list[Table]:
    listed = []
    said = (
        "the gateway reported no usage for these requests",
        "the gateway charged for these requests and reported no quantity",
        "the quantities of these requests are an estimate",
    )
    for (model, mode, why), sums in sorted(tally.waived.items(), key=lambda item: item[0]):
        reason = f"{said[why]}, and somebody decided to bill nothing for them"
        row = {"model": model, "mode": mode, "reason": reason, "requests": sums.requests}
        listed.append({**row, "quantities": sums.used})
    return listed


def early(tally: Tally, members: Sequence[str], books: Books) -> list[Table]:
    """What was used before its customer is billed."""
    listed = []
    for member in members:
        begins = books.bill_from(member)
        for (owner, model, mode), sums in sorted(tally.early.items(), key=lambda item: item[0]):
            if owner == member and begins is not None:
                reason = f"used before {instant_text(begins)}, from which on this customer is billed"
                row = {"model": model, "mode": mode, "reason": reason, "requests": sums.requests}
                listed.append({**row, "quantities": dict(sums.counts)})
    return listed
