"""Readers of the formats that gateways write, one module a source."""
