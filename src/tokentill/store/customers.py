"""Who customers are, and the explicit bindings of users, API keys and teams to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from tokentill.clock import from_micros, to_micros
from tokentill.errors import Refused
from tokentill.store import tables
from tokentill.store.database import hold_counter, insert_new, next_value
from tokentill.store.decoding import columns_of, decoded, decoding
from tokentill.usage.attribution import Binding
from tokentill.usage.keys import KeyBinding

KeyWanted = tuple[str | None, str | None, str | None, datetime, str | None]
"""API key, team, customer (two of the three), valid from, source: a binding that is to be made."""


@dataclass(frozen=True, slots=True)
class Customer:
    """What is known of a customer beside its contract."""

    id: str
    name: str | None
    stripe_customer: str | None


def customers(connection: Connection) -> dict[str, Customer]:
    """All customers that somebody described, by id."""
    described = [decoded(Customer, row) for row in connection.execute(select(tables.customer))]
    return {customer.id: customer for customer in sorted(described, key=lambda customer: customer.id.encode())}


def set_customer(
    connection: Connection, id_: str, *, name: str | None, stripe_customer: str | None, at: datetime
) -> Customer:
    """Describe a customer; what is None stays as it was.

    Raises:
        Refused: when another customer is linked to the same Stripe customer.
    """
    table = tables.customer
    nothing_known = {"id": id_, "name": None, "stripe_customer": None, "updated_at": to_micros(at)}
    connection.execute(insert_new(connection, table).values(nothing_known))
    stated = {"name": name, "stripe_customer": stripe_customer}
    changed = {key: value for key, value in stated.items() if value is not None}
    statement = update(table).where(table.c.id == id_).values(**changed, updated_at=to_micros(at)).returning(table)
    try:
        row = connection.execute(statement).one()
    except IntegrityError as error:
        raise Refused(
            f"the Stripe customer {stripe_customer} is linked to another customer already;"
            " two customers on one would be billed as one"
        ) from error
    return decoded(Customer, row)


@decoding("a binding")
def bindings(connection: Connection) -> list[Binding]:
    """All bindings, in the order in which they were made."""
    rows = connection.execute(select(tables.binding).order_by(tables.binding.c.seq))
    return [decoded(Binding, row, valid_from=from_micros(row.valid_from)) for row in rows]


@decoding("a binding of an API key")
def key_bindings(connection: Connection) -> list[KeyBinding]:
    """All bindings of keys and teams, in the order in which they were made."""
    rows = connection.execute(select(tables.key_binding).order_by(tables.key_binding.c.seq))
    return [decoded(KeyBinding, row, valid_from=from_micros(row.valid_from)) for row in rows]


def add_key_bindings(connection: Connection, wanted: Sequence[KeyWanted], at: datetime) -> list[KeyBinding]:
    """Append bindings of keys and teams. Those that hold already just so are left out."""
    hold_counter(connection, "binding")  # they are numbered one after the other
    known = key_bindings(connection)
    newest = {_bound(one): one for one in known}
    added: list[KeyBinding] = []
    for api_key, team, customer, valid_from, source in wanted:
        binding = KeyBinding(len(known) + len(added) + 1, api_key, team, customer, valid_from, source)
        before = newest.get(_bound(binding))
        if before is not None and before.content() == binding.content():
            continue
        newest[_bound(binding)] = binding
        stored = columns_of(binding, "seq", "api_key", "team", "customer", "valid_from", "source")
        connection.execute(insert(tables.key_binding).values(**stored, recorded_at=to_micros(at)))
        added.append(binding)
    return added


def _bound(binding: KeyBinding) -> tuple[object, ...]:
    """What is bound by it, and for when and where."""
    team = binding.team if binding.api_key is None else None
    return binding.api_key, team, binding.valid_from, binding.source


def add_bindings(
    connection: Connection, wanted: Sequence[tuple[str, str, datetime, str | None]], at: datetime
) -> list[Binding]:
    """Append bindings (user, customer, valid from, source). Those that hold already just so are left out."""
    newest = {(binding.user, binding.valid_from, binding.source): binding.customer for binding in bindings(connection)}
    added = []
    for user, customer, valid_from, source in wanted:
        if newest.get((user, valid_from, source)) == customer:
            continue
        newest[user, valid_from, source] = customer
        seq = next_value(connection, "binding")
        binding = Binding(seq, user, customer, valid_from, source)
        stored = columns_of(binding, "seq", "user", "customer", "valid_from", "source")
        connection.execute(insert(tables.binding).values(**stored, recorded_at=to_micros(at)))
        added.append(binding)
    return added
