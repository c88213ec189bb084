"""Whatever a surface counts inside or beside, the leaves are what was used; what the totals deny is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways.conventions import CONVENTIONS, Convention, convention_of, leaves_by

COUNT = st.integers(0, 10**9)
LEAVES = ("input", "cache_read", "cache_write", "output", "reasoning")
Leaves = dict[str, int]


def leaves() -> st.SearchStrategy[Leaves]:
    return st.fixed_dictionaries(dict.fromkeys(LEAVES, COUNT))


def reported(used: Leaves, *, cache_inside: bool, reasoning_inside: bool) -> dict[str, int]:
    """What a source says that has this meaning."""
    cached = used["cache_read"] + used["cache_write"]
    return {
        "prompt": used["input"] + (cached if cache_inside else 0),
        "completion": used["output"] + (used["reasoning"] if reasoning_inside else 0),
        "total": sum(used.values()),
        "cached": used["cache_read"],
        "cache_write": used["cache_write"],
        "reasoning_output": used["reasoning"],
    }


def read(convention: Convention, values: dict[str, int]) -> Leaves:
    quantities, usage_state = leaves_by(convention, values)
    assert usage_state == "reported"
    return {name: quantities.get(name, 0) for name in LEAVES}


@pytest.mark.parametrize("convention", sorted(set(CONVENTIONS.values()), key=str), ids=str)
@given(used=leaves())
def test_what_a_row_says_is_what_was_used(convention: Convention, used: Leaves) -> None:
    if convention.cache == "unknown":
        used = {**used, "cache_read": 0, "cache_write": 0}
    if convention.reasoning == "unknown" or convention == Convention("by_total", "by_total"):  # one total, one answer
        used = {**used, "reasoning": 0}
    told = reported(
        used, cache_inside=convention.cache == "inside", reasoning_inside=convention.reasoning.startswith("inside")
    )
    assert read(convention, told) == used


@given(used=leaves(), off=st.integers(1, 1000))
def test_a_total_that_nothing_adds_up_to_is_refused(used: Leaves, off: int) -> None:
    told = reported(used, cache_inside=False, reasoning_inside=True)
    with pytest.raises(InvalidRecord):
        leaves_by(convention_of("bedrock.converse"), {**told, "total": told["total"] + off})


@given(used=leaves())
def test_cached_tokens_are_refused_where_nobody_knows_what_they_are_part_of(used: Leaves) -> None:
    told = reported({**used, "cache_read": used["cache_read"] + 1}, cache_inside=True, reasoning_inside=True)
    with pytest.raises(InvalidRecord, match=r"is not known here"):
        leaves_by(convention_of("bedrock.converse", "openai"), told)


def test_by_total_takes_the_side_that_the_total_shows_and_no_other() -> None:
    convention = Convention("by_total")
    used = dict(zip(LEAVES, (7, 4805, 0, 6, 0), strict=True))
    beside = {"prompt": 7, "cached": 4805, "completion": 6, "total": 4818}
    assert read(convention, beside) == used
    with pytest.raises(InvalidRecord, match=r"tokens of a cache \(4805\)"):
        leaves_by(convention, {**beside, "prompt": 4812})
