"""Finding cases: by what they are, what they wait for, what is owed; sorted, a page at a time."""

from arrears.ledger.search.asked import CursorRefused, Found, FoundCase, Query, Sort, Waiting
from arrears.ledger.search.finding import find

__all__ = ["CursorRefused", "Found", "FoundCase", "Query", "Sort", "Waiting", "find"]
