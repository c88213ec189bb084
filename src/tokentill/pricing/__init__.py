"""What it costs: price tables, rating, and the files that people write."""
