"""The generator of the sample month: its requests, its users, and the difficulties of a real export."""
