"""Rows of a portfolio are checked, each by itself and against the others; a refused one says where, what and what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arrears.ledger.portfolio import Checked, RowProblem, Unreadable, check, read, read_csv, read_json_lines
from arrears.ledger.portfolio.files import COLUMNS, REQUIRED_COLUMNS

CURRENCIES = {"gentle": "CNY", "firm": "CNY", "abroad": "USD"}
CSV_ROW = {
    "loan_id": "L-1",
    "lender": "Example",
    "product": "cash-loan",
    "currency": "CNY",
    "strategy": "gentle",
    "borrower_id": "B-1",
    "name": "王示例",
    "language": "zh-CN",
    "mobile": "+8613000000001",
    "instalments": "2026-11-01:500.00;2026-12-01:480.00+15.00+5.00",
}


def csv(*rows: Mapping[str, str]) -> list[str]:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return [",".join(columns), *(",".join(row.get(name, "") for name in columns) for row in rows)]


def loan(**more: Any) -> dict[str, Any]:
    """A row that is accepted, with what is given in place of its own; ``None`` leaves a field out."""
    given: dict[str, Any] = {
        "loan_id": "L-1",
        "lender": "Example",
        "product": "cash-loan",
        "currency": "CNY",
        "strategy": "gentle",
        "borrower": borrower(),
        "instalments": [{"due_on": "2026-11-01", "amount": "500.00"}],
    }
    return {name: value for name, value in (given | more).items() if value is not None}


def borrower(*points: dict[str, Any], **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "id": "B-1",
        "name": "王示例",
        "language": "zh-CN",
        "contact_points": list(points) or [{"kind": "mobile", "address": "+8613000000001"}],
    }
    return {name: value for name, value in (given | more).items() if value is not None}


def mobile(address: str = "+8613000000001", **more: Any) -> dict[str, Any]:
    return {"kind": "mobile", "address": address, **more}


def checked(*rows: dict[str, Any]) -> Checked:
    return check(read_json_lines(json.dumps(row) for row in rows), CURRENCIES)


def problem(*rows: dict[str, Any]) -> RowProblem:
    """The only problem of the rows."""
    (found,) = checked(*rows).refused
    return found


def test_a_csv_row_becomes_a_loan() -> None:
    row = CSV_ROW | {
        "held_for": "suspected-fraud",
        "birth_date": "1990-12-31",
        "reserve_mobile": "+8613000000002",
        "landline": "+862155500001",
        "email": "Wang@Mail.Example",
        "in_app": "u-778",
        "legal_basis": "consent",
        "relative2_role": "guarantor",
        "relative2_name": "李示例",
        "relative2_mobile": "+8613000000003",
        "relative2_evidence": "doc/4711",
        "relative2_refused_at": "2026-10-01T09:30:00+08:00",
        "opted_out_at": "2026-10-02T09:30:00+08:00",
    }

    (accepted,) = check(read_csv(csv(row)), CURRENCIES).accepted

    loan = accepted.loan
    assert (loan.loan_id, loan.lender, loan.product, loan.currency, loan.strategy) == ("L-1", "Example", "cash-loan", "CNY", "gentle")
    assert (loan.held_for, loan.language) == ("suspected-fraud", None)
    person = loan.borrower
    assert (person.id, person.name, person.zone, person.language) == ("B-1", "王示例", "Asia/Shanghai", "zh-CN")
    assert (person.birth_date, person.opted_out_at) == (date(1990, 12, 31), datetime(2026, 10, 2, 1, 30, tzinfo=UTC))
    assert [(p.kind, p.address, p.line, p.source, p.legal_basis) for p in person.contact_points] == [
        ("mobile", "+8613000000001", "registered", "loan_application", "consent"),
        ("mobile", "+8613000000002", "reserve", "loan_application", "consent"),
        ("landline", "+862155500001", "registered", "loan_application", "consent"),
        ("email", "Wang@mail.example", "registered", "loan_application", "consent"),
        ("in_app", "u-778", "registered", "loan_application", "consent"),
    ]
    (relative,) = loan.relatives
    assert (relative.id, relative.role, relative.name, relative.evidence) == ("B-1.r1", "guarantor", "李示例", "doc/4711")
    assert relative.refused_at == datetime(2026, 10, 1, 1, 30, tzinfo=UTC)
    assert (relative.language, relative.zone, relative.contact_points[0].legal_basis) == ("zh-CN", "Asia/Shanghai", "named_by_borrower")
    assert [(i.due_on, i.principal, i.interest, i.fees) for i in loan.instalments] == [
        (date(2026, 11, 1), Decimal("500.00"), Decimal(0), Decimal(0)),
        (date(2026, 12, 1), Decimal("480.00"), Decimal("15.00"), Decimal("5.00")),
    ]


def test_a_json_line_says_the_same_as_its_csv_row() -> None:
    (from_csv,) = check(read_csv(csv(CSV_ROW)), CURRENCIES).accepted
    split = {"due_on": "2026-12-01", "principal": "480.00", "interest": "15.00", "fees": "5.00"}
    (from_json,) = checked(loan(instalments=[{"due_on": "2026-11-01", "amount": "500.00"}, split])).accepted

    assert from_json.loan == from_csv.loan


def test_amounts_that_are_json_numbers_are_read_exactly() -> None:
    line = json.dumps(loan()).replace('"500.00"', "0.1000")

    (accepted,) = check(read_json_lines([line]), CURRENCIES).accepted

    assert str(accepted.loan.instalments[0].principal) == "0.1000"


@pytest.mark.parametrize(
    ("written", "country", "stored"),
    [
        ("+86 130-0000-0001", None, "+8613000000001"),
        ("13000000001", "CN", "+8613000000001"),
        ("+1 212 555 0199", None, "+12125550199"),
        ("(212) 555-0199", "US", "+12125550199"),
    ],
)
def test_numbers_are_stored_in_one_form(written: str, country: str | None, stored: str) -> None:
    (accepted,) = checked(loan(country=country, borrower=borrower(mobile(written), zone="Asia/Shanghai"))).accepted

    assert accepted.loan.borrower.contact_points[0].address == stored


@pytest.mark.parametrize(
    ("row", "field", "what", "remedy"),
    [
        (loan(loan_id=None), "loan_id", "is missing", "give an id of at most 40"),
        (loan(loan_id="L 1"), "loan_id", "pattern", "give an id of at most 40"),
        (loan(loan_id="L" * 41), "loan_id", "at most 40", "give an id of at most 40"),
        (loan(loan_id=1001), "loan_id", "valid string", "give an id of at most 40"),
        (loan(borrower=None), "borrower", "is missing", "give the borrower"),
        (loan(borrower=borrower(name=None)), "borrower.name", "is missing", "give the person's name"),
        (loan(borrower=borrower(name="王\x00示例")), "borrower.name", "control character", "the person's name"),
        (loan(borrower=borrower(name="王\ud800")), "borrower.name", "valid string", "the person's name"),
        (loan(lender="Two\nlines"), "lender", "control character", "the lender's name"),
        (loan(borrower=borrower(language="Chinese")), "borrower.language", "pattern", "such as zh-CN"),
        (loan(borrower=borrower(birth_date="31.12.1990")), "borrower.birth_date", "valid date", "1990-12-31"),
        (loan(borrower=borrower(zone="Shanghai")), "borrower.zone", "is not an IANA time zone", "Asia/Shanghai"),
        (loan(borrower=borrower(opted_out_at="2026-10-01T09:30:00")), "borrower.opted_out_at", "timezone", "+08:00"),
        (loan(borrower=borrower(nickname="x")), "borrower.nickname", "is no field", "remove it"),
        (loan(currency="RMB¥"), "currency", "pattern", "ISO 4217"),
        (loan(strategy="none"), "strategy", "there is no strategy none", "one of abroad, firm, gentle"),
        (loan(strategy="abroad"), "currency", "strategy abroad is made for USD", "a strategy for CNY"),
        (loan(held_for="王先生, 电话 13000000001"), "held_for", "pattern", "suspected-fraud"),
        (loan(instalments=None), "instalments", "is missing", "unpaid instalments"),
        (loan(instalments=[]), "instalments", "at least 1 item", "unpaid instalments"),
        (loan(instalments=[{"due_on": "2026-11-01", "amount": "-1"}]), "instalments.0.amount", "greater than or equal to 0", "480.00"),
        (loan(instalments=[{"due_on": "2026-11-01", "amount": "1.00001"}]), "instalments.0.amount", "4 decimal places", "4 decimals"),
        (loan(instalments=[{"due_on": "2026-11-01", "amount": "0"}]), "instalments.0", "nothing is unpaid of it", "unpaid"),
        (loan(instalments=[{"due_on": "2026-11-01", "amount": "NaN"}]), "instalments.0.amount", "finite", "480.00"),
        (loan(instalments=[{"due_on": "soon", "amount": "1"}]), "instalments.0.due_on", "valid date", "2026-12-31"),
        (loan(instalments=[{"due_on": "2026-11-01", "amount": "1"}] * 2), "instalments.1.due_on", "another instalment too", "add them up"),
        (
            loan(borrower=borrower(mobile("13000000001"))),
            "borrower.contact_points.0.address",
            "without its country",
            "with + and the country",
        ),
        (loan(borrower=borrower(mobile("+861300000"))), "borrower.contact_points.0.address", "can exist", "correct it"),
        (loan(borrower=borrower(mobile("call me"))), "borrower.contact_points.0.address", "without its country", "with +"),
        (loan(borrower=borrower(mobile("+call me"))), "borrower.contact_points.0.address", "no phone number", "+8613000000001"),
        (loan(borrower=borrower(mobile("+862155500001"))), "borrower.contact_points.0.address", "no mobile number", "as landline"),
        (
            loan(borrower=borrower({"kind": "landline", "address": "+8613000000001"})),
            "borrower.contact_points.0.address",
            "no landline number",
            "as mobile",
        ),
        (
            loan(borrower=borrower(mobile(), {"kind": "email", "address": "wang at mail"})),
            "borrower.contact_points.1.address",
            "no email address",
            "someone@mail.example",
        ),
        (loan(borrower=borrower(mobile(kind="fax"))), "borrower.contact_points.0.kind", "mobile", "one of mobile"),
        (loan(borrower=borrower(mobile(), mobile())), "borrower.contact_points.1.address", "given twice", "give it once"),
        (loan(borrower=borrower({"kind": "in_app", "address": "u-1"})), "borrower.zone", "no phone number tells it", "IANA time zone"),
        (
            loan(borrower=borrower(mobile("+18005550199", kind="landline"), zone="UTC")),
            "borrower.contact_points.0.address",
            "no landline",
            "",
        ),
        (loan(relatives=[{"role": "friend", "name": "李示例"}]), "relatives.0.role", "emergency", "one of contact"),
        (
            loan(relatives=[{"role": "contact", "name": "李示例", "id": "B-1", "zone": "UTC"}]),
            "relatives.0.id",
            "somebody else's",
            "their own",
        ),
        (loan(relatives=[{"role": "contact", "name": "李示例"}]), "relatives.0.zone", "no phone number tells it", "IANA time zone"),
    ],
)
def test_a_row_is_refused(row: dict[str, Any], field: str, what: str, remedy: str) -> None:
    found = problem(row)

    assert (found.line, found.field) == (1, field)
    assert what in found.problem
    assert remedy in found.remedy


def test_a_number_in_doubt_about_its_zone_needs_one() -> None:
    abroad = borrower(mobile("+8613000000001"), mobile("+12125550199", line="reserve"))

    assert problem(loan(borrower=abroad)).field == "borrower.zone"
    assert checked(loan(borrower=abroad | {"zone": "America/New_York"})).accepted


def test_every_problem_of_a_row_is_told_at_once_and_the_other_rows_are_checked_too() -> None:
    bad = loan(loan_id="?", currency="x", instalments=[{"due_on": "soon", "amount": "much"}])

    result = checked(bad, loan(loan_id="L-2"))

    assert [p.field for p in result.refused] == ["loan_id", "currency", "instalments.0.due_on", "instalments.0.amount"]
    assert result.refused_lines == 1
    assert [a.loan.loan_id for a in result.accepted] == ["L-2"]


def test_a_loan_is_listed_once() -> None:
    found = problem(loan(), loan(loan_id="L-2"), loan())

    assert (found.line, found.loan_id, found.field, found.problem) == (3, "L-1", "loan_id", "is on line 1 already")


@pytest.mark.parametrize(
    ("second", "field"),
    [
        (borrower(name="张示例"), "borrower.name"),
        (borrower(zone="Asia/Urumqi"), "borrower.zone"),
        (borrower(language="en"), "borrower.language"),
        (borrower(birth_date="1990-12-31"), "borrower.birth_date"),
        (borrower(opted_out_at="2026-10-01T09:30:00+08:00"), "borrower.opted_out_at"),
        (borrower(mobile(invalid_since="2026-10-01T09:30:00+08:00")), "borrower.contact_points.0"),
        (borrower(mobile(line="reserve")), "borrower.contact_points.0"),
        (borrower(mobile(legal_basis="consent")), "borrower.contact_points.0"),
    ],
)
def test_the_same_person_is_described_the_same_way_in_every_row(second: dict[str, Any], field: str) -> None:
    found = problem(loan(), loan(loan_id="L-2", borrower=second))

    assert (found.line, found.field) == (2, field)
    assert "differs from line 1" in found.problem


def test_a_person_may_have_more_addresses_in_one_row_than_in_another() -> None:
    more = borrower(mobile(), mobile("+8613000000002", line="reserve"))

    assert len(checked(loan(), loan(loan_id="L-2", borrower=more)).accepted) == 2


def test_problems_of_a_csv_row_name_its_columns() -> None:
    rows = csv(
        CSV_ROW | {"mobile": "+861300000", "relative3_role": "emergency", "relative3_name": "李示例", "relative3_mobile": "+861"},
        CSV_ROW | {"loan_id": "L-2", "instalments": "2026-11-01:500.00;tomorrow:1"},
        CSV_ROW | {"loan_id": "L-3", "relative3_role": "friend", "relative3_name": "李示例"},
        CSV_ROW | {"loan_id": "L-4", "instalments": "2026-11-01"},
        CSV_ROW | {"loan_id": "L-5", "instalments": "2026-11-01:1+2+3+4"},
        CSV_ROW | {"loan_id": "L-6", "instalments": ""},
    )

    found = check(read_csv(rows), CURRENCIES).refused

    assert [(p.line, p.loan_id, p.field) for p in found] == [
        (2, "L-1", "mobile"),
        (2, "L-1", "relative3_mobile"),
        (3, "L-2", "instalments.1.due_on"),
        (4, "L-3", "relative3_role"),
        (5, "L-4", "instalments.0.principal"),
        (6, "L-5", "instalments.0.more"),
        (7, "L-6", "instalments"),
    ]


def test_cells_may_hold_commas_line_breaks_and_spaces_around() -> None:
    lines = ["loan_id, lender ,product,currency,strategy,borrower_id,name,language,mobile,instalments\r\n"]
    lines += ['L-1,"Example, Ltd",cash-loan,cny,gentle,B-1," 王 示例 ",zh-CN,+8613000000001,2026-11-01:500.00\r\n', "\r\n"]

    (accepted,) = check(read_csv(lines), CURRENCIES).accepted

    assert (accepted.loan.lender, accepted.loan.currency, accepted.loan.borrower.name) == ("Example, Ltd", "CNY", "王 示例")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("L-1,Example", "2 cells under 10 columns"),
        ("L-1,Example,cash-loan,CNY,gentle,B-1,Wang, Li,zh-CN,+8613000000001,2026-11-01:1", "11 cells under 10 columns"),
    ],
)
def test_a_csv_row_with_the_wrong_number_of_cells_is_refused(line: str, what: str) -> None:
    (found,) = check(read_csv([*csv(CSV_ROW), line]), CURRENCIES).refused

    assert (found.line, found.field) == (3, "row")
    assert what in found.problem


@pytest.mark.parametrize(
    ("line", "what"),
    [("{", "not JSON"), ("[1]", "not a JSON object"), ("null", "not a JSON object"), ("{}", "is missing")],
)
def test_a_line_that_is_no_json_object_is_refused_and_the_others_are_read(line: str, what: str) -> None:
    result = check(read_json_lines([json.dumps(loan()), "", line]), CURRENCIES)

    assert len(result.accepted) == 1
    assert {p.line for p in result.refused} == {3}
    assert all(what in p.problem for p in result.refused)


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("loan_id", "lacks lender, product"),
        (",".join([*CSV_ROW, "phone"]), "unknown columns: phone"),
        (",".join([*CSV_ROW, "mobile"]), "mobile more than once"),
        (",".join([*CSV_ROW, "relative10_name"]), "unknown columns: relative10_name"),
        ("", "lacks loan_id"),
    ],
)
def test_a_header_that_does_not_fit_is_refused_before_any_row(header: str, what: str) -> None:
    with pytest.raises(Unreadable, match=what):
        check(read_csv([header, "x"]), CURRENCIES)


def test_files_are_read_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "book.csv").write_text("\ufeff" + "\r\n".join(csv(CSV_ROW)), encoding="utf-8")
    (tmp_path / "book.jsonl").write_text(json.dumps(loan(), ensure_ascii=False) + "\n", encoding="utf-8")

    assert len(check(read(tmp_path / "book.csv"), CURRENCIES).accepted) == 1
    assert len(check(read(tmp_path / "book.jsonl"), CURRENCIES).accepted) == 1


def test_a_file_of_another_kind_or_encoding_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "book.xlsx").write_bytes(b"PK")
    (tmp_path / "book.csv").write_bytes("\n".join(csv(CSV_ROW)).encode("gb18030"))

    with pytest.raises(Unreadable, match=r"neither \.csv nor \.jsonl"):
        list(read(tmp_path / "book.xlsx"))
    with pytest.raises(Unreadable, match="save it as UTF-8"):
        list(read(tmp_path / "book.csv"))


def test_problems_repeat_no_personal_data() -> None:
    rows = [
        loan(borrower=borrower(mobile("+8613000"), name="王" * 201, zone="Nowhere/王示例", birth_date="王")),
        loan(borrower=borrower(mobile("13000000001"), {"kind": "email", "address": "wang示例"})),
        loan(held_for="王示例"),
    ]

    said = "".join(p.model_dump_json() for row in rows for p in checked(row).refused)

    assert said
    assert not any(secret in said for secret in ("王", "13000000001", '+8613000"', "wang"))


def test_rows_do_not_show_personal_data() -> None:
    (accepted,) = checked(loan(relatives=[{"role": "contact", "name": "李示例", "contact_points": [mobile("+8613000000003")]}])).accepted

    assert "示例" not in repr(accepted.loan)
    assert "+86" not in repr(accepted.loan)


def test_progress_is_told_for_each_row() -> None:
    rows: list[None] = []

    check(read_json_lines(json.dumps(loan(loan_id=f"L-{n}")) for n in range(7)), CURRENCIES, lambda: rows.append(None))

    assert len(rows) == 7


class TestDocumentation:
    """``docs/import.md`` describes the formats column by column."""

    TEXT = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")

    def _example(self, language: str) -> str:
        return self.TEXT.partition(f"```{language}\n")[2].partition("```")[0]

    def test_its_csv_example_is_accepted(self) -> None:
        result = check(read_csv(self._example("csv").splitlines(keepends=True)), {"fenqile": "CNY", "paipai": "CNY"})

        assert (len(result.accepted), result.refused) == (2, ())

    def test_its_json_example_is_accepted(self) -> None:
        result = check(read_json_lines([json.dumps(json.loads(self._example("json")))]), {"fenqile": "CNY"})

        assert (len(result.accepted), result.refused) == (1, ())

    @pytest.mark.parametrize("column", COLUMNS)
    def test_it_describes_every_column(self, column: str) -> None:
        name = column.replace("relativeN", "relative1")
        table = self.TEXT.partition("| column |")[2].partition("\n\n")[0]

        assert f"| {name}" in table or f"**{name}**" in table or f", {name}" in table

    def test_it_marks_the_required_columns(self) -> None:
        table = self.TEXT.partition("| column |")[2].partition("\n\n")[0]

        assert tuple(line.split("**")[1] for line in table.splitlines() if line.startswith("| **")) == REQUIRED_COLUMNS
