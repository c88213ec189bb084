"""What invoices must say, worked out a second time and another way: in fractions, sharing no code with the close."""
