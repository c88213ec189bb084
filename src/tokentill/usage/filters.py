"""Which records are meant: by what is the same of all of them. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime

from tokentill.clock import instant_text
from tokentill.errors import InvalidCall

SERIES_KEYS = ("source", "user", "model", "api_key")
INSTANT_KEYS = {"from": "starts_at", "to": "ends_at"}


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Records of a source, user, model or API key, in [starts_at, ends_at); what is None is not asked for."""

    source: str | None = None
    user: str | None = None
    model: str | None = None
    api_key: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @classmethod
    def parse(cls, text: str) -> RecordFilter:
        """Read `source=a user=b from=2026-10-01T00:00:00Z`; what holds spaces stands in quotes, as in a shell.

        Raises:
            InvalidCall: with what cannot be read, and how it is written.
        """
        asked: dict[str, str | datetime] = {}
        try:
            words = shlex.split(text)
        except ValueError:
            raise InvalidCall(f"the filter {text!r} opens a quote and does not close it") from None
        for word in words:
            key, equals, value = word.partition("=")
            name = INSTANT_KEYS.get(key, key)
            if not equals or name not in (*SERIES_KEYS, *INSTANT_KEYS.values()) or key in INSTANT_KEYS.values():
                known = ", ".join(f"{known}=" for known in (*SERIES_KEYS, *INSTANT_KEYS))
                raise InvalidCall(f"the filter has {word!r}, and it may have {known} each followed by a value")
            if name in asked:
                raise InvalidCall(f"the filter says {key}= twice; records of both are two filters")
            asked[name] = _instant(key, value) if key in INSTANT_KEYS else value
        return cls(**asked).checked()  # type: ignore[arg-type]

    def checked(self) -> RecordFilter:
        """The same, when it asks for something that there can be.

        Raises:
            InvalidCall: when it asks for nothing, for an empty word, or for no time at all.
        """
        named = {name: value for name in SERIES_KEYS if (value := getattr(self, name)) is not None}
        if not named and self.starts_at is None and self.ends_at is None:
            raise InvalidCall("the filter is empty, so it would mean every record; say source=, user=, from=, ...")
        if empty := [name for name, value in named.items() if not value]:
            raise InvalidCall(f"the filter says {empty[0]}= and nothing behind it")
        if self.starts_at is not None and self.ends_at is not None and self.starts_at >= self.ends_at:
            raise InvalidCall(
                f"the filter ends at {instant_text(self.ends_at)}, and begins at {instant_text(self.starts_at)}; to="
                " is the first instant that is not meant any more"
            )
        return self

    def __str__(self) -> str:
        """As `parse` reads it."""
        words = [f"{name}={shlex.quote(value)}" for name in SERIES_KEYS if (value := getattr(self, name)) is not None]
        instants = {key: getattr(self, name) for key, name in INSTANT_KEYS.items()}
        words += [f"{key}={instant_text(at)}" for key, at in instants.items() if at is not None]
        return " ".join(words)


def _instant(key: str, text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidCall(f"the filter says {key}={text}; write an instant like 2026-10-15T00:00:00Z") from None
    if instant.tzinfo is None:
        raise InvalidCall(f"the filter says {key}={text}, without a time zone; write it like 2026-10-15T00:00:00Z")
    return instant.astimezone(UTC)
