"""Which loans were touched by what was written since: every change of a fact is chained, and the chain names the row."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.ledger.chain import batches
from arrears.ledger.tables import (
    ApprovalRow,
    AttemptRow,
    CaseEventRow,
    CaseRow,
    HoldRow,
    LoanRow,
    Op,
    PaymentRow,
    RecordRow,
    ReferralRow,
    TaskRow,
    VerdictRow,
)

_FIRST_OF_KEY = re.compile(r"((?:[^\\,]|\\.)*),")
_UNESCAPED = re.compile(r"\\(.)")

_OfKeys = Callable[..., Awaitable[set[str]]]


@dataclass(frozen=True)
class Written:
    """The rows that were written, by table, each under its key; ``removed`` are the tables of which rows were."""

    keys: Mapping[str, Collection[str]]
    removed: frozenset[str]

    @property
    def tables(self) -> frozenset[str]:
        return frozenset(self.keys)


async def written(session: AsyncSession, since: int, most: int) -> Written | None:
    """What was written after the record of this number; ``None`` if it is more than so many records."""
    asked = select(col(RecordRow.tbl), col(RecordRow.row_key), col(RecordRow.op)).where(col(RecordRow.seq) > since).limit(most + 1)
    found = (await (await session.connection()).execute(asked)).all()
    if len(found) > most:
        return None
    keys: dict[str, set[str]] = {}
    for table, key, _ in found:
        keys.setdefault(table, set()).add(key)
    return Written(keys, frozenset(table for table, _, op in found if op == Op.DELETE))


async def loans_of(session: AsyncSession, table: str, keys: Iterable[str], *further: ColumnElement[bool]) -> set[str]:
    """The loans of a table's rows that are still there; ``further`` says which rows count. The table is one of ``OF_LOANS``."""
    loans: set[str] = set()
    for some in batches(keys):
        loans |= await OF_LOANS[table](session, some, *further)
    return loans


def _by(loan_id: Any, key: Any, *always: ColumnElement[bool]) -> _OfKeys:
    """Finds the loans of rows by their keys as the chain writes them."""
    numbered = isinstance(key.type, Integer)

    async def found(session: AsyncSession, keys: Sequence[str], *further: ColumnElement[bool]) -> set[str]:
        given = [int(k) for k in keys] if numbered else _plain(keys)
        asked = select(loan_id).where(key.in_(given), *always, *further)
        return {loan for (loan,) in (await (await session.connection()).execute(asked)).all()}

    return found


def _by_case(key: Any, case_id: Any) -> _OfKeys:
    return _by(col(CaseRow.loan_id), key, case_id == col(CaseRow.id))


async def _their_first(_: AsyncSession, keys: Sequence[str]) -> set[str]:
    """The loans of rows whose keys begin with them."""
    return set(_plain(found[1] for key in keys if (found := _FIRST_OF_KEY.match(key))))


def _plain(keys: Iterable[str]) -> list[str]:
    return [_UNESCAPED.sub(r"\1", key) for key in keys]


OF_LOANS: Mapping[str, _OfKeys] = {
    "loans": _by(col(LoanRow.id), col(LoanRow.id)),
    "persons": _by(col(LoanRow.id), col(LoanRow.borrower_id)),
    "instalments": _their_first,
    "payments": _by(col(PaymentRow.loan_id), col(PaymentRow.payment_id)),
    "payment_reversals": _by(col(PaymentRow.loan_id), col(PaymentRow.payment_id)),
    "cases": _by(col(CaseRow.loan_id), col(CaseRow.id)),
    "case_events": _by_case(col(CaseEventRow.id), col(CaseEventRow.case_id)),
    "holds": _by(col(HoldRow.loan_id), col(HoldRow.id)),
    "approvals": _by_case(col(ApprovalRow.id), col(ApprovalRow.case_id)),
    "tasks": _by(col(TaskRow.loan_id), col(TaskRow.id)),
    "referrals": _by(col(ReferralRow.loan_id), col(ReferralRow.id)),
    "attempts": _by(col(AttemptRow.loan_id), col(AttemptRow.id)),
    "verdicts": _by_case(col(VerdictRow.id), col(VerdictRow.case_id)),
}
"""How the loans of a table's rows are found."""
