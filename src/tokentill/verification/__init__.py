"""What invoices must say, worked out a second time and another way: in fractions, sharing no code with the close.

Begin with `verifying`; docs/verification.md says in which order to read the rest, and what is trusted.
"""
