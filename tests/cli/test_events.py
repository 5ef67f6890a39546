"""`arrears events`: what could not be delivered is seen and sent again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from arrears.cli.main import run
from arrears.ledger.engine import Ledger, upgrade
from arrears.ledger.events_out import outbox
from arrears.ledger.events_out.outbox import Wanted
from arrears.ledger.tables import AuditRow, DeliveryState
from tests.events.test_sending import leave


@pytest.fixture
def ledger_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A ledger with three events, of which two are dead."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv("ARREARS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ARREARS_LEDGER_URL", url)
    monkeypatch.delenv("ARREARS_LEDGER_KEY", raising=False)
    asyncio.run(_fill(url))
    return url


async def _fill(url: str) -> None:
    await upgrade(url)
    ledger = Ledger(url)
    dead = (await leave(ledger, "L-1", "L-1", "L-2"))[1:]
    async with ledger.exclusive() as session:
        for event_id in dead:
            row = await outbox.event(session, event_id)
            row.state, row.due_at, row.tries, row.last_problem = DeliveryState.DEAD, None, 10, "http_500"
            session.add(row)
    await ledger.close()


def states(url: str) -> list[str]:
    async def go() -> list[str]:
        ledger = Ledger(url)
        async with ledger.reading() as session:
            found = [str(row.state) for row in await outbox.events(session, Wanted())]
        await ledger.close()
        return found

    return asyncio.run(go())


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run(["events", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_dead_events_are_listed(ledger_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, "list", "--state", "dead", "--json")
    assert [(event["id"], event["type"], event["tries"], event["last_problem"]) for event in found] == [
        ("evt_000000000002", "plan.broken", 10, "http_500"),
        ("evt_000000000003", "plan.broken", 10, "http_500"),
    ]
    assert run(["events", "list", "--loan", "L-2"]) == 0
    assert "1 event" in capsys.readouterr().out


def test_one_is_shown_with_what_is_sent(ledger_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, "show", "evt_000000000002")
    assert shown["body"]["data"]["loan_id"] == "L-1"
    assert run(["events", "show", "evt_9"]) == 1


def test_one_or_all_dead_ones_are_sent_again_and_it_is_written_down(ledger_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "replay", "evt_000000000003", "--json") == {"events": 1}
    assert states(ledger_url) == ["waiting", "dead", "waiting"]
    assert printed(capsys, "replay", "--all", "--kind", "plan.broken", "--json") == {"events": 1}
    assert states(ledger_url) == ["waiting"] * 3

    async def notes() -> list[str]:
        ledger = Ledger(ledger_url)
        async with ledger.reading() as session:
            found = [f"{row.actor_kind} {row.action} {row.subject}" for row in await session.exec(select(AuditRow))]
        await ledger.close()
        return found

    assert asyncio.run(notes()) == ["house events.replay evt_000000000003", "house events.replay None"]


def test_what_is_meant_must_be_said(ledger_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["events", "replay"]) == 2
    assert run(["events", "replay", "evt_000000000002", "--all"]) == 2
    assert run(["events", "list", "--kind", "case.vanished"]) == 2
