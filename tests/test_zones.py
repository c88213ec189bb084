"""Time zones come from the package that an invoice is pinned to, whatever files the machine has."""

from __future__ import annotations

import copy
import json
import os
import pickle
import re
import subprocess
import sys
from datetime import datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from tokentill import zones
from tokentill.recordings.mistakes import zone_mistake
from tokentill.zones import zone, zone_data_version, zone_names

SRC = Path(zones.__file__).parent

HOSTILE = [
    "",
    ".",
    "..",
    "/",
    "Europe",
    "Europe/",
    "/Europe/Berlin",
    "Europe/Berlin/",
    "europe/berlin",
    "EUROPE/BERLIN",
    "Europe//Berlin",
    "Europe/../Europe/Berlin",
    "./Europe/Berlin",
    "../zones",
    "../../etc/passwd",
    "../../../../../../../../etc/passwd",
    "/etc/passwd",
    "/usr/share/zoneinfo/Europe/Berlin",
    "C:\\Windows",
    "Europe\\Berlin",
    "Europe/Berlin\0",
    "Europe/Berlin\n",
    " Europe/Berlin",
    "Europe/B\u0435rlin",
    "__init__.py",
    "localtime",
    "posixrules",
    "\ud800",
    "x" * 100_000,
]


@pytest.mark.parametrize("key", HOSTILE, ids=lambda key: repr(key)[:40])
def test_what_is_no_name_of_a_zone_is_refused(key: str) -> None:
    with pytest.raises(ZoneInfoNotFoundError, match="there is no time zone"):
        zone(key)
    assert zone_mistake(key) is not None


def test_every_name_is_a_zone_and_the_same_one_each_time() -> None:
    assert {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Pacific/Kiritimati"} <= zone_names()
    for key in zone_names():
        found = zone(key)
        assert found.key == str(found) == key
        assert found is zone(key)
        assert datetime(2026, 10, 1, tzinfo=found).utcoffset() is not None
        assert zone_mistake(key) is None


def test_a_zone_travels_between_processes() -> None:
    berlin = zone("Europe/Berlin")

    assert pickle.loads(pickle.dumps(berlin)) is berlin
    assert copy.deepcopy(berlin) is berlin
    assert isinstance(berlin, ZoneInfo)


def test_the_version_is_that_of_the_package_that_is_installed() -> None:
    assert zone_data_version() == version("tzdata")


PERIOD_AND_WINDOW = """
import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo
from tests.builders import contract, price
from tokentill.contracts.book import ContractBook
from tokentill.invoicing.periods import Month, period_of
from tokentill.prices.entries import Window

book = ContractBook([contract(time_zone="Europe/Berlin")])
period = period_of(Month(2026, 10), lambda at: book.terms(None, at))
window = Window.from_content(
    {"when": {"between": ["00:00", "06:00"], "time_zone": "Europe/Berlin"}, "rates": {"input": "1"}}
)
noon = datetime(2026, 10, 1, 12, tzinfo=UTC)
print(json.dumps({
    "period": [period.starts_at.isoformat(), period.ends_at.isoformat()],
    "window": [window.holds(datetime(2026, 10, 1, hour, tzinfo=UTC)) for hour in range(24)],
    "machine": str(noon.astimezone(ZoneInfo("Europe/Berlin")).utcoffset()),
}))
"""


def on_a_machine(**environment: str) -> dict[str, object]:
    """What another process makes of Berlin's October, and what its machine has for Berlin."""
    done = subprocess.run(
        [sys.executable, "-c", PERIOD_AND_WINDOW],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_files_of_the_machine_do_not_move_a_period_or_a_window(tmp_path: Path) -> None:
    tokyo = files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo").read_bytes()
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "Berlin").write_bytes(tokyo)

    wrong, right = on_a_machine(PYTHONTZPATH=str(tmp_path)), on_a_machine(PYTHONTZPATH="")

    assert (wrong.pop("machine"), right.pop("machine")) == ("9:00:00", "2:00:00")
    assert wrong == right
    assert right["period"] == ["2026-09-30T22:00:00+00:00", "2026-10-31T23:00:00+00:00"]


def test_nobody_else_makes_a_zone_or_asks_for_the_version_of_the_data() -> None:
    elsewhere = re.compile(r"ZoneInfo\(|available_timezones|\"tzdata\"")
    makers = [path.name for path in SRC.rglob("*.py") if elsewhere.search(path.read_text(encoding="utf-8"))]

    assert makers == ["zones.py"]
