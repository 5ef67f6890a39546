"""What the desk's routes have in common: whom they are about, and how they can fail."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path

from arrears.api.problems import ProblemBody
from arrears.domain.events import Id
from arrears.domain.strategy import Slug

LoanId = Annotated[Id, Path(examples=["L-1001"])]
PersonId = Annotated[Id, Path(examples=["P-L-1001"])]
AgencyId = Annotated[Slug, Path(examples=["agency-one"])]
ApprovalId = Annotated[
    Id, Path(description="as the list shows it; its slashes may stand as they are, or as %2F", examples=["L-1001.1/ask-relatives.1/a1"])
]
TaskId = Annotated[
    Id, Path(description="as the list shows it; its slashes may stand as they are, or as %2F", examples=["L-1001.1/assign.1"])
]

Responses = dict[int | str, dict[str, Any]]


def _says(text: str) -> dict[str, Any]:
    return {"model": ProblemBody, "content": {"application/problem+json": {}}, "description": text}


BY_THE_CASE: Responses = {
    404: _says("the loan is not known"),
    409: _says("no case runs, it is closed, or it says why this cannot count"),
    503: _says("the case cannot be asked just now; send the same again after Retry-After, it counts once"),
}
"""How what the running case judges can fail."""

UNKNOWN: Responses = {404: _says("nobody and nothing of this id is known")}
CHANGED_SINCE: Responses = {412: _says("it has changed since the caller read it: `If-Match` names another `ETag`")}
IN_OTHER_HANDS: Responses = UNKNOWN | {409: _says("somebody else was first, or it is over")}
