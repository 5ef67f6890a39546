"""Column types that mean the same on SQLite and PostgreSQL, and the base of all tables."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import Any, NewType

from sqlalchemy import JSON, CheckConstraint, Dialect, LargeBinary, MetaData, Numeric, String, TypeDecorator
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.orm import declared_attr
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

CODE_LENGTH = 32
ID_LENGTH = 128
REGION_LENGTH = 6
_PLACES = Decimal("0.0001")
_CENT = Decimal("0.01")


METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables of the ledger. Constraint names are deterministic, so that migrations can name them on every database."""


class Row(SQLModel):
    """Base of all tables. ``CaseEventRow`` is a row of the table ``case_events``."""

    metadata = METADATA

    @declared_attr.directive
    @classmethod
    def __tablename__(cls) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        words = re.findall(r"[A-Z][a-z]+", cls.__name__.removesuffix("Row"))
        return "_".join(words).lower() + "s"


class ExactAmount(TypeDecorator[Decimal]):
    """A decimal amount of at most 18 digits, 4 of them after the point: NUMERIC(18, 4), and plain text on SQLite, which has no exact decimals.

    It comes back with two places after the point, or as many as it needs. Sums are made in Python, not in SQL.
    """

    impl = Numeric(18, 4)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(20) if dialect.name == "sqlite" else Numeric(18, 4))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value != value.quantize(_PLACES) or abs(value) >= Decimal(10) ** 14:
            raise ValueError("an amount has at most 14 digits before and 4 after the point")
        return str(value.quantize(_PLACES)) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        if value is None:
            return None
        exact = Decimal(value)
        cents = exact.quantize(_CENT)
        return cents if cents == exact else exact.normalize()


def _values(of: type[StrEnum]) -> list[str]:
    return [member.value for member in of]


def code(of: type[StrEnum]) -> SqlEnum:
    """One of an enumeration's values, as text that a CHECK constraint guards."""
    return SqlEnum(
        of,
        native_enum=False,
        create_constraint=True,
        length=CODE_LENGTH,
        name=of.__name__.lower(),
        values_callable=_values,
        validate_strings=True,
    )


JSON_VALUE = JSON()
"""A JSON document, kept as it was told. (PostgreSQL's JSONB would refuse some texts that a message may bring.)"""

OPTIONAL_JSON = JSON(none_as_null=True)
"""A JSON document or none."""


Sealed = NewType("Sealed", bytes)
"""A value that only the key of the person whom it concerns opens; see ``arrears.ledger.vault``."""

SEALED = LargeBinary()
"""The column of a sealed value."""

MARK_BYTES = 32


def must(name: str, condition: str) -> CheckConstraint:
    """A condition that every row of the table fulfils."""
    return CheckConstraint(condition, name=name)


def amount_check(column: str, comparison: str) -> CheckConstraint:
    """A bound on an amount, such as ``> 0``, that holds for both ways of storing it."""
    return must(column, f"CAST({column} AS NUMERIC) {comparison}")


def together(name: str, *columns: str) -> CheckConstraint:
    """Either all of the columns are given or none."""
    first, *others = columns
    return must(name, " AND ".join(f"({first} IS NULL) = ({other} IS NULL)" for other in others))
