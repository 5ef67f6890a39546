"""Holds: why nothing, or little, may be done about a loan."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from arrears.api.caller import Caller
from arrears.api.house import House
from arrears.api.operations.telling import as_fact, into_the_ledger
from arrears.domain.access import Action
from arrears.domain.calendar import Instant
from arrears.domain.events import Code, Id
from arrears.domain.money import PositiveAmount
from arrears.domain.strategy import Slug
from arrears.ledger.facts import Recorded
from arrears.ledger.facts.kinds import HoldOver, HoldTold


class NewHold(BaseModel):
    """A hold as it is placed: for a reason of docs/rules.md such as ``bankruptcy`` or any other code, from ``at`` (now if left out) until it ends."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"reason": "attorney"}]})

    reason: Code
    at: Instant | None = None
    until: Instant | None = None
    person_id: Id | None = Field(default=None, description="whom it is about, if not the borrower")
    part: PositiveAmount | None = Field(default=None, description="the part of the debt that it concerns")
    treatment_ends_on: date | None = Field(default=None, description="of a mental-health crisis: the last day of treatment")
    agency: Slug | None = Field(default=None, description="only this agency is barred")


class LiftedHold(BaseModel):
    """Which holds are lifted: those for ``reason``, about the borrower if no other person is named, at ``at`` (now if left out)."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"reason": "attorney"}]})

    reason: Code
    at: Instant | None = None
    person_id: Id | None = None


async def place(here: House, caller: Caller, loan_id: str, body: NewHold) -> Recorded:
    """Place a hold: once this returns, nothing leaves that it forbids. Raises ``Problem``."""
    given = body.model_dump() | {"at": body.at or here.now()}
    told = as_fact(HoldTold, fact="hold", loan_id=loan_id, **given)
    return await into_the_ledger(here, caller, Action.PLACE_HOLD, told, loan_id=loan_id, person_id=body.person_id)


async def lift(here: House, caller: Caller, loan_id: str, body: LiftedHold) -> Recorded:
    """Lift the holds for a reason; ``new`` is false if none stood. Raises ``Problem``."""
    told = as_fact(HoldOver, fact="hold_lifted", loan_id=loan_id, reason=body.reason, at=body.at or here.now(), person_id=body.person_id)
    return await into_the_ledger(here, caller, Action.LIFT_HOLD, told, loan_id=loan_id, person_id=body.person_id)
