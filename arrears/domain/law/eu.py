"""The European Union: what its directives and the GDPR ask of everybody. Hours, caps and third parties are national, and kept careful until known."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from arrears.domain.law.kit import DayCap, Hours, agreed_hours, deny, outside_hours, over_cap, zones_of_phone
from arrears.domain.law.rule import Terms, rule, tighter
from arrears.domain.law.standing import day_in, left, strictest, told, unwished
from arrears.domain.message import MessageClass, NoticeKind
from arrears.domain.orders import Purpose
from arrears.domain.outcome import Outcome
from arrears.domain.situation import LENDER, Situation
from arrears.domain.strategy import Channel, Referral
from arrears.domain.verdict import Objection

_ANSWERS = frozenset({Purpose.REPLY, Purpose.VERIFICATION, Purpose.CONFIRM_OPT_OUT, Purpose.NOTICE})
_TELLING = frozenset({Purpose.NOTICE, Purpose.CONFIRM_OPT_OUT})
_DID_NOT_ARRIVE = frozenset({Outcome.BOUNCED, Outcome.INVALID_NUMBER, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.SOMEONE_ELSE})


class Since(Terms):
    """A rule that applies from a day on."""

    applies_from: date = Field(description="the first local day on which it applies")


class National(Hours, DayCap):
    """Careful hours and calls a day for a country whose own law is not known here."""

    most: int = tighter("lower", ge=1)


@rule(Referral.LAWSUIT)
def eu_01(s: Situation, terms: Since, now: datetime) -> Objection | None:
    """Before anything is enforced the borrower is offered reasonable forbearance.

    Directive (EU) 2023/2225, art. 35.
    """
    if day_in(now, s.borrower.zone) < terms.applies_from:
        return None
    offers = (
        c
        for c in left(s.contacts(s.loan.borrower))
        if c.loan == s.loan.loan_id
        and (c.purpose is Purpose.OFFER or c.klass is MessageClass.OFFER)
        and c.outcome not in _DID_NOT_ARRIVE
        and c.at <= now
    )
    return None if any(offers) else deny("no forbearance was offered", "an offer before enforcement", "history")


@rule("contact")
def eu_02(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Who bought the debt, or services it for somebody, tells the borrower of it before collecting anything.

    Directive (EU) 2021/2167, art. 10.
    """
    action, by = s.contact, s.contact.by
    bought = s.loan.lender_kind == "purchaser"
    if action.purpose in _TELLING or not (bought or by != LENDER):
        return None
    kinds = (NoticeKind.ASSIGNMENT, NoticeKind.TRANSFER) if bought else (NoticeKind.AGENCY, NoticeKind.TRANSFER, NoticeKind.ASSIGNMENT)
    notices = told(s, s.loan.borrower, now, kinds, None if bought else by)
    if any(n.delivered_at is not None and n.delivered_at <= now for n in notices):
        return None
    return deny("the borrower was not told who collects now", "a notice before the first collection", "notices")


@rule("contact")
def eu_03(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Whoever objects to being contacted, or to a way of it, is heeded; what is asked and what must be told can still be answered.

    GDPR, art. 18, 21. Minimisation, storage, decisions by humans and contracts with processors are kept by what CN-40 to CN-54 name.
    """
    return unwished(s, zones_of_phone(s), now, _ANSWERS)


@rule("contact")
def eu_04(s: Situation, terms: National, now: datetime) -> Objection | None:
    """Hours, caps and third parties are a matter of each country: until a country's own numbers are given, careful ones of ours hold.

    National law, not known here.
    """
    action, zones = s.contact, zones_of_phone(s)
    if s.third_party:
        return deny(f"a third party: {s.relation}", "the borrower, who owes with them, or speaks for them", "action.recipient")
    if action.channel not in terms.channels:
        return None
    hours = outside_hours(now, zones, terms, "people.zone", agreed_hours(s.recipient, action.channel, now))
    if action.channel is not Channel.CALL:
        return hours
    calls = [c for c in left(s.contacts(s.recipient.person_id, channel=Channel.CALL)) if c.at <= now]
    return strictest((hours, *(over_cap(calls, terms, zone, now, "calls") for zone in zones)))
