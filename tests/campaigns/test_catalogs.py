"""Our price tables against genai-prices' catalog: random usages of every model that both have, to the last digit.

TOKENTILL_CAMPAIGN_USAGES says how many usages of each model there are (3000), TOKENTILL_CAMPAIGN_SEED where they begin
(2026). genai-prices runs in an environment of its own, which this makes from its wheel. What it charges otherwise is in
`catalog_differences.toml`, as predictions that must come true.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.campaigns.catalog_differences import Difference, load_differences, load_list, predict
from tests.campaigns.catalog_usages import Edges, context_of, counts_of, random_usages
from tests.catalog_wheels import VERSIONS, catalog_wheel
from tests.unchecked import leave_unchecked
from tokentill import PriceBook, Usage

pytestmark = pytest.mark.campaign

USAGES = int(os.environ.get("TOKENTILL_CAMPAIGN_USAGES", "3000"))
USAGES_MIN = 2000
"""So many that every difference occurs for every model that it names."""

SEED = int(os.environ.get("TOKENTILL_CAMPAIGN_SEED", "2026"))
INSTALL_SECONDS_MAX = 600
BOOK = PriceBook.load()
DIFFERENCES = load_differences()
VENDORS = {"mistralai": "mistral", "z-ai": "zai"}
"""Vendors that the catalog calls by another name."""


class GenaiPrices:
    """A process that answers by genai-prices, in its own environment."""

    def __init__(self, python: Path) -> None:
        script = Path(__file__).with_name("genai_prices_answers.py")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self._process = subprocess.Popen(
            [python, "-I", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, question: str, *arguments: Any) -> Any:
        """One question, one answer; see `genai_prices_answers.py`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([question, arguments]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End the process, which must not have failed."""
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0


@pytest.fixture(scope="module")
def genai_prices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GenaiPrices]:
    """genai-prices, installed from its wheel into a new environment. Skips loudly where that cannot be."""
    wheel = catalog_wheel("genai-prices")
    folder = tmp_path_factory.mktemp("genai-prices")
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    call = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run([*call, str(wheel)], check=True, capture_output=True, timeout=INSTALL_SECONDS_MAX)
    except (subprocess.SubprocessError, OSError) as error:
        leave_unchecked("genai-prices", f"{VERSIONS['genai-prices']} cannot be installed ({error})")
    answers = GenaiPrices(python)
    yield answers
    answers.close()


def vendor_of(model: str) -> str:
    vendor = model.partition("/")[0]
    return VENDORS.get(vendor, vendor)


def names_of(model: str) -> list[str]:
    """Every name of a model but the canonical one, which begins with the vendor; that without the vendor."""
    aliases = {alias for entry in BOOK.entries(model) for alias in entry.aliases}
    return sorted({model.partition("/")[2], *aliases})


def plain(name: str) -> str:
    return name.lower().replace(".", "-")


def test_no_model_that_both_have_is_left_out_and_none_is_taken_for_another(genai_prices: GenaiPrices) -> None:
    not_known = set()
    for model in BOOK.models:
        found = genai_prices.ask("found", vendor_of(model), names_of(model))
        theirs = {name for name in found.values() if name is not None}
        assert len(theirs) == 1, f"{model} is in no price list of {vendor_of(model)}, or in two places: {found}"
        assert plain(theirs.pop()) in {plain(name) for name in names_of(model)}, f"{model} was taken for {found}"
        not_known |= {name for name, there in found.items() if there is None}
    assert not_known == set(load_list()["names_not_known_there"])
    print(f"{len(BOOK.models)} models that both have")


@pytest.mark.parametrize("model", BOOK.models)
def test_every_amount_is_the_same_or_differs_as_listed(genai_prices: GenaiPrices, model: str) -> None:
    assert USAGES >= USAGES_MIN, f"TOKENTILL_CAMPAIGN_USAGES must be {USAGES_MIN} or more, so that everything occurs"
    chance = Random(f"{SEED} {model}")
    found = {
        name: there for name, there in genai_prices.ask("found", vendor_of(model), names_of(model)).items() if there
    }
    edges = Edges.of(BOOK.entries(model), genai_prices.ask("edges", vendor_of(model), next(iter(found.values()))))
    usages = list(random_usages(chance, BOOK, model, edges, USAGES))
    calls = [
        (vendor_of(model), chance.choice(list(found)), one.occurred_at.isoformat(), context_of(one), counts_of(one))
        for one in usages
    ]
    answers = genai_prices.ask("amounts", *calls)
    assert len(answers) == len(usages) == USAGES

    named = [one for one in DIFFERENCES if one.names(model)]
    equal, refused, occurred = 0, 0, Counter[str]()
    for usage, answer in zip(usages, answers, strict=True):
        assert not answer.startswith("refused"), f"{usage}: {answer}"
        needed = compared(usage, Fraction(answer), named)
        equal += needed is None
        refused += BOOK.rate(usage).amount is None
        occurred.update(needed or ())
    never = [one.id for one in named if not occurred[one.id]]
    assert not never, f"{never} no longer occur with {model} in {USAGES} usages of seed {SEED}; correct the list"
    other = USAGES - equal - refused
    print(
        f"{model}: {USAGES} usages, {equal} equal, {refused} refused here, {other} of another amount: {dict(occurred)}"
    )


def compared(usage: Usage, theirs: Fraction, named: list[Difference]) -> list[str] | None:
    """None where both amounts are the same, else the differences without which theirs would not be explained."""
    rated = BOOK.rate(usage)
    ours = None if rated.amount is None else Fraction(rated.amount)
    assert predict(BOOK, usage, ()).amount == ours, f"{usage}: {rated} is not what its price entry says in fractions"
    predicted = predict(BOOK, usage, named)
    assert predicted.amount == theirs, (
        f"{usage}: ours is {rated}, theirs {decimal(theirs)}, and the list says"
        f" {decimal(predicted.amount)} by {[one.id for one in predicted.used]}"
    )
    if ours == theirs:
        return None
    return [
        one.id
        for one in predicted.used
        if predict(BOOK, usage, [other for other in named if other is not one]).amount != theirs
    ]


def decimal(amount: Fraction | None) -> str:
    """An amount for a message."""
    return "no price" if amount is None else f"{float(amount)!r} ({amount})"
