"""What `db check` and `verify` look at in the rows themselves."""
