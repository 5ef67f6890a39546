"""Answers that callers got for their idempotency keys, so that a request that is sent again gets the same one and is carried out once.

Only answers to what was done are kept; a refusal changed nothing, so the same key may be used again once what stood against it is gone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.ledger.tables import AnswerRow

KEPT_FOR = timedelta(hours=48)
"""After so long a key is as good as new."""
LEASE = timedelta(seconds=60)
"""A request that has not been answered after so long died with its process; whoever sends it again takes it over."""

_TEXT = "text"


class KeyTaken(Exception):
    """The caller used this key for another request."""


class StillWorking(Exception):
    """The same request is being worked on; ``wait`` is the longest that this can take."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"still being worked on, for {wait} at most")
        self.wait = wait


@dataclass(frozen=True)
class Answer:
    """What was answered: the status, the body's text, and the headers that belong to it."""

    status: int
    text: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Claim:
    """A request that is ours to carry out, known by who sent it under which key, what it says, and since when we have it."""

    caller: str
    key: str
    digest: str
    since: datetime

    @property
    def mark(self) -> str:
        """The same for the same request under the same key, whoever takes it over; it tells nothing of either."""
        return hashlib.sha256(f"{self.caller}/{self.digest}/{self.key}".encode()).hexdigest()[:32]


async def claim(session: AsyncSession, caller: str, key: str, digest: str, now: datetime) -> Claim | Answer:
    """Take a request on, unless it was answered before: then the answer. All times are the machine's.

    Raises ``KeyTaken``; ``StillWorking``.
    """
    row = await session.get(AnswerRow, (caller, key), with_for_update=True)
    if row is None:
        session.add(AnswerRow(caller=caller, key=key, digest=digest, begun_at=now))
        try:
            await session.flush()
        except IntegrityError:  # another process took the same one on since we looked
            raise StillWorking(LEASE) from None
        return Claim(caller, key, digest, now)
    if now < row.begun_at + KEPT_FOR:
        if row.digest != digest:
            raise KeyTaken
        if row.status is not None and row.body is not None:
            return Answer(row.status, row.body[_TEXT], row.headers or {})
        if now < row.begun_at + LEASE:
            raise StillWorking(row.begun_at + LEASE - now)
    row.digest, row.begun_at, row.status, row.body, row.headers = digest, now, None, None, None
    session.add(row)
    return Claim(caller, key, digest, now)


async def keep(session: AsyncSession, claimed: Claim, answer: Answer) -> None:
    """Keep the answer of a request that was carried out, unless somebody took it over meanwhile."""
    if (row := await _ours(session, claimed)) is not None:
        row.status, row.body, row.headers = answer.status, {_TEXT: answer.text}, answer.headers
        session.add(row)


async def let_go(session: AsyncSession, claimed: Claim) -> None:
    """Nothing was done: the key is free again."""
    if (row := await _ours(session, claimed)) is not None:
        await session.delete(row)


async def forget(session: AsyncSession, now: datetime) -> None:
    """Remove the answers that are older than :data:`KEPT_FOR`."""
    await session.exec(delete(AnswerRow).where(col(AnswerRow.begun_at) < now - KEPT_FOR))


async def _ours(session: AsyncSession, claimed: Claim) -> AnswerRow | None:
    row = await session.get(AnswerRow, (claimed.caller, claimed.key), with_for_update=True)
    return row if row is not None and row.status is None and row.begun_at == claimed.since else None
