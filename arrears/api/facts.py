"""The facts that the law asks for, as the lender's systems and its agencies tell them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from arrears.api.house import Here, verify_sender
from arrears.api.loan_system import signed_by_the_loan_system
from arrears.api.problems import FieldProblem, Problem
from arrears.domain.strategy import Slug
from arrears.ledger.facts import Fact, FactRefused, Recorded, record
from arrears.ledger.facts.kinds import AgencyContacts, Refusal, WishTold


async def signed_by_an_agency(request: Request, here: Here) -> str:
    """The id of the message. Raises ``Problem``."""
    return await verify_sender(request, here, "agency")


router = APIRouter(prefix="/v1", tags=["facts"])
AgencysFact = Annotated[AgencyContacts | WishTold | Refusal, Field(discriminator="fact")]


@router.post("/facts", status_code=HTTPStatus.ACCEPTED)
async def fact(told: Fact, _: Annotated[str, Depends(signed_by_the_loan_system)], here: Here) -> Recorded:
    """A fact about a person, a loan or an agency. Telling it again changes nothing. Once this is answered, nothing leaves that the fact forbids."""
    return await _record(here, told, "loan_system")


@router.post("/agencies/{agency}/facts", status_code=HTTPStatus.ACCEPTED)
async def from_an_agency(agency: Slug, told: AgencysFact, _: Annotated[str, Depends(signed_by_an_agency)], here: Here) -> Recorded:
    """What an agency did, and what people told it: its contacts, wishes, refusals. It counts as if it had been done, or told, here."""
    if isinstance(told, AgencyContacts) and told.agency != agency:
        raise _problem("agency", f"is {told.agency}, but the address is that of {agency}", "tell an agency's contacts at its own address")
    return await _record(here, told, agency)


async def _record(here: Here, told: Fact, source: str) -> Recorded:
    try:
        async with here.ledger.exclusive() as session:
            recorded = await record(session, told, here.now(), source)
    except FactRefused as refused:
        raise _problem(refused.field, refused.problem, refused.remedy) from None
    if recorded.told:
        here.cases.ring()
    return recorded


def _problem(field: str, problem: str, remedy: str) -> Problem:
    said = f"{problem}: {remedy}"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "fact_refused", f"{field} {said}", [FieldProblem(field=field, problem=said)])
