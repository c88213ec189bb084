"""Every command, killed or refused on the way and given again, ends as if nothing had happened: the short form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.closing.attacks import Held, attack_on, count_edges, full_disk, kill_at, made, spread, sqlite_attack
from tests.closing.killing import COMMANDS, KillServer
from tests.invoicing.bench import new_postgresql

CUSTOMERS = 3
KILLS = 6


@pytest.fixture(scope="module")
def server() -> Iterator[KillServer]:
    """A process that runs jobs in children and kills them."""
    with KillServer() as started:
        yield started


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables."""
    return made(tmp_path_factory.mktemp("empty") / "empty.db")


@pytest.fixture(scope="module")
def undisturbed(server: KillServer, empty: Path) -> tuple[Held, int]:
    """What a month comes to that nothing disturbs, and how many edges it has."""
    with sqlite_attack(server, empty, empty.with_name("undisturbed.db"), CUSTOMERS) as attack:
        edges = count_edges(attack)
        held = attack.held()
        attack.finish()
        assert attack.held() == held  # each command may be given again
        return held, edges


def test_a_month_of_every_command_does_what_it_says(undisturbed: tuple[Held, int]) -> None:
    held, _ = undisturbed
    assert [(number, status) for number, status, *_ in held.documents] == [
        ("INV-000001", "issued"),
        ("INV-000002", "void"),
        ("INV-000003", "issued"),
        ("INV-000004", "issued"),
    ]
    assert sum(is_gone for *_, is_gone in held.records) == 4
    assert any(days for _, days in held.stripe)
    assert set(COMMANDS) == {"ingest", "revise", "retract", "stage", "close", "void", "close again", "push"}


def test_killed_anywhere_and_given_again_it_ends_the_same(
    server: KillServer, empty: Path, undisturbed: tuple[Held, int], tmp_path: Path
) -> None:
    held, edges = undisturbed
    chosen = spread(edges, KILLS)
    fired = 0
    for edge in chosen:
        with sqlite_attack(server, empty, tmp_path / "month.db", CUSTOMERS) as attack:
            fired += kill_at(edge)(attack, attack.job())
            attack.finish()
            assert attack.held() == held, f"killed at edge {edge} of {edges}"
    assert fired == len(chosen) == KILLS


def test_a_full_disk_refuses_and_given_again_it_ends_the_same(
    server: KillServer, empty: Path, undisturbed: tuple[Held, int], tmp_path: Path
) -> None:
    with sqlite_attack(server, empty, tmp_path / "month.db", CUSTOMERS) as attack:
        assert full_disk(200_000)(attack, attack.job())
        attack.finish()
        assert attack.held() == undisturbed[0]


def test_postgresql_killed_and_given_again_ends_the_same(
    server: KillServer, undisturbed: tuple[Held, int], postgresql_url: str, postgresql_template: str
) -> None:
    fired = 0
    for third in (1, 2):
        with (
            new_postgresql(postgresql_url, postgresql_template) as url,
            attack_on(server, url, CUSTOMERS) as attack,
        ):
            fired += kill_at(undisturbed[1] * third // 4)(attack, attack.job())
            attack.finish()
            assert attack.held() == undisturbed[0]
    assert fired == 2
