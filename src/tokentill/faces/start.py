"""`tokentill init`: a folder to begin with: settings, a pricing folder, a database."""

from __future__ import annotations

import shutil
from os import PathLike
from pathlib import Path

from tokentill.clock import SYSTEM_CLOCK, Clock, instant_text
from tokentill.documents.views.start import Started
from tokentill.errors import InvalidCall, Refused
from tokentill.faces.arguments import path_of
from tokentill.recordings.load import load_folder
from tokentill.settings import DEFAULT_PRICING, FILE_NAME
from tokentill.shipped import shipped_folder
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready

DATABASE_NAME = "tokentill.db"
_TEMPLATES = Path(__file__).parent / "project"


def start_project(
    folder: str | PathLike[str] = ".",
    *,
    currency: str = "USD",
    copy_prices: bool = False,
    clock: Clock = SYSTEM_CLOCK,
) -> Started:
    """Make a folder to bill from: `tokentill.toml`, `pricing/` with a default contract and attribution, a database.

    Args:
        folder: where; it is made if it is not there.
        currency: of the default contract, ISO 4217.
        copy_prices: copy the shipped list prices into `pricing/models`, to be changed there; what is shipped does not
            lie beneath them then.

    Raises:
        Refused: when one of the files is there already. Nothing is written then.
        InvalidCall: for a currency that is not one.
    """
    root = Path(path_of("folder", folder))
    pricing = root / DEFAULT_PRICING
    there = [path for path in (root / FILE_NAME, pricing, root / DATABASE_NAME) if path.exists()]
    if there:
        raise Refused(f"{there[0]} is there already, and nothing is overwritten; name another folder")
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise InvalidCall(f"currency=... must be three capital letters of ISO 4217 like EUR, not {currency!r}")
    filled = {
        "{recorded_at}": instant_text(clock.now().replace(microsecond=0)),
        "{currency}": currency,
        "{shipped_prices}": "false" if copy_prices else "true ",
    }
    for template, path in (
        ("tokentill.toml", root / FILE_NAME),
        ("contracts.toml", pricing / "contracts" / "default.toml"),
        ("attribution.toml", pricing / "attribution" / "default.toml"),
    ):
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        for key, value in filled.items():
            text = text.replace(key, value)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    for name in ("schema", *(("models",) if copy_prices else ())):
        shutil.copytree(shipped_folder("pricing") / name, pricing / name)
    load_folder(pricing, shipped_prices=not copy_prices)
    make_ready(Database.open(str(root / DATABASE_NAME)))
    made = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.toml"))
    return Started(str(root), (*made, DATABASE_NAME))
