"""The rows that a verification reads, and nothing else of the database."""
