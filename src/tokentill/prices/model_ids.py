"""What a reported model id means: which model's prices hold for it, from when on, and if none, why not.

Pure, and never a guess: an exact id, an exact alias, a declared routing suffix stripped, a declared route. Everything
that asks for the model of a record, or for the instants at which it becomes another one, asks here.
"""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tokentill.canonical import Content
from tokentill.clock import instant_text, parse_instant
from tokentill.errors import UnpricedCode
from tokentill.prices.entries import STRIPPED_SUFFIXES, PriceEntry
from tokentill.usage.globs import glob_fits
from tokentill.versions import in_force

ALWAYS = datetime.min.replace(tzinfo=UTC)
"""From when on an alias holds that does not say it, and the first meaning of every id."""

REMEMBERED_MAX = 10_000
"""So many ids and hints are remembered; they start over then. Unknown ids come from outside."""

_DIGITS = re.compile(r"[0-9]{1,18}")
_SEPARATORS = re.compile(r"[-./:@_ ]")
_DATE = re.compile(r"[-@]20[0-9]{2}-?[0-9]{2}-?[0-9]{2}\Z")
"""A day at the end of an id is no version number: the id without it is of the same generation."""


@dataclass(frozen=True, slots=True)
class Alias:
    """An id that means a model from `valid_from` on. It states no price."""

    id: str
    model: str
    valid_from: datetime
    recorded_at: datetime

    @classmethod
    def from_content(cls, content: Content, *, recorded_at: datetime) -> Alias:
        """From the canonical content of an `[[alias]]` table."""
        since = content.get("valid_from")
        return cls(content["id"], content["model"], parse_instant(since) if since else ALWAYS, recorded_at)

    @property
    def valid_to(self) -> None:
        """It holds until another one does."""
        return None


def aliases_of(entry: PriceEntry) -> Iterator[Alias]:
    """The aliases that an entry has: they hold always."""
    return (Alias(alias, entry.model, ALWAYS, entry.recorded_at) for alias in entry.aliases)


@dataclass(frozen=True, slots=True)
class Route:
    """A prefix under which a provider is reported: the rest of the id is one of `models`.

    With `same_price` its price is the model's, but for the parts of it that `apart_from` names (`fee.web_search`,
    `mode.batch`); without, an id of this route has the price of its own entry or none.
    """

    prefix: str
    models: tuple[str, ...]
    same_price: bool
    recorded_at: datetime
    apart_from: tuple[str, ...] = ()

    @classmethod
    def from_content(cls, content: Content, *, recorded_at: datetime) -> Route:
        """From the canonical content of a `[[route]]` table."""
        apart_from = tuple(content.get("apart_from", ()))
        return cls(content["prefix"], tuple(content["models"]), content["same_price"], recorded_at, apart_from)

    def is_of(self, model: str) -> bool:
        """Whether a canonical model id is one of this route."""
        return any(glob_fits(pattern, model) for pattern in self.models)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an id means from an instant on: a model (by the route with that prefix), or none and why.

    Parts of the model's price that `apart_from` names are not that of the id.
    """

    starts_at: datetime
    model: str | None
    prefix: str = ""
    apart_from: tuple[str, ...] = ()
    why_none: str = ""
    code: UnpricedCode = "unknown_model"


class ModelIds:
    """The ids of a price book's models, their aliases and routes. Immutable, but for what it remembers."""

    def __init__(self, models: Collection[str], aliases: Iterable[Alias], routes: Iterable[Route]) -> None:
        self._models = models
        self._aliases: dict[str, list[Alias]] = {}
        for alias in aliases:
            self._aliases.setdefault(alias.id, []).append(alias)
        self._routes: dict[str, list[Route]] = {}
        for route in sorted(routes, key=lambda route: (-len(route.prefix), route.prefix)):
            self._routes.setdefault(route.prefix, []).append(route)
        self._meanings: dict[str, tuple[Meaning, ...]] = {}
        self._hints: dict[str, str] = {}

    def meanings(self, model: str) -> tuple[Meaning, ...]:
        """Everything that an id means over time, in order; the first one holds since `ALWAYS`."""
        found = self._meanings.get(model)
        if found is None:
            if len(self._meanings) >= REMEMBERED_MAX:
                self._meanings.clear()
            found = self._meanings[model] = self._looked_up(model)
        return found

    def at(self, model: str, instant: datetime) -> Meaning:
        """What an id means at an instant."""
        return _held(self.meanings(model), instant)

    def alias_counts(self, instant: datetime) -> Counter[str]:
        """How many aliases name each model at an instant."""
        named = (self.named_at(alias, instant) for alias in self._aliases if alias not in self._models)
        return Counter(model for model in named if model is not None)

    def named(self, model: str) -> tuple[Meaning, ...]:
        """What an id means as an exact id or an exact alias; nothing for another one."""
        if model in self._models:
            return (Meaning(ALWAYS, model),)
        aliases = self._aliases.get(model, ())
        if not aliases:
            return ()
        first = min(alias.valid_from for alias in aliases)
        starts = sorted({ALWAYS, *(alias.valid_from for alias in aliases)})
        return tuple(self._by_alias(in_force(aliases, start), start, model, first) for start in starts)

    def named_at(self, model: str, instant: datetime) -> str | None:
        """The model that an id names at an instant, as an exact id or an exact alias alone."""
        named = self.named(model)
        return _held(named, instant).model if named else None

    def _by_alias(self, alias: Alias | None, start: datetime, model: str, first: datetime) -> Meaning:
        if alias is None:
            why = f"the alias {model!r} holds from {instant_text(first)} on"
            return Meaning(start, None, why_none=why, code="no_price_then")
        if alias.model not in self._models:
            why = f"the alias {model!r} means {alias.model!r}, which is in no price table"
            return Meaning(start, None, why_none=why)
        return Meaning(start, alias.model)

    def _looked_up(self, model: str) -> tuple[Meaning, ...]:
        named = self.named(model)
        if named:
            return named
        for suffix in STRIPPED_SUFFIXES:
            if model.endswith(suffix):
                return self.meanings(model.removesuffix(suffix))
        for prefix, routes in self._routes.items():
            if prefix and model.startswith(prefix):
                routed = [self._by_route(meaning, routes, model) for meaning in self.named(model.removeprefix(prefix))]
                if any(meaning.prefix for meaning in routed):
                    return tuple(routed)
        return (Meaning(ALWAYS, None),)

    def _by_route(self, meaning: Meaning, routes: Iterable[Route], model: str) -> Meaning:
        """What the rest of an id means, on a route: the route recorded last, and of two alike the cautious one."""
        if meaning.model is None:
            return replace(meaning, code="unknown_model", why_none="")
        of_model = [route for route in routes if route.is_of(meaning.model)]
        if not of_model:
            return Meaning(meaning.starts_at, None)
        route = max(of_model, key=lambda route: (route.recorded_at, not route.same_price))
        if route.same_price:
            return replace(meaning, prefix=route.prefix, apart_from=route.apart_from)
        why = (
            f"{model!r} is {meaning.model} on the route {route.prefix!r}, which has prices of its own;"
            f' add a [[price]] entry with model = "{model}"'
        )
        return Meaning(meaning.starts_at, None, route.prefix, why_none=why, code="no_route_price")

    def hint(self, model: str) -> str:
        """A near miss of an unknown id for a message, with what to write if it is meant; finding it takes a while."""
        hint = self._hints.get(model)
        if hint is None:
            if len(self._hints) >= REMEMBERED_MAX:
                self._hints.clear()
            near = near_model(model, [*self._models, *self._aliases])
            meant = near and self.meanings(near)[-1].model
            hint = f"; did the gateway mean {near!r}? {alias_advice(model, meant)}" if meant else ""
            self._hints[model] = hint
        return hint


def _held(meanings: Sequence[Meaning], instant: datetime) -> Meaning:
    return next(meaning for meaning in reversed(meanings) if meaning.starts_at <= instant)


def near_model(model: str, known: Iterable[str]) -> str | None:
    """The known id that is nearest to another one and has the same version numbers: never another generation."""
    undated = _DATE.sub("", model)
    versions = (_versions(model), _versions(undated))
    alike = {plain_parts(name): name for name in sorted(known, reverse=True) if _versions(name) in versions}
    near = difflib.get_close_matches(plain_parts(undated), alike, 1, 0.8)
    return alike[near[0]] if near else None


def alias_advice(model: str, meant: str) -> str:
    """What to write so that an id means a model."""
    written = ", ".join(
        f"{key} = {json.dumps(id_, ensure_ascii=False)}" for key, id_ in (("id", model), ("model", meant))
    )
    return f"If so, say so in a price table of its own: alias = [{{ {written} }}]"


def plain_parts(model: str) -> str:
    """The parts of an id in order of the alphabet: gateways set the number before the name, or after it."""
    return "-".join(sorted(_SEPARATORS.split(model)))


def _versions(model: str) -> list[int]:
    """The numbers in an id, as often as they occur."""
    return sorted(int(digits) for digits in _DIGITS.findall(model))
