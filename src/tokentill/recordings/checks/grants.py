"""Whether prepaid credit grants can pay for something, and name the customers that are meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from tokentill.errors import Finding
from tokentill.recordings.recording import Recordings

_DIGITS = re.compile(r"[0-9]+")


def a_grant_can_pay(recordings: Recordings) -> Iterator[Finding]:
    """A grant is in the currency of an invoice that its customer gets. Warning."""
    if recordings.is_unread("contracts"):
        return
    for grant in recordings.grants:
        customer, at = grant.value.customer, grant.value.valid_from
        payer, billed = recordings.book.payer(customer, at), recordings.book.terms(customer, at).currency
        if payer != customer:
            message = f'the invoice of "{customer}" is that of its parent "{payer}", so its credit pays nothing'
            yield grant.finding(("customer",), message, f'grant it to "{payer}"', is_warning=True)
        elif billed != grant.value.currency:
            message = f'the credit is in {grant.value.currency}, and "{customer}" is billed in {billed}'
            yield grant.finding(("currency",), message, "it pays invoices in its own currency only", is_warning=True)


def grants_name_their_customers_rightly(recordings: Recordings) -> Iterator[Finding]:
    """A customer without a contract may have credit; one whose id is nearly that of another is a slip. Warning."""
    known = _Known(recordings.book.customers)
    for grant in recordings.grants:
        customer = grant.value.customer
        meant = known.meant_by(customer)
        if meant is not None and not recordings.is_unread("contracts", customer):
            message = f'no contract is of a customer "{customer}"'
            yield grant.finding(("customer",), message, f'did you mean "{meant}"?', is_warning=True)


class _Known:
    """Ids that are known, by the numbers in them: ids that differ in their numbers are two customers."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = frozenset(ids)
        self._alike: dict[tuple[str, ...], dict[str, str]] = {}
        for id_ in sorted(self._ids):
            self._alike.setdefault(_numbers(id_), {})[_folded(id_)] = id_

    def meant_by(self, id_: str) -> str | None:
        """The known id that another one is probably a slip of."""
        if id_ in self._ids:
            return None
        alike = self._alike.get(_numbers(id_), {})
        near = difflib.get_close_matches(_folded(id_), sorted(alike), 1, 0.8)
        return alike[near[0]] if near else None


def _numbers(id_: str) -> tuple[str, ...]:
    return tuple(_DIGITS.findall(id_))


def _folded(id_: str) -> str:
    return id_.casefold().strip()


CHECKS = (a_grant_can_pay, grants_name_their_customers_rightly)
