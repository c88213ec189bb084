"""Random schedules of what people do with records end as an independent model says: the long form.

TOKENTILL_CAMPAIGN_SHARE says which share of the 10,000 schedules is run (1).
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.campaigns.conftest import Figure
from tests.closing.schedules import Schedule

SCHEDULES = 10_000
SHARE = float(os.environ.get("TOKENTILL_CAMPAIGN_SHARE", "1"))


@pytest.mark.campaign
def test_every_schedule_ends_as_the_model_says(figure: Figure) -> None:
    planned = max(1, round(SCHEDULES * SHARE))
    run = Counted.run_count
    run_state_machine_as_test(Counted, settings=settings(max_examples=planned, stateful_step_count=15))
    figure("random schedules against a model", planned, Counted.run_count - run)


class Counted(Schedule):
    """The same, counted."""

    run_count = 0

    def teardown(self) -> None:
        """One more."""
        super().teardown()
        Counted.run_count += 1
