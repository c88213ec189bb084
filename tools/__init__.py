"""What makes the sample month, the shipped prices and the schemas. Not in the wheel."""
