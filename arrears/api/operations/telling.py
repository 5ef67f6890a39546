"""The two ways in which an operation counts: as a fact in the ledger, or by the answer of the running case."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.api.caller import Caller
from arrears.api.cases import TemporalAway
from arrears.api.house import House
from arrears.api.problems import FieldProblem, Problem
from arrears.domain.access import Action
from arrears.ledger import cases, loans
from arrears.ledger.facts import Fact, FactRefused, Recorded, record
from arrears.ledger.tables import ActorKind, PersonRow
from arrears.workflows import asking
from arrears.workflows.contract import CaseView

COME_BACK_AFTER = timedelta(seconds=10)
_MOST_TOLD = 400

F = TypeVar("F", bound=BaseModel)


async def into_the_ledger(
    here: House,
    caller: Caller,
    action: Action,
    fact: Fact,
    *,
    loan_id: str | None = None,
    person_id: str | None = None,
    subject: str | None = None,
    by: str | None = None,
) -> Recorded:
    """Write a fact down with the note of who told it; the cases that it concerns hear of it as soon as Temporal takes it. ``by``: whose fact it is.

    Once this returns, nothing leaves that the fact forbids. Raises ``Problem``: 404 for a loan or person that is not known, 422 for a fact that cannot
    stand.
    """
    try:
        async with here.ledger.exclusive() as session:
            if loan_id is not None:
                await known_loan(session, loan_id)
            if person_id is not None:
                await _known_person(session, person_id)
            recorded = await record(session, fact, here.now(), by or source(caller))
            caller.note(
                session,
                action,
                loan_id=loan_id or getattr(fact, "loan_id", None),
                person_id=person_id or getattr(fact, "person_id", None),
                subject=subject or fact.fact,
                details={"new": recorded.new},
            )
    except FactRefused as refused:
        raise fact_problem(refused) from None
    if recorded.told:
        here.cases.ring()
    return recorded


async def ask_the_case(
    here: House,
    caller: Caller,
    action: Action,
    loan_id: str,
    name: str,
    message: BaseModel,
    update_id: str | None = None,
    *,
    subject: str | None = None,
    details: dict[str, Any] | None = None,
) -> CaseView:
    """Tell the running case a fact that it judges, and hear where it stands then.

    Under the same ``update_id`` it counts once. Without one, a request that the caller marked is known by its mark; any other is told anew, and what
    stands in the case in the same words already changes nothing there.

    The note of who asked is written before, in a transaction of its own, so that nothing counts without one; if it comes to nothing, a second one says so.
    Raises ``Problem``: 404 ``unknown_loan``; 409 ``no_case``, ``case_closed`` or ``case_refused``, 422 ``case_refused`` if it names a field of the message;
    503 ``temporal_away``: nothing is known of what became of it, told again it counts once.
    """
    async with here.ledger.session() as session:
        await known_loan(session, loan_id)
        caller.note(session, action, loan_id=loan_id, subject=subject, details=details)
    try:
        client = await here.cases.client()
        return await asking.update(client, loan_id, name, message, update_id or (caller.sent_as and f"{name}/{caller.sent_as}"))
    except (asking.CaseProblem, TemporalAway) as failed:
        problem = await _of_the_case(here, loan_id, message, failed)
    async with here.ledger.session() as session:
        caller.note(session, action, loan_id=loan_id, subject=subject, details={"came_to_nothing": problem.code} | (details or {}))
    raise problem


async def turned_away(
    here: House, caller: Caller, action: Action, refusal: Problem, *, loan_id: str | None = None, subject: str | None = None
) -> Problem:
    """The refusal of somebody who may do this, but not here, once it is written down."""
    async with here.ledger.session() as session:
        caller.note(session, action, loan_id=loan_id, subject=subject, allowed=False, details={"problem": refusal.code})
    return refusal


async def known_loan(session: AsyncSession, loan_id: str) -> None:
    """Raise ``Problem`` (404) if there is no such loan."""
    try:
        await loans.loan(session, loan_id)
    except loans.LoanUnknown as unknown:
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_loan", str(unknown), [FieldProblem(field="loan_id", problem=str(unknown))]) from None


async def _known_person(session: AsyncSession, person_id: str) -> None:
    if await session.get(PersonRow, person_id) is None:
        said = f"person {person_id} is not in the ledger; import them with a loan first"
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_person", said, [FieldProblem(field="person_id", problem=said)])


def source(caller: Caller) -> str:
    """Which way a fact came, as the ledger keeps it; who it was stands in the audit record."""
    match caller.actor.kind:
        case ActorKind.GATEWAY:
            return caller.id
        case ActorKind.CLIENT:
            return f"client {caller.id}"
        case kind:
            return str(kind)


def as_fact(kind: type[F], /, **fields: object) -> F:
    """The fact with these fields, those left out that are none. Raises ``Problem`` (422) naming what is wrong."""
    try:
        return kind.model_validate({name: value for name, value in fields.items() if value is not None})
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False, include_context=False, include_input=False)
        told = [FieldProblem(field=".".join(map(str, e["loc"])) or "body", problem=e["msg"].removeprefix("Value error, ")) for e in errors]
        raise unfit("fact_refused", told) from None


def fact_problem(refused: FactRefused) -> Problem:
    """The problem of a fact that cannot stand in the ledger."""
    return unfit("fact_refused", [FieldProblem(field=refused.field, problem=f"{refused.problem}: {refused.remedy}")])


def unfit(code: str, fields: list[FieldProblem]) -> Problem:
    """The problem of a request whose fields cannot count as they are."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, code, "; ".join(f"{f.field}: {f.problem}" for f in fields), fields)


def temporal_away(why: str) -> Problem:
    """The problem of a request that only the running case can answer, while nobody answers for it."""
    seconds = int(COME_BACK_AFTER.total_seconds())
    said = f"the case cannot be asked just now ({why[:_MOST_TOLD]}); send the same request again in {seconds} seconds, it counts once"
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "temporal_away", said, headers={"Retry-After": str(seconds)})


async def _of_the_case(here: House, loan_id: str, message: BaseModel, failed: asking.CaseProblem | TemporalAway) -> Problem:
    match failed:
        case asking.CaseRefused():
            return _refused(failed.why, message)
        case asking.NoSuchCase():
            return await _no_case(here, loan_id)
        case _:
            return temporal_away(str(failed))


def _refused(why: str, message: BaseModel) -> Problem:
    """The case's own words; it names a field before a colon if one is at fault."""
    field, colon, problem = why.partition(": ")
    if colon and field.split(".")[0] in type(message).model_fields:
        return unfit("case_refused", [FieldProblem(field=field, problem=problem)])
    return Problem(HTTPStatus.CONFLICT, "case_refused", f"the case refuses it: {why[:_MOST_TOLD]}")


async def _no_case(here: House, loan_id: str) -> Problem:
    async with here.ledger.reading() as session:
        try:
            last = await cases.latest_case(session, loan_id)
        except cases.CaseUnknown as none:
            return Problem(HTTPStatus.CONFLICT, "no_case", f"{none}; report a missed payment to open one")
    if last.closed_at is None:
        return temporal_away(f"case {last.id} is open in the ledger and does not run in Temporal")
    return Problem(HTTPStatus.CONFLICT, "case_closed", f"case {last.id} was closed as {last.outcome} at {last.closed_at.isoformat()}")
