"""Who appears in the sample month: the users of the application, with what they do and the keys they come by.

Ids that are odd on purpose are the sample's `ODD_IDS`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tokentill.sample import ODD_IDS


@dataclass(frozen=True, slots=True)
class User:
    """One end user (or tenant) of the application, as the gateway sees it."""

    id: str
    weight: int
    habit: str
    hours: str
    keys: tuple[tuple[str, int], ...]
    size: int = 100
    first_day: int = 1
    is_new: bool = False
    """Whether the user came in October."""


WEB = (("key_web", 100),)
MOBILE = (("key_mobile", 92), ("key_web", 8))
MIXED = (("key_web", 74), ("key_batch", 16), ("key_mobile", 10))
BATCHES = (("key_batch", 62), ("key_web", 38))
ORPHAN = (("key_orphan", 100),)

SCRIPT_USER, QUOTED_USER = ODD_IDS["HTML and quotes"]
(CONTROL_USER,) = ODD_IDS["a control character, which no id may hold"]
HOSTILE_USERS = tuple(
    id_ for ids in ODD_IDS.values() for id_ in ids if id_ not in (SCRIPT_USER, QUOTED_USER, CONTROL_USER)
)


def _hashed(number: int) -> str:
    """The shape that the gateway's guide recommends: the first 16 hex digits of a SHA-256."""
    return hashlib.sha256(f"sample user {number}".encode()).hexdigest()[:16]


USERS: tuple[User, ...] = (
    User("org_northwind", 3_000, "agent", "eu", MIXED, 110),
    User("customer_acme", 2_100, "agent", "us", MIXED, 90),
    User("org_harbor", 1_500, "agent", "us", WEB, 80),
    User("customer_cobalt", 1_250, "agent", "asia", BATCHES, 75),
    User("customer_birch", 1_050, "chat", "us", MIXED),
    User("customer_dune", 900, "agent", "eu", (("key_web", 80), ("key_billing", 20)), 70),
    User("user_48213", 780, "chat", "asia", WEB),
    User("customer_ember", 700, "research", "eu", WEB),
    User("org_lumen", 620, "gemini", "us", MIXED),
    User("user_12345", 560, "chat", "us", WEB),
    User("org_zephyr", 520, "agent", "eu", MIXED, 60, first_day=14, is_new=True),
    User("customer_1042", 470, "research", "us", WEB),
    User("app_user_881", 430, "chat", "us", MOBILE),
    User("org_meridian", 390, "chat", "asia", MIXED),
    User("user_20931", 360, "budget", "asia", WEB),
    User("usr_abc123", 330, "chat", "eu", WEB, is_new=True),
    User("app_user_1207", 300, "chat", "eu", MOBILE, 70),
    User("customer_2087", 280, "budget", "eu", BATCHES),
    User(_hashed(1), 260, "chat", "us", ORPHAN, 80),
    User("user_30415", 240, "research", "us", WEB, 60, is_new=True),
    User("usr_k3v9qp", 220, "chat", "asia", WEB, 60),
    User("app_user_3345", 205, "budget", "us", MOBILE, is_new=True),
    User("org_tallgrass", 190, "agent", "us", WEB, 35),
    User("user_77002", 175, "budget", "eu", WEB),
    User(_hashed(2), 160, "budget", "asia", ORPHAN),
    User("usr_7hd2mx", 148, "chat", "us", WEB, 50),
    User("app_user_5512", 136, "budget", "asia", MOBILE),
    User(SCRIPT_USER, 124, "chat", "eu", WEB, 40),
    User("user_61180", 112, "budget", "us", WEB, 70),
    User(QUOTED_USER, 100, "chat", "us", WEB, 40),
    User(_hashed(3), 88, "budget", "eu", ORPHAN, 60, is_new=True),
    User("customer_3310", 78, "budget", "us", WEB),
    User("usr_tq81zn", 66, "budget", "eu", WEB, 40),
    User("app_user_9003", 56, "budget", "asia", MOBILE, 40),
    User("user_90001", 48, "free", "us", WEB),
    User(_hashed(4), 36, "budget", "us", ORPHAN, 30),
    User("user_50577", 26, "budget", "asia", WEB, 20),
    User("usr_w0f5lc", 4, "tiny", "us", WEB, 8),
    User("app_user_10077", 3, "tiny", "eu", MOBILE, 5),
    User(_hashed(5), 2, "tiny", "asia", ORPHAN, 4),
    *(User(id_, 14, "budget", "us", WEB, 25) for id_ in HOSTILE_USERS),
)

GONE_USERS = (
    User("org_quarry", 420, "agent", "us", WEB, 60),
    User("user_66120", 240, "chat", "eu", WEB),
    User("app_user_2290", 60, "budget", "asia", MOBILE),
)
"""Who used the application in September for the last time."""
