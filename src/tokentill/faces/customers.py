"""The list of everybody: who has a contract, usage or a description."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tokentill.contracts.book import ContractBook
from tokentill.documents.views.lists import CustomerList, ListedCustomer
from tokentill.errors import InvalidFiles
from tokentill.store.customers import Customer, bindings, customers, key_bindings
from tokentill.store.intake.imports import usage_parties
from tokentill.usage.attribution import Attribution, Binding
from tokentill.usage.keys import KeyBinding

if TYPE_CHECKING:
    from tokentill.recordings.load import Folder
    from tokentill.store.database import Database


def customer_list(
    database: Database, folder_of: Callable[[], Folder], untrusted: Sequence[str], now: datetime
) -> CustomerList:
    """Everybody, with what is agreed now, and all bindings.

    Args:
        folder_of: gives the contracts; the list does without them where they cannot be read.
        untrusted: the sources whose users decide nothing.
    """
    with database.read() as connection:
        described, parties = customers(connection), usage_parties(connection)
        bound, keys = bindings(connection), key_bindings(connection)
    try:
        folder = folder_of()
        contracts, rules, not_read = ContractBook(folder.contracts), folder.attribution, None
    except InvalidFiles as error:
        contracts, rules, not_read = None, (), str(error)
    attribution = Attribution(rules, bound, keys, untrusted)
    using = {
        attribution.attribute(source=source, user=user, api_key=key, at=now, tags=tags).customer
        for source, user, key, tags in (parties if contracts is not None else ())
    } - {None}
    listed = _listed_customers(described, (*bound, *keys), {one for one in using if one is not None}, contracts, now)
    return CustomerList(tuple(listed), tuple(bound), not_read, tuple(keys))


def _listed_customers(
    described: Mapping[str, Customer],
    bound: Sequence[Binding | KeyBinding],
    using: Collection[str],
    contracts: ContractBook | None,
    now: datetime,
) -> Iterator[ListedCustomer]:
    users: dict[str, set[str]] = {one.customer: set() for one in bound if one.customer is not None}
    for one in bound:
        if isinstance(one, Binding):
            users[one.customer].add(one.user)
    contracted = () if contracts is None else contracts.customers
    for id_ in sorted({*described, *users, *using, *contracted}, key=str.encode):
        customer = described.get(id_) or Customer(id_, None, None)
        agreed: tuple[str | None, str | None, bool | None] = (None, None, None)
        if contracts is not None:
            own = contracts.at("customer", id_, now)
            agreed = (None if own is None else own.plan, contracts.terms(id_, now).currency, own is not None)
        yield ListedCustomer(customer, *agreed, None if contracts is None else id_ in using, len(users.get(id_, ())))
