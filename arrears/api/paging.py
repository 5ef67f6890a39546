"""Lists a page at a time: ``limit`` items, and a cursor for those that follow.

A cursor says after which item the next page begins, so that what is added meanwhile neither repeats nor hides an item. It is the list's own: one that
another list gave, or that somebody made up, is refused; it holds nothing secret.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from arrears.api.problems import FieldProblem, Problem

T = TypeVar("T")
Position = TypeVar("Position")

MOST = 200
Limit = Annotated[int, Query(ge=1, le=MOST, description="how many items a page has at most")]
Cursor = Annotated[
    str | None,
    Query(max_length=1024, description="the `next` of the page before; leave it out for the first page"),
]


class Page(BaseModel, Generic[T]):
    """Some items of a list, and the cursor of the page that follows; without one this is the last."""

    model_config = ConfigDict(frozen=True)

    items: list[T]
    next: str | None = Field(default=None, description="the `cursor` of the next page; null on the last one")


@dataclass(frozen=True)
class Cursors(Generic[Position]):
    """The cursors of one list: ``of`` names it, with the filters that it was asked for; a position is what its items are sorted by."""

    of: str
    position: TypeAdapter[Position]

    def write(self, position: Position) -> str:
        told = json.dumps([self.of, self.position.dump_python(position, mode="json")], separators=(",", ":"))
        return base64.urlsafe_b64encode(told.encode()).rstrip(b"=").decode()

    def read(self, cursor: str | None) -> Position | None:
        """The position that a cursor names; none on the first page. Raises ``Problem`` (422)."""
        if cursor is None:
            return None
        try:
            of, position = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
            if of != self.of:
                raise bad_cursor()
            return self.position.validate_python(position)
        except (ValueError, TypeError, RecursionError, binascii.Error, ValidationError):
            raise bad_cursor() from None


def bad_cursor() -> Problem:
    """The problem of a cursor that this list did not give."""
    said = "is none that this list gave; take the next of a page with the same filters, or begin without one"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_cursor", f"cursor: {said}", [FieldProblem(field="cursor", problem=said)])


def page(request: Request, response: Response, items: Sequence[T], after: str | None) -> Page[T]:
    """The page as it is answered, with the address of the next one in the header ``Link``."""
    if after is not None:
        following = request.url.include_query_params(cursor=after)
        # Relative to where we were asked: which name the outside knows us by, a proxy knows.
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return Page(items=list(items), next=after)


@dataclass(frozen=True)
class OnePage:
    """The page that is asked for: at most ``limit`` items, those behind ``cursor``."""

    request: Request
    response: Response
    limit: Limit = 50
    cursor: Cursor = None

    def of(self, found: Sequence[T], cursors: Cursors[Position], position: Callable[[T], Position]) -> Page[T]:
        """The first items of what was found: ``limit`` of them, and one more if there are any behind the page."""
        last = found[self.limit - 1] if len(found) > self.limit else None
        return page(self.request, self.response, found[: self.limit], None if last is None else cursors.write(position(last)))


Asking = Annotated[OnePage, Depends()]
