"""`POST /v1/usage`: usage records that somebody sends, with an answer for each.

Takes what files may hold: JSON lines, a JSON list or object, CSV, CloudEvents; plain, gzip or zstd. No server and no
framework is part of it: a request's bytes and headers go in, a status and a JSON document come out. All records of a
request are stored in one transaction, or none is; a request that is sent again changes nothing, so one that was not
answered is sent again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hmac import compare_digest
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import Connection

from tokentill.canonical import Content, form_of
from tokentill.clock import Clock
from tokentill.closing.records.ingest import OBJECTS_MAX, checked_lines, counts_content, ingest
from tokentill.errors import InvalidCall, Refused, ensure
from tokentill.sources.compression import ByteInput, Limits
from tokentill.sources.cut_short import CutShort
from tokentill.sources.reading import Quarantined, read_records
from tokentill.sources.source_settings import NO_SOURCES, SourceSettings
from tokentill.store.database import Database, WithinOne, hold_counter
from tokentill.store.intake.outcomes import outcomes_of
from tokentill.usage.bounds import DEFAULT_BOUNDS, Bounds
from tokentill.usage.control_totals import ControlTotal
from tokentill.usage.record import UsageRecord
from tokentill.usage.reporters import DEFAULT_REPORTING, Reporting

PATH = "/v1/usage"
NAME = "POST /v1/usage"
BODY_BYTES_MAX = 8 * 1024**2
INFLATED_BYTES_MAX = 64 * 1024**2
TOKEN_CHARACTERS_MIN = 16
CONTENT_TYPES = (
    *("application/json", "application/x-ndjson", "application/jsonl", "application/jsonlines", "text/csv"),
    *("application/cloudevents+json", "application/cloudevents-batch+json"),
)
ENCODINGS = ("identity", "gzip", "zstd")
PARAMETERS = ("source", "format")


@dataclass(frozen=True, slots=True)
class UsageAnswer:
    """What is answered: a status, a JSON document, and headers."""

    status: int
    document: Content
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The document in bytes. Ids are escaped to ASCII."""
        return json.dumps(self.document).encode()


class _Refusal(Exception):
    """Ends a request with a status."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        self.answer = UsageAnswer(status, {"error": {"message": message}}, headers)
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class _Request:
    """What a request says before its body."""

    length: int
    encoding: str
    parameters: Mapping[str, str]


class UsageHandler:
    """Answers requests to `POST /v1/usage`. May be called by several threads at once.

    Args:
        database: where the records go; its tables are there.
        token: what callers send as `Authorization: Bearer TOKEN`.
        sources: what is declared of the sources of records, by name.
        body_bytes_max: how large a body may be, as it is sent; a server reads no more.

    Raises:
        InvalidCall: for a token that could be guessed.
    """

    def __init__(
        self,
        database: Database,
        token: str,
        *,
        clock: Clock,
        bounds: Bounds = DEFAULT_BOUNDS,
        sources: Mapping[str, SourceSettings] = NO_SOURCES,
        reporting: Reporting = DEFAULT_REPORTING,
        body_bytes_max: int = BODY_BYTES_MAX,
    ) -> None:
        if len(token) < TOKEN_CHARACTERS_MIN or not (token.isascii() and token.isprintable()) or " " in token:
            raise InvalidCall(
                f"token=... must be one word of at least {TOKEN_CHARACTERS_MIN} plain characters, made by chance"
            )
        self._database = database
        self._expected = f"Bearer {token}".encode()
        self._clock = clock
        self._bounds = bounds
        self._sources = sources
        self._reporting = reporting
        self.body_bytes_max = body_bytes_max

    def refusal(self, method: str, target: str, headers: Mapping[str, str]) -> UsageAnswer | None:
        """What is answered without reading the body; None where the body is to be read.

        Args:
            target: the path and query of the request, as its first line has them.
            headers: by their names, in any case.
        """
        try:
            self._request(method, target, headers)
        except _Refusal as refusal:
            return refusal.answer
        return None

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> UsageAnswer:
        """The answer to a request.

        200 has an outcome for each record (`accepted`, `duplicate`, `revision`, or `quarantined` with its reason). 4xx
        is the caller's, and would be the same again; with 503 nothing was stored, and the request is sent again.
        """
        try:
            request = self._request(method, target, headers)
            items, incomplete = self._items(request, body)
            return UsageAnswer(200, self._stored(items, incomplete))
        except _Refusal as refusal:
            return refusal.answer

    def _request(self, method: str, target: str, headers: Mapping[str, str]) -> _Request:
        given = {name.lower(): value for name, value in headers.items()}
        parts = urlsplit(target)
        if not compare_digest(given.get("authorization", "").encode("utf-8", "replace"), self._expected):
            raise _Refusal(401, "the token is missing or wrong", **{"WWW-Authenticate": "Bearer"})
        if parts.path != PATH:
            raise _Refusal(404, f"there is only {NAME}")
        if method != "POST":
            raise _Refusal(405, f"there is only {NAME}", Allow="POST")
        length = given.get("content-length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 16) or "transfer-encoding" in given:
            raise _Refusal(411, "a body needs a Content-Length, and no Transfer-Encoding")
        if int(length) > self.body_bytes_max:
            raise _Refusal(
                413, f"the body has {length} bytes; at most {self.body_bytes_max} are taken, send it in parts"
            )
        kind = given.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in CONTENT_TYPES:
            raise _Refusal(415, f"Content-Type is {kind[:80]!a}; it may be {', '.join(CONTENT_TYPES)}")
        encoding = given.get("content-encoding", ENCODINGS[0]).strip().lower()
        if encoding not in ENCODINGS:
            raise _Refusal(415, f"Content-Encoding is {encoding[:80]!a}; it may be {', '.join(ENCODINGS)}")
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        if len(dict(pairs)) < len(pairs) or not {name for name, _ in pairs} <= {*PARAMETERS}:
            raise _Refusal(400, f"the query may have {' and '.join(PARAMETERS)}, each once")
        return _Request(int(length), encoding, dict(pairs))

    def _items(self, request: _Request, body: bytes) -> tuple[list[UsageRecord | Quarantined], CutShort | None]:
        """The records and bad lines of a body."""
        if len(body) != request.length:
            raise _Refusal(400, f"the body has {len(body)} bytes, and Content-Length says {request.length}")
        try:
            content = _inflated(body, request.encoding)
            reading = read_records(BytesIO(content), name=NAME, **request.parameters)  # type: ignore[arg-type]
            items: list[UsageRecord | Quarantined] = []
            for item in checked_lines(reading, NAME, self._clock, self._bounds, self._sources):
                if isinstance(item, ControlTotal):
                    raise _Refusal(400, "these are control totals, not records; `tokentill ingest` takes them")
                items.append(item)
                if len(items) > OBJECTS_MAX:
                    raise _Refusal(413, f"the body has more than {OBJECTS_MAX} records; send it in parts")
        except (InvalidCall, Refused) as refused:
            raise _Refusal(400, str(refused)) from None
        return items, reading.incomplete

    def _stored(self, items: list[UsageRecord | Quarantined], incomplete: CutShort | None) -> Content:
        # A bad line has no number that would be the same in another request, so that it is kept once however it comes.
        kept = [replace(item, line=1) if isinstance(item, Quarantined) else item for item in items]
        try:
            with self._database.write() as connection:
                return self._take_in(connection, items, kept) | {"incomplete": form_of(incomplete)}
        except Refused as refused:
            raise _Refusal(503, f"nothing was stored, send it again: {refused}", **{"Retry-After": "1"}) from refused

    def _take_in(
        self,
        connection: Connection,
        items: list[UsageRecord | Quarantined],
        kept: list[UsageRecord | Quarantined],
    ) -> Content:
        hold_counter(connection, "batch")
        outcomes = iter(outcomes_of(connection, [item for item in items if isinstance(item, UsageRecord)]))
        answers: list[dict[str, Any]] = []
        for item in items:
            if isinstance(item, UsageRecord):
                answers.append({"source": item.source, "record_id": item.record_id, "outcome": next(outcomes)})
            else:
                bad = {"line": item.line, "record_id": item.record_id}
                answers.append({**bad, "outcome": "quarantined", "reason": item.reason})
        how: dict[str, Any] = {"clock": self._clock, "bounds": self._bounds, "reporting": self._reporting}
        counts = ingest(WithinOne(connection), kept, name=NAME, **how).counts
        told = Counter(answer["outcome"] for answer in answers)
        stored = (counts.accepted, counts.duplicates, counts.revisions, counts.quarantined)
        is_true = stored == tuple(told[name] for name in ("accepted", "duplicate", "revision", "quarantined"))
        ensure(is_true, f"{NAME} would answer {dict(told)}, and {stored} were stored; nothing was")
        return {**counts_content(counts), "records": answers}


def _inflated(body: bytes, encoding: str) -> bytes:
    """The bytes of a body, decompressed.

    Raises:
        Refused: when they are damaged, too many, or compressed in another way than they say.
    """
    compressed = ByteInput(BytesIO(body), "the body", Limits(inflated_bytes_max=INFLATED_BYTES_MAX))
    if encoding not in ("identity", compressed.compression):
        raise Refused(f"the body is not {encoding}, as Content-Encoding says")
    content = b"".join(compressed.chunks())
    if compressed.fault is not None:
        raise Refused(f"the body is damaged: {compressed.fault}")
    return content
