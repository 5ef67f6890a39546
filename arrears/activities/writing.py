"""The words of a contact, from what the ledger knows at that moment."""

from __future__ import annotations

from temporalio import activity

from arrears.activities.means import Means
from arrears.config.messages import MessageProblem, Rendered
from arrears.domain.strategy import Channel, Offer
from arrears.ledger.contact_facts import LoanScene, PersonScene
from arrears.ledger.message_facts import language_of, message_facts


def write(
    means: Means, scene: LoanScene, person: PersonScene, message: str, channel: Channel, offers: tuple[Offer, ...] = ()
) -> Rendered | None:
    """The message for a person in their language, as it leaves by a channel.

    ``None`` if it cannot be written, which the log explains to whoever keeps the templates.
    """
    facts = message_facts(means.settings.lender, means.office(), scene, person, offers)
    if facts is None:
        activity.logger.info("message %s is not written: person %s or the borrower is erased", message, person.person.id)
        return None
    try:
        return means.messages.render(message, means.messages.locale_for(language_of(scene, person)), facts).by(channel)
    except MessageProblem as problem:
        activity.logger.error("message %s cannot be written: %s", message, problem)
        return None
