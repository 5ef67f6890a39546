"""The record of who did what, read back: filtered, the newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.calendar import ONE_DAY, local_instant
from arrears.ledger.tables import AuditRow, ChainHeadRow, RecordRow
from arrears.ledger.tables.columns import ID_LENGTH


def _given(value: object) -> object:
    """What a form sends for a field that was left empty is nothing."""
    return (value.strip() or None) if isinstance(value, str) else value


_Text = Annotated[Annotated[str, Field(max_length=ID_LENGTH)] | None, BeforeValidator(_given)]
_Day = Annotated[Annotated[date, Field(ge=date(1970, 1, 1), le=date(2999, 12, 31))] | None, BeforeValidator(_given)]


class Trail(BaseModel):
    """Which lines of the record are wanted; what is left out does not matter. Days are those of the lender's seat, by the machine's clock."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    actor: _Text = None
    action: _Text = None
    loan_id: _Text = None
    allowed: Literal["all", "allowed", "refused"] = "all"
    since: _Day = None
    until: _Day = None

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.since is not None and self.until is not None and self.until < self.since:
            raise ValueError("until lies before since")
        return self

    def kept(self) -> dict[str, str]:
        """What is asked, as an address holds it."""
        return {name: str(value) for name, value in self.model_dump(mode="json", exclude_defaults=True).items()}


async def lines(session: AsyncSession, wanted: Trail, zone: str, most: int, before: int | None = None) -> Sequence[AuditRow]:
    """At most so many lines that fit, the newest first; those written before the line of that number, if it is given."""
    asked = select(AuditRow).order_by(col(AuditRow.id).desc()).limit(most)
    if before is not None:
        asked = asked.where(col(AuditRow.id) < before)
    for condition in _conditions(wanted, zone):
        asked = asked.where(condition)
    return (await session.exec(asked)).all()


async def actors(session: AsyncSession) -> Sequence[str]:
    """Everybody who stands in the record."""
    return (await session.exec(select(AuditRow.actor).distinct().order_by(col(AuditRow.actor)))).all()


async def actions(session: AsyncSession) -> Sequence[str]:
    """Everything that was done or tried."""
    return (await session.exec(select(AuditRow.action).distinct().order_by(col(AuditRow.action)))).all()


async def head(session: AsyncSession) -> ChainHeadRow:
    """The number and the hash of the chain's last record."""
    return (await session.exec(select(ChainHeadRow))).one()


async def record_hash(session: AsyncSession, seq: int) -> str | None:
    """The hash that stands in a record of the chain; ``None`` if there is no such record."""
    return (await session.exec(select(RecordRow.hash).where(col(RecordRow.seq) == seq))).first()


def _conditions(wanted: Trail, zone: str) -> list[Any]:
    found: list[Any] = []
    for column, value in ((AuditRow.actor, wanted.actor), (AuditRow.action, wanted.action), (AuditRow.loan_id, wanted.loan_id)):
        if value is not None:
            found.append(col(column) == value)
    if wanted.allowed != "all":
        found.append(col(AuditRow.allowed).is_(wanted.allowed == "allowed"))
    if wanted.since is not None:
        found.append(col(AuditRow.at) >= _begin(wanted.since, zone))
    if wanted.until is not None:
        found.append(col(AuditRow.at) < _begin(wanted.until + ONE_DAY, zone))
    return found


def _begin(day: date, zone: str) -> datetime:
    return local_instant(day, time(0), zone)
