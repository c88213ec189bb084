"""What is owed: periods, rating groups, accumulators, lines, totals and the invoice. Pure."""
