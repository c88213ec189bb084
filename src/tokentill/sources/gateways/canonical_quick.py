"""Canonical JSON lines as most of them are, read by typed decoding into columns instead of one value after another.

A line becomes what the strict way (`strict_json` and `canonical_form`) makes of it, or it is odd: then the strict way
has the word, and finds the reason. So what is unusual may be called odd: an escaped quote, an offset from UTC that is
written in small letters, a cost that is no plain number. Each check is made of a whole column at once, and record by
record only where the column does not pass. Typed decoding takes a doubled key, and the last one counts; such lines are
found by the number of their quotes, as in `shapes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

import msgspec

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways.quick_values import RFC_3339, check_counts, costs_of, odd_ids, request_keys_of
from tokentill.sources.quick_json import decoded_lines
from tokentill.usage.columns import SeriesKey, SeriesNumbers, Units, UsageColumns
from tokentill.usage.ids import are_plain, checked_tags, is_word
from tokentill.usage.quantities import TOKEN_LEAVES, kept_quantities
from tokentill.usage.record import RESPONSE_CACHE_TAG, SERIES_FIELDS, STANDARD, STATUSES, USAGE_STATES

_LEAVES = frozenset(TOKEN_LEAVES)
_KNOWN_MAX = 200_000

_UNSET = msgspec.UNSET
_TAGS = SERIES_FIELDS.index("tags")


def _line_type() -> Any:
    """A line, as typed decoding takes it; a cost stays its own bytes."""
    absent = msgspec.UnsetType
    text = str | None | absent
    flag = bool | None | absent
    kinds = {"tags": tuple[str, ...] | None | absent, "is_byok": flag, "is_replayed": flag}
    required = [("record_id", str), ("occurred_at", str), ("model", str), ("quantities", dict[str, int])]
    others = [(name, kinds.get(name, text), _UNSET) for name in (*SERIES_FIELDS, "request_key") if name != "model"]
    fields: list[Any] = [*required, ("cost", msgspec.Raw | absent, _UNSET), *others]
    return msgspec.defstruct("Line", fields, forbid_unknown_fields=True, gc=False)


_decode = msgspec.json.Decoder(_line_type()).decode
_encode = msgspec.json.Encoder().encode
_series_of = attrgetter(*SERIES_FIELDS)


class QuickReader:
    """Reads the lines of one input.

    Args:
        source: the source that was asked for.
        names: gives series their numbers.
        is_looked_at: whether each record of a source has to be looked at, so that all of its lines are odd.
    """

    def __init__(self, source: str | None, names: SeriesNumbers, is_looked_at: Callable[[str], bool]) -> None:
        self._source = source
        self._is_looked_at = is_looked_at
        self.names = names
        self._known: dict[tuple[Any, ...], tuple[int, int]] = {}

    def columns_of(self, lines: Sequence[bytes], within: tuple[int, int]) -> tuple[UsageColumns, list[int]]:
        """The records of lines in columns, and the places of the odd lines, of which they hold nothing.

        Args:
            within: the first and the last instant of records that are not odd (see `ALL_OF_TIME`).
        """
        decoded, places = decoded_lines(_decode, lines)
        if not decoded:
            return UsageColumns(self.names), list(range(len(lines)))
        columns, odd = self._columns([lines[place] for place in places], decoded, within)
        good = [n for n in range(len(decoded)) if n not in odd]
        taken = {places[n] for n in good}
        return columns if not odd else columns.taken(good), [n for n in range(len(lines)) if n not in taken]

    def _columns(
        self, lines: Sequence[bytes], decoded: list[Any], within: tuple[int, int]
    ) -> tuple[UsageColumns, set[int]]:
        """The columns of decoded lines, and the places of what is odd among them."""
        odd: set[int] = set()
        series, quotes = self._series(list(map(_series_of, decoded)))
        if -1 in series:
            odd.update(n for n, number in enumerate(series) if number < 0)
        record_ids = [line.record_id for line in decoded]
        odd.update(odd_ids(record_ids))
        quantities = [line.quantities for line in decoded]
        leaves, units = counts_of(quantities, odd)
        costs, quotes_of_costs = _costs([line.cost for line in decoded], odd)
        instants = RFC_3339.micros([line.occurred_at for line in decoded], within, odd)
        request_keys, quotes_of_keys = _request_keys(decoded, odd)
        quotes += quotes_of_costs + quotes_of_keys
        quotes += 12 * len(decoded) + 2 * sum(map(len, quantities))  # of four keys and two texts that every line has
        if b"".join(lines).count(b'"') != quotes:
            odd.update(n for n, line in enumerate(lines) if _encode(decoded[n]).count(b'"') != line.count(b'"'))
        return UsageColumns(self.names, series, record_ids, instants, leaves, units, costs, request_keys), odd

    def _series(self, written: Sequence[tuple[Any, ...]]) -> tuple[list[int], int]:
        """The number of each series, and how many quotes lines have around all of what they consist of."""
        found: list[Any] = list(map(self._known.get, written))
        if None in found:
            if len(self._known) > _KNOWN_MAX:
                self._known.clear()
            for n, one in enumerate(written):
                if found[n] is None:
                    if one not in self._known:
                        self._known[one] = self._met(*one)
                    found[n] = self._known[one]
        return list(map(itemgetter(0), found)), sum(map(itemgetter(1), found))

    def _met(self, *written: Any) -> tuple[int, int]:
        """The number of a series that is met first, and the quotes that it is written with."""
        try:
            key = _series_key(self._source, *written)
        except InvalidRecord:
            key = None
        keys = len(SERIES_FIELDS) - written.count(_UNSET) - 1  # that of the model is there in every line
        texts = list(map(type, written)).count(str) + len(written[_TAGS] or ())
        number = -1 if key is None or self._is_looked_at(key[0]) else self.names.of(key)
        return number, 2 * (keys + texts)


def _request_keys(decoded: Sequence[Any], odd: set[int]) -> tuple[list[str | None], int]:
    """The request keys of lines, and how many quotes are around them and their names."""
    written = [line.request_key for line in decoded]
    if written.count(_UNSET) == len(written):
        return [None] * len(written), 0
    there = [key for key in written if key is not _UNSET]
    keys = [None if key is _UNSET else key for key in written]
    return request_keys_of(keys, [line.record_id for line in decoded], odd), 4 * len(there) - 2 * there.count(None)


def counts_of(quantities: Sequence[dict[str, int]], odd: set[int]) -> tuple[dict[str, list[int]], list[Units]]:
    """The columns of token leaves, and the other quantities of each line."""
    if not all(quantities):
        odd.update(n for n, counts in enumerate(quantities) if not counts)
    units: list[Units] = [()] * len(quantities)
    used = set(chain.from_iterable(quantities))
    if not used <= _LEAVES:
        for n, counts in enumerate(quantities):
            if not counts.keys() <= _LEAVES:
                try:
                    kept = kept_quantities(counts)
                except InvalidRecord:
                    odd.add(n)
                else:
                    units[n] = tuple((name, count) for name, count in kept.items() if name not in _LEAVES)
    leaves = {}
    has_each_all = sum(map(len, quantities)) == len(used) * len(quantities)
    for leaf in TOKEN_LEAVES:
        if leaf in used:
            if has_each_all:
                column = list(map(itemgetter(leaf), quantities))
            else:
                column = [counts.get(leaf, 0) for counts in quantities]
            leaves[leaf] = column
            check_counts(column, odd)
    return leaves, units


def _costs(written: Sequence[Any], odd: set[int]) -> tuple[list[str | None], int]:
    """The costs as they are written, and how many quotes are around them and their keys."""
    if _UNSET not in written:
        places: Sequence[int] = range(len(written))
    else:
        places = [n for n, cost in enumerate(written) if cost is not _UNSET]
    raw = [written[n] for n in places]
    odd_ones: set[int] = set()
    found = costs_of(raw, odd_ones)
    odd.update(places[n] for n in odd_ones)
    costs: list[str | None] = found
    if len(places) < len(written):
        costs = [None] * len(written)
        for n, cost in zip(places, found, strict=True):
            costs[n] = cost
    return costs, 2 * len(places) + b"".join(raw).count(b'"')


def _series_key(
    asked_source: str | None,
    source: Any,
    user: Any,
    api_key: Any,
    model: str,
    provider: Any,
    mode: Any,
    geo: Any,
    tags: Any,
    is_byok: Any,
    status: Any,
    usage_state: Any,
    is_replayed: Any,
) -> SeriesKey | None:
    """The values of `SERIES_FIELDS` of a line with quantities, or None where they are not as most are.

    Raises:
        InvalidRecord: where a tag is wrong.
    """
    source = asked_source if source in (None, _UNSET) else source
    status = "ok" if status in (None, _UNSET) else status
    usage_state = "reported" if usage_state in (None, _UNSET) else usage_state
    user, api_key, provider, geo = user or None, api_key or None, provider or None, geo or None
    mode = mode or STANDARD
    is_right = (
        (asked_source is None or source == asked_source)
        and are_plain(source or "", "-", model, user, api_key, provider, geo)
        and is_word(mode)
        and status in STATUSES
        and usage_state in USAGE_STATES
        and usage_state != "missing"
    )
    if not is_right:
        return None
    listed = checked_tags(tags.split(";") if isinstance(tags, str) else tags) if tags else ()
    replayed = is_replayed is True or RESPONSE_CACHE_TAG in listed
    return source, user, api_key, model, provider, mode, geo, listed, is_byok is True, status, usage_state, replayed
