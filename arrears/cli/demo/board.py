"""What the demo knows of its cases: asked from the cases themselves, as any client could."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from temporalio.client import Client

from arrears.cli.output import CommandFailed, Unreachable
from arrears.cli.running_case import CaseFailed, view
from arrears.workflows.contract import CaseView

_AT_ONCE = 4
_PATIENCE = timedelta(seconds=3)
_ASK_SLEEPERS_EVERY = 5.0


@dataclass(frozen=True)
class Failed:
    """A case whose workflow failed, with the reason."""

    loan_id: str
    why: str


@dataclass
class Board:
    """The cases as they were last seen; ``awaited`` are loans whose case was opened and has not answered yet.

    It is ``silent`` while the worker or the server is away, so that nothing is answered.
    """

    cases: dict[str, CaseView] = field(default_factory=dict[str, CaseView])
    failed: dict[str, Failed] = field(default_factory=dict[str, Failed])
    awaited: set[str] = field(default_factory=set[str])
    silent: bool = False
    _asked: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def running(self) -> list[CaseView]:
        return [case for case in self.cases.values() if case.outcome is None]

    @property
    def closed(self) -> list[CaseView]:
        return [case for case in self.cases.values() if case.outcome is not None]

    @property
    def endings(self) -> Counter[str]:
        """How many cases ended how."""
        return Counter(str(case.outcome) for case in self.closed)

    @property
    def waiting_for_humans(self) -> list[CaseView]:
        return [case for case in self.running if case.approval]

    async def refresh(self, client: Client, now: datetime) -> tuple[CaseView | Failed, ...]:
        """Ask the cases that may have moved by the business instant ``now`` where they stand; the ones that have ended since.

        Asking costs the worker as much as working, so a case that sleeps is left alone, and only now and then asked whether somebody woke it.
        """
        asked = [*self.awaited, *(case.loan_id for case in self.running if self._may_have_moved(case, now))]
        answers = await _ask(client, asked)
        self._asked.update((answer.loan_id, monotonic()) for answer in answers)
        self.silent = bool(asked) and not answers
        self.awaited -= {answer.loan_id for answer in answers}
        self.cases.update((answer.loan_id, answer) for answer in answers if isinstance(answer, CaseView))
        for failed in (answer for answer in answers if isinstance(answer, Failed)):
            self.cases.pop(failed.loan_id, None)
            self.failed[failed.loan_id] = failed
        return tuple(answer for answer in answers if isinstance(answer, Failed) or answer.outcome is not None)

    def _may_have_moved(self, case: CaseView, now: datetime) -> bool:
        return (case.next_at is not None and case.next_at <= now) or monotonic() > self._asked.get(case.loan_id, 0) + _ASK_SLEEPERS_EVERY


async def _ask(client: Client, loan_ids: Iterable[str]) -> list[CaseView | Failed]:
    gate = asyncio.Semaphore(_AT_ONCE)
    away = asyncio.Event()

    async def one(loan_id: str) -> CaseView | Failed | None:
        async with gate:
            if away.is_set():
                return None
            try:
                return await view(client, loan_id, _PATIENCE, tries=1)
            except CaseFailed as failed:
                return Failed(loan_id, str(failed))
            except Unreachable:
                away.set()  # nobody else is asked in vain
            except CommandFailed:
                pass  # not just now: it is being opened, or waits to be told what has happened
            return None

    return [answer for answer in await asyncio.gather(*map(one, loan_ids)) if answer]
