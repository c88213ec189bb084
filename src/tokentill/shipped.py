"""Where the folders that travel with the package lie: list prices and migrations.

They stand at the top of the repository; the wheel carries copies inside the package.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tokentill.errors import InvalidCall

__version__ = "0.1.0"
_PACKAGE = Path(__file__).resolve().parent


def shipped_folder(name: Literal["pricing", "migrations"]) -> Path:
    """The folder of that name, in an installed package or in a checkout.

    Raises:
        InvalidCall: when it is in neither place.
    """
    for folder in (_PACKAGE / "_shipped" / name, _PACKAGE.parent.parent / name):
        if folder.is_dir():
            return folder
    raise InvalidCall(f"the folder {name!r} is missing from this installation of tokentill; install it again")
