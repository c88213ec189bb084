"""A quarantined line is read again as it was, and taken in once if it is a record now."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from tests.builders import OCTOBER, MovableClock, at, till
from tests.invoicing.bench import numbers
from tests.sources.lines import canonical, lines, litellm, openrouter
from tests.store.bench import rows_of_all_tables
from tokentill.errors import InvalidCall, Refused
from tokentill.sources.gateways.canonical_form import CANONICAL
from tokentill.sources.kept_lines import KEPT_BYTES_MAX
from tokentill.sources.opening import FORMATS
from tokentill.store.database import Database
from tokentill.store.intake.batches import Counts
from tokentill.store.migrating import downgrade, upgrade
from tokentill.till import Till
from tokentill.usage.record import UsageRecord

pytestmark = pytest.mark.postgresql_one_in(8)

CSV = b"record_id,occurred_at,model,source,input\nc,2026-10-05T00:00:00Z,acme/large,own,7\n"


def quarantined(database: Database, content: bytes, **options: str) -> Till:
    """A till whose one file `f` went to quarantine as a whole."""
    one = till(database, clock=MovableClock())
    assert one.ingest_file(io.BytesIO(content), name="f", **options).is_all_quarantined
    return one


@pytest.mark.parametrize("content", [lines(canonical(model="acme/large")), CSV], ids=["json", "csv"])
def test_a_line_of_another_source_is_taken_once_its_own_is_given(database: Database, content: bytes) -> None:
    one = quarantined(database, content, source="wrong")
    assert one.retry(file="f", reason="again").still[0].reason == "source is 'own', and this is to be read as 'wrong'"
    (line,) = one.quarantine(state="open").lines

    done = one.retry(line.id, reason="the source was wrong", source="own", by="rita")

    assert (done.counts, [taken.id for taken in done.taken], done.still) == (Counts(accepted=1), [line.id], ())
    said = one.quarantined_line(line.id).content()
    assert (said["state"], said["taken"]["by"], said["discarded"]) == ("taken", "rita", None)
    assert one.preview(OCTOBER).aside.quarantined == 0
    assert one.preview(OCTOBER).unattributed.requests == 1
    assert one.retry(line.id, reason="twice").taken == ()
    assert one.verify().is_sound


def test_what_an_upgrade_can_read_is_taken_as_its_file_would_be(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = quarantined(database, lines(canonical(model="acme/large", user="alice", flavour="x")))

    def read(row: dict[str, Any], source: str | None) -> UsageRecord:
        return CANONICAL.read({key: value for key, value in row.items() if key != "flavour"}, source)

    monkeypatch.setitem(FORMATS, "canonical", replace(CANONICAL, read=read))
    assert one.retry(file="f", reason="after the upgrade").counts == Counts(accepted=1)
    assert one.close(OCTOBER).issued == numbers(1)


def test_a_record_that_came_meanwhile_is_not_taken_twice(database: Database) -> None:
    row = canonical(user="alice", model="acme/large")
    one = quarantined(database, lines(row), source="wrong")
    one.ingest_file(io.BytesIO(lines(row)))
    assert one.retry(file="f", reason="again", source="own").counts == Counts(duplicates=1)
    assert one.preview(OCTOBER).customers[0].invoice.requests == 1
    other = quarantined(database, lines({**row, "user": "bob"}), source="wrong")
    assert other.retry(file="f", reason="again", source="own").counts == Counts(revisions=1)


def test_a_line_reads_again_as_any_format(database: Database) -> None:
    one = till(database)
    for name, row in (("l", litellm(spend="x")), ("o", openrouter(is_byok="x"))):
        one.ingest_file(io.BytesIO(lines(row)), name=name)
    assert [found.is_kept for found in one.quarantine().lines] == [True, True]
    done = one.retry(file="l", reason="as another format", format="canonical")
    assert "the key 'request_id' is not known" in done.still[0].reason
    with pytest.raises(InvalidCall, match="'cvs' is not a format"):
        one.retry(file="l", reason="as another format", format="cvs")


def test_what_is_too_long_or_was_said_is_not_kept_and_the_way_out_is_named(database: Database) -> None:
    spoken = litellm(spend="x", messages=[{"role": "user", "content": "a secret of mine"}])
    long = canonical(quantities={"input": -1}, tags=["t" * KEPT_BYTES_MAX])
    one = quarantined(database, lines(spoken, long), format="litellm")
    done = one.retry(file="f", reason="again")
    assert [still.line.is_kept for still in done.still] == [False, False]
    assert all("ingest f again" in still.reason for still in done.still)
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM quarantine WHERE raw IS NOT NULL")).scalar() == 0


def test_a_line_that_was_cut_off_is_never_taken(database: Database) -> None:
    row = json.dumps(canonical(quantities={"input": 123456}))
    one = quarantined(database, b'{"data": [' + row[:-4].encode(), format="canonical")
    done = one.retry(file="f", reason="again")
    assert not done.taken
    assert {still.line.is_kept for still in done.still} == {False}


def test_an_instant_is_checked_again_by_the_clock_of_now(database: Database) -> None:
    clock = MovableClock()
    one = till(database, clock=clock)
    one.ingest_file(io.BytesIO(lines(canonical(occurred_at="2026-12-24T00:00:00Z", user="alice"))), name="f")
    assert "ahead of the clock" in one.retry(file="f", reason="again").still[0].reason
    clock.instant = at("2026-12-24T12:00Z")
    assert one.retry(file="f", reason="it is so far").counts == Counts(accepted=1)


def test_a_line_that_was_discarded_is_not_read_again(database: Database) -> None:
    one = quarantined(database, lines(canonical()), source="wrong")
    one.discard(file="f", reason="a test")
    assert one.retry(file="f", reason="again", source="own").content()["taken"] == []
    with pytest.raises(InvalidCall, match="needs a reason"):
        one.retry(file="f", reason=" ")
    with pytest.raises(InvalidCall, match="nothing to retry"):
        one.retry(reason="again")
    with pytest.raises((InvalidCall, Refused), match="source"):
        one.retry(file="f", reason="again", source="")


def test_many_lines_of_many_files_are_taken_part_by_part(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokentill.closing.records.quarantine_decisions.RETRIED_AT_ONCE", 2)
    one = till(database)
    ids = []
    for name in ("f", "g"):
        rows = [canonical(f"{name}{number}", user="alice") for number in range(5)]
        one.ingest_file(io.BytesIO(lines(*rows, name.encode())), name=name, source="wrong", format="canonical")
        ids += [line.id for line in one.quarantine(file=name).lines]
    done = one.retry(*ids, reason="the source was wrong", source="own")
    assert (done.counts, len(done.taken), len(done.still)) == (Counts(accepted=10), 10, 2)
    assert one.preview(OCTOBER).aside.quarantined == 2


def test_kept_lines_are_taken_back_while_none_was_taken_in(database: Database) -> None:
    one = quarantined(database, lines(canonical()), source="wrong")
    one.ingest_file(io.BytesIO(lines(canonical("r2"))), name="g", source="wrong")
    one.discard(file="g", reason="a test")
    before = rows_of_all_tables(database)
    downgrade(database, "0006")
    upgrade(database)
    after = rows_of_all_tables(database)
    assert after["quarantine_decision"] == before["quarantine_decision"] != []
    assert [row[:8] for row in after["quarantine"]] == [row[:8] for row in before["quarantine"]]
    assert not one.retry(file="f", reason="again", source="own").taken  # its file is to be ingested again
    one.ingest_file(io.BytesIO(lines(canonical("r3"))), name="h", source="wrong")
    one.retry(file="h", reason="again", source="own")
    with pytest.raises(RuntimeError, match="1 decisions on quarantined lines would be lost"):
        downgrade(database, "0006")
    assert one.verify().is_sound
