"""The price book: every price table that is known, and the library's way to ask it for a price."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from tokentill.canonical import Content, content_hash
from tokentill.clock import instant_text, parse_instant
from tokentill.errors import Unpriced, UnpricedCode, ensure
from tokentill.prices.entries import PriceEntry
from tokentill.prices.model_ids import Alias, ModelIds, Route, aliases_of
from tokentill.prices.rate_cards import RateCard, Rated, rate_quantities
from tokentill.prices.timeline import Timeline, input_tokens_of, timeline_of
from tokentill.usage.quantities import REQUEST
from tokentill.usage.record import STANDARD, Usage
from tokentill.versions import in_force, known_by, precedence

TIMELINES_MAX = 10_000
"""So many a book remembers; it starts over then. Modes, geographies and unknown models come from outside."""


@dataclass(frozen=True, slots=True)
class NoPrice:
    """Why a model has no price at an instant."""

    reason: str


class PriceBook:
    """Price tables as known at one time. Immutable, and safe to share between threads.

    Args:
        recordings: canonical contents of kind `prices` (see `tokentill.recordings.load`).
        beneath: more of them, that lie beneath: of two entries with the same two times, that of `recordings` holds, and
            what an id is an alias of by `recordings` is not what it is by these.
        as_of: leave out what was recorded after this instant. By default everything is known.
    """

    def __init__(
        self, recordings: Iterable[Content], *, beneath: Iterable[Content] = (), as_of: datetime | None = None
    ) -> None:
        own, below = (_in_order(known_by(contents, as_of)) for contents in (recordings, beneath))
        ordered = [*own.values(), *below.values()]
        self.as_of = as_of
        self.recordings: tuple[str, ...] = tuple(sorted({*own, *below}))
        self._entries = MappingProxyType(_entries_by_model(ordered))
        self.ids = ModelIds(self._entries, _layered_aliases(self._entries, own, below), _routes(ordered))
        self._timelines: dict[tuple[str, str | None, str | None], Timeline] = {}

    @property
    def models(self) -> tuple[str, ...]:
        """Canonical ids of all models, sorted."""
        return tuple(sorted(self._entries))

    def entries(self, model: str) -> Sequence[PriceEntry]:
        """All live entries of a canonical model id, oldest first."""
        return self._entries.get(model, ())

    def canonical_model(self, model: str, at: datetime) -> str | None:
        """The model whose price an id has at an instant, never a guess; None where it has none of its own.

        In this order: an exact id, an exact alias, a declared routing suffix stripped, a declared route.
        """
        return self.ids.at(model, at).model

    def entry_at(self, model: str, at: datetime) -> PriceEntry | NoPrice:
        """The entry in force for a model id at an instant, or why it has no price."""
        meaning = self.ids.at(model, at)
        if meaning.model is None:
            return NoPrice(meaning.why_none or f"model {model!r} is in no price table{self.ids.hint(model)}")
        entry = in_force(self._entries[meaning.model], at)
        if entry is None:
            first = min(entry.valid_from for entry in self._entries[meaning.model])
            return NoPrice(
                f"model {meaning.model!r} has no price in force at {instant_text(at)};"
                f" its first is valid from {instant_text(first)}"
            )
        return entry.without(meaning.apart_from)

    def rate_card(
        self, model: str, *, at: datetime, mode: str | None, input_total: int, geo: str | None = None
    ) -> RateCard | NoPrice:
        """Everything that decides the list price of one request but its quantities, or why it has no price."""
        segment = self.timeline(model, mode, geo).at(at)
        return self._no_card(model, at, mode) if segment is None else segment.only or segment.rate_card(at, input_total)

    def rate(self, usage: Usage) -> Rated:
        """The exact list price of a usage. It has the status `unpriced` and a reason rather than a guess."""
        try:
            timeline = self._timelines[usage.model, usage.mode, usage.geo]
        except KeyError:
            timeline = self.timeline(usage.model, usage.mode, usage.geo)
        at = usage.occurred_at
        segment = timeline.last if at >= timeline.last_edge else timeline.at(at)
        if segment is None:
            why, model = self._no_card(usage.model, at, usage.mode), self.canonical_model(usage.model, at)
            return Rated("unpriced", why.reason, None, (), model or usage.model, None, None)
        card = segment.only or segment.rate_card_of(usage)
        quantities = usage.quantities
        if card.charges_requests and REQUEST not in quantities:
            quantities = {**quantities, REQUEST: 1}
        return rate_quantities(card, quantities)

    def rate_or_raise(self, usage: Usage) -> Rated:
        """As `rate`, for callers that cannot go on without a price.

        Raises:
            Unpriced: when there is none, with the code that says why.
        """
        rated = self.rate(usage)
        if rated.amount is None:
            code, quantity = _why_unpriced(self, usage)
            reason = rated.reason or "there is no list price"
            raise Unpriced(reason, code=code, model=rated.model, at=usage.occurred_at, quantity=quantity)
        return rated

    def rate_card_of(self, usage: Usage) -> RateCard | NoPrice:
        """The card of one usage, or why it has no price."""
        segment = self.timeline(usage.model, usage.mode, usage.geo).at(usage.occurred_at)
        if segment is None:
            return self._no_card(usage.model, usage.occurred_at, usage.mode)
        return segment.only or segment.rate_card_of(usage)

    def timeline(self, model: str, mode: str | None, geo: str | None) -> Timeline:
        """The cards of one kind of request over all time. It is made once and remembered."""
        key = (model, mode, geo)
        timeline = self._timelines.get(key)
        if timeline is None:
            meanings = self.ids.meanings(model)
            spans = [
                (meaning.starts_at, [entry.without(meaning.apart_from) for entry in self.entries(meaning.model or "")])
                for meaning in meanings
            ]
            timeline = timeline_of(spans, mode or STANDARD, geo)
            if len(self._timelines) >= TIMELINES_MAX:
                self._timelines.clear()
            self._timelines[key] = timeline
        return timeline

    def _no_card(self, model: str, at: datetime, mode: str | None) -> NoPrice:
        """Why there is no price, worked out each time: it names the instant."""
        entry = self.entry_at(model, at)
        if isinstance(entry, NoPrice):
            return entry
        rates = entry.rate_set(mode or STANDARD, at)
        ensure(isinstance(rates, str), f"the timeline of {model!r} has no price at {instant_text(at)}, its entry has")
        return NoPrice(str(rates))

    def thresholds(self) -> set[int]:
        """Every input total above which some tier begins."""
        return {
            threshold for entries in self._entries.values() for entry in entries for threshold in entry.thresholds()
        }

    def edges(self, models: Iterable[str], starts_at: datetime, ends_at: datetime) -> set[datetime]:
        """Every instant of [starts_at, ends_at) at which a price of these model ids may change."""
        meanings = [meaning for model in models for meaning in self.ids.meanings(model)]
        edges = {meaning.starts_at for meaning in meanings if starts_at <= meaning.starts_at < ends_at}
        names = {meaning.model for meaning in meanings}
        entries = [entry for name in names if name for entry in self._entries[name] if entry.valid_from < ends_at]
        return edges | {edge for entry in entries for edge in entry.edges(starts_at, ends_at)}

    def __repr__(self) -> str:
        as_of = "" if self.as_of is None else f" as of {instant_text(self.as_of)}"
        return f"<PriceBook of {len(self._entries)} models from {len(self.recordings)} recordings{as_of}>"


def _in_order(recordings: Iterable[Content]) -> dict[str, Content]:
    """Price tables by their hash, in the order in which they were recorded."""
    hashed = [
        (parse_instant(recording["recorded_at"]), content_hash(recording), recording)
        for recording in recordings
        if recording["kind"] == "prices"
    ]
    return {hash_: recording for _, hash_, recording in sorted(hashed, key=lambda row: row[:2])}


def _entries_by_model(recordings: Sequence[Content]) -> Mapping[str, tuple[PriceEntry, ...]]:
    """Live entries by model, in the order in which they come into force; of two alike the first one holds."""
    withdrawn = withdrawals(recordings)
    entries: dict[str, list[PriceEntry]] = {}
    for recording in recordings:
        recorded_at = parse_instant(recording["recorded_at"])
        for price in recording.get("price", ()):
            if "valid_from" not in price:
                continue
            entry = PriceEntry.from_content(
                price, recorded_at=recorded_at, currency=recording["currency"], source=recording.get("source", "")
            )
            if is_live(entry, withdrawn):
                entries.setdefault(entry.model, []).append(entry)
    return {model: tuple(sorted(live, key=precedence)) for model, live in entries.items()}


def withdrawals(recordings: Iterable[Content]) -> Mapping[str, datetime]:
    """The hash of each entry that price tables withdraw, and when that was recorded last."""
    withdrawn: dict[str, datetime] = {}
    for recording in recordings:
        recorded_at = parse_instant(recording["recorded_at"])
        for price in recording.get("price", ()):
            if "withdraws" in price:
                withdrawn[price["withdraws"]] = max(recorded_at, withdrawn.get(price["withdraws"], recorded_at))
    return withdrawn


def is_live(entry: PriceEntry, withdrawn: Mapping[str, datetime]) -> bool:
    """Whether no recording withdraws an entry when it is recorded, or later."""
    gone_at = withdrawn.get(entry.hash)
    return gone_at is None or entry.recorded_at > gone_at


def _why_unpriced(book: PriceBook, usage: Usage) -> tuple[UnpricedCode, str | None]:
    """Why there is no price, and for which quantity, asked step by step; whoever rates does not pay for it."""
    meaning = book.ids.at(usage.model, usage.occurred_at)
    if meaning.model is None:
        return meaning.code, None
    entry = book.entry_at(usage.model, usage.occurred_at)
    if isinstance(entry, NoPrice):
        return "no_price_then", None
    mode = usage.mode or STANDARD
    if mode != STANDARD and mode not in entry.modes:
        return "unknown_mode", None
    total = input_tokens_of(usage)
    if book.rate(replace(usage, quantities={}, input_tokens=total)).amount is None:
        return "no_mode_price_then", None
    for name in sorted(usage.quantities):
        alone = replace(usage, quantities={name: usage.quantities[name]}, input_tokens=total)
        if name != REQUEST and book.rate(alone).amount is None:
            return "no_rate", name
    ensure(False, f"{usage!r} has no price, and each of its quantities has one")
    raise AssertionError


def _layered_aliases(
    entries: Mapping[str, Sequence[PriceEntry]], own: Mapping[str, Content], below: Mapping[str, Content]
) -> list[Alias]:
    """Every alias; an id that own price tables state is no alias by those that lie beneath."""
    if not below:
        return list(_aliases(entries, list(own.values())))
    listed = list(own.values())
    aliases = list(_aliases(_entries_by_model(listed), listed))
    stated = {alias.id for alias in aliases}
    return aliases + [alias for alias in _aliases(entries, list(below.values())) if alias.id not in stated]


def _aliases(entries: Mapping[str, Sequence[PriceEntry]], recordings: Sequence[Content]) -> Iterator[Alias]:
    """The aliases that live entries have, since ever, and those that stand alone."""
    for _, of_model in sorted(entries.items()):
        for entry in of_model:
            yield from aliases_of(entry)
    for recording in recordings:
        recorded_at = parse_instant(recording["recorded_at"])
        yield from (Alias.from_content(alias, recorded_at=recorded_at) for alias in recording.get("alias", ()))


def _routes(recordings: Sequence[Content]) -> Iterator[Route]:
    for recording in recordings:
        recorded_at = parse_instant(recording["recorded_at"])
        yield from (Route.from_content(route, recorded_at=recorded_at) for route in recording.get("route", ()))
