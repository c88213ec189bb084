"""What is agreed with customers: rules, what they make of quantities, terms of invoices, prepaid credit."""
