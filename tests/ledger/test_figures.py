"""The portfolio in figures: each number can be found in the rows again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import SQLModel

from arrears.domain.calendar import local_date
from arrears.domain.events import PromiseJudged, PromiseMade
from arrears.domain.orders import Purpose
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Referral, Role, TaskKind
from arrears.domain.verdict import Effect
from arrears.ledger import figures, journal
from arrears.ledger.engine import Ledger
from arrears.ledger.figures.counting import OpenCase, Reply, days_of, overdue, received, says
from arrears.ledger.figures.model import Age, Asked, Bucket, Figures, age_of, bucket_of, monday, usual
from arrears.ledger.search.money import Owed
from arrears.ledger.tables import (
    ApprovalState,
    AttemptRow,
    CaseOutcome,
    CaseRow,
    Direction,
    InstalmentRow,
    LoanRow,
    OperatorRow,
    PaymentReversalRow,
    PaymentRow,
    ReferralRow,
    ReportedContactRow,
    TaskRow,
    TaskState,
    VerdictRow,
)
from tests.ledger.scene import HASH, approval, attempt, store
from tests.sealing import person

ZONE = "Asia/Shanghai"
NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # a Friday, noon in Shanghai
TODAY = local_date(NOW, ZONE)
ASKED = usual(NOW, ZONE)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def loan(n: str, *, strategy: str = "gentle", currency: str = "CNY", overdue_days: int = 10, owed: str = "100.00") -> list[SQLModel]:
    """A loan of one borrower, who lives in Shanghai, that has been overdue for so many days, and its open case."""
    return [
        *person(f"B-{n}", "某人", zone=ZONE),
        LoanRow(
            id=f"L-{n}", borrower_id=f"B-{n}", lender="x", product="cash", currency=currency, strategy=strategy, imported_at=ago(days=400)
        ),
        InstalmentRow(loan_id=f"L-{n}", n=1, due_on=TODAY - timedelta(days=overdue_days), principal=Decimal(owed)),
        case(n, strategy=strategy),
    ]


def case(n: str, cycle: int = 1, **more: Any) -> CaseRow:
    given: dict[str, Any] = {"strategy": "gentle", "strategy_version": 1, "strategy_hash": HASH, "opened_at": ago(days=9)}
    return CaseRow(id=f"L-{n}.{cycle}", loan_id=f"L-{n}", cycle=cycle, run_key=f"run-{n}-{cycle}", **(given | more))


def paid(payment_id: str, n: str, amount: str, at: datetime, currency: str = "CNY") -> PaymentRow:
    return PaymentRow(
        payment_id=payment_id,
        loan_id=f"L-{n}",
        amount=Decimal(amount),
        currency=currency,
        received_at=at,
        source="loan_system",
        recorded_at=at,
    )


def verdict(n: str, effect: Effect, *rules: str, at: datetime = NOW, **more: Any) -> VerdictRow:
    until = at + timedelta(hours=1) if effect is Effect.DEFER else None
    return VerdictRow(
        attempt_id=f"L-{n}.1/x",
        case_id=f"L-{n}.1",
        decided_at=at,
        verdict=effect,
        until=until,
        rules=list(rules),
        observed=[],
        facts_hash=HASH,
        **more,
    )


def contact(id: str, n: str, outcome: Outcome | None, at: datetime, channel: Channel = Channel.CALL, **more: Any) -> AttemptRow:
    state = {"state": "sent"} if outcome is None else {"state": "settled", "outcome": outcome, "settled_at": at}
    return attempt(
        f"L-{n}.1/{id}",
        case_id=f"L-{n}.1",
        loan_id=f"L-{n}",
        person_id=f"B-{n}",
        contact_point_id=None,
        channel=channel,
        purpose=Purpose.COLLECT,
        reserved_at=at,
        sent_at=at,
        **(state | more),
    )


async def counted(ledger: Ledger, asked: Asked = ASKED, now: datetime = NOW) -> Figures:
    async with ledger.reading() as session:
        return await figures.read(session, asked, now)


def test_every_number_of_days_past_due_has_one_bucket() -> None:
    assert [bucket_of(n) for n in (0, 1, 30, 31, 60, 61, 90, 91, 180, 181, 4000)] == [
        Bucket.NONE,
        *(Bucket.TO_30,) * 2,
        *(Bucket.TO_60,) * 2,
        *(Bucket.TO_90,) * 2,
        *(Bucket.TO_180,) * 2,
        *(Bucket.MORE,) * 2,
    ]
    assert all(bucket_of(first) is bucket for bucket in Bucket for first in [bucket.days[0]])


def test_a_request_is_as_old_as_it_has_been_waiting() -> None:
    assert [age_of(timedelta(hours=h)) for h in (0, 3.9, 4, 12, 24, 47.9, 48, 500)] == [
        *(Age.TO_4,) * 2,
        Age.TO_12,
        Age.TO_24,
        *(Age.TO_48,) * 2,
        *(Age.MORE,) * 2,
    ]


def test_usually_twelve_whole_weeks_up_to_today_are_counted() -> None:
    assert ASKED.until == date(2026, 11, 20)
    assert ASKED.since == date(2026, 8, 31)
    assert ASKED.since == monday(ASKED.since)
    assert len(ASKED.weeks) == 12
    assert usual(NOW, ZONE, since=date(2026, 11, 1)).weeks[0] == date(2026, 10, 26)


def test_a_period_that_runs_backwards_or_for_ever_is_refused() -> None:
    with pytest.raises(ValueError, match="until lies before since"):
        Asked(since=TODAY, until=TODAY - timedelta(days=1), zone=ZONE)
    with pytest.raises(ValueError, match="days lie between 1970-01-01"):
        Asked(since=date(1900, 1, 1), until=TODAY, zone=ZONE)


def test_days_of_the_period_are_those_of_its_zone() -> None:
    asked = Asked(since=date(2026, 11, 20), until=date(2026, 11, 20), zone=ZONE)
    assert (asked.starts, asked.ends) == (datetime(2026, 11, 19, 16, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC))
    sunday_in_london = datetime(2026, 11, 22, 17, tzinfo=UTC)
    assert asked.week_of(sunday_in_london) == date(2026, 11, 23)


def test_days_past_due_are_counted_on_the_borrowers_own_day() -> None:
    owed = {"L": Owed(50_000, date(2026, 10, 20))}
    late = datetime(2026, 11, 19, 20, tzinfo=UTC)  # already the 20th in Shanghai

    def bucket(zone: str | None) -> Bucket:
        cases = [OpenCase("L", "s", "CNY", zone)]
        (found,) = overdue(cases, owed, days_of(cases, late))
        return found.bucket

    assert bucket("Asia/Shanghai") is Bucket.TO_60
    assert bucket(None) is Bucket.TO_30


def test_a_payment_is_soon_after_a_contact_for_seven_days() -> None:
    def reply(after: timedelta | None, amount: int) -> Reply:
        return Reply(Decimal(amount), "CNY", NOW, None if after is None else NOW - after)

    (found,) = received([reply(timedelta(days=7), 1), reply(timedelta(days=7.1), 10), reply(None, 100)])

    assert (found.payments, found.amount) == (3, Decimal(111))
    assert (found.soon_after_contact, found.amount_soon_after_contact) == (1, Decimal(1))


def test_a_rule_is_named_in_plain_words() -> None:
    assert says("CN-01").startswith("No collection activity of any kind between")
    assert says("AR-07").startswith("While the law cannot be read")
    assert says("ZZ-99") == ""


async def test_an_empty_ledger_has_empty_figures(ledger: Ledger) -> None:
    found = await counted(ledger)

    assert (found.overdue, found.closed, found.contacts, found.refusals, found.verdicts) == ((), (), (), (), 0)
    assert found.promises.kept_rate is None


async def test_overdue_money_stands_in_its_bucket_strategy_and_currency_and_is_never_added_across_currencies(ledger: Ledger) -> None:
    await store(
        ledger,
        *loan("1", overdue_days=30, owed="100.10"),
        *loan("2", overdue_days=5, owed="50.05"),
        *loan("3", overdue_days=5, currency="USD", owed="70.00"),
        *loan("4", overdue_days=200, strategy="stern", owed="9.99"),
        *loan("5", overdue_days=-3),
        InstalmentRow(loan_id="L-1", n=2, due_on=TODAY + timedelta(days=1), principal=Decimal(1000)),
        paid("p-1", "1", "0.10", ago(days=1)),
    )

    found = await counted(ledger)

    assert [(o.bucket, o.strategy, o.currency, o.cases, o.amount) for o in found.overdue] == [
        (Bucket.NONE, "gentle", "CNY", 1, Decimal(0)),
        (Bucket.TO_30, "gentle", "CNY", 2, Decimal("150.05")),
        (Bucket.TO_30, "gentle", "USD", 1, Decimal("70.00")),
        (Bucket.MORE, "stern", "CNY", 1, Decimal("9.99")),
    ]


async def test_a_payment_that_was_taken_back_counts_neither_for_the_debt_nor_as_received(ledger: Ledger) -> None:
    await store(
        ledger,
        *loan("1", owed="100.00"),
        paid("p-1", "1", "60.00", ago(days=2)),
        paid("p-2", "1", "30.00", ago(days=1)),
        PaymentReversalRow(payment_id="p-1", reversed_at=ago(hours=5), reason="returned", source="loan_system", recorded_at=ago(hours=5)),
    )

    found = await counted(ledger)

    assert found.overdue[0].amount == Decimal("70.00")
    assert (found.received[0].payments, found.received[0].amount) == (1, Decimal("30.00"))


async def test_cases_end_in_weeks_and_cohorts_say_what_became_of_those_that_were_opened(ledger: Ledger) -> None:
    def ended(n: str, outcome: CaseOutcome, at: datetime, **more: Any) -> list[SQLModel]:
        *first, _ = loan(n)
        return [*first, case(n, closed_at=at, outcome=outcome, **more)]

    await store(
        ledger,
        *ended("1", CaseOutcome.CURED, ago(days=1)),
        *ended("2", CaseOutcome.CURED, ago(days=2)),
        *ended("3", CaseOutcome.SOLD, ago(days=8)),
        *ended("4", CaseOutcome.CURED, ago(days=200), opened_at=ago(days=300)),
        *loan("5"),
        *loan("6", strategy="stern"),
    )

    found = await counted(ledger)

    assert [(c.week, c.outcome, c.cases) for c in found.closed] == [
        (date(2026, 11, 9), CaseOutcome.SOLD, 1),
        (date(2026, 11, 16), CaseOutcome.CURED, 2),
    ]
    assert [(c.strategy, c.opened, c.cured, c.otherwise, c.running) for c in found.cohorts] == [
        ("gentle", 4, 2, 1, 1),
        ("stern", 1, 0, 0, 1),
    ]
    assert found.cohorts[0].cure_rate == 0.5
    assert found.strategies == ("gentle", "stern")


async def test_promises_made_kept_and_broken(ledger: Ledger) -> None:
    await store(ledger, *loan("1"), *loan("2"))
    async with ledger.session() as session:
        for day, kept in enumerate((True, True, False), start=1):
            due = TODAY - timedelta(days=day)
            made = PromiseMade(at=ago(days=day + 2), amount=Decimal(5), currency="CNY", due_on=due)
            judged = PromiseJudged(at=ago(days=day), amount=Decimal(5), due_on=due, kept=kept)
            await journal.record_events(session, "L-1.1", "L-1", [made, judged], NOW)
        old = PromiseMade(at=ago(days=100), amount=Decimal(5), currency="CNY", due_on=TODAY)
        new = PromiseMade(at=ago(days=1), amount=Decimal(5), currency="CNY", due_on=TODAY)
        await journal.record_events(session, "L-2.1", "L-2", [old, new], NOW)

    found = (await counted(ledger)).promises

    assert (found.made, found.kept, found.broken) == (4, 2, 1)
    assert found.kept_rate == pytest.approx(2 / 3)


async def test_contacts_count_if_they_left_by_us_or_by_others(ledger: Ledger) -> None:
    await store(
        ledger,
        *loan("1"),
        contact("a", "1", Outcome.NO_ANSWER, ago(days=3)),
        contact("b", "1", Outcome.NO_ANSWER, ago(days=2)),
        contact("c", "1", None, ago(hours=1), Channel.SMS),
        contact("d", "1", Outcome.NOT_SENT, ago(days=2), Channel.SMS),
        contact("e", "1", Outcome.NO_ANSWER, ago(days=300)),
        attempt("L-1.1/f", contact_point_id=None, person_id="B-1"),
        *(
            ReportedContactRow(
                source="first-agency",
                key=key,
                loan_id="L-1",
                person_id="B-1",
                channel=Channel.VISIT,
                direction=direction,
                outcome=Outcome.ANSWERED,
                at=ago(days=1),
                recorded_at=NOW,
            )
            for key, direction in (("v-1", Direction.OUT), ("v-2", Direction.IN))
        ),
        paid("p-1", "1", "10.00", ago(days=1)),
        paid("p-2", "1", "20.00", ago(days=20)),
    )

    found = await counted(ledger)

    assert [(c.by, c.channel, c.outcome, c.contacts) for c in found.contacts] == [
        ("arrears", Channel.CALL, Outcome.NO_ANSWER, 2),
        ("arrears", Channel.SMS, None, 1),
        ("others", Channel.VISIT, Outcome.ANSWERED, 1),
    ]
    (money,) = found.received
    assert (money.payments, money.soon_after_contact, money.amount_soon_after_contact) == (2, 1, Decimal("10.00"))


async def test_refusals_are_counted_for_every_rule_that_stood_behind_them(ledger: Ledger) -> None:
    await store(
        ledger,
        *loan("1"),
        *loan("2", strategy="stern"),
        verdict("1", Effect.ALLOW),
        verdict("1", Effect.DENY, "CN-01", "CN-16"),
        verdict("1", Effect.DEFER, "CN-01"),
        verdict("1", Effect.DEFER, "CN-01", at=ago(days=2)),
        verdict("1", Effect.DENY, "CN-01", at=ago(days=400)),
        verdict("2", Effect.NEEDS_APPROVAL, "AR-02"),
    )

    found = await counted(ledger)
    of_one = await counted(ledger, ASKED.model_copy(update={"strategy": "stern"}))

    assert [(r.rule, r.denied, r.needed_approval, r.put_off) for r in found.refusals] == [
        ("CN-01", 1, 0, 2),
        ("AR-02", 0, 1, 0),
        ("CN-16", 1, 0, 0),
    ]
    assert (found.verdicts, found.stopped) == (5, 4)
    assert [r.rule for r in of_one.refusals] == ["AR-02"]
    assert of_one.verdicts == 1


async def test_requests_wait_and_are_decided_at_some_speed(ledger: Ledger) -> None:
    def asked(id: str, hours: float, **more: Any) -> SQLModel:
        at = ago(hours=hours)
        deadline = at + timedelta(hours=72)
        return approval(
            id,
            case_id="L-1.1",
            purpose=None,
            message=None,
            **{"asked_at": at, "remind_at": at + timedelta(hours=1), "deadline": deadline} | more,
        )

    def decided(id: str, after: float) -> SQLModel:
        return asked(id, 50, state="approved", decided_by="sue", decided_at=ago(hours=50 - after))

    await store(
        ledger,
        *loan("1"),
        OperatorRow(id="sue", name="Sue", role=Role.SUPERVISOR),
        asked("w-1", 2),
        asked("w-2", 30),
        asked("w-3", 31, role=Role.RISK_CONTROL),
        decided("d-1", 1),
        decided("d-2", 3),
        decided("d-3", 26),
        asked("x-1", 90, state="expired"),
        asked("x-2", 80),
    )

    found = await counted(ledger)

    assert [(w.role, w.age, w.requests) for w in found.waiting] == [
        (Role.RISK_CONTROL, Age.TO_48, 1),
        (Role.SUPERVISOR, Age.TO_4, 1),
        (Role.SUPERVISOR, Age.TO_48, 1),
    ]
    assert [(d.state, d.requests, d.median_hours, d.slowest_hours) for d in found.decided] == [
        (ApprovalState.APPROVED, 3, 3.0, 26.0),
        (ApprovalState.EXPIRED, 2, None, None),
    ]


async def test_tasks_and_placements(ledger: Ledger) -> None:
    def task(id: str, state: TaskState, done_at: datetime | None = None, kind: TaskKind = TaskKind.INVESTIGATION) -> TaskRow:
        return TaskRow(
            id=id,
            case_id="L-1.1",
            loan_id="L-1",
            step="s",
            kind=kind,
            role=Role.COLLECTOR,
            state=state,
            opened_at=ago(days=5),
            done_at=done_at,
        )

    def placed(id: str, agency: str, **more: Any) -> ReferralRow:
        given: dict[str, Any] = {"sent_at": ago(days=6), "until": NOW + timedelta(days=20)}
        return ReferralRow(id=id, case_id="L-1.1", loan_id="L-1", step="s", target=Referral.AGENCY, agency=agency, **(given | more))

    await store(
        ledger,
        *loan("1"),
        task("t-1", TaskState.OPEN),
        task("t-2", TaskState.DONE, ago(days=1)),
        task("t-3", TaskState.CANCELLED, ago(days=1)),
        task("t-4", TaskState.DONE, ago(days=200)),
        placed("r-1", "alpha"),
        placed("r-2", "alpha", state="recalled", recalled_at=ago(days=1)),
        placed("r-3", "alpha", until=ago(days=1)),
        placed("r-4", "beta", sent_at=ago(days=200)),
        ReferralRow(id="r-5", case_id="L-1.1", loan_id="L-1", step="s", target=Referral.LAWYER, sent_at=ago(days=1)),
    )

    found = await counted(ledger)

    assert [(t.kind, t.open, t.done, t.cancelled) for t in found.tasks] == [(TaskKind.INVESTIGATION, 1, 1, 1)]
    assert [(p.agency, p.has, p.sent, p.recalled, p.ended) for p in found.placements] == [("alpha", 1, 3, 1, 1), ("beta", 1, 0, 0, 0)]


async def test_one_strategy_alone_can_be_asked_for(ledger: Ledger) -> None:
    await store(
        ledger,
        *loan("1"),
        *loan("2", strategy="stern", owed="7.00"),
        contact("a", "1", Outcome.NO_ANSWER, ago(days=3)),
        paid("p-1", "1", "10.00", ago(days=1)),
        paid("p-2", "2", "2.00", ago(days=1)),
    )

    found = await counted(ledger, ASKED.model_copy(update={"strategy": "stern"}))

    assert [(o.strategy, o.amount) for o in found.overdue] == [("stern", Decimal("5.00"))]
    assert [r.amount for r in found.received] == [Decimal("2.00")]
    assert found.contacts == ()
    assert [c.strategy for c in found.cohorts] == ["stern"]
    assert found.strategies == ("gentle", "stern")


async def test_figures_say_at_which_record_of_the_chain_they_were_read_and_are_kept_for_a_moment(ledger: Ledger) -> None:
    await store(ledger, *loan("1"))
    first = await figures.figures(ledger, ASKED, NOW)

    same = await figures.figures(ledger, ASKED, NOW + timedelta(seconds=1))
    other = await figures.figures(ledger, ASKED.model_copy(update={"strategy": "stern"}), NOW)

    assert first.seq > 0
    assert same is first
    assert other.overdue == ()
