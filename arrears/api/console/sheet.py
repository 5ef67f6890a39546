"""Lines of files that people open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def line(cells: Iterable[str]) -> str:
    """One line of CSV. What a spreadsheet would take for a formula, and compute, is marked as text."""
    into = io.StringIO()
    csv.writer(into).writerow([f"'{text}" if text.startswith(_FORMULA) else text for text in cells])
    return into.getvalue()
