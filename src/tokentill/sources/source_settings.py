"""What is declared of a source of usage records: `[sources.NAME]` in `tokentill.toml`.

The name is the source of its records. Here is what each key may be; what it does is done where records are taken in.
A key at the gateway is never one of these values: it comes from the environment, or from a file of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from tokentill.errors import InvalidCall, InvalidRecord
from tokentill.usage.ids import check_id
from tokentill.usage.privacy import PrivacyPolicy
from tokentill.usage.record import UsageRecord
from tokentill.usage.type_words import type_text

SourceKind = Literal["arouter", "openrouter", "litellm", "langwatch", "file"]
CacheWriteTtl = Literal["5m", "1h"]
UserTrust = Literal["trusted", "untrusted"]

PAGE_SIZE_MAX = 10_000
OVERLAP_HOURS_MAX = 24 * 366
TIMEOUT_SECONDS_MAX = 600

ELSEWHERE = ("tolerance", "require_totals", "reporters")
"""Keys about control totals and reporters, which are not about taking records in."""

UNKNOWN_TTL = "cache_write"
"""The quantity of a cache write whose lifetime its gateway does not tell."""


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What is declared of one source.

    Args:
        name: the source of its records.
        url: where its gateway is, without a path to what is asked for; None is the gateway's public address.
        path: what is asked for there; None is what the gateway documents.
        key_env, key_file: the variable, or the file, that holds the key at the gateway.
        format: how its records are read, where the kind alone leaves that open (`langwatch:reasoning-inside`).
        page_size: how many records a page is asked to hold; None is as many as suits the gateway.
        overlap: how far before the checkpoint a pull begins again, so that rows that came late are found.
        timeout_seconds: how long a gateway may be silent.
        cache_write_ttl: the lifetime of a cache write of which the gateway does not tell it.
        user: whether what a record says of its user decides whose it is, or its API key and team alone.
        privacy: what becomes of a user id that looks like personal data.
    """

    name: str
    kind: SourceKind = "file"
    url: str | None = None
    path: str | None = None
    key_env: str | None = None
    key_file: str | None = None
    format: str | None = None
    page_size: int | None = None
    overlap: timedelta = timedelta(hours=24)
    timeout_seconds: int = 30
    cache_write_ttl: CacheWriteTtl | None = None
    user: UserTrust = "trusted"
    privacy: PrivacyPolicy = "warn"

    @property
    def changes_records(self) -> bool:
        """Whether what is declared changes what a record says."""
        return self.cache_write_ttl is not None

    def of_record(self, record: UsageRecord) -> UsageRecord:
        """A record of this source with what is declared: the lifetime of its cache writes."""
        if self.cache_write_ttl is None:
            return record
        written = record.quantities.get(UNKNOWN_TTL)
        if not written:
            return record
        leaf = f"{UNKNOWN_TTL}_{self.cache_write_ttl}"
        quantities = {name: count for name, count in record.quantities.items() if name != UNKNOWN_TTL}
        return replace(record, quantities={**quantities, leaf: quantities.get(leaf, 0) + written})


def untrusted_sources(sources: Mapping[str, SourceSettings]) -> tuple[str, ...]:
    """The sources whose users decide nothing, in bytewise order."""
    return tuple(sorted((name for name, one in sources.items() if one.user == "untrusted"), key=str.encode))


NO_SOURCES: Mapping[str, SourceSettings] = MappingProxyType({})


def source_settings(
    where: str, tables: Mapping[str, Any], located: Callable[[str], str]
) -> Mapping[str, SourceSettings]:
    """What a file declares under `sources`, by name.

    Args:
        where: the file, for messages.
        located: the path of a file that the settings name, as it is from here.

    Raises:
        InvalidCall: for a key that is unknown, or a value that it cannot be.
    """
    declared = {}
    for name, table in tables.items():
        place = f"{where}: sources.{name}"
        try:
            check_id("the name of a source", name)
        except InvalidRecord as error:
            raise InvalidCall(f"{place}: {error}") from None
        if not isinstance(table, dict):
            raise InvalidCall(f"{place} must be a table, not {type_text(table)}")
        declared[name] = _source(name, table, place, located)
    return declared


def _source(name: str, table: Mapping[str, Any], place: str, located: Callable[[str], str]) -> SourceSettings:
    for key in table:
        if key not in (*_CHECKS, *ELSEWHERE):
            known = ", ".join(sorted([*_CHECKS, *ELSEWHERE]))
            raise InvalidCall(f"{place}.{key} is not a setting; the settings are {known}")
    values = {key: _CHECKS[key](f"{place}.{key}", value) for key, value in table.items() if key in _CHECKS}
    if "key_env" in values and "key_file" in values:
        raise InvalidCall(f"{place} names both key_env and key_file; the key is in one of them")
    if "key_file" in values:
        values["key_file"] = located(values["key_file"])
    if "overlap_hours" in values:
        values["overlap"] = timedelta(hours=values.pop("overlap_hours"))
    return SourceSettings(name=name, **values)


def _text(where: str, value: object) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise InvalidCall(f"{where} must be a text, not {type_text(value) if not isinstance(value, str) else 'empty'}")
    return value


def _url(where: str, value: object) -> str:
    text = _text(where, value)
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port)
    except ValueError:
        is_address = False
    if not is_address or " " in text:
        raise InvalidCall(f"{where} is not an address like https://gateway.example")
    if parts.username is not None or parts.query or parts.fragment:
        raise InvalidCall(f"{where} holds more than an address; write it without user, key or query")
    return text.rstrip("/")


def _path(where: str, value: object) -> str:
    text = _text(where, value)
    if not text.startswith("/") or text.startswith("//") or {*text} & {*" ?#\\"}:
        raise InvalidCall(f"{where} is {text!r}; write a path like /v1/activity, without a query")
    return text


def _one_of(*allowed: str) -> Callable[[str, object], str]:
    def check(where: str, value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            shown = repr(value[:40]) if isinstance(value, str) else type_text(value)
            raise InvalidCall(f"{where} is {shown}; write one of {', '.join(allowed)}")
        return value

    return check


def _format(where: str, value: object) -> str:
    from tokentill.sources.opening import FORMATS  # here: it brings in every format

    return _one_of(*FORMATS)(where, value)


def _whole(least: int, most: int) -> Callable[[str, object], int]:
    def check(where: str, value: object) -> int:
        if type(value) is not int:
            raise InvalidCall(f"{where} must be a whole number, not {type_text(value)}")
        if not least <= value <= most:
            raise InvalidCall(f"{where} is {value}; write {least} to {most:,}")
        return value

    return check


_CHECKS: Mapping[str, Callable[[str, object], Any]] = {
    "kind": _one_of(*get_args(SourceKind)),
    "url": _url,
    "path": _path,
    "key_env": _text,
    "key_file": _text,
    "format": _format,
    "page_size": _whole(1, PAGE_SIZE_MAX),
    "overlap_hours": _whole(0, OVERLAP_HOURS_MAX),
    "timeout_seconds": _whole(1, TIMEOUT_SECONDS_MAX),
    "cache_write_ttl": _one_of(*get_args(CacheWriteTtl)),
    "user": _one_of(*get_args(UserTrust)),
    "privacy": _one_of(*get_args(PrivacyPolicy)),
}
