"""All recordings of a `pricing/` folder: which files are read, and what they state, as values that know their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tokentill.canonical import Content, content_hash
from tokentill.clock import parse_instant
from tokentill.contracts.book import Contract, ContractBook
from tokentill.contracts.invoice_terms import Grant
from tokentill.contracts.opening_balances import OpeningBalance
from tokentill.contracts.rules import Rule
from tokentill.errors import Finding
from tokentill.prices.book import is_live, withdrawals
from tokentill.prices.entries import PriceEntry
from tokentill.prices.fx import FxRate
from tokentill.prices.model_ids import Alias, Route
from tokentill.recordings.mistakes import findings_of, near_miss
from tokentill.recordings.paths import file_paths, pricing_folder
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.reading import FileText, Located, Unreadable, parse, read_text
from tokentill.recordings.schemas import SHAPES, mistakes_in
from tokentill.usage.attribution import AttributionRules
from tokentill.versions import precedence

KINDS = {
    "models": ("prices",),
    "contracts": ("default", "plan", "customer", "grant", "opening_balance", "removal"),
    "attribution": ("attribution",),
    "fx": ("fx",),
}
"""The sub-folders that are read, and the kinds of file that belong into each."""

_SHAPE_OF_KIND = {kind: kind for kinds in KINDS.values() for kind in kinds} | dict.fromkeys(
    ("default", "plan", "customer"), "contract"
)


@dataclass(frozen=True, slots=True)
class Recording:
    """One valid file: its canonical content, the hash of it, and the text to find lines in.

    `warnings` are about single tables of it.
    """

    path: str
    content: Content
    hash: str
    file: FileText = field(repr=False)
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Recordings:
    """The valid files of a folder, by room and in order of their paths, and what they state as located values.

    `beneath` are shipped price tables that lie beneath `prices`; nothing is said of them. `unread` are the other ones,
    with mistakes of their own, so that nothing is known of what they state: their texts by path, None for one that is
    no text.
    """

    folder: Path
    prices: tuple[Recording, ...] = ()
    contracts: tuple[Recording, ...] = ()
    attribution: tuple[Recording, ...] = ()
    fx: tuple[Recording, ...] = ()
    beneath: tuple[Recording, ...] = ()
    unread: Mapping[str, str | None] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Recording]:
        yield from (*self.prices, *self.contracts, *self.attribution, *self.fx)

    def is_beneath(self, located: Located[Any]) -> bool:
        """Whether a value is of a file that lies beneath."""
        return located.file.shown in self._beneath

    @cached_property
    def _beneath(self) -> frozenset[str]:
        return frozenset(recording.file.shown for recording in self.beneath)

    def shown(self, path: str) -> str:
        """A path of this folder as it is printed."""
        return (self.folder / path).as_posix()

    def is_unread(self, room: str, name: str = "") -> bool:
        """Whether a file of a room, one with a name in it, is not known: then nothing can be said to be missing."""
        texts = [text for path, text in self.unread.items() if path.startswith(f"{room}/")]
        return any(text is None or name in text for text in texts)

    @cached_property
    def entries(self) -> tuple[Located[PriceEntry], ...]:
        """Every price entry, those that lie beneath last."""
        return tuple(
            Located(entry, of.file, place, f"{entry.model}: ")
            for of, at, place, price in _tables((*self.prices, *self.beneath), "price")
            if "withdraws" not in price
            for entry in (PriceEntry.from_content(price, recorded_at=at, currency=of.content["currency"]),)
        )

    @cached_property
    def own_entries(self) -> tuple[Located[PriceEntry], ...]:
        """Those of the folder itself."""
        return tuple(entry for entry in self.entries if not self.is_beneath(entry))

    @cached_property
    def live_entries(self) -> Mapping[str, list[Located[PriceEntry]]]:
        """By model, the entries that are not withdrawn, in the order in which they come into force."""
        withdrawn = withdrawals(recording.content for recording in (*self.prices, *self.beneath))
        by_model: dict[str, list[Located[PriceEntry]]] = {}
        for entry in sorted(self.entries, key=lambda entry: precedence(entry.value)):
            if is_live(entry.value, withdrawn) and not self.is_unread("models", entry.value.model):
                by_model.setdefault(entry.value.model, []).append(entry)
        return by_model

    @cached_property
    def aliases(self) -> tuple[Located[Alias], ...]:
        """Every alias that stands alone."""
        return tuple(
            Located(Alias.from_content(alias, recorded_at=at), of.file, place)
            for of, at, place, alias in _tables((*self.prices, *self.beneath), "alias")
        )

    @cached_property
    def routes(self) -> tuple[Located[Route], ...]:
        """Every route."""
        return tuple(
            Located(Route.from_content(route, recorded_at=at), of.file, place)
            for of, at, place, route in _tables((*self.prices, *self.beneath), "route")
        )

    @cached_property
    def book(self) -> ContractBook:
        """Every contract, to ask which holds when."""
        return ContractBook(recording.content for recording in self.contracts)

    @cached_property
    def agreements(self) -> tuple[Located[Contract], ...]:
        """Every version of every contract."""
        return tuple(
            Located(next(version for version in versions if version.hash == recording.hash), recording.file)
            for recording in self.contracts
            if (kind := recording.content["kind"]) not in ("grant", "opening_balance", "removal")
            for versions in [self.book.versions(kind, recording.content["id"])]
        )

    @cached_property
    def shown_places(self) -> Mapping[str, str]:
        """The file of each contract that the book gives, as it is printed, by the hash of the contract."""
        return {recording.hash: recording.file.shown for recording in self.contracts}

    @cached_property
    def rules(self) -> tuple[Located[Rule], ...]:
        """Every rule of every contract."""
        return tuple(
            Located(rule, contract.file, ("rule", index))
            for contract in self.agreements
            for index, rule in enumerate(contract.value.rules)
        )

    @cached_property
    def grants(self) -> tuple[Located[Grant], ...]:
        """Every statement of a prepaid credit."""
        return tuple(
            Located(Grant.from_content(grant, recorded_at=at), of.file, place)
            for of, at, place, grant in _tables(self.contracts, "grant")
        )

    @cached_property
    def opening_balances(self) -> tuple[Located[OpeningBalance], ...]:
        """Every statement of an opening balance."""
        return tuple(
            Located(OpeningBalance.from_content(opening, recorded_at=at), of.file, place)
            for of, at, place, opening in _tables(self.contracts, "opening_balance")
        )

    @cached_property
    def attribution_rules(self) -> tuple[Located[AttributionRules], ...]:
        """Every set of attribution rules."""
        return tuple(Located(AttributionRules.from_content(item.content), item.file) for item in self.attribution)

    @cached_property
    def fx_rates(self) -> tuple[Located[FxRate], ...]:
        """Every exchange rate."""
        return tuple(
            Located(FxRate.from_content(rate, recorded_at=at), of.file, place)
            for of, at, place, rate in _tables(self.fx, "rate")
        )


def _tables(recordings: Iterable[Recording], key: str) -> Iterator[tuple[Recording, datetime, KeyPath, Content]]:
    """Every table of a list, with the file that it is of, when that was recorded, and where it stands."""
    for recording in recordings:
        recorded_at = parse_instant(recording.content["recorded_at"])
        for index, table in enumerate(recording.content.get(key, ())):
            yield recording, recorded_at, (key, index), table


def read_folder(folder: str | PathLike[str] | None, beneath: Path | None = None) -> tuple[Recordings, list[Finding]]:
    """Read every recording of a folder, each checked by itself; None is the folder that tokentill ships.

    Args:
        beneath: the folder of shipped prices that lie beneath; one that the folder has itself is left out.

    Raises:
        InvalidCall: when there is no such folder.
    """
    root = pricing_folder(folder)
    rooms: dict[str, list[Recording]] = {room: [] for room in KINDS}
    findings: list[Finding] = []
    unread: dict[str, str | None] = {}
    for path in file_paths(root):
        room, shown = path.split("/", 1)[0], (root / path).as_posix()
        if "/" not in path or room not in KINDS:
            message = "this file is not read where it lies"
            hint = f"move it into one of {', '.join(KINDS)}"
            findings.append(Finding(f"{shown}:1", message, hint, is_warning=True))
            continue
        file = None
        try:
            file = read_text(root / path, path, shown)
            tree = parse(file)
            kind = tree.get("kind")
            if not isinstance(kind, str) or kind not in KINDS[room]:
                raise Unreadable(_wrong_kind(kind, KINDS[room], file))
            recording = recording_of(tree, file, _SHAPE_OF_KIND[kind])
        except Unreadable as error:
            findings.extend(error.findings)
            unread[path] = None if file is None else file.text
        else:
            rooms[room].append(recording)
            findings.extend(recording.warnings)
    prices, contracts, attribution, fx = (tuple(rooms[room]) for room in KINDS)
    own = {recording.hash for recording in prices}
    shipped = () if beneath is None else (one for one in _shipped_prices(beneath) if one.hash not in own)
    return Recordings(root, prices, contracts, attribution, fx, tuple(shipped), unread), findings


@cache
def _shipped_prices(root: Path) -> tuple[Recording, ...]:
    """The price tables of the shipped folder, which do not change while a process runs."""
    return read_folder(root)[0].prices


def recording_of(tree: Mapping[str, Any], file: FileText, shape: str) -> Recording:
    """The recording of a parsed file: only what was given, every value in its one form.

    Raises:
        Unreadable: with a finding for each mistake.
    """
    try:
        table = SHAPES[shape].model_validate(tree)
    except ValidationError as error:
        raise Unreadable(*findings_of(error, file, SHAPES[shape])) from None
    mistakes = sorted(mistakes_in(table), key=lambda mistake: mistake.is_warning)
    findings = [file.finding(item.path, item.message, item.hint, is_warning=item.is_warning) for item in mistakes]
    if not all(finding.is_warning for finding in findings):
        raise Unreadable(*findings)
    content = table.model_dump(by_alias=True, exclude_unset=True, exclude={"json_schema"})
    return Recording(file.path, content, content_hash(content), file, tuple(findings))


def _wrong_kind(kind: object, kinds: tuple[str, ...], file: FileText) -> Finding:
    alternatives = " or ".join(f'"{kind}"' for kind in kinds)
    hint = f"write kind = {alternatives}"
    if kind is None:
        return file.finding(("kind",), '"kind" is missing', hint)
    if not isinstance(kind, str):
        return file.finding(("kind",), '"kind" is not a text', hint)
    if kind in _SHAPE_OF_KIND:
        return file.finding(("kind",), f'a file of kind "{kind}" does not belong here', hint)
    return file.finding(("kind",), f'"{kind[:40]}" is no kind of file', near_miss(kind, kinds) or hint)
