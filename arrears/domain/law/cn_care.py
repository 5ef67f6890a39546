"""Mainland China: the dead, the young, and those who need care."""

from __future__ import annotations

from datetime import datetime

from pydantic import PositiveInt

from arrears.domain.calendar import local_date
from arrears.domain.holds import HoldReason
from arrears.domain.law.cn_facts import ASKS_FOR_MONEY, outsider, owes
from arrears.domain.law.kit import age_on, ask, deny
from arrears.domain.law.rule import EVERYTHING, Terms, rule, tighter
from arrears.domain.law.standing import held
from arrears.domain.message import MessageClass
from arrears.domain.money import Amount
from arrears.domain.person import Circumstance, Names, Relation
from arrears.domain.situation import ContactAction, Situation
from arrears.domain.strategy import Role
from arrears.domain.verdict import Objection


@rule(*EVERYTHING)
def cn_63(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Nobody who has died is contacted; heirs are asked only for what the estate is worth, if they did not disclaim it, and a human leads.

    Civil Code art. 13, 1159, 1161. Nothing is handed over for a debtor who has died: the route to the estate is a human's to open.
    """
    died = held(s, now, HoldReason.DECEASED, people=(s.recipient,))
    if died:
        return deny(f"the {s.relation} has died", "nothing to the dead", "holds", (hold.hold_id for hold in died), permanent=True)
    if not isinstance(s.action, ContactAction) or s.relation is not Relation.EXECUTOR or s.tie is None:
        return None
    if s.tie.evidence is None:
        return deny("nothing shows that they act for the estate", "evidence", "loans.ties")
    if s.action.purpose not in ASKS_FOR_MONEY:
        return None
    if s.tie.disclaimed:
        return deny("they disclaimed the estate", "no demand of those who disclaimed", "loans.ties", permanent=True)
    return _beyond_the_estate(s, s.tie.estate_value)


def _beyond_the_estate(s: Situation, worth: Amount | None) -> Objection | None:
    if worth is None:
        return deny("what the estate is worth is not known", "at most the estate", "loans.ties")
    owed = s.loan.owed
    if owed is None or owed.amount <= worth:
        return None
    return deny(f"asked for {owed.amount:f}", f"at most {worth:f}", "loans.ties")


class Adulthood(Terms):
    """From which birthday on a debtor acts for themselves."""

    adult_at: PositiveInt = tighter("higher")


@rule("contact")
def cn_64(s: Situation, terms: Adulthood, now: datetime) -> Objection | None:
    """For a debtor who is under 18, or lacks capacity, the legal representative is contacted, on evidence that they are it.

    Civil Code art. 18 to 21, 23. The age is that of the moment of contact, on the debtor's own calendar.
    """
    person = s.recipient
    if s.relation is Relation.LEGAL_REPRESENTATIVE:
        shown = s.tie is not None and s.tie.evidence is not None
        return None if shown else deny("nothing shows that they represent the debtor", "evidence", "loans.ties")
    barred = held(s, now, HoldReason.MINOR, HoldReason.INCAPACITY, people=(person,))
    if barred:
        return deny(f"held: {barred[0].reason}", "their legal representative", "holds", (hold.hold_id for hold in barred))
    return _too_young(s, terms.adult_at, now) if owes(s) else None


class Childhood(Terms):
    """Up to which birthday a person is a child whose data need a guardian's consent."""

    child_until: PositiveInt = tighter("higher")


@rule("contact")
def cn_65(s: Situation, terms: Childhood, now: datetime) -> Objection | None:
    """Nobody who is known to be younger than 14 is contacted, whatever they are to the loan.

    Personal Information Protection Law art. 28, 31; Law on the protection of minors art. 72.
    """
    return _too_young(s, terms.child_until, now)


def _too_young(s: Situation, years: int, now: datetime) -> Objection | None:
    born, zone = s.recipient.birth_date, s.recipient.zone
    if born is None:
        return None
    limit = f"{years} years"
    if zone is None:
        return deny("the recipient's time zone is not known", limit, "people.zone")
    age = age_on(born, local_date(now, zone))
    return deny(f"{age} years", limit, "people.birth_date") if age < years else None


class Reviewed(Terms):
    """Which circumstances call for a human's look first, and whose it is."""

    circumstances: Names[Circumstance] = tighter("superset")
    role: Role


@rule(*EVERYTHING)
def cn_66(s: Situation, terms: Reviewed, now: datetime) -> Objection | None:  # noqa: ARG001
    """A small loan to a student is looked at by a human before anything is done, and nobody around the student is contacted.

    Notice 〔2021〕28 on small loans to university students: such companies may not lend to them, and there is no violent collection.
    """
    found = s.borrower.circumstances
    meant = terms.circumstances.intersection(found)
    if not meant:
        return None
    if isinstance(s.action, ContactAction) and outsider(s):
        return deny(f"the borrower is a {min(meant)}", "nobody around them", "people.circumstances")
    if s.approval is not None and s.approval.state == "approved":
        return None
    return ask(f"the borrower is a {min(meant)}", "a human's review", "people.circumstances", terms.role)


class Care(Terms):
    """With whom to be gentle, and what messages then may be."""

    circumstances: Names[Circumstance] = tighter("superset")
    classes: Names[MessageClass] = tighter("subset")


@rule("contact")
def cn_67(s: Situation, terms: Care, now: datetime) -> Objection | None:  # noqa: ARG001
    """The elderly, the disabled and other vulnerable people are spoken to by humans, and written to gently.

    GB/T 45251-2025, number not seen: special protection. What gentle means is ours: no artificial voice, no message that demands or warns.
    """
    action = s.contact
    meant = terms.circumstances.intersection(s.recipient.circumstances)
    if not meant:
        return None
    said = ", ".join(sorted(meant))
    if action.artificial_voice:
        return deny(f"an artificial voice to somebody {said}", "a human", "people.circumstances")
    if action.message is not None and action.message.klass not in terms.classes:
        return deny(f"a message of class {action.message.klass} to somebody {said}", "a gentle one", "people.circumstances")
    return None
