"""The shipped sample month, from the raw file to issued invoices, against a calculator that shares no code with us."""

from __future__ import annotations

import gzip
import json
import random
import shutil
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.builders import AFTER_OCTOBER, OCTOBER, MovableClock
from tests.invoicing.bench import new_sqlite
from tests.verification import calculator
from tokentill.canonical import Content, content_hash
from tokentill.invoicing.forms import in_form
from tokentill.recordings.load import Folder, load_folder
from tokentill.store.database import Database
from tokentill.till import Till

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "src" / "tokentill" / "sample"
ACTIVITY = SAMPLE / "activity-2026-10.jsonl.gz"
MONTH_BEFORE = SAMPLE / "activity-2026-09.jsonl.gz"
SEPTEMBER = "2026-09"


@pytest.fixture(scope="module")
def pricing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped list prices with the sample's own contracts laid over them."""
    folder = tmp_path_factory.mktemp("pricing")
    shutil.copytree(ROOT / "pricing" / "models", folder / "models")
    shutil.copytree(SAMPLE / "pricing", folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def expected(pricing: Path) -> dict[str, Any]:
    """Every invoice, worked out record by record in fractions from the raw sample and the raw files."""
    return calculator.invoices(ACTIVITY, pricing, OCTOBER)


@pytest.fixture(scope="module")
def earlier(pricing: Path) -> dict[str, Content]:
    """What version 4 of the calculation issued, which had no default set: errors without output and cost were billed as
    all else, at nothing.
    """
    with new_sqlite() as database, pytest.MonkeyPatch.context() as patched:
        patched.setattr("tokentill.closing.computation.pins.VERSION_OF_F", 4)
        till = closed(database, pricing, [ACTIVITY.read_bytes()])
        return {invoice.customer: invoice.content for invoice in till.invoices()}


@pytest.fixture(scope="module")
def hashes() -> dict[str, str]:
    """What every way to the closed month must come to, by customer: what was first issued."""
    return stored_hashes("sample-hashes-version-5.json")


@cache
def folder_of(pricing: Path) -> Folder:
    """What a pricing folder says, read once."""
    return load_folder(pricing)


def till_on(database: Database, pricing: Path) -> Till:
    """A till just after the sample month."""
    return Till(database, folder_of(pricing), clock=MovableClock(AFTER_OCTOBER), grace=AFTER_OCTOBER - AFTER_OCTOBER)


def closed(database: Database, pricing: Path, files: list[bytes]) -> Till:
    """A till with the sample month taken in and closed."""
    till = till_on(database, pricing)
    for number, file in enumerate(files):
        till.ingest_file(BytesIO(file), name=f"part-{number}")
    result = till.close(OCTOBER)
    assert not result.is_refused
    assert not result.not_due
    return till


def content_hashes(till: Till) -> dict[str, str]:
    """Content hash by customer."""
    return {invoice.customer: invoice.content_hash for invoice in till.invoices()}


def test_every_invoice_of_the_month_has_the_hash_it_was_first_issued_with(month: Till, hashes: dict[str, str]) -> None:
    """Nothing that is moved or renamed in the program changes what an invoice says; a new f has a new version."""
    assert content_hashes(month) == hashes
    assert {invoice.customer: content_hash(invoice.content) for invoice in month.invoices()} == hashes


def test_an_earlier_calculation_comes_to_the_hashes_that_it_came_to(
    earlier: dict[str, Content], hashes: dict[str, str]
) -> None:
    then = {customer: content_hash(content) for customer, content in earlier.items()}
    assert then == stored_hashes("sample-hashes-form-2.json")
    first = {customer: content_hash(in_form(content, 1)) for customer, content in earlier.items()}
    assert first == stored_hashes("sample-hashes.json")
    changed = {customer for customer, hash_ in hashes.items() if then[customer] != hash_}
    assert changed == {"app_user_881", "user_12345", "usr_abc123"}, "those with an error that came to nothing"


def stored_hashes(name: str) -> dict[str, str]:
    """Hashes that are kept for good."""
    kept: dict[str, str] = json.loads((Path(__file__).parent / "data" / name).read_text(encoding="utf-8"))
    return kept


@pytest.fixture(scope="module")
def both_months(pricing: Path) -> Iterator[Till]:
    """September closed, then October, on SQLite."""
    with new_sqlite() as database:
        till = till_on(database, pricing)
        for file, period in ((MONTH_BEFORE, SEPTEMBER), (ACTIVITY, OCTOBER)):
            till.ingest_file(file)
            assert not till.close(period).is_refused
        yield till


def test_october_after_september_is_october_alone(both_months: Till, hashes: dict[str, str]) -> None:
    invoices = both_months.invoices(period=OCTOBER)
    assert {invoice.customer: invoice.content_hash for invoice in invoices} == hashes
    assert not both_months.late().records


def test_september_is_what_the_independent_calculator_says(both_months: Till, pricing: Path) -> None:
    expected = calculator.invoices(MONTH_BEFORE, pricing, SEPTEMBER)
    totals = {invoice.customer: invoice.total_minor for invoice in both_months.invoices(period=SEPTEMBER)}
    assert totals == {customer: wanted.total_minor for customer, wanted in expected.items()}


def test_october_can_be_compared_with_september(both_months: Till) -> None:
    """Changes are of the size that a month brings: the sums by a third at most, and nobody threefold."""
    previewed = [one for one in both_months.preview(OCTOBER).customers if one.has_measure]
    before = sum(one.previous_total_minor or 0 for one in previewed)
    now = sum(one.period_total_minor for one in previewed)
    assert len(previewed) > 15
    assert abs(now - before) * 3 < before
    assert all(3 * (one.previous_total_minor or 0) > one.period_total_minor for one in previewed)
    assert {(one.change_minor or 0) > 0 for one in previewed} == {True, False}


@pytest.fixture(scope="module")
def month(pricing: Path) -> Iterator[Till]:
    """The closed month on SQLite."""
    with new_sqlite() as database:
        yield closed(database, pricing, [ACTIVITY.read_bytes()])


def test_every_total_and_every_line_is_what_the_independent_calculator_says(
    month: Till, expected: dict[str, Any]
) -> None:
    invoices = {invoice.customer: invoice for invoice in month.invoices()}
    assert sorted(invoices) == sorted(expected)
    assert len(invoices) >= 40
    for customer, invoice in invoices.items():
        content, wanted = invoice.content, expected[customer]
        assert (content["currency"], invoice.total_minor) == (wanted.currency, wanted.total_minor), customer
        assert sum(line["requests"] for line in content["lines"]) == wanted.requests
        lines: dict[Any, Fraction] = {}
        for line in content["lines"]:
            key = (line["model"], line["mode"], line["rule"])
            lines[key] = lines.get(key, Fraction(0)) + Fraction(line["exact_amount"])
        assert lines == wanted.lines, customer


def test_every_invoice_verifies_and_every_line_leads_to_its_records(month: Till) -> None:
    verification = month.verify()
    assert verification.is_sound
    assert len(verification.invoices) == len(month.invoices())
    smallest = sorted(month.invoices(), key=lambda invoice: (invoice.total_minor, invoice.number))[:8]
    for invoice in smallest:
        explained = month.explain(invoice.number)
        assert sum(len(line.records) for line in explained) == sum(line.line["requests"] for line in explained) > 0


def test_postgresql_gives_the_same_hashes(postgresql_database: Database, pricing: Path, hashes: dict[str, str]) -> None:
    assert content_hashes(closed(postgresql_database, pricing, [ACTIVITY.read_bytes()])) == hashes


def test_shuffled_lines_and_two_halves_the_second_one_twice_give_the_same_hashes(
    sqlite_database: Database, pricing: Path, hashes: dict[str, str]
) -> None:
    """Lines of one id keep their order among themselves, since the first of them is the record and others revise it."""
    lines = gzip.decompress(ACTIVITY.read_bytes()).splitlines(keepends=True)
    places = list(range(len(lines)))
    random.Random(10).shuffle(places)
    of_id: dict[str, list[int]] = {}
    for place in places:
        of_id.setdefault(id_of(lines[place]), []).append(place)
    in_order = {id_: iter(sorted(found)) for id_, found in of_id.items()}
    assert any(len(found) > 1 for found in of_id.values())
    shuffled = [lines[next(in_order[id_of(lines[place])])] for place in places]
    assert sorted(shuffled) == sorted(lines) != shuffled != lines
    first, second = b"".join(shuffled[: len(shuffled) // 2]), b"".join(shuffled[len(shuffled) // 2 :])
    assert content_hashes(closed(sqlite_database, pricing, [first, second, second])) == hashes


def id_of(line: bytes) -> str:
    """The id of a line; the line itself where it has none."""
    try:
        return str(json.loads(line)["id"])
    except (ValueError, KeyError, TypeError):
        return repr(line)
