"""What it costs: price tables, contracts, and rating."""
