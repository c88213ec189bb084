"""Which ids of public catalogs mean a model that has a price here, as a recording of aliases and routes.

An id means a model if it is the model's id but for a day, a prefix of a provider or the way of AWS, or if its words are
in another order and a catalog lists it beside such an id. It is taken only where the catalog's price for it is ours;
what is left out is printed with the reason. No name is guessed, and no code of a catalog is run.

    python -m tools.catalog_ids pricing genai_prices-0.2.3-py3-none-any.whl litellm-1.110.2-*.whl > aliases.toml
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from operator import itemgetter
from pathlib import Path

from tokentill.canonical import Content
from tokentill.catalogs.readers import read_catalog
from tokentill.clock import instant_text
from tokentill.money import EXACT, amount_text
from tokentill.prices.book import NoPrice, PriceBook
from tokentill.prices.diff import figures
from tokentill.prices.entries import PriceEntry
from tokentill.prices.model_ids import plain_parts
from tokentill.recordings.load import load_folder
from tokentill.recordings.writing import price_table_text

ROUNDED_MAX = Decimal("1.005")
"""So far two figures may be apart: 1.88 is 1.875, rounded."""

RECORDED_AT = datetime(2026, 11, 25, tzinfo=UTC)

_DAY = re.compile(r"(?:[-@]20[0-9]{2}-?[0-9]{2}-?[0-9]{2}|@default)(?=\Z|:|-v[0-9])", re.ASCII)
_OF_AWS = re.compile(r"(?:(?:global|us|eu|au|jp|apac|us-gov)\.)?[a-z0-9]+\.(.+?)(?:-v[0-9]+)?(?::[0-9]+)?", re.ASCII)
_BETA = ":beta"
_OWN = {
    "anthropic": "anthropic",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "gemini": "google",
    "groq": "groq",
    "minimax": "minimax",
    "mistral": "mistralai",
    "moonshot": "moonshotai",
    "openai": "openai",
    "openrouter": "*",
    "perplexity": "perplexity",
    "xai": "x-ai",
    "zai": "z-ai",
}
"""Prefixes under which vendors serve their own models, and how the ids of these begin here."""
_CALLED = {**{vendor: name for name, vendor in _OWN.items() if vendor != "*"}, "bedrock_converse": "bedrock"}
"""What the readers of catalogs call a provider, and how LiteLLM's ids of it begin."""
_VENDORS_IN_GENAI = (*_OWN.values(), "aws", "openrouter")
"""The others of that catalog are resellers, whose ids are not told apart from the vendors' by a prefix."""


@dataclass(frozen=True, slots=True)
class CatalogId:
    """An id of a catalog, the ids that the catalog lists with it, and the price that it has there."""

    id: str
    beside: tuple[str, ...]
    catalog: str
    provider: str
    content: Content


@dataclass(frozen=True, slots=True)
class Meant:
    """The model that an id of a catalog means, behind which prefix, and in what its price differs from ours.

    `parts` are the fees and modes that differ, where nothing else does; then there is no `difference` behind a prefix.
    """

    found: CatalogId
    model: str
    prefix: str
    difference: str | None
    parts: frozenset[str] = frozenset()


def catalog_ids(wheels: Mapping[str, Path], at: datetime) -> list[CatalogId]:
    """Every id with a price of genai-prices and litellm, as a gateway or an SDK would report it."""
    ids = []
    for listing in read_catalog("genai-prices", str(wheels["genai-prices"]), at, rounded=True).listings:
        vendor, price = listing.model.partition("/")[0], listing.content
        if listing.valid_from is not None or vendor not in _VENDORS_IN_GENAI:
            continue
        for prefix in ("", "openrouter/") if vendor == "openrouter" else ("",):
            beside = tuple(prefix + name for name in listing.aliases)
            ids += [CatalogId(name, beside, "genai-prices", vendor, price) for name in beside]
    for listing in read_catalog("litellm", str(wheels["litellm"]), at, rounded=True).listings:
        key, provider = listing.aliases[0], listing.model.partition("/")[0]
        called = "vertex_ai" if provider.startswith("vertex_ai") else _CALLED.get(provider, provider)
        forms = {key} if "/" in key else {key, f"{called}/{key}"}
        ids += [CatalogId(form, (), "litellm", called, listing.content) for form in sorted(forms)]
    return sorted(ids, key=lambda one: (one.id, one.catalog, one.provider))


class Names:
    """What the ids of catalogs mean in a price book at an instant, told by form alone and not by likeness."""

    def __init__(self, book: PriceBook, at: datetime) -> None:
        self.book, self.at = book, at
        self._plain: dict[str, set[str]] = {}
        for model in book.models:
            aliases = {alias for entry in book.entries(model) for alias in entry.aliases}
            for name in {model, *aliases}:
                self._plain.setdefault(plain_parts(name), set()).add(model)

    def bare(self, id_: str, beside: Iterable[str] = ()) -> str | None:
        """The model of an id without a provider's prefix."""
        forms = [id_]
        of_aws = _OF_AWS.fullmatch(id_)
        if of_aws and "." in id_.partition(":")[0] and "/" not in id_:
            forms.append(of_aws[1])
        for form in forms:
            for name in (form, _DAY.sub("", form).removesuffix(_BETA)):
                model = self.book.ids.named_at(name, self.at)
                if model is not None:
                    return model
        plain = self._plain.get(plain_parts(_DAY.sub("", id_).removesuffix(_BETA)), set())
        named = {self.book.ids.named_at(other, self.at) for other in beside} - {None}
        return next(iter(plain)) if len(plain) == 1 and plain == named else None

    def meant(self, found: CatalogId) -> Meant | None:
        """What an id means, and whether at our price; None where it is no model of ours."""
        cuts = [0, *(match.end() for match in re.finditer("/", found.id))]
        for cut in cuts:
            prefix, rest = found.id[:cut], found.id[cut:]
            model = self.bare(rest, [other.removeprefix(prefix) for other in found.beside])
            if model is not None:
                differing = self.differences(model, found)
                parts = frozenset(part for part, _ in differing if part)
                is_of_parts = bool(prefix) and all(part for part, _ in differing)
                difference = None if is_of_parts or not differing else differing[0][1]
                return Meant(found, model, prefix, difference, parts if is_of_parts else frozenset())
        return None

    def differences(self, model: str, found: CatalogId) -> list[tuple[str, str]]:
        """In what a catalog's price differs from ours: the fee or the mode (empty: another part), and in words.

        A vendor's own price is ours by the same rates: of tiers, hours, modes and fees catalogs tell more of one id of
        a model than of another. What another provider lists must be ours in all that it states, and in tiers.
        """
        ours = self.book.entry_at(model, self.at)
        if isinstance(ours, NoPrice):
            return [("", "no price here now")]
        stated = {"model": model, "valid_from": instant_text(self.at), **found.content}
        theirs = PriceEntry.from_content(stated, recorded_at=self.at, currency=ours.currency)
        is_own = _OWN.get(found.provider, found.provider) in ("*", "openrouter", model.partition("/")[0])
        old, new = figures(ours), figures(theirs)
        differing = []
        for key in sorted({*old, *new}):
            rates, quantity = key
            is_tier = rates.startswith("standard, ") and not is_own
            if is_tier:
                was, now = (side.get(key, side.get(("standard", quantity))) for side in (old, new))
            else:
                was, now = old.get(key), new.get(key)
            if was is None or now is None or (is_own and not rates.startswith("standard")):
                continue
            if max(was, now) > EXACT.multiply(ROUNDED_MAX, min(was, now)):
                text = f"{quantity} ({rates}) is {amount_text(now)} there and {amount_text(was)} here"
                differing.append((_part_of(rates, quantity, ours), text))
        return sorted(differing)


def _part_of(rates: str, quantity: str, entry: PriceEntry) -> str:
    """The fee or the mode that a figure belongs to, as a route names it; empty for any other part."""
    mode = rates.partition(",")[0]
    if rates == "fee":
        return f"fee.{quantity}"
    return f"mode.{mode}" if mode in entry.modes else ""


def aliases_of(meant: Iterable[Meant], book: PriceBook, at: datetime) -> tuple[list[Content], list[str]]:
    """An alias for each id that means nothing yet and has our price wherever it is listed, and what is left out."""
    by_id: dict[str, list[Meant]] = {}
    for one in meant:
        meaning = book.ids.at(one.found.id, at)
        if meaning.model is None and meaning.code == "unknown_model":
            by_id.setdefault(one.found.id, []).append(one)
    aliases, left_out = [], []
    for id_, listed in sorted(by_id.items()):
        models = sorted({one.model for one in listed})
        differing = [one for one in listed if one.difference]
        if len(models) > 1:
            left_out.append(f"{id_}: it means {' and '.join(models)}")
        elif differing:
            left_out.append(f"{id_}: {differing[0].difference} ({differing[0].found.catalog}, as {models[0]})")
        else:
            catalogs = " and ".join(sorted({one.found.catalog for one in listed}))
            aliases.append({"id": id_, "model": models[0], "source": catalogs})
    return aliases, left_out


def routes_of(meant: Iterable[Meant], book: PriceBook, at: datetime) -> tuple[list[Content], list[str]]:
    """For each prefix the models that have our price wherever it is listed, and those that have not."""
    by_prefix: dict[str, dict[str, list[Meant]]] = {}
    for one in meant:
        if one.prefix and book.ids.named_at(one.found.id.removeprefix(one.prefix), at) == one.model:
            by_prefix.setdefault(one.prefix, {}).setdefault(one.model, []).append(one)
    for prefix, vendor in _OWN.items():
        if vendor != "*":
            by_prefix.setdefault(f"{prefix}/", {})
    routes, left_out = [], []
    for prefix, models in sorted(by_prefix.items()):
        of_route = {one.found.catalog for listed in models.values() for one in listed}
        catalogs = " and ".join(sorted(of_route)) or "the prefix of LiteLLM"
        own = [model for model, listed in sorted(models.items()) if not any(one.difference for one in listed)]
        other = sorted(set(models) - set(own))
        vendor = _OWN.get(prefix.rstrip("/"))
        has_parts = any(one.parts for model in own for one in models[model])
        if vendor not in (None, "*") and not has_parts and not any(model.startswith(f"{vendor}/") for model in other):
            own = [f"{vendor}/*", *(model for model in own if not model.startswith(f"{vendor}/"))]
        note = "By the catalog, these have the prices of their vendors here."
        by_parts: dict[tuple[str, ...], list[str]] = {}
        for model in own:
            parts = frozenset().union(*(one.parts for one in models.get(model, ())))
            by_parts.setdefault(tuple(sorted(parts)), []).append(model)
        for parts, of_parts in sorted(by_parts.items()):
            route = {"prefix": prefix, "models": of_parts, "same_price": True, "source": catalogs, "note": note}
            routes.append({**route, **({"apart_from": list(parts)} if parts else {})})
        if other:
            note = "By the catalog, these have other prices here than those of their vendors."
            routes.append({"prefix": prefix, "models": other, "same_price": False, "source": catalogs, "note": note})
        for model in other:
            differing = next(one for one in models[model] if one.difference)
            left_out.append(f"{differing.found.id}: {differing.difference} ({differing.found.catalog}, as {model})")
    return routes, left_out


def recording_of_ids(
    prices: Sequence[Content], ids: Iterable[CatalogId], at: datetime, source: str
) -> tuple[Content, list[str]]:
    """The recording, and a line for each id that is left out."""
    book = PriceBook(prices)
    names = Names(book, at)
    meant = [one for one in map(names.meant, ids) if one is not None]
    aliases, left_out = aliases_of((one for one in meant if not one.prefix), book, at)
    header: Content = {"format": 1, "kind": "prices", "recorded_at": instant_text(at), "source": source}
    routes, differing = routes_of(meant, PriceBook([*prices, {**header, "alias": aliases}]), at)
    on_routes = PriceBook([*prices, {**header, "alias": aliases, "route": routes}])
    more, more_left_out = aliases_of((one for one in meant if one.prefix), on_routes, at)
    every = sorted([*aliases, *more], key=itemgetter("id"))
    return {**header, "alias": every, "route": routes}, [*left_out, *differing, *more_left_out]


def main(folder: str, genai_prices: str, litellm: str) -> str:
    """The text of the recording; what is left out is printed to the standard error."""
    known = [content for content in load_folder(folder).prices if "price" in content]
    ids = catalog_ids({"genai-prices": Path(genai_prices), "litellm": Path(litellm)}, RECORDED_AT)
    versions = [name_and_version(Path(wheel).name) for wheel in (genai_prices, litellm)]
    source = f"catalogs of 2026-11-25: {', '.join(versions)}"
    recording, left_out = recording_of_ids(known, ids, RECORDED_AT, source)
    print("\n".join(left_out), file=sys.stderr)
    comment = (
        "Under which ids the models of the other files are reported, by public catalogs: ids with a day, ids of AWS and"
        " permanent names of OpenRouter as aliases, and prefixes of providers as routes. An id is here only if its"
        " price in the catalog is the one of our table. Written by tools/catalog_ids.py."
    )
    return price_table_text(recording, comments=(comment,))


def name_and_version(wheel: str) -> str:
    """`litellm 1.110.2`, from the name of a wheel."""
    name, version = wheel.split("-")[:2]
    return f"{name.replace('_', '-')} {version}"


if __name__ == "__main__":
    print(main(*sys.argv[1:4]), end="")
