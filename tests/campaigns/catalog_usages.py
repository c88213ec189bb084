"""Random usages of a model for the comparison of catalogs: near every edge of both tables, and anywhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from random import Random

from tokentill import PriceBook, Usage
from tokentill.prices.entries import PriceEntry
from tokentill.usage.quantities import INPUT_LEAVES, OUTPUT_LEAVES, QUANTITY_MAX, TOKEN_LEAVES

MODES = ("standard", "batch", "flex", "priority", "fast")
COUNTERS = {"web_search": "web_searches", "file_search": "storage_searches"}
"""Counters that both products price, by their names here and there. Requests are counted by themselves in both."""

FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 1600
INPUT_TOTAL_MAX = 2_000_000
OUTPUT_MAX = 200_000
MOMENT = timedelta(microseconds=1)
STEPS = (-timedelta(hours=1), -timedelta(seconds=1), -MOMENT, timedelta(0), MOMENT, timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Edges:
    """Where the price of a model changes in either table."""

    instants: Sequence[datetime]
    minutes: Sequence[int]
    input_totals: Sequence[int]

    @classmethod
    def of(cls, entries: Sequence[PriceEntry], theirs: Mapping[str, Sequence[str | int]]) -> Edges:
        """Edges of our entries, and of what the other catalog says of itself."""
        far = FIRST_DAY + timedelta(days=DAYS)
        instants = {edge for entry in entries for edge in entry.edges(FIRST_DAY, far) if not is_daily(entry, edge)}
        instants |= {datetime.fromisoformat(str(day)).replace(tzinfo=UTC) for day in theirs["days"]}
        minutes = {int(str(time)[:2]) * 60 + int(str(time)[3:]) for time in theirs["times"]}
        day = [datetime(2026, 11, 4, tzinfo=UTC), datetime(2026, 11, 5, tzinfo=UTC)]
        for entry in entries:
            for rates in entry.rate_sets():
                minutes |= {at.hour * 60 + at.minute for window in rates.windows for at in window.edges(*day)}
        totals = {total for entry in entries for total in entry.thresholds()}
        totals |= {int(total) for total in theirs["input_totals"]}
        return cls(sorted(instants), sorted(minutes), sorted(totals))


def is_daily(entry: PriceEntry, edge: datetime) -> bool:
    """Whether an edge of an entry is one of its windows', which come every day."""
    bounds = {entry.valid_from, entry.valid_to}
    for rates in entry.rate_sets():
        bounds |= {rates.valid_from, rates.valid_to}
    return edge not in bounds


def random_usages(chance: Random, book: PriceBook, model: str, edges: Edges, count: int) -> Iterator[Usage]:
    """Usages of a model under any of its names, each with few quantities, most of them such as it has a price for."""
    entries = book.entries(model)
    names = [model, *sorted({alias for entry in entries for alias in entry.aliases})]
    listed = sorted({"standard"}.union(*(entry.modes for entry in entries)))
    geos = sorted({geo for entry in entries for geo in entry.multipliers.get("geo", {})})
    for _ in range(count):
        yield Usage(
            model=chance.choice(names),
            occurred_at=random_instant(chance, edges, entries[0].valid_from),
            quantities=random_quantities(chance, random_names(chance, entries), edges.input_totals),
            mode=chance.choice(MODES if chance.random() < 0.3 else listed) if chance.random() < 0.6 else None,
            geo=chance.choice(geos) if geos and chance.random() < 0.1 else None,
        )


def random_instant(chance: Random, edges: Edges, first: datetime) -> datetime:
    """Any instant, mostly since the first price, or one at an edge of a price or of a part of the day; in any zone."""
    begins = FIRST_DAY if chance.random() < 0.15 else first
    at = begins + chance.random() * (FIRST_DAY + timedelta(days=DAYS) - begins)
    kind = chance.random()
    if kind < 0.4 and edges.instants:
        at = chance.choice(edges.instants) + (chance.choice(STEPS) if chance.random() < 0.7 else within_days(chance))
    if kind > 0.7 and edges.minutes:
        minutes = chance.choice(edges.minutes)
        midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        at = midnight + timedelta(minutes=minutes) + chance.choice(STEPS)
    return at.astimezone(timezone(timedelta(minutes=15 * chance.randint(-48, 56))))


def within_days(chance: Random) -> timedelta:
    """Some time within two weeks, before or after."""
    return timedelta(seconds=chance.randint(-14 * 86_400, 14 * 86_400))


def random_names(chance: Random, entries: Sequence[PriceEntry]) -> list[str]:
    """Quantities that some entry of a model prices, and now and then one that perhaps none does."""
    priced: set[str] = set()
    for entry in entries:
        rated = {name for rates in entry.rate_sets() for name in rates.rates}
        fallbacks = {name for name, priced_as in entry.fallback.items() if priced_as in rated}
        priced |= rated | fallbacks | (set(entry.fees) & set(COUNTERS))
    names = [name for name in sorted(priced) if chance.random() < 0.5]
    if chance.random() < 0.25:
        names.append(chance.choice([*TOKEN_LEAVES, *COUNTERS]))
    return names


def random_quantities(chance: Random, names: Sequence[str], thresholds: Sequence[int]) -> dict[str, int]:
    """Counts for these names, with an input total that is often a threshold of a tier or one beside it."""
    inputs = [name for name in INPUT_LEAVES if name in names] or ["input"]
    total = random_count(chance, INPUT_TOTAL_MAX)
    if thresholds and chance.random() < 0.5:
        total = chance.choice(thresholds) + chance.choice((-1, 0, 1, 1))
    if chance.random() < 0.02:
        total = chance.randint(0, QUANTITY_MAX)
    cuts = sorted(chance.randint(0, total) for _ in inputs[1:])
    quantities = {name: end - begin for name, begin, end in zip(inputs, [0, *cuts], [*cuts, total], strict=True)}
    quantities |= {name: random_count(chance, OUTPUT_MAX) for name in OUTPUT_LEAVES if name in names}
    return quantities | {name: chance.randint(0, 40) for name in COUNTERS if name in names}


def random_count(chance: Random, largest: int) -> int:
    """Zero, or a number of any length up to the largest."""
    if chance.random() < 0.05:
        return 0
    return min(largest, chance.randint(1, 10 ** chance.randint(1, len(str(largest)))))


def context_of(usage: Usage) -> dict[str, str]:
    """A mode in genai-prices' words: batch is a kind of processing, fast is both a speed and a service tier."""
    mode = usage.mode or "standard"
    if mode == "standard":
        return {}
    if mode == "batch":
        return {"processing": "batch"}
    return {"service_tier": mode, **({"speed": "fast"} if mode == "fast" else {})}


def counts_of(usage: Usage) -> dict[str, int]:
    """Disjoint quantities as genai-prices' totals, in which a part is counted in every total that it belongs to."""
    leaf = {name: usage.quantities.get(name, 0) for name in (*TOKEN_LEAVES, *COUNTERS)}
    counts = {
        "input_tokens": sum(leaf[name] for name in INPUT_LEAVES),
        "cache_read_tokens": leaf["cache_read"] + leaf["input_audio_cache_read"] + leaf["input_image_cache_read"],
        "cache_write_tokens": leaf["cache_write"] + leaf["cache_write_5m"] + leaf["cache_write_1h"],
        "cache_write_5m_tokens": leaf["cache_write_5m"],
        "cache_write_1h_tokens": leaf["cache_write_1h"],
        "input_audio_tokens": leaf["input_audio"] + leaf["input_audio_cache_read"],
        "cache_audio_read_tokens": leaf["input_audio_cache_read"],
        "input_image_tokens": leaf["input_image"] + leaf["input_image_cache_read"],
        "cache_image_read_tokens": leaf["input_image_cache_read"],
        "input_video_tokens": leaf["input_video"],
        "output_tokens": sum(leaf[name] for name in OUTPUT_LEAVES),
        "output_reasoning_tokens": leaf["reasoning"],
        "output_audio_tokens": leaf["output_audio"],
        "output_image_tokens": leaf["output_image"],
    }
    return counts | {theirs: leaf[ours] for ours, theirs in COUNTERS.items()}
