"""What people had written, read from the copies in the database: recordings, bindings, and lines that they added."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from tokentill.canonical import content_hash, content_of
from tokentill.clock import from_micros, micros_text
from tokentill.store import tables
from tokentill.verification.terms.books import Books
from tokentill.verification.terms.keys import CannotVerify, Table

BOOKS_MAX = 8
"""So many sets of books are kept in memory."""

USER_NAMES = ("user", "customer", "source")
KEY_NAMES = ("api_key", "team", "customer", "source")


class Written:
    """Everything that people had written, as one snapshot of a database has it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._books: dict[tuple[str, ...], Books] = {}

    def books(self, pins: Table, later: Table | None = None) -> Books:
        """The books that pins stand for; with later pins, those of a closed period that is corrected at them: with the
        later recordings that ask for closed periods, and all later bindings.
        """
        key = (pins["a"], pins["b"], *(() if later is None else (later["a"], later["b"])))
        if key not in self._books:
            if len(self._books) >= BOOKS_MAX:
                self._books.clear()
            prices, contracts = (self._recordings([pins[name]])[0] for name in ("a", "b"))
            own, beneath = (self._recordings(prices.get(name, ())) for name in ("recordings", "beneath"))
            agreed, bound = self._recordings(contracts["recordings"]), contracts
            if later is not None:
                newer, newest = (self._recordings([later[name]])[0] for name in ("a", "b"))
                own = self._with_asking(own, newer["recordings"])
                agreed = self._with_asking(agreed, newest["recordings"])
                bound = newest
            keys = self._of_table(tables.key_binding, KEY_NAMES, bound["keys"]) if "keys" in bound else []
            untrusted = contracts.get("untrusted", ())
            self._books[key] = Books(own, beneath, agreed, self._bindings(bound["bindings"]), keys, untrusted)
        return self._books[key]

    def _with_asking(self, own: list[Table], later: Collection[str]) -> list[Table]:
        known = {one["hash"] for one in own}
        asking = [one for one in self._recordings(set(later) - known) if one.get("applies_to_closed")]
        return sorted([*own, *asking], key=lambda one: str(one["hash"]))

    def manual_lines(self, period: str, upto: int) -> dict[str, list[Any]]:
        """The lines that people added to a period up to a number and had not removed by it, by customer."""
        line, removal = tables.manual_line, tables.manual_line_removal
        removed = set(self._connection.execute(select(removal.c.line).where(removal.c.number <= upto)).scalars())
        listed: dict[str, list[Any]] = {}
        added = select(line).where(line.c.period == period, line.c.number <= upto).order_by(line.c.number)
        for row in self._connection.execute(added):
            if row.number not in removed:
                listed.setdefault(row.customer, []).append(row)
        return listed

    def agreed(self, pins: Table) -> tuple[str, tuple[str, ...]]:
        """What decides about amounts of what pins stand for: prices, and contracts without bindings."""
        (contracts,) = self._recordings([pins["b"]])
        return pins["a"], tuple(contracts["recordings"])

    def _recordings(self, hashes: Collection[str]) -> list[Table]:
        table, found = tables.recording.c, {}
        for hash_ in sorted(set(hashes)):
            stored = self._connection.execute(select(table.content).where(table.hash == hash_)).scalar()
            content = None if stored is None else content_of(bytes(stored), hash_)
            if content is None:
                raise CannotVerify(f"the recording {hash_} is not stored, or is not what its hash says")
            found[hash_] = {**content, "hash": hash_}
        return list(found.values())

    def _without_erased(self, stated: str) -> str:
        """The hash of bindings that had another one before users were erased from them, by what the log says."""
        table, replaced = tables.audit.c, dict[str, str]()
        erasures = select(table.content).where(table.action == "user.erased").order_by(table.seq)
        for content in self._connection.execute(erasures).scalars():
            replaced |= json.loads(content)["binding_sets"]
        while stated in replaced:
            stated = replaced.pop(stated)
        return stated

    def _bindings(self, stated: Any) -> list[Table]:
        if isinstance(stated, list):  # older sets hold the bindings themselves
            return [
                {**one, "seq": seq, "valid_from": datetime.fromisoformat(one["valid_from"])}
                for seq, one in enumerate(stated, 1)
            ]
        return self._of_table(tables.binding, USER_NAMES, stated)

    def _of_table(self, table: Any, names: Collection[str], stated: Table) -> list[Table]:
        """The rows of a table of bindings up to a number, which must be those of which the hash was made."""
        columns = (table.c[name] for name in ("seq", "valid_from", *names))
        query = select(*columns).where(table.c.seq <= stated["upto"]).order_by(table.c.seq)
        listed = [dict(row._mapping) for row in self._connection.execute(query)]
        texts = [
            {**{name: one[name] for name in names}, "valid_from": micros_text(one["valid_from"])} for one in listed
        ]
        if content_hash(texts) != self._without_erased(stated["hash"]):
            raise CannotVerify("the bindings that it was computed with are not what their hash says")
        return [{**one, "valid_from": from_micros(one["valid_from"])} for one in listed]
