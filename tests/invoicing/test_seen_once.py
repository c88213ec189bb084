"""Many users with one request each are not billed as if each were a customer; the message names a rule that fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentill.invoicing.seen_once import UsersSeenOnce, common_template
from tokentill.usage.attribution import template_pattern


@pytest.mark.parametrize(
    ("users", "template"),
    [
        (["sess_1a", "sess_1b", "sess_1c"], "sess_{id}"),
        (["7@chat", "8@chat"], "{id}@chat"),
        (["a-1-z", "a-2-z"], "a-{id}-z"),
        (["sess_1", "sess_2", "other"], "sess_{id}"),
        (["b6f1", "b6f2"], None),
        (["x_1", "y_1", "z_1"], "{id}_1"),
        (["s_", "s_1"], None),
    ],
)
def test_a_template_is_made_of_what_ids_share_on_purpose(users: list[str], template: str | None) -> None:
    assert common_template(sorted(users)) == template


@given(st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=30, unique=True))
def test_a_template_fits_at_least_half_of_the_users(users: list[str]) -> None:
    template = common_template(sorted(users))
    if template is not None:
        fitting = sum(template_pattern(template).fullmatch(user) is not None for user in users)
        assert 2 * fitting >= len(users)


def test_as_many_as_may_be_block_nothing_and_one_more_does() -> None:
    users = [f"sess_{number}" for number in range(5)]
    assert UsersSeenOnce.of(users, 5).blocked_by == ()
    (reason,) = UsersSeenOnce.of(users, 4).blocked_by
    for part in ("5 users", "4 may", "sess_0, sess_1, sess_2", "user = 'sess_{id}'", "users_seen_once_max = 5"):
        assert part in reason


def test_an_id_that_hides_something_is_shown_with_it_escaped() -> None:
    (reason,) = UsersSeenOnce.of(["a\u202eb", "c"], 1).blocked_by
    assert "\u202e" not in reason
    assert r"$'a\342\200\256b'" in reason
