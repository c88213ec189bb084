"""Who a record belongs to: bindings, then attribution rules, then the default.

Pure. User ids are opaque and compared bytewise; they are taken apart only by a declared template.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal

from tokentill.canonical import Content, content_hash, fields_of
from tokentill.clock import instant_text, parse_instant
from tokentill.versions import in_force

PLACEHOLDER = "{id}"
EACH_USER: Literal["each-user"] = "each-user"
"""The default that makes every user a customer of its own."""


@dataclass(frozen=True, slots=True)
class Binding:
    """An explicit statement that a user belongs to a customer from an instant on. Append-only, in order of `seq`."""

    seq: int
    user: str
    customer: str
    valid_from: datetime
    source: str | None = None

    def content(self) -> Content:
        """Canonical content, without the place in this database."""
        return fields_of(self, "user", "customer", "valid_from", "source")


@dataclass(frozen=True, slots=True)
class AttributionRule:
    """One rule: templates that must all fit, and the customer they lead to.

    `is_literal` and `is_new_customer` say that what looks like a mistake is meant.
    """

    templates: Mapping[str, str]
    match: Mapping[str, re.Pattern[str]]
    customer: str
    text: str
    is_literal: bool = False
    is_new_customer: bool = False

    @classmethod
    def from_content(cls, content: Content) -> AttributionRule:
        """From the canonical content of a `[[rule]]` table."""
        templates = content["match"]
        return cls(
            templates=templates,
            match={key: template_pattern(template) for key, template in templates.items()},
            customer=content["customer"],
            text=", ".join(f"{key} = {template}" for key, template in sorted(templates.items())),
            is_literal=content.get("literal", False),
            is_new_customer=content.get("new_customer", False),
        )

    def customer_of(self, values: Mapping[str, str | None]) -> str | None:
        """The customer when every template fits, otherwise None."""
        user_id = ""
        for key, pattern in self.match.items():
            value = values[key]
            match = None if value is None else pattern.fullmatch(value)
            if match is None:
                return None
            user_id = match.groupdict().get("id") or user_id
        return self.customer.replace(PLACEHOLDER, user_id)


@dataclass(frozen=True, slots=True)
class AttributionRules:
    """One recording of rules. The newest in force replaces the whole set, which has no end of its own."""

    valid_to: ClassVar[None] = None

    recorded_at: datetime
    valid_from: datetime
    default: Literal["each-user", "unattributed"]
    tolerance_percent: Decimal
    rules: tuple[AttributionRule, ...]
    hash: str

    @classmethod
    def from_content(cls, content: Content) -> AttributionRules:
        """From the canonical content of an attribution file."""
        recorded_at, valid_from = parse_instant(content["recorded_at"]), parse_instant(content["valid_from"])
        return cls(
            recorded_at=recorded_at,
            valid_from=valid_from,
            default=content.get("default", EACH_USER),
            tolerance_percent=Decimal(content.get("tolerance_percent", "0")),
            rules=tuple(AttributionRule.from_content(rule) for rule in content.get("rule", ())),
            hash=content_hash(content),
        )


@dataclass(frozen=True, slots=True)
class Attributed:
    """The customer of a record, or None when it is unattributed, and what decided it."""

    customer: str | None
    because: str


class Attribution:
    """All attribution rules and bindings that are known. Immutable."""

    def __init__(self, recordings: Iterable[Content], bindings: Sequence[Binding] = ()) -> None:
        stated = (content for content in recordings if content["kind"] == "attribution")
        self._rules = tuple(map(AttributionRules.from_content, stated))
        self.recordings = tuple(sorted(rules.hash for rules in self._rules))
        self._last_asked: tuple[datetime, AttributionRules | None] | None = None
        self._bindings: dict[str, list[Binding]] = {}
        for binding in bindings:
            self._bindings.setdefault(binding.user, []).append(binding)

    def rules_at(self, at: datetime) -> AttributionRules | None:
        """The set of rules in force at an instant."""
        if not self._rules:
            return None
        last = self._last_asked
        if last is None or last[0] != at:  # thousands of users are asked for at one instant
            last = self._last_asked = (at, in_force(self._rules, at))
        return last[1]

    def attribute(self, *, source: str, user: str | None, api_key: str | None, at: datetime) -> Attributed:
        """Decide whose a record is: the first of bindings, rules, default that says so."""
        if user is not None:
            binding = self._binding_at(user, source, at)
            if binding is not None:
                return Attributed(binding.customer, f"bound to it since {instant_text(binding.valid_from)}")
        rules = self.rules_at(at)
        values = {"user": user, "api_key": api_key, "source": source}
        for rule in () if rules is None else rules.rules:
            customer = rule.customer_of(values)
            if customer is not None:
                return Attributed(customer, f"rule {rule.text}")
        if user is None:
            return Attributed(None, "no user, and no rule for its api key")
        if rules is not None and rules.default == "unattributed":
            return Attributed(None, "no rule fits, and the default is unattributed")
        return Attributed(user, "every user is a customer of its own")

    def rule_edges(self) -> set[datetime]:
        """Every instant at which other rules come into force."""
        return {rules.valid_from for rules in self._rules}

    def binding_edges(self, user: str) -> set[datetime]:
        """Every instant at which a binding of a user begins."""
        return {binding.valid_from for binding in self._bindings.get(user, ())}

    def _binding_at(self, user: str, source: str, at: datetime) -> Binding | None:
        if user not in self._bindings:
            return None
        fitting = [
            binding for binding in self._bindings[user] if binding.valid_from <= at and binding.source in (None, source)
        ]
        return max(fitting, key=lambda binding: (binding.valid_from, binding.seq), default=None)


def template_pattern(template: str) -> re.Pattern[str]:
    """The pattern of a template in which `{id}` stands for one or more of any character."""
    return re.compile("(?P<id>.+)".join(map(re.escape, template.split(PLACEHOLDER, 1))), re.DOTALL)
