"""A real lender for the simulation: the ledger in a file with its chain, the activities over it, and gateways that a test holds in its hands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import SecretStr

from arrears.activities import Activities
from arrears.cli.unsealing import Unsealer
from arrears.config.settings import GatewayName, Settings
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Referral
from arrears.gateways.contract import Gateway, GatewayRetryable, Handover, Outgoing, Receipt
from arrears.gateways.registry import Gateways
from arrears.ledger.engine import Ledger
from arrears.ledger.keys import open_vault
from arrears.prove import judge, rows
from arrears.prove.findings import Violation
from arrears.prove.model import Book, DebtorFile
from arrears.prove.written import Writes
from tests.activities.house import WAITS, House
from tests.sealing import KEY, LEDGER_KEY

Mood = Literal["takes", "busy", "lost_answer", "crash"]
"""What a gateway does with the next order: takes it; surely does not take it; takes it and the answer is lost; or the worker dies before it is asked."""


class WorkerDied(BaseException):
    """The process that ran the activity is gone."""


@dataclass
class Wire:
    """A gateway in this process. ``left`` is what it was handed and took, by key, as often as it took it."""

    mood: Mood = "takes"
    ends: Outcome | None = None
    left: dict[str, int] = field(default_factory=dict[str, int])
    name: GatewayName = "sms"

    async def send(self, order: Outgoing | Handover) -> Receipt:
        mood, self.mood = self.mood, "takes"
        match mood:
            case "busy":
                raise GatewayRetryable(self.name, "busy", maybe_sent=False)
            case "crash":
                raise WorkerDied
            case _:
                self.left[order.key] = self.left.get(order.key, 0) + 1
        if mood == "lost_answer":
            raise GatewayRetryable(self.name, "timeout", maybe_sent=True)
        return self._receipt(order.requested_at)

    async def look_up(self, key: str) -> Receipt | None:
        return self._receipt(None) if key in self.left else None

    def _receipt(self, at: datetime | None) -> Receipt:
        return Receipt(status="accepted") if self.ends is None else Receipt(status="final", outcome=self.ends, at=at)


class Wires(Gateways):
    """The same wire for every channel and institution."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.wire = Wire()

    def channel(self, channel: Channel) -> Gateway | None:
        return self.wire

    def referral(self, referral: Referral) -> Gateway | None:
        return self.wire


@dataclass(frozen=True)
class OneFile:
    """A ledger of which only one borrower is looked at, with the order in which the rows were written."""

    ledger: rows.Ledger
    borrower: str

    def book(self) -> Book:
        return self.ledger.book()

    def files(self, shard: int = 0, shards: int = 1) -> Iterator[DebtorFile]:
        return self.ledger.files_of([self.borrower])

    def files_of(self, borrowers: list[str]) -> Iterator[DebtorFile]:
        return self.ledger.files_of(borrowers)

    def writes(self, keys: set[str]) -> Writes | None:
        return self.ledger.writes(keys)

    def close(self) -> None:
        self.ledger.close()


class Lender:
    """The lender, in an event loop of its own. Close it. ``law`` are other settings, such as another directory of regimes."""

    def __init__(self, url: str, **law: Any) -> None:
        self.url = url
        self._runner = asyncio.Runner()
        self._settings = Settings(ledger_url=url, ledger_key=SecretStr(LEDGER_KEY), callback_base="http://127.0.0.1:9", **law)
        self.ledger = Ledger(url, open_vault(self._settings))
        self.wires = Wires(self._settings)
        self._houses: dict[str, House] = {}
        self.borrowers = 0

    def house(self, seat: str) -> House:
        """The lender as if it were seated there."""
        if seat not in self._houses:
            settings = self._settings.model_copy(update={"lender_seat": seat})
            self._houses[seat] = House(self.ledger, settings, self.wires, Activities(self.ledger, self.wires, settings))
        return self._houses[seat]

    def do(self, work: Awaitable[Any]) -> Any:
        """What some work comes to; ``None`` if it ends by waiting for a call's outcome."""

        async def worked() -> Any:
            with suppress(WAITS):
                return await work

        return self._runner.run(worked())

    def read(self, borrower: str) -> tuple[DebtorFile, Book]:
        """What the checker's reader makes of the ledger, as it stands."""
        with self._opened() as source:
            (file,) = source.files_of([borrower])
            return file, source.book()

    def violations(self, borrower: str) -> list[Violation]:
        """What the checker says of everything that left here for one borrower, but for what could only be known later."""
        with self._opened() as source:
            return list(filter(_is_ours, judge.judge_part(OneFile(source, borrower), 0, 1, 1_000).violations))

    def all_violations(self) -> list[Violation]:
        """The same of the whole ledger."""
        with self._opened() as source:
            return list(filter(_is_ours, judge.run(source).violations))

    @contextmanager
    def _opened(self) -> Generator[rows.Ledger]:
        """The ledger as the checker opens it, at this moment of it."""
        unseal = Unsealer(self.url, KEY)
        source = rows.open(self.url, unseal)
        try:
            yield source
        finally:
            source.close()
            unseal.close()

    def close(self) -> None:
        self._runner.run(self.ledger.close())
        self._runner.close()


def _is_ours(violation: Violation) -> bool:
    """Whether the lender could have kept it from happening: not what an agency did and reported, and not what came to light only later."""
    return not violation.late and not violation.contact_id.startswith("reported/")
