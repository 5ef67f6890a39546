"""Agencies as they stand with the lender: on its list, under contract, reviewed."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlmodel import col, select

from arrears.api.caller import Caller
from arrears.api.house import House
from arrears.api.operations.telling import as_fact, into_the_ledger, turned_away, unfit
from arrears.api.problems import FieldProblem, Problem
from arrears.domain.access import Action
from arrears.ledger import access
from arrears.ledger.facts import Recorded
from arrears.ledger.facts.kinds import AgencyContacts, AgencyTold, Evidence, Refusal, WishTold
from arrears.ledger.tables import AgencyRow

Matter = Literal["purpose", "term", "manner", "data_kinds", "safeguards"]


class AgencyRecord(BaseModel):
    """What is known of an agency. ``agreed`` are the matters that the contract settles, as the law on personal data asks."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "listed_from": "2026-01-01",
                    "contract_from": "2026-01-01",
                    "contract_until": "2027-12-31",
                    "reviewed_on": "2026-06-30",
                    "assessment_id": "assessment-7",
                    "agreed": ["data_kinds", "manner", "purpose", "safeguards", "term"],
                }
            ]
        },
    )

    listed_from: date | None = None
    listed_until: date | None = None
    contract_from: date | None = None
    contract_until: date | None = None
    reviewed_on: date | None = None
    closing_review_on: date | None = Field(default=None, description="the review before the contract ends")
    sub_agency: bool = False
    misconduct_since: date | None = None
    assessment_id: Evidence | None = None
    agreed: tuple[Matter, ...] = ()


class AgencyNow(AgencyRecord):
    """An agency's record, and up to when its contacts are known: an agency that does not report for a day may not be given cases."""

    agency: str
    feed_at: AwareDatetime | None
    recorded_at: AwareDatetime


async def known(here: House) -> list[AgencyNow]:
    """All agencies, by name."""
    async with here.ledger.reading() as session:
        rows = (await session.exec(select(AgencyRow).order_by(col(AgencyRow.id)))).all()
    return [AgencyNow.model_validate(row.model_dump(exclude={"id"}) | {"agency": row.id}) for row in rows]


async def keep(here: House, caller: Caller, agency: str, body: AgencyRecord) -> Recorded:
    """Write an agency's record down, which replaces the one before. Raises ``Problem``."""
    told = as_fact(AgencyTold, fact="agency", agency=agency, **body.model_dump())
    return await into_the_ledger(here, caller, Action.MANAGE_AGENCY, told, subject=agency)


async def report(here: House, caller: Caller, agency: str, told: AgencyContacts | WishTold | Refusal) -> Recorded:
    """Write down what an agency did, or was told. Raises ``Problem``: 403 ``other_agency`` if the caller speaks for another one, 422."""
    if caller.agency not in (None, agency):
        refusal = Problem(HTTPStatus.FORBIDDEN, "other_agency", f"{caller.id} speaks for {caller.agency}, not for {agency}")
        raise await turned_away(here, caller, Action.REPORT_AS_AGENCY, refusal, subject=agency)
    if isinstance(told, AgencyContacts) and told.agency != agency:
        said = f"is {told.agency}, but the address is that of {agency}: tell an agency's contacts at its own address"
        raise unfit("fact_refused", [FieldProblem(field="agency", problem=said)])
    recorded = await into_the_ledger(here, caller, Action.REPORT_AS_AGENCY, told, subject=agency, by=agency)
    return recorded if caller.agency is None else await _as_they_may_know(here, agency, told, recorded)


async def _as_they_may_know(here: House, agency: str, told: AgencyContacts | WishTold | Refusal, recorded: Recorded) -> Recorded:
    """The answer to an agency: what it reports is told to all cases of a person, of which it knows those that it has or has named itself."""
    known = {contact.loan_id for contact in told.contacts} if isinstance(told, AgencyContacts) else set[str]()
    async with here.ledger.reading() as session:
        theirs = [loan for loan in recorded.told if loan in known or await access.is_placed_with(session, loan, agency)]
    return recorded.model_copy(update={"told": tuple(theirs)})
