"""What people get in a terminal: one module a subject, each printing to a `Screen` and knowing of none."""
