"""Who did what, and what the latest proof says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Form, Query, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import ValidationError

from arrears.api.audit_routes import proved, trail
from arrears.api.console import sheet
from arrears.api.console.desk import Desk, at_desk, console_router
from arrears.api.problems import FieldProblem, Problem
from arrears.api.proof import printed
from arrears.config.access import packaged_access
from arrears.domain.access import Action
from arrears.domain.calendar import zone_of
from arrears.ledger import audit_trail
from arrears.ledger.audit import Passage
from arrears.ledger.audit_trail import Trail

router = console_router()

_ON_A_PAGE = 50
_AT_ONCE = 500
_MOST_EXPORTED = 100_000
_COLUMNS = ("id", "at", "actor_kind", "actor", "role", "action", "allowed", "loan_id", "person_id", "subject", "reason", "request_id")
_HEAD = re.compile(r"\s*(\d{1,18}):([0-9a-f]{64})\s*")
_PRINTED = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'", "cache-control": "no-store"}

Asked = Annotated[str, Query(max_length=128)]
Given = Annotated[str, Form(max_length=128)]
ProofDesk = Annotated[Desk, Depends(at_desk(Action.READ_PROOF))]


@router.get("/audit")
async def audit(
    desk: Annotated[Desk, Depends(at_desk(Action.READ_AUDIT))],
    actor: Asked = "",
    action: Asked = "",
    loan_id: Asked = "",
    allowed: Asked = "all",
    since: Asked = "",
    until: Asked = "",
    cursor: Annotated[str, Query(max_length=1024)] = "",
) -> Response:
    """The record, the newest first. Raises ``Problem`` (422) for filters that make no sense."""
    wanted = _wanted(actor=actor, action=action, loan_id=loan_id, allowed=allowed, since=since, until=until)
    rows, following = await trail(desk.here, wanted, _ON_A_PAGE, cursor or None)
    async with desk.here.ledger.reading() as session:
        actors, actions = await audit_trail.actors(session), await audit_trail.actions(session)
    kept, says = wanted.kept(), _says()
    return desk.page(
        "audit.html",
        rows=rows,
        wanted=wanted,
        actors=[(name, name) for name in actors],
        actions=[(name, desk.gettext(says.get(name, name))) for name in actions],
        says=says,
        next=_address(kept | {"cursor": following}) if following else None,
        first=_address(kept) if cursor else None,
    )


@router.post("/audit/export")
async def export(
    desk: Annotated[Desk, Depends(at_desk(Action.EXPORT))],
    actor: Given = "",
    action: Given = "",
    loan_id: Given = "",
    allowed: Given = "all",
    since: Given = "",
    until: Given = "",
) -> Response:
    """What the filters find as a CSV file; that it was taken away stands in the record. Raises ``Problem``."""
    if not desk.may(Action.READ_AUDIT):
        raise await desk.turned_away(Action.READ_AUDIT)
    caller = await desk.with_reason(Action.EXPORT)
    wanted = _wanted(actor=actor, action=action, loan_id=loan_id, allowed=allowed, since=since, until=until)
    async with desk.here.ledger.session() as session:
        caller.note(session, Action.EXPORT, subject="audit", details={"filters": wanted.kept()} if wanted.kept() else None)
    headers = {"content-disposition": f'attachment; filename="audit-{desk.now:%Y-%m-%d}.csv"', "cache-control": "no-store"}
    return StreamingResponse(_lines(desk, wanted), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/proof")
async def proof(desk: ProofDesk, head: Annotated[str, Query(max_length=120)] = "") -> Response:
    """The latest proof, and the chain's head beside one that was published."""
    given = head.strip()
    compared = await _compared(desk, given) if given else None
    status = HTTPStatus.UNPROCESSABLE_ENTITY if compared == "none" else HTTPStatus.OK
    return desk.page("audit_proof.html", status, proof=await proved(desk.here), compared=compared, given=given)


@router.get("/proof/page")
async def printable(desk: ProofDesk) -> Response:
    """The latest proof as the checker printed it."""
    page = printed(desk.here.settings.data_dir, desk.tongue)
    if page is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no_proof", "No proof was made here yet.")
    return HTMLResponse(page, headers=_PRINTED)


async def _compared(desk: Desk, head: str) -> str:
    """Whether a published head stands in the chain: ``same``, ``other`` or ``beyond`` its end; ``none``: it is no head."""
    match = _HEAD.fullmatch(head)
    if match is None:
        return "none"
    async with desk.here.ledger.reading() as session:
        stands = await audit_trail.record_hash(session, int(match[1]))
    return "beyond" if stands is None else "same" if stands == match[2] else "other"


async def _lines(desk: Desk, wanted: Trail) -> AsyncIterator[str]:
    """The file, a piece at a time: no reading of the ledger stays open while somebody loads it slowly."""
    yield sheet.line(_COLUMNS)
    zone = zone_of(desk.here.settings.lender_seat)
    before: int | None = None
    for _ in range(_MOST_EXPORTED // _AT_ONCE):
        async with desk.here.ledger.reading() as session:
            rows = await audit_trail.lines(session, wanted, zone, _AT_ONCE, before)
        if not rows:
            return
        yield "".join(sheet.line(_cell(getattr(row, name)) for name in _COLUMNS) for row in rows)
        before = rows[-1].id


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat()
        case _:
            return str(value)


def _wanted(**given: str) -> Trail:
    try:
        return Trail.model_validate(given)
    except ValidationError as wrong:
        error = wrong.errors(include_input=False)[0]
        field = str(error["loc"][0]) if error["loc"] else "since"
        raise _unfit(field, str(error["msg"]).removeprefix("Value error, ")) from None


def _says() -> Mapping[str, str]:
    """Every action in words, those at the door too."""
    done = {action.value: permission.says for action, permission in packaged_access().actions.items()}
    return done | {passage.value: passage.value.partition(".")[2].replace("_", " ") for passage in Passage}


def _address(query: Mapping[str, str]) -> str:
    return "/audit" + ("?" + urlencode(query) if query else "")


def _unfit(field: str, problem: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", f"{field}: {problem}", [FieldProblem(field=field, problem=problem)])
