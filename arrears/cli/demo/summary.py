"""What the world says left, held against what the ledger says: the demo's final account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table
from sqlmodel import col, select

from arrears.activities.work import recall_key
from arrears.domain.outcome import NOT_MADE, Outcome
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AttemptRow, DeliveryRow, DeliveryState, PaymentRow, ReferralRow
from arrears.sandbox.record import HeardEvent, LoanPayment, Order

_MAYBE_LEFT = frozenset({Outcome.FAILED, Outcome.UNKNOWN})


class Account(BaseModel):
    """The comparison. Ids of attempts and referrals are the keys under which the gateways were asked.

    ``unsure``: counted though nobody can say whether it left, and the world did not see it: what stood between asking and hearing when a
    process died counts against the caps all the same. Every other tuple should be empty.
    ``lost``: the ledger is sure that it left, the world never saw it. ``unrecorded``: it left and the ledger does not count it.
    ``twice``: it really left more than once.
    ``payments_unheard``: booked by the loan system, unknown to the ledger.
    """

    model_config = ConfigDict(frozen=True)

    left: int
    recorded: int
    unsure: tuple[str, ...]
    lost: tuple[str, ...]
    unrecorded: tuple[str, ...]
    twice: tuple[str, ...]
    payments: int
    payments_unheard: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        return not (self.lost or self.unrecorded or self.twice or self.payments_unheard)


class EventsAccount(BaseModel):
    """What the loan system was told, in messages. ``waiting`` and ``dead``: not heard yet, or given up.

    ``lost``: ids of messages that the ledger has as delivered, and the loan system never heard.
    """

    model_config = ConfigDict(frozen=True)

    recorded: int
    heard: int
    waiting: int
    dead: int
    lost: tuple[str, ...]


class Summary(BaseModel):
    """How a demo went."""

    model_config = ConfigDict(frozen=True)

    days: int
    cases: int
    endings: dict[str, int]
    failed: tuple[str, ...]
    running: int
    waiting_for_approval: int
    restarts: dict[str, int]
    account: Account
    events: EventsAccount

    @property
    def agrees(self) -> bool:
        """Whether the world and the ledger say the same, and no case failed."""
        return self.account.agrees and not self.events.lost and not self.failed


async def take_account(ledger: Ledger, left: Iterable[Order], paid: Iterable[LoanPayment]) -> Account:
    """Compare everything that the world took with the ledger."""
    taken = {order.key: order for order in left}
    booked = {booked.payment.payment_id for booked in paid}
    async with ledger.reading() as session:
        attempts = list(await session.exec(select(AttemptRow).where(col(AttemptRow.sent_at).is_not(None))))
        referrals = list(await session.exec(select(ReferralRow)))
        heard = set(await session.exec(select(PaymentRow.payment_id)))
    made = {a.id for a in attempts if a.outcome not in NOT_MADE} | {key for r in referrals for key in _keys(r)}
    sure = {a.id for a in attempts if _surely_left(a)} | {key for r in referrals if r.gateway_ref for key in _keys(r)}
    return Account(
        left=len(taken),
        recorded=len(made),
        unsure=tuple(sorted(made - sure - taken.keys())),
        lost=tuple(sorted(sure - taken.keys())),
        unrecorded=tuple(sorted(taken.keys() - made)),
        twice=tuple(sorted(key for key, order in taken.items() if order.sends > 1)),
        payments=len(booked),
        payments_unheard=tuple(sorted(booked - heard)),
    )


async def take_account_of_events(ledger: Ledger, heard: Callable[[], Awaitable[Iterable[HeardEvent]]]) -> EventsAccount:
    """Compare the events of the ledger with what the loan system has ``heard``, which is asked afterwards: events go on being told meanwhile."""
    async with ledger.reading() as session:
        rows = list(await session.exec(select(DeliveryRow.id, DeliveryRow.state)))
    known = {event.message_id for event in await heard()}
    unheard = Counter(state for message, state in rows if message not in known)
    return EventsAccount(
        recorded=len(rows),
        heard=sum(message in known for message, _ in rows),
        waiting=unheard[DeliveryState.WAITING],
        dead=unheard[DeliveryState.DEAD],
        lost=tuple(sorted(message for message, state in rows if state is DeliveryState.DELIVERED and message not in known)),
    )


def draw(summary: Summary, console: Console) -> None:
    """Show how the demo went."""
    account = summary.account
    console.print(f"\n[bold]{summary.days} business days, {summary.cases} cases[/]")
    ends = Table(box=None, show_header=False, padding=(0, 2))
    for outcome, count in sorted(summary.endings.items()):
        ends.add_row(outcome.replace("_", " "), str(count))
    ends.add_row(
        "still running",
        f"{summary.running}" + (f", {summary.waiting_for_approval} waiting for approval" if summary.waiting_for_approval else ""),
    )
    console.print(ends)
    for why in summary.failed:
        console.print(why, style="bold red", markup=False)
    for name, count in summary.restarts.items():
        console.print(f"{name} died and was started again {count} times", style="yellow")
    unsure = f", {len(account.unsure)} of them because nobody can say that it did not leave" if account.unsure else ""
    console.print(
        f"\nthe world says that {account.left} contacts and referrals really left; the ledger counts {account.recorded}{unsure}",
        soft_wrap=True,
    )
    events = summary.events
    later = f", {events.waiting} are still to be told" if events.waiting else ""
    given_up = f", {events.dead} were given up" if events.dead else ""
    console.print(f"the ledger has {events.recorded} events for the loan system; it heard {events.heard}{later}{given_up}", soft_wrap=True)
    for title, keys in (
        ("lost: in the ledger, never seen by the world", account.lost),
        ("unrecorded: left, but not in the ledger", account.unrecorded),
        ("left more than once", account.twice),
        (f"payments that the ledger never heard of (of {account.payments})", account.payments_unheard),
        ("events that were told, and that the loan system never heard", events.lost),
    ):
        console.print(
            f"  {title}: " + (", ".join(keys) if keys else "none"), style="bold red" if keys else "green", markup=False, soft_wrap=True
        )


def _surely_left(attempt: AttemptRow) -> bool:
    if attempt.outcome is None:
        return attempt.gateway_ref is not None
    return attempt.outcome not in NOT_MADE | _MAYBE_LEFT


def _keys(referral: ReferralRow) -> tuple[str, ...]:
    return (referral.id, recall_key(referral.id)) if referral.recalled_at else (referral.id,)
