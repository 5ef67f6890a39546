"""Erased people cannot be read any more; everything else about their cases stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url
from sqlmodel import col, select

from arrears.config.retention import retention_rule
from arrears.domain.outcome import Outcome
from arrears.domain.retention import Keeping, SweepReport
from arrears.domain.strategy import Channel, Role
from arrears.ledger import cases, erasure, loans
from arrears.ledger.engine import Ledger
from arrears.ledger.erasure import Erased, ErasureRefused, NotAllowed, PersonUnknown, Policy
from arrears.ledger.tables import AttemptRow, InstalmentRow, LoanRow, OperatorRow, PersonRow, ReferralRow, RelationRow, SubjectKeyRow
from arrears.ledger.timeline import timeline
from arrears.ledger.vault import Field, keyring
from tests.ledger.scene import NOW, attempt, later, lend, open_case, payment, settled, store
from tests.sealing import keys_of, person

POLICY = Policy(retention_rule(), "CN")
IN_FIVE_YEARS = datetime(2031, 11, 25, tzinfo=UTC)
TOO_EARLY = IN_FIVE_YEARS - timedelta(seconds=1)
SAID = "王示例，您好"


async def close(ledger: Ledger, case_id: str = "L-1.1", outcome: Any = "cured", now: datetime = later(days=3)) -> None:
    async with ledger.exclusive() as session:
        await cases.close_case_row(session, case_id, outcome, now)


async def erase(ledger: Ledger, person_id: str = "B-1", now: datetime = IN_FIVE_YEARS) -> Erased:
    async with ledger.exclusive() as session:
        return await erasure.erase(session, person_id, POLICY, "root", "request-1", now)


async def sweep(ledger: Ledger, now: datetime, most: int = 100, after: str = "") -> SweepReport:
    async with ledger.exclusive() as session:
        return await erasure.sweep(session, after, most, POLICY, now)


async def states(ledger: Ledger) -> dict[str, Keeping]:
    async with ledger.reading() as session:
        return {p: k.keeping for p, k in (await erasure.kept(session, ["B-1", "B-2", "P-1", "P-2"])).items()}


@pytest.fixture
async def paid_off(ledger: Ledger) -> Ledger:
    """A loan whose case has ended with all of it paid, on 24 November 2026."""
    await lend(ledger)
    await store(ledger, OperatorRow(id="root", name="Root", role=Role.ADMIN))
    await open_case(ledger)
    text = keys_of("B-1").seal("B-1", Field.TEXT, SAID)
    await store(ledger, attempt(state="settled", outcome=Outcome.DELIVERED, sent_at=NOW, settled_at=NOW, text=text))
    async with ledger.exclusive() as session:
        await loans.record_payment(session, "L-1", payment(amount="800"), "test", later(days=3))
    await close(ledger)
    return ledger


class TestErasing:
    async def test_makes_everything_unreadable_and_leaves_the_rows(self, paid_off: Ledger) -> None:
        async with paid_off.reading() as session:
            before = (await session.exec(select(AttemptRow))).one()

        erased = await erase(paid_off)

        assert (erased.person_id, erased.relatives, erased.kept) == ("B-1", ("P-1", "P-2"), ())
        async with paid_off.reading() as session:
            keys = await keyring(session, ["B-1", "P-1", "P-2"])
            people = (await session.exec(select(PersonRow))).all()
            assert [keys.open(p.id, Field.NAME, p.name) for p in people] == [None, None, None]
            points = await loans.contact_points(session, "B-1")
            assert [keys.open("B-1", Field.ADDRESS, p.address) for p in points] == [None]
            after = (await session.exec(select(AttemptRow))).one()
            assert keys.open("B-1", Field.TEXT, after.text) is None
            assert after == before

    async def test_says_by_whom_when_and_why(self, paid_off: Ledger) -> None:
        await erase(paid_off)
        async with paid_off.reading() as session:
            row = (await session.exec(select(SubjectKeyRow).where(col(SubjectKeyRow.person_id) == "P-1"))).one()
        assert (row.destroyed_at, row.destroyed_by, row.reason, row.wrapped_key) == (IN_FIVE_YEARS, "root", "request-1", None)

    async def test_before_its_time_is_refused_with_the_day_and_the_clause(self, paid_off: Ledger) -> None:
        with pytest.raises(ErasureRefused, match=r"B-1 cannot be erased: collection-record must be kept until 2031-11-25 \(CN-48\)"):
            await erase(paid_off, now=TOO_EARLY)
        assert set((await states(paid_off)).values()) == {Keeping.ACTIVE}

    async def test_with_an_open_case_is_refused(self, paid_off: Ledger) -> None:
        await open_case(paid_off, run_key="run-2", now=later(days=4))
        with pytest.raises(ErasureRefused, match=r"case L-1.2 is open"):
            await erase(paid_off)

    async def test_a_handover_prolongs_the_term(self, paid_off: Ledger) -> None:
        await store(
            paid_off,
            ReferralRow(
                id="L-1.1/agency.1", case_id="L-1.1", loan_id="L-1", step="agency.1", target="agency", agency="a-1", sent_at=later(days=900)
            ),
        )
        with pytest.raises(ErasureRefused, match=r"CN-48"):
            await erase(paid_off)
        erased = await erase(paid_off, now=later(days=900 + 5 * 365 + 3))
        assert erased.person_id == "B-1"

    async def test_twice_is_refused(self, paid_off: Ledger) -> None:
        await erase(paid_off)
        with pytest.raises(ErasureRefused, match="is erased already"):
            await erase(paid_off)

    async def test_keeps_a_relative_whom_another_debtor_has_named(self, paid_off: Ledger) -> None:
        await store(paid_off, *person("B-2", "周示例"))
        await lend_to("B-2", "L-2", paid_off)
        await store(paid_off, RelationRow(loan_id="L-2", person_id="P-1", role="contact"))

        erased = await erase(paid_off)

        assert (erased.relatives, erased.kept) == (("P-2",), ("P-1",))

    async def test_keeps_a_relative_who_owes_a_loan(self, paid_off: Ledger) -> None:
        await lend_to("P-2", "L-2", paid_off)
        assert (await erase(paid_off)).kept == ("P-2",)

    async def test_takes_what_a_kept_relative_was_told_along(self, paid_off: Ledger) -> None:
        await lend_to("P-2", "L-2", paid_off)
        keys = keys_of("B-1", "P-2")
        told = keys.seal(("B-1", "P-2"), Field.TEXT, SAID)
        await erase(paid_off)
        async with paid_off.reading() as session:
            assert (await keyring(session, ["B-1", "P-2"])).open(("B-1", "P-2"), Field.TEXT, told) is None

    async def test_can_be_asked_by_the_loan(self, paid_off: Ledger) -> None:
        async with paid_off.reading() as session:
            assert await erasure.person_of(session, "L-1") == "B-1"
            assert await erasure.person_of(session, "P-1") == "P-1"
            with pytest.raises(PersonUnknown, match="no person and no loan X-1"):
                await erasure.person_of(session, "X-1")

    @pytest.mark.parametrize(
        ("operator", "why"), [("nobody", "does not exist"), ("sue", "is supervisor"), ("gone", "is not active")], ids=lambda w: w
    )
    async def test_is_for_admins(self, paid_off: Ledger, operator: str, why: str) -> None:
        async with paid_off.reading() as session:
            await erasure.authorise(session, "root")
            with pytest.raises(NotAllowed, match=f"operator {operator} {why}: only an active admin erases"):
                await erasure.authorise(session, operator)

    async def test_shows_in_the_timeline(self, paid_off: Ledger) -> None:
        await erase(paid_off)
        async with paid_off.reading() as session:
            told = [(e.kind, e.person_id, e.text) for e in await timeline(session, "L-1") if e.at == IN_FIVE_YEARS]
        assert told == [("person_erased", p, f"{p} is erased: request-1") for p in ("B-1", "P-1", "P-2")]

    @pytest.mark.parametrize("backend", ["sqlite"])
    async def test_leaves_no_key_on_the_disk(self, paid_off: Ledger, url: str) -> None:
        async with paid_off.reading() as session:
            row = (await session.exec(select(SubjectKeyRow).where(col(SubjectKeyRow.person_id) == "B-1"))).one()
        assert row.wrapped_key is not None
        assert row.wrapped_key in on_disk(url)

        await erase(paid_off)
        await paid_off.forget()

        assert row.wrapped_key not in on_disk(url)


class TestTheSweep:
    async def test_only_keeps_what_has_served_its_purpose(self, paid_off: Ledger) -> None:
        report = await sweep(paid_off, later(days=4))
        assert (report.looked_at, report.stored_only, report.erased, report.last) == (3, 3, 0, None)
        assert set((await states(paid_off)).values()) == {Keeping.STORE_ONLY}

    async def test_erases_when_the_term_has_ended(self, paid_off: Ledger) -> None:
        await sweep(paid_off, later(days=4))
        assert (await sweep(paid_off, TOO_EARLY)).erased == 0
        assert (await sweep(paid_off, IN_FIVE_YEARS)).erased == 3
        async with paid_off.reading() as session:
            row = (await session.exec(select(SubjectKeyRow).where(col(SubjectKeyRow.person_id) == "B-1"))).one()
        assert (row.destroyed_by, row.reason) == (None, "retention-ended")

    async def test_changes_nothing_the_second_time(self, paid_off: Ledger) -> None:
        await sweep(paid_off, later(days=4))
        assert await sweep(paid_off, later(days=4)) == SweepReport(looked_at=3)
        await sweep(paid_off, IN_FIVE_YEARS)
        assert await sweep(paid_off, IN_FIVE_YEARS) == SweepReport()

    async def test_goes_on_where_it_stopped(self, paid_off: Ledger) -> None:
        first = await sweep(paid_off, IN_FIVE_YEARS, most=2)
        assert (first.erased, first.last) == (2, "P-1")
        assert await sweep(paid_off, IN_FIVE_YEARS, most=2, after="P-1") == SweepReport(looked_at=1, erased=1)

    async def test_leaves_debts_alone_that_are_still_owed(self, ledger: Ledger) -> None:
        await lend(ledger)
        await open_case(ledger)
        await close(ledger, outcome="withdrawn")
        assert await sweep(ledger, IN_FIVE_YEARS) == SweepReport(looked_at=3)

    @pytest.mark.parametrize("ending", ["written_off", "sold", "settled", "deceased_estate"])
    async def test_ends_with_debts_that_nobody_collects_any_more(self, ledger: Ledger, ending: str) -> None:
        await lend(ledger)
        await open_case(ledger)
        await close(ledger, outcome=ending)
        assert (await sweep(ledger, IN_FIVE_YEARS)).erased == 3

    async def test_takes_people_back_into_use_for_a_new_loan(self, paid_off: Ledger) -> None:
        await sweep(paid_off, later(days=4))
        await lend_to("B-1", "L-2", paid_off)
        assert (await sweep(paid_off, later(days=5))).in_use_again == 1
        assert (await states(paid_off))["B-1"] is Keeping.ACTIVE

    async def test_a_call_to_a_relative_counts_for_everybody_in_the_case(self, paid_off: Ledger) -> None:
        """The record of the collection is one record."""
        call = settled("L-1.1/call.1", Outcome.NO_ANSWER, later(days=40), channel=Channel.CALL)
        await store(paid_off, call)
        assert (await sweep(paid_off, IN_FIVE_YEARS)).erased == 0
        assert (await sweep(paid_off, IN_FIVE_YEARS + timedelta(days=37))).erased == 3


def on_disk(url: str) -> bytes:
    """All that an SQLite ledger has written."""
    file = Path(make_url(url).database or "")
    return b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))


async def lend_to(person_id: str, loan_id: str, ledger: Ledger) -> None:
    """Another loan, of which an instalment is owed."""
    async with ledger.session() as session:
        theirs = await loans.loan(session, "L-1")
        fields = theirs.model_dump() | {"id": loan_id, "borrower_id": person_id}
        instalment = (await loans.instalments(session, "L-1"))[0].model_dump() | {"loan_id": loan_id}
        session.add(LoanRow(**fields))
        await session.flush()
        session.add(InstalmentRow(**instalment))
