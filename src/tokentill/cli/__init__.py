"""How it is called: one module a group of commands, thin over `tokentill.Till`."""

from __future__ import annotations


def main() -> None:
    """The console script."""
    from tokentill.cli.app import run

    run()
