"""Where people, and the holders of their numbers, were taken to be before the ledger was told otherwise."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "earlier_homes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(128), nullable=False),
        sa.Column("contact_point_id", sa.Integer(), nullable=True),
        sa.Column("zone", sa.String(64), nullable=True),
        sa.Column("residence", sa.String(6), nullable=True),
        sa.Column("place", sa.Enum("home", "work", name="place", native_enum=False, create_constraint=True, length=32), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_point_id", "person_id"],
            ["contact_points.id", "contact_points.person_id"],
            name=op.f("fk_earlier_homes_contact_point_id_person_id_contact_points"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_earlier_homes_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_earlier_homes")),
    )
    op.create_index(op.f("ix_earlier_homes_person_id"), "earlier_homes", ["person_id"])


def downgrade() -> None:
    op.drop_table("earlier_homes")
