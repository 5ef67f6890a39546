"""The durable processes: they ask the core for the next move and make it."""
