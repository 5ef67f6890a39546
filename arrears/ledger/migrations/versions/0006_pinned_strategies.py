"""The strategies that cases run by, as they stood when the cases opened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "strategies",
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("length(content_hash) = 64", name=op.f("ck_strategies_content_hash")),
        sa.PrimaryKeyConstraint("content_hash", name=op.f("pk_strategies")),
    )


def downgrade() -> None:
    op.drop_table("strategies")
