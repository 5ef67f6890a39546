"""United Kingdom: the FCA's CONC 7 and the Debt Respite Scheme. What the text leaves open, such as hours, is ours."""

from __future__ import annotations

from collections.abc import Container

from arrears.prove import words
from arrears.prove.debtor import Debtor
from arrears.prove.law.holds import about, ends_at, in_force
from arrears.prove.law.house import borrowers_day
from arrears.prove.law.kit import Hours, outside_hours
from arrears.prove.law.others import refused
from arrears.prove.law.rule import NOT_LIABLE, law
from arrears.prove.model import DAY, Day, Hold, Instant, Loan
from arrears.prove.sending import Breach, Sending
from arrears.prove.zones import Zones

_MORATORIA = frozenset({"breathing_space", "mental_health_crisis"})


@law("UK-01", words.UK)
def reasonable_hours(s: Sending) -> Breach | None:
    """No contact at unreasonable times: from 08:00 to 21:00, Monday to Saturday, is ours. CONC 7.9.4R."""
    own = s.limits
    return outside_hours(s, Hours(own.uk_01_window, own.uk_01_weekdays, own.uk_01_channels), s.clocks)


@law("UK-02", words.UK, to=NOT_LIABLE)
def others_do_not_learn(s: Sending) -> Breach | None:
    """Others do not learn of the debt, so none is contacted about it. CONC 7.9."""
    why = "somebody who had refused" if refused(s) else f"a {s.role}"
    return Breach(f"to {why}", "nobody but the customer", "somebody else was contacted about the debt")


@law("UK-07", words.UK, to=frozenset({"representative"}))
def a_representative_is_shown(s: Sending) -> Breach | None:
    """While capacity is in doubt, whoever acts for the customer is spoken to on evidence that they do. CONC 7.10.1R, 7.10.3G."""
    if s.tie is None or s.tie.evidence is not None:
        return None
    people, file = {s.loan.borrower_id, s.contact.person_id}, s.debtor.file
    if not any(h.reason == "incapacity" and about(h, file) in people and in_force(h, s.at) for h in file.holds):
        return None
    return Breach(f"no evidence for the {s.role}", "evidence", "nothing shows that this person acts for the customer")


@law("UK-11", words.UK)
def nothing_statute_barred(s: Sending) -> Breach | None:
    """A debt that is statute-barred is not demanded; the time of a moratorium moves the day. CONC 7.15; Debt Respite Scheme Regulations reg. 8, 9."""
    ends = s.loan.limitation_ends_on
    if (
        ends is None
        or s.contact.purpose in words.ASKS_FOR_NOTHING | words.NOTICES
        or borrowers_day(s) <= moved(s.debtor, s.zones, s.loan, ends, s.at)
    ):
        return None
    return Breach("the limitation has ended", "before it ends", "a debt was asked for that is statute-barred")


@law("UK-12", words.UK)
def a_breathing_space_lasts(s: Sending) -> Breach | None:
    """A breathing space lasts for 60 days; for more, if the lender says so. Debt Respite Scheme Regulations reg. 26, 27."""
    return None if _moratorium_permits(s) else _lasts_on(s, "breathing_space", s.limits.uk_12_days)


@law("UK-09", words.UK)
def debt_advice_lasts(s: Sending) -> Breach | None:
    """Pursuit rests for 30 days while a plan is made with a debt adviser; for more, if the lender says so. CONC 7.3.11R."""
    if s.contact.purpose in words.ANSWERS | words.NOTICES or s.role in words.ADVOCATES:
        return None
    return _lasts_on(s, "debt_advice", s.limits.uk_09_days)


def _lasts_on(s: Sending, reason: str, days: int) -> Breach | None:
    """Whether a hold that ended by the days of the law had not ended by the lender's own."""
    people = (s.loan.borrower_id, s.contact.person_id)
    if still_held(s.debtor, s.loan, people, s.at, reason, days):
        return Breach(f"held: {reason}", f"{days} days", f"it left within {days} days, for which the lender lets the debt rest")
    return None


def still_held(debtor: Debtor, loan: Loan, people: Container[str | None], at: Instant, reason: str, days: int) -> bool:
    """Whether a hold without an end of its own, which is over by the law's days, stands by so many days."""
    for hold in debtor.file.holds:
        meant = hold.reason.replace("-", "_") == reason and hold.loan_id == loan.loan_id and about(hold, debtor.file) in people
        if meant and hold.until is None and not in_force(hold, at) and in_force(hold._replace(until=hold.placed_at + days * DAY), at):
            return True
    return False


def _moratorium_permits(s: Sending) -> bool:
    advised = s.role == "debt_adviser" and s.contact.purpose not in words.THROUGH_OTHERS
    return s.contact.purpose in words.OWED_TO_THEM - words.CONFIRMS or advised


@law("UK-13", words.UK)
def thirty_days_after_a_crisis(s: Sending) -> Breach | None:
    """The moratorium of a mental health crisis lasts for 30 days after the treatment, on the debtor's calendar. Regulations 2020, part 3."""
    days, people = s.limits.uk_13_days, (s.loan.borrower_id, s.contact.person_id)
    if _moratorium_permits(s) or not after_a_crisis(s.debtor, s.loan, people, s.at, borrowers_day(s) - days):
        return None
    return Breach("a mental health crisis", f"{days} days after it", f"it left within {days} days after the treatment of a crisis")


def after_a_crisis(debtor: Debtor, loan: Loan, people: Container[str | None], at: Instant, treated_since: Day) -> bool:
    """Whether a crisis whose moratorium is over by itself was treated until such a day, or later, and nobody lifted the moratorium."""
    for hold in debtor.file.holds:
        crisis = hold.reason.replace("-", "_") == "mental_health_crisis" and hold.loan_id == loan.loan_id
        treated = hold.treatment_ends_on
        if not crisis or treated is None or hold.until is not None or about(hold, debtor.file) not in people:
            continue
        if treated >= treated_since and not in_force(hold, at) and in_force(hold._replace(treatment_ends_on=None), at):
            return True
    return False


def moved(debtor: Debtor, zones: Zones, loan: Loan, ends: Day, at: Instant) -> Day:
    """The last day of limitation, moved by the time of all moratoria that had begun by an instant."""
    borrower = debtor.file.person(loan.borrower_id, at)
    zone = None if borrower is None else borrower.zone
    for hold in sorted(debtor.file.holds, key=lambda h: h.placed_at):
        if hold.reason.replace("-", "_") not in _MORATORIA or hold.known_at >= at or about(hold, debtor.file) != loan.borrower_id:
            continue
        began = _day(zones, zone, hold.placed_at)
        if hold.loan_id == loan.loan_id and began <= ends:
            over = _over(hold, at)
            ends += max(_day(zones, zone, at if over is None else min(over, at)) - began, 0)
    return ends


def _over(hold: Hold, at: Instant) -> Instant | None:
    """When a hold was over, as was known at an instant: by itself, or because it was lifted."""
    ends, lifted = ends_at(hold), hold.lifted_at
    if lifted is None or (hold.lift_known_at or lifted) > at:
        return ends
    return lifted if ends is None else min(ends, lifted)


def _day(zones: Zones, zone: str | None, at: Instant) -> Day:
    there = None if zone is None else zones.local(zone, at)
    return at // DAY if there is None else there[0]


@law("UK-05", words.UK, by=frozenset({"visit"}))
def announced_visits(s: Sending) -> Breach | None:
    """A visit is announced three days before (ours), or agreed on; nobody vulnerable is visited. CONC 7.9.12R."""
    person_id = s.contact.person_id
    if burdened := s.circumstances(person_id).intersection(s.limits.uk_05_not_to):
        return Breach(f"a visit to somebody {min(burdened)}", "none", "somebody vulnerable was visited")
    if s.debtor.consent(person_id, "visit", s.at, "visit"):
        return None
    if "consents" in s.unknown or "notices" in s.unknown:
        s.cannot("UK-05", "consents and notices not known")
        return None
    days = s.limits.uk_05_days
    last = max(s.told(("visit",), person_id), key=lambda n: n.sent_at, default=None)
    if last is not None:
        arrived = last.delivered_at if last.delivered_at is not None and last.delivered_at <= s.at else last.sent_at
        if s.at >= arrived + days * DAY:
            return None
    return Breach("not announced", f"{days} days before", "a visit was neither announced in time nor agreed on")
