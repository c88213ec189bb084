"""Whether customers whose usage stands on the invoice of another one say so in a way that works."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tokentill.clock import instant_text
from tokentill.errors import Finding
from tokentill.recordings.checks.placed_rules import InTime, terms_of
from tokentill.recordings.mistakes import near_miss
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.recording import Recording, Recordings

_PARENT: KeyPath = ("invoice", "parent")
_OF_THE_INVOICE = ("minimum", "cap", "coupon", "tax", "smallest_amount", "interim_at")
"""Terms that are looked up for the customer who pays, and for nobody else."""


def a_parent_pays_its_own_invoice(recordings: Recordings) -> Iterator[Finding]:
    """A parent is another customer with a contract, and has no parent itself."""
    in_time = InTime(recordings)
    for recording in recordings.agreements:
        parent = terms_of(recording).get("parent")
        if parent is None:
            continue
        if recording.content["kind"] != "customer":
            message = f'a contract of kind "{recording.content["kind"]}" has no parent'
            yield recording.file.finding(_PARENT, message, "remove the key; each child names its parent in its own")
        elif parent == recording.content["id"]:
            message = f'"{parent}" is its own parent'
            yield recording.file.finding(_PARENT, message, "remove the key; a customer pays its own invoice anyway")
        elif parent not in in_time.customers:
            hint = (
                near_miss(parent, sorted(in_time.customers))
                or f'add a contract with kind = "customer" and id = "{parent}"'
            )
            yield recording.file.finding(_PARENT, f'the parent "{parent}" has no contract', hint)
        else:
            yield from _parent_in_time(recording, parent, in_time)


def _parent_in_time(recording: Recording, parent: str, in_time: InTime) -> Iterator[Finding]:
    """A parent has a contract as long as its child names it, and none of these names a parent."""
    id_ = recording.content["id"]
    for at in in_time.changes(recording, parent):
        of_parent = in_time.at("customer", parent, at)
        if of_parent is None:
            message = f'the parent "{parent}" has no contract in force at {instant_text(at)}'
            hint = f'let a contract of "{parent}" hold then; without one its invoice has the default terms'
            yield recording.file.finding(_PARENT, message, hint, is_warning=True)
            return
        above = terms_of(of_parent).get("parent")
        if above is not None:
            message = f'"{id_}" and "{parent}" are each other\'s parents'
            hint = "one of the two pays; remove the key from its contract"
            if above != id_:
                message = f'the parent "{parent}" stands on the invoice of "{above}" itself'
                hint = f'name "{above}" as the parent here, too; there is one level only'
            yield recording.file.finding(_PARENT, message, hint)
            return


def a_child_leaves_the_invoice_to_its_parent(recordings: Recordings) -> Iterator[Finding]:
    """A child states nothing of an invoice that is its parent's: limits, coupons, taxes, currency, period.

    Its rules are its own, and so is its base fee, which is a line of the parent's invoice.
    """
    in_time = InTime(recordings)
    for recording in recordings.agreements:
        terms = terms_of(recording)
        parent = terms.get("parent")
        if parent is None or recording.content["kind"] != "customer":
            continue
        for key in _OF_THE_INVOICE:
            if key in terms:
                message = f'"{key}" has no effect: the invoice is that of the parent "{parent}"'
                hint = f'remove it, or state it in the contract of "{parent}"'
                yield recording.file.finding(("invoice", key), message, hint)
        chain = in_time.chain(parent, datetime.fromisoformat(recording.content["valid_from"]))
        for key, otherwise in (("currency", "USD"), ("time_zone", "UTC"), ("anchor_day", 1)):
            of_parent = next((item.content[key] for item in chain if key in item.content), otherwise)
            if recording.content.get(key, of_parent) != of_parent:
                message = f'"{key}" has no effect: it is {of_parent}, as for the parent "{parent}"'
                yield recording.file.finding((key,), message, "remove it; both stand on one invoice")
