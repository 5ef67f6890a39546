"""Agencies: their records as the lender keeps them, and what they tell of their work."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from arrears.api.caller import Caller, allowed
from arrears.api.desk_routes.ways import AgencyId
from arrears.api.house import Here
from arrears.api.operations import agencies
from arrears.api.operations.agencies import AgencyNow, AgencyRecord
from arrears.domain.access import Action
from arrears.ledger.facts import Recorded
from arrears.ledger.facts.kinds import AgencyContacts, Refusal, WishTold

router = APIRouter(prefix="/v1/agencies", tags=["agencies"])
AgencysFact = Annotated[AgencyContacts | WishTold | Refusal, Field(discriminator="fact")]


class Agencies(BaseModel):
    """All agencies, by name."""

    model_config = ConfigDict(frozen=True)

    items: list[AgencyNow]


@router.get("", operation_id="list_agencies")
async def known(_: Annotated[Caller, Depends(allowed(Action.READ_CASES))], here: Here) -> Agencies:
    """The agencies as they stand with the lender."""
    return Agencies(items=await agencies.known(here))


@router.put("/{agency}", operation_id="keep_agency", status_code=HTTPStatus.ACCEPTED)
async def keep(
    agency: AgencyId, body: AgencyRecord, caller: Annotated[Caller, Depends(allowed(Action.MANAGE_AGENCY))], here: Here
) -> Recorded:
    """An agency's record, which replaces the one before. `new` is false if it says the same."""
    return await agencies.keep(here, caller, agency, body)


@router.post("/{agency}/facts", operation_id="report_as_agency", status_code=HTTPStatus.ACCEPTED)
async def report(
    agency: AgencyId, told: AgencysFact, caller: Annotated[Caller, Depends(allowed(Action.REPORT_AS_AGENCY))], here: Here
) -> Recorded:
    """What an agency did, and what people told it: its contacts, wishes, refusals. It counts as if it had been done, or told, here."""
    return await agencies.report(here, caller, agency, told)
