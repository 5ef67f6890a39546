"""Who did what, and what the proof says, for machines."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from arrears.api.caller import Caller, allowed
from arrears.api.house import Here, House
from arrears.api.paging import MOST, Cursors, Page, page
from arrears.api.problems import Problem
from arrears.api.proof import LastProof, ProofUnreadable, last_proof
from arrears.domain.access import Action
from arrears.domain.calendar import zone_of
from arrears.ledger import audit_trail
from arrears.ledger.audit_trail import Trail
from arrears.ledger.tables import ActorKind, AuditRow

router = APIRouter(prefix="/v1", tags=["audit"])
_BEFORE: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=1, lt=2**63)])


class TrailFilter(Trail):
    """Which lines are listed; what is left out does not matter."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=MOST, description="how many items a page has at most")
    cursor: str | None = Field(default=None, max_length=1024, description="the `next` of the page before")


class AuditLine(BaseModel):
    """Somebody read personal data, did something, or was not let (``allowed`` is false). ``at`` is the machine's clock."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: int
    at: AwareDatetime
    actor_kind: ActorKind
    actor: str
    role: str | None
    action: str
    allowed: bool
    loan_id: str | None
    person_id: str | None
    subject: str | None
    reason: str | None
    request_id: str | None
    details: dict[str, Any] | None


class Proof(BaseModel):
    """The latest proof, if one was made here, how many records the chain has grown by since, and the chain's head now (``SEQ:HASH``)."""

    model_config = ConfigDict(frozen=True)

    head: str
    latest: LastProof | None
    records_since: int | None = None


@router.get("/audit")
async def audit(
    _: Annotated[Caller, Depends(allowed(Action.READ_AUDIT))],
    here: Here,
    request: Request,
    response: Response,
    wanted: Annotated[TrailFilter, Query()],
) -> Page[AuditLine]:
    """Who read personal data or did something, why, and who was not let; the newest first. Lines hold ids and codes, never names."""
    rows, following = await trail(here, wanted, wanted.limit, wanted.cursor)
    return page(request, response, [AuditLine.model_validate(row) for row in rows], following)


@router.get("/proof")
async def proof(_: Annotated[Caller, Depends(allowed(Action.READ_PROOF))], here: Here) -> Proof:
    """What `arrears prove` found last over this ledger. It is made by the command, never by this request."""
    return await proved(here)


async def trail(here: House, wanted: Trail, most: int, cursor: str | None) -> tuple[Sequence[AuditRow], str | None]:
    """A page of lines, and the cursor of the next one. Raises ``Problem`` (422) for a cursor that this list did not give."""
    filters = {name: value for name, value in wanted.kept().items() if name in Trail.model_fields}
    cursors = Cursors(f"audit {sorted(filters.items())}", _BEFORE)
    before = cursors.read(cursor) if cursor else None
    async with here.ledger.reading() as session:
        rows = await audit_trail.lines(session, wanted, zone_of(here.settings.lender_seat), most + 1, before)
    shown = rows[:most]
    return shown, cursors.write(shown[-1].id or 1) if len(rows) > most else None


async def proved(here: House) -> Proof:
    """The latest proof beside the chain as it is. Raises ``Problem`` (503) if the report cannot be read."""
    async with here.ledger.reading() as session:
        head = await audit_trail.head(session)
    try:
        latest = last_proof(here.settings.data_dir)
    except ProofUnreadable as unreadable:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "proof_unreadable", "the latest proof cannot be read; make it anew") from unreadable
    since = None if latest is None or latest.seq is None else head.seq - latest.seq
    return Proof(head=f"{head.seq}:{head.hash}", latest=latest, records_since=since)
