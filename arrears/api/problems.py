"""Errors as RFC 9457 problems that say which field is wrong and what to do, and never what stood in it."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException

from arrears.ledger.engine import LedgerBusy, passes

_FIELD = re.compile(r"[\w.$-]{1,64}", re.ASCII)
_log = logging.getLogger(__name__)


class FieldProblem(BaseModel):
    """What is wrong with one field, named by its path."""

    model_config = ConfigDict(frozen=True)

    field: str
    problem: str


class Problem(Exception):
    """Ends a request with a problem; ``code`` is for programs, ``detail`` for people, ``headers`` go with the answer, such as ``Retry-After``."""

    def __init__(
        self, status: HTTPStatus, code: str, detail: str, fields: Sequence[FieldProblem] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = tuple(fields)
        self.headers = dict(headers or {})

    @property
    def body(self) -> ProblemBody:
        return ProblemBody(title=self.status.phrase, status=self.status, code=self.code, detail=self.detail, errors=self.fields)


class ProblemBody(BaseModel):
    """The body of every answer that is not a success (``application/problem+json``); ``errors`` is empty if no field is at fault."""

    type: str = "about:blank"
    title: str
    status: int
    code: str = Field(description="for programs; each operation lists those that it may answer, and more may come")
    detail: str
    errors: tuple[FieldProblem, ...] = ()


def failed() -> Problem:
    """The problem of a request at which something failed that nobody foresaw. Whoever answers with it logs what it was."""
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "something failed here; try again, it is logged")


def unserved(error: Exception) -> Problem:
    """The problem of a request at which the ledger failed: one that may pass is the caller's to wait for, any other is logged."""
    if passes(error):
        _log.warning("the ledger did not serve a request: %s", type(error).__name__)
        said = "the ledger is busy, or cannot be reached; send the same again in a moment, it counts once"
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "ledger_busy", said, headers={"Retry-After": "2"})
    _log.error("request failed: %s", type(error).__name__, exc_info=error)
    return failed()


def malformed(error: ValidationError | RequestValidationError) -> Problem:
    """The problem of a request, or of an item in one, that does not have its shape."""
    within = 1 if isinstance(error, RequestValidationError) else 0  # which part of the request it is stands before the field
    fields = [_field_problem(e["loc"], within, str(e["msg"]), str(e["type"])) for e in error.errors()]
    detail = "; ".join(f"{f.field}: {f.problem}" for f in fields)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", detail, fields)


def _field_problem(place: Sequence[object], within: int, message: str, kind: str) -> FieldProblem:
    if kind == "union_tag_invalid":
        message = "is of no kind that is known here"  # pydantic would repeat the kind that was sent
    inner = [] if kind == "json_invalid" else [_name(part) for part in place[within:]]
    return FieldProblem(field=".".join(inner) or (str(place[0]) if place else "body"), problem=message.removeprefix("Value error, "))


def _name(part: object) -> str:
    """A part of a field's path; a name that the caller made up, which may be anything, is not repeated."""
    name = str(part)
    return name if _FIELD.fullmatch(name) else "…"


def answer_with_problems(app: FastAPI) -> None:
    """Let every error of the app be answered as a problem; what nobody foresaw is logged and told without its text."""

    @app.exception_handler(Problem)
    async def foreseen(_: Request, problem: Problem) -> Response:
        return as_response(problem)

    @app.exception_handler(RequestValidationError)
    async def misshapen(_: Request, error: RequestValidationError) -> Response:
        return as_response(malformed(error))

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        return as_response(Problem(status, status.name.lower(), str(error.detail), headers=error.headers))

    @app.exception_handler(DBAPIError)
    @app.exception_handler(LedgerBusy)
    @app.exception_handler(NoConnection)
    @app.exception_handler(ConnectionError)
    @app.exception_handler(Exception)
    async def unforeseen(_: Request, error: Exception) -> Response:
        return as_response(unserved(error))


def as_response(problem: Problem) -> Response:
    known_by = {"WWW-Authenticate": "Bearer"} if problem.status is HTTPStatus.UNAUTHORIZED else {}
    return JSONResponse(problem.body.model_dump(mode="json"), problem.status, known_by | problem.headers, "application/problem+json")
