"""One piece of arithmetic in words: what it is of, how it is computed.

Works from the canonical content of steps, charges and items. What an amount is made of is said once, here; pages and
the terminal put it in their own order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import TIMES, count, exact, percent_text, plural
from tokentill.money import EXACT


@dataclass(frozen=True, slots=True)
class StepText:
    """What a piece of arithmetic is of, a remark, and how it is computed."""

    name: str
    note: str
    arithmetic: str


def step_text(step: Mapping[str, Any]) -> StepText:
    """A step of a part of a line."""
    match step["kind"]:
        case "rate" | "add_on":
            name = shown_id(step["name"])
            note = f"at the rate of {shown_id(step['priced_as'])}" if "priced_as" in step else ""
            per = "" if step.get("per", 1) == 1 else f" / {count(step['per'])}"
            arithmetic = _times(f"{count(step['quantity'])} {TIMES} {exact(Decimal(step['rate']))}{per}", step)
            return StepText(name if step["kind"] == "rate" else f"{name} add-on", note, arithmetic)
        case "markup":
            name = "discount" if Decimal(step["percent"]) < 0 else "markup"
            return StepText(name, _markup_note(step["name"]), _percent_of(step))
        case "cost":
            return StepText("gateway cost", "as the gateway reported it", _times(exact(_of(step)), step))
        case "byok_fee":
            return StepText("BYOK fee", "of the provider's cost, as the gateway reported it", _percent_of(step))
        case "included":
            return StepText(shown_id(step["name"]), "included in the period", f"{count(step['quantity'])} at no charge")
        case "allowance":
            return StepText("included amount", "covered by the allowance of the period", "taken off")
        case "margin":
            floor = f"cost and {_percent(step['percent'])}"
            return StepText("margin floor", f"raises each request to its {floor}", "what was missing")
        case "credits":
            return _credits(step)
    return StepText(shown_text(step["kind"]), shown_text(step["name"]), "")


CAUSES = {
    "late": "came late",
    "revision": "a revised record was accepted",
    "retraction": "taken back",
    "attribution": "usage is another customer's",
    "price": "a corrected price",
    "contract": "a corrected contract",
}
"""Why a closed period comes to another amount, in words."""


def charge_text(line: Mapping[str, Any]) -> StepText:
    """The arithmetic of a line that is not of usage."""
    if line["kind"] == "adjustment":
        return StepText("difference", charge_note(line), "")
    charge = line["charge"]
    name, quantity, rate = charge["name"], charge["quantity"], exact(Decimal(charge["rate"]))
    if line["kind"] == "package":
        packages = f"{plural(quantity, 'package', 'packages')} of {count(charge['size'])}"
        note = f"{count(charge['units'])} {shown_id(name)} begin {packages}"
        return StepText(f"{shown_id(name)} in packages", note, f"{count(quantity)} {TIMES} {rate}")
    if line["kind"] == "flat":
        return StepText("flat amount", f"charged once, on entering the tier {shown_text(name)}", f"1 {TIMES} {rate}")
    if line["kind"] == "manual":
        return StepText(shown_text(name), f"manual line {charge['number']}", rate)
    if line["kind"] == "overage":
        over = exact(Decimal(charge["of_amount"]))
        return StepText(f"overage, {shown_text(name)}", "usage above the commitment", f"{over} {TIMES} {rate}")
    of_what = f"year from {charge['year_from']}" if "year_from" in charge else "period"
    if _is_part_of_period(charge):
        days = count(charge["of_days"])
        note = f"agreed on {count(quantity)} of the {days} days of the {of_what}"
        return StepText(shown_text(name), note, f"{rate} {TIMES} {count(quantity)} / {days}, rounded")
    if "of_days" in charge:
        return StepText(shown_text(name), f"for the whole {of_what}", f"1 {TIMES} {rate}")
    return StepText(shown_text(name), "", f"{count(quantity)} {TIMES} {rate}")


def charge_note(line: Mapping[str, Any]) -> str:
    """The arithmetic of such a line in a few words: `205 begin 3 at 4.5 each`."""
    if line["kind"] == "adjustment":
        corrects = line["corrects"]
        return f"corrects {corrects['period']} ({shown_text(corrects['number'])}): {CAUSES[line['cause']]}"
    charge = line["charge"]
    rate = exact(Decimal(charge["rate"]))
    if line["kind"] == "package":
        return f"{count(charge['units'])} begin {count(charge['quantity'])} at {rate} each"
    if line["kind"] == "flat":
        return "charged once, on entering the tier"
    if line["kind"] == "manual":
        return f"manual line {charge['number']}"
    if _is_part_of_period(charge):
        return f"{count(charge['quantity'])} of {count(charge['of_days'])} days at {rate}"
    if "year_from" in charge:
        return f"for the year from {charge['year_from']}"
    return "for the whole period" if "of_days" in charge else charge_text(line).arithmetic


def _is_part_of_period(charge: Mapping[str, Any]) -> bool:
    return "of_days" in charge and charge["quantity"] != charge["of_days"]


def _times(text: str, step: Mapping[str, Any]) -> str:
    return f"{text} {TIMES} {exact(Decimal(step['fx']))}" if "fx" in step else text


def _percent_of(step: Mapping[str, Any]) -> str:
    return _times(f"{_percent(step['percent'])} of {exact(_of(step))}", step)


def _percent(text: str) -> str:
    return percent_text(Decimal(text).normalize(EXACT))


def _of(step: Mapping[str, Any]) -> Decimal:
    return Decimal(step["of_amount"])


def _markup_note(name: str) -> str:
    """What is marked up: everything, one quantity, or the spend that fell into a tier (its label has a blank)."""
    if name == "default":
        return ""
    return f"on spend {shown_text(name)}" if " " in name else f"on {shown_id(name)}"


def _credits(step: Mapping[str, Any]) -> StepText:
    name, worth = shown_text(step["name"]), exact(Decimal(step["rate"]))
    if "quantity" not in step:
        return StepText(f"billed in {name}", f"{name} is worth {worth}", f"{exact(_of(step))} {name} in all")
    in_money = EXACT.multiply(Decimal(step["quantity"]), Decimal(step["rate"]))
    before = EXACT.subtract(in_money, Decimal(step["amount"]))
    note = f"each request is rounded up to whole credits; one {name} is worth {worth}"
    arithmetic = f"{count(step['quantity'])} {TIMES} {worth}, less {exact(before)} so far"
    return StepText(f"billed in {name}", note, arithmetic)
