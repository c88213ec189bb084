"""What a record is: usage, its quantities and identity, whose it is, and aggregates of it. Pure."""
