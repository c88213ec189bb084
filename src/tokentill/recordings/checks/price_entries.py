"""Whether price entries make sense in time and by name: from recordings to findings, one function a rule.

All checks work on canonical content, so that what they refuse never becomes a price entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from tokentill.clock import instant_text
from tokentill.errors import Finding
from tokentill.prices.entries import STRIPPED_SUFFIXES, entry_hash
from tokentill.recordings.checks.placed_entries import PlacedEntry, entries, live_entries
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.recording import Recordings

_CHARGING = ("rates", "fees", "tier", "window", "mode", "multiplier", "fallback")
"""What a free entry cannot have: nothing of it would ever be charged."""


def an_entry_says_a_price(recordings: Recordings) -> Iterator[Finding]:
    """An entry has a model, an instant and rates (or is free), or it withdraws another one, and nothing else."""
    for recording in recordings.prices:
        for index, price in enumerate(recording.content["price"]):
            path: KeyPath = ("price", index)
            at = recording.file.finding
            if "withdraws" in price:
                more = sorted(set(price) - {"withdraws", "note", "source"})
                if more:
                    message = f'an entry that withdraws another one cannot have "{more[0]}"'
                    yield at((*path, more[0]), message, "write the new price as an entry of its own")
                continue
            missing = next((key for key in ("model", "valid_from") if key not in price), None)
            if missing:
                yield at(path, f'this entry has no "{missing}"', f"add {missing} = ...")
            elif price.get("free") and (charged := [key for key in _CHARGING if price.get(key)]):
                hint = "keep one of the two; a model of which only some is free has rates of 0"
                yield at((*path, "free"), f"{price['model']}: free, and yet it has {charged[0]}", hint)
            elif not price.get("free") and not price.get("rates"):
                yield at(path, f"{price['model']}: no rates", "add rates = { input = ... }, or free = true")


def valid_to_is_after_valid_from(recordings: Recordings) -> Iterator[Finding]:
    """The validity of an entry, and of a mode, is not empty."""
    for entry in entries(recordings):
        if entry.valid_to is not None and entry.valid_to <= entry.valid_from:
            yield entry.finding(("valid_to",), "valid_to is not after valid_from", "valid_to is exclusive")
        for name, mode in entry.content.get("mode", {}).items():
            bounds = [mode.get("valid_from"), mode.get("valid_to")]
            if all(bounds) and datetime.fromisoformat(bounds[1]) <= datetime.fromisoformat(bounds[0]):
                message = f'mode "{name}": valid_to is not after valid_from'
                yield entry.finding(("mode", name, "valid_to"), message, "valid_to is exclusive")


def no_entry_is_stated_twice(recordings: Recordings) -> Iterator[Finding]:
    """One model has one entry for each pair of `valid_from` and `recorded_at`."""
    seen: dict[tuple[str, datetime, datetime], PlacedEntry] = {}
    for entry in entries(recordings):
        first = seen.setdefault((entry.model, entry.valid_from, entry.recorded_at), entry)
        if first is not entry:
            where = first.finding((), "").where
            message = f"duplicate id: the same valid_from and recorded_at as at {where}"
            yield entry.finding((), message, "a correction is a new file with a later recorded_at")


def entries_do_not_overlap(recordings: Recordings) -> Iterator[Finding]:
    """What was learned at one time about one model does not contradict itself.

    A later recording may reach into an earlier entry: it is the correction. An entry without `valid_to` ends where
    the next one begins.
    """
    at_once: dict[tuple[str, datetime], list[PlacedEntry]] = {}
    for entry in entries(recordings):
        at_once.setdefault((entry.model, entry.recorded_at), []).append(entry)
    for group in at_once.values():
        group.sort(key=lambda entry: entry.valid_from)
        for earlier, later in pairwise(group):
            if earlier.valid_to is not None and earlier.valid_from < later.valid_from < earlier.valid_to:
                where = earlier.finding((), "").where
                message = f"overlap: valid from {instant_text(later.valid_from)}, before the entry at {where} ends"
                hint = f"let that one end at {instant_text(later.valid_from)}"
                yield later.finding(("valid_from",), message, hint)


def entries_leave_no_gap(recordings: Recordings) -> Iterator[Finding]:
    """Between the first entry of a model and its last there is always a price. Warning."""
    for found in live_entries(recordings).values():
        covered_to = found[0].valid_to
        for entry in found[1:]:
            if covered_to is not None and covered_to < entry.valid_from:
                message = f"gap: no price from {instant_text(covered_to)} to {instant_text(entry.valid_from)}"
                hint = "usage in between is unpriced; state its price in a new recording"
                yield entry.finding(("valid_from",), message, hint, is_warning=True)
            ends = [covered_to, entry.valid_to]
            covered_to = None if None in ends else max(end for end in ends if end is not None)


def a_model_keeps_its_currency(recordings: Recordings) -> Iterator[Finding]:
    """From one entry of a model to the next, the currency is the same: lists in two are no conversions. Warning."""
    for found in live_entries(recordings).values():
        for earlier, later in pairwise(found):
            if earlier.currency != later.currency:
                message = f"its price is in {later.currency} now, and in {earlier.currency} before"
                hint = "list the model in one currency, under one id; another list is a model id of its own"
                yield later.finding(("valid_from",), message, hint, is_warning=True)


def an_alias_leads_to_one_model(recordings: Recordings) -> Iterator[Finding]:
    """No alias is shared between models or is the id of another model."""
    placed = list(entries(recordings))
    models = {entry.model for entry in placed}
    owners: dict[str, PlacedEntry] = {}
    for entry in placed:
        for alias in entry.content.get("aliases", ()):
            owner = owners.setdefault(alias, entry)
            if owner.model != entry.model:
                message = f'duplicate alias: "{alias}" is an alias of {owner.model} too'
                yield entry.finding(("aliases",), message, "an alias leads to one model; remove it from one of them")
            if alias in models and alias != entry.model:
                message = f'alias "{alias}" shadows the model of that id'
                yield entry.finding(("aliases",), message, "remove the alias; an exact id always comes first")


def a_routing_suffix_is_not_an_id(recordings: Recordings) -> Iterator[Finding]:
    """A model id with a suffix that is stripped would never be looked up by its base. Warning."""
    for entry in entries(recordings):
        suffix = next((suffix for suffix in STRIPPED_SUFFIXES if entry.model.endswith(suffix)), None)
        if suffix:
            message = f'"{suffix}" is a routing suffix; requests with it are priced as the model without it'
            yield entry.finding(("model",), message, "this entry holds for the exact id only", is_warning=True)


def withdrawn_entries_exist(recordings: Recordings) -> Iterator[Finding]:
    """What is withdrawn was recorded before."""
    recorded: dict[str, datetime] = {}
    for entry in entries(recordings):
        key = entry_hash(entry.content, entry.currency)
        recorded[key] = min(entry.recorded_at, recorded.get(key, entry.recorded_at))
    for recording in recordings.prices:
        recorded_at = datetime.fromisoformat(recording.content["recorded_at"])
        for index, price in enumerate(recording.content["price"]):
            if "model" in price or "withdraws" not in price:
                continue
            if recorded.get(price["withdraws"], recorded_at) >= recorded_at:
                message = f"no entry recorded before this one has the hash {price['withdraws'][:19]}..."
                hint = "copy the hash of the announced entry from `tokentill prices show`"
                yield recording.file.finding(("price", index, "withdraws"), message, hint)
