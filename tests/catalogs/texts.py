"""Small catalogs, and imports of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.recordings.files import write_folder
from tokentill.catalogs import Import, plan_import, read_catalog
from tokentill.recordings.load import load_folder

EFFECTIVE = datetime(2026, 12, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)


def openrouter(*models: dict[str, Any]) -> str:
    return json.dumps({"data": list(models)})


def model(id_: str, prompt: Any = "0.000002", completion: Any = "0.000008", **more: Any) -> dict[str, Any]:
    return {"id": id_, "pricing": {"prompt": prompt, "completion": completion, **more}}


def planned(tmp_path: Path, catalog: str, *tables: str, kind: str = "openrouter", **how: Any) -> Import:
    """An import of a catalog's text beside these price tables."""
    folder = write_folder(tmp_path / "pricing", {f"models/{n}.toml": table for n, table in enumerate(tables)})
    (folder / "models").mkdir(exist_ok=True, parents=True)
    rounded = how.pop("rounded", False)
    file = tmp_path / "catalog.json"
    file.write_text(catalog, encoding="utf-8")
    read = read_catalog(kind, str(file), EFFECTIVE, rounded=rounded)
    return plan_import(read, load_folder(folder), EFFECTIVE, NOW, **how)


def reasons(plan: Import) -> dict[str, str]:
    return {left.model + (f" {left.key}" if left.key else ""): left.reason for left in plan.left_out}
