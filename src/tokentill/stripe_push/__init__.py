"""Who is told: daily amounts in Stripe, and the proof that they arrived."""
