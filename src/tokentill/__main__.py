"""`python -m tokentill`."""

from tokentill.cli import main

main()
