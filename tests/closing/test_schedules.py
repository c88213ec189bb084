"""Random schedules of what people do with records end as an independent model says: the short form."""

from __future__ import annotations

from hypothesis import settings

from tests.closing.schedules import Schedule

TestSchedule = Schedule.TestCase
TestSchedule.settings = settings(max_examples=8, stateful_step_count=12)
