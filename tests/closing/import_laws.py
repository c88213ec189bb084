"""What must hold of a database after imports: the same content as another one, or the union of files, once.

What is compared leaves out the numbers that databases choose, and how an import was cut into batches.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from tests.closing.import_worlds import Given, Request, Row, World, told
from tokentill.clock import to_micros
from tokentill.sources.layouts import digest_of
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.intake.staging import record_of
from tokentill.store.usage.usage_rows import StoredRecord, versions_of
from tokentill.store.usage.usage_sums import DAY_MICROS, SUMMED
from tokentill.till import Till
from tokentill.usage.quantities import TOKEN_LEAVES
from tokentill.usage.record import UsageRecord

Named = dict[str, list[dict[str, Any]]]
"""Every row by its table, where another row is named by what it says and not by its number."""

NAMES = tuple(name for name in SUMMED if name != "at_no_cost")
"""What is added up."""


def must_be_sound(one: Till, where: str) -> None:
    """`db check` and `verify` find nothing."""
    checked, verification = one.database.check(), one.verify()
    assert not checked.faults, (where, checked.faults)
    assert verification.is_sound, (where, verification.content())


def difference(held: list[Any], expected: list[Any]) -> str:
    """The first rows that one has and the other has not."""
    more, less = Counter(map(repr, held)), Counter(map(repr, expected))
    return f"too many: {list((more - less).elements())[:3]}, missing: {list((less - more).elements())[:3]}"


def named_rows(database: Database) -> Named:
    """Every row, in an order that does not depend on numbers that databases choose."""
    with database.read() as connection:
        rows = {
            table.name: [row._asdict() for row in connection.execute(select(table))]
            for table in tables.metadata.sorted_tables
        }
    sources = {row["id"]: row["name"] for row in rows["source"]}
    series = {row["id"]: bytes(row["digest"]).hex() for row in rows["series"]}
    usage = {row["id"]: (sources[row["source_id"]], row["record_id"], row["version"]) for row in rows["usage"]}
    names = {"source_id": sources, "series_id": series, "usage_id": usage}
    for name, listed in rows.items():
        for row in listed:
            for column, known in names.items():
                if column in row:
                    row[column] = known.get(row[column], ("nobody", row[column]))
            if name in ("source", "series", "usage"):
                del row["id"]
            if name == "audit":  # its hashes go by the numbers of imports
                row["content"], row["hash"], row["previous_hash"] = "", "", ""
        listed.sort(key=repr)
    return rows


def content_of(rows: Named) -> dict[str, list[Any]]:
    """What must be the same however an import came to be cut into batches: every row without its batch's number, sums
    by what they are sums of, and the counts of each import.
    """
    label = {row["seq"]: row["label"] for row in rows["batch"]}
    import_of = {row["seq"]: row["part_of"] or row["seq"] for row in rows["batch"]}
    content: dict[str, list[Any]] = {}
    for name, listed in rows.items():
        if name in ("batch", "counter", "usage_sum", "usage_sum_unit"):
            continue
        kept = [
            {column: label[value] if column == "seq" and value in label else value for column, value in row.items()}
            if name in ("staged_record", "staged_event")
            else {column: value for column, value in row.items() if column != "seq"}
            for row in listed
        ]
        content[name] = sorted(kept, key=repr)
    content |= {"sums": sorted(sums_of(rows).items()), "units": sorted(units_of(rows).items())}
    imports: dict[int, Counter[str]] = {}
    for row in rows["batch"]:
        counts = imports.setdefault(import_of[row["seq"]], Counter())
        counts.update({name: row[name] for name in ("accepted", "revisions", "quarantined")})
    for row in rows["control_total"]:
        imports[import_of[row["seq"]]]["totals"] += 1
    named = {row["seq"]: (row["label"], row["reporter"]) for row in rows["batch"]}
    content["imports"] = sorted((repr(named[number]), sorted(counts.items())) for number, counts in imports.items())
    return content


def sums_of(rows: Named) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """What the sums that are kept and the records of which none are add up to by day and series, but for what is 0."""
    added: dict[tuple[Any, ...], list[int]] = {}
    single = [{**row, "requests": 1, "with_cost": row["has_cost"]} for row in _unsummed(rows).values()]
    for row in (*rows["usage_sum"], *single):
        sums = added.setdefault((_day(row), row["series_id"]), [0] * len(NAMES))
        for place, name in enumerate(NAMES):
            sums[place] += row[name]
    return {key: tuple(sums) for key, sums in added.items() if any(sums)}


def _day(row: dict[str, Any]) -> int:
    return row["day"] if "day" in row else row["occurred_at"] // DAY_MICROS


def _unsummed(rows: Named) -> dict[tuple[str, str, int], dict[str, Any]]:
    """The rows of usage that count and came with batches without sums, by what names them."""
    unsummed = {row["seq"] for row in rows["batch"] if not row["is_summed"]}
    gone = {row["usage_id"] for row in rows["withdrawal"] if row["cause"] in ("revision", "retraction")}
    named = {(row["source_id"], row["record_id"], row["version"]): row for row in rows["usage"]}
    return {name: row for name, row in named.items() if row["seq"] in unsummed and name not in gone}


def units_of(rows: Named) -> dict[tuple[Any, ...], int]:
    """The same of quantities without a column."""
    added = Counter[tuple[Any, ...]]()
    single = _unsummed(rows)
    for row in rows["usage_sum_unit"]:
        added[row["day"], row["series_id"], row["name"]] += row["quantity"]
    for row in rows["usage_unit"]:
        if of := single.get(row["usage_id"]):
            added[_day(of), of["series_id"], row["name"]] += row["quantity"]
    return {key: quantity for key, quantity in added.items() if quantity}


def must_be_union(
    database: Database, made: World, files: Sequence[Given], where: str, *, in_order: bool = True
) -> None:
    """What is there is the union of files that hold a world: of each request the report counts that is to, once; all
    that was told is kept once; sums are those of what counts.

    Args:
        in_order: whether the files came one after another, so that of payloads that contradict the first one counts.
    """
    rows, found = list(told(files)), named_rows(database)
    stored = _stored(database)
    gone = {row["usage_id"] for row in found["withdrawal"]}
    named = {row["usage_id"]: row["request"] for row in found["usage_request"]}
    counting = [(key[0], named.get(key, key[1])) for key in stored if key not in gone]
    assert len(set(counting)) == len(counting), (where, "doubled", Counter(counting).most_common(3))
    assert set(counting) == set(made.counts), (where, "lost", set(made.counts) ^ set(counting))
    first, counted = first_told(made, rows) if in_order else {}, list[UsageRecord]()
    for request, one in zip(counting, (stored[key] for key in stored if key not in gone), strict=True):
        expected = [first[request]] if request in first else made.counts[request]
        right = [record for record in expected if record.digest == one.digest]
        assert right, (where, one.content(), [record.content() for record in expected])
        counted += right[:1]
    _must_be_all_told(found, stored, rows, where)
    assert len(found["revision"]) == len(made.contested), where
    must_be_sums(found, counted, where)
    _must_be_bad_lines(found, made, files, where)
    totals = {(row["cell"], row["digest"]) for row in found["control_total"]}
    assert len(totals) == len({row.text for row in rows if row.kind == "totals"}), (where, totals)


def _stored(database: Database) -> dict[tuple[str, str, int], StoredRecord]:
    """Every version of every record, by its source, id and number."""
    usage, source = tables.usage.c, tables.source.c
    with database.read() as connection:
        identities = connection.execute(select(usage.source_id, usage.record_id).distinct()).all()
        names: dict[int, str] = dict(connection.execute(select(source.id, source.name)).all())
        return {
            (names[source_id], record_id, one.version): one
            for (source_id, record_id), versions in versions_of(connection, [tuple(one) for one in identities]).items()
            for _, one in versions
        }


def _must_be_all_told(
    found: Named, stored: Mapping[tuple[str, str, int], StoredRecord], rows: Sequence[Row], where: str
) -> None:
    """All that was told is there: as a record, as a revision or beside what counts; and nothing else is."""
    kept = {(source, record_id, one.digest) for (source, record_id, _), one in stored.items()}
    kept |= {(row["source_id"], row["record_id"], bytes(row["digest"])) for row in found["revision"]}
    beside = [record_of(json.loads(row["content"])) for row in found["witness"]]
    kept |= {(one.source, one.record_id, one.digest) for one in beside}
    wanted = {row.told for row in rows if row.told is not None}
    assert kept == wanted, (where, "told", wanted ^ kept)


def _must_be_bad_lines(found: Named, made: World, files: Sequence[Given], where: str) -> None:
    """Each bad line is in quarantine, where it stands; nothing of what it says where users must not be known."""
    bad = {(one.name, line, row.text) for one in files for line, row in enumerate(one.rows, 1) if row.is_bad}
    lines = {(row["label"] if made.is_hashing else bytes(row["digest"]), row["line"]) for row in found["quarantine"]}
    given = {(name if made.is_hashing else digest_of(text), line) for name, line, text in bad}
    assert lines == given, (where, "quarantine", lines ^ given, found["quarantine"], bad)


def first_told(made: World, rows: Sequence[Row]) -> Mapping[Request, UsageRecord]:
    """Of each request that reports contradict one another about, the one that came first."""
    first: dict[Request, UsageRecord] = {}
    for row in rows:
        if row.record is not None and (request := (row.record.source, row.record.request)) in made.contested:
            first.setdefault(request, row.record)
    return first


def must_be_sums(found: Named, records: Sequence[UsageRecord], where: str) -> None:
    """Sums are those of these records, by source, day and quantity."""
    source = {bytes(row["digest"]).hex(): row["source"] for row in found["series"]}
    summed, expected = Counter[tuple[str, int, str]](), Counter[tuple[str, int, str]]()
    for (day, series), sums in sums_of(found).items():
        for name, value in zip(NAMES, sums, strict=True):
            if name == "requests" or name in TOKEN_LEAVES:
                summed[source[series], day, name] += value
    for (day, series, name), quantity in units_of(found).items():
        summed[source[series], day, name] += quantity
    for one in records:
        day = to_micros(one.occurred_at) // 86_400_000_000
        expected[one.source, day, "requests"] += 1
        for name, count in one.quantities.items():
            expected[one.source, day, name] += count
    assert +summed == +expected, (where, "sums", (summed - expected) + (expected - summed))
