"""The facts that the law asks for, as the lender's systems tell them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends

from arrears.api.caller import Caller, allowed
from arrears.api.house import Here
from arrears.api.operations.telling import into_the_ledger
from arrears.domain.access import Action
from arrears.ledger.facts import Fact, Recorded

router = APIRouter(prefix="/v1", tags=["facts"])


@router.post("/facts", operation_id="tell_fact", status_code=HTTPStatus.ACCEPTED)
async def fact(told: Fact, caller: Annotated[Caller, Depends(allowed(Action.RECORD_FACT))], here: Here) -> Recorded:
    """A fact about a person, a loan or an agency. Telling it again changes nothing. Once this is answered, nothing leaves that the fact forbids."""
    return await into_the_ledger(here, caller, Action.RECORD_FACT, told)
