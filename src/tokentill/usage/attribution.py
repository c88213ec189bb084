"""Who a record belongs to: by its user (bindings, attribution rules, the default), or else by its API key (bindings of
keys and teams, attribution rules).

Pure. User ids are opaque and compared bytewise; they are taken apart only by a declared template. The user of a source
whose users are untrusted decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal

from tokentill.canonical import Content, content_hash, fields_of
from tokentill.clock import instant_text, parse_instant
from tokentill.usage.globs import glob_fits
from tokentill.usage.keys import KeyBinding, KeyOwner, KeyTable
from tokentill.versions import in_force

PLACEHOLDER = "{id}"
EACH_USER: Literal["each-user"] = "each-user"
"""The default that makes every user a customer of its own."""

USERS_SEEN_ONCE_MAX = 1000
"""So many users with a single request in a period may become customers by `each-user`, unless a recording says
otherwise."""

DecidedBy = Literal["binding", "rule", "each-user", "key", "nothing"]


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
    untrusted_users: tuple[str, ...] = ()
    users_seen_once_max: int = USERS_SEEN_ONCE_MAX

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
            untrusted_users=tuple(content.get("untrusted_users", ())),
            users_seen_once_max=content.get("users_seen_once_max", USERS_SEEN_ONCE_MAX),
        )

    def distrusts(self, source: str) -> bool:
        """Whether the users of a source decide nothing."""
        return any(glob_fits(pattern, source) for pattern in self.untrusted_users)


@dataclass(frozen=True, slots=True)
class Attributed:
    """The customer of a record, or None when it is unattributed, and what decided it."""

    customer: str | None
    because: str
    decided_by: DecidedBy = "nothing"


class Attribution:
    """All attribution rules and bindings that are known. Immutable.

    Args:
        untrusted: sources whose users decide nothing at any time, whatever the rules say of them.
    """

    def __init__(
        self,
        recordings: Iterable[Content],
        bindings: Sequence[Binding] = (),
        keys: Sequence[KeyBinding] = (),
        untrusted: Iterable[str] = (),
    ) -> None:
        stated = (content for content in recordings if content["kind"] == "attribution")
        self._rules = tuple(map(AttributionRules.from_content, stated))
        self.recordings = tuple(sorted(rules.hash for rules in self._rules))
        self._last_asked: tuple[datetime, AttributionRules | None] | None = None
        self._bindings: dict[str, list[Binding]] = {}
        for binding in bindings:
            self._bindings.setdefault(binding.user, []).append(binding)
        self._keys = KeyTable(keys)
        self._untrusted = frozenset(untrusted)

    @property
    def users_of_others(self) -> Collection[str] | None:
        """The users that may be another customer's than that of their own name; None where all may be."""
        decide = any(one.rules or one.untrusted_users or one.default != EACH_USER for one in self._rules)
        return None if decide or self._keys or self._untrusted else self._bindings.keys()

    def rules_at(self, at: datetime) -> AttributionRules | None:
        """The set of rules in force at an instant."""
        if not self._rules:
            return None
        last = self._last_asked
        if last is None or last[0] != at:  # thousands of users are asked for at one instant
            last = self._last_asked = (at, in_force(self._rules, at))
        return last[1]

    def attribute(
        self, *, source: str, user: str | None, api_key: str | None, at: datetime, tags: Sequence[str] = ()
    ) -> Attributed:
        """Decide whose a record is: the first of these that says so.

        A trusted user: its binding, the rules, and itself where every user is a customer. Otherwise the binding of the
        key, that of the team, and (where no user was asked) the rules that ask for no user.
        """
        rules = self.rules_at(at)
        if is_trusted := self._trusts(source, user, rules):
            by_user = self._by_user(source, user or "", at) or _by_rule(rules, source, user, api_key)
            if by_user is not None:
                return by_user
            if rules is None or rules.default == EACH_USER:
                return Attributed(user, "every user is a customer of its own", EACH_USER)
        owner = self._keys.owner(source, api_key, tags, at) if self._keys else None
        if owner is not None and owner.customer is not None:
            return Attributed(owner.customer, owner.because, "key")
        by_rule = None if is_trusted else _by_rule(rules, source, None, api_key)
        return by_rule or Attributed(None, _why_nobody(user, owner, is_trusted=is_trusted))

    def contradicted(
        self,
        *,
        source: str,
        user: str | None,
        api_key: str | None,
        at: datetime,
        tags: Sequence[str] = (),
        known: Container[str] = (),
    ) -> str | None:
        """The other customer that an untrusted user leads to; None where it leads to none, or to the same one.

        Args:
            known: customers; a user that is called like one leads to it where every user is a customer of its own.
        """
        rules = self.rules_at(at)
        if not user or self._trusts(source, user, rules):
            return None
        decided = self.attribute(source=source, user=user, api_key=api_key, at=at, tags=tags).customer
        by_user = self._by_user(source, user, at)
        if by_user is None and rules is not None:
            by_user = _first_fitting([rule for rule in rules.rules if "user" in rule.match], source, user, api_key)
        other = user if by_user is None and user in known else None if by_user is None else by_user.customer
        return other if decided is not None and other != decided else None

    def goes_by_user(self, source: str, user: str | None, at: datetime) -> bool:
        """Whether there is a user, and it may decide."""
        return self._trusts(source, user, self.rules_at(at))

    @property
    def distrusts_users(self) -> bool:
        """Whether there are sources whose users decide nothing."""
        return bool(self._untrusted) or any(rules.untrusted_users for rules in self._rules)

    def rule_edges(self) -> set[datetime]:
        """Every instant at which other rules come into force."""
        return {rules.valid_from for rules in self._rules}

    def bindings_of(
        self, user: str | None, api_key: str | None = None, tags: Sequence[str] = ()
    ) -> list[Binding | KeyBinding]:
        """Every binding of a user, of a key and its teams, and of the team that tags name."""
        bound: list[Binding | KeyBinding] = [*self._bindings.get(user or "", ())]
        return [*bound, *self._keys.bindings_of(api_key, tags)] if self._keys else bound

    def binding_edges(self, user: str | None, api_key: str | None = None, tags: Sequence[str] = ()) -> set[datetime]:
        """Every instant at which one of them begins."""
        if not self._keys and user not in self._bindings:  # as of nearly all users
            return set()
        return {binding.valid_from for binding in self.bindings_of(user, api_key, tags)}

    def _trusts(self, source: str, user: str | None, rules: AttributionRules | None) -> bool:
        if not user or source in self._untrusted:
            return False
        return rules is None or not rules.untrusted_users or not rules.distrusts(source)

    def _by_user(self, source: str, user: str, at: datetime) -> Attributed | None:
        if user not in self._bindings:
            return None
        fitting = [
            binding for binding in self._bindings[user] if binding.valid_from <= at and binding.source in (None, source)
        ]
        binding = max(fitting, key=lambda binding: (binding.valid_from, binding.seq), default=None)
        if binding is None:
            return None
        return Attributed(binding.customer, f"bound to it since {instant_text(binding.valid_from)}", "binding")


def _by_rule(rules: AttributionRules | None, source: str, user: str | None, api_key: str | None) -> Attributed | None:
    return None if rules is None else _first_fitting(rules.rules, source, user, api_key)


def _first_fitting(
    rules: Iterable[AttributionRule], source: str, user: str | None, api_key: str | None
) -> Attributed | None:
    values = {"user": user, "api_key": api_key, "source": source}
    for rule in rules:
        customer = rule.customer_of(values)
        if customer is not None:
            return Attributed(customer, f"rule {rule.text}", "rule")
    return None


def _why_nobody(user: str | None, owner: KeyOwner | None, *, is_trusted: bool) -> str:
    if is_trusted:
        return "no rule fits, and the default is unattributed" + ("" if owner is None else f"; {owner.because}")
    who = "its user is not trusted" if user else "no user"
    return f"{who}, and {'no rule for its api key' if owner is None else owner.because}"


def template_pattern(template: str) -> re.Pattern[str]:
    """The pattern of a template in which `{id}` stands for one or more of any character."""
    return re.compile("(?P<id>.+)".join(map(re.escape, template.split(PLACEHOLDER, 1))), re.DOTALL)
