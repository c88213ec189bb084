"""What people say of a period before it is closed, and what moved since they said it."""
