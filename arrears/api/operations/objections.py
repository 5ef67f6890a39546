"""What borrowers hold against a debt or against how it is collected: disputes and complaints, which stop what they concern at once."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from arrears.api.caller import Caller
from arrears.api.house import House
from arrears.api.operations.telling import as_fact, into_the_ledger
from arrears.domain.access import Action
from arrears.domain.calendar import Instant
from arrears.domain.events import Id
from arrears.domain.holds import HoldReason
from arrears.domain.money import PositiveAmount
from arrears.domain.strategy import Slug
from arrears.ledger.facts import Recorded
from arrears.ledger.facts.kinds import HoldTold


class Dispute(BaseModel):
    """Somebody disputes the debt, or ``part`` of it: nobody is asked to pay until it was looked into and the hold ``dispute`` is lifted."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"part": "120.50"}]})

    at: Instant | None = Field(default=None, description="when it was raised; now if left out")
    part: PositiveAmount | None = Field(default=None, description="the disputed part of the debt; all of it if left out")
    person_id: Id | None = Field(default=None, description="who disputes it, if not the borrower")


class Complaint(BaseModel):
    """Somebody complains of how they were treated: ``agency``, or every agency, does nothing until the hold ``complaint`` is lifted."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"agency": "agency-one"}]})

    at: Instant | None = Field(default=None, description="when it was raised; now if left out")
    agency: Slug | None = Field(default=None, description="whom it is about; the lender, and so every agency, if left out")
    person_id: Id | None = Field(default=None, description="who complains, if not the borrower")


async def dispute(here: House, caller: Caller, loan_id: str, body: Dispute) -> Recorded:
    """Write a dispute down. Raises ``Problem``."""
    return await _object(here, caller, loan_id, HoldReason.DISPUTE, body)


async def complain(here: House, caller: Caller, loan_id: str, body: Complaint) -> Recorded:
    """Write a complaint down. Raises ``Problem``."""
    return await _object(here, caller, loan_id, HoldReason.COMPLAINT, body)


async def _object(here: House, caller: Caller, loan_id: str, reason: HoldReason, body: Dispute | Complaint) -> Recorded:
    given = body.model_dump() | {"at": body.at or here.now()}
    told = as_fact(HoldTold, fact="hold", loan_id=loan_id, reason=reason, **given)
    return await into_the_ledger(here, caller, Action.RECORD_OBJECTION, told, loan_id=loan_id, person_id=body.person_id)
