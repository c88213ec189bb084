"""Documents as rows: what each is, what it covers, corrects and ends, the log of documents, and what they leave in the
ledger.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, func, select

from tokentill.canonical import content_of
from tokentill.clock import from_micros
from tokentill.store import tables
from tokentill.verification.rows.records import Records
from tokentill.verification.rows.written import Written
from tokentill.verification.terms.keys import CannotVerify, Table
from tokentill.verification.terms.periods import Issued, month_of, plus
from tokentill.verification.totals.due import Account


@dataclass(frozen=True, slots=True)
class Header:
    """A document without its content. `position` is the place in the log of documents that it was computed at."""

    id: int
    number: str
    customer: str
    period: str
    kind: str
    currency: str
    pins: Table
    position: int


@dataclass(frozen=True, slots=True)
class Correction:
    """A customer's period that a document corrects, with what it adds, in minor units of `currency`."""

    document: Header
    period: str
    customer: str
    currency: str
    corrects_id: int
    net_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What a live document covers of a customer's period: of its own, or of one that it corrects. `currency` is that
    of the period's document; `kind` says whether it is the whole period's or an interim invoice's."""

    document: Header
    starts_at: int
    ends_at: int
    after: int
    upto: int
    member: str
    customer: str
    period: str
    currency: str
    kind: str


@dataclass(slots=True)
class _Ledger:
    coupons: Counter[tuple[str, str]] = field(default_factory=Counter)
    credits: Counter[tuple[str, str]] = field(default_factory=Counter)
    openings: Counter[tuple[str, str]] = field(default_factory=Counter)
    terms: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    balances: Counter[str] = field(default_factory=Counter)
    interims: dict[int, tuple[str, dict[str, Counter[str]]]] = field(default_factory=dict)


Ledgers = dict[str, _Ledger]


class Rows:
    """One snapshot of a database: its documents, `written` and `records`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.written = Written(connection)
        self.records = Records(connection)

    @cached_property
    def headers(self) -> dict[int, Header]:
        """All documents by their ids, in the order of their issue."""
        invoice, event = tables.invoice.c, tables.document_event.c
        names = ("id", "number", "customer", "period", "kind", "currency", "pins")
        query = select(*(invoice[name] for name in names), event.position).join_from(
            tables.invoice, tables.document_event, event.invoice_id == invoice.id
        )
        headers = {}
        for row in self._connection.execute(query.where(event.kind == "issued").order_by(invoice.id)):
            read = json.loads(row.pins)
            own = (row.id, row.number, row.customer, row.period, row.kind, row.currency, read)
            headers[row.id] = Header(*own, read.get("l", row.position - 1))
        return headers

    @cached_property
    def _events(self) -> Sequence[Any]:
        event = tables.document_event.c
        query = select(event.position, event.invoice_id, event.kind).order_by(event.position)
        return self._connection.execute(query).all()

    def live(self, position: int | None) -> set[int]:
        """The documents that were issued and not void at a position of the log; None is now."""
        live: set[int] = set()
        for at, id_, kind in self._events:
            if position is None or at <= position:
                (live.add if kind == "issued" else live.discard)(id_)
        return live

    @cached_property
    def corrections(self) -> dict[tuple[str, str], list[Correction]]:
        """The corrections of every customer's period, in the order of their issue."""
        row_of, listed = tables.correction, dict[tuple[str, str], list[Correction]]()
        for row in self._connection.execute(select(row_of).order_by(row_of.c.invoice_id)):
            own = (row.period, row.customer, row.currency, row.corrects_id, row.net_minor, row.tax_minor)
            listed.setdefault((row.customer, row.period), []).append(Correction(self.headers[row.invoice_id], *own))
        return listed

    @cached_property
    def periods_by_customer(self) -> dict[str, list[Header]]:
        """The documents of each customer's periods, live or not, in the order of their issue."""
        return self._by_customer("period")

    @cached_property
    def notes_by_customer(self) -> dict[str, list[Header]]:
        """The credit notes of each customer, likewise."""
        return self._by_customer("credit-note")

    def _by_customer(self, kind: str) -> dict[str, list[Header]]:
        listed: dict[str, list[Header]] = {}
        for header in self.headers.values():
            if header.kind == kind:
                listed.setdefault(header.customer, []).append(header)
        return listed

    @cached_property
    def corrected_by(self) -> dict[int, list[Correction]]:
        """What each document corrects, by customer and period."""
        by_document: dict[int, list[Correction]] = {}
        for _, listed in sorted(self.corrections.items(), key=lambda item: (item[0][0].encode(), item[0][1])):
            for one in listed:
                by_document.setdefault(one.document.id, []).append(one)
        return by_document

    def content(self, header: Header) -> Table:
        """What a document says.

        Raises:
            CannotVerify: when it is not what its hash says.
        """
        invoice = tables.invoice.c
        row = self._connection.execute(
            select(invoice.content, invoice.content_hash).where(invoice.id == header.id)
        ).one()
        content = content_of(bytes(row.content), row.content_hash)
        if content is None:
            raise CannotVerify("its stored content is not what its hash says")
        return content

    def pins_of_runs(self) -> list[Table]:
        """What close runs were pinned to, oldest first."""
        run = tables.close_run.c
        return [json.loads(pins) for pins in self._connection.execute(select(run.pins).order_by(run.id)).scalars()]

    def issued(self, live: Collection[int], month: tuple[int, int]) -> dict[str, list[Issued]]:
        """The periods that live documents ended, and those around a month of which interim invoices billed a part."""
        table = tables.member_period.c
        issued: dict[str, list[Issued]] = {}
        query = select(table.invoice_id, table.customer, table.period, table.starts_at, table.ends_at)
        for id_, customer, period, starts_at, ends_at in self._connection.execute(query.order_by(table.starts_at)):
            if id_ in live:
                one = Issued(month_of(period), from_micros(starts_at), from_micros(ends_at), self.headers[id_].customer)
                issued.setdefault(customer, []).append(one)
        near = {plus(month, step) for step in (-1, 0, 1)}
        covered = tables.coverage.c
        for id_ in sorted(live):
            header = self.headers[id_]
            if header.kind == "interim" and month_of(header.period) in near:
                content = self.content(header)
                starts_at, ends_at = (_instant(content[key]) for key in ("period_start", "period_end"))
                members = (
                    select(covered.member).where(covered.invoice_id == id_, covered.member.is_not(None)).distinct()
                )
                for customer in {header.customer, *self._connection.execute(members).scalars()}:
                    issued.setdefault(customer, []).append(Issued(month_of(header.period), starts_at, ends_at, None))
        return issued

    def taken(self, live: Collection[int], starts_at: int, ends_at: int) -> dict[int, list[Taken]]:
        """What live documents cover of a stretch of time, by series. What a correction covers takes the place of what
        was covered of that period before."""
        table = tables.coverage.c
        by_series: dict[int, list[Taken]] = {}
        query = select(tables.coverage).where(table.ends_at > starts_at, table.starts_at < ends_at)
        for row in self._connection.execute(query.order_by(table.invoice_id, table.series_id, table.starts_at)):
            if row.invoice_id in live and not self._is_replaced(one := self._taken(row), live):
                by_series.setdefault(row.series_id, []).append(one)
        return by_series

    def _is_replaced(self, one: Taken, live: Collection[int]) -> bool:
        return any(
            later.document.id > one.document.id and later.document.id in live and later.currency == one.currency
            for later in self.corrections.get((one.customer, one.period), ())
        )

    def covered(self, header: Header, correction: Correction | None = None) -> dict[int, list[Taken]]:
        """What one document covers of its own period, or of one that it corrects, by series."""
        table = tables.coverage.c
        period, customer = ("", "") if correction is None else (correction.period, correction.customer)
        by_series: dict[int, list[Taken]] = {}
        query = select(tables.coverage).where(
            table.invoice_id == header.id, table.period == period, table.corrected == customer
        )
        for row in self._connection.execute(query):
            by_series.setdefault(row.series_id, []).append(self._taken(row))
        return by_series

    def _taken(self, row: Any) -> Taken:
        header, place = self.headers[row.invoice_id], (row.starts_at, row.ends_at, row.seq_after, row.seq_upto)
        own = (header.customer, header.period, header.currency, header.kind)
        if row.period:
            corrected = next(
                (one for one in self.corrections.get((row.corrected, row.period), ()) if one.document is header), None
            )
            if corrected is None:
                raise CannotVerify(f"{header.number} covers usage of {row.period}, and does not correct it")
            own = (row.corrected, row.period, corrected.currency, "period")
        return Taken(header, *place, own[0] if row.member is None else row.member, *own)

    def ended(self, header: Header) -> dict[str, tuple[int, int]]:
        """The periods that a document ended, by customer."""
        table = tables.member_period.c
        query = select(table.customer, table.starts_at, table.ends_at).where(table.invoice_id == header.id)
        return {customer: (starts_at, ends_at) for customer, starts_at, ends_at in self._connection.execute(query)}

    def accounts(self, live: Collection[int], period: str) -> Ledgers:
        """What live documents left to a period, by customer."""
        table, accounts = tables.ledger.c, dict[str, _Ledger]()
        names = ("invoice_id", "kind", "name", "amount_minor", "customer", "currency", "period")
        query = select(*(table[name] for name in names)).order_by(table.invoice_id, table.position)
        for id_, kind, name, amount, customer, currency, corrected in self._connection.execute(query):
            if id_ not in live:
                continue
            header, account = self.headers[id_], accounts.setdefault(customer, _Ledger())
            of_period = corrected or header.period
            if kind == "balance":
                account.balances[currency] += amount
            elif kind == "opening":
                account.openings[name, currency] += amount
            elif of_period != period and kind in ("commitment", "overage", "true_up"):
                account.terms[kind, name, currency] += amount
            elif of_period != period and kind == "coupon":
                account.coupons[name, of_period] += amount
            elif of_period != period and kind == "credit":
                account.credits[name, currency] += amount
            is_interim = header.kind == "interim" and not corrected
            if header.period == period and is_interim and kind in ("invoiced", "tax", "credit"):
                sums = account.interims.setdefault(id_, (currency, {}))[1]
                sums.setdefault(kind, Counter())[name] += amount
        return accounts

    def drawn_by_corrections(
        self, header: Header, customer: str, currency: str, before: str | None = None
    ) -> Counter[tuple[str, str, str]]:
        """What corrections on a document, and on those that were issued together with it, have of a customer's
        commitments, credits and coupons, by kind, name and period: all of them, or those of periods before one.
        """
        table, sums = tables.ledger.c, Counter[tuple[str, str, str]]()
        query = select(
            table.invoice_id, table.kind, table.name, table.amount_minor, table.currency, table.period
        ).where(
            table.period != "",
            table.customer == customer,
            table.kind.in_(("commitment", "overage", "true_up", "credit", "coupon")),
        )
        for id_, kind, name, amount, of_currency, period in self._connection.execute(query):
            other = self.headers[id_]
            is_together = other is header or (other.position, other.pins) == (header.position, header.pins)
            is_of_kind = kind == "coupon" or of_currency == currency
            if is_together and is_of_kind and (before is None or period < before):
                sums[kind, name, period] += amount
        return sums

    def of_correction(self, correction: Correction) -> dict[str, Counter[str]]:
        """What a correction adds to the account of its customer: coupons and credits, each by name."""
        table, sums = tables.ledger.c, {"coupon": Counter[str](), "credit": Counter[str]()}
        query = select(table.kind, table.name, table.amount_minor).where(
            table.invoice_id == correction.document.id,
            table.period == correction.period,
            table.customer == correction.customer,
        )
        for kind, name, amount in self._connection.execute(query):
            sums.setdefault(kind, Counter())[name] += amount
        return sums

    def has_changed(self, before: Table, now: Table, starts_at: int, ends_at: int) -> bool:
        """Whether anything that decides about a stretch of time came between two pins."""
        if (before["a"], before["b"]) != (now["a"], now["b"]):
            return True
        usage, withdrawal = tables.usage.c, tables.withdrawal.c
        within = select(usage.id).where(usage.occurred_at >= starts_at, usage.occurred_at < ends_at)
        came = within.where(usage.seq > before["s"], usage.seq <= now["s"])
        went = within.join(tables.withdrawal, withdrawal.usage_id == usage.id).where(
            withdrawal.seq > before["s"], withdrawal.seq <= now["s"]
        )
        return any(self._connection.execute(query.limit(1)).first() is not None for query in (came, went))

    def learned(self, before: int, now: int, starts_at: int, ends_at: int) -> dict[str, set[int]]:
        """The series of which records of a stretch of time came between two sequence numbers (`late`; versions that
        took the place of an earlier one also as `revision`), or were withdrawn, by the cause of that.
        """
        usage, withdrawal = tables.usage.c, tables.withdrawal.c
        within = (usage.occurred_at >= starts_at, usage.occurred_at < ends_at)
        came = select(usage.series_id, func.max(usage.version)).where(*within, usage.seq > before, usage.seq <= now)
        went = (
            select(usage.series_id, withdrawal.cause)
            .join_from(tables.usage, tables.withdrawal, withdrawal.usage_id == usage.id)
            .where(*within, withdrawal.seq > before, withdrawal.seq <= now)
        )
        learned: dict[str, set[int]] = {}
        for id_, version in self._connection.execute(came.group_by(usage.series_id)):
            for cause in ("late", "revision") if version > 1 else ("late",):
                learned.setdefault(cause, set()).add(id_)
        for id_, cause in self._connection.execute(went.distinct()):
            learned.setdefault(cause, set()).add(id_)
        return learned


def account_of(accounts: Ledgers, customer: str, currency: str, others: Sequence[str]) -> Account:
    """The account of a document's customer, with the balances of others whose invoice it is now."""
    own = accounts.get(customer, _Ledger())
    balances = [
        (owner, of_currency, amount)
        for owner in (customer, *others)
        for of_currency, amount in sorted(accounts[owner].balances.items() if owner in accounts else ())
        if amount
    ]
    return Account(
        dict(own.coupons),
        {name: amount for (name, of_currency), amount in own.credits.items() if of_currency == currency},
        balances,
        [
            (sums.get("invoiced", Counter()).total(), sums.get("tax", Counter()), sums.get("credit", Counter()))
            for _, (of_currency, sums) in sorted(own.interims.items())
            if of_currency == currency
        ],
        terms={key[:2]: amount for key, amount in own.terms.items() if key[2] == currency},
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
