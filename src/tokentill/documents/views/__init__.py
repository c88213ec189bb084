"""What is said of prices, contracts and a database: one module an answer, each with its content for `--json`."""
