"""What golden invoices are made of, and how they read: plain text with all its arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from tests.builders import OCTOBER, record
from tokentill.canonical import Content
from tokentill.invoicing.forms import in_form
from tokentill.store.issued.invoices import IssuedInvoice
from tokentill.usage.record import UsageRecord


@dataclass(frozen=True)
class Case:
    """One customer's October. `exact` are the exact amounts of its lines, `amounts` and `total` what is billed.

    Where several documents are issued, for the month before or on a day between, the last of them is the one meant.
    """

    name: str
    exact: Sequence[str]
    amounts: Sequence[str]
    total: str
    records: Sequence[UsageRecord]
    contents: Sequence[Content] = field(default_factory=tuple)
    due: str | None = None
    months: Sequence[str] = (OCTOBER,)
    interim_on: datetime | None = None
    documents: int = 1


def fx(*rates: tuple[str, str, str]) -> Content:
    """Exchange rates from USD: (day, currency, rate)."""
    listed = [{"date": day, "from": "USD", "to": to, "rate": rate} for day, to, rate in rates]
    return {"format": 1, "kind": "fx", "recorded_at": "2026-09-01T00:00:00Z", "source": "a test", "rate": listed}


def usage(number: int, when: str, input_: int, output: int, **more: Any) -> UsageRecord:
    """A record of acme/large, listed at 3 USD for a million input tokens, 0.30 cached and 15 for output."""
    return record(f"r{number}", when=when, input=input_, output=output, **more)


def rendered(issued: IssuedInvoice) -> str:
    """An invoice as plain text with all its arithmetic."""
    content = in_form(issued.content, 1)  # which leaves out what there is nothing to say of
    currency = content["currency"]
    text = [
        f"{issued.number}  {content['customer']}  {content['period']}" + ("  interim" if "kind" in content else ""),
        f"from {content['period_start']} to {content['period_end']}",
    ]
    for position, line in enumerate(content["lines"], start=1):
        rule = "list price" if line["rule"] is None else f"rule {line['rule']!r} of {line['rule_contract']}"
        whose = f"{line['customer']}: " if "customer" in line else ""
        counted = f"{requests(line)}, {rule}" if line["kind"] == "usage" else charged(line["charge"])
        text += ["", f"{position}. {whose}{line['description']}, {counted}"]
        if "charge" in line:
            text += [f"     {multiplied(line['charge'])} = {line['exact_amount']}", f"     = {line['exact_amount']}"]
        for part in line["parts"]:
            conditions = [f"{key} {part[key]}" for key in ("tier", "window") if part[key]]
            conditions += [f"units {part['rule_tier']}"] if "rule_tier" in part else []
            conditions += [f"{key} {part[key]}" for key in ("multiplier", "fx") if part[key] != "1"]
            text.append(f"   {requests(part)}" + (f" ({', '.join(conditions)})" if conditions else ""))
            text += [f"     {arithmetic(step)}" for step in part["steps"]]
            text.append(f"     = {part['exact_amount']}")
        text.append(f"   exactly {line['exact_amount']}, billed {line['amount']} {currency}")
    text += ["", "by day (UTC)"]
    text += [f"   {day['day']}  {requests(day)}  {day['exact_amount']}" for day in content["daily"]]
    text += [f"not billed: {requests(one)}, {one['reason']}" for one in content.get("waived", ())]
    text += ["", f"subtotal {content['subtotal']}"]
    text += [f"   {item_text(item)}" for item in content.get("items", ())]
    text += [f"tax {content['tax']}", f"total {content['total']} {currency}"]
    text += [f"due {content['due']} {currency}"] if "due" in content else []
    cost = "not reported" if content["cost"] is None else content["cost"]
    text += [f"cost {cost}, {content['requests_without_cost']} without one", "", issued.content_hash]
    return "\n".join(text) + "\n"


def charged(charge: Content) -> str:
    """What a line that is not of usage counts."""
    if "units" in charge:
        return f"{charge['quantity']:,} begun by {charge['units']:,} units"
    if "of_amount" in charge:
        return f"{charge['of_amount']} above the commitment"
    return f"{charge['quantity']} of {charge['of_days']} days" if "of_days" in charge else "once"


def multiplied(charge: Content) -> str:
    """How such a line comes to its amount."""
    if "of_amount" in charge:
        return f"{charge['of_amount']} x {charge['rate']}"
    return f"{charge['quantity']:,} x {charge['rate']}" + (f" / {charge['of_days']}" if "of_days" in charge else "")


def item_text(item: Content) -> str:
    """One step from the subtotal to what is due."""
    share = f" ({item['percent']} % of {item['of']}{less(item)})" if "percent" in item else ""
    limit = f" (of {item['of']})" if "of" in item and not share else ""
    if "drawn" in item:
        limit = f" (of {item['of']} until {item['ends']}; {item['before']} before, {item['drawn']} now)"
    return f"{item['kind']} {item['name']}{share}{limit}: {item['amount']}"


def less(item: Content) -> str:
    """What interim invoices billed of it."""
    return f", less {item['invoiced']}" if "invoiced" in item else ""


def requests(counted: Content) -> str:
    """How many requests something is of."""
    return "1 request" if counted["requests"] == 1 else f"{counted['requests']} requests"


def arithmetic(step: Content) -> str:
    """One step as a sum that can be done by hand."""
    amount = f"= {step['amount']}"
    if step["kind"] == "markup":
        return f"{step['percent']} % ({step['name']}) of {step['of_amount']} {amount}"
    times_fx = f" x {step['fx']}" if "fx" in step else ""
    if step["kind"] == "byok_fee":
        return f"{step['percent']} % (own key) of {step['of_amount']}{times_fx} {amount}"
    if step["kind"] == "allowance":
        return f"included amount {amount}"
    if step["kind"] == "margin":
        return f"raised to {step['percent']} % over cost by {step['amount']} {amount}"
    if step["kind"] == "credits":
        counted = f"{step['quantity']:,}" if "quantity" in step else f"worth {step['of_amount']}"
        return f"{counted} of {step['name']!r} at {step['rate']}, rounding adds {step['amount']} {amount}"
    if step["kind"] == "included":
        return f"included {step['quantity']:,} {step['name']} x 0 {amount}"
    if step["kind"] == "cost":
        return f"the gateway's cost {step['of_amount']}{times_fx} {amount}"
    name = f"{step['name']} as {step['priced_as']}" if "priced_as" in step else step["name"]
    per = "" if step["per"] == 1 else f" / {step['per']:,}"
    added = "add-on " if step["kind"] == "add_on" else ""
    return f"{added}{step['quantity']:,} {name} x {step['rate']}{per}{times_fx} {amount}"


def value_of(terms: str) -> Fraction | None:
    """What `1,000 input x 3 / 1,000,000 x 0.9`, `20 % (default) of 4.5` or `the gateway's cost 1.2 x 2` comes to."""
    if terms == "included amount":
        return None
    if " by " in terms or " adds " in terms:
        return Fraction(terms.rpartition(" ")[2])
    if " % (" in terms:
        percent, _, of_amount = terms.partition(" % (")
        amount, _, rate = of_amount.split(") of ")[1].partition(" x ")
        return Fraction(percent) * Fraction(amount) * Fraction(rate or 1) / 100
    for words in ("add-on ", "included ", "the gateway's cost "):
        terms = terms.removeprefix(words)
    first, *factors = terms.split(" x ")
    value = Fraction(first.split(" ")[0].replace(",", ""))
    for factor in factors:
        rate, _, per = factor.partition(" / ")
        value *= Fraction(rate) / (Fraction(per.replace(",", "")) if per else 1)
    return value
