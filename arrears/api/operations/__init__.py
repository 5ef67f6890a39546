"""What operators and loan systems do to cases: one function each, which the JSON API and the console's forms call alike.

What must stop contacts is written into the ledger first and holds while Temporal is away; what the case itself must judge is asked of the case.
Every function raises ``Problem``, and leaves a line in the audit record.
"""
