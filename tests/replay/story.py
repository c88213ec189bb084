"""Months with everything that the tables of a version can hold: what golden replays and migrations are tried with.

Runs under older code as well, as far as its tables go (see `tests.replay.make`).
"""

from __future__ import annotations

import sys
from datetime import date, timedelta
from functools import partial

from sqlalchemy import text

from tests.builders import MovableClock, at, attribution, contract, folder, grants, openings, price, prices, record
from tests.documents import everything as agreed
from tokentill.canonical import Content
from tokentill.store.database import Database
from tokentill.store.migrating import upgrade
from tokentill.stripe_push.gateway import StripeGateway
from tokentill.testing.stripe import API_KEY, StripeStandIn
from tokentill.till import Till

SEPTEMBER, OCTOBER, NOVEMBER = agreed.SEPTEMBER, agreed.OCTOBER, "2026-11"
DECISIONS, RETRACTIONS, CORRECTIONS, MANUAL_LINES, TERMS_OVER_MONTHS = "0006", "0008", "0009", "0010", "0011"
CONTROL_TOTALS = "0012"
REQUESTS = "0015"
"""The first tables that hold each of these."""
NEWEST = "9999"
"""Tables that hold everything."""

VAT: Content = {"tax": [{"name": "VAT", "percent": "19"}]}
HANA = contract("customer", "hana", invoice={**VAT, "coupon": [{"id": "ten", "percent": "10"}]})
BY_NEXT_INVOICE: Content = {**VAT, "minimum": {"amount": "20"}}
BY_CREDIT_NOTE: Content = {**VAT, "minimum": {"amount": "2"}, "adjustments": "credit-note"}
EASY: Content = {"approve_within": {"total": "1000", "change_percent": "1000", "change": "1000"}}
COMMITTED: Content = {
    "commitment": {"amount": "20", "starts": "2026-10-01", "months": 2, "overage_factor": "1.5"},
}
OVER_MONTHS: list[Content] = [
    contract(
        "customer",
        "finn",
        invoice={
            "commitment": {"amount": "60", "starts": "2026-10-01", "months": 2, "overage_factor": "2"},
            "base_fee": {"amount": "120", "every": "year", "starts": "2026-10-10"},
            "lines_by": ["user"],
        },
    ),
    openings({"id": "old", "amount": "5", "customer": "hana"}),
    grants(
        {
            "customer": "dora",
            "id": "monthly",
            "amount": "4",
            "valid_from": "2026-10-01T00:00:00Z",
            "every": "month",
            "rollover": {"max": "3", "months": 2},
        }
    ),
]
DEARER = prices(
    price("acme/large", rates={"input": "4", "output": "20"}, valid_from="2026-10-10T00:00:00Z"),
    recorded_at="2026-11-20T00:00:00Z",
) | {"applies_to_closed": True}

MILLION = 1_000_000
CUSTOMERS = {"dora": "", "gil": "", "hana": "", "finn": TERMS_OVER_MONTHS, "ines": MANUAL_LINES}
"""Who is there beside those of `tests.documents.everything`, and since which tables."""


def lived(database: Database, tables: str = NEWEST) -> Till:
    """September to November, in a database whose data fit into the tables of a version."""
    life = _Life(database, tables)
    life.until_october()
    life.from_november()
    return life.shop


class _Life:
    """What happens, one part after the other."""

    def __init__(self, database: Database, tables: str) -> None:
        self._tables = tables
        self._customers = [name for name, since in CUSTOMERS.items() if tables >= since]
        self._clock = MovableClock(at("2026-10-02T09:00Z"))
        base = agreed.everything()
        self._contents = [*base.prices, *base.contracts, *base.fx, attribution(), *self._terms()]
        self.shop = Till(database, folder(*self._contents), clock=self._clock, grace=timedelta(0))

    def _terms(self) -> list[Content]:
        over_months = OVER_MONTHS if self._tables >= TERMS_OVER_MONTHS else []
        ines: Content = {"review": EASY} if self._tables >= MANUAL_LINES else {}
        ines |= {"invoice": COMMITTED} if over_months else {}
        gil = BY_CREDIT_NOTE if self._tables >= CORRECTIONS else BY_NEXT_INVOICE
        own = [HANA, contract("customer", "gil", invoice=gil), contract("customer", "ines", **ines)]
        return [*own, *over_months]

    def until_october(self) -> None:
        """Two months, as `tests.documents.everything` tells, with more customers and a cost without quantity."""
        shop = self.shop
        shop.ingest(agreed.SEPTEMBERS)
        shop.close(SEPTEMBER)
        self._clock.instant = at("20 09:00")
        shop.ingest(agreed.OCTOBERS)
        shop.close(OCTOBER, interim=True)
        self._clock.instant = at("2026-11-02T09:00Z")
        used = [
            record(f"{name}-{day}", user=name, when=str(day), input=day * MILLION // 10, cost="0.2")
            for name in self._customers
            for day in (5, 12, 28)
        ]
        shop.ingest([*agreed.LATER, *used, record("image", user="eve", cost="0.5", input=0)], name="october")
        shop.ingest([record("dora-5", user="dora", when="5", input=3)], name="again")
        shop.bind([("kim", "dora", at("1"), None)])
        shop.review(OCTOBER, "dora", "approved", by="rita", note="as agreed")
        shop.close(OCTOBER)
        self._tell_stripe()

    def _tell_stripe(self) -> None:
        with StripeStandIn(self._clock) as stand_in:
            client = stand_in.client()
            linked = client.v1.customers.create({"name": "Dora"}).id
            self.shop.set_customer("dora", name="Dora", stripe_customer=linked)
            assert self.shop.push(OCTOBER, StripeGateway(client, API_KEY)).sent

    def from_november(self) -> None:
        """What is learned in November; then it is closed."""
        if self._tables >= DECISIONS:
            self._decide()
        if self._tables >= RETRACTIONS:
            self._take_back()
        self._use_november()
        if self._tables >= CORRECTIONS:
            self._correct()
        if self._tables >= MANUAL_LINES:
            self._add_lines()
        if self._tables >= CONTROL_TOTALS:
            self._state_totals()
        self._clock.instant = at("2026-12-02T09:00Z")
        self.shop.close(NOVEMBER)
        last = self.shop.invoices(customer="hana")[-1]
        self.shop.void(last.number, reason="a test", by="rita")
        self.shop.close(NOVEMBER)

    def _decide(self) -> None:
        """On records of November, which is open: revisions, one without usage, one out of all bounds."""
        self._clock.instant = at("2026-11-15T09:00Z")
        shop = self.shop
        shop.ingest(
            [
                *(record(f"n{n}", user="dora", when=f"2026-11-0{n}T12:00Z", input=n * MILLION) for n in (1, 2)),
                record("none", user="dora", when="2026-11-03T12:00Z", usage_state="missing"),
                record("old", user="dora", when="1999-01-01T00:00Z"),
            ],
            name="decided",
        )
        shop.ingest([record(f"n{n}", user="dora", when=f"2026-11-0{n}T12:00Z", input=7) for n in (1, 2)])
        shop.accept_revision("arouter", "n1", reason="final", by="rita")
        shop.reject_revision("arouter", "n2", reason="an error", by="rita")
        for missing in shop.missing().records:
            series = missing.record.series
            shop.waive(series.source, missing.record.record_id, reason="failed", by="rita")
        shop.discard(file="decided", reason="a test", by="rita")

    def _take_back(self) -> None:
        """Records that count no more, an import that waits, and one that is dropped."""
        shop = self.shop
        keyed = {"request_key": "k"} if self._tables >= REQUESTS else {}
        shop.ingest([record("wrong", user="dora", when="2026-11-04T12:00Z", **keyed)])
        if keyed:
            shop.ingest([record("wrong", user="dora", when="2026-11-04T12:00Z", input=1)], reporter="capture")
        shop.retract(record=("arouter", "wrong"), reason="sent twice", by="rita")
        for number, user in enumerate(("dora", "hana")):
            staged = shop.ingest(
                [record(f"s{number}", user=user, when="2026-11-06T12:00Z")], stage="looked at", name=f"staged {number}"
            )
            assert staged.number is not None
            if user == "dora":
                shop.drop_import(staged.number, reason="a test", by="rita")
            else:
                shop.accept_import(staged.number, by="rita")

    def _state_totals(self) -> None:
        """Of November, one of which is wrong."""
        from tokentill.usage.control_totals import ControlTotal  # here: older versions live this story, too

        shop = self.shop
        for requests in (7, 8):
            shop.ingest([ControlTotal("arouter", date(2026, 11, 11), requests=requests)], name=f"totals {requests}")
        wrong = next(one for one in shop.control_totals().totals if one.counts)
        shop.withdraw_control_total(wrong.id, reason="a slip", by="rita")

    def _use_november(self) -> None:
        """With many records that are alike, and one that is late."""
        self._clock.instant = at("2026-11-20T09:00Z")
        used = [
            record(f"{name}-{day}", user=name, when=f"2026-11-{day}T12:00Z", input=day * MILLION // 10, cost="0.2")
            for name in self._customers
            for day in (11, 19)
        ]
        late = [record("late", user="dora", when="29", input=2 * MILLION, cost="1")]
        used += [
            record(f"dora-19-{number}", user="dora", when="2026-11-19T13:00Z", input=1000, web_search=1, cost="0.01")
            for number in range(40)
        ]
        self.shop.ingest([*used, *(late if self._tables >= CORRECTIONS else [])])

    def _correct(self) -> None:
        """October of several customers comes to something else; gil gets a credit note."""
        self._contents.append(DEARER)
        self.shop = Till(self.shop.store, folder(*self._contents), clock=self._clock, grace=timedelta(0))
        for name in ("gil-28", "hana-12"):
            self.shop.retract(record=("arouter", name), reason="sent twice", by="rita")

    def _add_lines(self) -> None:
        add = partial(self.shop.add_line, NOVEMBER, "hana", reason="agreed", by="rita")
        add(amount="12.50", description="support")
        add(amount="-2", description="goodwill", may_be_negative=True)
        removed = add(amount="7", description="a slip")
        self.shop.remove_line(removed.number, reason="a slip", by="rita")
        self._clock.instant = at("2026-12-01T09:00Z")
        approved = self.shop.approve_within(NOVEMBER, by="rita")
        assert approved.approved, approved


def main(file: str, part: str) -> None:
    """Live a part in a SQLite file, with the newest tables of this code."""
    database = Database.open(file)
    upgrade(database)
    with database.read() as connection:
        tables = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    life = _Life(database, tables)
    life.until_october() if part == "until-october" else life.from_november()
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
