"""What needs a human: each kind of alert shows when its facts are so, names what it is about, and is gone once somebody has seen to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlmodel import SQLModel

from arrears.domain.access import Action
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Referral, Role
from arrears.domain.verdict import Effect
from arrears.ledger.alerts import ABOUT_TO_EXPIRE, FEED_LASTS, LOOKS_BACK, STALLED_AFTER, Alert, AlertKind, alerts, inbox_count
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import (
    ActorKind,
    AgencyRow,
    ApprovalRow,
    ApprovalState,
    AttemptRow,
    AttemptState,
    AuditRow,
    CaseEventRow,
    CaseOutcome,
    CaseRow,
    DeliveryRow,
    DeliveryState,
    ReferralRow,
    ReferralState,
    RelayRow,
    VerdictRow,
)
from tests.ledger.scene import NOW, approval, attempt, later, lend, open_case, settled, store

MOMENT = timedelta(seconds=1)


async def seen(ledger: Ledger, now: datetime = NOW) -> list[Alert]:
    async with ledger.reading() as session:
        return await alerts(session, now, now)


async def put_right(ledger: Ledger, table: type[SQLModel], key: object, change: Callable[[SQLModel], None]) -> None:
    async with ledger.session() as session:
        row = await session.get_one(table, key)
        change(row)
        session.add(row)


def to(**values: object) -> Callable[[SQLModel], None]:
    """A change that gives a row these values."""

    def change(row: SQLModel) -> None:
        for name, value in values.items():
            setattr(row, name, value)

    return change


def step_taken(outcome: Outcome, step: str = "first-sms.1", at: datetime = NOW) -> CaseEventRow:
    body = {"kind": "step_taken", "step": step, "outcome": outcome, "at": at.isoformat()}
    return CaseEventRow(case_id="L-1.1", event_key=f"step/{step}", kind="step_taken", at=at, body=body, recorded_at=at)


def verdict(step: str = "first-sms.1", *, at: datetime = NOW, rules: Iterable[str] = ("CN-14",), permanent: bool = True) -> VerdictRow:
    return VerdictRow(
        attempt_id=f"L-1.1/{step}",
        case_id="L-1.1",
        person_id="B-1",
        decided_at=at,
        verdict=Effect.DENY,
        rules=[*rules],
        observed=[],
        facts_hash="c" * 64,
        permanent=permanent,
    )


def refused(actor: str = "sms", kind: ActorKind = ActorKind.GATEWAY, at: datetime = NOW, **more: object) -> AuditRow:
    given = {"at": at, "actor_kind": kind, "actor": actor, "action": Action.RECORD_PAYMENT, "allowed": False}
    return AuditRow.model_validate(given | more)


def placed(referral_id: str = "L-1.1/agency.1", sent_at: datetime = NOW - FEED_LASTS) -> ReferralRow:
    return ReferralRow(
        id=referral_id, case_id="L-1.1", loan_id="L-1", step="agency.1", target=Referral.AGENCY, agency="hua", sent_at=sent_at
    )


def request(deadline: datetime, step: str = "relatives.1") -> ApprovalRow:
    """A request that is open until then."""
    return approval(
        f"L-1.1/{step}", step=step, asked_at=deadline - timedelta(hours=48), remind_at=deadline - timedelta(hours=24), deadline=deadline
    )


def dead(message_id: str = "msg-1") -> DeliveryRow:
    return DeliveryRow(id=message_id, key=message_id, kind="case.opened", loan_id="L-1", body={}, state=DeliveryState.DEAD, recorded_at=NOW)


@dataclass(frozen=True)
class Kind:
    """How an alert comes about, what it names, and what makes it go away: a row put right, or nothing but time."""

    kind: AlertKind
    rows: Callable[[], list[SQLModel]]
    names: tuple[str, str | None, str | None]
    table: type[SQLModel] | None = None
    key: object = None
    right: Callable[[SQLModel], None] | None = None


CALL = "L-1.1/first-call.1"
LONG_AGO = NOW - STALLED_AFTER

KINDS = [
    Kind(
        AlertKind.APPROVAL_EXPIRING,
        lambda: [request(NOW + ABOUT_TO_EXPIRE)],
        ("L-1.1/relatives.1", "L-1", "relatives.1"),
        ApprovalRow,
        "L-1.1/relatives.1",
        to(state=ApprovalState.DENIED, decided_by="sue", decided_at=NOW),
    ),
    Kind(
        AlertKind.CASE_STALLED,
        lambda: [request(LONG_AGO)],
        ("L-1.1/relatives.1", "L-1", "relatives.1"),
        ApprovalRow,
        "L-1.1/relatives.1",
        to(state=ApprovalState.EXPIRED),
    ),
    Kind(
        AlertKind.MESSAGES_WAIT,
        lambda: [RelayRow(id=1, loan_id="L-1", name="payment", key="payment/1", body={}, recorded_at=LONG_AGO)],
        ("relays", "L-1", None),
        RelayRow,
        1,
        to(delivered_at=NOW),
    ),
    Kind(
        AlertKind.STEP_FAILED,
        lambda: [step_taken(Outcome.FAILED)],
        ("L-1.1", "L-1", "first-sms.1"),
        CaseRow,
        "L-1.1",
        to(closed_at=NOW, outcome=CaseOutcome.CURED),
    ),
    Kind(
        AlertKind.DENIED_BY_LAW,
        lambda: [verdict()],
        ("L-1.1/first-sms.1", "L-1", "first-sms.1"),
        CaseRow,
        "L-1.1",
        to(closed_at=NOW, outcome=CaseOutcome.WITHDRAWN),
    ),
    Kind(
        AlertKind.OUTCOME_UNKNOWN,
        lambda: [settled("L-1.1/first-sms.1", Outcome.UNKNOWN, LONG_AGO)],
        ("L-1.1/first-sms.1", "L-1", "first-sms.1"),
        AttemptRow,
        "L-1.1/first-sms.1",
        to(outcome=Outcome.DELIVERED),
    ),
    Kind(
        AlertKind.OUTCOME_UNKNOWN,
        lambda: [attempt(CALL, channel=Channel.CALL, state=AttemptState.SENT, reserved_at=LONG_AGO, sent_at=LONG_AGO)],
        (CALL, "L-1", "first-call.1"),
        AttemptRow,
        CALL,
        to(state=AttemptState.SETTLED, outcome=Outcome.NO_ANSWER, settled_at=NOW),
    ),
    Kind(
        AlertKind.AGENCY_SILENT,
        lambda: [AgencyRow(id="hua", recorded_at=NOW - 2 * FEED_LASTS, feed_at=NOW - FEED_LASTS), placed(sent_at=NOW - 2 * FEED_LASTS)],
        ("hua", None, None),
        AgencyRow,
        "hua",
        to(feed_at=NOW),
    ),
    Kind(
        AlertKind.AGENCY_SILENT,
        lambda: [placed()],
        ("hua", None, None),
        ReferralRow,
        "L-1.1/agency.1",
        to(state=ReferralState.RECALLED, recalled_at=NOW),
    ),
    Kind(
        AlertKind.DEAD_EVENT,
        lambda: [dead()],
        ("case.opened", None, None),
        DeliveryRow,
        "msg-1",
        to(state=DeliveryState.WAITING, due_at=NOW),
    ),
    Kind(AlertKind.CALLER_REFUSED, lambda: [refused()], ("sms", None, None)),
]


def test_every_kind_of_alert_is_tried_here() -> None:
    assert {one.kind for one in KINDS} == set(AlertKind)


@pytest.mark.parametrize("one", KINDS, ids=lambda one: f"{one.kind}-{one.table.__name__ if one.table else 'time'}")
async def test_an_alert_names_what_it_is_about_and_is_gone_once_it_is_seen_to(ledger: Ledger, one: Kind) -> None:
    await lend(ledger)
    await open_case(ledger)
    assert await seen(ledger) == []
    await store(ledger, *one.rows())

    (alert,) = await seen(ledger)
    assert (alert.kind, (alert.subject, alert.loan_id, alert.step), alert.count) == (one.kind, one.names, 1)

    if one.table is not None and one.right is not None:
        await put_right(ledger, one.table, one.key, one.right)
        assert await seen(ledger) == []
    else:
        assert await seen(ledger, NOW + timedelta(days=1)) == []


async def test_what_is_not_late_yet_or_long_over_is_no_alert(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await store(
        ledger,
        request(NOW + ABOUT_TO_EXPIRE + MOMENT),
        request(LONG_AGO + MOMENT, step="agency.1"),
        RelayRow(loan_id="L-1", name="payment", key="payment/1", body={}, recorded_at=LONG_AGO + MOMENT),
        step_taken(Outcome.FAILED, at=NOW - LOOKS_BACK),
        step_taken(Outcome.NO_ANSWER, "first-call.1"),
        verdict(at=NOW - LOOKS_BACK),
        verdict("first-call.1", permanent=False),
        settled("L-1.1/first-sms.1", Outcome.UNKNOWN, LONG_AGO + MOMENT),
        settled("L-1.1/first-sms.2", Outcome.UNKNOWN, NOW - LOOKS_BACK),
        settled("L-1.1/first-sms.3", Outcome.DELIVERED, LONG_AGO),
        placed(sent_at=NOW - FEED_LASTS + MOMENT),
        refused(at=NOW - timedelta(days=1)),
        refused("sue", ActorKind.OPERATOR),
        refused(allowed=True),
    )
    assert await seen(ledger) == []


async def test_the_most_urgent_kind_stands_first_and_of_a_kind_the_newest(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await store(
        ledger,
        refused(),
        dead(),
        verdict("first-sms.1", at=NOW - timedelta(hours=2), rules=("CN-14",)),
        verdict("first-call.1", at=NOW - timedelta(hours=1), rules=("US-20",)),
        request(later(hours=1)),
    )
    found = await seen(ledger)
    assert [(alert.kind, alert.step) for alert in found] == [
        (AlertKind.APPROVAL_EXPIRING, "relatives.1"),
        (AlertKind.DENIED_BY_LAW, "first-call.1"),
        (AlertKind.DENIED_BY_LAW, "first-sms.1"),
        (AlertKind.DEAD_EVENT, None),
        (AlertKind.CALLER_REFUSED, None),
    ]


async def test_the_same_thing_again_is_one_alert_that_counts_and_tells_the_newest(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await store(
        ledger,
        *(verdict(f"first-sms.{n}", at=NOW - timedelta(hours=n)) for n in (3, 1, 2)),
        *(RelayRow(loan_id="L-1", name="payment", key=f"payment/{n}", body={}, recorded_at=LONG_AGO - timedelta(hours=n)) for n in (1, 2)),
        *(dead(f"msg-{n}") for n in range(3)),
        *(refused(at=NOW - timedelta(hours=n)) for n in (1, 2)),
    )
    found = {alert.kind: alert for alert in await seen(ledger)}
    assert {kind: alert.count for kind, alert in found.items()} == {
        AlertKind.DENIED_BY_LAW: 3,
        AlertKind.MESSAGES_WAIT: 2,
        AlertKind.DEAD_EVENT: 3,
        AlertKind.CALLER_REFUSED: 2,
    }
    assert (found[AlertKind.DENIED_BY_LAW].step, found[AlertKind.DENIED_BY_LAW].at) == ("first-sms.1", NOW - timedelta(hours=1))
    assert found[AlertKind.MESSAGES_WAIT].at == LONG_AGO - timedelta(hours=2)
    assert found[AlertKind.CALLER_REFUSED].at == NOW - timedelta(hours=1)


async def test_the_number_in_the_navigation_counts_what_waits_for_a_role_and_no_alerts(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await store(ledger, request(later(hours=48)), request(NOW, step="agency.1"), dead())
    async with ledger.reading() as session:
        supervisor, collector = await inbox_count(session, Role.SUPERVISOR, NOW), await inbox_count(session, Role.COLLECTOR, NOW)
    assert (supervisor.approvals, supervisor.tasks, supervisor.all, collector.all) == (1, 0, 1, 0)
