"""The law as the checker reads it from the clauses: one module a jurisdiction, one function a rule, with its own numbers."""
