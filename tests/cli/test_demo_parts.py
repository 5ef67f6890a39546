"""The demo's parts that need no processes: its directory, its clock, its table and its account."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text

from arrears.cli.demo.board import Board
from arrears.cli.demo.drawing import Picture
from arrears.cli.demo.operator import STAFF
from arrears.cli.demo.screen import screen
from arrears.cli.demo.stage import ZONE, demo_clock, fresh
from arrears.cli.demo.summary import Account, EventsAccount, take_account, take_account_of_events
from arrears.cli.output import WrongUsage
from arrears.domain.calendar import local_text
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Role
from arrears.ledger.engine import Ledger, upgrade
from arrears.ledger.tables import DeliveryRow, DeliveryState
from arrears.sandbox.record import HeardEvent, Order
from arrears.workflows.contract import CaseView, RecentContact
from tests.ledger import scene
from tests.sealing import VAULT

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def case(n: int, **more) -> CaseView:
    called = RecentContact(step="first-call.1", at=NOW, outcome=Outcome.NO_ANSWER, channel=Channel.CALL)
    refused = RecentContact(step="first-sms.1", at=NOW, outcome=Outcome.DENIED, channel=Channel.SMS, rules=("CN-07",))
    known = {
        "case_id": f"L-{n}.1",
        "loan_id": f"L-{n}",
        "borrower_id": f"P-{n}",
        "strategy": "fenqile v1",
        "stage": "contacting",
        "owed": Decimal("1200"),
        "currency": "CNY",
        "due_since": date(2026, 11, 21),
        "days_past_due": 1,
        "ladder_day": 0,
        "attitude": "unknown",
        "next": "second-call",
        "next_at": NOW + timedelta(days=1),
        "why": "the ladder goes on",
        "contacts": (called, refused),
    }
    return CaseView.model_validate(known | more)


def picture(*cases: CaseView) -> Picture:
    shown = Picture(Board(cases={c.loan_id: c for c in cases}), ZONE, Text("about"))
    shown.now, shown.day = NOW, 4
    return shown


def drawn(shown: Picture, height: int = 40) -> str:
    console = Console(file=StringIO(), width=180, height=height, force_terminal=False)
    console.print(shown)
    return console.file.getvalue()


def test_a_case_is_shown_with_its_last_contact_that_was_made_its_next_move_and_why():
    text = drawn(picture(case(1)))
    assert "day   4  2026-11-25 12:00  1 running; 0 closed" in text
    row = next(line for line in text.splitlines() if "L-1 " in line)
    assert "first-call.1 no answer" in row
    assert "11-26 12:00 second-call" in row
    assert "the ladder goes on" in row


def test_days_past_due_go_on_for_a_case_that_was_asked_a_while_ago():
    row = next(line for line in drawn(picture(case(1))).splitlines() if "L-1 " in line)
    assert row.split()[4] == "4"


def test_a_request_for_approval_comes_first_and_names_itself():
    asked = {"approval_id": "L-2.1/relay.1/a1", "step": "relay.1", "people": [], "deadline": NOW}
    text = drawn(picture(case(1), case(2, approval=asked, stage="awaiting_approval")))
    assert "1 waiting for approval" in text
    assert text.index("L-2.1/relay.1/a1") < text.index("L-1 ")


def test_more_cases_than_the_terminal_has_room_for_are_counted():
    text = drawn(picture(*(case(n) for n in range(1, 31)), case(99, outcome="cured")), height=20)
    assert len(text.splitlines()) <= 20
    assert "21 more" in text


def test_without_a_terminal_there_is_a_line_now_and_then():
    console = Console(file=StringIO(), width=80, force_terminal=False)
    shown = picture(case(1))
    with screen(shown, console, every_days=3) as watched:
        for shown.day in range(7):
            watched.show()
        watched.ended(case(1, outcome="written_off"))
    lines = console.file.getvalue().splitlines()
    assert [line.split()[1] for line in lines[:-1]] == ["0", "3", "6"]
    assert lines[-1] == "loan L-1 is written off"


def test_the_demos_first_day_begins_in_the_morning():
    begins = datetime(2026, 1, 1, 12, 34, tzinfo=UTC)
    clock = demo_clock(date(2026, 11, 22), 3, begins)
    assert local_text(clock.at(begins), ZONE) == "2026-11-22 06:00"
    assert local_text(clock.at(begins + timedelta(seconds=3)), ZONE) == "2026-11-23 06:00"


def test_every_role_that_may_be_asked_is_on_the_staff():
    assert {Role.SUPERVISOR, Role.RISK_CONTROL} <= {role for _, role in STAFF.values()}


def test_a_demo_empties_the_directory_of_an_earlier_demo_and_no_other(tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    fresh(ours)
    (ours / "ledger.db").touch()
    fresh(ours)
    assert not (ours / "ledger.db").exists()
    theirs.mkdir()
    (theirs / "precious").touch()
    with pytest.raises(WrongUsage, match="no demo has left there"):
        fresh(theirs)
    assert (theirs / "precious").exists()


async def test_the_account_tells_what_was_lost_what_went_unrecorded_or_twice_and_of_what_nobody_is_sure(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"
    await upgrade(url, VAULT)
    ledger = Ledger(url, VAULT)
    await scene.lend(ledger)
    await scene.open_case(ledger)
    outcomes = {
        "seen": Outcome.DELIVERED,
        "twice": Outcome.DELIVERED,
        "lost": Outcome.DELIVERED,
        "unsure": Outcome.UNKNOWN,
        "unsure-but-seen": Outcome.UNKNOWN,
        "recalled": Outcome.NOT_SENT,
    }
    await scene.store(ledger, *(scene.settled(key, outcome, NOW) for key, outcome in outcomes.items()))

    def took(key: str, sends: int = 1) -> Order:
        return Order(
            key=key,
            gateway="email",
            loan_id="L-1",
            whom=None,
            requested_at=NOW,
            outcome=Outcome.DELIVERED,
            ended_at=NOW,
            ends_at=NOW.timestamp(),
            gateway_ref="r",
            sends=sends,
            body="",
        )

    left = [took("seen"), took("twice", sends=2), took("unsure-but-seen"), took("unrecorded")]
    account = await take_account(ledger, left, ())
    assert account == Account(
        left=4,
        recorded=5,
        unsure=("unsure",),
        lost=("lost",),
        unrecorded=("unrecorded",),
        twice=("twice",),
        payments=0,
        payments_unheard=(),
    )
    assert not account.agrees
    assert account.model_copy(update={"lost": (), "unrecorded": (), "twice": ()}).agrees, "to be unsure is no fault"
    await ledger.close()


async def test_the_account_of_events_tells_what_was_heard_what_will_be_what_was_given_up_and_what_was_lost(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"
    await upgrade(url, VAULT)
    ledger = Ledger(url, VAULT)
    told = {
        "heard": DeliveryState.DELIVERED,
        "underway": DeliveryState.WAITING,
        "later": DeliveryState.WAITING,
        "dead": DeliveryState.DEAD,
        "lost": DeliveryState.DELIVERED,
    }
    async with ledger.session() as session:
        for key, state in told.items():
            at = {DeliveryState.DELIVERED: {"delivered_at": NOW}, DeliveryState.WAITING: {"due_at": NOW}}.get(state, {})
            session.add(DeliveryRow(id=key, key=key, kind="case.opened", loan_id="L-1", body={}, state=state, recorded_at=NOW, **at))

    async def heard() -> tuple[HeardEvent, ...]:
        return tuple(HeardEvent(message_id=key, kind="case.opened", loan_id="L-1", body={}, times=1) for key in ("heard", "underway"))

    assert await take_account_of_events(ledger, heard) == EventsAccount(recorded=5, heard=2, waiting=1, dead=1, lost=("lost",))
    await ledger.close()
