"""Accounts of operators: passwords of ours, the identities that the lender's provider knows them by, and how often somebody may try."""

from __future__ import annotations

import asyncio
import hashlib
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.strategy import Role
from arrears.ledger import access, audit
from arrears.ledger.audit import Actor, Passage
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AccountRow, ActorKind, LoginFailureRow, OperatorRow

T = TypeVar("T")

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
"""In characters."""
FREE_TRIES = 5
"""So often somebody may fail in a row before they have to wait."""
FREE_TRIES_FROM_AN_ADDRESS = 30
"""An office may come from one address."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=12)
"""Failures after which nothing was tried for so long count no more."""

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_HASHING = ThreadPoolExecutor(2, thread_name_prefix="argon2")
_NAME_PART = 4
"""Shorter parts of a name stand in good passwords by chance."""
_TRIED_FIRST = """
123456789012 1234567890123 12345678901234 123456789101112 1234567891011 111111111111 000000000000 123123123123 121212121212 987654321098
password1234 password12345 password123456 passwordpassword password123! p@ssw0rd1234 passw0rd1234 mypassword123 changeme1234 changemechangeme
qwertyuiop12 qwertyuiop123 qwertyuiop[] qwertyqwerty qwerty123456 qwerty1234567 1qaz2wsx3edc 1q2w3e4r5t6y 1qazxsw23edc zaq12wsxcde3 q1w2e3r4t5y6
asdfghjkl123 asdfghjkl;'\\ abcdefghijkl abcd12345678 abc123456789 a1b2c3d4e5f6 aa1234567890 a123456789012 iloveyou1234 iloveyouforever
administrator admin1234567 admin123456789 adminadminadmin welcome12345 welcome123456 letmein12345 letmeinplease trustno1trustno1 sunshine1234
woaini1314520 woaini5201314 5201314520131 520131452013 5201314woaini wodemima1234 mimamima1234 collections1 collections123 correcthorsebatterystaple
"""
_COMMON = frozenset(_TRIED_FIRST.split())


class PasswordRefused(Exception):
    """A password cannot be taken; the message says why, and never what it was."""


class AccountUnknown(Exception):
    """There is no such operator, or they do not work here any more."""


class SignInRefused(Exception):
    """The name or the password is wrong, or it was tried too often: then nobody may try before ``again_at``."""

    def __init__(self, again_at: datetime | None = None) -> None:
        super().__init__()
        self.again_at = again_at


def refuse_weak(password: str, *names: str) -> None:
    """Raise ``PasswordRefused`` for a password that is too short, too common, or made of the names of whom it belongs to."""
    plain = _normal(password).casefold()
    if not SHORTEST_PASSWORD <= len(_normal(password)) <= LONGEST_PASSWORD:
        raise PasswordRefused(
            f"a password has at least {SHORTEST_PASSWORD} and at most {LONGEST_PASSWORD} characters; a sentence is a good one"
        )
    if plain in _COMMON or len(set(plain)) < _NAME_PART:
        raise PasswordRefused("this password is one of those that are tried first; take another")
    parts = {part for name in (*names, "arrears") for part in (name.casefold(), *name.casefold().split()) if len(part) >= _NAME_PART}
    if any(part in plain for part in parts):
        raise PasswordRefused("a password does not hold the name of its owner or of this program; take another")


async def set_password(ledger: Ledger, operator_id: str, password: str, now: datetime, *, by: Actor, must_change: bool = False) -> None:
    """Give an operator a password, and end every session of theirs. ``must_change``: somebody else chose it, so they choose their own at once.

    Raises:
        AccountUnknown: there is no such operator.
        PasswordRefused: it is too weak.
    """
    async with ledger.reading() as session:
        operator = await _working(session, operator_id)
        account = await session.get(AccountRow, operator_id)
    refuse_weak(password, operator.id, operator.name)
    former = account.password_hash if account else None
    if former and await _hashing(lambda: _fits(former, password)):
        raise PasswordRefused("this is the password that they have already; take another")
    hashed = await _hashing(lambda: _HASHER.hash(_normal(password)))
    async with ledger.session() as session:
        account = await session.get(AccountRow, operator_id, with_for_update=True) or AccountRow(operator_id=operator_id, changed_at=now)
        account.password_hash, account.must_change, account.changed_at = hashed, must_change, now
        session.add(account)
        await access.end_all(session, operator_id, now)
        audit.note(session, by, Passage.PASSWORD_CHANGED, subject=operator_id)


async def check_password(ledger: Ledger, name: str, password: str, address: str, now: datetime) -> str:
    """The id of the operator who signs in under ``name`` from ``address``. An unknown name takes as long as a wrong password.

    Every try counts as a failure until it is known not to be one, so that many at once are as many as one after the other.

    Raises ``SignInRefused``.
    """
    async with ledger.exclusive() as session:
        await _count(session, _key("name", name), FREE_TRIES, now)
        await _count(session, _key("address", address), FREE_TRIES_FROM_AN_ADDRESS, now)
        operator = await session.get(OperatorRow, name) if name.isprintable() else None
        account = await session.get(AccountRow, operator.id) if operator else None
    known = account.password_hash if account and operator and operator.active else None
    fits = await _hashing(lambda: _fits(known or _nobodys(), password))
    right = fits and known is not None
    renewed = await _hashing(lambda: _HASHER.hash(_normal(password))) if known and right and _HASHER.check_needs_rehash(known) else None
    async with ledger.session() as session:
        if not right:
            who = Actor(ActorKind.OPERATOR, operator.id, operator.role) if operator else Actor(ActorKind.HOUSE, "door")
            audit.note(session, who, Passage.SIGN_IN_REFUSED, allowed=False, subject=None if operator else "unknown name")
        else:
            await _forgive(session, name, address)
            if renewed and (row := await session.get(AccountRow, name, with_for_update=True)):
                row.password_hash = renewed
                session.add(row)
    if not right:
        raise SignInRefused
    return name


async def unlock(session: AsyncSession, name: str) -> bool:
    """Let somebody try again at once; whether they had to wait or had failed."""
    row = await session.get(LoginFailureRow, _key("name", name), with_for_update=True)
    if row is not None:
        await session.delete(row)
    return row is not None


async def link(session: AsyncSession, operator_id: str, issuer: str, subject: str, now: datetime) -> None:
    """Let an operator in as whom the provider ``issuer`` calls ``subject``, and end every session of theirs.

    Raises:
        AccountUnknown: there is no such operator.
        ValueError: somebody else is that subject already.
    """
    await _working(session, operator_id)
    taken = await _account_of(session, issuer, subject)
    if taken is not None and taken.operator_id != operator_id:
        raise ValueError(f"this subject is {taken.operator_id} already; one person, one account")
    account = await session.get(AccountRow, operator_id, with_for_update=True) or AccountRow(operator_id=operator_id, changed_at=now)
    account.issuer, account.subject, account.changed_at = issuer, subject, now
    session.add(account)
    await access.end_all(session, operator_id, now)


async def change_role(session: AsyncSession, operator_id: str, role: Role, now: datetime) -> None:
    """Give an operator another role, and end every session of theirs. Raises ``AccountUnknown``."""
    operator = await _working(session, operator_id)
    operator.role = role
    session.add(operator)
    await access.end_all(session, operator_id, now)


async def close(session: AsyncSession, operator_id: str, now: datetime) -> None:
    """Somebody does not work here any more: nothing that they do counts, and every session of theirs ends. Raises ``AccountUnknown``."""
    operator = await _working(session, operator_id)
    operator.active = False
    session.add(operator)
    await access.end_all(session, operator_id, now)


async def arrive(session: AsyncSession, issuer: str, subject: str) -> OperatorRow:
    """The operator whom a provider calls ``subject``. Raises ``AccountUnknown``.

    A password that somebody else chose for them, and that they never made their own, is dropped: they need none.
    """
    account = await _account_of(session, issuer, subject) if subject.isprintable() else None
    if account is None:
        raise AccountUnknown("no operator is linked to this subject")
    if account.must_change:
        account.password_hash, account.must_change = None, False
        session.add(account)
    return await _working(session, account.operator_id)


async def forget(session: AsyncSession, now: datetime) -> None:
    """Drop failures that count no more."""
    await session.exec(delete(LoginFailureRow).where(col(LoginFailureRow.last_at) < now - FORGOTTEN_AFTER))


async def _account_of(session: AsyncSession, issuer: str, subject: str) -> AccountRow | None:
    found = await session.exec(select(AccountRow).where(col(AccountRow.issuer) == issuer, col(AccountRow.subject) == subject))
    return found.one_or_none()


async def _working(session: AsyncSession, operator_id: str) -> OperatorRow:
    operator = await session.get(OperatorRow, operator_id)
    if operator is None or not operator.active:
        raise AccountUnknown(f"there is no operator {operator_id} who works here; add one with `arrears operators add`")
    return operator


async def _count(session: AsyncSession, key: str, free: int, now: datetime) -> None:
    """Count a try, unless nobody may try yet. Raises ``SignInRefused``."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    await session.exec(insert(LoginFailureRow).values(name=key, failures=0, last_at=now).on_conflict_do_nothing())
    row = await session.get(LoginFailureRow, key, with_for_update=True, populate_existing=True)
    assert row is not None
    if row.locked_until is not None and now < row.locked_until:
        raise SignInRefused(row.locked_until)
    row.failures = 1 if now - row.last_at > FORGOTTEN_AFTER else row.failures + 1
    row.last_at = now
    row.locked_until = now + min(FIRST_WAIT * 2 ** min(row.failures - free, 16), LONGEST_WAIT) if row.failures >= free else None
    session.add(row)


async def _forgive(session: AsyncSession, name: str, address: str) -> None:
    """The last try was no failure: the name begins anew, the address keeps the failures of the others."""
    await unlock(session, name)
    row = await session.get(LoginFailureRow, _key("address", address), with_for_update=True)
    if row is not None:
        row.failures, row.locked_until = max(0, row.failures - 1), None
        session.add(row)


def _key(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}:{value}".encode(errors="surrogatepass")).hexdigest()


def _normal(password: str) -> str:
    """The same text, however a keyboard composed it."""
    return unicodedata.normalize("NFKC", password)


def _fits(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, _normal(password)[: LONGEST_PASSWORD + 1])
    except (VerifyMismatchError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    """The hash that is compared for a name that nobody has."""
    return _HASHER.hash("the password of nobody")


async def _hashing(work: Callable[[], T]) -> T:
    """Hash beside the event loop, few at a time: each takes 19 MiB."""
    return await asyncio.get_running_loop().run_in_executor(_HASHING, work)
