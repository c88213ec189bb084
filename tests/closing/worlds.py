"""Worlds of a few months: customers, what people write about them, and months that are closed meanwhile.

A world is a list of events in order of time and follows from its seed alone. No event needs another one to make
sense, so a story that fails can be told again with events left out. `world_runs` lets a world happen.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from tests.builders import attribution, contract, grants, price, prices, record
from tokentill.canonical import Content
from tokentill.usage.record import UsageRecord

NAMES = ("ann", "bob", "cee", "dan", "eve", "fay", "gus", "hal")
ZONES = ("UTC", "America/New_York", "America/Los_Angeles", "Europe/Berlin", "Pacific/Auckland", "Asia/Kolkata")
ANCHORS = (1, 10, 15, 28, 31)
FIRST_MONTHS = ((2026, 1), (2026, 2), (2026, 8), (2026, 9), (2026, 10), (2026, 12))
FIRST_RATES = {
    "USD-EUR": "0.9",
    "USD-JPY": "150",
    "USD-KWD": "0.31",
    "EUR-USD": "1.11",
    "EUR-JPY": "165",
    "EUR-KWD": "0.34",
    "JPY-USD": "0.0067",
    "JPY-EUR": "0.006",
    "JPY-KWD": "0.002",
    "KWD-USD": "3.2",
    "KWD-EUR": "2.9",
    "KWD-JPY": "484",
}
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)

SORTS = frozenset(
    (
        "late records",
        "backdated prices",
        "contracts that move periods",
        "contracts that move money",
        "changes of currency",
        "changes of parents",
        "bindings",
        "changes of attribution",
        "interim invoices",
        "holds",
        "failures",
        "voids",
    )
)
"""What a world may hold beside usage, prices, terms that stay, and closes."""


@dataclass(frozen=True, slots=True)
class Used:
    """A record arrives."""

    at: datetime
    record: UsageRecord

    def told(self) -> str:
        record = self.record
        counts = ", ".join(f"{count} {name}" for name, count in record.quantities.items())
        key = f", key {record.api_key}" if record.api_key else ""
        return f"{record.record_id} arrives: {record.user or 'no user'}{key}, {record.occurred_at}, {counts}"


@dataclass(frozen=True, slots=True)
class Wrote:
    """A recording is put into the pricing folder. `why` says what it changes."""

    at: datetime
    content: Content
    why: tuple[str, ...] = ()

    def told(self) -> str:
        kept = {
            key: value
            for key, value in self.content.items()
            if key not in ("format", "kind", "recorded_at", "id", "source") and value != []
        }
        id_ = f" {self.content['id']}" if "id" in self.content else ""
        return f"{self.content['kind']}{id_} is written ({', '.join(self.why) or 'first'}): {kept}"


@dataclass(frozen=True, slots=True)
class Bound:
    """A user is bound to a customer."""

    at: datetime
    user: str
    customer: str
    valid_from: datetime

    def told(self) -> str:
        return f"user {self.user} is bound to {self.customer} from {self.valid_from}"


@dataclass(frozen=True, slots=True)
class Failure:
    """What ends a close: an exception after so many invoices, or at a statement, whose transaction is rolled back."""

    after: Literal["invoices", "statements"]
    count: int


@dataclass(frozen=True, slots=True)
class Closed:
    """A month is closed, or interim invoices are made: for these customers, or (True) for those at their threshold."""

    at: datetime
    month: str
    interim: bool | tuple[str, ...] = False
    fails: Failure | None = None

    def told(self) -> str:
        what = "is closed" if self.interim is False else "is billed early"
        whom = f" for {', '.join(self.interim)}" if isinstance(self.interim, tuple) else ""
        fails = f", and it fails after {self.fails.count} {self.fails.after}" if self.fails else ""
        return f"{self.month} {what}{whom}{fails}"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A customer's preview is held, or released again."""

    at: datetime
    month: str
    customer: str
    kind: Literal["held", "released"]

    def told(self) -> str:
        return f"{self.customer} is {self.kind} in {self.month}"


@dataclass(frozen=True, slots=True)
class Voided:
    """The newest document of a customer's month, or the oldest, becomes void, if there is one that may."""

    at: datetime
    month: str
    customer: str
    is_oldest: bool

    def told(self) -> str:
        which = "oldest" if self.is_oldest else "newest"
        return f"the {which} document of {self.customer} for {self.month} becomes void"


Event = Used | Wrote | Bound | Closed | Reviewed | Voided


@dataclass(frozen=True, slots=True)
class World:
    """What happens, in order of time. `months` are all that may have to be closed at its end.

    `is_linear` says that no rule counts on through a period, so that every record has an amount of its own.
    """

    seed: int
    events: tuple[Event, ...]
    months: tuple[str, ...]
    ends_at: datetime
    is_linear: bool

    @classmethod
    def of(cls, seed: int, sorts: Iterable[str] = SORTS) -> World:
        """The world of a seed, with these sorts of events alone."""
        return _Maker(seed, frozenset(sorts)).make()

    def with_events(self, events: Sequence[Event]) -> World:
        """The same with other events."""
        return replace(self, events=tuple(events))


def text_of(at: datetime) -> str:
    """An instant as files have it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def month_plus(month: tuple[int, int], months: int) -> tuple[int, int]:
    """The month that lies so many months later."""
    index = month[0] * 12 + month[1] - 1 + months
    return index // 12, index % 12 + 1


def name_of(month: tuple[int, int]) -> str:
    """`2026-10`."""
    return f"{month[0]:04d}-{month[1]:02d}"


def fx_of(recorded_at: datetime, day: str, rates: Mapping[str, str]) -> Content:
    """A recording of exchange rates of a day, by pair: `{"USD-EUR": "0.9"}`."""
    pairs = [(*pair.split("-"), rate) for pair, rate in rates.items()]
    listed = [{"from": from_, "to": to, "date": day, "rate": rate} for from_, to, rate in pairs]
    return {"format": 1, "kind": "fx", "recorded_at": text_of(recorded_at), "source": "a test", "rate": listed}


@dataclass(slots=True)
class _Agreed:
    """A customer's contract as it was written last."""

    terms: dict[str, Any] = field(default_factory=dict)
    rules: list[Content] = field(default_factory=list)
    invoice: dict[str, Any] = field(default_factory=dict)

    def copied(self) -> _Agreed:
        return _Agreed(dict(self.terms), list(self.rules), dict(self.invoice))


class _Maker:
    """Makes one world. Every choice comes from one source of chance, in a fixed order."""

    def __init__(self, seed: int, sorts: frozenset[str]) -> None:
        self.seed, self.sorts = seed, sorts
        self.chance = random.Random(seed)
        self.first = self.chance.choice(FIRST_MONTHS)
        self.count = self.chance.choice([3, 3, 3, 3, 4, 5])
        self.begins_at = datetime(*self.first, 1, tzinfo=UTC)
        self.ends_at = datetime(*month_plus(self.first, self.count), 1, tzinfo=UTC)
        self.names = NAMES[: self.chance.choice([3, 3, 3, 4, 4, 5, 8])]
        self.parents = self.names[: self.chance.choice([0, 1, 1, 2])]
        self.is_linear = self.chance.random() < 0.6
        self.models = tuple(f"acme/m{number}" for number in range(1, self.chance.randint(1, 3) + 1))
        self.agreed: dict[str, _Agreed] = {}
        self.events: list[Event] = []
        self.billed: list[tuple[datetime, str]] = []  # who may have been billed, and when

    def make(self) -> World:
        self._write_what_holds_at_first()
        self._use()
        self._change_prices()
        self._close()
        self._hold_and_void()
        self._change_contracts()
        self._attribute()
        self._grant()
        events = sorted(self.events, key=lambda event: event.at)
        at = datetime.min.replace(tzinfo=UTC)
        for number, event in enumerate(events):  # no two at one instant, so that an instant says what was known
            at = max(event.at, at + MICROSECOND)
            events[number] = replace(event, at=at)
        return World(
            seed=self.seed,
            events=tuple(events),
            months=tuple(name_of(month_plus(self.first, step)) for step in range(-1, self.count + 1)),
            ends_at=datetime(*month_plus(self.first, self.count + 3), 1, tzinfo=UTC),
            is_linear=self.is_linear,
        )

    # Instants

    def between(self, starts_at: datetime, ends_at: datetime) -> datetime:
        """Any instant in between."""
        return starts_at + self.chance.random() * (ends_at - starts_at)

    def midnight(self, at: datetime | None = None) -> datetime:
        """A local midnight at which a period may begin, in the month of an instant or near it."""
        month = self.first if at is None else (at.year, at.month)
        span = self.count if at is None else 1
        year, number = month_plus(month, self.chance.randint(0 if at is None else -1, span))
        day = min(self.chance.choice(ANCHORS), 28)
        zone = ZoneInfo(self.chance.choice(ZONES))
        return datetime(year, number, day, tzinfo=zone).astimezone(UTC)

    def valid_from(self, at: datetime) -> datetime:
        """When what is written at an instant takes effect: before, then, or later."""
        return self.chance.choice(
            [
                lambda: self.midnight(at),
                lambda: self.midnight(at),
                lambda: at,
                lambda: at - self.chance.random() * 45 * DAY,
                lambda: at + self.chance.random() * 35 * DAY,
            ]
        )()

    def some(self, most: int) -> range:
        """Up to so many times."""
        return range(self.chance.randint(0, most))

    def add(self, event: Event) -> None:
        self.events.append(event)

    # What people write

    def _write_what_holds_at_first(self) -> None:
        at = self.begins_at - 20 * DAY
        self.add(Wrote(at, prices(*(self._price(model) for model in self.models), recorded_at=text_of(at))))
        self.add(Wrote(at, fx_of(at, "2025-01-01", FIRST_RATES)))
        default = self._new_agreement(is_default=True)
        self.agreed["default"] = default
        self.add(Wrote(at, self._contract("default", at, datetime(2025, 1, 1, tzinfo=UTC))))
        plan = contract("plan", "pro", rules=self._rules(), recorded_at=text_of(at), valid_from="2025-01-01T00:00:00Z")
        self.add(Wrote(at, plan))
        for name in self.names:
            if name in self.parents or self.chance.random() < 0.6:
                self.agreed[name] = self._new_agreement()
                if self.parents and name not in self.parents and self.chance.random() < 0.3:
                    self.agreed[name].invoice["parent"] = self.chance.choice(self.parents)
                self.add(Wrote(at, self._contract(name, at, self._begins(name, at))))

    def _begins(self, name: str, at: datetime) -> datetime:
        """When a first contract takes effect; that of a parent has always been."""
        if name in self.parents or "contracts that move periods" not in self.sorts or self.chance.random() < 0.6:
            return datetime(2025, 1, 1, tzinfo=UTC)
        zone = ZoneInfo(self.agreed[name].terms.get("time_zone", "UTC"))
        return datetime(*self.first, 1, tzinfo=zone).astimezone(UTC)

    def _new_agreement(self, *, is_default: bool = False) -> _Agreed:
        agreed = _Agreed(rules=self._rules())
        if is_default:
            agreed.terms = {"currency": "USD", "time_zone": self.chance.choice(("UTC", *ZONES)), "anchor_day": 1}
        else:
            for change in self.chance.sample([*self._terms(), self._plan], self.chance.randint(0, 3)):
                change(agreed)
        for _ in self.some(2):
            change = self.chance.choice(self._conditions())
            if not is_default or change not in (self._base_fee, self._limits):
                change(agreed)
        return agreed

    def _terms(self) -> list[Callable[[_Agreed], None]]:
        return [self._anchor, self._zone, self._currency]

    def _conditions(self) -> list[Callable[[_Agreed], None]]:
        frequent = [self._tax, self._coupon, self._smallest, self._threshold, self._threshold]
        return [*frequent, *frequent, self._base_fee, self._limits]  # with these a month without usage is billed, too

    def _anchor(self, agreed: _Agreed) -> None:
        agreed.terms["anchor_day"] = self.chance.choice(ANCHORS)

    def _zone(self, agreed: _Agreed) -> None:
        agreed.terms["time_zone"] = self.chance.choice(ZONES)

    def _currency(self, agreed: _Agreed) -> None:
        agreed.terms["currency"] = self.chance.choice(["USD", "EUR", "JPY", "KWD"])

    def _plan(self, agreed: _Agreed) -> None:
        if agreed.terms.pop("plan", None) is None:
            agreed.terms["plan"] = "pro"

    def _new_rules(self, agreed: _Agreed) -> None:
        agreed.rules = self._rules()

    def _tax(self, agreed: _Agreed) -> None:
        taxes = [{"name": "VAT", "percent": "19"}, {"name": "levy", "percent": "0.5"}]
        agreed.invoice["tax"] = taxes[: self.chance.randint(0, 2)]

    def _coupon(self, agreed: _Agreed) -> None:
        coupons: list[Content] = [{"id": "half", "percent": "50", "periods": 2}, {"id": "two", "amount": "2"}]
        agreed.invoice["coupon"] = [self.chance.choice(coupons)]

    def _base_fee(self, agreed: _Agreed) -> None:
        agreed.invoice["base_fee"] = {"amount": self.chance.choice(["10", "7.77"])}

    def _smallest(self, agreed: _Agreed) -> None:
        agreed.invoice["smallest_amount"] = self.chance.choice(["5", "40"])

    def _threshold(self, agreed: _Agreed) -> None:
        agreed.invoice["interim_at"] = self.chance.choice(["1", "6", "30"])

    def _limits(self, agreed: _Agreed) -> None:
        agreed.invoice |= self.chance.choice([{"minimum": {"amount": "12"}}, {"cap": {"amount": "25"}}])

    def _rules(self) -> list[Content]:
        plain: list[Content] = [
            {"markup_percent": self.chance.choice(["20", "-10", "12.5"])},
            {"markup_percent": {"output": "50", "default": "3"}},
            {"basis": "own", "rates": {"input": "2.8", "output": "14.01"}},
            {"basis": "cost", "markup_percent": "15"},
            {"add_on": {"request": {"price": "0.002"}, "output_total": {"price": "1.5", "per": 1_000_000}}},
            {"basis": "free"},
        ]
        counting: list[Content] = [
            {"allowance": {"units": {"input_total": 1_000_000}}},
            {"allowance": {"amount": "4"}, "markup_percent": "10"},
            {"tiers": {"kind": "graduated", "over": ["spend"], "tier": [{"up_to": "5"}, {"markup_percent": "-20"}]}},
        ]
        rules = []
        for number in self.some(2):
            rule = {"name": f"rule {number}", **self.chance.choice(plain if self.is_linear else [*plain, *counting])}
            if number == 0 and self.chance.random() < 0.5:
                rule["match"] = {"model": [self.chance.choice(self.models)]}
            rules.append(rule)
        return rules

    def _contract(self, name: str, at: datetime, valid_from: datetime) -> Content:
        agreed = self.agreed[name]
        kind = "default" if name == "default" else "customer"
        more: dict[str, Any] = dict(agreed.terms)
        if agreed.invoice:
            more["invoice"] = dict(agreed.invoice)
        dates = {"recorded_at": text_of(at), "valid_from": text_of(valid_from)}
        return contract(kind, name, rules=agreed.rules, **dates, **more)

    def _price(self, model: str, valid_from: datetime | None = None) -> Content:
        def rates() -> dict[str, str]:
            input_, output = self.chance.randint(1, 8000), self.chance.randint(1, 20_000)
            return {"input": f"{input_ / 1000:.3f}", "output": f"{output / 1000:.3f}"}

        more: dict[str, Any] = {"tier": [{"when": {"input_tokens_gt": 200_000}, "rates": rates()}]}
        if self.chance.random() < 0.7:
            more = {}
        return price(model, rates=rates(), valid_from=text_of(valid_from or datetime(2025, 1, 1, tzinfo=UTC)), **more)

    # What happens meanwhile

    def _use(self) -> None:
        number = 0
        for name in self.names:
            for month in range(self.count):
                begins = datetime(*month_plus(self.first, month), 1, tzinfo=UTC)
                for _ in self.some(3):
                    number += 1
                    occurred_at = self.between(begins, begins + 30 * DAY)
                    if self.chance.random() < 0.4:
                        occurred_at = self.midnight() + self.chance.choice([-1, 0, 0, 1]) * self.chance.choice(
                            [MICROSECOND, timedelta(hours=2), 3 * DAY]
                        )
                        earliest, latest = self.begins_at - timedelta(hours=2), self.ends_at + 3 * DAY
                        occurred_at = min(max(occurred_at, earliest), latest)
                    delay = self.chance.random() * self.chance.choice([1, 1, 2, 60]) * DAY
                    if "late records" not in self.sorts:
                        delay = MICROSECOND
                    self.add(Used(occurred_at + delay, self._record(number, name, occurred_at)))

    def _record(self, number: int, name: str, occurred_at: datetime) -> UsageRecord:
        users = [name] * 8 + [f"org_{name}", f"org_{name}", f"app_{name}", None]
        input_ = self.chance.choice([1_000_000, 2_000_000, 100_000, 200_000, 200_001, self.chance.randint(1, 999_999)])
        output = self.chance.choice([0, 1000, 100_000, self.chance.randint(1, 99_999)])
        return record(
            f"r{number:03d}",
            when=text_of(occurred_at),
            user=self.chance.choice(users),
            api_key=self.chance.choice([None, None, "key_1", "key_2"]),
            model=self.chance.choice(self.models),
            input=input_,
            output=output,
            cost=self.chance.choice(["0.5", "1.25", "0.003"]),
        )

    def _change_prices(self) -> None:
        for _ in self.some(3):
            at = self.between(self.begins_at, self.ends_at)
            backdated = "backdated prices" in self.sorts and self.chance.random() < 0.5
            valid_from = self.valid_from(at)
            if not backdated:
                valid_from = max(valid_from, at)
            entry = self._price(self.chance.choice(self.models), valid_from)
            why = "price step", *(["backdated price"] if valid_from < at else [])
            self.add(Wrote(at, prices(entry, recorded_at=text_of(at)), why))
        for _ in self.some(2):
            at = self.between(self.begins_at, self.ends_at)
            rates = {self.chance.choice(["USD-EUR", "USD-JPY"]): f"0.{self.chance.randint(700, 999)}"}
            self.add(Wrote(at, fx_of(at, f"{at:%Y-%m-%d}", rates), ("exchange rate",)))

    def _change_contracts(self) -> None:
        wanted = {
            "contracts that move periods": [("anchor moves", self._anchor), ("zone moves", self._zone)],
            "changes of currency": [("currency changes", self._currency)],
            "changes of parents": [("parent changes", self._parent)] if self.parents else [],
            "contracts that move money": [
                ("rules change", self._new_rules),
                ("plan changes", self._plan),
                *(("conditions change", condition) for condition in self._conditions()),
            ],
        }
        changes = [listed for sort, listed in wanted.items() if sort in self.sorts and listed]
        if not changes:
            return
        names = [*self.names, *self.parents, *self.names, "default"]
        when = [(self.between(self.begins_at, self.ends_at), self.chance.choice(names)) for _ in self.some(5)]
        when += [(at + self.chance.random() * 10 * DAY, name) for at, name in self._some_billed()]
        for at, name in sorted(when):
            before = self.agreed.get(name, _Agreed())
            self.agreed[name] = before.copied()
            why = []
            for _ in range(self.chance.randint(1, 2)):
                said, change = self.chance.choice(self.chance.choice(changes))
                if change == self._parent and (name == "default" or name in self.parents):
                    continue
                if change in (self._plan, self._currency) and name == "default":
                    continue
                change(self.agreed[name])
                why.append(said)
            if self.agreed[name] == before:
                continue
            valid_from = self.valid_from(at)
            why += ["backdated contract"] if valid_from < at else []
            content = self._contract(name, at, valid_from)
            may_end = name not in ("default", *self.parents) and "contracts that move periods" in self.sorts
            if may_end and self.chance.random() < 0.06:
                content["valid_to"] = text_of(valid_from + self.chance.choice([20, 45]) * DAY)
                why.append("contract ends")
            self.add(Wrote(at, content, tuple(why)))

    def _some_billed(self) -> list[tuple[datetime, str]]:
        """Some of those who may have been billed: what is written right after that is of interest."""
        return [one for one in self.billed if self.chance.random() < 0.25]

    def _parent(self, agreed: _Agreed) -> None:
        if agreed.invoice.pop("parent", None) is None:
            agreed.invoice["parent"] = self.chance.choice(self.parents)

    def _attribute(self) -> None:
        at = self.begins_at - 20 * DAY
        by_template = {"match": {"user": "org_{id}"}, "customer": "{id}"}
        all_may_be_left = {"tolerance_percent": "100"}
        always = {"recorded_at": text_of(at), "valid_from": "2025-01-01T00:00:00Z"}
        self.add(Wrote(at, attribution(by_template, **all_may_be_left, **always)))
        if "changes of attribution" in self.sorts:
            for _ in self.some(2):
                at = self.between(self.begins_at, self.ends_at)
                rules = [
                    by_template,
                    {"match": {"user": "app_{id}"}, "customer": "{id}"},
                    {"match": {"api_key": "key_1"}, "customer": self.chance.choice(self.names)},
                    {"match": {"user": "{id}", "api_key": "key_2"}, "customer": self.chance.choice(self.names)},
                ]
                found = attribution(
                    *self.chance.sample(rules, self.chance.randint(1, 4)),
                    default=self.chance.choice(["each-user", "each-user", "unattributed"]),
                    **all_may_be_left,
                    recorded_at=text_of(at),
                    valid_from=text_of(self.valid_from(at)),
                )
                self.add(Wrote(at, found, ("attribution changes",)))
        if "bindings" in self.sorts:
            for _ in self.some(2):
                at = self.between(self.begins_at, self.ends_at + 10 * DAY)
                user = self.chance.choice(["", "", "org_", "app_"]) + self.chance.choice(self.names)
                self.add(Bound(at, user, self.chance.choice(self.names), self.valid_from(at)))
            for at, name in self._some_billed():
                bound_at = at + self.chance.random() * 10 * DAY
                self.add(Bound(bound_at, name, self.chance.choice(self.names), at - self.chance.random() * 45 * DAY))

    def _grant(self) -> None:
        for number in self.some(4):
            at = self.between(self.begins_at - 20 * DAY, self.ends_at)
            valid_from = self.valid_from(at)
            grant: Content = {
                "id": f"g{number}",
                "customer": self.chance.choice(self.names),
                "amount": self.chance.choice(["3", "10.5", "100"]),
                "currency": self.chance.choice(["USD", "USD", "EUR", "KWD"]),
                "valid_from": text_of(valid_from),
                "priority": self.chance.choice([0, 0, -1]),
            }
            if self.chance.random() < 0.5:
                grant["expires_at"] = text_of(valid_from + self.chance.choice([10, 40]) * DAY)
            self.add(Wrote(at, {**grants(grant), "recorded_at": text_of(at)}, ("grant",)))

    def _close(self) -> None:
        for step in range(self.count):
            month, following = month_plus(self.first, step), month_plus(self.first, step + 1)
            begins, ends = datetime(*month, 1, tzinfo=UTC), datetime(*following, 1, tzinfo=UTC)
            for _ in range(self.chance.choice([0, 1, 1, 1, 2])):
                at = self.between(ends, ends + self.chance.choice([3, 10, 60]) * DAY)
                self.add(Closed(at, name_of(month), fails=self._failure()))
                self.billed.append((at, self.chance.choice(self.names)))
            if self.chance.random() < 0.1:
                self.add(Closed(self.between(begins, ends), name_of(month)))
            if "interim invoices" not in self.sorts:
                continue
            for _ in range(self.chance.choice([0, 0, 1, 1, 1, 2])):
                at = self.between(begins + 10 * DAY, ends + 5 * DAY)
                whom = tuple(self.chance.sample(self.names, self.chance.randint(1, 2)))
                interim = self.chance.choice([True, whom, whom])
                self.add(Closed(at, name_of(month), interim=interim, fails=self._failure()))
                self.billed += [(at, name) for name in whom]

    def _failure(self) -> Failure | None:
        if "failures" not in self.sorts or self.chance.random() < 0.75:
            return None
        if self.chance.random() < 0.5:
            return Failure("invoices", self.chance.randint(1, 3))
        return Failure("statements", self.chance.randint(5, 60))

    def _hold_and_void(self) -> None:
        for step in range(self.count):
            month = name_of(month_plus(self.first, step))
            begins = datetime(*month_plus(self.first, step), 1, tzinfo=UTC)
            if "holds" in self.sorts and self.chance.random() < 0.35:
                customer = self.chance.choice(self.names)
                at = self.between(begins + 10 * DAY, begins + 35 * DAY)
                self.add(Reviewed(at, month, customer, "held"))
                if self.chance.random() < 0.6:
                    self.add(Reviewed(self.between(at, at + 30 * DAY), month, customer, "released"))
            if "voids" in self.sorts and self.chance.random() < 0.35:
                at = self.between(begins + 15 * DAY, begins + 80 * DAY)
                self.add(Voided(at, month, self.chance.choice(self.names), self.chance.random() < 0.25))
                if self.chance.random() < 0.6:
                    self.add(Closed(at + self.chance.random() * 5 * DAY, month))
