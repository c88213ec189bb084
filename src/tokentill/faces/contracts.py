"""`till.contracts`: check, look at, explain and compare contracts. Only what was issued needs a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING, Any

from tokentill.clock import SYSTEM_CLOCK, Clock, instant_text
from tokentill.contracts.book import ContractBook
from tokentill.contracts.default_set import DEFAULT_SET, EMPTY_ERRORS, is_held
from tokentill.contracts.rule_trace import Considered, chosen_rule, consider_rules, known_by
from tokentill.contracts.rules import RequestTraits
from tokentill.documents.contract_words import own_contract_lines
from tokentill.documents.views.contracts import Agreement, ContractedCustomers, ExplainedContract, PricedRequest
from tokentill.errors import InvalidCall, NotFound, Refused
from tokentill.faces.arguments import instant_of, of_type, one_of, optional, text_of, texts_of
from tokentill.faces.pricing import Pricing
from tokentill.prices.book import NoPrice, PriceBook
from tokentill.prices.fx import FxBook
from tokentill.usage.globs import glob_fits
from tokentill.usage.record import STANDARD, STATUSES, USAGE_STATES

if TYPE_CHECKING:
    from tokentill.documents.views.checks import FolderCheck
    from tokentill.documents.views.contracts import ContractChanges
    from tokentill.documents.views.effective_prices import EffectiveCard
    from tokentill.documents.views.lists import ContractList
    from tokentill.faces.sides import SideGiven
    from tokentill.invoicing.coverage import KeptBoundary

KeptBoundaries = Callable[[], Sequence["KeptBoundary"]]
"""Where contracts would move a boundary, had nothing been issued; a `Till` can tell."""


NO_TRAITS: Mapping[str, Any] = {
    "source": "",
    "user": None,
    "api_key": None,
    "provider": None,
    "tags": (),
    "status": "ok",
    "usage_state": "reported",
    "is_byok": False,
    "is_replayed": False,
    "zero_cost": False,
}
"""Of a request of which nothing is known but its model and mode."""


@dataclass(frozen=True, slots=True)
class _Explainer:
    prices: PriceBook
    contracts: ContractBook
    fx: FxBook

    def explained(
        self, customer: str, model: str, at: datetime, mode: str, input_tokens: int, traits: Mapping[str, Any]
    ) -> ExplainedContract:
        """Which rule bills such requests, and what each quantity then costs."""
        canonical = self.prices.canonical_model(model, at) or model
        request = RequestTraits(model=canonical, mode=mode, **{**NO_TRAITS, **traits})
        considered = tuple(consider_rules(self.contracts, customer, request, at))
        chosen = chosen_rule(considered)
        priced = PricedRequest.under(
            None if chosen is None else chosen.rule,
            self.prices.rate_card(model, at=at, mode=mode, input_total=input_tokens),
            self.contracts.terms(customer, at).currency,
            self.fx,
            at.date(),
        )
        notes = (*own_contract_lines(self.contracts, customer, at), *_of_default_set(request, chosen))
        return ExplainedContract(customer, model, canonical, mode, at, considered, priced, notes)

    def kinds_of(self, model: str, at: datetime) -> Iterator[tuple[str, int]]:
        """The modes of a model that has a price, each with an input total for each of its tiers by context length."""
        entry = self.prices.entry_at(model, at)
        for mode in () if isinstance(entry, NoPrice) else (STANDARD, *sorted(entry.modes)):
            seen: set[str | None] = set()
            for input_total in (0, *(threshold + 1 for threshold in sorted(self.prices.thresholds()))):
                card = self.prices.rate_card(model, at=at, mode=mode, input_total=input_total)
                if not isinstance(card, NoPrice) and card.choice.tier not in seen:
                    seen.add(card.choice.tier)
                    yield mode, input_total


def _of_default_set(request: RequestTraits, chosen: Considered | None) -> Iterator[str]:
    """What the default set says of such requests, where their rule leaves it to it."""
    asked = () if chosen is None else chosen.rule.match
    if EMPTY_ERRORS.fits(request) and "status" not in asked:
        yield f"{DEFAULT_SET}: such a request is not billed without output and cost, as its rule does not name status"
    if is_held(None if chosen is None else chosen.rule, request.usage_state, is_accepted=False):
        yield f"{DEFAULT_SET}: an estimate is held until somebody accepts it, as its rule does not name usage_state"


class Contracts:
    """The contracts of a folder. A `Till` has one; `Contracts.open` makes one without a till."""

    def __init__(
        self, pricing: Pricing, *, clock: Clock = SYSTEM_CLOCK, kept_boundaries: KeptBoundaries | None = None
    ) -> None:
        self._pricing = pricing
        self._clock = clock
        self._kept_boundaries = kept_boundaries

    @classmethod
    def open(cls, pricing: str | PathLike[str] | None = None, *, cache: str | PathLike[str] | None = None) -> Contracts:
        """The contracts of a folder as `pricing/`; None is the one that settings lead to (see `Till.open`).

        Raises:
            InvalidCall: when there is no such folder.
        """
        return cls(Pricing(pricing, cache=cache))

    def check(self) -> FolderCheck:
        """Check the folder as it lies there now. A till holds contracts against what was issued, too, if anything was.

        Mistakes are findings, not errors. A database that is not ready is told in `not_compared`.
        """
        checked = self._pricing.check(self._clock.now())
        if checked.size is None or self._kept_boundaries is None:
            return checked
        try:
            return replace(checked, kept_boundaries=tuple(self._kept_boundaries()))
        except Refused as refusal:  # a check of files needs no database
            return replace(checked, not_compared=str(refusal))

    def customers(self, *, as_of: datetime | None = None) -> ContractedCustomers:
        """Everybody who has a contract, as it was known then; everything is known unless given.

        Raises:
            InvalidFiles: when the folder has mistakes.
        """
        return ContractedCustomers(tuple(self._book(optional(instant_of, "as_of", as_of)).customers))

    def list_(self, *, at: datetime | None = None) -> ContractList:
        """Every version of every contract, with the terms that hold under it at an instant; now unless given.

        A version that is not in force then is shown with the terms of its first instant.

        Raises:
            InvalidFiles: when the folder has mistakes.
        """
        from tokentill.documents.views.lists import ContractList, ListedContract

        instant, book = optional(instant_of, "at", at) or self._clock.now(), self._book(None)
        listed = []
        for contract in book.contracts:
            id_ = "" if contract.kind == "default" else contract.id
            in_force = book.at(contract.kind, id_, instant) == contract
            terms = book.terms_of(contract, instant if in_force else contract.valid_from)
            listed.append(
                ListedContract(
                    *(contract.kind, id_, contract.plan, terms.currency, str(terms.zone)),
                    *(contract.valid_from, contract.valid_to, in_force, self._pricing.folder.paths[contract.hash]),
                )
            )
        return ContractList(instant, tuple(listed))

    def show(self, customer: str, *, at: datetime | None = None, as_of: datetime | None = None) -> Agreement:
        """All that is agreed with a customer: its contracts, the terms of its invoices, its prepaid credits.

        Somebody without a contract has the default one.

        Args:
            at: when; now unless given.
            as_of: as it was known then; everything unless given.

        Raises:
            InvalidFiles: when the folder has mistakes.
        """
        customer = text_of("customer", customer)
        book = self._book(optional(instant_of, "as_of", as_of))
        return Agreement(
            customer, optional(instant_of, "at", at) or self._clock.now(), book, self._pricing.folder.paths
        )

    def explain(
        self,
        customer: str,
        model: str,
        *,
        at: datetime | None = None,
        as_of: datetime | None = None,
        provider: str | None = None,
        mode: str = STANDARD,
        api_key: str | None = None,
        user: str | None = None,
        source: str = "",
        tags: Sequence[str] = (),
        status: str = "ok",
        usage_state: str = "reported",
        is_byok: bool = False,
        is_replayed: bool = False,
        zero_cost: bool = False,
        input_tokens: int = 0,
    ) -> ExplainedContract:
        """Which rule bills a customer's requests to a model, why, and what each quantity then costs.

        Args:
            at: when; now unless given.
            as_of: as it was known then; everything unless given.
            provider, mode, api_key, user, source, tags: traits of the requests, as a record has them. A trait that is
                not given fits no rule that asks for it.
            status, usage_state, is_byok, is_replayed: the same.
            zero_cost: whether the gateway reports a cost of 0.
            input_tokens: for prices by context length.

        Raises:
            InvalidFiles: when the folder has mistakes.
        """
        customer, model = text_of("customer", customer), text_of("model", model)
        mode = text_of("mode", mode) if mode != "" else STANDARD
        if type(input_tokens) is not int or input_tokens < 0:
            raise InvalidCall(f"input_tokens=... must be a number of tokens, not {input_tokens!r}")
        instant, known_at = optional(instant_of, "at", at) or self._clock.now(), optional(instant_of, "as_of", as_of)
        books = self._books(known_at)
        traits = {
            "source": text_of("source", source) if source else "",
            "user": optional(text_of, "user", user),
            "api_key": optional(text_of, "api_key", api_key),
            "provider": optional(text_of, "provider", provider),
            "tags": texts_of("tags", tags),
            "status": one_of("status", status, STATUSES),
            "usage_state": one_of("usage_state", usage_state, USAGE_STATES),
            "is_byok": of_type("is_byok", is_byok, bool),
            "is_replayed": of_type("is_replayed", is_replayed, bool),
            "zero_cost": of_type("zero_cost", zero_cost, bool),
        }
        return books.explained(customer, model, instant, mode, input_tokens, traits)

    def card(
        self,
        customer: str,
        *,
        at: datetime | None = None,
        as_of: datetime | None = None,
        model: str | None = None,
    ) -> EffectiveCard:
        """What each model costs a customer: for a million of each kind of token and for each unit, and by which rule.

        Args:
            at: when; now unless given.
            as_of: as it was known then; everything unless given.
            model: a glob of `*` and `?` that the models fit; all unless given.

        Raises:
            InvalidFiles: when the folder has mistakes.
            NotFound: when no model that fits has a price then.
        """
        from tokentill.documents.views.effective_prices import EffectiveCard

        customer, glob = text_of("customer", customer), "*" if model is None else text_of("model", model)
        instant = optional(instant_of, "at", at) or self._clock.now()
        books = self._books(optional(instant_of, "as_of", as_of))
        priced = tuple(
            books.explained(customer, name, instant, mode, input_tokens, NO_TRAITS)
            for name in books.prices.models
            if glob_fits(glob, name)
            for mode, input_tokens in books.kinds_of(name, instant)
        )
        if not priced:
            raise NotFound(f"no model that fits {glob!r} has a price at {instant_text(instant)}")
        currency = books.contracts.terms(customer, instant).currency
        return EffectiveCard(customer, instant, currency, priced, priced[0].notes)

    def diff(
        self, before: SideGiven, after: SideGiven, *, at: datetime | None = None, as_of: bool = False
    ) -> ContractChanges:
        """What differs between the contracts of two instants, or of two folders (see `Prices.diff`).

        Raises:
            InvalidCall: when the two are of two kinds.
        """
        from tokentill.contracts.diff import compare_contracts, compare_grants, contracts_at, grants_at
        from tokentill.documents.views.contracts import ComparedContracts, ContractChanges
        from tokentill.faces.sides import sides_of

        sides = sides_of(self._pricing, before, after, at=at, as_of=as_of, clock=self._clock)
        known = [known_by(side.folder.contracts, side.as_of) for side in sides]
        contracts = [contracts_at(contents, side.at) for contents, side in zip(known, sides, strict=True)]
        grants = [grants_at(contents, side.at) for contents, side in zip(known, sides, strict=True)]
        first, second = (
            ComparedContracts(side.given, side.at, len(in_force))
            for side, in_force in zip(sides, contracts, strict=True)
        )
        return ContractChanges(first, second, tuple(compare_contracts(*contracts)), tuple(compare_grants(*grants)))

    def _books(self, as_of: datetime | None) -> _Explainer:
        folder = self._pricing.folder
        return _Explainer(folder.price_book(as_of), self._book(as_of), FxBook(known_by(folder.fx, as_of)))

    def _book(self, as_of: datetime | None) -> ContractBook:
        return ContractBook(known_by(self._pricing.folder.contracts, as_of))
