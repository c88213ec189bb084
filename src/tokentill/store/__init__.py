"""Where it is kept: tables, transactions, and the queries of each room."""
