"""What a call to retract names, looked at before anything is done."""

from __future__ import annotations

from typing import cast

from tokentill.closing.records.retracting import Retractable
from tokentill.errors import InvalidCall
from tokentill.faces.arguments import listed, number_of, of_type, text_of
from tokentill.usage.filters import RecordFilter


def retractable(
    record: tuple[str, str] | None,
    import_number: int | None,
    filter_: RecordFilter | str | None,
) -> Retractable:
    """The one thing that is to be taken back.

    Raises:
        InvalidCall: when it is none, more than one, or not what it should be.
    """
    given = [one for one in (record, import_number, filter_) if one is not None]
    if len(given) != 1:
        said = "nothing to take back" if not given else "more than one thing to take back"
        raise InvalidCall(f"{said}; name record=..., import_number=... or filter=...")
    if record is not None:
        try:
            source, record_id = listed("record", record, "a source and a record id")
        except ValueError:
            raise InvalidCall(f"record=... is a source and a record id, not {record!r}") from None
        return text_of("source", source), text_of("record_id", record_id)
    if import_number is not None:
        return number_of("import_number", import_number)
    if isinstance(filter_, str):
        return RecordFilter.parse(filter_)
    asked: RecordFilter = of_type("filter", cast(RecordFilter, filter_), RecordFilter)
    return asked.checked()
