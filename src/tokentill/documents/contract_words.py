"""Contracts in words: what a rule does, what is agreed for an invoice, what credit there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from tokentill.clock import instant_text
from tokentill.contracts.book import Contract, ContractBook
from tokentill.contracts.commitments import Commitment
from tokentill.contracts.features.tiers import RuleTier
from tokentill.contracts.invoice_terms import Coupon, Grant, InvoiceTerms, Recurring, Tax
from tokentill.contracts.review_bounds import ReviewBounds
from tokentill.contracts.rule_trace import Considered, MatchAsked
from tokentill.contracts.rules import Rule
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import count, exact
from tokentill.recordings.mistakes import near_miss

TERM_NAMES = {
    "base_fee": "base fee",
    "minimum": "minimum",
    "cap": "cap",
    "coupons": "coupon",
    "taxes": "tax",
    "commitment": "commitment",
    "smallest_amount": "smallest amount",
    "interim_at": "interim invoice",
    "lines_by": "lines",
    "adjustments": "corrections in its favour",
    "requires_approval": "approval",
    "approve_within": "approved by policy",
    "park_beyond": "parked",
    "by_policy": "policy",
}
"""The terms of an invoice as `InvoiceTerms` names them, in the order in which they act, and what people call them."""


def contract_label(contract: Contract) -> str:
    """Which contract it is: `customer acme`, `plan standard`, `default`."""
    return "default" if contract.kind == "default" else f"{contract.kind} {shown_id(contract.id)}"


def own_contract_lines(book: ContractBook, customer: str, at: datetime) -> list[str]:
    """What to say before anything else of a customer: that it has no contract, or that another one pays."""
    shown = shown_id(customer)
    versions = book.versions("customer", customer)
    payer = book.payer(customer, at)
    if not versions:
        hint = near_miss(customer, book.customers)
        return [f"no contract is of a customer {shown}" + (f"; {shown_text(hint)}" if hint else "")]
    if book.at("customer", customer, at) is None:
        first = min(version.valid_from for version in versions)
        return [
            f"no contract of {shown} is in force at {instant_text(at)}; its first is valid from {instant_text(first)}"
        ]
    return [] if payer == customer else [f"its usage stands on the invoice of {shown_id(payer)}"]


def rule_text(rule: Rule) -> str:
    """What a rule does, in the order of calculation."""
    parts = [_basis(rule), *_markups(rule.markup_percent)]
    parts += [f"+ {exact(fee.price)} {_per(fee.per, name)}" for name, fee in rule.add_on.items()]
    if rule.tiers is not None:
        tiers = ", ".join(f"{tier.label} {_tier(tier)}" for tier in rule.tiers.tiers)
        at_zero = ", and the first flat amount without usage" if rule.tiers.flat_at_zero else ""
        parts.append(f"{rule.tiers.kind} tiers over {' and '.join(rule.tiers.over)} ({tiers}{at_zero})")
    parts += [f"{name} in packages of {count(box.size)} at {exact(box.price)}" for name, box in rule.package.items()]
    if rule.allowance is not None:
        included = [f"{count(units)} {name}" for name, units in rule.allowance.units.items()]
        included += [f"an amount of {exact(rule.allowance.amount)}"] if rule.allowance.amount is not None else []
        parts.append(f"{' and '.join(included)} included in a period")
    if rule.min_margin is not None:
        parts.append(f"at least {exact(rule.min_margin.percent)} % over the reported cost")
    if rule.credits is not None:
        at_least = f" and at least {count(rule.credits.at_least)}" if rule.credits.at_least else ""
        rounding = f", rounded up for each request{at_least}" if rule.credits.is_per_request else ""
        parts.append(f"in {shown_text(rule.credits.name)} of {exact(rule.credits.worth)}{rounding}")
    if rule.byok_fee is not None:
        parts.append(f"with the caller's own key {exact(rule.byok_fee.percent)} % of the reported cost instead")
    return "; ".join(parts)


def match_text(rule: Rule) -> str:
    """Which records a rule fits."""
    asked = (f"{key} {_alternatives(patterns)}" for key, patterns in rule.match.items())
    return "; ".join(asked) or "anything"


def outcome_text(considered: Considered) -> str:
    """Why a rule won, did not fit, or was not asked."""
    if considered.outcome == "not asked":
        return "not asked, as one before it fits"
    if considered.outcome == "does not fit":
        return "; ".join(_misfit(asked) for asked in considered.asked if not asked.fits)
    fitting = (
        f"{asked.key} {_alternatives(asked.values)} fits {_alternatives(asked.patterns)}" for asked in considered.asked
    )
    return "; ".join(fitting) or "fits every record"


def terms_rows(terms: InvoiceTerms, currency: str) -> Iterator[tuple[str, str, str]]:
    """What is agreed for a whole invoice: key, name, and each thing in words."""
    for key, name in TERM_NAMES.items():
        stated = getattr(terms, key)
        if stated is None:
            continue
        listed = stated if isinstance(stated, tuple) else (stated,)
        yield from ((key, name, term_text(key, term, currency)) for term in listed)
        if not listed:
            yield key, name, "none"


def term_text(key: str, term: object, currency: str) -> str:
    """One thing that is agreed for a whole invoice, in words."""
    unit = f" {currency}" if currency else ""
    if isinstance(term, Recurring):
        days = ", by the days on which it was agreed" if term.is_prorated else ""
        days = days if term.starts is None else f" every year from {term.starts} on{days}"
        return f"{exact(term.amount)}{unit}{days}" + ("" if key != "base_fee" else f" ({shown_text(term.name)})")
    if isinstance(term, Coupon):
        taken = f"{exact(term.percent)} %" if term.percent is not None else f"{exact(term.amount or Decimal(0))}{unit}"
        periods = "" if term.periods is None else f", for {count(term.periods)} periods"
        return f"{shown_id(term.id)}: {taken} off{periods}"
    if isinstance(term, Commitment):
        above = "" if term.overage_factor == 1 else f"; what lies above is billed {exact(term.overage_factor)} times"
        return (
            f"{exact(term.amount)}{unit} from {term.starts} until before {term.ends} ({shown_text(term.name)}){above}"
        )
    if key == "lines_by":
        return f"split by {shown_id(str(term))}"
    if isinstance(term, Tax):
        return f"{shown_text(term.name)} {exact(term.percent)} %"
    if key == "adjustments":
        return "a credit note each" if term == "credit-note" else "lines of the next invoice"
    if key == "requires_approval":
        return "needed before a close" if term else "not needed before a close"
    if key == "by_policy":
        return "may approve it" if term else "never approves it; a person looks"
    if isinstance(term, ReviewBounds):
        return _bounds_text(term, "beyond" if key == "park_beyond" else "up to", unit)
    amount = exact(Decimal(str(term)))
    if key == "smallest_amount":
        return f"below {amount}{unit} nothing is due yet"
    return f"from {amount}{unit} on"


def _bounds_text(bounds: ReviewBounds, side: str, unit: str) -> str:
    stated = (
        ("a total", bounds.total, unit),
        ("a change", bounds.change_percent, " %"),
        ("a change", bounds.change, unit),
    )
    joined = " or " if side == "beyond" else " and "
    return joined.join(f"{what} {side} {exact(number)}{of}" for what, number, of in stated if number is not None)


def grant_text(grant: Grant) -> str:
    """How much a grant is, how often, and what goes over of it."""
    unit = "" if grant.unit is None else f" of {shown_text(grant.unit)}"
    every = "" if grant.every is None else f" every {grant.every}"
    over = ""
    if grant.rollover is not None:
        months = "the month" if grant.rollover.months == 1 else f"the {count(grant.rollover.months)} months"
        over = f", of which up to {exact(grant.rollover.amount_max)} go over into {months} after"
    return f"{exact(grant.amount)} {grant.currency}{unit}{every}{over}"


def grant_rows(grants: Iterable[Grant]) -> list[tuple[str, ...]]:
    """Grants in the order in which they burn: id, amount, priority, since and until when."""
    return [
        (
            shown_id(grant.id),
            grant_text(grant),
            str(grant.priority),
            instant_text(grant.valid_from),
            "" if grant.expires_at is None else instant_text(grant.expires_at),
        )
        for grant in grants
    ]


def _basis(rule: Rule) -> str:
    if rule.basis == "own":
        rates = ", ".join(f"{name} {exact(rate)}" for name, rate in rule.rates.items())
        return f"own rates: {rates} per {count(rule.per)}"
    return {"list": "list price", "cost": "the reported cost", "free": "free"}[rule.basis]


def _markups(markup: Mapping[str, Decimal]) -> list[str]:
    return [
        f"{'+' if percent >= 0 else ''}{exact(percent)} %" + ("" if name == "default" else f" on {name}")
        for name, percent in markup.items()
    ]


def _tier(tier: RuleTier) -> str:
    parts = _markups(tier.markup_percent or {})
    if tier.rates is not None:
        parts.insert(0, "at " + ", ".join(f"{name} {exact(rate)}" for name, rate in tier.rates.items()))
    if tier.flat:
        parts.append(f"flat {exact(tier.flat)}")
    return " and ".join(parts) or "as the rule"


def _per(per: int, name: str) -> str:
    return f"per {name}" if per == 1 else f"per {count(per)} {name}"


def _misfit(asked: MatchAsked) -> str:
    wanted = _alternatives(asked.patterns)
    if not asked.values:
        return f"{asked.key} is not given, and the rule asks for {wanted}"
    return f"{asked.key} {_alternatives(asked.values)} is not {wanted}"


def _alternatives(words: Iterable[str]) -> str:
    return " or ".join(shown_id(word) for word in words)
