"""The requests of the sample month, one generator's draws: ordinary traffic, and requests on every boundary.

Every choice comes from one seeded generator and uses no function whose last digit depends on the machine, so that
the same seed makes the same records anywhere. Costs that the gateway reports follow the list prices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tools.sample.traffic import HABITS, HOURS, MODELS, Model
from tools.sample.users import ORPHAN, USERS, WEB, User

OCTOBER_RECORDS = 22_300
EVE_RECORDS = 48
MORROW_RECORDS = 90
WITHOUT_USER_RECORDS = 430
ORPHANED_RECORDS = 22

MONTH_START = datetime(2026, 10, 1, tzinfo=UTC)
MONTH_END = datetime(2026, 11, 1, tzinfo=UTC)
EVE_HOURS = 4
MORROW_HOURS = 6
SPIKE_DAY = 21
MILLION = Decimal(1_000_000)
THOUSAND = Decimal(1_000)

Record = dict[str, Any]


def weighted(rng: Random, choices: Sequence[tuple[str, int]]) -> str:
    """One of the choices, in proportion to its integer weight."""
    left = rng.randrange(sum(weight for _, weight in choices))
    for choice, weight in choices:
        left -= weight
        if left < 0:
            return choice
    raise AssertionError("the weights were summed above")


def skewed(rng: Random, low: int, high: int) -> int:
    """An integer in [low, high]: mostly near `low`, rarely near `high`, by multiplications alone."""
    share = rng.random()
    return low + int((high - low) * share * share * share)


def price_of(model: Model, mode: str, at: datetime, usage: Mapping[str, int]) -> tuple[Decimal, bool]:
    """What the list price makes of one request in USD, and whether it was priced as long context."""
    priced = model.modes[mode]
    is_long = priced.long_from is not None and usage["prompt"] >= priced.long_from
    rates = priced.long_rates if is_long and priced.long_rates else priced.rates
    peak = model.peak
    if model.earlier and at < model.earlier[0]:
        _, rates, peak = model.earlier
    if peak and at.weekday() < 5 and (1 <= at.hour < 4 or 6 <= at.hour < 10):
        rates = peak
    per_input, per_cached, per_output = map(Decimal, rates)
    tokens = (usage["prompt"] - usage["cached"]) * per_input
    tokens += usage["cached"] * per_cached + usage["completion"] * per_output
    fees = usage.get("searches", 0) * Decimal(model.search_per_1k or 0) + Decimal(model.request_per_1k)
    return tokens / MILLION + fees / THOUSAND, is_long


def instant(at: datetime) -> str:
    """The gateway's way to write an instant: UTC with milliseconds."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


class Month:
    """The records of the sample while they are made; every choice is a draw from one generator."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)  # noqa: S311 - a sample has to be repeatable, not secret
        self.records: list[Record] = []
        self.long_context_ids: set[str] = set()
        self._ids: set[str] = set()

    def record_id(self, at: datetime) -> str:
        """A new id of the gateway's shape. Ids differ in their random half even within one second."""
        while True:
            made = f"gen-{int(at.timestamp())}-{self.rng.getrandbits(64):016x}"
            if made not in self._ids:
                self._ids.add(made)
                return made

    def add(
        self,
        at: datetime,
        model_id: str,
        user: str | None,
        api_key: str,
        usage: Mapping[str, int],
        *,
        mode: str = "standard",
        name: str | None = None,
        is_byok: bool = False,
        has_cost: bool = True,
        finish_reason: str = "stop",
    ) -> Record:
        """Append one record as the gateway would export it, with the cost that its list price makes."""
        model = MODELS[model_id]
        name = name or weighted(self.rng, model.names)
        provider = self.rng.choice(model.providers)
        cost, is_long = price_of(model, mode, at, usage)
        if finish_reason == "error":
            cost = Decimal(0)
        if name.endswith(":nitro"):
            cost *= Decimal("1.08")
        elif provider in ("Azure", "Amazon Bedrock"):
            cost *= Decimal("0.97")
        details: Record = {
            "prompt_tokens": usage["prompt"],
            "completion_tokens": usage["completion"],
            "total_tokens": usage["prompt"] + usage["completion"],
            "prompt_tokens_details": {"cached_tokens": usage["cached"], "cache_write_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": usage["reasoning"]},
        }
        if usage.get("searches"):
            details["server_tool_use_details"] = {"web_search_requests": usage["searches"]}
        if has_cost:
            details["cost"] = cost.quantize(Decimal("1e-12")).normalize()
        details["is_byok"] = is_byok
        record: Record = {"id": self.record_id(at), "created_at": instant(at), "model": name, "provider": provider}
        if user is not None:
            record["user"] = user
        record["api_key"] = api_key
        if mode != "standard":
            record["service_tier"] = mode
        record["usage"] = details
        record["finish_reason"] = finish_reason
        self.records.append(record)
        if is_long:
            self.long_context_ids.add(record["id"])
        return record

    def draw(self, at: datetime, user: User, *, api_key: str | None = None, named: bool = True) -> None:
        """One ordinary request of a user; `named=False` is one where the application forgot to pass the user."""
        rng = self.rng
        model_id = weighted(rng, HABITS[user.habit])
        model = MODELS[model_id]
        api_key = api_key or weighted(rng, user.keys)
        if user.habit == "tiny":
            prompt, completion = rng.randint(12, 60), rng.randint(2, 20)
        else:
            prompt = skewed(rng, model.prompt[0], model.prompt[0] + model.prompt[1] * user.size // 100)
            completion = skewed(rng, *model.completion)
        mode = self._mode(model, api_key)
        if mode != "priority" and model.modes[mode].long_from and rng.randrange(1000) < 7:
            prompt = rng.randint(205_000, 420_000)
        cached = prompt * rng.randrange(20, 92) // 100 // 64 * 64 if prompt > 1_024 and rng.randrange(100) < 46 else 0
        reasoning = completion * rng.randrange(5, 75) // 100 if model.reasons and rng.randrange(100) < 55 else 0
        usage = {"prompt": prompt, "cached": cached, "completion": completion, "reasoning": reasoning}
        if model.search_per_1k and rng.randrange(100) < 4:
            usage["searches"] = rng.randint(1, 4)
        self.add(
            at,
            model_id,
            user.id if named else rng.choice((None, None, None, "")),
            api_key,
            usage,
            mode=mode,
            is_byok=rng.randrange(100) < 3 and "free" not in model_id,
            has_cost=api_key == "key_batch" or rng.randrange(1000) >= 12,
            finish_reason=weighted(rng, (("stop", 84), ("tool_calls", 12), ("length", 4))),
        )

    def _mode(self, model: Model, api_key: str) -> str:
        chance = self.rng.randrange(100)
        if api_key == "key_batch" and "batch" in model.modes and chance < 70:
            return "batch"
        if chance < 3 and "flex" in model.modes:
            return "flex"
        return "priority" if 3 <= chance < 6 and "priority" in model.modes else "standard"

    def moment(self, day: datetime, hours: str) -> datetime:
        """An instant of that day, at the hours when that part of the world works."""
        hour = int(weighted(self.rng, [(str(hour), weight) for hour, weight in enumerate(HOURS[hours])]))
        return day + timedelta(hours=hour, milliseconds=self.rng.randrange(3_600_000))

    def fill(self) -> None:
        """The ordinary traffic: September's last days, October with growth, weekends and a spike, November's start."""
        rng = self.rng
        by_id = {user.id: user for user in USERS}
        weights = [(user.id, user.weight) for user in USERS]
        days = [(str(day), day_weight(day)) for day in range(1, 32)]
        for _ in range(OCTOBER_RECORDS):
            user = by_id[weighted(rng, weights)]
            day = weighted(rng, [entry for entry in days if int(entry[0]) >= user.first_day])
            self.draw(self.moment(MONTH_START + timedelta(days=int(day) - 1), user.hours), user)
        early = [(user.id, user.weight) for user in USERS if user.first_day == 1]
        for _ in range(EVE_RECORDS):
            user = by_id[weighted(rng, early)]
            self.draw(MONTH_START - timedelta(milliseconds=rng.randint(1, EVE_HOURS * 3_600_000)), user)
        for _ in range(MORROW_RECORDS):
            user = by_id[weighted(rng, weights)]
            self.draw(MONTH_END + timedelta(milliseconds=rng.randrange(MORROW_HOURS * 3_600_000)), user)
        for user in USERS:
            if user.habit == "tiny":
                self.draw(self.moment(MONTH_START + timedelta(days=rng.randrange(31)), user.hours), user)
        burst = by_id["user_48213"]
        for _ in range(420):
            at = MONTH_START + timedelta(days=SPIKE_DAY - 1, hours=2, milliseconds=rng.randrange(2 * 3_600_000))
            self.draw(at, burst)
        backend = User("", 0, "chat", "us", WEB, 90)
        for _ in range(WITHOUT_USER_RECORDS):
            at = self.moment(MONTH_START + timedelta(days=rng.randrange(31)), "us")
            self.draw(at, backend, api_key="key_billing", named=False)
        forgotten = User("", 0, "chat", "eu", ORPHAN, 80)
        for _ in range(ORPHANED_RECORDS):
            at = self.moment(MONTH_START + timedelta(days=rng.randrange(31)), "eu")
            self.draw(at, forgotten, api_key="key_orphan", named=False)

    def add_edges(self) -> None:
        """Requests on both sides of every boundary that decides about money."""
        chat = {"prompt": 12_000, "cached": 4_096, "completion": 800, "reasoning": 200}
        for at, user in (
            ("2026-09-30T21:59:59.999", "org_northwind"),  # Berlin, UTC+2
            ("2026-09-30T22:00:00.000", "org_northwind"),
            ("2026-10-31T22:59:59.999", "org_northwind"),  # Berlin, UTC+1
            ("2026-10-31T23:00:00.000", "org_northwind"),
            ("2026-10-01T03:59:59.999", "customer_birch"),  # New York, UTC-4
            ("2026-10-01T04:00:00.000", "customer_birch"),
            ("2026-11-01T03:59:59.999", "customer_birch"),
            ("2026-11-01T04:00:00.000", "customer_birch"),
            ("2026-09-30T23:59:59.999", "user_12345"),
            ("2026-10-01T00:00:00.000", "user_12345"),
            ("2026-10-31T23:59:59.999", "user_12345"),
            ("2026-11-01T00:00:00.000", "user_12345"),
            ("2026-10-14T23:59:59.999", "customer_ember"),  # its contract changes here
            ("2026-10-15T00:00:00.000", "customer_ember"),
        ):
            self.add(utc(at), "openai/gpt-5.4", user, "key_web", chat, name="openai/gpt-5.4")
        for at in (
            *(f"2026-10-05T{time}" for time in ("00:59:59.999", "01:00:00.000", "03:59:59.999", "04:00:00.000")),
            *(f"2026-10-05T{time}" for time in ("05:59:59.999", "06:00:00.000", "09:59:59.999", "10:00:00.000")),
            "2026-10-10T02:00:00.000",  # a Saturday
        ):
            self.add(utc(at), "deepseek/deepseek-v4-flash", "user_20931", "key_web", chat)
        for model_id, tokens, mode in (
            ("openai/gpt-5.4", 272_000, "standard"),
            ("openai/gpt-5.4", 272_001, "standard"),
            ("openai/gpt-5.4", 272_001, "batch"),
            ("google/gemini-2.5-pro", 200_000, "standard"),
            ("google/gemini-2.5-pro", 200_001, "standard"),
            ("x-ai/grok-4.3", 199_999, "standard"),
            ("x-ai/grok-4.3", 200_000, "standard"),
            ("anthropic/claude-sonnet-4.6", 200_001, "standard"),  # its tier was dropped in March
        ):
            usage = {"prompt": tokens, "cached": 65_536, "completion": 1_500, "reasoning": 400}
            self.add(utc("2026-10-12T14:30:00.000"), model_id, "customer_1042", "key_web", usage, mode=mode)
        nothing = {"prompt": 0, "cached": 0, "completion": 0, "reasoning": 0}
        for at, user, key in (
            ("2026-10-06T09:12:44.310", "user_12345", "key_web"),
            ("2026-10-17T18:40:02.007", "app_user_881", "key_mobile"),
            ("2026-10-28T11:05:31.650", "usr_abc123", "key_web"),
        ):
            self.add(utc(at), "openai/gpt-5.4-mini", user, key, nothing, finish_reason="error")


def utc(text: str) -> datetime:
    """The instant that a text without a zone means in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def day_weight(day: int) -> int:
    """How much of October's traffic falls on a day: growth over the month, quiet weekends, one heavy day."""
    weekday = (MONTH_START + timedelta(days=day - 1)).weekday()
    weight = (100 + 2 * day) * (100, 104, 106, 103, 92, 44, 40)[weekday] // 100
    return weight * 23 // 10 if day == SPIKE_DAY else weight
