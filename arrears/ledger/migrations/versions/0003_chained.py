"""Every write is chained to the one before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from arrears.ledger import rechain

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "records",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tbl", sa.String(64), nullable=False),
        sa.Column("row_key", sa.String(1024), nullable=False),
        sa.Column(
            "op",
            sa.Enum("insert", "update", "delete", name="op", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("row_digest", sa.String(64), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_records_seq")),
        sa.CheckConstraint(
            "length(row_digest) = CASE WHEN op = 'delete' THEN 0 ELSE 64 END", name=op.f("ck_records_digest_unless_deleted")
        ),
        sa.CheckConstraint("length(previous) = 64", name=op.f("ck_records_previous")),
        sa.CheckConstraint("length(hash) = 64", name=op.f("ck_records_hash")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_records")),
    )
    op.create_table(
        "chain_heads",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_chain_heads_one_row")),
        sa.CheckConstraint("seq >= 0", name=op.f("ck_chain_heads_seq")),
        sa.CheckConstraint("length(hash) = 64", name=op.f("ck_chain_heads_hash")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_heads")),
    )
    rechain.genesis(op.get_bind())


def downgrade() -> None:
    op.drop_table("chain_heads")
    op.drop_table("records")
