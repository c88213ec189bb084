"""Random schedules of what people do with records end as an independent model says: the short form."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.closing.schedules import Schedule


def test_every_schedule_ends_as_the_model_says() -> None:
    run_state_machine_as_test(Schedule, settings=settings(max_examples=6, stateful_step_count=12))
