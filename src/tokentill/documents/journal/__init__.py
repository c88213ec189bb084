"""Double-entry journals: legal names for accounts, and the plain text that bookkeeping programs read."""
