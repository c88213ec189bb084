"""The key at a gateway: from the environment, or from a file that is named; never from a setting itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tokentill.errors import InvalidCall
from tokentill.sources.source_settings import SourceSettings

KEY_BYTES_MAX = 4096


def key_of(source: SourceSettings, environment: Mapping[str, str]) -> str | None:
    """The key at the gateway of a source; None where none is declared.

    Raises:
        InvalidCall: when it is declared and not there, or cannot be sent. The message never holds it.
    """
    if source.key_env is not None:
        key, origin = environment.get(source.key_env, "").strip(), f"the variable {source.key_env}"
    elif source.key_file is not None:
        origin = f"the file {source.key_file}"
        try:
            with Path(source.key_file).open(encoding="ascii") as file:
                key = file.read(KEY_BYTES_MAX).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidCall(f"{origin} with the key of source {source.name} cannot be read: {error}") from None
    else:
        return None
    if not key:
        raise InvalidCall(f"{origin}, which is to hold the key of source {source.name}, is empty or not set")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise InvalidCall(f"{origin} holds what is no key for source {source.name}: one word of plain characters")
    return key
