"""Job records, deliveries and objects: what Rotomill remembers, and where it keeps it."""
