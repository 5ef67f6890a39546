"""Personal data stand sealed in the ledger, with a key for each person. Without it they are noise; destroying it erases the person.

    KeyProblem
    ├── KeyMissing    personal data are needed, and no ledger key is given
    ├── WrongKey      the ledger's keys are locked by another ledger key
    └── SealBroken    a sealed value was changed, or belongs to another person or field

A person's key is random, and stands in ``subject_keys`` wrapped by the ledger key, which is no part of the ledger. A value is sealed with AES-256-GCM
for one field of one person, so that it opens nowhere else. What speaks of several people is sealed with the keys of all of them together: it is gone
as soon as one of them is erased.
"""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.retention import Keeping
from arrears.ledger.tables import Sealed, SubjectKeyRow

KEY_BYTES = 32
SESSION_KEY = "vault"
"""Where a session carries the vault of its ledger."""

_FORMAT = b"\x01"
_NONCE_BYTES = 12
_MOST_AT_ONCE = 500


class KeyProblem(Exception):
    """Personal data cannot be sealed or opened; the message says what to do and names ids only."""


class KeyMissing(KeyProblem):
    """There is no ledger key here."""


class WrongKey(KeyProblem):
    """The keys in the ledger are locked by a ledger key that is not here."""


class SealBroken(KeyProblem):
    """A sealed value does not open with the key of its person, for its field."""


class Field(StrEnum):
    """What is sealed: the column, which is a part of the seal."""

    NAME = "persons.name"
    BIRTH_DATE = "persons.birth_date"
    ADDRESS = "contact_points.address"
    TEXT = "attempts.text"
    REASON = "approvals.reason"
    NOTE = "task_results.note"


Owner = str | tuple[str, ...]
"""The id of the person whose data it is, or the ids of all whom it tells of."""


@dataclass(frozen=True)
class WrappedKey:
    """A person's key as it may stand in the ledger, and the fingerprint of the ledger key that unlocks it."""

    wrapped_key: bytes
    wrapped_by: str


class StoredKey(Protocol):
    """A row of ``subject_keys``."""

    @property
    def person_id(self) -> str: ...
    @property
    def wrapped_key(self) -> bytes | None: ...
    @property
    def wrapped_by(self) -> str | None: ...
    @property
    def store_only_since(self) -> datetime | None: ...


class Vault:
    """The ledger key, with which every person's key is wrapped, and older ones that keys may still be wrapped with. It never shows itself."""

    def __init__(self, key: bytes, old_keys: Iterable[bytes] = ()) -> None:
        self.fingerprint = _fingerprint(key)
        self._ciphers = {_fingerprint(k): AESGCM(_derived(k, b"wrap")) for k in (*old_keys, key)}

    def __repr__(self) -> str:
        return f"Vault({self.fingerprint})"

    def knows(self, fingerprint: str) -> bool:
        """Whether keys that were wrapped by the ledger key of this fingerprint can be unlocked."""
        return fingerprint in self._ciphers

    def wrap(self, person_id: str, key: bytes) -> WrappedKey:
        """A person's key, locked with the ledger key."""
        sealed = _encrypt(self._ciphers[self.fingerprint], key, _context("subject_keys", (person_id,)))
        return WrappedKey(sealed, self.fingerprint)

    def unwrap(self, person_id: str, wrapped: WrappedKey) -> bytes:
        """The person's key. Raises ``WrongKey``, ``SealBroken``."""
        cipher = self._ciphers.get(wrapped.wrapped_by)
        if cipher is None:
            raise wrong_key([wrapped.wrapped_by], self)
        return _decrypt(cipher, wrapped.wrapped_key, _context("subject_keys", (person_id,)))

    def ring(self, rows: Iterable[StoredKey]) -> Keyring:
        """The keys that stand in the ledger, unlocked. Raises ``WrongKey``, ``SealBroken``."""
        return Keyring({row.person_id: self._held(row) for row in rows})

    def _held(self, row: StoredKey) -> Held:
        if row.wrapped_key is None or row.wrapped_by is None:
            return Held(key=None, keeping=Keeping.DELETED)
        key = self.unwrap(row.person_id, WrappedKey(row.wrapped_key, row.wrapped_by))
        return Held(key=key, keeping=Keeping.ACTIVE if row.store_only_since is None else Keeping.STORE_ONLY)

    def fresh(self, person_ids: Iterable[str]) -> tuple[Keyring, dict[str, WrappedKey]]:
        """New keys for new people, and how they are to be stored."""
        keys = {person_id: os.urandom(KEY_BYTES) for person_id in person_ids}
        held = Keyring({person_id: Held(key=key, keeping=Keeping.ACTIVE) for person_id, key in keys.items()})
        return held, {person_id: self.wrap(person_id, key) for person_id, key in keys.items()}


@dataclass(frozen=True)
class Held:
    """One person's key, none if it was destroyed, and what may be done with their data."""

    key: bytes | None
    keeping: Keeping

    def __repr__(self) -> str:
        return f"Held({self.keeping})"


class Keyring:
    """The keys of some people, for as long as one transaction lasts."""

    def __init__(self, held: Mapping[str, Held]) -> None:
        self._held = dict(held)

    def __contains__(self, person_id: str) -> bool:
        return person_id in self._held

    def keeping(self, person_id: str) -> Keeping:
        """What may be done with a person's data."""
        return self._of(person_id).keeping

    def usable(self, person_id: str) -> bool:
        """Whether a person may be contacted as far as the keeping of their data goes."""
        return self.keeping(person_id) is Keeping.ACTIVE

    def erased(self, owner: Owner) -> bool:
        """Whether nothing of theirs can be opened any more."""
        return any(self._of(person_id).key is None for person_id in _ids(owner))

    def seal(self, owner: Owner, field: Field, plain: str) -> Sealed:
        """The value, sealed for this field of these people. Raises ``SealBroken`` if one of them is erased."""
        key = self._key(owner)
        if key is None:
            raise SealBroken(f"{field} of {_names(owner)} cannot be sealed: they are erased")
        return Sealed(_encrypt(AESGCM(_derived(key, b"seal")), plain.encode(), _context(field, _ids(owner))))

    def open(self, owner: Owner, field: Field, sealed: Sealed | None) -> str | None:
        """The value; ``None`` if there is none, or one of the people is erased. Raises ``SealBroken``."""
        key = self._key(owner)
        if sealed is None or key is None:
            return None
        try:
            return _decrypt(AESGCM(_derived(key, b"seal")), sealed, _context(field, _ids(owner))).decode()
        except SealBroken:
            raise SealBroken(f"{field} of {_names(owner)} does not open: it was changed, or moved from elsewhere") from None

    def mark(self, person_id: str, plain: str) -> bytes:
        """What tells a person's equal addresses without showing them, 32 bytes. Raises ``SealBroken`` if they are erased."""
        key = self._key(person_id)
        if key is None:
            raise SealBroken(f"an address of {person_id} cannot be marked: they are erased")
        return hmac.digest(_derived(key, b"mark"), plain.encode(), "sha256")

    def and_more(self, others: Keyring) -> Keyring:
        """These keys and others."""
        return Keyring(self._held | others._held)

    def _of(self, person_id: str) -> Held:
        if person_id not in self._held:
            raise SealBroken(f"person {person_id} has no key in the ledger")
        return self._held[person_id]

    def _key(self, owner: Owner) -> bytes | None:
        keys = [self._of(person_id).key for person_id in _ids(owner)]
        whole = [key for key in keys if key is not None]
        if len(whole) < len(keys):
            return None
        return whole[0] if len(whole) == 1 else hmac.digest(b"together", b"".join(whole), "sha256")


async def keyring(session: AsyncSession, person_ids: Collection[str]) -> Keyring:
    """The keys of these people. Raises ``KeyMissing``, ``WrongKey``."""
    rows: list[SubjectKeyRow] = []
    for ids in _chunks(sorted(set(person_ids))):
        rows.extend(await session.exec(select(SubjectKeyRow).where(col(SubjectKeyRow.person_id).in_(ids))))
    return of_session(session).ring(rows)


def of_session(session: AsyncSession) -> Vault:
    """The vault of the session's ledger. Raises ``KeyMissing`` if it was opened without one."""
    vault = session.info.get(SESSION_KEY)
    if not isinstance(vault, Vault):
        raise KeyMissing("this ledger was opened without its key: personal data stay closed")
    return vault


async def rewrap(session: AsyncSession, person_ids: Collection[str]) -> int:
    """Wrap these people's keys with the present ledger key; how many were wrapped with another. Raises ``KeyMissing``, ``WrongKey``."""
    vault = of_session(session)
    rows = await session.exec(
        select(SubjectKeyRow)
        .where(col(SubjectKeyRow.person_id).in_(person_ids), col(SubjectKeyRow.wrapped_by) != vault.fingerprint)
        .with_for_update()
    )
    changed = 0
    for row in rows:
        if row.wrapped_key is not None and row.wrapped_by is not None:
            wrapped = vault.wrap(row.person_id, vault.unwrap(row.person_id, WrappedKey(row.wrapped_key, row.wrapped_by)))
            row.wrapped_key, row.wrapped_by = wrapped.wrapped_key, wrapped.wrapped_by
            session.add(row)
            changed += 1
    return changed


async def use_again(session: AsyncSession, person_ids: Collection[str]) -> None:
    """The data of these people serve a purpose again, if they were only kept."""
    for ids in _chunks(sorted(set(person_ids))):
        stored_only = select(SubjectKeyRow).where(col(SubjectKeyRow.person_id).in_(ids), col(SubjectKeyRow.store_only_since).is_not(None))
        for row in await session.exec(stored_only):
            row.store_only_since = None
            session.add(row)


async def strangers(session: AsyncSession) -> list[str]:
    """The people whose keys are not wrapped with the present ledger key."""
    found = await session.exec(
        select(SubjectKeyRow.person_id)
        .where(col(SubjectKeyRow.wrapped_by) != of_session(session).fingerprint)
        .order_by(col(SubjectKeyRow.person_id))
    )
    return list(found)


async def check(session: AsyncSession, vault: Vault) -> None:
    """Raise ``WrongKey`` if this vault is not the one that the ledger's keys were wrapped with. It looks at two keys, however many there are."""
    found = await session.exec(select(func.min(SubjectKeyRow.wrapped_by), func.max(SubjectKeyRow.wrapped_by)))
    needed = {fingerprint for fingerprint in found.one() if fingerprint and not vault.knows(fingerprint)}
    if needed:
        raise wrong_key(needed, vault)


def wrong_key(needed: Iterable[str], vault: Vault) -> WrongKey:
    """The error of a ledger whose keys are wrapped by the ledger keys of these fingerprints."""
    fingerprints = ", ".join(sorted(needed))
    return WrongKey(
        f"the ledger's personal data are locked by the key with the fingerprint {fingerprints}, not by the one given ({vault.fingerprint}): "
        "give that key as ARREARS_LEDGER_KEY (embedded: the file ledger.key of this ledger), or among ARREARS_LEDGER_OLD_KEYS"
    )


def decode_key(text: str) -> bytes:
    """A ledger key as it is written down: the base64 of 32 bytes. Raises ``ValueError``."""
    key = base64.b64decode(text.strip(), validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError(f"a ledger key has {KEY_BYTES} bytes")
    return key


def _ids(owner: Owner) -> tuple[str, ...]:
    return (owner,) if isinstance(owner, str) else tuple(sorted(set(owner)))


def _names(owner: Owner) -> str:
    return " and ".join(_ids(owner))


def _context(field: str, ids: tuple[str, ...]) -> bytes:
    """What a seal is bound to besides its key."""
    return "\0".join(("arrears", field, *ids)).encode()


def _derived(key: bytes, use: bytes) -> bytes:
    return hmac.digest(key, b"arrears " + use, "sha256")


def _fingerprint(key: bytes) -> str:
    return _derived(key, b"fingerprint").hex()[:16]


def _encrypt(cipher: AESGCM, plain: bytes, context: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return _FORMAT + nonce + cipher.encrypt(nonce, plain, context)


def _decrypt(cipher: AESGCM, sealed: bytes, context: bytes) -> bytes:
    start = len(_FORMAT) + _NONCE_BYTES
    if not sealed.startswith(_FORMAT):
        raise SealBroken("this was sealed in a form that this version does not know")
    try:
        return cipher.decrypt(sealed[len(_FORMAT) : start], sealed[start:], context)
    except (InvalidTag, ValueError):
        raise SealBroken("this does not open: it was changed, or moved from elsewhere") from None


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), _MOST_AT_ONCE):
        yield ids[start : start + _MOST_AT_ONCE]
