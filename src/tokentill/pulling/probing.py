"""Looking at what a gateway answers, without storing any of it: the keys of its records, and what each is taken for.

Values are not shown: they may be anybody's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any

from tokentill.canonical import Content, ContentOfFields, fields_of, form_of
from tokentill.clock import Clock
from tokentill.errors import InvalidCall, InvalidRecord, NotFound
from tokentill.pulling import openrouter
from tokentill.pulling.client import GatewayClient
from tokentill.pulling.kinds import PAGED, address_of, page_size_of
from tokentill.pulling.pages import rows_of
from tokentill.pulling.paging import PullWindow
from tokentill.pulling.pulls import PullAsked
from tokentill.sources.gateways import arouter, langwatch, litellm, unwrapped
from tokentill.sources.gateways import openrouter as generations
from tokentill.sources.gateways.mapping import FieldMap
from tokentill.sources.reading import Quarantined, read_records
from tokentill.sources.source_settings import SourceSettings
from tokentill.sources.strict_json import parse_object
from tokentill.usage.type_words import type_text

ROWS_MAX = 100
PROBLEMS_SHOWN = 10
LOOKED_BACK = timedelta(days=1)

FIELDS: Mapping[str, FieldMap] = {
    "arouter": arouter.FIELDS,
    "openrouter": generations.FIELDS,
    "litellm": litellm.FIELDS,
    "langwatch": langwatch.FIELDS,
}


@dataclass(frozen=True, slots=True)
class ProbedKey(ContentOfFields):
    """A key of records: what its values are, in how many rows it is, and what it is taken for (None: ignored)."""

    key: str
    types: tuple[str, ...]
    rows: int
    role: str | None


@dataclass(frozen=True, slots=True)
class Probed:
    """What a gateway answered. `around` are the keys beside its list of records, `readable` counts its records that can
    be taken as they are, and `problems` are why others cannot.
    """

    source: str
    kind: str
    url: str
    rows: int
    around: tuple[str, ...]
    keys: tuple[ProbedKey, ...]
    readable: int
    problems: tuple[str, ...]

    @property
    def mapping(self) -> Mapping[str, str]:
        """Each role that a key plays, and the key: of several, the one that counts where all are there."""
        seen, paths = {found.key for found in self.keys}, FIELDS[self.kind].paths
        taken = {role: next((path for path in choices if path in seen), None) for role, choices in paths.items()}
        return {role: path for role, path in taken.items() if path is not None}

    def content(self) -> Content:
        """What `probe --json` prints."""
        return {
            **fields_of(self, "source", "kind", "url", "rows", "around", "keys"),
            "mapping": form_of(dict(sorted(self.mapping.items()))),
            **fields_of(self, "readable", "problems"),
        }


def probe_source(source: SourceSettings, client: GatewayClient, asked: PullAsked, clock: Clock) -> Probed:
    """Look at the first page that a gateway answers, or at one generation.

    Raises:
        NotFound: when there is no such generation.
        InvalidCall: when settings or the call lack something.
        NoAnswer, Refused: when the gateway did not answer, or not to be understood.
    """
    url, path = address_of(source)
    around: Mapping[str, Any] = {}
    paged = PAGED.get(source.kind)
    if paged is None:
        if not asked.ids:
            raise InvalidCall(f"{source.kind} looks single requests up; name one with ids=...")
        body = openrouter.generation(client, path, asked.ids[0])
        if body is None:
            raise NotFound(f"{source.kind} knows of no generation {asked.ids[0]!a}")
        rows, format_ = [body], openrouter.FORMAT
    else:
        until = asked.until or clock.now()
        window = PullWindow(asked.since or until - LOOKED_BACK, until)
        params = paged.first(window, asked.user, min(page_size_of(source, paged), ROWS_MAX))
        rows, around = client.get(path, params, rows_of)
        format_ = source.format or paged.format
    items = read_records(BytesIO(b"\n".join(map(_one_line, rows))), source=source.name, format=format_)
    problems = Counter(item.reason for item in items if isinstance(item, Quarantined))
    keys = _keys(rows, FIELDS[source.kind])
    readable = len(rows) - problems.total()
    shown = tuple(reason for reason, _ in sorted(problems.most_common(PROBLEMS_SHOWN)))
    return Probed(source.name, source.kind, url + path, len(rows), tuple(sorted(around)), keys, readable, shown)


def _one_line(raw: bytes) -> bytes:
    """Between values, and only there, JSON may have line ends: inside of texts they are escaped."""
    return raw.replace(b"\r", b" ").replace(b"\n", b" ")


def _keys(rows: Sequence[bytes], fields: FieldMap) -> tuple[ProbedKey, ...]:
    roles: dict[str, str | None] = {}
    types: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    for raw in rows:
        try:
            row = unwrapped(parse_object(raw))
        except InvalidRecord:  # it has no keys; the reading before told of it as one of the problems
            continue
        for key, role in fields.seen(row).items():
            roles[key] = role
            types.setdefault(key, set()).add(type_text(_value(row, key)))
            counts[key] += 1
    return tuple(ProbedKey(key, tuple(sorted(types[key])), counts[key], roles[key]) for key in sorted(roles))


def _value(row: Any, key: str) -> object:
    for name in key.split("."):
        row = row.get(name) if isinstance(row, dict) else None
    return row
