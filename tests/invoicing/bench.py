"""What tests of invoicing need beside the builders: quick databases, stored outcomes, and a second opinion."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Table, create_engine, func, select, text
from sqlalchemy.engine import make_url

from tests.quick_tables import new_file
from tests.verification import calculator
from tests.verification.accumulators import ChargeKey, work_out
from tokentill.canonical import Content
from tokentill.closing.questions.verify import Verification
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.till import Till
from tokentill.usage.record import UsageRecord

Outcome = list[tuple[str, str, bytes, datetime]]


@contextmanager
def new_sqlite() -> Iterator[Database]:
    """A new SQLite file with all tables, for tests that need more than one."""
    with tempfile.TemporaryDirectory(prefix="tokentill-") as folder:
        database = new_file(Path(folder) / "tokentill.db")
        try:
            yield database
        finally:
            database.close()


@contextmanager
def new_postgresql(server_url: str, template: str) -> Iterator[str]:
    """The URL of a new PostgreSQL database with all tables."""
    name = f"tokentill_{uuid4().hex}"
    engine = create_engine(make_url(server_url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


@contextmanager
def open_postgresql(server_url: str, template: str) -> Iterator[Database]:
    """The same, opened."""
    with new_postgresql(server_url, template) as url:
        database = Database.open(url)
        try:
            yield database
        finally:
            database.close()


def outcome(till: Till) -> Outcome:
    """What was issued: number, customer, bytes and instant of every invoice."""
    return [(found.number, found.customer, found.content_bytes, found.issued_at) for found in till.invoices()]


def contents_by_customer(till: Till) -> dict[str, bytes]:
    """The bytes of every issued invoice, by customer. Each customer has one."""
    invoices = till.invoices()
    found = {invoice.customer: invoice.content_bytes for invoice in invoices}
    assert len(found) == len(invoices)
    return found


def records_by_number(till: Till) -> dict[str, set[str]]:
    """Which records each document lists that is not void."""
    return {
        found.number: {one.record.record_id for line in till.explain(found.number) for one in line.records}
        for found in till.invoices()
        if found.status == "issued"
    }


def numbers(count: int, *, after: int = 0) -> tuple[str, ...]:
    """The numbers that a gapless series must have."""
    return tuple(f"INV-{number:06d}" for number in range(after + 1, after + count + 1))


def rows_of(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, so that a call which should write nothing can be held to it."""
    with database.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in tables.metadata.sorted_tables
        }


def count_of(database: Database, table: Table[Any]) -> int:
    """How many rows a table has."""
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def drop_guards(database: Database) -> None:
    """Take away what keeps rows from being changed, as somebody with all rights on the database could."""
    with database.write() as connection:
        if database.is_sqlite:
            names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            for name in names:
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            found = connection.execute(
                text(
                    "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
                    " WHERE NOT t.tgisinternal"
                )
            ).all()
            names = [name for name, _ in found]
            for name, table in found:
                connection.execute(text(f'DROP TRIGGER {name} ON "{table}"'))
    assert names, "there was nothing that kept rows from being changed"


def beside_guards(verification: Verification) -> list[str]:
    """What is wrong with the database, but for the guards that were taken away."""
    return [fault for fault in verification.faults if not fault.startswith("the trigger guard_")]


def second_folder(contents: Iterable[Content]) -> calculator.Folder:
    """The same contents as the independent calculator reads them from files."""
    folder = calculator.Folder({}, {}, [], [], [])
    for content in (_as_read(content) for content in contents):
        match content["kind"]:
            case "prices":
                for price in content["price"]:
                    header = {key: content[key] for key in ("recorded_at", "currency")}
                    folder.prices.setdefault(price["model"], []).append(header | price)
                    folder.aliases.update(dict.fromkeys(price.get("aliases", []), price["model"]))
            case "attribution":
                folder.attribution.append(content)
            case "fx":
                folder.fx.extend({"recorded_at": content["recorded_at"], **rate} for rate in content["rate"])
            case _:
                folder.contracts.append(content)
    return folder


def _as_read(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _as_read(found, name) for name, found in value.items()}
    if isinstance(value, list):
        return [_as_read(found) for found in value]
    if key in ("recorded_at", "valid_from", "valid_to"):
        return datetime.fromisoformat(value)
    if key == "date":
        return date.fromisoformat(value)
    return Fraction(value) if key in ("us", "eu") else value


def second_request(record: UsageRecord) -> calculator.Request:
    """A record as the independent calculator has it."""
    return calculator.Request(
        id=record.record_id,
        at=record.occurred_at,
        model=record.model,
        provider=record.provider,
        user=record.user,
        api_key=record.api_key,
        mode=record.mode,
        geo=record.geo,
        quantities=dict(record.quantities),
        cost=None if record.cost is None else Fraction(record.cost),
        is_byok=record.is_byok,
    )


class SecondOpinion:
    """What a month comes to, worked out record by record in fractions."""

    def __init__(self, records: Sequence[UsageRecord], contents: Iterable[Content], month: str) -> None:
        folder = second_folder(contents)
        self.invoices: dict[str, calculator.Expected] = {}
        self.by_record: dict[str, dict[str, Fraction]] = {}
        self.by_day: dict[str, dict[str, Fraction]] = {}
        self.charges: dict[str, dict[ChargeKey, Fraction]] = {}
        for customer, (requests, last_instant) in self._by_customer(records, folder, month).items():
            invoice = calculator.Expected(folder.term(customer, last_instant, "currency", "USD"))
            worked = work_out(requests, customer, invoice.currency, folder)
            days: dict[str, Fraction] = {}
            for request in requests:
                amount = worked.amounts[request.id]
                key = (folder.canonical(request.model), request.mode, worked.rules[request.id])
                invoice.requests += 1
                invoice.lines[key] = invoice.lines.get(key, Fraction(0)) + amount
                day = request.at.date().isoformat()
                days[day] = days.get(day, Fraction(0)) + amount
            self.invoices[customer] = invoice
            self.by_record[customer] = worked.amounts
            self.by_day[customer] = days
            self.charges[customer] = {key: amount for key, amount in worked.charges.items() if amount}

    def exact_charges(self, customer: str) -> dict[tuple[str, str], Fraction]:
        """What is charged beside records, by kind and rule."""
        found: dict[tuple[str, str], Fraction] = {}
        for (kind, rule, _), amount in self.charges[customer].items():
            found[(kind, rule)] = found.get((kind, rule), Fraction(0)) + amount
        return found

    def total_minor(self, customer: str) -> int:
        """The sum of lines and charges in minor units."""
        invoice = self.invoices[customer]
        exact = invoice.total_exact + sum(self.charges[customer].values())
        return calculator.rounded(exact * 10 ** calculator.MINOR_DIGITS.get(invoice.currency, 2))

    @staticmethod
    def _by_customer(
        records: Sequence[UsageRecord], folder: calculator.Folder, month: str
    ) -> dict[str, tuple[list[calculator.Request], datetime]]:
        found: dict[str, tuple[list[calculator.Request], datetime]] = {}
        for request in map(second_request, records):
            customer = calculator.customer_of(request, folder)
            if customer is None:
                continue
            starts_at, ends_at = calculator.period_of(customer, month, folder)
            if starts_at <= request.at < ends_at:
                found.setdefault(customer, ([], ends_at - timedelta(microseconds=1)))[0].append(request)
        return found


def exact_lines(content: Content) -> dict[calculator.LineKey, Fraction]:
    """The exact amounts of an invoice's lines of usage, with those of one model, mode and rule together."""
    found: dict[calculator.LineKey, Fraction] = {}
    for line in usage_lines(content):
        key = (line["model"], line["mode"], line["rule"])
        found[key] = found.get(key, Fraction(0)) + Fraction(line["exact_amount"])
    return found


def usage_lines(content: Content) -> list[Content]:
    """The lines of an invoice that records stand behind."""
    return [line for line in content["lines"] if line["kind"] == "usage"]


def exact_charges(content: Content) -> dict[tuple[str, str], Fraction]:
    """The exact amounts of an invoice's other lines by kind and rule."""
    found: dict[tuple[str, str], Fraction] = {}
    for line in content["lines"]:
        if line["kind"] != "usage":
            key = (line["kind"], line["rule"])
            found[key] = found.get(key, Fraction(0)) + Fraction(line["exact_amount"])
    return {key: amount for key, amount in found.items() if amount}


def minor(amount: str, currency: str) -> Fraction:
    """An amount of an invoice in minor units."""
    return Fraction(amount) * 10 ** calculator.MINOR_DIGITS.get(currency, 2)
