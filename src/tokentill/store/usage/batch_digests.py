"""The digest of a batch: what its usage rows say, so that no change of any of them goes unseen.

It is made of columns, in a form that any program can make again. The rows are in order of their ids. A column is the
text of its values as JSON, each with a line feed behind it: numbers, record ids, and for the series its own digest in
hexadecimal, which stands for all that it consists of. The column `units` has the quantities without a column of their
own, as `[row, name, quantity]` with rows counted from 0, in order; the column `request_keys` has those that records
give, as `[row, key]`. Of each column that holds anything but 0, a line has its name, a blank and the SHA-256 of its
text in hexadecimal; the digest is the SHA-256 of these lines in order of their names, each with a line feed behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, select

from tokentill.store import tables
from tokentill.store.usage.usage_digests import SeriesSaid, request_keys, series_said
from tokentill.store.usage.usage_rows import of_batches
from tokentill.usage.quantities import TOKEN_LEAVES

NUMBERS = ("occurred_at", "input_total", *TOKEN_LEAVES, "has_cost", *tables.COST_LIMBS, "version")
"""The columns of `usage` that are numbers and say something."""

_ROWS_AT_ONCE = 5_000
_SERIES_MAX = 50_000
_lines = msgspec.json.Encoder().encode_lines


class BatchDigest:
    """The digest of rows that come part by part."""

    def __init__(self) -> None:
        self._texts: dict[str, Any] = {}
        self._zeros: dict[str, int] = {}

    def add(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Take further rows: the same columns of all parts, but those of which all values are 0 may be left out."""
        for name, values in columns.items():
            zeros = self._zeros.get(name, 0)
            if name in self._texts or any(values):
                self._texts.setdefault(name, sha256(b"0\n" * zeros)).update(_lines(values))
            else:
                self._zeros[name] = zeros + len(values)

    def digest(self) -> bytes:
        """Of all rows so far."""
        lines = [f"{name} {self._texts[name].hexdigest()}\n" for name in sorted(self._texts)]
        return sha256("".join(lines).encode()).digest()


class OfBatch(NamedTuple):
    """How many rows a batch brought, and their digest; None where a series is not what its own digest says."""

    seq: int
    rows: int
    digest: bytes | None


def digests_of_batches(connection: Connection, seqs: Select[Any]) -> Iterator[OfBatch]:
    """The digests that batches have by their rows.

    Args:
        seqs: selects their sequence numbers; of a batch without rows nothing is told.
    """
    usage, batch = tables.usage.c, tables.batch.c
    said = select(batch.seq, usage.id, usage.source_id, usage.series_id, usage.record_id, *(usage[n] for n in NUMBERS))
    query = said.where(*of_batches(batch.seq.in_(seqs))).order_by(batch.seq, usage.id)
    reader = _Reader(connection)
    with connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE}) as result:
        for seq, rows in groupby((row for part in result.partitions() for row in part), itemgetter(0)):
            yield OfBatch(seq, *reader.digest_of(rows))


def batch_faults(connection: Connection, ids: Select[Any]) -> Iterator[tuple[int, str | None]]:
    """Each batch that brought some of these usage rows, by how many rows it brought, and what is wrong with it (None:
    nothing). Batches whose rows have digests of their own have none, and are left out. A row that is not among those of
    the batch that it names is one of none.
    """
    usage, batch = tables.usage.c, tables.batch.c
    (is_of_batch,) = of_batches()
    strays = select(usage.id, usage.seq).join_from(tables.usage, tables.batch, batch.seq == usage.seq, isouter=True)
    for id_, seq in connection.execute(strays.where(usage.id.in_(ids), is_of_batch.is_not(True))):
        yield 0, f"usage row {id_} is not one of batch {seq}, as it says"
    of_rows = batch.seq.in_(select(usage.seq).where(usage.id.in_(ids)))
    having = (of_rows, batch.digest.is_not(None))
    stated = {row.seq: row for row in connection.execute(select(batch.seq, batch.label, batch.digest).where(*having))}
    for seq, count, found in digests_of_batches(connection, select(batch.seq).where(*having)):
        is_right = found is not None and found == bytes(stated[seq].digest)
        wrong = f"batch {seq} ({stated[seq].label!r}): its {count} usage records are not what its digest says"
        yield count, None if is_right else wrong


class _Reader:
    """Makes the digests of stored rows, and remembers the series of the last ones."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sources: dict[int, str] = dict(connection.execute(select(tables.source.c.id, tables.source.c.name)).all())
        self._series: dict[int, SeriesSaid | None] = {}

    def digest_of(self, rows: Iterator[Any]) -> tuple[int, bytes | None]:
        """How many rows of a batch there are, and their digest; None where a series is not what its digest says."""
        digest, count = BatchDigest(), 0
        units, keys = list[tuple[int, str, int]](), list[tuple[int, str]]()
        is_right = True
        while part := list(islice(rows, _ROWS_AT_ONCE)):
            _, ids, sources, series, record_ids, *numbers = zip(*part, strict=True)
            self._look_up(set(series))
            said = [self._series[id_] for id_ in series]
            is_right &= all(
                one is not None and self._sources.get(source) == one.source
                for one, source in zip(said, sources, strict=True)
            )
            named = {"series": [one and one.digest.hex() for one in said], "record_id": record_ids}
            digest.add({**named, **dict(zip(NUMBERS, numbers, strict=True))})
            places = {id_: count + place for place, id_ in enumerate(ids)}
            units += [(places[id_], name, quantity) for id_, name, quantity in self._units(ids) if id_ in places]
            found = request_keys(self._connection, ids[0], ids[-1])
            keys += [(places[id_], found[id_]) for id_ in ids if id_ in found]
            count += len(part)
        digest.add({"units": sorted(units), "request_keys": keys})
        return count, digest.digest() if is_right else None

    def _look_up(self, ids: set[int]) -> None:
        if len(self._series) > _SERIES_MAX:
            self._series.clear()
        self._series |= series_said(self._connection, ids - self._series.keys())

    def _units(self, ids: Sequence[int]) -> Iterator[Any]:
        unit = tables.usage_unit.c
        query = select(unit.usage_id, unit.name, unit.quantity).where(unit.usage_id.between(ids[0], ids[-1]))
        yield from self._connection.execute(query)
