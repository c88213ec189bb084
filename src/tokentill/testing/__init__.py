"""What users of the library test with: a Stripe on loopback."""
