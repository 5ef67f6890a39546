"""The page of cases: a search that stands in the address, lists that operators keep, and what they take away as a file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, Form, Path, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.api.console.case_strategies import tracks
from arrears.api.console.desk import Desk, at_desk, console_router
from arrears.api.console.search_export import FORMATS, Format, lines
from arrears.api.problems import FieldProblem, Problem
from arrears.domain.access import Action
from arrears.domain.holds import HoldReason
from arrears.domain.strategy import Role
from arrears.ledger import worklists
from arrears.ledger.search import CursorRefused, Found, Query, Sort, Waiting, find
from arrears.ledger.stages import STAGES
from arrears.ledger.tables import CaseOutcome, CaseRow, LoanRow, OperatorRow, ReferralRow

PAGE = 50
_ALL = 1_000_000

router = console_router()
CaseDesk = Annotated[Desk, Depends(at_desk(Action.READ_CASES))]
ExportDesk = Annotated[Desk, Depends(at_desk(Action.EXPORT))]
Text = Annotated[str, Form(max_length=2000)]
ListId = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/cases")
async def cases(request: Request, desk: CaseDesk, after: str | None = None) -> Response:
    """The cases that fit the address. What does not make sense in it is said at its field."""
    given = {name: value for name, value in request.query_params.items() if name != "after"}
    query, errors = _asked(given)
    found = None if errors else await _find(desk, query, after)
    address = _address(query)
    shown = {
        "query": query,
        "given": given,
        "errors": errors,
        "found": found,
        "address": address,
        "first": f"/cases?{address}" if after else None,
        "next": f"/cases?{urlencode({**query.kept(), 'after': found.next})}" if found and found.next else None,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    if desk.hx:
        return desk.fragment("search_results.html", HTTPStatus.OK, **shown)
    async with desk.here.ledger.reading() as session:
        lists = await worklists.of(session, desk.operator_id)
        choices = await _choices(session, desk)
    kept = [(row, _address(_asked(row.query)[0])) for row in lists]
    return desk.page("search.html", status, **shown, lists=kept, choices=choices, sorts=list(Sort), formats=FORMATS)


@router.post("/worklists")
async def save(desk: CaseDesk, name: Text = "", asked: Text = "") -> Response:
    """Keep the search of an address under a name."""
    query = _of_address(asked)
    await _on_lists(desk, lambda session: worklists.save(session, desk.operator_id, name, query, desk.now))
    return desk.go(f"/cases?{_address(query)}")


@router.post("/worklists/{list_id}")
async def change(
    desk: CaseDesk, list_id: ListId, do: Annotated[str, Form(pattern="^(rename|delete)$")], name: Text = "", asked: Text = ""
) -> Response:
    """Rename a list or forget it, and go back to the search that was shown."""
    if do == "rename":
        await _on_lists(desk, lambda session: worklists.rename(session, desk.operator_id, list_id, name))
    else:
        await _on_lists(desk, lambda session: worklists.delete(session, desk.operator_id, list_id))
    return desk.go(f"/cases?{_address(_of_address(asked))}")


@router.post("/worklists/cases/export")
async def export(desk: ExportDesk, format: Annotated[Format, Form()], asked: Text = "") -> Response:
    """All cases that fit, as a file: ids, codes, dates and amounts. Who took it, why, and how many cases it names is written down."""
    caller = await desk.with_reason(Action.EXPORT)
    query = _of_address(asked)
    found = await _find(desk, query, None, most=_ALL)
    async with desk.here.ledger.session() as session:
        caller.note(session, Action.EXPORT, subject="cases", details={"format": format, "cases": found.total, "asked": query.kept()})
    name = f"cases-{desk.now:%Y%m%d-%H%M}.{format}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return StreamingResponse(lines(format, found.cases), media_type=FORMATS[format], headers=headers)


def _asked(given: dict[str, str]) -> tuple[Query, dict[str, str]]:
    """What an address asks; instead of what makes no sense in it, nothing, with what is wrong by field."""
    try:
        return Query.model_validate(given), {}
    except ValidationError as wrong:
        errors = {
            str(e["loc"][0]) if e["loc"] else "asked": e["msg"].removeprefix("Value error, ") for e in wrong.errors(include_url=False)
        }
    try:
        return Query.model_validate({name: value for name, value in given.items() if name not in errors}), errors
    except ValidationError:
        return Query(), errors


def _of_address(asked: str) -> Query:
    query, errors = _asked(dict(parse_qsl(asked)))
    if errors:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", "; ".join(f"{f}: {said}" for f, said in errors.items()))
    return query


def _address(query: Query) -> str:
    return urlencode(query.kept())


async def _find(desk: Desk, query: Query, after: str | None, most: int = PAGE) -> Found:
    try:
        async with desk.here.ledger.reading() as session:
            return await find(session, query, desk.now, tracks(desk.here.settings), most=most, after=after)
    except CursorRefused as refused:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "bad_cursor", str(refused), [FieldProblem(field="after", problem=str(refused))]
        ) from None


async def _on_lists(desk: Desk, work: Callable[[AsyncSession], Awaitable[object]]) -> None:
    try:
        async with desk.here.ledger.session() as session:
            await work(session)
    except worklists.WorkListUnknown as unknown:
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_list", str(unknown)) from None
    except worklists.WorkListRefused as refused:
        raise Problem(HTTPStatus.CONFLICT, "list_refused", str(refused), [FieldProblem(field="name", problem=str(refused))]) from None


@dataclass(frozen=True)
class _Choices:
    """What the filters offer: codes, and operators by id and name."""

    stages: tuple[str, ...]
    waiting: tuple[str, ...]
    strategies: tuple[str, ...]
    currencies: tuple[str, ...]
    holds: tuple[str, ...]
    agencies: tuple[str, ...]
    owners: tuple[tuple[str, str], ...]


async def _choices(session: AsyncSession, desk: Desk) -> _Choices:
    on_tracks = {track for found in tracks(desk.here.settings).values() for track, _ in found}
    operators = await session.exec(select(OperatorRow).where(col(OperatorRow.active)).order_by(col(OperatorRow.name)))
    return _Choices(
        stages=(*STAGES, *sorted(on_tracks), *CaseOutcome),
        waiting=tuple(Waiting),
        strategies=tuple(await session.exec(select(CaseRow.strategy).distinct().order_by(col(CaseRow.strategy)))),
        currencies=tuple(await session.exec(select(LoanRow.currency).distinct().order_by(col(LoanRow.currency)))),
        holds=tuple(HoldReason),
        agencies=tuple(a for a in await session.exec(select(ReferralRow.agency).distinct().order_by(col(ReferralRow.agency))) if a),
        owners=tuple((row.id, row.name) for row in operators if row.role in _WORKERS),
    )


_WORKERS = (Role.COLLECTOR, Role.SUPERVISOR, Role.RISK_CONTROL)
