"""Every fact that the law asks for has one way in: written once, refused with a remedy, and told to the cases that it stops."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, func, select

from arrears.domain.outcome import Outcome
from arrears.domain.person import ConsentKind, Relation, WishKind
from arrears.domain.strategy import Channel
from arrears.ledger import facts, relays
from arrears.ledger.engine import Ledger
from arrears.ledger.facts import FACT, FactRefused, Recorded
from arrears.ledger.tables import (
    AgencyRow,
    ConsentRow,
    ContactPointRow,
    EarlierHomeRow,
    HoldRow,
    LoanRow,
    NoticeRow,
    PersonRow,
    RelationRow,
    ReportedContactRow,
    Row,
    WishRow,
)
from arrears.ledger.vault import Field
from tests.ledger.scene import NOW, NUMBER, later, lend, open_case
from tests.sealing import keys_of

AT = NOW.isoformat()
AGENCY = {
    "fact": "agency",
    "agency": "north",
    "listed_from": "2026-01-01",
    "contract_from": "2026-01-01",
    "contract_until": "2027-12-31",
    "reviewed_on": "2026-10-01",
    "assessment_id": "assessment-1",
    "agreed": ["purpose", "term", "manner", "data_kinds", "safeguards"],
}
CONTACT = {"key": "c-1", "loan_id": "L-1", "channel": "call", "outcome": "no_answer", "at": AT}
FEED = {"fact": "agency_contacts", "agency": "north", "up_to": AT, "contacts": [CONTACT]}
HOLD = {"fact": "hold", "loan_id": "L-1", "reason": "dispute", "at": AT, "part": "120.00"}
NOTICE = {"fact": "notice", "loan_id": "L-1", "kind": "agency", "sent_at": AT, "evidence": "letter-1"}
ATTORNEY = {
    "fact": "relation",
    "loan_id": "L-1",
    "person_id": "A-1",
    "role": "attorney",
    "evidence": "mandate-1",
    "new_person": {
        "name": "律师示例",
        "language": "zh-CN",
        "zone": "Asia/Shanghai",
        "contact_points": [{"kind": "mobile", "address": "+8613000000009"}],
    },
}
EACH = [
    {"fact": "wish", "person_id": "B-1", "kind": "no_medium", "channel": "sms", "at": AT},
    {"fact": "wish", "person_id": "B-1", "kind": "no_address", "address": NUMBER, "at": AT},
    {"fact": "wish", "person_id": "B-1", "kind": "no_hours", "hours": {"start": "08:00", "end": "12:00"}, "at": AT},
    {"fact": "consent", "person_id": "B-1", "kind": "transfer", "given_at": AT, "evidence": "form-1"},
    {"fact": "circumstance", "person_id": "B-1", "kind": "vulnerable", "since": AT},
    {"fact": "person", "person_id": "B-1", "residence": "CN", "birth_date": "1990-12-31"},
    {
        "fact": "contact_point",
        "person_id": "B-1",
        "contact_point_id": 1,
        "at": AT,
        "valid": False,
        "place": "work",
        "employer_forbids": True,
    },
    {"fact": "refusal", "person_id": "P-1", "at": AT},
    {"fact": "contact", **CONTACT, "outcome": "answered"},
    {"fact": "loan", "loan_id": "L-1", "limitation_ends_on": "2029-11-01", "annual_cost": "23.5", "lender_kind": "consumer_finance"},
    HOLD,
    NOTICE,
    ATTORNEY,
    AGENCY,
]


@pytest.fixture
async def book(ledger: Ledger) -> Ledger:
    await lend(ledger)
    await open_case(ledger)
    if not ledger.on_sqlite:
        # The scene has given its contact points their ids itself.
        async with ledger.session() as session:
            await session.exec(select(func.setval(func.pg_get_serial_sequence("contact_points", "id"), 100)))
    return ledger


async def tell(ledger: Ledger, fact: dict[str, Any], **how: Any) -> Recorded:
    async with ledger.exclusive() as session:
        return await facts.record(session, FACT.validate_json(json.dumps(fact)), how.get("now", NOW), how.get("source", "test"))


async def rows(ledger: Ledger, table: type[Row]) -> list[Any]:
    async with ledger.reading() as session:
        return list((await session.exec(select(table))).all())


async def left(ledger: Ledger) -> list[tuple[str, str, dict[str, Any]]]:
    async with ledger.reading() as session:
        return [(row.loan_id, row.name, row.body) for row in await relays.undelivered(session)]


@pytest.mark.parametrize("fact", EACH, ids=lambda fact: f"{fact['fact']}-{fact.get('kind', '')}")
async def test_a_fact_told_twice_stands_once(book: Ledger, fact: dict[str, Any]) -> None:
    assert (await tell(book, fact)).new
    before = await left(book)
    assert not (await tell(book, fact, now=later(hours=1))).new
    assert await left(book) == before


class TestAWish:
    async def test_of_no_contact_is_told_to_all_open_cases_of_the_borrower(self, book: Ledger) -> None:
        await lend(book, "L-2")
        await open_case(book, "L-2", "run-2")
        recorded = await tell(book, {"fact": "wish", "person_id": "B-1", "kind": "no_contact", "at": AT})
        assert recorded.told == ("L-1", "L-2")
        assert {(loan, name, body["outcome"]) for loan, name, body in await left(book)} == {
            ("L-1", "contact_reported", "opted_out"),
            ("L-2", "contact_reported", "opted_out"),
        }

    async def test_that_is_withdrawn_stands_no_more(self, book: Ledger) -> None:
        await tell(book, {"fact": "wish", "person_id": "B-1", "kind": "no_medium", "channel": "sms", "at": AT})
        await tell(book, {"fact": "wish", "person_id": "B-1", "kind": "no_medium", "channel": "call", "at": AT})
        back = {"fact": "wish_withdrawn", "person_id": "B-1", "kind": "no_medium", "channel": "sms", "at": later(hours=1).isoformat()}
        assert (await tell(book, back, now=later(hours=2))).new
        wishes: list[WishRow] = sorted(await rows(book, WishRow), key=lambda w: w.id)
        assert [(w.channel, w.withdrawn_at) for w in wishes] == [(Channel.SMS, later(hours=1)), (Channel.CALL, None)]


async def test_a_consent_for_all_media_ends_when_it_is_taken_back_for_one(book: Ledger) -> None:
    await tell(book, {"fact": "consent", "person_id": "B-1", "kind": "more_calls", "given_at": AT, "evidence": "form-1"})
    await tell(
        book,
        {"fact": "consent_withdrawn", "person_id": "B-1", "kind": "more_calls", "channel": "call", "at": later(hours=1).isoformat()},
        now=later(hours=1),
    )
    (row,) = await rows(book, ConsentRow)
    assert (row.kind, row.withdrawn_at) == (ConsentKind.MORE_CALLS, later(hours=1))


class TestAHold:
    async def test_on_one_loan_stops_its_case(self, book: Ledger) -> None:
        await lend(book, "L-2")
        await open_case(book, "L-2", "run-2")
        assert (await tell(book, HOLD)).told == ("L-1",)
        assert await left(book) == [("L-1", "hold_placed", {"reason": "dispute"})]
        (row,) = await rows(book, HoldRow)
        assert (row.case_id, row.details, row.recorded_at) == (None, {"part": "120.00"}, NOW)

    async def test_that_reaches_the_person_stops_all_their_cases_and_is_lifted_on_all(self, book: Ledger) -> None:
        await lend(book, "L-2")
        await open_case(book, "L-2", "run-2")
        assert (await tell(book, {**HOLD, "reason": "deceased", "part": None})).told == ("L-1", "L-2")
        lifted = {"fact": "hold_lifted", "loan_id": "L-2", "reason": "deceased", "at": later(hours=1).isoformat()}
        assert (await tell(book, lifted, now=later(hours=1))).told == ("L-1", "L-2")
        assert [(row.lifted_at, row.lift_recorded_at) for row in await rows(book, HoldRow)] == [(later(hours=1), later(hours=1))]

    async def test_that_stands_twice_is_lifted_with_one_word_to_each_case(self, book: Ledger) -> None:
        await lend(book, "L-2")
        await open_case(book, "L-2", "run-2")
        for n, (loan_id, reason) in enumerate((("L-1", "deceased"), ("L-2", "deceased"), ("L-1", "dispute"), ("L-1", "dispute"))):
            told = {"fact": "hold", "loan_id": loan_id, "reason": reason, "at": later(minutes=n).isoformat()}
            assert (await tell(book, told, now=later(minutes=n))).new
        before = len(await left(book))
        lifted = {"fact": "hold_lifted", "loan_id": "L-1", "at": later(hours=1).isoformat()}
        assert (await tell(book, lifted, now=later(hours=1))).told == ("L-1", "L-2")
        assert sorted((loan_id, name, body["reason"]) for loan_id, name, body in (await left(book))[before:]) == [
            ("L-1", "hold_lifted", "deceased"),
            ("L-1", "hold_lifted", "dispute"),
            ("L-2", "hold_lifted", "deceased"),
        ]
        assert {row.lifted_at for row in await rows(book, HoldRow)} == {later(hours=1)}

    async def test_of_an_agency_stops_no_ladder(self, book: Ledger) -> None:
        assert (await tell(book, {**HOLD, "reason": "complaint", "part": None, "agency": "north"})).told == ()


class TestAnAgency:
    async def test_record_is_replaced_whole(self, book: Ledger) -> None:
        await tell(book, AGENCY)
        assert (await tell(book, {"fact": "agency", "agency": "north", "listed_from": "2026-01-01", "listed_until": "2026-11-20"})).new
        (row,) = await rows(book, AgencyRow)
        assert (str(row.listed_until), row.contract_from, row.agreed) == ("2026-11-20", None, [])

    async def test_feed_counts_each_contact_once_and_says_up_to_when_it_is_known(self, book: Ledger) -> None:
        await tell(book, AGENCY)
        assert (await tell(book, FEED)).told == ("L-1",)
        more = {
            **FEED,
            "up_to": later(hours=1).isoformat(),
            "contacts": [CONTACT, {**CONTACT, "key": "c-2", "person_id": "P-1", "outcome": "relative_refused"}],
        }
        await tell(book, more, now=later(hours=1))
        contacts: list[ReportedContactRow] = sorted(await rows(book, ReportedContactRow), key=lambda c: c.key)
        assert [(c.source, c.key, c.person_id, c.outcome) for c in contacts] == [
            ("north", "c-1", "B-1", Outcome.NO_ANSWER),
            ("north", "c-2", "P-1", Outcome.RELATIVE_REFUSED),
        ]
        (row,) = await rows(book, AgencyRow)
        assert row.feed_at == later(hours=1)
        async with book.reading() as session:
            sister = await session.get(RelationRow, ("L-1", "P-1"))
        assert sister is not None
        assert sister.refused_at == NOW


class TestANotice:
    async def test_that_arrives_is_completed(self, book: Ledger) -> None:
        await tell(book, NOTICE)
        arrived = {**NOTICE, "delivered_at": later(hours=1).isoformat()}
        assert (await tell(book, arrived, now=later(hours=1))).new
        assert [(n.delivered_at, n.bounced_at) for n in await rows(book, NoticeRow)] == [(later(hours=1), None)]

    async def test_that_arrived_cannot_come_back(self, book: Ledger) -> None:
        await tell(book, {**NOTICE, "delivered_at": AT})
        with pytest.raises(FactRefused) as refused:
            await tell(book, {**NOTICE, "bounced_at": AT})
        assert refused.value.field == "bounced_at"


class TestAPerson:
    async def test_is_described_further_and_a_birth_date_is_sealed(self, book: Ledger) -> None:
        await tell(book, {"fact": "person", "person_id": "B-1", "residence": "US-MA", "birth_date": "1990-12-31"})
        async with book.reading() as session:
            row = await session.get(PersonRow, "B-1")
        assert row is not None
        assert row.residence == "US-MA"
        assert keys_of("B-1").open("B-1", Field.BIRTH_DATE, row.birth_date) == "1990-12-31"

    async def test_whose_number_works_again_may_be_called_on_it(self, book: Ledger) -> None:
        point = {"fact": "contact_point", "person_id": "B-1", "address": NUMBER, "at": AT}
        await tell(book, {**point, "valid": False})
        await tell(book, {**point, "valid": True, "reassignment_checked": True})
        async with book.reading() as session:
            row = await session.get(ContactPointRow, 1)
        assert row is not None
        assert (row.invalid_since, row.reassignment_checked_at) == (None, NOW)

    async def test_who_is_new_is_admitted_under_a_key_of_their_own(self, book: Ledger) -> None:
        await tell(book, ATTORNEY)
        async with book.reading() as session:
            tie = await session.get(RelationRow, ("L-1", "A-1"))
            points = (await session.exec(select(ContactPointRow).where(col(ContactPointRow.person_id) == "A-1"))).all()
        assert tie is not None
        assert (tie.role, tie.evidence) == (Relation.ATTORNEY, "mandate-1")
        assert [p.legal_basis for p in points] == ["acts_for_borrower"]
        aside = {"fact": "relation", "loan_id": "L-1", "person_id": "A-1", "steps_aside_at": AT}
        assert (await tell(book, aside)).new


async def test_what_is_left_out_of_a_loan_stays_as_it_is(book: Ledger) -> None:
    await tell(book, {"fact": "loan", "loan_id": "L-1", "annual_cost": "23.5"})
    await tell(book, {"fact": "loan", "loan_id": "L-1", "account": "acc-1"})
    loan: LoanRow
    (loan,) = await rows(book, LoanRow)
    assert (str(loan.annual_cost), loan.account) == ("23.50", "acc-1")


@pytest.mark.parametrize(
    ("fact", "field"),
    [
        ({"fact": "wish", "person_id": "nobody", "kind": "no_contact", "at": AT}, "person_id"),
        ({"fact": "wish", "person_id": "B-1", "kind": "no_address", "address": "+8613000000042", "at": AT}, "address"),
        ({"fact": "wish", "person_id": "B-1", "kind": "no_address", "contact_point_id": 2, "at": AT}, "contact_point_id"),
        ({"fact": "wish", "person_id": "B-1", "kind": "no_contact", "at": (NOW + timedelta(days=1)).isoformat()}, "at"),
        ({**HOLD, "loan_id": "L-404"}, "loan_id"),
        ({**FEED, "agency": "unheard-of"}, "agency"),
        ({"fact": "refusal", "person_id": "B-1", "at": AT}, "person_id"),
        ({**ATTORNEY, "person_id": "B-1"}, "person_id"),
        ({"fact": "relation", "loan_id": "L-1", "person_id": "P-9", "role": "attorney"}, "person_id"),
        ({"fact": "contact", **CONTACT, "person_id": "P-404"}, "person_id"),
    ],
)
async def test_what_cannot_stand_is_refused_by_its_field_and_repeats_nothing_private(
    book: Ledger, fact: dict[str, Any], field: str
) -> None:
    with pytest.raises(FactRefused) as refused:
        await tell(book, fact)
    assert refused.value.field == field
    assert refused.value.remedy
    assert "+86" not in str(refused.value)


class TestAFile:
    async def test_is_checked_line_by_line_before_anything_is_written(self, book: Ledger) -> None:
        lines, problems = facts.read(
            [json.dumps(HOLD), "", "{", '{"fact": "wish", "person_id": "B-1", "kind": "no_medium", "at": "soon"}', '{"fact": "rumour"}']
        )
        assert [line.number for line in lines] == [1]
        assert [(p.line, p.fact, p.field) for p in problems] == [(3, None, "line"), (4, "wish", "at"), (5, "rumour", "fact")]

    async def test_with_one_wrong_line_writes_nothing(self, book: Ledger) -> None:
        lines, _ = facts.read([json.dumps(HOLD), json.dumps({**HOLD, "loan_id": "L-404"})])
        with pytest.raises(facts.FileRefused) as refused:
            async with book.exclusive() as session:
                await facts.write(session, lines, NOW)
        assert [(p.line, p.field) for p in refused.value.problems] == [(2, "loan_id")]
        assert await rows(book, HoldRow) == []

    def test_tells_nothing_private_of_what_is_wrong(self) -> None:
        _, problems = facts.read([json.dumps({**ATTORNEY, "new_person": {"name": "律师示例", "phone": "+8613000000009"}})])
        assert {p.field for p in problems} == {"new_person.language", "new_person.phone"}
        assert not any("示例" in p.model_dump_json() or "+86" in p.model_dump_json() for p in problems)


async def test_somebody_who_moves_leaves_their_earlier_home_in_the_ledger(book: Ledger) -> None:
    await tell(book, {"fact": "person", "person_id": "B-1", "zone": "Europe/London", "residence": "GB"})
    await tell(book, {"fact": "person", "person_id": "B-1", "zone": "Europe/London"})
    await tell(
        book, {"fact": "contact_point", "person_id": "B-1", "contact_point_id": 1, "at": AT, "zone": "Europe/London", "place": "work"}
    )

    of_person, of_number = await rows(book, EarlierHomeRow)

    assert (of_person.person_id, of_person.contact_point_id, of_person.zone, of_person.until) == ("B-1", None, "Asia/Shanghai", NOW)
    assert (of_number.person_id, of_number.contact_point_id, of_number.place, of_number.until) == ("B-1", 1, None, NOW)


def test_wish_kinds_ask_for_what_they_need() -> None:
    wrong = [
        {"kind": WishKind.NO_MEDIUM},
        {"kind": WishKind.NO_ADDRESS},
        {"kind": WishKind.NO_HOURS},
        {"kind": WishKind.NO_CONTACT, "channel": "sms"},
        {"kind": WishKind.NO_ADDRESS, "contact_point_id": 1, "address": NUMBER},
    ]
    _, problems = facts.read(json.dumps({"fact": "wish", "person_id": "B-1", "at": AT, **w}) for w in wrong)
    assert [p.line for p in problems] == [1, 2, 3, 4, 5]
