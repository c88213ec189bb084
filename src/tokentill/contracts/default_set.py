"""The default set: what holds of requests of which no contract says anything. Pure.

An error that brought no output and cost nothing is not billed, and an estimate is held until somebody accepts it. A
contract says otherwise by a rule whose `match` names `status`, or `usage_state`: where such a rule is the one that
fits, it decides. docs/contracts.md says the same to people.
"""

from __future__ import annotations

from tokentill.contracts.rules import Rule, Traits

DEFAULT_SET = "default set"

EMPTY_ERRORS = Rule.from_content(
    {
        "name": "error without output and cost",
        "match": {"status": ["error"], "usage_state": ["reported"]},
        "basis": "free",
    },
    contract=DEFAULT_SET,
    number=1,
)
"""The rule of errors without a result. It is known by its hash as any rule is, so it is never changed: another one
takes its place with another version of the calculation."""


def with_default_set(rule: Rule | None, traits: Traits, *, has_result: bool) -> Rule | None:
    """The rule that bills a request, given the first of its contracts that fits.

    Args:
        has_result: whether the request brought output or units of something, or cost anything.
    """
    if has_result or (rule is not None and "status" in rule.match) or not EMPTY_ERRORS.fits(traits):
        return rule
    return EMPTY_ERRORS


def is_held(rule: Rule | None, usage_state: str, *, is_accepted: bool) -> bool:
    """Whether a request under a rule waits for somebody to accept what is an estimate."""
    return usage_state == "estimated" and not (is_accepted or (rule is not None and "usage_state" in rule.match))
