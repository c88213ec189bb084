"""Every usage record is on one chain of live documents, or named as late, or nobody's, whatever happens in between.

Worlds of a few months happen to a database, and are then held to the law of `conservation`. A world follows from its
seed; one that breaks the law is told with as few events as will do. What the law finds is tested at the end: a history
that it is content with is damaged in small ways.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from functools import cache, partial
from typing import Any

import pytest

from tests.builders import at, attribution, contract, grants, price, prices, record
from tests.closing import world_stories
from tests.closing.conservation import hold_to_the_law
from tests.closing.world_runs import Broken, Document, History, WorldRun
from tests.closing.world_stories import Fault, live_by_the_law
from tests.closing.worlds import DAY, Bound, Closed, Event, Used, World, Wrote, fx_of
from tests.invoicing.bench import new_sqlite, open_postgresql
from tests.shares import daily, in_campaigns


@pytest.mark.parametrize("seed", daily(range(18), 1))
def test_every_record_is_billed_once_or_named(seed: int) -> None:
    live_by_the_law(World.of(seed), new_sqlite)


@pytest.mark.parametrize("seed", [None, *map(in_campaigns, (3, 21, 34))], ids=lambda seed: seed or "small")
def test_every_record_is_billed_once_or_named_on_postgresql(
    postgresql_url: str, postgresql_template: str, seed: int | None
) -> None:
    world = small_world() if seed is None else World.of(seed)
    live_by_the_law(world, partial(open_postgresql, postgresql_url, postgresql_template))


def test_a_world_follows_from_its_seed() -> None:
    assert World.of(7) == World.of(7)
    assert World.of(7) != World.of(8)
    assert all(before.at < after.at for before, after in zip(World.of(7).events, World.of(7).events[1:], strict=False))


def test_a_story_is_told_with_the_events_that_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a law forbade to have a certain record on a document before the end."""

    def forbid(history: History) -> None:
        for document in history.documents.values():
            if "bob-1" in document.records and document.pinned_at < history.world.ends_at:
                raise Broken("bob-1 waits", f"bob-1 is on {document.number}", ["bob-1"])

    monkeypatch.setattr(world_stories, "hold_to_the_law", forbid)
    whole = small_world()
    october = [event for event in whole.events if event.at < at("2026-11-10T00:00:00+00:00")]
    some = [event for event in october if not (isinstance(event, Used) and event.record.user in ("cee", "kid"))]
    with pytest.raises(Fault, match="bob-1 waits: bob-1 is on INV-000001") as told:
        live_by_the_law(replace(whole.with_events(some), months=("2026-10",)), new_sqlite)
    story = str(told.value)
    assert story.startswith("seed 0\n")
    assert story.count("bob-1 arrives") == 2, "when it arrives, and again where it is asked what became of it"
    assert story.count("arrives") == 2
    assert story.count("2026-10 is closed") == 1
    assert "is written" not in story
    assert "\n    on INV-000001\n" in story


def small_world() -> World:
    """Two months in which a child is billed with its parent, and there are an interim invoice, a coupon, a tax, credit,
    a balance that is carried on, and two currencies."""
    tax, half = {"tax": [{"name": "VAT", "percent": "19"}]}, {"coupon": [{"id": "half", "percent": "50"}]}
    written = [
        prices(price()),
        fx_of(at("2026-09-01T00:00:00+00:00"), "2026-01-01", {"USD-EUR": "0.9"}),
        contract(rules=[{"name": "all", "markup_percent": "10"}], invoice=tax),
        contract("customer", "ann", currency="EUR", invoice=half),
        contract("customer", "bob", invoice={"smallest_amount": "50"}),
        contract("customer", "cee", anchor_day=15),
        contract("customer", "kid", invoice={"parent": "cee"}),
        grants({"id": "gift", "customer": "cee", "amount": "2"}),
        attribution(tolerance_percent="100"),
    ]
    records = [
        record(f"{user}-{number}", user=user, when=when, input=number * 1_000_001)
        for user in ("ann", "bob", "cee", "kid")
        for number, when in enumerate(("16", "18 08:30", "2026-11-12T01:00:00+00:00"), start=1)
    ]
    begins_at = at("2026-09-02T00:00:00+00:00")
    events: list[Event] = [Wrote(begins_at + number * DAY, content) for number, content in enumerate(written)]
    events += [Used(one.occurred_at + timedelta(minutes=number), one) for number, one in enumerate(records)]
    events += [
        Closed(at("20"), "2026-10", interim=("ann",)),
        Closed(at("2026-11-05T00:00:00+00:00"), "2026-10"),
        Closed(at("2026-12-05T00:00:00+00:00"), "2026-11"),
    ]
    return World(
        seed=0,
        events=tuple(sorted(events, key=lambda event: event.at)),
        months=("2026-09", "2026-10", "2026-11", "2026-12"),
        ends_at=at("2027-02-01T00:00:00+00:00"),
        is_linear=True,
    )


# What the law finds


@cache
def lawful() -> History:
    """The history of the small world, which the law is content with."""
    with new_sqlite() as database:
        history = WorldRun(small_world(), database).live_through()
    hold_to_the_law(history)
    for what in ("invoiced", "of a child", "credit", "tax", "coupon", "balance", "in another currency"):
        assert history.fired[what], what
    return history


def copied(history: History) -> History:
    """The same, to be damaged."""
    return replace(
        history,
        arrived=dict(history.arrived),
        documents=dict(history.documents),
        late=dict(history.late),
        late_counted=dict(history.late_counted),
        faults=dict(history.faults),
    )


def some(history: History, fits: Callable[[Document], bool]) -> Document:
    """A document of a kind."""
    return next(document for document in history.documents.values() if fits(document))


def is_plain(document: Document) -> bool:
    """Whether it has records of its own and no interim invoice before it."""
    is_own = any(found.member == document.customer for found in document.records.values())
    return document.kind == "period" and is_own and not _items(document, "invoiced")


def change(history: History, document: Document, **changes: object) -> None:
    """Put another document in the place of one."""
    history.documents[document.number] = replace(document, **changes)


def lose_a_document(history: History) -> None:
    del history.documents[some(history, is_plain).number]


def issue_it_to_another_too(history: History) -> None:
    one = some(history, is_plain)
    again = replace(one, number="INV-again", customer="somebody")
    history.documents["INV-again"] = replace(again, covers={again.chain: one.covers[one.chain]})


def name_a_billed_one_as_late(history: History) -> None:
    one = some(history, is_plain)
    history.late[next(iter(one.records))] = (one.customer, one.month)


def name_one_as_late_without_a_reason(history: History) -> None:
    one = some(history, is_plain)
    id_ = next(id_ for id_, found in one.records.items() if found.member == one.customer)
    change(history, one, lines=(), content=_empty(one), covers={})
    history.late[id_] = (one.customer, one.month)
    for other in set(one.records) - {id_}:
        del history.arrived[other]


def name_one_as_late_of_another(history: History) -> None:
    name_one_as_late_without_a_reason(history)
    history.late = {id_: ("somebody", month) for id_, (_, month) in history.late.items()}


def count_one_late_too_many(history: History) -> None:
    history.late_counted[("ann", "2026-10")] = 1


def forget_what_an_interim_invoice_had(history: History) -> None:
    one = some(history, lambda document: bool(_items(document, "invoiced")))
    change(history, one, lines=(), content={**one.content, "lines": []})


def bill_the_whole_again(history: History) -> None:
    one = some(history, lambda document: bool(_items(document, "invoiced")))
    invoiced = sum(Fraction(item["amount"]) for item in _items(one, "invoiced"))
    change(history, one, content={**one.content, "total": str(Fraction(one.content["total"]) - invoiced)})


def leave_a_gap(history: History) -> None:
    one = next(two[1] for two in _consecutive(history))
    later = one.starts_at.replace(hour=one.starts_at.hour ^ 1).isoformat()
    change(history, one, content={**one.content, "period_start": later})


def bill_it_to_another(history: History) -> None:
    one = some(history, is_plain)
    lines = tuple((line, tuple(replace(found, member="somebody") for found in records)) for line, records in one.lines)
    change(history, one, lines=lines)


def bill_a_little_more(history: History) -> None:
    one = some(history, lambda document: is_plain(document) and len(document.lines[0][1]) > 0)
    line, records = one.lines[0]
    more = Fraction(1, 10**9)
    dearer = replace(records[0], amount=records[0].amount + more)
    exact = str(Fraction(line["exact_amount"]) + more)
    change(history, one, lines=(({**line, "exact_amount": exact}, (dearer, *records[1:])), *one.lines[1:]))


def lose_a_line_of_a_record(history: History) -> None:
    one = some(history, lambda document: len(document.records) > 1)
    line, records = one.lines[0]
    change(history, one, lines=((line, records[1:]), *one.lines[1:]))


def ask_for_a_cent_more(history: History) -> None:
    one = some(history, lambda document: "due" in document.content)
    change(history, one, content={**one.content, "due": str(Fraction(one.content["due"]) + Fraction(1, 100))})


def verify_in_vain(history: History) -> None:
    history.faults["verify finds nothing"] = ["a fault"]


@pytest.mark.parametrize(
    ("damage", "law"),
    [
        (lose_a_document, "no record is lost"),
        (issue_it_to_another_too, "a record is on one chain of documents"),
        (name_a_billed_one_as_late, "a record is on one chain of documents"),
        (name_one_as_late_without_a_reason, "a late record has a reason"),
        (name_one_as_late_of_another, "no record is lost"),
        (count_one_late_too_many, "a close counts what is late"),
        (forget_what_an_interim_invoice_had, "a chain goes on from what it billed"),
        (bill_the_whole_again, "a chain goes on from what it billed"),
        (leave_a_gap, "periods join"),
        (bill_it_to_another, "a record is billed to whom it belonged"),
        (bill_a_little_more, "a record costs what it costs"),
        (lose_a_line_of_a_record, "a document lists each of its records once"),
        (ask_for_a_cent_more, "nothing is due that is not billed"),
        (verify_in_vain, "verify finds nothing"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_the_law_finds(damage: Callable[[History], None], law: str) -> None:
    assert broken_by(damage, lawful()) == law


def broken_by(damage: Callable[[History], None], history: History) -> str:
    """The law that a damaged history breaks."""
    damaged = copied(history)
    damage(damaged)
    with pytest.raises(Broken) as broken:
        hold_to_the_law(damaged)
    return broken.value.law


# What the law finds of corrections


@cache
def corrected() -> History:
    """The history of the small world with a record that comes late, and usage that is another customer's by then."""
    whole = small_world()
    late = record("bob-late", user="bob", when="17", input=2_000_000)
    learned: list[Event] = [
        Used(at("2026-11-20T00:00:00+00:00"), late),
        Bound(at("2026-11-21T00:00:00+00:00"), "bob", "ann", at("18 00:00")),
    ]
    world = whole.with_events(sorted([*whole.events, *learned], key=lambda event: event.at))
    with new_sqlite() as database:
        history = WorldRun(world, database).live_through()
    hold_to_the_law(history)
    causes = {line["cause"] for one in history.live for line, _ in one.lines if line["kind"] == "adjustment"}
    assert causes == {"late", "attribution"}
    return history


def correcting(history: History, customer: str) -> Document:
    """A document that corrects a period."""
    return some(history, lambda one: one.customer == customer and len(one.covers) > 1)


def change_a_correction(history: History, **changes: Callable[[Any], Any]) -> None:
    """Put another line in the place of the first one that corrects something."""
    one = correcting(history, "bob")
    place = next(place for place, (line, _) in enumerate(one.lines) if line["kind"] == "adjustment")
    line = one.lines[place][0]
    other = {**line, **{name: of(line[name]) for name, of in changes.items()}}
    change(history, one, lines=(*one.lines[:place], (other, ()), *one.lines[place + 1 :]))


def count_a_late_record_twice(history: History) -> None:
    change_a_correction(history, requests=lambda count: count * 2)


def correct_by_a_little_more(history: History) -> None:
    change_a_correction(history, exact_amount=lambda amount: str(Fraction(amount) + Fraction(1, 10**9)))


def correct_by_another_amount(history: History) -> None:
    change_a_correction(history, amount=lambda amount: str(Fraction(amount) + Fraction(1, 100)))


def keep_what_was_given_up(history: History) -> None:
    standing = {id_ for one in history.live for listed in one.covers.values() for id_ in listed}
    for one in history.live:
        for chain, listed in one.covers.items():
            if chain != one.chain and standing - set(listed):
                before = next(other.covers[chain] for other in history.live if other.chain == chain)
                if set(before) - set(listed):
                    change(history, one, covers={**one.covers, chain: {**listed, **before}})
                    return


def lose_what_a_correction_covers(history: History) -> None:
    one = correcting(history, "ann")
    change(history, one, covers={one.chain: one.covers[one.chain]})


def correct_it_for_another(history: History) -> None:
    one = correcting(history, "ann")
    covers = {
        chain: listed if chain == one.chain else dict.fromkeys(listed, "cee") for chain, listed in one.covers.items()
    }
    change(history, one, covers=covers)


@pytest.mark.parametrize(
    ("damage", "law"),
    [
        (count_a_late_record_twice, "documents come to what their records cost"),
        (correct_by_a_little_more, "documents come to what their records cost"),
        (correct_by_another_amount, "documents come to what their records cost"),
        (keep_what_was_given_up, "a record is on one chain of documents"),
        (lose_what_a_correction_covers, "no record is lost"),
        (correct_it_for_another, "a record stands with whom it belongs"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_the_law_finds_what_is_wrong_with_corrections(damage: Callable[[History], None], law: str) -> None:
    assert broken_by(damage, corrected()) == law


def _items(document: Document, kind: str) -> list[dict[str, str]]:
    return [item for item in document.content.get("items", ()) if item["kind"] == kind]


def _empty(document: Document) -> dict[str, object]:
    zeros = dict.fromkeys(("subtotal", "tax", "total", "due"), "0")
    return {**document.content, **zeros, "lines": [], "items": []}


def _consecutive(history: History) -> list[tuple[Document, Document]]:
    listed = [document for document in history.documents.values() if document.kind == "period"]
    return [
        (before, after)
        for before in listed
        for after in listed
        if before.customer == after.customer and before.ends_at == after.starts_at
    ]
