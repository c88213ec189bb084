"""What an invoice is computed from: usage up to S, prices and exchange rates A, contracts and bindings B.

A and B are hashes of sets of recordings. A run keeps copies of the sets and of what is in them, so that the database
alone is enough to compute its invoices again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection

from tokentill.canonical import Content, content_hash
from tokentill.clock import parse_instant
from tokentill.contracts.book import ContractBook
from tokentill.errors import IntegrityFault
from tokentill.invoicing.invoice import OLDEST_VERSION_OF_F, VERSION_OF_F
from tokentill.invoicing.rating_groups import Books
from tokentill.prices.book import PriceBook
from tokentill.prices.fx import FxBook
from tokentill.store.customers import bindings, key_bindings
from tokentill.store.database import current_value
from tokentill.store.intake.erasures import binding_set_hash
from tokentill.store.issued.documents import newest_position
from tokentill.store.issued.manual_lines import newest_manual_line
from tokentill.store.recordings import recordings_of
from tokentill.usage.attribution import Attribution, Binding
from tokentill.usage.keys import KeyBinding
from tokentill.zones import zone_data_version

if TYPE_CHECKING:
    from tokentill.recordings.load import Folder

Bound = TypeVar("Bound", Binding, KeyBinding)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything people wrote: price tables and exchange rates, contracts and attribution rules, bindings.

    `beneath` are price tables that lie beneath the own ones (see `PriceBook`). `position` is the place in the log of
    documents up to which documents count, and `manual` the number up to which lines that people added do. `keys` are
    bindings of API keys and teams, and `untrusted` the sources whose users decide nothing by settings.
    """

    prices: tuple[Content, ...]
    contracts: tuple[Content, ...]
    bindings: tuple[Binding, ...]
    position: int
    beneath: tuple[Content, ...] = ()
    manual: int = 0
    keys: tuple[KeyBinding, ...] = ()
    untrusted: tuple[str, ...] = ()

    def books(self) -> Books:
        """The books that an invoice is computed with."""
        return Books(
            prices=PriceBook(self.prices, beneath=self.beneath),
            contracts=ContractBook(self.contracts),
            attribution=Attribution(self.contracts, self.bindings, self.keys, self.untrusted),
            fx=FxBook(self.prices),
        )

    @property
    def asking(self) -> tuple[Content, ...]:
        """The recordings that ask for closed periods."""
        return tuple(one for one in (*self.prices, *self.contracts) if one.get("applies_to_closed"))

    @property
    def asks_for_closed(self) -> bool:
        """Whether there are any."""
        return bool(self.asking)

    @property
    def asking_hashes(self) -> frozenset[str]:
        """Their hashes."""
        return frozenset(map(content_hash, self.asking))

    def corrected_by(self, later: Inputs) -> Inputs:
        """These inputs with what later ones have that acts on closed periods: recordings that ask for it, and all
        bindings.
        """
        prices, contracts = (
            _with_asking(own, others)
            for own, others in ((self.prices, later.prices), (self.contracts, later.contracts))
        )
        return replace(self, prices=prices, contracts=contracts, bindings=later.bindings, keys=later.keys)

    @property
    def price_set(self) -> Content:
        """What A is the hash of."""
        return {
            "kind": "price-set",
            "recordings": _hashes(self.prices),
            **({"beneath": _hashes(self.beneath)} if self.beneath else {}),
        }

    @property
    def contract_set(self) -> Content:
        """What B is the hash of. Bindings stay where they are, in rows that never change; their hash is here."""
        return {
            "kind": "contract-set",
            "recordings": _hashes(self.contracts),
            "bindings": _pinned(self.bindings),
            **({"keys": _pinned(self.keys)} if self.keys else {}),
            **({"untrusted": list(self.untrusted)} if self.untrusted else {}),
        }

    def recordings(self) -> tuple[Content, ...]:
        """Everything that must be kept so that these inputs can be read again by their pins."""
        return (*self.prices, *self.beneath, *self.contracts, self.price_set, self.contract_set)

    def pins(self, seq: int) -> Content:
        """The pins of a computation over usage up to `seq`."""
        return {
            "s": seq,
            "a": content_hash(self.price_set),
            "b": content_hash(self.contract_set),
            "l": self.position,
            "m": self.manual,
            "time_zones": zone_data_version(),
            "f": VERSION_OF_F,
        }


def _with_asking(own: Iterable[Content], later: Iterable[Content]) -> tuple[Content, ...]:
    listed = list(own)
    known = {content_hash(one) for one in listed if one.get("applies_to_closed")}
    added = {content_hash(one): one for one in later if one.get("applies_to_closed")}
    return (*listed, *(one for hash_, one in sorted(added.items()) if hash_ not in known))


def _pinned(bound: Sequence[Binding | KeyBinding]) -> Content:
    return {
        "upto": max((binding.seq for binding in bound), default=0),
        "hash": content_hash([binding.content() for binding in bound]),
    }


def _unpinned(bound: Iterable[Bound], pinned: Content, what: str) -> tuple[Bound, ...]:
    """The bindings that a set was made with."""
    listed = tuple(binding for binding in bound if binding.seq <= pinned["upto"])
    if content_hash([binding.content() for binding in listed]) != pinned["hash"]:
        raise IntegrityFault(f"the {what} that an invoice was computed with are not what their hash says")
    return listed


def _hashes(contents: Iterable[Content]) -> list[str]:
    return sorted({content_hash(content) for content in contents})


def newest_inputs(connection: Connection, folder: Folder) -> tuple[Inputs, int]:
    """The inputs as they stand, and the newest sequence number, in one snapshot."""
    inputs = Inputs(
        prices=(*folder.prices, *folder.fx),
        beneath=folder.beneath,
        contracts=(*folder.contracts, *folder.attribution),
        bindings=tuple(bindings(connection)),
        position=newest_position(connection),
        manual=newest_manual_line(connection),
        keys=tuple(key_bindings(connection)),
        untrusted=folder.untrusted,
    )
    return inputs, current_value(connection, "batch")


def pinned_inputs(connection: Connection, pins: Content) -> Inputs:
    """The inputs that pins stand for, from the copies in the database.

    Raises:
        IntegrityFault: when a copy is missing or was changed.
    """
    price_set, contract_set = (recordings_of(connection, [pins[key]])[0] for key in ("a", "b"))
    bound = contract_set["bindings"]
    if isinstance(bound, list):  # older sets held the bindings themselves
        listed = tuple(
            Binding(seq, one["user"], one["customer"], parse_instant(one["valid_from"]), one["source"])
            for seq, one in enumerate(bound, start=1)
        )
    else:
        stated = binding_set_hash(connection, bound["hash"])
        listed = _unpinned(bindings(connection), {**bound, "hash": stated}, "bindings")
    keys = contract_set.get("keys")
    return Inputs(
        prices=tuple(recordings_of(connection, price_set["recordings"])),
        beneath=tuple(recordings_of(connection, price_set.get("beneath", ()))),
        contracts=tuple(recordings_of(connection, contract_set["recordings"])),
        bindings=listed,
        position=pins.get("l", 0),
        manual=pins.get("m", 0),
        keys=() if keys is None else _unpinned(key_bindings(connection), keys, "bindings of keys"),
        untrusted=tuple(contract_set.get("untrusted", ())),
    )


def engine_fault(pins: Content) -> str | None:
    """What keeps this tokentill from computing at these pins again, or None."""
    if not OLDEST_VERSION_OF_F <= pins["f"] <= VERSION_OF_F:
        return f"version {pins['f']} of the calculation, and this tokentill has {VERSION_OF_F}"
    return None


def zone_fault(pins: Content) -> str | None:
    """How the pinned time-zone data differs from what there is, or None."""
    version = zone_data_version()
    if pins["time_zones"] != version:
        return f"the time-zone data {pins['time_zones']}, and there is {version} here"
    return None
