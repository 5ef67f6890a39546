"""The words of a contact, from what the ledger knows at that moment."""

from __future__ import annotations

from temporalio import activity

from arrears.activities.means import Means
from arrears.config.messages import MessageProblem, Rendered
from arrears.domain.calendar import local_date
from arrears.domain.message import Lender, MessageFacts
from arrears.domain.strategy import Offer
from arrears.ledger.contact_facts import LoanScene, PersonScene
from arrears.ledger.situations import capacity


def write(means: Means, scene: LoanScene, person: PersonScene, message: str, offers: tuple[Offer, ...]) -> Rendered | None:
    """The message for a person in their language; ``None`` if it cannot be written, which the log explains to whoever keeps the templates."""
    is_borrower = person.person.id == scene.borrower.id
    language = (scene.loan.language if is_borrower else None) or person.person.language
    facts = _facts(means, scene, person, offers)
    if facts is None:
        activity.logger.info("message %s is not written: person %s or the borrower is erased", message, person.person.id)
        return None
    try:
        return means.messages.render(message, means.messages.locale_for(language), facts)
    except MessageProblem as problem:
        activity.logger.error("message %s cannot be written: %s", message, problem)
        return None


def _facts(means: Means, scene: LoanScene, person: PersonScene, offers: tuple[Offer, ...]) -> MessageFacts | None:
    name, borrower_name = person.name, person.borrower_name
    if name is None or borrower_name is None:
        return None
    zone = person.person.zone
    lender = means.settings.lender
    arrears = scene.arrears
    return MessageFacts(
        lender=Lender(
            name=scene.loan.lender, service_line=lender.service_line, complaint_line=lender.complaint_line, pay_url=lender.pay_url
        ),
        recipient_name=name,
        borrower_name=borrower_name,
        reference=scene.loan.id,
        product=scene.loan.product,
        today=local_date(scene.now, zone) if zone else scene.today,
        owed=scene.owed,
        due_since=arrears.due_since,
        days_past_due=max((scene.today - arrears.due_since).days, 0) if arrears.due_since else 0,
        schedule=scene.schedule,
        offers=offers,
        capacity=capacity(scene.loan, means.office()),
    )
