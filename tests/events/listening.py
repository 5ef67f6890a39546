"""A loan system that listens, over real HTTP, and the telling of it at a pace for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import SecretStr
from standardwebhooks import Webhook

from arrears.api.serving import serving
from arrears.api.telling import Rhythm, Telling
from arrears.config.settings import EventsSettings
from arrears.domain.clock import Clock
from arrears.ledger.engine import Ledger
from arrears.ledger.events_out import reader
from arrears.ledger.events_out.scene import TracksOf
from arrears.sandbox.world import make_secret
from tests.ledger.scene import NOW

QUICK = Rhythm(
    look_every=timedelta(milliseconds=20),
    pauses=(timedelta(milliseconds=30), timedelta(milliseconds=30), timedelta(milliseconds=30)),
    lease_beyond_answer=timedelta(seconds=30),
    end_within=timedelta(seconds=2),
)
"""Three more tries after the first, one right after the other."""


@dataclass
class LoanSystem:
    """What it heard, in order, each with its message id; and what it answers to the n-th message of a loan."""

    secret: SecretStr
    url: str = ""
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    answer: Callable[[str, dict[str, Any]], Response | float] = lambda _id, _body: Response(status_code=204)
    together: int = 0
    most_together: int = 0

    @property
    def settings(self) -> EventsSettings:
        return EventsSettings(url=self.url, secret=self.secret, connect_seconds=2, answer_seconds=2)

    def kinds(self, loan_id: str | None = None) -> list[str]:
        return [body["type"] for _, body in self.heard if loan_id in (None, body["data"]["loan_id"])]

    def ids(self) -> list[str]:
        return [message_id for message_id, _ in self.heard]

    async def has_heard(self, count: int, within: float = 20) -> None:
        """Wait until so many messages were taken."""
        async with asyncio.timeout(within):
            while len(self.heard) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def was_asked(self, count: int, within: float = 20) -> None:
        """Wait until so many messages came, taken or not."""
        async with asyncio.timeout(within):
            while len(self.asked) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@asynccontextmanager
async def a_loan_system(secret: SecretStr | None = None) -> AsyncIterator[LoanSystem]:
    """One on a free port. It verifies every message with the Standard Webhooks library, as an integrator would."""
    system = LoanSystem(secret or make_secret())
    app = FastAPI()

    @app.post("/events")
    async def hear(request: Request) -> Response:
        body = Webhook(system.secret.get_secret_value()).verify(await request.body(), dict(request.headers))
        message_id = request.headers["webhook-id"]
        system.asked.append((message_id, body["data"]["loan_id"]))
        system.together += 1
        system.most_together = max(system.most_together, system.together)
        try:
            answer = system.answer(message_id, body)
            if isinstance(answer, float):
                await asyncio.sleep(answer)
                answer = Response(status_code=204)
            if 200 <= answer.status_code < 300:
                system.heard.append((message_id, body))
            return answer
        finally:
            system.together -= 1

    async with serving(app, 0, log_level="critical") as port:
        system.url = f"http://127.0.0.1:{port}/events"
        yield system


STOPPED = Clock(real_epoch=NOW, business_epoch=NOW, day_seconds=1e12)
"""A clock that stands at the scene's instant, as good as."""


def telling(ledger: Ledger, system: LoanSystem, *, clock: Clock = STOPPED, tracks: TracksOf = lambda _: (), **rhythm: Any) -> Telling:
    return Telling(ledger, system.settings, clock, tracks, replace(QUICK, **rhythm))


@asynccontextmanager
async def told(ledger: Ledger, system: LoanSystem, **more: Any) -> AsyncIterator[Telling]:
    """Tell it, while the block runs."""
    teller = telling(ledger, system, **more)
    running = asyncio.create_task(teller.run())
    try:
        yield teller
    finally:
        teller.stop()
        await running


async def switch_on(ledger: Ledger) -> None:
    """Read for the first time: from here on things are told."""
    async with ledger.exclusive() as session:
        await reader.read(session, NOW, lambda _: ())


async def read_all(ledger: Ledger, now: Any = NOW, tracks: TracksOf = lambda _: ()) -> int:
    """Make events of all that was recorded; how many."""
    count, at_head = 0, False
    while not at_head:
        async with ledger.exclusive() as session:
            turn = await reader.read(session, now, tracks)
        count, at_head = count + turn.events, turn.at_head
    return count
