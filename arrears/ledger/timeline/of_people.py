"""What is so about the people of a loan, and what they said: holds, wishes, consents, notices and contacts that others had with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from arrears.domain.outcome import Outcome
from arrears.domain.person import WishKind
from arrears.domain.situation import LENDER
from arrears.ledger import holds
from arrears.ledger.holds import Concerning, Details
from arrears.ledger.tables import ConsentRow, LoanRow, NoticeRow, RelationRow, ReportedContactRow, SubjectKeyRow, WishRow
from arrears.ledger.timeline.entries import CaseAt, EntryKind, TimelineEntry, minute


def once(concerning: Sequence[Concerning]) -> Iterator[Concerning]:
    """Each hold once: the case of another loan that a hold reaches too writes it down as its own when it hears of it."""
    for n, hold in enumerate(concerning):
        heard_by_a_case = hold.row.case_id is not None and hold.row.recorded_at is not None
        if not heard_by_a_case or not any(_is_of_another_loan(hold, before) for before in concerning[:n]):
            yield hold


def _is_of_another_loan(hold: Concerning, before: Concerning) -> bool:
    row, first = hold.row, before.row
    same = (hold.person_id, row.reason, row.until) == (before.person_id, first.reason, first.until)
    stood = first.lifted_at is None or row.placed_at < first.lifted_at
    return same and stood and row.loan_id != first.loan_id and holds.reaches_the_person(row.reason)


def of_hold(hold: Concerning, loan: LoanRow, case_at: CaseAt) -> Iterator[TimelineEntry]:
    row = hold.row
    here, other = row.loan_id == loan.id, None if hold.person_id == loan.borrower_id else hold.person_id
    agency = Details.model_validate(row.details or {}).agency
    about = f"; it is about {other}" if other else ""
    bars = f"; it bars {agency} only" if agency else ""
    reach = "" if here else f"; placed on loan {row.loan_id}, it reaches every loan of {hold.person_id}"
    until = f" until {minute(row.until)}" if row.until else ""

    def entry(at: datetime, known_at: datetime | None, kind: EntryKind, text: str) -> TimelineEntry:
        case_id = (row.case_id if here else None) or case_at(max(at, known_at or at))
        return TimelineEntry(at=at, kind=kind, text=f"{text}{about}{bars}{reach}", case_id=case_id, person_id=other)

    yield entry(row.placed_at, row.recorded_at, EntryKind.HOLD_PLACED, text=f"held for {row.reason}{until}")
    if row.lifted_at is not None:
        yield entry(row.lifted_at, row.lift_recorded_at, EntryKind.HOLD_LIFTED, text=f"no longer held for {row.reason}")


def of_reported(row: ReportedContactRow, loan: LoanRow, case_at: CaseAt) -> TimelineEntry:
    party, outcome = "borrower" if row.person_id == loan.borrower_id else "relative", row.outcome or Outcome.UNKNOWN
    by = "" if row.source == LENDER else f"; told by {row.source}"
    return TimelineEntry(
        at=row.at,
        kind=EntryKind.CONTACT_REPORTED,
        text=f"{row.channel.replace('_', '-')} with {party} reported: {outcome.replace('_', ' ')}{by}",
        case_id=case_at(max(row.at, row.recorded_at)),
        outcome=row.outcome,
        channel=row.channel,
        person_id=row.person_id,
    )


def of_wish(row: WishRow, case_at: CaseAt) -> Iterator[TimelineEntry]:
    match row.kind:
        case WishKind.NO_CONTACT:
            said = "no contact"
        case WishKind.NO_MEDIUM:
            assert row.channel is not None
            said = f"no contact by {row.channel.replace('_', '-')}"
        case WishKind.NO_ADDRESS:
            said = f"no contact at contact point {row.contact_point_id}"
        case WishKind.NO_HOURS:
            said = f"no contact between {row.starts} and {row.ends}"
    of, case_id = row.person_id, case_at(max(row.at, row.recorded_at))
    text = f"{of} wishes {said}"
    yield TimelineEntry(at=row.at, kind=EntryKind.OPT_OUT_RECORDED, text=text, case_id=case_id, channel=row.channel, person_id=of)
    if row.withdrawn_at is not None:
        text, case_id = f"{of} took a wish back: {said}", case_at(max(row.withdrawn_at, row.recorded_at))
        yield TimelineEntry(
            at=row.withdrawn_at, kind=EntryKind.OPT_OUT_WITHDRAWN, text=text, case_id=case_id, channel=row.channel, person_id=of
        )


def of_consent(row: ConsentRow, case_at: CaseAt) -> Iterator[TimelineEntry]:
    of, case_id = row.person_id, case_at(max(row.given_at, row.recorded_at))
    said = row.kind.replace("_", " ")
    by = f"; only by {row.channel.replace('_', '-')}" if row.channel else ""
    hours = f"; only between {row.starts} and {row.ends}" if row.starts else ""
    ends = f"; it ends {minute(row.ends_at)}" if row.ends_at else ""
    text = f"{of} agreed to {said}{by}{hours}{ends}"
    yield TimelineEntry(at=row.given_at, kind=EntryKind.CONSENT_GIVEN, text=text, case_id=case_id, channel=row.channel, person_id=of)
    if row.withdrawn_at is not None:
        text, case_id = f"{of} took a consent back: {said}{by}{hours}", case_at(max(row.withdrawn_at, row.recorded_at))
        yield TimelineEntry(
            at=row.withdrawn_at, kind=EntryKind.CONSENT_WITHDRAWN, text=text, case_id=case_id, channel=row.channel, person_id=of
        )


def of_refusal(row: RelationRow, case_at: CaseAt) -> Iterator[TimelineEntry]:
    if row.refused_at is not None:
        text, case_id = f"{row.person_id} asked never to be contacted again", case_at(row.refused_at)
        yield TimelineEntry(at=row.refused_at, kind=EntryKind.REFUSAL, text=text, case_id=case_id, person_id=row.person_id)


def of_notice(row: NoticeRow, case_at: CaseAt) -> Iterator[TimelineEntry]:
    """A notice that went by a way that is not one of our attempts, and what became of it."""
    for at, kind, became in (
        (row.sent_at, EntryKind.NOTICE_SENT, "sent"),
        (row.delivered_at, EntryKind.NOTICE_DELIVERED, "delivered"),
        (row.bounced_at, EntryKind.NOTICE_RETURNED, "came back"),
    ):
        if at is not None:
            text, case_id = f"notice {row.kind.replace('_', ' ')} to {row.person_id}: {became}", case_at(max(at, row.recorded_at))
            yield TimelineEntry(at=at, kind=kind, text=text, case_id=case_id, person_id=row.person_id)


def of_erased(row: SubjectKeyRow) -> Iterator[TimelineEntry]:
    if row.destroyed_at is not None:
        text = f"{row.person_id} is erased: {row.reason}"
        yield TimelineEntry(at=row.destroyed_at, kind=EntryKind.PERSON_ERASED, text=text, person_id=row.person_id)
