"""What people get: review pages and other documents."""
