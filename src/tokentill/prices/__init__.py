"""What it costs: price entries, rate cards, the price book, exchange rates, and how books differ. Pure."""
