"""HTTP for the outside: what gateways and loan systems report. Facts go into the ledger first and to the case as soon as Temporal takes them."""
