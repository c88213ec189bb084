"""What is owed: periods, the invoice as a pure function, and what is done with it."""
