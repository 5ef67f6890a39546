"""The tamper-evident record of the ledger: one entry for every row that was written, each bound to the entry before it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger
from sqlmodel import Field

from arrears.ledger.tables.columns import Row, code, must

HASH_LENGTH = 64
KEY_LENGTH = 1024


class Op(StrEnum):
    """What a transaction did to a row, seen from its end."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


class RecordRow(Row, table=True):
    """That a row of the table ``tbl`` was written at ``at`` (the machine's clock, when it was recorded), and the digest of what then stood in it.

    ``seq`` starts at 1 and has no gaps. ``hash`` is over everything else in the record, ``previous`` (the ``hash`` of the record before it) included;
    the first record's ``previous`` is 64 zeros. A deleted row has no digest: ``row_digest`` is empty. See ``ledger.chain`` for the encoding.
    """

    __table_args__ = (
        must("seq", "seq >= 1"),
        must("digest_unless_deleted", "length(row_digest) = CASE WHEN op = 'delete' THEN 0 ELSE 64 END"),
        must("previous", "length(previous) = 64"),
        must("hash", "length(hash) = 64"),
    )

    seq: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    at: datetime
    tbl: str = Field(max_length=64)
    row_key: str = Field(max_length=KEY_LENGTH)
    op: Op = Field(sa_type=code(Op))
    row_digest: str = Field(max_length=HASH_LENGTH)
    previous: str = Field(max_length=HASH_LENGTH)
    hash: str = Field(max_length=HASH_LENGTH)


class ChainHeadRow(Row, table=True):
    """The ``seq`` and ``hash`` of the last record, in the table's only row. Whoever appends holds its lock, and takes it last of all."""

    __table_args__ = (must("one_row", "id = 1"), must("seq", "seq >= 0"), must("hash", "length(hash) = 64"))

    id: int = Field(default=1, primary_key=True, sa_column_kwargs={"autoincrement": False})
    seq: int = Field(sa_type=BigInteger)
    hash: str = Field(max_length=HASH_LENGTH)
