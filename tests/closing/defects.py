"""Defects that are planted in the product on purpose, each by its name, to see that what tests imports catches them.

A defect is what a small mistake in one place would do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from tokentill.closing.records import ingest as ingesting
from tokentill.closing.records import staging
from tokentill.sources import blocks
from tokentill.store.intake import batches, requests
from tokentill.store.intake import control_totals as totals
from tokentill.store.intake.requests import ToldRequests
from tokentill.store.usage import batch_digests, usage_inserts, usage_rows
from tokentill.usage.columns import UsageColumns

Patch = Callable[[Any, str, Any], None]
"""Sets a value: where, by what name, and what."""


def plant(name: str, patch: Patch = setattr) -> None:
    """Plant a defect by its name; none where it has none."""
    if name:
        DEFECTS[name](patch)


def _two_transactions(patch: Patch) -> None:
    """Records are committed before their sums."""
    keep, would_be, is_trial = batches.keep_sums, staging.would_be, [False]

    def keep_later(connection: Connection, seq: int, zero: Any = ()) -> None:
        if not is_trial[0]:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("BEGIN")
        keep(connection, seq, zero)

    def look(*given: Any) -> Any:
        is_trial[0] = True
        try:
            return would_be(*given)
        finally:
            is_trial[0] = False

    patch(batches, "keep_sums", keep_later)
    patch(staging, "would_be", look)


def _any_source(patch: Patch) -> None:
    """What is stored is looked up by the record id, whatever its source is."""
    stored = batches.stored_payloads

    def stored_of_any(connection: Connection, identities: Sequence[Any]) -> dict[Any, Any]:
        sources = connection.exec_driver_sql("SELECT id FROM source").scalars().all()
        found = stored(connection, [(source, record_id) for _, record_id in identities for source in sources])
        by_id = {record_id: versions for (_, record_id), versions in found.items()}
        return {key: found.get(key, by_id[key[1]]) for key in identities if key[1] in by_id}

    patch(batches, "stored_payloads", stored_of_any)


def _sums_before_withdrawals(patch: Patch) -> None:
    """Sums are made before what the batch withdraws is withdrawn."""
    keep, store = batches.keep_sums, batches.store_told

    def store_after(connection: Connection, told: Any, keyed: Any, seq: int, **said: Any) -> None:
        keep(connection, seq)
        store(connection, told, keyed, seq, **said)

    patch(batches, "store_told", store_after)
    patch(batches, "keep_sums", lambda *_: None)


def _record_lost_at_a_border(patch: Patch) -> None:
    """What stands first behind the border of a batch is lost, if it is a record."""
    cut = blocks.Block.cut

    def cut_short(block: blocks.Block, size: int) -> tuple[blocks.Block, blocks.Block]:
        first, behind = cut(block, size)
        if len(behind) and 0 not in behind.places:
            behind = cut(behind, 1)[1]
        return first, behind

    patch(blocks.Block, "cut", cut_short)


def _line_lost_at_a_border(patch: Patch) -> None:
    """A bad line that stands first behind the border of a batch is lost."""
    cut = blocks.Block.cut

    def cut_short(block: blocks.Block, size: int) -> tuple[blocks.Block, blocks.Block]:
        first, behind = cut(block, size)
        if behind.places[:1] == [0]:
            behind = cut(behind, 1)[1]
        return first, behind

    patch(blocks.Block, "cut", cut_short)


def _record_twice_at_a_border(patch: Patch) -> None:
    """A batch holds the last line of the one before it, too."""
    extend = blocks.Block.extend

    def extended(block: blocks.Block, more: blocks.Block) -> None:
        if len(block) == 0 and len(more):
            extend(block, more.cut(1)[0])
        extend(block, more)

    patch(blocks.Block, "extend", extended)


def _digest_without_a_column(patch: Patch) -> None:
    """The digest of a batch says nothing of what records cost."""
    add = batch_digests.BatchDigest.add

    def add_some(digest: Any, columns: Mapping[str, Any]) -> None:
        add(digest, {name: values for name, values in columns.items() if not name.startswith("cost")})

    patch(batch_digests.BatchDigest, "add", add_some)


def _revision_is_a_duplicate(patch: Patch) -> None:
    """Payloads that differ by what they cost are taken for one."""
    patch(batches, "cost_of", lambda _: usage_inserts.NO_COST)
    stored = batches.stored_payloads

    def without_cost(connection: Connection, identities: Sequence[Any]) -> dict[Any, Any]:
        found = stored(connection, identities)
        return {
            key: [(n, at, (*one[:2], *usage_inserts.NO_COST, *one[6:])) for n, at, one in versions]
            for key, versions in found.items()
        }

    patch(batches, "stored_payloads", without_cost)


def _last_of_a_batch(patch: Patch) -> None:
    """Of equal identities in a batch the last one counts."""
    sort_out = batches._sorted_out

    def backwards(connection: Connection, given: UsageColumns, known: Any) -> Any:
        return sort_out(connection, given.taken(range(len(given))[::-1]), known)

    patch(batches, "_sorted_out", backwards)


def _no_look_up(patch: Patch) -> None:
    """What is stored is not looked up."""
    patch(batches, "stored_payloads", lambda *_: {})


def _ranked_by_order(patch: Patch) -> None:
    """Of several reports of a request the first to come counts."""
    patch(requests, "rank_of", lambda *_: 0)


def _reporters_alike(patch: Patch) -> None:
    """Who tells of a request makes no difference."""
    patch(requests, "rank_of", lambda _, *said: _RANK_OF(0, *said))


_RANK_OF = requests.rank_of


def _no_witness(patch: Patch) -> None:
    """What is told beside what counts is not kept."""
    store = batches.store_told

    def store_some(connection: Connection, told: ToldRequests, keyed: Any, seq: int, **said: Any) -> None:
        told.witnesses.clear()
        store(connection, told, keyed, seq, **said)

    patch(batches, "store_told", store_some)


def _not_withdrawn(patch: Patch) -> None:
    """A report that is replaced goes on counting."""
    patch(requests, "withdraw", lambda *_, **__: None)


def _import_begins_anew(patch: Patch) -> None:
    """An import that is run again is another one."""
    patch(ingesting, "import_going_on", lambda *_: None)


def _no_quarantine(patch: Patch) -> None:
    """Bad lines are counted and not kept."""
    patch(batches, "_insert_quarantined", lambda *_: None)


def _staged_lines_lost(patch: Patch) -> None:
    """A staging that goes on forgets what stood at its border."""
    add = staging.add_staged

    def add_some(connection: Connection, seq: int, after: int, lines: Sequence[Any]) -> None:
        add(connection, seq, after, lines[: len(lines) - (after > 0)])

    patch(staging, "add_staged", add_some)


def _totals_without_versions(patch: Patch) -> None:
    """Newer figures of a control total are taken for the old ones."""
    stored = totals._stored

    def known_cells(connection: Connection, cells: Any) -> Any:
        known, newest = stored(connection, cells)

        class Known(set[Any]):
            def __contains__(self, key: object) -> bool:
                return any(cell == key[0] for cell, _ in self)  # type: ignore[index]

        return Known(known), newest

    patch(totals, "_stored", known_cells)


def _cost_rounded(patch: Patch) -> None:
    """Costs are kept to 16 digits behind the point."""
    one, many = usage_rows.cost_limbs, usage_rows.limbs_of_costs
    patch(usage_inserts, "cost_limbs", lambda written: (one(written)[0], 0, 0))
    patch(usage_inserts, "limbs_of_costs", lambda written: (many(written)[0], *[[0] * len(written)] * 2))


def _nobody_waits(patch: Patch) -> None:
    """A batch looks before it has the lock, so that others may come between."""
    for module in (ingesting, batches, totals):
        patch(module, "hold_counter", lambda *_: None)


DEFECTS: dict[str, Callable[[Patch], None]] = {
    "a batch is committed in two transactions": _two_transactions,
    "duplicates are looked up without their source": _any_source,
    "sums are kept before withdrawals": _sums_before_withdrawals,
    "a record is lost at a border": _record_lost_at_a_border,
    "a bad line is lost at a border": _line_lost_at_a_border,
    "a digest leaves a column out": _digest_without_a_column,
    "a revision is taken for a duplicate": _revision_is_a_duplicate,
    "the last of a batch counts": _last_of_a_batch,
    "stored payloads are not looked up": _no_look_up,
    "requests are ranked by order": _ranked_by_order,
    "reporters are alike": _reporters_alike,
    "witnesses are not kept": _no_witness,
    "what is replaced goes on counting": _not_withdrawn,
    "an import begins anew": _import_begins_anew,
    "bad lines are not kept": _no_quarantine,
    "staged lines are lost": _staged_lines_lost,
    "newer totals are not kept": _totals_without_versions,
    "costs are rounded": _cost_rounded,
}
UNDER_CONCURRENCY = {"nobody waits": _nobody_waits}
DEFECTS |= UNDER_CONCURRENCY
