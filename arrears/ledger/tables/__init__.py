"""The tables of the ledger. Constraints make wrong states impossible; nothing is ever stored that a table's docstring does not explain."""

from arrears.ledger.tables.access import AccountRow, ActorKind, AuditRow, ClientRow, LoginFailureRow, SessionRow
from arrears.ledger.tables.agencies import AgencyRow, Direction, NoticeRow, ReportedContactRow
from arrears.ledger.tables.cases import (
    CaseEventRow,
    CaseOutcome,
    CaseRow,
    HoldRow,
    ReferralRow,
    ReferralState,
    RelayRow,
    StrategyRow,
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
from arrears.ledger.tables.desk import TaskResult, TaskResultRow, WorkListRow
from arrears.ledger.tables.loans import InstalmentRow, LenderKind, LoanRow, PaymentReversalRow, PaymentRow, RelationRow
from arrears.ledger.tables.people import ContactKind, ContactPointRow, EarlierHomeRow, OperatorRow, PersonRow, Place, SubjectKeyRow
from arrears.ledger.tables.wire import AnswerRow, CursorRow, DeliveryRow, DeliveryState, HeardMessageRow
from arrears.ledger.tables.wishes import CircumstanceRow, ConsentRow, WishRow

__all__ = [
    "METADATA",
    "AccountRow",
    "ActorKind",
    "AgencyRow",
    "AnswerRow",
    "ApprovalPersonRow",
    "ApprovalRow",
    "ApprovalState",
    "AttemptRow",
    "AttemptState",
    "AuditRow",
    "CaseEventRow",
    "CaseOutcome",
    "CaseRow",
    "ChainHeadRow",
    "CircumstanceRow",
    "ClientRow",
    "ConsentRow",
    "ContactKind",
    "ContactPointRow",
    "CursorRow",
    "DeliveryRow",
    "DeliveryState",
    "Direction",
    "EarlierHomeRow",
    "HeardMessageRow",
    "HoldRow",
    "InstalmentRow",
    "LenderKind",
    "LoanRow",
    "LoginFailureRow",
    "NoticeRow",
    "Op",
    "OperatorRow",
    "PaymentReversalRow",
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
    "SessionRow",
    "StrategyRow",
    "SubjectKeyRow",
    "TaskResult",
    "TaskResultRow",
    "TaskRow",
    "TaskState",
    "VerdictRow",
    "WishRow",
    "WorkListRow",
]
