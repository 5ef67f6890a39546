"""Bringing a portfolio of loans into the ledger: read a file, check every row, compare with the ledger, write all of it or nothing.

    checked = check(read(path), currencies)
    async with ledger.exclusive() as session:
        checked = await compare(session, checked)
        if not checked.refused:
            await write(session, checked.accepted, now)

The formats are described in ``docs/import.md``.
"""

from arrears.ledger.portfolio.check import Accepted, Checked, RowProblem, check
from arrears.ledger.portfolio.files import Format, RawRow, Unreadable, read, read_csv, read_json_lines
from arrears.ledger.portfolio.store import Written, compare, write

__all__ = [
    "Accepted",
    "Checked",
    "Format",
    "RawRow",
    "RowProblem",
    "Unreadable",
    "Written",
    "check",
    "compare",
    "read",
    "read_csv",
    "read_json_lines",
    "write",
]
