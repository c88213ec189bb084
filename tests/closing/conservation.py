"""The law of conservation: every usage record is billed once, or named, or nobody's; and every cent comes from one.

Each law looks at the `History` of a world and raises `Broken` with what is wrong. Whose a record is and what it costs
is worked out anew from what people had written at the time, in fractions, with the independent calculator.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from tests.closing.world_runs import Broken, Chain, Document, History, RecordOnLine
from tests.closing.worlds import month_plus, name_of
from tests.invoicing.bench import minor, second_folder, second_request
from tests.verification import calculator
from tokentill.canonical import Content
from tokentill.usage.record import UsageRecord

STEPS = ("coupon", "minimum", "cap")
COUNTING = {"allowance", "tiers", "package", "credits", "min_margin_percent", "byok_fee_percent"}
"""Keys of rules under which a record's amount depends on other records, or on more than the calculator knows."""


class Known:
    """What was known at some instants of a world, as the independent calculator reads it."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._folders: dict[int, calculator.Folder] = {}

    def folder(self, at: datetime) -> calculator.Folder:
        """Everything that had been written."""
        contents = self._history.written(at)
        if len(contents) not in self._folders:
            self._folders[len(contents)] = second_folder(content for content in contents if content["kind"] != "grant")
        return self._folders[len(contents)]

    def owner(self, record: UsageRecord, at: datetime, rules_at: datetime | None = None) -> str | None:
        """Whose a record was, by what was known at an instant; by rules as they were known at another one."""
        fitting = [
            (bound.valid_from, number, bound.customer)
            for number, bound in enumerate(self._history.bound(at))
            if bound.user == record.user and bound.valid_from <= record.occurred_at
        ]
        if fitting:
            return max(fitting)[2]
        return calculator.customer_of(second_request(record), self.folder(rules_at or at))

    def parents(self, customer: str, at: datetime) -> set[str]:
        """Everybody who was ever said to pay for a customer."""
        own = [one for one in self.folder(at).contracts if (one["kind"], one["id"]) == ("customer", customer)]
        return {one["invoice"]["parent"] for one in own if "parent" in one.get("invoice", {})}


def hold_to_the_law(history: History) -> None:
    """Hold a world to every law.

    Raises:
        Broken: for the first that does not hold.
    """
    known = Known(history)
    every_document_lists_each_of_its_records_once(history)
    a_record_is_on_one_chain_of_documents(history)
    everything_is_closed_and_sound(history)
    no_record_is_lost(history, known)
    a_late_record_has_a_reason(history, known)
    a_close_counts_what_is_late(history)
    a_chain_goes_on_from_what_it_billed(history)
    periods_join(history)
    a_record_is_billed_to_whom_it_belonged(history, known)
    a_record_stands_with_whom_it_belongs(history, known)
    a_record_costs_what_it_costs(history, known)
    documents_come_to_what_their_records_cost(history, known)
    nothing_is_due_that_is_not_billed(history)
    nothing_is_left_late(history)


def every_document_lists_each_of_its_records_once(history: History) -> None:
    """What `explain` gives adds up to each line, and no record is on two lines, or was not there yet."""
    law = "a document lists each of its records once"
    for document in history.documents.values():
        listed = [found.record_id for _, records in document.lines for found in records]
        twice = {id_ for id_ in listed if listed.count(id_) > 1}
        if twice:
            raise Broken(law, f"{document.number} has them on two lines", sorted(twice))
        for line, records in document.lines:
            is_whole = sum((found.amount for found in records), Fraction(0)) == Fraction(line["exact_amount"])
            if line["kind"] == "usage" and not (is_whole and len(records) == line["requests"]):
                raise Broken(law, f"a line of {document.number} is not the sum of its records: {line}")
        unseen = [id_ for id_ in listed if history.arrived[id_].at > document.pinned_at]
        if unseen:
            raise Broken(law, f"{document.number} was pinned before they arrived", unseen)


def a_record_is_on_one_chain_of_documents(history: History) -> None:
    """No record is billed twice."""
    for id_, chains in _standing(history).items():
        if len(chains) > 1:
            raise Broken("a record is on one chain of documents", f"{id_} is on {sorted(chains)}", [id_])
        if id_ in history.late:
            raise Broken("a record is on one chain of documents", f"{id_} is late, too", [id_])


def no_record_is_lost(history: History, known: Known) -> None:
    """What is on no document is named as late, or belongs to nobody; for at the end everything is closed."""
    law = "no record is lost"
    at, billed = history.world.ends_at, _standing(history)
    lost = []
    for id_, used in history.arrived.items():
        owner = known.owner(used.record, at)
        if id_ in history.late:
            customer, month = history.late[id_]
            if customer != owner:
                raise Broken(law, f"{id_} is named as late of {customer}, and belongs to {owner}", [id_])
            if not _documents_for(history, known, customer, month):
                raise Broken(law, f"{id_} is named as late for {month}, of which nothing is issued", [id_])
        elif id_ not in billed and owner is not None:
            lost.append(id_)
    if lost:
        raise Broken(law, f"{', '.join(lost)} are on no document and not late", lost)
    strangers = sorted(set(history.late) - set(history.arrived))
    if strangers:
        raise Broken(law, "nobody knows of late records", strangers)


def a_late_record_has_a_reason(history: History, known: Known) -> None:
    """It came after the document's run began, or what people wrote or made void since then put it there."""
    at = history.world.ends_at
    voided = [document for document in history.documents.values() if not document.is_live]
    for id_, (customer, month) in history.late.items():
        used = history.arrived[id_]
        around = {customer, *known.parents(customer, at)}
        if any(document.customer in around or id_ in document.records for document in voided):
            continue
        for document in _documents_for(history, known, customer, month):
            since = history.written(at)[len(history.written(document.pinned_at)) :]
            has_reason = (
                used.at > document.pinned_at
                or known.owner(used.record, document.pinned_at) != customer
                or any(content.get("id") in {*around, "default"} for content in since)
            )
            if has_reason:
                break
        else:
            raise Broken("a late record has a reason", f"{id_} was there when {month} was issued", [id_])


def a_close_counts_what_is_late(history: History) -> None:
    """The last close of all says how many records of whom and which month are late."""
    if Counter(history.late.values()) != history.late_counted:
        raise Broken("a close counts what is late", f"{history.late_counted} are counted", sorted(history.late))


def a_chain_goes_on_from_what_it_billed(history: History) -> None:
    """A later document has the records of the earlier ones, and bills the whole less what they billed."""
    law = "a chain goes on from what it billed"
    for chain in _chains(history):
        newest = chain[-1]
        for earlier in chain[:-1]:
            missing = sorted(set(earlier.records) - set(newest.records))
            if missing:
                raise Broken(law, f"{newest.number} has lost them from {earlier.number}", missing)
        steps = [item for item in newest.content.get("items", ()) if item["kind"] in STEPS]
        whole = (
            minor(newest.content["subtotal"], newest.currency)
            - _corrected(newest)
            + sum(minor(item["amount"], newest.currency) for item in steps)
        )
        billed = sum(_net(document) for document in chain)
        if whole != billed:
            raise Broken(law, f"{[document.number for document in chain]} billed {billed}, not {whole} minor units")
    periods = [(document.customer, document.month) for document in history.live if document.kind == "period"]
    if len(periods) != len(set(periods)):
        raise Broken(law, "a customer has two documents of a kind for one month")


def periods_join(history: History) -> None:
    """Issued periods neither overlap nor leave a gap, and each has the records that lie in it."""
    law = "periods join"
    members: dict[str, dict[str, list[RecordOnLine]]] = {}
    for customer in sorted({document.customer for document in history.live}):
        own = [one for one in history.live if one.customer == customer]
        issued = sorted((one for one in own if one.kind == "period"), key=lambda one: one.month)
        for before, after in pairwise(issued):
            follows = month_after(before.month) == after.month
            if before.ends_at > after.starts_at or (follows and before.ends_at != after.starts_at):
                raise Broken(law, f"{before.told()} and {after.told()}")
    for chain in _chains(history):
        taken_over = {id_ for document in chain[:-1] for id_ in document.records}
        for document in chain:
            for found in document.records.values():
                occurred_at = history.arrived[found.record_id].record.occurred_at
                is_own = found.member == document.customer and found.record_id not in taken_over
                if is_own and not document.starts_at <= occurred_at < document.ends_at:
                    raise Broken(law, f"{found.record_id} is outside of {document.number}", [found.record_id])
                if document is chain[-1] and found.record_id not in taken_over:
                    members.setdefault(found.member, {}).setdefault(document.month, []).append(found)
    for member, months in members.items():
        for (month, before), (following, after) in pairwise(sorted(months.items())):
            last = max(before, key=lambda found: history.arrived[found.record_id].record.occurred_at)
            first = min(after, key=lambda found: history.arrived[found.record_id].record.occurred_at)
            both = [history.arrived[found.record_id].record for found in (last, first)]
            if both[0].occurred_at >= both[1].occurred_at:
                what = f"{last.record_id} of {member} is in {month} and later than {first.record_id} in {following}"
                raise Broken(law, what, [last.record_id, first.record_id])


def a_record_is_billed_to_whom_it_belonged(history: History, known: Known) -> None:
    """By what was known when its document was pinned, or as it was on an earlier document of the chain."""
    law = "a record is billed to whom it belonged"
    before: dict[tuple[str, str, str], dict[str, set[str]]] = {}
    for document in history.documents.values():
        earlier = before.setdefault(document.chain, {})
        for id_, found in document.records.items():
            owner = known.owner(history.arrived[id_].record, document.pinned_at)
            if found.member != owner and found.member not in earlier.get(id_, ()):
                raise Broken(law, f"{id_} is {found.member}'s on {document.number}, and was {owner}'s", [id_])
            may_pay = {found.member, *known.parents(found.member, document.pinned_at)}
            if document.customer not in may_pay:
                raise Broken(law, f"{document.customer} pays for {id_} of {found.member}", [id_])
            earlier.setdefault(id_, set()).add(found.member)


def a_record_stands_with_whom_it_belongs(history: History, known: Known) -> None:
    """In the end a record is covered as usage of whose it is by the bindings that were looked at last, and by the rules
    of a document that had it. A document goes on with what was on an earlier one of its chain before anything changed.
    """
    law = "a record stands with whom it belongs"
    for document in history.live:
        if document.kind != "credit-note" and set(document.covers[document.chain]) != set(document.records):
            raise Broken(law, f"{document.number} does not list what it covers", sorted(document.records))
    for id_, chains in _standing(history).items():
        record = history.arrived[id_].record
        having = [one for one in history.documents.values() for listed in one.covers.values() if id_ in listed]
        for chain, member in chains.items():
            looked = [one.pinned_at for one in history.live if chain in one.covers or _is_later(one, chain)]
            owners = {known.owner(record, max(looked), one.pinned_at) for one in having}
            stating = [one for one in history.live if one.covers.get(chain, {}).get(id_) == member]
            stayed = len(stating) > 1 and owners & {known.owner(record, one.pinned_at) for one in stating}
            if member not in owners and not stayed:
                raise Broken(law, f"{id_} stands with {member} in {chain}, and is of {sorted(map(str, owners))}", [id_])


def documents_come_to_what_their_records_cost(history: History, known: Known) -> None:
    """All documents of a customer's period, with all that corrects it, come to what its records cost at the terms of
    its own document: each counts once. Where nothing else is billed, they do so to the cent."""
    law = "documents come to what their records cost"
    standing: dict[Chain, dict[str, str]] = {}
    for id_, chains in _standing(history).items():
        for chain_of, member in chains.items():
            standing.setdefault(chain_of, {})[id_] = member
    for chain in _chains(history):
        own = chain[-1]
        folder, records = known.folder(own.pinned_at), standing.get(own.chain, {})
        cost = Fraction(0)
        for id_, member in records.items():
            request = second_request(history.arrived[id_].record)
            cost += calculator.bill(request, calculator.rule_of(request, member, folder), own.currency, folder)
        billed = [line for line, _ in own.lines if line["kind"] == "usage"]
        corrections = [(line, one) for one in history.live for line in _adjustments(one, own.number)]
        billed += [line for line, _ in corrections if line["charge"] is None]
        requests = sum(line["requests"] for line in billed)
        if requests != len(records):
            raise Broken(
                law, f"{own.number} and its corrections bill {requests} records of {len(records)}", sorted(records)
            )
        rates = [Fraction(line["corrects"].get("rate", "1")) for line, _ in corrections]
        exact = sum((Fraction(line["exact_amount"]) / _rate(line) for line in billed), Fraction(0))
        slack = Fraction(sum(rate != 1 for rate in rates), 10 ** calculator.MINOR_DIGITS.get(own.currency, 2))
        if history.world.is_linear and abs(exact - cost) > slack:
            raise Broken(
                law, f"{own.number} and its corrections bill {exact}, their records cost {cost}", sorted(records)
            )
        is_of_usage = all(line["kind"] in ("usage", "adjustment") for line, _ in own.lines) and not any(
            line["charge"] for line, _ in corrections
        )
        steps = [item for one in chain for item in one.content.get("items", ()) if item["kind"] in STEPS]
        if history.world.is_linear and is_of_usage and not steps and not slack:
            net = sum(map(_net, chain)) + sum(minor(line["amount"], one.currency) for line, one in corrections)
            if net != calculator.rounded(minor(str(cost), own.currency)):
                raise Broken(
                    law, f"{own.number} and its corrections come to {net} minor units, their records cost {cost}"
                )


def a_record_costs_what_it_costs(history: History, known: Known) -> None:
    """Each by itself: list price, markup, exchange rate. In linear worlds their sum is all that documents bill."""
    law = "a record costs what it costs"
    billed: dict[str, Fraction] = {}
    worked_out: dict[str, Fraction] = {}
    for chain in _chains(history):
        document = chain[-1]
        folder = known.folder(document.pinned_at)
        last_instant = document.ends_at - timedelta(microseconds=1)
        currency = folder.term(document.customer, last_instant, "currency", "USD")
        if currency != document.currency:
            raise Broken(law, f"{document.number} is in {document.currency}, and the contract says {currency}")
        for found in document.records.values():
            request = second_request(history.arrived[found.record_id].record)
            rule = calculator.rule_of(request, found.member, folder)
            if rule is not None and COUNTING & set(rule):
                continue
            amount = calculator.bill(request, rule, document.currency, folder)
            _add(worked_out, document.currency, amount)
            if (amount, (rule or {}).get("name")) != (found.amount, found.rule):
                what = f"{found.record_id} costs {found.amount} on {document.number} by {found.rule}, not {amount}"
                raise Broken(law, what, [found.record_id])
        for line, _ in document.lines:
            if line["kind"] == "usage":
                _add(billed, document.currency, Fraction(line["exact_amount"]))
    if history.world.is_linear and _without_zeros(billed) != _without_zeros(worked_out):
        raise Broken(law, f"documents bill {billed}, their records cost {worked_out}")


def nothing_is_due_that_is_not_billed(history: History) -> None:
    """What is due, what grants paid and what is still carried is the sum of all totals, by currency.

    A balance that was converted leaves its own currency and comes into that of its document.
    """
    law = "nothing is due that is not billed"
    totals: dict[str, Fraction] = {}
    found: dict[str, Fraction] = {}
    for document in history.live:
        content, currency = document.content, document.currency
        shares = sum(Fraction(line["amount"]) for line in content["lines"])
        own = [line for line in content["lines"] if line["kind"] != "adjustment"]
        exact = sum((Fraction(line["exact_amount"]) for line in own), Fraction(0))
        rounded = calculator.rounded(minor(str(exact), currency)) + _corrected(document)
        if shares != Fraction(content["subtotal"]) or rounded != minor(content["subtotal"], currency):
            raise Broken(law, f"the lines of {document.number} do not come to its subtotal")
        due = Fraction(content.get("due", content["total"]))
        if due < 0 and (content["lines"] or not _items(content, "balance")):
            raise Broken(law, f"{document.number} pays {-due} {currency} back, and is not of a balance alone")
        _add(totals, currency, Fraction(content["total"]))
        _add(found, currency, due + _paid(document))
        for item in _items(content, "balance"):
            if "original" in item:
                _add(totals, currency, Fraction(item["amount"]))
                _add(totals, item["original_currency"], -Fraction(item["original"]))
    paid: dict[tuple[str, str], Fraction] = {}
    for document in history.live:
        key = (document.customer, document.currency)
        paid[key] = paid.get(key, Fraction(0)) + _paid(document)
    for (customer, currency), amount in paid.items():
        if amount < 0:
            raise Broken(
                law, f"grants of {customer} were given {-amount} {currency} more back than was drawn from them"
            )
    for customer, account in history.accounts.items():
        for balance in account.balances:
            digits = calculator.MINOR_DIGITS.get(balance.currency, 2)
            _add(found, balance.currency, Fraction(balance.amount_minor, 10**digits))
        for grant in account.grants:
            if grant.grant is not None and not 0 <= grant.drawn_minor <= grant.amount_minor:
                raise Broken(law, f"{grant.drawn_minor} of {grant.amount_minor} is drawn from {grant.id} of {customer}")
    if _without_zeros(totals) != _without_zeros(found):
        raise Broken(law, f"totals are {_shown(totals)}; due, paid and carried are {_shown(found)}")


def nothing_is_left_late(history: History) -> None:
    """What came late is billed by the months after, but for the last one."""
    last = history.world.months[-1]
    left = sorted(id_ for id_, (_, month) in history.late.items() if month != last)
    if left:
        raise Broken("nothing is left late", f"{', '.join(left)} are late, and a month after theirs is closed", left)


def everything_is_closed_and_sound(history: History) -> None:
    """Nobody is refused at the end, nobody is not due, and `verify` and `db check` find nothing."""
    for law, faults in history.faults.items():
        raise Broken(law, "; ".join(faults))


def month_after(month: str) -> str:
    """The name of the next month."""
    year, number = map(int, month.split("-"))
    return name_of(month_plus((year, number), 1))


def _items(content: Content, kind: str) -> list[Content]:
    return [item for item in content.get("items", ()) if item["kind"] == kind]


def _paid(document: Document) -> Fraction:
    """What grants paid; below zero where a document gives back what an interim invoice drew."""
    return -sum((Fraction(item["amount"]) for item in _items(document.content, "credit")), Fraction(0))


def _add(amounts: dict[str, Fraction], currency: str, amount: Fraction) -> None:
    amounts[currency] = amounts.get(currency, Fraction(0)) + amount


def _net(document: Document) -> Fraction:
    """What a document bills of its own period."""
    content = document.content
    whole = minor(content["total"], document.currency) - minor(content["tax"], document.currency)
    return whole - _corrected(document)


def _corrected(document: Document) -> Fraction:
    """What a document bills of others that it corrects, before taxes."""
    lines = (line for line in document.content["lines"] if line["kind"] == "adjustment")
    return sum((minor(line["amount"], document.currency) for line in lines), Fraction(0))


def _adjustments(document: Document, number: str) -> list[Content]:
    """The lines by which a document corrects another one."""
    lines = (line for line, _ in document.lines if line["kind"] == "adjustment")
    return [line for line in lines if line["corrects"]["number"] == number]


def _rate(line: Content) -> Fraction:
    """What a line was converted at from the currency of what it corrects."""
    return Fraction((line.get("corrects") or {}).get("rate", "1"))


def _is_later(document: Document, chain: Chain) -> bool:
    """Whether a document was computed by whoever had to look at an earlier period, too."""
    return document.kind == "period" and document.customer == chain[0] and document.month > chain[1]


def _chains(history: History) -> list[list[Document]]:
    """The interim invoices of a period with its own document."""
    found: dict[Chain, list[Document]] = {}
    for document in history.live:
        if document.kind != "credit-note":
            found.setdefault(document.chain, []).append(document)
    return list(found.values())


def _standing(history: History) -> dict[str, dict[Chain, str]]:
    """Where each record stands in the end, and as whose usage: of every chain its newest live document says so."""
    newest: dict[Chain, Mapping[str, str]] = {}
    for document in history.live:
        newest |= document.covers
    standing: dict[str, dict[Chain, str]] = {}
    for chain, records in newest.items():
        for id_, member in records.items():
            standing.setdefault(id_, {})[chain] = member
    return standing


def _documents_for(history: History, known: Known, customer: str, month: str) -> list[Document]:
    """The documents of a month on which a customer's usage may be."""
    payers = {customer, *known.parents(customer, history.world.ends_at)}
    return [one for one in history.live if one.kind == "period" and one.month == month and one.customer in payers]


def _without_zeros(amounts: dict[str, Fraction]) -> dict[str, Fraction]:
    return {currency: amount for currency, amount in amounts.items() if amount}


def _shown(amounts: dict[str, Fraction]) -> str:
    return ", ".join(f"{float(amount)} {currency}" for currency, amount in sorted(amounts.items()))
