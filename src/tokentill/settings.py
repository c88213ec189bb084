"""Settings: flag, then environment, then `tokentill.toml`, then a default that works; and the user's cache folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tokentill.errors import InvalidCall, InvalidRecord
from tokentill.usage.bounds import DEFAULT_BOUNDS, Bounds

FILE_NAME = "tokentill.toml"
DEFAULT_DATABASE = "sqlite:///tokentill.db"
DEFAULT_PRICING = "pricing"
SECRET_BYTES_MAX = 4096

AHEAD_DAYS_MAX = 36_500

_KEYS = {"database": str, "pricing": str, "grace_hours": int, "ingest": dict, "stripe": dict}
_INGEST_KEYS = {"oldest": str, "ahead_days": int}
_STRIPE_KEYS = {"api_base": str, "key_file": str}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are. `pricing` None is the folder that tokentill ships."""

    database: str
    pricing: str | None
    grace: timedelta
    bounds: Bounds
    stripe_api_base: str | None
    stripe_key_file: str | None


def read_settings(
    *,
    database: str | None,
    pricing: str | None,
    environment: Mapping[str, str] = os.environ,
    folder: Path | None = None,
) -> Settings:
    """Put settings together.

    Args:
        database, pricing: from flags, None when not given.
        environment: TOKENTILL_DB, TOKENTILL_PRICING, TOKENTILL_STRIPE_API_BASE, TOKENTILL_STRIPE_KEY_FILE.
        folder: where `tokentill.toml` and a folder `pricing` are looked for; the current one by default.

    Raises:
        InvalidCall: for a file that is no TOML, or has a key that is unknown or of the wrong type.
    """
    folder = folder or Path.cwd()
    file = _read_file(folder / FILE_NAME)
    stripe = file.get("stripe", {})
    chosen = pricing or environment.get("TOKENTILL_PRICING") or file.get("pricing")
    if chosen is None and (folder / DEFAULT_PRICING).is_dir():
        chosen = str(folder / DEFAULT_PRICING)
    return Settings(
        database=database or environment.get("TOKENTILL_DB") or file.get("database") or DEFAULT_DATABASE,
        pricing=chosen,
        grace=timedelta(hours=file.get("grace_hours", 0)),
        bounds=_bounds(folder / FILE_NAME, file.get("ingest", {})),
        stripe_api_base=environment.get("TOKENTILL_STRIPE_API_BASE") or stripe.get("api_base"),
        stripe_key_file=environment.get("TOKENTILL_STRIPE_KEY_FILE") or stripe.get("key_file"),
    )


def stripe_key(settings: Settings, environment: Mapping[str, str] = os.environ) -> str | None:
    """The Stripe key: from the environment, or from the file that is named; never from a setting itself.

    Raises:
        InvalidCall: when the file cannot be read.
    """
    if environment.get("TOKENTILL_STRIPE_KEY"):
        return environment["TOKENTILL_STRIPE_KEY"].strip()
    if settings.stripe_key_file is None:
        return None
    try:
        with Path(settings.stripe_key_file).open(encoding="ascii") as file:
            return file.read(SECRET_BYTES_MAX).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidCall(f"the file {settings.stripe_key_file} with the Stripe key cannot be read: {error}") from error


def user_cache() -> Path | None:
    """Where the command line keeps checked pricing folders between two calls: in the user's own cache folder.

    It is made if it is not there. None where there can be none: then every call reads and checks anew. What is kept
    there is found by a hash of every byte that loading depends on and carries its own checksum, so it is never stale; a
    damaged file is as good as none (see `recordings.cache`). As it could change prices, a folder that others may write
    to is not used.
    """
    try:
        folder = _cache_folder() / "tokentill"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_own = os.name == "nt" or _is_own(folder)
        return folder if is_own and os.access(folder, os.W_OK) else None
    except (OSError, RuntimeError):  # no home, or none that can be written to
        return None


def _read_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    import tomllib  # likewise: most have no such file

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidCall(f"{path} cannot be read: {error}") from error
    _check(path, content, _KEYS, "")
    _check(path, content.get("ingest", {}), _INGEST_KEYS, "ingest.")
    _check(path, content.get("stripe", {}), _STRIPE_KEYS, "stripe.")
    if not 0 <= content.get("grace_hours", 0) <= 24 * 60:
        raise InvalidCall(f"{path}: grace_hours is {content['grace_hours']}; write 0 to 1440")
    return content


def _bounds(path: Path, table: Mapping[str, Any]) -> Bounds:
    if not table:
        return DEFAULT_BOUNDS
    from tokentill.sources.gateways.fields import instant  # here: many who read settings have no such table

    try:
        oldest = instant("ingest.oldest", table["oldest"]) if "oldest" in table else DEFAULT_BOUNDS.oldest
    except InvalidRecord as error:
        raise InvalidCall(f"{path}: {error}") from None
    days = table.get("ahead_days", DEFAULT_BOUNDS.ahead.days)
    if not 0 <= days <= AHEAD_DAYS_MAX:
        raise InvalidCall(f"{path}: ingest.ahead_days is {days}; write 0 to {AHEAD_DAYS_MAX}")
    return Bounds(oldest, timedelta(days=days))


def _check(path: Path, content: Mapping[str, Any], keys: Mapping[str, type], prefix: str) -> None:
    for key, value in content.items():
        if key not in keys:
            raise InvalidCall(f"{path}: {prefix}{key} is not a setting; the settings are {', '.join(sorted(keys))}")
        if not isinstance(value, keys[key]) or isinstance(value, bool):
            raise InvalidCall(f"{path}: {prefix}{key} must be {keys[key].__name__}, not {type(value).__name__}")


def _cache_folder() -> Path:
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")


def _is_own(folder: Path) -> bool:
    status = folder.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022
