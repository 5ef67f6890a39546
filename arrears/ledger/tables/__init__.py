"""The tables of the ledger. Constraints make wrong states impossible; nothing is ever stored that a table's docstring does not explain."""

from arrears.ledger.tables.agencies import AgencyRow, Direction, NoticeRow, ReportedContactRow
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
from arrears.ledger.tables.chain import ChainHeadRow, Op, RecordRow
from arrears.ledger.tables.columns import METADATA, Row, Sealed
from arrears.ledger.tables.contact import (
    ApprovalPersonRow,
    ApprovalRow,
    ApprovalState,
    AttemptRow,
    AttemptState,
    VerdictRow,
)
from arrears.ledger.tables.loans import InstalmentRow, LenderKind, LoanRow, PaymentRow, RelationRow
from arrears.ledger.tables.people import ContactKind, ContactPointRow, OperatorRow, PersonRow, Place, SubjectKeyRow
from arrears.ledger.tables.wishes import CircumstanceRow, ConsentRow, WishRow

__all__ = [
    "METADATA",
    "AgencyRow",
    "ApprovalPersonRow",
    "ApprovalRow",
    "ApprovalState",
    "AttemptRow",
    "AttemptState",
    "CaseEventRow",
    "CaseOutcome",
    "CaseRow",
    "ChainHeadRow",
    "CircumstanceRow",
    "ConsentRow",
    "ContactKind",
    "ContactPointRow",
    "Direction",
    "HoldRow",
    "InstalmentRow",
    "LenderKind",
    "LoanRow",
    "NoticeRow",
    "Op",
    "OperatorRow",
    "PaymentRow",
    "PersonRow",
    "Place",
    "RecordRow",
    "ReferralRow",
    "ReferralState",
    "RelationRow",
    "RelayRow",
    "ReportedContactRow",
    "Row",
    "Sealed",
    "SubjectKeyRow",
    "TaskRow",
    "TaskState",
    "VerdictRow",
    "WishRow",
]
