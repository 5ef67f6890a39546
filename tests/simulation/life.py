"""One borrower's life at a real lender: what happens is told to the ledger, what is wanted goes the way of every contact, and the checker reads the ledger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlmodel import col, select
from temporalio.exceptions import ApplicationError

from arrears.domain.events import PaymentReceived
from arrears.domain.loan import Payment
from arrears.domain.orders import ApprovalOrder, ContactOrder, DecisionOrder, OpenOrder, Purpose, RecallOrder, RecordOrder, ReferralOrder
from arrears.domain.outcome import Outcome
from arrears.domain.person import Relation
from arrears.domain.strategy import Channel, Line, Referral, Role
from arrears.ledger import attempts, facts, loans, reversals
from arrears.ledger.facts import FACT
from arrears.ledger.tables import ContactKind, InstalmentRow, LenderKind, LoanRow, OperatorRow, RelationRow, VerdictRow
from arrears.prove import model as raw
from arrears.prove.judge import Judge
from arrears.workflows.contract import Reversal
from tests import sealing
from tests.simulation.lender import Lender, Mood, WorkerDied
from tests.simulation.tally import Tally
from tests.simulation.world import UNSEEN

NUMBERS = {"CN": "+86130{:08}", "US": "+1212555{:04}", "GB": "+447400{:06}", "IN": "+9198100{:05}", "DE": "+4915112{:06}"}
MESSAGES = {
    ("collect", Channel.CALL): "first-call",
    ("collect", Channel.SMS): "overdue-sms",
    ("collect", Channel.EMAIL): "formal-letter",
    ("collect", Channel.IN_APP): "private-message",
    ("remind", Channel.SMS): "gentle-reminder",
    ("remind", Channel.IN_APP): "gentle-reminder",
    ("offer", Channel.SMS): "counselling-offer",
    ("opt_out_confirmation", Channel.SMS): "opt-out-confirmation",
}
PURPOSES = {"opt_out_confirmation": "confirm_opt_out"}
_NO_ROW = {"AR-06": "that a text cannot be written is seen in no row"}


class Wanted(NamedTuple):
    """A contact that a case wants to make."""

    order: ContactOrder
    klass: str


class Terms(NamedTuple):
    """What the borrower's loans are: the product, who lends, what they cost in a year, and in how many days nobody can sue for them any more."""

    product: str = "instalment"
    lender_kind: LenderKind | None = None
    annual_cost: Decimal | None = None
    limited_in_days: int | None = None


class Life:
    """The people, loans and cases of one borrower at an instant, ``now``. Everything that happens takes a second at least.

    Raises ``AssertionError`` as soon as something left that the checker calls unlawful, or was refused and would not have been.
    """

    def __init__(self, lender: Lender, residence: str, zone: str, begin: date, loan_count: int, terms: Terms = Terms()) -> None:
        lender.borrowers += 1
        n = lender.borrowers
        self.lender, self.residence, self.zone, self.tally = lender, residence, zone, Tally(worlds=1)
        self.house = lender.house(residence)
        self.borrower, self.relative, self.agency = f"B-{n}", f"R-{n}", f"north-{n}"
        self.loans = [f"{self.borrower}/L-{k}" for k in range(loan_count)]
        self.now = datetime.combine(begin, time(0), ZoneInfo(zone)).astimezone(UTC)
        self._keys, self._open_calls, self._paid, self._approvals, self._placed = 0, list[str](), list[str](), list[str](), list[str]()
        lender.do(self._settle_in(n, terms))

    async def _settle_in(self, n: int, terms: Terms) -> None:
        known, language = self.now - timedelta(days=60), "zh-CN" if self.residence == "CN" else "en"
        country = self.residence[:2]
        number = NUMBERS[country]
        async with self.lender.ledger.session() as session:
            if await session.get(OperatorRow, "op-1") is None:
                session.add(OperatorRow(id="op-1", name="Supervisor", role=Role.SUPERVISOR))
        self.mobile = number.format(2 * n)
        of_both: dict[str, Any] = {"zone": self.zone, "language": language, "residence": self.residence}
        await self.house.add(
            *sealing.person(self.borrower, "张三", **of_both),
            *sealing.person(self.relative, "李四", **of_both),
            sealing.point(None, self.borrower, self.mobile, country=country, reassignment_checked_at=self.now - timedelta(days=2)),
            sealing.point(None, self.borrower, f"b{n}@borrower.example", ContactKind.EMAIL),
            sealing.point(None, self.borrower, f"account-{n}", ContactKind.IN_APP),
            sealing.point(None, self.relative, number.format(2 * n + 1), country=country, legal_basis="named_by_borrower"),
        )
        for loan_id in self.loans:
            row = LoanRow(
                id=loan_id,
                borrower_id=self.borrower,
                lender="Example",
                product=terms.product,
                lender_kind=terms.lender_kind,
                annual_cost=terms.annual_cost,
                limitation_ends_on=None if terms.limited_in_days is None else self.now.date() + timedelta(days=terms.limited_in_days),
                currency="CNY",
                strategy="fenqile",
                imported_at=known,
            )
            due = self.now.date() - timedelta(days=40)
            await self.house.add(
                row,
                InstalmentRow(loan_id=loan_id, n=1, due_on=due, principal=Decimal("480.00"), interest=Decimal("20.00")),
                RelationRow(loan_id=loan_id, person_id=self.relative, role=Relation.EMERGENCY),
            )
            told = {"sent_at": known, "delivered_at": known + timedelta(days=1)}
            for kind in ("validation", "default", "agency", "credit"):
                await self._record(fact="notice", loan_id=loan_id, kind=kind, **told)
        for kind in ("texts", "electronic_notices", "artificial_voice"):
            await self._record(fact="consent", person_id=self.borrower, kind=kind, given_at=self.now - timedelta(days=5), evidence="form")
        day = self.now.date()
        contract = {"listed_from": day - timedelta(300), "contract_from": day - timedelta(300), "contract_until": day + timedelta(300)}
        of_review = {"reviewed_on": day - timedelta(100), "assessment_id": "pia-1"}
        agreed = ["purpose", "term", "manner", "data_kinds", "safeguards"]
        await self._record(fact="agency", agency=self.agency, agreed=agreed, **contract, **of_review)
        for loan_id in self.loans:
            await self.house.run("open_case", OpenOrder(loan_id=loan_id, run_key=f"run/{loan_id}"), self.now)

    # What happens.

    def tell(self, **fact: Any) -> None:
        """A fact, as whoever knows it tells it now."""
        self.later(1)
        self.lender.do(self._record(**fact))

    async def _record(self, **fact: Any) -> None:
        async with self.lender.ledger.exclusive() as session:
            await facts.record(session, FACT.validate_python(fact), self.now)

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def jump(self, days: int, clock: str, seconds: int) -> None:
        """To a second around the next such local time, some days on."""
        zone = ZoneInfo(self.zone)
        local = datetime.combine(self.now.astimezone(zone).date() + timedelta(days=days), time.fromisoformat(clock), zone)
        then = local.astimezone(UTC) + timedelta(seconds=seconds)
        self.now = then if then > self.now else then + timedelta(days=1)

    def pay(self, loan_id: str, amount: str, hours_ago: int, *, heard: bool) -> None:
        """A payment that is booked now, and that the case hears of or not."""
        self.later(1)
        self.lender.do(self._pay(loan_id, amount, hours_ago))
        if heard:
            paid = Payment(payment_id=self._paid[-1], amount=Decimal(amount), currency="CNY", received_at=self.now)
            order = RecordOrder(case_id=self.case(loan_id), loan_id=loan_id, events=(PaymentReceived(at=self.now, payment=paid),))
            self.lender.do(self.house.run("record", order, self.now))

    async def _pay(self, loan_id: str, amount: str, hours_ago: int) -> None:
        self._keys += 1
        self._paid.append(f"{loan_id}/pay-{self._keys}")
        received = self.now - timedelta(hours=hours_ago)
        paid = Payment(payment_id=self._paid[-1], amount=Decimal(amount), currency="CNY", received_at=received)
        async with self.lender.ledger.session() as session:
            await loans.record_payment(session, loan_id, paid, "api", self.now)

    def take_back_a_payment(self) -> None:
        """The bank takes the latest payment back that stands."""
        if not self._paid:
            return
        self.later(1)
        said = Reversal(payment_id=self._paid.pop(), reason="returned", reversed_at=self.now)

        async def reverse() -> None:
            async with self.lender.ledger.exclusive() as session:
                await reversals.reverse(session, said, "api", self.now)

        self.lender.do(reverse())

    def outcome(self, outcome: Outcome) -> None:
        """The outcome of the first call that still waits for it is called back."""
        if not self._open_calls:
            return
        self.later(1)
        key = self._open_calls.pop(0)

        async def settle() -> None:
            async with self.lender.ledger.exclusive() as session:
                await attempts.settle(session, key, outcome, self.now)

        self.lender.do(settle())

    def speaks(self, key: str, direction: str, outcome: str, loan_id: str) -> None:
        """The borrower calls, or their agency reports that it called them."""
        self.later(1)
        self._keys += 1
        one = {
            "key": f"{key}-{self._keys}",
            "loan_id": loan_id,
            "channel": "call",
            "direction": direction,
            "outcome": outcome,
            "at": self.now,
        }
        if direction == "in":
            self.tell(fact="contact", **one)
        else:
            self.tell(fact="agency_contacts", agency=self.agency, up_to=self.now, contacts=[one])

    def ask(self, loan_id: str, referral: Referral | None = None) -> None:
        """The case asks a human about the relative, or about a handover."""
        self.later(1)
        self._keys += 1
        step = f"step-{self._keys}"
        about: dict[str, Any] = (
            {"purpose": Purpose.RELAY, "channel": Channel.CALL, "message": "relay-request", "most_people": 2}
            if referral is None
            else {"referral": referral}
        )
        order = ApprovalOrder(
            case_id=self.case(loan_id),
            loan_id=loan_id,
            approval_id=f"{self.case(loan_id)}/{step}/a1",
            step=step,
            role=Role.SUPERVISOR,
            remind_at=self.now + timedelta(hours=24),
            deadline=self.now + timedelta(hours=48),
            **about,
        )
        answer = self.lender.do(self.house.run("request_approval", order, self.now))
        if answer.asked:
            self._approvals.append(order.approval_id)

    def decide(self, decision: str) -> None:
        """The supervisor decides on the latest request."""
        if self._approvals:
            self.later(1)
            approval_id = self._approvals[-1]
            case_id = approval_id.rsplit("/", 2)[0]
            order = DecisionOrder.model_validate(
                {"case_id": case_id, "approval_id": approval_id, "decision": decision, "operator": "op-1", "reason": "because"}
            )
            self.lender.do(self.house.run("check_decision", order, self.now))

    def hand_over(self, loan_id: str, days: int) -> None:
        """The case wants to place the loan with the agency, on the latest approval."""
        self.later(1)
        self._keys += 1
        approval_id = self._approvals[-1] if self._approvals else None
        step = approval_id.rsplit("/", 2)[1] if approval_id else f"step-{self._keys}"
        referral_id = f"{self.case(loan_id)}/{step}"
        order = ReferralOrder(
            case_id=self.case(loan_id),
            loan_id=loan_id,
            referral_id=referral_id,
            step=step,
            to=Referral.AGENCY,
            agency=self.agency,
            until=self.now + timedelta(days=days),
            approval_id=approval_id,
        )
        if referral_id in self._placed:
            return
        self.tally.handovers += 1
        self.lender.do(self.house.run("refer", order, self.now))
        if referral_id in self.lender.wires.wire.left:
            self.tally.handed_over += 1
            self._placed.append(referral_id)
        self.prove()

    def recall(self) -> None:
        """The agency gives the loan back that it got last."""
        if self._placed:
            self.later(1)
            referral_id = self._placed[-1]
            case_id = referral_id.rsplit("/", 1)[0]
            loan_id = case_id.rsplit(".", 1)[0]
            order = RecallOrder(case_id=case_id, loan_id=loan_id, referral_id=referral_id, agency=self.agency, why="recalled")
            self.lender.do(self.house.run("recall", order, self.now))

    # What is wanted.

    def case(self, loan_id: str) -> str:
        return f"{loan_id}.1"

    def wanted(self, loan_id: str, channel: Channel, klass: str = "collect") -> Wanted:
        """A contact with the borrower."""
        self._keys += 1
        case_id = self.case(loan_id)
        key = f"{case_id}/c-{self._keys}"
        message = MESSAGES.get((klass, channel))
        if message is None:
            klass, message = "collect", MESSAGES["collect", channel]
        order = ContactOrder(
            case_id=case_id, loan_id=loan_id, attempt_id=key, step=f"c-{self._keys}", channel=channel, message=message,
        )  # fmt: skip
        return Wanted(order, klass)

    def wanted_of_the_relative(self, loan_id: str) -> Wanted:
        """A call to the relative, on the latest approval."""
        one = self.wanted(loan_id, Channel.CALL)
        approval_id = self._approvals[-1] if self._approvals else None
        change = {"message": "relay-request", "purpose": Purpose.RELAY, "person_id": self.relative, "approval_id": approval_id}
        return Wanted(one.order.model_copy(update=change), "locate_only")

    def contact(self, one: Wanted, ends: Outcome | None) -> None:
        """What is wanted is tried, and would end so; a call without an outcome is still on its way."""
        self.later(1)
        self._try(one, ends)
        self._judged(one)

    def interrupted(self, one: Wanted, mood: Mood, event: Callable[[], None]) -> bool:
        """A first try goes wrong, something happens, and the server tries again; whether it left with the second try."""
        self.later(1)
        ordered, wire = self.now, self.lender.wires.wire
        self._try(one, Outcome.NO_ANSWER if one.order.channel is Channel.CALL else None, mood=mood)
        before = wire.left.get(one.order.attempt_id, 0)
        event()
        self.later(60)
        self._try(one, wire.ends, attempt=2, ordered=ordered)
        self._judged(one)
        return wire.left.get(one.order.attempt_id, 0) > before

    def race(self, several: list[Wanted], event: Awaitable[Any]) -> None:
        """Some contacts are tried while something happens, all at the same instant: who is first the ledger decides."""
        self.later(1)
        self.lender.wires.wire.ends = None

        async def all_at_once() -> None:
            tries = [self.house.contact(one.order, self.now) for one in several]
            await asyncio.gather(*tries[:1], event, *tries[1:], return_exceptions=True)

        self.lender.do(all_at_once())
        for one in several:
            self._count(one)
        self.prove()

    def _try(self, one: Wanted, ends: Outcome | None, *, mood: Mood = "takes", attempt: int = 1, ordered: datetime | None = None) -> None:
        wire = self.lender.wires.wire
        wire.mood, wire.ends = mood, ends
        try:
            self.lender.do(self.house.contact(one.order, self.now, attempt=attempt, scheduled=ordered))
        except (ApplicationError, WorkerDied):
            return
        finally:
            wire.mood = "takes"

    # What the checker says.

    def _judged(self, one: Wanted) -> None:
        verdict = self._count(one)
        if one.order.attempt_id in self.lender.wires.wire.left:
            self.prove()
        elif verdict.verdict != "allow":
            self._would_have_been_unlawful(one, verdict)

    def _count(self, one: Wanted) -> VerdictRow:
        self.tally.contacts += 1
        verdict = self.lender.do(self._verdict(one.order.attempt_id))
        assert verdict is not None, f"{one.order.attempt_id} was decided without a verdict in the ledger"
        self.tally.effects[verdict.verdict] += 1
        self.tally.rules.update(verdict.rules)
        left = one.order.attempt_id in self.lender.wires.wire.left
        self.tally.left += left
        if left and one.order.channel is Channel.CALL and self.lender.wires.wire.ends is None:
            self._open_calls.append(one.order.attempt_id)
        assert self.lender.wires.wire.left.get(one.order.attempt_id, 0) <= 1, f"{one.order.attempt_id} left twice"
        return verdict

    async def _verdict(self, attempt_id: str) -> VerdictRow | None:
        async with self.lender.ledger.reading() as session:
            found = await session.exec(
                select(VerdictRow).where(col(VerdictRow.attempt_id) == attempt_id).order_by(col(VerdictRow.id).desc())
            )
            return found.first()

    def prove(self) -> None:
        """Nothing that has left for this borrower was unlawful by what was known when it left."""
        violations = self.lender.violations(self.borrower)
        self.tally.checked.update(v.rule for v in violations)
        assert not violations, "unlawful, and it left: " + "; ".join(
            f"{v.contact_id} at {raw.moment(v.at):%Y-%m-%d %H:%M:%S} UTC broke {v.rule}: {v.observed} / {v.limit}" for v in violations
        )

    def _would_have_been_unlawful(self, one: Wanted, verdict: VerdictRow) -> None:
        """What the core refused the checker would have called unlawful, whichever address it had gone to."""
        file, book = self.lender.read(self.borrower)
        order, at = one.order, raw.instant(verdict.decided_at)
        person_id = order.person_id or self.borrower
        kinds = {kind.value for kind in attempts.CHANNEL_KINDS[order.channel]}
        own = [p for p in file.points.values() if p.person_id == person_id and p.kind in kinds and p.line == Line.REGISTERED]
        for point in own or [None]:
            forced = raw.Contact(
                contact_id=order.attempt_id, loan_id=order.loan_id, person_id=person_id, channel=order.channel, at=at, outcome=None,
                known_at=None, case_id=order.case_id, point_id=point and point.point_id, klass=one.klass, reserved_at=at, sent_at=at,
                purpose=PURPOSES.get(one.klass, one.klass) if order.person_id is None else order.purpose, approval_id=order.approval_id,
                content_hash="a" * 64, artificial_voice=order.channel is Channel.CALL and self.house.settings.artificial_voice,
            )  # fmt: skip
            broken = self._broken(file, book, forced, verdict)
            self.tally.checked.update(broken)
            if broken:
                continue
            if all(f.get("source") in UNSEEN or f["rule"] in _NO_ROW for f in verdict.observed if f["effect"] != "allow"):
                self.tally.unseen += 1
            else:
                said = json.dumps(verdict.observed, ensure_ascii=False, default=str)
                raise AssertionError(f"refused at {raw.moment(at):%Y-%m-%d %H:%M:%S} UTC, and the checker knows no reason: {said}")

    @staticmethod
    def _broken(file: raw.DebtorFile, book: raw.Book, forced: raw.Contact, verdict: VerdictRow) -> set[str]:
        regimes = tuple((r["name"], str(r["version"]), r["hash"]) for r in verdict.regimes or ())
        allowed = raw.Verdict(
            forced.contact_id, forced.case_id or "", forced.at, "allow", forced.person_id, forced.approval_id, regimes, (), None
        )
        others = [c for c in file.contacts if c.contact_id != forced.contact_id]
        before = [v for v in file.verdicts if v.about != forced.contact_id]
        # A refusal tells the case of payments that it had not heard of; before it, nobody had.
        payments = [p._replace(heard_at=None) if p.heard_at == forced.at else p for p in file.payments]
        whole = replace(file, payments=payments, contacts=sorted([*others, forced], key=lambda c: c.at), verdicts=[*before, allowed])
        found = Judge(replace(book, since=forced.at)).judge(whole)
        return {v.rule for v in found if v.contact_id == forced.contact_id and not v.late}
