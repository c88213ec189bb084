"""Writes the JSON Schemas that editors use, from the one definition of each kind of file.

python -m tools.schemas pricing/schema
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tokentill.recordings.schemas import SHAPES


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each kind of file, by its name: prices, contract, grant, attribution, fx."""
    return {
        name: {"$schema": "https://json-schema.org/draft/2020-12/schema"} | shape.model_json_schema(mode="validation")
        for name, shape in SHAPES.items()
    }


def schema_text(schema: dict[str, Any]) -> str:
    """The text of a published schema; equal schemas have equal texts."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    for name, schema in schemas().items():
        Path(sys.argv[1], f"{name}.json").write_text(schema_text(schema), encoding="utf-8", newline="\n")
