"""The published JSON Schemas: what editors check while a file is written, in both of its forms."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.recordings.test_mistake_files import MISTAKES
from tokentill.canonical import content_hash
from tokentill.recordings.reading import FileText, parse
from tokentill.recordings.recording import KINDS, read_folder, recording_of
from tokentill.sample import __file__ as sample
from tokentill.shipped import shipped_folder

SCHEMAS = shipped_folder("pricing") / "schema"
SCHEMA_OF_ROOM = {"models": "prices", "contracts": "contract", "attribution": "attribution", "fx": "fx"}
FOLDERS = [shipped_folder("pricing"), Path(sample).parent / "pricing"]
FILES = [(file, file.relative_to(folder).parts[0]) for folder in FOLDERS for file in sorted(folder.glob("*/**/*.toml"))]
CANNOT_TELL = "# schema: cannot tell"


@cache
def validator(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def as_an_editor_sees(value: Any) -> Any:
    """TOML for a JSON Schema: instants are texts, and so is what is no number."""
    if isinstance(value, dict):
        return {key: as_an_editor_sees(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_an_editor_sees(item) for item in value]
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) and not value.is_finite() else value


def as_json(value: Any) -> Any:
    """The JSON form of a TOML file: decimals are texts."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, list) else as_an_editor_sees(value)


def tree_of(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)


def schema_of(tree: dict[str, Any], room: str) -> str:
    return tree["kind"] if tree.get("kind") in ("grant", "opening_balance") else SCHEMA_OF_ROOM[room]


@pytest.mark.parametrize(("file", "room"), FILES, ids=lambda value: getattr(value, "name", value))
def test_every_file_of_ours_is_valid_in_both_forms_and_they_have_one_hash(file: Path, room: str) -> None:
    tree = tree_of(file)
    name = schema_of(tree, room)
    written = json.dumps({"$schema": f"../schema/{name}.json", **as_json(tree)}, indent=1)
    toml = FileText("a.toml", "a.toml", file.read_text(encoding="utf-8"))
    in_json = FileText("a.json", "a.json", written)

    assert list(validator(name).iter_errors(as_an_editor_sees(tree))) == []
    assert list(validator(name).iter_errors(json.loads(written))) == []
    contents = [recording_of(parse(text), text, name).content for text in (toml, in_json)]
    assert content_hash(contents[0]) == content_hash(contents[1])


@pytest.mark.parametrize("folder", FOLDERS, ids=["shipped", "sample"])
def test_every_file_of_ours_names_its_schema_for_editors(folder: Path) -> None:
    recordings, findings = read_folder(folder)

    assert [finding for finding in findings if not finding.is_warning] == []
    for recording in recordings:
        first = recording.file.text.split("\n", 1)[0]
        match = re.fullmatch(r"#:schema (\S+/schema/(\w+)\.json)", first)
        assert match, f"{recording.path} does not begin with #:schema"
        assert match[2] == schema_of(recording.content, recording.path.split("/")[0])
        assert (SCHEMAS / f"{match[2]}.json").is_file()
        depth = recording.path.count("/")
        assert match[1].startswith("../" * depth + "schema/"), f"{recording.path} leads its editor astray"


def samples() -> list[Path]:
    found = [file for kind in ("prices", "attribution", "fx") for file in sorted((MISTAKES / kind).glob("*.toml"))]
    return [file for file in found if not re.search(r"^# mistake: .*not valid TOML", file.read_text(), re.MULTILINE)]


@pytest.mark.parametrize("file", samples(), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_schema_refuses_every_mistake_that_a_schema_can_express(file: Path) -> None:
    """Those that it cannot express (an overlap, float noise, a unit mistake) say so in their header."""
    is_refused = not validator(file.parent.name).is_valid(as_an_editor_sees(tree_of(file)))

    assert is_refused == (CANNOT_TELL not in file.read_text(encoding="utf-8"))


def test_a_json_number_with_a_fraction_is_for_the_loader_to_refuse() -> None:
    """TOML has exact fractions and JSON none; one schema serves both, so it is `prices check` that says it."""
    tree = json.loads((MISTAKES / "prices" / "json-price-table-with-a-fraction" / "models" / "a.json").read_text())

    assert validator("prices").is_valid(tree)


def test_there_is_a_schema_for_each_room() -> None:
    assert set(SCHEMA_OF_ROOM) == set(KINDS)
    for name in (*SCHEMA_OF_ROOM.values(), "grant", "opening_balance"):
        assert validator(name).schema["additionalProperties"] is False


def test_an_editor_offers_every_leaf_quantity_by_name() -> None:
    entry = validator("prices").schema["$defs"]["PriceEntryTable"]

    assert {"input", "cache_read", "cache_write_1h", "reasoning"} <= set(entry["properties"]["rates"]["properties"])
