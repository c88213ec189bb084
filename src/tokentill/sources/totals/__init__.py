"""Control totals of sources, one module for each kind: its fields, what its numbers count, and how it is read."""
