"""Signed messages that were taken: a copy of one is known for one, for as long as its signature is still fresh."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.ledger.tables import HeardMessageRow

KEPT_FOR = timedelta(minutes=15)
"""A signature is fresh for five minutes before and after its time; see ``gateways.signing``."""


class OtherContent(Exception):
    """Another message came under this id."""


@dataclass(frozen=True)
class Message:
    """A message whose signature is right. ``digest`` is the SHA-256 of its body."""

    sender: str
    id: str
    digest: str


def message(sender: str, message_id: str, body: bytes) -> Message:
    return Message(sender, message_id, hashlib.sha256(body).hexdigest())


def request(sender: str, message_id: str, signed: bytes, address: bytes) -> Message:
    """A signed request as it is remembered: by all that is signed, which says nothing of where it was sent to, with that ``address`` for its content."""
    return Message(
        sender, f"request/{hashlib.sha256(message_id.encode() + b'.' + signed).hexdigest()}", hashlib.sha256(address).hexdigest()
    )


async def first_time(session: AsyncSession, heard: Message, now: datetime) -> bool:
    """Remember a message with what it does, in the same transaction; whether it is new. ``now`` is the machine's time.

    Two copies at once wait for each other here. Raises ``OtherContent``.
    """
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    row = {"sender": heard.sender, "message_id": heard.id, "digest": heard.digest, "heard_at": now}
    taken = await session.exec(insert(HeardMessageRow).values(row).on_conflict_do_nothing())
    if taken.rowcount:
        return True
    known = await session.get_one(HeardMessageRow, (heard.sender, heard.id), with_for_update=True)
    if known.digest != heard.digest:
        raise OtherContent
    return False


async def forget(session: AsyncSession, now: datetime) -> None:
    """Drop messages whose copies would be refused by their time alone."""
    await session.exec(delete(HeardMessageRow).where(col(HeardMessageRow.heard_at) < now - KEPT_FOR))
