"""The facts that the law asks for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from arrears.ledger.rechain import rewriting

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_CODE = sa.String(32)
_AMOUNT = sa.Numeric(18, 4).with_variant(sa.String(20), "sqlite")

_CHANNELS = ("call", "sms", "email", "in_app")
_ALL_CHANNELS = (*_CHANNELS, "letter", "visit")
_PURPOSES = ("collect", "locate", "relay")
_ALL_PURPOSES = (
    *("collect", "remind", "offer", "locate", "relay", "notice", "reply", "verification", "confirm_opt_out"),
    *("terminate", "may_remedy", "will_remedy"),
)
_OUTCOMES = (
    *("answered_willing", "answered_delaying", "answered_refusing", "answered_disputes", "answered_hardship", "someone_else"),
    *("no_answer", "busy", "voicemail", "invalid_number", "delivered", "failed", "unknown", "relayed", "relative_refused"),
    *("not_sent", "denied", "skipped", "done"),
)
_ALL_OUTCOMES = (
    *("answered", "answered_willing", "answered_delaying", "answered_refusing", "answered_disputes", "answered_hardship", "someone_else"),
    *("no_answer", "busy", "voicemail", "invalid_number", "delivered", "bounced", "opted_out", "failed", "unknown", "relayed"),
    *("relative_refused", "not_sent", "denied", "skipped", "done"),
)
_RELATIONS = ("borrower", "joint", "guarantor", "spouse", "emergency", "contact")
_ALL_RELATIONS = (*_RELATIONS, "legal_representative", "executor", "attorney", "debt_adviser", "employer")
_CLASSES = (
    *("remind", "collect", "offer", "notice", "locate_only", "limited_content", "reply", "verification", "opt_out_confirmation"),
    *("terminate", "may_remedy", "will_remedy"),
)
_NOTICES = ("agency", "assignment", "credit", "default", "transfer", "validation", "verification", "visit")
_LENDERS = ("bank", "consumer_finance", "small_loan", "purchaser")
_WISHES = ("no_contact", "no_medium", "no_address", "no_hours")
_CONSENTS = (*("hours", "artificial_voice", "more_calls", "electronic_notices", "transfer", "texts", "third_party", "workplace", "visit"),)
_NEW_TABLES = ("wishes", "consents", "circumstances", "agencies", "notices", "reported_contacts")
_CIRCUMSTANCES = ("vulnerable", "elderly", "disabled", "student", "active_duty")


def upgrade() -> None:
    _widen()
    _more_of_people()
    _more_of_loans()
    _more_of_contacts()
    _wishes()
    _opt_outs_become_wishes()
    _agencies()


def downgrade() -> None:
    _wishes_become_opt_outs()
    for index, table in (("ix_reported_contacts_person_at", "reported_contacts"), ("ix_reported_contacts_loan_id", "reported_contacts")):
        op.drop_index(op.f(index), table)
    op.drop_table("reported_contacts")
    op.drop_index(op.f("ix_notices_loan_id"), "notices")
    op.drop_table("notices")
    op.drop_table("agencies")
    for table in ("circumstances", "consents", "wishes"):
        op.drop_index(op.f(f"ix_{table}_person_id"), table)
        op.drop_table(table)
    with op.batch_alter_table("attempts") as attempts:
        for column in ("klass", "notice"):
            attempts.drop_constraint(op.f(f"ck_attempts_{_type_of(column)}"), type_="check")
        for column in ("klass", "notice", "sender", "artificial_voice"):
            attempts.drop_column(column)
    with op.batch_alter_table("verdicts") as verdicts:
        for column in ("action", "permanent", "regimes", "clock"):
            verdicts.drop_column(column)
        verdicts.alter_column("regime", existing_type=sa.String(48), nullable=False)
        verdicts.alter_column("regime_version", existing_type=sa.Integer(), nullable=False)
    with op.batch_alter_table("holds") as holds:
        for column in ("loan_id", "person_id"):
            holds.drop_constraint(op.f(f"fk_holds_{column}"), type_="foreignkey")
        holds.alter_column("case_id", existing_type=sa.String(128), nullable=False)
        for column in ("person_id", "details", "recorded_at", "lift_recorded_at"):
            holds.drop_column(column)
    with op.batch_alter_table("relations") as relations:
        for column in ("liable_up_to", "estate_value"):
            relations.drop_constraint(op.f(f"ck_relations_{column}"), type_="check")
        for column in ("volunteered", "liable_up_to", "estate_value", "disclaimed_at", "may_ask_again_at", "steps_aside_at"):
            relations.drop_column(column)
    with op.batch_alter_table("loans") as loans:
        loans.drop_constraint(op.f("ck_loans_annual_cost"), type_="check")
        loans.drop_constraint(op.f("ck_loans_lenderkind"), type_="check")
        for column in ("account", "annual_cost", "limitation_ends_on", "lender_kind"):
            loans.drop_column(column)
    with op.batch_alter_table("contact_points") as points:
        points.drop_constraint(op.f("ck_contact_points_place"), type_="check")
        for column in ("country", "zone", "other_zones", "place", "employer_forbids_at", "reassignment_checked_at"):
            points.drop_column(column)
    with op.batch_alter_table("persons") as persons:
        persons.drop_column("residence")
    _narrow()


def _widen() -> None:
    """More codes, and only those who are asked about others need an approval."""
    with op.batch_alter_table("attempts") as attempts:
        _allow(attempts, "attempts", "channel", _ALL_CHANNELS)
        _allow(attempts, "attempts", "purpose", _ALL_PURPOSES)
        _allow(attempts, "attempts", "outcome", _ALL_OUTCOMES)
        attempts.drop_constraint(op.f("ck_attempts_approved_unless_collect"), type_="check")
        attempts.create_check_constraint(
            op.f("ck_attempts_others_only_if_approved"), "purpose NOT IN ('locate', 'relay') OR approval_id IS NOT NULL"
        )
    with op.batch_alter_table("approvals") as approvals:
        _allow(approvals, "approvals", "purpose", _ALL_PURPOSES)
    with op.batch_alter_table("relations") as relations:
        _allow(relations, "relations", "role", _ALL_RELATIONS)


def _narrow() -> None:
    with op.batch_alter_table("attempts") as attempts:
        _allow(attempts, "attempts", "channel", _CHANNELS)
        _allow(attempts, "attempts", "purpose", _PURPOSES)
        _allow(attempts, "attempts", "outcome", _OUTCOMES)
        attempts.drop_constraint(op.f("ck_attempts_others_only_if_approved"), type_="check")
        attempts.create_check_constraint(op.f("ck_attempts_approved_unless_collect"), "purpose = 'collect' OR approval_id IS NOT NULL")
    with op.batch_alter_table("approvals") as approvals:
        _allow(approvals, "approvals", "purpose", _PURPOSES)
    with op.batch_alter_table("relations") as relations:
        _allow(relations, "relations", "role", _RELATIONS)


def _more_of_people() -> None:
    with op.batch_alter_table("persons") as persons:
        persons.add_column(sa.Column("residence", sa.String(6), nullable=True))
    with op.batch_alter_table("contact_points") as points:
        points.add_column(sa.Column("country", sa.String(6), nullable=True))
        points.add_column(sa.Column("zone", sa.String(64), nullable=True))
        points.add_column(sa.Column("other_zones", sa.JSON(), nullable=True))
        points.add_column(sa.Column("place", _CODE, nullable=True))
        points.add_column(sa.Column("employer_forbids_at", _INSTANT, nullable=True))
        points.add_column(sa.Column("reassignment_checked_at", _INSTANT, nullable=True))
        points.create_check_constraint(op.f("ck_contact_points_place"), _one_of("place", ("home", "work")))


def _more_of_loans() -> None:
    with op.batch_alter_table("loans") as loans:
        loans.add_column(sa.Column("account", sa.String(64), nullable=True))
        loans.add_column(sa.Column("annual_cost", _AMOUNT, nullable=True))
        loans.add_column(sa.Column("limitation_ends_on", sa.Date(), nullable=True))
        loans.add_column(sa.Column("lender_kind", _CODE, nullable=True))
        loans.create_check_constraint(op.f("ck_loans_annual_cost"), "CAST(annual_cost AS NUMERIC) >= 0")
        loans.create_check_constraint(op.f("ck_loans_lenderkind"), _one_of("lender_kind", _LENDERS))
    with op.batch_alter_table("relations") as relations:
        relations.add_column(sa.Column("volunteered", sa.String(200), nullable=True))
        for column in ("liable_up_to", "estate_value"):
            relations.add_column(sa.Column(column, _AMOUNT, nullable=True))
            relations.create_check_constraint(op.f(f"ck_relations_{column}"), f"CAST({column} AS NUMERIC) >= 0")
        for column in ("disclaimed_at", "may_ask_again_at", "steps_aside_at"):
            relations.add_column(sa.Column(column, _INSTANT, nullable=True))
    with op.batch_alter_table("holds") as holds:
        holds.alter_column("case_id", existing_type=sa.String(128), nullable=True)
        holds.add_column(sa.Column("person_id", sa.String(128), nullable=True))
        holds.add_column(sa.Column("details", sa.JSON(), nullable=True))
        holds.add_column(sa.Column("recorded_at", _INSTANT, nullable=True))
        holds.add_column(sa.Column("lift_recorded_at", _INSTANT, nullable=True))
        holds.create_foreign_key(op.f("fk_holds_loan_id"), "loans", ["loan_id"], ["id"])
        holds.create_foreign_key(op.f("fk_holds_person_id"), "persons", ["person_id"], ["id"])


def _more_of_contacts() -> None:
    with op.batch_alter_table("attempts") as attempts:
        attempts.add_column(sa.Column("klass", _CODE, nullable=True))
        attempts.add_column(sa.Column("notice", _CODE, nullable=True))
        attempts.add_column(sa.Column("sender", sa.String(64), nullable=True))
        attempts.add_column(sa.Column("artificial_voice", sa.Boolean(), nullable=True))
        attempts.create_check_constraint(op.f("ck_attempts_messageclass"), _one_of("klass", _CLASSES))
        attempts.create_check_constraint(op.f("ck_attempts_noticekind"), _one_of("notice", _NOTICES))
    with op.batch_alter_table("verdicts") as verdicts:
        verdicts.add_column(sa.Column("action", _CODE, nullable=True))
        verdicts.add_column(sa.Column("permanent", sa.Boolean(), nullable=True))
        verdicts.add_column(sa.Column("regimes", sa.JSON(), nullable=True))
        verdicts.add_column(sa.Column("clock", sa.JSON(), nullable=True))
        verdicts.alter_column("regime", existing_type=sa.String(48), nullable=True)
        verdicts.alter_column("regime_version", existing_type=sa.Integer(), nullable=True)


def _wishes() -> None:
    op.create_table(
        "wishes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(128), nullable=False),
        sa.Column("kind", _CODE, nullable=False),
        sa.Column("channel", _CODE, nullable=True),
        sa.Column("contact_point_id", sa.Integer(), nullable=True),
        sa.Column("starts", sa.String(5), nullable=True),
        sa.Column("ends", sa.String(5), nullable=True),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("withdrawn_at", _INSTANT, nullable=True),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.CheckConstraint(_one_of("kind", _WISHES), name=op.f("ck_wishes_wishkind")),
        sa.CheckConstraint(_one_of("channel", _ALL_CHANNELS), name=op.f("ck_wishes_channel")),
        sa.CheckConstraint("(kind = 'no_medium') = (channel IS NOT NULL)", name=op.f("ck_wishes_names_medium")),
        sa.CheckConstraint("(kind = 'no_address') = (contact_point_id IS NOT NULL)", name=op.f("ck_wishes_names_address")),
        sa.CheckConstraint("(kind = 'no_hours') = (starts IS NOT NULL)", name=op.f("ck_wishes_names_hours")),
        sa.CheckConstraint("(starts IS NULL) = (ends IS NULL)", name=op.f("ck_wishes_hours")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_wishes_person_id")),
        sa.ForeignKeyConstraint(
            ["contact_point_id", "person_id"],
            ["contact_points.id", "contact_points.person_id"],
            name=op.f("fk_wishes_contact_point_id_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wishes")),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(128), nullable=False),
        sa.Column("kind", _CODE, nullable=False),
        sa.Column("channel", _CODE, nullable=True),
        sa.Column("starts", sa.String(5), nullable=True),
        sa.Column("ends", sa.String(5), nullable=True),
        sa.Column("given_at", _INSTANT, nullable=False),
        sa.Column("ends_at", _INSTANT, nullable=True),
        sa.Column("withdrawn_at", _INSTANT, nullable=True),
        sa.Column("evidence", sa.String(200), nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.CheckConstraint(_one_of("kind", _CONSENTS), name=op.f("ck_consents_consentkind")),
        sa.CheckConstraint(_one_of("channel", _ALL_CHANNELS), name=op.f("ck_consents_channel")),
        sa.CheckConstraint("(kind = 'hours') = (starts IS NOT NULL)", name=op.f("ck_consents_names_hours")),
        sa.CheckConstraint("(starts IS NULL) = (ends IS NULL)", name=op.f("ck_consents_hours")),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > given_at", name=op.f("ck_consents_ends_after_given")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_consents_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_table(
        "circumstances",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(128), nullable=False),
        sa.Column("kind", _CODE, nullable=False),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("until", _INSTANT, nullable=True),
        sa.Column("evidence", sa.String(200), nullable=True),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.CheckConstraint(_one_of("kind", _CIRCUMSTANCES), name=op.f("ck_circumstances_circumstance")),
        sa.CheckConstraint("until IS NULL OR until > since", name=op.f("ck_circumstances_until_after_since")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_circumstances_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_circumstances")),
    )
    for table in ("wishes", "consents", "circumstances"):
        op.create_index(op.f(f"ix_{table}_person_id"), table, ["person_id"], unique=False)


def _opt_outs_become_wishes() -> None:
    connection = op.get_bind()
    with rewriting(connection, "persons", "contact_points", "wishes"):
        op.execute(
            "INSERT INTO wishes (person_id, kind, at, source, recorded_at) "
            "SELECT id, 'no_contact', opted_out_at, 'migration', opted_out_at FROM persons WHERE opted_out_at IS NOT NULL ORDER BY id"
        )
        op.execute(
            "INSERT INTO wishes (person_id, kind, contact_point_id, at, source, recorded_at) "
            "SELECT person_id, 'no_address', id, opted_out_at, 'migration', opted_out_at FROM contact_points "
            "WHERE opted_out_at IS NOT NULL ORDER BY id"
        )
        for table in ("persons", "contact_points"):
            with op.batch_alter_table(table) as rows:
                rows.drop_column("opted_out_at")


def _wishes_become_opt_outs() -> None:
    """What has no place in the old tables is gone, and the chain says so."""
    connection = op.get_bind()
    with rewriting(connection, "persons", "contact_points", *_NEW_TABLES):
        for table in ("persons", "contact_points"):
            with op.batch_alter_table(table) as rows:
                rows.add_column(sa.Column("opted_out_at", _INSTANT, nullable=True))
        standing = "SELECT MIN(w.at) FROM wishes w WHERE w.withdrawn_at IS NULL"
        op.execute(
            f"UPDATE persons SET opted_out_at = ({standing} AND w.kind = 'no_contact' AND w.person_id = persons.id)"  # noqa: S608
        )
        op.execute(
            "UPDATE contact_points SET opted_out_at = "  # noqa: S608
            f"({standing} AND w.kind = 'no_address' AND w.contact_point_id = contact_points.id)"
        )
        for table in _NEW_TABLES:
            op.execute(f"DELETE FROM {table}")  # noqa: S608


def _agencies() -> None:
    op.create_table(
        "agencies",
        sa.Column("id", sa.String(48), nullable=False),
        sa.Column("listed_from", sa.Date(), nullable=True),
        sa.Column("listed_until", sa.Date(), nullable=True),
        sa.Column("contract_from", sa.Date(), nullable=True),
        sa.Column("contract_until", sa.Date(), nullable=True),
        sa.Column("reviewed_on", sa.Date(), nullable=True),
        sa.Column("closing_review_on", sa.Date(), nullable=True),
        sa.Column("sub_agency", sa.Boolean(), nullable=False),
        sa.Column("misconduct_since", sa.Date(), nullable=True),
        sa.Column("assessment_id", sa.String(200), nullable=True),
        sa.Column("agreed", sa.JSON(), nullable=False),
        sa.Column("feed_at", _INSTANT, nullable=True),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.CheckConstraint("listed_until IS NULL OR listed_from IS NOT NULL", name=op.f("ck_agencies_listed_until")),
        sa.CheckConstraint("contract_until IS NULL OR contract_from IS NOT NULL", name=op.f("ck_agencies_contract_until")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agencies")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("loan_id", sa.String(128), nullable=False),
        sa.Column("person_id", sa.String(128), nullable=False),
        sa.Column("kind", _CODE, nullable=False),
        sa.Column("agency", sa.String(48), nullable=True),
        sa.Column("sent_at", _INSTANT, nullable=False),
        sa.Column("delivered_at", _INSTANT, nullable=True),
        sa.Column("bounced_at", _INSTANT, nullable=True),
        sa.Column("attempt_id", sa.String(200), nullable=True),
        sa.Column("evidence", sa.String(200), nullable=True),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.CheckConstraint(_one_of("kind", _NOTICES), name=op.f("ck_notices_noticekind")),
        sa.CheckConstraint("delivered_at IS NULL OR bounced_at IS NULL", name=op.f("ck_notices_delivered_or_bounced")),
        sa.CheckConstraint("delivered_at IS NULL OR delivered_at >= sent_at", name=op.f("ck_notices_delivered_after_sent")),
        sa.CheckConstraint("bounced_at IS NULL OR bounced_at >= sent_at", name=op.f("ck_notices_bounced_after_sent")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name=op.f("fk_notices_attempt_id")),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name=op.f("fk_notices_loan_id")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_notices_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("loan_id", "person_id", "kind", "sent_at", name=op.f("uq_notices_loan_id_person_id_kind_sent_at")),
    )
    op.create_index(op.f("ix_notices_loan_id"), "notices", ["loan_id"], unique=False)
    op.create_table(
        "reported_contacts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(48), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("loan_id", sa.String(128), nullable=False),
        sa.Column("person_id", sa.String(128), nullable=False),
        sa.Column("channel", _CODE, nullable=False),
        sa.Column("direction", _CODE, nullable=False),
        sa.Column("outcome", _CODE, nullable=True),
        sa.Column("contact_point_id", sa.Integer(), nullable=True),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.CheckConstraint(_one_of("channel", _ALL_CHANNELS), name=op.f("ck_reported_contacts_channel")),
        sa.CheckConstraint(_one_of("direction", ("out", "in")), name=op.f("ck_reported_contacts_direction")),
        sa.CheckConstraint(_one_of("outcome", _ALL_OUTCOMES), name=op.f("ck_reported_contacts_outcome")),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name=op.f("fk_reported_contacts_loan_id")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_reported_contacts_person_id")),
        sa.ForeignKeyConstraint(
            ["contact_point_id", "person_id"],
            ["contact_points.id", "contact_points.person_id"],
            name=op.f("fk_reported_contacts_contact_point_id_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reported_contacts")),
        sa.UniqueConstraint("source", "key", name=op.f("uq_reported_contacts_source_key")),
    )
    op.create_index("ix_reported_contacts_person_at", "reported_contacts", ["person_id", "at"], unique=False)
    op.create_index(op.f("ix_reported_contacts_loan_id"), "reported_contacts", ["loan_id"], unique=False)


def _allow(batch: Any, table: str, column: str, values: tuple[str, ...]) -> None:
    """The codes that a column may have from now on."""
    name = op.f(f"ck_{table}_{_type_of(column)}")
    batch.drop_constraint(name, type_="check")
    batch.create_check_constraint(name, _one_of(column, values))


def _type_of(column: str) -> str:
    """Under which name a column's codes are checked."""
    return {"role": "relation", "klass": "messageclass", "notice": "noticekind"}.get(column, column)


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
