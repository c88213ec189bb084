"""Erasing a user: a token that says nothing takes the place of the id in all that is kept of usage.

Issued documents stay as they are, and stay verifiable. So a user is not erased of whom a document cannot be worked out
again without the id: one that is a customer by it, that lines are split by, or that a rule decides by.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, or_, select, union

from tokentill.canonical import Content, ContentOfFields, canonical_bytes, content_of
from tokentill.clock import from_micros
from tokentill.closing.computation.pins import Inputs
from tokentill.closing.questions.explain import lines_by_of
from tokentill.closing.records.record_decisions import SignedReason
from tokentill.errors import InvalidCall, NotFound, Refused
from tokentill.store import tables
from tokentill.store.audit import ERASED, append_audit, chain_head
from tokentill.store.customers import bindings, key_bindings
from tokentill.store.database import Database, hold_counter
from tokentill.store.intake.control_totals import erase_totals
from tokentill.store.intake.erasures import TOKEN, ErasedRows, erase_rows
from tokentill.usage.attribution import Attribution, Binding
from tokentill.usage.globs import glob_fits
from tokentill.usage.ids import TEAM_TAG
from tokentill.usage.keys import KeyBinding

_TOKEN_BYTES = 12
_ALL = 2**62
"""A number that no binding has."""

_Party = tuple[str, str | None, tuple[str, ...]]
"""Source, API key and team, as a tag: what decides beside the user whose a record is."""


@dataclass(frozen=True, slots=True)
class Erased(ContentOfFields):
    """What was erased: the token that stands in the place of the user, and how many rows name it now.

    `stays` counts where the id still is: issued documents and what else the audit log says, which are kept by law, and
    recordings of contracts and rules, which their authors change.
    """

    token: str
    source: str | None
    by: str
    reason: str
    at: datetime
    records: int
    series: int
    revisions: int
    witnesses: int
    bindings: int
    staged: int
    quarantined: int
    control_totals: int
    audit_entries: int
    stays: dict[str, int]


def erase_user(
    database: Database, inputs: Inputs | None, user: str, source: str | None, signed: SignedReason
) -> Erased:
    """Put a token in the place of a user.

    Args:
        inputs: the contracts and rules as they are now; None where there are none.
        source: only in records of this source, and bindings for it.

    Raises:
        NotFound: when nothing names the user.
        Refused: when a document could not be verified without the id, or records would become another customer's.
        InvalidCall: when there is no reason.
    """
    signed = signed.checked("an erasure")
    if user in signed.reason:
        raise InvalidCall("the reason is kept for good and names the user; say why without the id")
    with database.write() as connection:
        for counter in ("batch", "invoice", "binding"):  # nothing is taken in, issued or bound meanwhile
            hold_counter(connection, counter)
        # Of where the audit log stands: nothing of the user is in it, and no two erasures have the same.
        token = TOKEN + sha256(str(chain_head(connection)).encode()).hexdigest()[: 2 * _TOKEN_BYTES]
        if obstacle := next(_obstacles(connection, inputs, user, token, source), None):
            raise Refused(f"the user cannot be erased: {obstacle}")
        totals, cells = erase_totals(connection, user, token, source)
        rows = erase_rows(connection, user, token, source)
        of_records = (rows.records, rows.revisions, rows.witnesses, rows.bindings, rows.staged, rows.quarantined)
        if not any((*of_records, totals)):
            kinds = "record, binding, revision, control total or kept line"
            raise NotFound(f"no {kinds} names this user; ids are compared byte for byte")
        erased = _erased(connection, rows, totals, user, token, source, signed)
        content = {
            **erased.content(),
            "audit": dict(rows.audit),
            "binding_sets": dict(rows.binding_sets),
            "cells": cells,
        }
        for name in ("by", "at"):
            del content[name]
        append_audit(connection, ERASED, content, at=signed.at, actor=signed.by)
    return erased


def _erased(
    connection: Connection,
    rows: ErasedRows,
    totals: int,
    user: str,
    token: str,
    source: str | None,
    signed: SignedReason,
) -> Erased:
    names = ("records", "series", "revisions", "witnesses", "bindings", "staged", "quarantined")
    counts = {name: getattr(rows, name) for name in names}
    stays = {
        "documents": _naming(connection, tables.invoice.c.content, user),
        "audit_entries": _naming(connection, tables.audit.c.content, user),
        "recordings": _naming(connection, tables.recording.c.content, user),
        "control_totals": _control_totals(connection, user),
    }
    said = {name: getattr(signed, name) for name in ("by", "reason", "at")}
    changed = {**counts, "control_totals": totals, "audit_entries": len(rows.audit)}
    return Erased(token=token, source=source, **said, **changed, stays=stays)


def _control_totals(connection: Connection, user: str) -> int:
    """How many totals of other sources are stated of the user."""
    table = tables.control_total
    return connection.execute(select(func.count()).select_from(table).where(table.c.user == user)).scalar_one()


def _naming(connection: Connection, column: Any, user: str) -> int:
    """How many rows of canonical JSON have a user as a value."""
    value = canonical_bytes(user)
    stored = connection.execute(select(column)).scalars()
    return sum(value in (one.encode() if isinstance(one, str) else bytes(one)) for one in stored)


def _obstacles(
    connection: Connection, inputs: Inputs | None, user: str, token: str, source: str | None
) -> Iterator[str]:
    """What keeps a user from being erased."""
    parties = _parties(connection, user)
    bound = bindings(connection)
    if source is not None and {other for other, _, _ in parties} - {source}:
        if any(one.user == user and one.source is None for one in bound):
            yield "it is bound in records of all sources, and has records of others; leave out the source"
        parties = [party for party in parties if party[0] == source]
    if number := _first_document_of(connection, user):
        yield f"it is the customer of documents such as {number}, which are kept by law and verified by its records"
    if number := _first_document_split(connection, user):
        yield f"lines of {number} are split by user, and could not be verified without it"
    yield from _moved(connection, inputs, bound, parties, user, token)


def _parties(connection: Connection, user: str) -> list[_Party]:
    series = tables.series.c
    rows = connection.execute(select(series.source, series.api_key, series.tags).where(series.user == user).distinct())
    parties = {(row.source, row.api_key, tuple(filter(_names_team, json.loads(row.tags)))) for row in rows}
    return sorted(parties, key=repr)


def _names_team(tag: str) -> bool:
    return tag.startswith(TEAM_TAG)


def _first_document_of(connection: Connection, user: str) -> str | None:
    """A document, or a period or account of one, that has the user as its customer."""
    invoice, member, ledger = tables.invoice, tables.member_period, tables.ledger
    ids = union(
        select(invoice.c.id).where(invoice.c.customer == user),
        select(member.c.invoice_id).where(member.c.customer == user),
        select(ledger.c.invoice_id).where(ledger.c.customer == user),
        select(tables.coverage.c.invoice_id).where(
            or_(tables.coverage.c.member == user, tables.coverage.c.corrected == user)
        ),
    )
    return connection.execute(select(func.min(invoice.c.number)).where(invoice.c.id.in_(ids))).scalar()


def _first_document_split(connection: Connection, user: str) -> str | None:
    """A document that covers records of the user and names users in its lines."""
    series, coverage, invoice = tables.series, tables.coverage, tables.invoice
    own = select(coverage.c.invoice_id).where(
        coverage.c.series_id.in_(select(series.c.id).where(series.c.user == user))
    )
    query = select(invoice.c.number, invoice.c.content).where(invoice.c.id.in_(own)).order_by(invoice.c.number)
    for number, stored in connection.execute(query):
        if "user" in lines_by_of(content_of(bytes(stored)) or {"lines": []}):
            return str(number)
    return None


def _moved(
    connection: Connection,
    inputs: Inputs | None,
    bound: Iterable[Binding],
    parties: Iterable[_Party],
    user: str,
    token: str,
) -> Iterator[str]:
    """Rules by which the token would be somebody else's, or priced otherwise, in any set that was ever used."""
    after = [replace(one, user=token) if one.user == user else one for one in bound]
    keys = key_bindings(connection)
    for known in _sets(connection, inputs):
        if rule := next((name for one in known.recordings for name in _rules_by_user(one, user)), None):
            yield f"the rule {rule} decides by it what its usage costs"
            return
        then, now = (known.attribution(some, keys) for some in (bound, after))
        for source, api_key, tags in parties:
            edges = {from_micros(0), *then.rule_edges(), *then.binding_edges(user, api_key, tags)}
            for at in sorted(edges):
                was = then.attribute(source=source, user=user, api_key=api_key, at=at, tags=tags)
                would = now.attribute(source=source, user=token, api_key=api_key, at=at, tags=tags)
                own = (was.customer, would.customer) == (user, token)
                if was.customer != would.customer and not own:
                    yield (
                        f"its records are {was.customer!r}'s ({was.because}), and would be {would.customer!r}'s without"
                        " the id; documents that were computed so could not be verified"
                    )
                    return


class _ContractSet(NamedTuple):
    """What anything was computed with: contracts and rules, the bindings of users and of keys up to a number, and the
    sources that were untrusted.
    """

    recordings: list[Content]
    users_upto: int = _ALL
    keys_upto: int = _ALL
    untrusted: Iterable[str] = ()

    def attribution(self, bound: Iterable[Binding], keys: Iterable[KeyBinding]) -> Attribution:
        users = [one for one in bound if one.seq <= self.users_upto]
        known = [one for one in keys if one.seq <= self.keys_upto]
        return Attribution(self.recordings, users, known, self.untrusted)


def _sets(connection: Connection, inputs: Inputs | None) -> Iterator[_ContractSet]:
    """Every set that anything was computed with, each also with all bindings there are, as corrections of closed
    periods are computed, and what would be used now.
    """
    table = tables.recording.c
    stored = {row.hash: json.loads(bytes(row.content)) for row in connection.execute(select(table.hash, table.content))}
    for one in stored.values():
        if one.get("kind") == "contract-set":
            users, keys = one["bindings"], one.get("keys")
            known = _ContractSet(
                [stored[hash_] for hash_ in one["recordings"] if hash_ in stored],
                users["upto"] if isinstance(users, dict) else _ALL,
                0 if keys is None else keys["upto"],
                one.get("untrusted", ()),
            )
            yield from (known, known._replace(users_upto=_ALL, keys_upto=_ALL))
    if inputs is not None:
        yield _ContractSet(list(inputs.contracts), untrusted=inputs.untrusted)


def _rules_by_user(recording: Content, user: str) -> Iterator[str]:
    """The rules of a contract that match a user by name."""
    if recording.get("kind") == "attribution":
        return
    for number, rule in enumerate(recording.get("rule", ()), 1):
        patterns = rule.get("match", {}).get("user", ())
        patterns = [patterns] if isinstance(patterns, str) else patterns
        if any(glob_fits(pattern, user) for pattern in patterns if pattern != "*"):
            yield f"{rule.get('name', number)} of contract {recording.get('id')}"
