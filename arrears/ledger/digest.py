"""How rows and records are hashed, so that anybody can do it again from the database alone: see ``docs/chain.md``.

A value becomes a text that is the same on every database: an instant as ``2026-11-21 09:00:00.000000`` in UTC, a day as ``2026-11-21``, an amount with
all its places, a truth value as ``1`` or ``0``, bytes as ``{"hex": …}``. A row is the JSON object (RFC 8785) of its columns that are not null, in the
order of their names, so that a column added later changes no digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from json import JSONEncoder

GENESIS = "0" * 64
"""What the first record has for the hash of the one before it."""

_json = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def row_digest(names: Sequence[str], values: Iterable[object]) -> str:
    """The SHA-256 of a row as a driver gave it, without any conversion of ours. ``names`` are all columns, sorted."""
    given = {
        name: value if type(value) is str else canonical(value) for name, value in zip(names, values, strict=True) if value is not None
    }
    return sha256(_json(given).encode()).hexdigest()


def row_key(values: Iterable[object]) -> str:
    """A primary key as text: its columns joined by commas; a comma or a backslash within one stands behind a backslash."""
    return ",".join(str(canonical(value)).replace("\\", "\\\\").replace(",", "\\,") for value in values)


def record_hash(seq: int, at: datetime, tbl: str, key: str, op: str, digest: str, previous: str) -> str:
    """The SHA-256 of the JSON array of a record's fields, all as text."""
    return sha256(_json([str(seq), canonical(at), tbl, key, op, digest, previous]).encode()).hexdigest()


def canonical(value: object) -> str | Mapping[str, str]:
    """A stored value as text. Raises ``TypeError`` for what has no exact text, such as a float."""
    match value:
        case str():
            return value
        case bool() | int():
            return str(int(value))
        case Decimal():
            return format(value, "f")
        case datetime():
            in_utc = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
            return in_utc.isoformat(" ", "microseconds")
        case date():
            return value.isoformat()
        case bytes():
            return {"hex": value.hex()}
        case _:
            raise TypeError(f"a value of type {type(value).__name__} cannot be chained: it has no exact text")
