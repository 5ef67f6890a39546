"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operators",
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "collector",
                "supervisor",
                "risk_control",
                "auditor",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operators")),
    )
    op.create_table(
        "persons",
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("zone", sa.String(64), nullable=True),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("opted_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
    )
    op.create_table(
        "contact_points",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(128), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("mobile", "landline", "email", "in_app", name="contactkind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column(
            "line", sa.Enum("registered", "reserve", name="line", native_enum=False, create_constraint=True, length=32), nullable=False
        ),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("legal_basis", sa.String(64), nullable=False),
        sa.Column("invalid_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opted_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(address) > 0", name=op.f("ck_contact_points_address_given")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_contact_points_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_points")),
        sa.UniqueConstraint("id", "person_id", name=op.f("uq_contact_points_id_person_id")),
        sa.UniqueConstraint("person_id", "kind", "address", name=op.f("uq_contact_points_person_id_kind_address")),
    )
    op.create_index(op.f("ix_contact_points_address"), "contact_points", ["address"], unique=False)

    op.create_table(
        "loans",
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("borrower_id", sa.String(128), nullable=False),
        sa.Column("lender", sa.String(200), nullable=False),
        sa.Column("product", sa.String(64), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("strategy", sa.String(48), nullable=False),
        sa.Column("language", sa.String(35), nullable=True),
        sa.Column("held_for", sa.String(120), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(currency) = 3 AND currency = upper(currency)", name=op.f("ck_loans_currency_code")),
        sa.ForeignKeyConstraint(["borrower_id"], ["persons.id"], name=op.f("fk_loans_borrower_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loans")),
        sa.UniqueConstraint("id", "currency", name=op.f("uq_loans_id_currency")),
    )
    op.create_index(op.f("ix_loans_borrower_id"), "loans", ["borrower_id"], unique=False)

    op.create_table(
        "cases",
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("loan_id", sa.String(128), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("run_key", sa.String(200), nullable=False),
        sa.Column("strategy", sa.String(48), nullable=False),
        sa.Column("strategy_version", sa.Integer(), nullable=False),
        sa.Column("strategy_hash", sa.String(64), nullable=False),
        sa.Column("payments_counted", sa.JSON(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "cured",
                "settled",
                "on_plan_completed",
                "withdrawn",
                "sold",
                "written_off",
                "judgment",
                "deceased_estate",
                name="caseoutcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name=op.f("ck_cases_closed_with_outcome")),
        sa.CheckConstraint("cycle >= 1", name=op.f("ck_cases_cycle")),
        sa.CheckConstraint("length(strategy_hash) = 64", name=op.f("ck_cases_strategy_hash")),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name=op.f("fk_cases_loan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("id", "loan_id", name=op.f("uq_cases_id_loan_id")),
        sa.UniqueConstraint("loan_id", "cycle", name=op.f("uq_cases_loan_id_cycle")),
        sa.UniqueConstraint("run_key", name=op.f("uq_cases_run_key")),
    )
    op.create_index(
        "uq_cases_one_open_per_loan",
        "cases",
        ["loan_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )

    op.create_table(
        "instalments",
        sa.Column("loan_id", sa.String(128), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("principal", sa.Numeric(18, 4).with_variant(sa.String(20), "sqlite"), nullable=False),
        sa.Column("interest", sa.Numeric(18, 4).with_variant(sa.String(20), "sqlite"), nullable=False),
        sa.Column("fees", sa.Numeric(18, 4).with_variant(sa.String(20), "sqlite"), nullable=False),
        sa.CheckConstraint("CAST(fees AS NUMERIC) >= 0", name=op.f("ck_instalments_fees")),
        sa.CheckConstraint("CAST(interest AS NUMERIC) >= 0", name=op.f("ck_instalments_interest")),
        sa.CheckConstraint(
            "CAST(principal AS NUMERIC) + CAST(interest AS NUMERIC) + CAST(fees AS NUMERIC) > 0", name=op.f("ck_instalments_owed")
        ),
        sa.CheckConstraint("CAST(principal AS NUMERIC) >= 0", name=op.f("ck_instalments_principal")),
        sa.CheckConstraint("n >= 1", name=op.f("ck_instalments_n")),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name=op.f("fk_instalments_loan_id")),
        sa.PrimaryKeyConstraint("loan_id", "n", name=op.f("pk_instalments")),
        sa.UniqueConstraint("loan_id", "due_on", name=op.f("uq_instalments_loan_id_due_on")),
    )
    op.create_table(
        "payments",
        sa.Column("payment_id", sa.String(128), nullable=False),
        sa.Column("loan_id", sa.String(128), nullable=False),
        sa.Column("amount", sa.Numeric(18, 4).with_variant(sa.String(20), "sqlite"), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value_date", sa.Date(), nullable=True),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("CAST(amount AS NUMERIC) > 0", name=op.f("ck_payments_amount")),
        sa.ForeignKeyConstraint(["loan_id", "currency"], ["loans.id", "loans.currency"], name=op.f("fk_payments_loan_id_currency")),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payments")),
    )
    op.create_index(op.f("ix_payments_loan_id"), "payments", ["loan_id"], unique=False)

    op.create_table(
        "relations",
        sa.Column("loan_id", sa.String(128), nullable=False),
        sa.Column("person_id", sa.String(128), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "borrower",
                "joint",
                "guarantor",
                "spouse",
                "emergency",
                "contact",
                name="relation",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("evidence", sa.String(200), nullable=True),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role <> 'borrower'", name=op.f("ck_relations_not_the_borrower")),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name=op.f("fk_relations_loan_id")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_relations_person_id")),
        sa.PrimaryKeyConstraint("loan_id", "person_id", name=op.f("pk_relations")),
    )
    op.create_index(op.f("ix_relations_person_id"), "relations", ["person_id"], unique=False)

    op.create_table(
        "relays",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("loan_id", sa.String(128), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("key", sa.String(256), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name=op.f("fk_relays_loan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relays")),
        sa.UniqueConstraint("key", name=op.f("uq_relays_key")),
    )
    op.create_index(
        "ix_relays_undelivered",
        "relays",
        ["id"],
        unique=False,
        sqlite_where=sa.text("delivered_at IS NULL"),
        postgresql_where=sa.text("delivered_at IS NULL"),
    )

    op.create_table(
        "approvals",
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("case_id", sa.String(128), nullable=False),
        sa.Column("step", sa.String(200), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "collector",
                "supervisor",
                "risk_control",
                "auditor",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "purpose",
            sa.Enum("collect", "locate", "relay", name="purpose", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
        sa.Column("message", sa.String(48), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("requested_by", sa.String(128), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open", "approved", "denied", "expired", "void", name="approvalstate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("decided_by", sa.String(128), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("void_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why_void", sa.String(200), nullable=True),
        sa.CheckConstraint("(state = 'void') = (why_void IS NOT NULL)", name=op.f("ck_approvals_void_with_reason")),
        sa.CheckConstraint("state NOT IN ('approved', 'denied') OR decided_by IS NOT NULL", name=op.f("ck_approvals_decided_by_somebody")),
        sa.CheckConstraint("state NOT IN ('open', 'expired') OR decided_by IS NULL", name=op.f("ck_approvals_undecided_by_nobody")),
        sa.CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name=op.f("ck_approvals_decided_by_and_at")),
        sa.CheckConstraint("(purpose IS NULL) = (message IS NULL)", name=op.f("ck_approvals_purpose_and_message")),
        sa.CheckConstraint("(void_at IS NULL) = (why_void IS NULL)", name=op.f("ck_approvals_void_at_and_why")),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> requested_by", name=op.f("ck_approvals_four_eyes")),
        sa.CheckConstraint("remind_at < deadline", name=op.f("ck_approvals_reminds_before_deadline")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_approvals_case_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["operators.id"], name=op.f("fk_approvals_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index(op.f("ix_approvals_case_id"), "approvals", ["case_id"], unique=False)
    op.create_index("ix_approvals_state_deadline", "approvals", ["state", "deadline"], unique=False)

    op.create_table(
        "case_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(128), nullable=False),
        sa.Column("event_key", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_events_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_events")),
        sa.UniqueConstraint("case_id", "event_key", name=op.f("uq_case_events_case_id_event_key")),
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(128), nullable=False),
        sa.Column("loan_id", sa.String(128), nullable=False),
        sa.Column("reason", sa.String(120), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("until IS NULL OR until > placed_at", name=op.f("ck_holds_until_after_placed")),
        sa.ForeignKeyConstraint(["case_id", "loan_id"], ["cases.id", "cases.loan_id"], name=op.f("fk_holds_case_id_loan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
        sa.UniqueConstraint("case_id", "reason", "placed_at", name=op.f("uq_holds_case_id_reason_placed_at")),
    )
    op.create_index(op.f("ix_holds_loan_id"), "holds", ["loan_id"], unique=False)

    op.create_table(
        "tasks",
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("case_id", sa.String(128), nullable=False),
        sa.Column("loan_id", sa.String(128), nullable=False),
        sa.Column("step", sa.String(200), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "dedicated_collector",
                "legal_consultation",
                "counselling",
                "investigation",
                "preserve_evidence",
                "confirm_plan",
                name="taskkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "role",
            sa.Enum(
                "collector",
                "supervisor",
                "risk_control",
                "auditor",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum("open", "done", "cancelled", name="taskstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assignee", sa.String(128), nullable=True),
        sa.CheckConstraint("(state = 'open') = (done_at IS NULL)", name=op.f("ck_tasks_ended_with_time")),
        sa.ForeignKeyConstraint(["assignee"], ["operators.id"], name=op.f("fk_tasks_assignee")),
        sa.ForeignKeyConstraint(["case_id", "loan_id"], ["cases.id", "cases.loan_id"], name=op.f("fk_tasks_case_id_loan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index(op.f("ix_tasks_case_id"), "tasks", ["case_id"], unique=False)

    op.create_table(
        "approval_persons",
        sa.Column("approval_id", sa.String(128), nullable=False),
        sa.Column("person_id", sa.String(128), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.CheckConstraint("length(content_hash) = 64", name=op.f("ck_approval_persons_content_hash")),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_approval_persons_approval_id")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_approval_persons_person_id")),
        sa.PrimaryKeyConstraint("approval_id", "person_id", name=op.f("pk_approval_persons")),
        sa.UniqueConstraint(
            "approval_id", "person_id", "content_hash", name=op.f("uq_approval_persons_approval_id_person_id_content_hash")
        ),
    )
    op.create_table(
        "referrals",
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("case_id", sa.String(128), nullable=False),
        sa.Column("loan_id", sa.String(128), nullable=False),
        sa.Column("step", sa.String(200), nullable=False),
        sa.Column(
            "target",
            sa.Enum(
                "agency",
                "overdue_list",
                "credit_report",
                "lawyer",
                "debt_sale",
                "lawsuit",
                "defaulter_list",
                name="referral",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("agency", sa.String(48), nullable=True),
        sa.Column(
            "state",
            sa.Enum("sent", "recalled", "ended", name="referralstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("gateway_ref", sa.String(200), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approval_id", sa.String(128), nullable=True),
        sa.CheckConstraint("(state = 'recalled') = (recalled_at IS NOT NULL)", name=op.f("ck_referrals_recalled_with_time")),
        sa.CheckConstraint("(target = 'agency') = (agency IS NOT NULL)", name=op.f("ck_referrals_names_the_agency")),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_referrals_approval_id")),
        sa.ForeignKeyConstraint(["case_id", "loan_id"], ["cases.id", "cases.loan_id"], name=op.f("fk_referrals_case_id_loan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
    )
    op.create_index(op.f("ix_referrals_case_id"), "referrals", ["case_id"], unique=False)

    op.create_table(
        "verdicts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("attempt_id", sa.String(200), nullable=False),
        sa.Column("case_id", sa.String(128), nullable=False),
        sa.Column("person_id", sa.String(128), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum("allow", "defer", "needs_approval", "deny", name="effect", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("observed", sa.JSON(), nullable=False),
        sa.Column("facts_hash", sa.String(64), nullable=False),
        sa.Column("regime", sa.String(48), nullable=False),
        sa.Column("regime_version", sa.Integer(), nullable=False),
        sa.Column("approval_id", sa.String(128), nullable=True),
        sa.CheckConstraint("(verdict = 'defer') = (until IS NOT NULL)", name=op.f("ck_verdicts_deferred_until")),
        sa.CheckConstraint("length(facts_hash) = 64", name=op.f("ck_verdicts_facts_hash")),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_verdicts_approval_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_verdicts_case_id")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_verdicts_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
    )
    op.create_index(op.f("ix_verdicts_attempt_id"), "verdicts", ["attempt_id"], unique=False)
    op.create_index(op.f("ix_verdicts_case_id"), "verdicts", ["case_id"], unique=False)

    op.create_table(
        "attempts",
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("case_id", sa.String(128), nullable=False),
        sa.Column("loan_id", sa.String(128), nullable=False),
        sa.Column("person_id", sa.String(128), nullable=False),
        sa.Column("contact_point_id", sa.Integer(), nullable=True),
        sa.Column(
            "channel",
            sa.Enum("call", "sms", "email", "in_app", name="channel", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "purpose",
            sa.Enum("collect", "locate", "relay", name="purpose", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("message", sa.String(48), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("locale", sa.String(35), nullable=False),
        sa.Column(
            "state",
            sa.Enum("reserved", "sent", "settled", "cancelled", name="attemptstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "outcome",
            sa.Enum(
                "answered_willing",
                "answered_delaying",
                "answered_refusing",
                "answered_disputes",
                "answered_hardship",
                "someone_else",
                "no_answer",
                "busy",
                "voicemail",
                "invalid_number",
                "delivered",
                "failed",
                "unknown",
                "relayed",
                "relative_refused",
                "not_sent",
                "denied",
                "skipped",
                "done",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("gateway_ref", sa.String(200), nullable=True),
        sa.Column("approval_id", sa.String(128), nullable=True),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("task_token", sa.LargeBinary(), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.CheckConstraint("(state = 'settled') = (outcome IS NOT NULL)", name=op.f("ck_attempts_outcome_when_settled")),
        sa.CheckConstraint("purpose = 'collect' OR approval_id IS NOT NULL", name=op.f("ck_attempts_approved_unless_collect")),
        sa.CheckConstraint("sent_at IS NULL OR state IN ('sent', 'settled')", name=op.f("ck_attempts_unsent_without_time")),
        sa.CheckConstraint("settled_at IS NULL OR state IN ('settled', 'cancelled')", name=op.f("ck_attempts_unsettled_without_time")),
        sa.CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name=op.f("ck_attempts_sent_with_time")),
        sa.CheckConstraint("state <> 'settled' OR settled_at IS NOT NULL", name=op.f("ck_attempts_settled_with_time")),
        sa.CheckConstraint("length(content_hash) = 64", name=op.f("ck_attempts_content_hash")),
        sa.ForeignKeyConstraint(
            ["approval_id", "person_id", "content_hash"],
            ["approval_persons.approval_id", "approval_persons.person_id", "approval_persons.content_hash"],
            name=op.f("fk_attempts_approval_id_person_id_content_hash"),
        ),
        sa.ForeignKeyConstraint(["case_id", "loan_id"], ["cases.id", "cases.loan_id"], name=op.f("fk_attempts_case_id_loan_id")),
        sa.ForeignKeyConstraint(
            ["contact_point_id", "person_id"],
            ["contact_points.id", "contact_points.person_id"],
            name=op.f("fk_attempts_contact_point_id_person_id"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_attempts_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_case_id"), "attempts", ["case_id"], unique=False)
    op.create_index("ix_attempts_loan_reserved", "attempts", ["loan_id", "reserved_at"], unique=False)
    op.create_index("ix_attempts_person_reserved", "attempts", ["person_id", "reserved_at"], unique=False)


def downgrade() -> None:
    for table in (
        "attempts",
        "verdicts",
        "referrals",
        "approval_persons",
        "tasks",
        "holds",
        "case_events",
        "approvals",
        "relays",
        "relations",
        "payments",
        "instalments",
        "cases",
        "loans",
        "contact_points",
        "persons",
        "operators",
    ):
        op.drop_table(table)
