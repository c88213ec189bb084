"""A period worked out at its pins: usage, payers, invoices, and corrections of closed periods. Nothing is written."""
