"""The pure core: loans, cases, strategies, the planner and the law. No I/O, no Temporal, no wall clock."""
