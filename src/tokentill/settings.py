"""Settings: flag, then environment, then `tokentill.toml`, then a default that works; and the user's cache folder.

The command line and the library find the database and the pricing folder in this one way. `tokentill.toml` is looked
for in the current folder and those above it; paths in it are relative to it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from tokentill.contracts.review_bounds import ReviewBounds
from tokentill.contracts.review_policy import NO_POLICY, ReviewPolicy
from tokentill.errors import InvalidCall, InvalidRecord
from tokentill.invoicing.limits import DEFAULT_LIMITS, ReviewLimits
from tokentill.invoicing.tolerance import NO_TOTALS, TotalsPolicy
from tokentill.usage.bounds import DEFAULT_BOUNDS, Bounds
from tokentill.usage.ids import is_word
from tokentill.usage.privacy import DEFAULT_PRIVACY, Privacy
from tokentill.usage.reporters import EXPORT
from tokentill.usage.type_words import type_text

if TYPE_CHECKING:
    from tokentill.sources.source_settings import SourceSettings

FILE_NAME = "tokentill.toml"
DEFAULT_DATABASE = "sqlite:///tokentill.db"
DEFAULT_PRICING = "pricing"
GIVEN = "given"
SHIPPED = "shipped"
SECRET_BYTES_MAX = 4096

AHEAD_DAYS_MAX = 36_500
LIMIT_MAX = 1_000_000

_KEYS = {
    "database": str,
    "pricing": str,
    "shipped_prices": bool,
    "grace_hours": int,
    "review": dict,
    "ingest": dict,
    "stripe": dict,
    "privacy": dict,
    "sources": dict,
}
_REVIEW_KEYS = {
    "require_approval": bool,
    "cost_above_list": dict,
    "approve_within": dict,
    "park_beyond": dict,
    "four_eyes": bool,
}
_BOUNDS = {"approve_within": ("total", "change_percent", "change"), "park_beyond": ("total", "change_percent")}
BOUND_MAX = 10**12
_STRIPE_KEYS = {"api_base": str, "key_file": str}
_INGEST_KEYS = {"oldest": str, "ahead_days": int}
_WORDS = {str: "a text", bool: "true or false", int: "a whole number", dict: "a table", list: "a list"}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are.

    `pricing` None is the folder that tokentill ships, and `found_by` says what led to it: `GIVEN` by the caller, the
    name of a variable, the path of a file, `./pricing`, or `SHIPPED`. `shipped_prices` says whether shipped list prices
    lie beneath an own folder. `precedence` has by source its reporters, the one first whose word is billed.
    """

    database: str
    pricing: str | None
    found_by: str
    shipped_prices: bool
    require_approval: bool
    grace: timedelta
    bounds: Bounds
    limits: ReviewLimits
    policy: ReviewPolicy
    stripe_api_base: str | None
    stripe_key_file: str | None
    precedence: Mapping[str, tuple[str, ...]]
    totals: TotalsPolicy = NO_TOTALS
    sources: Mapping[str, SourceSettings] = field(default_factory=dict)
    privacy: Privacy = DEFAULT_PRIVACY


def read_settings(
    *,
    database: str | None = None,
    pricing: str | None = None,
    environment: Mapping[str, str] = os.environ,
    folder: Path | None = None,
) -> Settings:
    """Put settings together.

    Args:
        database, pricing: as the caller names them, None when not given.
        environment: TOKENTILL_DB, TOKENTILL_PRICING, TOKENTILL_STRIPE_API_BASE, TOKENTILL_STRIPE_KEY_FILE.
        folder: where the search for `tokentill.toml` begins; the current one by default.

    Raises:
        InvalidCall: for a file that is no TOML, or has a key that is unknown or of the wrong type.
    """
    here = folder or Path.cwd()
    path = next((above / FILE_NAME for above in (here, *here.parents) if (above / FILE_NAME).is_file()), None)
    file = {} if path is None else _read_file(path)
    beside = here if path is None else path.parent
    stripe = file.get("stripe", {})
    key_file = stripe.get("key_file")
    chosen, found_by = _pricing(pricing, environment, file, path, here)
    return Settings(
        database=database or environment.get("TOKENTILL_DB") or _database(file, beside, here),
        pricing=chosen,
        found_by=found_by,
        shipped_prices=file.get("shipped_prices", True),
        require_approval=file.get("review", {}).get("require_approval", False),
        grace=timedelta(hours=file.get("grace_hours", 0)),
        bounds=_bounds(path, file.get("ingest", {})),
        policy=_policy(path, file.get("review", {})),
        limits=_limits(path, file.get("review", {}).get("cost_above_list", {})),
        stripe_api_base=environment.get("TOKENTILL_STRIPE_API_BASE") or stripe.get("api_base"),
        stripe_key_file=environment.get("TOKENTILL_STRIPE_KEY_FILE") or (key_file and _from(beside, here, key_file)),
        sources=_sources(path, file.get("sources", {}), partial(_from, beside, here)),
        totals=_totals(path, file.get("sources", {})),
        precedence=_precedence(path, file.get("sources", {})),
        privacy=Privacy.from_tables(file.get("privacy", {}), file.get("sources", {}), str(path)),
    )


def _pricing(
    given: str | None, environment: Mapping[str, str], file: Mapping[str, Any], path: Path | None, here: Path
) -> tuple[str | None, str]:
    """The pricing folder, and what led to it."""
    if given is not None:
        return given, GIVEN
    if of_environment := environment.get("TOKENTILL_PRICING"):
        return of_environment, "TOKENTILL_PRICING"
    if path is not None and "pricing" in file:
        return _from(path.parent, here, file["pricing"]), path.as_posix()
    if path is not None and path.parent != here and (path.parent / DEFAULT_PRICING).is_dir():
        return str(path.parent / DEFAULT_PRICING), path.as_posix()
    if (here / DEFAULT_PRICING).is_dir():
        return str(here / DEFAULT_PRICING), f"./{DEFAULT_PRICING}"
    return None, SHIPPED


def _database(file: Mapping[str, Any], beside: Path, here: Path) -> str:
    stated: str = file.get("database", DEFAULT_DATABASE)
    scheme, sqlite, name = stated.rpartition("sqlite:///")
    if scheme or "://" in name:
        return stated
    return sqlite + _from(beside, here, name)


def _from(beside: Path, here: Path, name: str) -> str:
    """A path that is relative to the settings' file, as it is from here."""
    return name if beside == here else str(beside / name)


class FolderChoice(TypedDict):
    """Which folder is loaded, and whether shipped list prices lie beneath it."""

    folder: str | None
    shipped_prices: bool


def folder_in_settings(folder: str | PathLike[str] | None = None, shipped_prices: bool | None = None) -> FolderChoice:
    """The pricing folder to load, and whether shipped prices lie beneath it: as given, otherwise as settings say.

    Raises:
        InvalidCall: when `tokentill.toml` has a mistake.
    """
    settings = read_settings(pricing=None if folder is None else str(folder))
    beneath = settings.shipped_prices if shipped_prices is None else shipped_prices
    return {"folder": settings.pricing, "shipped_prices": beneath}


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


def keyed_privacy(privacy: Privacy, environment: Mapping[str, str] = os.environ) -> Privacy:
    """What becomes of user ids, with the secrets of the keys, which only the environment holds.

    Raises:
        InvalidCall: when there is no key, or its variable is not set.
    """
    return privacy.keyed(environment)


def privacy_in_force(privacy: Privacy) -> Privacy:
    """The same; where no id is to be hashed no key is looked for.

    Raises:
        InvalidCall: when there is no key where one is needed, or its variable is not set.
    """
    return keyed_privacy(privacy) if privacy.hides() else privacy


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
    import tomllib  # here: most have no such file

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


def _sources(
    path: Path | None, tables: Mapping[str, Any], located: Callable[[str], str]
) -> Mapping[str, SourceSettings]:
    if not tables:
        return {}
    from tokentill.sources.source_settings import source_settings  # here: likewise

    return source_settings(str(path), tables, located)


def _bounds(path: Path | None, table: Mapping[str, Any]) -> Bounds:
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


def _precedence(path: Path | None, sources: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """By source its reporters, in the order in which their word is billed."""
    precedence = {}
    for source, table in sources.items():
        where = f"{path}: sources.{source}"
        if "reporters" not in table:
            continue
        named = table["reporters"]
        if not isinstance(named, list):
            raise InvalidCall(f"{where}.reporters must be a list, not {type_text(named)}")
        if (
            not isinstance(named, list)
            or not all(is_word(name) for name in named)
            or len(set(named)) != len(named)
            or EXPORT not in named
        ):
            raise InvalidCall(
                f"{where}.reporters must name reporters in lower-case words, each once, and {EXPORT} among them, which"
                " is who tells unless `ingest --reporter` names another one"
            )
        precedence[source] = tuple(named)
    return precedence


def _limits(path: Path | None, table: Mapping[str, Any]) -> ReviewLimits:
    """From where on a cost is a finding: a factor of the list amount, and an amount in USD."""
    least = {"factor": Decimal(1), "amount": Decimal(0)}
    chosen = {"factor": DEFAULT_LIMITS.cost_factor, "amount": DEFAULT_LIMITS.cost_amount}
    for key, value in table.items():
        where = f"{path}: review.cost_above_list.{key}"
        if key not in least:
            raise InvalidCall(f"{where} is not a setting; the settings are amount, factor")
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise InvalidCall(f"{where} must be a number, not {type_text(value)}")
        limit = Decimal(value)
        if not (limit.is_finite() and least[key] <= limit <= LIMIT_MAX):
            raise InvalidCall(f"{where} is {value}; write {least[key]} to {LIMIT_MAX}")
        chosen[key] = limit
    return ReviewLimits(chosen["factor"], chosen["amount"])


def _policy(path: Path | None, table: Mapping[str, Any]) -> ReviewPolicy:
    """What may be approved without a person, and what waits for one whatever else holds."""
    if not table.keys() & {*_BOUNDS, "four_eyes"}:
        return NO_POLICY
    for name in _BOUNDS:
        for key, value in table.get(name, {}).items():
            where = f"{path}: review.{name}.{key}"
            if key not in _BOUNDS[name]:
                raise InvalidCall(f"{where} is not a setting; the settings are {', '.join(sorted(_BOUNDS[name]))}")
            if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
                raise InvalidCall(f"{where} must be a number, not {type_text(value)}")
            if not (Decimal(value).is_finite() and 0 < value <= BOUND_MAX):
                raise InvalidCall(f"{where} is {value}; write more than 0, and up to {BOUND_MAX}")
        if table.get(name) == {}:
            raise InvalidCall(f"{path}: review.{name} states no bound; write one, or leave it out")
    within, beyond = (ReviewBounds.from_content(table.get(name), FILE_NAME) for name in _BOUNDS)
    return ReviewPolicy(within, beyond, table.get("four_eyes", False))


def _totals(path: Path | None, sources: Mapping[str, Any]) -> TotalsPolicy:
    return TotalsPolicy.of(sources, f"{path}: ")


def _check(path: Path, content: Mapping[str, Any], keys: Mapping[str, type], prefix: str) -> None:
    for key, value in content.items():
        if key not in keys:
            raise InvalidCall(f"{path}: {prefix}{key} is not a setting; the settings are {', '.join(sorted(keys))}")
        if not isinstance(value, keys[key]) or (isinstance(value, bool) and keys[key] is not bool):
            raise InvalidCall(f"{path}: {prefix}{key} must be {_WORDS[keys[key]]}, not {type_text(value)}")


def _cache_folder() -> Path:
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")


def _is_own(folder: Path) -> bool:
    status = folder.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022
