"""People for the tests, sealed as the ledger wants them. Their keys follow from their ids, so that rows can be made anywhere."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, date, datetime
from typing import Any

from sqlmodel import SQLModel

from arrears.domain.retention import Keeping
from arrears.domain.strategy import Line
from arrears.ledger.tables import ContactKind, ContactPointRow, PersonRow, SubjectKeyRow
from arrears.ledger.vault import Field, Held, Keyring, Vault

KEY = bytes(range(32))
LEDGER_KEY = base64.b64encode(KEY).decode()
"""The ledger key of the tests, as settings want it."""

VAULT = Vault(KEY)
_ADMITTED = datetime(2026, 1, 1, tzinfo=UTC)


def key_of(person_id: str) -> bytes:
    return hashlib.sha256(person_id.encode()).digest()


def keys_of(*person_ids: str) -> Keyring:
    return Keyring({person_id: Held(key_of(person_id), Keeping.ACTIVE) for person_id in person_ids})


def person(
    id: str, name: str, *, zone: str | None = "Asia/Shanghai", language: str = "zh-CN", birth_date: date | None = None, **more: Any
) -> tuple[SQLModel, ...]:
    """A person and their key, to be stored in this order."""
    keys = keys_of(id)
    born = None if birth_date is None else keys.seal(id, Field.BIRTH_DATE, birth_date.isoformat())
    wrapped = VAULT.wrap(id, key_of(id))
    return (
        PersonRow(id=id, name=keys.seal(id, Field.NAME, name), zone=zone, language=language, birth_date=born, **more),
        SubjectKeyRow(person_id=id, wrapped_key=wrapped.wrapped_key, wrapped_by=wrapped.wrapped_by, created_at=_ADMITTED),
    )


def point(
    id: int | None,
    person_id: str,
    address: str,
    kind: ContactKind = ContactKind.MOBILE,
    line: Line = Line.REGISTERED,
    source: str = "contract",
    legal_basis: str = "contract",
    **more: Any,
) -> ContactPointRow:
    """An address of theirs."""
    keys = keys_of(person_id)
    return ContactPointRow(
        id=id,
        person_id=person_id,
        kind=kind,
        address=keys.seal(person_id, Field.ADDRESS, address),
        address_mark=keys.mark(person_id, address),
        line=line,
        source=source,
        legal_basis=legal_basis,
        **more,
    )
