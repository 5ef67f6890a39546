"""A portfolio comes into the ledger whole or not at all; twice is once; what contradicts the ledger is refused."""

from __future__ import annotations

import copy
import json
import time
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, func, select

from arrears.domain.person import WishKind
from arrears.domain.retention import Keeping
from arrears.ledger import loans
from arrears.ledger.engine import Ledger
from arrears.ledger.portfolio import Checked, Written, check, compare, read_json_lines, write
from arrears.ledger.portfolio.addresses import whereabouts
from arrears.ledger.tables import ContactKind, ContactPointRow, InstalmentRow, LoanRow, PersonRow, RelationRow, Row, SubjectKeyRow, WishRow
from arrears.ledger.vault import Field, keyring
from tests.ledger.scene import NOW, later, open_case, payment

REFUSED_AT = "2026-10-01T09:30:00+08:00"
CURRENCIES = {"gentle": "CNY", "firm": "CNY"}


def loan(n: int = 1, **more: Any) -> dict[str, Any]:
    """A loan with a borrower of its own, two addresses, an emergency contact and two instalments."""
    row: dict[str, Any] = {
        "loan_id": f"L-{n}",
        "lender": "Example",
        "product": "cash-loan",
        "currency": "CNY",
        "strategy": "gentle",
        "borrower": {
            "id": f"B-{n}",
            "name": "王示例",
            "language": "zh-CN",
            "contact_points": [
                {"kind": "mobile", "address": f"+861300000{n:04}"},
                {"kind": "email", "address": f"b{n}@mail.example"},
            ],
        },
        "relatives": [{"role": "emergency", "name": "李示例", "contact_points": [{"kind": "mobile", "address": f"+861310000{n:04}"}]}],
        "instalments": [{"due_on": "2026-12-01", "amount": "300.00"}, {"due_on": "2026-11-01", "principal": "480", "interest": "20"}],
    }
    return row | more


def changed(row: dict[str, Any], *path: str | int, to: Any) -> dict[str, Any]:
    """A copy of the row with one value changed."""
    other = copy.deepcopy(row)
    place: Any = other
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return other


async def bring_in(ledger: Ledger, *rows: dict[str, Any]) -> tuple[Checked, Written]:
    """Import the rows as the command does: nothing is written if any is refused."""
    checked = check(read_json_lines(json.dumps(row) for row in rows), CURRENCIES)
    async with ledger.exclusive() as session:
        compared = await compare(session, checked)
        return compared, Written() if compared.refused else await write(session, compared.accepted, NOW)


async def count(ledger: Ledger, table: type[Row]) -> int:
    async with ledger.reading() as session:
        return (await session.exec(select(func.count()).select_from(table))).one()


async def test_a_row_becomes_a_loan_with_its_people_addresses_and_instalments(ledger: Ledger) -> None:
    _, written = await bring_in(ledger, loan(held_for="suspected-fraud", language="en"))

    assert written == Written(loans=1, people=2, contact_points=3, instalments=2)
    async with ledger.reading() as session:
        row = await loans.loan(session, "L-1")
        assert (row.borrower_id, row.product, row.strategy, row.held_for, row.language) == (
            "B-1",
            "cash-loan",
            "gentle",
            "suspected-fraud",
            "en",
        )
        assert row.imported_at == NOW
        borrower = await loans.borrower(session, "L-1")
        assert (borrower.zone, borrower.language) == ("Asia/Shanghai", "zh-CN")
        ((relation, relative),) = await loans.relatives(session, "L-1")
        assert (relation.role, relative.id) == ("emergency", "B-1.r1")
        keys = await keyring(session, {borrower.id, relative.id})
        assert [keys.open(p.id, Field.NAME, p.name) for p in (borrower, relative)] == ["王示例", "李示例"]
        points = [*await loans.contact_points(session, "B-1"), *await loans.contact_points(session, "B-1.r1")]
        assert [(p.kind, keys.open(p.person_id, Field.ADDRESS, p.address), p.line, p.source, p.legal_basis) for p in points] == [
            ("mobile", "+8613000000001", "registered", "loan_application", "contract"),
            ("email", "b1@mail.example", "registered", "loan_application", "contract"),
            ("mobile", "+8613100000001", "registered", "loan_application", "named_by_borrower"),
        ]
        assert [(i.n, i.due_on.isoformat(), str(i.amount)) for i in await loans.instalments(session, "L-1")] == [
            (1, "2026-11-01", "500.00"),
            (2, "2026-12-01", "300.00"),
        ]


async def test_a_case_can_be_opened_for_an_imported_loan(ledger: Ledger) -> None:
    await bring_in(ledger, loan())

    facts = await open_case(ledger)

    assert [str(i.amount) for i in facts.instalments] == ["500.00", "300.00"]


async def test_the_same_file_again_changes_nothing(ledger: Ledger) -> None:
    rows = [loan(n) for n in range(1, 6)]
    await bring_in(ledger, *rows)

    compared, written = await bring_in(ledger, *rows)

    assert (len(compared.known), compared.accepted, compared.refused, written) == (5, (), (), Written())


async def test_what_became_of_a_loan_since_its_import_is_no_contradiction(ledger: Ledger) -> None:
    await bring_in(ledger, loan(held_for="suspected-fraud"))
    await open_case(ledger)
    async with ledger.session() as session:
        await loans.record_payment(session, "L-1", payment(), "loan_system", NOW)
        row = await loans.loan(session, "L-1")
        row.held_for = None
        for point in await loans.contact_points(session, "B-1"):
            point.invalid_since = later(days=1)
        ((relation, _),) = await loans.relatives(session, "L-1")
        relation.refused_at = later(days=1)

    compared, _ = await bring_in(ledger, loan(held_for="suspected-fraud"))

    assert (len(compared.known), compared.refused) == (1, ())
    async with ledger.reading() as session:
        assert (await loans.loan(session, "L-1")).held_for is None


@pytest.mark.parametrize(
    ("path", "to", "field"),
    [
        (("product",), "card", "product"),
        (("lender",), "Other", "lender"),
        (("strategy",), "firm", "strategy"),
        (("held_for",), "dispute", "held_for"),
        (("language",), "en", "language"),
        (("borrower", "name"), "张示例", "borrower.name"),
        (("borrower", "zone"), "Asia/Urumqi", "borrower.zone"),
        (("borrower", "contact_points", 0, "address"), "+8613000009999", "borrower.contact_points.0"),
        (("borrower", "contact_points", 1, "legal_basis"), "consent", "borrower.contact_points.1"),
        (("relatives", 0, "role"), "spouse", "relatives.0"),
        (("relatives", 0, "name"), "赵示例", "relatives.0.name"),
        (("relatives", 0, "refused_at"), REFUSED_AT, "relatives.0.refused_at"),
        (("borrower", "opted_out_at"), REFUSED_AT, "borrower.opted_out_at"),
        (("borrower", "contact_points", 0, "opted_out_at"), REFUSED_AT, "borrower.contact_points.0"),
        (("borrower", "contact_points", 0, "invalid_since"), REFUSED_AT, "borrower.contact_points.0"),
        (("instalments", 0, "amount"), "301", "instalments"),
        (("instalments", 1, "due_on"), "2026-11-02", "instalments"),
    ],
)
async def test_a_row_that_contradicts_the_ledger_is_refused(ledger: Ledger, path: tuple[str | int, ...], to: Any, field: str) -> None:
    row = loan(held_for="suspected-fraud")
    await bring_in(ledger, row)

    compared, written = await bring_in(ledger, changed(row, *path, to=to), loan(2))

    (found,) = compared.refused
    assert (found.line, found.loan_id, found.field, found.problem) == (1, "L-1", field, "differs from what the ledger has")
    assert written == Written()
    assert await count(ledger, LoanRow) == 1


@pytest.mark.parametrize("row", [loan(), changed(loan(2), "borrower", to=loan()["borrower"])], ids=["the same row", "a new loan"])
async def test_a_row_does_not_bring_an_erased_person_back(ledger: Ledger, row: dict[str, Any]) -> None:
    await bring_in(ledger, loan())
    async with ledger.session() as session:
        for key in await session.exec(select(SubjectKeyRow)):
            key.wrapped_key, key.wrapped_by, key.destroyed_at, key.reason = None, None, NOW, "test"

    compared, written = await bring_in(ledger, row)

    found = compared.refused[0]
    assert (found.field, found.problem) == ("borrower.id", "is erased")
    assert "new id" in found.remedy
    assert written == Written()


async def test_a_new_loan_puts_data_that_were_only_kept_into_use_again(ledger: Ledger) -> None:
    await bring_in(ledger, loan())
    async with ledger.session() as session:
        for key in await session.exec(select(SubjectKeyRow)):
            key.store_only_since = NOW

    await bring_in(ledger, changed(loan(2), "borrower", to=loan()["borrower"]))

    async with ledger.reading() as session:
        keys = await keyring(session, ["B-1", "B-1.r1"])
    assert (keys.keeping("B-1"), keys.keeping("B-1.r1")) == (Keeping.ACTIVE, Keeping.ACTIVE)


async def test_refusals_and_opt_outs_come_with_the_book(ledger: Ledger) -> None:
    row = changed(loan(), "relatives", 0, "refused_at", to=REFUSED_AT)
    row = changed(row, "borrower", "opted_out_at", to=REFUSED_AT)
    row = changed(row, "borrower", "contact_points", 0, "opted_out_at", to=REFUSED_AT)
    row = changed(row, "borrower", "contact_points", 1, "invalid_since", to=REFUSED_AT)
    await bring_in(ledger, row)

    compared, _ = await bring_in(ledger, row)

    assert (len(compared.known), compared.refused) == (1, ())
    at = datetime.fromisoformat(REFUSED_AT)
    async with ledger.reading() as session:
        ((relation, _relative),) = await loans.relatives(session, "L-1")
        points = await loans.contact_points(session, "B-1")
        wishes = (await session.exec(select(WishRow).order_by(col(WishRow.id)))).all()
    assert (relation.refused_at, [p.invalid_since for p in points]) == (at, [None, at])
    assert [(w.person_id, w.kind, w.contact_point_id, w.at) for w in wishes] == [
        ("B-1", WishKind.NO_CONTACT, None, at),
        ("B-1", WishKind.NO_ADDRESS, points[0].id, at),
    ]


async def test_another_borrower_of_a_known_loan_is_refused(ledger: Ledger) -> None:
    await bring_in(ledger, loan(), loan(2))

    other = changed(loan(), "borrower", "id", to="B-2")
    compared, _ = await bring_in(ledger, other)

    assert "borrower.id" in {p.field for p in compared.refused}


async def test_a_known_persons_next_loan_brings_their_further_addresses(ledger: Ledger) -> None:
    await bring_in(ledger, loan())
    borrower = copy.deepcopy(loan()["borrower"])
    borrower["contact_points"].append({"kind": "mobile", "address": "+8613000008888", "line": "reserve"})

    _, written = await bring_in(ledger, loan(2, borrower=borrower, relatives=[]))

    assert written == Written(loans=1, people=0, contact_points=1, instalments=2)
    assert await count(ledger, PersonRow) == 2


async def test_one_person_may_stand_in_many_rows(ledger: Ledger) -> None:
    borrower = loan()["borrower"]

    _, written = await bring_in(ledger, *(loan(n, borrower=borrower, relatives=[]) for n in range(1, 4)))

    assert written == Written(loans=3, people=1, contact_points=2, instalments=6)


async def test_one_refused_row_keeps_the_whole_file_out(ledger: Ledger) -> None:
    compared, written = await bring_in(ledger, loan(1), changed(loan(2), "currency", to="?"), loan(3))

    assert (len(compared.accepted), compared.refused_lines, written) == (2, 1, Written())
    assert await count(ledger, LoanRow) == 0


async def test_a_failure_while_writing_leaves_nothing(ledger: Ledger) -> None:
    """Rows that were not compared: the last of them contradicts the database only when it is written."""
    checked = check(read_json_lines(json.dumps(loan(n)) for n in range(1, 1201)), CURRENCIES)
    twice = (*checked.accepted, checked.accepted[0])

    with pytest.raises(IntegrityError):
        async with ledger.exclusive() as session:
            await write(session, twice, NOW)

    for table in (PersonRow, ContactPointRow, LoanRow, InstalmentRow, RelationRow):
        assert await count(ledger, table) == 0


async def test_progress_is_told_while_rows_are_written(ledger: Ledger) -> None:
    checked = check(read_json_lines(json.dumps(loan(n)) for n in range(1, 1201)), CURRENCIES)
    told: list[int] = []

    async with ledger.exclusive() as session:
        await write(session, checked.accepted, NOW, told.append)

    assert sum(told) == 1200
    assert len(told) > 1


async def test_a_book_of_5000_loans_comes_in_quickly(ledger: Ledger) -> None:
    """Processor time, so that a busy machine does not fail it: seconds, where one statement a row would take minutes."""
    lines = [json.dumps(loan(n)) for n in range(1, 5001)]
    started = time.process_time()

    checked = check(read_json_lines(lines), CURRENCIES)
    async with ledger.exclusive() as session:
        compared = await compare(session, checked)
        written = await write(session, compared.accepted, NOW)

    assert written == Written(loans=5000, people=10_000, contact_points=15_000, instalments=10_000)
    assert time.process_time() - started < 20
    async with ledger.reading() as session:
        last = (await session.exec(select(LoanRow).order_by(col(LoanRow.id).desc()).limit(1))).one()
    assert last.id == "L-999"


async def test_where_people_live_and_numbers_are_is_kept_for_the_law(ledger: Ledger) -> None:
    row = changed(loan(), "borrower", "residence", to="CN")
    row = changed(row, "annual_cost", to="23.5")
    row = changed(row, "lender_kind", to="consumer_finance")
    row = changed(row, "borrower", "contact_points", 0, "place", to="work")
    await bring_in(ledger, row)
    compared, _ = await bring_in(ledger, row)
    assert (len(compared.known), compared.refused) == (1, ())
    async with ledger.reading() as session:
        borrower = await loans.borrower(session, "L-1")
        first, *_ = await loans.contact_points(session, "B-1")
        known = await loans.loan(session, "L-1")
    assert (borrower.residence, first.place, first.country, first.zone, first.other_zones) == ("CN", "work", "CN", "Asia/Shanghai", None)
    assert (str(known.annual_cost), known.lender_kind) == ("23.50", "consumer_finance")


def test_a_number_that_may_be_in_several_zones_names_them_all() -> None:
    russia = whereabouts(ContactKind.MOBILE, "+79000000000")
    assert russia.country == "RU"
    assert {"Europe/Moscow", "Asia/Vladivostok"} < set(russia.zones)
    assert whereabouts(ContactKind.EMAIL, "somebody@mail.example").zones == ()
