"""Whether aliases and routes lead to models that there are, and each id to one of them at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from tokentill.errors import Finding
from tokentill.prices.entries import PriceEntry
from tokentill.prices.model_ids import Alias, Route, aliases_of, near_model
from tokentill.recordings.reading import Located
from tokentill.recordings.recording import Recordings
from tokentill.usage.globs import glob_fits
from tokentill.versions import precedence

_ONE_MODEL = "an alias leads to one model; remove it from one of them"


def an_alias_leads_to_one_model(recordings: Recordings) -> Iterator[Finding]:
    """No alias of an entry is shared between models, and none is the id of another model."""
    models = {entry.value.model for entry in recordings.entries}
    owners: dict[str, str] = {}
    for entry in recordings.entries:
        model = entry.value.model
        for alias in entry.value.aliases:
            owner = owners.setdefault(alias, model)
            if owner != model:
                message = f'duplicate alias: "{alias}" is an alias of {owner} too'
                yield entry.finding(("aliases",), message, _ONE_MODEL)
            if alias in models and alias != model:
                yield entry.finding(("aliases",), *_shadows(alias))
    for located in recordings.aliases:
        if located.value.id in models:
            yield located.finding(("id",), *_shadows(located.value.id))


def _shadows(alias: str) -> tuple[str, str]:
    return f'alias "{alias}" shadows the model of that id', "remove the alias; an exact id always comes first"


def an_alias_leads_to_one_model_at_a_time(recordings: Recordings) -> Iterator[Finding]:
    """What was recorded at one time does not say of one id that it means two models from one instant on."""
    stated: dict[tuple[str, datetime, datetime], tuple[str, str]] = {}
    for entry, alias in _aliases_of_entries(recordings):
        stated.setdefault((alias.id, *precedence(alias)), (alias.model, entry.where))
    for located in recordings.aliases:
        alias = located.value
        model, where = stated.setdefault((alias.id, *precedence(alias)), (alias.model, located.where))
        if model != alias.model:
            message = f'duplicate alias: "{alias.id}" is an alias of {model} too, at {where}'
            hint = "an id means one model at a time; a correction is a new file with a later recorded_at"
            yield located.finding((), message, hint)


def an_alias_goes_on_meaning_its_model(recordings: Recordings) -> Iterator[Finding]:
    """An alias does not take an id from a model that has it by an earlier recording. Warning."""
    statements = [alias for _, alias in _aliases_of_entries(recordings)]
    statements += [located.value for located in recordings.aliases]
    models: dict[str, list[Alias]] = {}
    for alias in sorted(statements, key=lambda alias: (alias.recorded_at, alias.model)):
        models.setdefault(alias.id, []).append(alias)
    for located in recordings.aliases:
        alias = located.value
        other = next((one for one in models[alias.id] if _is_taken(one, alias)), None)
        if other is not None:
            message = f'"{alias.id}" means {other.model} until now, and {alias.model} by this alias'
            hint = "usage under this id gets another price, and open periods do; say from when with valid_from"
            yield located.finding(("model",), message, hint, is_warning=True)


def _is_taken(earlier: Alias, alias: Alias) -> bool:
    return earlier.model != alias.model and earlier.recorded_at < alias.recorded_at


def an_alias_leads_to_a_model(recordings: Recordings) -> Iterator[Finding]:
    """The model of an alias is one that has a price, and not an alias itself."""
    models = sorted({entry.value.model for entry in recordings.entries})
    known = set(models)
    means = {alias.id: alias.model for _, alias in _aliases_of_entries(recordings)}
    means |= {located.value.id: located.value.model for located in recordings.aliases}
    for located in recordings.aliases:
        model = located.value.model
        if model in known or recordings.is_unread("models", model):
            continue
        if model in means:
            message, hint = f'the model "{model}" is an alias itself', f'write model = "{means[model]}"'
        else:
            near = near_model(model, models)
            message = f'the model "{model}" is in no price table'
            hint = f'did you mean "{near}"?' if near else "write the canonical id of a model that has a price"
        yield located.finding(("model",), message, hint)


def routes_lead_to_models(recordings: Recordings) -> Iterator[Finding]:
    """Each pattern of a route fits a model that has a price. Warning."""
    models = sorted({entry.value.model for entry in recordings.entries})
    if recordings.is_unread("models"):
        return
    for route in recordings.routes:
        for index, pattern in enumerate(route.value.models):
            if not any(glob_fits(pattern, model) for model in models):
                near = near_model(pattern, models)
                hint = f'did you mean "{near}"?' if near else "a pattern fits the whole canonical model id"
                yield route.finding(("models", index), f'no model fits "{pattern}"', hint, is_warning=True)


def a_route_is_stated_once(recordings: Recordings) -> Iterator[Finding]:
    """What was recorded at one time says of one prefix and model one thing."""
    models = sorted({entry.value.model for entry in recordings.entries})
    alike: dict[tuple[str, datetime], list[Located[Route]]] = {}
    for route in recordings.routes:
        alike.setdefault((route.value.prefix, route.value.recorded_at), []).append(route)
    for routes in alike.values():
        stated: dict[str, str] = {}
        for route in routes if len(routes) > 1 else ():
            for model in filter(route.value.is_of, models):
                where = stated.setdefault(model, route.where)
                if where != route.where:
                    message = f"the route {json.dumps(route.value.prefix)} is stated for {model} at {where} too"
                    yield route.finding((), message, "a correction is a new file with a later recorded_at")
                    break


def _aliases_of_entries(recordings: Recordings) -> Iterator[tuple[Located[PriceEntry], Alias]]:
    """The aliases that entries have: they hold always."""
    for entry in recordings.entries:
        yield from ((entry, alias) for alias in aliases_of(entry.value))


CHECKS = (
    an_alias_leads_to_one_model,
    an_alias_leads_to_one_model_at_a_time,
    an_alias_leads_to_a_model,
    routes_lead_to_models,
    a_route_is_stated_once,
)
CHECKS_BEFORE_RELEASE = (an_alias_goes_on_meaning_its_model,)
