"""Whether prepaid credit grants are worth something, and can pay for something."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from tokentill.errors import Finding
from tokentill.recordings.checks.placed_rules import InTime
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.recording import Recordings

_OF_CREDITS = ("credits", "worth", "name")
_DIGITS = re.compile(r"[0-9]+")


def a_grant_is_an_amount_or_credits(recordings: Recordings) -> Iterator[Finding]:
    """A grant states an amount, or a number of named credits with their worth; it ends after it begins."""
    for recording in recordings.grants:
        for index, grant in enumerate(recording.content["grant"]):
            path: KeyPath = ("grant", index)
            at = recording.file.finding
            of_credits = [key for key in _OF_CREDITS if key in grant]
            missing = [key for key in _OF_CREDITS if key not in grant]
            called = f'the grant "{grant["id"]}"'
            if "amount" in grant and of_credits:
                message = f'{called} is an amount, and "{of_credits[0]}" makes it one of credits'
                yield at((*path, of_credits[0]), message, "keep amount alone, or credits, worth and name")
            elif "amount" not in grant and missing:
                what = "amount" if len(missing) == len(_OF_CREDITS) else missing[0]
                yield at(path, f"{called} states no {what}", "add amount = ..., or credits, worth and name")
            starts, ends = (datetime.fromisoformat(grant[key]) if key in grant else None for key in _INSTANTS)
            if starts is not None and ends is not None and ends <= starts:
                message = f"{called} expires before it begins"
                yield at((*path, "expires_at"), message, "expires_at is an instant after valid_from")


_INSTANTS = ("valid_from", "expires_at")


def no_grant_is_stated_twice(recordings: Recordings) -> Iterator[Finding]:
    """At one time of recording a grant is stated once; stated again later, the later statement holds."""
    seen: dict[tuple[str, str, str], str] = {}
    for recording in recordings.grants:
        for index, grant in enumerate(recording.content["grant"]):
            path: KeyPath = ("grant", index, "id")
            key = (grant["customer"], grant["id"], recording.content["recorded_at"])
            where = recording.file.finding(path, "").where
            first = seen.setdefault(key, where)
            if first != where:
                message = f'the grant "{grant["id"]}" of "{grant["customer"]}" is stated at {first} too'
                hint = "another grant has another id; a correction is a new file with a later recorded_at"
                yield recording.file.finding(path, message, hint)


def a_grant_can_pay(recordings: Recordings) -> Iterator[Finding]:
    """A grant is in the currency of an invoice that its customer gets. Warning."""
    in_time = InTime(recordings)
    for recording in recordings.grants:
        for index, grant in enumerate(recording.content["grant"]):
            customer, at = grant["customer"], datetime.fromisoformat(grant["valid_from"])
            currency, payer = in_time.currency(customer, at), in_time.payer(customer, at)
            if payer != customer:
                message = f'the invoice of "{customer}" is that of its parent "{payer}", so its credit pays nothing'
                hint = f'grant it to "{payer}"'
                yield recording.file.finding(("grant", index, "customer"), message, hint, is_warning=True)
            elif currency != grant["currency"]:
                message = f'the credit is in {grant["currency"]}, and "{customer}" is billed in {currency}'
                hint = "it pays invoices in its own currency only"
                yield recording.file.finding(("grant", index, "currency"), message, hint, is_warning=True)


def grants_name_their_customers_rightly(recordings: Recordings) -> Iterator[Finding]:
    """A customer without a contract may have credit; one whose id is nearly that of another is a slip. Warning."""
    known = _Known(InTime(recordings).customers)
    for recording in recordings.grants:
        for index, grant in enumerate(recording.content["grant"]):
            meant = known.meant_by(grant["customer"])
            if meant is not None:
                message = f'no contract is of a customer "{grant["customer"]}"'
                path: KeyPath = ("grant", index, "customer")
                yield recording.file.finding(path, message, f'did you mean "{meant}"?', is_warning=True)


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
