"""Personal data is sealed with a key for each person.

What an existing ledger holds in plain is sealed here, with the vault that stands in alembic's configuration. Going back opens it again, except for what
is erased.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op

from arrears.ledger.vault import Field, KeyMissing, Keyring, Vault

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CHUNK = 500
_ERASED = "(erased)"
_SEALED = sa.LargeBinary()

_persons = sa.table("persons", sa.column("id"), sa.column("name"), sa.column("birth_date"))
_points = sa.table("contact_points", sa.column("id"), sa.column("person_id"), sa.column("address"))
_attempts = sa.table("attempts", sa.column("id"), sa.column("loan_id"), sa.column("person_id"), sa.column("text"))
_approvals = sa.table("approvals", sa.column("id"), sa.column("case_id"), sa.column("reason"))
_loans = sa.table("loans", sa.column("id"), sa.column("borrower_id"))
_cases = sa.table("cases", sa.column("id"), sa.column("loan_id"))
_keys = sa.table(
    "subject_keys",
    sa.column("person_id"),
    sa.column("wrapped_key", _SEALED),
    sa.column("wrapped_by"),
    sa.column("created_at", sa.DateTime(timezone=True)),
    sa.column("store_only_since", sa.DateTime(timezone=True)),
)


class _Column(NamedTuple):
    """A column of personal data: what is read is the row's id, and then the ids of all whom the value tells of."""

    field: Field
    table: sa.TableClause
    name: str
    plain: Any
    read: sa.Select[*tuple[Any, ...]]

    @property
    def new(self) -> str:
        return f"new_{self.name}"


_COLUMNS = (
    _Column(Field.NAME, _persons, "name", sa.String(200), sa.select(_persons.c.id, _persons.c.id)),
    _Column(Field.BIRTH_DATE, _persons, "birth_date", sa.Date(), sa.select(_persons.c.id, _persons.c.id)),
    _Column(Field.ADDRESS, _points, "address", sa.String(320), sa.select(_points.c.id, _points.c.person_id)),
    _Column(
        *(Field.TEXT, _attempts, "text", sa.String()),
        sa.select(_attempts.c.id, _attempts.c.person_id, _loans.c.borrower_id).join(_loans, _loans.c.id == _attempts.c.loan_id),
    ),
    _Column(
        *(Field.REASON, _approvals, "reason", sa.String()),
        sa.select(_approvals.c.id, _loans.c.borrower_id)
        .join(_cases, _cases.c.id == _approvals.c.case_id)
        .join(_loans, _loans.c.id == _cases.c.loan_id),
    ),
)


def upgrade() -> None:
    op.create_table(
        "subject_keys",
        sa.Column("person_id", sa.String(128), nullable=False),
        sa.Column("wrapped_key", _SEALED, nullable=True),
        sa.Column("wrapped_by", sa.String(16), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("store_only_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("destroyed_by", sa.String(128), nullable=True),
        sa.Column("reason", sa.String(120), nullable=True),
        sa.CheckConstraint("(wrapped_key IS NULL) = (wrapped_by IS NULL)", name=op.f("ck_subject_keys_wrapped_by")),
        sa.CheckConstraint("(wrapped_key IS NULL) = (destroyed_at IS NOT NULL)", name=op.f("ck_subject_keys_destroyed")),
        sa.CheckConstraint("(destroyed_at IS NULL) = (reason IS NULL)", name=op.f("ck_subject_keys_destroyed_with_reason")),
        sa.CheckConstraint("destroyed_by IS NULL OR destroyed_at IS NOT NULL", name=op.f("ck_subject_keys_destroyed_by")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_subject_keys_person_id")),
        sa.ForeignKeyConstraint(["destroyed_by"], ["operators.id"], name=op.f("fk_subject_keys_destroyed_by")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_subject_keys")),
    )
    op.create_index(op.f("ix_subject_keys_wrapped_by"), "subject_keys", ["wrapped_by"], unique=False)

    for column in _COLUMNS:
        op.add_column(column.table.name, sa.Column(column.new, _SEALED, nullable=True))
    op.add_column("contact_points", sa.Column("address_mark", _SEALED, nullable=True))
    _give_keys()
    for column in _COLUMNS:
        _rewrite(column, column.plain, _SEALED, _seal)

    with op.batch_alter_table("contact_points") as points:
        points.drop_index(op.f("ix_contact_points_address"))
        points.drop_constraint(op.f("ck_contact_points_address_given"), type_="check")
        points.drop_constraint(op.f("uq_contact_points_person_id_kind_address"), type_="unique")
        points.alter_column("address_mark", existing_type=_SEALED, nullable=False)
        points.create_unique_constraint(op.f("uq_contact_points_person_id_kind_address_mark"), ["person_id", "kind", "address_mark"])
        points.create_check_constraint(op.f("ck_contact_points_address_mark"), "length(address_mark) = 32")
    _put_in_place(_SEALED)


def downgrade() -> None:
    for column in _COLUMNS:
        op.add_column(column.table.name, sa.Column(column.new, column.plain, nullable=True))
    for column in _COLUMNS:
        _rewrite(column, _SEALED, column.plain, _open)
    with op.batch_alter_table("contact_points") as points:
        points.drop_constraint(op.f("ck_contact_points_address_mark"), type_="check")
        points.drop_constraint(op.f("uq_contact_points_person_id_kind_address_mark"), type_="unique")
        points.drop_column("address_mark")
    _put_in_place(None)
    with op.batch_alter_table("contact_points") as points:
        points.create_unique_constraint(op.f("uq_contact_points_person_id_kind_address"), ["person_id", "kind", "address"])
        points.create_check_constraint(op.f("ck_contact_points_address_given"), "length(address) > 0")
        points.create_index(op.f("ix_contact_points_address"), ["address"], unique=False)
    op.drop_index(op.f("ix_subject_keys_wrapped_by"), "subject_keys")
    op.drop_table("subject_keys")


def _put_in_place(kind: Any) -> None:
    """The new columns take the places of the old ones."""
    for column in _COLUMNS:
        with op.batch_alter_table(column.table.name) as table:
            table.drop_column(column.name)
            if column.name in ("name", "address"):
                table.alter_column(column.new, existing_type=kind or column.plain, nullable=False)
        op.alter_column(column.table.name, column.new, new_column_name=column.name, existing_type=kind or column.plain)


def _give_keys() -> None:
    now = datetime.now(UTC)
    for rows in _chunks(sa.select(_persons.c.id), _persons.c.id):
        _, wrapped = _vault().fresh(row[0] for row in rows)
        op.get_bind().execute(
            sa.insert(_keys),
            [
                {"person_id": person_id, "wrapped_key": w.wrapped_key, "wrapped_by": w.wrapped_by, "created_at": now}
                for person_id, w in wrapped.items()
            ],
        )


def _rewrite(column: _Column, kind: Any, new_kind: Any, change: Callable[[_Column, Keyring, tuple[str, ...], Any], dict[str, Any]]) -> None:
    """Fill the new column, and what goes with it, from the old one."""
    old = sa.column(column.name, kind, _selectable=column.table)
    reading = column.read.add_columns(old).where(old.is_not(None))
    fill = sa.update(sa.table(column.table.name, sa.column("id"), sa.column(column.new, new_kind), sa.column("address_mark", _SEALED)))
    for rows in _chunks(reading, column.table.c.id):
        keys = _ring({person_id for row in rows for person_id in row[1:-1]})
        changes = [{"row_id": row[0], **change(column, keys, tuple(row[1:-1]), row[-1])} for row in rows]
        values: dict[str, Any] = {name: sa.bindparam(name) for name in changes[0] if name != "row_id"}
        op.get_bind().execute(fill.where(sa.column("id") == sa.bindparam("row_id")).values(values), changes)


def _seal(column: _Column, keys: Keyring, owner: tuple[str, ...], plain: Any) -> dict[str, Any]:
    text = plain.isoformat() if isinstance(plain, date) else plain
    sealed = {column.new: keys.seal(owner, column.field, text)}
    return sealed | ({"address_mark": keys.mark(owner[0], text)} if column.field is Field.ADDRESS else {})


def _open(column: _Column, keys: Keyring, owner: tuple[str, ...], sealed: Any) -> dict[str, Any]:
    plain = keys.open(owner, column.field, sealed)
    match column.field:
        case Field.BIRTH_DATE:
            return {column.new: date.fromisoformat(plain) if plain else None}
        case Field.ADDRESS if plain is None:
            # Still one of a kind, and nothing that a gateway would take.
            return {column.new: f"{_ERASED} {sealed.hex()[:64]}"}
        case Field.NAME:
            return {column.new: plain or _ERASED}
        case _:
            return {column.new: plain}


def _chunks(query: sa.Select[*tuple[Any, ...]], key: Any) -> Iterator[list[Any]]:
    last: Any = None
    while True:
        further = query if last is None else query.where(key > last)
        rows = list(op.get_bind().execute(further.order_by(key).limit(_CHUNK)))
        if not rows:
            return
        yield rows
        last = rows[-1][0]


def _ring(person_ids: set[str]) -> Keyring:
    return _vault().ring(op.get_bind().execute(sa.select(_keys).where(_keys.c.person_id.in_(person_ids))))  # pyright: ignore[reportArgumentType]


def _vault() -> Vault:
    config = op.get_context().config
    vault = config.attributes.get("vault") if config else None
    if not isinstance(vault, Vault):
        raise KeyMissing("the ledger holds personal data, and there is no ledger key to seal or open them with: set ARREARS_LEDGER_KEY")
    return vault
