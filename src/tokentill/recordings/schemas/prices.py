"""Price tables: entries with their rates, tiers, windows, modes and fees."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict

from tokentill.prices.entries import STRIPPED_SUFFIXES
from tokentill.recordings.mistakes import KNOWN_COUNTERS, looks_like_tokens, near_miss, near_mode
from tokentill.recordings.schemas.model_ids import AliasTable, RouteTable
from tokentill.recordings.schemas.parts import (
    COUNTERS_ONLY,
    LEAF,
    NAMES_ONLY,
    FeeTable,
    Header,
    Mistake,
    Rules,
    Table,
    a_validity_is_not_empty,
    optional,
    the_time_zone_exists,
)
from tokentill.recordings.values import (
    RATE_SCHEMA,
    Aliases,
    Currency,
    EntryHash,
    Factor,
    Id,
    Instant,
    ModelId,
    Per,
    Quantity,
    Rate,
    Text,
    TimeOfDay,
    Word,
)
from tokentill.usage.quantities import BUILT_IN_FALLBACK, QUANTITY_MAX, SUMS, TOKEN_LEAVES

LeafRates = Annotated[
    dict[Quantity, Rate],
    Field(min_length=1),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "properties": dict.fromkeys(TOKEN_LEAVES, RATE_SCHEMA),
        }
    ),
]
"""Rates of a price table: leaf quantities, each named in the schema so that editors complete them."""


DroppedPart = Annotated[str, Field(pattern=r"^(tier|window|multiplier|(mode|fee)\.[a-z][a-z0-9_.-]{0,63})$")]
"""A part of an entry: its tiers, windows or multipliers, one of its modes, one of its fees."""


class TierCondition(Table):
    """When a tier holds, by the input total of the one request."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    input_tokens_gt: int = optional("Holds above this many input tokens.", ge=0, le=QUANTITY_MAX)
    input_tokens_gte: int = optional("Holds from this many input tokens on.", ge=1, le=QUANTITY_MAX)


class TierTable(Table):
    """Rates for the whole of a request that is long enough."""

    model_config = ConfigDict(json_schema_extra={"required": ["when", "rates"]})

    when: TierCondition = optional("Without a condition a tier is refused.")
    rates: LeafRates


class WindowCondition(Table):
    """When a window is open: half-open, in its own time zone."""

    days: Annotated[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Field(min_length=1)] = optional(
        "Days on which the window starts; every day unless given."
    )
    between: Annotated[list[TimeOfDay], Field(min_length=2, max_length=2)] = Field(description="From and to, HH:MM.")
    time_zone: str = optional("IANA name; UTC unless given.")


class WindowTable(Table):
    """Rates for a part of the day."""

    when: WindowCondition
    rates: LeafRates
    tier: list[TierTable] = optional("Tiers inside the window; those outside it do not hold there.")


class ModeTable(Table):
    """Rates of one processing mode. Nothing but fees is inherited from the entry."""

    rates: LeafRates
    tier: list[TierTable] = optional("Context tiers of this mode, thresholds rising.")
    window: list[WindowTable] = optional("Parts of the day with other rates.")
    fees: dict[Quantity, FeeTable] = optional(
        "Fees of this mode; those of the entry unless given.", json_schema_extra=COUNTERS_ONLY
    )
    valid_from: Instant = optional("Inclusive; the entry's unless given.")
    valid_to: Instant = optional("Exclusive; the entry's unless given.")


class MultiplierTable(Table):
    """Exact factors on every rate of a record."""

    geo: dict[Id, Factor] = Field(description="By the place where a request was processed.")


_OF_A_PRICE = ("model", "valid_from", "valid_to", "per", "free", "drops", "unusual")
_CHARGING = ("rates", "fees", "tier", "window", "mode", "multiplier", "fallback")


def _without(*keys: str) -> JsonDict:
    return {"not": {"anyOf": [{"required": [key]} for key in keys]}}


_ENTRY_RULE: JsonDict = {
    "oneOf": [
        {"required": ["withdraws"], **_without(*_OF_A_PRICE, *_CHARGING)},
        {"required": ["model", "valid_from", "rates"], "properties": {"free": {"const": False}}},
        {"required": ["model", "valid_from", "free"], "properties": {"free": {"const": True}}, **_without(*_CHARGING)},
    ]
}
"""A withdrawal, an entry with rates, or one that is free: what each of them can have."""


class PriceEntryTable(Table):
    """One model's list prices from an instant on, or the withdrawal of an announced entry."""

    model_config = ConfigDict(json_schema_extra=_ENTRY_RULE)

    model: ModelId = optional("Canonical model id.")
    aliases: Aliases = optional("Exact strings under which gateways report the model.")
    valid_from: Instant = optional("Inclusive.")
    valid_to: Instant = optional("Exclusive.")
    per: Per = optional("How many units the rates are for; 1_000_000 unless given.")
    rates: LeafRates = optional("Price of each leaf quantity.")
    free: bool = optional("A listed zero.")
    fees: dict[Quantity, FeeTable] = optional(
        "Prices of counters, with a `per` of their own.", json_schema_extra=COUNTERS_ONLY
    )
    fallback: Annotated[
        dict[Quantity, Quantity],
        WithJsonSchema({"type": "object", "propertyNames": LEAF, "additionalProperties": LEAF}),
    ] = optional("A quantity without a rate is priced as another one.")
    tier: list[TierTable] = optional("Context tiers, thresholds rising.")
    window: list[WindowTable] = optional("Parts of the day with other rates.")
    mode: dict[Word, ModeTable] = optional(
        "Rates of other processing modes than standard.",
        json_schema_extra={**NAMES_ONLY, "propertyNames": {"not": {"const": "standard"}}},
    )
    multiplier: MultiplierTable = optional("Exact factors on every rate.")
    drops: Annotated[list[DroppedPart], Field(min_length=1)] = optional(
        "Parts of the entry before this one that it is meant to lack: tier, window, multiplier, mode.batch, ..."
    )
    unusual: bool = optional("The numbers are meant, although they look like a mistake.")
    withdraws: EntryHash = optional("Hash of an announced entry that was cancelled.")
    source: Text = optional("Where the numbers were read.")
    note: Text = optional("What a reader should know.")

    @property
    def label(self) -> str:
        """A message names the model: a file has many."""
        return f"{self.model}: " if self.states("model") and not self.states("withdraws") else ""


class PricesFile(Header):
    """Price tables: list prices of models, and under which ids they are reported."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [key]} for key in ("price", "alias", "route")],
            "dependentRequired": {"price": ["currency"]},
        }
    )

    kind: Literal["prices"]
    currency: Currency = optional("ISO 4217. Needed where there are prices.")
    source: Text = optional("Where the numbers were read.")
    note: Text = optional("What a reader should know.")
    applies_to_closed: bool = optional("Whether closed periods are priced anew; false unless given.")
    price: Annotated[list[PriceEntryTable], Field(min_length=1)] = optional("List prices.")
    alias: Annotated[list[AliasTable], Field(min_length=1)] = optional("Ids that mean a model.")
    route: Annotated[list[RouteTable], Field(min_length=1)] = optional("Prefixes of ids that mean a model.")


def a_price_table_says_something(file: PricesFile) -> Iterator[Mistake]:
    """There are prices with their currency, aliases or routes."""
    if not any(file.states(key) for key in ("price", "alias", "route")):
        yield Mistake(("price",), '"price" is missing', "add [[price]], [[alias]] or [[route]] tables")
    elif file.states("price") and not file.states("currency"):
        yield Mistake(("currency",), '"currency" is missing', "add currency = ...")


def an_entry_says_a_price(entry: PriceEntryTable) -> Iterator[Mistake]:
    """An entry has a model, an instant and rates (or is free), or it withdraws another one, and nothing else."""
    if entry.states("withdraws"):
        more = sorted(entry.model_fields_set - {"withdraws", "note", "source"})
        if more:
            message = f'an entry that withdraws another one cannot have "{more[0]}"'
            yield Mistake((more[0],), message, "write the new price as an entry of its own")
        return
    missing = next((key for key in ("model", "valid_from") if not entry.states(key)), None)
    if missing:
        yield Mistake((), f'this entry has no "{missing}"', f"add {missing} = ...")
    elif entry.free and (charged := [key for key in _CHARGING if getattr(entry, key)]):
        hint = "keep one of the two; a model of which only some is free has rates of 0"
        yield Mistake(("free",), f"free, and yet it has {charged[0]}", hint)
    elif not entry.free and not entry.rates:
        yield Mistake((), "no rates", "add rates = { input = ... }, or free = true")


def validities_are_not_empty(entry: PriceEntryTable) -> Iterator[Mistake]:
    """The validity of an entry, and of a mode, is not empty."""
    yield from a_validity_is_not_empty(entry)
    for name, mode in (entry.mode or {}).items():
        yield from a_validity_is_not_empty(mode, ("mode", name), f'mode "{name}": ')


def a_routing_suffix_is_not_an_id(entry: PriceEntryTable) -> Iterator[Mistake]:
    """A model id with a suffix that is stripped would never be looked up by its base. Warning."""
    suffix = next((suffix for suffix in STRIPPED_SUFFIXES if (entry.model or "").endswith(suffix)), None)
    if suffix:
        message = f'"{suffix}" is a routing suffix; requests with it are priced as the model without it'
        yield Mistake(("model",), message, "this entry holds for the exact id only", is_warning=True)


def a_mode_is_not_standard(entry: PriceEntryTable) -> Iterator[Mistake]:
    """The standard rates are the entry's own; a mode of that name would never be used."""
    if "standard" in (entry.mode or {}):
        yield Mistake(("mode", "standard"), '"standard" is the entry itself', "write its rates as the entry's")


def a_mode_is_called_as_records_call_it(entry: PriceEntryTable) -> Iterator[Mistake]:
    """A mode is not called nearly like a known one. Warning."""
    for name in entry.mode or {}:
        near = near_mode(name)
        if near is not None:
            message = f'no source is known to report the mode "{name}"'
            yield Mistake(("mode", name), message, f'did you mean "{near}"?', is_warning=True)


def fallbacks_are_between_leaf_quantities(entry: PriceEntryTable) -> Iterator[Mistake]:
    """A fallback leads from one token quantity to another one."""
    for name, target in (entry.fallback or {}).items():
        for word in (name, target):
            if word not in TOKEN_LEAVES:
                message = f'fallback "{word}" is not a known quantity'
                yield Mistake(("fallback", name), message, near_miss(word, TOKEN_LEAVES))


def fallbacks_lead_to_a_rate(entry: PriceEntryTable) -> Iterator[Mistake]:
    """A declared fallback ends at a quantity that has a rate: not in a circle, and not (a warning) at none."""
    declared = entry.fallback or {}
    every = {**BUILT_IN_FALLBACK, **declared}
    for name in declared:
        last, seen = name, {name}
        while last in every and every[last] not in seen:
            last = every[last]
            seen.add(last)
        if last in every:
            message = f'fallback "{name}" leads to itself'
            yield Mistake(("fallback", name), message, "name the quantity whose rate holds")
        elif not seen - {name} & set(entry.rates or {}):
            message = f'fallback "{name}" leads to "{last}", which has no rate'
            hint = "such usage will be unpriced; name a quantity that has a rate"
            yield Mistake(("fallback", name), message, hint, is_warning=True)


def a_tier_has_one_condition(tier: TierTable) -> Iterator[Mistake]:
    """Every tier says from where it holds, in one way."""
    conditions = tier.when.model_fields_set if tier.states("when") else ()
    if len(conditions) != 1:
        what = "tier with two conditions" if conditions else "tier without a condition"
        yield Mistake(("when",), what, "write when = { input_tokens_gt = ... } or { input_tokens_gte = ... }")


def thresholds_rise(table: PriceEntryTable | ModeTable | WindowTable) -> Iterator[Mistake]:
    """Each tier begins above the one before it; else the last that fits would not be the highest."""
    above = -1
    for index, tier in enumerate(table.tier or ()):
        if not tier.states("when") or len(tier.when.model_fields_set) != 1:
            continue
        threshold = tier.when.input_tokens_gt if tier.when.states("input_tokens_gt") else tier.when.input_tokens_gte - 1
        if threshold <= above:
            message = f"thresholds do not rise: tier {index + 1} begins at or below tier {index}"
            yield Mistake(("tier", index, "when"), message, "order the tiers by input tokens")
        above = max(above, threshold)


def a_window_is_open_for_a_while(when: WindowCondition) -> Iterator[Mistake]:
    """A window is not empty."""
    starts, ends = when.between
    if starts in (ends, "24:00"):
        message = f"the window from {starts} to {ends} is empty"
        yield Mistake(("between",), message, "for a whole day write 00:00 to 24:00")


def a_window_says_its_tiers(table: PriceEntryTable | ModeTable) -> Iterator[Mistake]:
    """Beside tiers, a window has tiers of its own, or says that it has none. Warning."""
    for index, window in enumerate(table.window or ()):
        if table.tier and not window.states("tier"):
            message = "the tiers outside a window do not hold inside it"
            hint = "give the window its own tier list, or tier = [] to say that it has none"
            yield Mistake(("window", index), message, hint, is_warning=True)


def rates_are_of_leaf_quantities(table: PriceEntryTable | ModeTable | WindowTable | TierTable) -> Iterator[Mistake]:
    """A rate is that of a token quantity which no other one is part of."""
    for name in table.rates or ():
        if name not in TOKEN_LEAVES:
            hint = near_miss(name, TOKEN_LEAVES) or "a counter belongs in fees: { price = ..., per = ... }"
            if name in KNOWN_COUNTERS:
                hint = f"a counter belongs in fees: fees = {{ {name} = {{ price = ..., per = ... }} }}"
            yield Mistake(("rates", name), f'rate "{name}" is not a known quantity', hint)


def fees_are_of_counters(table: PriceEntryTable | ModeTable) -> Iterator[Mistake]:
    """A fee is that of a counter: not of tokens, and not (a warning) of one that is nearly a known one."""
    for name in table.fees or ():
        path = ("fees", name)
        if name in TOKEN_LEAVES or name in SUMS:
            hint = f"write it under rates: rates = {{ {name} = ... }}"
            yield Mistake(path, f'fee "{name}" is a token quantity, not a counter', hint)
        elif looks_like_tokens(name):
            yield Mistake(path, f'fee "{name}" is not a known quantity', near_miss(name, TOKEN_LEAVES))
        elif name not in KNOWN_COUNTERS and difflib.get_close_matches(name, KNOWN_COUNTERS, 1, 0.85):
            message = f'fee "{name}" is a counter that no source is known to report'
            yield Mistake(path, message, near_miss(name, KNOWN_COUNTERS), is_warning=True)


RULES: Rules = {
    PricesFile: (a_price_table_says_something,),
    PriceEntryTable: (
        an_entry_says_a_price,
        validities_are_not_empty,
        a_routing_suffix_is_not_an_id,
        a_mode_is_not_standard,
        a_mode_is_called_as_records_call_it,
        fallbacks_are_between_leaf_quantities,
        fallbacks_lead_to_a_rate,
        thresholds_rise,
        a_window_says_its_tiers,
        rates_are_of_leaf_quantities,
        fees_are_of_counters,
    ),
    ModeTable: (thresholds_rise, a_window_says_its_tiers, rates_are_of_leaf_quantities, fees_are_of_counters),
    WindowTable: (thresholds_rise, rates_are_of_leaf_quantities),
    WindowCondition: (the_time_zone_exists, a_window_is_open_for_a_while),
    TierTable: (a_tier_has_one_condition, rates_are_of_leaf_quantities),
}
