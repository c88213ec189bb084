"""The recording of an import: proved beside the folder that it goes into, then written, once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tokentill.canonical import Content
from tokentill.clock import instant_text
from tokentill.errors import Finding, InvalidFiles, Refused, ensure
from tokentill.prices.book import NoPrice, PriceBook
from tokentill.recordings.checking import check_with
from tokentill.recordings.load import Folder
from tokentill.recordings.paths import FILE_BYTES_MAX
from tokentill.recordings.reading import FileText, parse
from tokentill.recordings.recording import recording_of
from tokentill.recordings.writing import price_table_text


def write_recording(recording: Content, catalog: str, path: Path) -> None:
    """Write a recording to a new file.

    Raises:
        Refused: when there is such a file already.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(_text(recording, catalog))
    except FileExistsError:
        raise Refused(f"{path.as_posix()} exists; a recording is not overwritten: name a folder with --out") from None


def _text(recording: Content, catalog: str) -> str:
    text = price_table_text(recording, comments=(f"Prices taken over from the catalog of {catalog}.",))
    if len(text.encode("utf-8")) > FILE_BYTES_MAX:
        raise Refused(f"the recording would be larger than {FILE_BYTES_MAX} bytes; take a part of it with --only")
    return text


def prove(recording: Content, folder: Folder, catalog: str) -> list[Finding]:
    """The warnings about a recording. It reads back as it is, makes no mistake beside its folder, and takes effect.

    Raises:
        InvalidFiles: with the mistakes that it would make.
        Refused: when a later recording overrides it.
    """
    file = FileText("models/import.toml", "the new recording", _text(recording, catalog))
    read_back = recording_of(parse(file), file, "prices")
    ensure(read_back.content == recording, "the recording does not read back as it was written")
    findings = check_with(folder.folder, read_back, shipped_prices=bool(folder.beneath))
    mistakes = [finding for finding in findings if not finding.is_warning]
    if mistakes:
        raise InvalidFiles(mistakes)
    book = PriceBook((*folder.prices, recording), beneath=folder.beneath)
    for price in recording["price"]:
        at = datetime.fromisoformat(price["valid_from"])
        chosen = book.entry_at(price["model"], at)
        if isinstance(chosen, NoPrice) or chosen.recorded_at != datetime.fromisoformat(recording["recorded_at"]):
            raise Refused(
                f"{price['model']}: an entry that was recorded later holds at {instant_text(at)}, so this import would"
                " have no effect; is the clock of this machine right?"
            )
    return findings
