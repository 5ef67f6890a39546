"""What people want and agreed to, told by whoever spoke to them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends

from arrears.api.caller import Caller, allowed
from arrears.api.desk_routes.ways import UNKNOWN, PersonId
from arrears.api.house import Here
from arrears.api.operations import wishes
from arrears.api.operations.wishes import Consent, ConsentTakenBack, OptOut, OptOutWithdrawn
from arrears.domain.access import Action
from arrears.ledger.facts import Recorded

router = APIRouter(prefix="/v1/persons/{person_id:path}", tags=["persons"])
Wisher = Annotated[Caller, Depends(allowed(Action.RECORD_WISH))]
Consenter = Annotated[Caller, Depends(allowed(Action.RECORD_CONSENT))]


@router.post("/opt-outs", operation_id="record_opt_out", status_code=HTTPStatus.ACCEPTED, responses=UNKNOWN)
async def opt_out(person_id: PersonId, body: OptOut, caller: Wisher, here: Here) -> Recorded:
    """Somebody does not want to be contacted: at all, by a medium, at an address, in some hours. Once this is answered, nothing leaves against it."""
    return await wishes.opt_out(here, caller, person_id, body)


@router.post("/opt-outs/withdrawals", operation_id="withdraw_opt_out", status_code=HTTPStatus.ACCEPTED, responses=UNKNOWN)
async def opt_in(person_id: PersonId, body: OptOutWithdrawn, caller: Wisher, here: Here) -> Recorded:
    """Somebody took such a wish back. `new` is false if none stood."""
    return await wishes.opt_in(here, caller, person_id, body)


@router.post("/consents", operation_id="record_consent", status_code=HTTPStatus.ACCEPTED, responses=UNKNOWN)
async def consent(person_id: PersonId, body: Consent, caller: Consenter, here: Here) -> Recorded:
    """Somebody agreed to something, on evidence."""
    return await wishes.consent(here, caller, person_id, body)


@router.post("/consents/withdrawals", operation_id="withdraw_consent", status_code=HTTPStatus.ACCEPTED, responses=UNKNOWN)
async def take_back(person_id: PersonId, body: ConsentTakenBack, caller: Consenter, here: Here) -> Recorded:
    """Somebody took a consent back: it counts no more. `new` is false if none stood."""
    return await wishes.take_back(here, caller, person_id, body)
