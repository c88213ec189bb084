"""Settings: flag, then environment, then `tokentill.toml`, then a default that works."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tokentill.errors import InvalidCall, InvalidRecord
from tokentill.invoicing.limits import DEFAULT_LIMITS, ReviewLimits
from tokentill.usage.bounds import DEFAULT_BOUNDS, Bounds

FILE_NAME = "tokentill.toml"
DEFAULT_DATABASE = "sqlite:///tokentill.db"
DEFAULT_PRICING = "pricing"
SECRET_BYTES_MAX = 4096

AHEAD_DAYS_MAX = 36_500
LIMIT_MAX = 1_000_000

_KEYS = {"database": str, "pricing": str, "grace_hours": int, "ingest": dict, "review": dict, "stripe": dict}
_INGEST_KEYS = {"oldest": str, "ahead_days": int}
_REVIEW_KEYS = {"cost_above_list": dict}
_STRIPE_KEYS = {"api_base": str, "key_file": str}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are. `pricing` None is the folder that tokentill ships."""

    database: str
    pricing: str | None
    grace: timedelta
    bounds: Bounds
    limits: ReviewLimits
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
        limits=_limits(folder / FILE_NAME, file.get("review", {}).get("cost_above_list", {})),
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


def _read_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    import tomllib  # likewise: most have no such file

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidCall(f"{path} cannot be read: {error}") from error
    _check(path, content, _KEYS, "")
    _check(path, content.get("ingest", {}), _INGEST_KEYS, "ingest.")
    _check(path, content.get("review", {}), _REVIEW_KEYS, "review.")
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


def _limits(path: Path, table: Mapping[str, Any]) -> ReviewLimits:
    """From where on a cost is a finding: a factor of the list amount, and an amount in USD."""
    least = {"factor": Decimal(1), "amount": Decimal(0)}
    chosen = {"factor": DEFAULT_LIMITS.cost_factor, "amount": DEFAULT_LIMITS.cost_amount}
    for key, value in table.items():
        where = f"{path}: review.cost_above_list.{key}"
        if key not in least:
            raise InvalidCall(f"{where} is not a setting; the settings are amount, factor")
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise InvalidCall(f"{where} must be a number, not {_type_of(value)}")
        limit = Decimal(value)
        if not (limit.is_finite() and least[key] <= limit <= LIMIT_MAX):
            raise InvalidCall(f"{where} is {value}; write {least[key]} to {LIMIT_MAX}")
        chosen[key] = limit
    return ReviewLimits(chosen["factor"], chosen["amount"])


def _check(path: Path, content: Mapping[str, Any], keys: Mapping[str, type], prefix: str) -> None:
    for key, value in content.items():
        if key not in keys:
            raise InvalidCall(f"{path}: {prefix}{key} is not a setting; the settings are {', '.join(sorted(keys))}")
        if not isinstance(value, keys[key]) or isinstance(value, bool):
            raise InvalidCall(f"{path}: {prefix}{key} must be {keys[key].__name__}, not {_type_of(value)}")


def _type_of(value: object) -> str:
    """A type as TOML has it; numbers with a point are read as decimals."""
    return "float" if isinstance(value, Decimal) else type(value).__name__
