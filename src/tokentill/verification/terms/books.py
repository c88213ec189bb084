"""What people had written when an invoice was computed, read from the copies in the database: prices, exchange rates,
contracts, attribution rules and bindings, each as it holds at an instant.

Trusts that a recording is what its hash says, which it checks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any

from tokentill.canonical import content_hash
from tokentill.verification.terms.keys import CannotVerify, Table, dated, fits, in_force, known, template_fits
from tokentill.verification.terms.recurring import MICROSECOND, Recurring, midnight, months_after

ALWAYS = datetime(1, 1, 1, tzinfo=UTC)


class Books:
    """The recordings that one set of prices and one set of contracts name, with the bindings.

    Args:
        own: price tables and exchange rates; `beneath`: price tables that hold where the own ones say nothing.
        agreed: contracts, grants and attribution rules.
        bindings: rows of `binding`, and `keys` those of `key_binding`, instants as such.
        untrusted: sources whose users decide nothing.
    """

    def __init__(
        self,
        own: Iterable[Table],
        beneath: Iterable[Table],
        agreed: Iterable[Table],
        bindings: Iterable[Table],
        keys: Iterable[Table] = (),
        untrusted: Iterable[str] = (),
    ) -> None:
        layers = [sorted(map(dated, layer), key=_recorded) for layer in (own, beneath)]
        stated = [[one for one in layer if one["kind"] == "prices"] for layer in layers]
        self.entries = _entries([*stated[0], *stated[1]])
        self._aliases = _aliases(_entries(stated[0]), stated[0])
        if stated[1]:
            below = _aliases(self.entries, stated[1])
            self._aliases |= {id_: listed for id_, listed in below.items() if id_ not in self._aliases}
        self._routes = [
            {**known(route, "a route"), "recorded_at": one["recorded_at"]}
            for layer in stated
            for one in layer
            for route in one.get("route", ())
        ]
        self._fx: dict[tuple[str, str], list[Table]] = {}
        for one in sorted((one for one in layers[0] if one["kind"] == "fx"), key=lambda one: str(one["hash"])):
            for rate in one["rate"]:
                pair = (known(rate, "an exchange rate")["from"], rate["to"])
                self._fx.setdefault(pair, []).append({**rate, "recorded_at": one["recorded_at"]})
        self.contracts: dict[tuple[str, str], list[Table]] = {}
        self._grants: dict[str, dict[str, Table]] = {}
        self._openings: dict[tuple[str, str], Table] = {}
        self.rule_sets: list[Table] = []
        for one in map(dated, agreed):
            self._add_agreed(one)
        self._bindings: dict[str, list[Table]] = {}
        for binding in bindings:
            self._bindings.setdefault(binding["user"], []).append(binding)
        self._untrusted = set(untrusted)
        self._keys: dict[tuple[str, str], list[Table]] = {}
        for binding in keys:
            bound = ("team", binding["team"]) if binding["api_key"] is None else ("key", binding["api_key"])
            self._keys.setdefault(bound, []).append(binding)
        self._key_edges = {binding["valid_from"] for listed in self._keys.values() for binding in listed}
        self.meaning = lru_cache(50_000)(self._meaning)
        self.chain = lru_cache(50_000)(self._chain)

    def _add_agreed(self, one: Table) -> None:
        if one["kind"] == "grant":
            for grant in one["grant"]:
                held = self._grants.setdefault(grant["customer"], {})
                before = held.get(grant["id"])
                if before is None or before["recorded_at"] <= one["recorded_at"]:
                    held[grant["id"]] = dated(known(grant, "a grant"), recorded_at=one["recorded_at"])
        elif one["kind"] == "opening_balance":
            for opening in one["opening_balance"]:
                key = (known(opening, "an opening balance")["customer"], opening["id"])
                if key not in self._openings or self._openings[key]["recorded_at"] <= one["recorded_at"]:
                    self._openings[key] = {**opening, "recorded_at": one["recorded_at"]}
        elif one["kind"] == "attribution":
            rules = [
                known(rule, "an attribution rule") for rule in known(one, "a set of attribution rules").get("rule", ())
            ]
            self.rule_sets.append({**one, "rule": rules})
        elif one["kind"] in ("customer", "plan", "default"):
            label = one["kind"] if one["kind"] == "default" else f"{one['kind']} {one['id']}"
            rules = [
                {
                    "name": f"rule {number}",
                    **rule,
                    "contract": label,
                    "hash": content_hash({**{key: rule[key] for key in rule if key != "unusual"}, "contract": label}),
                }
                for number, rule in enumerate(one.get("rule", ()), start=1)
            ]
            named = (one["kind"], "" if one["kind"] == "default" else one["id"])
            self.contracts.setdefault(named, []).append({**one, "rule": rules, "invoice": one.get("invoice", {})})
        elif one["kind"] != "removal":
            raise CannotVerify(f"a recording is of kind {one['kind']!r}, which this verification does not know")

    # Prices

    def _meaning(self, model: str, at: datetime) -> tuple[str, frozenset[str]] | None:
        """The model whose prices an id has at an instant, with the parts of them that it lacks, or None."""
        if (named := self._named(model, at)) is not None or model in self._aliases:
            return None if named is None else (named, frozenset())
        for suffix in (":nitro", ":floor", ":online"):
            if model.endswith(suffix):
                return self._meaning(model.removesuffix(suffix), at)
        for prefix in sorted({route["prefix"] for route in self._routes}, key=lambda text: (-len(text), text)):
            if prefix and model.startswith(prefix):
                rest = model.removeprefix(prefix)
                instants = [ALWAYS, *(alias["valid_from"] for alias in self._aliases.get(rest, ())), at]
                routed = [self._routed(prefix, self._named(rest, instant)) for instant in instants]
                if any(route is not None for route in routed):
                    route, target = routed[-1], self._named(rest, at)
                    if route is None or target is None or not route["same_price"]:
                        return None
                    return target, frozenset(route.get("apart_from", ()))
        return None

    def _named(self, model: str, at: datetime) -> str | None:
        if model in self.entries:
            return model
        alias = in_force(self._aliases.get(model, []), at)
        return alias["model"] if alias is not None and alias["model"] in self.entries else None

    def _routed(self, prefix: str, model: str | None) -> Table | None:
        routes = [one for one in self._routes if one["prefix"] == prefix and model is not None]
        of_model = [route for route in routes if any(fits(glob, model or "") for glob in route["models"])]
        return max(of_model, key=lambda route: (route["recorded_at"], not route["same_price"]), default=None)

    def price_edges(self, model: str, starts_at: datetime, ends_at: datetime) -> set[datetime]:
        """The instants in a period at which another price of an id may come into force."""
        suffixed = [model]
        for id_ in suffixed:
            suffixed += [id_.removesuffix(s) for s in (":nitro", ":floor", ":online") if id_.endswith(s)]
            prefixes = [
                route["prefix"] for route in self._routes if route["prefix"] and id_.startswith(route["prefix"])
            ]
            suffixed += [id_.removeprefix(prefix) for prefix in prefixes]
        aliases = [alias for id_ in dict.fromkeys(suffixed) for alias in self._aliases.get(id_, ())]
        names = {*suffixed, *(alias["model"] for alias in aliases)}
        held = [*aliases]
        for entry in (entry for name in names for entry in self.entries.get(name, ())):
            held += [entry, *map(dated, entry.get("mode", {}).values())]
        edges = {table[key] for table in held for key in ("valid_from", "valid_to") if key in table}
        return {edge for edge in edges if starts_at < edge < ends_at}

    def fx(self, from_: str, to: str, day: date) -> Fraction | None:
        """Units of one currency for one unit of another on a day; None where no rate is listed."""
        if from_ == to:
            return Fraction(1)
        listed = [rate for rate in self._fx.get((from_, to), ()) if rate["date"] <= day.isoformat()]
        latest = max(((rate["date"], rate["recorded_at"]) for rate in listed), default=None)
        return next(
            (Fraction(rate["rate"]) for rate in reversed(listed) if (rate["date"], rate["recorded_at"]) == latest), None
        )

    # Contracts

    def contract(self, kind: str, id_: str, at: datetime) -> Table | None:
        """The version of a contract in force."""
        return in_force(self.contracts.get((kind, id_), []), at)

    @property
    def customers(self) -> list[str]:
        """Who has a contract of its own."""
        return [id_ for kind, id_ in self.contracts if kind == "customer"]

    def _chain(self, customer: str | None, at: datetime) -> tuple[Table, ...]:
        """Who speaks for a customer: its own contract, its plan's, the default one."""
        own = None if customer is None else self.contract("customer", customer, at)
        plan = self.contract("plan", own["plan"], at) if own is not None and own.get("plan") is not None else None
        found = [one for one in (own, plan, self.contract("default", "", at)) if one is not None]
        for one in found:
            known(known(one, "a contract")["invoice"], "the invoice terms")
        return tuple(found)

    def payer(self, customer: str, at: datetime) -> str:
        """Whose invoice the usage of a customer stands on, by its contract."""
        own = self.contract("customer", customer, at)
        return str((own or {}).get("invoice", {}).get("parent") or customer)

    def frame(self, customer: str | None, at: datetime) -> tuple[str, str, int]:
        """Currency, time zone and anchor day; those of a child are its parent's."""
        chain = self.chain(customer if customer is None else self.payer(customer, at), at)
        asked = (("currency", "USD"), ("time_zone", "UTC"), ("anchor_day", 1))
        currency, zone, day = (next((one[key] for one in chain if one.get(key)), none) for key, none in asked)
        return str(currency), str(zone), int(day)

    def term(self, customer: str, at: datetime, key: str) -> Any:
        """An invoice term from the first of the chain that states it."""
        return next((one["invoice"][key] for one in self.chain(customer, at) if key in one["invoice"]), None)

    def bill_from(self, customer: str) -> datetime | None:
        """The instant before which nothing of a customer is billed, as a contract stated it last."""
        for key in (("customer", customer), ("default", "")):
            if stated := [one for one in self.contracts.get(key, ()) if one.get("bill_from") is not None]:
                latest = max(stated, key=lambda one: (one["recorded_at"], one["valid_from"], one["hash"]))
                return datetime.fromisoformat(str(latest["bill_from"]))
        return None

    def is_billed(self, customer: str, at: datetime) -> bool:
        """Whether what a customer does or owes at an instant is billed at all."""
        begins = self.bill_from(customer)
        return begins is None or begins <= at

    def commitments(self, customer: str, period: tuple[datetime, datetime]) -> list[Table]:
        """The commitments whose terms reach into a period, by the days on which they start, with their instants.

        Of one that several contracts state, what held last inside its term is taken.
        """
        edges = sorted(edge for edge in self.contract_edges([customer]) if period[0] < edge < period[1])
        found: dict[str, Table] = {}
        for end in (*edges, period[1]):
            at = end - MICROSECOND
            if (stated := self.term(customer, at, "commitment")) is None:
                continue
            first, name = date.fromisoformat(known(stated, "a commitment")["starts"]), self.frame(customer, at)[1]
            last = date.fromisoformat(stated["ends"]) if "ends" in stated else months_after(first, stated["months"])
            starts_at, ends_at = midnight(first, name), midnight(last, name)
            is_inside = starts_at < period[1] and period[0] < ends_at
            if is_inside and (stated["starts"] not in found or at < ends_at):
                found[stated["starts"]] = {**stated, "ends": last.isoformat(), "from": starts_at, "to": ends_at}
        return [found[key] for key in sorted(found)]

    def rules(self, customer: str, at: datetime) -> Iterator[Table]:
        """All rules that a customer's records are held against, in order."""
        return (known(rule, "a rule") for one in self.chain(customer, at) for rule in one["rule"])

    def rule(self, customer: str, traits: Table, at: datetime) -> Table | None:
        """The first rule that fits; None bills the list price."""
        for rule in self.rules(customer, at):
            match = known(rule.get("match", {}), "what a rule matches")
            if all(_is_asked(asked, traits[key]) for key, asked in match.items()):
                return rule
        return None

    def contract_edges(self, customers: Collection[str]) -> set[datetime]:
        """The instants at which what is agreed with these customers may change."""
        shared = [one for (kind, id_), listed in self.contracts.items() if kind != "customer" for one in listed]
        own = [one for customer in customers for one in self.contracts.get(("customer", customer), ())]
        return {one[key] for one in (*shared, *own) for key in ("valid_from", "valid_to") if key in one}

    def grants(self, customer: str, period: tuple[datetime, datetime]) -> list[Table]:
        """Prepaid credits in the order in which they burn: by priority, then what expires first, then the oldest. In
        the place of one that recurs are its parts that are in effect in the period.
        """

        def urgency(grant: Table) -> tuple[Any, ...]:
            expires = grant.get("expires_at")
            begins = grant["valid_from"]
            last = grant.get("last_expires_at", expires)
            return (grant.get("priority", 0), last is None, last or begins, begins, grant["id"])

        listed: list[Table] = []
        for grant in self._grants.get(customer, {}).values():
            if "every" not in grant:
                listed.append(grant)
            else:
                name = self.frame(customer, grant["valid_from"])[1]
                listed += Recurring(grant, name).parts(*period)
        return sorted(listed, key=urgency)

    @property
    def openings(self) -> list[Table]:
        """Opening balances as they were stated last, in the bytewise order of customers and ids."""
        return [self._openings[key] for key in sorted(self._openings, key=lambda key: [one.encode() for one in key])]

    # Attribution

    def owner(self, source: str, user: str | None, api_key: str | None, team: str | None, at: datetime) -> str | None:
        """Whose a record is; None is nobody. By a user that is trusted: its binding, the first rule that fits, itself,
        and then by the key; any other record by the key, and by the first rule that asks for no user.

        Args:
            team: the one that the record itself names.
        """
        rules = in_force(self.rule_sets, at) or {}
        distrusted = source in self._untrusted or any(fits(glob, source) for glob in rules.get("untrusted_users", ()))
        named = None if distrusted else user or None
        if named is None:
            return self._key_owner(source, api_key, team, at) or _owner_by_rule(rules, source, None, api_key)
        if bound := _newest(self._bindings.get(named, ()), source, at):
            return str(bound["customer"])
        if (by_rule := _owner_by_rule(rules, source, named, api_key)) is not None:
            return by_rule
        is_each = rules.get("default", "each-user") == "each-user"
        return named if is_each else self._key_owner(source, api_key, team, at)

    def _key_owner(self, source: str, api_key: str | None, team: str | None, at: datetime) -> str | None:
        """Whose a key is: of the customer that it, or its team, or the team that the record names, is bound to."""
        key = _newest(self._keys.get(("key", api_key or ""), ()), source, at)
        if key is not None and key["customer"] is not None:
            return str(key["customer"])
        wanted = team if key is None else key["team"]
        bound = _newest(self._keys.get(("team", wanted or ""), ()), source, at)
        return None if bound is None else str(bound["customer"])

    def owner_edges(self, user: str | None) -> set[datetime]:
        """The instants at which the records of a user may become another customer's."""
        return {one["valid_from"] for one in (*self.rule_sets, *self._bindings.get(user or "", ()))} | self._key_edges


def _newest(bindings: Iterable[Table], source: str, at: datetime) -> Table | None:
    """The binding that holds for records of a source."""
    holding = (one for one in bindings if one["valid_from"] <= at and one["source"] in (None, source))
    return max(holding, key=lambda one: (one["valid_from"], one["seq"]), default=None)


def _owner_by_rule(rules: Table, source: str, user: str | None, api_key: str | None) -> str | None:
    values = {"user": user, "api_key": api_key, "source": source}
    for rule in rules.get("rule", ()):
        ids = [template_fits(template, values[key]) for key, template in rule["match"].items()]
        if None not in ids:
            return str(rule["customer"]).replace("{id}", next((id_ for id_ in reversed(ids) if id_), ""))
    return None


def team_named(tags: Iterable[str]) -> str | None:
    """The team that the tags of a record name, if it is one."""
    named = {tag.partition("=")[2] for tag in tags if tag.startswith("team=")} - {""}
    return min(named) if len(named) == 1 else None


def _recorded(one: Table) -> tuple[datetime, str]:
    return one["recorded_at"], one["hash"]


def _entries(tables: Sequence[Table]) -> dict[str, list[Table]]:
    """Price entries by model, without those that are withdrawn; of two alike the first one holds."""
    gone: dict[str, datetime] = {}
    for one in tables:
        for price in one.get("price", ()):
            if "withdraws" in price:
                gone[price["withdraws"]] = max(one["recorded_at"], gone.get(price["withdraws"], ALWAYS))
    entries: dict[str, list[Table]] = {}
    for one in tables:
        for price in one.get("price", ()):
            if "valid_from" not in price:
                continue
            decisive = {key: price[key] for key in price.keys() - {"note", "source", "withdraws", "drops", "unusual"}}
            hash_ = content_hash({**decisive, "currency": one["currency"]})
            if hash_ not in gone or one["recorded_at"] > gone[hash_]:
                more = {"recorded_at": one["recorded_at"], "currency": one["currency"], "hash": hash_}
                entries.setdefault(price["model"], []).append(dated(known(price, "a price"), **more))
    return entries


def _aliases(entries: dict[str, list[Table]], tables: Sequence[Table]) -> dict[str, list[Table]]:
    """What ids mean that are no models of their own: by the entries, since ever, and by tables of aliases."""
    aliases: dict[str, list[Table]] = {}
    for _, listed in sorted(entries.items()):
        for entry in sorted(listed, key=lambda entry: (entry["valid_from"], entry["recorded_at"])):
            for id_ in entry.get("aliases", ()):
                alias = {"model": entry["model"], "valid_from": ALWAYS, "recorded_at": entry["recorded_at"]}
                aliases.setdefault(id_, []).append(alias)
    for one in tables:
        for alias in one.get("alias", ()):
            stated = dated({"valid_from": ALWAYS, **known(alias, "an alias")}, recorded_at=one["recorded_at"])
            aliases.setdefault(alias["id"], []).append(stated)
    return aliases


def _is_asked(asked: Any, values: Any) -> bool:
    """Whether what a rule asks for is so: a flag, or one of some values that fits a glob."""
    if isinstance(asked, bool):
        return asked is values
    return any(fits(glob, value) for glob in asked for value in values)
