"""A sample portfolio: overdue loans of people who do not exist, in the format of `arrears import`, and the same people as the world knows them.

Everything in it is plainly made up: names say so, numbers lie in blocks that are handed out to nobody here, mail goes to ``.example``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import cycle, islice
from typing import Literal

from arrears.domain.loan import Instalment
from arrears.domain.strategy import Line
from arrears.ledger.portfolio.entries import InstalmentEntry, LoanEntry, PersonEntry, PointEntry, RelativeEntry
from arrears.ledger.tables import ContactKind
from arrears.sandbox.temperament import TEMPERAMENTS, Resident, Temperament, Whom, later, luck

LENDERS: Mapping[str, tuple[str, str]] = {
    "fenqile": ("分期示例消费金融", "instalment_loan"),
    "paipai": ("拍拍示例小额贷款", "cash_loan"),
    "huabei": ("花呗示例信用付", "credit_pay"),
}
"""The lenders by the strategy that they use, each with its product."""

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
_GIVEN = ("示例", "样本", "虚构", "假名")
_ENGLISH = ("Sam Specimen", "Jane Placeholder", "Alex Invented", "Robin Example")
_ENGLISH_EVERY = 5
_ABROAD = 9
"""This loan's borrower lives in New York; +1 212 555 01xx is a range for fiction."""

_DAYS_PAST_DUE = (1, 1, 2, 1, -2, 1, 3, 1, -5, 1, 2, 1, 21)
"""On the sample's own day, in turn. Negative ones fall overdue later; the last is an old book."""

_SUSPECTED = 22
"""This loan is held for suspected fraud from the start."""

_MONTH = timedelta(days=30)
_MOST = 99
_Standing = Literal["emergency", "spouse", "contact"]


@dataclass(frozen=True)
class Sample:
    """The rows to import, and who lives behind them."""

    rows: tuple[LoanEntry, ...]
    residents: tuple[Resident, ...]

    def json_lines(self) -> str:
        """The portfolio as a file for `arrears import`."""
        return "".join(f"{row.model_dump_json(exclude_defaults=True)}\n" for row in self.rows)


def sample(today: date, *, seed: int = 1, size: int = 30) -> Sample:
    """``size`` loans that are overdue on ``today`` or will be within days, the same ones for the same seed.

    The strategies and the temperaments take turns, so that from 24 loans on there is every one of them. Raises ``ValueError`` beyond 99 loans.
    """
    if size > _MOST:
        raise ValueError(f"the sample has at most {_MOST} loans: its numbers to call end there")
    turns = zip(cycle(LENDERS), cycle(TEMPERAMENTS.values()), cycle(_DAYS_PAST_DUE), strict=False)
    rows: list[LoanEntry] = []
    residents: list[Resident] = []
    for n, (strategy, temperament, overdue) in enumerate(islice(turns, size), start=1):
        row = _loan(n, strategy, today - timedelta(days=overdue), seed)
        rows.append(row)
        residents.append(resident_of(row, later(temperament(), max(overdue - 1, 0))))
    return Sample(tuple(rows), tuple(residents))


def resident_of(row: LoanEntry, temperament: Temperament) -> Resident:
    """The borrower of a checked portfolio row as the world knows them."""
    addresses: dict[str, Whom] = {p.address: "relative" for person in row.relatives for p in person.contact_points}
    addresses |= {p.address: "reserve" if p.line is Line.RESERVE else "registered" for p in row.borrower.contact_points}
    return Resident(
        loan_id=row.loan_id,
        temperament=temperament,
        zone=row.borrower.zone or "Asia/Shanghai",
        currency=row.currency,
        instalments=tuple(Instalment(due_on=i.due_on, amount=i.principal + i.interest + i.fees) for i in row.instalments),
        addresses=addresses,
    )


def _loan(n: int, strategy: str, due_on: date, seed: int) -> LoanEntry:
    lender, product = LENDERS[strategy]
    return LoanEntry(
        loan_id=f"L-{1000 + n}",
        lender=lender,
        product=product,
        currency="CNY",
        strategy=strategy,
        held_for="suspected-fraud" if n == _SUSPECTED else None,
        borrower=_borrower(n, seed),
        relatives=_relatives(n),
        instalments=_instalments(n, due_on, seed),
    )


def _borrower(n: int, seed: int) -> PersonEntry:
    abroad, english = n == _ABROAD, n == _ABROAD or n % _ENGLISH_EVERY == 0
    mobile = f"+121255501{n:02d}" if abroad else f"+86130000010{n:02d}"
    return PersonEntry(
        id=f"P-{1000 + n}",
        name=_ENGLISH[n // _ENGLISH_EVERY % len(_ENGLISH)] if english else _name(n),
        zone="America/New_York" if abroad else "Asia/Shanghai",
        language="en" if english else "zh-CN",
        birth_date=date(1970, 1, 1) + timedelta(days=luck(seed, f"born/{n}", 12_000)),
        contact_points=(
            PointEntry(kind=ContactKind.MOBILE, address=mobile),
            PointEntry(kind=ContactKind.MOBILE, address=f"+86130000020{n:02d}", line=Line.RESERVE),
            PointEntry(kind=ContactKind.EMAIL, address=f"borrower{n:02d}@mail.example"),
            PointEntry(kind=ContactKind.IN_APP, address=f"app-{n:05d}"),
        ),
    )


def _relatives(n: int) -> tuple[RelativeEntry, ...]:
    named: tuple[tuple[_Standing, int], ...] = (("emergency" if n % 4 else "spouse", 3), ("contact", 4))
    return tuple(
        RelativeEntry(
            id=f"P-{1000 + n}.r{i}",
            role=role,
            name=_name(n + 7 * i),
            zone="Asia/Shanghai",
            language="zh-CN",
            contact_points=(PointEntry(kind=ContactKind.MOBILE, address=f"+861300000{block}0{n:02d}"),),
        )
        for i, (role, block) in enumerate(named, start=1)
    )


def _instalments(n: int, due_on: date, seed: int) -> tuple[InstalmentEntry, ...]:
    principal = Decimal(28_000 + luck(seed, f"principal/{n}", 150_000)) / 100
    interest = (principal * Decimal("0.018")).quantize(Decimal("0.01"))
    return tuple(
        InstalmentEntry(due_on=due_on + _MONTH * i, principal=principal, interest=interest)
        for i in range(2 + luck(seed, f"instalments/{n}", 4))
    )


def _name(n: int) -> str:
    return _SURNAMES[n % len(_SURNAMES)] + _GIVEN[n % len(_GIVEN)]
