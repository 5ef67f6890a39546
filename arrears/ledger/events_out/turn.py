"""One turn of the reader, without the database: from records, and the rows that they are about, to the events that are to be told, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from arrears.ledger import cases
from arrears.ledger.events_out import from_rows
from arrears.ledger.events_out.course import DECISIVE, Course
from arrears.ledger.events_out.from_rows import About, Told
from arrears.ledger.events_out.kinds import StageChanged
from arrears.ledger.tables import (
    ApprovalRow,
    ApprovalState,
    AttemptRow,
    CaseEventRow,
    CaseRow,
    HoldRow,
    PaymentReversalRow,
    PaymentRow,
    ReferralRow,
    ReportedContactRow,
    Row,
    WishRow,
)

_MOMENT = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Look:
    """A row that is to be looked at, because it was written at ``at``, or because its time has come. ``last``: nobody wrote it later; ``new``: nor before."""

    at: datetime
    row: Row
    last: bool = True
    new: bool = False


@dataclass(frozen=True)
class Made:
    """An event that is to be told. ``at`` is when the ledger wrote down what it tells."""

    at: datetime
    told: Told


@dataclass
class Known:
    """What a turn knows beside the rows that it looks at.

    What happened before ``since`` is history, unless it was written down later. ``cases`` are all of a loan's, ``people`` the loans that a person owes or is
    tied to, ``wishes`` those of a loan's borrower. ``waiting`` are a case's contacts of which no outcome is known; ``told`` are the keys of all that was
    told of a loan before, to which the turn adds its own; ``stages`` are those of cases of which nothing was told yet.
    """

    now: datetime
    since: datetime
    loans: Mapping[str, About]
    cases: Mapping[str, Sequence[CaseRow]]
    people: Mapping[str, Sequence[str]]
    wishes: Mapping[str, Sequence[WishRow]]
    courses: Mapping[str, Course]
    waiting: Mapping[str, Sequence[AttemptRow]]
    payments: Mapping[str, PaymentRow]
    told: Mapping[str, set[str]]
    stages: dict[str, str] = field(default_factory=dict[str, str])

    def open_case(self, loan_id: str) -> str | None:
        return next((case.id for case in self.cases.get(loan_id, ()) if case.closed_at is None), None)

    def case_at(self, loan_id: str, at: datetime) -> str | None:
        """The loan's case that ran at an instant, else its last one before."""
        case = cases.latest_by(self.cases.get(loan_id, ()), at)
        return case.id if case else None


def tell(looks: Sequence[Look], known: Known) -> Iterator[Made]:
    """What these rows tell that was not told before."""
    for look in looks:
        for loan_id in _loans_of(look.row, known):
            keys = known.told[loan_id]
            for told in _of(look, known, loan_id):
                if told.key not in keys and (look.new or told.event.at >= known.since):
                    keys.add(told.key)
                    yield Made(look.at, told)


def _loans_of(row: Row, known: Known) -> Sequence[str]:
    """The loans that a row is about."""
    match row:
        case WishRow():
            return known.people.get(row.person_id, ())
        case _:
            return (_loan_of(row, known),)


def _loan_of(row: Row, known: Known) -> str:
    match row:
        case CaseRow() | AttemptRow() | ReportedContactRow() | ReferralRow() | HoldRow():
            return row.loan_id
        case CaseEventRow() | ApprovalRow():
            return known.courses[row.case_id].case.loan_id
        case PaymentReversalRow():
            return known.payments[row.payment_id].loan_id
        case _:
            raise TypeError(f"a row of {row.__tablename__} tells nothing")


def _of(look: Look, known: Known, loan_id: str) -> Iterator[Told]:
    about, told, last = known.loans[loan_id], known.told[loan_id], look.last
    case_at = partial(known.case_at, loan_id)
    match look.row:
        case CaseRow() as row:
            yield from from_rows.of_opening(row, about)
            if last and row.closed_at is not None:
                for attempt in known.waiting.get(row.id, ()):
                    yield from from_rows.of_attempt(attempt, about, told, over=True)
                yield from _stages(look, row.id, about, known)
                yield from from_rows.of_end(row, about)
            return
        case CaseEventRow() as row:
            yield from from_rows.of_event(row, about, told, known.wishes.get(loan_id, ()))
        case AttemptRow() as row if last:
            yield from from_rows.of_attempt(row, about, told)
        case ReportedContactRow() as row:
            yield from from_rows.of_reported(row, about, case_at, told)
        case ApprovalRow() as row:
            yield from from_rows.of_approval(row, about, last=last)
        case ReferralRow() as row if last or not look.new:
            yield from from_rows.of_referral(row, about, last=last)
        case HoldRow() as row:
            yield from from_rows.of_hold(row, known.now, case_at, last=last)
        case PaymentReversalRow() as row:
            yield from from_rows.of_reversal(row, known.payments[row.payment_id], case_at)
        case WishRow() as row:
            yield from from_rows.of_wish(row, about, case_at, last=last)
        case _:
            pass
    if (case_id := _case_of(look.row, known)) is not None:
        yield from _stages(look, case_id, about, known)


def _case_of(row: Row, known: Known) -> str | None:
    """The case whose stage a row may decide."""
    match row:
        case CaseEventRow() | ApprovalRow() | ReferralRow():
            return row.case_id
        case HoldRow():
            return row.case_id or known.open_case(row.loan_id)
        case _:
            return None


def _stages(look: Look, case_id: str, about: About, known: Known) -> Iterator[Told]:
    """The changes of a case's stage that a row brings about, compared with the last one that was told."""
    course, told = known.courses[case_id], known.told[about.loan_id]
    for at in _moments(look, course, known, told):
        n, _, before = _last_stage(case_id, told)
        before = before or known.stages.setdefault(case_id, course.stage_at(max(at - _MOMENT, course.case.opened_at)))
        stage = course.stage_at(at)
        if stage != before:
            hold, agency = course.hold_at(at), course.agency_at(at)
            changed = StageChanged(loan_id=about.loan_id, case_id=case_id, at=at, stage=stage, before=before, hold=hold, agency=agency)
            yield Told(f"{_stages_of(case_id)}{n + 1}/{micros(at)}/{stage}", changed)


def _moments(look: Look, course: Course, known: Known, told: set[str]) -> list[datetime]:
    """When the stage is to be looked at: at what the row says, and at what time has brought about since the last change that was told."""
    times = [at for at in _instants(look, known.now) if at >= course.case.opened_at]
    _, since, before = _last_stage(course.case.id, told)
    if before is None or not times:
        return sorted(times)
    return sorted({max(at, since) for at in times} | set(course.turns(since, max(times))))


def _last_stage(case_id: str, told: set[str]) -> tuple[int, datetime, str | None]:
    """How many changes of the case's stage were told, when the last one came about, and what it was."""
    prefix = _stages_of(case_id)
    changes = (key.removeprefix(prefix).split("/", 2) for key in told if key.startswith(prefix))
    return max(((int(n), instant(int(at)), stage) for n, at, stage in changes), default=(0, _EPOCH, None))


def _stages_of(case_id: str) -> str:
    """How the keys of a case's changes begin; they go on with a number, the instant and the stage."""
    return f"case/{case_id}/stage/"


def micros(at: datetime) -> int:
    """An instant as a whole number."""
    return (at - _EPOCH) // _MOMENT


def instant(number: int) -> datetime:
    """The instant that a number of :func:`micros` stands for."""
    return _EPOCH + number * _MOMENT


def _instants(look: Look, now: datetime) -> Iterator[datetime]:
    """When what the row says may have changed a stage."""
    born, became = _times(look.row)
    times = (*born, *became) if look.last else born
    yield from (at for at in times if at is not None and at <= now)


def _times(row: Row) -> tuple[tuple[datetime, ...], tuple[datetime | None, ...]]:
    """The instants of what a row was born with, and of what became of it."""
    match row:
        case CaseRow():
            return (row.opened_at,), (row.closed_at,)
        case CaseEventRow() if row.kind in DECISIVE:
            return (row.at,), ()
        case ApprovalRow():
            expired = row.deadline if row.state is ApprovalState.EXPIRED else None
            return (row.asked_at,), (row.decided_at, row.void_at, expired)
        case ReferralRow() if row.gateway_ref is not None:
            return (row.sent_at,), (row.recalled_at,)
        case HoldRow():
            return (), (row.until,)
        case _:
            return (), ()
