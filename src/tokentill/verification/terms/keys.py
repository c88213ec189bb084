"""Every key of what people write that this verification understands. A table with another one is refused: what is not
understood cannot be verified.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

Table = dict[str, Any]
_SAID = {"format", "kind", "recorded_at", "note", "source", "unusual", "drops", "applies_to_closed", "hash"}
KNOWN = {
    "a price": """model aliases valid_from valid_to per rates free fees fallback tier window mode multiplier currency
        withdraws""",
    "a mode of a price": "rates tier window fees valid_from valid_to",
    "a window": "when rates tier",
    "when a window is open": "days between time_zone",
    "a tier of a price": "when rates",
    "when a tier holds": "input_tokens_gt input_tokens_gte",
    "the multipliers of a price": "geo",
    "an alias": "id model valid_from",
    "a route": "prefix models same_price apart_from",
    "an exchange rate": "from to date rate",
    "a contract": "id plan valid_from valid_to currency time_zone anchor_day bill_from review invoice rule",
    "the invoice terms": """base_fee minimum cap coupon tax parent smallest_amount interim_at adjustments
        lines_by commitment""",
    "an amount for a period": "amount name prorate every starts",
    "a commitment": "amount starts ends months overage_factor name",
    "a coupon": "id percent amount periods",
    "a tax": "name percent",
    "a grant": """customer id currency amount credits worth name paid priority valid_from expires_at every rollover
        new_customer""",
    "what goes over of a grant": "max months",
    "an opening balance": "customer id currency amount date reason new_customer",
    "a rule": """name match basis per rates markup_percent add_on byok_fee_percent min_margin_percent allowance tiers
        package credits contract""",
    "what a rule matches": """model provider mode api_key user source tag status usage_state is_byok is_replayed
        zero_cost""",
    "an allowance": "units amount",
    "the tiers of a rule": "kind over flat_at_zero tier",
    "a tier of a rule": "up_to markup_percent rates flat",
    "a package": "price size",
    "the credits of a rule": "name worth round_up at_least",
    "a set of attribution rules": """id valid_from default tolerance_percent untrusted_users
        users_seen_once_max rule""",
    "an attribution rule": "match customer literal new_customer",
}
"""Every key that is understood, by what has it."""


class CannotVerify(ValueError):
    """What keeps a document from being verified; its message is the fault of the document."""


def known(table: Table, what: str) -> Table:
    """A table of which every key is understood.

    Raises:
        CannotVerify: when one is not.
    """
    if unknown := table.keys() - _SAID - set(KNOWN[what].split()):
        raise CannotVerify(f"{what} states {sorted(unknown)[0]!r}, which this verification does not know")
    return table


def dated(table: Table, **more: Any) -> Table:
    """A table with its instants as such."""
    read = {
        key: datetime.fromisoformat(value)
        for key, value in table.items()
        if key in ("recorded_at", "valid_from", "valid_to", "expires_at", "bill_from") and isinstance(value, str)
    }
    return {**table, **read, **more}


def fits(glob: str, value: str) -> bool:
    """Whether a glob, in which `*` is any text and `?` any one character, is the whole of a value."""
    reached = {0}
    for sign in glob:
        if sign == "*":
            reached = set(range(min(reached, default=len(value) + 1), len(value) + 1))
        else:
            reached = {place + 1 for place in reached if place < len(value) and sign in ("?", value[place])}
    return len(value) in reached


def template_fits(template: str, value: str | None) -> str | None:
    """What `{id}` stands for ("" where the template has none), or None when the template does not fit."""
    if value is None:
        return None
    before, placeholder, after = template.partition("{id}")
    if not placeholder:
        return "" if value == template else None
    fits = len(value) > len(before) + len(after) and value.startswith(before) and value.endswith(after)
    return value[len(before) : len(value) - len(after)] if fits else None


def in_force(versions: Iterable[Table], at: datetime) -> Table | None:
    """Among those that cover the instant: the greatest `valid_from`, then the greatest `recorded_at`."""
    covering = [one for one in versions if one["valid_from"] <= at and ("valid_to" not in one or at < one["valid_to"])]
    return max(covering, key=lambda one: (one["valid_from"], one["recorded_at"]), default=None)
