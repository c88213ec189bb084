"""What holds of requests of which no contract says anything, since the calculation has a default set.

Errors that brought nothing and cost nothing are not billed, and estimates wait until somebody accepts them.
"""

from __future__ import annotations

from tokentill.canonical import content_hash
from tokentill.verification.terms.keys import Table

SINCE = 5
"""The version of the calculation from which on there is a default set."""

_STATED = {
    "name": "error without output and cost",
    "match": {"status": ["error"], "usage_state": ["reported"]},
    "basis": "free",
    "contract": "default set",
}
_EMPTY_ERRORS: Table = {**_STATED, "hash": content_hash(_STATED)}


def rule_under_default_set(rule: Table | None, series: Table, *, has_result: bool) -> Table | None:
    """The rule that bills requests of a series, given the first one of the contracts that fits."""
    is_empty_error = series["status"] == "error" and series["usage_state"] == "reported" and not has_result
    return _EMPTY_ERRORS if is_empty_error and "status" not in asked_by(rule) else rule


def asked_by(rule: Table | None) -> Table:
    """What a rule matches."""
    return {} if rule is None else rule.get("match", {})
