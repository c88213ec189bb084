"""Random schedules of what people do with records, and whole years of what is learned too late: the long forms.

TOKENTILL_CAMPAIGN_SHARE says which share of the 10,000 schedules and 500 years is run (1).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.campaigns.conftest import Figure, planned
from tests.closing.schedules import Schedule
from tests.closing.years import comes_to_the_same, live

pytestmark = pytest.mark.campaign


def test_every_schedule_ends_as_the_model_says(figure: Figure) -> None:
    with figure("random schedules against a model", planned(10_000)) as count:

        class Counted(Schedule):
            """The same, counted."""

            def teardown(self) -> None:
                """One more."""
                super().teardown()
                count.fired += 1

        run_state_machine_as_test(Counted, settings=settings(max_examples=count.planned, stateful_step_count=15))


def test_every_year_comes_to_the_same_whenever_it_was_learned(tmp_path: Path, figure: Figure) -> None:
    with figure("years in which everything is learned too late", planned(500)) as count:
        for seed in range(count.planned):
            with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
                comes_to_the_same(live(seed, Path(folder)), Path(folder))
            count.fired += 1
