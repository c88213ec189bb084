"""Years in which everything is learned too late: late records, retractions, revisions, other prices, contracts, owners.

A year is closed month by month while this happens, and once again by somebody who knew it all from the beginning. Both
come to the same for every customer.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

from tests.builders import attribution, contract, grants, price, prices, record
from tests.closing.test_one_document_a_record import Shop
from tokentill.canonical import Content
from tokentill.clock import instant_text
from tokentill.invoicing.periods import Month
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready
from tokentill.till import Till
from tokentill.usage.record import UsageRecord

FIRST = Month(2026, 1)
USERS = tuple(f"user-{letter}" for letter in "abcdef")
MODELS = ("acme/large", "acme/small")
EUROS: Content = {
    "format": 1,
    "kind": "fx",
    "recorded_at": "2025-01-01T00:00:00Z",
    "source": "a test",
    "rate": [{"from": "USD", "to": "EUR", "date": "2025-01-01", "rate": "0.8571"}],
}
OVER_MONTHS: Content = {
    "commitment": {"amount": "60", "starts": "2026-01-01", "months": 4, "overage_factor": "2"},
    "base_fee": {"amount": "120", "every": "year", "starts": "2026-02-10"},
    "lines_by": ["user"],
}
GRANT: Content = {
    "customer": "user-e",
    "id": "monthly",
    "currency": "USD",
    "amount": "4",
    "valid_from": "2026-01-01T00:00:00Z",
    "every": "month",
    "rollover": {"max": "3", "months": 2},
}
TIERS = {
    "kind": "graduated",
    "over": ["input"],
    "tier": [{"up_to": "3000000"}, {"markup_percent": "-30"}],
}


@dataclass
class Year:
    """What happened, and what is known in the end."""

    seed: int
    months: int = 5
    records: dict[str, UsageRecord] = field(default_factory=dict)
    taken_back: set[str] = field(default_factory=set)
    contents: list[Content] = field(default_factory=list)
    bound: list[tuple[str, str, datetime, str | None]] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    made: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.contents = [*first_contents(self.random)]

    @property
    def month_names(self) -> list[str]:
        """The months of the year."""
        return [str(FIRST.plus(step)) for step in range(self.months)]

    def after(self, step: int) -> datetime:
        """When a month is closed: a week after its end."""
        return FIRST.plus(step + 1).first_instant + timedelta(days=7, hours=9)

    def usage(self, month: int) -> UsageRecord:
        """A new record of a month."""
        self.made += 1
        begins = FIRST.plus(month).first_instant
        at = begins + timedelta(seconds=self.random.randrange(27 * 86_400))
        return record(
            f"r{self.made}",
            user=self.random.choice(USERS),
            model=self.random.choice(MODELS),
            when=instant_text(at),
            input=self.random.randrange(1, 2_000_000),
            output=self.random.randrange(0, 200_000),
        )


def first_contents(random: Random) -> list[Content]:
    """What is agreed from the beginning."""
    beginning = {"recorded_at": "2025-12-01T00:00:00Z", "valid_from": "2025-12-01T00:00:00Z"}
    rules: list[Content] = [{"name": "tiers", "tiers": TIERS}] if random.random() < 0.5 else []
    allowance: Content = {"name": "included", "allowance": {"units": {"input": 1_500_000}}}
    return [
        prices(
            *(price(model, valid_from="2025-12-01T00:00:00Z") for model in MODELS), recorded_at="2025-12-01T00:00:00Z"
        ),
        contract(**beginning),
        contract("customer", "user-a", rules=rules, invoice={"tax": [{"name": "VAT", "percent": "19"}]}, **beginning),
        contract("customer", "user-b", rules=[allowance], currency="EUR", **beginning),
        contract(
            "customer", "user-c", invoice={"minimum": {"amount": "20"}, "adjustments": "credit-note"}, **beginning
        ),
        contract("customer", "user-d", invoice={"cap": {"amount": "9"}, "base_fee": {"amount": "5"}}, **beginning),
        contract("customer", "user-f", invoice=OVER_MONTHS, **beginning),
        grants(GRANT) | {"recorded_at": beginning["recorded_at"]},
        attribution() | beginning,
        EUROS,
    ]


@cache
def lived_year(seed: int) -> Incremental:
    """A year that was lived on SQLite, once a process. Whoever asks looks at it and changes nothing."""
    return live(seed, Path(tempfile.mkdtemp()))


def live(seed: int, folder: Path) -> Incremental:
    """Live a year on SQLite."""
    database = Database.open(str(folder / "lived.db"))
    make_ready(database)
    lived = Incremental(Year(seed), database)
    lived.run()
    return lived


def comes_to_the_same(lived: Incremental, folder: Path) -> None:
    """Hold a year that was lived against the same one, known from the start."""
    known = Database.open(str(folder / "known.db"))
    make_ready(known)
    assert totals(lived.shop.till) == known_from_the_start(lived.year, known), (lived.year.seed, lived.year.happened)
    assert lived.shop.till.late().records == ()
    assert lived.shop.till.verify().is_sound


class Incremental:
    """The year as it was lived: closed month by month."""

    def __init__(self, year: Year, database: Database) -> None:
        self.year = year
        self.shop = Shop(database, *year.contents, now=instant_text(year.after(-1)))

    def run(self) -> None:
        """Close every month, with what is learned in between, and at the end all that is still due."""
        year = self.year
        for step, month in enumerate(year.month_names):
            self.take([year.usage(step) for _ in range(year.random.randrange(4, 12))])
            self.shop.clock.instant = year.after(step)
            for _ in range(year.random.randrange(0, 5) if step else 0):
                self.learn(step)
            self.shop.till.close(month)
        self.settle()

    def settle(self) -> None:
        """Close again until nothing is left; what is known last is billed in a month after the year."""
        year = self.year
        names = [*year.month_names, *(str(FIRST.plus(year.months + step)) for step in range(3))]
        for step in range(3):
            self.shop.clock.instant = year.after(year.months + step)
            for month in names[: year.months + step + 1]:
                closed = self.shop.till.close(month)
                assert not closed.refused, closed.refused

    def take(self, records: list[UsageRecord]) -> None:
        """Take new records in."""
        for one in records:
            self.year.records[one.record_id] = one
        self.shop.take(*records)

    def learn(self, step: int) -> None:
        """One thing that changes months that are closed."""
        year, random = self.year, self.year.random
        deeds = (self.late, self.take_back, self.revise, self.price, self.agree, self.bind)
        deed = random.choice(deeds)
        if deed(step):
            year.happened[deed.__name__] += 1

    def late(self, step: int) -> bool:
        self.take([self.year.usage(self.year.random.randrange(step)) for _ in range(2)])
        return True

    def _known(self) -> list[str]:
        return sorted(self.year.records.keys() - self.year.taken_back)

    def take_back(self, _: int) -> bool:
        id_ = self.year.random.choice(self._known())
        self.shop.till.retract(record=("arouter", id_), reason="a test")
        self.year.taken_back.add(id_)
        return True

    def revise(self, _: int) -> bool:
        id_ = self.year.random.choice(self._known())
        old = self.year.records[id_]
        new = replace(old, quantities={**old.quantities, "input": self.year.random.randrange(1, 2_000_000)})
        if new == old:
            return False
        self.take([new])
        self.shop.till.accept_revision("arouter", id_, digest=new.digest.hex(), reason="final")
        return True

    def write(self, content: Content) -> None:
        self.year.contents.append(content)
        self.shop.write(*self.year.contents)

    def _stated(self, step: int) -> Content:
        valid_from = FIRST.plus(self.year.random.randrange(step)).first_instant
        valid_from += timedelta(days=self.year.random.randrange(20))
        at = self.shop.clock.instant = self.shop.clock.instant + timedelta(minutes=1)
        return {"recorded_at": instant_text(at), "valid_from": instant_text(valid_from)}

    def price(self, step: int) -> bool:
        stated, random = self._stated(step), self.year.random
        rates = {"input": str(random.randrange(1, 9)), "output": str(random.randrange(5, 30))}
        entry = price(random.choice(MODELS), rates=rates, valid_from=stated["valid_from"])
        self.write(prices(entry, recorded_at=stated["recorded_at"]) | {"applies_to_closed": True})
        return True

    def agree(self, step: int) -> bool:
        random, stated = self.year.random, self._stated(step)
        rule = {"name": "negotiated", "markup_percent": str(random.randrange(-50, 50))}
        customer = random.choice(("user-a", "user-b", "user-e"))
        currency = {"currency": "EUR"} if customer == "user-b" else {}
        self.write(contract("customer", customer, rules=[rule], applies_to_closed=True, **stated, **currency))
        return True

    def bind(self, step: int) -> bool:
        random = self.year.random
        user, customer = random.choice(USERS), random.choice((*USERS, "a-new-one"))
        valid_from = FIRST.plus(random.randrange(step)).first_instant + timedelta(days=random.randrange(20))
        binding = (user, customer, valid_from, None)
        self.year.bound.append(binding)
        return bool(self.shop.till.bind([binding]))


def totals(till: Till) -> dict[tuple[str, str], int]:
    """What all live documents of each customer come to in each currency, in minor units."""
    sums: Counter[tuple[str, str]] = Counter()
    for one in till.invoices():
        if one.status == "issued":
            sums[one.customer, one.currency] += one.total_minor
    return {key: total for key, total in sums.items() if total}


def known_from_the_start(year: Year, database: Database) -> dict[tuple[str, str], int]:
    """What the year comes to for whoever knew everything when it was closed."""
    shop = Shop(database, *year.contents, now=instant_text(year.after(year.months + 3)))
    if year.bound:
        shop.till.bind(year.bound)
    shop.till.ingest(one for id_, one in sorted(year.records.items()) if id_ not in year.taken_back)
    for step in range(year.months + 3):
        shop.till.close(str(FIRST.plus(step)))
    return totals(shop.till)
