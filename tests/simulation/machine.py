"""A stateful property of the real lender: whatever happens in whatever order, the checker finds nothing unlawful in the ledger, and knows of every refusal why.

Each rule is something that happens in a borrower's life, or something that a case wants. A counterexample shrinks to the few steps that matter.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from arrears.domain.loan import Payment
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Referral
from arrears.ledger import facts, loans
from arrears.ledger.facts import FACT
from arrears.ledger.tables import LenderKind
from tests.simulation import drawn
from tests.simulation.lender import Lender
from tests.simulation.life import Life, Terms
from tests.simulation.tally import Tally

CLOCKS = ("00:00", "06:30", "08:00", "09:00", "10:00", "12:00", "15:00", "18:00", "19:00", "20:00", "21:00", "22:00", "23:00")
HOLDS = (
    "dispute",
    "attorney",
    "breathing-space",
    "mental-health-crisis",
    "incapacity",
    "debt-advice",
    "bankruptcy",
    "hardship",
    "complaint",
    "suspected-fraud",
    "cease",
)
WHOLE, PART = "9000", "20"
HOMES = ("Asia/Shanghai", "America/New_York", "Pacific/Honolulu", "Europe/London", *drawn.ODD_ZONES)

loan = st.integers(0, 2)
channel = st.sampled_from((Channel.CALL, Channel.CALL, Channel.SMS, Channel.EMAIL, Channel.IN_APP))
call_ends = st.sampled_from(
    (Outcome.ANSWERED_DELAYING, Outcome.NO_ANSWER, Outcome.NO_ANSWER, Outcome.VOICEMAIL, Outcome.INVALID_NUMBER, None)
)
message_ends = st.sampled_from((None, None, Outcome.DELIVERED, Outcome.FAILED))
medium = st.sampled_from(("call", "sms", "email", "in_app"))
loan_terms = st.one_of(
    st.just(Terms()),
    st.builds(
        Terms,
        product=st.sampled_from(("instalment", "credit_card", "micro-finance")),
        lender_kind=st.sampled_from((None, *LenderKind)),
        annual_cost=st.sampled_from((None, Decimal("5.5"), Decimal(24), Decimal(36))),
        limited_in_days=st.sampled_from((None, 1, 3, 8, 62, 400)),
    ),
)


def machine_of(lender: Lender, tried: Tally, residences: tuple[str, ...] = tuple(drawn.PLACES)) -> type[RuleBasedStateMachine]:
    """The property at this lender; what it tries is added up in ``tried``."""

    class Machine(LifeAtALender):
        def __init__(self) -> None:
            super().__init__()
            self.lender, self.tried = lender, tried

        @initialize(
            residence=st.sampled_from(residences),
            odd=st.sampled_from((None, None, None, *drawn.ODD_ZONES)),
            start=st.sampled_from(drawn.STARTS),
            loan_count=st.integers(1, 3),
            terms=loan_terms,
        )
        def begins(self, residence: str, odd: str | None, start: str, loan_count: int, terms: Terms) -> None:
            zone = odd or drawn.PLACES[residence][0]
            self.life = Life(self.lender, residence, zone, date.fromisoformat(start), loan_count, terms)
            self.life.jump(0, "10:00", 0)

    return Machine


def after(contacts: int) -> Callable[[Any], bool]:
    """What stops everything happens only once something has left, so that lives are not over before they begin."""
    return lambda machine: machine.life is not None and machine.life.tally.left >= contacts


class LifeAtALender(RuleBasedStateMachine):
    """What may happen, and what may be wanted, in any order."""

    lender: Lender
    tried: Tally
    life: Life | None = None

    @property
    def here(self) -> Life:
        assert self.life is not None
        return self.life

    def nth(self, n: int) -> str:
        return self.here.loans[n % len(self.here.loans)]

    # Time goes by.

    @rule(
        days=st.one_of(st.integers(0, 7), st.sampled_from((28, 30, 31, 60, 61))),
        clock=st.sampled_from(CLOCKS),
        seconds=st.sampled_from((-2, -1, 0, 1)),
    )
    def time_comes(self, days: int, clock: str, seconds: int) -> None:
        self.here.jump(days, clock, seconds - 1)

    @rule(minutes=st.sampled_from((1, 6, 31, 121, 600, 2880)))
    def time_passes(self, minutes: int) -> None:
        self.here.later(minutes * 60)

    # A case wants something.

    @rule(
        loan=loan,
        channel=channel,
        klass=st.sampled_from(("collect", "collect", "remind", "offer", "opt_out_confirmation")),
        ends=message_ends,
    )
    def contact_is_wanted(self, loan: int, channel: Channel, klass: str, ends: Outcome | None) -> None:
        self.here.contact(self.here.wanted(self.nth(loan), channel, klass), None if channel is Channel.CALL else ends)

    @rule(times=st.integers(1, 5), ends=call_ends, minutes=st.sampled_from((31, 61, 125)))
    def calls_are_wanted(self, times: int, ends: Outcome | None, minutes: int) -> None:
        for n in range(times):
            self.here.contact(self.here.wanted(self.nth(n), Channel.CALL), ends)
            self.here.later(minutes * 60)

    @rule(loan=loan, ends=st.sampled_from((Outcome.RELAYED, Outcome.RELATIVE_REFUSED, Outcome.NO_ANSWER)))
    def the_relative_is_wanted(self, loan: int, ends: Outcome) -> None:
        self.here.contact(self.here.wanted_of_the_relative(self.nth(loan)), ends)

    @rule(ends=st.sampled_from((Outcome.ANSWERED_WILLING, Outcome.NO_ANSWER, Outcome.SOMEONE_ELSE)))
    def an_outcome_is_called_back(self, ends: Outcome) -> None:
        self.here.outcome(ends)

    @rule(loan=loan, referral=st.sampled_from((None, None, Referral.AGENCY)))
    def approval_is_asked(self, loan: int, referral: Referral | None) -> None:
        self.here.ask(self.nth(loan), referral)

    @rule(decision=st.sampled_from(("approve", "approve", "deny")))
    def approval_is_decided(self, decision: str) -> None:
        self.here.decide(decision)

    @rule(loan=loan, days=st.sampled_from((1, 5, 30)))
    def placement_is_wanted(self, loan: int, days: int) -> None:
        self.here.hand_over(self.nth(loan), days)

    @rule()
    def placement_is_recalled(self) -> None:
        self.here.recall()

    # Something happens.

    @precondition(after(1))
    @rule(loan=loan, amount=st.sampled_from((PART, "500", WHOLE)), hours_ago=st.sampled_from((0, 0, 1, 30)), heard=st.booleans())
    def payment_arrives(self, loan: int, amount: str, hours_ago: int, heard: bool) -> None:
        self.here.pay(self.nth(loan), amount, hours_ago, heard=heard)

    @rule()
    def payment_is_taken_back(self) -> None:
        self.here.take_back_a_payment()

    @rule(loan=loan, direction=st.sampled_from(("in", "out", "out")), outcome=st.sampled_from(("answered", "answered", "no_answer")))
    def others_tell_of_a_call(self, loan: int, direction: str, outcome: str) -> None:
        self.here.speaks("told", direction, outcome, self.nth(loan))

    @precondition(after(2))
    @rule(medium=st.one_of(st.none(), medium))
    def borrower_opts_out(self, medium: str | None) -> None:
        wish: dict[str, Any] = {"kind": "no_contact"} if medium is None else {"kind": "no_medium", "channel": medium}
        self._of_the_borrower("wish", **wish)

    @rule(medium=st.one_of(st.none(), medium))
    def borrower_opts_in(self, medium: str | None) -> None:
        wish: dict[str, Any] = {"kind": "no_contact"} if medium is None else {"kind": "no_medium", "channel": medium}
        self._of_the_borrower("wish_withdrawn", **wish)

    @rule(hours=st.sampled_from((("06:00", "09:00"), ("21:00", "23:00"))), days=st.sampled_from((None, 1)))
    def borrower_agrees_to_hours(self, hours: tuple[str, str], days: int | None) -> None:
        self.here.later(1)
        now = self.here.now
        more = {} if days is None else {"ends_at": now + timedelta(days=days)}
        window = {"start": hours[0], "end": hours[1]}
        self.here.tell(fact="consent", person_id=self.here.borrower, kind="hours", hours=window, given_at=now, evidence="call-1", **more)

    @precondition(after(1))
    @rule(kind=st.sampled_from(("hours", "texts", "artificial_voice")))
    def borrower_withdraws_consent(self, kind: str) -> None:
        self._of_the_borrower("consent_withdrawn", kind=kind)

    @precondition(after(1))
    @rule(loan=loan, reason=st.sampled_from(HOLDS), days=st.sampled_from((None, 1, 3)), treated=st.sampled_from((None, -29, -1, 3)))
    def hold_is_placed(self, loan: int, reason: str, days: int | None, treated: int | None) -> None:
        more: dict[str, Any] = {} if days is None else {"until": self.here.now + timedelta(days=days)}
        if reason == "mental-health-crisis" and treated is not None:
            more["treatment_ends_on"] = self.here.now.date() + timedelta(days=treated)
        self._of_the_loan(loan, "hold", reason=reason, **more)

    @rule(loan=loan)
    def holds_are_lifted(self, loan: int) -> None:
        self._of_the_loan(loan, "hold_lifted")

    @precondition(after(4))
    @rule(loan=loan)
    def borrower_dies(self, loan: int) -> None:
        self._of_the_loan(loan, "hold", reason="deceased")

    @precondition(after(1))
    @rule()
    def the_relative_refuses(self) -> None:
        self.here.later(1)
        self.here.tell(fact="refusal", person_id=self.here.relative, at=self.here.now)

    @precondition(after(1))
    @rule(zone=st.sampled_from(HOMES))
    def borrower_moves(self, zone: str) -> None:
        self.here.later(1)
        self.here.tell(fact="person", person_id=self.here.borrower, zone=zone)
        self.here.zone = zone

    @precondition(after(1))
    @rule(valid=st.booleans())
    def the_number_is_somebody_elses(self, valid: bool) -> None:
        number = {"address": self.here.mobile, "valid": valid}
        self._of_the_borrower("contact_point", **number)

    @rule()
    def the_number_is_checked(self) -> None:
        self._of_the_borrower("contact_point", address=self.here.mobile, reassignment_checked=True)

    def _of_the_borrower(self, fact: str, **more: Any) -> None:
        self.here.later(1)
        self.here.tell(fact=fact, person_id=self.here.borrower, at=self.here.now, **more)

    def _of_the_loan(self, loan: int, fact: str, **more: Any) -> None:
        self.here.later(1)
        self.here.tell(fact=fact, loan_id=self.nth(loan), at=self.here.now, **more)

    # Something happens while a contact is on its way.

    @precondition(after(2))
    @rule(
        loan=loan,
        channel=channel,
        mood=st.sampled_from(("busy", "crash", "lost_answer")),
        event=st.sampled_from(("payment", "opt-out", "hold", "death")),
    )
    def it_happens_between_reserve_and_send(self, loan: int, channel: Channel, mood: Any, event: str) -> None:
        """The send loses: once it is told, nothing leaves with a second try."""
        one = self.here.wanted(self.nth(loan), channel)
        happens = self._happening(loan, event)
        assert not self.here.interrupted(one, mood, happens), f"it left after a {event} was told"

    def _happening(self, loan: int, event: str) -> Callable[[], None]:
        match event:
            case "payment":
                return lambda: self.here.pay(self.nth(loan), WHOLE, 0, heard=False)
            case "opt-out":
                return lambda: self._of_the_borrower("wish", kind="no_contact")
            case "hold":
                return lambda: self._of_the_loan(loan, "hold", reason="cease")
            case _:
                return lambda: self._of_the_loan(loan, "hold", reason="deceased")

    @precondition(after(3))
    @rule(loan=loan, event=st.sampled_from(("payment", "opt-out", "death")))
    def it_happens_while_all_want_the_borrower(self, loan: int, event: str) -> None:
        here = self.here
        several = [here.wanted(loan_id, channel) for loan_id in here.loans for channel in (Channel.SMS, Channel.CALL)]
        here.later(1)
        here.race(several, self._at_once(self.nth(loan), event))

    async def _at_once(self, loan_id: str, event: str) -> None:
        now, of_loan, of_borrower = self.here.now, {"loan_id": loan_id}, {"person_id": self.here.borrower}
        told: dict[str, Any] = {
            "opt-out": {"fact": "wish", "kind": "no_contact", **of_borrower},
            "death": {"fact": "hold", "reason": "deceased", **of_loan},
        }
        async with self.lender.ledger.exclusive() as session:
            if event == "payment":
                paid = Payment.model_validate(
                    {"payment_id": f"{loan_id}/{now.timestamp()}", "amount": WHOLE, "currency": "CNY", "received_at": now}
                )
                await loans.record_payment(session, loan_id, paid, "api", now)
            else:
                await facts.record(session, FACT.validate_python(told[event] | {"at": now}), now)

    def teardown(self) -> None:
        if self.life is not None:
            self.life.prove()
            self.tried.add(self.life.tally)
