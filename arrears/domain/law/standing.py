"""What stands at an instant: holds, wishes, notices and contacts that really left. Nothing here knows a clause or a country."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from arrears.domain import holds
from arrears.domain.calendar import ONE_DAY, Window, local_date, local_text
from arrears.domain.content import WordList, found_in, missing_blocks
from arrears.domain.content.words import Words
from arrears.domain.law.kit import defer, deny, settled, stands, unwanted_hours
from arrears.domain.message import NoticeKind
from arrears.domain.orders import Purpose
from arrears.domain.outcome import ANSWERED, NOT_MADE, Outcome
from arrears.domain.person import Person, Relation, Wish, WishKind
from arrears.domain.situation import Contact, Hold, Notice, Situation
from arrears.domain.strategy import Channel
from arrears.domain.verdict import Objection

NEVER_LEFT = NOT_MADE | {Outcome.FAILED}
"""Nothing reached the network, so nobody was disturbed."""

NOT_CONNECTED = frozenset({Outcome.BUSY, Outcome.INVALID_NUMBER})
"""A call was dialled and could not be connected."""

TALKED = ANSWERED | {Outcome.RELAYED, Outcome.RELATIVE_REFUSED, Outcome.OPTED_OUT, Outcome.UNKNOWN, None}
"""There was a conversation with the person meant, or there may have been."""

OBLIGED = frozenset({Relation.BORROWER, Relation.JOINT, Relation.GUARANTOR})
"""Who owes in their own person; what they ask for themselves counts for them alone."""

_BUSINESS_WEEK = 5


def left(contacts: Iterable[Contact]) -> Iterator[Contact]:
    """The contacts that left the house, or may have."""
    return (c for c in contacts if c.outcome not in NEVER_LEFT)


def strictest(objections: Iterable[Objection | None]) -> Objection | None:
    """The objection that weighs most; of several deferrals the latest."""
    found = [o for o in objections if o is not None]
    return max(found, key=lambda o: (o.effect.severity, o.until.timestamp() if o.until else 0.0), default=None)


def principal(s: Situation) -> Person:
    """Whose rights are at stake: the recipient's own if they owe, else the borrower's."""
    return s.recipient if s.relation in OBLIGED else s.borrower


def held(s: Situation, now: datetime, *reasons: str, people: Iterable[Person] | None = None) -> tuple[Hold, ...]:
    """The holds of these reasons that stand on the loan, or on one of the people: the borrower and the recipient, if none are named."""
    concerned = {person.person_id for person in (people if people is not None else (s.borrower, s.recipient))}
    return tuple(h for h in s.holds if h.reason in reasons and holds.in_force(h, now) and concerns(h, s, concerned))


def concerns(hold: Hold, s: Situation, people: Iterable[str]) -> bool:
    """Whether a hold reaches this loan, or one of these people, as its kind does."""
    if holds.terms(hold.reason).scope == "person":
        return (hold.person or _borrower_of(s, hold.loan)) in people
    return hold.loan in (None, s.loan.loan_id) and (hold.person in (None, s.loan.borrower) or hold.person in people)


def _borrower_of(s: Situation, loan_id: str | None) -> str:
    return next((loan.borrower for loan in s.loans if loan.loan_id == loan_id), s.loan.borrower)


def wishes(person: Person, now: datetime, *kinds: WishKind) -> tuple[Wish, ...]:
    """What a person asked for and did not withdraw."""
    return tuple(w for w in person.wishes if w.kind in kinds and stands(w.at, w.withdrawn_at, now))


def refused_medium(s: Situation, now: datetime) -> tuple[Wish, ...]:
    """The recipient's wishes against the medium that would be used; also those that nobody wrote down, and that only their answer tells of."""
    medium = s.contact.channel
    told = tuple(w for w in wishes(s.recipient, now, WishKind.NO_MEDIUM) if w.channel is medium)
    taken_back = [w.withdrawn_at for w in s.recipient.wishes if w.withdrawn_at is not None and w.withdrawn_at <= now]
    stops = [c for c in s.contacts(s.recipient.person_id, channel=medium, direction=None) if c.outcome is Outcome.OPTED_OUT and c.at <= now]
    unheard = [c.at for c in stops if not any(c.at <= back for back in taken_back) and not any(w.at >= c.at for w in told)]
    return (*told, *(Wish(kind=WishKind.NO_MEDIUM, at=at, channel=medium) for at in unheard))


def refused_for_good(s: Situation, now: datetime) -> bool:
    """Whether the recipient, who does not owe, asked never to be contacted again, on whichever loan."""
    if s.relation in OBLIGED:
        return False
    at = s.recipient.refused_at
    said = (c for c in s.contacts(s.recipient.person_id, direction=None) if c.outcome is Outcome.RELATIVE_REFUSED and c.at <= now)
    return (at is not None and at <= now) or any(said)


def refused_address(s: Situation, now: datetime) -> tuple[Wish, ...]:
    """The recipient's wishes against the number or address that would be used."""
    used = s.contact.contact_point
    return tuple(w for w in wishes(s.recipient, now, WishKind.NO_ADDRESS) if used is not None and w.contact_point == used)


def points_of(refused: Iterable[Wish]) -> tuple[str, ...]:
    """The ids of the numbers and addresses that wishes name."""
    return tuple(w.contact_point for w in refused if w.contact_point is not None)


def unwished(s: Situation, zones: Iterable[str], now: datetime, unless: frozenset[Purpose] = frozenset()) -> Objection | None:
    """Denies what the recipient asked not to get: anything, by this medium, at this address; defers out of the hours that do not suit them.

    ``unless`` are purposes for which only the hours are heeded: what somebody who wants no contact is owed nevertheless, such as an answer to what they
    asked, a notice that the law requires, and one confirmation of their wish.
    """
    if s.contact.purpose is Purpose.CONFIRM_OPT_OUT and (again := _confirmed_before(s, now)):
        return again
    if s.contact.purpose not in unless:
        if wishes(s.recipient, now, WishKind.NO_CONTACT) or refused_for_good(s, now):
            return deny("they asked not to be contacted", "what they agree to", "people.wishes")
        if refused_medium(s, now):
            return deny(f"they asked not to be contacted by {s.contact.channel}", "another medium", "people.wishes")
        if refused := refused_address(s, now):
            return deny("they asked not to be contacted there", "another contact point", "people.wishes", points_of(refused))
    return unwanted_now(s, zones, now)


def _confirmed_before(s: Situation, now: datetime) -> Objection | None:
    refused = (*wishes(s.recipient, now, WishKind.NO_CONTACT), *refused_medium(s, now), *refused_address(s, now))
    since = max((wish.at for wish in refused), default=now)
    before = [c for c in s.contacts(s.recipient.person_id) if c.purpose is Purpose.CONFIRM_OPT_OUT and since <= c.at <= now]
    made = [c.contact_id for c in before if c.outcome not in NOT_MADE]
    return deny("their wish was confirmed before", "one confirmation of it", "history", made) if refused and made else None


def unwanted_now(s: Situation, zones: Iterable[str], now: datetime) -> Objection | None:
    """Defers to the first instant outside the hours in which the recipient asked not to be contacted, in every zone they may be in."""
    windows, places = unwanted_hours(s.recipient, now), tuple(dict.fromkeys(zones))
    if not windows:
        return None
    limit = "none of " + ", ".join(f"{w.start:%H:%M}–{w.end:%H:%M} local" for w in windows)
    if not places:
        return deny("the time zone is not known", limit, "people.wishes")
    free = settled(now, [lambda at, w=window, zone=zone: _leaves(at, zone, w) for window in windows for zone in places])
    if free is None:
        return deny("no hour suits them", limit, "people.wishes")
    return None if free == now else defer(", ".join(f"{local_text(now, zone)} in {zone}" for zone in places), limit, "people.wishes", free)


def _leaves(at: datetime, zone: str, window: Window) -> datetime:
    if not window.contains(at, zone):
        return at
    end = window.closes(at, zone)
    # Where the clock is set back within the window, its end comes twice.
    return end if end > at else window.model_copy(update={"end": window.end.replace(fold=1)}).closes(at, zone)


def told(s: Situation, person_id: str, now: datetime, kinds: Iterable[NoticeKind], agency: str | None = None) -> tuple[Notice, ...]:
    """The notices of these kinds about the loan that were sent to a person and did not bounce, oldest first; ``agency``: of it, or of none."""
    wanted = frozenset(kinds)
    return tuple(
        sorted(
            (
                n
                for n in s.notices
                if n.kind in wanted
                and n.loan == s.loan.loan_id
                and n.person == person_id
                and n.sent_at <= now
                and (n.bounced_at is None or now < n.bounced_at)
                and (agency is None or n.agency in (None, agency))
            ),
            key=lambda n: n.sent_at,
        )
    )


def words_of(s: Situation) -> Words | None:
    """The words that would be said, if they are given."""
    message = s.contact.message
    if message is None or message.text is None:
        return None
    return Words(
        text=message.text,
        subject=message.subject or "",
        html=message.html,
        locale=message.locale,
        klass=message.klass,
        known=message.known,
        names=message.names,
    )


def says(s: Situation, lists: tuple[WordList, ...], limit: str) -> Objection | None:
    """Denies a text that says what stands on one of the lists; what was said is told by the lists' entries, never by the text itself."""
    words = words_of(s)
    flaws = found_in(words, lists) if words else ()
    return deny(f"the text says: {', '.join(flaw.entry for flaw in flaws)}", limit, "action.message.text") if flaws else None


def lacking(s: Situation, required: Iterable[str]) -> tuple[str, ...]:
    """The required parts that the message lacks. Where neither its text nor its parts are given, nothing can be said of them."""
    message = s.contact.message
    if message is None or (message.text is None and message.blocks is None):
        return ()
    return missing_blocks(message.blocks, required)


def business_days_after(day: date, days: int, closed: frozenset[date] = frozenset()) -> date:
    """The day that is so many business days after another: no Saturday, no Sunday, none of ``closed``."""
    while days > 0:
        day += ONE_DAY
        if day.isoweekday() <= _BUSINESS_WEEK and day not in closed:
            days -= 1
    return day


def day_in(instant: datetime, zone: str | None) -> date:
    """The local day of an instant; in UTC where the zone is not known."""
    return local_date(instant, zone or "UTC")


def electronic(channel: Channel) -> bool:
    """Whether a medium is a written electronic one."""
    return channel in (Channel.SMS, Channel.EMAIL, Channel.IN_APP)
