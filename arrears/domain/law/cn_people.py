"""Mainland China: who may be contacted at all, and who for money."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from pydantic import PositiveInt

from arrears.domain.calendar import local_date
from arrears.domain.law.cn_facts import ASKS_FOR_MONEY, THROUGH_OTHERS, dead_or_incapable, made, outsider, owes, volunteered
from arrears.domain.law.kit import deny, excepted, standing
from arrears.domain.law.rule import Terms, rule, tighter
from arrears.domain.law.standing import refused_address, refused_medium, strictest, unwanted_now, wishes
from arrears.domain.orders import Purpose
from arrears.domain.outcome import ANSWERED, NOT_MADE, UNREACHED, Outcome
from arrears.domain.person import ConsentKind, Names, Relation, WishKind
from arrears.domain.situation import Contact, Situation
from arrears.domain.strategy import Channel
from arrears.domain.verdict import Objection

_PHONES = ("mobile", "landline")


class Debtors(Terms):
    """Whom money may be asked from, by what they are to the loan."""

    debtors: Names[Relation] = tighter("subset")


@rule("contact")
def cn_08(s: Situation, terms: Debtors, now: datetime) -> Objection | None:  # noqa: ARG001
    """Money is asked for from the debtor, and whoever is liable or stands for them, and never from contacts.

    GB/T 45251-2025 (5.3), number not seen. A contact may only be asked where the debtor is, or to pass a message on.
    """
    return _not_a_debtor(s, terms)


@rule("contact")
def cn_17(s: Situation, terms: Debtors, now: datetime) -> Objection | None:  # noqa: ARG001
    """Credit cards: collect from the cardholder and their guarantors only, not from third parties.

    Measures for the supervision of credit cards of commercial banks, art. 68.
    """
    return _not_a_debtor(s, terms)


@rule("contact")
def cn_47(s: Situation, terms: Debtors, now: datetime) -> Objection | None:  # noqa: ARG001
    """Consumer-finance companies collect from nobody who has nothing to do with the loan.

    Measures for consumer finance companies (2024), number not seen. Violence and threats: CN-21; keeping of records: CN-48.
    """
    return _not_a_debtor(s, terms)


def _not_a_debtor(s: Situation, terms: Debtors) -> Objection | None:
    purpose = s.contact.purpose
    if outsider(s):
        wrong = purpose not in THROUGH_OTHERS
    else:
        wrong = purpose in ASKS_FOR_MONEY and s.relation not in terms.debtors and not owes(s) and not volunteered(s)
    return deny(f"{purpose}, to: {s.relation}", ", ".join(sorted(terms.debtors)), "loans.ties") if wrong else None


@rule("contact")
def cn_09(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """A guarantor or joint debtor is asked for money only where a paper shows that they are liable, and only for as much as it says.

    GB/T 45251-2025 (5.3), number not seen: as far as law and contract go.
    """
    tie = s.tie
    if s.relation not in (Relation.JOINT, Relation.GUARANTOR) or tie is None or not s.liable:
        return None
    if tie.evidence is None:
        return deny(f"nothing shows that the {s.relation} is liable", "evidence of liability", "loans.ties")
    owed, limit = s.loan.owed, tie.liable_up_to
    if limit is None or owed is None or owed.amount <= limit or s.contact.purpose not in ASKS_FOR_MONEY:
        return None
    return deny(f"asked for {owed.amount:f}", f"liable for {limit:f}", "loans.ties", (tie.evidence,))


class LostContact(Terms):
    """How many attempts in a row must have failed, and on how many different local days."""

    failures: PositiveInt = tighter("higher")
    on_days: PositiveInt = tighter("higher")


@rule("contact")
def cn_10(s: Situation, terms: LostContact, now: datetime) -> Objection | None:
    """Contacts may be contacted only when the debtor cannot be reached, has died, or has been found without full capacity.

    GB/T 45251-2025 (5.3), number not seen. What counts as out of reach is CN-11; no approval replaces it.
    """
    if not outsider(s) or dead_or_incapable(s, now):
        return None
    reached = _still_in_reach(s, terms, now)
    return deny(reached, "contact lost, death or incapacity", "history") if reached else None


@rule("contact")
def cn_11(s: Situation, terms: LostContact, now: datetime) -> Objection | None:
    """Contact is lost when every number of the debtor is invalid, or three attempts in a row failed, on two days at least.

    CBA 2026, number not seen; the two days are ours. Any conversation with the debtor, a payment, a promise, or an attempt of which nobody knows how it
    went begins the count anew; an attempt that was never placed says nothing.
    """
    if not outsider(s) or dead_or_incapable(s, now):
        return None
    reached = _still_in_reach(s, terms, now)
    limit = f"{terms.failures} failures in a row on {terms.on_days} days, or every number invalid"
    return deny(reached, limit, "history") if reached else None


def _still_in_reach(s: Situation, terms: LostContact, now: datetime) -> str | None:
    """Why the borrower does not count as out of reach; nothing if they do."""
    phones = [point.invalid for point in s.borrower.contact_points if point.kind in _PHONES]
    if phones and all(phones):
        return None
    sign = _last_sign(s, now)
    calls = (c for c in s.contacts(s.loan.borrower, channel=Channel.CALL) if c.at <= now)
    failed = [c for c in _failures_in_a_row(calls) if sign is None or c.at > sign]
    days: set[date] = {local_date(c.at, s.borrower.zone) for c in failed} if s.borrower.zone else set()
    if len(failed) >= terms.failures and len(days) >= terms.on_days:
        return None
    return f"{len(failed)} failed attempts in a row on {len(days)} days"


def _last_sign(s: Situation, now: datetime) -> datetime | None:
    """When the borrower last paid, promised or was spoken to, whatever it was about and whoever began."""
    signs = [loan.last_sign_at for loan in s.loans if loan.borrower == s.loan.borrower and loan.last_sign_at is not None]
    met = [c.at for c in s.contacts(s.loan.borrower, direction=None) if c.at <= now and _is_a_sign(c)]
    return max((*signs, *met), default=None)


def _is_a_sign(c: Contact) -> bool:
    if c.direction == "in":
        return c.outcome not in UNREACHED
    may_have_met = c.channel is Channel.VISIT and c.outcome in (None, Outcome.UNKNOWN)
    return c.outcome in ANSWERED or c.outcome is Outcome.OPTED_OUT or may_have_met


def _failures_in_a_row(calls: Iterable[Contact]) -> list[Contact]:
    """The last calls that did not reach the borrower. Of several at one instant those that did, or may have, come first."""
    failed: list[Contact] = []
    for call in sorted(calls, key=lambda c: (c.at, c.outcome not in UNREACHED), reverse=True):
        if call.outcome is Outcome.FAILED or call.outcome in NOT_MADE:
            continue
        if call.outcome not in UNREACHED:
            break
        failed.append(call)
    return failed


@rule("contact")
def cn_13(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """A contact who refuses, or asks not to be contacted, is never contacted again: on no number, for no loan, by no agency.

    GB/T 45251-2025 (5.3), number not seen. A contact's no to one medium or number is a no to all of them, and is final: it is not taken back.
    """
    if s.relation is Relation.BORROWER:
        return None
    person = s.recipient
    limit = "no contact after a refusal"
    if person.refused_at is not None and person.refused_at <= now:
        return deny(f"refused at {person.refused_at.isoformat()}", limit, "people.refused_at", permanent=True)
    refusals = (c for c in s.contacts(person.person_id, direction=None) if c.outcome is Outcome.RELATIVE_REFUSED and c.at <= now)
    said_no = next(refusals, None)
    if said_no is not None:
        return deny(f"refused at {said_no.at.isoformat()}", limit, "history", (said_no.contact_id,), permanent=True)
    return _any_no(s, now, limit) if outsider(s) else None


def _any_no(s: Situation, now: datetime, limit: str) -> Objection | None:
    """Whatever a contact ever said against being contacted, in whichever medium; hours that do not suit them are no refusal."""
    stops = (c for c in s.contacts(s.recipient.person_id, direction=None) if c.outcome is Outcome.OPTED_OUT and c.at <= now)
    if (stop := next(stops, None)) is not None:
        return deny(f"opted out at {stop.at.isoformat()}", limit, "history", (stop.contact_id,), permanent=True)
    wish = next((w for w in s.recipient.wishes if w.kind is not WishKind.NO_HOURS and w.at <= now), None)
    return deny(f"{wish.kind} since {wish.at.isoformat()}", limit, "people.wishes", permanent=True) if wish else None


class Unrelated(Terms):
    """Who has nothing to do with a loan, by what they are to the borrower."""

    unrelated: Names[Relation] = tighter("superset")


@rule("contact")
def cn_14(s: Situation, terms: Unrelated, now: datetime) -> Objection | None:  # noqa: ARG001
    """Third parties who have nothing to do with the debt, such as an employer, are left alone, unless they offered to pay.

    CBA 2026, number not seen. The offer is theirs, unasked, and there is evidence of it.
    """
    if s.relation not in terms.unrelated or volunteered(s):
        return None
    return deny(f"the {s.relation} has nothing to do with the debt", "nobody unrelated, or an offer of theirs to pay", "loans.ties")


@rule("contact")
def cn_15(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """A spouse is asked for money only if the debt is joint: signed by both, ratified, or proved to have met the household's daily needs.

    Civil Code art. 1064; CBA 2026. Without evidence a spouse is a contact like any other.
    """
    if s.relation is not Relation.SPOUSE or s.contact.purpose in THROUGH_OTHERS or owes(s) or volunteered(s):
        return None
    return deny("nothing shows that the debt is joint", "evidence of a joint debt", "loans.ties")


@rule("contact")
def cn_16(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Nobody is disturbed against their wish: not at all, not by a medium, at an address or in hours that they do not want.

    Civil Code art. 1032, 1033(1). One confirmation of an opt-out may follow it, in hours that suit them.
    """
    return strictest((_unwanted(s, now), unwanted_now(s, (s.recipient.zone,) if s.recipient.zone else (), now)))


def _unwanted(s: Situation, now: datetime) -> Objection | None:
    action, person = s.contact, s.recipient
    limit = "no contact against a person's wish"
    meant = (*wishes(person, now, WishKind.NO_CONTACT), *refused_medium(s, now), *refused_address(s, now))
    said = _said_stop(s, now)
    if not meant and said is None:
        return None
    since = max((*(w.at for w in meant), *((said.at,) if said else ())))
    observed = f"{meant[0].kind} since {meant[0].at.isoformat()}" if meant else f"opted out at {since.isoformat()}"
    facts = (said.contact_id,) if said else ()
    if action.purpose is Purpose.CONFIRM_OPT_OUT:
        confirmed = (c for c in s.contacts(person.person_id) if c.purpose is Purpose.CONFIRM_OPT_OUT and made(c) and since <= c.at <= now)
        before = next(confirmed, None)
        if before is None:
            return excepted(observed, "one confirmation of it", "people.wishes", facts)
        return deny("the opt-out was confirmed before", "one confirmation of it", "history", (before.contact_id,))
    return deny(observed, limit, "people.wishes" if meant else "history", facts, permanent=True)


def _said_stop(s: Situation, now: datetime) -> Contact | None:
    """The last opt-out that came back as the outcome of a contact by this medium, if no wish was withdrawn since."""
    outs = [c for c in s.contacts(s.recipient.person_id, channel=s.contact.channel, direction=None) if c.outcome is Outcome.OPTED_OUT]
    last = max((c for c in outs if c.at <= now), key=lambda c: c.at, default=None)
    if last is None or any(w.withdrawn_at is not None and last.at <= w.withdrawn_at <= now for w in s.recipient.wishes):
        return None
    return last


class Bases(Terms):
    """Legal bases that do not carry a contact with somebody who is no party to the contract."""

    not_for_others: Names[str] = tighter("superset")


@rule("contact")
def cn_41(s: Situation, terms: Bases, now: datetime) -> Objection | None:
    """Every number and address is used on a legal basis of its own, and a withdrawn consent is none.

    Personal Information Protection Law art. 13, 14, 15; Consumer Rights Law art. 29. A contact person is not party to the contract.
    """
    point = s.point
    if point is None:
        return None  # AR-03 denies
    limit, facts = "a legal basis", (point.contact_point_id,)
    if point.legal_basis is None:
        return deny("no legal basis is known", limit, "people.contact_points.legal_basis", facts)
    if outsider(s) and point.legal_basis in terms.not_for_others:
        return deny(f"{point.legal_basis}, with somebody who is no party to it", limit, "people.contact_points.legal_basis", facts)
    if point.legal_basis == "consent":
        kind = ConsentKind.THIRD_PARTY if outsider(s) else ConsentKind.TEXTS
        given = [c for c in s.recipient.consents if c.kind is kind and c.channel in (None, s.contact.channel)]
        applies = kind is ConsentKind.THIRD_PARTY or s.contact.channel is Channel.SMS
        if applies and given and not standing(given, kind, s.contact.channel, now):
            return deny("the consent was withdrawn or has ended", limit, "people.consents", (c.consent_id for c in given))
    return None
