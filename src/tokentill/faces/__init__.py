"""Where a `Till` answers about prices, contracts and its database: `till.prices`, `till.contracts`, `till.database`."""
