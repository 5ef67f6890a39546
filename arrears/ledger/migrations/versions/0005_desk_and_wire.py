"""Who may come in, what they did, and what keeps talk with other machines exact."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_CODE = sa.String(32)


def upgrade() -> None:
    op.create_table(
        "answers",
        sa.Column("caller", sa.String(128), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("begun_at", _INSTANT, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("headers", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint("length(digest) = 64", name=op.f("ck_answers_digest")),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_answers")),
    )
    op.create_table(
        "audits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("actor_kind", _CODE, nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("role", sa.String(32), nullable=True),
        sa.Column("action", sa.String(48), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("loan_id", sa.String(128), nullable=True),
        sa.Column("person_id", sa.String(128), nullable=True),
        sa.Column("subject", sa.String(200), nullable=True),
        sa.Column("reason", sa.String(200), nullable=True),
        sa.Column("request_id", sa.String(64), nullable=True),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint(_one_of("actor_kind", "operator", "client", "gateway", "house"), name=op.f("ck_audits_actorkind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audits")),
    )
    op.create_index(op.f("ix_audits_action"), "audits", ["action"], unique=False)
    op.create_index("ix_audits_actor_at", "audits", ["actor", "at"], unique=False)
    op.create_index("ix_audits_loan_at", "audits", ["loan_id", "at"], unique=False)
    op.create_table(
        "clients",
        sa.Column("id", sa.String(48), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("agency", sa.String(48), nullable=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=True),
        sa.Column("revoked_at", _INSTANT, nullable=True),
        sa.CheckConstraint("length(token_digest) = 64", name=op.f("ck_clients_token_digest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_clients_token_digest")),
    )
    op.create_table(
        "cursors",
        sa.Column("reader", sa.String(48), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_cursors")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("key", sa.String(256), nullable=False),
        sa.Column("kind", sa.String(48), nullable=False),
        sa.Column("loan_id", sa.String(128), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("state", _CODE, nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_problem", sa.String(120), nullable=True),
        sa.Column("delivered_at", _INSTANT, nullable=True),
        sa.CheckConstraint(_one_of("state", "waiting", "delivered", "dead"), name=op.f("ck_deliveries_deliverystate")),
        sa.CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)", name=op.f("ck_deliveries_delivered_with_time")),
        sa.CheckConstraint("(state = 'waiting') = (due_at IS NOT NULL)", name=op.f("ck_deliveries_waiting_with_time")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("key", name=op.f("uq_deliveries_key")),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(op.f("ix_deliveries_kind"), "deliveries", ["kind"], unique=False)
    op.create_index(op.f("ix_deliveries_loan_id"), "deliveries", ["loan_id"], unique=False)
    op.create_table(
        "heard_messages",
        sa.Column("sender", sa.String(48), nullable=False),
        sa.Column("message_id", sa.String(256), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("heard_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("sender", "message_id", name=op.f("pk_heard_messages")),
    )
    op.create_index(op.f("ix_heard_messages_heard_at"), "heard_messages", ["heard_at"], unique=False)
    op.create_table(
        "login_failures",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", _INSTANT, nullable=False),
        sa.Column("locked_until", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_login_failures")),
    )
    op.create_table(
        "accounts",
        sa.Column("operator_id", sa.String(128), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=True),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("issuer", sa.String(200), nullable=True),
        sa.Column("subject", sa.String(200), nullable=True),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.CheckConstraint("(issuer IS NULL) = (subject IS NULL)", name=op.f("ck_accounts_issuer_with_subject")),
        sa.CheckConstraint("password_hash IS NOT NULL OR subject IS NOT NULL", name=op.f("ck_accounts_some_way_in")),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_accounts_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_accounts_issuer_subject")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("operator_id", sa.String(128), nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_sessions_operator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_operator_id"), "sessions", ["operator_id"], unique=False)
    op.create_table(
        "work_lists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("operator_id", sa.String(128), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("saved_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_work_lists_operator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_lists")),
        sa.UniqueConstraint("operator_id", "name", name=op.f("uq_work_lists_operator_id_name")),
    )
    op.create_table(
        "payment_reversals",
        sa.Column("payment_id", sa.String(128), nullable=False),
        sa.Column("reversed_at", _INSTANT, nullable=False),
        sa.Column("reason", sa.String(120), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.payment_id"], name=op.f("fk_payment_reversals_payment_id")),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payment_reversals")),
    )
    op.create_table(
        "task_results",
        sa.Column("task_id", sa.String(128), nullable=False),
        sa.Column("operator_id", sa.String(128), nullable=False),
        sa.Column("result", _CODE, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(_one_of("result", "done", "not_reached", "not_needed", "passed_on"), name=op.f("ck_task_results_taskresult")),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_task_results_operator_id")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_task_results_task_id")),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_task_results")),
    )


def downgrade() -> None:
    op.drop_table("task_results")
    op.drop_table("payment_reversals")
    op.drop_table("work_lists")
    op.drop_index(op.f("ix_sessions_operator_id"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_table("accounts")
    op.drop_table("login_failures")
    op.drop_index(op.f("ix_heard_messages_heard_at"), table_name="heard_messages")
    op.drop_table("heard_messages")
    op.drop_index(op.f("ix_deliveries_loan_id"), table_name="deliveries")
    op.drop_index(op.f("ix_deliveries_kind"), table_name="deliveries")
    op.drop_index(
        "ix_deliveries_due",
        table_name="deliveries",
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.drop_table("deliveries")
    op.drop_table("cursors")
    op.drop_table("clients")
    op.drop_index("ix_audits_loan_at", table_name="audits")
    op.drop_index("ix_audits_actor_at", table_name="audits")
    op.drop_index(op.f("ix_audits_action"), table_name="audits")
    op.drop_table("audits")
    op.drop_table("answers")


def _one_of(column: str, *values: str) -> str:
    return f"{column} IN ({', '.join(map(repr, values))})"
