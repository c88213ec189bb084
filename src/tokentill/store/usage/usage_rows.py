"""Usage records as they are kept, read back: their series, their months, and every version of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select, tuple_

from tokentill.canonical import Content, canonical_bytes, fields_of, form_of
from tokentill.clock import from_micros, to_micros
from tokentill.invoicing.periods import Month
from tokentill.money import EXACT
from tokentill.store import tables
from tokentill.store.bulk import among
from tokentill.store.decoding import LOOKED_UP_MAX, decoding, rows_among
from tokentill.store.usage.withdrawals import ALL_VERSIONS, InForce
from tokentill.usage.aggregates import Series
from tokentill.usage.quantities import TOKEN_LEAVES
from tokentill.usage.record import RESPONSE_CACHE_TAG, SERIES_FIELDS, digest_of_content, says_replayed

_LIMB = 10**8
_SHORT = 16

Identity = tuple[int, str]
"""The id of a source, and a record id in it."""
RevisionKey = tuple[int, str, bytes]
"""An identity and the digest of a payload."""


@decoding("a series of usage")
def series_by_id(connection: Connection, ids: Iterable[int]) -> dict[int, Series]:
    """The series of these ids."""
    table = tables.series
    query = select(*_SERIES_COLUMNS)
    return {row.id: _series(row) for row in rows_among(connection, query, (table.c.id,), sorted(ids))}


@decoding("a series of usage")
def series_of_months(
    connection: Connection, first: int, last: int, users: Collection[str] | None = None
) -> dict[int, Series]:
    """The series that have records in some month from `first` to `last` (see `month_number`); of some users and of no
    user, or all.
    """
    query = select(*_SERIES_COLUMNS).where(_has_records(first, last))
    if users is not None:
        user = tables.series.c.user
        query = query.where(or_(user.is_(None), user == "", among(connection, user, users)))
    return {row[0]: _series(row) for row in connection.execute(query).all()}


def models_of_months(connection: Connection, first: int, last: int) -> set[str]:
    """The models of all of them."""
    query = select(tables.series.c.model).distinct().where(_has_records(first, last))
    return set(connection.execute(query).scalars())


def _has_records(first: int, last: int) -> ColumnElement[bool]:
    in_month = tables.series_month.c
    inside = select(in_month.series_id).where(in_month.month.between(first, last))
    is_inside: ColumnElement[bool] = tables.series.c.id.in_(inside)
    return is_inside


def months_with_usage(connection: Connection) -> list[Month]:
    """Every calendar month (UTC) that has records, in order of time."""
    numbers = connection.execute(select(tables.series_month.c.month).distinct()).scalars()
    return [Month(1970, 1).plus(number) for number in sorted(numbers)]


def series_used_after(connection: Connection, seq: int, starts_at: datetime, ends_at: datetime) -> set[int]:
    """The series that have records in [starts_at, ends_at) with a sequence number above one."""
    inside = within(to_micros(starts_at), to_micros(ends_at), tables.batch.c.seq > seq)
    return set(connection.execute(select(tables.usage.c.series_id).where(*inside).distinct()).scalars())


def of_batches(*chosen: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    """Whether a record came with a batch that meets conditions. Only the rows of such batches are read."""
    batch = tables.batch.c
    return tables.usage.c.id.between(batch.first_id, batch.last_id), *chosen


def within(starts_at: int, ends_at: int, *chosen: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    """Whether a record lies in a segment of time, in microseconds since 1970, and came with a batch that meets
    conditions. Batches know when theirs were, so that only those are read that reach into it.
    """
    at = tables.usage.c.occurred_at
    return *of_batches(*reaching(starts_at, ends_at), *chosen), at >= starts_at, at < ends_at


def ids_within(connection: Connection, starts_at: int, ends_at: int) -> tuple[int, int]:
    """Ids between which all rows lie that are of a segment of time, in microseconds since 1970; the first one is the
    greater one where there are none.
    """
    batch = tables.batch.c
    query = select(func.min(batch.first_id), func.max(batch.last_id)).where(*reaching(starts_at, ends_at))
    first, last = connection.execute(query).one()
    return (1, 0) if first is None else (first, last)


def reaching(starts_at: int, ends_at: int) -> tuple[ColumnElement[bool], ...]:
    """Whether a batch reaches into a segment of time."""
    return tables.batch.c.last_at >= starts_at, tables.batch.c.first_at < ends_at


def usage_extent(connection: Connection) -> tuple[datetime, datetime] | None:
    """From the first instant of all records to the microsecond after the last one; None where there is no record."""
    batch = tables.batch.c
    first, last = connection.execute(select(func.min(batch.first_at), func.max(batch.last_at))).one()
    return None if first is None else (from_micros(first), from_micros(last + 1))


def month_number(at: datetime) -> int:
    """The calendar month of an instant in UTC, counted from January 1970."""
    at = at.astimezone(UTC)
    return (at.year - 1970) * 12 + at.month - 1


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One usage record as it is kept. `is_waived` says that somebody bills it at nothing, `is_accepted` that it is an
    estimate which somebody accepted.
    """

    series: Series
    record_id: str
    occurred_at: datetime
    input_total: int
    quantities: Mapping[str, int]
    cost: Decimal | None
    seq: int
    version: int = 1
    is_waived: bool = False
    is_accepted: bool = False
    request_key: str | None = None

    @property
    def digest(self) -> bytes:
        """The digest of its content (see `UsageRecord.digest`)."""
        return digest_of_content(canonical_bytes(self.content()))

    @property
    def is_unmeasured(self) -> bool:
        """Whether it cost something, and all of its quantities are zero."""
        return bool(self.cost) and not any(self.quantities.values())

    @property
    def reports_usage(self) -> bool:
        """Whether it says what was used (see `UsageAggregate.reports_usage`)."""
        return self.series.usage_state != "missing" and not self.is_unmeasured

    def content(self) -> Content:
        """The content of the record that was taken in (see `UsageRecord.content`)."""
        traits = fields_of(self.series, *SERIES_FIELDS)
        if not says_replayed(self.series.tags, self.series.is_replayed):
            del traits["is_replayed"]
        return {
            **traits,
            **fields_of(self, "record_id", "occurred_at"),
            "quantities": dict(sorted(self.quantities.items())),
            "cost": form_of(self.cost),
            **({} if self.request_key is None else {"request_key": self.request_key}),
        }


def records_where(
    connection: Connection,
    place: ColumnElement[int],
    inside: Any,
    series: Mapping[int, Series],
    force: InForce,
    conditions: Sequence[ColumnElement[bool]] = (),
) -> Iterator[tuple[int, StoredRecord]]:
    """The records of a join with usage, in order of time, each with the place that the join gives it."""
    usage, unit, request = tables.usage, tables.usage_unit, tables.usage_request
    chosen = (*conditions, *force.conditions)
    units: dict[int, dict[str, int]] = {}
    of_units = select(unit).select_from(inside.join(unit, unit.c.usage_id == usage.c.id)).where(*chosen)
    for row in connection.execute(of_units):
        units.setdefault(row.usage_id, {})[row.name] = row.quantity
    decisions = (force.is_waived.label("waived"), force.is_accepted.label("accepted"))
    query = select(place.label("place"), *decisions, request.c.request_key, usage).where(*chosen)
    query = query.select_from(inside.outerjoin(request, request.c.usage_id == usage.c.id))
    for row in connection.execute(query.order_by(usage.c.occurred_at, usage.c.id)):
        fields = row._mapping
        quantities = {leaf: fields[leaf] for leaf in TOKEN_LEAVES if fields[leaf]}
        yield (
            row.place,
            StoredRecord(
                series=series[row.series_id],
                record_id=row.record_id,
                occurred_at=from_micros(row.occurred_at),
                input_total=row.input_total,
                quantities={**quantities, **units.get(row.id, {})},
                cost=cost_of(*(fields[limb] for limb in tables.COST_LIMBS)) if row.has_cost else None,
                seq=row.seq,
                version=row.version,
                is_waived=bool(row.waived),
                is_accepted=bool(row.accepted),
                request_key=row.request_key,
            ),
        )


def versions_of(
    connection: Connection, identities: Sequence[Identity]
) -> dict[Identity, list[tuple[int, StoredRecord]]]:
    """Every version of records, by their source's id and record id, oldest first and each with its row's id."""
    usage = tables.usage
    versions: dict[Identity, list[tuple[int, StoredRecord]]] = {}
    for start in range(0, len(identities), LOOKED_UP_MAX):
        chosen = tuple_(usage.c.source_id, usage.c.record_id).in_(identities[start : start + LOOKED_UP_MAX])
        rows = connection.execute(select(usage.c.id, usage.c.source_id, usage.c.series_id).where(chosen)).all()
        sources = {row.id: row.source_id for row in rows}
        series = series_by_id(connection, {row.series_id for row in rows})
        for id_, record in records_where(connection, usage.c.id, usage, series, ALL_VERSIONS, [chosen]):
            versions.setdefault((sources[id_], record.record_id), []).append((id_, record))
    return {identity: sorted(listed, key=lambda version: version[1].version) for identity, listed in versions.items()}


def source_id_of(connection: Connection, name: str) -> int | None:
    """The id of a source, None when no record comes from it."""
    return connection.execute(select(tables.source.c.id).where(tables.source.c.name == name)).scalar()


def cost_limbs(written: str) -> tuple[int, int, int]:
    """A cost in plain digits as whole 1e-8, 1e-16 and 1e-24 units."""
    whole, _, fraction = written.partition(".")
    first = int(whole + fraction[:8].ljust(8, "0"))
    if len(fraction) <= 8:
        return first, 0, 0
    return first, int(fraction[8:16].ljust(8, "0")), int(fraction[16:].ljust(8, "0"))


def limbs_of_costs(written: Sequence[str]) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """`cost_limbs` of many costs, column by column."""
    parts = [one.partition(".") for one in written]
    if max(len(fraction) for _, _, fraction in parts) > _SHORT:
        first, second, third = zip(*map(cost_limbs, written), strict=True)
        return first, second, third
    powers = [10 ** (_SHORT - digits) for digits in range(_SHORT + 1)]
    limbs = [divmod(int(whole + fraction) * powers[len(fraction)], _LIMB) for whole, _, fraction in parts]
    first, second = zip(*limbs, strict=True)
    return first, second, [0] * len(limbs)


def cost_of(first: int, second: int, third: int) -> Decimal:
    """The cost that limbs, or sums of limbs, stand for."""
    return Decimal((int(first) * _LIMB + int(second)) * _LIMB + int(third)).scaleb(-24, EXACT)


def cost_text_of(first: int, second: int, third: int) -> str:
    """`cost_text(cost_of(...))` of a stored cost, faster.

    Raises:
        ValueError: when these are not the limbs of one cost.
    """
    if first < 0 or not (0 <= second < _LIMB and 0 <= third < _LIMB):
        raise ValueError("limbs out of range")
    whole, rest = divmod(first, _LIMB)
    digits = f"{rest:08d}{second:08d}{third:08d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def series_digest(fields: Mapping[str, Any]) -> bytes:
    """16 bytes that stand for a series, by its columns; that it is a replay only where no tag says so."""
    # Looked for in the text, which may be anything where somebody changed it by hand.
    is_said = fields["is_replayed"] and f'"{RESPONSE_CACHE_TAG}"' not in fields["tags"]
    said = {name: value for name, value in fields.items() if name != "is_replayed" or is_said}
    return sha256(canonical_bytes(said)).digest()[:16]


_SERIES_COLUMNS = tuple(tables.series.c[field.name] for field in fields(Series))


def _series(row: Any) -> Series:
    """Of a row of `_SERIES_COLUMNS`."""
    *before, tags, is_byok, status, usage_state, is_replayed = row
    listed = () if tags == "[]" else tuple(json.loads(tags))
    values = (*before, listed, bool(is_byok), status, usage_state, bool(is_replayed))
    return Series(*values)
