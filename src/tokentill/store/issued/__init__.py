"""Documents as they were issued, and what follows from them: ledger, journal, corrections, pushes."""
