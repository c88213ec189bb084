"""Every key of a contract and of a grant: a slip of it names it, and a value of another type says what is expected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from tests.recordings.files import CONTRACT_HEAD, DEFAULT_CONTRACT, entry, prices, write_folder
from tests.shares import daily
from tokentill.contracts.book import ContractBook
from tokentill.errors import Finding
from tokentill.recordings.checking import check_folder
from tokentill.recordings.load import load_folder
from tokentill.recordings.schemas import ContractFile, GrantsFile, OpeningBalancesFile

KeyPath = tuple[str | int, ...]

CONTRACT: dict[str, Any] = {
    "bill_from": "2026-02-01T00:00:00Z",
    "format": 1,
    "kind": "customer",
    "id": "acme",
    "plan": "standard",
    "recorded_at": "2026-01-01T00:00:00Z",
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_to": "2027-01-01T00:00:00Z",
    "currency": "USD",
    "time_zone": "UTC",
    "anchor_day": 1,
    "applies_to_closed": False,
    "source": "a contract",
    "note": "a note",
    "review": {
        "require_approval": True,
        "approve_within": {"total": "500", "change_percent": "20", "change": "5"},
        "park_beyond": {"total": "10000", "change_percent": "1000"},
        "by_policy": False,
    },
    "invoice": {
        "commitment": {"amount": "100", "starts": "2026-01-01", "months": 12, "overage_factor": "1.2", "name": "year"}
        | {"unusual": False},
        "base_fee": {"amount": "20", "name": "platform", "every": "year", "starts": "2026-01-01"}
        | {"prorate": False, "unusual": False},
        "minimum": {"amount": "50"},
        "cap": "500",
        "coupon": [{"id": "spring", "percent": "10", "periods": 3}, {"id": "summer", "amount": "5"}],
        "tax": [{"name": "VAT", "percent": "19"}],
        "smallest_amount": "5",
        "adjustments": "credit-note",
        "interim_at": "100",
        "lines_by": ["tag:team", "user"],
    },
    "rule": [
        {
            "name": "own",
            "match": {
                "model": "a/*",
                "provider": "a",
                "mode": "batch",
                "api_key": "k",
                "user": "u",
                "source": "s",
                "tag": ["t"],
                "status": ["ok"],
                "usage_state": ["reported"],
                "is_byok": False,
                "is_replayed": True,
                "zero_cost": False,
            },
            "basis": "own",
            "per": 1000,
            "rates": {"input": "0.001", "output": "0.002"},
            "unusual": False,
            "markup_percent": {"output": "5", "default": "3"},
            "add_on": {"request": {"price": "0.01", "per": 1}},
            "byok_fee_percent": "3",
            "min_margin_percent": "5",
            "allowance": {"amount": "5"},
            "credits": {"name": "credit", "worth": "0.002", "round_up": "request", "at_least": 1},
        },
        {
            "name": "units",
            "allowance": {"units": {"output": 100}, "amount": "2"},
            "tiers": {
                "kind": "graduated",
                "over": ["output"],
                "flat_at_zero": True,
                "tier": [{"up_to": "100", "markup_percent": "5", "flat": "1"}, {"rates": {"output": "1"}}],
            },
            "package": {"image": {"price": "1", "size": 10}},
        },
    ],
}
"""Every key that a contract may have, but for `invoice.parent`, which leaves no other term there."""

CHILD: dict[str, Any] = {
    **{key: CONTRACT[key] for key in ("format", "kind", "recorded_at", "valid_from", "valid_to")},
    "id": "labs",
    "drops": ["time_zone"],
    "invoice": {"parent": "acme"},
}

GRANTS: dict[str, Any] = {
    "format": 1,
    "kind": "grant",
    "recorded_at": "2026-01-01T00:00:00Z",
    "source": "a shop",
    "note": "a note",
    "grant": [
        {
            "customer": "acme",
            "id": "bought",
            "currency": "USD",
            "credits": 100,
            "worth": "0.05",
            "name": "credit",
            "paid": "4.5",
            "priority": 1,
            "valid_from": "2026-01-01T00:00:00Z",
            "expires_at": "2027-01-01T00:00:00Z",
            "every": "month",
            "rollover": {"max": "20", "months": 3},
            "new_customer": False,
        },
        {"customer": "acme", "id": "given", "currency": "USD", "amount": "5", "valid_from": "2026-01-01T00:00:00Z"},
    ],
}

COMMITTED: dict[str, Any] = {
    **{key: CONTRACT[key] for key in ("format", "kind", "recorded_at", "valid_from")},
    "id": "bolt",
    "invoice": {"commitment": {"amount": "100", "starts": "2026-01-01", "ends": "2027-01-01"}},
}
"""What cannot stand beside the keys of the first."""

OPENINGS: dict[str, Any] = {
    **{key: GRANTS[key] for key in ("format", "recorded_at", "source", "note")},
    "kind": "opening_balance",
    "opening_balance": [
        {
            "customer": "acme",
            "id": "old",
            "currency": "USD",
            "amount": "-5",
            "date": "2026-01-01",
            "reason": "a voucher",
        }
        | {"reason": "a voucher", "new_customer": False}
    ],
}

FILES = {
    "contracts/a.json": CONTRACT,
    "contracts/b.json": CHILD,
    "contracts/c.json": COMMITTED,
    "contracts/g.json": GRANTS,
    "contracts/o.json": OPENINGS,
}
PLAN = DEFAULT_CONTRACT.replace('"default"', '"plan"', 1).replace('id = "default"', 'id = "standard"')
CHILD_BEFORE = CONTRACT_HEAD.replace('"acme"', '"labs"').replace("2026", "2025") + 'time_zone = "UTC"\n'

ANY_NAME = {"rates", "markup_percent", "add_on", "units", "package"}
"""Tables whose keys are names of quantities."""


def keys_of(content: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Every key of a file, but for names of quantities."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        here = (*path, key)
        if isinstance(key, str) and not (path and path[-1] in ANY_NAME):
            yield here
        yield from keys_of(value, here)


def changed(content: Any, path: KeyPath, **to: Any) -> Any:
    """The content with another name (`key`) or another value (`value`) at a key."""
    changed_content = deepcopy(content)
    table = changed_content
    for part in path[:-1]:
        table = table[part]
    if "value" in to:
        table[path[-1]] = to["value"]
        return changed_content
    renamed = {to["key"] if key == path[-1] else key: value for key, value in table.items()}
    table.clear()
    table.update(renamed)
    return changed_content


def line_with(text: str, path: KeyPath, content: Any) -> int:
    """The line of a key in indented JSON, found by writing a mark in its place."""
    marked = json.dumps(changed(content, path, key="MARK"), indent=1)
    return next(number for number, line in enumerate(marked.splitlines(), start=1) if '"MARK"' in line)


def findings(tmp_path: Path, file: str, content: Any) -> list[Finding]:
    texts = {name: json.dumps(known, indent=1) for name, known in FILES.items()} | {file: json.dumps(content, indent=1)}
    base = {"models/a.toml": prices(entry()), "contracts/0.toml": DEFAULT_CONTRACT, "contracts/1.toml": PLAN}
    base["contracts/2.toml"] = CHILD_BEFORE
    return check_folder(write_folder(tmp_path, {**base, **texts}))


def names_of(keys: list[tuple[str, KeyPath]]) -> list[str]:
    """How the tests of keys are called."""
    return [f"{file.removeprefix('contracts/')}: {'.'.join(map(str, path))}" for file, path in keys]


KEYS = [(file, path) for file, content in FILES.items() for path in keys_of(content)]
NAMES = names_of(KEYS)
SLIPPED = [(file, path) for file, path in KEYS if path != ("kind",)]
"""Without its kind a file is not read at all; that is told elsewhere."""


def test_every_key_of_the_shapes_is_among_them() -> None:
    """A key that is added to the shape is tried here, too."""
    written = {path[-1] for _, path in KEYS}
    for shape in shapes_in(ContractFile) | shapes_in(GrantsFile) | shapes_in(OpeningBalancesFile):
        named = {field.alias or name for name, field in shape.model_fields.items()}
        assert named - {"$schema"} <= written, shape.__name__


def shapes_in(annotation: Any) -> set[type[BaseModel]]:
    """A shape and all the shapes in it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        inner = [shapes_in(field.annotation) for field in annotation.model_fields.values()]
        return {annotation}.union(*inner)
    return set().union(*(shapes_in(part) for part in get_args(annotation))) if get_origin(annotation) else set()


def test_a_file_with_every_key_is_right(tmp_path: Path) -> None:
    assert [str(finding) for finding in findings(tmp_path, "contracts/a.json", CONTRACT)] == []


@pytest.mark.parametrize(("file", "path"), SLIPPED, ids=names_of(SLIPPED))
def test_a_slip_of_a_key_names_the_key_that_was_meant(file: str, path: KeyPath, tmp_path: Path) -> None:
    key = str(path[-1])
    slip = key[:-1] if key.endswith("s") else f"{key}s"

    found = findings(tmp_path, file, changed(FILES[file], path, key=slip))

    named = [finding for finding in found if finding.message == f'unknown key "{slip}"']
    line = line_with(file, path, FILES[file])
    assert [(finding.where.rsplit(":", 1)[1], finding.hint) for finding in named] == [
        (str(line), f'did you mean "{key}"?')
    ]


@pytest.mark.parametrize(("file", "path"), KEYS, ids=NAMES)
def test_a_value_of_another_type_says_what_is_expected(file: str, path: KeyPath, tmp_path: Path) -> None:
    line = line_with(file, path, FILES[file])
    for value in (None, [[]], {"x": {"y": []}}):
        found = findings(tmp_path / "folder", file, changed(FILES[file], path, value=value))
        mistakes = [finding for finding in found if not finding.is_warning]
        assert any(int(finding.where.rsplit(":", 1)[1]) >= line for finding in mistakes), (value, found)
        assert all(finding.hint for finding in mistakes), [str(finding) for finding in mistakes]


@pytest.mark.parametrize(("file", "path"), daily(KEYS, len(KEYS) // 3), ids=NAMES)
def test_no_odd_value_gets_past_the_checks_or_breaks_them(file: str, path: KeyPath, tmp_path: Path) -> None:
    """What is taken is what a contract can be made of; what is not is named, with what to do."""
    for value in (True, 7.5, -1, 0, "", "?", 10**30, "1e-20"):
        folder = tmp_path / "folder"
        found = findings(folder, file, changed(FILES[file], path, value=value))
        assert all(finding.hint for finding in found), [str(finding) for finding in found]
        if not any(not finding.is_warning for finding in found):
            contracts = load_folder(folder).contracts
            assert len(ContractBook(contracts).recordings) == len(contracts)
