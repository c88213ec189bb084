"""The month before the sample month: mostly the same users, some not there yet, some there for the last time.

It is what October is compared with, and a clean export: nothing in it is repeated or damaged. As October's does, it
reaches into the month that follows, and says of those hours what October's says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tools.sample.month import MONTH_START, Month, Record, instant, weighted
from tools.sample.users import GONE_USERS, ORPHAN, USERS, WEB, User

SEED = 202609
RECORDS = 9_400
WITHOUT_USER_RECORDS = 170
ORPHANED_RECORDS = 6
SIZE_PERCENT = 230
"""How large requests were beside October's: fewer and longer."""
BUSIER = ("org_harbor", "customer_ember", "user_12345", "user_77002")
"""Who used the application more than in October."""

LAUNCH = datetime(2026, 9, 1, 8, tzinfo=UTC)
"""When the application went to the gateway; before, there is nothing."""
SHARED_FROM = MONTH_START - timedelta(hours=4)
SHARED_UNTIL = MONTH_START + timedelta(hours=6)
"""What both exports hold."""


def september(october: Sequence[Record]) -> Month:
    """September's records in order of time; those of the hours that both exports hold are October's."""
    month = Month(SEED)
    rng = month.rng
    users = {
        user.id: replace(user, size=user.size * SIZE_PERCENT // 100)
        for user in (*USERS, *GONE_USERS)
        if not user.is_new
    }
    weights = [(user.id, user.weight * (2 if user.id in BUSIER else 1)) for user in users.values()]
    days = [(str(day), _day_weight(day)) for day in range(30)]

    def moment(hours: str) -> datetime:
        at = month.moment(LAUNCH.replace(hour=0) + timedelta(days=int(weighted(rng, days))), hours)
        if at < LAUNCH:
            return at + timedelta(hours=8)
        return at if at < SHARED_FROM else at - timedelta(hours=4)

    for _ in range(RECORDS):
        user = users[weighted(rng, weights)]
        month.draw(moment(user.hours), user)
    backend, forgotten = User("", 0, "chat", "us", WEB, 90 * SIZE_PERCENT // 100), User("", 0, "chat", "eu", ORPHAN, 80)
    for _ in range(WITHOUT_USER_RECORDS):
        month.draw(moment("us"), backend, api_key="key_billing", named=False)
    for _ in range(ORPHANED_RECORDS):
        month.draw(moment("eu"), forgotten, api_key="key_orphan", named=False)
    first, last = instant(SHARED_FROM), instant(SHARED_UNTIL)
    month.records += [record for record in october if first <= record["created_at"] < last]
    month.records.sort(key=lambda record: (record["created_at"], record["id"]))
    return month


def _day_weight(day: int) -> int:
    """How much of the traffic falls on a day, counted from 0: growth, and quiet weekends."""
    weekday = (LAUNCH + timedelta(days=day)).weekday()
    return (80 + day) * (100, 104, 106, 103, 92, 44, 40)[weekday] // 100
