"""Rules where they stand in their files, and contracts as they hold in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tokentill.canonical import Content
from tokentill.contracts.features.tiers import SPEND
from tokentill.errors import Finding
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.recording import Recording, Recordings


@dataclass(frozen=True, slots=True)
class PlacedRule:
    """One `[[rule]]` table, and where it stands."""

    recording: Recording
    index: int
    content: Content

    @property
    def name(self) -> str:
        """What it is called; rules without a name are called by their place."""
        return str(self.content.get("name", f"rule {self.index + 1}"))

    @property
    def basis(self) -> str:
        """What it marks up."""
        return str(self.content.get("basis", "list"))

    @property
    def tiers(self) -> Content:
        """Its tiers, empty where it has none."""
        return dict(self.content.get("tiers", {}))

    @property
    def is_over_spend(self) -> bool:
        """Whether its tiers run over an amount."""
        return list(self.tiers.get("over", ())) == [SPEND]

    @property
    def counts(self) -> bool:
        """Whether it remembers something through a period."""
        return any(key in self.content for key in ("allowance", "tiers", "package"))

    @property
    def counts_units(self) -> bool:
        """Whether a period includes units of some quantity."""
        return "units" in self.content.get("allowance", {})

    @property
    def has_tier_rates(self) -> bool:
        """Whether some tier has rates of its own."""
        return any("rates" in tier for tier in self.tiers.get("tier", ()))

    def finding(self, path: KeyPath, message: str, hint: str = "", *, is_warning: bool = False) -> Finding:
        """A finding at a key of this rule."""
        return self.recording.file.finding(("rule", self.index, *path), message, hint, is_warning=is_warning)


def rules(recordings: Recordings) -> Iterator[PlacedRule]:
    """Every rule of every contract, in order of files."""
    for recording in recordings.agreements:
        yield from rules_of(recording)


def rules_of(recording: Recording) -> Iterator[PlacedRule]:
    """The rules of one contract, in their order."""
    for index, rule in enumerate(recording.content.get("rule", ())):
        yield PlacedRule(recording, index, rule)


def terms_of(recording: Recording) -> Content:
    """The `[invoice]` table of a contract, empty where it has none."""
    return dict(recording.content.get("invoice", {}))


class InTime:
    """Which version of a contract is in force when, as `ContractBook` finds it, with the file that states it.

    `customers` are those that have a contract at any time.
    """

    def __init__(self, recordings: Recordings) -> None:
        self._versions: dict[tuple[str, str], list[_Version]] = {}
        for recording in recordings.agreements:
            version = _Version.of(recording)
            self._versions.setdefault(_key(recording.content["kind"], recording.content["id"]), []).append(version)
        shared = [found for (kind, _), versions in self._versions.items() if kind != "customer" for found in versions]
        self._edges_of_shared = {edge for version in shared for edge in version.edges}
        self.customers = frozenset(id_ for kind, id_ in self._versions if kind == "customer")

    def at(self, kind: str, id_: str, at: datetime) -> Recording | None:
        """The version of a contract in force at an instant."""
        versions = self._versions.get(_key(kind, id_), ())
        covering = [version for version in versions if version.covers(at)]
        found = max(covering, key=lambda version: (version.valid_from, version.recorded_at), default=None)
        return None if found is None else found.recording

    def chain(self, customer: str, at: datetime) -> list[Recording]:
        """The contracts that speak for a customer: its own, its plan's, the default."""
        own = self.at("customer", customer, at)
        plan = None if own is None or "plan" not in own.content else self.at("plan", own.content["plan"], at)
        return [found for found in (own, plan, self.at("default", "", at)) if found is not None]

    def payer(self, customer: str, at: datetime) -> str:
        """Whose invoice a customer's usage stands on."""
        own = self.at("customer", customer, at)
        return customer if own is None else str(terms_of(own).get("parent", customer))

    def currency(self, customer: str, at: datetime) -> str:
        """In which currency the usage of a customer is billed."""
        stated = (item.content.get("currency") for item in self.chain(self.payer(customer, at), at))
        return str(next((currency for currency in stated if currency), "USD"))

    def changes(self, recording: Recording, *others: str) -> list[datetime]:
        """The instants at which a customer's contract is in force and something that speaks for it begins or ends.

        Args:
            others: customers whose contracts matter, too.
        """
        own = _Version.of(recording)
        id_ = recording.content["id"]
        found = [version for name in (id_, *others) for version in self._versions.get(("customer", name), ())]
        edges = self._edges_of_shared.union(*(version.edges for version in found))
        return sorted(at for at in edges if own.covers(at) and self.at("customer", id_, at) is recording)


@dataclass(frozen=True, slots=True)
class _Version:
    recording: Recording
    valid_from: datetime
    valid_to: datetime | None
    recorded_at: datetime

    @classmethod
    def of(cls, recording: Recording) -> _Version:
        content = recording.content
        return cls(
            recording,
            datetime.fromisoformat(content["valid_from"]),
            datetime.fromisoformat(content["valid_to"]) if "valid_to" in content else None,
            datetime.fromisoformat(content["recorded_at"]),
        )

    @property
    def edges(self) -> set[datetime]:
        return {self.valid_from} if self.valid_to is None else {self.valid_from, self.valid_to}

    def covers(self, at: datetime) -> bool:
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)


def _key(kind: str, id_: str) -> tuple[str, str]:
    return (kind, "" if kind == "default" else id_)
