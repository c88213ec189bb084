"""What people do with records: taking them in, taking them back, and deciding what counts."""
