"""The files that people write: their shapes, how they are read, and the schemas that editors use.

`shapes` defines each kind once; `schemas` publishes it. Reading gives canonical content, which is all that the
rest of the package sees of a file.
"""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each kind of file, by its name: prices, contract, attribution, fx."""
    from tokentill.pricing.files.shapes import SHAPES  # here, so that a cached folder loads without pydantic

    return {
        name: {"$schema": "https://json-schema.org/draft/2020-12/schema"} | shape.model_json_schema(mode="validation")
        for name, shape in SHAPES.items()
    }


def schema_text(schema: dict[str, Any]) -> str:
    """The text of a published schema; equal schemas have equal texts."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


def write_schemas(folder: str | PathLike[str]) -> list[Path]:
    """Write every schema to `<name>.json` in a folder, and return the paths."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name, schema in schemas().items():
        path = target / f"{name}.json"
        path.write_text(schema_text(schema), encoding="utf-8", newline="\n")
        written.append(path)
    return written
