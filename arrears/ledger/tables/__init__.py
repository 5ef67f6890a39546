"""The tables of the ledger. Constraints make wrong states impossible; nothing is ever stored that a table's docstring does not explain."""

from arrears.ledger.tables.cases import (
    CaseEventRow,
    CaseOutcome,
    CaseRow,
    HoldRow,
    ReferralRow,
    ReferralState,
    RelayRow,
    TaskRow,
    TaskState,
)
from arrears.ledger.tables.columns import METADATA, Row, Sealed
from arrears.ledger.tables.contact import (
    ApprovalPersonRow,
    ApprovalRow,
    ApprovalState,
    AttemptRow,
    AttemptState,
    VerdictRow,
)
from arrears.ledger.tables.loans import InstalmentRow, LoanRow, PaymentRow, RelationRow
from arrears.ledger.tables.people import ContactKind, ContactPointRow, OperatorRow, PersonRow, SubjectKeyRow

__all__ = [
    "METADATA",
    "ApprovalPersonRow",
    "ApprovalRow",
    "ApprovalState",
    "AttemptRow",
    "AttemptState",
    "CaseEventRow",
    "CaseOutcome",
    "CaseRow",
    "ContactKind",
    "ContactPointRow",
    "HoldRow",
    "InstalmentRow",
    "LoanRow",
    "OperatorRow",
    "PaymentRow",
    "PersonRow",
    "ReferralRow",
    "ReferralState",
    "RelationRow",
    "RelayRow",
    "Row",
    "Sealed",
    "SubjectKeyRow",
    "TaskRow",
    "TaskState",
    "VerdictRow",
]
