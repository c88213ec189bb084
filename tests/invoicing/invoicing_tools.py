"""What tests of invoicing need beside the builders: quick databases, stored outcomes, and a second opinion."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, select, text

from tests.independent import calculator
from tokentill.canonical import Content
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready
from tokentill.till import Till
from tokentill.usage.record import UsageRecord

Outcome = list[tuple[str, str, bytes, datetime]]


@contextmanager
def new_sqlite() -> Iterator[Database]:
    """A new SQLite file with all tables, for tests that need more than one."""
    with tempfile.TemporaryDirectory(prefix="tokentill-") as folder:
        path = Path(folder) / "tokentill.db"
        path.write_bytes(_empty_sqlite())
        database = Database.open(str(path))
        try:
            yield database
        finally:
            database.close()


@cache
def _empty_sqlite() -> bytes:
    folder = Path(tempfile.mkdtemp(prefix="tokentill-"))
    database = Database.open(str(folder / "empty.db"))
    make_ready(database)
    database.close()
    found = (folder / "empty.db").read_bytes()
    shutil.rmtree(folder)
    return found


def outcome(till: Till) -> Outcome:
    """What was issued: number, customer, bytes and instant of every invoice."""
    return [(found.number, found.customer, found.content_bytes, found.issued_at) for found in till.invoices()]


def contents_by_customer(till: Till) -> dict[str, bytes]:
    """The bytes of every issued invoice, by customer. Each customer has one."""
    invoices = till.invoices()
    found = {invoice.customer: invoice.content_bytes for invoice in invoices}
    assert len(found) == len(invoices)
    return found


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
    )


class SecondOpinion:
    """What a month comes to, worked out record by record in fractions."""

    def __init__(self, records: Sequence[UsageRecord], contents: Iterable[Content], month: str) -> None:
        folder = second_folder(contents)
        self.invoices: dict[str, calculator.Expected] = {}
        self.by_record: dict[str, dict[str, Fraction]] = {}
        self.by_day: dict[str, dict[str, Fraction]] = {}
        periods: dict[str, tuple[datetime, datetime]] = {}
        for request in map(second_request, records):
            customer = calculator.customer_of(request, folder)
            if customer is None:
                continue
            if customer not in periods:
                periods[customer] = calculator.period_of(customer, month, folder)
            starts_at, ends_at = periods[customer]
            if not starts_at <= request.at < ends_at:
                continue
            if customer not in self.invoices:
                currency = folder.term(customer, ends_at - timedelta(microseconds=1), "currency", "USD")
                self.invoices[customer] = calculator.Expected(currency)
            invoice = self.invoices[customer]
            rule = calculator.rule_of(request, customer, folder)
            amount = calculator.bill(request, rule, invoice.currency, folder)
            key = (folder.canonical(request.model), request.mode, rule["name"] if rule else None)
            invoice.requests += 1
            invoice.lines[key] = invoice.lines.get(key, Fraction(0)) + amount
            self.by_record.setdefault(customer, {})[request.id] = amount
            days = self.by_day.setdefault(customer, {})
            day = request.at.date().isoformat()
            days[day] = days.get(day, Fraction(0)) + amount


def exact_lines(content: Content) -> dict[calculator.LineKey, Fraction]:
    """The exact amounts of an invoice's lines, with those of one model, mode and rule together."""
    found: dict[calculator.LineKey, Fraction] = {}
    for line in content["lines"]:
        key = (line["model"], line["mode"], line["rule"])
        found[key] = found.get(key, Fraction(0)) + Fraction(line["exact_amount"])
    return found


def minor(amount: str, currency: str) -> Fraction:
    """An amount of an invoice in minor units."""
    return Fraction(amount) * 10 ** calculator.MINOR_DIGITS.get(currency, 2)
