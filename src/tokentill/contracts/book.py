"""Contracts: whose rules bill a record, and what is agreed for a whole invoice, at any instant.

Pure. The first rule that fits wins: the customer's rules in file order, then its plan's, then the default's. Each
term of an invoice is taken from the first of these contracts that states it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from tokentill.canonical import Content, content_hash
from tokentill.clock import MICROSECOND, parse_instant
from tokentill.contracts.commitments import CommittedTerm
from tokentill.contracts.invoice_terms import Grant, InvoiceTerms
from tokentill.contracts.opening_balances import OpeningBalance
from tokentill.contracts.recurring import Recurrence
from tokentill.contracts.rules import Rule, Traits
from tokentill.versions import covers, edges_of, in_force
from tokentill.zones import zone

ContractKind = Literal["customer", "plan", "default"]


@dataclass(frozen=True, slots=True)
class Contract:
    """One version of a customer's, a plan's or the default contract; None where it does not say.

    `drops` are terms of the version before that it leaves out on purpose; they change nothing that is computed.
    """

    kind: ContractKind
    id: str
    plan: str | None
    recorded_at: datetime
    valid_from: datetime
    valid_to: datetime | None
    currency: str | None
    time_zone: str | None
    anchor_day: int | None
    parent: str | None
    invoice: InvoiceTerms
    rules: tuple[Rule, ...]
    hash: str
    drops: tuple[str, ...] = ()
    bill_from: datetime | None = None

    @classmethod
    def from_content(cls, content: Content) -> Contract:
        """From the canonical content of a contract file."""
        recorded_at, valid_from = parse_instant(content["recorded_at"]), parse_instant(content["valid_from"])
        label = content["kind"] if content["kind"] == "default" else f"{content['kind']} {content['id']}"
        return cls(
            kind=content["kind"],
            id=content["id"],
            recorded_at=recorded_at,
            valid_from=valid_from,
            valid_to=parse_instant(content.get("valid_to")),
            **{name: content.get(name) for name in ("plan", "currency", "time_zone", "anchor_day")},
            parent=content.get("invoice", {}).get("parent"),
            invoice=InvoiceTerms.from_content(content.get("invoice", {}), content.get("review"), stated_by=label),
            rules=tuple(
                Rule.from_content(rule, contract=label, number=number)
                for number, rule in enumerate(content.get("rule", ()), start=1)
            ),
            hash=content_hash(content),
            drops=tuple(content.get("drops", ())),
            bill_from=parse_instant(content.get("bill_from")),
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """What a customer's contracts say about its invoices at an instant: currency, time zone, anchor day."""

    currency: str
    zone: ZoneInfo
    anchor_day: int


class ContractBook:
    """Every contract that is known. Immutable."""

    def __init__(self, recordings: Iterable[Content]) -> None:
        self._versions: dict[tuple[str, str], list[Contract]] = {}
        self._grants: dict[str, dict[str, Grant]] = {}
        self._openings: dict[tuple[str, str], OpeningBalance] = {}
        self._invoice_terms: dict[tuple[int, ...], InvoiceTerms] = {}
        hashes = []
        for content in recordings:
            if content["kind"] == "grant":
                self._add_grants(content)
                hashes.append(content_hash(content))
            elif content["kind"] == "opening_balance":
                self._add_openings(content)
                hashes.append(content_hash(content))
            elif content["kind"] in ("customer", "plan", "default"):
                contract = Contract.from_content(content)
                key = (contract.kind, "" if contract.kind == "default" else contract.id)
                self._versions.setdefault(key, []).append(contract)
                hashes.append(contract.hash)
        self.recordings = tuple(sorted(hashes))
        self._shared_edges = edges_of(
            version for (kind, _), versions in self._versions.items() if kind != "customer" for version in versions
        )
        stated = [version for versions in self._versions.values() for version in versions]
        self.has_recurring_terms = any(
            version.invoice.is_recurring
            or version.invoice.cap is not None
            or any(rule.flat_at_zero is not None for rule in version.rules)
            for version in stated
        )
        """Whether any contract has something to bill or to limit beside usage, so that its days count."""
        fees = (version.invoice.base_fee for version in stated)
        self.has_yearly_fees = any(fee is not None and fee.starts is not None for fee in fees)
        """Whether any contract has a base fee by the year."""
        self.children = {version.id for version in stated if version.kind == "customer" and version.parent is not None}
        """Customers that have a parent at some time."""
        self._bills_from = any(version.bill_from is not None for version in stated)
        self._has_commitments = any(version.invoice.commitment is not None for version in stated)

    @property
    def customers(self) -> tuple[str, ...]:
        """Ids of all customers that have a contract of their own, sorted bytewise."""
        return tuple(sorted((id_ for kind, id_ in self._versions if kind == "customer"), key=str.encode))

    @property
    def contracts(self) -> list[Contract]:
        """Every version of every contract: the default, plans, customers, each by id and time."""
        order = {"default": 0, "plan": 1, "customer": 2}
        return sorted(
            (version for versions in self._versions.values() for version in versions),
            key=lambda one: (order[one.kind], one.id.encode(), one.valid_from, one.recorded_at, one.hash),
        )

    def versions(self, kind: ContractKind, id_: str) -> Sequence[Contract]:
        """All recorded versions of one contract."""
        return self._versions.get((kind, "" if kind == "default" else id_), ())

    def at(self, kind: ContractKind, id_: str, at: datetime) -> Contract | None:
        """The version in force."""
        versions = self.versions(kind, id_)
        if len(versions) == 1:  # as nearly all have
            return versions[0] if covers(versions[0], at) else None
        return in_force(versions, at) if versions else None

    def _add_grants(self, content: Content) -> None:
        """Of a grant that was stated several times, what was recorded last holds."""
        recorded_at = parse_instant(content["recorded_at"])
        for stated in content["grant"]:
            grant = Grant.from_content(stated, recorded_at=recorded_at)
            held = self._grants.setdefault(grant.customer, {})
            newest = held.get(grant.id)
            if newest is None or newest.recorded_at <= grant.recorded_at:
                held[grant.id] = grant

    def _add_openings(self, content: Content) -> None:
        """Of an opening balance that was stated several times, what was recorded last holds."""
        recorded_at = parse_instant(content["recorded_at"])
        for stated in content["opening_balance"]:
            opening = OpeningBalance.from_content(stated, recorded_at=recorded_at)
            newest = self._openings.get((opening.customer, opening.id))
            if newest is None or newest.recorded_at <= opening.recorded_at:
                self._openings[opening.customer, opening.id] = opening

    @property
    def opening_balances(self) -> tuple[OpeningBalance, ...]:
        """All opening balances, in the bytewise order of customers and ids."""
        return tuple(sorted(self._openings.values(), key=lambda one: (one.customer.encode(), one.id.encode())))

    def grants(self, customer: str) -> tuple[Grant, ...]:
        """The prepaid credits of a customer as they are stated, in the order in which they burn."""
        return tuple(sorted(self._grants.get(customer, {}).values(), key=lambda grant: grant.order))

    def all_grants(self) -> Iterator[Grant]:
        """The prepaid credits of everybody."""
        for of_customer in self._grants.values():
            yield from of_customer.values()

    def recurrence(self, grant: Grant) -> Recurrence:
        """When a recurring grant begins anew: by the time zone that its customer has when it begins first."""
        return Recurrence(grant, self.terms(grant.customer, grant.valid_from).zone)

    def grants_within(self, customer: str, starts_at: datetime, ends_at: datetime) -> tuple[Grant, ...]:
        """The prepaid credits of a customer, in the order in which they burn; in the place of each that recurs, its
        parts that are in effect in [starts_at, ends_at).
        """
        found: list[Grant] = []
        for grant in self._grants.get(customer, {}).values():
            if grant.every is None:
                found.append(grant)
            else:
                found += self.recurrence(grant).parts_within(starts_at, ends_at)
        return tuple(sorted(found, key=lambda grant: grant.order))

    def grant_edges(self, customer: str, starts_at: datetime, ends_at: datetime) -> set[datetime]:
        """Every instant at which a prepaid credit of a customer comes into effect or expires, of those that are in
        effect in [starts_at, ends_at) at least."""
        grants = self.grants_within(customer, starts_at, ends_at)
        return {edge for grant in grants for edge in (grant.valid_from, grant.expires_at) if edge is not None}

    def commitments(self, customer: str, starts_at: datetime, ends_at: datetime) -> tuple[CommittedTerm, ...]:
        """The commitments of a customer whose terms reach into [starts_at, ends_at), by the days on which they start.

        Of one that several versions of contracts state, what held last inside its term is taken.
        """
        by_start: dict[str, CommittedTerm] = {}
        for at, term in self._committed(customer, starts_at, ends_at):
            key = term.commitment.starts.isoformat()
            if term.starts_at < ends_at and starts_at < term.ends_at and (key not in by_start or at < term.ends_at):
                by_start[key] = term
        return tuple(by_start[key] for key in sorted(by_start))

    def payer_edges(self, customer: str, starts_at: datetime, ends_at: datetime) -> set[datetime]:
        """The instants of [starts_at, ends_at) at which amounts on a customer's invoice are told apart: where a prepaid
        credit comes into effect or expires, and where the term of a commitment begins or ends.
        """
        terms = [term for _, term in self._committed(customer, starts_at, ends_at)]
        edges = self.grant_edges(customer, starts_at, ends_at)
        of_terms = {edge for term in terms for edge in (term.starts_at, term.ends_at)}
        return edges | {edge for edge in of_terms if starts_at < edge < ends_at}

    def _committed(
        self, customer: str, starts_at: datetime, ends_at: datetime
    ) -> Iterator[tuple[datetime, CommittedTerm]]:
        """Every statement of a commitment that holds at some instant of [starts_at, ends_at), in order of time."""
        if self._has_commitments:
            edges = (edge for edge in self.edges_for(customer) if starts_at < edge < ends_at)
            for end in (*sorted(edges), ends_at):
                at = end - MICROSECOND
                commitment = self.invoice_terms(customer, at).commitment
                if commitment is not None:
                    yield at, CommittedTerm.in_zone(commitment, self.terms(customer, at).zone)

    def bill_from(self, customer: str) -> datetime | None:
        """The instant before which nothing of a customer is billed.

        It looks back, so it holds whatever version of a contract is in force: what was stated last by a contract of the
        customer's own, or else by the default one.
        """
        if not self._bills_from:
            return None
        for versions in (self.versions("customer", customer), self.versions("default", "")):
            stated = [version for version in versions if version.bill_from is not None]
            if stated:
                return max(stated, key=lambda one: (one.recorded_at, one.valid_from, one.hash)).bill_from
        return None

    def is_billed(self, customer: str, at: datetime) -> bool:
        """Whether what a customer does or owes at an instant is billed at all."""
        begins = self.bill_from(customer)
        return begins is None or begins <= at

    def payer(self, customer: str, at: datetime) -> str:
        """Whose invoice a customer's usage stands on: its parent's, or its own."""
        if customer not in self.children:
            return customer
        own = self.at("customer", customer, at)
        return customer if own is None or own.parent is None else own.parent

    def chain(self, customer: str | None, at: datetime) -> Iterator[Contract]:
        """The contracts that speak for a customer at an instant: its own, its plan's, the default."""
        own = None if customer is None else self.at("customer", customer, at)
        plan = self.at("plan", own.plan, at) if own is not None and own.plan is not None else None
        for contract in (own, plan, self.at("default", "", at)):
            if contract is not None:
                yield contract

    def rules(self, customer: str | None, at: datetime) -> tuple[Rule, ...]:
        """All rules that a customer's records are held against, in order."""
        return tuple(rule for contract in self.chain(customer, at) for rule in contract.rules)

    def rule_for(self, customer: str | None, traits: Traits, at: datetime) -> Rule | None:
        """The first rule that fits, or None: list price, billed as it is."""
        return next((rule for rule in self.rules(customer, at) if rule.fits(traits)), None)

    def terms_of(self, contract: Contract, at: datetime) -> Terms:
        """The terms of whoever has a contract at an instant."""
        if contract.kind == "customer":
            return self.terms(contract.id, at)
        default = self.at("default", "", at)
        return _terms([contract, *(() if default is None else (default,))])

    def terms(self, customer: str | None, at: datetime) -> Terms:
        """Currency, time zone and anchor day at an instant: USD, UTC and the first where no contract says.

        Those of a child are its parent's, so that both fit on one invoice.
        """
        return _terms(list(self.chain(customer if customer is None else self.payer(customer, at), at)))

    def invoice_terms(self, customer: str, at: datetime) -> InvoiceTerms:
        """What is agreed for the whole invoice: each term from the first contract of the chain that states it."""
        chain = tuple(self.chain(customer, at))
        key = tuple(map(id, chain))  # of contracts that live as long as the book
        terms = self._invoice_terms.get(key)
        if terms is None:
            terms = self._invoice_terms[key] = InvoiceTerms.first_of(contract.invoice for contract in chain)
        return terms

    def shared_edges(self) -> set[datetime]:
        """Every instant at which the default contract or one of a plan begins or ends."""
        return set(self._shared_edges)

    def edges_for(self, customer: str | None) -> set[datetime]:
        """Every instant at which what is agreed with a customer may change."""
        return self.shared_edges() | (set() if customer is None else self.own_edges(customer))

    def own_edges(self, customer: str) -> set[datetime]:
        """Every instant at which a contract of the customer's own begins or ends."""
        return edges_of(self.versions("customer", customer))


def _terms(chain: Sequence[Contract]) -> Terms:
    return Terms(
        currency=next((contract.currency for contract in chain if contract.currency), "USD"),
        zone=zone(next((contract.time_zone for contract in chain if contract.time_zone), "UTC")),
        anchor_day=next((contract.anchor_day for contract in chain if contract.anchor_day), 1),
    )
