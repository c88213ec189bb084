"""The bookkeeping programs that read journals: what each makes of a text, and the balances that it finds."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

from tests.unchecked import leave_unchecked

PROGRAMS = ("beancount", "hledger", "ledger")
_BALANCE = re.compile(r"\A *(-?[0-9.]+) ([A-Z]{3})(?:  (\S.*))?\Z")

Balances = dict[tuple[str, str], Decimal]
"""What each account has in each currency."""


def need(program: str) -> None:
    """Skip the test where a program is not installed, and say how to get it. beancount comes with the lock file."""
    if program != "beancount" and shutil.which(program) is None:
        leave_unchecked(program, f"`apt-get install {program}` installs it")


def complaints(program: str, text: str, folder: Path) -> str:
    """What a program finds wrong with a journal, in its strictest mode."""
    file = folder / f"journal.{program}"
    file.write_text(text, encoding="utf-8", newline="")
    command = {
        "beancount": [sys.executable, "-m", "beancount.scripts.check", str(file)],
        "hledger": ["hledger", "check", "--strict", "-f", str(file)],
        "ledger": ["ledger", "--pedantic", "-f", str(file), "balance"],
    }[program]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if ran.returncode == 0 else f"status {ran.returncode}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}"


def balances(program: str, text: str, folder: Path) -> Balances:
    """The balances that a program finds in a journal, without those that are nothing."""
    file = folder / f"journal.{program}"
    file.write_text(text, encoding="utf-8", newline="")
    if program == "beancount":
        return _of_beancount(file)
    flat = ["--flat", "--no-total"]
    ran = subprocess.run([program, "-f", str(file), "balance", *flat], capture_output=True, text=True, check=True)
    found: Balances = {}
    pending: list[tuple[Decimal, str]] = []
    for line in ran.stdout.splitlines():
        match = _BALANCE.match(line)
        assert match is not None, line
        # Where an account has several currencies, its name stands beside one of them: the last.
        pending.append((Decimal(match[1]), match[2]))
        if match[3]:
            found |= {(match[3], currency): amount for amount, currency in pending}
            pending = []
    assert not pending
    return {key: amount for key, amount in found.items() if amount}


def _of_beancount(file: Path) -> Balances:
    from beancount import loader
    from beancount.core.data import Transaction

    entries, errors, _ = loader.load_file(str(file))
    assert not errors, errors
    found: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        if isinstance(entry, Transaction):
            for posting in entry.postings:
                found[posting.account, posting.units.currency] += posting.units.number
    return {key: Decimal(amount) for key, amount in found.items() if amount}
