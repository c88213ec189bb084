"""What others' words mean: gateways' exports, vendors' responses, and how records lie in files."""
