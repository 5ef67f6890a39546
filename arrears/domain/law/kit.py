"""What rules are made of: objections, hours of the day, caps and gaps. Nothing here knows a clause or a country."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta

from pydantic import Field, NonNegativeInt, PositiveInt

from arrears.domain.calendar import ONE_DAY, Window, local_date, local_instant, local_text
from arrears.domain.law.rule import Terms, tighter
from arrears.domain.person import Consent, ConsentKind, Names, Person, WishKind
from arrears.domain.situation import Contact, Situation
from arrears.domain.strategy import Channel, Role
from arrears.domain.verdict import Effect, Objection

_MIDNIGHT = time(0)
_MOST_OPENINGS = 400
ALL_WEEK = frozenset(range(1, 8))
"""The days of the week as ISO numbers them: Monday is 1."""


def deny(observed: object, limit: object, source: str, facts: Iterable[str] = (), *, permanent: bool = False) -> Objection:
    """No, and waiting alone does not help."""
    return Objection(Effect.DENY, str(observed), str(limit), source, facts=tuple(facts), permanent=permanent)


def defer(observed: object, limit: object, source: str, until: datetime, facts: Iterable[str] = ()) -> Objection:
    """Not before ``until``."""
    return Objection(Effect.DEFER, str(observed), str(limit), source, facts=tuple(facts), until=until)


def ask(observed: object, limit: object, source: str, role: Role) -> Objection:
    """Not before a human of this role agreed."""
    return Objection(Effect.NEEDS_APPROVAL, str(observed), str(limit), source, role=role)


_DECIDERS = (Role.SUPERVISOR, Role.RISK_CONTROL)


def may_decide(role: Role, wanted: Role) -> bool:
    """Whether who has one role may give the yes that is wanted of another: risk control decides what a supervisor may, not the other way round."""
    return role is wanted or (role in _DECIDERS and wanted in _DECIDERS and _DECIDERS.index(role) > _DECIDERS.index(wanted))


def excepted(observed: object, limit: object, source: str, facts: Iterable[str] = ()) -> Objection:
    """Allowed, by an exception that deserves to be written down."""
    return Objection(Effect.ALLOW, str(observed), str(limit), source, facts=tuple(facts))


class Hours(Terms):
    """Hours of the recipient's local day in which contact may begin, half-open, on some days of the week."""

    window: Window = tighter("within")
    weekdays: Names[int] = tighter("subset", default=ALL_WEEK)
    channels: Names[Channel] = tighter("superset", default=frozenset(Channel))


class DayCap(Terms):
    """At most so many in one local day."""

    most: NonNegativeInt = tighter("lower")


class RollingCap(DayCap):
    """At most so many in so many consecutive local days, today included."""

    days: PositiveInt = Field(description="local days in a row, today included")


def outside_hours(now: datetime, zones: Iterable[str], hours: Hours, source: str, agreed: Iterable[Window] = ()) -> Objection | None:
    """Defers to the first instant that lies in the hours in every zone; no zone at all denies. ``agreed`` windows are open too."""
    places = tuple(dict.fromkeys(zones))
    limit = f"{hours.window.start:%H:%M}–{hours.window.end:%H:%M} local"
    if not places:
        return deny("the time zone is not known", limit, source)
    windows = (hours.window, *agreed)

    def opens(at: datetime, zone: str) -> datetime:
        return min(_on_weekdays(at, zone, window, hours.weekdays) for window in windows)

    opening = settled(now, [lambda at, zone=zone: opens(at, zone) for zone in places])
    if opening is None:
        return deny(f"the hours of {', '.join(places)} never meet", limit, source)
    if opening == now:
        return None
    return defer(", ".join(f"{local_text(now, zone)} in {zone}" for zone in places), limit, source, opening)


def _on_weekdays(at: datetime, zone: str, window: Window, weekdays: frozenset[int]) -> datetime:
    opening = window.opens(at, zone)
    while (day := local_date(opening, zone)).isoweekday() not in weekdays:
        opening = window.opens(local_instant(day + ONE_DAY, _MIDNIGHT, zone), zone)
    return opening


def settled(now: datetime, openings: Iterable[Callable[[datetime], datetime]]) -> datetime | None:
    """The first instant from ``now`` on with which every opening agrees, ``now`` if they agree at once; ``None`` if they never do."""
    steps = tuple(openings)
    at = now
    for _ in range(_MOST_OPENINGS):
        later = max(step(at) for step in steps)
        if later == at:
            return at
        at = later
    return None


def agreed_hours(person: Person, channel: Channel, now: datetime) -> tuple[Window, ...]:
    """The hours that a person agreed to be contacted in, by this medium, as it stands now."""
    consents = standing(person.consents, ConsentKind.HOURS, channel, now)
    return tuple(consent.hours for consent in consents if consent.hours is not None)


def standing(consents: Iterable[Consent], kind: ConsentKind, channel: Channel | None, now: datetime) -> tuple[Consent, ...]:
    """The consents of a kind that stand now: given, not ended, not withdrawn; for this medium or for all."""
    return tuple(
        c
        for c in consents
        if c.kind is kind
        and (c.channel is None or c.channel is channel)
        and c.given_at <= now
        and (c.ends_at is None or now < c.ends_at)
        and (c.withdrawn_at is None or now < c.withdrawn_at)
    )


def unwanted_hours(person: Person, now: datetime) -> tuple[Window, ...]:
    """The local hours that a person asked not to be contacted in."""
    return tuple(
        w.hours for w in person.wishes if w.kind is WishKind.NO_HOURS and w.hours is not None and stands(w.at, w.withdrawn_at, now)
    )


def stands(since: datetime, until: datetime | None, now: datetime) -> bool:
    """Whether something that began and may have ended is in force now."""
    return since <= now and (until is None or now < until)


def over_cap(counted: Iterable[Contact], cap: DayCap, zone: str | None, now: datetime, what: str) -> Objection | None:
    """Defers to the first local midnight after which one more would stay within the cap; an unknown zone denies.

    ``counted`` are the contacts that count, of whatever day; ``what`` names them, such as ``effective calls``.
    """
    return over(counted, cap.most, cap.days if isinstance(cap, RollingCap) else 1, zone, now, what)


def over(counted: Iterable[Contact], most: int, days: int, zone: str | None, now: datetime, what: str) -> Objection | None:
    """The same for at most ``most`` contacts in so many consecutive local days, today included."""
    limit = f"{most} {what} in {days} days" if days > 1 else f"{most} {what} a day"
    if zone is None:
        return deny("the recipient's time zone is not known", limit, "people.zone")
    today = local_date(now, zone)
    first = today - ONE_DAY * (days - 1)
    lately = sorted(((local_date(c.at, zone), c.contact_id) for c in counted if c.at <= now), key=lambda dated: dated[0])
    lately = [dated for dated in lately if dated[0] >= first]
    if len(lately) < most:
        return None
    if most == 0:
        return deny("0 are allowed", limit, "history")
    free_on = lately[len(lately) - most][0] + ONE_DAY * days
    return defer(len(lately), limit, "history", start_of(free_on, zone), (contact_id for _, contact_id in lately))


def too_soon(last: Contact | None, gap: timedelta, now: datetime, limit: str) -> Objection | None:
    """Defers until ``gap`` has passed since a contact."""
    if last is None or now >= last.at + gap:
        return None
    return defer(f"the last one at {last.at.isoformat()}", limit, "history", last.at + gap, (last.contact_id,))


def start_of(day: date, zone: str) -> datetime:
    """The first instant of a local day."""
    return local_instant(day, _MIDNIGHT, zone)


def age_on(born: date, day: date) -> int:
    """Whole years of life on a day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def zones_of_phone(s: Situation) -> tuple[str, ...]:
    """Every zone in which the recipient may be: where they live, and for calls and texts wherever the number may be."""
    home = (s.recipient.zone,) if s.recipient.zone else ()
    by_phone = s.contact.channel in (Channel.CALL, Channel.SMS)
    return (*home, *(s.point.zones if s.point and by_phone else ()))
