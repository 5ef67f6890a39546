"""What a request asks a yes for, in full: whom it names, how they would be reached, and the words that they would get. Every reading is written down."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.api.caller import Caller
from arrears.api.house import House
from arrears.api.problems import Problem
from arrears.config.messages import MessageLibrary, MessageProblem
from arrears.domain.access import Action
from arrears.domain.person import Relation
from arrears.domain.strategy import Channel, Line
from arrears.ledger import approvals, cases, contact_facts
from arrears.ledger.contact_facts import LoanScene
from arrears.ledger.message_facts import language_of, message_facts
from arrears.ledger.news import Ordered
from arrears.ledger.situations import Office
from arrears.ledger.tables import ApprovalRow


class ProposedContact(BaseModel):
    """One person and what they would get. Without a name they, or the borrower, are erased; without a text it cannot be written any more.

    ``as_asked``: these are exactly the words that the request was made for. If they are not, a yes would not let them out.
    """

    model_config = ConfigDict(frozen=True)

    person_id: str
    role: Relation
    name: str | None = Field(repr=False)
    language: str
    zone: str | None
    channel: Channel
    addresses: tuple[str, ...] = Field(repr=False)
    subject: str | None = Field(repr=False)
    text: str | None = Field(repr=False)
    as_asked: bool


class Proposed(BaseModel):
    """Everything that an approval would let out. ``borrower_name`` is none if the borrower is erased."""

    model_config = ConfigDict(frozen=True)

    approval_id: str
    loan_id: str
    borrower_id: str
    borrower_name: str | None = Field(repr=False)
    contacts: tuple[ProposedContact, ...]


async def proposed(here: House, caller: Caller, approval_id: str) -> Proposed:
    """Whom a request names, with the words for each as they would be written now. Raises ``Problem`` (404)."""
    now = here.now()
    async with here.ledger.exclusive() as session:
        try:
            row = await approvals.approval(session, approval_id)
        except approvals.ApprovalUnknown as unknown:
            raise Problem(HTTPStatus.NOT_FOUND, "unknown_approval", str(unknown)) from None
        case = await cases.case(session, row.case_id)
        scene = await contact_facts.read_loan(session, case.id, case.loan_id, now, Ordered(at=now))
        named = await approvals.people(session, approval_id)
        contacts = [await _contact(session, here, scene, row, person_id, asked) for person_id, asked in named.items()]
        borrower = await contact_facts.read_person(session, scene, None, Channel.CALL, Line.REGISTERED)
        for person_id in (scene.borrower.id, *named):
            caller.note(session, Action.READ_PERSON, loan_id=case.loan_id, person_id=person_id, subject=approval_id)
        if contacts:
            caller.note(session, Action.READ_MESSAGES, loan_id=case.loan_id, subject=approval_id, details={"messages": len(contacts)})
        return Proposed(
            approval_id=approval_id,
            loan_id=case.loan_id,
            borrower_id=scene.borrower.id,
            borrower_name=borrower.borrower_name,
            contacts=tuple(contacts),
        )


async def _contact(session: AsyncSession, here: House, scene: LoanScene, row: ApprovalRow, person_id: str, asked: str) -> ProposedContact:
    channel = Channel(row.evidence.get("channel") or Channel.CALL)
    person = await contact_facts.read_person(session, scene, person_id, channel, Line.REGISTERED)
    settings = here.settings
    office = Office(seat=settings.lender_seat, capacity=settings.lender_capacity)
    facts = message_facts(settings.lender, office, scene, person, ())
    library = MessageLibrary(settings.messages_dir, settings.language)
    rendered = None
    if facts is not None and row.message is not None:
        try:
            rendered = library.render(row.message, library.locale_for(language_of(scene, person)), facts).by(channel)
        except MessageProblem:
            rendered = None
    return ProposedContact(
        person_id=person_id,
        role=next((tie.role for tie in scene.ties if tie.person_id == person_id), Relation.BORROWER),
        name=person.name,
        language=person.person.language,
        zone=person.person.zone,
        channel=channel,
        addresses=tuple(person.address(point) for point in person.points),
        subject=rendered.subject if rendered else None,
        text=rendered.text if rendered else None,
        as_asked=rendered is not None and rendered.content_hash == asked,
    )
