"""The worked example of the page on contracts is run as it stands there."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from pathlib import Path

from tests.builders import MovableClock, contract, price, prices, record, till
from tests.invoicing.bench import new_sqlite
from tokentill.canonical import Content
from tokentill.recordings.load import load_folder
from tokentill.till import Till
from tokentill.usage.quantities import SUMS
from tokentill.usage.record import UsageRecord

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.partition("## An example, worked out")[2]
FILE = re.compile(r"^```toml\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OTHERS = {
    "contracts/default.toml": 'format = 1\nkind = "default"\nid = "default"\n'
    "recorded_at = 2026-09-01T00:00:00Z\nvalid_from = 2026-01-01T00:00:00Z\n",
    "attribution/default.toml": 'format = 1\nkind = "attribution"\n'
    "recorded_at = 2026-09-01T00:00:00Z\nvalid_from = 2026-01-01T00:00:00Z\n",
}


def rows_under(heading: str, page: str = EXAMPLE) -> list[list[str]]:
    """The rows of the table whose first heading this is."""
    lines = page.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |")) + 2
    found = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def records() -> list[UsageRecord]:
    """The requests of the page's table."""
    found = []
    for when, *counts in rows_under("when"):
        input_, output, web_search = (int(count.replace(",", "")) for count in counts)
        day = when.partition(" ")[0]
        more = {"user": "northwind", "model": "lab/large"}
        found.append(record(when, when=day, input=input_, output=output, web_search=web_search, **more))
    return found


def steps(content: Content) -> list[list[str]]:
    """An invoice as the page's table has it."""
    lines = [[line["description"], line["exact_amount"]] for line in content["lines"]]
    items = [[f"{item['kind']} {item['name']}", item["amount"]] for item in content["items"]]
    items = [[name.replace("minimum minimum", "minimum"), amount] for name, amount in items]
    at = 1 + max(number for number, (name, _) in enumerate(items) if name.startswith("tax"))
    total = ["total", content["total"]]
    return [*lines, ["subtotal", content["subtotal"]], *items[:at], total, *items[at:], ["due", content["due"]]]


def test_the_worked_example_comes_to_what_the_page_says(tmp_path: Path) -> None:
    for name, text in {**OTHERS, **dict(FILE.findall(EXAMPLE))}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with new_sqlite() as database:
        one = Till(database, load_folder(tmp_path), clock=MovableClock(), grace=timedelta(0))
        one.ingest(records())
        one.close("2026-10")
        (issued,) = one.invoices()
        assert one.verify().is_sound
    assert steps(issued.content) == rows_under("step")


def test_an_allowance_is_used_inside_one_request_in_the_order_that_the_page_says() -> None:
    listed = PAGE.partition("goes to its quantities in their order: ")[2].partition(" Each name of")[0]
    assert tuple(re.findall(r"`(\w+)`", listed)) == (
        *SUMS["input_total"],
        "input_total",
        *SUMS["output_total"],
        "output_total",
    )
    *rows, covered, total = rows_under("quantity", PAGE)
    used = {name.strip("`"): int(count) for name, count, _, _ in rows}
    allowance = tomllib.loads(re.search(r"`(allowance = .+)`", PAGE)[1], parse_float=str)["allowance"]  # type: ignore[index]
    rule = {"name": "included", "allowance": allowance}
    with new_sqlite() as database:
        one = till(database, prices(price(rates={"input": "3", "output": "15"})), contract(rules=[rule]))
        one.ingest([record("1", **used)])
        (line,) = one.preview("2026-10").content()["invoices"][0]["lines"]
    steps = {(step["kind"], step["name"]): step for part in line["parts"] for step in part["steps"]}
    for name, count, included, charged in rows:
        free = steps.get(("included", name.strip("`")), {"quantity": 0})
        rate = steps.get(("rate", name.strip("`")), {"quantity": 0, "amount": "0"})
        assert (free["quantity"], free["quantity"] + rate["quantity"]) == (int(included), int(count))
        assert charged.rpartition(" ")[2] == rate["amount"]
    assert covered[-1] == steps["allowance", "amount"]["amount"]
    assert total[-1] == line["exact_amount"]
