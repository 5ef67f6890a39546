"""The world itself: takes orders, lets borrowers answer and pay, and tells Arrears what happened."""

from __future__ import annotations

import asyncio
import base64
import secrets as randomness
import tempfile
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Self, get_args

from pydantic import BaseModel, SecretStr

from arrears.api.serving import serving
from arrears.config.settings import EventsSettings, GatewayName, GatewaySettings, SmtpSettings
from arrears.domain.calendar import local_date
from arrears.domain.loan import Payment, arrears_on
from arrears.domain.outcome import UNREACHED, Outcome
from arrears.domain.strategy import Channel
from arrears.gateways.contract import CallbackBody, Handover, MissedPayment, Outgoing, PaymentReport, Receipt
from arrears.sandbox import agencies
from arrears.sandbox.faults import Fault, Faults
from arrears.sandbox.http import EVENTS_PATH, LOAN_SYSTEM, create_app
from arrears.sandbox.mail import serving_mail
from arrears.sandbox.post import Post
from arrears.sandbox.record import LoanPayment, Order, Record, party, receipt
from arrears.sandbox.temperament import Resident, Temperament, Whom, answer, luck, never_answers, part_of, payment_instants

GATEWAYS: tuple[GatewayName, ...] = get_args(GatewayName)
HTTP_GATEWAYS: tuple[GatewayName, ...] = tuple(name for name in GATEWAYS if name != "email")


class SandboxWorld:
    """Everything outside Arrears, with its servers on loopback; start one with :meth:`running`.

    ``callback_base`` is where Arrears' API listens; without it payments are booked and told to nobody. What is recorded lives in ``directory``, so a
    world that starts there again knows what it did before.
    """

    def __init__(
        self, directory: Path, *, seed: int, secrets: Mapping[GatewayName, SecretStr], callback_base: str | None, answer_seconds: float
    ) -> None:
        self.record = Record(directory / "world.db")
        self.faults = Faults(seed)
        self.secrets = secrets
        self.callback_base = callback_base
        self.http_port = 0
        self.smtp_port = 0
        self._seed = seed
        self._answer_seconds = answer_seconds
        self._post = Post(self.record, secrets)
        self._residents: dict[str, Resident] = {}
        self._lines: dict[str, dict[str, Whom]] = {}
        self._reported: dict[str, datetime] = {}
        self._know(self.record.residents())

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        *,
        seed: int = 1,
        residents: Iterable[Resident] = (),
        temperaments: Mapping[str, Temperament] | None = None,
        callback_base: str | None = None,
        directory: Path | None = None,
        http_port: int = 0,
        smtp_port: int = 0,
        secrets: Mapping[GatewayName, SecretStr] | None = None,
        answer_seconds: float = 0.05,
    ) -> AsyncGenerator[Self]:
        """A world with its HTTP and SMTP servers, on free ports unless they are given.

        ``temperaments`` (by loan id) is for borrowers who never pay, so that nothing else of them need be known; who pays is a resident with instalments.
        Calls end after ``answer_seconds`` real seconds; ``secrets`` are shared with Arrears, made up if not given.
        """
        with tempfile.TemporaryDirectory(prefix="arrears-world-") as temporary:
            shared = secrets or dict.fromkeys(GATEWAYS, make_secret())
            world = cls(directory or Path(temporary), seed=seed, secrets=shared, callback_base=callback_base, answer_seconds=answer_seconds)
            world.settle_in(residents)
            world.settle_in(Resident(loan_id=loan_id, temperament=t) for loan_id, t in (temperaments or {}).items())
            # Cutting a connection on command makes the server log an error: only what really breaks it is worth a line.
            over_http = serving(create_app(world), http_port, log_level="critical")
            async with over_http as world.http_port, serving_mail(world, smtp_port) as world.smtp_port:
                posting = asyncio.create_task(world._post.run())
                try:
                    yield world
                finally:
                    posting.cancel()
                    with suppress(asyncio.CancelledError):
                        await posting
            world.record.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def gateway_settings(self) -> dict[str, GatewaySettings | SmtpSettings | EventsSettings]:
        """The settings, by field, with which Arrears finds this world: ``Settings(**world.gateway_settings())``."""
        over_http = {name: GatewaySettings(url=f"{self.url}/{name}", secret=self.secrets[name]) for name in HTTP_GATEWAYS}
        smtp = SmtpSettings(host="127.0.0.1", port=self.smtp_port, sender="collections@lender.example", tls="none")
        events = EventsSettings(url=f"{self.url}/{LOAN_SYSTEM}{EVENTS_PATH}", secret=self.secrets[LOAN_SYSTEM])
        return over_http | {"smtp": smtp, "events": events}

    def settle_in(self, residents: Iterable[Resident]) -> None:
        """Let people live here. Raises ``ValueError`` for one who would pay a loan of which no instalments are known."""
        residents = tuple(residents)
        for resident in residents:
            if resident.temperament.pays and not resident.instalments:
                raise ValueError(f"{resident.loan_id} is to pay ({resident.temperament.name}): give the resident the loan's instalments")
        self.record.settle_in(residents)
        self._know(residents)

    def residents(self) -> tuple[Resident, ...]:
        return tuple(self._residents.values())

    def sent(self, loan_id: str | None = None) -> tuple[Order, ...]:
        """What really left for the world, or for one loan's people, oldest first."""
        return self.record.orders(loan_id)

    def fail(self, fault: Fault) -> None:
        """Fail in that way, soon."""
        self.faults.add(fault)

    def take(self, gateway: GatewayName, order: Outgoing | Handover, sent_to: str | None) -> Order:
        """Take an order: what was taken before under its key stands. Committed before it returns."""
        with self.record.at_once():
            if (known := self.record.order(order.key)) is not None:
                self.record.asked_again(order.key, sent_again=gateway == "email")
                return known
            taken = self._new_order(gateway, order, sent_to)
            self.record.add_order(taken)
            if order.callback_url is not None and taken.outcome is not None:
                self._report_of(taken, order.callback_url)
        self._post.ring()
        return taken

    def look_up(self, key: str) -> Receipt | None:
        """What the world says of a key now: a call that is going on has no outcome yet."""
        order = self.record.order(key)
        return None if order is None else receipt(order)

    def tick(self, now: datetime) -> tuple[LoanPayment, ...]:
        """Let borrowers and agencies do what they would have done until the business instant ``now``; returns the payments that were made."""
        self._let_agencies_report(now)
        return tuple(paid for resident in self._residents.values() for paid in self._pay_what_is_due(resident, now))

    def pay(self, loan_id: str, payment: Payment) -> bool:
        """Book a payment in the loan system, which tells Arrears; ``False`` if that payment was booked before."""
        with self.record.at_once():
            if not self.record.pay(LoanPayment(loan_id=loan_id, payment=payment)):
                return False
            self._tell_arrears("payments", payment.payment_id, PaymentReport(loan_id=loan_id, **payment.model_dump()))
        self._post.ring()
        return True

    def miss(self, loan_id: str) -> None:
        """Let the loan system tell Arrears that the loan has a missed payment."""
        self._tell_arrears("missed-payments", f"missed-{loan_id}-{randomness.token_hex(4)}", MissedPayment(loan_id=loan_id))
        self._post.ring()

    def report(self, gateway: GatewayName, fact: CallbackBody, message_id: str) -> None:
        """Let a gateway tell Arrears a fact by itself, such as a borrower who calls."""
        self._tell_arrears(f"callbacks/{gateway}", message_id, fact, gateway)
        self._post.ring()

    async def told(self, seconds: float = 10) -> None:
        """Wait until nothing is left to tell Arrears. Raises ``TimeoutError`` after so many seconds."""
        async with asyncio.timeout(seconds):
            while self.record.next_report_due() is not None:  # noqa: ASYNC110 (the record may be written by another process)
                await asyncio.sleep(0.01)

    def _let_agencies_report(self, now: datetime) -> None:
        """Every agency that has a case says, several times a day, what it did."""
        for agency in self.record.agencies():
            if (last := self._reported.get(agency)) is not None and now - last < agencies.REPORTS_EVERY:
                continue
            self._reported[agency] = now
            fact = agencies.report(agency, now)
            self._tell_arrears(f"agencies/{agency}/facts", f"feed-{agency}-{now.isoformat()}", fact, "agency")
            self._post.ring()

    def _know(self, residents: Iterable[Resident]) -> None:
        for resident in residents:
            self._residents[resident.loan_id] = resident
            for address, whom in resident.addresses.items():
                self._lines.setdefault(address, {})[resident.loan_id] = whom

    def _who(self, order: Outgoing) -> tuple[str, Whom]:
        """Whose line it is. An address of nobody's is the borrower's of the loan in the key, or a relative's if the order is none to collect."""
        loan_id = order.key.partition("/")[0].rpartition(".")[0]
        homes = self._lines.get(order.to, {})
        if loan_id in homes:
            return loan_id, homes[loan_id]
        if homes:
            return next(iter(homes.items()))
        return loan_id, "registered" if order.purpose == "collect" else "relative"

    def _new_order(self, gateway: GatewayName, order: Outgoing | Handover, sent_to: str | None) -> Order:
        if isinstance(order, Handover):
            loan_id, whom, outcome, lasts = order.loan_id, None, None, 0
        else:
            loan_id, whom = self._who(order)
            outcome, lasts = self._becomes(order, loan_id, whom)
        return Order(
            key=order.key,
            gateway=gateway,
            loan_id=loan_id,
            whom=whom,
            sent_to=sent_to,
            requested_at=order.requested_at,
            outcome=outcome,
            ended_at=order.requested_at + timedelta(seconds=lasts),
            ends_at=time.time() + self._answer_seconds,
            gateway_ref=f"w-{luck(self._seed, order.key, 10**12):012d}",
            body=order.model_dump_json(exclude_none=True),
        )

    def _becomes(self, order: Outgoing, loan_id: str, whom: Whom) -> tuple[Outcome | None, int]:
        """What comes of it, and how many seconds it lasts."""
        resident = self._residents.get(loan_id)
        temperament = resident.temperament if resident else never_answers()
        before = sum(1 for call in self.record.spoken(loan_id) if call.whom == whom)
        called = answer(temperament, whom, before, self._seed, order.key)
        match order.channel:
            case Channel.CALL:
                return called, (25 if called in UNREACHED else 60) + luck(self._seed, f"{order.key}/lasts", 60)
            case Channel.SMS:
                return (Outcome.INVALID_NUMBER if called is Outcome.INVALID_NUMBER else Outcome.DELIVERED), 3
            case Channel.IN_APP:
                return Outcome.DELIVERED, 1
            case Channel.EMAIL | Channel.LETTER | Channel.VISIT:
                return None, 0

    def _report_of(self, order: Order, url: str) -> None:
        assert order.outcome is not None
        assert order.ended_at is not None
        fact = CallbackBody(
            kind="call_outcome" if order.gateway == "voice" else "delivery",
            key=order.key,
            outcome=order.outcome,
            party=party(order),
            at=order.ended_at,
            gateway_ref=order.gateway_ref,
        )
        late = self.faults.strike(order.gateway, ("late_callback", "duplicate_callback", "lost_callback"), order.key)
        match late:
            case Fault(kind="lost_callback"):
                return
            case Fault(kind="duplicate_callback"):
                due = (order.ends_at, order.ends_at + late.seconds)
            case Fault(kind="late_callback"):
                due = (order.ends_at + late.seconds,)
            case _:
                due = (order.ends_at,)
        for due_at in due:
            self.record.add_report(f"{order.key}/told", order.gateway, url, fact.model_dump_json(exclude_none=True), due_at)

    def _pay_what_is_due(self, resident: Resident, now: datetime) -> Iterable[LoanPayment]:
        made = {p.payment.payment_id for p in self.record.payments(resident.loan_id)}
        if all(_payment_id(resident, n) in made for n in range(len(resident.temperament.pays))):
            return
        instants = payment_instants(resident, self.record.spoken(resident.loan_id))
        due = [(at, n) for n, at in enumerate(instants) if at is not None and at <= now and _payment_id(resident, n) not in made]
        for at, n in sorted(due):
            amount = part_of(self._owed(resident, at), resident.temperament.pays[n].share)
            if amount > 0:
                payment = Payment(payment_id=_payment_id(resident, n), amount=amount, currency=resident.currency, received_at=at)
                if self.pay(resident.loan_id, payment):
                    yield LoanPayment(loan_id=resident.loan_id, payment=payment)

    def _owed(self, resident: Resident, at: datetime) -> Decimal:
        return arrears_on(local_date(at, resident.zone), resident.instalments, self.record.paid(resident.loan_id)).amount

    def _tell_arrears(self, path: str, message_id: str, fact: BaseModel, gateway: GatewayName = "loan_system") -> None:
        if self.callback_base is not None:
            body = fact.model_dump_json(exclude_none=True)
            self.record.add_report(message_id, gateway, f"{self.callback_base}/v1/{path}", body, time.time())


def make_secret() -> SecretStr:
    """A new signing secret."""
    return SecretStr("whsec_" + base64.b64encode(randomness.token_bytes(32)).decode())


def _payment_id(resident: Resident, n: int) -> str:
    return f"P-{resident.loan_id}-{n + 1}"
