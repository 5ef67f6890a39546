"""Cases are found by what they are, what they wait for and what is owed, and come in order, a page at a time."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from arrears.domain.calendar import local_date
from arrears.domain.events import HoldPlaced, PlanAgreed, PromiseMade
from arrears.domain.strategy import Referral, Role, TaskKind
from arrears.ledger import cases, journal, loans
from arrears.ledger.engine import Ledger
from arrears.ledger.search import CursorRefused, Found, FoundCase, Query, Waiting, find
from arrears.ledger.tables import InstalmentRow, LoanRow, OperatorRow, PaymentReversalRow, ReferralRow, TaskRow
from tests.ledger.scene import NOW, approval, later, lend, open_case, payment, store
from tests.sealing import person

_PROMISE = PromiseMade.model_validate({"at": later(minutes=1), "amount": "500.00", "currency": "CNY", "due_on": date(2026, 11, 25)})
_PLAN = PlanAgreed.model_validate(
    {"at": later(minutes=1), "currency": "CNY", "instalments": [{"due_on": date(2026, 11, 25), "amount": "800"}]}
)
_HELD = HoldPlaced(at=later(minutes=1), reason="dispute")


async def asked(ledger: Ledger, most: int = 50, after: str | None = None, **query: Any) -> Found:
    async with ledger.reading() as session:
        return await find(session, Query.model_validate(query), later(hours=1), {}, most=most, after=after)


async def loans_of(ledger: Ledger, **query: Any) -> list[str]:
    return [case.loan_id for case in (await asked(ledger, **query)).cases]


async def only(ledger: Ledger, **query: Any) -> FoundCase:
    (case,) = (await asked(ledger, **query)).cases
    return case


@pytest.fixture
async def portfolio(ledger: Ledger) -> Ledger:
    """Seven open cases of one borrower, each in a state of its own, and one that is closed."""
    for name in ("ASK", "TASK", "PROMISE", "PLAN", "HELD", "PLACED", "LADDER", "CLOSED"):
        await lend(ledger, f"L-{name}")
        await open_case(ledger, f"L-{name}", name)
    async with ledger.session() as session:
        await journal.record_events(session, "L-PROMISE.1", "L-PROMISE", [_PROMISE], later(minutes=1))
        await journal.record_events(session, "L-PLAN.1", "L-PLAN", [_PLAN], later(minutes=1))
        await journal.record_events(session, "L-HELD.1", "L-HELD", [_HELD], later(minutes=1))
        await loans.record_payment(session, "L-LADDER", payment(amount="100.50"), "loan_system", NOW)
        await cases.close_case_row(session, "L-CLOSED.1", "withdrawn", later(minutes=30))
    await store(
        ledger,
        OperatorRow(id="col", name="Col", role=Role.COLLECTOR),
        approval("ask-1", case_id="L-ASK.1"),
        _task("t-1", "L-TASK", assignee="col"),
        _task("t-2", "L-HELD"),
        ReferralRow(
            id="r-1",
            case_id="L-PLACED.1",
            loan_id="L-PLACED",
            step="agency.1",
            target=Referral.AGENCY,
            agency="acme",
            sent_at=NOW,
            until=later(days=60),
        ),
    )
    return ledger


def _task(task_id: str, loan_id: str, assignee: str | None = None) -> TaskRow:
    kind, role = TaskKind.DEDICATED_COLLECTOR, Role.COLLECTOR
    return TaskRow(id=task_id, case_id=f"{loan_id}.1", loan_id=loan_id, step="x.1", kind=kind, role=role, opened_at=NOW, assignee=assignee)


async def test_open_cases_are_found_unless_others_are_asked_for(portfolio: Ledger) -> None:
    assert (await asked(portfolio)).total == 7
    assert await loans_of(portfolio, state="closed") == ["L-CLOSED"]
    assert (await asked(portfolio, state="all")).total == 8


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"text": "L-PLAN"}, {"L-PLAN"}),
        ({"text": " L-PLAN.1 "}, {"L-PLAN"}),
        ({"text": "L-PLA"}, set[str]()),
        ({"text": "王示例"}, set[str]()),
        ({"text": "+8613000000001"}, set[str]()),
        ({"stage": "promised"}, {"L-PROMISE"}),
        ({"stage": "on_plan"}, {"L-PLAN"}),
        ({"stage": "on_hold"}, {"L-HELD"}),
        ({"stage": "placed"}, {"L-PLACED"}),
        ({"stage": "awaiting_approval"}, {"L-ASK"}),
        ({"stage": "contacting"}, {"L-TASK", "L-LADDER"}),
        ({"state": "all", "stage": "withdrawn"}, {"L-CLOSED"}),
        ({"waiting": "decision"}, {"L-ASK"}),
        ({"waiting": "task"}, {"L-TASK", "L-HELD"}),
        ({"waiting": "ladder"}, {"L-TASK", "L-LADDER"}),
        ({"waiting": "agency"}, {"L-PLACED"}),
        ({"owner": "col"}, {"L-TASK"}),
        ({"owner": "nobody"}, {"L-HELD"}),
        ({"hold": "dispute"}, {"L-HELD"}),
        ({"hold": "hardship"}, set[str]()),
        ({"agency": "acme"}, {"L-PLACED"}),
        ({"owed_to": "499.99"}, {"L-LADDER"}),
        ({"owed_from": "399.50", "owed_to": "399.50"}, {"L-LADDER"}),
        ({"days_from": "21"}, set[str]()),
        ({"strategy": "other"}, set[str]()),
        ({"currency": "EUR"}, set[str]()),
        ({"opened_from": "2026-11-22"}, set[str]()),
        ({"state": "closed", "closed_from": "2026-11-21", "closed_to": "2026-11-21"}, {"L-CLOSED"}),
        ({"state": "closed", "closed_to": "2026-11-20"}, set[str]()),
    ],
)
async def test_each_filter_finds_what_it_names(portfolio: Ledger, query: dict[str, Any], expected: set[str]) -> None:
    assert set(await loans_of(portfolio, **query)) == expected


async def test_the_borrowers_id_finds_all_their_cases(portfolio: Ledger) -> None:
    assert (await asked(portfolio, text="B-1")).total == 7
    assert (await asked(portfolio, text="P-1")).total == 0


async def test_everything_is_found_by_its_day_and_strategy(portfolio: Ledger) -> None:
    query: dict[str, Any] = {
        "strategy": "gentle",
        "days_from": "20",
        "days_to": "20",
        "currency": "CNY",
        "opened_from": "2026-11-21",
        "opened_to": "2026-11-21",
    }
    assert (await asked(portfolio, **query)).total == 7


async def test_a_row_says_what_a_list_shows(portfolio: Ledger) -> None:
    found = await only(portfolio, text="L-LADDER")

    assert (found.owed, found.currency, found.days_past_due, found.due_since) == (Decimal("399.50"), "CNY", 20, date(2026, 11, 1))
    assert (found.waiting, found.strategy, found.strategy_version) == ((Waiting.LADDER,), "gentle", 3)
    placed = await only(portfolio, text="L-PLACED")
    assert (placed.agency, placed.waits_until) == ("acme", later(days=60))
    assert (await only(portfolio, text="L-ASK")).waits_until == later(hours=48)
    held = await only(portfolio, text="L-HELD")
    assert (held.holds, held.waiting, held.owners) == (("dispute",), (Waiting.TASK, Waiting.HOLD), ())
    assert (await only(portfolio, text="L-TASK")).owners == ("col",)


async def test_what_is_overdue_of_all_that_fit_is_added_up(portfolio: Ledger) -> None:
    assert (await asked(portfolio, most=1)).owed == {"CNY": Decimal("3399.50")}


async def test_what_waits_for_a_human_comes_first(portfolio: Ledger) -> None:
    urgent = await loans_of(portfolio)
    assert urgent[:3] == ["L-ASK", "L-HELD", "L-TASK"]
    assert urgent[-1] == "L-PLAN"


async def test_the_largest_amount_comes_first_if_that_is_asked_for(portfolio: Ledger) -> None:
    assert (await loans_of(portfolio, sort="amount"))[-1] == "L-LADDER"
    assert (await loans_of(portfolio, sort="days"))[-1] == "L-LADDER"


@pytest.mark.parametrize("sort", ["urgent", "days", "amount", "opened"])
async def test_pages_follow_each_other_and_nothing_is_lost_or_doubled(portfolio: Ledger, sort: str) -> None:
    whole = await loans_of(portfolio, sort=sort)
    pages, after = list[str](), None
    while True:
        page = await asked(portfolio, most=2, after=after, sort=sort)
        pages += [case.loan_id for case in page.cases]
        assert page.total == 7
        if (after := page.next) is None:
            break
    assert pages == whole


@pytest.mark.parametrize("cursor", ["", "x", "é", "bm90IGpzb24", "W10", "WyJ1cmdlbnQiLFsxLDIsMyw0XV0"])
async def test_a_cursor_that_no_page_gave_is_refused(portfolio: Ledger, cursor: str) -> None:
    with pytest.raises(CursorRefused):
        await asked(portfolio, after=cursor)


async def test_a_cursor_of_another_order_is_refused(portfolio: Ledger) -> None:
    page = await asked(portfolio, most=1, sort="days")
    with pytest.raises(CursorRefused, match="another order"):
        await asked(portfolio, after=page.next, sort="amount")


async def test_a_payment_that_was_taken_back_counts_no_more(portfolio: Ledger) -> None:
    await store(portfolio, PaymentReversalRow(payment_id="pay-1", reversed_at=NOW, reason="bounced", source="loan_system", recorded_at=NOW))
    assert (await only(portfolio, text="L-LADDER")).owed == Decimal("500.00")


async def test_the_figures_are_those_of_each_loan_by_itself(ledger: Ledger) -> None:
    dice = random.Random(20261121)
    zones = ("Asia/Shanghai", "America/Los_Angeles", "Pacific/Kiritimati", None)
    for n in range(24):
        zone = zones[n % 4]
        await store(
            ledger,
            *person(f"B-{n}", "x", zone=zone),
            LoanRow(id=f"N-{n}", borrower_id=f"B-{n}", lender="x", product="x", currency="CNY", strategy="gentle", imported_at=NOW),
            *(
                InstalmentRow(
                    loan_id=f"N-{n}",
                    n=k,
                    due_on=date(2026, 11, 18) + timedelta(days=k),
                    principal=Decimal(dice.randint(1, 10**6)) / 10 ** dice.randint(0, 4),
                    fees=Decimal(dice.randint(0, 50)) / 100,
                )
                for k in range(1, dice.randint(2, 6))
            ),
        )
        await open_case(ledger, f"N-{n}", f"n-{n}")
        async with ledger.session() as session:
            for k in range(dice.randint(0, 2)):
                paid = payment(f"p-{n}-{k}", str(Decimal(dice.randint(1, 10**5)) / 100))
                await loans.record_payment(session, f"N-{n}", paid, "loan_system", NOW)

    found = (await asked(ledger)).cases

    assert len(found) == 24
    async with ledger.reading() as session:
        for case in found:
            day = local_date(later(hours=1), case.zone)
            own = await loans.arrears(session, case.loan_id, day)
            assert (case.owed, case.due_since) == (own.amount, own.due_since if own.amount else None), case.loan_id


@pytest.mark.parametrize(
    "wrong", [{"days_from": "9", "days_to": "3"}, {"owed_from": "x"}, {"sort": "name"}, {"opened_from": "yesterday"}, {"text": "x" * 129}]
)
def test_a_question_that_makes_no_sense_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Query.model_validate(wrong)


def test_empty_fields_of_a_form_ask_nothing_and_are_not_kept() -> None:
    query = Query.model_validate({"text": "", "days_from": " ", "owed_to": "", "currency": "", "waiting": "", "state": "open", "page": "3"})
    assert query == Query()
    assert query.kept() == {}
    assert Query.model_validate({"owed_from": "100.50", "sort": "days"}).kept() == {"owed_from": "100.50", "sort": "days"}
