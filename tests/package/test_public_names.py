"""The public names: what is exported, what the docs list, and what the public calls return, are one list."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import tokentill
from tokentill import Contracts, DatabaseFace, Prices, Till, capture, errors

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
FACES = (Till, Prices, Contracts, DatabaseFace)
INNER = {"store", "folder"}
NOT_OURS = {"Content", "None", "Path", "Sequence"}


def test_the_page_lists_the_public_names_and_no_other() -> None:
    page = PAGE.read_text(encoding="utf-8")
    types = set(re.findall(r"`([A-Z]\w+)`", page)) - {"ValueError", "StripeStandIn", *capture.__all__}
    functions = {name for name in tokentill.__all__ if name.islower() and f"`{name}`" in page}

    assert types | functions == set(tokentill.__all__) - {"__version__"}


def test_the_page_lists_the_names_of_capture() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert {name for name in capture.__all__ if f"`{name}`" not in page or not hasattr(capture, name)} == set()


def test_what_a_public_call_returns_is_public() -> None:
    returned = set()
    for face in FACES:
        for name, member in vars(face).items():
            function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if inspect.isfunction(function) and not name.startswith("_") and name not in INNER:
                returned |= set(re.findall(r"\b[A-Z]\w+", function.__annotations__["return"]))

    assert len(returned) > 30
    assert returned - NOT_OURS <= set(tokentill.__all__)


def test_every_call_and_every_error_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    calls = {name for name, _ in inspect.getmembers(Till, inspect.isfunction) if not name.startswith("_")}
    raised = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}

    assert {name for name in calls if not re.search(rf"\b{name}`", page)} == {"document", "write_review_pages"}
    assert raised <= set(tokentill.__all__)
