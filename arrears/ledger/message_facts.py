"""What a message to somebody may speak of, from a loan's scene."""

from __future__ import annotations

from arrears.domain.calendar import local_date
from arrears.domain.message import Lender, MessageFacts
from arrears.domain.strategy import Offer
from arrears.ledger.contact_facts import LoanScene, PersonScene
from arrears.ledger.situations import Office, capacity


def message_facts(lender: Lender, office: Office, scene: LoanScene, person: PersonScene, offers: tuple[Offer, ...]) -> MessageFacts | None:
    """The facts for a message to a person of the loan; ``None`` if they or the borrower are erased. The loan itself names its lender."""
    name, borrower_name = person.name, person.borrower_name
    if name is None or borrower_name is None:
        return None
    zone = person.person.zone
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
        capacity=capacity(scene.loan, office),
    )


def language_of(scene: LoanScene, person: PersonScene) -> str:
    """In which language a person of the loan is written to."""
    is_borrower = person.person.id == scene.borrower.id
    return (scene.loan.language if is_borrower else None) or person.person.language
