"""What is true of data at rest whatever was computed: nothing counted twice, sums that add up, amounts in range.

Each is a check that `consistency` makes, with a name of its own. `INVARIANTS` says which numbered invariant of
docs/verification.md a check holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, and_, func, not_, or_, select

from tokentill.invoicing.journal import postings_of, sum_by_currency
from tokentill.money import ZERO, minor_digits
from tokentill.store import tables
from tokentill.store.checks.holdings import HeldDocument
from tokentill.store.issued.corrections import corrections_in_order
from tokentill.store.issued.documents import live_at
from tokentill.usage.quantities import INPUT_LEAVES, QUANTITY_MAX, TOKEN_LEAVES

NAMED_MAX = 20
"""So many things are named by one check."""

INVARIANTS = {
    "batches_hold_what_they_accepted": "M1",
    "batches_say_what_became_of_their_rows": "M1",
    "sums_are_those_of_the_records": "M1",
    "identities_are_unique": "M2",
    "one_version_of_a_record_counts": "M2",
    "one_record_of_a_request_counts": "M2",
    "requests_are_those_of_their_records": "M2",
    "witnesses_are_what_was_told": "M2",
    "usage_rows_are_what_their_digests_say": "M2",
    "records_are_each_in_one_place": "M3",
    "prices_and_rules_hold_in_one_version": "M4",
    "recordings_are_what_their_hashes_say": "M4",
    "documents_are_what_their_records_come_to": "M5 M7 M10",
    "no_record_is_on_two_documents": "M6",
    "corrections_know_of_one_another": "M6",
    "lines_are_within_a_minor_unit": "M8",
    "amounts_add_up": "M9",
    "credit_notes_are_within_their_documents": "M16",
    "periods_join": "M11",
    "log_of_documents_is_what_statuses_say": "M12",
    "one_document_is_live": "M13",
    "guards_are_in_force": "M14",
    "content_is_what_its_hash_says": "M14",
    "lines_are_what_the_content_says": "M14",
    "columns_are_what_the_content_says": "M14",
    "numbers_have_no_gap": "M15",
    "issued_entries_have_their_documents": "M15",
    "accounts_are_in_one_currency": "M17",
    "quantities_are_in_range": "M18",
    "input_totals_are_sums_of_their_parts": "M19",
    "audit_log_is_one_chain": "M21",
    "pushes_are_of_issued_documents": "M22",
    "postings_come_to_nothing": "M24",
}
"""Of checks that hold a numbered invariant."""


@dataclass(frozen=True, slots=True)
class Looked:
    """How many things a check of the whole database looked at, and what is wrong with them."""

    count: int
    of: str
    faults: Sequence[str]


# What holds of each document


def amounts_add_up(held: HeldDocument) -> Iterator[str]:
    """The lines add up to the subtotal, and the steps after it lead to the total and to what is due."""
    if (content := held.content) is None:
        return
    lines = sum(line["amount_minor"] for line in held.lines)
    subtotal, tax, total = (minor_of(content[key], content["currency"]) for key in ("subtotal", "tax", "total"))
    steps = dict.fromkeys(("net", "tax", "due"), 0)
    for item in content.get("items", ()):
        step = "net" if item["kind"] in _BEFORE_TAX else "tax" if item["kind"] == "tax" else "due"
        steps[step] += minor_of(item["amount"], content["currency"])
    due = minor_of(content.get("due", content["total"]), content["currency"])
    for what, stated, added in (
        ("subtotal", subtotal, lines),
        ("tax", tax, steps["tax"]),
        ("total", total, subtotal + steps["net"] + tax),
        ("amount due", due, total + steps["due"]),
    ):
        if stated != added:
            yield f"its {what} is {stated} minor units, and its parts add up to {added}"


_BEFORE_TAX = ("coupon", "minimum", "cap", "true_up", "invoiced")


def lines_are_within_a_minor_unit(held: HeldDocument) -> Iterator[str]:
    """Every line is within one minor unit of its exact amount, and the sum of a document's own lines within half of
    one. The lines of a correction with one cause are a difference of two such sums, and so within one.
    """
    if (content := held.content) is None:
        return
    digits = minor_digits(content["currency"])
    sums: dict[tuple[str, ...], list[Decimal]] = {}
    for line, said in zip(held.lines, content["lines"], strict=False):  # that there are as many is another check
        exact, corrects = Decimal(line["exact_amount"]).scaleb(digits), said.get("corrects")
        off = abs(line["amount_minor"] - exact)
        if off > 1 or (off == 1 and corrects is None):
            yield f"line {line['position']} is {line['amount_minor']} minor units, and exactly {exact:f}"
        part: tuple[str, ...] = () if corrects is None else (corrects["number"], said["cause"])
        of_part = sums.setdefault(part, [ZERO, ZERO])
        of_part[0] += line["amount_minor"]
        of_part[1] += exact
    for part, (amount, exact) in sums.items():
        if abs(2 * (amount - exact)) > (2 if part else 1):
            called = "what is {1} of {0}".format(*part) if part else "subtotal"
            yield f"its {called} is {amount} minor units, and exactly {exact:f}"


def postings_come_to_nothing(held: HeldDocument) -> Iterator[str]:
    """What a document is in a double-entry journal comes to nothing in each currency."""
    if held.content is not None:
        for currency, more in sum_by_currency(postings_of(held.content, held.ledger)).items():
            yield f"its postings in {currency} come to {more} minor units, and not to nothing"


def minor_of(amount: Any, currency: str) -> int:
    """An amount of a content in minor units."""
    return int(Decimal(amount).scaleb(minor_digits(currency)))


# What holds of the whole database


def batches_say_what_became_of_their_rows(connection: Connection) -> Looked:
    """No batch has more revisions or quarantined lines than it says."""
    batch = tables.batch.c
    faults = []
    for name, table in (("revisions", tables.revision), ("quarantined", tables.quarantine)):
        held = select(table.c.seq, func.count().label("held")).group_by(table.c.seq).subquery()
        more = select(batch.seq, batch[name], held.c.held).join_from(tables.batch, held, held.c.seq == batch.seq)
        faults += [
            f"batch {seq} says {stated} {name}, and {count} rows are of it"
            for seq, stated, count in connection.execute(more.where(held.c.held > batch[name]).order_by(batch.seq))
        ]
    return Looked(connection.execute(select(func.count()).select_from(tables.batch)).scalar_one(), "batches", faults)


def identities_are_unique(connection: Connection) -> Looked:
    """Of each identity, or of each request that several may tell of, there is one row a version, counted from 1."""
    usage, request = tables.usage.c, tables.usage_request.c
    has_requests = connection.execute(select(request.usage_id).limit(1)).first() is not None
    name = func.coalesce(request.request, usage.record_id) if has_requests else usage.record_id  # that has an index
    wrong = or_(func.count() != func.max(usage.version), func.min(usage.version) != 1)
    groups = select(func.min(usage.record_id)).join_from(tables.usage, tables.usage_request, isouter=True)
    groups = groups.group_by(usage.source_id, name).having(wrong).order_by(func.min(usage.record_id))
    twice = connection.execute(groups.limit(NAMED_MAX)).scalars()
    of_all = select(func.count()).select_from(tables.usage)
    faults = [f"record {record_id!r} is there more often than it has versions" for record_id in twice]
    return Looked(connection.execute(of_all).scalar_one(), "records", faults)


def periods_join(connection: Connection) -> Looked:
    """The issued periods of a customer do not overlap, and those of neighbouring months leave no time between them."""
    member, header = tables.member_period.c, tables.invoice.c
    query = (
        select(member.customer, member.period, member.starts_at, member.ends_at, header.number)
        .join_from(tables.member_period, tables.invoice, header.id == member.invoice_id)
        .where(live_at(None))
        .order_by(member.customer, member.starts_at, member.period)
    )
    faults, count, before = [], 0, None
    for row in connection.execute(query):
        count += 1
        if before is not None and before.customer == row.customer:
            is_next = _months(row.period) - _months(before.period) == 1
            if row.starts_at < before.ends_at or (is_next and row.starts_at != before.ends_at):
                faults.append(f"the periods of {row.customer!r} that {before.number} and {row.number} end do not join")
        before = row
    return Looked(count, "periods", faults)


def _months(period: str) -> int:
    return int(period[:4]) * 12 + int(period[5:])


def one_document_is_live(connection: Connection) -> Looked:
    """A customer has one live document of a kind and a part for a period."""
    invoice = tables.invoice.c
    keys = (invoice.customer, invoice.period, invoice.kind, invoice.part)
    query = select(*keys, func.count().label("live")).where(live_at(None)).group_by(*keys)
    rows = connection.execute(query.order_by(*keys)).all()
    faults = [f"{row.customer!r} has {row.live} live documents of {row.period}" for row in rows if row.live > 1]
    return Looked(len(rows), "documents", faults)


def accounts_are_in_one_currency(connection: Connection) -> Looked:
    """What a document takes from its own customer's account is in its own currency, but for balances and for what it
    corrects.
    """
    ledger, invoice = tables.ledger.c, tables.invoice.c
    query = (
        select(invoice.number, ledger.kind, ledger.currency, invoice.currency.label("own"))
        .join_from(tables.ledger, tables.invoice, invoice.id == ledger.invoice_id)
        .where(ledger.currency != invoice.currency, ledger.kind != "balance", ledger.period == "")
    )
    faults = [
        f"{row.number} is in {row.own}, and its ledger has a {row.kind} in {row.currency}"
        for row in connection.execute(query.order_by(invoice.number))
    ]
    of_all = select(func.count()).select_from(tables.ledger)
    return Looked(connection.execute(of_all).scalar_one(), "rows", faults)


def quantities_are_in_range(connection: Connection) -> Looked:
    """No quantity and no part of a cost is negative, or larger than a record can have."""
    usage, unit = tables.usage.c, tables.usage_unit.c
    leaves = (not_(usage[leaf].between(0, QUANTITY_MAX)) for leaf in TOKEN_LEAVES)
    limbs = (not_(usage[limb].between(0, 10**8 - 1)) for limb in tables.COST_LIMBS[1:])
    wrong = select(usage.record_id).where(or_(*leaves, *limbs, usage[tables.COST_LIMBS[0]] < 0))
    faults = [
        f"record {record_id!r} has a quantity or a cost out of range"
        for record_id in connection.execute(wrong.order_by(usage.id).limit(NAMED_MAX)).scalars()
    ]
    strange = select(unit.usage_id, unit.name).where(not_(unit.quantity.between(0, QUANTITY_MAX)))
    faults += [
        f"row {row.usage_id} of usage counts {row.name} out of range"
        for row in connection.execute(strange.order_by(unit.usage_id).limit(NAMED_MAX))
    ]
    return Looked(connection.execute(select(func.count()).select_from(tables.usage)).scalar_one(), "records", faults)


def input_totals_are_sums_of_their_parts(connection: Connection) -> Looked:
    """The input total of a record is the sum of its input quantities."""
    usage = tables.usage.c
    first, *others = (usage[leaf] for leaf in INPUT_LEAVES)
    wrong = select(usage.record_id).where(usage.input_total != sum(others, start=first))
    faults = [
        f"record {record_id!r}: its input total is not the sum of its parts"
        for record_id in connection.execute(wrong.order_by(usage.id).limit(NAMED_MAX)).scalars()
    ]
    return Looked(connection.execute(select(func.count()).select_from(tables.usage)).scalar_one(), "records", faults)


def pushes_are_of_issued_documents(connection: Connection) -> Looked:
    """What Stripe was told of stands on a document of the same customer and period."""
    push, invoice = tables.push.c, tables.invoice.c
    same = and_(invoice.number == push.invoice, invoice.customer == push.customer, invoice.period == push.period)
    query = select(push.identifier, push.invoice).where(not_(select(invoice.id).where(same).exists()))
    faults = [
        f"push {identifier} is of {number}, which is not a document of its customer and period"
        for identifier, number in connection.execute(query.order_by(push.identifier).limit(NAMED_MAX))
    ]
    return Looked(connection.execute(select(func.count()).select_from(tables.push)).scalar_one(), "pushes", faults)


def corrections_know_of_one_another(connection: Connection) -> Looked:
    """A document that corrects a period was computed with every live one that corrected it before."""
    pairs = corrections_in_order(connection)
    faults = [
        f"{later} corrects {period} without what {earlier} had corrected of it"
        for later, earlier, period, is_known in pairs
        if not is_known
    ]
    return Looked(len(pairs), "pairs of corrections", faults)


def credit_notes_are_within_their_documents(connection: Connection) -> Looked:
    """The credit notes of a period give back no more than its document came to, without what that corrects itself."""
    correction, header, note = tables.correction.c, tables.invoice, tables.invoice.alias("note")
    query = (
        select(
            header.c.number, header.c.content, correction.net_minor, correction.tax_minor, note.c.number.label("note")
        )
        .join_from(tables.correction, note, note.c.id == correction.invoice_id)
        .join(header, header.c.id == correction.corrects_id)
        .where(note.c.kind == "credit-note", live_at(None, note))
        .order_by(note.c.id)
    )
    faults, left, count = [], dict[str, int](), 0
    for row in connection.execute(query):
        count += 1
        own = left[row.number] if row.number in left else _own_total(json.loads(bytes(row.content)))
        left[row.number] = own + row.net_minor + row.tax_minor
        if left[row.number] < 0:
            back = -row.net_minor - row.tax_minor
            faults.append(f"{row.note} gives back {back} minor units, and {own} are left of {row.number}")
    return Looked(count, "credit notes", faults)


def _own_total(content: Any) -> int:
    """What a document comes to, in minor units, without what it corrects."""
    currency, rows = content["currency"], (*content["lines"], *content.get("items", ()))
    kinds = {"usage", "package", "flat", "base_fee", "manual", *_BEFORE_TAX, "tax"}
    own = [row for row in rows if row.get("corrects") is None and row["kind"] in kinds]
    return sum(minor_of(row["amount"], currency) for row in own)


DOCUMENT_INVARIANTS = (amounts_add_up, lines_are_within_a_minor_unit, postings_come_to_nothing)
DATABASE_INVARIANTS = (
    batches_say_what_became_of_their_rows,
    identities_are_unique,
    periods_join,
    one_document_is_live,
    accounts_are_in_one_currency,
    credit_notes_are_within_their_documents,
    corrections_know_of_one_another,
    quantities_are_in_range,
    input_totals_are_sums_of_their_parts,
    pushes_are_of_issued_documents,
)
