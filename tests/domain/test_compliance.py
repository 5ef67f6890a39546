"""The rules of contact under the regime of mainland China, each shown by the facts that trip it and by those that do not."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.config.regimes import RegimeLibrary
from arrears.domain.calendar import local_date
from arrears.domain.compliance import decide
from arrears.domain.facts import Facts, Grant, Past, Point, Proposal, Reach, Recipient, Relation, StandingHold
from arrears.domain.message import MessageClass
from arrears.domain.money import Money
from arrears.domain.orders import Purpose
from arrears.domain.outcome import Outcome
from arrears.domain.rules import Effect
from arrears.domain.strategy import Channel, Role

CN = RegimeLibrary().current("cn")
SHANGHAI = "Asia/Shanghai"
NOON = datetime(2026, 11, 3, 12, tzinfo=ZoneInfo(SHANGHAI))


def shanghai(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=ZoneInfo(SHANGHAI))


def call(at: datetime = NOON - timedelta(hours=1), outcome: Outcome | None = Outcome.NO_ANSWER, point: int = 1) -> Past:
    return Past(at=at, channel=Channel.CALL, outcome=outcome, contact_point_id=point)


def sms(at: datetime = NOON - timedelta(hours=1), outcome: Outcome | None = Outcome.DELIVERED) -> Past:
    return Past(at=at, channel=Channel.SMS, outcome=outcome, contact_point_id=1)


def to_borrower(channel: Channel = Channel.CALL, **changes: Any) -> Facts:
    facts = Facts(
        proposal=Proposal(
            case_id="L-1.1",
            attempt_id="L-1.1/call.1",
            channel=channel,
            purpose=Purpose.COLLECT,
            message="overdue-call",
            message_class=MessageClass.COLLECT,
            content_hash="text",
        ),
        recipient=Recipient(person_id="P-1", relation=Relation.BORROWER, zone=SHANGHAI),
        point=Point(contact_point_id=1),
        owed=Money(amount=Decimal("120.50"), currency="CNY"),
        case_open=True,
        reach=Reach(zone=SHANGHAI, numbers=(True,)),
    )
    return facts.model_copy(update=changes)


def to_relative(**changes: Any) -> Facts:
    """A call that every rule allows: contact lost, approved by a human, nothing said about the debt."""
    facts = to_borrower().model_copy(
        update={
            "proposal": Proposal(
                case_id="L-1.1",
                attempt_id="L-1.1/relatives.1/P-2",
                channel=Channel.CALL,
                purpose=Purpose.RELAY,
                message="relay-request",
                message_class=MessageClass.LOCATE_ONLY,
                content_hash="text",
            ),
            "recipient": Recipient(person_id="P-2", relation=Relation.EMERGENCY, zone=SHANGHAI),
            "reach": Reach(zone=SHANGHAI, numbers=(True,), calls=(call(shanghai(1, 10)), call(shanghai(1, 15)), call(shanghai(2, 10)))),
            "grant": Grant(
                approval_id="L-1.1/relatives.1/a1",
                case_id="L-1.1",
                step="relatives.1",
                state="approved",
                role=Role.SUPERVISOR,
                purpose=Purpose.RELAY,
                contents={"P-2": "text"},
                decided_at=shanghai(2, 18),
            ),
        }
    )
    return facts.model_copy(update=changes)


def changed(model: Any, **changes: Any) -> Any:
    return model.model_copy(update=changes)


def verdict(facts: Facts, now: datetime = NOON) -> tuple[Effect, tuple[str, ...]]:
    found = decide(facts, CN, now)
    return found.effect, found.rules


def test_an_overdue_borrower_may_be_called_at_noon() -> None:
    assert verdict(to_borrower()) == (Effect.ALLOW, ())


def test_a_relative_may_be_asked_when_contact_is_lost_and_a_human_agreed() -> None:
    assert verdict(to_relative()) == (Effect.ALLOW, ())


class TestMoneyOwed:
    @pytest.mark.parametrize("amount", ["0", "-3.20"])
    def test_nobody_is_contacted_when_nothing_is_overdue(self, amount: str) -> None:
        assert verdict(to_borrower(owed=Money(amount=Decimal(amount), currency="CNY"))) == (Effect.DENY, ("AR-01",))

    def test_an_unknown_balance_denies(self) -> None:
        assert verdict(to_borrower(owed=None)) == (Effect.DENY, ("AR-01",))

    def test_a_payment_that_the_case_has_not_heard_of_is_heard_first(self) -> None:
        assert verdict(to_borrower(unheard=("pay-1",))) == (Effect.DENY, ("AR-05",))


class TestQuietHours:
    @pytest.mark.parametrize(
        ("now", "until"),
        [
            (shanghai(3, 7, 59, 59), shanghai(3, 8)),
            (shanghai(3, 0), shanghai(3, 8)),
            (shanghai(3, 22), shanghai(4, 8)),
            (shanghai(3, 23, 59, 59), shanghai(4, 8)),
        ],
    )
    def test_outside_the_hours_a_contact_waits_for_eight_oclock(self, now: datetime, until: datetime) -> None:
        found = decide(to_borrower(Channel.SMS), CN, now)
        assert (found.effect, found.rules, found.until) == (Effect.DEFER, ("CN-01",), until)

    @pytest.mark.parametrize("now", [shanghai(3, 8), shanghai(3, 21, 59, 59)])
    def test_the_first_and_the_last_second_inside_are_allowed(self, now: datetime) -> None:
        assert verdict(to_borrower(), now) == (Effect.ALLOW, ())

    def test_the_hours_are_those_of_the_recipient_not_of_the_lender(self) -> None:
        in_london = changed(to_borrower().recipient, zone="Europe/London")
        found = decide(to_borrower(recipient=in_london), CN, shanghai(3, 12))
        assert (found.effect, found.until) == (Effect.DEFER, datetime(2026, 11, 3, 8, tzinfo=ZoneInfo("Europe/London")))

    def test_eight_oclock_stays_eight_oclock_when_the_clocks_change(self) -> None:
        in_london = to_borrower(recipient=changed(to_borrower().recipient, zone="Europe/London"))
        found = decide(in_london, CN, datetime(2026, 10, 24, 22, tzinfo=ZoneInfo("Europe/London")))
        assert found.until == datetime(2026, 10, 25, 8, tzinfo=UTC)

    def test_an_unknown_zone_denies(self) -> None:
        effect, rules = verdict(to_borrower(recipient=changed(to_borrower().recipient, zone=None)))
        assert effect is Effect.DENY
        assert "CN-01" in rules


class TestCalls:
    def test_the_fourth_effective_call_of_a_day_waits_for_the_next_morning(self) -> None:
        spoken = tuple(call(shanghai(3, h), Outcome.ANSWERED_DELAYING) for h in (9, 10, 11))
        found = decide(to_borrower(history=spoken), CN, NOON)
        assert (found.effect, found.rules, found.until) == (Effect.DEFER, ("CN-02",), shanghai(4, 8))

    def test_effective_calls_count_for_the_person_whatever_number_was_called(self) -> None:
        spoken = tuple(call(outcome=Outcome.ANSWERED_WILLING, point=n) for n in range(3))
        assert verdict(to_borrower(history=spoken)) == (Effect.DEFER, ("CN-02",))

    def test_yesterdays_calls_do_not_count_today(self) -> None:
        spoken = tuple(call(shanghai(2, 23, 59), Outcome.ANSWERED_DELAYING) for _ in range(9))
        assert verdict(to_borrower(history=spoken)) == (Effect.ALLOW, ())

    def test_the_day_is_the_recipients_day(self) -> None:
        # Eight in the morning of the 3rd in Shanghai is still the 2nd in New York.
        spoken = tuple(call(shanghai(3, 8), Outcome.ANSWERED_DELAYING) for _ in range(3))
        in_new_york = changed(to_borrower().recipient, zone="America/New_York")
        evening = shanghai(3, 9)
        assert decide(to_borrower(recipient=in_new_york, history=spoken), CN, evening).rules == ("CN-02",)

    @pytest.mark.parametrize("outcome", [None, Outcome.UNKNOWN])
    def test_a_call_of_which_nobody_knows_counts_as_effective(self, outcome: Outcome | None) -> None:
        assert verdict(to_borrower(history=(call(outcome=outcome),) * 3)) == (Effect.DEFER, ("CN-02",))

    def test_after_six_unanswered_attempts_a_number_rests_until_tomorrow_and_another_may_be_called(self) -> None:
        history = (call(outcome=Outcome.ANSWERED_DELAYING), *(call(outcome=Outcome.NO_ANSWER) for _ in range(6)))
        assert verdict(to_borrower(history=history)) == (Effect.DEFER, ("CN-04",))
        assert verdict(to_borrower(history=history, point=Point(contact_point_id=2))) == (Effect.ALLOW, ())

    def test_five_unanswered_attempts_leave_one_more(self) -> None:
        assert verdict(to_borrower(history=(call(outcome=Outcome.BUSY),) * 5)) == (Effect.ALLOW, ())

    def test_what_never_left_counts_for_nothing(self) -> None:
        assert verdict(to_borrower(history=(call(outcome=Outcome.NOT_SENT),) * 9)) == (Effect.ALLOW, ())


class TestMessages:
    @pytest.mark.parametrize(("channel", "most"), [(Channel.SMS, 2), (Channel.EMAIL, 1), (Channel.IN_APP, 1)])
    def test_messages_of_a_channel_are_capped_a_day(self, channel: Channel, most: int) -> None:
        sent = tuple(Past(at=NOON, channel=channel, outcome=Outcome.DELIVERED) for _ in range(most))
        assert verdict(to_borrower(channel, history=sent[1:])) == (Effect.ALLOW, ())
        found = decide(to_borrower(channel, history=sent), CN, NOON)
        assert (found.effect, found.rules, found.until) == (Effect.DEFER, ("CN-07",), shanghai(4, 8))

    def test_a_failed_message_counts_as_well(self) -> None:
        assert verdict(to_borrower(Channel.SMS, history=(sms(outcome=Outcome.FAILED),) * 2)) == (Effect.DEFER, ("CN-07",))

    def test_messages_do_not_count_as_calls(self) -> None:
        assert verdict(to_borrower(Channel.CALL, history=(sms(),) * 9)) == (Effect.ALLOW, ())


class TestRelatives:
    @pytest.mark.parametrize("relation", [Relation.SPOUSE, Relation.EMERGENCY, Relation.CONTACT])
    def test_money_is_never_asked_from_a_relative_whoever_approved(self, relation: Relation) -> None:
        asked = to_relative(
            recipient=changed(to_relative().recipient, relation=relation),
            proposal=changed(to_relative().proposal, purpose=Purpose.COLLECT, message_class=MessageClass.COLLECT),
            grant=changed(to_relative().grant, purpose=Purpose.COLLECT),
        )
        assert verdict(asked) == (Effect.DENY, ("CN-08", "CN-12"))

    def test_a_guarantor_is_asked_for_money_only_with_evidence(self) -> None:
        guarantor = to_relative(
            recipient=changed(to_relative().recipient, relation=Relation.GUARANTOR),
            proposal=changed(to_relative().proposal, purpose=Purpose.COLLECT, message_class=MessageClass.COLLECT),
            grant=changed(to_relative().grant, purpose=Purpose.COLLECT),
            reach=Reach(zone=SHANGHAI),
        )
        assert verdict(guarantor) == (Effect.DENY, ("CN-09",))
        assert verdict(changed(guarantor, recipient=changed(guarantor.recipient, evidence="contract-7"))) == (Effect.ALLOW, ())

    @pytest.mark.parametrize(
        "calls",
        [
            (),
            (call(shanghai(1, 10)), call(shanghai(2, 10))),
            (call(shanghai(1, 10)), call(shanghai(2, 10)), call(shanghai(2, 15), Outcome.ANSWERED_REFUSING)),
            (call(shanghai(1, 10)), call(shanghai(2, 10)), call(shanghai(2, 15), Outcome.UNKNOWN)),
            (call(shanghai(1, 10)), call(shanghai(2, 10)), call(shanghai(2, 15), Outcome.FAILED)),
            (call(shanghai(2, 10)), call(shanghai(2, 11)), call(shanghai(2, 15))),
        ],
        ids=["no attempt", "two failures", "answered since", "last one unknown", "last one never placed", "all on one day"],
    )
    def test_relatives_are_left_alone_while_contact_is_not_lost(self, calls: tuple[Past, ...]) -> None:
        assert verdict(to_relative(reach=Reach(zone=SHANGHAI, numbers=(True,), calls=calls))) == (Effect.DENY, ("CN-10",))

    def test_a_payment_begins_the_count_of_failures_anew(self) -> None:
        paid = changed(to_relative().reach, last_sign_at=shanghai(2, 9))
        assert verdict(to_relative(reach=paid)) == (Effect.DENY, ("CN-10",))

    def test_contact_is_lost_when_every_number_is_invalid(self) -> None:
        assert verdict(to_relative(reach=Reach(zone=SHANGHAI, numbers=(False, False)))) == (Effect.ALLOW, ())
        assert verdict(to_relative(reach=Reach(zone=SHANGHAI, numbers=(False, True)))) == (Effect.DENY, ("CN-10",))
        assert verdict(to_relative(reach=Reach(zone=SHANGHAI, numbers=()))) == (Effect.DENY, ("CN-10",))

    @pytest.mark.parametrize("klass", [k for k in MessageClass if k is not MessageClass.LOCATE_ONLY])
    def test_nothing_about_the_debt_is_told(self, klass: MessageClass) -> None:
        telling = to_relative(proposal=changed(to_relative().proposal, message_class=klass))
        assert verdict(telling) == (Effect.DENY, ("CN-12",))

    def test_a_refusal_is_final_on_every_number_and_for_every_loan(self) -> None:
        refused = to_relative(recipient=changed(to_relative().recipient, refused=True), point=Point(contact_point_id=9))
        assert verdict(refused) == (Effect.DENY, ("CN-13",))

    @pytest.mark.parametrize(("born", "allowed"), [(date(2012, 11, 4), False), (date(2012, 11, 3), True)])
    def test_children_under_fourteen_are_never_contacted(self, born: date, allowed: bool) -> None:
        effect, rules = verdict(to_relative(recipient=changed(to_relative().recipient, birth_date=born)))
        assert (effect, rules) == ((Effect.ALLOW, ()) if allowed else (Effect.DENY, ("CN-65",)))


class TestHumanApproval:
    def test_without_one_a_relative_is_not_contacted(self) -> None:
        found = decide(to_relative(grant=None), CN, NOON)
        assert (found.effect, found.rules, found.role) == (Effect.NEEDS_APPROVAL, ("AR-02",), Role.SUPERVISOR)

    @pytest.mark.parametrize(
        "flaw",
        [
            {"state": "open"},
            {"state": "denied"},
            {"state": "expired"},
            {"state": "void"},
            {"case_id": "L-1.2"},
            {"contents": {"P-3": "text"}},
            {"contents": {"P-2": "another text"}},
            {"purpose": Purpose.LOCATE},
            {"decided_at": NOON - timedelta(days=7)},
        ],
        ids=lambda flaw: "/".join(flaw),
    )
    def test_it_counts_for_exactly_these_people_this_purpose_these_words_and_this_time(self, flaw: dict[str, Any]) -> None:
        assert verdict(to_relative(grant=changed(to_relative().grant, **flaw))) == (Effect.DENY, ("AR-02",))

    def test_it_does_not_override_the_law(self) -> None:
        assert verdict(to_relative(reach=Reach(zone=SHANGHAI))) == (Effect.DENY, ("CN-10",))


class TestWishes:
    def test_an_opted_out_contact_point_is_not_used(self) -> None:
        assert verdict(to_borrower(point=Point(contact_point_id=1, opted_out=True))) == (Effect.DENY, ("CN-16",))

    def test_who_opted_out_of_everything_gets_nothing(self) -> None:
        assert verdict(to_borrower(recipient=changed(to_borrower().recipient, opted_out=True))) == (Effect.DENY, ("CN-16",))

    def test_without_a_valid_contact_point_nothing_is_sent(self) -> None:
        assert verdict(to_borrower(point=None)) == (Effect.DENY, ("AR-03",))
        assert verdict(to_borrower(point=Point(contact_point_id=1, invalid=True))) == (Effect.DENY, ("AR-03",))

    def test_a_text_that_cannot_be_written_is_not_sent(self) -> None:
        unwritten = changed(to_borrower().proposal, content_hash=None, message_class=None)
        assert verdict(to_borrower(proposal=unwritten)) == (Effect.DENY, ("AR-06",))

    def test_nothing_is_sent_for_a_case_that_has_ended(self) -> None:
        assert verdict(to_borrower(case_open=False)) == (Effect.DENY, ("AR-08",))

    def test_a_hold_outranks_everything(self) -> None:
        assert verdict(to_borrower(holds=(StandingHold(hold_id="7", reason="dispute"),))) == (Effect.DENY, ("AR-04",))


class TestVerdict:
    def test_it_names_every_rule_and_the_strictest_wins(self) -> None:
        facts = to_relative(
            history=(call(outcome=Outcome.RELAYED),) * 3, grant=None, recipient=changed(to_relative().recipient, refused=True)
        )
        assert verdict(facts, shanghai(3, 23)) == (Effect.DENY, ("AR-02", "CN-01", "CN-02", "CN-13"))

    def test_a_deferral_ends_when_nothing_stands_against_the_contact_any_more(self) -> None:
        at_night = shanghai(3, 23)
        found = decide(to_borrower(history=(call(shanghai(3, 21), Outcome.ANSWERED_DELAYING),) * 3), CN, at_night)
        assert found.rules == ("CN-01", "CN-02")
        assert found.until == shanghai(4, 8)

    def test_findings_say_what_was_seen_and_what_is_allowed(self) -> None:
        (finding,) = decide(to_borrower(history=(call(outcome=Outcome.ANSWERED_WILLING),) * 3), CN, NOON).findings
        assert (finding.observed, finding.limit) == ("3", "3 effective by call a day and person")

    def test_the_same_facts_have_the_same_digest_and_other_facts_another(self) -> None:
        assert to_borrower().digest == to_borrower().digest != to_borrower(owed=None).digest


OUTCOMES = st.sampled_from([None, *Outcome])
INSTANTS = st.integers(0, 72 * 60).map(lambda m: shanghai(2, 0) + timedelta(minutes=m))
PASTS = st.lists(
    st.builds(Past, at=INSTANTS, channel=st.sampled_from(Channel), outcome=OUTCOMES, contact_point_id=st.sampled_from([1, 2, None])),
    max_size=12,
).map(tuple)
ZONES = st.sampled_from([SHANGHAI, "America/New_York", "Europe/London", "Pacific/Auckland", "Asia/Kathmandu"])


@given(history=PASTS, now=INSTANTS, zone=ZONES, channel=st.sampled_from(Channel))
def test_a_deferred_contact_is_allowed_at_the_instant_that_was_named(
    history: tuple[Past, ...], now: datetime, zone: str, channel: Channel
) -> None:
    past = tuple(p for p in history if p.at <= now)
    facts = to_borrower(channel, history=past, recipient=changed(to_borrower().recipient, zone=zone))
    found = decide(facts, CN, now)
    if found.effect is Effect.DEFER:
        assert found.until is not None
        assert found.until > now
        assert decide(facts, CN, found.until).effect is Effect.ALLOW


@given(history=PASTS, now=INSTANTS, zone=ZONES, channel=st.sampled_from(Channel))
def test_no_contact_is_ever_allowed_at_night(history: tuple[Past, ...], now: datetime, zone: str, channel: Channel) -> None:
    facts = to_borrower(channel, history=history, recipient=changed(to_borrower().recipient, zone=zone))
    if decide(facts, CN, now).effect is Effect.ALLOW:
        assert time(8) <= now.astimezone(ZoneInfo(zone)).time() < time(22)


@given(
    minutes=st.lists(st.integers(0, 3 * 24 * 60), max_size=40),
    limit=st.sampled_from([(None, 3), (Outcome.UNKNOWN, 3), (Outcome.ANSWERED_WILLING, 3), (Outcome.RELAYED, 3), (Outcome.NO_ANSWER, 6)]),
)
def test_however_often_it_is_tried_no_day_has_more_calls_than_allowed(minutes: list[int], limit: tuple[Outcome | None, int]) -> None:
    outcome, most = limit
    made: list[Past] = []
    for minute in sorted(minutes):
        now = shanghai(2, 0) + timedelta(minutes=minute)
        if decide(to_borrower(history=tuple(made)), CN, now).effect is Effect.ALLOW:
            made.append(call(now, outcome))
    days = [local_date(p.at, SHANGHAI) for p in made]
    assert all(days.count(day) <= most for day in days)


@given(facts=st.sampled_from([to_borrower(), to_relative()]), now=INSTANTS)
def test_taking_a_fact_away_never_makes_a_contact_easier(facts: Facts, now: datetime) -> None:
    whole = decide(facts, CN, now).effect.severity
    for lacking in (
        changed(facts, owed=None),
        changed(facts, point=None),
        changed(facts, grant=None),
        changed(facts, recipient=changed(facts.recipient, zone=None)),
        changed(facts, reach=Reach(zone=None)),
    ):
        assert decide(lacking, CN, now).effect.severity >= whole
