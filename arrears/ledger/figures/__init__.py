"""The portfolio in figures: what is overdue, what became of cases, promises, contacts and requests, and which rules stood against what."""

from arrears.ledger.figures.counting import SOON, says
from arrears.ledger.figures.kept import figures
from arrears.ledger.figures.model import Asked, Figures, usual
from arrears.ledger.figures.reading import read

__all__ = ["SOON", "Asked", "Figures", "figures", "read", "says", "usual"]
