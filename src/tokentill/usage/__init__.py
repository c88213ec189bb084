"""What happened: usage records, where they come from, and whom they belong to."""
