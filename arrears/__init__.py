"""Arrears: consumer-loan collections as durable Temporal workflows."""
