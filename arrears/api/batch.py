"""Many facts in one request, each of which counts or is refused by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.api.problems import Problem, malformed
from arrears.ledger.engine import Ledger

Item = TypeVar("Item")
Result = TypeVar("Result")
One = TypeVar("One")
Take = Callable[[AsyncSession, Item], Awaitable[Result]]
"""Writes one fact down in a session; raises ``Problem`` before it has written anything."""

MOST = 1000
_TOGETHER = 50


def _or_problem(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError as wrong:
        return malformed(wrong)


OrProblem = Annotated[Item, WrapValidator(_or_problem)]
"""An item of a batch: one that does not have its shape is read as a ``Problem``, so that the others count."""


async def take_each(ledger: Ledger, items: Sequence[Item | Problem], take: Take[Item, Result]) -> list[Result | Problem]:
    """What became of each item, in their order. What is answered as taken is in the ledger; an item that is refused keeps no other from counting."""
    results: list[Result | Problem] = []
    for some in _pieces(items):
        try:
            results += await _together(ledger, some, take)
        except DBAPIError:
            # Most likely somebody else holds two of these loans, in another order. One at a time nobody waits for two.
            for item in some:
                results += await _together(ledger, [item], take)
    return results


def told(done: Sequence[Result | Problem], result: Callable[..., One]) -> dict[str, Any]:
    """What is answered: of each item the status that it would have had alone, with what was taken or the problem; and how many there are of both."""
    results = [
        result(status=one.status, problem=one.body) if isinstance(one, Problem) else result(status=HTTPStatus.ACCEPTED, taken=one)
        for one in done
    ]
    refused = sum(isinstance(one, Problem) for one in done)
    return {"taken": len(done) - refused, "refused": refused, "results": results}


async def _together(ledger: Ledger, items: Sequence[Item | Problem], take: Take[Item, Result]) -> list[Result | Problem]:
    async with ledger.session() as session:
        return [await _one(session, item, take) for item in items]


async def _one(session: AsyncSession, item: Item | Problem, take: Take[Item, Result]) -> Result | Problem:
    try:
        return item if isinstance(item, Problem) else await take(session, item)
    except Problem as refused:
        return refused


def _pieces(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), _TOGETHER):
        yield items[start : start + _TOGETHER]
