"""However processes die, every fact is told, under one id, and in order for each loan."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.domain.events import PromiseJudged, PromiseMade
from arrears.ledger import journal
from arrears.ledger.engine import Ledger
from arrears.ledger.events_out import outbox, reader
from arrears.ledger.events_out.outbox import Wanted
from arrears.ledger.tables import DeliveryRow
from tests.events.listening import a_loan_system, switch_on
from tests.events.test_sending import by_loan
from tests.ledger.scene import NOW, later, lend, open_case
from tests.sealing import VAULT

LOANS = ("L-1", "L-2")
LEASE = timedelta(seconds=10)


class Died(BaseException):
    """The process is gone."""


@dataclass
class World:
    """A ledger, a loan system that hears, and a clock that is moved by hand."""

    ledger: Ledger
    now: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(minutes=1))
    heard: list[DeliveryRow] = field(default_factory=list)
    facts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LOANS, 0))

    async def happen(self, loan_id: str) -> None:
        """The next fact of a loan: a promise, or what became of the last one."""
        n = self.facts[loan_id] = self.facts[loan_id] + 1
        at, words = later(minutes=n), {"amount": "10.00", "due_on": NOW.date() + timedelta(days=(n + 1) // 2)}
        made = PromiseMade.model_validate({"at": at, "currency": "CNY", **words})
        event = made if n % 2 else PromiseJudged.model_validate({"at": at, "kept": True, **words})
        async with self.ledger.exclusive() as session:
            await journal.record_events(session, f"{loan_id}.1", loan_id, [event], at)

    async def read(self, *, dies: bool) -> None:
        async with self.ledger.exclusive() as session:
            await reader.read(session, later(days=1), lambda _: ())
            if dies:
                raise Died

    async def send(self, dies: Literal["never", "before", "after"], *, taken: bool) -> None:
        async with self.ledger.exclusive() as session:
            claimed = await outbox.claim(session, self.now, LEASE, 1)
        for row in claimed:
            if dies == "before":
                raise Died
            if taken:
                self.heard.append(row)
            if dies == "after":
                raise Died
            async with self.ledger.exclusive() as session:
                if taken:
                    await outbox.delivered(session, row, self.now, 200)
                else:
                    await outbox.failed(session, row, self.now + timedelta(seconds=5), 500, "http_500")

    async def settle(self) -> None:
        """Somebody lives long enough to do all that is left."""
        await self.read(dies=False)
        while True:
            async with self.ledger.reading() as session:
                if await outbox.next_due(session) is None:
                    return
            self.now += LEASE
            await self.send("never", taken=True)


Step = tuple[str, ...]
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("happen"), st.sampled_from(LOANS)),
    st.tuples(st.just("read"), st.sampled_from(["lives", "dies"])),
    st.tuples(st.just("send"), st.sampled_from(["never", "before", "after"]), st.sampled_from(["taken", "refused"])),
    st.tuples(st.just("wait")),
)


async def live(world: World, step: Step) -> None:
    try:
        match step:
            case ("happen", loan_id):
                await world.happen(loan_id)
            case ("read", how):
                await world.read(dies=how == "dies")
            case ("send", dies, answer):
                await world.send(dies, taken=answer == "taken")  # type: ignore[arg-type]
            case _:
                world.now += timedelta(seconds=6)
    except Died:
        pass


async def story(template: Path, steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(template, Path(folder) / "ledger.db")
        ledger = Ledger(f"sqlite+aiosqlite:///{folder}/ledger.db", VAULT)
        try:
            for loan_id in LOANS:
                await lend(ledger, loan_id)
                await open_case(ledger, loan_id, f"run-{loan_id}")
            await switch_on(ledger)
            world = World(ledger)
            for step in steps:
                await live(world, step)
            await world.settle()
            await _agrees(world)
        finally:
            await ledger.close()


async def _agrees(world: World) -> None:
    async with world.ledger.reading() as session:
        made = await outbox.events(session, Wanted(), most=10_000)
    firsts = list(dict.fromkeys(row.id for row in world.heard))
    for loan_id, count in world.facts.items():
        theirs = [row for row in made if row.loan_id == loan_id]
        assert [row.id for row in theirs] == [i for i in firsts if i in {row.id for row in theirs}], "each is told, in order"
        facts = [row.kind for row in theirs if row.kind.startswith("promise")]
        assert facts == [("promise.made", "promise.kept")[n % 2] for n in range(count)], "each fact once, in order"
        stages = [row.body["data"]["stage"] for row in theirs if row.kind == "case.stage_changed"]
        assert stages == [("promised", "contacting")[n % 2] for n in range(count)]
    assert len({row.key for row in made}) == len(made)
    bodies = {row.id: row.body for row in made}
    assert all(row.body == bodies[row.id] for row in world.heard), "the same id always says the same"


@settings(max_examples=60)
@given(steps=st.lists(STEPS, max_size=40))
def test_every_fact_is_told_in_order_under_one_id_however_processes_die(migrated_sqlite: Path, steps: list[Step]) -> None:
    asyncio.run(story(migrated_sqlite, steps))


TELL_UNTIL_KILLED = """
import asyncio, sys
from datetime import timedelta
from arrears.api.telling import Rhythm, Telling
from arrears.config.settings import EventsSettings
from arrears.domain.clock import REAL_TIME
from arrears.ledger.engine import Ledger

async def main():
    to = EventsSettings(url=sys.argv[2], secret=sys.argv[3], connect_seconds=0.2, answer_seconds=0.2)
    rhythm = Rhythm(look_every=timedelta(milliseconds=20), at_once=3, lease_beyond_answer=timedelta(milliseconds=100))
    await Telling(Ledger(sys.argv[1]), to, REAL_TIME, lambda _: (), rhythm).run()

asyncio.run(main())
"""
"""A process that tells a loan system what the ledger says, with short leases."""


async def test_every_event_arrives_though_the_process_that_tells_is_killed_again_and_again(ledger: Ledger, url: str) -> None:
    for loan_id in LOANS:
        await lend(ledger, loan_id)
    await switch_on(ledger)
    for loan_id in LOANS:
        await open_case(ledger, loan_id, f"run-{loan_id}")
    world = World(ledger)
    for n in range(24):
        await world.happen(LOANS[n % 2])
    async with a_loan_system() as system:
        system.answer = lambda *_: 0.05
        for round_ in range(1, 5):
            teller = await asyncio.create_subprocess_exec(
                sys.executable, "-c", TELL_UNTIL_KILLED, url, system.url, system.secret.get_secret_value()
            )
            if round_ < 4:
                await system.was_asked(round_ * 9)
                teller.send_signal(signal.SIGKILL)
                await teller.wait()
        await _all_delivered(ledger)
        teller.kill()
        await teller.wait()
    async with ledger.reading() as session:
        made = [row.id for row in await outbox.events(session, Wanted(), most=1000)]
    assert len(made) == 2 * (1 + 12 * 2)
    told = {loan_id: list(dict.fromkeys(ids)) for loan_id, ids in by_loan(system).items()}
    assert sorted(i for ids in told.values() for i in ids) == made
    assert all(ids == sorted(ids) for ids in told.values())


async def _all_delivered(ledger: Ledger) -> None:
    async with asyncio.timeout(60):
        while True:
            async with ledger.reading() as session:
                behind = await reader.behind(session, NOW)
                if not behind and await outbox.next_due(session) is None:
                    return
            await asyncio.sleep(0.05)
