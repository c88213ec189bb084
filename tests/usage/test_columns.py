"""Columns in order: the records of each source by their ids, equal ones as they came, and nothing else changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import record
from tokentill.usage.columns import SeriesNumbers, UsageColumns
from tokentill.usage.record import UsageRecord

RECORDS = st.lists(
    st.builds(
        record,
        st.text("ab \u00e9\u4e16", min_size=1, max_size=2) | st.sampled_from(["one", "two"]),
        user=st.sampled_from([None, "alice", "bob"]),
        source=st.sampled_from(["arouter", "bench"]),
        cost=st.sampled_from([None, "0.5", "0.000000001"]),
        input=st.integers(0, 10**12),
        output=st.integers(0, 2),
        web_search=st.sampled_from([0, 1]),
        request_key=st.sampled_from([None, "key"]),
    ),
    max_size=12,
)


def by_source(records: list[UsageRecord]) -> dict[str, list[UsageRecord]]:
    """What is to come, worked out record by record."""
    sources = {one.source for one in records}
    return {
        source: sorted((one for one in records if one.source == source), key=lambda one: one.record_id)
        for source in sources
    }


@given(RECORDS)
def test_records_in_order_are_the_same_records(records: list[UsageRecord]) -> None:
    columns = UsageColumns.of(records, SeriesNumbers())

    ordered = {source: list(own.records()) for source, own in columns.in_order().items()}

    assert ordered == by_source(records)
    assert list(columns.records()) == records
    columns.forget_how_they_came()
    assert {source: list(own.records()) for source, own in columns.in_order().items()} == ordered
    assert list(columns.records()) == (next(iter(ordered.values())) if len(ordered) == 1 else records)


def test_a_text_that_would_be_cut_up_stays_whole() -> None:
    """No source gives a NUL, and PostgreSQL takes none; a program may still make columns of it."""
    columns = UsageColumns(SeriesNumbers(), [0, 0], ["b\0c", "a"], [1, 2], {}, [(), ()], [None, None], [None, None])
    columns.names.of(("bench",))

    (own,) = columns.in_order().values()

    assert own.record_ids == ["a", "b\0c"]
    assert own.instants == [2, 1]
