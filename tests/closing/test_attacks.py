"""Every command, killed or refused on the way and given again, ends as if nothing had happened: the short form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.closing.attacks import NAMES, Months, full_disk, kill_at, spread
from tests.closing.killing import KillServer
from tests.closing.places import PostgresqlDatabase, SqliteFile
from tests.shares import IN_CAMPAIGNS, stride

CUSTOMERS = 3
KILLS = 12 if IN_CAMPAIGNS else 6


@pytest.fixture(scope="module")
def server() -> Iterator[KillServer]:
    """A process that runs jobs in children and kills them."""
    with KillServer() as started:
        yield started


@pytest.fixture(scope="module")
def months(server: KillServer, tmp_path_factory: pytest.TempPathFactory) -> Months:
    """Two months in a SQLite file that nothing disturbed."""
    folder = tmp_path_factory.mktemp("months")
    return Months(server, SqliteFile(folder), folder, CUSTOMERS)


def test_months_of_every_command_do_what_they_say(months: Months) -> None:
    held = months.end
    assert [found[:3] for found in held.documents] == [
        ("INV-000001", "issued", "u000"),
        ("INV-000002", "void", "u001"),
        ("INV-000003", "issued", "u002"),
        ("INV-000004", "issued", "u001"),
        ("INV-000005", "void", "u000"),
        ("INV-000006", "issued", "u001"),
        ("INV-000007", "issued", "u002"),
        ("INV-000008", "issued", "u002"),
        ("INV-000009", "issued", "u000"),
    ]
    causes = {
        one.number: (one.kind, sorted({line["cause"] for line in one.content["lines"] if line["kind"] == "adjustment"}))
        for one in months.till.invoices()
    }
    assert {number: found for number, found in causes.items() if found[1]} == {
        "INV-000005": ("period", ["late", "revision"]),
        "INV-000006": ("period", ["retraction"]),
        "INV-000007": ("credit-note", ["retraction"]),
        "INV-000009": ("period", ["late", "revision"]),
    }
    assert {state for _, state, _ in held.imports} == {"taken"}
    assert sum(is_gone for *_, is_gone in held.records) == 7  # two of them by revisions
    assert all(held.stripe)


def test_given_again_a_command_changes_nothing(months: Months) -> None:
    for name in NAMES[:: stride(3)]:
        with months.attack(name) as attack:
            attack.run()
            rows = months.rows()
            attack.finish(name)
            assert months.rows() == rows, name


def test_killed_anywhere_and_given_again_it_ends_the_same(months: Months) -> None:
    chosen = spread(months.edges, KILLS)
    fired, has_gone_on = 0, False
    for number, (name, edge) in enumerate(chosen):
        where = f"killed at edge {edge} of {name}"
        with months.attack(name) as attack:
            fired += kill_at(edge)(attack, attack.job())
            attack.finish(where)
            if not has_gone_on and number >= KILLS // 3 and attack.stand_in is None:
                attack.play_on(where)
                has_gone_on = True
    assert fired == len(chosen) == KILLS
    assert has_gone_on


def test_a_full_disk_refuses_and_given_again_it_ends_the_same(months: Months) -> None:
    with months.attack("close next") as attack:
        assert full_disk(20_000)(attack, attack.job())
        attack.finish("a full disk")


def test_postgresql_killed_and_given_again_ends_the_same(
    server: KillServer, months: Months, postgresql_url: str, tmp_path: Path
) -> None:
    place = PostgresqlDatabase(postgresql_url)
    try:
        attacked = ("close", "close next", "reissue") if IN_CAMPAIGNS else ("close",)
        on_postgresql = Months(server, place, tmp_path, CUSTOMERS, attacked[-1])
        assert on_postgresql.end == months.after[attacked[-1]].held
        for name in attacked:
            with on_postgresql.attack(name) as attack:
                edge = on_postgresql.after[name].edges // 2
                assert kill_at(edge)(attack, attack.job())
                attack.finish(f"killed at edge {edge} of {name}")
    finally:
        place.remove()
