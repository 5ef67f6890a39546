"""The ledger: people, loans, payments, contacts, approvals and verdicts, in SQLite or PostgreSQL."""
