"""What a document draws from commitments over a term: in all what the term as a whole comes to, less what documents of
other periods have of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction

from tokentill.verification.amounts import NOTHING, minor, minor_text, minor_unit, text_of
from tokentill.verification.rating.memory import Charge
from tokentill.verification.terms.keys import Table
from tokentill.verification.totals.due import Account, Drawn, Owed


def draw_down(
    terms: Sequence[Table],
    owed: Owed,
    period: tuple[datetime, datetime],
    currency: str,
    account: Account,
    *,
    is_period: bool,
) -> list[Drawn]:
    """What usage of a period draws from each, and what is billed for the rest where its term ends."""
    found = []
    for term in terms:
        inside = (
            amount for at, amount in zip(owed.parts, owed.by_part, strict=True) if term["from"] <= at < term["to"]
        )
        key, used = term["starts"], minor(sum(inside, NOTHING), currency)
        before, over_before, trued_up = (
            account.terms.get((kind, key), 0) for kind in ("commitment", "overage", "true_up")
        )
        amount = minor(Fraction(term["amount"]), currency)
        above = before + used - amount
        over = max(0, above) - over_before
        ends = is_period and period[0] < term["to"] <= period[1]
        is_over = ends or (is_period and ("true_up", key) in account.terms)
        figures = {"of": amount, "before": before, "drawn": used, "over": over}
        said = {"starts": key, "ends": term["ends"]}
        said |= {of: minor_text(one, currency) for of, one in figures.items()}
        name = term.get("name", "commitment")
        true_up = max(0, -above) - trued_up if is_over else 0
        found.append(Drawn(name, said, true_up, ends, _overage(name, over, term, currency)))
    return found


def _overage(name: str, over: int, term: Table, currency: str) -> Charge | None:
    factor, above = Fraction(term.get("overage_factor", 1)) - 1, Fraction(over, minor_unit(currency))
    if not above or not factor:
        return None
    stated = {"name": name, "quantity": 1, "rate": text_of(factor), "of_amount": text_of(above)}
    return Charge("overage", f"overage, {name}", None, above * factor, stated)
