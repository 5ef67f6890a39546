"""States that make no sense cannot be stored, whoever tries."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from datetime import date, datetime
from decimal import Decimal
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import SQLModel, select

from arrears.domain.events import Ending
from arrears.domain.orders import Purpose
from arrears.domain.outcome import Outcome
from arrears.domain.person import Relation
from arrears.domain.strategy import Referral, Role, TaskKind
from arrears.domain.verdict import Effect
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import (
    CaseEventRow,
    CaseOutcome,
    CaseRow,
    ContactPointRow,
    HoldRow,
    InstalmentRow,
    PaymentRow,
    ReferralRow,
    RelationRow,
    SubjectKeyRow,
    TaskRow,
    VerdictRow,
)
from tests.ledger.conftest import BACKENDS, apart, database
from tests.ledger.scene import HASH, NOW, OTHER_HASH, approval, attempt, later, lend, named, open_case, point, store
from tests.sealing import person

SENT = {"state": "sent", "sent_at": NOW}
SETTLED = {"state": "settled", "sent_at": NOW, "settled_at": NOW, "outcome": Outcome.DELIVERED}
RELATIVE = {"id": "L-1.1/relatives.1/P-1", "person_id": "P-1", "contact_point_id": 2, "purpose": Purpose.RELAY}
DECIDED = {"decided_by": "sue", "decided_at": NOW}


def case(**more: object) -> CaseRow:
    given: dict[str, object] = {
        "id": "L-1.2",
        "loan_id": "L-1",
        "cycle": 2,
        "run_key": "run-2",
        "strategy": "gentle",
        "strategy_version": 1,
        "strategy_hash": HASH,
        "opened_at": NOW,
    }
    return CaseRow(**(given | more))


def paid(**more: object) -> PaymentRow:
    given: dict[str, object] = {
        "payment_id": "pay-9",
        "loan_id": "L-1",
        "amount": Decimal(1),
        "currency": "CNY",
        "received_at": NOW,
        "source": "test",
        "recorded_at": NOW,
    }
    return PaymentRow(**(given | more))


def instalment(**more: object) -> InstalmentRow:
    return InstalmentRow(**({"loan_id": "L-1", "n": 3, "due_on": date(2027, 1, 1), "principal": Decimal(1)} | more))


def hold(**more: object) -> HoldRow:
    return HoldRow(**({"case_id": "L-1.1", "loan_id": "L-1", "reason": "dispute", "placed_at": NOW} | more))


def marked(row: ContactPointRow, mark: bytes) -> ContactPointRow:
    row.address_mark = mark
    return row


def key(person_id: str, **more: object) -> SubjectKeyRow:
    given: dict[str, object] = {"person_id": person_id, "wrapped_key": b"\1", "wrapped_by": "f" * 16, "created_at": NOW}
    return SubjectKeyRow(**(given | more))


def task(**more: object) -> TaskRow:
    given: dict[str, object] = {
        "id": "t-1",
        "case_id": "L-1.1",
        "loan_id": "L-1",
        "step": "collector.1",
        "kind": TaskKind.DEDICATED_COLLECTOR,
        "role": Role.COLLECTOR,
        "opened_at": NOW,
    }
    return TaskRow(**(given | more))


def referral(**more: object) -> ReferralRow:
    given: dict[str, object] = {
        "id": "r-1",
        "case_id": "L-1.1",
        "loan_id": "L-1",
        "step": "agency.1",
        "target": Referral.AGENCY,
        "agency": "first-agency",
        "sent_at": NOW,
    }
    return ReferralRow(**(given | more))


def verdict(**more: object) -> VerdictRow:
    given: dict[str, object] = {
        "attempt_id": "L-1.1/first-sms.1",
        "case_id": "L-1.1",
        "decided_at": NOW,
        "verdict": Effect.DENY,
        "rules": ["CN-01"],
        "observed": [],
        "facts_hash": HASH,
        "regime": "cn",
        "regime_version": 1,
    }
    return VerdictRow(**(given | more))


def event(**more: object) -> CaseEventRow:
    given: dict[str, object] = {"case_id": "L-1.1", "event_key": "k", "kind": "withdrawn", "at": NOW, "body": {}, "recorded_at": NOW}
    return CaseEventRow(**(given | more))


Rows = Callable[[], list[SQLModel]]

WRONG: dict[str, Rows] = {
    "the same number twice for a person": lambda: [point(9, "B-1", "+8613000000001")],
    "an address whose mark is no mark": lambda: [marked(point(9, "B-1", "+8613000000009"), b"short")],
    "a key of nobody": lambda: [key("nobody")],
    "a key that is neither there nor destroyed": lambda: [*person("B-9", "王示例")[:1], key("B-9", wrapped_key=None, wrapped_by=None)],
    "a key that is destroyed and still there": lambda: [*person("B-9", "王示例")[:1], key("B-9", destroyed_at=NOW, reason="retention")],
    "a key that was destroyed for no reason": lambda: [
        *person("B-9", "王示例")[:1],
        key("B-9", wrapped_key=None, wrapped_by=None, destroyed_at=NOW),
    ],
    "a contact point of nobody": lambda: [point(9, "nobody", "+8613000000009")],
    "the borrower as a relative": lambda: [RelationRow(loan_id="L-1", person_id="B-1", role=Relation.BORROWER)],
    "two instalments due on one day": lambda: [instalment(due_on=date(2026, 12, 1))],
    "an instalment of nothing": lambda: [instalment(principal=Decimal(0))],
    "a negative fee": lambda: [instalment(fees=Decimal(-1), principal=Decimal(2))],
    "a payment in another currency": lambda: [paid(currency="EUR")],
    "a payment of nothing": lambda: [paid(amount=Decimal(0))],
    "a payment for no loan": lambda: [paid(loan_id="L-404")],
    "a payment booked twice": lambda: [paid(), paid(amount=Decimal(2))],
    "two open cases of a loan": lambda: [case()],
    "two cases of one run": lambda: [case(run_key="run-1", closed_at=NOW, outcome="cured")],
    "the same cycle twice": lambda: [case(cycle=1, closed_at=NOW, outcome="cured")],
    "a closed case without an outcome": lambda: [case(closed_at=NOW)],
    "an outcome of an open case": lambda: [case(outcome="cured")],
    "an event told twice": lambda: [event(), event(kind="other")],
    "a hold that ends before it begins": lambda: [hold(until=NOW)],
    "a hold on another loan than its case's": lambda: [hold(loan_id="L-2")],
    "a task that is done but has no end": lambda: [task(state="done")],
    "an open task that has ended": lambda: [task(done_at=NOW)],
    "a task for nobody we know": lambda: [task(assignee="nobody")],
    "an agency referral without an agency": lambda: [referral(agency=None)],
    "an agency for a lawsuit": lambda: [referral(target=Referral.LAWSUIT)],
    "a recall without its time": lambda: [referral(state="recalled")],
    "a deferral without an end": lambda: [verdict(verdict=Effect.DEFER)],
    "a denial with an end": lambda: [verdict(until=NOW)],
    "a verdict on no case": lambda: [verdict(case_id="L-404.1")],
    "an attempt twice": lambda: [attempt(), attempt(message="other")],
    "an attempt on somebody else's number": lambda: [attempt(contact_point_id=2)],
    "an attempt booked on another loan": lambda: [attempt(loan_id="L-2")],
    "a sent attempt without its time": lambda: [attempt(state="sent")],
    "a reserved attempt that was sent": lambda: [attempt(sent_at=NOW)],
    "a cancelled attempt that was sent": lambda: [attempt(state="cancelled", sent_at=NOW)],
    "an outcome before the attempt is settled": lambda: [attempt(**SENT, outcome=Outcome.DELIVERED)],
    "a settled attempt without an outcome": lambda: [attempt(**(SETTLED | {"outcome": None}))],
    "a settled attempt without its time": lambda: [attempt(**(SETTLED | {"settled_at": None}))],
    "a relative contacted without approval": lambda: [attempt(**RELATIVE)],
    "a relative contacted whom the approval does not name": lambda: [
        approval(),
        named(person_id="P-2"),
        attempt(**RELATIVE, approval_id="L-1.1/relatives.1"),
    ],
    "a relative told another text than was approved": lambda: [
        approval(),
        named(),
        attempt(**RELATIVE, approval_id="L-1.1/relatives.1", content_hash=OTHER_HASH),
    ],
    "a decision by nobody": lambda: [approval(state="approved")],
    "a decision without its time": lambda: [approval(state="denied", decided_by="sue")],
    "a decision on an open request": lambda: [approval(**DECIDED)],
    "a decision by somebody unknown": lambda: [approval(state="approved", **(DECIDED | {"decided_by": "nobody"}))],
    "a decision on one's own request": lambda: [approval(state="approved", **DECIDED, requested_by="sue")],
    "a void request without a reason": lambda: [approval(state="void", void_at=NOW)],
    "a void request without its time": lambda: [approval(state="void", why_void="paid")],
    "a reminder after the deadline": lambda: [approval(remind_at=later(hours=48))],
    "a purpose without a message": lambda: [approval(message=None)],
}


@pytest.fixture(scope="module", params=BACKENDS)
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A ledger with two loans and a case, for tests whose rows are refused and so leave nothing."""
    with database(request, request.param, tmp_path_factory.mktemp("shared"), migrated=True) as url:
        apart(_furnish(url))
        yield url


async def _furnish(url: str) -> None:
    ledger = Ledger(url)
    await lend(ledger)
    await lend(ledger, "L-2")
    await open_case(ledger)
    await ledger.close()


@pytest.fixture
async def shared(shared_url: str) -> AsyncGenerator[Ledger]:
    ledger = Ledger(shared_url)
    yield ledger
    await ledger.close()


@pytest.mark.parametrize("rows", WRONG.values(), ids=WRONG.keys())
async def test_the_ledger_refuses(shared: Ledger, rows: Rows) -> None:
    with pytest.raises(IntegrityError):
        await store(shared, *rows())


async def test_each_of_the_rows_above_is_stored_when_it_makes_sense(ledger: Ledger) -> None:
    """So that the refusals above are due to what they say."""
    await lend(ledger)
    await open_case(ledger)
    await store(
        ledger,
        point(9, "B-1", "+8613000000009"),
        instalment(),
        paid(),
        case(closed_at=NOW, outcome="cured"),
        event(),
        hold(until=later(days=1)),
        task(),
        task(id="t-2", state="done", done_at=NOW, assignee="sue"),
        referral(),
        referral(id="r-2", target=Referral.LAWSUIT, agency=None),
        referral(id="r-3", state="recalled", recalled_at=NOW),
        verdict(),
        verdict(verdict=Effect.DEFER, until=later(hours=1)),
        attempt(),
        attempt("a-2", **SENT),
        attempt("a-3", **SETTLED),
        attempt("a-4", state="cancelled", settled_at=NOW),
        attempt("a-5", state="settled", settled_at=NOW, outcome=Outcome.NOT_SENT),
        approval(),
        named(),
        attempt(**RELATIVE, approval_id="L-1.1/relatives.1"),
        approval("ap-2", state="approved", **DECIDED),
        approval("ap-3", state="void", **DECIDED, void_at=NOW, why_void="paid"),
        approval("ap-4", purpose=None, message=None),
    )


@pytest.mark.parametrize("state", ["lost", "", "Reserved"])
async def test_a_state_that_does_not_exist_is_refused(shared: Ledger, state: str) -> None:
    with pytest.raises((IntegrityError, StatementError)):
        await store(shared, attempt(state=state))


@pytest.mark.parametrize("amount", ["0.0001", "120.50", "99999999999999.9999", "7", "1000000"])
async def test_amounts_are_exact(ledger: Ledger, amount: str) -> None:
    await lend(ledger)
    await store(ledger, paid(amount=Decimal(amount)))

    async with ledger.reading() as session:
        stored = (await session.exec(select(PaymentRow.amount))).one()
    assert stored == Decimal(amount)
    assert "E" not in str(stored)
    assert len(str(stored).partition(".")[2]) >= 2


@pytest.mark.parametrize("amount", ["0.00001", "100000000000000"])
async def test_amounts_that_would_be_rounded_are_refused(shared: Ledger, amount: str) -> None:
    with pytest.raises(StatementError, match="at most 14 digits"):
        await store(shared, paid(amount=Decimal(amount)))


async def test_instants_come_back_as_the_same_instants_with_a_zone(ledger: Ledger) -> None:
    received = datetime(2026, 11, 21, 17, 30, 0, 123456, tzinfo=ZoneInfo("Asia/Shanghai"))
    await lend(ledger)
    await store(ledger, paid(received_at=received))

    async with ledger.reading() as session:
        stored = (await session.exec(select(PaymentRow.received_at))).one()
    assert stored == received
    assert stored.utcoffset() is not None


async def test_instants_without_a_zone_are_refused(shared: Ledger) -> None:
    with pytest.raises(StatementError, match="timezone"):
        await store(shared, paid(received_at=NOW.replace(tzinfo=None)))


def test_cases_end_as_the_core_says() -> None:
    assert {outcome.value for outcome in CaseOutcome} == set(get_args(Ending))
