"""The ways in for every fact that the law asks for: what it may be, and how it is written down."""

from arrears.ledger.facts.files import FactProblem, FileRefused, Line, read, write
from arrears.ledger.facts.kinds import FACT, Fact, schema
from arrears.ledger.facts.record import record
from arrears.ledger.facts.writing import FactRefused, Recorded

__all__ = ["FACT", "Fact", "FactProblem", "FactRefused", "FileRefused", "Line", "Recorded", "read", "record", "schema", "write"]
